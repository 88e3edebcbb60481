/* pace.h - how much of a long test is done: all of it, and less under AddressSanitizer, which is slow. */
#ifndef TEST_LIB_PACE_H
#define TEST_LIB_PACE_H

#ifdef __SANITIZE_ADDRESS__
#define PACE(all, watched) (watched)
#else
#define PACE(all, watched) (all)
#endif

#endif
