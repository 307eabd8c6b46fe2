#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "journal.h"
#include "text.h"

/* Older entries are dropped, so that a long load test does not fill the memory. */
enum {
	ENTRIES_KEPT = 100000
};

struct journal {
	json_t *entries;
	int64_t last;
	FILE *out;
};

struct journal *
journal_new(FILE *out)
{
	struct journal *journal = must(calloc(1, sizeof(*journal)));

	journal->entries = json_array();
	journal->out = out;
	return journal;
}

void
journal_free(struct journal *journal)
{
	if (journal == NULL)
		return;
	json_decref(journal->entries);
	free(journal);
}

void
journal_clear(struct journal *journal)
{
	json_array_clear(journal->entries);
}

void
journal_add(struct journal *journal, json_t *entry)
{
	json_object_set_new(entry, "seq", json_integer(++journal->last));
	if (json_array_size(journal->entries) == ENTRIES_KEPT)
		json_array_remove(journal->entries, 0);
	json_array_append_new(journal->entries, entry);

	if (journal->out != NULL) {
		json_dumpf(entry, journal->out, JSON_COMPACT);
		putc('\n', journal->out);
		fflush(journal->out);
	}
}

int64_t
journal_last(const struct journal *journal)
{
	return journal->last;
}

static int
agrees(const json_t *entry, const char *key, const char *pattern)
{
	return pattern == NULL ||
	    fnmatch(pattern, json_string_value(json_object_get(entry, key)), 0) == 0;
}

json_t *
journal_read(const struct journal *journal, int64_t since, const char *method, const char *path)
{
	size_t count = json_array_size(journal->entries);
	int64_t before_first = journal->last - (int64_t)count;
	json_t *found = json_array();

	for (size_t i = since > before_first ? (size_t)(since - before_first) : 0; i < count; i++) {
		json_t *entry = json_array_get(journal->entries, i);

		if (agrees(entry, "method", method) && agrees(entry, "path", path))
			json_array_append(found, entry);
	}
	return found;
}
