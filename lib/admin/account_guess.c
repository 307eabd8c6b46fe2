/*
 * Compares names word by word, each by its beginning, because Russian words change their ends:
 * "оплат" is in "оплата" and in "оплаты".  Of two things that fit a name equally well, neither is
 * guessed.
 */
#include <stdlib.h>
#include <string.h>

#include "admin/account_guess.h"
#include "base/memory.h"
#include "base/text.h"

/* Letters and digits; every byte of a letter beyond ASCII has its highest bit set. */
static bool
in_word(char c)
{
	return (c & 0x80) != 0 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

/* A new text of words in small letters with one space around each: " счетчик покупок список ". */
static char *
words_of(const char *name)
{
	static const char yo[] = "ё", ye[] = "е";
	char *folded = text_fold(name), *words = memory_allocate(strlen(name) + 3), *to = words;
	const char *from;

	*to++ = ' ';
	for (from = folded; *from != '\0'; from++) {
		if (strncmp(from, yo, strlen(yo)) == 0) {
			memcpy(to, ye, strlen(ye));
			to += strlen(ye);
			from += strlen(yo) - 1;
		} else if (in_word(*from)) {
			*to++ = *from;
		} else if (to[-1] != ' ') {
			*to++ = ' ';
		}
	}
	if (to[-1] != ' ')
		*to++ = ' ';
	*to = '\0';
	free(folded);
	return words;
}

/* Whether any word begins with these bytes. */
static bool
any_begins(const char *words, const char *beginning, size_t length)
{
	char sought[128] = " ";

	if (length >= sizeof(sought) - 1)
		return false;
	memcpy(sought + 1, beginning, length);
	sought[length + 1] = '\0';
	return strstr(words, sought) != NULL;
}

/* Whether each of the words' beginnings, which are parted by spaces in `length` bytes, begins some
 * word. */
static bool
all_begin(const char *words, const char *beginnings, size_t length)
{
	const char *end = beginnings + length;

	for (; beginnings < end; beginnings += length) {
		length = strcspn(beginnings, " ");
		if (length > (size_t)(end - beginnings))
			length = (size_t)(end - beginnings);
		if (length > 0 && !any_begins(words, beginnings, length))
			return false;
		length += strspn(beginnings + length, " ");
	}
	return true;
}

/*
 * Fields.
 */

/* Which of the alternatives the name fits, from 0; -1: none. */
static int
alternative_of(const char *name, const char *alternatives)
{
	char *words = words_of(name);
	int number = 0, found = -1;
	size_t length;

	for (; *alternatives != '\0' && found < 0; number++) {
		length = strcspn(alternatives, "|");
		if (all_begin(words, alternatives, length))
			found = number;
		alternatives += length;
		alternatives += *alternatives == '|';
	}
	free(words);
	return found;
}

enum amocrm_kind
guess_kind(const struct crm_field *field)
{
	return field->of_contact ? AMOCRM_CONTACTS : AMOCRM_LEADS;
}

bool
guess_field_is_called(const json_t *field, const struct crm_field *wanted)
{
	return alternative_of(account_name(field), wanted->names) >= 0;
}

const json_t *
guess_field(const struct account *account, const struct crm_field *wanted)
{
	const json_t *field, *best = NULL;
	int alternative, best_alternative = 0;
	size_t i;

	if (wanted->code != NULL &&
	    (field = account_field_coded(account, guess_kind(wanted), wanted->code)) != NULL)
		return field;
	json_array_foreach(account->fields[guess_kind(wanted)], i, field) {
		alternative = alternative_of(account_name(field), wanted->names);
		if (alternative < 0 || !crm_use_fits(wanted->use, account_type(field)))
			continue;
		if (best == NULL || alternative < best_alternative ||
		    (alternative == best_alternative &&
			strlen(account_name(field)) < strlen(account_name(best)))) {
			best = field;
			best_alternative = alternative;
		}
	}
	return best;
}

/*
 * Things of a given name.
 */

bool
guess_same_name(const char *one, const char *other)
{
	char *words = words_of(one), *others = words_of(other);
	bool same = strcmp(words, others) == 0;

	free(words);
	free(others);
	return same;
}

static const json_t *
find_named(const json_t *things, const char *name)
{
	char *sought = words_of(name);
	const json_t *thing, *like = NULL;
	bool several = false;
	size_t i;

	/* A field without a name of its own is never guessed: no words would fit every name. */
	if (strcmp(sought, " ") == 0) {
		free(sought);
		return NULL;
	}
	json_array_foreach(things, i, thing) {
		char *words = words_of(account_name(thing));
		bool same = strcmp(words, sought) == 0,
		     holds = all_begin(words, sought, strlen(sought));

		free(words);
		if (same) {
			free(sought);
			return thing;
		}
		if (holds) {
			several = like != NULL;
			like = thing;
		}
	}
	free(sought);
	return several ? NULL : like;
}

const json_t *
guess_option(const json_t *field, const char *name)
{
	return find_named(account_options(field), name);
}

const json_t *
guess_pipeline(const struct account *account, const char *name)
{
	return find_named(account->pipelines, name);
}

const json_t *
guess_autopay_stage(const json_t *pipeline)
{
	const json_t *stage;
	size_t i;

	json_array_foreach(account_stages(pipeline), i, stage)
		if (alternative_of(account_name(stage), "автооплат|auto pay|autopay") >= 0)
			return stage;
	return NULL;
}
