/*
 * keep.c - a process that keeps records in one way, as the driver (bench/run) tells it.
 *
 *     bench-keep-NAME DIR BYTES [VARIANT]
 *
 * Commands come on stdin, a line each; the answer is `ok ...`, `no REASON`, or `samples N` and N doubles, nanoseconds:
 *
 *     round N MS MAX      N records at a time for so long, at most MAX times; how long each time took
 *     keep N COUNT        the same so many times, without looking at the clock
 *     commits             how many there were so far
 *
 * Nothing is left out: the first time counts like all others.
 */
#include <signal.h>
#include <sys/prctl.h>
#include "bench/lib/samples.h"
#include "bench/lib/ticks.h"
#include "bench/state/keeper.h"

static uint64_t kept;

const char *keeper_record(uint32_t bytes) {
	static char *record;
	static uint32_t room, number;
	if (bytes > room) {
		record = realloc(record, room = bytes);
		if (!record)
			die("no memory for %u bytes", bytes);
		for (uint32_t i = 0; i < bytes; i++)
			record[i] = (char)('a' + (i * 7 + i / 26) % 26);
	}
	number++;
	for (uint32_t i = 0; i < 8 && i < bytes; i++)
		record[i] = (char)('a' + (number >> 4 * i) % 16);
	return record;
}

const char *keeper_path(const char *dir, const char *name) {
	static char path[512];
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
		die("a path is too long: %s", dir);
	return path;
}

static void keep(uint32_t n) {
	if (n == 0 || n > KEEPER_TOGETHER_MAX)
		die("%u records at a time", n);
	keeper.keep(n);
	kept++;
}

static void measure(uint32_t n, uint32_t ms, uint32_t max) {
	uint64_t from = mono_ns(), until = from + ms * UINT64_C(1000000);
	samples_begin(max);
	while (sample_count < max && from < until) {
		keep(n);
		uint64_t now = mono_ns();
		samples[sample_count++] = (double)(now - from);
		from = now;
	}
}

static void do_line(const char *line) {
	uint32_t n, ms, max, count;
	if (sscanf(line, "round %u %u %u", &n, &ms, &max) == 3) {
		measure(n, ms, max);
		samples_out();
	} else if (sscanf(line, "keep %u %u", &n, &count) == 2) {
		while (count-- > 0)
			keep(n);
		printf("ok\n");
	} else if (strcmp(line, "commits\n") == 0) {
		printf("ok %llu\n", (unsigned long long)(keeper.commits ? keeper.commits() : kept));
	} else {
		die("not understood: %s", line);
	}
}

int main(int argc, char **argv) {
	char line[256];
	if (argc < 3) {
		fprintf(stderr, "usage: %s DIR BYTES [VARIANT]; bench/run starts it\n", argv[0]);
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	keeper.begin(argv[1], (uint32_t)strtoul(argv[2], NULL, 10), argc > 3 ? argv[3] : "");
	printf("ok %s\n", keeper.version);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		do_line(line);
		fflush(stdout);
	}
	if (keeper.end)
		keeper.end();
	return 0;
}
