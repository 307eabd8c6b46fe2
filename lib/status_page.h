#ifndef STATUS_PAGE_H
#define STATUS_PAGE_H

#include "status_tables.h"
#include "words.h"

/* The status page as HTML: pure, facts in, a new text out. */
char *status_page(const struct words *words, const struct status_facts *facts);

#endif
