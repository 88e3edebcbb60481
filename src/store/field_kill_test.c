/*
 * field_kill_test.c - writers that die at any instruction.
 *
 * A child writes three fields as fast as it can, samples computed from their versions, and is
 * killed with SIGKILL at a random moment, while we read.  After each death the last complete
 * sample of each field must be readable, whole, and an ORPHAN; the next child takes over with a new
 * segment and the next epoch.  The other way round, children that hold leases are killed: what they held
 * the writer keeps until it hears of the death, and then uses every slot again.  None of them leaves a descriptor or
 * a mapping.
 *
 * STORE_KILLS: how many writers (400); of readers an eighth of that.
 */
#include "store/wait.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "test/lib/leaks.h"
#include "test/lib/world.h"

enum { CORE, GUARD, CAM, READER, FIELDS = 3, KILLS = 400 };

static const uint32_t counts[FIELDS] = { 1, 300, 2500 }; /* in the slot, beside it, on pages */
static uint16_t fields[FIELDS];
static struct world w;
static uint64_t seed = 20260923;
static unsigned kills = KILLS;

static uint64_t draw(void) {
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return seed >> 33;
}

static uint64_t word_at(uint64_t version, uint64_t i) {
	return (version + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ i * UINT64_C(0xbf58476d1ce4e5b9);
}

static _Noreturn void write_until_killed(const struct segment_files *files, uint32_t epoch, int ready) {
	static uint64_t words[2500];
	struct field_writer out[FIELDS];
	struct peers t;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	peers_init(&t, w.plan, CAM);
	CHECK(peers_own(&t, epoch, files) == 0);
	CHECK(peers_replace(&t, READER, w.at[READER].own.epoch, &w.files[READER]) == 0);
	for (int i = 0; i < FIELDS; i++)
		CHECK(field_writer_open(&out[i], &t, fields[i]) == 0);
	for (uint64_t v = 1;; v++) {
		if (v == 2)
			CHECK(write(ready, "r", 1) == 1);
		for (int i = 0; i < FIELDS; i++) {
			struct field_meta m = { .source_time = { (int64_t)v }, .trust = 1 };
			bool loan = i == 2 || v % 2;
			uint64_t *to = loan ? field_loan(&out[i]) : words;
			CHECK(to);
			for (uint32_t k = 0; k < counts[i]; k++)
				to[k] = word_at(v, k);
			if (loan)
				field_publish(&out[i], counts[i] * 8, &m, clock_mono());
			else
				CHECK(field_write(&out[i], to, counts[i] * 8, &m, clock_mono()) == 0);
		}
	}
}

/* Start a child in the role of CAM and map its segment as READER. */
static pid_t start_writer(struct segment_files *files, uint32_t *epoch) {
	int ready[2];
	char c;
	CHECK(pipe(ready) == 0);
	CHECK(segment_create(w.plan, CAM, files) == 0);
	*epoch = directory_starting(&w.directory, CAM, 0, clock_mono());
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		write_until_killed(files, *epoch, ready[1]);
	close(ready[1]);
	CHECK(read(ready[0], &c, 1) == 1);
	close(ready[0]);
	CHECK(peers_replace(&w.at[READER], CAM, *epoch, files) == 0);
	directory_set(&w.directory, CAM, DIRECTORY_LIVE, clock_mono());
	return pid;
}

static void check_whole(const uint64_t *words, const struct cdm_info *info, int i, uint32_t epoch) {
	CHECK(info->epoch == epoch && info->bytes == counts[i] * 8);
	CHECK(info->source_time.ns == (int64_t)info->version);
	for (uint32_t k = 0; k < counts[i]; k++)
		CHECK(words[k] == word_at(info->version, k));
}

/* One read of a field in one of the three ways. */
static void read_once(struct field *f, int i, uint64_t way, uint32_t epoch) {
	static uint64_t words[2500];
	struct field_lease l;
	struct cdm_info info;
	int rc;
	if (way == 0 && i == 2) {
		rc = field_lease(f, clock_mono(), &l);
		if (rc >= 0) {
			check_whole(l.data, &l.info, i, epoch);
			field_release(&l);
		}
	} else {
		rc = way == 1 ? field_next(f, words, sizeof(words), clock_mono(), &info)
			      : field_read(f, words, sizeof(words), clock_mono(), &info);
		if (rc >= 0)
			check_whole(words, &info, i, epoch);
	}
	CHECK(rc >= 0 || rc == -EAGAIN);
}

static void kill_and_reap(pid_t pid) {
	int status;
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* All that the dead writer left: whole, and an orphan; the ring in order to its end. */
static void check_remains(struct field *f, int i, uint32_t epoch, uint64_t *published) {
	static uint64_t words[2500];
	struct field_lease l;
	struct cdm_info info;
	const unsigned char *base = peers_get(f->peers, CAM)->base;
	const struct layout_field *shared = (const void *)(base + f->plan->offset);
	const struct layout_slot *slot = (const void *)(base + layout_slot_at(f->plan->offset,
			(uint32_t)(shared->head >> 32)));
	uint64_t head = shared->head ? slot->stamp >> 1 : 0;
	int rc = field_read(f, words, sizeof(words), clock_mono(), &info);
	*published += head;
	CHECK(head > 0);
	/* whole though its writer did not live to say so: taken in order, by its stamp */
	CHECK(rc == 0 && (info.version == head || info.version == head + 1) && info.status == CDM_ORPHAN);
	check_whole(words, &info, i, epoch);
	f->version = 0;
	for (uint64_t last = 0; (rc = field_next(f, words, sizeof(words), clock_mono(), &info)) >= 0;) {
		check_whole(words, &info, i, epoch);
		CHECK(info.version > last);
		last = info.version;
	}
	CHECK(rc == -EAGAIN && (f->version == head || f->version == head + 1));
	if (f->plan->leases) {
		CHECK(field_lease(f, clock_mono(), &l) == 0 && l.info.status == CDM_ORPHAN);
		check_whole(l.data, &l.info, i, epoch);
		field_release(&l);
	}
}

static void survives_killed_writers(void) {
	struct field in[FIELDS];
	uint64_t published = 0;
	for (int i = 0; i < FIELDS; i++)
		CHECK(field_open(&in[i], &w.at[READER], fields[i]) == 0);
	for (uint32_t round = 0; round < kills; round++) {
		struct segment_files files;
		uint32_t epoch;
		pid_t pid = start_writer(&files, &epoch);
		for (uint64_t n = draw() % 300; n > 0; n--) {
			int i = (int)(draw() % FIELDS);
			read_once(&in[i], i, draw() % 3, epoch);
		}
		kill_and_reap(pid);
		directory_set(&w.directory, CAM, DIRECTORY_DEAD, clock_mono());
		for (int i = 0; i < FIELDS; i++)
			check_remains(&in[i], i, epoch, &published);
		CHECK(peers_mappings(&w.at[READER]) <= 5);
		segment_close_files(&files);
	}
	CHECK(published > (uint64_t)kills * FIELDS * 2); /* they did run */
	printf("field_kill_test: %u kills, %llu samples\n", kills, (unsigned long long)published);
	for (int i = 0; i < FIELDS; i++)
		field_close(&in[i]);
}

static _Noreturn void lease_until_killed(const struct segment_files *files, uint32_t epoch, int ready) {
	struct field in;
	struct field_lease l[2];
	struct peers t;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	peers_init(&t, w.plan, READER);
	CHECK(peers_own(&t, epoch, files) == 0);
	CHECK(peers_replace(&t, CAM, w.at[CAM].own.epoch, &w.files[CAM]) == 0);
	CHECK(field_open(&in, &t, fields[2]) == 0);
	CHECK(write(ready, "r", 1) == 1);
	for (bool told = false;;) {
		for (int i = 0; i < 2; i++)
			while (field_lease(&in, clock_mono(), &l[i]) != 0)
				;
		if (!told)
			CHECK(write(ready, "l", 1) == 1);
		told = true;
		for (int i = 0; i < 2; i++)
			field_release(&l[i]);
	}
}

/* Lease words of the dead reader, as its writer sees them. */
static unsigned held_by_the_dead(void) {
	const struct segment *s = peers_get(&w.at[CAM], READER);
	unsigned n = 0;
	for (uint32_t i = 0; i < plan_processes(w.plan)[READER].lease_quota; i++)
		n += __atomic_load_n(&s->desk->leases[i], __ATOMIC_SEQ_CST) != 0;
	return n;
}

/* In how many slots of its ring a writer that goes on puts its samples. */
static unsigned slots_used(struct field_writer *out) {
	uint32_t used = 0;
	for (uint32_t i = 0; i < 4 * out->ring.count; i++) {
		struct field_meta m = field_meta_of(0);
		unsigned char *at = field_loan(out);
		CHECK(at);
		used |= 1u << (size_t)(at - out->ring.payloads) / out->ring.stride;
		field_publish(out, 8, &m, clock_mono());
	}
	return (unsigned)__builtin_popcount(used);
}

/* Readers that die with leases in their hands take no slot with them. */
static void survives_killed_readers(void) {
	struct field_writer out;
	unsigned held = 0, kept = 0;
	uint64_t v = 0;
	world_start(&w, CAM, false);
	CHECK(field_writer_open(&out, &w.at[CAM], fields[2]) == 0);
	for (unsigned round = 0; round < kills / 8; round++) {
		struct field_meta m = field_meta_of(0);
		int ready[2];
		char c = 0;
		CHECK(pipe(ready) == 0);
		struct segment_files files;
		CHECK(segment_create(w.plan, READER, &files) == 0);
		uint32_t epoch = directory_starting(&w.directory, READER, 0, clock_mono());
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid == 0)
			lease_until_killed(&files, epoch, ready[1]);
		close(ready[1]);
		CHECK(read(ready[0], &c, 1) == 1);
		CHECK(peers_replace(&w.at[CAM], READER, epoch, &files) == 0);
		CHECK(field_write(&out, &v, sizeof(v), &m, clock_mono()) == 0);
		CHECK(read(ready[0], &c, 1) == 1 && c == 'l');
		for (uint64_t n = draw() % 2000; n > 0; n--)
			CHECK(field_write(&out, &v, sizeof(v), &m, clock_mono()) == 0 || out.drops > 0);
		kill_and_reap(pid);
		held += held_by_the_dead() > 0;
		kept += slots_used(&out) < out.ring.count;
		directory_set(&w.directory, READER, DIRECTORY_DEAD, clock_mono());
		uint64_t drops = out.drops;
		CHECK(slots_used(&out) == out.ring.count && out.drops == drops);
		CHECK(peers_mappings(&w.at[CAM]) <= 3); /* its own, the reader's, and the one before it */
		close(ready[0]);
		segment_close_files(&files);
	}
	CHECK(kills < 64 || (held > 0 && kept > 0)); /* they did die with leases in their hands */
	printf("field_kill_test: of %u readers %u died with leases, %u of them kept a slot\n", kills / 8, held, kept);
	field_writer_close(&out);
	world_stop(&w, CAM);
}

int main(void) {
	static struct plan_builder b;
	const char *want = getenv("STORE_KILLS");
	if (want)
		kills = (unsigned)strtoul(want, NULL, 10);
	CHECK(kills > 0);
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 2) == CAM);
	CHECK(plan_builder_process(&b, "reader", PLAN_WORKER, 4) == READER);
	for (int i = 0; i < FIELDS; i++) {
		char name[CDM_NAME_MAX];
		snprintf(name, sizeof(name), "field%d", i);
		fields[i] = plan_builder_field(&b, name, CDM_U64, counts[i], i == 2 ? 4 : 3, i == 2 ? 2 : 0, CAM,
				1u << READER);
	}
	world_open(&w, &b);
	world_stop(&w, CAM);
	unsigned files = open_files(), maps = mappings();
	survives_killed_writers();
	peers_tidy(&w.at[READER]);
	CHECK(open_files() == files && mappings() == maps);
	survives_killed_readers();
	CHECK(open_files() == files && mappings() == maps);
	world_close(&w);
	CHECK(mappings() == 0);
	puts("field_kill_test: ok");
}
