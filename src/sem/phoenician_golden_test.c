/*
 * phoenician_golden_test.c - the origin's own rows (MIT, not part of this tree): every row of signs
 * in them decodes and goes round, and the relations its author writes are read as the relations he
 * names.
 *
 * The folder is $CADMUS_SHARED/data/phoenician, or ../shared beside the source.  Exit 77: it is not
 * there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sem/phoenician.h"
#include "sem/utterance.h"

static struct utterance_lexicon lexicon;
static struct plan_sense senses[24];
static unsigned rows, runs, relations;

/* The 22 letters and two compounds, none of which moves anything. */
static void build_lexicon(void) {
	unsigned n = 0;
	for (uint8_t i = 0; i < 22; i++, n++)
		CHECK(phoenician_encode_signs(&i, 1, 0, senses[n].form, sizeof(senses[n].form)) ==
				4);
	strcpy(senses[n++].form, "𐤄𐤀");
	strcpy(senses[n++].form, "𐤋𐤈");
	CHECK(utterance_lexicon_init(&lexicon, senses, 0, n, NULL) == 0);
}

/*
 * The raw bytes of "key": "..." in a line of JSON, escapes left as they are; NULL when there is
 * none.
 */
static char *field(const char *line, const char *key, char *out, size_t capacity) {
	char name[32];
	snprintf(name, sizeof(name), "\"%s\": \"", key);
	const char *at = strstr(line, name);
	size_t n = 0;
	if (!at)
		return NULL;
	for (at += strlen(name); *at && *at != '"' && n + 2 < capacity; at++) {
		if (*at == '\\')
			out[n++] = *at++;
		out[n++] = *at;
	}
	out[n] = 0;
	return out;
}

static void goes_round(const char *run, size_t bytes) {
	struct phoenician_text t, again;
	struct phoenician_error e;
	struct utterance u;
	char script[1024], latin[1024];
	CHECK(phoenician_decode(run, bytes, PHOENICIAN_STRICT, &t, &e) == 0);
	CHECK(phoenician_encode(&t, 0, script, sizeof(script)) == (int)bytes &&
			memcmp(script, run, bytes) == 0);
	CHECK(phoenician_encode(&t, PHOENICIAN_LATIN, latin, sizeof(latin)) > 0);
	CHECK(phoenician_decode(latin, strlen(latin), PHOENICIAN_LATIN, &again, NULL) == 0);
	CHECK(again.sign_count == t.sign_count && memcmp(again.signs, t.signs, t.sign_count) == 0);
	utterance_resolve(&lexicon, run, bytes, 0, &u);
	CHECK(u.parse_count > 0 || u.refusal.code == REFUSAL_LIMIT);
	CHECK(u.stop ? bytes == 4 : u.count == 0); /* words of philosophy move nothing */
	runs++;
}

/* Each run of letters in a text of any script. */
static void read_runs(const char *s) {
	while (*s) {
		size_t n = 0;
		while (memcmp(s + n, "\xf0\x90\xa4", strnlen(s + n, 3) < 3 ? 1 : 3) == 0)
			n += 4;
		if (n)
			goes_round(s, n);
		s += n ? n : 1;
	}
}

/* "Show that A contains B" -> contains(a,b); "'A causes B'" and "A leads to B" -> causes(a,b). */
static void check_relation(const char *question, const char *symbols, const char *meaning) {
	static const struct {
		const char *words, *shape;
	} said[] = { { " contains ", "contains(" }, { " causes ", "causes(" },
		{ " leads to ", "causes(" }, { " emerges from ", "emerges(" } };
	struct utterance u;
	if (!phoenician_is_utterance(symbols, strlen(symbols)) || strchr(symbols, ' '))
		return;
	for (size_t i = 0; i < COUNT_OF(said); i++) {
		if (!strstr(question, said[i].words) && !strstr(meaning, said[i].words))
			continue;
		utterance_resolve(&lexicon, symbols, strlen(symbols), 0, &u);
		CHECK(strncmp(u.parses[0].shape, said[i].shape, strlen(said[i].shape)) == 0);
		CHECK(u.refusal.code == REFUSAL_NOT_AN_ACTION && u.parse_count == 1);
		relations++;
	}
}

static void read_row(const char *line) {
	char question[1024], output[1024], input[1024];
	if (!field(line, "instruction", question, sizeof(question)) ||
			!field(line, "output", output, sizeof(output)))
		return;
	read_runs(question);
	read_runs(output);
	if (field(line, "input", input, sizeof(input)))
		read_runs(input);
	check_relation(question, output, "");
	char *from = strstr(question, "\xf0\x90\xa4"), *to = from ? strchr(from, ' ') : NULL;
	if (from && to && to[1] != '\xf0') { /* one word, not a row of them */
		*to = 0;
		check_relation("", from, output);
	}
	rows++;
}

static bool read_file(const char *folder, const char *name) {
	char path[1024], line[4096];
	snprintf(path, sizeof(path), "%s/data/phoenician/%s", folder, name);
	FILE *f = fopen(path, "r");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f))
		read_row(line);
	fclose(f);
	return true;
}

int main(void) {
	static const char *const names[] = { "phoenician_train.jsonl",
		"phoenician_train_enhanced.jsonl", "consciousness_bridge_train.jsonl" };
	const char *folder = getenv("CADMUS_SHARED");
	build_lexicon();
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (!read_file(folder ? folder : "../shared", names[i])) {
			puts("skipped: the rows of the origin are not here");
			return 77;
		}
	fprintf(stderr, "phoenician_golden_test: %u rows, %u runs, %u relations\n", rows, runs,
			relations);
	CHECK(rows >= 290 && runs >= 300 && relations >= 8);
	puts("phoenician_golden_test: ok");
	return 0;
}
