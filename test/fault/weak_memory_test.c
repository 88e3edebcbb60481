/*
 * weak_memory_test.c - the code of src/store on the weakest processor that C11 allows, in thousands of random orders.
 *
 * Most threads are of the camera's process, readers too; in some scenarios another process is played beside it, with
 * mappings of its own.  What each scenario promises is checked by those who read; a sleeper that nobody wakes ends the
 * run.  usage: weak_memory_test [RUNS [SCENARIO [SEED]]]
 */
#include "test/fault/weak_memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/desk.h"
#include "store/error_log.h"
#include "store/field_priv.h"
#include "store/tally.h"
#include "store/word.h"
#include "test/lib/world.h"

enum { CORE, GUARD, CAM, OTHER, SAMPLES = 12, LIVES = 4, RECORDS = 3, WORDS = 2, LEFT_AT = 7, NONE_LISTENS = 9 };

static struct world w;
static uint16_t small, large, beside;
static struct field_writer out;
static struct event_writer events;
static struct peers *reading; /* whose threads the readers are */
static bool quit;
static struct segment_files birth[LIVES + 1]; /* segments of OTHER, by epoch: nobody has mapped them yet */

#define MUST(cond) \
	do { \
		if (!(cond)) { \
			printf("weak_memory_test: %s:%d: %s\n", __func__, __LINE__, #cond); \
			exit(1); \
		} \
	} while (0)

/* Only one of its processes lives, if no more are needed: a thousand times a second. */
static void open_world(void) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	MUST(plan_builder_process(&b, "camera", PLAN_HOST, 4) == CAM);
	MUST(plan_builder_process(&b, "other", PLAN_WORKER, 4) == OTHER);
	b.processes[CAM].tallies = b.processes[OTHER].tallies = 8; /* each word of them is a place of the simulation */
	small = plan_builder_field(&b, "small", CDM_U64, WORDS, 3, 0, CAM, 1u << OTHER);
	large = plan_builder_field(&b, "large", CDM_U64, WORDS, 4, 2, CAM, 1u << OTHER);
	beside = plan_builder_field(&b, "beside", CDM_U64, WORDS, 3, 1, OTHER, 1u << CAM);
	w = (struct world){ .plan = plan_builder_finish(&b) };
	w.directory_fd = directory_create();
	MUST(w.directory_fd >= 0 && directory_map_writer(&w.directory, w.plan, w.directory_fd) == 0);
	w.files[CAM] = w.files[OTHER] = segment_no_files();
	world_start(&w, CAM, false);
	w.at[CAM].spin = 0;
	reading = &w.at[CAM];
	quit = false;
}

static void close_world(void) {
	world_stop(&w, CAM);
	segment_close_files(&w.files[CAM]);
	segment_close_files(&w.files[OTHER]);
	directory_unmap(&w.directory);
	io_close(&w.directory_fd);
	free(w.plan);
}

/* All that is said of a sample is of its version. */
static struct field_meta meta(uint64_t version) {
	return (struct field_meta){ .source_time = { (int64_t)version }, .trust = (float)(version % 8) / 8,
		.source = (uint16_t)(version % 2) };
}

static struct cdm_mono time_of(uint64_t version) {
	return (struct cdm_mono){ 1000 + (int64_t)version };
}

/* Samples end within a word. */
static uint32_t bytes_of(uint64_t version) {
	return 9 + (uint32_t)(version % 8);
}

static void fill(uint64_t words[WORDS], uint64_t version) {
	for (int i = 0; i < WORDS; i++)
		words[i] = version * UINT64_C(0x0101010101010101) + i;
}

static void check_whole(const uint64_t *words, const struct cdm_info *info) {
	uint64_t expected[WORDS];
	struct field_meta m = meta(info->version);
	fill(expected, info->version);
	MUST(info->bytes == bytes_of(info->version) && memcmp(words, expected, info->bytes) == 0);
	MUST(info->source_time.ns == m.source_time.ns && info->publish_time.ns == time_of(info->version).ns);
	MUST(info->trust == m.trust && info->source == m.source);
}

static bool is_none(int rc) {
	return rc == -EAGAIN;
}

/* ---- by copy ------------------------------------------------------------------------------------- */

static void writes_copies(void) {
	uint64_t words[WORDS];
	for (uint64_t v = 1; v <= SAMPLES; v++) {
		struct field_meta m = meta(v);
		fill(words, v);
		MUST(field_write(&out, words, bytes_of(v), &m, time_of(v)) == 0);
	}
}

static void reads_copies(void) {
	struct field in;
	uint64_t words[WORDS], last = 0;
	struct cdm_info info;
	MUST(field_open(&in, &w.at[CAM], small) == 0);
	for (int i = 0; i < 20; i++) {
		bool next = weak_draw(2);
		int rc = next ? field_next(&in, words, sizeof(words), (struct cdm_mono){ 100 }, &info)
			      : field_read(&in, words, sizeof(words), (struct cdm_mono){ 100 }, &info);
		MUST(rc >= 0 || is_none(rc));
		if (rc < 0)
			continue;
		check_whole(words, &info);
		MUST(next ? info.version > last : info.version >= last);
		MUST(!next || last == 0 || info.version == last + 1 + (uint64_t)rc);
		last = info.version;
		struct cdm_mono at = { (int64_t)last };
		rc = field_read_at(&in, at, words, sizeof(words), (struct cdm_mono){ 100 }, &info);
		MUST(rc == 0 || is_none(rc));
		if (rc == 0)
			check_whole(words, &info);
		MUST(rc != 0 || info.version == last);
	}
	field_close(&in);
}

/* ---- by lease: a loan is filled, and a lease read, with relaxed words, as plain ones would be ------- */

static void lends(void) {
	for (uint64_t v = 1; v <= SAMPLES; v++) {
		struct field_meta m = meta(out.version + 1);
		uint64_t *to = field_loan(&out), words[WORDS];
		if (!to)
			continue;
		MUST(weak_is_read(to, sizeof(words)));
		fill(words, out.version + 1);
		for (int i = 0; i < WORDS; i++)
			word_poke(&to[i], words[i]);
		field_publish(&out, bytes_of(out.version + 1), &m, time_of(out.version + 1));
	}
}

static void borrows(void) {
	struct field in;
	struct field_lease l;
	uint64_t words[WORDS], last = 0;
	MUST(field_open(&in, reading, large) == 0);
	for (int i = 0; i < 10; i++) {
		bool next = weak_draw(2);
		int rc = next ? field_lease_next(&in, (struct cdm_mono){ 100 }, &l)
			      : field_lease(&in, (struct cdm_mono){ 100 }, &l);
		MUST(rc >= 0 || is_none(rc));
		if (rc < 0)
			continue;
		MUST(next ? l.info.version > last : l.info.version >= last);
		MUST(!next || last == 0 || l.info.version == last + 1 + (uint64_t)rc);
		last = l.info.version;
		for (int twice = 0; twice < 2; twice++) {
			for (int k = 0; k < WORDS; k++)
				words[k] = word_peek((const uint64_t *)l.data + k);
			check_whole(words, &l.info);
		}
		field_release(&l);
	}
	field_close(&in);
}

/* ---- asleep -------------------------------------------------------------------------------------- */

static void sleeps(void) {
	struct field in;
	MUST(field_open(&in, reading, small) == 0);
	while (in.version < SAMPLES && !__atomic_load_n(&quit, __ATOMIC_RELAXED)) {
		int rc = wait_field(&in, -1);
		MUST(rc == 0 || rc == -ECANCELED || is_none(rc));
		field_skip(&in);
	}
	field_close(&in);
}

static void sleeps_until_told(void) {
	struct field in;
	MUST(field_open(&in, &w.at[CAM], large) == 0);
	while (!__atomic_load_n(&quit, __ATOMIC_RELAXED))
		MUST(wait_field(&in, -1) == -ECANCELED);
	field_close(&in);
}

static void interrupts(void) {
	__atomic_store_n(&quit, true, __ATOMIC_RELAXED);
	peers_interrupt(&w.at[CAM]);
}

/* Told of a death, though it comes while one falls asleep. */
static void sleeps_until_death(void) {
	struct field in;
	uint64_t words[WORDS];
	int rc;
	MUST(field_open(&in, &w.at[CAM], beside) == 0);
	MUST(field_read(&in, words, sizeof(words), (struct cdm_mono){ 100 }, NULL) == 0);
	while ((rc = wait_field(&in, -1)) == -ECANCELED || is_none(rc))
		continue;
	MUST(rc == -EOWNERDEAD);
	field_close(&in);
}

static void dies(void) {
	directory_set(&w.directory, OTHER, DIRECTORY_DEAD, (struct cdm_mono){ 100 });
}

/* ---- lives of a peer ----------------------------------------------------------------------------- */

static void replaces(void) {
	for (uint32_t e = 3; e <= LIVES; e++)
		MUST(peers_replace(&w.at[CAM], OTHER, e, &birth[e]) == 0);
}

/* Borrows what a life left, goes on to the next one, and looks at what it holds. */
static void follows(void) {
	struct field in;
	struct field_lease l = { 0 };
	uint64_t words[WORDS];
	struct cdm_info info;
	MUST(field_open(&in, &w.at[CAM], beside) == 0);
	for (int i = 0; i < 4; i++) {
		if (!l.word)
			(void)!field_lease(&in, (struct cdm_mono){ 100 }, &l);
		int rc = field_read(&in, words, sizeof(words), (struct cdm_mono){ 100 }, &info);
		MUST(rc == 0 && words[0] == info.epoch && words[1] == info.version);
		if (l.word)
			MUST(word_peek(l.data) == l.info.epoch);
		if (weak_draw(2))
			field_release(&l);
		if (weak_draw(2)) {
			field_close(&in);
			MUST(field_open(&in, &w.at[CAM], beside) == 0);
		}
	}
	field_release(&l);
	field_close(&in);
}

/* The first of many lives writes on, and is over. */
static void lives_on(void) {
	struct field_writer f;
	struct field_meta m = field_meta_of(0);
	MUST(field_writer_open(&f, &w.at[OTHER], beside) == 0);
	for (uint64_t v = 1; v <= 3; v++) {
		uint64_t words[WORDS] = { 1, v };
		(void)!field_write(&f, words, sizeof(words), &m, (struct cdm_mono){ 100 });
	}
	field_writer_close(&f);
	MUST(peers_replace(&w.at[CAM], OTHER, 2, &birth[2]) == 0);
}

/* Is ready for samples before they come, and keeps what it borrows when their writer is replaced. */
static void borrows_ahead(void) {
	struct field in;
	struct field_lease l;
	MUST(field_open(&in, &w.at[CAM], beside) == 0);
	for (int i = 0; i < 10; i++) {
		int rc = field_lease_next(&in, (struct cdm_mono){ 100 }, &l);
		MUST(rc >= 0 || is_none(rc));
		for (int twice = 0; rc >= 0 && twice < 2; twice++)
			MUST(word_peek(l.data) == l.info.epoch &&
					word_peek((const uint64_t *)l.data + 1) == l.info.version);
		field_release(&l);
	}
	field_close(&in);
}

/* A life that leaves a sample and an event with its epoch in them. */
static void bear(uint32_t epoch) {
	struct peers t;
	struct field_writer f;
	struct event_writer told;
	struct field_meta m = field_meta_of(0);
	uint64_t words[WORDS] = { epoch, 1 };
	MUST(segment_create(w.plan, OTHER, &birth[epoch]) == 0);
	peers_init(&t, w.plan, OTHER);
	MUST(peers_own(&t, epoch, &birth[epoch]) == 0);
	MUST(peers_replace(&t, CAM, w.at[CAM].own.epoch, &w.files[CAM]) == 0);
	MUST(field_writer_open(&f, &t, beside) == 0);
	MUST(field_write(&f, words, sizeof(words), &m, (struct cdm_mono){ 100 }) == 0);
	field_writer_close(&f);
	event_writer_open(&told, &t);
	MUST(event_write(&told, (struct cdm_mono){ 1 }, EVENT_STOP, 0, epoch, 0, NULL));
	event_writer_close(&told);
	peers_fini(&t);
}

/* Hears what each life left, whenever its memory is taken. */
static void hears(void) {
	struct event_reader r;
	struct event e;
	event_reader_open(&r, &w.at[CAM], OTHER);
	for (int i = 0; i < 6; i++) {
		int rc = event_next(&r, &e);
		MUST(rc == 0 || is_none(rc));
		MUST(rc < 0 || (e.number == 1 && e.a == r.epoch));
		MUST(event_news(&r) >= 0);
	}
	event_reader_close(&r);
}

/* ---- somebody arrives ---------------------------------------------------------------------------- */

/* Until now the writer knew of nobody, or of that one's former life. */
static void welcomes(void) {
	struct peers *o = &w.at[OTHER];
	MUST(peers_replace(&w.at[CAM], OTHER, o->own.epoch, &w.files[OTHER]) == 0);
}

/* Borrows what is to be had first, and looks at it until the writer has been all round. */
static void borrows_for_long(void) {
	struct field in;
	struct field_lease l;
	uint64_t words[WORDS];
	int rc = -EAGAIN;
	MUST(field_open(&in, reading, large) == 0);
	for (int i = 0; i < 12 && rc < 0; i++)
		rc = field_lease(&in, (struct cdm_mono){ 100 }, &l);
	for (int i = 0; i < 24 && rc == 0; i++) {
		for (int k = 0; k < WORDS; k++)
			words[k] = word_peek((const uint64_t *)l.data + k);
		check_whole(words, &l.info);
	}
	field_release(&l);
	field_close(&in);
}

/* `former`: he was here before, and died. */
static void prepare_guest(bool former) {
	if (former) {
		world_start(&w, OTHER, false);
		MUST(peers_replace(&w.at[CAM], OTHER, 1, &w.files[OTHER]) == 0);
		world_stop(&w, OTHER);
	}
	world_start(&w, OTHER, false);
	w.at[OTHER].spin = 0;
	MUST(peers_replace(&w.at[OTHER], CAM, w.at[CAM].own.epoch, &w.files[CAM]) == 0);
	reading = &w.at[OTHER];
}

/* ---- events -------------------------------------------------------------------------------------- */

static void notes(void) {
	for (uint64_t i = 1; i <= RECORDS; i++) {
		uint64_t a = (uint64_t)weak_draw(1000) << 32 | i;
		(void)event_write(&events, (struct cdm_mono){ (int64_t)i }, EVENT_STOP, 0, a, ~a, NULL);
	}
}

/* All records but the first go where the first stands: a lap each. */
static void notes_laps(void) {
	for (uint64_t i = 1; i <= RECORDS; i++) {
		MUST(event_write(&events, (struct cdm_mono){ (int64_t)i }, EVENT_STOP, 0, i, ~i, NULL));
		events.number += LAYOUT_EVENTS - 1;
	}
}

static void follows_events(void) {
	struct event_reader r;
	struct event e;
	uint64_t last = 0;
	event_reader_open(&r, &w.at[CAM], CAM);
	for (int i = 0; i < 8; i++) {
		int rc = event_next(&r, &e);
		MUST(rc >= 0 || rc == -EAGAIN);
		if (rc < 0)
			continue;
		MUST(e.b == ~e.a && e.time.ns == (int64_t)(uint32_t)e.a && e.number > last);
		MUST(e.number == last + 1 + (uint64_t)rc);
		last = e.number;
	}
	event_reader_close(&r);
}

static void sleeps_for_events(void) {
	struct event_reader r, *all = &r;
	event_reader_open(&r, &w.at[CAM], CAM);
	while (r.number < RECORDS) {
		const struct wait_set set = { .events = &all, .event_count = 1, .told = &r.generation };
		int rc = wait_set(&set, -1);
		MUST(rc == 0 || rc == -ECANCELED || is_none(rc));
		event_skip(&r);
	}
	event_reader_close(&r);
}

/* Reads where it is overwritten: the record that the head names is the next one. */
static void reads_laps(void) {
	struct event_reader r;
	struct event e;
	event_reader_open(&r, &w.at[CAM], CAM);
	for (int i = 0; i < 6; i++) {
		event_skip(&r);
		r.number -= r.number > 0;
		if (event_next(&r, &e) >= 0)
			MUST(e.b == ~e.a && e.time.ns == (int64_t)e.a && e.number == (e.a - 1) * LAYOUT_EVENTS + 1);
	}
	event_reader_close(&r);
}

/* Before the threads: a listener that has come so far is gone, and its tally is the next one's. */
static void leave_tally(void) {
	struct layout_tally *t = tally_take(&w.at[CAM], LAYOUT_LISTENS, CAM);
	tally_begin_life(t, w.at[CAM].own.epoch, LEFT_AT);
	tally_leave(&w.at[CAM], t);
	MUST(event_write(&events, (struct cdm_mono){ 1 }, EVENT_STOP, 0, 1, ~UINT64_C(1), NULL));
}

static void listens(void) {
	struct event_reader r;
	struct event e;
	event_reader_open(&r, &w.at[CAM], CAM);
	MUST(event_next(&r, &e) == 0 && e.number == 1);
	event_reader_close(&r);
}

/* Who is seen is seen where he is, not where his predecessor was; and what he took he has read. */
static void waits_for_listeners(void) {
	for (int i = 0; i < 8; i++) {
		uint64_t slowest = desk_slowest_listener(&events.desks, NONE_LISTENS);
		MUST(slowest == 0 || slowest == 1 || slowest == NONE_LISTENS);
		if (slowest == 1)
			MUST(weak_is_read(&events.ring->at[1], sizeof(events.ring->at[1])));
	}
}

/* ---- the directory ------------------------------------------------------------------------------- */

static void restarts(void) {
	for (int i = 0; i < 3; i++) {
		uint32_t epoch = directory_get(&w.directory, OTHER).epoch;
		directory_set(&w.directory, OTHER, DIRECTORY_DEAD, (struct cdm_mono){ epoch });
		directory_starting(&w.directory, OTHER, (int32_t)epoch + 1, (struct cdm_mono){ epoch + 1 });
	}
}

/* What is said of a life is said before it: a death has its time, a start its pid. */
static void looks_up(void) {
	for (int i = 0; i < 6; i++) {
		struct directory_entry e = directory_get(&w.directory, OTHER);
		if (e.state == DIRECTORY_STARTING)
			MUST(e.pid >= (int32_t)e.epoch && e.started.ns >= (int64_t)e.epoch);
		else if (e.state == DIRECTORY_DEAD)
			MUST(e.died.ns == 0 || e.died.ns >= (int64_t)e.epoch);
	}
}

/* ---- what is counted ----------------------------------------------------------------------------- */

enum { HANDLES = 3 };

/* Each goes on with what another one has left. */
static void counts(void) {
	for (int i = 0; i < HANDLES; i++) {
		struct layout_tally *t = tally_take(&w.at[CAM], LAYOUT_READS, small);
		tally_add(&t->taken, 1);
		tally_leave(&w.at[CAM], t);
	}
}

static void check_counts(void) {
	MUST(counter_get(&w.at[CAM].own, COUNTER_reads) == 2 * HANDLES);
}

static void errs(void) {
	for (int i = 0; i < 3; i++)
		error_note(&w.at[CAM].own, (struct cdm_mono){ 7 }, "kind", "thirty-two bytes of words, or so");
}

/* The text of an error that has a time is there. */
static void looks_for_errors(void) {
	struct error_record e;
	for (int i = 0; i < 8; i++)
		if (error_get(&w.at[CAM].own, 0, &e))
			MUST(strcmp(e.text, "thirty-two bytes of words, or so") == 0 && e.first.ns == 7);
}

/* ---- all of them --------------------------------------------------------------------------------- */

enum others { ALONE, LIVES_OF_OTHER, OTHER_LIVES_ON, GUEST, GUEST_AGAIN };

static const struct scenario {
	const char *name;
	unsigned weight;    /* runs for each that is asked for */
	enum others others; /* who there is beside the camera's process */
	uint16_t *written;  /* by `out` */
	unsigned threads;
	void (*run[4])(void);
	void (*before)(void), (*after)(void); /* NULL: nothing */
} scenarios[] = {
	{ "copy", 8, ALONE, &small, 3, { writes_copies, reads_copies, reads_copies }, NULL, NULL },
	{ "lease", 4, ALONE, &large, 3, { lends, borrows, borrows }, NULL, NULL },
	{ "wait", 1, ALONE, &small, 3, { writes_copies, sleeps, sleeps }, NULL, NULL },
	{ "interrupt", 1, ALONE, &large, 3, { interrupts, sleeps_until_told, sleeps_until_told }, NULL, NULL },
	{ "death", 1, LIVES_OF_OTHER, NULL, 3, { dies, sleeps_until_death, sleeps_until_death }, NULL, NULL },
	{ "peers", 6, LIVES_OF_OTHER, NULL, 3, { replaces, follows, follows }, NULL, NULL },
	{ "hearer", 2, LIVES_OF_OTHER, NULL, 3, { replaces, hears, hears }, NULL, NULL },
	{ "ahead", 2, OTHER_LIVES_ON, NULL, 3, { lives_on, borrows_ahead, borrows_ahead }, NULL, NULL },
	{ "arrival", 2, GUEST, &large, 3, { lends, welcomes, borrows_for_long }, NULL, NULL },
	{ "return", 2, GUEST_AGAIN, &large, 3, { lends, welcomes, borrows_for_long }, NULL, NULL },
	{ "sleeper", 2, GUEST, &small, 3, { writes_copies, welcomes, sleeps }, NULL, NULL },
	{ "event", 1, ALONE, NULL, 3, { notes, notes, follows_events }, NULL, NULL },
	{ "told", 1, ALONE, NULL, 3, { notes, sleeps_for_events, sleeps_for_events }, NULL, NULL },
	{ "laps", 1, ALONE, NULL, 3, { notes_laps, reads_laps, reads_laps }, NULL, NULL },
	{ "listener", 1, ALONE, NULL, 3, { listens, waits_for_listeners, waits_for_listeners }, leave_tally, NULL },
	{ "directory", 1, ALONE, NULL, 2, { restarts, looks_up }, NULL, NULL },
	{ "tally", 1, ALONE, NULL, 2, { counts, counts }, NULL, check_counts },
	{ "error", 1, ALONE, NULL, 3, { errs, looks_for_errors, looks_for_errors }, NULL, NULL },
};

/* What is there before the threads are. */
static void prepare(const struct scenario *s) {
	uint32_t first = s->others == OTHER_LIVES_ON ? 1 : 2;
	if (s->others == GUEST || s->others == GUEST_AGAIN)
		prepare_guest(s->others == GUEST_AGAIN);
	if (s->others != LIVES_OF_OTHER && s->others != OTHER_LIVES_ON)
		return;
	if (s->others == OTHER_LIVES_ON) {
		world_start(&w, OTHER, false);
		MUST(peers_replace(&w.at[OTHER], CAM, w.at[CAM].own.epoch, &w.files[CAM]) == 0);
	}
	for (uint32_t e = 2; e <= LIVES; e++)
		bear(e);
	MUST(peers_replace(&w.at[CAM], OTHER, first, first == 1 ? &w.files[OTHER] : &birth[first]) == 0);
	while (directory_get(&w.directory, OTHER).epoch < first)
		directory_starting(&w.directory, OTHER, 1, (struct cdm_mono){ 1 });
	directory_set(&w.directory, OTHER, DIRECTORY_LIVE, (struct cdm_mono){ 1 });
}

static void run_one(const struct scenario *s, uint64_t seed) {
	open_world();
	prepare(s);
	if (s->written) /* who holds the desk of a former life of the guest */
		MUST(field_writer_open(&out, &w.at[CAM], *s->written) == 0);
	event_writer_open(&events, &w.at[CAM]);
	if (s->before)
		s->before();
	if (!weak_run(seed, s->threads, s->run)) {
		printf("weak_memory_test: %s: asleep, and nobody wakes them\n", s->name);
		exit(1);
	}
	if (s->after)
		s->after();
	if (s->written)
		field_writer_close(&out);
	peers_tidy(&w.at[CAM]);
	MUST(peers_mappings(&w.at[CAM]) == 1u + (s->others != ALONE)); /* all handles are closed */
	if (w.at[OTHER].own.base)
		world_stop(&w, OTHER);
	for (uint32_t e = 2; e <= LIVES; e++)
		segment_close_files(&birth[e]);
	close_world();
}

int main(int argc, char **argv) {
	uint64_t runs = argc > 1 ? strtoull(argv[1], NULL, 10) : 400;
	uint64_t first = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	for (int e = 0; e <= LIVES; e++)
		birth[e] = segment_no_files();
	for (size_t i = 0; i < COUNT_OF(scenarios); i++) {
		if (argc > 2 && strcmp(argv[2], scenarios[i].name) != 0)
			continue;
		for (uint64_t seed = first; seed < first + runs * scenarios[i].weight; seed++)
			run_one(&scenarios[i], seed);
	}
	puts("weak_memory_test: ok");
}
