/*
 * The reason of a failure.  It is cut rather than allocated, so that a failure can always be told,
 * whatever has failed.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/fault.h"

void
fault_write(struct fault *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
}
