/*
 * stream_test.c - whatever the bytes and however they are cut, what comes out is whole UTF-8,
 * complete, and ends before the first stop string.
 */
#include "stream.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "backends/check.h"

static char said[8192];
static size_t said_bytes, calls, cancel_at;

static int on_text(void *self, const char *text, size_t bytes) {
	(void)self;
	CHECK(bytes > 0 && stream_is_utf8(text, bytes) && said_bytes + bytes < sizeof(said));
	memcpy(said + said_bytes, text, bytes);
	said_bytes += bytes;
	said[said_bytes] = 0;
	return ++calls == cancel_at;
}

static struct cdm_request request(const char *a, const char *b) {
	said_bytes = calls = 0;
	said[0] = 0;
	return (struct cdm_request){
		.on_text = on_text, .stop_count = (a != NULL) + (b != NULL), .stop = { a, b }
	};
}

/* Say `text` in pieces of `step` bytes; what came out is in `said`. */
static bool run(const char *text, size_t bytes, size_t step, const char *a, const char *b) {
	struct cdm_request rq = request(a, b);
	struct stream s;
	CHECK(stream_init(&s, &rq) == 0);
	for (size_t at = 0; at < bytes && !s.stopped; at += step)
		stream_push(&s, text + at, bytes - at < step ? bytes - at : step);
	stream_end(&s);
	CHECK(stream_is_utf8(said, said_bytes));
	return s.stopped;
}

static void passes_text_in_any_pieces(void) {
	static const char text[] = "Ana \xc3\xa4\xe2\x82\xac\xf0\x90\xa4\x95 go";
	for (size_t step = 1; step <= sizeof(text); step++) {
		CHECK(!run(text, sizeof(text) - 1, step, NULL, NULL));
		CHECK(strcmp(said, text) == 0);
		CHECK(!run(text, sizeof(text) - 1, step, "xyz", "go!"));
		CHECK(strcmp(said, text) == 0);
	}
}

static void says_at_once_what_cannot_be_a_stop(void) {
	struct cdm_request rq = request("\n>", NULL);
	struct stream s;
	CHECK(stream_init(&s, &rq) == 0);
	stream_push(&s, "hello\n", 6);
	CHECK(strcmp(said, "hello") == 0);
	stream_push(&s, "you\xe2", 4);
	CHECK(strcmp(said, "hello\nyou") == 0);
	stream_push(&s, "\x82\xac", 2);
	CHECK(strcmp(said, "hello\nyou\xe2\x82\xac") == 0);
	stream_end(&s);
	CHECK(strcmp(said, "hello\nyou\xe2\x82\xac") == 0);
}

static void ends_before_the_first_stop(void) {
	static const struct {
		const char *text, *a, *b, *out;
		bool stopped;
	} rows[] = {
		{ "one\ntwo", "\n", NULL, "one", true },
		{ "one\n", "\n", NULL, "one", true },
		{ "aab", "ab", NULL, "a", true },
		{ "ababac", "abac", NULL, "ab", true },
		{ "x</s>y", "</s>", "s>", "x", true },
		{ "stop", "stop", NULL, "", true },
		{ "sto", "stop", NULL, "sto", false },
		{ "a\xe2\x82", "\xef\xbf\xbd", NULL, "a", true }, /* a stop that repair makes */
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (size_t step = 1; step < 9; step++) {
			CHECK(run(rows[i].text, strlen(rows[i].text), step, rows[i].a, rows[i].b) ==
					rows[i].stopped);
			CHECK(strcmp(said, rows[i].out) == 0);
		}
}

static void repairs_what_is_not_utf8(void) {
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "a\xff"
		  "b", "a\xef\xbf\xbd"
		       "b" },
		{ "\x80", "\xef\xbf\xbd" },
		{ "\xc3(", "\xef\xbf\xbd(" },
		{ "\xe2\x82", "\xef\xbf\xbd" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* a surrogate */
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },                 /* overlong */
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf0\x9f\xc3\xa4", "\xef\xbf\xbd\xc3\xa4" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CHECK(!stream_is_utf8(rows[i].in, strlen(rows[i].in)));
		for (size_t step = 1; step < 5; step++) {
			run(rows[i].in, strlen(rows[i].in), step, NULL, NULL);
			CHECK(strcmp(said, rows[i].out) == 0);
		}
	}
}

static void stops_when_the_receiver_says_so(void) {
	struct cdm_request rq = request(NULL, NULL);
	struct stream s;
	cancel_at = 2;
	CHECK(stream_init(&s, &rq) == 0);
	stream_push(&s, "one", 3);
	CHECK(!s.cancelled);
	stream_push(&s, "two", 3);
	CHECK(s.cancelled);
	stream_push(&s, "three", 5);
	stream_end(&s);
	CHECK(strcmp(said, "onetwo") == 0 && calls == 2);
	cancel_at = 0;
}

static void refuses_stops_it_cannot_keep(void) {
	char longest[STREAM_STOP_BYTES_MAX + 2];
	struct stream s;
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	struct cdm_request rq = request(longest, NULL);
	CHECK(stream_init(&s, &rq) == -EINVAL);
	longest[STREAM_STOP_BYTES_MAX] = 0;
	CHECK(stream_init(&s, &rq) == 0);
	rq = request("", NULL);
	CHECK(stream_init(&s, &rq) == -EINVAL);
	rq.stop_count = CDM_STOPS_MAX + 1;
	CHECK(stream_init(&s, &rq) == -EINVAL);
}

/* Random bytes over a small alphabet, random cuts: the same as a search in the whole. */
static void agrees_with_a_search_in_the_whole(void) {
	unsigned long long seed = 42;
	char text[1500], want[1500];
	for (int round = 0; round < 2000; round++) {
		size_t n = (size_t)(round % 1490);
		for (size_t i = 0; i < n; i++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			text[i] = "aab\n"[seed >> 62];
		}
		text[n] = 0;
		memcpy(want, text, n + 1);
		char *hit = strstr(want, "ab\nab\nb");
		if (hit)
			*hit = 0;
		CHECK(run(text, n, 1 + (seed >> 33) % 700, "ab\nab\nb", NULL) == (hit != NULL));
		CHECK(strcmp(said, want) == 0);
	}
}

int main(void) {
	passes_text_in_any_pieces();
	says_at_once_what_cannot_be_a_stop();
	ends_before_the_first_stop();
	repairs_what_is_not_utf8();
	stops_when_the_receiver_says_so();
	refuses_stops_it_cannot_keep();
	agrees_with_a_search_in_the_whole();
	puts("stream_test: ok");
}
