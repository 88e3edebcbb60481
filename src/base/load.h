/* load.h - how much this computer is asked to do. */
#ifndef BASE_LOAD_H
#define BASE_LOAD_H

/* Threads that run or would like to, by processors, over the last minute: 1 is all that it can do.  NAN: not known. */
double load_now(void);

#endif
