/*
 * One call of amoCRM's API, until it has succeeded or repeating it is of no use.
 *
 * http_client.c performs one exchange and knows nothing of amoCRM; what a status means, and whether
 * the call may be made again, is decided here and only here.  Both depend on what the call does to
 * amoCRM: reading may be repeated always, a creation only when it surely did nothing.  Each try
 * takes a rate slot, so a repetition never exceeds the rate either.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amocrm/call.h"
#include "amocrm/refusal.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/retry.h"
#include "base/text.h"
#include "base/trail.h"

/*
 * What is done for each kind of call: its effect, how it is counted, and its name in the trail for
 * one entity and for several.
 */
static const struct {
	enum call_effect effect;
	enum metrics_call metrics;
	const char *names[2];
} kinds[CALL_KINDS] = {
	[CALL_SEARCH_CONTACTS] = { CALL_READS, METRICS_CONTACT_READ, { "search contacts" } },
	[CALL_SEARCH_LEADS] = { CALL_READS, METRICS_LEAD_READ, { "search leads" } },
	[CALL_NEWEST_CONTACTS] = { CALL_READS, METRICS_CONTACT_READ, { "list newest contacts" } },
	[CALL_NEWEST_LEADS] = { CALL_READS, METRICS_LEAD_READ, { "list newest leads" } },
	[CALL_READ_CONTACT] = { CALL_READS, METRICS_CONTACT_READ, { "read contact" } },
	[CALL_READ_LEAD] = { CALL_READS, METRICS_LEAD_READ, { "read lead" } },
	[CALL_READ_LEADS] = { CALL_READS, METRICS_LEAD_READ, { "read leads" } },
	[CALL_READ_NOTES] = { CALL_READS, METRICS_NOTE_READ, { "read notes" } },
	[CALL_READ_TASKS] = { CALL_READS, METRICS_OTHER_CALL, { "read tasks" } },
	[CALL_READ_ACCOUNT] = { CALL_READS, METRICS_OTHER_CALL, { "read account" } },
	[CALL_READ_FIELDS] = { CALL_READS, METRICS_OTHER_CALL, { "read fields" } },
	[CALL_READ_PIPELINES] = { CALL_READS, METRICS_OTHER_CALL, { "read pipelines" } },
	[CALL_CREATE_CONTACTS] = { CALL_CREATES, METRICS_CONTACT_CREATE,
	    { "create contact", "create contacts" } },
	[CALL_CREATE_LEADS] = { CALL_CREATES, METRICS_LEAD_CREATE,
	    { "create lead", "create leads" } },
	[CALL_CREATE_NOTES] = { CALL_CREATES, METRICS_NOTE_CREATE,
	    { "write note", "write notes" } },
	[CALL_CREATE_TASKS] = { CALL_CREATES, METRICS_OTHER_CALL,
	    { "create task", "create tasks" } },
	[CALL_CHANGE_CONTACTS] = { CALL_CHANGES, METRICS_CONTACT_UPDATE,
	    { "change contact", "change contacts" } },
	[CALL_CHANGE_LEADS] = { CALL_OVERWRITES, METRICS_LEAD_UPDATE,
	    { "change lead", "change leads" } },
};

/* What every account has, be it empty. */
static const bool everywhere[CALL_KINDS] = { [CALL_SEARCH_CONTACTS] = true,
	[CALL_SEARCH_LEADS] = true,
	[CALL_NEWEST_CONTACTS] = true,
	[CALL_NEWEST_LEADS] = true,
	[CALL_READ_LEADS] = true,
	[CALL_READ_ACCOUNT] = true,
	[CALL_READ_FIELDS] = true,
	[CALL_READ_PIPELINES] = true };

static const char *const methods[] = { [CALL_READS] = "GET",
	[CALL_CHANGES] = "PATCH",
	[CALL_OVERWRITES] = "PATCH",
	[CALL_CREATES] = "POST" };

enum call_effect
call_effect(enum call_kind kind)
{
	return kinds[kind].effect;
}

/* What an answer means that proves nothing: reading has no effect that could have taken place. */
static enum outcome
loss_of(enum call_kind kind)
{
	return call_effect(kind) == CALL_READS ? LATER : UNSURE;
}

/* Retry-After may come as a header or as a member of the body. */
static int64_t
advised_wait(const struct http_client_response *answer, const json_t *json)
{
	json_int_t seconds = json_integer_value(json_object_get(json, "retry_after"));

	if (answer->retry_after_ms > 0)
		return answer->retry_after_ms;
	if (seconds <= 0)
		return 0;
	return seconds < LIMITER_HOLD_MAX_MS / 1000 ? seconds * 1000 : LIMITER_HOLD_MAX_MS;
}

/*
 * "No rights": told of one entity, but also of an unpaid account instead of a 402.  The code stands
 * alone in the text, not within the number of a field or a lead.
 */
static bool
lacks_rights(const json_t *json)
{
	static const char code[] = "244";
	const char *detail = json_string_value(json_object_get(json, "detail")), *at = detail;
	size_t length = sizeof(code) - 1;

	if (detail == NULL || json_object_get(json, "validation-errors") != NULL)
		return false;
	for (; (at = strstr(at, code)) != NULL; at += length)
		if ((at == detail || !isdigit((unsigned char)at[-1])) &&
		    !isdigit((unsigned char)at[length]))
			return true;
	return false;
}

/* What a web server says in HTML. */
static bool
is_page(const struct http_client_response *answer)
{
	return !answer->json && answer->body[strspn(answer->body, " \t\r\n")] == '<';
}

/*
 * The account was renamed or moved, or the address never was amoCRM's: a redirection, which is not
 * followed, or a 404 that no account gives.
 */
static bool
leads_nowhere(const struct call_request *asked, const struct http_client_response *answer)
{
	return answer->status / 100 == 3 ||
	    (answer->status == 404 && (is_page(answer) || everywhere[asked->kind]));
}

static enum outcome
refuse_all(const struct caller *caller, int status, const struct http_client_response *answer,
    struct fault *why)
{
	limiter_break(caller->limiter, status);
	return fault_set(why, LATER, "amoCRM refuses everybody: HTTP %d, request id %s",
	    answer->status, answer->request_id);
}

/*
 * A token whose user lacks a right is refused one entity, in JSON; a blocked one is refused
 * everything, by a gateway in HTML, or in JSON that looks the same.  So the account has the last
 * word, which nobody is refused who is let in at all.
 */
static enum outcome
forbid(const struct caller *caller, int status, const struct call_request *asked,
    const struct http_client_response *answer, struct call_response *response, struct fault *why)
{
	response->own = response->json != NULL && asked->kind != CALL_READ_ACCOUNT;
	if (!response->own)
		return refuse_all(caller, status, answer, why);
	return fault_set(why, LATER,
	    "amoCRM does not allow this to the token's user: HTTP %d, request id %s",
	    answer->status, answer->request_id);
}

static enum outcome
refuse(const struct http_client_response *answer, const struct call_response *response,
    struct fault *why)
{
	char refused[160];

	refusal_describe(response->json, refused, sizeof(refused));
	return fault_set(why, NEVER, "amoCRM refuses: HTTP %d%s%s, request id %s", answer->status,
	    refused[0] != '\0' ? ", " : "", refused, answer->request_id);
}

/*
 * What an HTTP status of amoCRM's means for the call; the only place that knows.  Where it sets
 * response->own, that is what amoCRM says, and to be confirmed.
 */
static enum outcome
judge(const struct caller *caller, const struct call_request *asked,
    const struct http_client_response *answer, struct call_response *response, struct fault *why)
{
	if (leads_nowhere(asked, answer)) {
		limiter_break(caller->limiter, answer->status);
		return fault_set(why, loss_of(asked->kind),
		    LIMITER_NO_ACCOUNT ": HTTP %d, request id %s", answer->status,
		    answer->request_id);
	}
	switch (answer->status) {
	case 204:
		return DONE;
	case 200:
	case 201:
	case 202:
		if (response->json != NULL)
			return DONE;
		/*
		 * A success that cannot be read proves nothing: the answer may have been cut off
		 * after its status.
		 */
		return fault_set(why, loss_of(asked->kind),
		    "amoCRM: %s answered %d without readable JSON",
		    methods[call_effect(asked->kind)], answer->status);
	case 401:
	case 402:
		return refuse_all(caller, answer->status, answer, why);
	case 403:
		return forbid(caller, 403, asked, answer, response, why);
	case 429:
		response->advice_ms = advised_wait(answer, response->json);
		limiter_hold(caller->limiter,
		    response->advice_ms > 0 ? response->advice_ms
					    : caller->settings->retry_wait_min_s * 1000);
		return fault_set(why, LATER, "amoCRM asks to wait: HTTP 429, %" PRId64 " ms",
		    response->advice_ms);
	case 404:
		response->own = refusal_is_amocrm(response->json, 404);
		if (!response->own)
			break;
		return refuse(answer, response, why);
	case 400:
		if (lacks_rights(response->json))
			return forbid(caller, 402, asked, answer, response, why);
		/* fallthrough */
	case 405:
	case 409:
	case 413:
	case 415:
	case 422:
		return refuse(answer, response, why);
	default:
		break;
	}
	/* 5xx: a gateway may have given up on a request that is still carried out behind it. */
	response->advice_ms = advised_wait(answer, response->json);
	return fault_set(why, loss_of(asked->kind), "amoCRM: HTTP %d, request id %s",
	    answer->status, answer->request_id);
}

/*
 * Connecting and encrypting may have taken a while since the rate slot was given, so it counts from
 * now.
 */
static void
count_from_now(void *limiter)
{
	limiter_sent(limiter, clock_mono_ms());
}

static void
count_from_arrival(void *limiter, int64_t until_ms)
{
	limiter_on_way(limiter, until_ms);
}

/* Append the try to each trail. */
static void
record(const struct amocrm_context *context, const struct call_request *asked,
    const struct http_client_response *answer)
{
	size_t i;

	for (i = 0; i < context->trail_count; i++)
		trail_add_call(context->trails[i], clock_wall_ms(),
		    kinds[asked->kind].names[asked->several], answer->status, answer->took_ms,
		    answer->request_id);
}

#define HEADER_ROOM (sizeof("X-Request-Id: ") + HTTP_CLIENT_REQUEST_ID_MAX)

/* The header that names the webhook's request as our own log does; NULL when there is none. */
static const char *
header_of(const struct amocrm_context *context, char header[static HEADER_ROOM])
{
	if (context->request_id == NULL || context->request_id[0] == '\0')
		return NULL;
	snprintf(header, HEADER_ROOM, "X-Request-Id: %s", context->request_id);
	return header;
}

/*
 * One try, for which the caller has taken a rate slot.  Afterwards the limiter knows when the slot
 * was really used, the try is counted in the metrics and recorded in each trail, whatever its
 * outcome; an answer sets response->status and json.
 */
static enum outcome
try_once(const struct caller *caller, const struct amocrm_context *context,
    const struct call_request *asked, const char *url, const char *body,
    struct call_response *response, struct fault *why)
{
	enum call_effect effect = call_effect(asked->kind);
	char header[HEADER_ROOM];
	struct http_client_request request = { .method = methods[effect],
		.url = url,
		.body = body,
		.body_size = body != NULL ? strlen(body) : 0,
		.deadline_ms = context->deadline_ms,
		.patience_ms = caller->settings->amo_timeout_ms,
		.once = effect == CALL_CREATES || effect == CALL_OVERWRITES,
		.header = header_of(context, header),
		.leaving = count_from_now,
		.on_way = count_from_arrival,
		.context = caller->limiter };
	struct http_client_response answer = { 0 };
	enum outcome out;

	out = http_client_exchange(caller->http, &request, &answer, why);
	record(context, asked, &answer);
	metrics_call(caller->metrics, kinds[asked->kind].metrics, out == DONE ? answer.status : 0,
	    answer.took_ms);
	if (out != DONE)
		return out;
	response->status = answer.status;
	if (answer.json)
		response->json = json_loadb(answer.body, answer.size, 0, NULL);
	out = judge(caller, asked, &answer, response, why);
	/* Whatever else amoCRM says shows that it lets us in. */
	if (out == DONE || (out == NEVER && !response->own))
		limiter_succeeded(caller->limiter);
	return out;
}

/*
 * Whether the request may still be carried out: no answer came, or a gateway answered in amoCRM's
 * place.
 */
static bool
may_be_under_way(const struct call_response *response)
{
	return response->status == 0 || response->status == 502 || response->status == 504;
}

/* Whether repeating the call soon could help and do no harm. */
static bool
repeatable(const struct caller *caller, const struct call_request *asked,
    const struct call_response *response, enum outcome out)
{
	enum call_effect effect = call_effect(asked->kind);
	struct limiter_state state;

	limiter_look(caller->limiter, &state);
	if (state.open || response->own || (out != LATER && out != UNSURE))
		return false;
	return out == LATER ||
	    !(effect == CALL_CREATES || (effect == CALL_OVERWRITES && may_be_under_way(response)));
}

/* When to try again after this many failures; 0 when the deadline leaves no time for it. */
static int64_t
next_try(const struct caller *caller, const struct amocrm_context *context, unsigned attempt,
    int64_t advice_ms)
{
	const struct settings *set = caller->settings;
	int64_t again = clock_mono_ms() +
	    retry_wait(attempt, set->retry_wait_min_s * 1000, set->retry_wait_max_s * 1000,
		advice_ms, crypto_random_bits());

	return again < context->deadline_ms ? again : 0;
}

/* Rights change seldom; so long an entity that is refused again costs no second request. */
#define LET_IN_MS 10000

/* Whether amoCRM lets us in, which the account tells; *why is set unless it does. */
static bool
lets_us_in(struct caller *caller, const struct amocrm_context *context, struct fault *why)
{
	const struct call_request account = { .kind = CALL_READ_ACCOUNT };
	struct call_response response = { 0 };
	char *url;
	enum outcome out;

	if (clock_mono_ms() < caller->let_in_until_ms)
		return true;
	limiter_probe_again(caller->limiter);
	if (limiter_wait(caller->limiter, context->deadline_ms, why) != DONE)
		return false;
	url = text_format("%s/api/v4/account", caller->settings->amo_base_url);
	out = try_once(caller, context, &account, url, NULL, &response, why);
	free(url);
	if (out == DONE && json_integer_value(json_object_get(response.json, "id")) <= 0)
		out = fault_set(why, LATER, "amoCRM answered without an account");
	json_decref(response.json);
	if (out == DONE)
		caller->let_in_until_ms = clock_mono_ms() + LET_IN_MS;
	return out == DONE;
}

/*
 * Assumes that nothing of this call was sent before.  Each try takes one rate slot and counts as
 * one attempt; a try that was not made (no slot before the deadline, no time left) takes none.
 * UNSURE sticks: once a try may have had its effect, only DONE or NEVER of a later one settles the
 * call.
 */
enum outcome
call_perform(struct caller *caller, const struct amocrm_context *context,
    const struct call_request *asked, struct call_response *response, struct fault *why)
{
	char *url = text_format("%s%s", caller->settings->amo_base_url, asked->path);
	char *body = asked->body != NULL ? json_dumps(asked->body, JSON_COMPACT) : NULL;
	bool unsure = false;
	int64_t again = 0;
	unsigned attempt;
	enum outcome out;

	*response = (struct call_response){ 0 };
	for (attempt = 1;; attempt++) {
		if ((out = limiter_wait(caller->limiter, context->deadline_ms, why)) != DONE)
			break;
		json_decref(response->json);
		*response = (struct call_response){ 0 };
		out = try_once(caller, context, asked, url, body, response, why);
		/* After a try that may have had its effect, no refusal is the last word. */
		if (response->own && (unsure || !lets_us_in(caller, context, why))) {
			response->own = false;
			out = LATER;
		}
		unsure |= out == UNSURE;
		if (attempt >= caller->settings->retry_max_attempts ||
		    !repeatable(caller, asked, response, out))
			break;
		if ((again = next_try(caller, context, attempt, response->advice_ms)) == 0)
			break;
		clock_sleep_until(again);
	}
	free(url);
	free(body);
	/* A later try that surely did nothing says nothing about an earlier one. */
	return out == LATER && unsure ? UNSURE : out;
}
