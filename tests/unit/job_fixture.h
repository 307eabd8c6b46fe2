#ifndef JOB_FIXTURE_H
#define JOB_FIXTURE_H

#include "fixture.h"
#include "job.h"

/*
 * A payment in the middle of its way, for tests of the steps by themselves.  Include job_fixture.c, after a fake amoCRM.
 */
extern struct settings *settings;
extern struct carrier *carrier;

/* Settings as they are in the environment, an empty account, an empty ledger. */
void job_fixture_begin(void);
void job_fixture_end(void);

/* Record a payment and take it up; release it with drop_job().  `job` is filled in its place. */
void take_job(struct job *job, const struct sample *sample);
void drop_job(struct job *job);

/* Take up the same payment again, as another process would: with what the ledger knows. */
void retake_job(struct job *job);

/* Whether some remark has this text in it. */
bool has_remark(const struct job *job, const char *text);

#endif
