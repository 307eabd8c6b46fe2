#ifndef FUZZ_H
#define FUZZ_H

/*
 * What the fuzz targets share.  A target asserts properties, not only that nothing crashes; libFuzzer keeps the input that
 * breaks one.  See tests/fuzz/run.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* A property.  What it needs to say is in its own words. */
#define REQUIRE(property)                                                                                    \
	do {                                                                                                 \
		if (!(property)) {                                                                           \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #property);        \
			abort();                                                                             \
		}                                                                                            \
	} while (0)

/* A copy of its own size, so that the sanitizer sees a step beyond it, with a NUL behind. */
static inline char *
fuzz_text(const void *data, size_t size)
{
	char *text = malloc(size + 1);

	REQUIRE(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

#define FUZZ_SECRET   "fuzz-secret-0123456789abcdef"
#define FUZZ_PREVIOUS "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

enum fuzz_ids {
	FUZZ_TG_ID = 101,
	FUZZ_TG_USERNAME,
	FUZZ_SUBJECTS = 201,
	FUZZ_DIRECTION,
	FUZZ_LAST_AMOUNT,
	FUZZ_TOTAL,
	FUZZ_COUNT,
	FUZZ_LAST_DATE,
	FUZZ_PAYMENT_ID,
	FUZZ_INVOICE_ID,
	FUZZ_PAYMENT_STATUS
};

/* Settings that name every field; nothing of the developer's own environment. */
static inline struct settings *
fuzz_settings(void)
{
	static const char *const values[][2] = { { "PAYMENT_SYNC_CONFIG", "/dev/null" },
		{ "WEBHOOK_SECRET", FUZZ_SECRET }, { "AMO_BASE_URL", "https://fuzz.example.com" },
		{ "AMO_ACCESS_TOKEN", "token" }, { "AMO_CONTACT_FIELD_TG_ID", "101" },
		{ "AMO_CONTACT_FIELD_TG_USERNAME", "102" }, { "AMO_LEAD_FIELD_SUBJECTS", "201" },
		{ "AMO_LEAD_FIELD_DIRECTION", "202" }, { "AMO_LEAD_FIELD_LAST_PAYMENT_AMOUNT", "203" },
		{ "AMO_LEAD_FIELD_TOTAL_PAID", "204" }, { "AMO_LEAD_FIELD_PURCHASE_COUNT", "205" },
		{ "AMO_LEAD_FIELD_LAST_PAYMENT_DATE", "206" }, { "AMO_LEAD_FIELD_PAYMENT_ID", "207" },
		{ "AMO_LEAD_FIELD_INVOICE_ID", "208" }, { "AMO_LEAD_FIELD_PAYMENT_STATUS", "209" },
		{ "AMO_SUBJECT_RUSSIAN", "301" }, { "AMO_SUBJECT_PHYSICS", "302" },
		{ "AMO_SUBJECT_HISTORY", "303" }, { "AMO_DIRECTION_EGE", "351" },
		{ "AMO_DIRECTION_OGE", "352" } };
	struct settings *settings = NULL;
	json_t *warnings = json_array();
	size_t i;

	clearenv();
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		setenv(values[i][0], values[i][1], 1);
	if (settings_load(SETTINGS_NEED_ALL, &settings, warnings) != DONE) {
		json_dumpf(warnings, stderr, 0);
		abort();
	}
	json_decref(warnings);
	return settings;
}

/* A payment that every target may use. */
#define FUZZ_BODY                                                                                                         \
	"{\"course_order\":{\"status\":\"CONFIRMED\",\"updated_at\":\"2025-01-20 "                                        \
	"14:49:20\",\"payment_id\":\"pay_1\","                                                                            \
	"\"invoice_id\":\"inv_1\",\"domain\":\"pl.example.com\",\"course_order_items\":[{\"cost\":5000,"                  \
	"\"course\":"                                                                                                     \
	"{\"name\":\"Годовой\",\"subject\":{\"name\":\"Русский\",\"project\":\"ЕГЭ\"}}},{\"cost\":\"10." \
	"50\",\"course\":"                                                                                                \
	"{\"name\":\"Летний\",\"subject\":{\"name\":\"Астрономия\",\"project\":\"ОГЭ\"}}}],\"user\":{" \
	"\"first_name\":"                                                                                                 \
	"\"Иван\",\"phone\":\"89990001122\",\"email\":\"a@example.com\",\"telegram_id\":\"424242\","                  \
	"\"telegram_tag\":"                                                                                               \
	"\"@ivan\"},\"utm\":{\"source\":\"yandex\",\"medium\":\"cpc\"}}}"

#endif
