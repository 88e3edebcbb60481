/*
 * field_hostile_test.c - memory of a peer that says whatever it likes, whenever it likes.
 *
 * The peer writes its own segment at random: heads, stamps, extents, counts, desks, events.  Every
 * call of the other side must end, with a result of its contract, and what it hands out must lie inside
 * the mapping.  Run with AddressSanitizer; the copies go to a buffer with a fence behind it.
 */
#include "store/wait.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "store/event.h"
#include "store/view.h"
#include "test/lib/world.h"

enum { CORE, GUARD, CAM, READER, FIELDS = 4, ROUNDS = 200000, RACES = 60000 };

static const uint32_t counts[FIELDS] = { 1, 8, 100, 700 };
static uint16_t fields[FIELDS];
static struct world w;
static bool stop;

static uint64_t draw(uint64_t *seed) {
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 11;
}

/* One word of the segment: likely one that matters, likely a value that hurts. */
static void scribble(const struct segment *s, uint64_t *seed) {
	static const uint64_t junk[] = { 0, 1, 2, 3, UINT64_MAX, UINT64_MAX >> 1, 1ull << 63, UINT32_MAX,
		1ull << 32, 0xffffffff00000001ull, 0x0000000300000001ull, 0x0000000100000001ull };
	const struct plan_field *f = &plan_fields(w.plan)[fields[draw(seed) % FIELDS]];
	size_t at, slot = draw(seed) % f->slots;
	switch (draw(seed) % 6) {
	case 0: at = f->offset + offsetof(struct layout_field, head); break;
	case 1: at = layout_slot_at(f->offset, (uint32_t)slot); break;
	case 2:
	case 3: at = layout_slot_at(f->offset, (uint32_t)slot) + 8 * (draw(seed) % 8); break;
	case 4: at = 8 * (draw(seed) % 112); break;
	default: at = 8 * (draw(seed) % (s->bytes / 8));
	}
	uint64_t value = draw(seed) % 3 ? junk[draw(seed) % COUNT_OF(junk)] : draw(seed);
	if (draw(seed) % 4 == 0) /* nearly right: a small version in a slot of the field */
		value = draw(seed) % 2 ? draw(seed) % 20 : (uint64_t)slot << 32 | draw(seed) % 10;
	__atomic_store_n((uint64_t *)(void *)(s->base + at), value, __ATOMIC_RELAXED);
}

static void good_sample(struct field_writer *out, int i) {
	static uint64_t words[700];
	struct field_meta m = field_meta_of(0);
	out->version = 0;
	out->newest = out->plan->slots - 1;
	out->next = FIELD_NO_SLOT;
	for (int k = 0; k < 5; k++)
		CHECK(field_write(out, words, counts[i] * 8, &m, clock_mono()) == 0 || out->plan->leases);
}

static void expect(int rc) {
	CHECK(rc >= 0 || rc == -EAGAIN || rc == -EPROTO || rc == -E2BIG || rc == -EBUSY || rc == -ENOTSUP);
}

static void check_info(const struct cdm_info *info, const struct plan_field *f) {
	CHECK(info->bytes <= f->bytes && info->trust >= 0 && info->trust <= 1 && info->status <= CDM_ORPHAN);
	CHECK(info->source < w.plan->entities.count);
	CHECK(info->source_time.ns >= 0 && info->source_time.ns <= info->publish_time.ns);
}

/* Of two fields, as of some moment or another. */
static void view_them(struct field *f, struct field *beside, uint64_t *seed) {
	static unsigned char out[2][700 * 8];
	static const int64_t moments[] = { 0, 1, INT64_MAX, 1000000000 };
	const struct view_terms terms = { .max_skew_ns = (int64_t)(draw(seed) % 2) * 1000,
		.max_age_ns = (int64_t)(draw(seed) % 2) * 1000, .at = { moments[draw(seed) % COUNT_OF(moments)] } };
	struct view_part parts[] = { { .field = f, .out = out[0], .capacity = sizeof(out[0]) },
		{ .field = beside, .out = out[1], .capacity = sizeof(out[1]) } };
	struct view_refusal why;
	int rc = view_take(parts, f == beside ? 1 : 2, &terms, clock_mono(), &why);
	CHECK(rc <= 0 && why.part < 2 && (rc != -ESTALE || why.reason != VIEW_COHERENT));
	if (rc == 0)
		check_info(&parts[0].info, f->plan);
	if (rc == -EPROTO)
		f->version = f->known = beside->version = beside->known = 0;
}

static void read_every_way(struct field *f, uint64_t *seed) {
	static unsigned char out[700 * 8 + 64];
	struct cdm_info info;
	struct field_lease l;
	struct field *one = f;
	size_t room = draw(seed) % 2 ? f->plan->bytes : draw(seed) % f->plan->bytes;
	int rc = 0;
	memset(out + room, 0xa5, 64);
	switch (draw(seed) % 7) {
	case 0: rc = field_read(f, out, room, clock_mono(), &info); break;
	case 1: rc = field_next(f, out, room, clock_mono(), &info); break;
	case 2: rc = field_peek(f, clock_mono(), &info); break;
	case 3: rc = field_read_at(f, clock_mono(), out, room, clock_mono(), &info); break;
	case 4: expect(field_news(f)); rc = -EAGAIN; break;
	case 5:
		rc = wait_any(&one, 1, 0);
		CHECK(rc == 0 || rc == -ETIMEDOUT || rc == -EPROTO);
		rc = -EAGAIN;
		break;
	default:
		rc = draw(seed) % 2 ? field_lease(f, clock_mono(), &l) : field_lease_next(f, clock_mono(), &l);
		if (rc >= 0) {
			const struct segment *s = peers_get(f->peers, CAM);
			const unsigned char *data = l.data;
			CHECK(data >= s->base && data + l.info.bytes <= s->base + s->bytes);
			info = l.info;
			field_release(&l);
		}
	}
	expect(rc);
	if (rc >= 0)
		check_info(&info, f->plan);
	for (int i = 0; i < 64; i++)
		CHECK(out[room + (size_t)i] == 0xa5);
	if (rc == -EPROTO)
		f->version = f->known = 0; /* as a reader that begins again */
}

static void survives_any_word(void) {
	struct field_writer out[FIELDS];
	struct field in[FIELDS];
	uint64_t seed = 7;
	for (int i = 0; i < FIELDS; i++) {
		CHECK(field_writer_open(&out[i], &w.at[CAM], fields[i]) == 0);
		CHECK(field_open(&in[i], &w.at[READER], fields[i]) == 0);
		good_sample(&out[i], i);
	}
	for (int round = 0; round < ROUNDS; round++) {
		scribble(&w.at[CAM].own, &seed);
		int i = (int)(draw(&seed) % FIELDS);
		read_every_way(&in[i], &seed);
		view_them(&in[i], &in[draw(&seed) % FIELDS], &seed);
		if (round % 8 == 0)
			good_sample(&out[i], i);
	}
	CHECK(counter_get(&w.at[READER].own, COUNTER_broken) > 100);
	CHECK(counter_get(&w.at[READER].own, COUNTER_reads) > 100);
	CHECK(counter_get(&w.at[READER].own, COUNTER_leases) > 100);
	for (int i = 0; i < FIELDS; i++)
		field_close(&in[i]); /* with what they had ready for the next sample */
	CHECK(desk_count(&w.at[READER]) == 0);
}

static void *scribble_on(void *unused) {
	uint64_t seed = 99;
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		scribble(&w.at[CAM].own, &seed);
	return NULL;
}

/* The same, between any two looks of the reader. */
static void survives_words_that_change(void) {
	struct field in[FIELDS];
	struct event_reader events;
	struct event e;
	uint64_t seed = 5;
	pthread_t t;
	for (int i = 0; i < FIELDS; i++)
		CHECK(field_open(&in[i], &w.at[READER], fields[i]) == 0);
	event_reader_open(&events, &w.at[READER], CAM);
	CHECK(pthread_create(&t, NULL, scribble_on, NULL) == 0);
	for (int round = 0; round < RACES; round++) {
		read_every_way(&in[draw(&seed) % FIELDS], &seed);
		view_them(&in[draw(&seed) % FIELDS], &in[draw(&seed) % FIELDS], &seed);
		expect(event_next(&events, &e));
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	CHECK(pthread_join(t, NULL) == 0);
}

/* The lease word of what stands in one of its slots; it is of epoch 2. */
static uint64_t hold_any(const struct field_writer *of, uint64_t *seed) {
	uint64_t slot = draw(seed) % of->ring.count;
	return (of->ring.slots[slot].stamp >> 1 & 0xff) << 56 | slot << 32 | 2u << 16 | (of->index + 1u);
}

/* A desk that claims everything can make a writer drop samples, count them, and nothing else. */
static void survives_a_hostile_desk(void) {
	struct field_writer out[FIELDS];
	struct segment *mine = &w.at[READER].own;
	uint64_t seed = 3, *leases = (uint64_t *)(void *)(mine->base + plan_processes(w.plan)[READER].desk_offset +
			offsetof(struct layout_desk, leases));
	uint32_t *waits = (uint32_t *)(void *)(mine->base + plan_processes(w.plan)[READER].desk_offset +
			offsetof(struct layout_desk, waits));
	world_stop(&w, CAM);
	world_start(&w, CAM, true);
	for (int i = 0; i < FIELDS; i++)
		CHECK(field_writer_open(&out[i], &w.at[CAM], fields[i]) == 0);
	for (int round = 0; round < 20000; round++) {
		static uint64_t words[700];
		struct field_meta m = field_meta_of(0);
		int i = (int)(draw(&seed) % FIELDS);
		for (uint64_t k = 0; k < plan_processes(w.plan)[READER].lease_quota; k++)
			leases[k] = draw(&seed) % 8 ? hold_any(&out[i], &seed) : draw(&seed);
		waits[draw(&seed) % LAYOUT_WAITS] = (uint32_t)draw(&seed);
		mine->base[draw(&seed) % LAYOUT_HEAD_BYTES] = (unsigned char)draw(&seed);
		int rc = field_write(&out[i], words, counts[i] * 8, &m, clock_mono());
		CHECK(rc == 0 || (rc == -EAGAIN && out[i].plan->leases));
	}
	CHECK(out[3].drops > 0 && out[0].drops == 0); /* a copy-only field does not even look */
}

int main(void) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 2) == CAM);
	CHECK(plan_builder_process(&b, "reader", PLAN_WORKER, 8) == READER);
	for (int i = 0; i < FIELDS; i++) {
		char name[CDM_NAME_MAX];
		snprintf(name, sizeof(name), "field%d", i);
		fields[i] = plan_builder_field(&b, name, CDM_U64, counts[i], (uint8_t)(3 + i), i > 1 ? 1 : 0, CAM,
				1u << READER);
	}
	world_open(&w, &b);
	survives_any_word();
	survives_words_that_change();
	survives_a_hostile_desk();
	world_close(&w);
	puts("field_hostile_test: ok");
}
