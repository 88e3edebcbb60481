/* write_test.c - what a program of somebody else's writes, and what that is held to. */
#include "cadmus/client.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include "test/lib/parent.h"

/* A sample of battery.level with that trust, taken by r. */
static struct cdm_mono source(struct cdm_reader *r, float trust) {
	struct field_meta meta = field_meta_of(1);
	struct cdm_info info;
	uint64_t v;
	meta.source_time = clock_mono();
	meta.trust = trust;
	CHECK(field_write(&level_out, &(uint64_t){ 1 }, 8, &meta, clock_mono()) == 0);
	CHECK(cdm_read(r, &v, sizeof(v), &info) == 0 && info.trust == trust);
	return info.source_time;
}

static struct cdm_info last(struct cdm_reader *own) {
	struct cdm_info info;
	CHECK(cdm_peek(own, &info) == 0);
	return info;
}

struct thinker {
	struct cdm_machine *first, *machine;
	struct cdm_reader *level, *own;
	struct cdm_writer *writer;
};

static struct thinker begin_thinker(void) {
	struct thinker t;
	begin(false);
	t.first = attach();
	t.machine = attach(); /* SECOND: it writes "thought" */
	CHECK(cdm_open(t.machine, "battery.level", &t.level) == 0 && cdm_open(t.machine, "thought", &t.own) == 0);
	CHECK(cdm_writer_open(t.machine, "thought", &t.writer) == 0);
	return t;
}

static void end_thinker(struct thinker *t) {
	cdm_writer_close(t->writer);
	cdm_close(t->level);
	cdm_close(t->own);
	cdm_detach(t->machine);
	cdm_detach(t->first);
	end();
}

static void opens_one_writer(void) {
	struct thinker t = begin_thinker();
	struct cdm_writer *other;
	CHECK(cdm_writer_open(t.machine, "thought", &other) == -EBUSY && !other);
	CHECK(cdm_writer_open(t.machine, "none", &other) == -ENOENT && !other);
	CHECK(cdm_writer_open(t.machine, "frame", &other) == -EACCES && !other);
	CHECK(cdm_writer_open(t.first, "thought", &other) == -EACCES && !other);
	CHECK(cdm_publish(t.writer, 8, NULL) == -EINVAL); /* nothing is loaned */
	CHECK(cdm_loan(t.writer) && cdm_publish(t.writer, 9, NULL) == -EINVAL);
	cdm_writer_close(t.writer);
	cdm_writer_close(NULL);
	CHECK(cdm_writer_open(t.machine, "thought", &t.writer) == 0);
	end_thinker(&t);
}

/* Nothing derived is fresher, or more trusted, than all it was made from. */
static void derives(void) {
	struct thinker t = begin_thinker();
	const struct cdm_meta nan = { .trust = 0.0f / 0.0f }, little = { .trust = 0.1f, .status = CDM_DEGRADED };
	uint64_t v = 7;
	CHECK(cdm_write(t.writer, &v, 8, NULL) == -EINVAL && cdm_derive(t.writer, t.level) == 0);
	CHECK(cdm_write(t.writer, &v, 8, NULL) == -EINVAL); /* nothing was taken yet */
	struct cdm_mono at = source(t.level, 0.5f);
	CHECK(cdm_write(t.writer, &v, 8, NULL) == 1);
	CHECK(last(t.own).trust == 0.5f && last(t.own).source_time.ns == at.ns && last(t.own).status == CDM_OK);
	CHECK(cdm_write(t.writer, &v, 8, NULL) == 2 && last(t.own).trust == 0.5f); /* made from the same */
	at = source(t.level, 0.9f);
	source(t.level, 0.6f);
	CHECK(cdm_loan(t.writer));
	cdm_abandon(t.writer);
	CHECK(cdm_write(t.writer, &v, 8, NULL) == 3 && last(t.own).trust == 0.6f);
	CHECK(last(t.own).source_time.ns == at.ns);
	source(t.level, 0.9f);
	CHECK(cdm_write(t.writer, &v, 8, NULL) == 4 && last(t.own).trust == 0.8f); /* as the description says */
	CHECK(cdm_write(t.writer, &v, 8, &little) == 5 && last(t.own).trust == 0.1f);
	CHECK(last(t.own).status == CDM_DEGRADED);
	CHECK(cdm_write(t.writer, &v, 8, &nan) == 6 && last(t.own).trust == 0.0f);
	end_thinker(&t);
}

/* A frame with that trust, borrowed by r. */
static struct cdm_sample borrow(struct cdm_reader *r, float trust) {
	struct field_meta meta = field_meta_of(1);
	struct cdm_sample s;
	meta.trust = trust;
	memset(field_loan(&frame_out), 1, 20000);
	field_publish(&frame_out, 20000, &meta, clock_mono());
	int rc;
	while ((rc = cdm_lease(r, &s)) == -EAGAIN) /* the camera has yet to hear of us */
		sched_yield();
	CHECK(rc == 0 && s.info.trust == trust);
	return s;
}

/* A model takes the next frame while it is still at the last one: what it borrows counts until it is given back. */
static void derives_from_what_is_still_borrowed(void) {
	struct thinker t = begin_thinker();
	struct cdm_reader *frames;
	uint64_t v = 7;
	CHECK(cdm_open(t.machine, "frame", &frames) == 0 && cdm_derive(t.writer, frames) == 0);
	struct cdm_sample a = borrow(frames, 0.7f), b = borrow(frames, 0.2f);
	CHECK(cdm_write(t.writer, &v, 8, NULL) == 1 && last(t.own).trust == 0.2f);
	cdm_release(&a);
	struct cdm_sample c = borrow(frames, 0.75f);
	CHECK(cdm_write(t.writer, &v, 8, NULL) == 2 && last(t.own).trust == 0.2f);
	CHECK(last(t.own).source_time.ns == b.info.source_time.ns);
	cdm_release(&b);
	a = borrow(frames, 0.78f);
	CHECK(cdm_write(t.writer, &v, 8, NULL) == 3 && last(t.own).trust == 0.75f);
	cdm_release(&a);
	cdm_release(&c);
	a = borrow(frames, 0.78f);
	CHECK(cdm_write(t.writer, &v, 8, NULL) == 4 && last(t.own).trust == 0.78f);
	cdm_release(&a);
	cdm_close(frames);
	end_thinker(&t);
}

/* Nor does it become fresher or more trusted by closing what it was borrowed with. */
static void derives_from_what_a_closed_reader_borrowed(void) {
	struct thinker t = begin_thinker();
	struct cdm_reader *frames;
	uint64_t v = 7;
	CHECK(cdm_open(t.machine, "frame", &frames) == 0 && cdm_derive(t.writer, frames) == 0);
	CHECK(cdm_derive(t.writer, t.level) == 0);
	struct cdm_sample a = borrow(frames, 0.2f);
	cdm_close(frames);
	for (int i = 1; i <= 3; i++) {
		source(t.level, 0.7f);
		CHECK(cdm_write(t.writer, &v, 8, NULL) == i && last(t.own).trust == 0.2f);
		CHECK(last(t.own).source_time.ns == a.info.source_time.ns);
	}
	/* one that has borrowed nothing */
	CHECK(cdm_open(t.machine, "frame", &frames) == 0 && cdm_derive(t.writer, frames) == 0);
	cdm_release(&a);
	source(t.level, 0.7f);
	CHECK(cdm_write(t.writer, &v, 8, NULL) == 4 && last(t.own).trust == 0.2f); /* it may have been of this one */
	source(t.level, 0.7f);
	CHECK(cdm_write(t.writer, &v, 8, NULL) == 5 && last(t.own).trust == 0.7f);
	cdm_close(frames);
	end_thinker(&t);
}

/* What is passed on is no better than it was, also when a program does so by hand. */
static void passes_on_what_is_said(void) {
	struct thinker t = begin_thinker();
	const struct cdm_meta none = { .trust = 1.0f, .status = CDM_ORPHAN + 1 };
	uint64_t v = 7;
	CHECK(cdm_derive(t.writer, t.level) == 0);
	source(t.level, 0.5f);
	for (uint32_t status = CDM_OK; status <= CDM_ORPHAN; status++) {
		CHECK(cdm_write(t.writer, &v, 8, &(struct cdm_meta){ .trust = 1.0f, .status = status }) == status + 1);
		CHECK(last(t.own).status == status);
	}
	CHECK(cdm_write(t.writer, &v, 8, &none) == -EINVAL);
	CHECK(cdm_loan(t.writer) && cdm_publish(t.writer, 8, &none) == -EINVAL && cdm_publish(t.writer, 8, NULL) == 5);
	CHECK(last(t.own).status == CDM_OK);
	end_thinker(&t);
}

/* What a sample was made from that readers left no room for counts for the next one. */
static void remembers_what_was_dropped(void) {
	struct thinker t = begin_thinker();
	struct cdm_sample s[3];
	uint64_t v = 7;
	CHECK(cdm_derive(t.writer, t.level) == 0);
	for (int i = 0; i < 3; i++) {
		source(t.level, 0.7f);
		CHECK(cdm_write(t.writer, &v, 8, NULL) == i + 1 && cdm_lease(t.own, &s[i]) == 0);
	}
	source(t.level, 0.7f);
	CHECK(cdm_write(t.writer, &v, 8, NULL) == 4);
	struct cdm_mono at = source(t.level, 0.2f);
	CHECK(cdm_write(t.writer, &v, 8, NULL) == -EAGAIN && !cdm_loan(t.writer));
	source(t.level, 0.7f);
	for (int i = 0; i < 3; i++)
		cdm_release(&s[i]);
	CHECK(cdm_write(t.writer, &v, 8, NULL) == 5);
	CHECK(last(t.own).trust == 0.2f && last(t.own).source_time.ns == at.ns);
	end_thinker(&t);
}

static void forgets_readers_that_are_closed(void) {
	struct thinker t = begin_thinker();
	struct cdm_reader *r[16];
	uint64_t v = 7;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 16; i++) {
			CHECK(cdm_open(t.machine, "battery.level", &r[i]) == 0 && cdm_derive(t.writer, r[i]) == 0);
			source(r[i], 0.5f + 0.01f * (float)i);
		}
		CHECK(cdm_derive(t.writer, r[7]) == 0 && cdm_derive(t.writer, t.level) == -E2BIG); /* once is enough */
		for (int i = 0; i < 16; i++)
			cdm_close(r[i]);
		CHECK(cdm_write(t.writer, &v, 8, NULL) == round + 1); /* it was made from what they had taken */
		CHECK(last(t.own).trust == 0.5f);
		CHECK(cdm_write(t.writer, &v, 8, NULL) == -EINVAL); /* and this one from nothing */
	}
	CHECK(cdm_derive(t.writer, t.level) == 0);
	struct cdm_machine *m = t.first;
	CHECK(cdm_open(m, "battery.level", &r[0]) == 0 && cdm_derive(t.writer, r[0]) == -EINVAL);
	cdm_close(r[0]);
	end_thinker(&t);
}

int main(void) {
	CHECK(mkdtemp(base) && setenv("CADMUS_RUN_DIR", base, 1) == 0);
	opens_one_writer();
	derives();
	derives_from_what_is_still_borrowed();
	derives_from_what_a_closed_reader_borrowed();
	passes_on_what_is_said();
	remembers_what_was_dropped();
	forgets_readers_that_are_closed();
	CHECK(rmdir(base) == 0);
	puts("write_test: ok");
}
