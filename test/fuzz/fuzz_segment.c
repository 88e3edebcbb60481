/*
 * fuzz_segment.c - shared memory as input: a script of stores by a hostile writer, and of calls by a reader.
 *
 * Each step is 4 bytes: what to do, where, and a value.  Every call must end with a result of its contract
 * and hand out nothing outside the mapping.
 */
#include <errno.h>
#include <string.h>
#include "test/lib/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { CORE, GUARD, CAM, READER, FIELDS = 3 };

static struct world w;
static struct field_writer out[FIELDS];
static struct field in[FIELDS];
static struct event_reader events;

static void open_world(void) {
	static struct plan_builder b;
	static const uint32_t counts[FIELDS] = { 1, 100, 700 };
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 2) == CAM);
	CHECK(plan_builder_process(&b, "reader", PLAN_WORKER, 2) == READER);
	for (int i = 0; i < FIELDS; i++) {
		char name[] = { 'f', (char)('0' + i), 0 };
		plan_builder_field(&b, name, CDM_U64, counts[i], (uint8_t)(4 + i), i ? 2 : 0, CAM, 1u << READER);
	}
	world_open(&w, &b);
}

static void begin(void) {
	static uint64_t words[700];
	const struct segment *s = &w.at[CAM].own;
	size_t ring = plan_processes(w.plan)[CAM].event_offset;
	memset(s->base + ring, 0, s->bytes - ring);
	for (uint16_t i = 0; i < FIELDS; i++) {
		struct field_meta m = field_meta_of(0);
		CHECK(field_writer_open(&out[i], &w.at[CAM], i) == 0 && field_open(&in[i], &w.at[READER], i) == 0);
		for (int k = 0; k < 3; k++)
			CHECK(field_write(&out[i], words, out[i].plan->bytes, &m, clock_mono()) == 0);
	}
	event_reader_open(&events, &w.at[READER], CAM);
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

static void call(struct field *f, unsigned which, size_t room) {
	static uint8_t buffer[700 * 8];
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
	default: rc = event_next(&events, &e) == -EPROTO ? -EPROTO : -EAGAIN;
	}
	check(rc, &info, f->plan);
	if (rc == -EPROTO) /* as a reader that begins again */
		f->version = f->known = events.number = 0;
}

/* Word `place` of field or ring `which`, with values that are near the truth or far from it. */
static void tamper(unsigned which, unsigned place, unsigned value) {
	static const uint64_t far[] = { UINT64_MAX, UINT64_C(1) << 63, UINT32_MAX, UINT64_MAX >> 8, 0 };
	const struct segment *s = &w.at[CAM].own;
	size_t base = which < FIELDS ? plan_fields(w.plan)[which].offset + offsetof(struct layout_field, head)
				     : plan_processes(w.plan)[CAM].event_offset;
	uint64_t v = value < 128 ? value : value < 192 ? (uint64_t)(value - 128) << 32 | 3 : far[value % COUNT_OF(far)];
	__atomic_store_n((uint64_t *)(void *)(s->base + base + 8 * place), v, __ATOMIC_RELAXED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
	if (!w.plan)
		open_world();
	begin();
	for (; bytes >= 4; data += 4, bytes -= 4) {
		if (data[0] & 1)
			tamper(data[0] >> 1 & 3, data[1], data[2]);
		else
			call(&in[data[1] % FIELDS], data[0] >> 1 & 7, (size_t)data[2] * 24 % (700 * 8));
	}
	return 0;
}
