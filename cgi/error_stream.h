#ifndef CGI_ERROR_STREAM_H
#define CGI_ERROR_STREAM_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Write a line of at most PIPE_BUF bytes to standard error, whole or not at all, without ever
 * waiting for who reads it.  False: it was not written, because nobody takes it now.
 */
bool error_stream_write(const char *line, size_t length) __attribute__((warn_unused_result));

#endif
