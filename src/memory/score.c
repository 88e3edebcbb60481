/* score.c - see score.h. */
#include "memory/score.h"

#include <math.h>

#define K1 1.2
#define B 0.75

const struct score_weights score_weights_default = { 0.35, 0.3, 0.5, 0.5, INT64_C(30) * 86400 * 1000000000 };

/* What is no number is 0. */
static double inside(double x) {
	return x > 0 ? x < 1 ? x : 1 : 0;
}

static double factor(double weight, double x) {
	weight = inside(weight);
	return 1 - weight + weight * x;
}

void score_total(struct score *s, const struct score_weights *w, int asked) {
	double vector = inside(w->vector);
	s->text = inside(s->text);
	s->vector = inside(s->vector);
	s->recency = inside(s->recency);
	s->trust = inside(s->trust);
	s->attention = inside(s->attention);
	s->relevance = asked ? (1 - vector) * s->text + vector * s->vector : 1;
	s->total = s->relevance * factor(w->recency, s->recency) * factor(w->trust, s->trust) *
			factor(w->attention, s->attention);
}

double score_word_weight(double with, double of) {
	double rest = of > with ? of - with : 0;
	return log(1 + (rest + 0.5) / (with + 0.5));
}

double score_word(double times, double length, double average_length) {
	double norm = average_length > 0 ? length / average_length : 1;
	return times > 0 ? times / (times + K1 * (1 - B + B * norm)) : 0;
}
