#ifndef WEB_STATUS_PAGE_H
#define WEB_STATUS_PAGE_H

#include "web/locale.h"
#include "web/status_tables.h"

/* The status page as HTML: pure, facts in, a new text out. */
char *status_page(const struct locale *locale, const struct status_facts *facts);

#endif
