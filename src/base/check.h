/* check.h - the words every module uses to state what it relies on. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))

/* For what runs with each sample and is called with constants from a few places: the compiler makes each its own. */
#define HOT static inline __attribute__((always_inline))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A bug in this program: stop before it spreads.  Stays on in release builds. */
#define CHECK(cond) ((cond) ? (void)0 : check_failed(__FILE__, __LINE__, __func__, #cond))

_Noreturn void check_failed(const char *file, int line, const char *func, const char *cond);

#endif
