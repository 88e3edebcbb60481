/*
 * quiet.h - what code does beside computing: does it call the system, allocate, or lock?
 *
 * It is done in a child: under a filter that kills it at the first system call, and in a program that is linked by
 * `quiet_dep`, whose allocations and locks are counted.  Not under ThreadSanitizer: see watched.h.
 */
#ifndef TEST_LIB_QUIET_H
#define TEST_LIB_QUIET_H

/* What was seen. */
enum quiet { QUIET = 0, ALLOCATES = 1, LOCKS = 2, CALLS = 4 };

/*
 * Let a child call prepare(of), if there is one, where everything is allowed, and then act(of).  A set of enum quiet:
 * what act() did; a CHECK in it that fails is CALLS, and says itself on stderr.
 *
 * Allowed besides is the clock: whether a computer asks the kernel for the time is not ours to say.
 */
unsigned quiet_seen(void (*prepare)(void *of), void (*act)(void *of), void *of);

#endif
