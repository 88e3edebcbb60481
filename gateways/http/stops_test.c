/* stops_test.c - answers cut at stop sequences, in one piece and however they come. */
#include "gateways/http/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *shown(const struct stops *s, const char *text, bool ended) {
	static char out[256];
	snprintf(out, sizeof(out), "%.*s", (int)stops_sure(s, text, ended), text);
	return out;
}

static struct stops of(const char *const *words) {
	struct stops s = { 0 };
	for (; *words; words++)
		CHECK(stops_add(&s, *words) == 0);
	return s;
}
#define OF(...) of((const char *const[]){ __VA_ARGS__, NULL })

static void whole(void) {
	struct stops none = { 0 }, one = OF("end"), two = OF("three", "two");
	CHECK(strcmp(shown(&none, "the end", true), "the end") == 0);
	CHECK(strcmp(shown(&one, "the end", true), "the ") == 0);
	CHECK(strcmp(shown(&one, "the en", true), "the en") == 0);
	CHECK(strcmp(shown(&one, "end", true), "") == 0 && strcmp(shown(&one, "", true), "") == 0);
	CHECK(strcmp(shown(&two, "one two three", true), "one ") == 0); /* the first in the text, not in the list */
	CHECK(strcmp(shown(&two, "one tw", false), "one ") == 0);
	CHECK(strcmp(shown(&two, "one twist", false), "one twis") == 0);
}

static void limits(void) {
	struct stops s = { 0 };
	char word[STOPS_BYTES + 1];
	memset(word, 'x', STOPS_BYTES);
	word[STOPS_BYTES] = 0;
	CHECK(stops_add(&s, "") == -EINVAL && stops_add(&s, word) == -EINVAL && s.count == 0);
	word[STOPS_BYTES - 1] = 0;
	for (int i = 0; i < STOPS_MAX; i++)
		CHECK(stops_add(&s, word) == 0);
	CHECK(stops_add(&s, "y") == -EINVAL && s.count == STOPS_MAX);
	CHECK(stops_sure(&s, word, true) == 0);
}

/* Growing by a byte at a time, what may be shown only grows, and in the end is the same as of the whole. */
static void growing(const struct stops *s, const char *text) {
	char part[256];
	size_t before = 0, all = stops_sure(s, text, true);
	for (size_t n = 0; text[n]; n++) {
		memcpy(part, text, n + 1);
		part[n + 1] = 0;
		size_t sure = stops_sure(s, part, false);
		CHECK(sure >= before && sure <= all);
		before = sure;
	}
	CHECK(all >= before);
}

static void every_way(void) {
	static const char *const texts[] = { "", "a", "aab", "ababac", "the end of it", "e en end", "𐤌𐤟𐤛 𐤕", "aaaaaaab",
			"\n\nUser: x" };
	struct stops s[] = { OF("ab"), OF("aab", "b"), OF("end", "en e"), OF("𐤕"), OF("aaab"), OF("\nUser:", "\n\n\n"),
			OF("ababac") };
	for (size_t i = 0; i < COUNT_OF(s); i++)
		for (size_t k = 0; k < COUNT_OF(texts); k++)
			growing(&s[i], texts[k]);
}

/* ---- options ---- */

static char why[256];

static int take(const char *text, struct options *o) {
	json_t *j = json_loads(text, JSON_DECODE_ANY, NULL);
	CHECK(j);
	why[0] = 0;
	int rc = options_take(j, o, why, sizeof(why));
	json_decref(j);
	return rc;
}

static void refuses(const char *text, const char *words) {
	struct options o;
	int rc = take(text, &o);
	if (rc != -EINVAL || !strstr(why, words))
		fprintf(stderr, "%s: %d '%s'\n", text, rc, why);
	CHECK(rc == -EINVAL && strstr(why, words));
}

static void options(void) {
	struct options o;
	CHECK(options_take(NULL, &o, why, sizeof(why)) == 0 && o.max_tokens == 0 && o.stops.count == 0);
	CHECK(take("null", &o) == 0 && take("{}", &o) == 0);
	CHECK(take("{\"num_predict\":7,\"stop\":[\"a\",\"b\"],\"seed\":1,\"temperature\":0.1,\"top_k\":40.0,"
			"\"use_mmap\":true}", &o) == 0);
	CHECK(o.max_tokens == 7 && o.stops.count == 2 && strcmp(o.stops.words[1], "b") == 0);
	CHECK(take("{\"num_predict\":1.5,\"stop\":[],\"no_such\":{},\"seed\":null}", &o) == 0 && o.max_tokens == 1);
	CHECK(take("{\"num_predict\":-1}", &o) == 0 && o.max_tokens == 0 && take("{\"num_predict\":1e300}", &o) == 0 &&
			o.max_tokens == 0);
	refuses("[]", "options must be an object");
	refuses("{\"temperature\":\"hot\"}", "option \"temperature\" must be of type float32");
	refuses("{\"num_predict\":\"9\"}", "option \"num_predict\" must be of type integer");
	refuses("{\"seed\":true}", "option \"seed\" must be of type integer");
	refuses("{\"use_mmap\":1}", "option \"use_mmap\" must be of type boolean");
	refuses("{\"stop\":\"x\"}", "option \"stop\" must be of type array");
	refuses("{\"stop\":[1]}", "option \"stop\" must be of an array of strings");
	refuses("{\"stop\":[\"\"]}", "at most 8 sequences of 1 to 63 bytes");
	refuses("{\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]}", "at most 8 sequences");
}

int main(void) {
	whole();
	limits();
	every_way();
	options();
	puts("stops_test: ok");
}
