/*
 * client_hostile_test.c - a camera that stores anything anywhere in its own memory, while a program looks at it by
 * every public call that reads: samples, groups, views, leases, events of it and of all, tallies, errors, counts.
 *
 * Each call must end, with a result of its contract; what is borrowed lies in the memory of its field, what is copied
 * in the buffer, which has a fence behind it.  Now and then the camera puts back what stood there, so that there is
 * something to be had: a reader that was told -EPROTO is closed and opened anew, as a program would.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "client/client_priv.h"
#include "client/local_testing.h"
#include "store/desk.h"
#include "test/lib/plan_builder.h"

enum { CORE, GUARD, CAM, THINKER, CLIENT, FIELDS = 6, ROUNDS = 80000, RACES = 25000, EVENTS = 50, ROOM = 8 * 700,
	FENCE = 64 };

static const char *const names[FIELDS] = { "level", "many", "frame", "left", "right", "blob" };
static const struct { enum cdm_dtype dtype; uint32_t count, slots, leases; } shapes[FIELDS] = {
	{ CDM_U64, 1, 6, 2 }, { CDM_U64, 8, 3, 0 }, { CDM_U64, 700, 6, 2 }, { CDM_U64, 1, 6, 2 },
	{ CDM_F64, 100, 6, 2 }, { CDM_BYTES, 300, 8, 3 } };

/* As long a text as there is room for anywhere, and longer: what it ends with is stored over. */
static const char full[] = "................................................"
			   "................................................";

static struct plan *plan;
static struct cdm_machine *camera, *thinker, *client;
static struct cdm_reader *in[FIELDS], *source, *of_thought;
static struct cdm_writer *thought;
static struct cdm_events *events[2]; /* of the camera, and of all */
static uint64_t *good; /* the camera's memory, as it should be */
static unsigned char room[ROOM + FENCE];
static bool stop;
static unsigned had, broken, viewed, heard, borrowed;

static uint64_t draw(uint64_t *seed) {
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 20;
}

/* ---- the camera ---------------------------------------------------------------------------------- */

static const struct segment *memory(void) {
	return &camera->seat.peers.own;
}

static size_t words(void) {
	return memory()->bytes / 8;
}

/* The last word of what is text in an event, or an error, that the camera has written. */
static size_t end_of_text(uint64_t *seed) {
	size_t ring = plan_processes(plan)[CAM].event_offset;
	return draw(seed) % 2 ? (ring + offsetof(struct layout_events, at[draw(seed) % EVENTS + 2])) / 8 - 1
			      : offsetof(struct layout_head, errors[draw(seed) % 2 + 1]) / 8 - 1;
}

/* Anywhere, or where it matters more: in the head, its errors, desk and tallies, in the ring of events, in a field. */
static size_t somewhere(uint64_t *seed) {
	const struct plan_process *p = &plan_processes(plan)[CAM];
	const struct plan_field *f = &plan_fields(plan)[draw(seed) % FIELDS];
	uint64_t any = draw(seed);
	switch (draw(seed) % 10) {
	case 0: return any % words();
	case 1: return any % (p->event_offset / 8);
	case 2: return p->tally_offset / 8 + any % ((p->event_offset - p->tally_offset) / 8);
	case 3: return p->event_offset / 8 + any % (sizeof(struct layout_events) / 8);
	case 4: return p->event_offset / 8 + any % 2;
	case 5: return end_of_text(seed);
	case 6:
	case 7: return (f->offset + offsetof(struct layout_field, head)) / 8;
	default: return layout_slot_at(f->offset, (uint32_t)(any % f->slots)) / 8 + draw(seed) % 5;
	}
}

static uint64_t something(uint64_t *seed) {
	static const uint64_t junk[] = { 0, 1, 2, 3, 4, 5, UINT64_MAX, UINT64_MAX >> 1, 1ull << 63, UINT32_MAX,
		1ull << 32, 0xffffffff00000001ull, 0x300000001ull, 0x100000001ull, LAYOUT_EVENTS, LAYOUT_EVENTS + 1 };
	uint64_t way = draw(seed) % 8;
	if (way < 4)
		return junk[draw(seed) % COUNT_OF(junk)];
	if (way == 4)
		return draw(seed);
	return way == 5 ? draw(seed) % 40 : (draw(seed) % 9) << 32 | draw(seed) % 40; /* nearly right */
}

static void put(size_t word, uint64_t value) {
	__atomic_store_n((uint64_t *)(void *)memory()->base + word, value, __ATOMIC_RELAXED);
}

static void mend(void) {
	for (size_t i = 0; i < words(); i++)
		if (((volatile uint64_t *)(void *)memory()->base)[i] != good[i])
			put(i, good[i]);
}

static void scribble(uint64_t *seed) {
	if (draw(seed) % 24 == 0)
		mend();
	else
		put(somewhere(seed), something(seed));
}

static void *scribble_on(void *unused) {
	uint64_t seed = 99;
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		scribble(&seed);
	return NULL;
}

/* ---- who looks ----------------------------------------------------------------------------------- */

static int result(int rc) {
	CHECK(rc >= 0 || rc == -EAGAIN || rc == -EPROTO || rc == -E2BIG || rc == -EBUSY || rc == -ENOTSUP ||
			rc == -ENOENT || rc == -ESTALE);
	had += rc >= 0;
	broken += rc == -EPROTO;
	return rc;
}

static void check_info(const struct cdm_info *info, unsigned field) {
	CHECK(info->bytes <= plan_fields(plan)[field].bytes && info->trust >= 0 && info->trust <= 1);
	CHECK(info->status <= CDM_ORPHAN && cdm_entity_name(client, info->source) && info->version > 0);
	CHECK(info->source_time.ns >= 0 && info->source_time.ns <= info->publish_time.ns && info->epoch == 1);
}

static void begin_anew(unsigned field) {
	cdm_close(in[field]);
	CHECK(cdm_open(client, names[field], &in[field]) == 0);
}

/* In the camera's memory as we have it mapped, and within its field. */
static void check_sample(const struct cdm_sample *s, unsigned field) {
	const struct plan_field *f = &plan_fields(plan)[field];
	const unsigned char *at = s->data, *end = at + s->info.bytes;
	const unsigned char *first = peers_get(&client->seat.peers, CAM)->base + f->offset;
	check_info(&s->info, field);
	CHECK(at > first && end <= first + layout_field_bytes(f->slots, f->bytes));
	for (const volatile unsigned char *byte = at; byte < end; byte += 64)
		(void)*byte; /* it can be read */
	borrowed++;
}

static int copy(struct cdm_reader *r, uint64_t *seed, size_t bytes, struct cdm_info *info) {
	switch (draw(seed) % 5) {
	case 0: return cdm_read(r, room, bytes, info);
	case 1: return cdm_next(r, room, bytes, info);
	case 2: return cdm_read_at(r, (struct cdm_mono){ (int64_t)(draw(seed) % 3) << 61 }, room, bytes, info);
	case 3: return cdm_read_version(r, draw(seed) % 30, room, bytes, info);
	default: return cdm_peek(r, info);
	}
}

static void copies(unsigned field, uint64_t *seed) {
	size_t bytes = draw(seed) % 2 ? plan_fields(plan)[field].bytes : draw(seed) % ROOM;
	struct cdm_info info;
	memset(room + bytes, 0xa5, FENCE);
	int rc = result(copy(in[field], seed, bytes, &info));
	if (rc >= 0)
		check_info(&info, field);
	for (int i = 0; i < FENCE; i++)
		CHECK(room[bytes + (size_t)i] == 0xa5);
	if (rc == -EPROTO)
		begin_anew(field);
}

static void borrows(unsigned field, uint64_t *seed) {
	struct cdm_sample s;
	int rc = result(draw(seed) % 2 ? cdm_lease(in[field], &s) : cdm_lease_next(in[field], &s));
	CHECK(rc >= 0 || !s.hold[0]);
	if (rc >= 0)
		check_sample(&s, field);
	cdm_release(&s);
	if (rc == -EPROTO)
		begin_anew(field);
}

static void waits(unsigned field, uint64_t *seed) {
	struct cdm_reader *two[] = { in[field], in[(field + 1) % FIELDS] };
	int rc = draw(seed) % 2 ? cdm_wait(in[field], (int64_t)draw(seed) % 1000) : cdm_wait_any(two, 2, 0);
	CHECK(rc >= 0 || rc == -ETIMEDOUT || rc == -EPROTO);
	cdm_skip(in[field]);
}

static void check_view(const struct cdm_view_part parts[], const unsigned field[], int rc) {
	for (int i = 0; i < 3; i++) {
		CHECK(rc == 0 || (!parts[i].sample.data && !parts[i].sample.hold[0]));
		if (rc == 0 && parts[i].out)
			check_info(&parts[i].info, field[i]);
		else if (rc == 0)
			check_sample(&parts[i].sample, field[i]);
	}
}

/* Both of the group and one besides, borrowed or not. */
static void views(uint64_t *seed) {
	static unsigned char out[3][ROOM];
	const unsigned field[] = { 3, 4, (unsigned[]){ 0, 1, 2, 5 }[draw(seed) % 4] };
	const struct cdm_view_terms terms = { .max_skew_ns = (int64_t)(draw(seed) % 2) * 1000,
		.max_age_ns = (int64_t)(draw(seed) % 2) << 50, .min_trust = draw(seed) % 8 ? 0.0f : 0.5f };
	struct cdm_view_part parts[3];
	struct cdm_view_refusal why;
	for (int i = 0; i < 3; i++)
		parts[i] = (struct cdm_view_part){ .reader = in[field[i]],
			.out = field[i] == 1 || draw(seed) % 2 ? out[i] : NULL, .capacity = ROOM };
	int rc = result(cdm_view(parts, 3, &terms, &why));
	CHECK(why.part < 3 && why.reason <= CDM_VIEW_BROKEN && (rc != -ESTALE || why.reason != CDM_VIEW_COHERENT));
	check_view(parts, field, rc);
	CHECK(rc != 0 || parts[0].info.version == parts[1].info.version); /* of one commit */
	viewed += rc == 0;
	for (int i = 0; i < 3; i++) {
		cdm_release(&parts[i].sample);
		if (rc == -EPROTO)
			begin_anew(field[i]);
	}
}

static void listens(uint64_t *seed) {
	struct cdm_events **e = &events[draw(seed) % 2];
	struct cdm_event got;
	int rc = cdm_events_wait(*e, (int64_t)draw(seed) % 1000);
	CHECK(rc == 0 || rc == -ETIMEDOUT);
	if (result(cdm_events_next(*e, &got)) >= 0) {
		CHECK(memchr(got.text, 0, sizeof(got.text)) && got.number > 0 && got.process < plan->processes.count);
		CHECK(got.epoch == 1 && got.source <= CDM_NO_INDEX && cdm_event_kind_name(got.kind));
		heard++;
	}
	cdm_events_filter(*e, draw(seed) % 32 ? UINT64_MAX : draw(seed), CDM_NO_INDEX);
	if (draw(seed) % 8 == 0)
		cdm_events_skip(*e);
	if (draw(seed) % 8 > 0)
		return;
	cdm_events_close(*e);
	CHECK(cdm_events_open(client, e == events ? "camera" : NULL, e) == 0);
}

static void counts(uint64_t *seed) {
	struct cdm_tally t;
	struct cdm_error e;
	struct cdm_field_counts c;
	uint64_t n;
	uint32_t i;
	int rc;
	for (i = 0; (rc = cdm_tally_at(client, CAM, i, &t)) == 0 || rc == -EPROTO; i++)
		CHECK(rc < 0 || (t.open <= 1 && t.reserved == 0 && t.doing >= CDM_READS && t.doing <= CDM_LISTENS &&
				t.index < plan->fields.count + plan->processes.count));
	for (i = 0; cdm_error_at(client, CAM, i, &e) == 0; i++)
		CHECK(memchr(e.text, 0, sizeof(e.text)));
	CHECK(cdm_tally_at(client, CAM, plan_processes(plan)[CAM].tallies, &t) == -ENOENT);
	CHECK(cdm_error_at(client, CAM, LAYOUT_ERRORS, &e) == -ENOENT);
	CHECK(cdm_counter(client, CAM, (uint32_t)draw(seed) % cdm_counter_count(), &n) == 0);
	(void)result(cdm_field_counts(client, (uint32_t)draw(seed) % FIELDS, &c));
}

/* What is made of what it says is as honest as one's own. */
static void derives(void) {
	struct cdm_info info;
	uint64_t v;
	int rc = result(cdm_read(source, &v, sizeof(v), NULL));
	if (rc == 0) {
		CHECK(cdm_write(thought, &v, sizeof(v), NULL) > 0 && cdm_read(of_thought, &v, sizeof(v), &info) == 0);
		check_info(&info, FIELDS);
	}
	if (rc == -EPROTO) {
		cdm_close(source);
		CHECK(cdm_open(thinker, names[0], &source) == 0 && cdm_derive(thought, source) == 0);
	}
}

static void look(uint64_t *seed) {
	unsigned field = (unsigned)draw(seed) % FIELDS;
	switch (draw(seed) % 8) {
	case 0:
	case 1: copies(field, seed); break;
	case 2: borrows(field, seed); break;
	case 3: waits(field, seed); break;
	case 4: views(seed); break;
	case 5: listens(seed); break;
	case 6: counts(seed); break;
	default: derives();
	}
}

/* ---- the machine --------------------------------------------------------------------------------- */

static void make_plan(void) {
	static struct plan_builder b;
	const uint64_t all = 1u << THINKER | 1u << CLIENT;
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 4) == CAM);
	CHECK(plan_builder_process(&b, "thinker", PLAN_WORKER, 4) == THINKER);
	CHECK(plan_builder_process(&b, "client_0", PLAN_CLIENT, 8) == CLIENT);
	for (uint16_t i = 0; i < FIELDS; i++)
		CHECK(plan_builder_field(&b, names[i], shapes[i].dtype, shapes[i].count, shapes[i].slots,
				shapes[i].leases, CAM, all) == i);
	b.fields[3].group = b.fields[4].group = 3;
	CHECK(plan_builder_field(&b, "thought", CDM_U64, 1, 3, 0, THINKER, all) == FIELDS);
	b.fields[FIELDS].derived = 1;
	plan = plan_builder_finish(&b);
}

/* All that a camera does, a few times. */
static void live_well(void) {
	struct cdm_group *g[FIELDS];
	void *out[2];
	for (int i = 0; i < FIELDS; i++)
		CHECK(i == 4 || cdm_group_open(camera, names[i], &g[i]) == 0); /* of one field, or of two */
	for (int n = 0; n < 9; n++)
		for (int i = 0; i < FIELDS; i++)
			CHECK(i == 4 || (cdm_group_loan(g[i], out) == 0 && cdm_group_publish(g[i], NULL, NULL) > 0));
	for (int i = 0; i < FIELDS; i++)
		if (i != 4)
			cdm_group_close(g[i]);
	for (uint64_t n = 0; n < EVENTS; n++)
		CHECK(cdm_note(camera, n, n, full) == 0);
	cdm_report(camera, "cannot see %s", full);
	cdm_report(camera, "cannot hear", full);
	good = malloc(memory()->bytes);
	CHECK(good);
	memcpy(good, memory()->base, memory()->bytes);
}

static void open_all(struct cdm_local *l) {
	camera = be(l, "camera");
	thinker = be(l, "thinker");
	client = be(l, NULL);
	for (int i = 0; i < FIELDS; i++)
		CHECK(cdm_open(client, names[i], &in[i]) == 0);
	CHECK(cdm_open(thinker, names[0], &source) == 0 && cdm_writer_open(thinker, "thought", &thought) == 0);
	CHECK(cdm_derive(thought, source) == 0 && cdm_open(client, "thought", &of_thought) == 0);
	CHECK(cdm_events_open(client, "camera", &events[0]) == 0 && cdm_events_open(client, NULL, &events[1]) == 0);
	live_well();
}

static void close_all(void) {
	for (int i = 0; i < FIELDS; i++)
		cdm_close(in[i]);
	CHECK(desk_count(&client->seat.peers) == 0);
	cdm_close(source);
	cdm_close(of_thought);
	cdm_writer_close(thought);
	cdm_events_close(events[0]);
	cdm_events_close(events[1]);
	cdm_detach(client);
	cdm_detach(thinker);
	cdm_detach(camera);
	free(good);
}

static void survives_any_word(void) {
	uint64_t seed = 7;
	for (int i = 0; i < ROUNDS; i++) {
		scribble(&seed);
		look(&seed);
	}
	CHECK(had > ROUNDS / 10 && broken > 100 && viewed > 100 && heard > 100 && borrowed > 100);
}

/* The same between any two looks, with a descriptor whose thread looks as well. */
static void survives_words_that_change(void) {
	uint64_t seed = 5;
	struct cdm_reader *polled;
	pthread_t t;
	CHECK(cdm_open(client, names[2], &polled) == 0);
	struct pollfd p = { .fd = cdm_fd(polled), .events = POLLIN };
	had = broken = viewed = heard = borrowed = 0;
	CHECK(p.fd >= 0 && pthread_create(&t, NULL, scribble_on, NULL) == 0);
	for (int i = 0; i < RACES; i++) {
		look(&seed);
		if (i % 64 == 0 && poll(&p, 1, 0) == 1)
			(void)result(cdm_next(polled, room, ROOM, NULL));
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	CHECK(pthread_join(t, NULL) == 0);
	cdm_close(polled);
	CHECK(had > RACES / 100 && broken > 10);
}

/* Nothing of it stays with who looked. */
static void forgets_it(void) {
	struct cdm_info info;
	struct cdm_event e;
	mend();
	for (unsigned i = 0; i < FIELDS; i++) {
		begin_anew(i);
		CHECK(cdm_read(in[i], room, ROOM, &info) == 0 && info.version == 9);
		check_info(&info, i);
	}
	cdm_events_close(events[0]);
	CHECK(cdm_events_open(client, "camera", &events[0]) == 0);
	for (uint64_t n = 0; n < EVENTS; n++) {
		CHECK(cdm_events_next(events[0], &e) == 0 && e.a == n);
		CHECK(strncmp(e.text, full, CDM_EVENT_TEXT - 1) == 0);
	}
	CHECK(cdm_events_next(events[0], &e) == -EAGAIN);
}

int main(void) {
	struct cdm_local *l;
	make_plan();
	CHECK(cdm_local_open(plan, plan->bytes, &l, NULL) == 0);
	open_all(l);
	survives_any_word();
	survives_words_that_change();
	forgets_it();
	close_all();
	cdm_local_close(l);
	plan_free(plan);
	puts("client_hostile_test: ok");
}
