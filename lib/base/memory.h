#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>
#include <stdio.h>

/*
 * Memory, and the one rule for the day there is none: the process aborts.
 *
 * Nothing here returns NULL, so no caller has a half-made object to clean up, and no note, warning
 * or value can be left out because a small allocation failed.  An abort costs a repeated attempt at
 * most: the supervisor starts the worker anew, and the ledger says how far each payment got.
 *
 * The rule holds for Jansson too from before main() on, for libcurl from the first
 * http_client_open() and for SQLite from the first db_open(): what they return as NULL is never for
 * want of memory.  OpenSSL and libfcgi keep their own rules: the first makes a failed connection of
 * it, the second dies.
 *
 * New texts are in base/text.h.  Everything new is freed by free(3).
 */

#define MEMORY_NEW __attribute__((returns_nonnull, warn_unused_result))

/* New bytes, undefined; of no bytes too. */
void *memory_allocate(size_t size) MEMORY_NEW __attribute__((malloc));

/* count things of that size, all bytes zero. */
void *memory_zeroed(size_t count, size_t size) MEMORY_NEW __attribute__((malloc));

/* realloc(3), and for an array: what was there is kept, what is more is undefined. */
void *memory_resize(void *old, size_t size) MEMORY_NEW;
void *memory_resize_array(void *old, size_t count, size_t size) MEMORY_NEW;

/*
 * A stream that writes a new text, and its end, after which *text and *size are valid and there is
 * a NUL behind.
 */
FILE *memory_stream(char **text, size_t *size) MEMORY_NEW;
void memory_stream_end(FILE *stream);

/* For what reports in its own way that memory is exhausted. */
_Noreturn void memory_exhausted(void);

#endif
