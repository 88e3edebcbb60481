/*
 * score.h - how well something that was told answers a question: one number in 0..1, and what it is made of.
 *
 *	relevance = (1 - vector weight) * text + vector weight * vector
 *	score     = relevance * f(recency) * f(trust) * f(attention),    f(x) = 1 - w + w * x
 *
 * Each of the three can take away its weight w at most, so that what is old, or little trusted, is placed behind what
 * is not, and is still found where nothing else answers.  All parts and weights are in 0..1.
 *
 *	text      BM25 (k1 = 1.2, b = 0.75) of the words in common, divided by what the words of the question could
 *	          give at most, which is the sum of their weights: 1 is never reached
 *	vector    the cosine above the floor of the embedder: (cos - floor) / (1 - floor), 0 below it
 *	recency   2^(-age / half-life)
 *
 * Pure; any thread.
 */
#ifndef MEMORY_SCORE_H
#define MEMORY_SCORE_H

#include <stdint.h>

struct score_weights {
	double vector, recency, trust, attention;
	int64_t half_life_ns;
};

/* 0.35, 0.3, 0.5, 0.5, 30 days. */
extern const struct score_weights score_weights_default;

struct score {
	double total, relevance;
	double text, vector, recency, trust, attention;
};

/*
 * From text, vector, recency, trust and attention, which are brought into 0..1, the two others. `asked`: there was a
 * question.
 */
void score_total(struct score *s, const struct score_weights *w, int asked);

/* What a word that `with` of `of` passages have is worth. */
double score_word_weight(double with, double of);
/* The part of its weight that a word gives which a passage of `length` words has `times` times; 0..1. */
double score_word(double times, double length, double average_length);

#define SCORE_CHANCE 0.1 /* a relevance below that is chance, or words that all use */

#endif
