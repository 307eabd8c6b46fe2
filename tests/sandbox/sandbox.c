#define _GNU_SOURCE 1
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control.h"
#include "routes.h"
#include "sandbox.h"
#include "seed.h"
#include "text.h"

struct sandbox *
sandbox_new(const struct settings *settings, const char *token, json_t *seed, uint64_t random_seed,
    FILE *log, json_t **mistakes)
{
	struct account *account = seed_load(seed, mistakes);
	struct sandbox *box;
	pthread_condattr_t attributes;

	if (account == NULL) {
		json_decref(seed);
		return NULL;
	}

	box = must(calloc(1, sizeof(*box)));
	pthread_mutex_init(&box->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&box->changed, &attributes);
	pthread_condattr_destroy(&attributes);

	box->settings = box->settings_at_start = *settings;
	box->seed = seed;
	box->token = must(strdup(token));
	box->account = account;
	box->faults = faults_new(random_seed);
	box->limit = limit_new();
	box->journal = journal_new(log);
	return box;
}

void
sandbox_stop(struct sandbox *box)
{
	pthread_mutex_lock(&box->lock);
	box->stopping = true;
	pthread_cond_broadcast(&box->changed);
	pthread_mutex_unlock(&box->lock);
}

void
sandbox_free(struct sandbox *box)
{
	account_free(box->account);
	faults_free(box->faults);
	limit_free(box->limit);
	journal_free(box->journal);
	json_decref(box->seed);
	pthread_cond_destroy(&box->changed);
	pthread_mutex_destroy(&box->lock);
	free(box->token);
	free(box);
}

void
sandbox_reset(struct sandbox *box, struct account *fresh)
{
	account_free(box->account);
	box->account = fresh;
	box->settings = box->settings_at_start;
	clock_set_behind(box->settings.clock_behind_s);
	faults_clear(box->faults);
	limit_clear(box->limit);
	journal_clear(box->journal);
	box->throttled = box->status_429 = 0;
	box->blocked = false;
}

bool
sandbox_await(struct sandbox *box, int64_t deadline_ns)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline_ns / 1000000000),
		.tv_nsec = (long)(deadline_ns % 1000000000),
	};

	if (box->stopping || clock_monotonic_ns() >= deadline_ns)
		return false;

	pthread_cond_timedwait(&box->changed, &box->lock, &until);
	return !box->stopping;
}

/* With the lock held: let others in for so long. */
static void
pause_for(struct sandbox *box, int64_t ms)
{
	int64_t deadline = clock_monotonic_ns() + ms * 1000000;

	while (ms > 0 && sandbox_await(box, deadline))
		continue;
}

/* The multiples of the golden ratio are spread evenly, however many there are. */
static int64_t
next_latency_ms(struct sandbox *box)
{
	uint32_t part = (uint32_t)++box->latencies * 2654435769u;

	return box->settings.latency_ms +
	    (int64_t)((uint64_t)part * ((uint64_t)box->settings.latency_spread_ms + 1) >> 32);
}

/* What stands in front of the API may turn a request away: true if it did. */
static bool
turned_away(
    struct sandbox *box, const struct request *asked, size_t in_second, struct response *given)
{
	if (box->blocked) {
		response_html(given, 403);
		return true;
	}
	if (box->settings.rate > 0 && in_second > (size_t)box->settings.rate) {
		response_problem(given, 429, NULL);
		box->throttled++;
		box->blocked = box->settings.block_after > 0 &&
		    box->throttled >= (size_t)box->settings.block_after;
		return true;
	}
	if (box->settings.require_user_agent &&
	    (asked->user_agent == NULL || *asked->user_agent == '\0')) {
		response_html(given, 403);
		return true;
	}
	return false;
}

static bool
authorised(const struct sandbox *box, const struct request *asked)
{
	static const char scheme[] = "Bearer ";

	return asked->authorization != NULL &&
	    strncasecmp(asked->authorization, scheme, sizeof(scheme) - 1) == 0 &&
	    strcmp(asked->authorization + sizeof(scheme) - 1, box->token) == 0;
}

/* What the API itself says. */
static void
carry_out(struct sandbox *box, const struct request *asked, struct response *given)
{
	struct call call = {
		.account = box->account,
		.settings = &box->settings,
		.asked = asked,
		.now_ns = clock_monotonic_ns(),
	};

	if (authorised(box, asked))
		routes_answer(&call, given);
	else
		response_problem(given, 401, NULL);
}

/* The body as it is told in the log: as JSON if it is JSON. */
static json_t *
logged_body(const struct request *asked)
{
	json_t *body;

	if (asked->body_size == 0)
		return json_null();

	body = json_loadb(asked->body, asked->body_size, JSON_DECODE_ANY, NULL);
	if (body == NULL)
		body = json_stringn(asked->body, asked->body_size);
	return body != NULL ? body : json_string("(not UTF-8)");
}

static void
write_down(struct sandbox *box, const struct request *asked, const struct response *given,
    const char *fault, bool effect)
{
	bool silent = given->delivery == DELIVER_RESET || given->delivery == DELIVER_CUT_HEADER;

	box->status_429 += given->status == 429;
	journal_add(box->journal,
	    json_pack("{s:n, s:f, s:I, s:s, s:s, s:s, s:i, s:b, s:s?, s:s?, s:s, s:o, s:b, s:s?}",
		"seq", "mono_ms", (double)asked->arrived_ns / 1e6, "wall_ms",
		(json_int_t)asked->arrived_wall_ms, "method", asked->method, "path", asked->path,
		"target", asked->target, "status", silent ? 0 : given->status, "authorized",
		(int)authorised(box, asked), "user_agent", asked->user_agent, "request_id",
		asked->request_id, "answer_id", asked->answer_id, "body", logged_body(asked),
		"effect", (int)effect, "fault", fault));
	pthread_cond_broadcast(&box->changed);
}

/* With the lock held. */
static void
answer_api(struct sandbox *box, const struct request *asked, struct response *given)
{
	const struct fault *fault = NULL;
	const char *name = NULL;
	/* It is counted when it arrives, however long it waits then. */
	size_t in_second = limit_note(box->limit, asked->arrived_ns);
	uint64_t revision;

	pause_for(box, next_latency_ms(box));

	/* Is it let in at all? */
	if (turned_away(box, asked, in_second, given)) {
		write_down(box, asked, given, NULL, false);
		return;
	}

	/* Is something to go wrong?  A delay lets the rules change meanwhile, so the rule is not looked at after it. */
	fault = faults_strike(box->faults, asked);
	if (fault != NULL) {
		name = fault_name(fault);
		if (fault_delay_ms(fault) > 0) {
			int64_t delay = fault_delay_ms(fault);

			fault = NULL;
			pause_for(box, delay);
		}
	}

	revision = account_revision(box->account);
	if (fault != NULL && fault_prevents(fault))
		response_json(given, 200, json_pack("{s:{}}", "_embedded"));
	else
		carry_out(box, asked, given);
	if (fault != NULL)
		fault_spoil(fault, given);

	/* Whoever waits for this entry finds its effect in the account. */
	write_down(box, asked, given, name, account_revision(box->account) != revision);
}

void
sandbox_answer(struct sandbox *box, const struct request *asked, struct response *given)
{
	response_init(given, 500);

	pthread_mutex_lock(&box->lock);
	if (strncmp(asked->path, "/_sandbox", 9) == 0)
		control_answer(box, asked, given);
	else
		answer_api(box, asked, given);
	pause_for(box, given->hold_ms);
	pthread_mutex_unlock(&box->lock);
}
