/*
 * A whole attempt to carry a payment, or two together, against an amoCRM that answers whatever the input says.
 *
 * The first line is the state to begin in, one letter each: what an earlier attempt left behind (n nothing, c l t an open
 * intent on a contact, a lead, totals, a applied), q leads are searched for, x nothing may be created, r the ledger
 * remembers a contact, 2 another payer's new payment is carried with it.  Each further line is one answer: a letter for how
 * (see http_client_exchange() below), then its body.  When they run out, amoCRM cannot be reached.
 *
 * The ledger, the limiter and the locks are replaced by as little as the attempt needs, so that thousands of conversations
 * are held in a second; what is asserted is the write-ahead rule and that nothing is made twice.
 */
#include "../unit/fake_clock.c"

#include "fuzz.h"

#include "amocrm/http_client.h"
#include "deliver/deliver.h"
#include "deliver/job.h"
#include "ledger/attempt.h"
#include "ledger/related.h"

#define BASE       "https://fuzz.example.com"
#define CONTACT_ID 501
#define LEAD_ID    601

static struct settings *settings;
static struct rules *mapping;

/* The conversation. */
static char *answers;
static bool broken;

/* A payment, what the ledger holds of it, and what may have been made for it in amoCRM during this attempt. */
struct subject {
	struct payment *paid;
	struct progress saved;
	bool claimed;
	int ends;
	enum outcome end;
	int64_t next_ms;
	bool made_contact, made_lead, made_note;
	/* Whose ids were written down at some time: such a contact or lead may vanish and be looked for anew. */
	bool knew_contact, knew_lead;
};
static struct subject subjects[2];
static size_t subject_count;
static bool remembered;

/* What was asked. */
static bool asked, resuming;

/* A list was asked for and something else came: nothing may be concluded from it. */
static bool misled;

/* The ledger. */

static struct subject *
subject(int64_t id)
{
	REQUIRE(id >= 1 && id <= (int64_t)subject_count);
	return &subjects[id - 1];
}

static void
save(struct subject *one, const struct progress *at)
{
	struct progress *saved = &one->saved;

	*saved = *at;
	saved->dropped = saved->unmapped = NULL;
	saved->id_before = NULL; /* Not known. */
	one->knew_contact |= saved->contact_id > 0;
	one->knew_lead |= saved->lead_id > 0;
	REQUIRE(saved->intent == INTENT_NONE ? saved->intent_ms == 0 : saved->intent_ms > 0);
	REQUIRE(!(saved->applied && saved->intent != INTENT_NONE));
	REQUIRE(saved->intent != INTENT_TOTALS || saved->lead_id != 0);
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
	free(at->id_before);
	at->dropped = at->unmapped = NULL;
	at->id_before = NULL;
}

enum outcome
ledger_progress(struct ledger *ledger, int64_t id, struct progress *at, struct fault *why)
{
	json_t *dropped = at->dropped, *unmapped = at->unmapped;

	(void)ledger, (void)why;
	*at = subject(id)->saved;
	at->dropped = dropped;
	at->unmapped = unmapped;
	return DONE;
}

enum outcome
ledger_save(struct ledger *ledger, int64_t id, const struct progress *at, struct fault *why)
{
	(void)ledger, (void)why;
	save(subject(id), at);
	return DONE;
}

enum outcome
ledger_intend(struct ledger *ledger, int64_t id, const struct progress *at, bool *wanted,
    struct fault *why)
{
	(void)ledger, (void)why;
	save(subject(id), at);
	*wanted = true;
	return DONE;
}

enum outcome
ledger_save_contact(struct ledger *ledger, int64_t id, const struct progress *at,
    const struct identity *who, size_t count, int64_t now_ms, struct fault *why)
{
	(void)ledger, (void)why, (void)who, (void)count, (void)now_ms;
	REQUIRE(at->contact_id > 0);
	save(subject(id), at);
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
ledger_contact_touched(
    struct ledger *ledger, int64_t contact_id, int64_t since_ms, bool *touched, struct fault *why)
{
	(void)ledger, (void)contact_id, (void)since_ms, (void)why;
	*touched = false;
	return DONE;
}

enum outcome
ledger_blocker(
    struct ledger *ledger, int64_t id, int64_t lead_id, int64_t *blocker, struct fault *why)
{
	(void)ledger, (void)id, (void)lead_id, (void)why;
	*blocker = 0;
	return DONE;
}

enum outcome
ledger_lost_contact(struct ledger *ledger, int64_t id, bool *lost, struct fault *why)
{
	(void)ledger, (void)why;
	*lost = subject(id)->saved.intent == INTENT_CONTACT;
	return DONE;
}

enum outcome
ledger_base_after(struct ledger *ledger, int64_t lead_id, int64_t since_ms, int64_t *total,
    int64_t *count, bool *known, struct fault *why)
{
	(void)ledger, (void)lead_id, (void)since_ms, (void)total, (void)count, (void)why;
	*known = false;
	return DONE;
}

enum outcome
ledger_younger_intent(struct ledger *ledger, int64_t id, int64_t lead_id, int64_t intent_ms,
    int64_t *younger, struct fault *why)
{
	(void)ledger, (void)id, (void)lead_id, (void)intent_ms, (void)why;
	*younger = 0;
	return DONE;
}

enum outcome
ledger_mark(struct ledger *ledger, int64_t *mark, struct fault *why)
{
	(void)ledger, (void)why;
	*mark = 0;
	return DONE;
}

enum outcome
ledger_lead_touched(struct ledger *ledger, int64_t id, int64_t lead_id, int64_t mark, bool *touched,
    struct fault *why)
{
	(void)ledger, (void)id, (void)lead_id, (void)mark, (void)why;
	*touched = false;
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
ledger_claim(struct ledger *ledger, int64_t id, int64_t due_ms, int64_t lease_ms, bool *is_claimed,
    struct fault *why)
{
	(void)ledger, (void)due_ms, (void)why;
	REQUIRE(lease_ms > FAKE_CLOCK_START_MS);
	*is_claimed = subject(id)->claimed = true;
	return DONE;
}

enum outcome
ledger_finish(
    struct ledger *ledger, int64_t id, const struct progress *at, int64_t now_ms, struct fault *why)
{
	struct subject *one = subject(id);

	(void)ledger, (void)now_ms, (void)why;
	save(one, at);
	REQUIRE(at->contact_id > 0 && at->lead_id > 0 && at->note_id > 0);
	REQUIRE(at->applied && at->intent == INTENT_NONE);
	REQUIRE(at->total_after == at->total_before + one->paid->amount);
	REQUIRE(at->count_after == at->count_before + 1);
	one->ends++;
	one->end = DONE;
	return DONE;
}

enum outcome
ledger_fail(struct ledger *ledger, int64_t id, json_t *events, const char *reason, int64_t now_ms,
    struct fault *why)
{
	(void)ledger, (void)events, (void)now_ms, (void)why;
	REQUIRE(reason[0] != '\0');
	subject(id)->ends++;
	subject(id)->end = NEVER;
	return DONE;
}

enum outcome
ledger_postpone(struct ledger *ledger, int64_t id, json_t *events, const char *reason, bool counts,
    int64_t when_ms, struct fault *why)
{
	(void)ledger, (void)events, (void)counts, (void)why;
	REQUIRE(reason[0] != '\0' && when_ms > FAKE_CLOCK_START_MS);
	subject(id)->next_ms = when_ms;
	subject(id)->ends++;
	subject(id)->end = LATER;
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
limiter_on_way(struct limiter *limiter, int64_t until_ms)
{
	(void)limiter, (void)until_ms;
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
	REQUIRE((status >= 401 && status <= 404) || status / 100 == 3);
	broken = true;
}

void
limiter_probe_again(struct limiter *limiter)
{
	(void)limiter;
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

/* The two of a batch have a handle each, and take at most one contact and one lead; a payment alone has none. */
struct locks {
	bool open;
	int64_t held[LOCK_SLOT]; /* 0: none. */
};
static struct locks handles[2];

struct locks *
lock_open_again(const struct locks *locks)
{
	struct locks *again = handles[0].open ? &handles[1] : &handles[0];

	(void)locks;
	again->open = true;
	return again;
}

void
lock_close(struct locks *locks)
{
	if (locks != NULL)
		*locks = (struct locks){ .open = false };
}

enum outcome
lock_take(struct locks *locks, enum lock_range range, const int64_t *numbers, size_t count,
    int64_t deadline_ms, struct fault *why)
{
	const struct locks *other = locks == &handles[0] ? &handles[1] : &handles[0];

	(void)deadline_ms;
	REQUIRE(count >= 1 && count <= LOCK_SET_MAX);
	if (locks == NULL || range == LOCK_CUSTOMER)
		return DONE;
	REQUIRE(count == 1);
	if (other->held[range] == numbers[0])
		return fault_set(why, LATER, "held");
	locks->held[range] = numbers[0];
	return DONE;
}

void
lock_drop(struct locks *locks, enum lock_range range)
{
	if (locks != NULL)
		locks->held[range] = 0;
}

/* amoCRM. */

struct http_client {
	int unused;
};

enum outcome
http_client_open(
    const char *token, const char *ca_file, struct http_client **http, struct fault *why)
{
	static struct http_client one;

	(void)token, (void)ca_file, (void)why;
	*http = &one;
	return DONE;
}

void
http_client_close(struct http_client *http)
{
	(void)http;
}

int64_t
http_client_clock_ahead_ms(const struct http_client *http)
{
	(void)http;
	return 0;
}

char *
http_client_escape(struct http_client *http, const char *text)
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
			return json_string_value(json_object_get(
			    json_array_get(json_object_get(field, "values"), 0), "value"));
	return NULL;
}

/* Whether the values sent are those that were written down. */
static void
check_total(const struct progress *saved, const json_t *entity)
{
	const char *total = total_in(entity);
	char expected[32];

	if (total == NULL)
		return;
	if (saved->total_after % 100 != 0)
		snprintf(expected, sizeof(expected), "%s%lld.%02lld",
		    saved->total_after < 0 ? "-" : "", llabs(saved->total_after) / 100LL,
		    llabs(saved->total_after) % 100LL);
	else
		snprintf(expected, sizeof(expected), "%lld", (long long)saved->total_after / 100);
	REQUIRE(strcmp(total, expected) == 0);
}

static json_int_t
id_of(const json_t *entity, const char *key)
{
	return json_integer_value(json_object_get(entity, key));
}

/* For whose sake an entity is sent; NULL for a contact's filling. */
static struct subject *
sender(const struct http_client_request *request, const json_t *entity)
{
	const char *path = request->url + strlen(BASE "/api/v4/"), *text;
	const json_t *link =
	    json_array_get(json_object_get(json_object_get(entity, "_embedded"), "contacts"), 0);
	bool creates = strcmp(request->method, "POST") == 0;
	long long addressed = 0;
	size_t i;

	sscanf(path, "leads/%lld", &addressed);
	text = json_string_value(json_object_get(json_object_get(entity, "params"), "text"));
	for (i = 0; i < subject_count; i++) {
		struct subject *one = &subjects[i];
		const char *name = json_string_value(json_object_get(entity, "name"));
		json_int_t id = addressed != 0 ? addressed : id_of(entity, "id");

		if (creates && strcmp(path, "contacts") == 0 && name != NULL &&
		    strcmp(name, one->paid->name) == 0)
			return one;
		if (creates && strcmp(path, "leads") == 0 &&
		    id_of(link, "id") == one->saved.contact_id)
			return one;
		if (creates && strcmp(path, "leads/notes") == 0 && text != NULL &&
		    strstr(text, one->paid->key) != NULL)
			return one;
		if (!creates && strncmp(path, "leads", 5) == 0 && id > 0 &&
		    id == one->saved.lead_id && one->saved.intent == INTENT_TOTALS)
			return one;
	}
	REQUIRE(!creates && strncmp(path, "contacts", 8) == 0);
	return NULL;
}

static void
check_entity(const struct http_client_request *request, const json_t *entity)
{
	const char *path = request->url + strlen(BASE "/api/v4/");
	const struct subject *one = sender(request, entity);

	if (one == NULL)
		return;
	REQUIRE(one->claimed);
	if (strcmp(request->method, "PATCH") == 0) {
		check_total(&one->saved, entity);
		return;
	}
	if (strcmp(path, "contacts") == 0)
		REQUIRE(one->saved.intent == INTENT_CONTACT && !one->made_contact);
	else if (strcmp(path, "leads") == 0)
		REQUIRE(one->saved.intent == INTENT_LEAD && one->saved.contact_id > 0 &&
		    !one->made_lead);
	else
		REQUIRE(id_of(entity, "entity_id") == one->saved.lead_id && one->saved.applied &&
		    !one->made_note);
}

/* The entities that a request sends: a list, but for one that is changed by its address. */
static json_t *
entities_of(const struct http_client_request *request)
{
	json_t *body = json_loadb(request->body, request->body_size, 0, NULL), *list;

	REQUIRE(body != NULL);
	if (json_is_array(body))
		return body;
	REQUIRE(strcmp(request->method, "PATCH") == 0);
	list = json_array();
	json_array_append_new(list, body);
	return list;
}

/* Before a request leaves: is it written down, and was nothing like it sent already? */
static void
check_request(const struct http_client_request *request)
{
	bool reads = strcmp(request->method, "GET") == 0;
	json_t *entities, *entity;
	size_t i;

	REQUIRE(strncmp(request->url, BASE "/api/v4/", strlen(BASE "/api/v4/")) == 0);
	REQUIRE((request->body == NULL) == reads);
	if (reads) {
		REQUIRE(!request->once);
		return;
	}
	/* One of two may know what the other does not. */
	REQUIRE(subject_count > 1 || !misled);
	REQUIRE(!resuming || asked); /* Look before acting. */
	REQUIRE(strcmp(request->method, "PATCH") == 0 ||
	    (strcmp(request->method, "POST") == 0 && request->once));
	entities = entities_of(request);
	REQUIRE(json_array_size(entities) >= 1 && json_array_size(entities) <= subject_count);
	json_array_foreach(entities, i, entity)
		check_entity(request, entity);
	json_decref(entities);
}

/* Lists are asked for with a limit. */
static bool
misleads(const struct http_client_request *request, const char *body)
{
	json_t *json = strstr(request->url, "limit=") != NULL ? json_loads(body, 0, NULL) : NULL;
	const char *const names[] = { "contacts", "leads", "notes" };
	bool list = false;
	size_t i;

	if (json == NULL)
		return false;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		list |=
		    json_is_array(json_object_get(json_object_get(json, "_embedded"), names[i]));
	json_decref(json);
	return !list;
}

static void
remember_effect(const struct http_client_request *request)
{
	const char *path = request->url + strlen(BASE "/api/v4/");
	json_t *entities, *entity;
	size_t i;

	if (strcmp(request->method, "POST") != 0)
		return;
	entities = entities_of(request);
	json_array_foreach(entities, i, entity) {
		struct subject *one = sender(request, entity);

		if (strcmp(path, "contacts") == 0)
			one->made_contact = true;
		else if (strcmp(path, "leads") == 0)
			one->made_lead = true;
		else
			one->made_note = true;
	}
	json_decref(entities);
}

enum outcome
http_client_exchange(struct http_client *http, const struct http_client_request *request,
    struct http_client_response *answer, struct fault *why)
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
	*answer = (struct http_client_response){ .body = "" };
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
		misled |= strcmp(request->method, "GET") == 0 && kinds[i].json &&
		    kinds[i].status < 300 && misleads(request, answer->body);
		asked |=
		    strcmp(request->method, "GET") == 0 && kinds[i].effect && kinds[i].status < 300;
		return DONE;
	}
	return fault_set(why, LATER, "out of reach");
}

/* Another payer's payment. */
#define OTHER_BODY                                                                                 \
	"{\"course_order\":{\"status\":\"CONFIRMED\",\"updated_at\":\"2025-01-21 "                 \
	"10:00:00\",\"payment_id\":"                                                               \
	"\"other_2\",\"domain\":\"pl.example.com\",\"course_order_items\":[{\"cost\":700,"         \
	"\"course\":{\"name\":"                                                                    \
	"\"Летний\",\"subject\":{\"name\":\"Физика\",\"project\":\"ЕГЭ\"}}}],\"user\":{\"first_"   \
	"name\":"                                                                                  \
	"\"Пётр\",\"phone\":\"89990001133\"},\"utm\":{\"source\":\"yandex\",\"medium\":\"cpc\"}}}"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	json_t *errors = NULL;
	struct fault why;

	(void)argc, (void)argv;
	settings = fuzz_settings();
	REQUIRE(rules_load(settings, &mapping, &errors, &why) == DONE);
	REQUIRE(payment_parse(FUZZ_BODY, strlen(FUZZ_BODY), &subjects[0].paid, &errors) == DONE);
	REQUIRE(payment_parse(OTHER_BODY, strlen(OTHER_BODY), &subjects[1].paid, &errors) == DONE);
	return 0;
}

static void
begin(const char *state)
{
	const struct payment *paid = subjects[0].paid;
	int64_t before_ms = FAKE_CLOCK_START_MS - 60000;
	struct progress saved = { .contact_id = 0 };
	size_t i;

	fake_clock_reset();
	for (i = 0; i < 2; i++)
		subjects[i] = (struct subject){ .paid = subjects[i].paid };
	subject_count = strchr(state, '2') != NULL ? 2 : 1;
	asked = broken = misled = false;
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
	subjects[0].saved = saved;
}

static void
check_end(const struct subject *one, const struct delivery *delivery)
{
	const struct delivery_result *result = &delivery->result;
	enum outcome out = delivery->out;

	REQUIRE(one->ends == 1 && out == one->end);
	REQUIRE(out == DONE || delivery->why.text[0] != '\0');
	REQUIRE(out != LATER || result->next_ms == one->next_ms);
	REQUIRE(out != DONE || (result->contact_id > 0 && result->lead_id > 0));
	REQUIRE(result->not_found == NULL || (out == NEVER && !settings->create_if_not_found));
	/* What may exist without our knowing its id must be looked for next time. */
	if (one->made_contact && !one->knew_contact && out == LATER)
		REQUIRE(one->saved.intent == INTENT_CONTACT);
	if (one->made_lead && !one->knew_lead && out == LATER)
		REQUIRE(one->saved.intent == INTENT_LEAD);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *input = fuzz_text(data, size);
	struct service service = { .settings = settings, .rules = mapping };
	struct delivery deliveries[2];
	struct fault why = { "" };
	size_t i;

	answers = input;
	begin(strsep(&answers, "\n"));
	for (i = 0; i < subject_count; i++)
		deliveries[i] = (struct delivery){ .paid = subjects[i].paid,
			.attempt = { .id = (int64_t)i + 1, .recorded_ms = FAKE_CLOCK_START_MS } };
	deliveries[0].attempt.deadline_ms = deliveries[0].attempt.lock_deadline_ms =
	    clock_mono_ms() + 30000;
	REQUIRE(amocrm_open(settings, NULL, &service.crm, &why) == DONE);
	deliver_together(&service, deliveries, subject_count, NULL, NULL);
	for (i = 0; i < subject_count; i++) {
		check_end(&subjects[i], &deliveries[i]);
		delivery_result_clear(&deliveries[i].result);
	}
	amocrm_close(service.crm);
	free(input);
	return 0;
}
