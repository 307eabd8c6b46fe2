/*
 * GET and POST /webhook/status: the page, and its buttons.
 *
 * Who may see the page is decided by the web server, which knows addresses and passwords.  A
 * browser that has been let in can be sent here by any other site, though, with the same rights; so
 * before a button does something, three things must hold: it is a form of this kind, the browser
 * says that it comes from this site, and it carries a token that only a page shown by us has.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "ledger/operator.h"
#include "web/form.h"
#include "web/status.h"
#include "web/status_page.h"

/*
 * The page shows text that came from outside.  It is escaped; should that fail once, the browser
 * still runs no script, loads nothing, shows the page in no other site's frame and sends its forms
 * nowhere but back.  The address of the page is not told to amoCRM when a lead is opened, and no
 * shared cache gives one reader's language to another.
 */
#define PROTECTION                                                                                 \
	"Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "                 \
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'\r\n"                          \
	"X-Frame-Options: DENY\r\n"                                                                \
	"X-Content-Type-Options: nosniff\r\n"                                                      \
	"Referrer-Policy: same-origin\r\n"                                                         \
	"Vary: Accept-Language\r\n"

/* What a button's token is good for: to retry this payment and no other. */
static char *
action_of(const char *payment_id)
{
	return text_format("retry %s", payment_id);
}

static void
add_tokens(json_t *failed, const char *secret, int64_t now)
{
	char token[FORM_TOKEN];
	json_t *row;
	size_t i;

	json_array_foreach(failed, i, row) {
		char *action = action_of(json_string_value(json_object_get(row, "payment_id")));

		json_object_set_new(
		    row, "token", json_string(form_token(token, secret, action, now)));
		free(action);
	}
}

/* The rows of the page's tables.  Owned. */
struct tables {
	json_t *newest, *failed, *conflicts;
};

/*
 * All that the page shows, without the payload of any payment: what is not read cannot be shown by
 * mistake.
 */
static enum outcome
gather(struct worker *worker, struct overview *seen, struct status_facts *facts,
    struct tables *tables, struct fault *why)
{
	int64_t now_ms = clock_wall_ms();
	struct ledger *ledger;
	enum outcome out;

	facts->today = clock_day(now_ms / 1000);
	if ((out = worker_overview(worker, now_ms, seen, why)) != DONE)
		return out;
	ledger = worker->service->ledger;
	if ((out = ledger_days(
		 ledger, facts->today - STATUS_DAYS + 1, STATUS_DAYS, facts->days, why)) != DONE ||
	    (out = ledger_newest(ledger, STATUS_ROWS, &tables->newest, why)) != DONE ||
	    (out = ledger_newest_failed(ledger, STATUS_ROWS, &tables->failed, why)) != DONE ||
	    (out = ledger_newest_conflicts(ledger, STATUS_ROWS, &tables->conflicts, why)) != DONE)
		return out;
	add_tokens(tables->failed, worker->settings->webhook_secret, now_ms / 1000);
	return DONE;
}

void
status_get(
    struct worker *worker, const struct http_request *request, struct http_response *response)
{
	struct status_facts facts = { .account = worker->settings->amo_base_url,
		.rate = worker->settings->amo_rate_limit };
	struct tables tables = { 0 };
	struct overview seen;
	struct fault why;

	if (gather(worker, &seen, &facts, &tables, &why) == DONE) {
		facts.seen = &seen;
		facts.newest = tables.newest;
		facts.failed = tables.failed;
		facts.conflicts = tables.conflicts;
		response->level = RESPONSE_DEBUG;
		response->status = 200;
	} else {
		facts.sick = why.text;
		response->level = RESPONSE_ERROR;
		response->status = 503;
	}
	response_log(response, "status=%s", facts.seen != NULL ? "shown" : why.text);
	response->content_type = "text/html; charset=utf-8";
	response->headers = PROTECTION;
	response->body = status_page(locale_choose(request->accept_language), &facts);
	json_decref(tables.newest);
	json_decref(tables.failed);
	json_decref(tables.conflicts);
}

/*
 * Every browser of today sends one of these headers with a form, and no site can make it lie.  What
 * has neither is no browser that could be misled, and still needs the token.  Only the host is
 * compared, as the scheme is known to the web server alone.
 */
static bool
is_from_our_page(const struct http_request *request)
{
	const char *site = request->sec_fetch_site, *host;

	if (site != NULL && strcmp(site, "same-origin") != 0)
		return false;
	if (request->origin == NULL)
		return true;
	host = strstr(request->origin, "://");
	return host != NULL && request->host != NULL && strcmp(host + 3, request->host) == 0;
}

static bool
is_form(const struct http_request *request)
{
	static const char type[] = "application/x-www-form-urlencoded";

	return request->content_type != NULL &&
	    strncasecmp(request->content_type, type, strlen(type)) == 0;
}

/*
 * The id of the payment whose button was pressed, as a new string; NULL when it was not pressed on
 * our page.  A token that was made for another payment does not hold, so a form cannot be turned to
 * one its reader did not choose.
 */
static char *
pressed(const struct worker *worker, const struct http_request *request)
{
	char *payment_id = form_value(request->body, request->size, "payment");
	char *token = form_value(request->body, request->size, "token");
	char *action = action_of(payment_id != NULL ? payment_id : "");
	bool holds = payment_id != NULL && token != NULL &&
	    form_token_holds(
		token, worker->settings->webhook_secret, action, clock_wall_ms() / 1000);

	free(token);
	free(action);
	if (holds)
		return payment_id;
	free(payment_id);
	return NULL;
}

static void
retry(struct worker *worker, const char *payment_id, struct http_response *response)
{
	char key[RESPONSE_LOG_KEY];
	bool retried = false;
	struct fault why;

	if (!worker_ready(worker, &why)) {
		response_unavailable(response, &why);
	} else if (ledger_retry(worker->service->ledger, payment_id, clock_wall_ms(), &retried,
		       &why) != DONE) {
		worker_reset(worker);
		response_unavailable(response, &why);
	} else {
		response_log(response, "payment=%s retried=%d by=operator",
		    response_log_key(key, payment_id), retried);
		/* 303: reloading the page that follows repeats the GET, not the button. */
		response->status = 303;
		response->headers = PROTECTION "Location: /webhook/status#failed\r\n";
		response->content_type = "text/plain; charset=utf-8";
		response->body = text_copy("");
	}
}

void
status_post(
    struct worker *worker, const struct http_request *request, struct http_response *response)
{
	char *payment_id;

	/* 415 before 403: a program that posts JSON here by mistake is told so. */
	if (request->too_large || request->incomplete || !is_form(request)) {
		response_error(response, 415, "this is not a form of the status page");
	} else if (!is_from_our_page(request) || (payment_id = pressed(worker, request)) == NULL) {
		response_error(
		    response, 403, "the button was not pressed on a fresh status page; reload it");
	} else {
		retry(worker, payment_id, response);
		free(payment_id);
	}
}
