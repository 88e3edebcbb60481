/* load.c - see load.h. */
#include "base/load.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

double load_now(void) {
	double waiting;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	return processors > 0 && getloadavg(&waiting, 1) == 1 ? waiting / (double)processors : (double)NAN;
}
