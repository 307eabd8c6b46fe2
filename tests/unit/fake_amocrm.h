#ifndef FAKE_AMOCRM_H
#define FAKE_AMOCRM_H

/*
 * An amoCRM account in memory, and failures on command.  Include fake_amocrm.c in the test; its functions take the place
 * of lib/amocrm/amocrm.c.
 */
#include "amocrm/amocrm.h"

enum fake_when {
	FAIL_BEFORE, /* amoCRM never did it. */
	FAIL_AFTER   /* It did, and only the answer was lost. */
};

#define FAKE_FAILURES_MAX 2

struct fake_account {
	json_t *contacts, *leads, *notes, *tasks; /* Arrays of entities as amoCRM gives them. */
	json_t *refused; /* Ids and codes of fields that do not exist: they are dropped. */
	int64_t next_id;
	int64_t next_update;
	int64_t clock_ahead_ms; /* Of ours. */
	int64_t search_lag_ms; /* How long after its creation the search does not know an entity. */

	int calls; /* So far. */
	struct {
		int call; /* The first call is 1; 0 = none. */
		enum fake_when when;
		enum outcome outcome;
	} failures[FAKE_FAILURES_MAX];
	bool unavailable;    /* The last call failed. */
	bool too_many;       /* The last call found more than is read: */
	const char *crowded; /* so does a search for this, when set. */
	enum outcome
	    always; /* What every call ends with, before its effect, while it is not DONE. */

	/* Called before each call, and after its effect, when set: somebody else is at work. */
	void (*meanwhile)(int call, bool after);

	char log[8192]; /* One line per call: "search contacts 79991234567". */
};
extern struct fake_account account;

void fake_amocrm_reset(void); /* An empty account, also to free it at the end. */

/* How many calls' lines in the log begin with this. */
int fake_calls(const char *beginning);

/* Put an entity there; its custom_fields_values are given as JSON.  Returns its id. */
int64_t fake_contact(const char *fields);
int64_t fake_lead(int64_t contact_id, int64_t status_id, const char *fields);
json_t *fake_entity(json_t *all, int64_t id); /* Borrowed; NULL when there is none. */

/* The first value of a lead's field as a text; "" when it is not filled. */
const char *fake_field(const json_t *entity, int64_t field_id);
void fake_set_field(json_t *entity, int64_t field_id, const char *value);

/* How many notes of the lead (0: of any) have this text somewhere. */
int fake_notes(int64_t lead_id, const char *text);
int fake_tasks(int64_t lead_id, const char *text); /* The same for tasks. */

/* The leads of a contact, as a new array. */
json_t *fake_leads_of(int64_t contact_id);

#endif
