/*
 * What to do wrong, and when.  Rules come from POST /_sandbox/faults; README.md describes them.
 */
#ifndef SANDBOX_FAULTS_H
#define SANDBOX_FAULTS_H

#include <jansson.h>
#include <stdbool.h>

#include "request.h"
#include "response.h"

struct faults;
struct fault;

/* The seed makes the rules with a probability repeatable. */
struct faults *faults_new(uint64_t seed);
void faults_free(struct faults *faults);

/* Append rules.  False, with *mistake set to a static text, if one of them is wrong; then none is added. */
bool faults_add(struct faults *faults, const json_t *rules, const char **mistake)
    __attribute__((warn_unused_result));

/* Remove all rules, or the one with this id; the random numbers start over when all are removed. */
void faults_clear(struct faults *faults);
bool faults_remove(struct faults *faults, int64_t id);

/* New array of the rules, each with "id", "seen" and "fired". */
json_t *faults_list(const struct faults *faults);

/* The first rule that strikes this request, NULL if none does; borrowed until the rules change. */
const struct fault *faults_strike(struct faults *faults, const struct request *asked);

/* What it is called; whether the request is never carried out; how long the request is delayed before it is. */
const char *fault_name(const struct fault *fault);
bool fault_prevents(const struct fault *fault);
int64_t fault_delay_ms(const struct fault *fault);

/* Turn the answer, which is a stock one if the request was prevented, into what the fault makes of it. */
void fault_spoil(const struct fault *fault, struct response *given);

#endif
