/* local_test.c - a machine inside one program: fields, events, deaths and lives, without a daemon. */
#include "cadmus/gateway.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include "base/clock.h"
#include "client/local_testing.h"
#include "test/lib/leaks.h"
#include "test/lib/plan_builder.h"

enum { CORE, GUARD, CAM, THINKER, CLIENT };

static struct plan *plan;
static struct cdm_diag diag;

static void make_plan(void) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	uint16_t camera = plan_builder_entity(&b, "camera", PLAN_SENSOR);
	CHECK(plan_builder_process(&b, "eye", PLAN_HOST, 4) == CAM);
	CHECK(plan_builder_process(&b, "thinker", PLAN_WORKER, 4) == THINKER);
	CHECK(plan_builder_process(&b, "client_0", PLAN_CLIENT, 4) == CLIENT);
	b.processes[CAM].entity = camera;
	b.processes[THINKER].event_overflow = PLAN_REFUSE;
	plan_builder_field(&b, "level", CDM_U64, 1, 6, 2, CAM, 1u << THINKER | 1u << CLIENT);
	plan_builder_field(&b, "secret", CDM_U64, 1, 6, 0, CAM, 1u << THINKER);
	uint16_t left = plan_builder_field(&b, "left", CDM_U64, 1, 6, 2, CAM, 1u << CLIENT);
	uint16_t right = plan_builder_field(&b, "right", CDM_U64, 1, 6, 2, CAM, 1u << CLIENT);
	plan_builder_field(&b, "made", CDM_U64, 1, 6, 2, THINKER, 1u << CLIENT);
	b.fields[left].group = b.fields[right].group = left;
	plan = plan_builder_finish(&b);
}

static struct cdm_local *fresh(void) {
	struct cdm_local *l;
	memset(&diag, 0, sizeof(diag));
	CHECK(cdm_local_open(plan, plan->bytes, &l, &diag) == 0);
	return l;
}

static void takes_only_plans(void) {
	struct cdm_local *l;
	unsigned char broken[sizeof(struct plan)] = { 0 };
	char both[80];
	CHECK(cdm_local_open("text", 4, &l, &diag) == -EPROTO && !l && strstr(diag.at[0].text, "cadmus plan --output"));
	CHECK(cdm_local_open(broken, sizeof(broken), &l, NULL) == -EPROTO && !l);
	plan->abi++; /* of another version: both are said */
	memset(&diag, 0, sizeof(diag));
	CHECK(cdm_local_open(plan, plan->bytes, &l, &diag) == -EPROTO && !l);
	snprintf(both, sizeof(both), "of version %u, this program reads version %u", PLAN_ABI + 1, PLAN_ABI);
	CHECK(strstr(diag.at[0].text, both) && diag.at[0].hint[0]);
	plan->abi--;
	cdm_local_close(NULL);
	cdm_local_die(NULL);
}

static void everybody_is_here(void) {
	struct cdm_local *l = fresh();
	struct cdm_machine *camera = be(l, "camera"), *thinker = be(l, "thinker"), *client = be(l, NULL), *none;
	struct cdm_writer *out;
	struct cdm_reader *in, *other;
	struct cdm_sample s;
	struct cdm_info info;
	uint64_t v = 7;
	size_t bytes;
	const void *own = cdm_plan(client, &bytes);
	CHECK(bytes == plan->bytes && memcmp(own, plan, bytes) == 0);
	CHECK(cdm_local_attach(l, "eye", &none) == -EBUSY && !none); /* it is the camera */
	CHECK(cdm_local_attach(l, "nobody", &none) == -ENOENT && cdm_local_attach(l, NULL, &none) == -EBUSY);
	CHECK(!cdm_gateway_entity(client) && strcmp(cdm_gateway_entity(camera), "camera") == 0);
	CHECK(cdm_writer_open(client, "level", &out) == -EACCES && cdm_writer_open(camera, "level", &out) == 0);
	CHECK(cdm_open(thinker, "level", &in) == 0 && cdm_open(client, "level", &other) == 0);
	CHECK(cdm_open(client, "secret", &(struct cdm_reader *){ 0 }) == -EACCES);
	CHECK(cdm_write(out, &v, sizeof(v), NULL) == 1);
	CHECK(cdm_read(in, &v, sizeof(v), &info) == 0 && v == 7 && info.status == CDM_OK);
	CHECK(cdm_lease(other, &s) == 0 && *(const uint64_t *)s.data == 7);
	CHECK(cdm_note(thinker, 1, 2, "seen") == 0);
	struct cdm_events *events;
	struct cdm_event e;
	CHECK(cdm_events_open(client, NULL, &events) == 0 && cdm_events_next(events, &e) == 0);
	CHECK(strcmp(e.text, "seen") == 0);
	cdm_events_close(events);
	cdm_writer_close(out);
	cdm_detach(camera);
	CHECK(cdm_read(in, &v, sizeof(v), &info) == 0 && info.status == CDM_ORPHAN);
	camera = be(l, "camera"); /* anew: the second life */
	CHECK(cdm_read(in, &v, sizeof(v), NULL) == -EAGAIN && *(const uint64_t *)s.data == 7); /* of the first */
	CHECK(cdm_writer_open(camera, "level", &out) == 0);
	v = 8;
	CHECK(cdm_write(out, &v, sizeof(v), NULL) == 1 && cdm_read(in, &v, sizeof(v), &info) == 0);
	CHECK(v == 8 && info.epoch == 2);
	cdm_release(&s);
	cdm_close(in);
	cdm_writer_close(out);
	cdm_detach(camera);
	cdm_detach(thinker);
	cdm_detach(client);
	cdm_local_close(l);
	CHECK(cdm_read(other, &v, sizeof(v), &info) == 0 && v == 8 && info.status == CDM_ORPHAN); /* still out */
	cdm_close(other);
}

/* A program that has left still holds what it borrowed: its place is free when the last sample is given back. */
static void leaves_with_its_last_sample(void) {
	struct cdm_local *l = fresh();
	struct cdm_machine *camera = be(l, "camera"), *client = be(l, NULL), *none;
	struct cdm_writer *out;
	struct cdm_reader *in;
	struct cdm_sample s;
	uint64_t v = 7;
	CHECK(cdm_writer_open(camera, "level", &out) == 0 && cdm_open(client, "level", &in) == 0);
	CHECK(cdm_write(out, &v, sizeof(v), NULL) == 1 && cdm_lease(in, &s) == 0);
	cdm_close(in);
	cdm_detach(client);
	for (v = 8; v < 40; v++)
		CHECK(cdm_write(out, &v, sizeof(v), NULL) > 0 && *(const uint64_t *)s.data == 7);
	CHECK(cdm_local_attach(l, NULL, &none) == -EBUSY);
	cdm_release(&s);
	cdm_detach(be(l, NULL));
	cdm_writer_close(out);
	cdm_detach(camera);
	cdm_local_close(l);
}

/* Memory of a life that is over stays for what is borrowed in it, and goes with that. */
static void keeps_no_memory_of_the_replaced(void) {
	struct cdm_local *l = fresh();
	struct cdm_machine *camera = be(l, "camera"), *client = be(l, NULL);
	struct cdm_writer *out;
	struct cdm_reader *in;
	struct cdm_sample s[2];
	uint64_t v = 7;
	CHECK(cdm_writer_open(camera, "level", &out) == 0 && cdm_open(client, "level", &in) == 0);
	CHECK(cdm_write(out, &v, sizeof(v), NULL) == 1);
	CHECK(cdm_lease(in, &s[0]) == 0 && cdm_lease(in, &s[1]) == 0);
	cdm_writer_close(out);
	unsigned before = mappings();
	cdm_local_die(camera);
	camera = be(l, "camera");
	unsigned both = mappings();
	CHECK(both > before);
	cdm_release(&s[0]);
	CHECK(mappings() == both && *(const uint64_t *)s[1].data == 7);
	cdm_release(&s[1]);
	CHECK(mappings() == before);
	cdm_close(in);
	cdm_detach(client);
	cdm_detach(camera);
	cdm_local_close(l);
}

/* Who comes when a writer has ended never becomes known to it, and borrows all the same: nothing is overwritten. */
static void the_last_words_can_be_borrowed(bool in_order) {
	struct cdm_local *l = fresh();
	struct cdm_machine *camera = be(l, "camera"), *client;
	struct cdm_writer *out;
	struct cdm_reader *in;
	struct cdm_sample s[2];
	uint64_t v;
	CHECK(cdm_writer_open(camera, "level", &out) == 0);
	for (v = 1; v <= 2; v++)
		CHECK(cdm_write(out, &v, sizeof(v), NULL) == (int64_t)v);
	cdm_writer_close(out);
	if (in_order)
		cdm_detach(camera);
	else
		cdm_local_die(camera);
	client = be(l, NULL);
	CHECK(cdm_open(client, "level", &in) == 0 && cdm_wait(in, -1) == 0);
	CHECK(cdm_lease_next(in, &s[0]) == 0 && *(const uint64_t *)s[0].data == 1 && s[0].info.status == CDM_ORPHAN);
	CHECK(cdm_wait(in, -1) == 0 && cdm_lease(in, &s[1]) == 0 && *(const uint64_t *)s[1].data == 2);
	CHECK(cdm_wait(in, -1) == -EOWNERDEAD && cdm_wait(in, 0) == -ETIMEDOUT);
	camera = be(l, "camera");
	CHECK(cdm_writer_open(camera, "level", &out) == 0);
	for (v = 100; v < 120; v++)
		CHECK(cdm_write(out, &v, sizeof(v), NULL) > 0);
	CHECK(*(const uint64_t *)s[0].data == 1 && *(const uint64_t *)s[1].data == 2);
	cdm_release(&s[0]);
	cdm_release(&s[1]);
	cdm_writer_close(out);
	cdm_detach(camera);
	cdm_close(in);
	cdm_detach(client);
	cdm_local_close(l);
}

/* Each reader hears of an interruption once, by whichever call; who only looks hears of a writer's end, too. */
static void waits_are_told_once(void) {
	struct cdm_local *l = fresh();
	struct cdm_machine *camera = be(l, "camera"), *client = be(l, NULL);
	struct cdm_writer *out;
	struct cdm_reader *in[2];
	uint64_t v = 1;
	CHECK(cdm_writer_open(camera, "level", &out) == 0 && cdm_write(out, &v, sizeof(v), NULL) == 1);
	for (int i = 0; i < 2; i++)
		CHECK(cdm_open(client, "level", &in[i]) == 0 && cdm_read(in[i], &v, sizeof(v), NULL) == 0);
	cdm_interrupt(client);
	CHECK(cdm_wait_any(in, 2, -1) == -ECANCELED);
	CHECK(cdm_wait(in[1], 1000) == -ETIMEDOUT && cdm_wait(in[0], 1000) == -ETIMEDOUT);
	cdm_interrupt(client);
	CHECK(cdm_wait(in[0], -1) == -ECANCELED && cdm_wait_any(in, 2, -1) == -ECANCELED); /* in[1] had not heard */
	CHECK(cdm_wait_any(in, 2, 1000) == -ETIMEDOUT);
	cdm_writer_close(out);
	cdm_local_die(camera);
	CHECK(cdm_wait(in[0], 0) == -EOWNERDEAD && cdm_wait(in[0], 0) == -ETIMEDOUT);
	CHECK(cdm_wait_any(in, 2, 0) == -EOWNERDEAD && cdm_wait_any(in, 2, 0) == -ETIMEDOUT);
	for (int i = 0; i < 2; i++)
		cdm_close(in[i]);
	cdm_detach(client);
	cdm_local_close(l);
}

static bool stop;

/* Ask for what will be refused, again and again. */
static void *open_in_vain(void *camera) {
	struct cdm_writer *none;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		CHECK(cdm_writer_open(camera, "left", &none) == -EINVAL);
		CHECK(cdm_writer_open(camera, "made", &none) == -EACCES);
	}
	return NULL;
}

/* What is refused takes nothing from those who may. */
static void refusals_are_in_nobodys_way(void) {
	struct cdm_local *l = fresh();
	struct cdm_machine *camera = be(l, "camera");
	struct cdm_group *pair;
	struct cdm_field f;
	pthread_t t;
	stop = false;
	CHECK(pthread_create(&t, NULL, open_in_vain, camera) == 0);
	for (int i = 0; i < 100000; i++) {
		CHECK(cdm_group_open(camera, "right", &pair) == 0 && cdm_group_count(pair) == 2);
		cdm_group_close(pair);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(cdm_find(camera, "left", &f) == 0 && f.readable == 1); /* who writes it may read it */
	CHECK(cdm_find(camera, "made", &f) == 0 && f.readable == 0);
	cdm_detach(camera);
	cdm_local_close(l);
}

static void *wait_for_more(void *reader) {
	int rc = cdm_wait(reader, 60 * NS_PER_S);
	return (void *)(intptr_t)rc;
}

static int waited(pthread_t t) {
	void *rc;
	CHECK(pthread_join(t, &rc) == 0);
	return (int)(intptr_t)rc;
}

static void deaths_are_told(void) {
	struct cdm_local *l = fresh();
	struct cdm_machine *camera = be(l, "camera"), *client = be(l, NULL);
	struct cdm_writer *out;
	struct cdm_reader *in;
	struct cdm_process p;
	pthread_t t;
	uint64_t v = 1;
	CHECK(cdm_writer_open(camera, "level", &out) == 0 && cdm_open(client, "level", &in) == 0);
	CHECK(cdm_write(out, &v, sizeof(v), NULL) == 1 && cdm_wait(in, 0) == 0);
	CHECK(cdm_read(in, &v, sizeof(v), NULL) == 0);
	CHECK(pthread_create(&t, NULL, wait_for_more, in) == 0);
	CHECK(cdm_write(out, &v, sizeof(v), NULL) == 2 && waited(t) == 0 && cdm_read(in, &v, sizeof(v), NULL) == 0);
	CHECK(pthread_create(&t, NULL, wait_for_more, in) == 0);
	cdm_writer_close(out);
	cdm_local_die(camera);
	CHECK(waited(t) == -EOWNERDEAD && cdm_process_at(client, CAM, &p) == 0 && p.state == CDM_PROCESS_DEAD);
	camera = be(l, "camera");
	CHECK(cdm_process_at(client, CAM, &p) == 0 && p.state == CDM_PROCESS_LIVE && p.restarts == 1 && p.epoch == 2);
	cdm_detach(camera);
	CHECK(cdm_process_at(client, CAM, &p) == 0 && p.state == CDM_PROCESS_STOPPED);
	cdm_close(in);
	cdm_detach(client);
	cdm_local_close(l);
}

/* Is it readable within that time? */
static bool readable(int fd, int ms) {
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, ms) == 1;
}

enum way { BY_COPY, BY_LEASE, BY_VIEW, WAYS };

/* Ask for what cannot be had: there is nothing new, or the terms of the view are not kept. */
static int ask(struct cdm_reader *in, enum way way) {
	struct cdm_sample s;
	struct cdm_view_part part = { .reader = in };
	uint64_t v;
	return way == BY_COPY ? cdm_next(in, &v, sizeof(v), NULL) : way == BY_LEASE ? cdm_lease_next(in, &s)
			: cdm_view(&part, 1, &(struct cdm_view_terms){ .min_trust = 2.0f }, NULL);
}

/* An event loop that asks in vain is let sleep, whatever it asks for: it would run round and round else. */
static void asking_in_vain_silences(void) {
	struct cdm_local *l = fresh();
	struct cdm_machine *client = be(l, NULL);
	struct cdm_reader *in[WAYS];
	int fd[WAYS];
	for (int i = 0; i < WAYS; i++) {
		CHECK(cdm_open(client, "level", &in[i]) == 0);
		fd[i] = cdm_fd(in[i]);
	}
	for (uint64_t life = 1, v = 0; life <= 20; life++) {
		struct cdm_machine *camera = be(l, "camera");
		struct cdm_writer *out;
		CHECK(cdm_writer_open(camera, "level", &out) == 0 && cdm_write(out, &v, sizeof(v), NULL) == 1);
		CHECK(readable(fd[BY_VIEW], 10000) && ask(in[BY_VIEW], BY_VIEW) == -ESTALE);
		cdm_skip(in[BY_COPY]);
		cdm_skip(in[BY_LEASE]);
		for (int i = 0; i < WAYS; i++) /* the thread may have rung for what was taken before it looked */
			CHECK(!readable(fd[i], 20) || (ask(in[i], (enum way)i) < 0 && !readable(fd[i], 20)));
		cdm_writer_close(out);
		cdm_local_die(camera);
		for (int i = 0; i < WAYS; i++)
			CHECK(readable(fd[i], 10000) && ask(in[i], (enum way)i) < 0 && !readable(fd[i], 20));
	}
	for (int i = 0; i < WAYS; i++)
		cdm_close(in[i]);
	cdm_detach(client);
	cdm_local_close(l);
}

static unsigned open_handles(struct cdm_machine *m) {
	struct cdm_tally t;
	unsigned n = 0;
	for (uint32_t i = 0; cdm_tally_at(m, CLIENT, i, &t) == 0; i++)
		n += t.open;
	return n;
}

/* A descriptor for which there is no thread leaves nothing behind, and can be asked for again. */
static void can_do_without_a_thread(void) {
	struct cdm_local *l = fresh();
	struct cdm_machine *client = be(l, NULL);
	struct cdm_reader *in;
	pthread_attr_t before, huge;
	CHECK(cdm_open(client, "level", &in) == 0 && open_handles(client) == 1);
	CHECK(pthread_getattr_default_np(&before) == 0 && pthread_attr_init(&huge) == 0);
	CHECK(pthread_attr_setstacksize(&huge, SIZE_MAX / 4) == 0 && pthread_setattr_default_np(&huge) == 0);
	for (int i = 0; i < 10; i++)
		CHECK(cdm_fd(in) == -EAGAIN && open_handles(client) == 1);
	CHECK(pthread_setattr_default_np(&before) == 0 && cdm_fd(in) >= 0 && open_handles(client) == 1);
	pthread_attr_destroy(&before);
	pthread_attr_destroy(&huge);
	cdm_close(in);
	cdm_detach(client);
	cdm_local_close(l);
}

/* More descriptors than the kernel sleeps for at once: each is rung for its own news and its own writer's end. */
static void many_can_be_polled(void) {
	enum { MANY = 300 };
	struct cdm_local *l = fresh();
	struct cdm_machine *camera = be(l, "camera"), *thinker = be(l, "thinker");
	struct cdm_writer *out;
	static struct cdm_reader *in[MANY];
	uint64_t v = 7;
	CHECK(cdm_writer_open(camera, "level", &out) == 0);
	for (int i = 0; i < MANY; i++) {
		CHECK(cdm_open(thinker, i % 100 ? "secret" : "level", &in[i]) == 0);
		CHECK(cdm_fd(in[i]) >= 0);
	}
	for (int round = 0; round < 20; round++) {
		CHECK(cdm_write(out, &v, sizeof(v), NULL) > 0);
		for (int i = 0; i < MANY; i += 100)
			CHECK(readable(cdm_fd(in[i]), 10000) && cdm_next(in[i], &v, sizeof(v), NULL) == 0);
	}
	CHECK(!readable(cdm_fd(in[1]), 0) && !readable(cdm_fd(in[MANY - 1]), 0));
	cdm_writer_close(out);
	cdm_local_die(camera);
	for (int i = 0; i < MANY; i++)
		CHECK(readable(cdm_fd(in[i]), 10000));
	for (int i = 0; i < MANY; i++)
		cdm_close(in[i]);
	cdm_detach(thinker);
	cdm_local_close(l);
}

/* Nothing that is not wanted is given out, or ends a sleep. */
static void keeps_to_the_filter(void) {
	struct cdm_local *l = fresh();
	struct cdm_machine *thinker = be(l, "thinker"), *client = be(l, NULL);
	struct cdm_events *events;
	struct cdm_event e;
	CHECK(cdm_note(thinker, 1, 0, NULL) == 0 && cdm_note(client, 2, 0, NULL) == 0);
	CHECK(cdm_events_open(client, NULL, &events) == 0 && cdm_events_next(events, &e) == 0 && e.a == 1);
	cdm_events_filter(events, UINT64_C(1) << cdm_event_kind("stop"), CDM_NO_INDEX);
	CHECK(cdm_events_next(events, &e) == -EAGAIN && cdm_events_wait(events, 0) == -ETIMEDOUT);
	CHECK(cdm_note(thinker, 3, 0, NULL) == 0 && cdm_events_wait(events, 0) == -ETIMEDOUT);
	cdm_events_filter(events, UINT64_C(1) << cdm_event_kind("noted"), CDM_NO_INDEX);
	CHECK(cdm_note(thinker, 4, 0, NULL) == 0 && cdm_events_wait(events, -1) == 0);
	CHECK(cdm_events_next(events, &e) == 0 && e.a == 4);
	cdm_events_close(events);
	cdm_detach(thinker);
	cdm_detach(client);
	cdm_local_close(l);
}

/* All that is there is taken, and what else made it readable. */
static void take_all(struct cdm_events *events) {
	struct cdm_event e;
	while (cdm_events_next(events, &e) >= 0 || readable(cdm_events_fd(events), 20))
		continue;
}

/* An event loop hears of events, and is let sleep when there are none that it wants. */
static void events_can_be_polled(void) {
	enum { MANY = 50 };
	struct cdm_local *l = fresh();
	struct cdm_machine *thinker = be(l, "thinker"), *client = be(l, NULL);
	struct cdm_events *events[MANY];
	struct cdm_event e;
	for (int i = 0; i < MANY; i++) { /* of one process and of all: more rings than one sleep takes */
		CHECK(cdm_events_open(client, i % 2 ? "thinker" : NULL, &events[i]) == 0);
		CHECK(cdm_events_fd(events[i]) >= 0 && cdm_events_fd(events[i]) == cdm_events_fd(events[i]));
		CHECK(!readable(cdm_events_fd(events[i]), 0));
	}
	for (uint64_t n = 1; n <= 20; n++) {
		CHECK(cdm_note(thinker, n, 0, NULL) == 0);
		for (int i = 0; i < MANY; i++) {
			CHECK(readable(cdm_events_fd(events[i]), 10000));
			CHECK(cdm_events_next(events[i], &e) == 0 && e.a == n);
		}
	}
	for (int i = 1; i < MANY; i++)
		cdm_events_close(events[i]);
	cdm_events_filter(events[0], UINT64_C(1) << cdm_event_kind("stop"), CDM_NO_INDEX);
	take_all(events[0]);
	CHECK(cdm_note(thinker, 7, 0, NULL) == 0 && readable(cdm_events_fd(events[0]), 10000)); /* it may be wanted */
	take_all(events[0]);
	cdm_events_filter(events[0], UINT64_MAX, CDM_NO_INDEX);
	cdm_local_die(thinker);
	thinker = be(l, "thinker");
	CHECK(cdm_note(thinker, 9, 0, NULL) == 0);
	do
		CHECK(readable(cdm_events_fd(events[0]), 10000));
	while (cdm_events_next(events[0], &e) < 0);
	CHECK(e.a == 9 && e.number == 1);
	cdm_events_close(events[0]);
	cdm_detach(thinker);
	cdm_detach(client);
	cdm_local_close(l);
}

/* What is not to be lost is not, from the moment on that somebody listens: also before he has looked. */
static void is_waited_for_at_once(void) {
	struct cdm_local *l = fresh();
	struct cdm_machine *thinker = be(l, "thinker"), *client = be(l, NULL);
	struct cdm_events *events;
	struct cdm_event e;
	uint64_t written = 0;
	CHECK(cdm_events_open(client, "thinker", &events) == 0);
	while (cdm_note(thinker, written + 1, 0, NULL) == 0)
		written++;
	CHECK(written == 1024);
	for (uint64_t n = 1; n <= written; n++)
		CHECK(cdm_events_next(events, &e) == 0 && e.a == n);
	CHECK(cdm_events_next(events, &e) == -EAGAIN && cdm_note(thinker, 0, 0, NULL) == 0);
	cdm_events_close(events);
	cdm_detach(thinker);
	cdm_detach(client);
	cdm_local_close(l);
}

static long sleeps_so_far(void) {
	struct rusage u;
	CHECK(getrusage(RUSAGE_SELF, &u) == 0);
	return u.ru_nvcsw;
}

/* However many follow the same events, nobody looks again and again whether there are any. */
static void descriptors_of_events_rest(void) {
	enum { MANY = 30 };
	struct cdm_local *l = fresh();
	struct cdm_machine *client = be(l, NULL);
	struct cdm_events *events[MANY];
	for (int i = 0; i < MANY; i++)
		CHECK(cdm_events_open(client, NULL, &events[i]) == 0 && cdm_events_fd(events[i]) >= 0);
	CHECK(!readable(cdm_events_fd(events[0]), 50)); /* the thread has come to rest */
	long before = sleeps_so_far();
	CHECK(!readable(cdm_events_fd(events[0]), 200));
	CHECK(sleeps_so_far() - before < 20); /* our own; 100 looks else */
	for (int i = 0; i < MANY; i++)
		cdm_events_close(events[i]);
	cdm_detach(client);
	cdm_local_close(l);
}

/* Numbers begin anew with each life, so it is told which one that was. */
static void tells_lives_apart(void) {
	struct cdm_local *l = fresh();
	struct cdm_machine *client = be(l, NULL);
	struct cdm_events *events;
	struct cdm_event e;
	CHECK(cdm_events_open(client, "thinker", &events) == 0);
	for (uint32_t life = 1; life <= 3; life++) {
		struct cdm_machine *thinker = be(l, "thinker");
		CHECK(cdm_note(thinker, 7, 0, NULL) == 0 && cdm_events_next(events, &e) == 0);
		CHECK(e.number == 1 && e.epoch == life && e.a == 7);
		cdm_detach(thinker);
	}
	cdm_events_close(events);
	cdm_detach(client);
	cdm_local_close(l);
}

static void *come_and_go(void *local) {
	for (int i = 0; i < 200; i++)
		cdm_detach(be(local, "thinker"));
	return NULL;
}

/* While others come and go a reader reads, and borrows. */
static void threads_come_and_go(void) {
	struct cdm_local *l = fresh();
	struct cdm_machine *camera = be(l, "camera"), *client = be(l, NULL);
	struct cdm_writer *out;
	struct cdm_reader *in;
	struct cdm_sample s;
	pthread_t t;
	CHECK(cdm_writer_open(camera, "level", &out) == 0 && cdm_open(client, "level", &in) == 0);
	CHECK(pthread_create(&t, NULL, come_and_go, l) == 0);
	for (uint64_t i = 1, v; i <= 20000; i++) {
		CHECK(cdm_write(out, &i, sizeof(i), NULL) == (int64_t)i);
		CHECK(cdm_read(in, &v, sizeof(v), NULL) == 0 && v == i);
		CHECK(cdm_lease(in, &s) == 0 && *(const uint64_t *)s.data == i);
		cdm_release(&s);
	}
	CHECK(pthread_join(t, NULL) == 0);
	cdm_close(in);
	cdm_writer_close(out);
	cdm_detach(client);
	cdm_local_close(l); /* in any order */
	cdm_detach(camera);
}

int main(void) {
	make_plan();
	takes_only_plans();
	everybody_is_here();
	leaves_with_its_last_sample();
	keeps_no_memory_of_the_replaced();
	the_last_words_can_be_borrowed(true);
	the_last_words_can_be_borrowed(false);
	waits_are_told_once();
	refusals_are_in_nobodys_way();
	deaths_are_told();
	asking_in_vain_silences();
	can_do_without_a_thread();
	many_can_be_polled();
	keeps_to_the_filter();
	events_can_be_polled();
	is_waited_for_at_once();
	descriptors_of_events_rest();
	tells_lives_apart();
	threads_come_and_go();
	plan_free(plan);
	puts("local_test: ok");
}
