#ifndef PAYMENT_NOTE_H
#define PAYMENT_NOTE_H

#include <jansson.h>
#include <stdbool.h>

#include "payment/payment.h"

/*
 * The note that a manager reads in the lead's feed, in Russian: one line per fact, a line whose
 * value is empty is left out, and nothing else changes from payment to payment.
 *
 * 	Оплата проведена
 * 	[Payment ID: <key>]                   (whatever a CRM cuts off, it leaves the head)
 *
 * 	Имя клиента: ...
 * 	Дата/время: 2025-01-20 14:49:20 (Moscow)
 * 	Дата/время UTC: 2025-01-20T11:49:20Z
 * 	Статус: ...        Сумма: 10000 RUB        Метод оплаты: ...
 * 	Курсы:
 * 	  <course> (<subject>)
 * 	Промокод: ...
 * 	TGID: ... | TG Username: @... | Телефон: ...      (each part only where known)
 * 	Источник: <utm source>
 * 	Invoice ID: ...
 * 	Payment ID: <key>                     (so that every note can be found again)
 * 	Предметы без соответствия в amoCRM: ..., ...      (unmapped: JSON array of names)
 * 	Не записаны поля: ..., ...                        (dropped: JSON array of names)
 *
 * unmapped and dropped are borrowed and may be NULL or empty.  Line breaks inside a value become
 * spaces, so that no value can pose as a line of its own.  Returns new text; never NULL (memory
 * exhaustion aborts).
 */
char *note_compose(const struct payment *paid, const json_t *unmapped, const json_t *dropped);

/*
 * The line by which whatever we wrote for this payment is found again: "Payment ID: <key>", new,
 * without a line's end.
 */
char *note_key_line(const struct payment *paid);

/*
 * Whether a note's or a task's text, as amoCRM gives it back, is the one for this payment: it has
 * that line, or what is left of it, or of the head, where texts come back changed (base/shown.h).
 */
bool note_is_for(const char *text, const struct payment *paid);

#endif
