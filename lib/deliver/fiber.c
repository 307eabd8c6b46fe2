/*
 * Fibers by ucontext, which glibc keeps: one payment's story can then be written from top to
 * bottom although it waits in the middle for the others of its batch.
 *
 * AddressSanitizer must be told of each switch, or it takes the other stack for an overflow.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/memory.h"
#include "deliver/fiber.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#else
#define __sanitizer_start_switch_fiber(save, bottom, size)  ((void)(save))
#define __sanitizer_finish_switch_fiber(save, bottom, size) ((void)(save))
#endif

/* libcurl, TLS and SQLite run on it.  Only pages that are touched cost memory. */
#define STACK_SIZE (1024 * 1024)

struct fiber {
	void (*body)(void *cookie);
	void *cookie;
	ucontext_t own, caller;
	char *memory; /* A guard page, then the stack. */
	size_t guard;
	/* What AddressSanitizer keeps of either side while the other runs. */
	void *own_fake, *caller_fake;
	const void *caller_stack;
	size_t caller_size;
};

/* makecontext() hands over ints only: the pointer comes in two halves. */
static void
enter(unsigned high, unsigned low)
{
	struct fiber *fiber = (struct fiber *)((uintptr_t)high << 16 << 16 | low);

	__sanitizer_finish_switch_fiber(NULL, &fiber->caller_stack, &fiber->caller_size);
	fiber->body(fiber->cookie);
	/* NULL: this stack is left for good.  uc_link leads back into fiber_resume(). */
	__sanitizer_start_switch_fiber(NULL, fiber->caller_stack, fiber->caller_size);
}

struct fiber *
fiber_new(void (*body)(void *cookie), void *cookie)
{
	struct fiber *fiber = memory_zeroed(1, sizeof(*fiber));
	uintptr_t address = (uintptr_t)fiber;

	if (getcontext(&fiber->own) < 0)
		abort();
	fiber->body = body;
	fiber->cookie = cookie;
	fiber->guard = (size_t)sysconf(_SC_PAGESIZE);
	fiber->memory = mmap(NULL, fiber->guard + STACK_SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (fiber->memory == MAP_FAILED || mprotect(fiber->memory, fiber->guard, PROT_NONE) < 0)
		abort();
	fiber->own.uc_stack.ss_sp = fiber->memory + fiber->guard;
	fiber->own.uc_stack.ss_size = STACK_SIZE;
	fiber->own.uc_link = &fiber->caller;
	makecontext(&fiber->own, (void (*)(void))enter, 2, (unsigned)(address >> 16 >> 16),
	    (unsigned)address);
	return fiber;
}

void
fiber_resume(struct fiber *fiber)
{
	__sanitizer_start_switch_fiber(
	    &fiber->caller_fake, fiber->memory + fiber->guard, STACK_SIZE);
	if (swapcontext(&fiber->caller, &fiber->own) < 0)
		abort();
	__sanitizer_finish_switch_fiber(fiber->caller_fake, NULL, NULL);
}

void
fiber_yield(struct fiber *fiber)
{
	__sanitizer_start_switch_fiber(&fiber->own_fake, fiber->caller_stack, fiber->caller_size);
	if (swapcontext(&fiber->own, &fiber->caller) < 0)
		abort();
	__sanitizer_finish_switch_fiber(fiber->own_fake, &fiber->caller_stack, &fiber->caller_size);
}

void
fiber_free(struct fiber *fiber)
{
	if (fiber == NULL)
		return;
	munmap(fiber->memory, fiber->guard + STACK_SIZE);
	free(fiber);
}
