#include <stddef.h>
#include <string.h>

#include "settings.h"

const struct settings settings_default = {
	.success_status = 200,
	.filter_id = true,
	.require_user_agent = true,
};

enum type {
	NUMBER,
	SWITCH
};

static const struct setting {
	const char *name;
	enum type type;
	size_t offset;
} settings_table[] = {
	{ "index_lag_ms", NUMBER, offsetof(struct settings, index_lag_ms) },
	{ "latency_ms", NUMBER, offsetof(struct settings, latency_ms) },
	{ "latency_spread_ms", NUMBER, offsetof(struct settings, latency_spread_ms) },
	{ "rate", NUMBER, offsetof(struct settings, rate) },
	{ "block_after", NUMBER, offsetof(struct settings, block_after) },
	{ "success_status", NUMBER, offsetof(struct settings, success_status) },
	{ "clock_behind_s", NUMBER, offsetof(struct settings, clock_behind_s) },
	{ "text_max", NUMBER, offsetof(struct settings, text_max) },
	{ "cut_at_emoji", SWITCH, offsetof(struct settings, cut_at_emoji) },
	{ "join_lines", SWITCH, offsetof(struct settings, join_lines) },
	{ "html_texts", SWITCH, offsetof(struct settings, html_texts) },
	{ "upper_case", SWITCH, offsetof(struct settings, upper_case) },
	{ "filter", SWITCH, offsetof(struct settings, filter) },
	{ "filter_id", SWITCH, offsetof(struct settings, filter_id) },
	{ "wrap_patch", SWITCH, offsetof(struct settings, wrap_patch) },
	{ "leads_query_sees_contacts", SWITCH,
	    offsetof(struct settings, leads_query_sees_contacts) },
	{ "show_deleted_by_id", SWITCH, offsetof(struct settings, show_deleted_by_id) },
	{ "require_user_agent", SWITCH, offsetof(struct settings, require_user_agent) },
};

#define SETTINGS (sizeof(settings_table) / sizeof(settings_table[0]))

json_t *
settings_json(const struct settings *settings)
{
	json_t *all = json_object();

	for (size_t i = 0; i < SETTINGS; i++) {
		const char *at = (const char *)settings + settings_table[i].offset;
		int64_t number;
		bool on;

		if (settings_table[i].type == NUMBER) {
			memcpy(&number, at, sizeof(number));
			json_object_set_new(all, settings_table[i].name, json_integer(number));
		} else {
			memcpy(&on, at, sizeof(on));
			json_object_set_new(all, settings_table[i].name, json_boolean(on));
		}
	}
	return all;
}

static bool
setting_change(
    struct settings *settings, const char *name, const json_t *value, const char **mistake)
{
	size_t i = 0;

	while (i < SETTINGS && strcmp(settings_table[i].name, name) != 0)
		i++;
	if (i == SETTINGS) {
		*mistake = "unknown setting";
		return false;
	}

	char *at = (char *)settings + settings_table[i].offset;

	if (settings_table[i].type == SWITCH) {
		bool on = json_is_true(value);

		*mistake = "a switch takes true or false";
		if (!json_is_boolean(value))
			return false;
		memcpy(at, &on, sizeof(on));
	} else {
		int64_t number = json_integer_value(value);

		*mistake = "a number setting takes an integer that is not negative";
		if (!json_is_integer(value) || number < 0)
			return false;
		memcpy(at, &number, sizeof(number));
	}
	return true;
}

bool
settings_change(struct settings *settings, const json_t *changes, const char **mistake)
{
	struct settings changed = *settings;
	const char *name;
	json_t *value;

	if (!json_is_object(changes)) {
		*mistake = "settings are an object";
		return false;
	}

	json_object_foreach((json_t *)changes, name, value) {
		if (!setting_change(&changed, name, value, mistake))
			return false;
	}
	if (changed.success_status < 200 || changed.success_status > 202) {
		*mistake = "success_status is 200, 201 or 202";
		return false;
	}

	*settings = changed;
	return true;
}
