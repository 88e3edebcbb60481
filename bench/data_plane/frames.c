/*
 * frames.c - pictures that are filled where they are read: one writer, readers that borrow, and every byte checked.
 *
 *     bench-frames DIR write|read READERS      then on stdin: `frames N`
 *
 * The writer is the sensor `camera`.  It fills each frame with numbers and ends it with their sum; a reader sums up
 * again what it has borrowed.  The writer fills the next frame while the readers look at this one, and publishes it
 * when all have given this one back (a counter in a page that they share): none is missed, and the slowest decides.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "cadmus/client.h"
#include "bench/lib/must.h"
#include "bench/lib/ticks.h"

#define ODD UINT64_C(0x9e3779b97f4a7c15)
#define PATIENCE_NS INT64_C(20000000000)

static uint32_t *done; /* shared: frames given back, by all readers together */

static void fill(uint64_t *p, size_t words, uint64_t frame) {
	uint64_t sum = 0;
	for (size_t i = 0; i < words - 1; i++) {
		p[i] = (frame + i) * ODD;
		sum += p[i];
	}
	p[words - 1] = sum;
}

static bool is_whole(const uint64_t *p, size_t words, uint64_t frame) {
	uint64_t sum = 0;
	for (size_t i = 0; i < words - 1; i++)
		sum += p[i];
	return p[words - 1] == sum && p[0] == frame * ODD;
}

static void await_done(uint32_t count) {
	uint32_t seen;
	while ((seen = __atomic_load_n(done, __ATOMIC_ACQUIRE)) < count)
		syscall(SYS_futex, done, FUTEX_WAIT, seen, NULL, NULL, 0);
}

static void write_frames(struct cdm_writer *w, size_t bytes, uint32_t count, uint32_t readers) {
	uint64_t from_ns = 0;
	for (uint32_t i = 1; i <= count; i++) {
		uint64_t *p = cdm_loan(w);
		must(p ? 0 : -EAGAIN, "no frame is free");
		fill(p, bytes / 8, i);
		await_done((i - 1) * readers);
		if (i == 2)
			from_ns = mono_ns(); /* the first one was waiting for readers to come */
		must(cdm_publish(w, bytes, NULL), "publish");
	}
	await_done(count * readers);
	printf("ok %u %llu\n", count - 1, (unsigned long long)(mono_ns() - from_ns));
}

static void read_frames(struct cdm_reader *r, size_t bytes, uint32_t count) {
	uint32_t bad = 0, missed = 0;
	for (uint32_t i = 1; i <= count; i++) {
		struct cdm_sample s;
		int rc;
		do { /* -EAGAIN: the writer has yet to hear of us */
			must(cdm_wait(r, PATIENCE_NS), "no frame comes");
			rc = cdm_lease_next(r, &s);
		} while (rc == -EAGAIN);
		must(rc, "cdm_lease_next");
		missed += (uint32_t)rc;
		bad += s.info.bytes != bytes || !is_whole(s.data, bytes / 8, i);
		cdm_release(&s);
		__atomic_add_fetch(done, 1, __ATOMIC_RELEASE);
		syscall(SYS_futex, done, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	printf("ok %u %u %u\n", count, bad, missed);
}

static void share(const char *dir) {
	char path[256];
	snprintf(path, sizeof(path), "%s/frames", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	must(fd < 0 || ftruncate(fd, 4096) < 0 ? -errno : 0, path);
	done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(done == MAP_FAILED ? -errno : 0, path);
	close(fd);
}

int main(int argc, char **argv) {
	struct cdm_machine *m;
	struct cdm_field f;
	struct cdm_writer *w = NULL;
	struct cdm_reader *r = NULL;
	char line[64];
	uint32_t count;
	if (argc != 4)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	share(argv[1]);
	bool writes = strcmp(argv[2], "write") == 0;
	must(writes ? cdm_attach_as("bench", "camera", 0, &m, NULL) : cdm_attach("bench", &m, NULL), "attach");
	must(cdm_find(m, "camera.frame", &f), "camera.frame");
	must(writes ? cdm_writer_open(m, f.name, &w) : cdm_open(m, f.name, &r), f.name);
	printf("ok %u\n", f.bytes);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) && sscanf(line, "frames %u", &count) == 1) {
		if (writes)
			write_frames(w, f.bytes, count, (uint32_t)atoi(argv[3]));
		else
			read_frames(r, f.bytes, count);
		fflush(stdout);
	}
	return 0;
}
