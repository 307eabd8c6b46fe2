#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/number.h"
#include "web/locale.h"

#define NBSP "\xC2\xA0"

static int
plural_english(int64_t count)
{
	return count == 1 ? 0 : 1;
}

/* 1, 21, 31 платёж; 2-4, 22-24 платежа; 5-20, 25-30 платежей. */
static int
plural_russian(int64_t count)
{
	if (count % 10 == 1 && count % 100 != 11)
		return 0;
	return count % 10 >= 2 && count % 10 <= 4 && (count % 100 < 12 || count % 100 > 14) ? 1 : 2;
}

static const struct locale english = {
	.code = "en",
	.title = "Payments to amoCRM",
	.updated = "as of {}",
	.all_well = "All is well",
	.look = "Needs a look",
	.sick = "Not working",
	.periods = { "Today", "7 days", "30 days" },
	.payments = { "payment", "payments", "payments" },
	.status = { "waiting", "in hand", "in amoCRM", "failed", "skipped" },
	.carried = "in amoCRM",
	.waiting = "waiting",
	.failed = "failed",
	.chart = "Payments by day, roubles",
	.chart_about = "Sums by day over the last 30 days; the highest is {}" NBSP "₽.",
	.chart_empty = "No payments in the last 30 days.",
	.table_by_day = "Show as a table",
	.day = "Day",
	.count = "Payments",
	.amount = "Amount",
	.time = "Time",
	.payment = "Payment",
	.lead = "Lead",
	.state = "State",
	.reason = "Reason",
	.action = "Action",
	.now = "Right now",
	.backlog = "Waiting",
	.oldest = "the oldest for {}",
	.nothing_waits = "nothing waits",
	.crm = "amoCRM",
	.crm_refuses = { "amoCRM does not accept the token", "The amoCRM account is not paid for",
	    "amoCRM has forbidden access", "amoCRM refuses every request" },
	.crm_until = "payments are recorded and will go there when access is back",
	.crm_open = "no access: HTTP {}",
	.crm_since = "since {}",
	.crm_well = "takes requests",
	.limiter = "{} requests a second",
	.token = "Token",
	.token_left = "for {} more",
	.unknown = "expiry unknown",
	.last_payment = "Last payment",
	.last_success = "Last delivered",
	.never = "never",
	.failures = "Failed",
	.no_failures = "Nothing has failed.",
	.failures_shown =
	    "The newest 10 of {} are shown.  All of them: paymentctl list --status failed",
	.retry = "Retry",
	.retry_of = "Retry {}",
	.conflicts = "Contradictions",
	.conflicts_about = "Told otherwise than they are known, and kept aside: {}. paymentctl "
			   "show ID --payload tells "
			   "what came; once somebody has looked: paymentctl settle ID.",
	.newest = "Latest payments",
	.no_payments = "No payments yet.",
	.unreadable = "The ledger cannot be read: {}",
	.alarms = { "No payment for {}, which is unusual at these hours",
	    "{} of the webhooks of the last 10 minutes had no valid signature: has the key been "
	    "changed?",
	    "amoCRM's token expires in {}", "The oldest payment has been waiting for {}",
	    "The backlog grows: {} wait" },
	.token_expired = "amoCRM's token has expired",
	.instant = "under a minute",
	.hour = "h",
	.minute = "min",
	.days = "days",
	.months = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
	    "Dec" },
	.thousands = ",",
	.point = ".",
	.plural = plural_english,
};

static const struct locale russian = {
	.code = "ru",
	.title = "Платежи в amoCRM",
	.updated = "данные на {}",
	.all_well = "Всё в порядке",
	.look = "Требует внимания",
	.sick = "Не работает",
	.periods = { "Сегодня", "7 дней", "30 дней" },
	.payments = { "платёж", "платежа", "платежей" },
	.status = { "ждёт", "в работе", "в amoCRM", "не доставлен", "пропущен" },
	.carried = "в amoCRM",
	.waiting = "ждут",
	.failed = "не доставлены",
	.chart = "Платежи по дням, ₽",
	.chart_about = "Суммы по дням за последние 30 дней; наибольшая — {}" NBSP "₽.",
	.chart_empty = "За 30 дней платежей не было.",
	.table_by_day = "Показать таблицей",
	.day = "День",
	.count = "Платежей",
	.amount = "Сумма",
	.time = "Время",
	.payment = "Платёж",
	.lead = "Сделка",
	.state = "Состояние",
	.reason = "Причина",
	.action = "Действие",
	.now = "Сейчас",
	.backlog = "Ждут",
	.oldest = "самый старый ждёт {}",
	.nothing_waits = "очередь пуста",
	.crm = "amoCRM",
	.crm_refuses = { "amoCRM не принимает токен", "Аккаунт amoCRM не оплачен",
	    "amoCRM запретила доступ", "amoCRM отклоняет все запросы" },
	.crm_until = "платежи записываются и уйдут, когда доступ вернётся",
	.crm_open = "доступа нет: HTTP {}",
	.crm_since = "с {}",
	.crm_well = "принимает запросы",
	.limiter = "{} запросов в секунду",
	.token = "Токен",
	.token_left = "ещё {}",
	.unknown = "срок неизвестен",
	.last_payment = "Последний платёж",
	.last_success = "Последняя передача в amoCRM",
	.never = "не было",
	.failures = "Не доставлены",
	.no_failures = "Недоставленных платежей нет.",
	.failures_shown =
	    "Показаны последние 10 из {}. Полный список: paymentctl list --status failed",
	.retry = "Повторить",
	.retry_of = "Повторить {}",
	.conflicts = "Противоречия",
	.conflicts_about = "Пришли не такими, какими известны, и отложены: {}. Что пришло, покажет "
			   "paymentctl show ID "
			   "--payload; когда с этим разобрались: paymentctl settle ID.",
	.newest = "Последние платежи",
	.no_payments = "Платежей ещё не было.",
	.unreadable = "Журнал платежей не читается: {}",
	.alarms = { "Платежей нет уже {}, для этих часов это необычно",
	    "{} вебхуков за последние 10 минут — без верной подписи: не сменился ли ключ?",
	    "Токен amoCRM истекает через {}", "Самый старый платёж ждёт уже {}",
	    "Очередь растёт: ждут {}" },
	.token_expired = "Токен amoCRM истёк",
	.instant = "меньше минуты",
	.hour = "ч",
	.minute = "мин",
	.days = "дн.",
	.months = { "янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя",
	    "дек" },
	.thousands = NBSP,
	.point = ",",
	.plural = plural_russian,
};

/* How much a language is wanted, in thousandths: "ru-RU,ru;q=0.9,en;q=0.8"; 0 when it is not named. */
static int
wanted(const char *header, const char *code)
{
	int most = 0;

	for (; *header != '\0'; header += strcspn(header, ","), header += *header == ',') {
		const char *name = header + strspn(header, " "), *end = name + strcspn(name, ",");
		const char *quality = memchr(name, ';', (size_t)(end - name));
		int much = 1000;

		if (strncasecmp(name, code, 2) != 0 || strchr("-;, ", name[2]) == NULL)
			continue;
		if (quality != NULL && (quality = strstr(quality, "q=")) != NULL && quality < end)
			much = (int)(strtod(quality + 2, NULL) * 1000);
		if (much > most)
			most = much;
	}
	return most;
}

const struct locale *
locale_choose(const char *accept_language)
{
	if (accept_language == NULL)
		return &english;
	return wanted(accept_language, russian.code) > wanted(accept_language, english.code)
	    ? &russian
	    : &english;
}

const char *
locale_count(const struct locale *locale, char text[static LOCALE_TEXT], int64_t count)
{
	char digits[24];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRId64, count), i;
	char *end = text;

	for (i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-')
			end = stpcpy(end, locale->thousands);
		*end++ = digits[i];
	}
	*end = '\0';
	return text;
}

const char *
locale_amount(const struct locale *locale, char text[static LOCALE_TEXT], int64_t kopecks)
{
	size_t length;

	locale_count(locale, text, kopecks / 100);
	length = strlen(text);
	if (kopecks % 100 != 0)
		snprintf(text + length, LOCALE_TEXT - length, "%s%02d", locale->point,
		    abs((int)(kopecks % 100)));
	return text;
}

const char *
locale_roubles(const struct locale *locale, char text[static LOCALE_TEXT], int64_t kopecks)
{
	locale_amount(locale, text, kopecks);
	return strcat(text, NBSP "₽");
}

const char *
locale_span(const struct locale *locale, char text[static LOCALE_TEXT], int64_t seconds)
{
	int64_t minutes = seconds > 0 ? seconds / 60 : 0;

	if (minutes == 0)
		snprintf(text, LOCALE_TEXT, "%s", locale->instant);
	else if (minutes >= 48 * 60)
		snprintf(
		    text, LOCALE_TEXT, "%" PRId64 NBSP "%s", minutes / (24 * 60), locale->days);
	else if (minutes >= 60)
		snprintf(text, LOCALE_TEXT, "%" PRId64 NBSP "%s %" PRId64 NBSP "%s", minutes / 60,
		    locale->hour, minutes % 60, locale->minute);
	else
		snprintf(text, LOCALE_TEXT, "%" PRId64 NBSP "%s", minutes, locale->minute);
	return text;
}

const char *
locale_day(const struct locale *locale, char text[static LOCALE_TEXT], int64_t day)
{
	char date[CLOCK_TEXT] = "";
	int64_t month = 1, day_of_month = 0;

	/* "2025-01-20T.." */
	clock_utc(date, day * 86400);
	if (!number_read(&(const char *){ date + 5 }, 2, 1, 12, &month) ||
	    !number_read(&(const char *){ date + 8 }, 2, 1, 31, &day_of_month))
		return strcpy(text, "");
	snprintf(text, LOCALE_TEXT, "%" PRId64 NBSP "%s", day_of_month, locale->months[month - 1]);
	return text;
}

const char *
locale_time(const struct locale *locale, char text[static LOCALE_TEXT], int64_t at, int64_t now)
{
	char local[CLOCK_TEXT], day[LOCALE_TEXT];

	if (at == 0)
		return strcpy(text, locale->never);
	/* "2025-01-20 14:49:20" */
	clock_local(local, at);
	if (clock_day(at) == clock_day(now))
		snprintf(text, LOCALE_TEXT, "%.5s", local + 11);
	else
		snprintf(text, LOCALE_TEXT, "%.40s, %.5s", locale_day(locale, day, clock_day(at)),
		    local + 11);
	return text;
}
