/*
 * segment.c - how a segment is made, and what a reader checks before it believes in one.
 *
 * What is written once (who, which plan, which fields) is compared with the plan when a segment is
 * mapped; from then on only the plan is used.  What changes (heads, stamps, counters) is checked by
 * those who load it.
 */
#include "store/segment.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/io.h"
#include "store/word.h"

_Static_assert(COUNTER_COUNT <= LAYOUT_COUNTERS, "the head has room for every counter");

static const struct plan_process *process_of(const struct plan *p, uint16_t process) {
	CHECK(process < p->processes.count);
	return &plan_processes(p)[process];
}

struct segment_files segment_no_files(void) {
	struct segment_files f;
	for (unsigned k = 0; k < PLAN_PARTS_MAX; k++)
		f.fd[k] = -1;
	return f;
}

void segment_close_files(struct segment_files *f) {
	for (unsigned k = 0; k < PLAN_PARTS_MAX; k++)
		io_close(&f->fd[k]);
}

int segment_create(const struct plan *p, uint16_t process, struct segment_files *out) {
	char name[CDM_NAME_MAX + 24];
	const struct plan_process *q = process_of(p, process);
	*out = segment_no_files();
	for (unsigned k = 0; k < q->part_count; k++) {
		snprintf(name, sizeof(name), "cadmus:%s:%u", q->name, k);
		out->fd[k] = io_memory(name, plan_part_bytes(q, k));
		if (out->fd[k] < 0) {
			int rc = out->fd[k];
			segment_close_files(out);
			return rc;
		}
	}
	return 0;
}

uint32_t segment_parts_for(const struct plan *p, uint16_t process, uint16_t reader) {
	const struct plan_process *q = process_of(p, process);
	uint32_t parts = 0;
	for (unsigned k = 0; k < q->part_count; k++)
		if (process == reader || q->parts[k].readers >> reader & 1)
			parts |= 1u << k;
	return parts;
}

bool segment_is_frozen(const struct plan *p, uint16_t process, const struct segment_files *files) {
	for (unsigned k = 0; k < process_of(p, process)->part_count; k++)
		if (!io_memory_is_frozen(files->fd[k]))
			return false;
	return true;
}

/* Map what the plan says a part is; its size is the kernel's word. */
static int map_part(const struct segment *s, const struct plan_process *q, unsigned part, int fd) {
	size_t bytes = plan_part_bytes(q, part);
	int64_t size = io_memory_size(fd);
	if (size < 0)
		return (int)size;
	if ((uint64_t)size != bytes || (!s->writable && !io_memory_is_frozen(fd)))
		return -EPROTO;
	int protection = s->writable ? PROT_READ | PROT_WRITE : PROT_READ;
	int how = MAP_FIXED | MAP_SHARED | (s->writable ? MAP_POPULATE : 0);
	return mmap(s->base + q->parts[part].at, bytes, protection, how, fd, 0) == MAP_FAILED ? -errno : 0;
}

/* A range of addresses for all of it, and in that the parts. */
static int map(struct segment *s, const struct plan_process *q, const struct segment_files *files) {
	if (s->epoch == 0)
		return -EPROTO;
	s->tally_count = q->tallies;
	void *base = mmap(NULL, s->bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -errno;
	s->base = base;
	s->desk = (struct layout_desk *)(void *)(s->base + q->desk_offset);
	s->tallies = (struct layout_tally *)(void *)(s->base + q->tally_offset);
	int rc = 0;
	for (unsigned k = 0; k < q->part_count && rc == 0; k++)
		if (s->parts >> k & 1)
			rc = map_part(s, q, k, files->fd[k]);
	if (rc < 0)
		segment_unmap(s);
	return rc;
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
	s->desk->lease_quota = process_of(p, s->process)->lease_quota;
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

int segment_map_writer(struct segment *s, const struct plan *p, uint16_t process, uint32_t epoch,
		const struct segment_files *files) {
	const struct plan_process *q = process_of(p, process);
	*s = (struct segment){ .bytes = q->segment_bytes, .process = process, .writable = true, .epoch = epoch,
		.parts = segment_parts_for(p, process, process) };
	int rc = map(s, q, files);
	if (rc < 0)
		return rc;
	format(s, p);
	for (unsigned k = 0; k < q->part_count && rc == 0; k++)
		rc = io_memory_freeze_writers(files->fd[k]);
	if (rc < 0)
		segment_unmap(s);
	return rc;
}

static bool head_is_right(const struct segment *s, const struct plan *p) {
	const struct layout_head *h = segment_head(s);
	return word_load(&h->magic) == LAYOUT_SEGMENT_MAGIC && h->abi == LAYOUT_ABI &&
			h->process == s->process && h->epoch == s->epoch && h->segment_bytes == s->bytes &&
			memcmp(h->plan, p->hash.bytes, sizeof(h->plan)) == 0 &&
			s->desk->lease_quota == process_of(p, s->process)->lease_quota && s->desk->reserved == 0;
}

static bool fields_are_right(const struct segment *s, const struct plan *p) {
	for (uint32_t i = 0; i < p->fields.count; i++) {
		const struct plan_field *f = &plan_fields(p)[i];
		if (f->process != s->process || !(s->parts >> f->part & 1))
			continue;
		const struct layout_field *shared = field_of(s, f);
		if (shared->layout != f->layout || shared->index != i || shared->slots != f->slots ||
				shared->bytes != f->bytes || shared->reserved != 0)
			return false;
	}
	return true;
}

int segment_map_reader(struct segment *s, const struct plan *p, uint16_t process, uint32_t epoch,
		const struct segment_files *files, uint16_t reader) {
	const struct plan_process *q = process_of(p, process);
	*s = (struct segment){ .bytes = q->segment_bytes, .process = process, .epoch = epoch,
		.parts = segment_parts_for(p, process, reader) };
	int rc = map(s, q, files);
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

static const struct {
	const char *name, *text;
	uint16_t doing; /* enum layout_doing: a sum over tallies; 0: a word of the head */
	size_t word;
} counters[] = {
#define COUNTER(name, meaning) { #name, meaning, 0, 0 },
#define SUM(name, doing, word, meaning) { #name, meaning, LAYOUT_##doing, offsetof(struct layout_tally, word) },
#include "store/counter.def"
#undef COUNTER
#undef SUM
};

bool counter_is_sum(unsigned c) {
	return counters[c].doing != 0;
}

static uint64_t sum(const struct segment *s, uint16_t doing, size_t word) {
	uint64_t n = 0;
	for (uint32_t i = 0; i < s->tally_count; i++)
		if ((word_peek(&s->tallies[i].what) >> 16 & 0xffff) == doing)
			n += word_peek((const uint64_t *)(const void *)((const char *)&s->tallies[i] + word));
	return n;
}

uint64_t counter_get(const struct segment *s, enum counter c) {
	CHECK(c < COUNTER_COUNT);
	if (!s->base)
		return 0;
	if (counters[c].doing)
		return sum(s, counters[c].doing, counters[c].word);
	return word_peek(&segment_head(s)->counters[c]);
}

const char *counter_name(unsigned c) {
	return c < COUNTER_COUNT ? counters[c].name : "?";
}

const char *counter_text(unsigned c) {
	return c < COUNTER_COUNT ? counters[c].text : "?";
}
