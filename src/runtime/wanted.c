/* wanted.c - see wanted.h. */
#include "runtime/wanted.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "memory/memory.h"
#include "runtime/finder.h"

/* Those that one pass finds made, those that it wants next, and the questions. */
#define PLACES (2 * MEMORY_AHEAD + FINDER_QUESTIONS_MAX)

enum step { FREE, WAITING, ASKED, MADE };

struct place {
	enum step step;
	uint64_t id;     /* of a question; 0: a passage */
	uint64_t order;  /* first come, first asked */
	uint64_t pass;   /* the newest one that asked for it */
	bool dropped;    /* while the model is asked: its answer is for nobody */
	bool taken;      /* by the pass */
	int rc;          /* MADE */
	struct wanted_text of;
	float vector[CDM_EMBED_DIMS_MAX];
};

struct wanted {
	pthread_mutex_t lock;
	unsigned dims;
	bool there;
	uint64_t order, pass;
	struct place places[PLACES];
};

int wanted_create(struct wanted **out) {
	struct wanted *w = *out = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	return 0;
}

void wanted_destroy(struct wanted **w) {
	if (*w)
		pthread_mutex_destroy(&(*w)->lock);
	free(*w);
	*w = NULL;
}

/* ---- places; under the lock ---- */

/* Nothing of the text stays: it may have been erased. */
static void let_go(const struct wanted *w, struct place *p) {
	if (p->step == FREE)
		return;
	if (p->step == ASKED) {
		p->dropped = true;
		return;
	}
	memset(p->of.text, 0, p->of.bytes);
	memset(p->vector, 0, w->dims * sizeof(p->vector[0]));
	p->step = FREE;
	p->dropped = p->taken = false;
	p->id = p->pass = 0;
}

static struct place *find_step(struct wanted *w, enum step s) {
	for (unsigned i = 0; i < PLACES; i++)
		if (w->places[i].step == s)
			return &w->places[i];
	return NULL;
}

static struct place *find_id(struct wanted *w, uint64_t id) {
	for (unsigned i = 0; i < PLACES; i++)
		if (w->places[i].step != FREE && w->places[i].id == id && !w->places[i].dropped)
			return &w->places[i];
	return NULL;
}

static bool says(const struct place *p, const char *text, size_t bytes) {
	return p->step != FREE && !p->dropped && p->of.bytes == bytes && memcmp(p->of.text, text, bytes) == 0;
}

/* One that is made, or else any. */
static struct place *find_text(struct wanted *w, const char *text, size_t bytes) {
	struct place *found = NULL;
	for (unsigned i = 0; i < PLACES && !(found && found->step == MADE); i++)
		if (says(&w->places[i], text, bytes))
			found = &w->places[i];
	return found;
}

static struct place *add(struct wanted *w, uint64_t id, const char *text, size_t bytes) {
	struct place *p = w->there && bytes > 0 && bytes <= WIRE_TEXT_MAX ? find_step(w, FREE) : NULL;
	if (!p)
		return NULL;
	p->step = WAITING;
	p->id = id;
	p->order = ++w->order;
	p->of.bytes = bytes;
	memcpy(p->of.text, text, bytes);
	return p;
}

/* The question that came first, else the passage that did. */
static struct place *first(struct wanted *w, bool any) {
	struct place *best = NULL;
	for (unsigned i = 0; i < PLACES; i++) {
		struct place *p = &w->places[i];
		if (p->step != WAITING || !(p->id || any))
			continue;
		if (!best || (p->id && !best->id) || (!p->id == !best->id && p->order < best->order))
			best = p;
	}
	return best;
}

/* ---- who asks the model ---- */

static void ask_again(const struct wanted *w, struct place *p) {
	bool dropped = p->dropped;
	p->step = WAITING;
	p->dropped = false;
	if (dropped)
		let_go(w, p);
}

void wanted_model(struct wanted *w, unsigned dims) {
	pthread_mutex_lock(&w->lock);
	struct place *asked = find_step(w, ASKED);
	if (asked)
		ask_again(w, asked);
	for (unsigned i = 0; i < PLACES && dims && dims != w->dims; i++)
		let_go(w, &w->places[i]);
	w->there = dims != 0;
	w->dims = dims ? dims : w->dims;
	pthread_mutex_unlock(&w->lock);
}

bool wanted_put(struct wanted *w, uint64_t id, const char *text, size_t bytes) {
	pthread_mutex_lock(&w->lock);
	bool put = add(w, id, text, bytes) != NULL;
	pthread_mutex_unlock(&w->lock);
	return put;
}

bool wanted_next(struct wanted *w, bool any, struct wanted_text *out) {
	pthread_mutex_lock(&w->lock);
	CHECK(!find_step(w, ASKED));
	struct place *p = first(w, any);
	if (p) {
		p->step = ASKED;
		*out = p->of;
	}
	pthread_mutex_unlock(&w->lock);
	return p != NULL;
}

bool wanted_hurries(struct wanted *w) {
	pthread_mutex_lock(&w->lock);
	const struct place *asked = find_step(w, ASKED);
	bool hurries = first(w, false) && asked && (!asked->id || asked->dropped);
	pthread_mutex_unlock(&w->lock);
	return hurries;
}

/* Of a model that breaks its word about how many numbers there are, no vector is taken. */
static void take(struct wanted *w, struct place *p, int rc, const struct wire_floats *v) {
	if (rc == 0 && v->count != w->dims)
		rc = -EPROTO;
	for (unsigned i = 0; i < w->dims && rc == 0; i++)
		p->vector[i] = wire_float(v, i);
	p->rc = rc;
	p->step = MADE;
}

bool wanted_made(struct wanted *w, int rc, const struct wire_floats *v) {
	pthread_mutex_lock(&w->lock);
	struct place *p = find_step(w, ASKED);
	bool news = false;
	if (p && (rc == -EAGAIN || p->dropped)) {
		ask_again(w, p);
	} else if (p) {
		take(w, p, rc, v);
		news = p->id != 0;
	}
	news = news || (find_step(w, MADE) && !first(w, true));
	pthread_mutex_unlock(&w->lock);
	return news;
}

/* ---- who wants them ---- */

unsigned wanted_dims(struct wanted *w) {
	pthread_mutex_lock(&w->lock);
	unsigned dims = w->dims;
	pthread_mutex_unlock(&w->lock);
	return dims;
}

void wanted_pass(struct wanted *w) {
	pthread_mutex_lock(&w->lock);
	for (unsigned i = 0; i < PLACES; i++) {
		struct place *p = &w->places[i];
		if (p->id == 0 && (p->taken || p->pass != w->pass))
			let_go(w, p);
	}
	w->pass++;
	pthread_mutex_unlock(&w->lock);
}

int wanted_get(struct wanted *w, const char *text, size_t bytes, bool want, float *out, unsigned dims) {
	pthread_mutex_lock(&w->lock);
	struct place *p = find_text(w, text, bytes);
	if (!p && want)
		p = add(w, 0, text, bytes);
	if (p)
		p->pass = w->pass;
	int rc = p && p->step == MADE ? p->rc : -EAGAIN;
	if (rc == 0)
		for (unsigned i = 0; i < dims; i++)
			out[i] = i < w->dims ? p->vector[i] : 0;
	if (p && p->step == MADE)
		p->taken = true;
	pthread_mutex_unlock(&w->lock);
	return rc;
}

bool wanted_any(struct wanted *w) {
	pthread_mutex_lock(&w->lock);
	bool any = w->there && first(w, true);
	pthread_mutex_unlock(&w->lock);
	return any;
}

bool wanted_comes(struct wanted *w, uint64_t id) {
	pthread_mutex_lock(&w->lock);
	struct place *p = w->there ? find_id(w, id) : NULL;
	bool comes = p && p->step != MADE;
	pthread_mutex_unlock(&w->lock);
	return comes;
}

void wanted_drop(struct wanted *w, uint64_t id) {
	pthread_mutex_lock(&w->lock);
	struct place *p = find_id(w, id);
	if (p)
		let_go(w, p);
	pthread_mutex_unlock(&w->lock);
}
