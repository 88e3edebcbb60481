/* env_sim_vfs.c - the disk of a world as SQLite's VFS: files, their locks, and the shared index of a WAL. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "env/env_sim_priv.h"

static struct handle *handle_of(sqlite3_file *f) {
	return (struct handle *)f;
}

static struct env_sim *world_of(const struct handle *h) {
	return h->process->world;
}

/* Nobody can read by this index: its header stands there twice, of 48 bytes, with one that says that it is made. */
static bool is_half_made(const struct index *x) {
	const uint8_t *header = x->pages[0];
	return !header || !header[12] || memcmp(header, header + 48, 48) != 0;
}

/*
 * Who makes the index anew, with SQLite's lock 0 (to write), and 2 (to recover), is not interrupted: others would wait
 * for ten seconds and then give up.
 */
static bool makes_index(const struct handle *h) {
	return h->index && (h->exclusive & 4 || (h->exclusive & 1 && is_half_made(h->index)));
}

static bool visit(struct handle *h) {
	return makes_index(h) ? !h->process->dead : sim_visit(h->process);
}

/* ---- reading and writing ---- */

static int sim_read(sqlite3_file *f, void *out, int count, sqlite3_int64 at) {
	struct handle *h = handle_of(f);
	const struct image *m = &h->node->now;
	size_t want = (size_t)count;
	if (!h->temporary && (!visit(h) || sim_is_on(world_of(h), ENV_SIM_UNREADABLE))) {
		errno = EIO;
		return SQLITE_IOERR_READ;
	}
	size_t there = (size_t)at < m->size ? m->size - (size_t)at : 0, n = there < want ? there : want;
	if (n > 0)
		memcpy(out, m->bytes + at, n);
	if (n == want)
		return SQLITE_OK;
	memset((uint8_t *)out + n, 0, want - n);
	return SQLITE_IOERR_SHORT_READ;
}

static enum verdict operate(struct handle *h, enum operation o) {
	CHECK(!h->read_only);
	return h->temporary ? SIM_DONE : sim_operation(h->process, o);
}

static void trace(struct handle *h, uint64_t what, uint64_t at, const void *bytes, size_t count) {
	sim_trace_number(world_of(h), what << 56 | h->node->number << 40 | at);
	sim_trace(world_of(h), bytes, count);
}

static int sim_do_write(sqlite3_file *f, const void *bytes, int count, sqlite3_int64 at) {
	struct handle *h = handle_of(f);
	size_t n = (size_t)count;
	switch (operate(h, SIM_WRITE)) {
	case SIM_DIED: /* in the middle of it */
		n = sim_dice(world_of(h)) % (n + 1);
		sim_write(h->node, bytes, n, (size_t)at);
		return SQLITE_IOERR_WRITE;
	case SIM_DONE:
		trace(h, 1, (uint64_t)at, bytes, n);
		sim_write(h->node, bytes, n, (size_t)at);
		return SQLITE_OK;
	case SIM_NO_SPACE:
		return SQLITE_FULL;
	default:
		return SQLITE_IOERR_WRITE;
	}
}

static int sim_truncate(sqlite3_file *f, sqlite3_int64 size) {
	struct handle *h = handle_of(f);
	if (operate(h, SIM_OTHER) != SIM_DONE)
		return SQLITE_IOERR_TRUNCATE;
	trace(h, 2, (uint64_t)size, NULL, 0);
	sim_cut(h->node, (size_t)size);
	return SQLITE_OK;
}

/* As SQLite's own does, the first sync of a new file syncs its folder, too. */
static int sim_do_sync(sqlite3_file *f, int flags) {
	struct handle *h = handle_of(f);
	struct env_sim *w = world_of(h);
	(void)flags;
	enum verdict v = operate(h, SIM_SYNC);
	trace(h, 3, v, NULL, 0);
	if (v == SIM_DONE) {
		sim_sync(h->node);
		sim_sync_names(w);
		return SQLITE_OK;
	}
	if (v == SIM_LIED) {
		h->node->lied = h->node->lied || h->node->change_count > 0;
		w->names_lied = w->names_lied || w->rename_count > 0;
		return SQLITE_OK;
	}
	if (v == SIM_FORGOTTEN) {
		w->has_lied = w->has_lied || h->node->lied;
		sim_let_some_arrive(w, h->node, 4);
	}
	return SQLITE_IOERR_FSYNC;
}

static int sim_size(sqlite3_file *f, sqlite3_int64 *out) {
	*out = (sqlite3_int64)handle_of(f)->node->now.size;
	return visit(handle_of(f)) ? SQLITE_OK : SQLITE_IOERR_FSTAT;
}

/* ---- locks of a file ---- */

/* Has another a lock of this level or a higher one? */
static bool others_hold(const struct handle *me, int level) {
	for (const struct handle *h = world_of(me)->handles; h; h = h->next)
		if (h != me && h->node == me->node && h->level >= level)
			return true;
	return false;
}

/* As with a real file, who may only read it cannot lock others out, and so makes no checkpoint when it closes. */
static int lock_exclusively(struct handle *h) {
	if (h->read_only)
		return SQLITE_IOERR_LOCK;
	if (others_hold(h, SQLITE_LOCK_RESERVED))
		return SQLITE_BUSY;
	h->level = SQLITE_LOCK_PENDING; /* no more readers; those that are there may finish */
	if (others_hold(h, SQLITE_LOCK_SHARED))
		return SQLITE_BUSY;
	h->level = SQLITE_LOCK_EXCLUSIVE;
	return SQLITE_OK;
}

static int sim_file_lock(sqlite3_file *f, int level) {
	struct handle *h = handle_of(f);
	if (!visit(h))
		return SQLITE_IOERR_LOCK;
	if (h->level >= level)
		return SQLITE_OK;
	if (level == SQLITE_LOCK_EXCLUSIVE)
		return lock_exclusively(h);
	int rival = level == SQLITE_LOCK_SHARED ? SQLITE_LOCK_PENDING : SQLITE_LOCK_RESERVED;
	if (others_hold(h, rival))
		return SQLITE_BUSY;
	h->level = level;
	return SQLITE_OK;
}

static int sim_file_unlock(sqlite3_file *f, int level) {
	struct handle *h = handle_of(f);
	if (!h->dead && h->level > level)
		h->level = level;
	return SQLITE_OK;
}

static int sim_reserved(sqlite3_file *f, int *out) {
	*out = handle_of(f)->level >= SQLITE_LOCK_RESERVED || others_hold(handle_of(f), SQLITE_LOCK_RESERVED);
	return SQLITE_OK;
}

static int sim_control(sqlite3_file *f, int op, void *arg) {
	(void)f, (void)op, (void)arg;
	return SQLITE_NOTFOUND;
}

static int sim_sector(sqlite3_file *f) {
	(void)f;
	return SIM_SECTOR;
}

/* As on real disks: a write changes no byte beside it, and no more is promised. */
static int sim_traits(sqlite3_file *f) {
	(void)f;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* ---- the index of a WAL ---- */

static void index_free_saved(struct index *x) {
	for (size_t i = 0; i < SIM_INDEX_PAGES; i++) {
		free(x->saved[i]);
		x->saved[i] = NULL;
	}
}

static void index_leave(struct handle *h) {
	struct index *x = h->index;
	h->index = NULL;
	if (!x || --x->handles > 0)
		return;
	if (h->node->index == x)
		h->node->index = NULL;
	index_free_saved(x);
	for (size_t i = 0; i < SIM_INDEX_PAGES; i++)
		free(x->pages[i]);
	free(x);
}

void sim_index_restore(struct index *x) {
	for (size_t i = 0; i < SIM_INDEX_PAGES; i++)
		if (x->saved[i])
			memcpy(x->pages[i], x->saved[i], SIM_INDEX_BYTES);
	index_free_saved(x);
}

static bool has_living_user(const struct env_sim *w, const struct index *x) {
	for (const struct handle *h = w->handles; h; h = h->next)
		if (h->index == x && !h->dead)
			return true;
	return false;
}

void sim_handle_die(struct env_sim *w, struct handle *h) {
	struct index *x = h->index;
	h->dead = true;
	h->level = SQLITE_LOCK_NONE;
	h->shared = h->exclusive = 0;
	if (!x || h->node->index != x)
		return;
	if (!has_living_user(w, x)) { /* the next one begins with an empty one */
		h->node->index = NULL;
		return;
	}
	for (size_t i = 0; i < SIM_INDEX_PAGES; i++) {
		if (!x->pages[i] || x->saved[i])
			continue;
		x->saved[i] = sim_new(SIM_INDEX_BYTES);
		memcpy(x->saved[i], x->pages[i], SIM_INDEX_BYTES);
	}
}

static struct index *index_of(struct handle *h) {
	if (h->index)
		return h->index;
	if (!h->node->index)
		h->node->index = sim_new(sizeof(struct index));
	h->index = h->node->index;
	h->index->handles++;
	return h->index;
}

static int sim_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out) {
	struct handle *h = handle_of(f);
	*out = NULL;
	if (!visit(h))
		return SQLITE_IOERR_SHMMAP;
	struct index *x = index_of(h);
	CHECK(size == SIM_INDEX_BYTES && page < SIM_INDEX_PAGES);
	if (!x->pages[page] && extend) {
		if (page > 0 && sim_is_on(world_of(h), ENV_SIM_INDEX)) {
			errno = ENOSPC;
			return SQLITE_IOERR_SHMSIZE;
		}
		x->pages[page] = sim_new(SIM_INDEX_BYTES);
	}
	*out = x->pages[page];
	return SQLITE_OK;
}

static int sim_shm_lock(sqlite3_file *f, int at, int count, int flags) {
	struct handle *h = handle_of(f);
	uint32_t mask = ((1u << count) - 1) << at;
	if (flags & SQLITE_SHM_UNLOCK) {
		h->shared &= ~mask;
		h->exclusive &= ~mask;
		return SQLITE_OK;
	}
	if (!visit(h))
		return SQLITE_IOERR_SHMLOCK;
	bool exclusive = flags & SQLITE_SHM_EXCLUSIVE;
	for (const struct handle *o = world_of(h)->handles; o; o = o->next) {
		uint32_t taken = o->exclusive | (exclusive ? o->shared : 0);
		if (o != h && o->index == h->index && taken & mask)
			return SQLITE_BUSY;
	}
	if (exclusive)
		h->exclusive |= mask;
	else
		h->shared |= mask;
	return SQLITE_OK;
}

/* Nobody runs meanwhile: who waits for one that has written half of a header gives up, after ten seconds. */
static void sim_shm_barrier(sqlite3_file *f) {
	(void)f;
}

static int sim_shm_unmap(sqlite3_file *f, int delete) {
	struct handle *h = handle_of(f);
	(void)delete; /* who comes first finds an empty one either way */
	h->shared = h->exclusive = 0;
	index_leave(h);
	return SQLITE_OK;
}

/* ---- files ---- */

static int sim_close(sqlite3_file *f) {
	struct handle *h = handle_of(f);
	struct env_sim *w = world_of(h);
	struct handle **at = &w->handles;
	index_leave(h);
	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	h->process->handles--;
	h->node->handles--;
	sim_sweep(w);
	return SQLITE_OK;
}

static const sqlite3_io_methods methods = { 2, sim_close, sim_read, sim_do_write, sim_truncate, sim_do_sync, sim_size,
	sim_file_lock, sim_file_unlock, sim_reserved, sim_control, sim_sector, sim_traits, sim_shm_map, sim_shm_lock,
	sim_shm_barrier, sim_shm_unmap, NULL, NULL };

/* The node to open, or why not. */
static int find_or_make(struct process *p, const char *path, int flags, struct node **out) {
	struct name *n = path ? sim_name(p->world, path) : NULL;
	*out = n ? n->now : NULL;
	if (n)
		return SQLITE_OK;
	if (!(flags & SQLITE_OPEN_CREATE)) {
		errno = ENOENT;
		return SQLITE_CANTOPEN;
	}
	if (path && sim_operation(p, SIM_WRITE) != SIM_DONE)
		return SQLITE_CANTOPEN;
	*out = sim_node_make(p->world, path);
	return SQLITE_OK;
}

static int sim_open(sqlite3_vfs *v, const char *path, sqlite3_file *out, int flags, int *out_flags) {
	struct process *p = v->pAppData;
	struct handle *h = handle_of(out);
	*h = (struct handle){ .process = p, .temporary = !path, .read_only = flags & SQLITE_OPEN_READONLY };
	int rc = sim_visit(p) ? find_or_make(p, path, flags, &h->node) : SQLITE_CANTOPEN;
	if (rc != SQLITE_OK)
		return rc;
	h->base.pMethods = &methods;
	h->node->handles++;
	h->next = p->world->handles;
	p->world->handles = h;
	p->handles++;
	if (out_flags)
		*out_flags = flags;
	return SQLITE_OK;
}

static int sim_delete(sqlite3_vfs *v, const char *path, int sync) {
	struct process *p = v->pAppData;
	if (sim_operation(p, SIM_OTHER) != SIM_DONE)
		return SQLITE_IOERR_DELETE;
	struct name *n = sim_name(p->world, path);
	if (!n)
		return SQLITE_IOERR_DELETE_NOENT;
	sim_unlink(p->world, n);
	if (sync)
		sim_sync_names(p->world);
	return SQLITE_OK;
}

/* SQLite's own says of an empty file that there is none. */
static int sim_access(sqlite3_vfs *v, const char *path, int flags, int *out) {
	struct process *p = v->pAppData;
	*out = 0;
	if (!sim_visit(p))
		return SQLITE_IOERR_ACCESS;
	struct name *n = sim_name(p->world, path);
	*out = n && (flags != SQLITE_ACCESS_EXISTS || n->now->now.size > 0);
	return SQLITE_OK;
}

static int sim_full_path(sqlite3_vfs *v, const char *path, int room, char *out) {
	(void)v;
	return snprintf(out, (size_t)room, "%s", path) < SIM_PATH ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int sim_randomness(sqlite3_vfs *v, int count, char *out) {
	const struct process *p = v->pAppData;
	p->env.random(&p->env, out, (size_t)count);
	return count;
}

static int sim_sleep(sqlite3_vfs *v, int us) {
	struct process *p = v->pAppData;
	env_sim_advance(p->world, us * INT64_C(1000));
	return us;
}

/* Milliseconds since noon of the day that astronomers count from. */
static int sim_now(sqlite3_vfs *v, sqlite3_int64 *out) {
	const struct process *p = v->pAppData;
	*out = INT64_C(210866760000000) + p->env.wall(&p->env).ns / 1000000;
	return SQLITE_OK;
}

static int sim_now_in_days(sqlite3_vfs *v, double *out) {
	sqlite3_int64 ms;
	int rc = sim_now(v, &ms);
	*out = (double)ms / 86400000.0;
	return rc;
}

static int sim_last_error(sqlite3_vfs *v, int room, char *out) {
	(void)v, (void)room, (void)out;
	return errno;
}

void sim_vfs_init(struct process *p) {
	p->vfs = (sqlite3_vfs){ .iVersion = 2, .szOsFile = sizeof(struct handle), .mxPathname = SIM_PATH,
		.zName = p->disk, .pAppData = p, .xOpen = sim_open, .xDelete = sim_delete, .xAccess = sim_access,
		.xFullPathname = sim_full_path, .xRandomness = sim_randomness, .xSleep = sim_sleep,
		.xCurrentTime = sim_now_in_days, .xGetLastError = sim_last_error, .xCurrentTimeInt64 = sim_now };
	CHECK(sqlite3_vfs_register(&p->vfs, 0) == SQLITE_OK);
}
