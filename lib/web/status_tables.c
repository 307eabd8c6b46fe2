#include <string.h>

#include "web/status_tables.h"

static const char *
text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text != NULL ? text : "";
}

static int64_t
number_of(const json_t *row, const char *key)
{
	return json_integer_value(json_object_get(row, key));
}

static void
write_lead(struct html *page, const struct status_facts *facts, int64_t lead_id)
{
	if (lead_id == 0) {
		html_markup(page, "—");
		return;
	}
	html_markup(page, "<a rel=\"noreferrer\" href=\"");
	html_text(page, facts->account);
	html_format(page, "/leads/detail/%lld\">%lld</a>", (long long)lead_id, (long long)lead_id);
}

/* The cells that both tables begin with. */
static void
write_payment(struct html *page, const struct locale *locale, const struct status_facts *facts,
    const json_t *row)
{
	char text[LOCALE_TEXT];

	html_element(page, "<td class=\"when\">",
	    locale_time(locale, text, number_of(row, "at"), facts->seen->now_ms / 1000), "</td>");
	html_element(page, "<th scope=\"row\" class=\"id\">", text_of(row, "payment_id"),
	    "</th><td class=\"number\">");
	html_text(page, locale_roubles(locale, text, number_of(row, "kopecks")));
	html_markup(page, "</td>");
}

static void
write_columns(struct html *page, const struct locale *locale, const char *fourth, const char *fifth)
{
	html_element(
	    page, "<table class=\"payments\"><thead><tr><th scope=\"col\">", locale->time, "</th>");
	html_element(page, "<th scope=\"col\">", locale->payment, "</th>");
	html_element(page, "<th scope=\"col\" class=\"number\">", locale->amount, "</th>");
	html_element(page, "<th scope=\"col\">", fourth, "</th>");
	html_element(page, "<th scope=\"col\">", fifth, "</th></tr></thead><tbody>");
}

static void
write_retry(struct html *page, const struct locale *locale, const json_t *row)
{
	html_markup(page,
	    "<td class=\"action\"><form method=\"post\" action=\"/webhook/status\">"
	    "<input type=\"hidden\" name=\"payment\" value=\"");
	html_element(page, "", text_of(row, "payment_id"),
	    "\"><input type=\"hidden\" name=\"token\" value=\"");
	html_element(page, "", text_of(row, "token"), "\"><button aria-label=\"");
	html_fill(page, locale->retry_of, text_of(row, "payment_id"));
	html_element(page, "\">", locale->retry, "</button></form></td>");
}

void
status_failures(struct html *page, const struct locale *locale, const struct status_facts *facts)
{
	int64_t all = facts->seen->stats.payments[PAYMENT_FAILED];
	char text[LOCALE_TEXT];
	const json_t *row;
	size_t i;

	html_element(page, "<section class=\"card\" id=\"failed\"><h2>", locale->failures, "</h2>");
	if (json_array_size(facts->failed) == 0) {
		html_element(page, "<p class=\"none\">", locale->no_failures, "</p></section>");
		return;
	}
	write_columns(page, locale, locale->reason, locale->action);
	json_array_foreach(facts->failed, i, row) {
		html_markup(page, "<tr>");
		write_payment(page, locale, facts, row);
		html_element(page, "<td class=\"reason\">", text_of(row, "reason"), "</td>");
		write_retry(page, locale, row);
		html_markup(page, "</tr>");
	}
	html_markup(page, "</tbody></table>");
	if (all > (int64_t)json_array_size(facts->failed)) {
		html_markup(page, "<p class=\"quiet\">");
		html_fill(page, locale->failures_shown, locale_count(locale, text, all));
		html_markup(page, "</p>");
	}
	html_markup(page, "</section>");
}

void
status_conflicts(struct html *page, const struct locale *locale, const struct status_facts *facts)
{
	char text[LOCALE_TEXT];
	const json_t *row;
	size_t i;

	if (json_array_size(facts->conflicts) == 0)
		return;
	html_element(
	    page, "<section class=\"card\" id=\"conflicts\"><h2>", locale->conflicts, "</h2>");
	write_columns(page, locale, locale->reason, locale->lead);
	json_array_foreach(facts->conflicts, i, row) {
		html_markup(page, "<tr>");
		write_payment(page, locale, facts, row);
		html_element(page, "<td class=\"reason\">", text_of(row, "reason"),
		    "</td><td class=\"lead\">");
		write_lead(page, facts, number_of(row, "lead_id"));
		html_markup(page, "</td></tr>");
	}
	html_markup(page, "</tbody></table><p class=\"quiet\">");
	html_fill(page, locale->conflicts_about,
	    locale_count(locale, text, facts->seen->stats.conflicts));
	html_markup(page, "</p></section>");
}

static const char *
kind_of(int status)
{
	switch (status) {
	case PAYMENT_SUCCESS:
		return "carried";
	case PAYMENT_FAILED:
		return "failed";
	case PAYMENT_SKIPPED:
		return "skipped";
	default:
		return "waiting";
	}
}

void
status_newest(struct html *page, const struct locale *locale, const struct status_facts *facts)
{
	const json_t *row;
	size_t i;

	html_element(page, "<section class=\"card\"><h2>", locale->newest, "</h2>");
	if (json_array_size(facts->newest) == 0) {
		html_element(page, "<p class=\"none\">", locale->no_payments, "</p></section>");
		return;
	}
	write_columns(page, locale, locale->state, locale->lead);
	json_array_foreach(facts->newest, i, row) {
		int status = payment_status_parse(text_of(row, "status"));

		html_markup(page, "<tr>");
		write_payment(page, locale, facts, row);
		html_format(page, "<td class=\"state\"><span class=\"dot %s\">", kind_of(status));
		html_element(page, "", locale->status[status], "</span></td><td class=\"lead\">");
		write_lead(page, facts, number_of(row, "lead_id"));
		html_markup(page, "</td></tr>");
	}
	html_markup(page, "</tbody></table></section>");
}
