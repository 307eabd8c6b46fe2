#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "entities.h"
#include "notes.h"
#include "relations.h"
#include "routes.h"
#include "text.h"

/* In a pattern, '#' stands for an id. */
static const struct route {
	const char *method;
	const char *pattern;
	enum kind kind;
	void (*handler)(const struct call *call, struct response *given);
} routes[] = {
	{ "GET", "account", CONTACTS, catalog_account },
	{ "GET", "users", CONTACTS, catalog_users },
	{ "GET", "users/#", CONTACTS, catalog_user },
	{ "GET", "leads/pipelines", LEADS, catalog_pipelines },
	{ "GET", "leads/pipelines/#", LEADS, catalog_pipeline },
	{ "GET", "leads/pipelines/#/statuses", LEADS, catalog_statuses },
	{ "GET", "leads/custom_fields", LEADS, catalog_fields },
	{ "GET", "leads/custom_fields/#", LEADS, catalog_field },
	{ "GET", "contacts/custom_fields", CONTACTS, catalog_fields },
	{ "GET", "contacts/custom_fields/#", CONTACTS, catalog_field },

	{ "GET", "contacts", CONTACTS, entities_list },
	{ "POST", "contacts", CONTACTS, entities_create },
	{ "PATCH", "contacts", CONTACTS, entities_change_batch },
	{ "GET", "contacts/#", CONTACTS, entities_get },
	{ "PATCH", "contacts/#", CONTACTS, entities_change_one },
	{ "POST", "contacts/#/link", CONTACTS, relations_link },
	{ "POST", "contacts/#/unlink", CONTACTS, relations_unlink },
	{ "GET", "contacts/#/links", CONTACTS, relations_list },

	{ "GET", "leads", LEADS, entities_list },
	{ "POST", "leads", LEADS, entities_create },
	{ "PATCH", "leads", LEADS, entities_change_batch },
	{ "POST", "leads/complex", LEADS, leads_complex },
	{ "GET", "leads/#", LEADS, entities_get },
	{ "PATCH", "leads/#", LEADS, entities_change_one },
	{ "POST", "leads/#/link", LEADS, relations_link },
	{ "POST", "leads/#/unlink", LEADS, relations_unlink },
	{ "GET", "leads/#/links", LEADS, relations_list },

	{ "GET", "contacts/notes", CONTACTS, notes_list },
	{ "POST", "contacts/notes", CONTACTS, notes_create },
	{ "GET", "contacts/#/notes", CONTACTS, notes_list },
	{ "POST", "contacts/#/notes", CONTACTS, notes_create },
	{ "GET", "contacts/#/notes/#", CONTACTS, notes_get },
	{ "GET", "leads/notes", LEADS, notes_list },
	{ "POST", "leads/notes", LEADS, notes_create },
	{ "GET", "leads/#/notes", LEADS, notes_list },
	{ "POST", "leads/#/notes", LEADS, notes_create },
	{ "GET", "leads/#/notes/#", LEADS, notes_get },

	{ "GET", "tasks", TASKS, tasks_list },
	{ "POST", "tasks", TASKS, tasks_create },
	{ "GET", "tasks/#", TASKS, tasks_get },
};

/* Does the path fit the pattern?  Its ids are stored in order. */
static bool
path_fits(const char *pattern, const char *path, int64_t ids[2])
{
	int found = 0;

	ids[0] = ids[1] = 0;
	for (; *pattern != '\0'; pattern++) {
		char *end;

		if (*pattern != '#') {
			if (*pattern != *path++)
				return false;
			continue;
		}
		if (*path < '0' || *path > '9')
			return false;
		ids[found++] = strtoll(path, &end, 10);
		path = end;
	}
	return *path == '\0' || strcmp(path, "/") == 0;
}

void
routes_answer(struct call *call, struct response *given)
{
	const char *prefix = "/api/v4/", *path = call->asked->path;
	bool known = false;
	char *detail;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		int64_t ids[2];

		if (strncmp(path, prefix, strlen(prefix)) != 0 ||
		    !path_fits(routes[i].pattern, path + strlen(prefix), ids))
			continue;
		known = true;
		if (strcmp(routes[i].method, call->asked->method) != 0)
			continue;

		call->kind = routes[i].kind;
		call->id = ids[0];
		call->second = ids[1];
		routes[i].handler(call, given);
		return;
	}
	if (known) {
		response_problem(given, 405, NULL);
		return;
	}

	detail = text_format("Cannot %s %s%s", call->asked->method, call->asked->base, path);
	response_problem(given, 404, detail);
	free(detail);
}
