#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_amocrm.h"

int64_t clock_wall_ms(void);

struct amocrm {
	struct limiter *limiter;
};

struct fake_account account;

void
fake_amocrm_reset(void)
{
	json_decref(account.contacts);
	json_decref(account.leads);
	json_decref(account.notes);
	json_decref(account.tasks);
	json_decref(account.refused);
	account = (struct fake_account){ .contacts = json_array(),
		.leads = json_array(),
		.notes = json_array(),
		.tasks = json_array(),
		.refused = json_array(),
		.next_id = 1000,
		.next_update = 1700000000 };
}

static int64_t
number(const json_t *entity, const char *key)
{
	return json_integer_value(json_object_get(entity, key));
}

json_t *
fake_entity(json_t *all, int64_t id)
{
	json_t *one;
	size_t i;

	json_array_foreach(all, i, one)
		if (number(one, "id") == id)
			return one;
	return NULL;
}

static json_t *
all_of(enum amocrm_kind kind)
{
	return kind == AMOCRM_CONTACTS ? account.contacts : account.leads;
}

static const char *
kind_name(enum amocrm_kind kind)
{
	return kind == AMOCRM_CONTACTS ? "contacts" : "leads";
}

int
fake_calls(const char *beginning)
{
	const char *line = account.log;
	int count = 0;

	for (; *line != '\0'; line += strcspn(line, "\n") + 1)
		count += strncmp(line, beginning, strlen(beginning)) == 0;
	return count;
}

/*
 * Calls: each is logged and counted, and may fail before or after its effect.
 */

static bool
fails(enum fake_when when, enum outcome *out, struct fault *why)
{
	size_t i;

	if (account.meanwhile != NULL)
		account.meanwhile(account.calls, when == FAIL_AFTER);
	*out = DONE;
	account.unavailable = false;
	account.too_many = false;
	if (when == FAIL_BEFORE && account.always != DONE)
		*out = account.always;
	for (i = 0; i < FAKE_FAILURES_MAX; i++)
		if (account.failures[i].call == account.calls && account.failures[i].when == when)
			*out = account.failures[i].outcome;
	if (*out == DONE)
		return false;
	account.unavailable = *out == LATER || *out == UNSURE;
	*out = fault_set(why, *out, "the account fails on command");
	return true;
}

/* A reading call changes nothing, so its failures are never UNSURE. */
static enum outcome
read_outcome(enum outcome out)
{
	return out == UNSURE ? LATER : out;
}

static bool begin(enum outcome *out, struct fault *why, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool
begin(enum outcome *out, struct fault *why, const char *format, ...)
{
	size_t used = strlen(account.log);
	va_list args;

	va_start(args, format);
	if (used + 300 < sizeof(account.log))
		vsnprintf(account.log + used, 299, format, args);
	va_end(args);
	strcat(account.log, "\n");
	account.calls++;
	return !fails(FAIL_BEFORE, out, why);
}

enum outcome
amocrm_open(const struct settings *settings, struct limiter *limiter, struct amocrm **crm,
    struct fault *why)
{
	(void)settings, (void)why;
	*crm = calloc(1, sizeof(**crm));
	(*crm)->limiter = limiter;
	return DONE;
}

void
amocrm_close(struct amocrm *crm)
{
	free(crm);
}

void
amocrm_set_metrics(struct amocrm *crm, struct metrics *metrics)
{
	(void)crm, (void)metrics;
}

int64_t
amocrm_clock_ahead_ms(const struct amocrm *crm)
{
	(void)crm;
	return account.clock_ahead_ms;
}

/*
 * Entities.
 */

static bool
is_linked(const json_t *lead, int64_t contact_id)
{
	json_t *link;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(lead, "_embedded"), "contacts"), i, link)
		if (number(link, "id") == contact_id)
			return true;
	return false;
}

json_t *
fake_leads_of(int64_t contact_id)
{
	json_t *leads = json_array(), *lead;
	size_t i;

	json_array_foreach(account.leads, i, lead)
		if (is_linked(lead, contact_id))
			json_array_append(leads, lead);
	return leads;
}

/* Standard fields are written by their code, and have an id all the same. */
static void
give_ids(const json_t *fields)
{
	json_t *field;
	size_t i;

	json_array_foreach(fields, i, field)
		if (json_object_get(field, "field_id") == NULL)
			json_object_set_new(field, "field_id", json_integer(7000));
}

/* An entity as it is given out: a copy, a contact with the ids of its leads. */
static json_t *
given(enum amocrm_kind kind, const json_t *entity)
{
	json_t *copy = json_deep_copy(entity), *links, *leads, *lead;
	size_t i;

	json_object_del(copy, "created_ms");
	give_ids(json_object_get(copy, "custom_fields_values"));
	if (kind == AMOCRM_CONTACTS) {
		links = json_array();
		leads = fake_leads_of(number(entity, "id"));
		json_array_foreach(leads, i, lead)
			json_array_append_new(
			    links, json_pack("{s:I}", "id", (json_int_t)number(lead, "id")));
		json_decref(leads);
		json_object_set_new(copy, "_embedded", json_pack("{s:o}", "leads", links));
	}
	return copy;
}

static json_t *
new_entity(void)
{
	return json_pack("{s:I, s:b, s:I, s:I, s:I, s:n}", "id", (json_int_t)account.next_id++,
	    "is_deleted", 0, "created_at",
	    (json_int_t)((clock_wall_ms() + account.clock_ahead_ms) / 1000), "updated_at",
	    (json_int_t)account.next_update++, "created_ms", (json_int_t)clock_wall_ms(),
	    "custom_fields_values");
}

static const json_t *
field_name(const json_t *field)
{
	const json_t *id = json_object_get(field, "field_id");

	return id != NULL ? id : json_object_get(field, "field_code");
}

static bool
contains(const json_t *names, const json_t *name)
{
	json_t *one;
	size_t i;

	json_array_foreach(names, i, one)
		if (json_equal(one, name))
			return true;
	return false;
}

/* Write the fields of `sent` into the entity, as amoCRM does: a field is replaced whole, others stay. */
static void
write_fields(json_t *entity, const json_t *sent, json_t *dropped)
{
	json_t *fields = json_object_get(entity, "custom_fields_values"), *field, *other;
	size_t i, j;

	if (!json_is_array(fields)) {
		json_object_set_new(entity, "custom_fields_values", json_array());
		fields = json_object_get(entity, "custom_fields_values");
	}
	json_array_foreach(json_object_get(sent, "custom_fields_values"), i, field) {
		const json_t *name = field_name(field);

		if (contains(account.refused, name)) {
			if (!contains(dropped, name))
				json_array_append(dropped, (json_t *)name);
			continue;
		}
		json_array_foreach(fields, j, other) {
			if (json_equal(field_name(other), name)) {
				json_array_remove(fields, j);
				break;
			}
		}
		json_array_append_new(fields, json_deep_copy(field));
	}
}

static void
write_entity(json_t *entity, const json_t *sent, json_t *dropped)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)sent, key, value)
		if (strcmp(key, "custom_fields_values") != 0)
			json_object_set_new(entity, key, json_deep_copy(value));
	write_fields(entity, sent, dropped);
	json_object_set_new(entity, "updated_at", json_integer(account.next_update++));
}

static int64_t
put(enum amocrm_kind kind, const char *fields)
{
	json_t *entity = new_entity();

	json_object_set_new(
	    entity, "custom_fields_values", json_loads(fields, JSON_DECODE_ANY, NULL));
	/* It has been there for long. */
	json_object_set_new(entity, "created_ms", json_integer(0));
	json_object_set_new(entity, "created_at", json_integer(1600000000));
	json_array_append_new(all_of(kind), entity);
	return number(entity, "id");
}

int64_t
fake_contact(const char *fields)
{
	return put(AMOCRM_CONTACTS, fields);
}

int64_t
fake_lead(int64_t contact_id, int64_t status_id, const char *fields)
{
	int64_t id = put(AMOCRM_LEADS, fields);
	json_t *lead = fake_entity(account.leads, id);

	json_object_set_new(lead, "status_id", json_integer(status_id));
	json_object_set_new(lead, "pipeline_id", json_integer(400));
	json_object_set_new(
	    lead, "_embedded", json_pack("{s:[{s:I}]}", "contacts", "id", (json_int_t)contact_id));
	return id;
}

const char *
fake_field(const json_t *entity, int64_t field_id)
{
	static char texts[8][300];
	static unsigned next;
	char *text = texts[next++ % 8];
	json_t *field, *value;
	size_t i;

	text[0] = '\0';
	json_array_foreach(json_object_get(entity, "custom_fields_values"), i, field) {
		if (number(field, "field_id") != field_id)
			continue;
		value = json_array_get(json_object_get(field, "values"), 0);
		if (json_object_get(value, "enum_id") != NULL)
			snprintf(text, sizeof(texts[0]), "%d", (int)number(value, "enum_id"));
		else if (json_is_integer(json_object_get(value, "value")))
			snprintf(text, sizeof(texts[0]), "%" PRId64, number(value, "value"));
		else
			snprintf(text, sizeof(texts[0]), "%s",
			    json_string_value(json_object_get(value, "value")));
	}
	return text;
}

void
fake_set_field(json_t *entity, int64_t field_id, const char *value)
{
	json_t *sent = json_pack("{s:[{s:I, s:[{s:s}]}]}", "custom_fields_values", "field_id",
	    (json_int_t)field_id, "values", "value", value);

	write_entity(entity, sent, NULL);
	json_decref(sent);
}

int
fake_notes(int64_t lead_id, const char *text)
{
	json_t *note;
	size_t i;
	int count = 0;

	json_array_foreach(account.notes, i, note)
		count += (lead_id == 0 || number(note, "entity_id") == lead_id) &&
		    strstr(
			json_string_value(json_object_get(json_object_get(note, "params"), "text")),
			text) != NULL;
	return count;
}

int
fake_tasks(int64_t lead_id, const char *text)
{
	json_t *task;
	size_t i;
	int count = 0;

	json_array_foreach(account.tasks, i, task)
		count += (lead_id == 0 || number(task, "entity_id") == lead_id) &&
		    strstr(json_string_value(json_object_get(task, "text")), text) != NULL;
	return count;
}

/*
 * The API.
 */

/* Strike out what people put between the digits of a phone number. */
static void
close_up(char *text)
{
	char *end = text;

	for (; *text != '\0'; text++)
		if (strchr(" ()-", *text) == NULL)
			*end++ = *text;
	*end = '\0';
}

/* The search looks into everything: here, into the entity's whole text.  Leads are found by their contacts' too. */
static bool
mentions(const json_t *entity, const char *query)
{
	char *text = json_dumps(entity, JSON_COMPACT);
	bool found = strstr(text, query) != NULL;

	close_up(text);
	found |= strstr(text, query) != NULL;
	free(text);
	return found;
}

static bool
matches(enum amocrm_kind kind, const json_t *entity, const char *query)
{
	json_t *contact;
	size_t i;

	if (clock_wall_ms() < number(entity, "created_ms") + account.search_lag_ms)
		return false;
	if (mentions(entity, query))
		return true;
	if (kind == AMOCRM_LEADS)
		json_array_foreach(account.contacts, i, contact)
			if (is_linked(entity, number(contact, "id")) && mentions(contact, query))
				return true;
	return false;
}

enum outcome
amocrm_search(struct amocrm *crm, const struct amocrm_context *context, enum amocrm_kind kind,
    const char *query, json_t **found, struct fault *why)
{
	json_t *hits, *entity;
	enum outcome out;
	size_t i;

	(void)crm, (void)context;
	if (!begin(&out, why, "search %s %s", kind_name(kind), query))
		return read_outcome(out);
	if (account.crowded != NULL && strcmp(query, account.crowded) == 0) {
		account.too_many = true;
		return fault_set(why, NEVER, "more than 5000 contacts match");
	}
	hits = json_array();
	json_array_foreach(all_of(kind), i, entity)
		if (matches(kind, entity, query))
			json_array_append_new(hits, given(kind, entity));
	/* What happens meanwhile is not in the answer. */
	if (fails(FAIL_AFTER, &out, why)) {
		json_decref(hits);
		return read_outcome(out);
	}
	*found = hits;
	return DONE;
}

enum outcome
amocrm_newest(struct amocrm *crm, const struct amocrm_context *context, enum amocrm_kind kind,
    json_t **found, struct fault *why)
{
	json_t *all = all_of(kind), *newest;
	enum outcome out;
	size_t i;

	(void)crm, (void)context;
	if (!begin(&out, why, "newest %s", kind_name(kind)) || fails(FAIL_AFTER, &out, why))
		return read_outcome(out);
	newest = json_array();
	for (i = json_array_size(all); i > 0; i--)
		json_array_append_new(newest, given(kind, json_array_get(all, i - 1)));
	*found = newest;
	return DONE;
}

enum outcome
amocrm_read(struct amocrm *crm, const struct amocrm_context *context, enum amocrm_kind kind,
    int64_t id, json_t **entity, struct fault *why)
{
	const json_t *there;
	enum outcome out;

	(void)crm, (void)context;
	if (!begin(&out, why, "read %s %" PRId64, kind_name(kind), id) ||
	    fails(FAIL_AFTER, &out, why))
		return read_outcome(out);
	there = fake_entity(all_of(kind), id);
	*entity = there != NULL ? given(kind, there) : NULL;
	return DONE;
}

enum outcome
amocrm_read_leads(struct amocrm *crm, const struct amocrm_context *context, const json_t *ids,
    json_t **leads, struct fault *why)
{
	json_t *read, *id, *lead;
	enum outcome out;
	size_t i;

	(void)crm, (void)context;
	if (json_array_size(ids) == 0) {
		*leads = json_array();
		return DONE;
	}
	if (!begin(&out, why, "read %zu leads", json_array_size(ids)) ||
	    fails(FAIL_AFTER, &out, why))
		return read_outcome(out);
	read = json_array();
	json_array_foreach(ids, i, id)
		if ((lead = fake_entity(account.leads, json_integer_value(id))) != NULL)
			json_array_append_new(read, given(AMOCRM_LEADS, lead));
	*leads = read;
	return DONE;
}

/* Those of a lead, newest first. */
static json_t *
of_lead(const json_t *all, int64_t lead_id)
{
	json_t *found = json_array(), *one;
	size_t i;

	for (i = json_array_size(all); i > 0; i--) {
		one = json_array_get(all, i - 1);
		if (number(one, "entity_id") == lead_id)
			json_array_append_new(found, json_deep_copy(one));
	}
	return found;
}

enum outcome
amocrm_notes(struct amocrm *crm, const struct amocrm_context *context, int64_t lead_id,
    json_t **notes, struct fault *why)
{
	enum outcome out;

	(void)crm, (void)context;
	if (!begin(&out, why, "notes %" PRId64, lead_id) || fails(FAIL_AFTER, &out, why))
		return read_outcome(out);
	*notes = of_lead(account.notes, lead_id);
	return DONE;
}

/* The name under which a writing call is logged. */
static bool
begin_writing(enum outcome *out, struct fault *why, enum amocrm_kind kind, const char *verb,
    const struct amocrm_item *items, size_t count)
{
	if (kind == AMOCRM_NOTES || kind == AMOCRM_TASKS)
		return begin(out, why, count > 1 ? "%s %" PRId64 " and %zu more" : "%s %" PRId64,
		    kind == AMOCRM_NOTES ? "note" : "task", number(items[0].entity, "entity_id"),
		    count - 1);
	if (count > 1)
		return begin(out, why, "%s %zu %s", verb, count, kind_name(kind));
	if (items[0].id != 0)
		return begin(out, why, "%s %s %" PRId64, verb, kind_name(kind), items[0].id);
	return begin(out, why, "%s %s", verb, kind_name(kind));
}

static void
end_all(struct amocrm_item *items, size_t count, enum outcome out, const struct fault *why)
{
	size_t i;

	for (i = 0; i < count; i++) {
		items[i].out = out;
		items[i].why = *why;
	}
}

static int64_t
put_entity(enum amocrm_kind kind, const struct amocrm_item *item)
{
	json_t *new;

	if (kind == AMOCRM_NOTES || kind == AMOCRM_TASKS) {
		new = json_deep_copy(item->entity);
		json_object_set_new(new, "id", json_integer(account.next_id++));
		json_array_append_new(kind == AMOCRM_NOTES ? account.notes : account.tasks, new);
	} else {
		new = new_entity();
		write_entity(new, item->entity, item->dropped);
		json_array_append_new(all_of(kind), new);
	}
	return number(new, "id");
}

void
amocrm_create(struct amocrm *crm, const struct amocrm_context *context, enum amocrm_kind kind,
    struct amocrm_item *items, size_t count)
{
	int64_t ids[AMOCRM_ITEMS_MAX];
	struct fault why = { "" };
	enum outcome out;
	size_t i;

	(void)crm, (void)context;
	if (begin_writing(&out, &why, kind, "create", items, count)) {
		for (i = 0; i < count; i++)
			ids[i] = put_entity(kind, &items[i]);
		if (!fails(FAIL_AFTER, &out, &why))
			for (i = 0; i < count; i++)
				items[i].id = ids[i];
	}
	end_all(items, count, out, &why);
}

void
amocrm_update(struct amocrm *crm, const struct amocrm_context *context, enum amocrm_kind kind,
    struct amocrm_item *items, size_t count)
{
	struct fault why = { "" };
	json_t *there;
	enum outcome out;
	size_t i;

	(void)crm, (void)context;
	if (begin_writing(&out, &why, kind, "update", items, count)) {
		for (i = 0; i < count && out == DONE; i++) {
			there = fake_entity(all_of(kind), items[i].id);
			if (there == NULL)
				out = fault_set(&why, NEVER, "amoCRM refuses: HTTP 404");
			else
				write_entity(there, items[i].entity, items[i].dropped);
		}
		if (out == DONE)
			fails(FAIL_AFTER, &out, &why);
	}
	end_all(items, count, out, &why);
}

bool
amocrm_unavailable(const struct amocrm *crm)
{
	(void)crm;
	return account.unavailable;
}

bool
amocrm_too_many(const struct amocrm *crm)
{
	(void)crm;
	return account.too_many;
}

enum outcome
amocrm_tasks(struct amocrm *crm, const struct amocrm_context *context, int64_t lead_id,
    json_t **tasks, struct fault *why)
{
	enum outcome out;

	(void)crm, (void)context;
	if (!begin(&out, why, "tasks %" PRId64, lead_id) || fails(FAIL_AFTER, &out, why))
		return read_outcome(out);
	*tasks = of_lead(account.tasks, lead_id);
	return DONE;
}

/*
 * The account itself has nothing of its own here.
 */

enum outcome
amocrm_all_notes(struct amocrm *crm, const struct amocrm_context *context, int64_t lead_id,
    json_t **notes, struct fault *why)
{
	return amocrm_notes(crm, context, lead_id, notes, why);
}

enum outcome
amocrm_account(
    struct amocrm *crm, const struct amocrm_context *context, json_t **info, struct fault *why)
{
	(void)crm, (void)context, (void)why;
	*info = json_pack("{s:i}", "id", 1);
	return DONE;
}

enum outcome
amocrm_fields(struct amocrm *crm, const struct amocrm_context *context, enum amocrm_kind kind,
    json_t **fields, struct fault *why)
{
	(void)crm, (void)context, (void)kind, (void)why;
	*fields = json_array();
	return DONE;
}

enum outcome
amocrm_pipelines(
    struct amocrm *crm, const struct amocrm_context *context, json_t **pipelines, struct fault *why)
{
	(void)crm, (void)context, (void)why;
	*pipelines = json_array();
	return DONE;
}
