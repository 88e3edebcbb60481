/* directory.c - see directory.h.  One word, `life`, carries what others decide by; the rest is for people. */
#include "store/directory.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/err.h"
#include "base/io.h"
#include "store/segment.h"
#include "store/word.h"

#define ENTRIES PLAN_PROCESSES_MAX

_Static_assert(sizeof(((struct layout_directory *)0)->at) == ENTRIES * sizeof(struct layout_entry), "an entry a seat");

static size_t file_bytes(void) {
	return layout_round(sizeof(struct layout_directory), LAYOUT_PAGE);
}

int directory_create(void) {
	return io_memory("cadmus:directory", file_bytes());
}

static int map(struct directory *d, int fd, bool writable) {
	*d = (struct directory){ .writable = writable };
	int64_t size = io_memory_size(fd);
	if (size < 0)
		return (int)size;
	if ((uint64_t)size != file_bytes())
		return -EPROTO;
	void *base = mmap(NULL, file_bytes(), writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return err_last();
	d->shared = base;
	return 0;
}

int directory_map_writer(struct directory *d, const struct plan *p, int fd) {
	int rc = map(d, fd, true);
	if (rc < 0)
		return rc;
	d->shared->abi = LAYOUT_ABI;
	d->shared->entries = ENTRIES;
	memcpy(d->shared->plan, p->hash.bytes, sizeof(d->shared->plan));
	word_store(&d->shared->magic, LAYOUT_DIRECTORY_MAGIC);
	rc = io_memory_freeze_writers(fd);
	if (rc < 0)
		directory_unmap(d);
	return rc;
}

int directory_map_reader(struct directory *d, const struct plan *p, int fd) {
	*d = (struct directory){ .writable = false };
	int rc = io_memory_is_frozen(fd) ? map(d, fd, false) : -EPROTO;
	if (rc < 0)
		return rc;
	const struct layout_directory *s = d->shared;
	CHECK(s);
	if (word_load(&s->magic) == LAYOUT_DIRECTORY_MAGIC && s->abi == LAYOUT_ABI && s->entries == ENTRIES &&
			memcmp(s->plan, p->hash.bytes, sizeof(s->plan)) == 0)
		return 0;
	directory_unmap(d);
	return -EPROTO;
}

int directory_follow(struct directory *d, const struct plan *p, int fd) {
	struct directory next;
	CHECK(d->shared && !d->writable);
	int rc = directory_map_reader(&next, p, fd);
	if (rc < 0)
		return rc;
	directory_unmap(&next); /* it is one; its place is where the old one is */
	void *at = mmap(d->shared, file_bytes(), PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
	return at == MAP_FAILED ? err_last() : 0;
}

void directory_unmap(struct directory *d) {
	if (d->shared)
		CHECK(munmap(d->shared, file_bytes()) == 0);
	d->shared = NULL;
}

#define LIFE_EPOCH (UINT64_C(1) << 32) /* schema/layout.h: bits 32..63 */

static uint64_t life_of(enum directory_state state, uint32_t epoch) {
	return LIFE_EPOCH * epoch | state;
}

static struct layout_entry *entry_of(struct directory *d, uint16_t process) {
	CHECK(d->shared && d->writable && process < ENTRIES);
	return &d->shared->at[process];
}

/* A new life, or another state of it; those who sleep for what is written look around. */
static void set_life(struct directory *d, struct layout_entry *e, uint64_t life) {
	word_store(&e->life, life); /* D1 */
	__atomic_fetch_add(&d->shared->changes, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &d->shared->changes, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

uint32_t directory_starting(struct directory *d, uint16_t process, int32_t pid, struct cdm_mono now) {
	struct layout_entry *e = entry_of(d, process);
	const struct directory_entry before = directory_get(d, process);
	uint32_t epoch = before.epoch + 1;

	CHECK(epoch != 0);
	word_poke(&e->pid, (uint64_t)(uint32_t)pid);
	if (before.state == DIRECTORY_DEAD) /* a model that makes place for another has not died */
		word_poke(&e->restarts, before.restarts + 1);
	word_poke(&e->started_ns, (uint64_t)now.ns);
	word_poke(&e->died_ns, 0);
	set_life(d, e, life_of(DIRECTORY_STARTING, epoch));
	return epoch;
}

void directory_set(struct directory *d, uint16_t process, enum directory_state state, struct cdm_mono now) {
	struct layout_entry *e = entry_of(d, process);

	CHECK(state < DIRECTORY_STATE_COUNT);
	if (state == DIRECTORY_DEAD || state == DIRECTORY_STOPPED || state == DIRECTORY_FREE)
		word_poke(&e->died_ns, (uint64_t)now.ns);
	if (state == DIRECTORY_FREE)
		word_poke(&e->pid, 0);
	set_life(d, e, life_of(state, (uint32_t)(word_peek(&e->life) >> 32)));
}

void directory_restore(struct directory *d, uint16_t process, const struct directory_entry *from) {
	struct layout_entry *e = entry_of(d, process);
	word_poke(&e->pid, (uint64_t)(uint32_t)from->pid);
	word_poke(&e->restarts, from->restarts);
	word_poke(&e->started_ns, (uint64_t)from->started.ns);
	word_poke(&e->died_ns, (uint64_t)from->died.ns);
	set_life(d, e, life_of(from->state, from->epoch));
}

void directory_set_pid(struct directory *d, uint16_t process, int32_t pid) {
	word_poke(&entry_of(d, process)->pid, (uint64_t)(uint32_t)pid);
}

struct directory_entry directory_get(const struct directory *d, uint16_t process) {
	CHECK(process < ENTRIES);
	if (!d->shared)
		return (struct directory_entry){ .state = DIRECTORY_FREE };
	const struct layout_entry *e = &d->shared->at[process];
	uint64_t life = word_load(&e->life);
	uint32_t state = (uint32_t)life;
	return (struct directory_entry){
		.state = state < DIRECTORY_STATE_COUNT ? (enum directory_state)state : DIRECTORY_DEAD,
		.epoch = (uint32_t)(life >> 32),
		.pid = (int32_t)(uint32_t)word_peek(&e->pid),
		.restarts = (uint32_t)word_peek(&e->restarts),
		.started = { (int64_t)word_peek(&e->started_ns) },
		.died = { (int64_t)word_peek(&e->died_ns) },
	};
}

const char *directory_state_text(unsigned state) {
	static const char *const text[DIRECTORY_STATE_COUNT] = { "free", "starting", "live", "dead", "stopped",
		"suspect" };
	return state < DIRECTORY_STATE_COUNT ? text[state] : "?";
}
