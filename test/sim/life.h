/*
 * life.h - the life of one state file in a simulated world, drawn from a seed.
 *
 * Process 0 owns the journal, 1 would like to, 2 keeps a reader open, 3 reads in passing.  They take turns, and at
 * times one runs while another is in the middle of a call to the disk.  What goes wrong is planned, or done between
 * turns.
 */
#ifndef TEST_SIM_LIFE_H
#define TEST_SIM_LIFE_H

#include <stdbool.h>
#include <stdint.h>

struct life_report { /* what happened, over one life or more */
	uint64_t acknowledged, in_doubt_found, refused, kills, cuts, faults, erased, reads, lies_judged, files_lost,
			compacted, removed, retries;
	uint64_t trace;
};

/*
 * Live it; every failure is a CHECK.  `told`: say what happens.  `keep`: write the file that it left to this path, and
 * print the hash of its state; NULL: do not.
 */
void life_run(uint64_t seed, bool told, const char *keep, struct life_report *report);

#endif
