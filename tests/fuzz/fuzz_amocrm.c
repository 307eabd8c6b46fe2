/*
 * A whole attempt to carry a payment, against an amoCRM that answers whatever the input says.
 *
 * The first line is the state to begin in, one letter each: what an earlier attempt left behind (n nothing, c l t an open
 * intent on a contact, a lead, totals, a applied), q leads are searched for, x nothing may be created, r the ledger
 * remembers a contact.  Each further line is one answer: a letter for how (see http_exchange() below), then its body.
 * When they run out, amoCRM cannot be reached.
 *
 * The ledger, the limiter and the locks are replaced by as little as the attempt needs, so that thousands of conversations
 * are held in a second; what is asserted is the write-ahead rule and that nothing is made twice.
 */
#include "../unit/fake_clock.c"

#include "fuzz.h"

#include "deliver.h"
#include "http.h"
#include "job.h"

#define BASE       "https://fuzz.example.com"
#define CONTACT_ID 501
#define LEAD_ID    601

static struct settings *settings;
static struct mapping *mapping;
static struct payment *paid;

/* The conversation. */
static char *answers;
static bool broken;

/* What the ledger holds. */
static struct progress saved;
static bool remembered, claimed;
static int ends;
static enum outcome end;
static int64_t next_ms;

/* What may have been made in amoCRM during this attempt, and what was asked. */
static bool made_contact, made_lead, made_note, asked, resuming;

/* A list was asked for and something else came: nothing may be concluded from it. */
static bool misled;

/* Whose ids were written down at some time: such a contact or lead may vanish and be looked for anew. */
static bool knew_contact, knew_lead;

/* The ledger. */

static void
save(const struct progress *at)
{
	saved = *at;
	saved.dropped = saved.unmapped = NULL;
	knew_contact |= saved.contact_id > 0;
	knew_lead |= saved.lead_id > 0;
	REQUIRE(saved.intent == INTENT_NONE ? saved.intent_ms == 0 : saved.intent_ms > 0);
	REQUIRE(!(saved.applied && saved.intent != INTENT_NONE));
	REQUIRE(saved.intent != INTENT_TOTALS || saved.lead_id != 0);
}

void
progress_init(struct progress *at)
{
	*at = (struct progress){ .dropped = json_array(), .unmapped = json_array() };
}

void
progress_clear(struct progress *at)
{
	json_decref(at->dropped);
	json_decref(at->unmapped);
	at->dropped = at->unmapped = NULL;
}

enum outcome
ledger_progress(struct ledger *ledger, int64_t id, struct progress *at, struct fault *why)
{
	json_t *dropped = at->dropped, *unmapped = at->unmapped;

	(void)ledger, (void)id, (void)why;
	*at = saved;
	at->dropped = dropped;
	at->unmapped = unmapped;
	return DONE;
}

enum outcome
ledger_save(struct ledger *ledger, int64_t id, const struct progress *at, struct fault *why)
{
	(void)ledger, (void)id, (void)why;
	save(at);
	return DONE;
}

enum outcome
ledger_save_contact(struct ledger *ledger, int64_t id, const struct progress *at, const struct identity *who,
    size_t count, int64_t now_ms, struct fault *why)
{
	(void)ledger, (void)id, (void)why, (void)who, (void)count, (void)now_ms;
	REQUIRE(at->contact_id > 0);
	save(at);
	return DONE;
}

enum outcome
ledger_remembered(struct ledger *ledger, int64_t identity, int64_t *contact_id, struct fault *why)
{
	(void)ledger, (void)identity, (void)why;
	*contact_id = remembered ? CONTACT_ID : 0;
	return DONE;
}

enum outcome
ledger_blocker(struct ledger *ledger, int64_t id, int64_t lead_id, int64_t *blocker, struct fault *why)
{
	(void)ledger, (void)id, (void)lead_id, (void)why;
	*blocker = 0;
	return DONE;
}

enum outcome
ledger_lost_contact(struct ledger *ledger, int64_t id, bool *lost, struct fault *why)
{
	(void)ledger, (void)id, (void)why;
	*lost = saved.intent == INTENT_CONTACT;
	return DONE;
}

enum outcome
ledger_base_after(struct ledger *ledger, int64_t lead_id, int64_t since_ms, int64_t *total, int64_t *count,
    bool *known, struct fault *why)
{
	(void)ledger, (void)lead_id, (void)since_ms, (void)total, (void)count, (void)why;
	*known = false;
	return DONE;
}

enum outcome
ledger_lead_claimed(struct ledger *ledger, int64_t lead_id, bool *is_claimed, struct fault *why)
{
	(void)ledger, (void)lead_id, (void)why;
	*is_claimed = false;
	return DONE;
}

enum outcome
ledger_claim(struct ledger *ledger, int64_t id, int64_t due_ms, int64_t lease_ms, bool *is_claimed, struct fault *why)
{
	(void)ledger, (void)id, (void)due_ms, (void)why;
	REQUIRE(lease_ms > FAKE_CLOCK_START_MS);
	*is_claimed = claimed = true;
	return DONE;
}

enum outcome
ledger_finish(struct ledger *ledger, int64_t id, const struct progress *at, int64_t now_ms, struct fault *why)
{
	(void)ledger, (void)id, (void)now_ms, (void)why;
	save(at);
	REQUIRE(at->contact_id > 0 && at->lead_id > 0 && at->note_id > 0);
	REQUIRE(at->applied && at->intent == INTENT_NONE);
	REQUIRE(at->total_after == at->total_before + paid->amount);
	REQUIRE(at->count_after == at->count_before + 1);
	ends++;
	end = DONE;
	return DONE;
}

enum outcome
ledger_fail(struct ledger *ledger, int64_t id, json_t *events, const char *reason, int64_t now_ms, struct fault *why)
{
	(void)ledger, (void)id, (void)events, (void)now_ms, (void)why;
	REQUIRE(reason[0] != '\0');
	ends++;
	end = NEVER;
	return DONE;
}

enum outcome
ledger_postpone(
    struct ledger *ledger, int64_t id, json_t *events, const char *reason, bool counts, int64_t when_ms, struct fault *why)
{
	(void)ledger, (void)id, (void)events, (void)counts, (void)why;
	REQUIRE(reason[0] != '\0' && when_ms > FAKE_CLOCK_START_MS);
	next_ms = when_ms;
	ends++;
	end = LATER;
	return DONE;
}

/* The limiter and the locks. */

enum outcome
limiter_wait(struct limiter *limiter, int64_t deadline_ms, struct fault *why)
{
	(void)limiter, (void)deadline_ms;
	return broken ? fault_set(why, LATER, "refused") : DONE;
}

void
limiter_sent(struct limiter *limiter, int64_t sent_ms)
{
	(void)limiter, (void)sent_ms;
}

void
limiter_answered(struct limiter *limiter, int64_t sent_ms)
{
	(void)limiter, (void)sent_ms;
}

void
limiter_hold(struct limiter *limiter, int64_t wait_ms)
{
	(void)limiter;
	REQUIRE(wait_ms >= 0);
}

void
limiter_break(struct limiter *limiter, int status)
{
	(void)limiter;
	REQUIRE(status == 401 || status == 402 || status == 403);
	broken = true;
}

void
limiter_succeeded(struct limiter *limiter)
{
	(void)limiter;
	broken = false;
}

void
limiter_look(struct limiter *limiter, struct limiter_state *state)
{
	(void)limiter;
	*state = (struct limiter_state){ .open = broken, .status = broken ? 403 : 0 };
}

enum outcome
lock_take(struct locks *locks, enum lock_range range, const int64_t *numbers, size_t count,
    int64_t deadline_ms, struct fault *why)
{
	(void)locks, (void)range, (void)numbers, (void)deadline_ms, (void)why;
	REQUIRE(count >= 1 && count <= LOCK_SET_MAX);
	return DONE;
}

void
lock_drop(struct locks *locks, enum lock_range range)
{
	(void)locks, (void)range;
}

/* amoCRM. */

struct http {
	int unused;
};

enum outcome
http_open(const char *token, const char *ca_file, struct http **http, struct fault *why)
{
	static struct http one;

	(void)token, (void)ca_file, (void)why;
	*http = &one;
	return DONE;
}

void
http_close(struct http *http)
{
	(void)http;
}

char *
http_escape(struct http *http, const char *text)
{
	(void)http;
	return strdup(text);
}

static const char *
total_in(const json_t *entity)
{
	const json_t *field;
	size_t i;

	json_array_foreach(json_object_get(entity, "custom_fields_values"), i, field)
		if (json_integer_value(json_object_get(field, "field_id")) == FUZZ_TOTAL)
			return json_string_value(
			    json_object_get(json_array_get(json_object_get(field, "values"), 0), "value"));
	return NULL;
}

/* Whether the values sent are those that were written down. */
static void
check_total(const json_t *entity)
{
	const char *total = total_in(entity);
	char expected[32];

	if (total == NULL)
		return;
	if (saved.intent == INTENT_TOTALS) {
		if (saved.total_after % 100 != 0)
			snprintf(expected, sizeof(expected), "%s%lld.%02lld",
			    saved.total_after < 0 ? "-" : "", llabs(saved.total_after) / 100LL,
			    llabs(saved.total_after) % 100LL);
		else
			snprintf(expected, sizeof(expected), "%lld", (long long)saved.total_after / 100);
		REQUIRE(strcmp(total, expected) == 0);
	}
}

/* Before a request leaves: is it written down, and was nothing like it sent already? */
static void
check_request(const struct http_request *request)
{
	const char *path = request->url + strlen(BASE);
	json_t *body = request->body != NULL ? json_loadb(request->body, request->body_size, 0, NULL) : NULL;
	long long id = 0;

	REQUIRE(strncmp(request->url, BASE "/api/v4/", strlen(BASE "/api/v4/")) == 0);
	if (strcmp(request->method, "GET") == 0) {
		REQUIRE(request->body == NULL && !request->once);
		return;
	}
	REQUIRE(body != NULL && claimed);
	REQUIRE(!misled);
	REQUIRE(!resuming || asked); /* Look before acting. */
	if (strcmp(request->method, "PATCH") == 0) {
		if (sscanf(path, "/api/v4/leads/%lld", &id) == 1) {
			REQUIRE(saved.intent == INTENT_TOTALS && saved.lead_id == id && id > 0);
			check_total(body);
		} else {
			REQUIRE(sscanf(path, "/api/v4/contacts/%lld", &id) == 1 && id > 0);
		}
	} else {
		REQUIRE(strcmp(request->method, "POST") == 0 && request->once);
		if (strcmp(path, "/api/v4/contacts") == 0)
			REQUIRE(saved.intent == INTENT_CONTACT && !made_contact);
		else if (strcmp(path, "/api/v4/leads") == 0)
			REQUIRE(saved.intent == INTENT_LEAD && saved.contact_id > 0 && !made_lead);
		else
			REQUIRE(sscanf(path, "/api/v4/leads/%lld/notes", &id) == 1 && id == saved.lead_id &&
			    saved.applied && !made_note);
	}
	json_decref(body);
}

/* Lists are asked for with a limit. */
static bool
misleads(const struct http_request *request, const char *body)
{
	json_t *json = strstr(request->url, "limit=") != NULL ? json_loads(body, 0, NULL) : NULL;
	const char *const names[] = { "contacts", "leads", "notes" };
	bool list = false;
	size_t i;

	if (json == NULL)
		return false;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		list |= json_is_array(json_object_get(json_object_get(json, "_embedded"), names[i]));
	json_decref(json);
	return !list;
}

static void
remember_effect(const struct http_request *request)
{
	const char *path = request->url + strlen(BASE);

	if (strcmp(request->method, "POST") != 0)
		return;
	if (strcmp(path, "/api/v4/contacts") == 0)
		made_contact = true;
	else if (strcmp(path, "/api/v4/leads") == 0)
		made_lead = true;
	else
		made_note = true;
}

enum outcome
http_exchange(
    struct http *http, const struct http_request *request, struct http_answer *answer, struct fault *why)
{
	static const struct {
		char letter;
		int status;
		bool json, effect;
	} kinds[] = { { '2', 200, true, true }, { '1', 201, true, true }, { '0', 204, false, true },
		{ 'J', 200, false, true }, { '4', 400, true, false }, { 'F', 404, true, false },
		{ 'V', 422, true, false }, { 'T', 429, true, false }, { 'U', 401, true, false },
		{ 'B', 403, false, false }, { 'S', 500, true, true }, { 'G', 502, false, true },
		{ 'R', 302, false, true } };
	char *line = answers != NULL ? strsep(&answers, "\n") : NULL;
	size_t i;

	(void)http;
	check_request(request);
	*answer = (struct http_answer){ .body = "", .sent_ms = clock_mono_ms() };
	if (line != NULL && line[0] == 'N') {
		remember_effect(request);
		return fault_set(why, UNSURE, "lost");
	}
	for (i = 0; line != NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].letter != line[0])
			continue;
		if (kinds[i].effect)
			remember_effect(request);
		answer->status = kinds[i].status;
		answer->json = kinds[i].json;
		answer->body = kinds[i].status == 204 ? "" : line + 1;
		answer->size = strlen(answer->body);
		misled |= strcmp(request->method, "GET") == 0 && kinds[i].json && kinds[i].status < 300 &&
		    misleads(request, answer->body);
		asked |= strcmp(request->method, "GET") == 0 && kinds[i].effect && kinds[i].status < 300;
		return DONE;
	}
	return fault_set(why, LATER, "out of reach");
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	json_t *mistakes = NULL;
	struct fault why;

	(void)argc, (void)argv;
	settings = fuzz_settings();
	REQUIRE(mapping_load(settings, &mapping, &mistakes, &why) == DONE);
	REQUIRE(payment_parse(FUZZ_BODY, strlen(FUZZ_BODY), &paid, &mistakes) == DONE);
	return 0;
}

static void
begin(const char *state)
{
	int64_t before_ms = FAKE_CLOCK_START_MS - 60000;

	fake_clock_reset();
	memset(&saved, 0, sizeof(saved));
	made_contact = made_lead = made_note = asked = claimed = broken = misled = knew_contact = knew_lead =
	    false;
	ends = 0;
	resuming = strpbrk(state, "clta") != NULL;
	remembered = strchr(state, 'r') != NULL;
	settings->lead_lookup = strchr(state, 'q') != NULL ? LEAD_LOOKUP_QUERY : LEAD_LOOKUP_LINKED;
	settings->create_if_not_found = strchr(state, 'x') == NULL;
	switch (resuming ? *strpbrk(state, "clta") : 'n') {
	case 'c':
		saved.intent = INTENT_CONTACT;
		saved.intent_ms = before_ms;
		break;
	case 'l':
		saved.intent = INTENT_LEAD;
		saved.intent_ms = before_ms;
		saved.contact_id = CONTACT_ID;
		saved.total_after = paid->amount;
		saved.count_after = 1;
		break;
	case 't':
		saved.intent = INTENT_TOTALS;
		saved.intent_ms = before_ms;
		saved.contact_id = CONTACT_ID;
		saved.lead_id = LEAD_ID;
		saved.total_before = 100000;
		saved.total_after = saved.total_before + paid->amount;
		saved.count_before = 1;
		saved.count_after = 2;
		break;
	case 'a':
		saved.applied = true;
		saved.contact_id = CONTACT_ID;
		saved.lead_id = LEAD_ID;
		saved.total_after = paid->amount;
		saved.count_after = 1;
		break;
	default:
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *input = fuzz_text(data, size);
	struct carrier carrier = { .settings = settings, .mapping = mapping };
	struct attempt attempt = { .id = 1, .recorded_ms = FAKE_CLOCK_START_MS };
	struct delivery delivery;
	struct fault why = { "" };
	enum outcome out;

	answers = input;
	begin(strsep(&answers, "\n"));
	attempt.deadline_ms = attempt.lock_deadline_ms = clock_mono_ms() + 30000;
	REQUIRE(amocrm_open(settings, NULL, &carrier.crm, &why) == DONE);
	out = deliver(&carrier, paid, &attempt, &delivery, &why);
	REQUIRE(ends == 1 && out == end);
	REQUIRE(out == DONE || why.text[0] != '\0');
	REQUIRE(out != LATER || delivery.next_ms == next_ms);
	REQUIRE(out != DONE || (delivery.contact_id > 0 && delivery.lead_id > 0));
	REQUIRE(delivery.not_found == NULL || (out == NEVER && !settings->create_if_not_found));
	/* What may exist without our knowing its id must be looked for next time. */
	if (made_contact && !knew_contact && out == LATER)
		REQUIRE(saved.intent == INTENT_CONTACT);
	if (made_lead && !knew_lead && out == LATER)
		REQUIRE(saved.intent == INTENT_LEAD);
	delivery_clear(&delivery);
	amocrm_close(carrier.crm);
	free(input);
	return 0;
}
