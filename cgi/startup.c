#include <jansson.h>

#include "log.h"
#include "startup.h"

struct settings *
startup_settings(int needs)
{
	json_t *remarks = json_array(), *remark;
	struct settings *settings = NULL;
	enum outcome outcome;
	char text[LOG_TEXT];
	size_t i;

	outcome = settings_load(needs, &settings, remarks);
	json_array_foreach(remarks, i, remark)
		log_event(outcome == DONE ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, "settings: %s",
		    log_text(text, json_string_value(remark)));
	json_decref(remarks);
	if (outcome != DONE)
		return NULL;
	log_threshold((enum log_level)settings->log_level);
	return settings;
}
