/*
 * What every program does first, and again at HUP: read the settings, and check the rules.
 *
 * Nothing is taken over half.  Settings with a mistake are no settings, and the old ones are kept
 * until a worker has become ready with the new ones, because some mistakes show only then.
 */
#include <errno.h>
#include <jansson.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "log.h"
#include "rules/rules.h"
#include "startup.h"

/* Settings, or NULL after a mistake; each warning and each mistake is logged. */
static struct settings *
read_settings(int needs)
{
	json_t *warnings = json_array(), *warning;
	struct settings *settings = NULL;
	enum outcome outcome;
	char text[LOG_TEXT];
	size_t i;

	outcome = settings_load(needs, &settings, warnings);
	json_array_foreach(warnings, i, warning)
		log_event(outcome == DONE ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, "settings: %s",
		    log_text(text, json_string_value(warning)));
	json_decref(warnings);
	return outcome == DONE ? settings : NULL;
}

/* One line for each {"path", "message"} of the list. */
static void
log_rules(enum log_level level, const struct settings *settings, const json_t *list)
{
	const char *file =
	    settings->payment_mapping != NULL ? settings->payment_mapping : "built-in";
	char name[LOG_TEXT], path[LOG_TEXT], message[LOG_TEXT];
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
		log_event(level, "rules: file=%s path=%s reason=%s", log_text(name, file),
		    log_text(path, json_string_value(json_object_get(one, "path"))),
		    log_text(message, json_string_value(json_object_get(one, "message"))));
}

static bool
rules_are_valid(const struct settings *settings)
{
	struct rules *rules = NULL;
	json_t *errors = NULL;
	struct fault why;
	bool valid = rules_load(settings, &rules, &errors, &why) == DONE;

	if (valid)
		log_rules(LOG_LEVEL_WARNING, settings, rules_warnings(rules));
	else
		log_rules(LOG_LEVEL_ERROR, settings, errors);
	json_decref(errors);
	rules_free(rules);
	return valid;
}

struct settings *
startup_settings(int needs)
{
	struct settings *settings = read_settings(needs);

	if (settings != NULL)
		log_threshold((enum log_level)settings->log_level);
	return settings;
}

/*
 * The directory may be on a volume that is not mounted yet, so this is no mistake.  Until it is
 * there webhooks are answered 503, and only this line says why.
 */
static void
warn_if_unusable(const char *name, const char *path)
{
	char *copy = text_copy(path), *warning, text[LOG_TEXT];
	const char *directory = dirname(copy);

	if (access(directory, W_OK | X_OK) < 0) {
		warning =
		    text_format("%s: %s cannot be used now: %s", name, directory, strerror(errno));
		log_event(LOG_LEVEL_WARNING, "settings: %s", log_text(text, warning));
		free(warning);
	}
	free(copy);
}

static struct settings *
read_service(void)
{
	struct settings *settings = read_settings(SETTINGS_NEED_ALL);

	if (settings != NULL && !rules_are_valid(settings)) {
		settings_free(settings);
		return NULL;
	}
	if (settings == NULL)
		return NULL;
	warn_if_unusable("PAYMENTS_DB", settings->payments_db);
	if (access(settings->payments_run_dir, F_OK) < 0)
		warn_if_unusable("PAYMENTS_RUN_DIR", settings->payments_run_dir);
	log_threshold((enum log_level)settings->log_level);
	return settings;
}

/* After a disk was lost this line is the first sign of it. */
static void
tell_if_there_is_no_ledger(const char *path)
{
	char *text, quoted[LOG_TEXT];

	if (access(path, F_OK) == 0 || errno != ENOENT)
		return;
	text = text_format(
	    "PAYMENTS_DB: there is no %s; a ledger is made there, unless there was one before",
	    path);
	log_event(LOG_LEVEL_WARNING, "settings: %s", log_text(quoted, text));
	free(text);
}

struct settings *
startup_service(void)
{
	struct settings *settings = read_service();

	if (settings != NULL)
		tell_if_there_is_no_ledger(settings->payments_db);
	return settings;
}

/* What waits in the ledger of before would wait for ever, and locks exclude only who shares them. */
static bool
stays(const char *name, const char *before, const char *now)
{
	char *text, quoted[LOG_TEXT];
	bool same = strcmp(before, now) == 0;

	if (!same) {
		text = text_format(
		    "%s changes with a restart only: %s is in use, not %s", name, before, now);
		log_event(LOG_LEVEL_ERROR, "settings: %s", log_text(quoted, text));
		free(text);
	}
	return same;
}

static bool
places_stay(const struct settings *before, const struct settings *now)
{
	bool ledger = stays("PAYMENTS_DB", before->payments_db, now->payments_db);

	return stays("PAYMENTS_RUN_DIR", before->payments_run_dir, now->payments_run_dir) && ledger;
}

bool
startup_reload(struct settings **now, struct settings **before)
{
	struct settings *settings = read_service();

	if (settings != NULL && !places_stay(*now, settings)) {
		settings_free(settings);
		settings = NULL;
		log_threshold((enum log_level)(*now)->log_level);
	}
	if (settings == NULL) {
		log_event(LOG_LEVEL_ERROR, "settings and rules not taken over; the old ones stay");
		return false;
	}
	*before = *now;
	*now = settings;
	return true;
}

void
startup_reloaded(struct settings **now, struct settings **before, bool keep)
{
	struct settings *unused = keep ? *before : *now;

	if (!keep)
		*now = *before;
	*before = NULL;
	settings_free(unused);
	log_threshold((enum log_level)(*now)->log_level);
}
