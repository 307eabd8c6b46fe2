#ifndef FIXTURE_H
#define FIXTURE_H

#include <stdint.h>

#include "config/settings.h"
#include "payment/payment.h"

/*
 * What most tests need: a directory of their own, settings, payments, and a look into the ledger's file past the ledger.
 * Include fixture.c in the test.
 */

/* A new directory, and an environment of nothing but the settings below. */
void fixture_begin(void);
void fixture_end(void);

/* A path in the directory; lives until the eighth call after. */
const char *fixture_path(const char *name);

/* Settings: what FIXTURE_* say, changed by fixture_set() before (value NULL: unset). */
void fixture_set(const char *name, const char *value);
struct settings *fixture_settings(void);

#define FIXTURE_SECRET "0123456789abcdef0123456789abcdef"

enum fixture_ids {
	FIELD_TG_ID = 101,
	FIELD_TG_USERNAME,
	FIELD_SUBJECTS = 201,
	FIELD_DIRECTION,
	FIELD_LAST_AMOUNT,
	FIELD_TOTAL,
	FIELD_COUNT,
	FIELD_LAST_DATE,
	FIELD_PAYMENT_ID,
	FIELD_INVOICE_ID,
	FIELD_PAYMENT_STATUS,
	ENUM_RUSSIAN = 301,
	ENUM_PHYSICS,
	ENUM_EGE = 351,
	ENUM_OGE,
	PIPELINE_SITE = 401,
	STATUS_AUTOPAY_SITE = 411,
	STATUS_ACTIVE = 500
};

/* A payment as the platform would send it; a member left NULL has the value named here, or is not sent. */
struct sample {
	const char *id;      /* "pay_1" */
	const char *cost;    /* JSON: 5000 */
	const char *status;  /* CONFIRMED */
	const char *time;    /* 2025-01-20 14:49:20 */
	const char *subject; /* Русский */
	const char *course;  /* Годовой */
	const char *name, *phone, *email, *telegram, *tag, *utm_source, *utm_medium, *invoice;
	const char *currency;
	bool no_id;
};
char *sample_body(const struct sample *sample);              /* free(3) it. */
struct payment *sample_payment(const struct sample *sample); /* payment_free() it. */

/* The unix time of a sample whose time was not given. */
#define SAMPLE_TIME 1737373760

/* Run SQL on a SQLite file; the first column of the first row as a number, or as a text to free(3). */
void fixture_sql(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));
int64_t fixture_sql_int(const char *path, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *fixture_sql_text(const char *path, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
