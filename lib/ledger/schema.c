/*
 * The ledger's tables, as the migrations that make them: version_1.sql and those that follow.
 */
#include "ledger/schema.h"

/* The files, which make embeds. */
extern const char schema_version_1[], schema_version_2[], schema_version_3[], schema_version_4[],
    schema_version_5[];

const char *const schema_migrations[SCHEMA_VERSION] = { schema_version_1, schema_version_2,
	schema_version_3, schema_version_4, schema_version_5 };
