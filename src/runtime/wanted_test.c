/* wanted_test.c - what is wanted of a model is asked in order, once, and is there as long as somebody wants it. */
#include "runtime/wanted.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "memory/memory.h"

enum { DIMS = 3, ROOM = 32 };

static struct wanted *w;
static struct wanted_text t;
static float out[ROOM];

static int get(const char *text) {
	return wanted_get(w, text, strlen(text), true, out, ROOM);
}

static bool next_is(bool any, const char *text) {
	return wanted_next(w, any, &t) && t.bytes == strlen(text) && memcmp(t.text, text, t.bytes) == 0;
}

/* The asked one has a vector that begins with `first`. */
static bool made(float first) {
	static uint8_t numbers[4 * DIMS];
	const struct wire_floats v = { numbers, DIMS };
	wire_put_float(first, numbers);
	return wanted_made(w, 0, &v);
}

static void begin(void) {
	CHECK(wanted_create(&w) == 0);
	wanted_model(w, DIMS);
	wanted_pass(w);
}

static bool is(float a, float b) {
	return a <= b && a >= b;
}

static void passages_are_made_together(void) {
	begin();
	CHECK(!wanted_any(w) && get("a") == -EAGAIN && get("b") == -EAGAIN && get("a") == -EAGAIN && wanted_any(w));
	CHECK(next_is(true, "a") && !made(1) && next_is(true, "b") && made(2) && !wanted_next(w, true, &t));
	wanted_pass(w);
	memset(out, 0x55, sizeof(out));
	CHECK(get("a") == 0 && is(out[0], 1) && is(out[DIMS], 0) && is(out[ROOM - 1], 0) && get("b") == 0);
	CHECK(get("a") == 0); /* the same text twice, in one pass */
	wanted_pass(w);
	CHECK(get("a") == -EAGAIN); /* it was taken */
	wanted_pass(w);
	wanted_pass(w);
	CHECK(!wanted_any(w)); /* nobody asked for it any more */
	wanted_destroy(&w);
}

static void questions_come_first(void) {
	begin();
	CHECK(get("a") == -EAGAIN && next_is(true, "a") && !wanted_hurries(w));
	CHECK(wanted_put(w, 7, "who?", 4) && wanted_put(w, 8, "what?", 5) && wanted_hurries(w));
	CHECK(!wanted_made(w, -EAGAIN, NULL) && next_is(false, "who?") && wanted_comes(w, 7) && !wanted_hurries(w));
	CHECK(!wanted_made(w, -EAGAIN, NULL) && next_is(false, "who?")); /* it is asked again */
	CHECK(made(3) && !wanted_comes(w, 7) && wanted_comes(w, 8) && get("who?") == 0 && is(out[0], 3));
	CHECK(next_is(true, "what?"));
	wanted_drop(w, 7);
	wanted_drop(w, 8); /* while it is asked: its answer is nobody's */
	CHECK(wanted_put(w, 9, "why?", 4) && wanted_hurries(w));
	wanted_drop(w, 9);
	CHECK(!wanted_comes(w, 8) && !made(4) && wanted_get(w, "what?", 5, false, out, ROOM) == -EAGAIN);
	CHECK(!wanted_next(w, false, &t) && next_is(true, "a"));
	CHECK(wanted_made(w, -EIO, NULL) && get("a") == -EIO);
	wanted_destroy(&w);
}

static void the_model_comes_and_goes(void) {
	CHECK(wanted_create(&w) == 0);
	CHECK(wanted_dims(w) == 0 && get("a") == -EAGAIN && !wanted_any(w) && !wanted_put(w, 1, "who?", 4));
	wanted_model(w, DIMS);
	wanted_pass(w);
	CHECK(get("a") == -EAGAIN && get("b") == -EAGAIN && next_is(true, "a") && wanted_put(w, 1, "who?", 4));
	wanted_model(w, 0);
	CHECK(wanted_dims(w) == DIMS && !wanted_any(w) && !wanted_comes(w, 1) && !made(1));
	wanted_model(w, DIMS);
	CHECK(next_is(false, "who?") && made(1) && next_is(true, "a") && !made(5));
	wanted_model(w, DIMS + 1); /* another one */
	CHECK(get("a") == -EAGAIN && next_is(true, "a") && made(1) && get("a") == -EPROTO); /* not so many numbers */
	wanted_destroy(&w);
}

static void there_is_an_end_of_room(void) {
	char text[16];
	begin();
	unsigned n = 0;
	do
		snprintf(text, sizeof(text), "text %u", n);
	while (wanted_put(w, ++n, text, strlen(text)));
	CHECK(n > MEMORY_AHEAD && get("one more") == -EAGAIN && !wanted_put(w, 1, text, WIRE_TEXT_MAX + 1));
	while (wanted_next(w, true, &t))
		CHECK(made(1));
	wanted_drop(w, 1);
	CHECK(get("one more") == -EAGAIN && next_is(true, "one more"));
	wanted_destroy(&w);
}

int main(void) {
	passages_are_made_together();
	questions_come_first();
	the_model_comes_and_goes();
	there_is_an_end_of_room();
	puts("wanted_test: ok");
}
