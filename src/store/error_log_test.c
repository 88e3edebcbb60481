/* error_log_test.c - each sort of error once, with its count, for everybody to see. */
#include "store/error_log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "test/lib/world.h"

enum { CORE };

static struct world w;

static void fresh(void) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	world_open(&w, &b);
}

static struct cdm_mono at(int64_t ns) {
	return (struct cdm_mono){ ns };
}

static void counts_sorts(void) {
	struct error_record e;
	const struct segment *own = &w.at[CORE].own;
	fresh();
	CHECK(!error_get(own, 0, &e));
	error_note(own, at(5), "cannot open %s", "cannot open a");
	error_note(own, at(6), "cannot read %s", "cannot read a");
	error_note(own, at(7), "cannot open %s", "cannot open b");
	CHECK(error_get(own, 0, &e) && e.count == 2 && e.first.ns == 5 && e.last.ns == 7);
	CHECK(strcmp(e.text, "cannot open a") == 0);
	CHECK(error_get(own, 1, &e) && e.count == 1 && e.first.ns == 6 && strcmp(e.text, "cannot read a") == 0);
	CHECK(!error_get(own, 2, &e));
	world_close(&w);
}

static void keeps_characters_whole(void) {
	char text[200];
	struct error_record e;
	const struct segment *own = &w.at[CORE].own;
	fresh();
	for (int i = 0; i < 99; i++)
		memcpy(text + 2 * i, "\xc3\xa9", 2);
	text[198] = 0;
	error_note(own, at(1), "long", text);
	CHECK(error_get(own, 0, &e) && strlen(e.text) == 94 && memcmp(e.text, text, 94) == 0);
	world_close(&w);
}

static void says_when_it_is_full(void) {
	char kind[16];
	struct error_record e;
	const struct segment *own = &w.at[CORE].own, none = { 0 };
	fresh();
	for (unsigned i = 0; i < LAYOUT_ERRORS + 5; i++) {
		snprintf(kind, sizeof(kind), "sort %u", i);
		error_note(own, at(1), kind, kind);
	}
	CHECK(error_get(own, LAYOUT_ERRORS - 1, &e) && strcmp(e.text, "sort 23") == 0);
	CHECK(counter_get(own, COUNTER_errors_untold) == 5);
	error_note(own, at(2), "sort 3", "again");
	CHECK(error_get(own, 3, &e) && e.count == 2);
	error_note(&none, at(1), "a", "a"); /* nobody's */
	error_note(peers_get(&w.at[CORE], CORE + 1), at(1), "a", "a"); /* somebody else's */
	world_close(&w);
}

static void *note(void *unused) {
	char kind[16];
	(void)unused;
	for (int i = 0; i < 20000; i++) {
		snprintf(kind, sizeof(kind), "sort %d", i % 10);
		error_note(&w.at[CORE].own, at(1 + i), kind, kind);
	}
	return NULL;
}

/* Threads that meet: ten sorts, none twice, none lost. */
static void threads_agree(void) {
	pthread_t t[3];
	struct error_record e;
	fresh();
	for (int i = 0; i < 3; i++)
		CHECK(pthread_create(&t[i], NULL, note, NULL) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	for (unsigned i = 0; i < 10; i++)
		CHECK(error_get(&w.at[CORE].own, i, &e) && e.count == 6000 && strncmp(e.text, "sort ", 5) == 0);
	CHECK(!error_get(&w.at[CORE].own, 10, &e));
	world_close(&w);
}

int main(void) {
	counts_sorts();
	keeps_characters_whole();
	says_when_it_is_full();
	threads_agree();
	puts("error_log_test: ok");
}
