/*
 * segment.c - how a segment is made, and what a reader checks before it believes in one.
 *
 * What is written once (who, which plan, which fields) is compared with the plan when a segment is
 * mapped; from then on only the plan is used.  What changes (heads, stamps, counters) is checked by
 * those who load it.
 */
#include "store/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/io.h"
#include "store/word.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

_Static_assert(COUNTER_COUNT <= LAYOUT_COUNTERS, "the head has room for every counter");

static const struct plan_process *process_of(const struct plan *p, uint16_t process) {
	CHECK(process < p->processes.count);
	return &plan_processes(p)[process];
}

int segment_create(const struct plan *p, uint16_t process) {
	char name[CDM_NAME_MAX + 8];
	const struct plan_process *q = process_of(p, process);
	snprintf(name, sizeof(name), "cadmus:%s", q->name);
	return io_memory(name, q->segment_bytes);
}

bool segment_is_frozen(int fd) {
	int seals = fcntl(fd, F_GET_SEALS);
	return seals >= 0 && (seals & (F_SEAL_FUTURE_WRITE | F_SEAL_WRITE)) != 0;
}

/* Map what the plan says a segment is; its size is the kernel's word. */
static int map(struct segment *s, const struct plan *p, uint16_t process, uint32_t epoch, int fd, bool writable) {
	size_t bytes = process_of(p, process)->segment_bytes;
	int64_t size = io_memory_size(fd);

	*s = (struct segment){ .bytes = bytes, .process = process, .writable = writable, .epoch = epoch };
	if (size < 0)
		return (int)size;
	if ((uint64_t)size != bytes || epoch == 0)
		return -EPROTO;
	int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
	void *base = mmap(NULL, bytes, protection, MAP_SHARED | (writable ? MAP_POPULATE : 0), fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	s->base = base;
	return 0;
}

static struct layout_desk *desk_of(const struct segment *s, const struct plan *p) {
	return (struct layout_desk *)(void *)(s->base + process_of(p, s->process)->desk_offset);
}

static struct layout_field *field_of(const struct segment *s, const struct plan_field *f) {
	return (struct layout_field *)(void *)(s->base + f->offset);
}

static void format(const struct segment *s, const struct plan *p) {
	struct layout_head *h = segment_head(s);

	h->abi = LAYOUT_ABI;
	h->process = s->process;
	h->epoch = s->epoch;
	h->pid = getpid();
	h->segment_bytes = s->bytes;
	memcpy(h->plan, p->hash.bytes, sizeof(h->plan));
	h->formatted_ns = clock_mono().ns;
	desk_of(s, p)->lease_quota = process_of(p, s->process)->lease_quota;
	for (uint32_t i = 0; i < p->fields.count; i++) {
		const struct plan_field *f = &plan_fields(p)[i];
		if (f->process != s->process)
			continue;
		struct layout_field *shared = field_of(s, f);
		shared->layout = f->layout;
		shared->index = i;
		shared->slots = f->slots;
		shared->bytes = f->bytes;
	}
	word_store(&h->magic, LAYOUT_SEGMENT_MAGIC);
}

int segment_map_writer(struct segment *s, const struct plan *p, uint16_t process, uint32_t epoch, int fd) {
	int rc = map(s, p, process, epoch, fd, true);
	if (rc == 0) {
		format(s, p);
		rc = io_memory_freeze_writers(fd);
	}
	if (rc < 0)
		segment_unmap(s);
	return rc;
}

static bool head_is_right(const struct segment *s, const struct plan *p) {
	const struct layout_head *h = segment_head(s);
	return word_load(&h->magic) == LAYOUT_SEGMENT_MAGIC && h->abi == LAYOUT_ABI &&
			h->process == s->process && h->epoch == s->epoch && h->segment_bytes == s->bytes &&
			memcmp(h->plan, p->hash.bytes, sizeof(h->plan)) == 0 &&
			desk_of(s, p)->lease_quota == process_of(p, s->process)->lease_quota &&
			desk_of(s, p)->reserved == 0;
}

static bool fields_are_right(const struct segment *s, const struct plan *p) {
	for (uint32_t i = 0; i < p->fields.count; i++) {
		const struct plan_field *f = &plan_fields(p)[i];
		if (f->process != s->process)
			continue;
		const struct layout_field *shared = field_of(s, f);
		if (shared->layout != f->layout || shared->index != i || shared->slots != f->slots ||
				shared->bytes != f->bytes || shared->reserved != 0)
			return false;
	}
	return true;
}

int segment_map_reader(struct segment *s, const struct plan *p, uint16_t process, uint32_t epoch, int fd) {
	*s = (struct segment){ .process = process };
	if (!segment_is_frozen(fd))
		return -EPROTO;
	int rc = map(s, p, process, epoch, fd, false);
	CHECK(rc < 0 || s->base);
	if (rc == 0 && !(head_is_right(s, p) && fields_are_right(s, p)))
		rc = -EPROTO;
	if (rc < 0)
		segment_unmap(s);
	return rc;
}

void segment_unmap(struct segment *s) {
	if (s->base)
		CHECK(munmap(s->base, s->bytes) == 0);
	s->base = NULL;
}

/* The kernel takes the old pages from every processor before any of them can find a new one. */
int segment_empty(const struct segment *s) {
	CHECK(s->base && !s->writable);
	int how = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	return mmap(s->base, s->bytes, PROT_READ, how, -1, 0) == MAP_FAILED ? -errno : 0;
}

uint64_t counter_get(const struct segment *s, enum counter c) {
	CHECK(c < COUNTER_COUNT);
	return s->base ? word_peek(&segment_head(s)->counters[c]) : 0;
}

static const struct {
	const char *name, *text;
} counters[] = {
#define COUNTER(name, meaning) { #name, meaning },
#include "store/counter.def"
#undef COUNTER
};

const char *counter_name(unsigned c) {
	return c < COUNTER_COUNT ? counters[c].name : "?";
}

const char *counter_text(unsigned c) {
	return c < COUNTER_COUNT ? counters[c].text : "?";
}
