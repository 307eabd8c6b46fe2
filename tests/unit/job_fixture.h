#ifndef JOB_FIXTURE_H
#define JOB_FIXTURE_H

#include "amocrm/amocrm.h"
#include "deliver/job.h"
#include "fixture.h"

/*
 * A payment in the middle of its way, for tests of the steps by themselves.  Include job_fixture.c, after a fake amoCRM.
 */
extern struct settings *settings;
extern struct service *service;

/* Settings as they are in the environment, an empty account, an empty ledger. */
void job_fixture_begin(void);
void job_fixture_end(void);

/* Record a payment and take it up; release it with drop_job().  `job` is filled in its place. */
void take_job(struct job *job, const struct sample *sample);
void drop_job(struct job *job);

/* Take up the same payment again, as another process would: with what the ledger knows. */
void retake_job(struct job *job);

/* Carry it in a batch of one by a part of the story of deliver(); how it ended. */
enum outcome carry_alone(
    struct job *job, enum outcome (*story)(struct job *job, struct fault *why), struct fault *why);

/* The parts: who paid, for which lead. */
enum outcome settle_contact(struct job *job, struct fault *why);
enum outcome settle_lead(struct job *job, struct fault *why);

/* Whether some warning has this text in it. */
bool has_remark(const struct job *job, const char *text);

#endif
