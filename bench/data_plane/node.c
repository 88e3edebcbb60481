/*
 * node.c - a process that sends and receives samples with one transport, as the driver (bench/run) tells it.
 *
 *     bench-TRANSPORT DIR ROLE [VARIANT]
 *
 * Commands come on stdin, a line each; the answer is `ok ...`, `no REASON`, or `samples N` and N doubles, nanoseconds:
 *
 *     writer CHANNEL BYTES READERS          open one end
 *     reader CHANNEL BYTES READERS INDEX
 *     greet CHANNEL BYTES                   writer: say hello until the next line comes
 *     greeted CHANNEL BYTES                 reader: wait for that
 *     ping OUT IN BYTES MODE MS MAX CPU     send on OUT, wait for it on IN, for so long; the round trips
 *     pong IN OUT BYTES MODE CPU            send back until it was the last
 *     fan CHANNEL BYTES COUNT READERS CPU   send when all have got the one before
 *     hear CHANNEL BYTES COUNT MODE CPU     receive; how long each was on its way; MODE yield: poll, yield between
 *     copy BYTES COUNT CPU                  floors: copies
 *
 * A sample's first word says which one it is, in a fan-out the second when it was sent, the last repeats the first;
 * the receiver compares.  No other byte is touched, so what copies shows in the figures, and what does not also.
 */
#include <errno.h>
#include <linux/futex.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bench/data_plane/transport.h"
#include "bench/lib/samples.h"
#include "bench/lib/ticks.h"

#define LAST (UINT64_C(1) << 63)  /* the other side shall stop after this one */
#define HELLO (UINT64_C(1) << 62) /* only to find each other */
#define WARM_PART 10              /* this part of the time of a round comes before what counts */
#define ENDS_MAX 64

/* A page that all processes of the run share: how many readers have got the sample of a fan-out. */
struct board {
	uint32_t acks;
};

static struct board *board;
static double ns_per_tick;
static char refusal[200];

void refuse(const char *format, ...) {
	va_list a;
	va_start(a, format);
	vsnprintf(refusal, sizeof(refusal), format, a);
	va_end(a);
}

/* ---- ends ---------------------------------------------------------------------------------------- */

static struct {
	char name[32];
	uint32_t bytes;
	struct end *end;
} ends[ENDS_MAX];
static unsigned end_count;

static struct end *end_of(const char *name, uint32_t bytes) {
	for (unsigned i = 0; i < end_count; i++)
		if (ends[i].bytes == bytes && strcmp(ends[i].name, name) == 0)
			return ends[i].end;
	die("no such channel here: %s %u", name, bytes);
}

static void open_end(bool writer, const struct channel *c) {
	if (end_count == ENDS_MAX)
		die("too many channels");
	struct end *e = writer ? transport.writer(c) : transport.reader(c);
	if (!e) {
		printf("no %s\n", refusal);
		return;
	}
	snprintf(ends[end_count].name, sizeof(ends[0].name), "%s", c->name);
	ends[end_count].bytes = c->bytes;
	ends[end_count++].end = e;
	printf("ok\n");
}

/* ---- one sample ---------------------------------------------------------------------------------- */

static uint64_t *loan(struct end *e, uint32_t bytes, uint64_t word) {
	uint64_t *p = transport.loan(e);
	if (!p)
		die("there is no memory for a sample");
	p[0] = p[bytes / 8 - 1] = word;
	return p;
}

static void put(struct end *e, uint32_t bytes, uint64_t word) {
	loan(e, bytes, word);
	transport.send(e);
}

/* Of 24 bytes at least. */
static void put_timed(struct end *e, uint32_t bytes, uint64_t word) {
	loan(e, bytes, word)[1] = mono_ns();
	transport.send(e);
}

static bool yields; /* between looks: there are more of us than processors */

/* The next one that is no greeting; release() it. */
static const uint64_t *get(struct end *e, uint32_t bytes, bool block) {
	uint64_t until_ns = 0;
	for (uint32_t looks = 0;; looks++) {
		const uint64_t *p = transport.receive(e, block);
		if (p && !(p[0] & HELLO)) {
			if (p[bytes / 8 - 1] != p[0])
				die("a sample of %u bytes is not what was sent", bytes);
			return p;
		}
		if (p)
			transport.release(e);
		else if (block)
			die("nothing came for %d s", PATIENCE_MS / 1000);
		else if (transport.threads || yields)
			sched_yield();
		if (looks % 65536 != 65535)
			continue;
		if (until_ns && mono_ns() > until_ns)
			die("nothing came for %d s", PATIENCE_MS / 1000);
		until_ns = until_ns ? until_ns : mono_ns() + PATIENCE_MS * UINT64_C(1000000);
	}
}

static bool line_waits(int timeout_ms) {
	struct pollfd p = { .fd = 0, .events = POLLIN };
	return poll(&p, 1, timeout_ms) > 0;
}

static void greet_readers(struct end *e, uint32_t bytes) {
	char line[16];
	do
		put(e, bytes, HELLO);
	while (!line_waits(10));
	if (!fgets(line, sizeof(line), stdin))
		exit(0);
}

static void await_greeting(struct end *e) {
	uint64_t until_ns = mono_ns() + PATIENCE_MS * UINT64_C(1000000);
	while (!transport.receive(e, false)) {
		if (mono_ns() > until_ns)
			die("never heard of the other side");
		poll(NULL, 0, 1); /* not every library has an event for both of us being there */
	}
	transport.release(e);
}

/* ---- what is measured ---------------------------------------------------------------------------- */

/* This thread alone: those of the libraries go where the kernel finds room. */
static void pin(int cpu) {
	static cpu_set_t all;
	if (CPU_COUNT(&all) == 0 && sched_getaffinity(0, sizeof(all), &all) < 0)
		die("sched_getaffinity: %s", strerror(errno));
	cpu_set_t one = all;
	if (cpu >= 0) {
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
	}
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		die("sched_setaffinity %d: %s", cpu, strerror(errno));
}

static void swap(struct end *out, struct end *in, uint32_t bytes, bool block, uint64_t word) {
	if (transport.swap) {
		transport.swap(block, word);
		return;
	}
	put(out, bytes, word);
	const uint64_t *p = get(in, bytes, block);
	if (p[0] != word)
		die("%#llx came back for %#llx", (unsigned long long)p[0], (unsigned long long)word);
	transport.release(in);
}

/* Round trips for `ms`, of which a first part does not count; the last one says that it is. */
static void ping(struct end *out, struct end *in, uint32_t bytes, bool block, uint32_t ms, uint32_t max) {
	uint64_t span = (uint64_t)(ms * 1e6 / ns_per_tick), begin = ticks(), from = begin;
	uint64_t warm_until = begin + span / WARM_PART, until = begin + span;
	static uint64_t number;
	samples_begin(max);
	for (bool warm = false; sample_count < max && from < until;) {
		swap(out, in, bytes, block, ++number & ~(LAST | HELLO));
		uint64_t now = ticks();
		if (warm)
			samples[sample_count++] = (double)(now - from) * ns_per_tick;
		warm = warm || now > warm_until;
		from = now;
	}
	swap(out, in, bytes, block, ++number | LAST);
}

static void pong(struct end *in, struct end *out, uint32_t bytes, bool block) {
	uint64_t word;
	do {
		if (transport.echo) {
			word = transport.echo(block);
			continue;
		}
		const uint64_t *p = get(in, bytes, block);
		word = p[0];
		put(out, bytes, word);
		transport.release(in);
	} while (!(word & LAST));
}

static void fan(struct end *out, uint32_t bytes, uint32_t count, uint32_t readers) {
	for (uint32_t i = 1; i <= count; i++) {
		uint32_t seen;
		__atomic_store_n(&board->acks, 0, __ATOMIC_SEQ_CST);
		put_timed(out, bytes, i);
		while ((seen = __atomic_load_n(&board->acks, __ATOMIC_SEQ_CST)) < readers)
			syscall(SYS_futex, &board->acks, FUTEX_WAIT, seen, NULL, NULL, 0);
	}
}

static void hear(struct end *in, uint32_t bytes, uint32_t count, bool block) {
	samples_begin(count);
	while (sample_count < count) {
		const uint64_t *p = get(in, bytes, block);
		samples[sample_count++] = (double)(mono_ns() - p[1]);
		if (p[0] != sample_count)
			die("sample %llu came in the place of %u", (unsigned long long)p[0], sample_count);
		transport.release(in);
		__atomic_add_fetch(&board->acks, 1, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &board->acks, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
}

/* ---- commands ------------------------------------------------------------------------------------ */

static bool do_measure(const char *line) {
	char a[32], b[32], mode[8];
	uint32_t bytes, ms, max, count, readers;
	int cpu;
	if (sscanf(line, "ping %31s %31s %u %7s %u %u %d", a, b, &bytes, mode, &ms, &max, &cpu) == 7) {
		pin(cpu);
		bool bare = transport.swap != NULL;
		ping(bare ? NULL : end_of(a, bytes), bare ? NULL : end_of(b, bytes), bytes, *mode == 'b', ms, max);
		samples_out();
	} else if (sscanf(line, "pong %31s %31s %u %7s %d", a, b, &bytes, mode, &cpu) == 5) {
		pin(cpu);
		bool bare = transport.echo != NULL;
		pong(bare ? NULL : end_of(a, bytes), bare ? NULL : end_of(b, bytes), bytes, *mode == 'b');
		printf("ok\n");
	} else if (sscanf(line, "fan %31s %u %u %u %d", a, &bytes, &count, &readers, &cpu) == 5) {
		pin(cpu);
		fan(end_of(a, bytes), bytes, count, readers);
		printf("ok\n");
	} else if (sscanf(line, "hear %31s %u %u %7s %d", a, &bytes, &count, mode, &cpu) == 5) {
		pin(cpu);
		yields = *mode == 'y';
		hear(end_of(a, bytes), bytes, count, *mode == 'b');
		yields = false;
		samples_out();
	} else if (sscanf(line, "copy %u %u %d", &bytes, &count, &cpu) == 3 && transport.copy_ns) {
		pin(cpu);
		samples_begin(count);
		while (sample_count < count)
			samples[sample_count++] = transport.copy_ns(bytes);
		samples_out();
	} else {
		return false;
	}
	pin(-1);
	return true;
}

static void do_line(const char *line) {
	char name[32];
	struct channel c = { .name = name };
	bool is_writer;
	if ((is_writer = sscanf(line, "writer %31s %u %u", name, &c.bytes, &c.readers) == 3) ||
			sscanf(line, "reader %31s %u %u %u", name, &c.bytes, &c.readers, &c.reader) == 4) {
		open_end(is_writer, &c);
	} else if (sscanf(line, "greet %31s %u", name, &c.bytes) == 2) {
		greet_readers(end_of(name, c.bytes), c.bytes);
		printf("ok\n");
	} else if (sscanf(line, "greeted %31s %u", name, &c.bytes) == 2) {
		await_greeting(end_of(name, c.bytes));
		printf("ok\n");
	} else if (!do_measure(line)) {
		die("not understood: %s", line);
	}
}

void *shared_page(const char *dir, const char *name) {
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, 4096) < 0)
		die("%s: %s", path, strerror(errno));
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		die("%s: %s", path, strerror(errno));
	close(fd);
	return page;
}

int main(int argc, char **argv) {
	char line[256];
	if (argc < 3) {
		fprintf(stderr, "usage: %s DIR ROLE [VARIANT]; bench/run starts it\n", argv[0]);
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a driver that is killed leaves nothing that spins */
	setvbuf(stdin, NULL, _IONBF, 0); /* line_waits() must see all there is */
	board = shared_page(argv[1], "board");
	ns_per_tick = tick_ns();
	transport.begin(argv[1], argv[2], argc > 3 ? argv[3] : "");
	printf("ok %s\n", transport.version);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		do_line(line);
		fflush(stdout);
	}
	return 0;
}
