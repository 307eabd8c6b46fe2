/*
 * What can be switched, at the start by options and at run time by POST /_sandbox/settings.
 */
#ifndef SANDBOX_SETTINGS_H
#define SANDBOX_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct settings {
	int64_t index_lag_ms;      /* a write shows in `query` after this long */
	int64_t latency_ms;        /* every API request waits this long before anything happens */
	int64_t latency_spread_ms; /* and up to this much longer, evenly spread */
	int64_t rate;              /* requests allowed in any second; 0 counts without enforcing */
	int64_t block_after;       /* 429 answers until the account is blocked; 0 never blocks */
	int64_t success_status;    /* of writes that are carried out: 200, 201 or 202 */
	int64_t clock_behind_s;    /* the account's clock is so far behind this machine's */
	int64_t text_max;  /* texts are shown cut to so many characters; 0 shows them whole */
	bool cut_at_emoji; /* texts are shown cut at their first emoji */
	bool join_lines;   /* texts are shown without line breaks */
	bool html_texts;   /* texts are shown with & as &amp; */
	bool upper_case;   /* texts are shown in capitals (Latin) */
	bool filter;       /* the account has the "API filtration" option */
	bool filter_id;    /* filter[id] works even without that option */
	bool wrap_patch;   /* PATCH by id answers inside _embedded, like the batch form */
	bool leads_query_sees_contacts; /* `query` over leads also looks at their contacts */
	bool show_deleted_by_id;        /* GET by id answers deleted entities instead of 204 */
	bool require_user_agent; /* a request without User-Agent is turned away by the gateway */
};

/* What holds when nothing was asked for. */
extern const struct settings settings_default;

/* New object with all of them. */
json_t *settings_json(const struct settings *settings);

/*
 * Change those settings that the object names.  False, with *mistake set to a static text, if the object names an
 * unknown setting or gives a wrong value; then nothing is changed.
 */
bool settings_change(struct settings *settings, const json_t *changes, const char **mistake)
    __attribute__((warn_unused_result));

#endif
