/*
 * Choosing, ordering and paging: what every list of the API has in common.
 */
#ifndef SANDBOX_LIST_H
#define SANDBOX_LIST_H

#include "call.h"

struct list;

struct list *list_new(void);
void list_free(struct list *list);

/* Append an entity, borrowed until the list is freed. */
void list_add(struct list *list, json_t *entity);

/* Order by the first order[...] of the request that the list knows; without one, by id. */
void list_order(struct list *list, const struct request *asked);

/* How one entity is shown; returns new. */
typedef json_t *(*shower)(const struct call *call, const json_t *entity);

/* Answer with the page that the request asks for: 204 where it is empty. */
void list_answer(const struct list *list, const struct call *call, const char *name, shower show,
    struct response *given);

/* page and limit of a request; limit is at most 250. */
void list_page(const struct request *asked, size_t *page, size_t *limit);

/* The request's own URL with another page; new string. */
char *list_href(const struct request *asked, size_t page, size_t limit);

#endif
