/*
 * report_test.c - what is read at the other end of the pipe, for each way a start can go.
 */
#include "runtime/report.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/io.h"
#include "test/lib/plan_builder.h"

enum { CORE, GUARD, CAMERA, PARROT, HTTP, GUEST, LATER };

static struct plan *plan;
static struct children children; /* as report_tick() sees them: state and wanted */
static struct report r;
static struct cdm_mono now;
static int end; /* of who started us */

static void fresh(void) {
	static struct plan_builder b;
	int pipes[2];
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 0) == CAMERA);
	CHECK(plan_builder_process(&b, "parrot", PLAN_WORKER, 0) == PARROT);
	CHECK(plan_builder_process(&b, "http", PLAN_GATEWAY, 0) == HTTP);
	CHECK(plan_builder_process(&b, "guest", PLAN_CLIENT, 0) == GUEST);
	CHECK(plan_builder_process(&b, "later", PLAN_WORKER, 0) == LATER);
	for (unsigned p = 0; p <= HTTP; p++)
		b.processes[p].start = 1;
	b.processes[LATER].start = 0;
	plan = plan_builder_finish(&b);
	children = (struct children){ .plan = plan };
	for (unsigned p = 0; p <= HTTP; p++)
		children.at[p] = (struct child){ .state = CHILD_STARTING, .wanted = true };
	CHECK(pipe2(pipes, O_CLOEXEC | O_NONBLOCK) == 0);
	end = pipes[0];
	report_init(&r, pipes[1]);
	now.ns = 1000 * NS_PER_S;
}

static void over(void) {
	report_close(&r);
	io_close(&end);
	free(plan);
}

/* What is there to read now; "" nothing, and NULL: the end. */
static const char *said(void) {
	static char text[8192];
	ssize_t n = read(end, text, sizeof(text) - 1);
	CHECK(n >= 0 || errno == EAGAIN);
	text[n < 0 ? 0 : n] = 0;
	return n == 0 ? NULL : text;
}

static void tick(void) {
	report_tick(&r, &children, now);
}

static void all_live(void) {
	for (unsigned p = 0; p <= HTTP; p++)
		children.at[p].state = CHILD_LIVE;
}

static void all_is_well(void) {
	fresh();
	tick();
	CHECK(strcmp(said(), "") == 0 && report_next_ns(&r, now) == -1);
	children.at[CORE].state = CHILD_LIVE;
	report_live(&r, now);
	CHECK(strcmp(said(), "1") == 0);
	report_live(&r, now); /* another core */
	tick();
	CHECK(strcmp(said(), "") == 0);
	all_live();
	tick();
	CHECK(strcmp(said(), "") == 0 && report_next_ns(&r, now) == REPORT_MODELS_NS); /* the model may fail yet */
	now.ns += REPORT_MODELS_NS;
	tick();
	CHECK(said() == NULL && report_next_ns(&r, now) == -1);
	tick();
	report_note(&r, HTTP, "too late to be told");
	tick();
	over();
}

static void those_that_cannot_are_named(void) {
	fresh();
	report_note(&r, HTTP, "port 8420 is in use");
	report_note(&r, HTTP, "something that follows from it");
	report_note(&r, CAMERA, "there is no\ndevice\x1b[2J");
	children.at[CORE].state = children.at[GUARD].state = CHILD_LIVE;
	report_live(&r, now);
	children.at[PARROT].state = CHILD_LIVE;
	tick();
	CHECK(strcmp(said(), "1") == 0);
	report_note(&r, PARROT, "");
	tick(); /* with its reason the last one is settled */
	CHECK(strcmp(said(), "camera: there is no device [2J\n"
			"parrot: it gave no reason\n"
			"http: port 8420 is in use\n") == 0);
	CHECK(said() == NULL);
	over();
}

/* One that died too often is not waited for, nor one that nobody wants. */
static void those_that_are_given_up(void) {
	fresh();
	all_live();
	report_live(&r, now);
	now.ns += REPORT_MODELS_NS;
	children.at[CAMERA] = (struct child){ .state = CHILD_FREE, .wanted = true }; /* is about to be started again */
	tick();
	CHECK(strcmp(said(), "1") == 0 && strcmp(said(), "") == 0);
	children.at[CAMERA].wanted = false;
	tick();
	CHECK(said() == NULL);
	over();
}

static void nobody_is_waited_for_for_ever(void) {
	fresh();
	children.at[CORE].state = CHILD_LIVE;
	report_note(&r, HTTP, "no");
	report_live(&r, now);
	now.ns += REPORT_MODELS_NS;
	CHECK(report_next_ns(&r, now) == REPORT_PATIENCE_NS - REPORT_MODELS_NS);
	now.ns += REPORT_PATIENCE_NS - REPORT_MODELS_NS - 1;
	tick();
	CHECK(strcmp(said(), "1") == 0 && report_next_ns(&r, now) == 1);
	now.ns += 1;
	CHECK(report_next_ns(&r, now) == 0);
	tick();
	CHECK(strcmp(said(), "http: no\n") == 0 && said() == NULL);
	over();
}

static void it_did_not_start(void) {
	fresh();
	report_dead(&r, "a machine named 'robot' runs already", "end it");
	CHECK(strcmp(said(), "a machine named 'robot' runs already\nend it") == 0 && said() == NULL);
	report_dead(&r, "again", NULL);
	over();
	fresh();
	report_dead(&r, "core cannot start", "");
	CHECK(strcmp(said(), "core cannot start") == 0 && said() == NULL);
	over();
}

/* Whoever asked has gone, or never was. */
static void nobody_listens(void) {
	signal(SIGPIPE, SIG_IGN);
	fresh();
	all_live();
	io_close(&end);
	report_live(&r, now);
	report_note(&r, HTTP, "no");
	now.ns += REPORT_PATIENCE_NS;
	tick();
	CHECK(r.fd == -1);
	over();
	fresh();
	report_close(&r);
	report_init(&r, -1);
	report_live(&r, now);
	tick();
	report_dead(&r, "why", "how");
	CHECK(report_next_ns(&r, now) == -1);
	over();
}

int main(void) {
	all_is_well();
	those_that_cannot_are_named();
	those_that_are_given_up();
	nobody_is_waited_for_for_ever();
	it_did_not_start();
	nobody_listens();
	puts("report_test: ok");
	return 0;
}
