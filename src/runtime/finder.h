/*
 * finder.h - a thread of core's that owns the memory of the machine (memory/memory.h): it takes in what has become
 * durable, and finds what of all that was ever said a question is about.
 *
 * It sleeps until finder_follow() or finder_ask() wakes it; an answer, and the end of a finder_await(), make
 * finder_fd() readable.  Questions are answered in the order they came, each as soon as the records at hand are in,
 * between two of them where there are many; what they took in is in the file within 50 ms, or is looked at again.
 * While nobody asks, what is new has 50 ms to find company.  Nobody waits for
 * it, so a slow disk, or an index that somebody has locked, makes an answer late and hinders nothing.  While something
 * is wrong it tries again by itself, once a second at first and once a minute at last.
 *
 * The vectors of texts may be made by a model (memory/memory.h), which core asks: finder_fd() says when something is
 * wanted of it, and what it answers wakes the thread.  A question is answered when its vector is there, or by words
 * alone when that took too long.  The next passages that wait are wanted together, so that they are written together.
 *
 * All functions are the control thread's.
 */
#ifndef RUNTIME_FINDER_H
#define RUNTIME_FINDER_H

#include <stdbool.h>
#include "memory/memory.h"
#include "model/wire.h"
#include "runtime/wanted.h"

#define FINDER_QUESTIONS_MAX 4u /* that have been asked, and whose answers were not taken */
#define FINDER_HITS_MAX 16u

struct finder_question {
	uint64_t id; /* the caller's */
	char text[MEMORY_QUESTION_MAX]; /* zero terminated */
	char owner[CDM_NAME_MAX], sees[2][CDM_NAME_MAX]; /* struct claims_asker */
	int64_t vector_ns; /* so long its vector may take; 0: the model has no time for it */
};

struct finder_answer {
	uint64_t id;
	int rc; /* 0, or why there are no hits: what memory_open(), memory_follow() and memory_search() say */
	unsigned count;
	/* The best first; of turns in which the same was said, the best alone. */
	struct memory_hit hits[FINDER_HITS_MAX];
};

struct finder;

/*
 * `path`: the journal's file.  `embedder`: name of a model that makes the vectors (struct memory_embedder), NULL: none
 * does.  -ENOMEM, -errno.
 */
MUST_CHECK int finder_open(struct finder **out, const char *path, const char *embedder);
/* Waits for what it does at this moment.  Accepts NULL; sets *f NULL. */
void finder_close(struct finder **f);
int finder_fd(const struct finder *f);
/* The journal's file has more than before. */
void finder_follow(struct finder *f);
/* -EBUSY: so many have been asked already. */
MUST_CHECK int finder_ask(struct finder *f, const struct finder_question *q);
/* The next answer, borrowed until finder_taken(); NULL: none. */
const struct finder_answer *finder_answer(struct finder *f);
void finder_taken(struct finder *f);
/*
 * Has it taken in the journal up to there, and is nothing that was erased left in the index's file?  0; -EAGAIN: not
 * yet, and finder_fd() will say when this is worth another look; else why it does not get there for now.
 */
MUST_CHECK int finder_await(struct finder *f, uint64_t seq);
/* That model is there, and its vectors have so many numbers; 0: it is not, and what it was asked is asked again. */
void finder_model(struct finder *f, unsigned dims);
/* The next text whose vector is wanted, of questions alone where not `any`, and until finder_made() no other. */
bool finder_wants(struct finder *f, bool any, struct wanted_text *out);
/* As wanted_hurries(). */
bool finder_hurries(struct finder *f);
/* As wanted_made() takes it. */
void finder_made(struct finder *f, int rc, const struct wire_floats *v);
/* What was wrong when it last did something; 0: nothing. */
int finder_trouble(struct finder *f);

#endif
