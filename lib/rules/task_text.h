#ifndef RULES_TASK_TEXT_H
#define RULES_TASK_TEXT_H

#include <stdbool.h>

#include "payment/payment.h"

/*
 * The text of a task for the manager who is responsible for a lead.
 *
 * It is made from a template in which {name}, {amount} and {courses} stand for the payer's name,
 * the total with its currency, and the names of the courses, joined by commas.
 */

/* Whether the template can be filled in: it has no other word in braces, and no brace alone. */
bool task_template_valid(const char *template);

/* A new text, with the payment's line of the note behind it, so that the task can be found again:
 * note_is_for() knows it. */
char *task_compose(const char *template, const struct payment *paid);

#endif
