/* words_test.c - how texts are cut into words, and what a bag of them knows. */
#include "memory/words.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "memory/bag_priv.h"
#include "memory/score.h"

static sqlite3 *sql;
static struct words *words;

static int join(void *user, const char *word, size_t bytes) {
	char *out = user;
	snprintf(out + strlen(out), 4000 - strlen(out), "%s%.*s", out[0] ? "|" : "", (int)bytes, word);
	return 0;
}

static const char *cut(const char *text) {
	static char out[4000];
	out[0] = 0;
	CHECK(words_each(words, text, strlen(text), join, out) == 0);
	return out;
}

#define HAN_1 "\xe6\x9d\xb1"
#define HAN_2 "\xe4\xba\xac"
#define HAN_3 "\xe9\x83\xbd"

static void texts_are_cut(void) {
	CHECK(strcmp(cut("The door_state, isn't it?"), "the|door|state|isn|t|it") == 0);
	CHECK(strcmp(cut("\xc3\x89mile CAF\xc3\x89"), "emile|cafe") == 0);
	CHECK(strcmp(cut(HAN_1), HAN_1) == 0 && strcmp(cut(HAN_1 HAN_2), HAN_1 HAN_2) == 0);
	CHECK(strcmp(cut(HAN_1 HAN_2 HAN_3), HAN_1 HAN_2 "|" HAN_2 HAN_3) == 0);
	CHECK(strcmp(cut("v2" HAN_1 HAN_2 "x"), "v2|" HAN_1 HAN_2 "|x") == 0);
	CHECK(strcmp(cut(""), "") == 0 && strcmp(cut("?!... --"), "") == 0);
	char much[300];
	memset(much, 'a', sizeof(much) - 1);
	much[sizeof(much) - 1] = 0;
	CHECK(strlen(cut(much)) == WORDS_BYTES_MAX);
}

/* A word, cut again, is itself: so a question for one finds it. */
static int is_itself(void *user, const char *word, size_t bytes) {
	char copy[80], out[200] = "";
	(void)user;
	snprintf(copy, sizeof(copy), "%.*s", (int)bytes, word);
	CHECK(words_each(words, copy, strlen(copy), join, out) == 0);
	CHECK(strcmp(copy, out) == 0);
	return 0;
}

static void words_stay_words(void) {
	static const char text[] = "\xc3\x84" "pfel 3.14 \xf0\x9f\x98\x80 " HAN_1 HAN_2 HAN_3 "abc \xff\xc0 "
				   "\xd0\x96\xd1\x83\xd0\xba \xe0\xb8\xab\xe0\xb8\x99\xe0\xb8\xb1 \xef\xac\x81n "
				   "\xce\xa3\xce\xaf\xcf\x83\xcf\x85\xcf\x86\xce\xbf\xcf\x82";
	CHECK(words_each(words, text, sizeof(text) - 1, is_itself, NULL) == 0);
}

static int stop(void *user, const char *word, size_t bytes) {
	(void)word;
	(void)bytes;
	return ++*(int *)user == 2 ? 42 : 0;
}

static void a_walk_can_be_ended(void) {
	int count = 0;
	CHECK(words_each(words, "a b c d", 7, stop, &count) == 42 && count == 2);
}

static uint32_t tag_of(const char *word) {
	return bag_tag(word, strlen(word));
}

static void bags_count(void) {
	static struct bag b;
	char text[PASSAGE_BYTES_MAX];
	CHECK(bag_of(&b, words, "the cat and the dog", 19) == 0);
	CHECK(bag_length(b.at, bag_bytes(&b)) == 5 && b.count == 5);
	CHECK(bag_times(b.at, bag_bytes(&b), tag_of("the")) == 2 && bag_times(b.at, bag_bytes(&b), tag_of("dog")) == 1);
	CHECK(bag_times(b.at, bag_bytes(&b), tag_of("cow")) == 0 && bag_times(NULL, 0, tag_of("cow")) == 0);
	CHECK(bag_length(b.at, 3) == 0 && bag_times(b.at, 3, tag_of("the")) == 0);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 2 ? ' ' : 'x';
	CHECK(bag_of(&b, words, text, sizeof(text)) == 0 && bag_length(b.at, bag_bytes(&b)) == sizeof(text) / 2);
	CHECK(bag_times(b.at, bag_bytes(&b), tag_of("x")) == 15 && b.count == 2);
	CHECK(bag_of(&b, words, "", 0) == 0 && b.count == 1 && bag_length(b.at, bag_bytes(&b)) == 0);
}

/* Parts stay in 0..1, whatever is given; each weight takes away what it says. */
static void scores_are_bounded(void) {
	struct score s = { .text = 7, .vector = -1, .recency = 0.0 / 0.0, .trust = 1, .attention = 1 };
	struct score_weights w = { 0.25, 0.5, 0.5, 0.5, 1 };
	score_total(&s, &w, 1);
	CHECK(s.text == 1 && s.vector == 0 && s.recency == 0 && s.relevance == 0.75 && s.total == 0.375);
	s = (struct score){ .text = 0.5, .vector = 1, .recency = 1, .trust = 0, .attention = 0 };
	score_total(&s, &w, 1);
	CHECK(s.relevance == 0.625 && s.total == 0.625 / 4);
	score_total(&s, &w, 0);
	CHECK(s.relevance == 1 && s.total == 0.25);
	CHECK(score_word_weight(1, 1000) > score_word_weight(100, 1000) && score_word_weight(2000, 1000) > 0);
	CHECK(score_word(0, 9, 9) == 0 && score_word(1, 9, 9) < score_word(2, 9, 9) && score_word(1e9, 9, 9) < 1);
	CHECK(score_word(1, 5, 9) > score_word(1, 50, 9) && score_word(1, 0, 0) > 0);
}

int main(void) {
	CHECK(sqlite3_open(":memory:", &sql) == SQLITE_OK && words_register(sql, &words) == 0);
	texts_are_cut();
	words_stay_words();
	a_walk_can_be_ended();
	bags_count();
	scores_are_bounded();
	CHECK(sqlite3_close(sql) == SQLITE_OK);
	return 0;
}
