/*
 * Every allocation of the project goes through here, so that its failure is met in one place.
 * There are no tidier ways out: unwinding needs memory too, and code for a failure that
 * hardly ever comes is never tried.
 */
#include <jansson.h>
#include <stdlib.h>

#include "base/memory.h"

/*
 * Jansson must be told before its first value is made; a constructor is too early for any program
 * or test to forget it.
 */
__attribute__((constructor)) static void
rule_jansson(void)
{
	json_set_alloc_funcs(memory_allocate, free);
}

void
memory_exhausted(void)
{
	abort();
}

static void *
checked(void *memory)
{
	if (memory == NULL)
		memory_exhausted();
	return memory;
}

/*
 * Where none are asked for, malloc(3) and its like may answer NULL, which would look like
 * exhaustion.
 */
static size_t
at_least_one(size_t size)
{
	return size > 0 ? size : 1;
}

void *
memory_allocate(size_t size)
{
	return checked(malloc(at_least_one(size)));
}

void *
memory_zeroed(size_t count, size_t size)
{
	return checked(calloc(at_least_one(count), at_least_one(size)));
}

void *
memory_resize(void *old, size_t size)
{
	return checked(realloc(old, at_least_one(size)));
}

void *
memory_resize_array(void *old, size_t count, size_t size)
{
	return checked(reallocarray(old, at_least_one(count), at_least_one(size)));
}

FILE *
memory_stream(char **text, size_t *size)
{
	return checked(open_memstream(text, size));
}

void
memory_stream_end(FILE *stream)
{
	/* A write that found no memory is told of here at the latest. */
	if (fclose(stream) != 0)
		memory_exhausted();
}
