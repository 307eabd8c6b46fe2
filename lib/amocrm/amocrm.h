#ifndef AMOCRM_AMOCRM_H
#define AMOCRM_AMOCRM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "amocrm/context.h"
#include "base/fault.h"
#include "config/settings.h"
#include "host/limiter.h"
#include "host/metrics.h"

/*
 * The calls of amoCRM's REST API v4 that the service needs, as functions.
 *
 * Every try waits for a rate slot of the limiter, and a call is repeated after passing failures as
 * long as the settings, the deadline and safety allow: a call that creates something is repeated
 * only when its first try surely had no effect.  What refuses everybody opens the limiter's
 * breaker, 429 makes every process wait.
 *
 * Outcomes of all calls:
 *   DONE    amoCRM answered with what was expected.
 *   LATER   amoCRM is busy, slow, down or refuses everybody, or it does not allow this to the
 *           token's user, or what was read has a form that is not understood, or there was no rate
 *           slot before the deadline; nothing was changed, and the same call may succeed later.
 *   UNSURE  an answer was lost or makes no sense: a writing call may have had its effect, so find
 *           out before writing again; a reading call has changed nothing.
 *   NEVER   amoCRM refused this very request, or more was found than is read: the same call would
 *           fail again.
 *   BROKEN  (only amocrm_open) libcurl cannot be used.
 *
 * Each call is given a context: its deadline, the webhook's request that caused it, and the trails
 * that record it.  JSON results are new references of the caller's.
 */
struct amocrm;

enum amocrm_kind {
	AMOCRM_CONTACTS,
	AMOCRM_LEADS,
	AMOCRM_NOTES, /* Of leads; only to be created, */
	AMOCRM_TASKS  /* and these, too. */
};

/* settings and limiter are borrowed.  After fork(2) only. */
enum outcome amocrm_open(const struct settings *settings, struct limiter *limiter,
    struct amocrm **crm, struct fault *why) MUST_USE;
void amocrm_close(struct amocrm *crm); /* NULL is allowed. */

/* All following calls are counted there; borrowed, NULL: nowhere. */
void amocrm_set_metrics(struct amocrm *crm, struct metrics *metrics);

/*
 * Whether the last call ended with LATER or UNSURE, and not because amoCRM does not allow just this
 * to us: it is likely to fail the next one, too.
 */
bool amocrm_unavailable(const struct amocrm *crm);

/* Whether the last call ended with NEVER because more was found than is read. */
bool amocrm_too_many(const struct amocrm *crm);

/* How far amoCRM's clock, which its created_at and updated_at show, is ahead of ours, by its last
 * answer. */
int64_t amocrm_clock_ahead_ms(const struct amocrm *crm);

/*
 * Entities of a kind that amoCRM's full-text search finds, as a new array (empty when it finds
 * none): an absence is as certain as the search index is fresh.  A hit may match in any field
 * whatsoever; check it.  Contacts come with the ids of their leads, leads with the ids of their
 * contacts.
 */
enum outcome amocrm_search(struct amocrm *crm, const struct amocrm_context *context,
    enum amocrm_kind kind, const char *query, json_t **found, struct fault *why) MUST_USE;

/* The entities created last (one page): a list, which unlike the search knows them at once. */
enum outcome amocrm_newest(struct amocrm *crm, const struct amocrm_context *context,
    enum amocrm_kind kind, json_t **found, struct fault *why) MUST_USE;

/* One entity; *entity is NULL when there is none of that id (deleted, merged away). */
enum outcome amocrm_read(struct amocrm *crm, const struct amocrm_context *context,
    enum amocrm_kind kind, int64_t id, json_t **entity, struct fault *why) MUST_USE;

/*
 * The leads of these ids (array of integers) that exist, in any order.  Accounts may ignore or
 * refuse filters, and lists may end early: what was not asked for is dropped, and what did not come
 * is read one by one.
 */
enum outcome amocrm_read_leads(struct amocrm *crm, const struct amocrm_context *context,
    const json_t *ids, json_t **leads, struct fault *why) MUST_USE;

/* One of several entities that are created or changed by one request. */
struct amocrm_item {
	int64_t id; /* Of the entity to change; set to that of a created one with DONE only. */
	const json_t *entity; /* What is sent.  Borrowed, never changed. */
	/*
	 * An array, borrowed: the ids (integers) and codes or names (strings) of refused fields are
	 * appended.
	 */
	json_t *dropped;
	enum outcome out; /* Set: what came of this item. */
	struct fault why; /* Set: why, unless it is DONE. */
};

#define AMOCRM_ITEMS_MAX 50 /* More in one request is advised against. */

/*
 * Create or change up to AMOCRM_ITEMS_MAX entities by one request; each item's `out` says what came
 * of it.  Custom fields that amoCRM refuses (deleted, of another type, unknown choice), and a stage, a
 * pipeline or a responsible user that is gone, are taken out and the rest is sent again; the id or code of each is appended to the item's `dropped` unless
 * it is there already.  An item that is refused for another reason does not keep the others back.
 * A note is an entity with "entity_id" (of its lead), "note_type" and "params"; it is never
 * changed.  Neither is a task, which has "entity_type" ("leads"), "entity_id", "text",
 * "task_type_id" (1 is "follow up"), "complete_till" (Unix seconds) and "responsible_user_id" (whom
 * the token belongs to, where it is absent).
 */
void amocrm_create(struct amocrm *crm, const struct amocrm_context *context, enum amocrm_kind kind,
    struct amocrm_item *items, size_t count);
void amocrm_update(struct amocrm *crm, const struct amocrm_context *context, enum amocrm_kind kind,
    struct amocrm_item *items, size_t count);

/* The ordinary notes of a lead, newest first (the newest 250: ours is never far down). */
enum outcome amocrm_notes(struct amocrm *crm, const struct amocrm_context *context, int64_t lead_id,
    json_t **notes, struct fault *why) MUST_USE;

/* The tasks of a lead, done or not, newest first (at most 250, as for notes). */
enum outcome amocrm_tasks(struct amocrm *crm, const struct amocrm_context *context, int64_t lead_id,
    json_t **tasks, struct fault *why) MUST_USE;

/* All ordinary notes of a lead, for an audit. */
enum outcome amocrm_all_notes(struct amocrm *crm, const struct amocrm_context *context,
    int64_t lead_id, json_t **notes, struct fault *why) MUST_USE;

/*
 * The account itself, as its administrator set it up: its name, id and types of tasks; the custom
 * fields of a kind of entity, with their options; the pipelines, with their stages.
 */
enum outcome amocrm_account(struct amocrm *crm, const struct amocrm_context *context, json_t **info,
    struct fault *why) MUST_USE;
enum outcome amocrm_fields(struct amocrm *crm, const struct amocrm_context *context,
    enum amocrm_kind kind, json_t **fields, struct fault *why) MUST_USE;
enum outcome amocrm_pipelines(struct amocrm *crm, const struct amocrm_context *context,
    json_t **pipelines, struct fault *why) MUST_USE;

#endif
