/*
 * journal_speed.c - how fast the journal is on this disk, beside the disk alone.
 *
 *	raw     pwrite of 4 KiB and fdatasync, one after the other
 *	D2      one setting submitted, its ticket awaited, one after the other
 *	D2 x 32 the same with 32 batches under way
 *	D1      settings as fast as the queue takes them
 *	replay  the state folded from all of that, chain checked
 *
 * usage: journal_speed [FOLDER]     the state file is made there; /tmp unless told
 */
#include <sys/stat.h>
#include "base/clock.h"
#include "journal/journal_testing.h"

enum { SAMPLES = 400, RECORDS = 200000 };

static struct testing t;
static int64_t took[SAMPLES];

static int by_size(const void *a, const void *b) {
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void report(const char *what, int64_t total_ns) {
	qsort(took, SAMPLES, sizeof(took[0]), by_size);
	printf("%-8s %8.0f /s   p50 %7.3f ms   p99 %7.3f ms\n", what,
			(double)SAMPLES * 1e9 / (double)total_ns, ns_to_ms(took[SAMPLES / 2]),
			ns_to_ms(took[SAMPLES * 99 / 100]));
}

static void raw(void) {
	static char page[4096];
	char path[100];
	snprintf(path, sizeof(path), "%s/raw", t.folder);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	struct cdm_mono start = clock_mono();
	for (int i = 0; i < SAMPLES; i++) {
		struct cdm_mono then = clock_mono();
		CHECK(pwrite(fd, page, sizeof(page), (off_t)i * 4096) == sizeof(page) &&
				fdatasync(fd) == 0);
		took[i] = mono_since(then, clock_mono());
	}
	report("raw", mono_since(start, clock_mono()));
	close(fd);
	unlink(path);
}

static void d2(struct journal *j) {
	struct cdm_mono start = clock_mono();
	for (int i = 0; i < SAMPLES; i++) {
		struct cdm_mono then = clock_mono();
		CHECK(testing_settle(j, testing_submit_set(j, "speed", "1", JOURNAL_D2), NULL) ==
				0);
		took[i] = mono_since(then, clock_mono());
	}
	report("D2", mono_since(start, clock_mono()));
}

static void d2_together(struct journal *j) {
	enum { UNDER_WAY = 32 };
	struct cdm_mono since[UNDER_WAY], start = clock_mono();
	for (int i = 0; i < SAMPLES + UNDER_WAY; i++) {
		if (i >= UNDER_WAY) {
			CHECK(testing_result(j).rc == 0);
			took[i - UNDER_WAY] = mono_since(since[i % UNDER_WAY], clock_mono());
		}
		since[i % UNDER_WAY] = clock_mono();
		if (i < SAMPLES)
			testing_submit_set(j, "speed", "1", JOURNAL_D2);
	}
	report("D2 x 32", mono_since(start, clock_mono()));
}

static void d1(struct journal *j) {
	uint8_t room[256];
	struct journal_entry e = testing_set("speed", "1", room, sizeof(room));
	struct journal_result r;
	struct pollfd p = { .fd = journal_event_fd(j), .events = POLLIN };
	uint64_t last = 0, done = 0;
	int64_t slowest = 0;
	struct cdm_mono start = clock_mono();
	for (int i = 0; i < RECORDS;) {
		struct cdm_mono then = clock_mono();
		int rc = journal_submit(j, &e, 1, JOURNAL_D1, &last);
		int64_t ns = mono_since(then, clock_mono());
		slowest = ns > slowest ? ns : slowest;
		i += rc == 0;
		while (rc == -EAGAIN && journal_take(j, &r) == -EAGAIN)
			CHECK(poll(&p, 1, 30000) == 1);
	}
	while (done < last)
		done = testing_result(j).ticket;
	int64_t total = mono_since(start, clock_mono());
	printf("%-8s %8.0f /s   slowest submit %.3f ms\n", "D1", (double)RECORDS * 1e9 / (double)total,
			ns_to_ms(slowest));
}

static void replay(void) {
	struct journal_reader *r;
	struct journal_state *s = testing_state();
	CHECK(journal_read_open(t.path, &r, NULL) == 0);
	struct cdm_mono start = clock_mono();
	CHECK(journal_state_at(r, UINT64_MAX, s, NULL) == 0);
	int64_t total = mono_since(start, clock_mono());
	printf("%-8s %8.0f /s   %llu records, chain checked\n", "replay",
			(double)s->seq * 1e9 / (double)total, (unsigned long long)s->seq);
	start = clock_mono();
	struct hash h = state_hash(s);
	CHECK(h.bytes[0] || h.bytes[1] || h.bytes[2] || h.bytes[3]);
	printf("%-8s %8.3f ms\n", "hash", ns_to_ms(mono_since(start, clock_mono())));
	journal_read_close(&r);
	free(s);
}

int main(int argc, char **argv) {
	CHECK(argc <= 1 || chdir(argv[1]) == 0);
	t = argc > 1 ? (struct testing){ "journal-speed", "journal-speed/state" } : testing_begin();
	CHECK(argc <= 1 || mkdir(t.folder, 0700) == 0);
	raw();
	struct journal *j = testing_open(&t);
	d2(j);
	d2_together(j);
	d1(j);
	struct journal_stats stats;
	journal_stats(j, &stats);
	printf("%-8s %llu records in %llu commits, slowest %.3f ms\n", "in all",
			(unsigned long long)stats.records, (unsigned long long)stats.commits,
			ns_to_ms((int64_t)stats.commit_ns_max));
	journal_stop(&j);
	replay();
	testing_remove(&t);
	testing_end(&t);
}
