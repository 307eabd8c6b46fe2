/*
 * What was asked and what became of it, in the order in which requests took effect.
 */
#ifndef SANDBOX_JOURNAL_H
#define SANDBOX_JOURNAL_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

struct journal;

/* Entries are also written to `out`, a line each, if it is not NULL; it stays the caller's. */
struct journal *journal_new(FILE *out);
void journal_free(struct journal *journal);

/* Forget the entries.  Numbers go on, so that a reader who waits for entries after N is not confused. */
void journal_clear(struct journal *journal);

/* Append an entry, which is stolen and gets the next "seq". */
void journal_add(struct journal *journal, json_t *entry);

/* New array of the entries after `since` whose method and path agree with the patterns; NULL agrees with all. */
json_t *journal_read(
    const struct journal *journal, int64_t since, const char *method, const char *path);

/* The number of the last entry. */
int64_t journal_last(const struct journal *journal);

#endif
