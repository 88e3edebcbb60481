/*
 * state_sim.c - whole lives of a state file, each from one seed, in a simulated world; see README.md.
 *
 * usage: state_sim                     SIM_SEEDS lives (1000; 150 under AddressSanitizer)
 *        state_sim --seed N [--trace]  one of them, telling what happens
 *        state_sim --seed N --keep FILE  one of them; the journal that it left, and the hash of its state
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/check.h"
#include "test/lib/pace.h"
#include "test/sim/life.h"

enum { SEEDS = PACE(1000, 150), TWICE = 50 /* each so many-th one is lived again, and must be the same */ };

static char to_repeat[80];

/* However it fails: say how to see it again. */
static void on_failure(int signal_number) {
	(void)!write(STDERR_FILENO, to_repeat, strlen(to_repeat));
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static void live(uint64_t seed, bool told, const char *keep, struct life_report *report) {
	snprintf(to_repeat, sizeof(to_repeat), "\nto see it again: test/sim/state_sim --seed %llu --trace\n",
			(unsigned long long)seed);
	life_run(seed, told, keep, report);
}

static void live_twice(uint64_t seed) {
	struct life_report first = { 0 }, second = { 0 };
	live(seed, false, NULL, &first);
	live(seed, false, NULL, &second);
	CHECK(first.trace == second.trace);
}

static void print(const struct life_report *r, uint64_t seeds) {
	printf("state_sim: %llu seeds: %llu records acknowledged, %llu found in doubt, %llu batches refused\n"
	       "state_sim: %llu kills, %llu power cuts, %llu faults, %llu erasures, %llu readings, "
	       "%llu lies judged, %llu files lost or removed\n"
	       "state_sim: %llu compactions, %llu records let go at the end, %llu retries\n",
			(unsigned long long)seeds, (unsigned long long)r->acknowledged,
			(unsigned long long)r->in_doubt_found, (unsigned long long)r->refused,
			(unsigned long long)r->kills, (unsigned long long)r->cuts, (unsigned long long)r->faults,
			(unsigned long long)r->erased, (unsigned long long)r->reads,
			(unsigned long long)r->lies_judged, (unsigned long long)r->files_lost,
			(unsigned long long)r->compacted, (unsigned long long)r->removed,
			(unsigned long long)r->retries);
}

int main(int argc, char **argv) {
	struct life_report report = { 0 };
	const char *asked = getenv("SIM_SEEDS");
	uint64_t seeds = asked ? strtoull(asked, NULL, 10) : SEEDS;
	signal(SIGABRT, on_failure);
	signal(SIGSEGV, on_failure);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc >= 3 && strcmp(argv[1], "--seed") == 0) {
		bool trace = argc > 3 && strcmp(argv[3], "--trace") == 0;
		const char *keep = argc > 4 && strcmp(argv[3], "--keep") == 0 ? argv[4] : NULL;
		live(strtoull(argv[2], NULL, 10), trace, keep, &report);
		printf("trace %016llx\n", (unsigned long long)report.trace);
		print(&report, 1);
		return 0;
	}
	CHECK(argc == 1 && seeds > 0);
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		live(seed, false, NULL, &report);
		if (seed % TWICE == 0)
			live_twice(seed);
	}
	print(&report, seeds);
}
