#define _GNU_SOURCE 1
#include <stdlib.h>
#include <string.h>

#include "request.h"
#include "text.h"

void
request_add_parameter(struct request *asked, const char *name, const char *value)
{
	size_t count = asked->parameter_count;

	asked->parameters =
	    must(realloc(asked->parameters, (count + 1) * sizeof(*asked->parameters)));
	asked->parameters[count].name = must(strdup(name));
	asked->parameters[count].value = must(strdup(value != NULL ? value : ""));
	asked->parameter_count++;
}

void
request_clear(struct request *asked)
{
	for (size_t i = 0; i < asked->parameter_count; i++) {
		free(asked->parameters[i].name);
		free(asked->parameters[i].value);
	}
	free(asked->parameters);
	free(asked->method);
	free(asked->path);
	free(asked->target);
	free(asked->base);
	free(asked->authorization);
	free(asked->user_agent);
	free(asked->request_id);
	free(asked->answer_id);
	free(asked->body);
	*asked = (struct request){ 0 };
}

const char *
request_parameter(const struct request *asked, const char *name)
{
	for (size_t i = 0; i < asked->parameter_count; i++) {
		if (strcmp(asked->parameters[i].name, name) == 0)
			return asked->parameters[i].value;
	}
	return NULL;
}

int64_t
request_number(const struct request *asked, const char *name, int64_t otherwise)
{
	int64_t number;

	return text_integer(request_parameter(asked, name), &number) ? number : otherwise;
}

bool
request_with(const struct request *asked, const char *word)
{
	const char *at = request_parameter(asked, "with");
	size_t length = strlen(word);

	while (at != NULL && *at != '\0') {
		size_t span = strcspn(at, ",");

		if (span == length && strncmp(at, word, length) == 0)
			return true;
		at += span;
		at += *at == ',';
	}
	return false;
}

static bool
names_list(const char *parameter, const char *name)
{
	size_t length = strlen(name);

	return strncmp(parameter, name, length) == 0 &&
	    (parameter[length] == '\0' || parameter[length] == '[');
}

bool
request_has_list(const struct request *asked, const char *name)
{
	for (size_t i = 0; i < asked->parameter_count; i++) {
		if (names_list(asked->parameters[i].name, name))
			return true;
	}
	return false;
}

bool
request_list_contains(const struct request *asked, const char *name, const char *value)
{
	for (size_t i = 0; i < asked->parameter_count; i++) {
		if (names_list(asked->parameters[i].name, name) &&
		    strcmp(asked->parameters[i].value, value) == 0)
			return true;
	}
	return false;
}
