#define _GNU_SOURCE 1
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "mistake.h"
#include "seed.h"
#include "show.h"
#include "text.h"

struct control {
	struct sandbox *box;
	const struct request *asked;
	json_t *body;     /* NULL if none was sent */
	const char *word; /* what stands for '*' in the route, up to the next slash; may be NULL */
	int64_t ids[2];
};

static void
done(struct response *given, json_t *body)
{
	response_json(given, 200, body);
	given->type = "application/json";
}

static void
wrong(struct response *given, const char *why)
{
	response_json(given, 400, json_pack("{s:s}", "error", why));
	given->type = "application/json";
}

/* Mistakes are stolen. */
static void
wrong_all(struct response *given, json_t *mistakes)
{
	response_json(
	    given, 400, json_pack("{s:s, s:o}", "error", "not possible", "mistakes", mistakes));
	given->type = "application/json";
}

static void
missing(struct response *given)
{
	response_json(given, 404, json_pack("{s:s}", "error", "there is no such thing"));
	given->type = "application/json";
}

static void
state_get(const struct control *control, struct response *given)
{
	json_t *state = json_object();

	for (int i = 0; i < KINDS; i++) {
		enum kind kind = (enum kind)i;
		json_t *all = json_array(), *entity;
		const char *key;

		json_object_foreach(account_entities(control->box->account, kind), key, entity)
			json_array_append_new(all, show_state(control->box->account, kind, entity));
		json_object_set_new(state, kind_name(kind), all);
	}
	json_object_set_new(state, "last_seq", json_integer(journal_last(control->box->journal)));
	done(given, state);
}

static void
reset_post(const struct control *control, struct response *given)
{
	json_t *seed = json_object_get(control->body, "seed"), *mistakes;
	struct account *fresh = seed_load(seed != NULL ? seed : control->box->seed, &mistakes);

	if (fresh == NULL) {
		wrong_all(given, mistakes);
		return;
	}
	sandbox_reset(control->box, fresh);
	done(given, json_pack("{s:b}", "reset", 1));
}

/* When searching sees what is done by hand: ?index=now passes the lag by. */
static int64_t
hand_due(const struct control *control)
{
	const char *index = request_parameter(control->asked, "index");

	if (index != NULL && strcmp(index, "now") == 0)
		return 0;
	return clock_monotonic_ns() + control->box->settings.index_lag_ms * 1000000;
}

static bool
control_kind(const struct control *control, enum kind *kind, struct response *given)
{
	size_t length = strcspn(control->word, "/");

	for (int i = 0; i < KINDS; i++) {
		if (strlen(kind_name((enum kind)i)) == length &&
		    strncmp(kind_name((enum kind)i), control->word, length) == 0) {
			*kind = (enum kind)i;
			return true;
		}
	}
	missing(given);
	return false;
}

/* One entity, or an array of them; the answer has the same form. */
static void
entity_post(const struct control *control, struct response *given)
{
	struct account *account = control->box->account;
	json_t *mistakes = json_array(), *made, *said, *entity;
	enum kind kind;
	size_t i;

	if (!control_kind(control, &kind, given)) {
		json_decref(mistakes);
		return;
	}
	if (!json_is_array(control->body)) {
		entity =
		    hand_write(account, kind, NULL, control->body, hand_due(control), mistakes);
		made = entity != NULL ? show_state(account, kind, entity) : NULL;
	} else {
		made = json_array();
		json_array_foreach(control->body, i, said) {
			entity = hand_write(account, kind, NULL, said, hand_due(control), mistakes);
			if (entity != NULL)
				json_array_append_new(made, show_state(account, kind, entity));
		}
	}
	if (json_array_size(mistakes) > 0) {
		json_decref(made);
		wrong_all(given, mistakes);
		return;
	}
	json_decref(mistakes);
	done(given, made);
}

static void
entity_patch(const struct control *control, struct response *given)
{
	struct account *account = control->box->account;
	json_t *mistakes, *entity;
	enum kind kind;

	if (!control_kind(control, &kind, given))
		return;
	entity = account_find(account, kind, control->ids[0]);
	if (entity == NULL || kind == NOTES || kind == TASKS) {
		missing(given);
		return;
	}

	mistakes = json_array();
	if (hand_write(account, kind, entity, control->body, hand_due(control), mistakes) == NULL) {
		wrong_all(given, mistakes);
		return;
	}
	json_decref(mistakes);
	done(given, show_state(account, kind, entity));
}

/* Into the trash; or, with ?purge=1 and for notes and tasks, gone without a trace. */
static void
entity_delete(const struct control *control, struct response *given)
{
	struct account *account = control->box->account;
	json_auto_t *plan = json_pack("{s:b}", "is_deleted", 1);
	json_t *entity;
	enum kind kind;

	if (!control_kind(control, &kind, given))
		return;
	entity = account_find(account, kind, control->ids[0]);
	if (entity == NULL) {
		missing(given);
		return;
	}
	if (kind == NOTES || kind == TASKS || request_number(control->asked, "purge", 0) != 0)
		account_purge(account, kind, control->ids[0]);
	else
		account_change(account, kind, entity, plan, hand_due(control));
	done(given, json_pack("{s:b}", "deleted", 1));
}

/* One contact becomes another: its leads move over, and it is gone. */
static void
contact_merge(const struct control *control, struct response *given)
{
	struct account *account = control->box->account;
	int64_t into = entity_integer(control->body, "into");
	json_t *contact = account_find(account, CONTACTS, control->ids[0]), *item;
	size_t i;

	if (contact == NULL || account_find(account, CONTACTS, into) == NULL ||
	    into == control->ids[0]) {
		missing(given);
		return;
	}
	json_array_foreach(json_object_get(contact, "~leads"), i, item)
		account_link(
		    account, account_find(account, LEADS, json_integer_value(item)), into, false);
	account_purge(account, CONTACTS, control->ids[0]);
	done(given, json_pack("{s:b}", "merged", 1));
}

/* The field of either kind that has this id. */
static json_t *
field_of(const struct control *control, enum kind *kind)
{
	json_t *field = account_field(control->box->account, *kind = CONTACTS, control->ids[0]);

	return field != NULL ? field
			     : account_field(control->box->account, *kind = LEADS, control->ids[0]);
}

static void
field_delete(const struct control *control, struct response *given)
{
	enum kind kind;

	if (field_of(control, &kind) == NULL) {
		missing(given);
		return;
	}
	keyed_delete(account_fields(control->box->account, kind), control->ids[0]);
	account_touch(control->box->account);
	done(given, json_pack("{s:b}", "deleted", 1));
}

/* Rename it, or make it another type: values that stand are kept as they are. */
static void
field_patch(const struct control *control, struct response *given)
{
	enum kind kind;
	json_t *field = field_of(control, &kind);
	json_t *type = json_object_get(control->body, "type");

	if (field == NULL) {
		missing(given);
		return;
	}
	if (!json_is_object(control->body) || (type != NULL && !json_is_string(type))) {
		wrong(given, "an object with name, type or enums is expected");
		return;
	}
	json_object_update_existing(field, control->body);
	json_object_set_new(field, "id", json_integer(control->ids[0]));
	account_touch(control->box->account);
	done(given, json_incref(field));
}

static void
option_delete(const struct control *control, struct response *given)
{
	enum kind kind;
	json_t *options = json_object_get(field_of(control, &kind), "enums");

	for (size_t i = 0; i < json_array_size(options); i++) {
		if (entity_id(json_array_get(options, i)) == control->ids[1]) {
			json_array_remove(options, i);
			account_touch(control->box->account);
			done(given, json_pack("{s:b}", "deleted", 1));
			return;
		}
	}
	missing(given);
}

/* With wait_for=N, not before there are N entries (after since, of that method and path), or the time is up. */
static void
log_get(const struct control *control, struct response *given)
{
	const struct request *asked = control->asked;
	struct sandbox *box = control->box;
	int64_t since = request_number(asked, "since", 0),
		wanted = request_number(asked, "wait_for", 0);
	int64_t deadline =
	    clock_monotonic_ns() + request_number(asked, "timeout_ms", 10000) * 1000000;
	const char *method = request_parameter(asked, "method"),
		   *path = request_parameter(asked, "path");
	json_t *entries = journal_read(box->journal, since, method, path);

	while ((int64_t)json_array_size(entries) < wanted && sandbox_await(box, deadline)) {
		json_decref(entries);
		entries = journal_read(box->journal, since, method, path);
	}
	done(given,
	    json_pack("{s:o, s:I, s:b}", "entries", entries, "last_seq",
		(json_int_t)journal_last(box->journal), "complete",
		(int)((int64_t)json_array_size(entries) >= wanted)));
}

static void
log_delete(const struct control *control, struct response *given)
{
	journal_clear(control->box->journal);
	limit_clear(control->box->limit);
	control->box->throttled = control->box->status_429 = 0;
	done(
	    given, json_pack("{s:I}", "last_seq", (json_int_t)journal_last(control->box->journal)));
}

/* Measured against the enforced rate, or the usual 7 where none is enforced, or ?limit=. */
static void
audit_get(const struct control *control, struct response *given)
{
	enum {
		USUAL_RATE = 7
	};
	struct sandbox *box = control->box;
	int64_t rate = request_number(
	    control->asked, "limit", box->settings.rate > 0 ? box->settings.rate : USUAL_RATE);
	int64_t window = request_number(control->asked, "window_ms", 1000);
	struct limit_audit audit = limit_audit(box->limit, window * 1000000, (size_t)rate);

	done(given,
	    json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "total", (json_int_t)audit.total,
		"max_in_window", (json_int_t)audit.most, "window_ms", (json_int_t)window, "limit",
		(json_int_t)rate, "over_limit", (json_int_t)audit.over, "throttled",
		(json_int_t)box->throttled, "status_429", (json_int_t)box->status_429, "blocked",
		(int)box->blocked));
}

static void
faults_get(const struct control *control, struct response *given)
{
	done(given, faults_list(control->box->faults));
}

static void
faults_post(const struct control *control, struct response *given)
{
	json_auto_t *rules = NULL;
	const char *mistake;

	/* A single rule need not be put into an array. */
	if (json_is_object(control->body))
		rules = json_pack("[O]", control->body);
	else
		rules = json_incref(control->body);

	if (faults_add(control->box->faults, rules, &mistake))
		done(given, faults_list(control->box->faults));
	else
		wrong(given, mistake);
}

static void
faults_delete(const struct control *control, struct response *given)
{
	faults_clear(control->box->faults);
	done(given, json_array());
}

static void
fault_delete(const struct control *control, struct response *given)
{
	if (faults_remove(control->box->faults, control->ids[0]))
		done(given, faults_list(control->box->faults));
	else
		missing(given);
}

static void
settings_get(const struct control *control, struct response *given)
{
	done(given, settings_json(&control->box->settings));
}

static void
settings_post(const struct control *control, struct response *given)
{
	const char *mistake;

	if (!settings_change(&control->box->settings, control->body, &mistake)) {
		wrong(given, mistake);
		return;
	}
	clock_set_behind(control->box->settings.clock_behind_s);
	done(given, settings_json(&control->box->settings));
}

/* '*' stands for a word, '#' for a number. */
static const struct route {
	const char *method;
	const char *pattern;
	void (*handler)(const struct control *control, struct response *given);
} routes[] = {
	{ "GET", "state", state_get },
	{ "POST", "reset", reset_post },
	{ "GET", "log", log_get },
	{ "DELETE", "log", log_delete },
	{ "GET", "audit", audit_get },
	{ "GET", "faults", faults_get },
	{ "POST", "faults", faults_post },
	{ "DELETE", "faults", faults_delete },
	{ "DELETE", "faults/#", fault_delete },
	{ "GET", "settings", settings_get },
	{ "POST", "settings", settings_post },
	{ "PATCH", "fields/#", field_patch },
	{ "DELETE", "fields/#", field_delete },
	{ "DELETE", "fields/#/enums/#", option_delete },
	{ "POST", "contacts/#/merge", contact_merge },
	{ "POST", "*", entity_post },
	{ "PATCH", "*/#", entity_patch },
	{ "DELETE", "*/#", entity_delete },
};

static bool
route_fits(const char *pattern, const char *path, struct control *control)
{
	int found = 0;

	control->word = NULL;
	for (; *pattern != '\0'; pattern++) {
		char *end;

		if (*pattern == '*') {
			control->word = path;
			path += strcspn(path, "/");
		} else if (*pattern == '#') {
			if (*path < '0' || *path > '9')
				return false;
			control->ids[found++] = strtoll(path, &end, 10);
			path = end;
		} else if (*pattern != *path++)
			return false;
	}
	return *path == '\0';
}

void
control_answer(struct sandbox *box, const struct request *asked, struct response *given)
{
	struct control control = { .box = box, .asked = asked };
	const char *path = asked->path + strlen("/_sandbox");

	if (asked->body_size > 0) {
		control.body = json_loadb(asked->body, asked->body_size, 0, NULL);
		if (control.body == NULL) {
			wrong(given, "the body is not JSON");
			return;
		}
	}
	path += *path == '/';
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(routes[i].method, asked->method) == 0 &&
		    route_fits(routes[i].pattern, path, &control)) {
			routes[i].handler(&control, given);
			json_decref(control.body);
			return;
		}
	}
	json_decref(control.body);
	missing(given);
}
