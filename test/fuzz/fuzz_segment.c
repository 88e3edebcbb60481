/*
 * fuzz_segment.c - shared memory as input: a script of stores by a hostile writer, and of calls by a reader.
 *
 * Each step is 4 bytes: what to do, where, a value, and the rest of where.  Every call must end with a result of its
 * contract and hand out nothing outside the mapping.
 */
#include <errno.h>
#include <string.h>
#include "store/error_log.h"
#include "store/event_merge.h"
#include "store/tally.h"
#include "store/view.h"
#include "test/lib/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { CORE, GUARD, CAM, READER, ALONE = 3, FIELDS = 5, WORDS = 700 };

static struct world w;
static struct field in[FIELDS];
static struct event_reader events;
static struct event_merge row;
static unsigned char *good; /* the camera's memory, as a script finds it */

/* Three fields alone, and two that are published together. */
static void make_plan(struct plan_builder *b) {
	static const uint32_t counts[FIELDS] = { 1, 100, WORDS, 1, 100 };
	plan_builder_begin(b, "robot");
	CHECK(plan_builder_process(b, "camera", PLAN_HOST, 2) == CAM);
	CHECK(plan_builder_process(b, "reader", PLAN_WORKER, 4) == READER);
	for (int i = 0; i < FIELDS; i++) {
		char name[] = { 'f', (char)('0' + i), 0 };
		plan_builder_field(b, name, CDM_U64, counts[i], i < ALONE ? (uint8_t)(4 + i) : 5, i ? 2 : 0, CAM,
				1u << READER);
	}
	b->fields[ALONE].group = b->fields[ALONE + 1].group = ALONE;
}

static void publish(uint16_t field) {
	struct field_meta m[2] = { field_meta_of(0), field_meta_of(0) };
	struct field_group g;
	uint32_t bytes[2];
	void *out[2];
	CHECK(field_group_open(&g, &w.at[CAM], field) == 0);
	for (int k = 0; k < 3; k++) {
		CHECK(field_group_loan(&g, out));
		for (unsigned i = 0; i < g.count; i++)
			bytes[i] = g.at[i].plan->bytes;
		field_group_publish(&g, bytes, m, clock_mono());
	}
	field_group_close(&g);
}

static void open_world(void) {
	static struct plan_builder b;
	struct event_writer out;
	make_plan(&b);
	world_open(&w, &b);
	for (uint16_t i = 0; i <= ALONE; i++)
		publish(i);
	event_writer_open(&out, &w.at[CAM]);
	for (uint64_t n = 0; n < 3; n++)
		CHECK(event_write(&out, clock_mono(), EVENT_NOTED, 0, n, n, "seen"));
	event_writer_close(&out);
	error_note(&w.at[CAM].own, clock_mono(), "kind", "text");
	good = malloc(w.at[CAM].own.bytes);
	CHECK(good);
	memcpy(good, w.at[CAM].own.base, w.at[CAM].own.bytes);
}

static void begin(void) {
	memcpy(w.at[CAM].own.base, good, w.at[CAM].own.bytes);
	for (uint16_t i = 0; i < FIELDS; i++)
		CHECK(field_open(&in[i], &w.at[READER], i) == 0);
	event_reader_open(&events, &w.at[READER], CAM);
	event_merge_open(&row, &w.at[READER], CORE, READER);
}

static void end(void) {
	for (int i = 0; i < FIELDS; i++)
		field_close(&in[i]);
	event_reader_close(&events);
	event_merge_close(&row);
}

static void check(int rc, const struct cdm_info *info, const struct plan_field *f) {
	CHECK(rc >= 0 || rc == -EAGAIN || rc == -EPROTO || rc == -E2BIG || rc == -EBUSY || rc == -ENOTSUP);
	if (rc < 0)
		return;
	CHECK(info->bytes <= f->bytes && info->status <= CDM_ORPHAN);
	CHECK(info->trust >= 0 && info->trust <= 1);
}

static void lease(struct field *f, bool in_order) {
	struct field_lease l;
	int rc = in_order ? field_lease_next(f, clock_mono(), &l) : field_lease(f, clock_mono(), &l);
	check(rc, &l.info, f->plan);
	const struct segment *s = peers_get(f->peers, CAM);
	const uint8_t *at = l.data;
	CHECK(rc < 0 || (at >= s->base && at + l.info.bytes <= s->base + s->bytes));
	field_release(&l);
}

/* Of all fields, the second and the last borrowed. */
static void view(int64_t max_skew_ns) {
	static uint64_t out[FIELDS][WORDS];
	const struct view_terms terms = { .max_skew_ns = max_skew_ns };
	struct view_part parts[FIELDS];
	struct view_refusal why;
	for (unsigned i = 0; i < FIELDS; i++)
		parts[i] = (struct view_part){ .field = &in[i], .out = i == 1 || i == FIELDS - 1 ? NULL : out[i],
			.capacity = sizeof(out[i]) };
	int rc = view_take(parts, FIELDS, &terms, clock_mono(), &why);
	CHECK(why.part < FIELDS && why.reason <= VIEW_BROKEN && (rc != -ESTALE || why.reason != VIEW_COHERENT));
	CHECK(rc <= 0);
	for (int i = 0; i < FIELDS; i++) {
		if (rc != -ESTALE)
			check(rc, &parts[i].info, in[i].plan);
		if (rc == 0)
			field_release(&parts[i].lease);
		if (rc == -EPROTO)
			in[i].version = in[i].known = 0;
	}
	CHECK(rc != 0 || parts[ALONE].info.version == parts[ALONE + 1].info.version);
}

static void listen(void) {
	struct event_source *s;
	int rc = event_merge_next(&row, &s);
	CHECK(rc == 0 || rc == -EAGAIN || rc == -EPROTO);
	CHECK(rc != 0 || (memchr(s->event.text, 0, EVENT_TEXT_MAX) && s->event.number > 0 && s->epoch == 1));
}

static void count(void) {
	const struct segment *s = peers_get(&w.at[READER], CAM);
	struct layout_tally t;
	struct error_record e;
	struct field_counts c;
	uint32_t i = 0;
	while (tally_get(s, i, &t))
		i++;
	CHECK(!tally_get(s, plan_processes(w.plan)[CAM].tallies, &t));
	for (i = 0; i < LAYOUT_ERRORS; i++)
		CHECK(!error_get(s, i, &e) || memchr(e.text, 0, sizeof(e.text)));
	for (i = 0; i < COUNTER_COUNT; i++)
		(void)counter_get(s, (enum counter)i);
	for (i = 0; i < FIELDS; i++) {
		int rc = field_counts(&in[i], &c);
		CHECK(rc == 0 || rc == -EAGAIN || rc == -EPROTO);
	}
}

static void call(struct field *f, unsigned which, size_t room) {
	static uint8_t buffer[WORDS * 8];
	struct cdm_info info;
	struct event e;
	int rc = -EAGAIN;
	switch (which) {
	case 0: rc = field_read(f, buffer, room, clock_mono(), &info); break;
	case 1: rc = field_next(f, buffer, room, clock_mono(), &info); break;
	case 2: rc = field_read_at(f, clock_mono(), buffer, room, clock_mono(), &info); break;
	case 3: rc = field_peek(f, clock_mono(), &info); break;
	case 4: lease(f, false); break;
	case 5: lease(f, true); break;
	case 6: rc = wait_field(f, 0) == -EPROTO ? -EPROTO : -EAGAIN; break;
	case 7: rc = event_next(&events, &e) == -EPROTO ? -EPROTO : -EAGAIN; break;
	case 8: view((int64_t)room); break;
	case 9: listen(); break;
	case 10: count(); break;
	default: rc = field_read_version(f, room % 16, buffer, sizeof(buffer), clock_mono(), &info);
	}
	if (rc == -ENOENT)
		return;
	check(rc, &info, f->plan);
	if (rc == -EPROTO) /* as a reader that begins again */
		f->version = f->known = events.number = 0;
}

/* From where places are counted: a field, the ring, all of it, tallies. */
static size_t base_of(unsigned which) {
	const struct plan_process *p = &plan_processes(w.plan)[CAM];
	switch (which) {
	case 3: return p->event_offset;
	case 4: return 0;
	case 7: return p->tally_offset;
	default: return plan_fields(w.plan)[which < 3 ? which : which - 2].offset + offsetof(struct layout_field, head);
	}
}

/* With values that are near the truth or far from it. */
static void tamper(unsigned which, size_t place, unsigned value) {
	static const uint64_t far[] = { UINT64_MAX, UINT64_C(1) << 63, UINT32_MAX, UINT64_MAX >> 8, 0 };
	const struct segment *s = &w.at[CAM].own;
	size_t at = (base_of(which) + 8 * place) % s->bytes;
	uint64_t v = value < 128 ? value : value < 192 ? (uint64_t)(value - 128) << 32 | 3 : far[value % COUNT_OF(far)];
	__atomic_store_n((uint64_t *)(void *)(s->base + at), v, __ATOMIC_RELAXED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
	if (!w.plan)
		open_world();
	begin();
	for (; bytes >= 4; data += 4, bytes -= 4) {
		if (data[0] & 1)
			tamper(data[0] >> 1 & 7, data[1] | (size_t)data[3] << 8, data[2]);
		else
			call(&in[data[1] % FIELDS], data[0] >> 1 & 15, (size_t)data[2] * 24 % (WORDS * 8));
	}
	end();
	return 0;
}
