/* What a browser sends to the status page: a form's body and its preferred languages, and how a text becomes HTML. */
#include "fuzz.h"

#include "web/form.h"
#include "web/html.h"
#include "monitor/token.h"
#include "web/locale.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return 0;
}

/* Written into a quoted attribute, no text ends it. */
static void
check_escaping(const char *text)
{
	json_t *view = json_pack("{s:o}", "text", json_string_nocheck(text));
	char *written = html_render("{{text}}{{#text}}{{.}}{{/text}}", view);

	REQUIRE(strpbrk(written, "<>\"'") == NULL);
	free(written);
	json_decref(view);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *value = form_value(text, size, "payment");
	const char *code = locale_choose(text)->code;

	REQUIRE(value == NULL || strlen(value) <= size);
	if (value != NULL)
		check_escaping(value);
	check_escaping(text);
	REQUIRE(strcmp(code, "ru") == 0 || strcmp(code, "en") == 0);
	REQUIRE(token_expiry(text) >= 0);
	REQUIRE(!form_token_holds(text, FUZZ_SECRET, "retry", 1800000000));
	free(value);
	free(text);
	return 0;
}
