/* memory.c - see memory.h: opening, following the journal, throwing the index away. */
#include "memory/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "memory/memory_priv.h"
#include "memory/vector.h"

#define BUSY_MS 2000
#define BATCH 512 /* records of one transaction */
#define MERGE 4096 /* records, since the segments of the full text were merged: each word costs a look into each */

/* The name grows when the same text gives another vector; the floor is two deviations of chance; recall_test. */
const struct memory_embedder memory_hashed = { "ngrams-1", VECTOR_DIMS, 0.13, NULL, NULL };

/* ---- the index's file ---- */

static void look(const struct memory *m, const char *path, struct env_file *out) {
	if (m->env->look(m->env, path, out) < 0)
		*out = (struct env_file){ 0 };
}

static bool is_same(const struct env_file *a, const struct env_file *b) {
	return a->device == b->device && a->number == b->number;
}

/* ---- who makes the vectors ---- */

static bool can_be(unsigned dims) {
	return dims >= 32 && dims <= VECTOR_DIMS_MAX && dims % 32 == 0;
}

/* Of one that is known by name only. */
static int not_here(void *user, const char *text, size_t bytes, float *out) {
	(void)user, (void)text, (void)bytes, (void)out;
	return -EAGAIN;
}

/* As it was asked for, and as far as that can be known by what the index has. */
static void choose_embedder(struct memory *m) {
	const struct index_position *at = &m->index.at;
	bool foreign = at->embedder[0] && strcmp(at->embedder, memory_hashed.name) != 0 && can_be(at->dims);
	m->embedder = memory_hashed;
	if (!m->asked.name && foreign) {
		snprintf(m->kept_name, sizeof(m->kept_name), "%s", at->embedder);
		m->embedder = (struct memory_embedder){ m->kept_name, at->dims, 0, not_here, NULL };
	}
	if (m->asked.embed && m->asked.dims == 0 && foreign && strcmp(at->embedder, m->asked.name) == 0)
		m->asked.dims = at->dims;
	if (m->asked.embed && m->asked.dims)
		m->embedder = m->asked;
}

/* Room for vectors of so many numbers. */
static int make_room(struct memory *m) {
	unsigned dims = m->embedder.dims;
	if (m->shelf.dims == dims)
		return 0;
	shelf_clear(&m->shelf);
	free(m->block);
	free(m->floats);
	m->block = malloc((size_t)INDEX_BLOCK * dims);
	m->floats = malloc(dims * sizeof(m->floats[0]));
	if (!m->block || !m->floats)
		return -ENOMEM;
	shelf_init(&m->shelf, dims, m->vector_bytes);
	return 0;
}

/* Vectors of another embedder are of no use: those are made again, the words stay. */
static int adopt_embedder(struct memory *m) {
	struct index_position *at = &m->index.at;
	if (strcmp(at->embedder, m->embedder.name) == 0 && at->dims == m->embedder.dims)
		return 0;
	int rc = index_begin(&m->index);
	if (rc == 0)
		rc = index_run(&m->index, index_query(&m->index, INDEX_BLOCKS_DROP));
	snprintf(at->embedder, sizeof(at->embedder), "%s", m->embedder.name);
	at->dims = m->embedder.dims;
	at->vectors = 1;
	return rc < 0 ? rc : index_commit(&m->index);
}

static int use_embedder(struct memory *m) {
	choose_embedder(m);
	int rc = make_room(m);
	return rc < 0 ? rc : adopt_embedder(m);
}

/* Open the index, in its file or in memory, and have on the shelf what it holds. */
static int start_in(struct memory *m, bool file, bool seeded) {
	index_close(&m->index);
	shelf_clear(&m->shelf);
	m->loose = false;
	int rc = file ? index_open(&m->index, m->env, m->path, m->busy_ms) :
			index_open_private(&m->index, m->env, seeded ? m->path : NULL, m->busy_ms);
	if (rc == 0)
		rc = use_embedder(m);
	if (rc == 0)
		rc = shelf_load(&m->shelf, &m->index, 1);
	if (rc == 0 && file)
		look(m, m->path, &m->index_file);
	return rc;
}

static void let_go(struct memory *m) {
	if (m->lock >= 0)
		m->env->unlock(m->env, m->lock);
	m->lock = -1;
}

static void throw_away(struct memory *m) {
	index_close(&m->index);
	if (m->lock >= 0)
		index_remove(m->env, m->path);
	m->renewed++;
}

/* Where there can be none in a file (another owner, a medium that cannot be written), one in memory will do. */
static int start(struct memory *m, bool seeded) {
	int rc = -EACCES;
	if (m->lock >= 0) {
		rc = start_in(m, true, false);
		if (rc == -EBADMSG) {
			throw_away(m);
			rc = start_in(m, true, false);
		}
	}
	if (rc == 0)
		return 0;
	let_go(m);
	rc = start_in(m, false, seeded);
	return rc == -EBADMSG ? start_in(m, false, false) : rc;
}

int memory_renew(struct memory *m) {
	throw_away(m);
	return start(m, false);
}

int memory_dims(struct memory *m, unsigned dims) {
	if (!m->asked.embed || !can_be(dims))
		return -EINVAL;
	if (m->asked.dims == dims)
		return 0;
	int rc = memory_keep(m); /* it begins anew with what is written down */
	m->asked.dims = dims;
	int started = start(m, true);
	return started < 0 ? started : rc;
}

/* ---- opening ---- */

static int take_options(struct memory *m, const struct memory_options *o) {
	const struct memory_embedder *e = o ? o->embedder : NULL;
	m->lock = -1;
	m->env = o && o->env ? o->env : env_real();
	m->busy_ms = o && o->busy_ms ? o->busy_ms : BUSY_MS;
	m->vector_bytes = o && o->vector_bytes ? o->vector_bytes : MEMORY_VECTOR_BYTES;
	if (!e)
		return 0;
	if (!e->name || strlen(e->name) >= CDM_NAME_MAX || (e != &memory_hashed && !e->embed))
		return -EINVAL;
	if ((e->dims && !can_be(e->dims)) || !(e->floor >= 0 && e->floor < 1))
		return -EINVAL;
	m->asked = *e;
	snprintf(m->asked_name, sizeof(m->asked_name), "%s", e->name);
	m->asked.name = m->asked_name;
	return 0;
}

static int name_files(struct memory *m, const char *journal) {
	char full[PATH_MAX];
	int rc = m->env->full_name(m->env, journal, full);
	if (rc < 0)
		snprintf(full, sizeof(full), "%s", journal);
	int n = snprintf(m->journal, sizeof(m->journal), "%s", full);
	int k = snprintf(m->path, sizeof(m->path), "%s.memory", full);
	int l = snprintf(m->lock_path, sizeof(m->lock_path), "%s.memory.lock", full);
	return n < PATH_MAX && k < PATH_MAX && l < PATH_MAX ? 0 : -E2BIG;
}

static int open_journal(struct memory *m, struct cdm_diag *diag) {
	journal_read_close(&m->reader);
	look(m, m->journal, &m->journal_file);
	return journal_read_open_in(m->env, m->journal, &m->reader, diag);
}

int memory_open(const char *journal, const struct memory_options *o, struct memory **out, struct cdm_diag *diag) {
	long holder;
	struct memory *m = calloc(1, sizeof(*m));
	*out = NULL;
	if (!m)
		return -ENOMEM;
	int rc = take_options(m, o);
	if (rc == 0)
		rc = name_files(m, journal);
	if (rc == 0)
		rc = open_journal(m, diag);
	if (rc == 0) {
		m->lock = m->env->lock(m->env, m->lock_path, &holder);
		rc = start(m, true);
	}
	if (rc < 0)
		memory_close(&m);
	*out = m;
	return rc;
}

/* What cannot be opened would cost us our copy: so it is tried beside it first. */
int memory_claim(struct memory *m) {
	struct index probe;
	long holder;
	if (m->lock >= 0)
		return 0;
	int lock = m->env->lock(m->env, m->lock_path, &holder);
	if (lock < 0)
		return lock == -EAGAIN ? -EBUSY : lock;
	int rc = index_open(&probe, m->env, m->path, m->busy_ms);
	index_close(&probe);
	if (rc < 0 && rc != -EBADMSG) {
		m->env->unlock(m->env, lock);
		return rc;
	}
	m->lock = lock;
	rc = start(m, true); /* what the copy had besides is looked at again */
	return rc == 0 && !m->index.in_file ? -EACCES : rc;
}

bool memory_exists(const char *journal) {
	char path[PATH_MAX];
	struct env_file there;
	const struct env *e = env_real();
	int n = snprintf(path, sizeof(path), "%s.memory", journal);
	return n < PATH_MAX && e->look(e, path, &there) == 0;
}

void memory_close(struct memory **m) {
	struct memory *o = *m;
	if (!o)
		return;
	search_free(&o->search);
	index_close(&o->index);
	shelf_clear(&o->shelf);
	journal_read_close(&o->reader);
	if (o->env)
		let_go(o);
	free(o->changes);
	free(o->block);
	free(o->floats);
	free(o);
	*m = NULL;
}

/* ---- following ---- */

/* Is the last record that is known the one that the journal has there? */
static int compare(void *user, const struct journal_record *r) {
	const struct index_position *at = user;
	return hash_equal(&r->hash, &at->hash);
}

/* 1: it is; 0: the journal is another one, or is back where it was before; -errno: it cannot be read. */
static int is_in_place(struct memory *m) {
	if (m->index.at.upto == 0)
		return 1;
	int rc = journal_one(m->reader, m->index.at.upto, compare, &m->index.at);
	return rc == -ENOENT ? 0 : rc;
}

struct batch {
	struct memory *m;
	unsigned records;
	int rc; /* of the index */
};

static int visit(void *user, const struct journal_record *r) {
	struct batch *b = user;
	b->rc = fill_record(b->m, r);
	b->records += b->rc == 0;
	return b->rc < 0;
}

/* What the batch changed of passages that are on the shelf. */
static void apply_changes(struct memory *m) {
	for (size_t i = 0; i < m->change_count; i++) {
		const struct memory_change *c = &m->changes[i];
		struct shelf_slot *slot = shelf_slot(&m->shelf, c->id);
		if (!slot)
			continue;
		slot->live = c->live;
		if (c->erased)
			shelf_forget(&m->shelf, slot);
	}
	m->change_count = 0;
}

/* Erased words are in no segment of the full text, and there are not too many of these. */
static int merge_words(struct memory *m) {
	m->index.at.wipe = true;
	m->index.gaps = m->index.gaps || m->erased;
	m->unmerged = 0;
	return index_run(&m->index, index_query(&m->index, INDEX_OPTIMIZE));
}

/* In the transaction that is open.  How much was done; -EBADMSG: the index is to be thrown away. */
static int fill_batch(struct memory *m, unsigned limit, bool loosely, int *journal_rc) {
	struct batch b = { .m = m };
	m->change_count = 0;
	m->erased = false;
	int rc = journal_each(m->reader, m->index.at.upto + 1, limit, visit, &b);
	*journal_rc = rc < 0 ? rc : 0;
	int made = b.rc < 0 ? b.rc : fill_vectors(m, limit);
	if (made < 0)
		return made;
	m->unmerged += b.records;
	bool merge = !loosely && b.records < limit && m->unmerged >= MERGE;
	rc = m->erased || merge ? merge_words(m) : 0;
	return rc < 0 ? rc : (int)b.records > made ? (int)b.records : made;
}

static int show_batch(struct memory *m, int64_t vectors) {
	apply_changes(m);
	return shelf_load(&m->shelf, &m->index, vectors);
}

/* The shelf has what the index has not. */
static int take_back(struct memory *m) {
	int rc = index_rollback(&m->index);
	shelf_clear(&m->shelf);
	if (rc == 0)
		rc = shelf_load(&m->shelf, &m->index, 1);
	return rc < 0 ? start(m, true) : 0;
}

/* One batch; `loosely`: in the transaction that is open, if one is, and it stays open, for memory_keep(). */
static int take_batch(struct memory *m, unsigned limit, bool loosely, int *journal_rc) {
	int64_t vectors = m->index.at.vectors;
	bool goes_on = m->loose;
	int rc = goes_on ? 0 : index_begin(&m->index);
	int done = rc < 0 ? rc : fill_batch(m, limit, loosely, journal_rc);
	if (done >= 0 && !loosely)
		rc = index_commit(&m->index);
	if (rc < 0 || done < 0) {
		m->loose = false;
		int back = goes_on ? take_back(m) : index_rollback(&m->index);
		return back < 0 ? back : rc < 0 ? rc : done;
	}
	m->loose = loosely;
	rc = show_batch(m, vectors);
	return rc < 0 ? rc : done;
}

static int follow_batch(struct memory *m, unsigned limit, bool loosely, int *journal_rc) {
	int rc = is_in_place(m);
	if (rc == 0)
		rc = memory_renew(m);
	if (rc < 0) {
		*journal_rc = rc;
		return 0;
	}
	rc = take_batch(m, limit, loosely, journal_rc);
	if (!m->loose)
		index_wipe(&m->index);
	return rc;
}

int memory_keep(struct memory *m) {
	if (!m->loose)
		return 0;
	m->loose = false;
	int rc = index_commit(&m->index);
	int back = rc < 0 ? take_back(m) : 0;
	index_wipe(&m->index);
	rc = back < 0 ? back : rc;
	return rc == -EBADMSG ? -EIO : rc;
}

/* The journal and the index's file may have been replaced under us. */
static int check_files(struct memory *m) {
	struct env_file now;
	int rc = m->env->look(m->env, m->journal, &now);
	if (rc < 0)
		return rc == -ENOENT || rc == -ENOTDIR ? -ENOENT : -EACCES;
	if (!is_same(&now, &m->journal_file) && (rc = open_journal(m, NULL)) < 0)
		return rc;
	look(m, m->path, &now);
	return m->index.in_file && !is_same(&now, &m->index_file) ? start(m, false) : 0;
}

static int follow(struct memory *m, unsigned budget, bool loosely) {
	unsigned done = 0, renewals = 0, step;
	bool goes_on = loosely && !sqlite3_get_autocommit(m->index.sql); /* else an error has ended it */
	int journal_rc = 0, rc = goes_on ? 0 : memory_keep(m);
	if (rc == 0)
		rc = m->reader ? check_files(m) : open_journal(m, NULL);
	if (rc < 0)
		return rc;
	do {
		unsigned left = budget ? budget - done : BATCH;
		step = left < BATCH ? left : BATCH;
		rc = follow_batch(m, step, loosely, &journal_rc);
		if (rc == -EBADMSG && renewals++ == 0) { /* then from the first record again */
			rc = memory_renew(m);
			if (rc == 0)
				rc = follow_batch(m, step, loosely, &journal_rc);
		}
		if (rc < 0 || journal_rc < 0)
			return rc == -EBADMSG ? -EIO : rc < 0 ? rc : journal_rc;
		done += (unsigned)rc;
	} while ((unsigned)rc == step && (budget == 0 || done < budget));
	m->yielded = 0;
	return (int)done;
}

int memory_follow(struct memory *m, unsigned budget) {
	return follow(m, budget, false);
}

int memory_glance(struct memory *m) {
	return follow(m, MEMORY_GLANCE, true);
}

void memory_tidy(struct memory *m) {
	index_tidy(&m->index);
}

/* ---- asking about ---- */

void memory_stats(const struct memory *m, struct memory_stats *out) {
	const struct shelf *s = &m->shelf;
	*out = (struct memory_stats){ .upto = m->index.at.upto,
		.passages = m->index.at.live,
		.vectors_behind = (uint64_t)(m->index.at.next - m->index.at.vectors),
		.in_memory = s->held * (s->dims + s->dims / 8 + sizeof(s->slots[0])),
		.renewed = m->renewed,
		.in_file = m->index.in_file,
		.wipe_due = m->index.at.wipe };
	snprintf(out->embedder, sizeof(out->embedder), "%s", m->embedder.name ? m->embedder.name : "");
}
