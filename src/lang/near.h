/*
 * near.h - did you mean?  Start with {word}, offer candidates, read the best.
 *
 * Pure; borrows all texts.  For the compiler's hints, and for those of the command line.
 */
#ifndef LANG_NEAR_H
#define LANG_NEAR_H

struct near {
	const char *word;
	const char *best;
	unsigned distance;
};

void near_offer(struct near *n, const char *candidate);
/* The nearest candidate so far, "" when none is near. */
const char *near_best(const struct near *n);

#endif
