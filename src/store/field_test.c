/*
 * field_test.c - samples in and out, one thread: values, order, leases, what is said of them.
 * (Both sides at once: field_race_test.c.  A writer that dies: field_kill_test.c.  One that lies:
 * field_hostile_test.c.)
 */
#include "store/field.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "test/lib/world.h"

enum { CORE, GUARD, CAM, READER, STRANGER, SIZES = 10 };

static const uint32_t sizes[SIZES] = { 1, 7, 8, 63, 64, 65, 4096, 4097, 10001, 300000 };
static uint16_t sized[SIZES], frame, level, aged;
static struct world w;
static struct field_writer writer;
static struct field reader;

static void fresh(void) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 4) == CAM);
	CHECK(plan_builder_process(&b, "reader", PLAN_WORKER, 2) == READER);
	CHECK(plan_builder_process(&b, "stranger", PLAN_WORKER, 2) == STRANGER);
	for (int i = 0; i < SIZES; i++) {
		char name[CDM_NAME_MAX];
		snprintf(name, sizeof(name), "sized%d", i);
		sized[i] = plan_builder_field(&b, name, CDM_U8, sizes[i], 4, i % 2 ? 2 : 0, CAM, 1u << READER);
	}
	frame = plan_builder_field(&b, "frame", CDM_U64, 1000, 5, 3, CAM, 1u << READER | 1u << CORE);
	level = plan_builder_field(&b, "level", CDM_U64, 1, 8, 0, CAM, 1u << READER);
	aged = plan_builder_field(&b, "aged", CDM_U64, 1, 3, 0, CAM, 1u << READER);
	b.fields[aged].max_age_ns = 1000;
	world_open(&w, &b);
}

static void open_both(uint16_t field) {
	CHECK(field_writer_open(&writer, &w.at[CAM], field) == 0);
	CHECK(field_open(&reader, &w.at[READER], field) == 0);
}

static struct cdm_mono at(int64_t ns) {
	return (struct cdm_mono){ ns };
}

static int put(uint64_t value, int64_t now_ns) {
	struct field_meta m = field_meta_of(0);
	return field_write(&writer, &value, sizeof(value), &m, at(now_ns));
}

static uint64_t counted(uint16_t process, enum counter c) {
	return counter_get(&w.at[process].own, c);
}

static void opens_for_those_the_plan_names(void) {
	struct field_writer x;
	struct field f;
	fresh();
	CHECK(field_writer_open(&x, &w.at[READER], level) == -EACCES);
	CHECK(field_writer_open(&x, &w.at[CAM], 999) == -EINVAL);
	CHECK(field_open(&f, &w.at[STRANGER], level) == -EACCES);
	CHECK(field_open(&f, &w.at[READER], 999) == -EINVAL);
	CHECK(field_open(&f, &w.at[CAM], level) == 0); /* one's own */
	world_close(&w);
}

static void says_when_there_is_nothing(void) {
	struct field_lease l;
	struct cdm_info info;
	uint64_t v;
	fresh();
	open_both(frame);
	CHECK(field_read(&reader, &v, sizeof(v), at(1), &info) == -EAGAIN);
	CHECK(field_next(&reader, &v, sizeof(v), at(1), &info) == -EAGAIN);
	CHECK(field_peek(&reader, at(1), &info) == -EAGAIN);
	CHECK(field_read_at(&reader, at(1), &v, sizeof(v), at(1), &info) == -EAGAIN);
	CHECK(field_lease(&reader, at(1), &l) == -EAGAIN && !l.word);
	CHECK(field_news(&reader) == 0);
	field_release(&l); /* nothing held */
	field_skip(&reader);
	/* and no process at all */
	struct peers alone;
	peers_init(&alone, w.plan, READER);
	CHECK(field_open(&reader, &alone, frame) == 0);
	CHECK(field_read(&reader, &v, sizeof(v), at(1), &info) == -EAGAIN && field_news(&reader) == 0);
	field_skip(&reader);
	peers_fini(&alone);
	world_close(&w);
}

static void carries_every_size(void) {
	static unsigned char in[300000], out[300000 + 16];
	struct cdm_info info;
	fresh();
	for (int i = 0; i < SIZES; i++) {
		struct field_meta m = field_meta_of(1);
		open_both(sized[i]);
		for (unsigned round = 1; round < 10; round++) {
			uint32_t n = round % 3 == 0 ? sizes[i] - sizes[i] / 3 : sizes[i];
			for (uint32_t k = 0; k < n; k++)
				in[k] = (unsigned char)(k * 7 + round + (unsigned)i);
			if (round % 2) {
				CHECK(field_write(&writer, in, n, &m, at(round)) == 0);
			} else {
				unsigned char *loan = field_loan(&writer);
				CHECK(loan && (uintptr_t)loan % (sizes[i] <= LAYOUT_INLINE ? 8 : LAYOUT_ALIGN) == 0);
				CHECK(sizes[i] <= LAYOUT_LARGE || (uintptr_t)loan % LAYOUT_PAGE == 0);
				memcpy(loan, in, n);
				CHECK(field_publish(&writer, n, &m, at(round)) == round);
			}
			memset(out, 0xee, sizeof(out));
			CHECK(field_read(&reader, out, sizes[i], at(round), &info) == 0);
			CHECK(info.bytes == n && info.version == round && info.epoch == 1 && info.source == 1);
			CHECK(memcmp(in, out, n) == 0 && out[n] == 0xee && info.status == CDM_OK);
			CHECK(field_read(&reader, out, n - 1, at(round), &info) == -E2BIG);
			CHECK(field_read(&reader, NULL, 0, at(round), &info) == 0);
		}
		CHECK(field_write(&writer, in, sizes[i] + 1, &m, at(1)) == -E2BIG);
	}
	world_close(&w);
}

static void says_what_the_writer_said(void) {
	struct cdm_info info;
	uint64_t v = 5;
	fresh();
	open_both(level);
	static const struct { float in, out; } trust[] = { { 0.25f, 0.25f }, { 1.5f, 1.0f }, { -1.0f, 0.0f },
		{ NAN, 0.0f }, { INFINITY, 1.0f } };
	for (size_t i = 0; i < COUNT_OF(trust); i++) {
		struct field_meta m = { .source_time = at(50), .trust = trust[i].in, .source = 1,
			.status = CDM_DEGRADED };
		CHECK(field_write(&writer, &v, sizeof(v), &m, at(60)) == 0);
		CHECK(field_peek(&reader, at(70), &info) == 0);
		CHECK(info.trust == trust[i].out && info.source_time.ns == 50 && info.publish_time.ns == 60);
		CHECK(info.status == CDM_DEGRADED && info.source == 1);
	}
	struct field_meta future = { .source_time = at(1000), .trust = 1 };
	CHECK(field_write(&writer, &v, sizeof(v), &future, at(60)) == 0);
	CHECK(field_peek(&reader, at(70), &info) == 0 && info.source_time.ns == 60);
	struct field_meta before_all = { .source_time = at(INT64_MIN), .trust = 1 };
	CHECK(field_write(&writer, &v, sizeof(v), &before_all, at(60)) == 0);
	CHECK(field_peek(&reader, at(70), &info) == 0 && info.source_time.ns == 0);
	CHECK(field_news(&reader) == 1); /* peeking takes nothing */
	world_close(&w);
}

static void derived_is_never_better(void) {
	uint64_t seed = 1;
	for (int round = 0; round < 1000; round++) {
		struct field_meta m = field_meta_of(3);
		struct cdm_info source[4] = { 0 };
		for (int i = 0; i < 4; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			source[i].source_time.ns = (int64_t)(seed >> 40);
			source[i].trust = i == 2 && round % 7 == 0 ? NAN : (float)(seed >> 32 & 0xff) / 255.0f;
			source[i].status = (uint16_t)(seed >> 30 & 3);
			field_meta_merge(&m, &source[i]);
		}
		for (int i = 0; i < 4; i++) {
			CHECK(m.source_time.ns <= source[i].source_time.ns && m.status >= source[i].status);
			CHECK(m.trust <= source[i].trust || (isnan(source[i].trust) && m.trust <= 0.0f));
		}
		CHECK(m.source == 3 && m.trust >= 0.0f);
	}
}

static void grows_stale_and_orphan(void) {
	struct cdm_info info;
	fresh();
	open_both(aged);
	CHECK(put(1, 5000) == 0);
	CHECK(field_peek(&reader, at(6000), &info) == 0 && info.status == CDM_OK);
	CHECK(field_peek(&reader, at(6001), &info) == 0 && info.status == CDM_STALE);
	struct field_meta degraded = { .source_time = at(5000), .trust = 1, .status = CDM_DEGRADED };
	CHECK(field_write(&writer, &(uint64_t){ 2 }, 8, &degraded, at(5001)) == 0);
	CHECK(field_peek(&reader, at(9999), &info) == 0 && info.status == CDM_DEGRADED); /* the worst of both */
	static const enum directory_state over[] = { DIRECTORY_DEAD, DIRECTORY_STOPPED, DIRECTORY_FREE };
	for (size_t i = 0; i < COUNT_OF(over); i++) {
		directory_set(&w.directory, CAM, over[i], at(1));
		CHECK(field_peek(&reader, at(5001), &info) == 0 && info.status == CDM_ORPHAN);
		directory_set(&w.directory, CAM, DIRECTORY_LIVE, at(1));
		CHECK(field_peek(&reader, at(5001), &info) == 0 && info.status == CDM_DEGRADED);
	}
	directory_starting(&w.directory, CAM, 1, at(1)); /* followed by another */
	uint64_t v = 0;
	CHECK(field_read(&reader, &v, sizeof(v), at(5001), &info) == 0);
	CHECK(info.status == CDM_ORPHAN && v == 2); /* still readable */
	world_close(&w);
}

static void keeps_order_and_counts_what_was_missed(void) {
	struct cdm_info info;
	uint64_t v, next = 1;
	fresh();
	open_both(level); /* 8 slots */
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < round % 8; i++)
			CHECK(put(writer.version + 1, 1) == 0);
		int rc;
		while ((rc = field_next(&reader, &v, sizeof(v), at(2), &info)) == 0) {
			CHECK(v == next && info.version == next);
			next++;
		}
		CHECK(rc == -EAGAIN && next == writer.version + 1 && reader.missed == 0);
	}
	for (int i = 0; i < 100; i++)
		CHECK(put(writer.version + 1, 1) == 0);
	int missed = field_next(&reader, &v, sizeof(v), at(2), &info);
	CHECK(v == writer.version - 3 && info.version == v); /* half of 8 slots behind, the newest included */
	CHECK(missed == (int)(v - next) && reader.missed == (uint64_t)missed);
	CHECK(counted(READER, COUNTER_laps) == 1 && counted(READER, COUNTER_missed) == (uint64_t)missed);
	CHECK(field_next(&reader, &v, sizeof(v), at(2), &info) == 0 && v == writer.version - 2);
	field_skip(&reader);
	CHECK(field_next(&reader, &v, sizeof(v), at(2), &info) == -EAGAIN && reader.missed == (uint64_t)missed);
	CHECK(field_read(&reader, &v, sizeof(v), at(2), &info) == 0 && v == writer.version);
	world_close(&w);
}

static void a_late_reader_has_missed_nothing(void) {
	uint64_t v;
	fresh();
	open_both(level);
	for (int i = 0; i < 100; i++)
		CHECK(put(writer.version + 1, 1) == 0);
	CHECK(field_next(&reader, &v, sizeof(v), at(2), NULL) == 0 && v == 97 && reader.missed == 0);
	world_close(&w);
}

static void begins_anew_with_a_new_epoch(void) {
	struct cdm_info info;
	uint64_t v;
	fresh();
	open_both(level);
	for (int i = 0; i < 5; i++)
		CHECK(put(writer.version + 1, 1) == 0);
	CHECK(field_next(&reader, &v, sizeof(v), at(2), &info) == 0 && v == 1);
	CHECK(field_next(&reader, &v, sizeof(v), at(2), &info) == 0 && v == 2); /* the head is not asked */
	world_stop(&w, CAM);
	world_start(&w, CAM, true);
	CHECK(field_news(&reader) == 0);
	CHECK(field_next(&reader, &v, sizeof(v), at(2), &info) == -EAGAIN);
	CHECK(field_writer_open(&writer, &w.at[CAM], level) == 0 && writer.version == 0);
	CHECK(put(71, 3) == 0 && put(72, 3) == 0);
	CHECK(field_news(&reader) == 1);
	CHECK(field_next(&reader, &v, sizeof(v), at(4), &info) == 3); /* 3..5 of the old epoch */
	CHECK(v == 71 && info.epoch == 2 && info.version == 1 && info.status == CDM_OK);
	CHECK(field_next(&reader, &v, sizeof(v), at(4), &info) == 0 && v == 72);
	world_close(&w);
}

static void finds_what_was_true_then(void) {
	struct cdm_info info;
	uint64_t v;
	fresh();
	open_both(level);
	for (uint64_t i = 1; i <= 20; i++)
		CHECK(put(i, (int64_t)i * 10) == 0); /* 14..20 are still there */
	for (int64_t t = 140; t < 260; t++) {
		CHECK(field_read_at(&reader, at(t), &v, sizeof(v), at(300), &info) == 0);
		CHECK(v == (uint64_t)(t < 200 ? t / 10 : 20) && info.source_time.ns <= t);
	}
	CHECK(field_read_at(&reader, at(139), &v, sizeof(v), at(300), &info) == -EAGAIN);
	CHECK(field_read_at(&reader, at(200), &v, 4, at(300), &info) == -E2BIG);
	CHECK(field_news(&reader) == 1); /* looking back takes nothing */
	world_close(&w);
}

/* A writer stores the stamp, then the head; who is told of news between the two reads what is new. */
static void reads_what_it_was_told_of(void) {
	struct cdm_info info;
	uint64_t v;
	fresh();
	open_both(level);
	CHECK(put(1, 1) == 0 && field_read(&reader, &v, sizeof(v), at(2), &info) == 0 && field_news(&reader) == 0);
	uint64_t head = *writer.ring.head;
	CHECK(put(2, 2) == 0);
	*writer.ring.head = head; /* as if it had not come so far */
	CHECK(field_news(&reader) == 1);
	CHECK(field_read(&reader, &v, sizeof(v), at(2), &info) == 0 && v == 2 && info.version == 2);
	CHECK(field_news(&reader) == 0 && field_read(&reader, &v, sizeof(v), at(2), &info) == 0 && v == 2);
	world_close(&w);
}

/* The same, and the writer has been all round meanwhile, past the old sample, which is held. */
static void reads_no_older_than_it_was_told_of(void) {
	struct field_lease held;
	uint64_t v;
	fresh();
	open_both(frame);
	CHECK(put(1, 1) == 0 && field_lease(&reader, at(2), &held) == 0);
	uint64_t head = *writer.ring.head;
	CHECK(put(2, 2) == 0 && field_news(&reader) == 1);
	for (uint64_t n = 3; n <= 6; n++)
		CHECK(put(n, 2) == 0);
	uint64_t later = *writer.ring.head;
	*writer.ring.head = head; /* as it was a moment ago */
	CHECK(field_read(&reader, &v, sizeof(v), at(2), NULL) == -EAGAIN);
	*writer.ring.head = later;
	CHECK(field_read(&reader, &v, sizeof(v), at(2), NULL) == 0 && v == 6);
	field_release(&held);
	world_close(&w);
}

static void finds_that_very_sample(void) {
	struct cdm_info info;
	uint64_t v;
	fresh();
	open_both(level);
	CHECK(field_read_version(&reader, 1, &v, sizeof(v), at(1), &info) == -EAGAIN);
	for (uint64_t i = 1; i <= 20; i++)
		CHECK(put(100 + i, (int64_t)i) == 0); /* 14..20 are still there */
	for (uint64_t n = 14; n <= 20; n++)
		CHECK(field_read_version(&reader, n, &v, sizeof(v), at(30), &info) == 0 && v == 100 + n);
	CHECK(field_read_version(&reader, 13, &v, sizeof(v), at(30), &info) == -ENOENT);
	CHECK(field_read_version(&reader, 0, &v, sizeof(v), at(30), NULL) == -ENOENT);
	CHECK(field_read_version(&reader, 21, &v, sizeof(v), at(30), NULL) == -EAGAIN);
	CHECK(field_read_version(&reader, 20, &v, 4, at(30), NULL) == -E2BIG && field_news(&reader) == 1);
	world_close(&w);
}

/* Being ready for what comes takes no word that somebody needs for what is there. */
static void leases_ahead_leave_room(void) {
	struct field beside;
	struct field_lease a, b, none;
	fresh();
	open_both(frame); /* quota of the reader 2 */
	CHECK(field_open(&beside, &w.at[READER], frame) == 0);
	CHECK(put(1, 1) == 0);
	CHECK(field_lease_next(&reader, at(2), &a) == 0 && field_lease_next(&beside, at(2), &b) == 0);
	field_release(&a);
	field_release(&b);
	CHECK(field_lease_next(&reader, at(2), &none) == -EAGAIN && field_lease_next(&beside, at(2), &none) == -EAGAIN);
	CHECK(desk_count(&w.at[READER]) == 1);
	CHECK(field_lease(&beside, at(2), &b) == 0);
	field_release(&b);
	field_close(&reader);
	field_close(&beside);
	CHECK(desk_count(&w.at[READER]) == 0);
	world_close(&w);
}

/* What is borrowed stays as it is, and the writer goes on. */
static void leases_hold_samples(void) {
	struct field_lease a, b, c;
	uint64_t v;
	fresh();
	open_both(frame); /* 5 slots, quota of the reader 2 */
	CHECK(put(100, 1) == 0 && field_lease(&reader, at(2), &a) == 0);
	CHECK(put(101, 1) == 0 && field_lease_next(&reader, at(2), &b) == 0);
	CHECK(a.info.version == 1 && b.info.version == 2 && a.info.bytes == 8);
	CHECK(put(102, 1) == 0 && field_lease(&reader, at(2), &c) == -EBUSY && !c.word);
	CHECK(counted(READER, COUNTER_lease_busy) == 1 && desk_count(&w.at[READER]) == 2);
	for (uint64_t i = 0; i < 1000; i++) {
		CHECK(put(200 + i, 1) == 0);
		CHECK(*(const uint64_t *)a.data == 100 && *(const uint64_t *)b.data == 101);
		/* the quota is used up: by copy */
		CHECK(field_read(&reader, &v, sizeof(v), at(2), NULL) == 0 && v == 200 + i);
	}
	field_release(&a);
	CHECK(!a.data && !a.word);
	field_release(&a);
	CHECK(field_lease(&reader, at(2), &c) == 0 && *(const uint64_t *)c.data == 1199);
	field_release(&b);
	field_release(&c);
	CHECK(desk_count(&w.at[READER]) == 0 && writer.drops == 0);
	world_close(&w);
}

static void drops_and_counts_when_all_is_leased(void) {
	struct field_lease l[4];
	struct field own;
	fresh();
	open_both(frame);
	CHECK(field_open(&own, &w.at[CAM], frame) == 0); /* the writer's process: quota 4 */
	for (int i = 0; i < 4; i++) {
		CHECK(put((uint64_t)i, 1) == 0);
		CHECK(field_lease(&own, at(2), &l[i]) == 0);
	}
	CHECK(put(4, 1) == 0); /* the fifth slot */
	CHECK(put(5, 1) == -EAGAIN && field_loan(&writer) == NULL);
	CHECK(writer.drops == 2 && counted(CAM, COUNTER_drops) == 2 && writer.version == 5);
	struct field_counts counts;
	CHECK(field_counts(&reader, &counts) == 0 && counts.drops == 2 && counts.degraded == 0);
	CHECK(field_writer_open(&writer, &w.at[CAM], frame) == 0); /* a second handle goes on where the first ended */
	CHECK(put(5, 1) == -EAGAIN && writer.version == 5);
	CHECK(field_counts(&reader, &counts) == 0 && counts.drops == 3);
	uint64_t v;
	CHECK(field_read(&reader, &v, sizeof(v), at(2), NULL) == 0 && v == 4);
	for (uint64_t i = 0; i < 4; i++) {
		CHECK(*(const uint64_t *)l[i].data == i);
		field_release(&l[i]);
		CHECK(put(10 + i, 1) == 0);
	}
	world_close(&w);
}

static void leases_need_a_plan_that_allows_them(void) {
	struct field_lease l;
	fresh();
	open_both(level);
	CHECK(put(1, 1) == 0);
	CHECK(field_lease(&reader, at(2), &l) == -ENOTSUP && !l.word && !l.data);
	world_close(&w);
}

static void leases_wait_until_the_writer_knows(void) {
	struct field_lease l;
	uint64_t v;
	fresh();
	open_both(frame);
	CHECK(put(1, 1) == 0);
	world_stop(&w, READER);
	world_start(&w, READER, false); /* we map the writer's memory, it has not heard of us */
	CHECK(peers_replace(&w.at[READER], CAM, 1, &w.files[CAM]) == 0);
	CHECK(field_open(&reader, &w.at[READER], frame) == 0);
	CHECK(field_lease(&reader, at(2), &l) == -EAGAIN && desk_count(&w.at[READER]) == 0);
	CHECK(field_read(&reader, &v, sizeof(v), at(2), NULL) == 0 && v == 1);
	CHECK(peers_replace(&w.at[CAM], READER, 2, &w.files[READER]) == 0);
	CHECK(field_lease(&reader, at(2), &l) == 0);
	field_release(&l);
	world_close(&w);
}

static bool leased(uint32_t slot, uint64_t version) {
	return desk_is_leased(&writer.desks, writer.readers, frame, slot, version);
}

static void the_dead_hold_nothing(void) {
	struct field_lease l[2];
	fresh();
	open_both(frame);
	CHECK(put(1, 1) == 0 && field_lease(&reader, at(2), &l[0]) == 0);
	CHECK(put(2, 1) == 0 && field_lease(&reader, at(2), &l[1]) == 0);
	CHECK(leased(0, 1) && leased(1, 2) && !leased(2, 3));
	directory_set(&w.directory, READER, DIRECTORY_DEAD, at(3));
	CHECK(!leased(0, 1) && !leased(1, 2));
	world_close(&w);
}

/* What we hold of a writer's last life does not narrow its next one. */
static void leases_are_of_one_epoch(void) {
	struct field_lease l;
	fresh();
	open_both(frame);
	CHECK(put(1, 1) == 0 && field_lease(&reader, at(2), &l) == 0);
	world_stop(&w, CAM);
	world_start(&w, CAM, true);
	CHECK(field_writer_open(&writer, &w.at[CAM], frame) == 0);
	CHECK(!leased(0, 1));
	CHECK(desk_holds(&w.at[READER], CAM, 1) && !desk_holds(&w.at[READER], CAM, 2));
	CHECK(*(const uint64_t *)l.data == 1);
	field_release(&l);
	world_close(&w);
}

static void gives_a_loan_back(void) {
	uint64_t v;
	fresh();
	open_both(level);
	for (uint64_t i = 1; i <= 20; i++) {
		CHECK(put(i, 1) == 0);
		uint64_t *loan = field_loan(&writer);
		*loan = 666;
		field_abandon(&writer);
		CHECK(field_read(&reader, &v, sizeof(v), at(2), NULL) == 0 && v == i);
	}
	CHECK(writer.version == 20);
	/* a writer that opens the field again goes on where it was */
	CHECK(field_writer_open(&writer, &w.at[CAM], level) == 0 && put(21, 1) == 0);
	CHECK(field_read(&reader, &v, sizeof(v), at(2), NULL) == 0 && v == 21);
	world_close(&w);
}

int main(void) {
	opens_for_those_the_plan_names();
	says_when_there_is_nothing();
	carries_every_size();
	says_what_the_writer_said();
	derived_is_never_better();
	grows_stale_and_orphan();
	keeps_order_and_counts_what_was_missed();
	a_late_reader_has_missed_nothing();
	begins_anew_with_a_new_epoch();
	finds_what_was_true_then();
	reads_what_it_was_told_of();
	reads_no_older_than_it_was_told_of();
	finds_that_very_sample();
	leases_ahead_leave_room();
	leases_hold_samples();
	drops_and_counts_when_all_is_leased();
	leases_need_a_plan_that_allows_them();
	leases_wait_until_the_writer_knows();
	the_dead_hold_nothing();
	leases_are_of_one_epoch();
	gives_a_loan_back();
	puts("field_test: ok");
}
