/*
 * The state of the emulated account.
 *
 * Entities are JSON objects in the shape the API shows, except for keys that begin with '~', which are ours:
 *
 *	~cf      {"field id": [stored values]}
 *	~tags    [{"id", "name"}]
 *	~links   on leads: [{"id": contact, "is_main": bool}]
 *	~leads   on contacts: [lead id]
 *	~entity_type  on notes: "leads" or "contacts"
 *
 * A stored value is {"value": x} or, for fields with options, {"enum_id": n} (and "value" beside it for phones and
 * e-mails), so that a renamed or deleted option shows at once.
 *
 * Whatever is returned without "new" is borrowed and lives until the next change.
 */
#ifndef SANDBOX_ACCOUNT_H
#define SANDBOX_ACCOUNT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "index.h"

enum kind {
	CONTACTS,
	LEADS,
	NOTES,
	TASKS
};
#define KINDS 4

enum {
	STATUS_WON = 142,
	STATUS_LOST = 143
};

/* The types of tasks that every account has. */
enum {
	TASK_FOLLOW_UP = 1,
	TASK_MEETING = 2
};

struct account;

struct account *account_new(void);
void account_free(struct account *account);

/* "contacts", "leads", "notes", "tasks"; and back, which is false for another word. */
const char *kind_name(enum kind kind);
bool kind_parse(const char *name, enum kind *kind);

/* id, name, subdomain and other words about the account itself. */
json_t *account_info(const struct account *account);
struct index *account_index(const struct account *account);

/* Counts the changes made since the account exists. */
uint64_t account_revision(const struct account *account);

/* Arrays of users and of pipelines; each pipeline has its "statuses". */
json_t *account_users(const struct account *account);
json_t *account_pipelines(const struct account *account);

/* Object of the field definitions of contacts or leads, keyed by id, in order of creation. */
json_t *account_fields(const struct account *account, enum kind kind);

/* Object of the entities of one kind, keyed by id, in order of creation. */
json_t *account_entities(const struct account *account, enum kind kind);

/* NULL if there is none. */
json_t *account_find(const struct account *account, enum kind kind, int64_t id);
json_t *account_field(const struct account *account, enum kind kind, int64_t id);
json_t *account_field_coded(const struct account *account, enum kind kind, const char *code);
json_t *account_pipeline(const struct account *account, int64_t id);
json_t *account_main_pipeline(const struct account *account);

/* The stage of a pipeline, or NULL; and the first pipeline that has the stage. */
json_t *pipeline_status(const json_t *pipeline, int64_t status);
json_t *account_pipeline_with(const struct account *account, int64_t status);

/* The first stage that is not "unsorted". */
json_t *pipeline_first_status(const json_t *pipeline);

/* Is this the stage where unsorted leads wait? */
bool account_is_unsorted(const struct account *account, int64_t pipeline, int64_t status);

/* Does the user exist and may own things?  0 is the robot and does. */
bool account_has_user(const struct account *account, int64_t id);

/*
 * Carry out a plan made by validate.h: create an entity, or change one.  The plan may carry an "id" for creation, else
 * the next free one is taken.  `due_ns` is when searching sees it.
 */
json_t *account_insert(struct account *account, enum kind kind, const json_t *plan, int64_t due_ns);
void account_change(
    struct account *account, enum kind kind, json_t *entity, const json_t *plan, int64_t due_ns);

/* Link a contact to a lead, or change whether it is the main one; linking twice is harmless. */
void account_link(struct account *account, json_t *lead, int64_t contact, bool is_main);
void account_unlink(struct account *account, json_t *lead, int64_t contact);

/* Remove the entity without a trace, its links too. */
void account_purge(struct account *account, enum kind kind, int64_t id);

/* Note a change that was made from outside, to a field's definition for instance. */
void account_touch(struct account *account);

/* A contact none of whose leads has left the unsorted stage is not among the account's contacts yet. */
bool account_contact_unsorted(const struct account *account, const json_t *contact);

/* The integer under key, 0 if there is none. */
int64_t entity_integer(const json_t *entity, const char *key);
int64_t entity_id(const json_t *entity);
bool entity_deleted(const json_t *entity);

/* The member of an object keyed by id, or NULL; and the same for setting it, which steals the value. */
json_t *keyed_get(const json_t *object, int64_t id);
void keyed_set_new(json_t *object, int64_t id, json_t *value);
void keyed_delete(json_t *object, int64_t id);

/* The object of an array whose "id" is this, or NULL. */
json_t *listed_get(const json_t *array, int64_t id);

#endif
