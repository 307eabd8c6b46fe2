#ifndef LEDGER_SCHEMA_H
#define LEDGER_SCHEMA_H

#include <stdint.h>

/*
 * The ledger's tables.  schema_migrations[v] turns version v of the file into v + 1; a migration
 * that has been released is never edited, only followed by another.  Their SQL is in version_*.sql.
 */
#define SCHEMA_APPLICATION_ID INT32_C(0x50535943) /* "PSYC" */
#define SCHEMA_VERSION        5
extern const char *const schema_migrations[SCHEMA_VERSION];

#endif
