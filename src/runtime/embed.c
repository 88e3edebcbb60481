/*
 * embed.c - the model that makes the memory's vectors: which one it is, and when it is asked.
 *
 * It is the language model with the option `embeds`.  While it is loaded and has nothing else to do, it is asked for
 * one vector after the other of those that the finder wants: of a question while no answer is made, of passages while
 * no turn is in the works.  Whatever comes cancels what it computes, which it hears within some milliseconds, so nobody
 * waits for a vector.
 *
 * One that dies of it again and again is not asked any more in this life of core.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/err.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/log.h"
#include "base/utf8.h"
#include "runtime/core_priv.h"

#define DEATHS_MAX 3u /* while it makes a vector, in a row */
#define PIECE 65536 /* of a model's file, at its begin, in its middle and at its end */

/* ---- which model ---- */

static uint16_t find_entity(const struct core *c) {
	for (uint16_t e = 0; e < c->plan->entities.count; e++) {
		const char *embeds = plan_find_option(c->plan, e, "embeds");
		if (embeds && strcmp(embeds, "true") == 0 && models_process(c, e) != PLAN_NONE)
			return e;
	}
	return PLAN_NONE;
}

/* A large file is known by its size and three pieces: other weights differ everywhere. */
static void add_file(struct hash_pieces *h, const char *path) {
	static uint8_t piece[PIECE];
	struct stat st;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0 || fstat(fd, &st) < 0)
		st.st_size = 0;
	hash_add(h, &st.st_size, sizeof(st.st_size));
	const off_t at[] = { 0, st.st_size / 2, st.st_size > PIECE ? st.st_size - PIECE : 0 };
	for (unsigned i = 0; i < COUNT_OF(at) && st.st_size > 0; i++) {
		ssize_t n = pread(fd, piece, sizeof(piece), at[i]);
		if (n > 0)
			hash_add(h, piece, (size_t)n);
	}
	io_close(&fd);
}

/* So that vectors of other weights under the same name are another embedder's. */
static void make_name(const struct core *c, char out[CDM_NAME_MAX]) {
	char text[HASH_TEXT_MAX];
	struct hash_pieces h;
	hash_begin(&h);
	add_file(&h, plan_find_option(c->plan, c->embed.entity, "file"));
	struct hash of = hash_end(&h);
	snprintf(out, CDM_NAME_MAX, "%.40s.%s", core_entity_name(c, c->embed.entity), hash_text(&of, 16, text));
}

void embed_open(struct core *c) {
	c->embed.entity = find_entity(c);
	if (c->embed.entity != PLAN_NONE)
		make_name(c, c->embed.name);
}

const char *embed_name(const struct core *c) {
	return c->embed.name[0] ? c->embed.name : NULL;
}

static struct model_slot *slot(struct core *c) {
	return c->embed.entity == PLAN_NONE ? NULL : &c->models[models_process(c, c->embed.entity)];
}

/* ---- when it is asked ---- */

static bool is_there(struct core *c, const struct model_slot *m) {
	return c->remind.finder && m && m->step == MODEL_READY && m->dims && !c->embed.given_up;
}

bool embed_is_free(struct core *c) {
	const struct model_slot *m = slot(c);
	return is_there(c, m) && !m->request;
}

/* What has no vector for a reason of its own is passed over; of what could not be said now it is tried again. */
static int ask(struct model_slot *m, const struct wanted_text *t) {
	if (!utf8_valid(t->text, t->bytes))
		return -EILSEQ;
	int rc = model_client_embed(&m->client, t->text, t->bytes, &m->embedding);
	return rc == -EPIPE ? -EAGAIN : rc;
}

void embed_pump(struct core *c) {
	static struct wanted_text t;
	struct model_slot *m = slot(c);
	if (!embed_is_free(c))
		return;
	if (m->embedding) {
		if (finder_hurries(c->remind.finder))
			embed_cancel(c, m);
		return;
	}
	int rc = -EILSEQ;
	while (rc < 0 && rc != -EAGAIN && finder_wants(c->remind.finder, !c->current, &t)) {
		rc = ask(m, &t);
		c->embed.cancelled = false;
		if (rc < 0)
			finder_made(c->remind.finder, rc, NULL);
	}
}

/* It need not be asked twice; one that does not even read is found out by whoever waits for an answer. */
void embed_cancel(struct core *c, struct model_slot *m) {
	if (m->embedding && !c->embed.cancelled)
		c->embed.cancelled = model_client_cancel(&m->client, m->embedding) == 0;
}

/* ---- what becomes of it ---- */

/* Can it be asked at all?  A file that was replaced since core began would make vectors of another kind. */
static const char *why_not(const struct core *c, const struct model_slot *m) {
	char name[CDM_NAME_MAX];
	make_name(c, name);
	if (strcmp(name, c->embed.name) != 0)
		return "has another file than when core started, and makes vectors when that starts again";
	return m->dims == 0 || m->dims > CDM_EMBED_DIMS_MAX ? "makes no vectors, though the plan says so" : NULL;
}

void embed_loaded(struct core *c) {
	struct model_slot *m = slot(c);
	const char *why = m && m->loaded ? why_not(c, m) : NULL;
	if (why) {
		log_warn("%s %s", core_entity_name(c, c->embed.entity), why);
		m->dims = 0;
	}
	if (is_there(c, m))
		finder_model(c->remind.finder, m->dims);
	embed_pump(c);
}

/* Its process is gone, or its channel. */
void embed_lost(struct core *c, struct model_slot *m) {
	if (!m || slot(c) != m || !c->remind.finder)
		return;
	bool died_of_it = m->embedding && m->step == MODEL_READY;
	m->embedding = 0;
	if (died_of_it && ++c->embed.deaths >= DEATHS_MAX) {
		log_error("%s dies of making vectors; it is not asked for any more",
				core_entity_name(c, c->embed.entity));
		c->embed.given_up = true;
	}
	finder_model(c->remind.finder, 0);
}

/* An answer, or the reason why there is none. */
void embed_heard(struct core *c, struct model_slot *m, const struct model_event *e) {
	bool made = e->kind == MODEL_EMBEDDING, later = !made && (e->code == -ECANCELED || e->code == -EBUSY);
	m->embedding = 0;
	c->embed.deaths = 0;
	finder_made(c->remind.finder, made ? 0 : later ? -EAGAIN : e->code, &e->vector);
	if (made || e->code != -EBUSY) /* then whatever it is busy with will end */
		embed_pump(c);
}
