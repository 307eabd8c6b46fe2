#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "document.h"
#include "text.h"

struct account {
	json_t *info;
	json_t *users;
	json_t *pipelines;
	json_t *fields[2]; /* of CONTACTS and LEADS */
	json_t *entities[KINDS];
	int64_t last_id[KINDS];
	int64_t last_tag;
	struct index *index;
	uint64_t revision;
};

static const char *const kind_names[KINDS] = { "contacts", "leads", "notes", "tasks" };

/* Where the ids of each kind begin, far enough apart that one kind's id is never another's. */
static const int64_t first_ids[KINDS] = { 40000001, 10000001, 70000001, 90000001 };

struct account *
account_new(void)
{
	struct account *account = must(calloc(1, sizeof(*account)));

	account->info = json_object();
	account->users = json_array();
	account->pipelines = json_array();
	account->fields[CONTACTS] = json_object();
	account->fields[LEADS] = json_object();
	account->index = index_new();
	for (int i = 0; i < KINDS; i++) {
		account->entities[i] = json_object();
		account->last_id[i] = first_ids[i] - 1;
	}
	return account;
}

void
account_free(struct account *account)
{
	if (account == NULL)
		return;

	json_decref(account->info);
	json_decref(account->users);
	json_decref(account->pipelines);
	json_decref(account->fields[CONTACTS]);
	json_decref(account->fields[LEADS]);
	index_free(account->index);
	for (int i = 0; i < KINDS; i++)
		json_decref(account->entities[i]);
	free(account);
}

const char *
kind_name(enum kind kind)
{
	return kind_names[kind];
}

bool
kind_parse(const char *name, enum kind *kind)
{
	for (int i = 0; name != NULL && i < KINDS; i++) {
		if (strcmp(name, kind_names[i]) == 0) {
			*kind = (enum kind)i;
			return true;
		}
	}
	return false;
}

json_t *
account_info(const struct account *account)
{
	return account->info;
}

struct index *
account_index(const struct account *account)
{
	return account->index;
}

uint64_t
account_revision(const struct account *account)
{
	return account->revision;
}

void
account_touch(struct account *account)
{
	account->revision++;
}

json_t *
account_users(const struct account *account)
{
	return account->users;
}

json_t *
account_pipelines(const struct account *account)
{
	return account->pipelines;
}

json_t *
account_fields(const struct account *account, enum kind kind)
{
	return account->fields[kind == LEADS ? LEADS : CONTACTS];
}

json_t *
account_entities(const struct account *account, enum kind kind)
{
	return account->entities[kind];
}

json_t *
account_find(const struct account *account, enum kind kind, int64_t id)
{
	return keyed_get(account->entities[kind], id);
}

json_t *
account_field(const struct account *account, enum kind kind, int64_t id)
{
	return keyed_get(account_fields(account, kind), id);
}

json_t *
account_field_coded(const struct account *account, enum kind kind, const char *code)
{
	const char *key;
	json_t *field;

	json_object_foreach(account_fields(account, kind), key, field) {
		const char *has = json_string_value(json_object_get(field, "code"));

		if (has != NULL && strcmp(has, code) == 0)
			return field;
	}
	return NULL;
}

bool
account_has_user(const struct account *account, int64_t id)
{
	const json_t *user = listed_get(account->users, id);

	return id == 0 || (user != NULL && !json_is_false(json_object_get(user, "is_active")));
}

/* The entity as it is before anything is said about it; the order of keys is the order the API shows. */
static json_t *
entity_blank(const struct account *account, enum kind kind, int64_t id)
{
	json_int_t now = clock_account_s();
	json_int_t owner = entity_integer(account->info, "current_user_id");
	json_int_t number = entity_id(account->info);
	json_int_t me = id;

	switch (kind) {
	case CONTACTS:
		return json_pack("{s:I s:s s:s s:s s:I s:i s:I s:I s:I s:I s:n s:b s:b s:n s:I}",
		    "id", me, "name", "", "first_name", "", "last_name", "", "responsible_user_id",
		    owner, "group_id", 0, "created_by", owner, "updated_by", owner, "created_at",
		    now, "updated_at", now, "closest_task_at", "is_deleted", 0, "is_unsorted", 0,
		    "custom_fields_values", "account_id", number);
	case LEADS:
		return json_pack(
		    "{s:I s:s s:i s:I s:i s:i s:i s:n s:I s:I s:I s:I s:n s:n s:b s:n s:n s:I s:n}",
		    "id", me, "name", "", "price", 0, "responsible_user_id", owner, "group_id", 0,
		    "status_id", 0, "pipeline_id", 0, "loss_reason_id", "created_by", owner,
		    "updated_by", owner, "created_at", now, "updated_at", now, "closed_at",
		    "closest_task_at", "is_deleted", 0, "custom_fields_values", "score",
		    "account_id", number, "labor_cost");
	case NOTES:
		return json_pack("{s:I s:i s:I s:I s:I s:I s:I s:i s:s s:{} s:I}", "id", me,
		    "entity_id", 0, "created_by", owner, "updated_by", owner, "created_at", now,
		    "updated_at", now, "responsible_user_id", owner, "group_id", 0, "note_type",
		    "common", "params", "account_id", number);
	case TASKS:
	default:
		return json_pack(
		    "{s:I s:I s:I s:I s:I s:I s:i s:n s:n s:n s:b s:i s:s s:[] s:n s:I}", "id", me,
		    "created_by", owner, "updated_by", owner, "created_at", now, "updated_at", now,
		    "responsible_user_id", owner, "group_id", 0, "entity_id", "entity_type",
		    "duration", "is_completed", 0, "task_type_id", 1, "text", "", "result",
		    "complete_till", "account_id", number);
	}
}

/* Values given replace those of the field; null takes the field away. */
static void
merge_fields(json_t *entity, json_t *changes)
{
	json_t *fields = json_object_get(entity, "~cf");
	const char *key;
	json_t *values;

	if (fields == NULL && changes != NULL) {
		fields = json_object();
		json_object_set_new(entity, "~cf", fields);
	}
	json_object_foreach(changes, key, values) {
		if (json_is_null(values))
			json_object_del(fields, key);
		else
			json_object_set(fields, key, values);
	}
}

/* Is this the tag meant, by id or by name? */
static bool
same_tag(const json_t *tag, const json_t *meant)
{
	const char *name = json_string_value(json_object_get(meant, "name"));

	if (name != NULL)
		return strcmp(json_string_value(json_object_get(tag, "name")), name) == 0;

	return entity_id(tag) == entity_id(meant);
}

static void
remove_tag(json_t *tags, const json_t *meant)
{
	for (size_t i = json_array_size(tags); i-- > 0;) {
		if (same_tag(json_array_get(tags, i), meant))
			json_array_remove(tags, i);
	}
}

static void
add_tag(struct account *account, json_t *tags, const json_t *meant)
{
	json_t *name = json_object_get(meant, "name");
	json_int_t id = entity_id(meant);

	remove_tag(tags, meant);
	if (id == 0)
		id = 100000 + ++account->last_tag;
	json_array_append_new(tags,
	    json_pack("{s:I, s:O, s:n}", "id", id, "name", name ? name : json_null(), "color"));
}

/* The plan's tags: a whole new set, then additions, then removals. */
static void
merge_tags(struct account *account, json_t *entity, const json_t *plan)
{
	json_t *tags = json_object_get(entity, "~tags"), *tag;
	size_t i;

	if (tags == NULL) {
		tags = json_array();
		json_object_set_new(entity, "~tags", tags);
	}
	if (json_object_get(plan, "~tags_set") != NULL)
		json_array_clear(tags);
	json_array_foreach(json_object_get(plan, "~tags_set"), i, tag)
		add_tag(account, tags, tag);
	json_array_foreach(json_object_get(plan, "~tags_add"), i, tag)
		add_tag(account, tags, tag);
	json_array_foreach(json_object_get(plan, "~tags_delete"), i, tag)
		remove_tag(tags, tag);
}

static void
merge_plan(
    struct account *account, enum kind kind, json_t *entity, const json_t *plan, int64_t due_ns)
{
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach((json_t *)plan, key, value) {
		if (key[0] != '~' || strcmp(key, "~entity_type") == 0)
			json_object_set(entity, key, value);
	}
	if (kind == CONTACTS || kind == LEADS) {
		merge_fields(entity, json_object_get(plan, "~cf"));
		merge_tags(account, entity, plan);
	}
	json_array_foreach(json_object_get(plan, "~links"), i, value)
		account_link(account, entity, entity_id(value),
		    json_is_true(json_object_get(value, "is_main")));

	document_write(account, kind, entity, due_ns);
	account->revision++;
}

json_t *
account_insert(struct account *account, enum kind kind, const json_t *plan, int64_t due_ns)
{
	int64_t id = entity_id(plan);
	json_t *entity;

	if (id == 0)
		id = account->last_id[kind] + 1;
	if (id > account->last_id[kind])
		account->last_id[kind] = id;

	entity = must(entity_blank(account, kind, id));
	keyed_set_new(account->entities[kind], id, entity);
	if (kind == LEADS && json_object_get(plan, "name") == NULL)
		json_object_set_new(entity, "name", json_sprintf("Сделка #%lld", (long long)id));
	merge_plan(account, kind, entity, plan, due_ns);

	return entity;
}

void
account_change(
    struct account *account, enum kind kind, json_t *entity, const json_t *plan, int64_t due_ns)
{
	json_object_set_new(entity, "updated_at", json_integer(clock_account_s()));
	merge_plan(account, kind, entity, plan, due_ns);
}

void
account_purge(struct account *account, enum kind kind, int64_t id)
{
	json_t *entity = json_incref(account_find(account, kind, id)), *item;
	size_t i;

	if (entity == NULL)
		return;

	while (
	    kind == LEADS && (item = json_array_get(json_object_get(entity, "~links"), 0)) != NULL)
		account_unlink(account, entity, entity_id(item));

	json_array_foreach(kind == CONTACTS ? json_object_get(entity, "~leads") : NULL, i, item) {
		json_t *lead = account_find(account, LEADS, json_integer_value(item));
		json_t *links = json_object_get(lead, "~links");

		for (size_t n = json_array_size(links); n-- > 0;) {
			if (entity_id(json_array_get(links, n)) == id)
				json_array_remove(links, n);
		}
	}

	index_drop(account->index, kind_name(kind), id);
	keyed_delete(account->entities[kind], id);
	json_decref(entity);
	account->revision++;
}
