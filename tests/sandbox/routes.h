/*
 * Which handler answers which method and path of the API.
 */
#ifndef SANDBOX_ROUTES_H
#define SANDBOX_ROUTES_H

#include "call.h"

/*
 * Answer an authorised request below /api/v4/: fills in what the path says (kind and ids) and enters the handler; 404
 * for a path that does not exist, 405 for a method that the path does not have.
 */
void routes_answer(struct call *call, struct response *given);

#endif
