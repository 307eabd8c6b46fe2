#ifndef SEEK_H
#define SEEK_H

#include <jansson.h>

#include "fault.h"
#include "job.h"

/*
 * The questions of contact.c and lead.c, in their order, without anything being done about the answers: for telling
 * beforehand what a payment would come to.
 */

/* The contact that contact_settle() would take, as job->contact, with at.matched_by; NULL when it would make one. */
enum outcome seek_contact(struct job *job, struct fault *why) MUST_USE;

/* The active lead that lead_settle() would take, be it job->contact's or the one that the webhook names, as a new
 * reference; NULL when it would make one. */
enum outcome seek_lead(struct job *job, json_t **lead, struct fault *why) MUST_USE;

#endif
