/* watched.h - is this built with ThreadSanitizer?  It calls the kernel, and allocates, when it likes. */
#ifndef TEST_LIB_WATCHED_H
#define TEST_LIB_WATCHED_H

#if defined(__SANITIZE_THREAD__)
#define IS_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_WATCHED 1
#endif
#endif
#ifndef IS_WATCHED
#define IS_WATCHED 0
#endif

#endif
