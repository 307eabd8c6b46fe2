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
write_payment(struct html *page, const struct words *words, const struct status_facts *facts,
    const json_t *row)
{
	char text[WORDS_TEXT];

	html_element(page, "<td class=\"when\">",
	    words_time(words, text, number_of(row, "at"), facts->seen->now_ms / 1000), "</td>");
	html_element(page, "<th scope=\"row\" class=\"id\">", text_of(row, "payment_id"),
	    "</th><td class=\"number\">");
	html_text(page, words_roubles(words, text, number_of(row, "kopecks")));
	html_markup(page, "</td>");
}

static void
write_columns(struct html *page, const struct words *words, const char *fourth, const char *fifth)
{
	html_element(
	    page, "<table class=\"payments\"><thead><tr><th scope=\"col\">", words->time, "</th>");
	html_element(page, "<th scope=\"col\">", words->payment, "</th>");
	html_element(page, "<th scope=\"col\" class=\"number\">", words->amount, "</th>");
	html_element(page, "<th scope=\"col\">", fourth, "</th>");
	html_element(page, "<th scope=\"col\">", fifth, "</th></tr></thead><tbody>");
}

static void
write_retry(struct html *page, const struct words *words, const json_t *row)
{
	html_markup(page,
	    "<td class=\"action\"><form method=\"post\" action=\"/webhook/status\">"
	    "<input type=\"hidden\" name=\"payment\" value=\"");
	html_element(page, "", text_of(row, "payment_id"),
	    "\"><input type=\"hidden\" name=\"token\" value=\"");
	html_element(page, "", text_of(row, "token"), "\"><button aria-label=\"");
	html_fill(page, words->retry_of, text_of(row, "payment_id"));
	html_element(page, "\">", words->retry, "</button></form></td>");
}

void
status_failures(struct html *page, const struct words *words, const struct status_facts *facts)
{
	int64_t all = facts->seen->stats.payments[PAYMENT_FAILED];
	char text[WORDS_TEXT];
	const json_t *row;
	size_t i;

	html_element(page, "<section class=\"card\" id=\"failed\"><h2>", words->failures, "</h2>");
	if (json_array_size(facts->failed) == 0) {
		html_element(page, "<p class=\"none\">", words->no_failures, "</p></section>");
		return;
	}
	write_columns(page, words, words->reason, words->action);
	json_array_foreach(facts->failed, i, row) {
		html_markup(page, "<tr>");
		write_payment(page, words, facts, row);
		html_element(page, "<td class=\"reason\">", text_of(row, "reason"), "</td>");
		write_retry(page, words, row);
		html_markup(page, "</tr>");
	}
	html_markup(page, "</tbody></table>");
	if (all > (int64_t)json_array_size(facts->failed)) {
		html_markup(page, "<p class=\"quiet\">");
		html_fill(page, words->failures_shown, words_count(words, text, all));
		html_markup(page, "</p>");
	}
	html_markup(page, "</section>");
}

void
status_conflicts(struct html *page, const struct words *words, const struct status_facts *facts)
{
	char text[WORDS_TEXT];
	const json_t *row;
	size_t i;

	if (json_array_size(facts->conflicts) == 0)
		return;
	html_element(
	    page, "<section class=\"card\" id=\"conflicts\"><h2>", words->conflicts, "</h2>");
	write_columns(page, words, words->reason, words->lead);
	json_array_foreach(facts->conflicts, i, row) {
		html_markup(page, "<tr>");
		write_payment(page, words, facts, row);
		html_element(page, "<td class=\"reason\">", text_of(row, "reason"),
		    "</td><td class=\"lead\">");
		write_lead(page, facts, number_of(row, "lead_id"));
		html_markup(page, "</td></tr>");
	}
	html_markup(page, "</tbody></table><p class=\"quiet\">");
	html_fill(
	    page, words->conflicts_about, words_count(words, text, facts->seen->stats.conflicts));
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
status_newest(struct html *page, const struct words *words, const struct status_facts *facts)
{
	const json_t *row;
	size_t i;

	html_element(page, "<section class=\"card\"><h2>", words->newest, "</h2>");
	if (json_array_size(facts->newest) == 0) {
		html_element(page, "<p class=\"none\">", words->no_payments, "</p></section>");
		return;
	}
	write_columns(page, words, words->state, words->lead);
	json_array_foreach(facts->newest, i, row) {
		int status = payment_status_parse(text_of(row, "status"));

		html_markup(page, "<tr>");
		write_payment(page, words, facts, row);
		html_format(page, "<td class=\"state\"><span class=\"dot %s\">", kind_of(status));
		html_element(page, "", words->status[status], "</span></td><td class=\"lead\">");
		write_lead(page, facts, number_of(row, "lead_id"));
		html_markup(page, "</td></tr>");
	}
	html_markup(page, "</tbody></table></section>");
}
