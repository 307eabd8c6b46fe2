#ifndef CGI_LOG_H
#define CGI_LOG_H

#include "config/settings.h"
#include "host/metrics.h"

/*
 * The journal of the programs: one event is one line on stderr.
 *
 * Under systemd stderr is the journal, and "<3>" to "<7>" before a line becomes its priority; a
 * terminal is shown a word instead.  A line leaves in one write(2), so that lines of several
 * workers do not mix.  Whatever text a line is made of, control characters and broken UTF-8 come
 * out as \xNN: nobody outside can forge a second line or move a cursor.
 *
 * Nothing waits for the journal: a line that cannot be written at once is lost.  "N lines were
 * lost" tells of it as soon as lines can be written again.
 */

/*
 * For a service, before its first line and before fork(2): its processes count together what is
 * lost, and none ends because nobody reads the journal any more.
 */
void log_start_service(void);

/* Add to the metrics what is lost from now on; NULL before they are closed. */
void log_count_in(struct metrics *counted_in);

/* Say what was lost, if anything was and it can be said now; each event does so too. */
void log_tell_lost(void);

/* Events below this level are dropped; until it is said, those below LOG_LEVEL_INFO are. */
void log_threshold(enum log_level level);

/*
 * Write one event, id first, then key=value pairs.  A line too long to be read is cut and ends in
 * "...".
 */
void log_event(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define LOG_TEXT 400

/*
 * Outside text as one value of a key=value pair: in double quotes, with quotes, backslashes and
 * everything that is not printable escaped, cut to fit.  Returns out.  NULL becomes "".
 */
const char *log_text(char out[static LOG_TEXT], const char *outside);

#endif
