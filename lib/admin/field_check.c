/*
 * Checks the ids of fields before a payment meets them: first what amoCRM would refuse, then what
 * would work but is probably not meant.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/account_guess.h"
#include "admin/field_check.h"
#include "admin/finding.h"
#include "base/text.h"

struct field_checker {
	const struct settings *settings;
	const struct account *account;
	json_t *findings;
};

static int64_t
id_of(const struct field_checker *check, const struct crm_field *field)
{
	return check->settings->crm_fields[field - crm_fields];
}

static const char *
kind_name(enum amocrm_kind kind)
{
	return kind == AMOCRM_CONTACTS ? "contact" : "lead";
}

/*
 * Fields.
 */

/* `; "Name" (456, numeric) looks like it`, or nothing: a new text. */
static char *
suggest_field(const struct field_checker *check, const struct crm_field *wanted)
{
	const json_t *field = guess_field(check->account, wanted);

	if (field == NULL || account_id(field) == id_of(check, wanted))
		return text_copy("");
	return text_format("; \"%s\" (%" PRId64 ", %s) looks like it", account_name(field),
	    account_id(field), account_type(field));
}

/* The setting of another field that has the same id; NULL when there is none. */
static const char *
shared_with(const struct field_checker *check, const struct crm_field *wanted, int64_t id)
{
	size_t i;

	for (i = 0; i < CRM_FIELD_COUNT; i++)
		if (&crm_fields[i] != wanted && check->settings->crm_fields[i] == id)
			return crm_fields[i].setting;
	return NULL;
}

/* The setting for which, going by its name, the field is rather meant; NULL when there is none. */
static const char *
rather_for(const json_t *field, const struct crm_field *wanted)
{
	size_t i;

	if (guess_field_is_called(field, wanted))
		return NULL;
	for (i = 0; i < CRM_FIELD_COUNT; i++)
		if (crm_fields[i].of_contact == wanted->of_contact &&
		    guess_field_is_called(field, &crm_fields[i]))
			return crm_fields[i].setting;
	return NULL;
}

static void
check_present(struct field_checker *check, const struct crm_field *wanted, const json_t *field)
{
	int64_t id = account_id(field);
	const char *name = account_name(field), *other;
	char *suggestion;

	if (!crm_use_fits(wanted->use, account_type(field))) {
		suggestion = suggest_field(check, wanted);
		finding_add(check->findings, "wrong", wanted->setting, id,
		    "\"%s\" is a field of type %s; one of type %s is needed%s", name,
		    account_type(field), crm_use_types(wanted->use), suggestion);
		free(suggestion);
	} else if ((other = shared_with(check, wanted, id)) != NULL) {
		finding_add(check->findings, "wrong", wanted->setting, id,
		    "%s has the same id: they overwrite each other", other);
	} else if ((other = rather_for(field, wanted)) != NULL) {
		suggestion = suggest_field(check, wanted);
		finding_add(check->findings, "odd", wanted->setting, id,
		    "\"%s\" looks rather like %s%s", name, other, suggestion);
		free(suggestion);
	} else {
		finding_add(check->findings, "ok", wanted->setting, id, "\"%s\" (%s)", name,
		    account_type(field));
	}
}

static void
check_absent(struct field_checker *check, const struct crm_field *wanted, int64_t id)
{
	enum amocrm_kind other = wanted->of_contact ? AMOCRM_LEADS : AMOCRM_CONTACTS;
	const json_t *field = account_field(check->account, other, id);
	char *suggestion = suggest_field(check, wanted);

	if (field != NULL)
		finding_add(check->findings, "wrong", wanted->setting, id,
		    "\"%s\" is a %s's field, not a %s's%s", account_name(field), kind_name(other),
		    kind_name(guess_kind(wanted)), suggestion);
	else
		finding_add(check->findings, "wrong", wanted->setting, id,
		    "the account has no such %s field%s", kind_name(guess_kind(wanted)),
		    suggestion);
	free(suggestion);
}

static void
check_unset(struct field_checker *check, const struct crm_field *wanted)
{
	char *suggestion;

	if (wanted->code == NULL) {
		suggestion = suggest_field(check, wanted);
		finding_add(check->findings, "unset", wanted->setting, 0,
		    "not set, so it is not written%s", suggestion);
		free(suggestion);
	} else if (account_field_coded(check->account, guess_kind(wanted), wanted->code) == NULL) {
		finding_add(check->findings, "wrong", wanted->setting, 0,
		    "not set, and the account has no standard field %s to write it into",
		    wanted->code);
	} else {
		finding_add(check->findings, "ok", wanted->setting, 0, "the standard field %s",
		    wanted->code);
	}
}

static void
check_field(struct field_checker *check, const struct crm_field *wanted)
{
	int64_t id = id_of(check, wanted);
	const json_t *field = account_field(check->account, guess_kind(wanted), id);

	if (id == 0)
		check_unset(check, wanted);
	else if (field == NULL)
		check_absent(check, wanted, id);
	else
		check_present(check, wanted, field);
}

/*
 * The purchase counter's options.
 */

#define COUNTER "AMO_LEAD_FIELD_PURCHASE_COUNT"

static void
check_count_option(struct field_checker *check, const json_t *field, int n)
{
	int64_t id = check->settings->purchase_count_enum[n - 1];
	char label[40], number[4], suggestion[40] = "";
	const json_t *option = account_option(field, id), *meant;

	snprintf(label, sizeof(label), "AMO_PURCHASE_COUNT_%d", n);
	snprintf(number, sizeof(number), "%d", n);
	meant = guess_option(field, number);
	if (meant != NULL)
		snprintf(
		    suggestion, sizeof(suggestion), "; \"%d\" is %" PRId64, n, account_id(meant));
	if (option == NULL)
		finding_add(check->findings, "wrong", label, id, "\"%s\" has no such option%s",
		    account_name(field), suggestion);
	else if (meant != NULL && meant != option)
		finding_add(check->findings, "wrong", label, id, "this is the option \"%s\"%s",
		    account_name(option), suggestion);
	else
		finding_add(check->findings, "ok", label, id, "option \"%s\" of \"%s\"",
		    account_name(option), account_name(field));
}

/* The n-th option is not set.  A counter whose next option is not set stays where it is. */
static void
check_count_gap(struct field_checker *check, int n)
{
	const int64_t *options = check->settings->purchase_count_enum;
	char label[40];
	int later = n;

	snprintf(label, sizeof(label), "AMO_PURCHASE_COUNT_%d", n);
	while (later < PURCHASE_COUNT_MAX && options[later] == 0)
		later++;
	if (later < PURCHASE_COUNT_MAX)
		finding_add(check->findings, "wrong", label, 0,
		    "not set, though AMO_PURCHASE_COUNT_%d is: the counter would stay at %d",
		    later + 1, n - 1);
	else
		finding_add(check->findings, "unset", label, 0,
		    "not set, so the counter stays at %d", n - 1);
}

static void
check_counter(struct field_checker *check)
{
	const json_t *field =
	    account_field(check->account, AMOCRM_LEADS, check->settings->lead_field_purchase_count);
	const char *type = account_type(field);
	bool listed = strcmp(type, "select") == 0 || strcmp(type, "radiobutton") == 0, any = false;
	int n;

	for (n = 1; n <= PURCHASE_COUNT_MAX; n++)
		any |= check->settings->purchase_count_enum[n - 1] != 0;
	if (field == NULL)
		return;
	if (listed && !any)
		finding_add(check->findings, "wrong", "AMO_PURCHASE_COUNT_1", 0,
		    "\"%s\" is a field of type %s: set AMO_PURCHASE_COUNT_1 and following to its "
		    "options",
		    account_name(field), type);
	if (!listed && any)
		finding_add(check->findings, "wrong", COUNTER, account_id(field),
		    "\"%s\" is a field of type %s: unset AMO_PURCHASE_COUNT_1 and following, or "
		    "name a "
		    "select field",
		    account_name(field), type);
	for (n = 1; n <= PURCHASE_COUNT_MAX && listed && any; n++) {
		if (check->settings->purchase_count_enum[n - 1] != 0)
			check_count_option(check, field, n);
		else
			check_count_gap(check, n);
	}
}

void
field_check(const struct settings *settings, const struct account *account, json_t *findings)
{
	struct field_checker check = { settings, account, findings };
	size_t i;

	for (i = 0; i < CRM_FIELD_COUNT; i++)
		check_field(&check, &crm_fields[i]);
	check_counter(&check);
}
