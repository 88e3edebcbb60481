/*
 * peers_test.c - memory exchanged under its users, and nothing left behind.
 */
#include "store/peers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "test/lib/leaks.h"
#include "test/lib/world.h"

enum { CORE, GUARD, CAM, READER };

static uint16_t frame;
static struct world w;
static bool frozen;
static unsigned allocations; /* while frozen; this test is linked with --wrap=malloc */

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);

void *__wrap_malloc(size_t bytes) {
	allocations += frozen;
	return __real_malloc(bytes);
}

static void fresh(void) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 2) == CAM);
	CHECK(plan_builder_process(&b, "reader", PLAN_WORKER, 4) == READER);
	frame = plan_builder_field(&b, "frame", CDM_U64, 1000, 6, 4, CAM, 1u << READER);
	world_open(&w, &b);
}

static void restart_camera(void) {
	world_stop(&w, CAM);
	world_start(&w, CAM, true);
}

static void leaks_nothing_over_many_lives(void) {
	unsigned files = open_files(), maps = mappings();
	fresh();
	restart_camera();
	unsigned files_open = open_files(), maps_open = mappings();
	for (int i = 0; i < 1000; i++) {
		restart_camera();
		CHECK(peers_mappings(&w.at[READER]) == 4);
	}
	CHECK(open_files() == files_open && mappings() == maps_open);
	CHECK(w.at[READER].mapped == (1u << CORE | 1u << GUARD | 1u << CAM | 1u << READER));
	CHECK(counter_get(&w.at[READER].own, COUNTER_replacements) == 1001);
	world_close(&w);
	CHECK(open_files() == files && mappings() == maps);
}

/* The guard allocates nothing after its start, however often its peers die. */
static void allocates_nothing_for_a_new_life(void) {
	fresh();
	for (uint32_t i = 0; i < 200; i++) {
		world_stop(&w, CAM);
		world_start(&w, CAM, false);
		frozen = true;
		CHECK(peers_replace(&w.at[READER], CAM, 2 + i, &w.files[CAM]) == 0);
		CHECK(peers_replace(&w.at[READER], CAM, 2 + i, &w.files[CAM]) == -ESTALE);
		CHECK(peers_replace(&w.at[READER], CAM, 9999, &w.files[CAM]) == -EPROTO);
		frozen = false;
		CHECK(peers_replace(&w.at[CAM], READER, 1, &w.files[READER]) == 0);
	}
	CHECK(allocations == 0 && peers_mappings(&w.at[READER]) == 4);
	world_close(&w);
}

/* More lives than there is room for beforehand, all of them held: memory is found all the same. */
static void holds_more_lives_than_it_has_room_for(void) {
	enum { LIVES = PEERS_SPARES + 4 };
	static struct peers readers;
	static const struct segment *held[LIVES];
	fresh();
	peers_init(&readers, w.plan, READER);
	CHECK(readers.mapped == 0);
	for (uint32_t i = 0; i < LIVES; i++) {
		world_stop(&w, CAM);
		world_start(&w, CAM, false);
		CHECK(peers_replace(&readers, CAM, 2 + i, &w.files[CAM]) == 0);
		CHECK(readers.mapped == 1u << CAM);
		CHECK(peers_hold(&readers, CAM, &held[i])->epoch == 2 + i);
	}
	CHECK(peers_mappings(&readers) == LIVES);
	for (int i = 0; i < LIVES; i++) {
		CHECK(held[i]->epoch == 2 + (uint32_t)i);
		CHECK(segment_head(held[i])->epoch == (i + 1 < LIVES ? 0 : held[i]->epoch));
		peers_drop(&held[i]);
		CHECK(!held[i]);
	}
	peers_tidy(&readers);
	CHECK(peers_mappings(&readers) == 1);
	peers_fini(&readers);
	world_close(&w);
}

/* Whoever has ended costs writers no look, from the next arrival on; and is looked at again when he comes back. */
static void forgets_who_is_over(void) {
	fresh();
	struct peers *core = &w.at[CORE];
	CHECK(core->mapped == (1u << CORE | 1u << GUARD | 1u << CAM | 1u << READER));
	world_stop(&w, READER);
	directory_set(&w.directory, READER, DIRECTORY_DEAD, clock_mono());
	restart_camera();
	CHECK(core->mapped == (1u << CORE | 1u << GUARD | 1u << CAM));
	CHECK(peers_get(core, READER) && peers_get(core, READER)->epoch == 1); /* whose last samples are there */
	world_start(&w, READER, true);
	CHECK(core->mapped == (1u << CORE | 1u << GUARD | 1u << CAM | 1u << READER));
	CHECK(peers_replace(core, CAM, 3, &w.files[CORE]) == -EPROTO && peers_tidy(core) == 0);
	CHECK(core->mapped == (1u << CORE | 1u << GUARD | 1u << CAM | 1u << READER));
	world_close(&w);
}

static void refuses_what_is_not_newer_or_not_right(void) {
	fresh();
	struct peers *t = &w.at[READER];
	const struct segment *before = peers_get(t, CAM);
	CHECK(peers_replace(t, CAM, 1, &w.files[CAM]) == -ESTALE);
	CHECK(peers_replace(t, READER, 9, &w.files[READER]) == -ESTALE); /* oneself */
	CHECK(peers_replace(t, CAM, 2, &w.files[CAM]) == -EPROTO);       /* it is of epoch 1 */
	CHECK(peers_replace(t, CAM, 2, &w.files[CORE]) == -EPROTO);
	struct segment_files none = segment_no_files(), directory = none;
	directory.fd[0] = directory.fd[1] = w.directory_fd;
	CHECK(peers_replace(t, CAM, 2, &directory) == -EPROTO);
	CHECK(peers_replace(t, CAM, 2, &none) == -EPROTO);
	CHECK(peers_get(t, CAM) == before && peers_mappings(t) == 4);
	world_close(&w);
}

static void keeps_what_is_leased(void) {
	struct field_writer writer;
	struct field reader;
	struct field_lease held[3];
	struct field_meta m = field_meta_of(0);
	fresh();
	CHECK(field_open(&reader, &w.at[READER], frame) == 0);
	for (uint64_t life = 0; life < 20; life++) {
		CHECK(field_writer_open(&writer, &w.at[CAM], frame) == 0);
		CHECK(field_write(&writer, &life, sizeof(life), &m, clock_mono()) == 0);
		if (life < 3)
			CHECK(field_lease(&reader, clock_mono(), &held[life]) == 0);
		for (uint64_t i = 0; i < 3 && i <= life; i++)
			CHECK(*(const uint64_t *)held[i].data == i && held[i].info.epoch == i + 1);
		restart_camera();
	}
	CHECK(peers_mappings(&w.at[READER]) == 4 + 3);
	CHECK(peers_tidy(&w.at[READER]) == 3);
	for (int i = 0; i < 3; i++)
		field_release(&held[i]);
	CHECK(peers_tidy(&w.at[READER]) == 0);
	restart_camera();
	CHECK(peers_mappings(&w.at[READER]) == 4 + 1); /* the one that the reader saw last */
	field_close(&reader);
	restart_camera();
	CHECK(peers_mappings(&w.at[READER]) == 4);
	world_close(&w);
}

/* Handles keep the addresses that they use through any number of replacements, and go on when they look again. */
static void keeps_what_is_held(void) {
	const struct segment *one = NULL, *other = NULL;
	fresh();
	struct peers *t = &w.at[READER];
	CHECK(peers_hold(t, CAM, &one) == peers_now(t, CAM, &other) && one == other && one->epoch == 1);
	for (int i = 0; i < 5; i++)
		restart_camera();
	CHECK(segment_head(one)->epoch == 0 && peers_mappings(t) == 4 + 1); /* zeros, at the same place */
	CHECK(peers_now(t, CAM, &other)->epoch == 6 && other != one);
	peers_tidy(t);
	CHECK(segment_head(one)->epoch == 0 && segment_head(other)->epoch == 6 && peers_mappings(t) == 4 + 1);
	peers_drop(&one);
	peers_drop(&one); /* nothing held */
	peers_tidy(t);
	CHECK(peers_mappings(t) == 4 && peers_now(t, CAM, &other)->epoch == 6);
	peers_drop(&other);
	CHECK(peers_hold(t, READER, &one) == &t->own); /* oneself */
	peers_drop(&one);
	world_close(&w);
}

/* What nobody looks at any more goes when its handle does. */
/* However many handles look no more, and at however many lives: their memory is not kept. */
static void idle_handles_keep_no_memory(void) {
	enum { HANDLES = 8 };
	struct field_lease l;
	static struct field readers[HANDLES];
	static struct event_reader listeners[HANDLES];
	struct field_writer writer;
	struct field_meta m = field_meta_of(0);
	struct event e;
	uint64_t v = 7;
	fresh();
	unsigned before = mappings();
	for (int i = 0; i < HANDLES; i++) {
		CHECK(field_writer_open(&writer, &w.at[CAM], frame) == 0);
		CHECK(field_write(&writer, &v, sizeof(v), &m, clock_mono()) == 0);
		field_writer_close(&writer);
		CHECK(field_open(&readers[i], &w.at[READER], frame) == 0);
		CHECK(field_read(&readers[i], &v, sizeof(v), clock_mono(), NULL) == 0);
		if (i < 2) { /* a lease for what comes next holds nothing */
			CHECK(field_lease_next(&readers[i], clock_mono(), &l) == -EAGAIN);
			CHECK(desk_count(&w.at[READER]) == (unsigned)i + 1);
		}
		event_reader_open(&listeners[i], &w.at[READER], CAM);
		CHECK(event_next(&listeners[i], &e) == -EAGAIN);
		restart_camera();
	}
	CHECK(mappings() == before && peers_mappings(&w.at[READER]) == 4 + HANDLES);
	for (int i = 0; i < HANDLES; i++) { /* and what they say is of the life of now */
		struct field_counts counts;
		CHECK(field_read(&readers[i], &v, sizeof(v), clock_mono(), NULL) == -EAGAIN);
		CHECK(field_counts(&readers[i], &counts) == 0 && counts.drops == 0);
		CHECK(event_next(&listeners[i], &e) == -EAGAIN && listeners[i].epoch == 1 + HANDLES);
		field_close(&readers[i]);
		event_reader_close(&listeners[i]);
	}
	CHECK(counter_get(&w.at[READER].own, COUNTER_broken) == 0 && desk_count(&w.at[READER]) == 0);
	world_close(&w);
}

static void handles_let_go(void) {
	struct field_writer writer;
	struct field reader;
	struct field_meta m = field_meta_of(0);
	struct event_reader events;
	uint64_t v = 7;
	fresh();
	CHECK(field_open(&reader, &w.at[READER], frame) == 0);
	CHECK(field_writer_open(&writer, &w.at[CAM], frame) == 0);
	event_reader_open(&events, &w.at[READER], CAM);
	CHECK(field_write(&writer, &v, sizeof(v), &m, clock_mono()) == 0);
	CHECK(field_read(&reader, &v, sizeof(v), clock_mono(), NULL) == 0);
	event_skip(&events);
	field_writer_close(&writer);
	restart_camera();
	restart_camera();
	CHECK(peers_mappings(&w.at[READER]) == 4 + 1);
	event_reader_close(&events);
	field_close(&reader);
	field_close(&reader);
	peers_tidy(&w.at[READER]);
	CHECK(peers_mappings(&w.at[READER]) == 4);
	world_close(&w);
}

static void each_owner_acknowledges_desks(void) {
	fresh();
	for (uint16_t p = 0; p < w.count; p++)
		for (uint16_t o = 0; o < w.count; o++)
			CHECK(desk_is_known(&w.at[p], peers_get(&w.at[p], o)));
	world_stop(&w, READER);
	world_start(&w, READER, false);
	CHECK(peers_replace(&w.at[READER], CAM, 1, &w.files[CAM]) == 0);
	CHECK(!desk_is_known(&w.at[READER], peers_get(&w.at[READER], CAM))); /* it knows the one before */
	CHECK(peers_replace(&w.at[CAM], READER, 2, &w.files[READER]) == 0);
	CHECK(desk_is_known(&w.at[READER], peers_get(&w.at[READER], CAM)));
	/* segments that came before one's own are acknowledged with it */
	struct peers late;
	struct segment_files files;
	CHECK(segment_create(w.plan, CORE, &files) == 0);
	peers_init(&late, w.plan, CORE);
	CHECK(peers_replace(&late, READER, 2, &w.files[READER]) == 0);
	CHECK(peers_own(&late, 2, &files) == 0);
	CHECK(peers_replace(&w.at[READER], CORE, 2, &files) == 0);
	CHECK(desk_is_known(&w.at[READER], peers_get(&w.at[READER], CORE)));
	peers_fini(&late);
	segment_close_files(&files);
	world_close(&w);
}

int main(void) {
	leaks_nothing_over_many_lives();
	allocates_nothing_for_a_new_life();
	holds_more_lives_than_it_has_room_for();
	forgets_who_is_over();
	refuses_what_is_not_newer_or_not_right();
	keeps_what_is_leased();
	keeps_what_is_held();
	idle_handles_keep_no_memory();
	handles_let_go();
	each_owner_acknowledges_desks();
	puts("peers_test: ok");
}
