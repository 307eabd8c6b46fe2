#ifndef RULES_FIXTURE_H
#define RULES_FIXTURE_H

#include "payment/payment.h"
#include "rules/rule_reader.h"

/*
 * What the tests of rules need: a file of rules being read, under settings with nothing in them but the variables FIVE (5),
 * SIX (6), LIST (" advcake, Партнёр ,, x ") and TEXT (five); and a payment.  Include rules_fixture.c in the test.
 */
struct rule_reader rulefile_new(void);
void rulefile_clear(struct rule_reader *file);

/* The settings of such a file, for those who free them. */
struct settings *rules_settings(void);

/* A document, written as people do who are tired of backslashes: ' stands for ". */
json_t *rules_json(const char *text);
char *rules_text(const char *text);

/* The paths of errors or warnings, as "(path)(path)"; lives until the next call. */
const char *rules_paths(const json_t *list);

/* The message of the only one of them. */
const char *rules_message(const json_t *list);

/* Two items; amount 150.50; times are in Moscow. */
struct payment *rules_payment(void);

#endif
