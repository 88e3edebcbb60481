/* client_test.c - a program of somebody else's, at a machine whose parent is a thread of this test: what it sees. */
#include "cadmus/client.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/msgpack.h"
#include "test/lib/leaks.h"
#include "test/lib/parent.h"

static void says_why_it_cannot_attach(void) {
	static struct cdm_diag diag;
	struct cdm_machine *m = (void *)&diag, *more[SEATS];
	CHECK(cdm_attach("robot", &m, &diag) == -ENOENT && !m && diag.errors == 1);
	CHECK(strstr(diag.at[0].hint, "cadmus run") != NULL); /* what to do next */
	CHECK(cdm_attach("../robot", &m, &diag) == -EINVAL && strstr(diag.at[1].text, "no name"));
	begin(false);
	for (int i = 0; i < SEATS; i++)
		more[i] = attach();
	CHECK(cdm_attach("robot", &m, &diag) == -EBUSY && !m);
	CHECK(strstr(diag.at[diag.count - 1].text, "no seat") != NULL);
	for (int i = 0; i < SEATS; i++)
		cdm_detach(more[i]);
	cdm_detach(NULL);
	io_close(&parent.plan_fd);
	end_parent();
	CHECK(cdm_attach("robot", &m, NULL) == -ECONNREFUSED);
	end();
}

/* Whoever comes after a writer has gone finds what that said last, and not that nobody ever said anything. */
static void finds_what_the_dead_left(void) {
	struct cdm_reader *r;
	struct cdm_info info;
	uint64_t v;
	begin(true);
	put(42);
	directory_set(&w.directory, CAM, DIRECTORY_STOPPED, clock_mono());
	struct cdm_machine *m = attach();
	CHECK(cdm_open(m, "battery.level", &r) == 0);
	CHECK(cdm_read(r, &v, sizeof(v), &info) == 0 && v == 42 && info.status == CDM_ORPHAN);
	cdm_close(r);
	cdm_detach(m);
	end();
}

static void *attach_patiently(void *unused) {
	(void)unused;
	return attach();
}

/* A daemon that is stopped is one that does not answer, however many stand at its door. */
static void waits_for_an_answer(void) {
	static struct cdm_diag diag;
	struct cdm_machine *m;
	char path[RUN_DIR_PATH_MAX];
	pthread_t t;
	void *late;
	int fd, n = 0;
	CHECK(cdm_attach_as("robot", "thinker", 1, &m, NULL) == -ENOENT); /* not even 1 ns is too short to look */
	begin(false);
	stop_parent();
	CHECK(cdm_attach_as("robot", "thinker", 1, &m, NULL) == -ETIMEDOUT && !m);
	CHECK(run_dir_path("robot", RUN_DIR_ATTACH, path) == 0);
	while ((fd = io_connect(path)) >= 0)
		n += close(fd) == 0;
	CHECK(fd == -EAGAIN && n > 0);
	memset(&diag, 0, sizeof(diag));
	CHECK(cdm_attach_as("robot", "thinker", 20 * NS_PER_MS, &m, &diag) == -ETIMEDOUT && !m);
	CHECK(strstr(diag.at[0].text, "does not answer") && !diag.at[0].hint[0]);
	CHECK(pthread_create(&t, NULL, attach_patiently, NULL) == 0);
	for (int i = 0; i <= n; i++) { /* those, and the first of ours; the parent answers to who comes behind them */
		CHECK((fd = io_accept(parent.door)) >= 0);
		close(fd);
	}
	CHECK(pthread_create(&parent.thread, NULL, run_parent, NULL) == 0);
	CHECK(pthread_join(t, &late) == 0);
	cdm_detach(late);
	end();
}

/* A process that nobody can map is not there, and that is all: nobody waits for it. */
static void does_not_wait_for_nonsense(void) {
	struct cdm_reader *r;
	uint64_t v, broken;
	uint32_t counter = 0;
	begin(false);
	order_parent(3);
	struct cdm_mono before = clock_mono();
	struct cdm_machine *m = attach();
	CHECK(mono_since(before, clock_mono()) < 2 * NS_PER_S); /* which seat.c would wait for one still to come */
	while (strcmp(cdm_counter_name(counter), "broken") != 0)
		CHECK(++counter < cdm_counter_count());
	CHECK(cdm_counter(m, CLIENT, counter, &broken) == 0 && broken == 1);
	CHECK(cdm_open(m, "battery.level", &r) == 0 && cdm_read(r, &v, sizeof(v), NULL) == -EAGAIN);
	cdm_close(r);
	cdm_detach(m);
	end();
}

static int expect(const struct cdm_machine *m, const char *field, const char *layout, const char *says) {
	struct cdm_diag d = { .count = 0 };
	int rc = cdm_expect(m, field, layout, &d);
	CHECK(d.count == (rc < 0) && (rc == 0 || strstr(d.at[0].text, says)));
	return rc;
}

/* What a program was written for is refused, with both layouts, when the field is something else. */
static void is_held_to_what_is_expected(void) {
	begin(false);
	struct cdm_machine *m = attach();
	struct cdm_field f;
	CHECK(expect(m, "battery.level", "u64[1]", "") == 0 && expect(m, "battery.level", "u64[1] V", "") == 0);
	CHECK(expect(m, "frame", "u8[100,200]", "") == 0 && cdm_find(m, "frame", &f) == 0 && f.layout != 0);
	CHECK(expect(m, "frame", "u8[200,100]", "u8[100,200]") == -EPROTO);
	CHECK(expect(m, "frame", "u8[200,100]", "written for u8[200,100]") == -EPROTO);
	CHECK(expect(m, "frame", "u8", "u8[100,200]") == -EPROTO && expect(m, "frame", "i8[100,200]", "i8") == -EPROTO);
	CHECK(expect(m, "frame", "u8[100,200,1]", "u8[100,200]") == -EPROTO);
	CHECK(expect(m, "battery.level", "u64[1] mV", "u64[1] V") == -EPROTO);
	CHECK(expect(m, "none", "u8", "none") == -ENOENT);
	static const char *const no_layouts[] = { "", "u", "u8[", "u8[]", "u8[0]", "u8[1", "u8[1,]", "u8[1] ", "u8[1]x",
		"u8[-1]", "u8[ 1]", "u8[99999999999]", "u8[1,1,1,1,1,1,1,1,1]", "u8 a unit that is too long for one" };
	for (size_t i = 0; i < COUNT_OF(no_layouts); i++)
		CHECK(expect(m, "frame", no_layouts[i], "no layout") == -EINVAL);
	CHECK(cdm_expect(m, "frame", "u9", NULL) == -EINVAL);
	cdm_detach(m);
	end();
}

static void fades(void) {
	struct cdm_field f = { .half_life_ns = NS_PER_S };
	struct cdm_info info = { .publish_time = { 5 * NS_PER_S } };
	CHECK(cdm_left(&f, &info, (struct cdm_mono){ 8 * NS_PER_S }) == 0.125);
	CHECK(cdm_left(&f, &info, (struct cdm_mono){ 4 * NS_PER_S }) == 1.0);
	info.publish_time = clock_mono();
	double left = cdm_left(&f, &info, (struct cdm_mono){ 0 });
	CHECK(left > 0 && left <= 1);
	f.half_life_ns = 0;
	CHECK(cdm_left(&f, &info, (struct cdm_mono){ INT64_MAX }) == 1.0);
}

static void describes_the_machine(void) {
	struct cdm_field f;
	begin(false);
	struct cdm_machine *m = attach();
	CHECK(strcmp(cdm_machine_name(m), "robot") == 0 && cdm_machine_alive(m));
	CHECK(cdm_field_count(m) == 4 && cdm_describe(m, 4, &f) == -EINVAL && cdm_find(m, "none", &f) == -ENOENT);
	CHECK(cdm_find(m, "battery.level", &f) == 0 && f.index == level && f.bytes == 8 && f.dtype == CDM_U64);
	CHECK(strcmp(f.unit, "V") == 0 && strcmp(f.writer, "camera") == 0 && strcmp(f.entity, "cadmus") == 0);
	CHECK(f.max_age_ns == NS_PER_S && f.slots == 8 && f.leases == 0 && f.readable == 1);
	CHECK(cdm_describe(m, frame, &f) == 0 && f.dims == 2 && f.shape[0] == 100 && f.shape[1] == 200 && !f.shape[2]);
	CHECK(cdm_find(m, "secret", &f) == 0 && f.readable == 0);
	CHECK(strcmp(cdm_entity_name(m, 1), "operator") == 0 && cdm_entity_name(m, 99) == NULL);
	struct cdm_reader *r;
	CHECK(cdm_open(m, "secret", &r) == -EACCES && !r && cdm_open(m, "none", &r) == -ENOENT && !r);
	cdm_close(NULL);
	cdm_detach(m);
	end();
}

static void reads(bool shy) {
	struct cdm_reader *r;
	struct cdm_info info;
	uint64_t v;
	begin(shy);
	struct cdm_machine *m = attach();
	CHECK(cdm_open(m, "battery.level", &r) == 0);
	CHECK(cdm_read(r, &v, sizeof(v), &info) == -EAGAIN && cdm_wait(r, 0) == -ETIMEDOUT);
	for (uint64_t i = 1; i <= 6; i++)
		put(i);
	CHECK(cdm_wait(r, MINUTE) == 0);
	for (uint64_t i = 1; i <= 4; i++)
		CHECK(cdm_next(r, &v, sizeof(v), &info) == 0 && v == i && info.source == 1 && info.status == CDM_OK);
	CHECK(cdm_read(r, &v, sizeof(v), &info) == 0 && v == 6 && cdm_read(r, &v, 7, NULL) == -E2BIG);
	CHECK(cdm_next(r, &v, sizeof(v), NULL) == -EAGAIN);
	for (uint64_t i = 7; i <= 40; i++)
		put(i);
	CHECK(cdm_next(r, &v, sizeof(v), NULL) == 30 && v == 37 && cdm_missed(r) == 30);
	CHECK(cdm_read_at(r, info.source_time, &v, sizeof(v), NULL) == -EAGAIN); /* longer ago than 8 slots */
	CHECK(cdm_read_at(r, clock_mono(), &v, sizeof(v), &info) == 0 && v == 40);
	cdm_skip(r);
	CHECK(cdm_wait(r, 1) == -ETIMEDOUT);
	struct cdm_sample s;
	CHECK(cdm_lease(r, &s) == -ENOTSUP && !s.data);
	cdm_release(&s);
	cdm_close(r);
	cdm_detach(m);
	end();
}

/* Where a pointer may be NULL, and what is left alone where it may not. */
static void takes_nothing_for_nobody(void) {
	struct cdm_view_part part = { .reader = NULL };
	struct cdm_reader *r;
	struct cdm_info info;
	uint64_t v = 0;
	begin(false);
	struct cdm_machine *m = attach();
	CHECK(cdm_open(m, "battery.level", &r) == 0 && cdm_peek(r, NULL) == -EAGAIN);
	put(1);
	CHECK(cdm_read(r, NULL, 0, &info) == -EINVAL && cdm_read(r, NULL, sizeof(v), NULL) == -EINVAL);
	CHECK(cdm_next(r, NULL, 0, &info) == -EINVAL && cdm_next(r, NULL, sizeof(v), NULL) == -EINVAL);
	CHECK(cdm_read_at(r, clock_mono(), NULL, sizeof(v), &info) == -EINVAL);
	CHECK(cdm_read_version(r, 1, NULL, sizeof(v), &info) == -EINVAL);
	CHECK(cdm_peek(r, NULL) == 0 && cdm_next(r, &v, sizeof(v), NULL) == 0 && v == 1);
	part.reader = r;
	part.out = &v;
	part.capacity = sizeof(v);
	put(2);
	CHECK(cdm_view(&part, 1, NULL, NULL) == 0 && v == 2 && part.info.version == 2);
	cdm_close(r);
	cdm_detach(m);
	end();
}

/* Whatever is closed first. */
static void borrows(void) {
	struct cdm_reader *r;
	struct cdm_sample s[3];
	int rc;
	begin(false);
	struct cdm_machine *m = attach();
	CHECK(cdm_open(m, "frame", &r) == 0);
	struct field_meta meta = field_meta_of(0);
	memset(field_loan(&frame_out), 0x5a, 20000);
	field_publish(&frame_out, 20000, &meta, clock_mono());
	while ((rc = cdm_lease(r, &s[0])) == -EAGAIN) /* until the writer has heard of us */
		;
	CHECK(rc == 0 && s[0].info.bytes == 20000);
	CHECK(cdm_lease(r, &s[1]) == 0 && cdm_lease(r, &s[2]) == -EBUSY && !s[2].data);
	cdm_release(&s[1]);
	for (int i = 0; i < 20; i++) {
		memset(field_loan(&frame_out), i, 20000);
		field_publish(&frame_out, 20000, &meta, clock_mono());
	}
	CHECK(cdm_lease_next(r, &s[1]) > 0);
	cdm_close(r);
	cdm_detach(m);
	for (int i = 0; i < 20000; i++)
		CHECK(((const unsigned char *)s[0].data)[i] == 0x5a);
	cdm_release(&s[1]);
	cdm_release(&s[0]);
	cdm_release(&s[0]);
	end();
}

static void faulted(int signal) {
	(void)signal;
	_exit(42);
}

/* How a child of fork() ends that has given this back, or left. */
static int end_of_child(struct cdm_sample *s, struct cdm_machine *m) {
	const struct sigaction act = { .sa_handler = faulted };
	int status;
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		alarm(60);
		sigaction(SIGSEGV, &act, NULL);
		if (s)
			cdm_release(s);
		cdm_detach(m);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* What the parent of a child of fork() has opened stays as it is, whatever the child does. */
static void a_child_takes_nothing_away(void) {
	struct cdm_reader *r;
	struct cdm_sample s;
	struct field_meta meta = field_meta_of(0);
	struct cdm_info info;
	int rc;
	begin(false);
	struct cdm_machine *m = attach();
	CHECK(cdm_open(m, "frame", &r) == 0);
	memset(field_loan(&frame_out), 0x5a, 20000);
	field_publish(&frame_out, 20000, &meta, clock_mono());
	while ((rc = cdm_lease(r, &s)) == -EAGAIN) /* until the writer has heard of us */
		;
	CHECK(rc == 0 && end_of_child(&s, NULL) == 42 && end_of_child(NULL, m) == 0);
	for (int i = 0; i < 20; i++) {
		memset(field_loan(&frame_out), i, 20000);
		field_publish(&frame_out, 20000, &meta, clock_mono());
	}
	for (int i = 0; i < 20000; i++)
		CHECK(((const unsigned char *)s.data)[i] == 0x5a);
	order_parent(2);
	int64_t until_ns = clock_deadline_ns(MINUTE);
	while (cdm_peek(r, &info) == 0) { /* our thread is there, and follows */
		CHECK(clock_left_ns(until_ns) > 0);
		sched_yield();
	}
	cdm_release(&s);
	cdm_close(r);
	cdm_detach(m);
	end();
}

static void sees_at_one_time(void) {
	struct cdm_view_part p[2] = { { .reader = NULL } };
	struct cdm_view_terms terms = { .max_age_ns = MINUTE };
	struct cdm_view_refusal why;
	struct cdm_reader *other;
	uint64_t v;
	int rc;
	begin(false);
	struct cdm_machine *m = attach(), *second = attach();
	CHECK(cdm_open(m, "battery.level", &p[0].reader) == 0 && cdm_open(m, "frame", &p[1].reader) == 0);
	p[0].out = &v;
	p[0].capacity = sizeof(v);
	CHECK(cdm_view(p, 0, &terms, &why) == -EINVAL && cdm_view(p, 65, &terms, &why) == -EINVAL);
	CHECK(cdm_view(p, 2, &terms, &why) == -ESTALE && why.reason == CDM_VIEW_EMPTY && why.part == 0);
	CHECK(strcmp(cdm_view_reason_name(why.reason), "empty") == 0);
	struct field_meta meta = field_meta_of(0);
	put(7);
	memset(field_loan(&frame_out), 0x5a, 20000);
	field_publish(&frame_out, 20000, &meta, clock_mono());
	put(8);
	while ((rc = cdm_view(p, 2, &terms, &why)) == -EAGAIN) /* until the writer has heard of us */
		continue;
	CHECK(rc == 0 && v == 7 && p[0].info.version == 1 && *(const unsigned char *)p[1].sample.data == 0x5a);
	cdm_release(&p[1].sample);
	terms = (struct cdm_view_terms){ .max_age_ns = 1 };
	memset(&p[1].sample, 0x5a, sizeof(p[1].sample)); /* what was left there by whoever had the memory before */
	CHECK(cdm_view(p, 2, &terms, NULL) == -ESTALE && p[1].info.version == 0);
	cdm_release(&p[1].sample);
	other = p[1].reader;
	CHECK(cdm_open(second, "frame", &p[1].reader) == 0);
	memset(&p[1].sample, 0x5a, sizeof(p[1].sample));
	CHECK(cdm_view(p, 2, &terms, NULL) == -EINVAL); /* of two machines */
	cdm_release(&p[1].sample);
	cdm_close(other);
	cdm_close(p[0].reader);
	cdm_close(p[1].reader);
	cdm_detach(second);
	cdm_detach(m);
	end();
}

/* Is it readable within that time? */
static bool readable(int fd, int ms) {
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, ms) == 1;
}

static void can_be_polled(void) {
	struct cdm_reader *r[2];
	uint64_t v;
	begin(false);
	struct cdm_machine *m = attach();
	CHECK(cdm_open(m, "battery.level", &r[0]) == 0 && cdm_open(m, "frame", &r[1]) == 0);
	int fd = cdm_fd(r[0]), other = cdm_fd(r[1]);
	CHECK(fd >= 0 && other >= 0 && fd != other && cdm_fd(r[0]) == fd);
	CHECK(!readable(fd, 0) && !readable(other, 0));
	for (uint64_t i = 1; i <= 200; i++) {
		put(i);
		CHECK(readable(fd, 10000) && readable(fd, 0)); /* and stays so until it is taken */
		CHECK(cdm_next(r[0], &v, sizeof(v), NULL) == 0 && v == i);
		while (cdm_next(r[0], &v, sizeof(v), NULL) == -EAGAIN && readable(fd, 0))
			continue; /* the thread may have rung for what we took before it looked */
		CHECK(!readable(fd, 0) && !readable(other, 0));
	}
	put(1);
	put(2);
	CHECK(cdm_next(r[0], &v, sizeof(v), NULL) == 0 && readable(fd, 0)); /* one is left */
	cdm_skip(r[0]);
	put(3);
	CHECK(readable(fd, 10000));
	cdm_close(r[0]);
	cdm_close(r[1]);
	cdm_detach(m);
	end();
}

/* ---- tensors ---- */

/* struct DLManagedTensorVersioned of DLPack 1, as a stranger has it. */
struct dl {
	uint32_t major, minor;
	void *context;
	void (*deleter)(struct dl *);
	uint64_t flags;
	const unsigned char *data;
	int32_t device_type, device, dims;
	uint8_t code, bits;
	uint16_t lanes;
	int64_t *shape, *strides;
	uint64_t byte_offset;
};

static struct dl *tensor_of(const struct cdm_sample *s, const struct cdm_field *f, int copy) {
	void *t;
	CHECK(cdm_dlpack(s, f, copy, &t) == 0);
	struct dl *d = t;
	CHECK(d->major == 1 && d->deleter && d->device_type == 1 && d->device == 0 && d->dims == 2 && d->code == 1 &&
			d->bits == 8 && d->lanes == 1 && d->byte_offset == 0);
	CHECK(d->shape[0] == 100 && d->shape[1] == 200 && d->strides[0] == 200 && d->strides[1] == 1);
	return d;
}

static void *delete_tensor(void *t) {
	((struct dl *)t)->deleter(t);
	return NULL;
}

/* As many tensors of one sample as one likes take one lease, and the last to go gives it back, whichever that is. */
static void shares_with_tensors(void) {
	struct cdm_reader *r;
	struct cdm_sample s, more[2];
	struct cdm_field f;
	struct dl *t[64];
	pthread_t thread[64];
	int rc;
	begin(false);
	struct cdm_machine *m = attach();
	CHECK(cdm_open(m, "frame", &r) == 0 && cdm_describe(m, frame, &f) == 0);
	struct field_meta meta = field_meta_of(0);
	memset(field_loan(&frame_out), 0x5a, 20000);
	field_publish(&frame_out, 20000, &meta, clock_mono());
	for (int round = 0; round < 20; round++) {
		while ((rc = cdm_lease(r, &s)) == -EAGAIN)
			;
		CHECK(rc == 0 && cdm_lease(r, &more[0]) == 0); /* the quota is 2 */
		cdm_release(&more[0]);
		for (int i = 0; i < 64; i++) {
			t[i] = tensor_of(&s, &f, 0);
			CHECK(t[i]->data == s.data && t[i]->flags == 1);
		}
		for (int i = 0; i < 64; i++)
			CHECK(pthread_create(&thread[i], NULL, delete_tensor, t[i]) == 0);
		cdm_release(&s);
		for (int i = 0; i < 64; i++)
			CHECK(pthread_join(thread[i], NULL) == 0);
		CHECK(cdm_lease(r, &more[0]) == 0 && cdm_lease(r, &more[1]) == 0);
		t[0] = tensor_of(&more[0], &f, 0);
		cdm_release(&more[0]);
		CHECK(cdm_lease(r, &more[0]) == -EBUSY); /* the tensor still has it */
		delete_tensor(t[0]);
		CHECK(cdm_lease(r, &more[0]) == 0);
		cdm_release(&more[0]);
		cdm_release(&more[1]);
	}
	CHECK(cdm_lease(r, &s) == 0);
	t[0] = tensor_of(&s, &f, 0);
	t[1] = tensor_of(&s, &f, 1);
	cdm_release(&s);
	cdm_close(r);
	cdm_detach(m); /* and a tensor outlives them all */
	CHECK(t[1]->flags == 2 && t[1]->data != t[0]->data && memcmp(t[0]->data, t[1]->data, 20000) == 0);
	delete_tensor(t[0]);
	delete_tensor(t[1]);
	end();
}

static void refuses_what_is_no_tensor(void) {
	static const unsigned char bytes[8];
	void *t;
	struct cdm_sample s = { .data = bytes, .info = { .bytes = 8 } };
	struct cdm_field f = { .dtype = CDM_F32, .dims = 2, .shape = { 4, 1 }, .bytes = 16 };
	CHECK(cdm_dlpack(&s, &f, 0, &t) == 0); /* half of its rows; a copy, since nothing is held */
	struct dl *d = t;
	CHECK(d->shape[0] == 2 && d->shape[1] == 1 && d->code == 2 && d->bits == 32 && d->flags == 2);
	CHECK((uintptr_t)d->data % 256 == 0);
	delete_tensor(d);
	s.info.bytes = 6;
	CHECK(cdm_dlpack(&s, &f, 0, &t) == -EINVAL && !t);
	s.info.bytes = 20;
	CHECK(cdm_dlpack(&s, &f, 0, &t) == -EINVAL && !t);
	s.info.bytes = 8;
	f.dims = 9;
	CHECK(cdm_dlpack(&s, &f, 0, &t) == -EINVAL);
	f.dims = 0; /* a scalar is whole or none */
	CHECK(cdm_dlpack(&s, &f, 0, &t) == -EINVAL);
	f.dtype = CDM_DTYPE_COUNT;
	CHECK(cdm_dlpack(&s, &f, 0, &t) == -EINVAL);
}

static bool stop;

static void tells_what_happens(void) {
	struct event_writer camera;
	struct cdm_events *one, *all;
	struct cdm_event e;
	begin(false);
	struct cdm_machine *m = attach();
	CHECK(cdm_events_open(m, "nobody", &one) == -ENOENT && !one);
	CHECK(cdm_events_open(m, "camera", &one) == 0 && cdm_events_open(m, NULL, &all) == 0);
	CHECK(cdm_events_next(one, &e) == -EAGAIN && cdm_events_wait(one, 0) == -ETIMEDOUT);
	event_writer_open(&camera, &w.at[CAM]);
	for (uint64_t i = 1; i <= 3; i++)
		CHECK(event_write(&camera, clock_mono(), i == 2 ? EVENT_STALE : EVENT_FRESH, 1, i, 0, "eye"));
	CHECK(cdm_events_wait(one, MINUTE) == 0);
	for (uint64_t i = 1; i <= 3; i++)
		CHECK(cdm_events_next(one, &e) == 0 && e.number == i && e.a == i && e.process == CAM && e.source == 1 &&
				strcmp(e.text, "eye") == 0 && e.kind == (i == 2 ? EVENT_STALE : EVENT_FRESH));
	CHECK(cdm_note(m, 7, 8, "ours") == 0 && cdm_note(m, 9, 0, NULL) == 0);
	uint64_t stale = UINT64_C(1) << cdm_event_kind("stale"), noted = UINT64_C(1) << cdm_event_kind("noted");
	cdm_events_filter(all, stale | noted, CDM_NO_INDEX);
	CHECK(cdm_events_wait(all, 0) == 0 && cdm_events_next(all, &e) == 0 && e.a == 2); /* by their times */
	CHECK(cdm_events_next(all, &e) == 0 && e.a == 7 && e.b == 8 && strcmp(e.text, "ours") == 0 && e.number == 1);
	CHECK(strcmp(cdm_event_kind_name(e.kind), "noted") == 0 && cdm_event_kind_text(e.kind)[0]);
	cdm_events_skip(all);
	CHECK(cdm_events_next(all, &e) == -EAGAIN && cdm_events_missed(all) == 0);
	for (unsigned i = 0; i < 3 * LAYOUT_EVENTS; i++)
		CHECK(event_write(&camera, clock_mono(), EVENT_FRESH, 1, i, 0, NULL));
	int missed = cdm_events_next(one, &e);
	CHECK(missed > 0 && cdm_events_missed(one) == (uint64_t)missed);
	CHECK(cdm_event_kind("nothing") == -ENOENT && strcmp(cdm_event_kind_name(9999), "?") == 0);
	event_writer_close(&camera);
	cdm_detach(m);
	cdm_events_close(one); /* in any order */
	cdm_events_close(all);
	cdm_events_close(NULL);
	end();
}

static void tells_what_is_counted(void) {
	struct cdm_reader *r;
	struct cdm_tally t;
	struct cdm_field_counts n;
	struct cdm_error e;
	uint64_t v;
	bool found = false;
	begin(false);
	struct cdm_machine *m = attach();
	const uint32_t self = CLIENT;
	CHECK(cdm_tally_at(m, self, 0, &t) == -ENOENT && cdm_error_at(m, self, 0, &e) == -ENOENT);
	CHECK(cdm_tally_at(m, 999, 0, &t) == -EINVAL && cdm_error_at(m, 999, 0, &e) == -EINVAL);
	CHECK(cdm_open(m, "battery.level", &r) == 0 && cdm_field_counts(m, 999, &n) == -EINVAL);
	put(1);
	put(2);
	CHECK(cdm_read(r, &v, sizeof(v), NULL) == 0);
	for (uint32_t i = 0; cdm_tally_at(m, self, i, &t) == 0; i++)
		found |= t.doing == CDM_READS && t.index == level && t.open == 1 && t.taken == 1 && t.cursor == 2;
	CHECK(found && cdm_tally_at(m, CAM, 0, &t) == 0 && t.doing == CDM_WRITES && t.taken == 2);
	CHECK(cdm_field_counts(m, level, &n) == 0 && n.publishes == 2 && n.drops == 0 && n.degraded == 0);
	cdm_report(m, "cannot %s", "cannot fly");
	cdm_report(m, "cannot %s", "cannot swim");
	CHECK(cdm_error_at(m, self, 0, &e) == 0 && e.count == 2 && strcmp(e.text, "cannot fly") == 0);
	CHECK(e.first.ns <= e.last.ns && cdm_error_at(m, self, 1, &e) == -ENOENT);
	cdm_close(r);
	cdm_detach(m);
	end();
}

static void *wait_until_interrupted(void *reader) {
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
		int rc = cdm_wait(reader, MINUTE);
		CHECK(rc == -ECANCELED || rc == -EOWNERDEAD);
	}
	return NULL;
}

static void waits(void) {
	struct cdm_reader *r[2], *many[127];
	uint64_t v;
	pthread_t t;
	begin(false);
	struct cdm_machine *m = attach(), *other = attach();
	CHECK(cdm_open(m, "battery.level", &r[0]) == 0 && cdm_open(m, "frame", &r[1]) == 0);
	/* restarts are not the program's business: the wait goes on, in the new memory */
	for (uint64_t life = 1; life <= 20; life++) {
		order_parent(2);
		while (directory_get(&w.directory, CAM).epoch != life + 1 ||
				directory_get(&w.directory, CAM).state != DIRECTORY_LIVE) {
			int rc = cdm_wait_any(r, 2, 100000);
			CHECK(rc == -ETIMEDOUT || rc == -EOWNERDEAD); /* told of each life's end, by each reader */
		}
	}
	for (int i = 0; i < 50; i++) {
		__atomic_store_n(&stop, false, __ATOMIC_SEQ_CST);
		CHECK(pthread_create(&t, NULL, wait_until_interrupted, r[0]) == 0);
		__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
		cdm_interrupt(m);
		CHECK(pthread_join(t, NULL) == 0);
	}
	end_parent(); /* now the camera is ours */
	put(99);
	int rc;
	while ((rc = cdm_wait_any(r, 2, MINUTE)) == -EOWNERDEAD) /* of a life before this one */
		continue;
	CHECK(rc == 0 && cdm_read(r[0], &v, sizeof(v), NULL) == 0 && v == 99);
	CHECK(cdm_wait_any(r, 0, 0) == -EINVAL && cdm_wait_any(many, 127, 0) == -E2BIG);
	many[0] = r[0];
	CHECK(cdm_open(other, "frame", &many[1]) == 0 && cdm_wait_any(many, 2, 0) == -EINVAL);
	cdm_close(many[1]);
	cdm_close(r[0]);
	cdm_close(r[1]);
	cdm_detach(other);
	cdm_detach(m);
	end();
}

static void reads_on_without_the_daemon(void) {
	struct cdm_reader *r;
	struct cdm_info info;
	uint64_t v;
	begin(false);
	struct cdm_machine *m = attach();
	CHECK(cdm_open(m, "battery.level", &r) == 0);
	put(1);
	end_parent();
	put(2);
	CHECK(cdm_read(r, &v, sizeof(v), &info) == 0 && v == 2);
	int rc = -ETIMEDOUT;
	while (rc == -ETIMEDOUT)
		rc = cdm_wait(r, 1000);
	CHECK(rc == -EOWNERDEAD); /* whoever wrote that may be gone, and nobody would tell */
	while (cdm_machine_alive(m))
		sched_yield();
	put(3);
	CHECK(cdm_wait(r, MINUTE) == 0 && cdm_read(r, &v, sizeof(v), &info) == 0 && v == 3);
	CHECK(info.status == CDM_ORPHAN);
	CHECK(cdm_wait(r, -1) == -ECONNREFUSED && cdm_wait(r, MINUTE) == -ECONNREFUSED);
	CHECK(cdm_wait(r, 0) == -ECONNREFUSED);
	cdm_close(r);
	cdm_detach(m);
	end();
}

static void *sleep_for_ever(void *reader) {
	int rc;
	while ((rc = cdm_wait(reader, -1)) == -EOWNERDEAD)
		continue;
	CHECK(rc == -ECONNREFUSED);
	return NULL;
}

static void *listen_for_ever(void *events) {
	CHECK(cdm_events_wait(events, -1) == -ECONNREFUSED);
	return NULL;
}

/* Those who poll hear of the end, and of nothing else: again and again, like the end of a stream. */
static void *poll_for_ever(void *events) {
	struct pollfd p = { .fd = cdm_events_fd(events), .events = POLLIN };
	struct cdm_event e;
	for (int i = 0; i < 3; i++)
		CHECK(poll(&p, 1, -1) == 1 && cdm_events_next(events, &e) == -EAGAIN);
	return NULL;
}

static void *poll_for_samples(void *reader) {
	struct pollfd p = { .fd = cdm_fd(reader), .events = POLLIN };
	uint64_t v;
	for (int i = 0; i < 3; i++)
		CHECK(poll(&p, 1, -1) == 1 && cdm_next(reader, &v, sizeof(v), NULL) == -EAGAIN);
	int rc = cdm_wait(reader, 0);
	CHECK((rc == -EOWNERDEAD ? cdm_wait(reader, 0) : rc) == -ECONNREFUSED);
	return NULL;
}

/* However a machine ends, nobody sleeps on for what will never come; a reader that was left over is told as well. */
static void ends_all_sleep(bool in_order) {
	struct cdm_reader *r, *never, *looped;
	struct cdm_events *events, *polled;
	pthread_t t[5];
	begin(false);
	struct cdm_machine *m = attach();
	CHECK(cdm_open(m, "battery.level", &r) == 0 && cdm_open(m, "thought", &never) == -EACCES);
	CHECK(cdm_open(m, "frame", &never) == 0 && cdm_events_open(m, NULL, &events) == 0);
	CHECK(cdm_events_open(m, "camera", &polled) == 0 && cdm_events_fd(polled) >= 0);
	CHECK(cdm_open(m, "frame", &looped) == 0 && cdm_fd(looped) >= 0);
	put(1);
	cdm_skip(r);
	CHECK(pthread_create(&t[0], NULL, sleep_for_ever, r) == 0);
	CHECK(pthread_create(&t[1], NULL, sleep_for_ever, never) == 0);
	CHECK(pthread_create(&t[2], NULL, listen_for_ever, events) == 0);
	CHECK(pthread_create(&t[3], NULL, poll_for_ever, polled) == 0);
	CHECK(pthread_create(&t[4], NULL, poll_for_samples, looped) == 0);
	cdm_detach(m); /* five of its things are out */
	if (in_order)
		CHECK(seat_send_quit(parent.sockets[0]) == 0);
	else
		end_parent();
	for (int i = 0; i < 5; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	cdm_close(looped);
	cdm_events_close(polled);
	cdm_events_close(events);
	cdm_close(never);
	cdm_close(r);
	end();
}

static void leaves_nothing_behind(void) {
	begin(false);
	cdm_detach(attach());
	unsigned before = open_files();
	for (int i = 0; i < 300; i++) {
		struct cdm_reader *r;
		struct cdm_machine *m = NULL;
		int rc;
		while ((rc = cdm_attach("robot", &m, NULL)) == -EBUSY) /* the seat is not free again yet */
			;
		CHECK(rc == 0 && cdm_open(m, "frame", &r) == 0);
		cdm_close(r);
		cdm_detach(m);
	}
	end_parent();
	CHECK(open_files() <= before); /* the door and seats of the parent are closed */
	end();
}

static void *answer_control(void *listener) {
	uint8_t m[256];
	struct pollfd p = { .fd = *(int *)listener, .events = POLLIN };
	CHECK(poll(&p, 1, 60000) == 1);
	int fd = io_accept(p.fd);
	CHECK(fd >= 0);
	p.fd = fd;
	CHECK(poll(&p, 1, 60000) == 1);
	ssize_t n = io_receive(fd, m, sizeof(m), NULL, NULL, 0);
	CHECK(n > 0 && io_send(fd, m, (size_t)n, NULL, 0, 0) == 0);
	close(fd);
	return NULL;
}

static void talks(void) {
	struct cdm_control *c;
	char path[RUN_DIR_PATH_MAX], dir[RUN_DIR_PATH_MAX];
	uint8_t m[64], back[64];
	struct mp_out o;
	pthread_t t;
	CHECK(cdm_control_open("robot", &c, NULL) == -ENOENT && !c);
	CHECK(run_dir_make("robot", dir) == 0 && run_dir_path("robot", RUN_DIR_CONTROL, path) == 0);
	int listener = io_listen(path);
	CHECK(pthread_create(&t, NULL, answer_control, &listener) == 0);
	CHECK(cdm_control_open("robot", &c, NULL) == 0 && cdm_control_fd(c) >= 0);
	mp_begin(&o, m, sizeof(m));
	mp_map(&o, 1);
	mp_kv_str(&o, "op", "ps");
	size_t n = (size_t)mp_done(&o);
	CHECK(cdm_control_send(c, m, n - 1, 0) == -EINVAL && cdm_control_send(c, m, n, MINUTE) == 0);
	CHECK(cdm_control_receive(c, back, sizeof(back), MINUTE) == (int64_t)n && memcmp(m, back, n) == 0);
	CHECK(cdm_control_receive(c, back, sizeof(back), MINUTE) == -EPIPE);
	CHECK(pthread_join(t, NULL) == 0);
	cdm_control_close(c);
	cdm_control_close(NULL);
	close(listener);
	CHECK(unlink(path) == 0 && rmdir(dir) == 0);
}

int main(void) {
	CHECK(mkdtemp(base) && setenv("CADMUS_RUN_DIR", base, 1) == 0);
	says_why_it_cannot_attach();
	finds_what_the_dead_left();
	waits_for_an_answer();
	does_not_wait_for_nonsense();
	fades();
	describes_the_machine();
	is_held_to_what_is_expected();
	reads(false);
	reads(true);
	takes_nothing_for_nobody();
	borrows();
	a_child_takes_nothing_away();
	sees_at_one_time();
	can_be_polled();
	shares_with_tensors();
	refuses_what_is_no_tensor();
	tells_what_happens();
	tells_what_is_counted();
	waits();
	reads_on_without_the_daemon();
	ends_all_sleep(true);
	ends_all_sleep(false);
	leaves_nothing_behind();
	talks();
	CHECK(rmdir(base) == 0);
	puts("client_test: ok");
}
