/* env_sim.c - see env_sim.h: time, processes, and what goes wrong when. */
#include "env/env_sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "env/env_sim_priv.h"

static struct process *process_of(const struct env *e) {
	return (struct process *)(uintptr_t)e; /* its first member; the world is not const, its table is */
}

/* ---- dice and trace ---- */

/* splitmix64 */
uint64_t sim_dice(struct env_sim *w) {
	uint64_t z = w->dice += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void sim_trace_number(struct env_sim *w, uint64_t n) {
	w->trace = (w->trace ^ n) * UINT64_C(0x9fb21c651e98df25);
	w->trace ^= w->trace >> 29;
}

void sim_trace(struct env_sim *w, const void *bytes, size_t count) {
	const uint8_t *at = bytes;
	for (; count >= 8; at += 8, count -= 8) {
		uint64_t eight;
		memcpy(&eight, at, 8);
		sim_trace_number(w, eight);
	}
	for (; count > 0; at++, count--)
		sim_trace_number(w, *at);
}

static void sim_random(const struct env *e, void *out, size_t bytes) {
	for (size_t n = 0; n < bytes; n++)
		((uint8_t *)out)[n] = (uint8_t)(sim_dice(process_of(e)->world) >> 32);
}

/* ---- time ---- */

enum { LOOK_NS = 4000 /* at most, for one look at a clock */ };

static struct cdm_mono sim_mono(const struct env *e) {
	struct env_sim *w = process_of(e)->world;
	w->mono_ns += (int64_t)(sim_dice(w) % LOOK_NS);
	return (struct cdm_mono){ w->mono_ns };
}

static struct cdm_wall sim_wall(const struct env *e) {
	return (struct cdm_wall){ sim_mono(e).ns + process_of(e)->world->calendar_ns };
}

void env_sim_advance(struct env_sim *w, int64_t ns) {
	w->mono_ns += ns;
}

void env_sim_set_calendar(struct env_sim *w, int64_t by_ns) {
	w->calendar_ns += by_ns;
}

/* ---- what goes wrong ---- */

void env_sim_plan(struct env_sim *w, enum env_sim_fault fault, uint64_t in, uint64_t length) {
	uint64_t from = w->operations + in;
	CHECK(in > 0 && w->plan_count < SIM_PLANS);
	w->plans[w->plan_count++] = (struct plan){ fault, from, from + length };
}

void env_sim_unplan(struct env_sim *w) {
	w->plan_count = 0;
}

static bool concerns(enum env_sim_fault fault, enum operation o) {
	switch (fault) {
	case ENV_SIM_FULL:
		return o == SIM_WRITE;
	case ENV_SIM_FORGET:
	case ENV_SIM_LIE:
		return o == SIM_SYNC;
	case ENV_SIM_UNREADABLE:
	case ENV_SIM_INDEX:
		return false;
	default:
		return true;
	}
}

/* The fault that is due; -1: none.  What is over is forgotten. */
static int due_fault(struct env_sim *w, enum operation o) {
	int due = -1;
	for (unsigned i = 0; i < w->plan_count;) {
		struct plan *p = &w->plans[i];
		if (w->operations >= p->until) {
			*p = w->plans[--w->plan_count];
			continue;
		}
		if (due < 0 && w->operations >= p->from && concerns(p->fault, o))
			due = (int)p->fault;
		i++;
	}
	return due;
}

bool sim_is_on(struct env_sim *w, enum env_sim_fault fault) {
	for (unsigned i = 0; i < w->plan_count; i++) {
		const struct plan *p = &w->plans[i];
		if (p->fault == fault && w->operations >= p->from && w->operations < p->until) {
			w->hits[fault]++;
			return true;
		}
	}
	return false;
}

static enum verdict strike(struct process *p, enum env_sim_fault fault) {
	struct env_sim *w = p->world;
	w->hits[fault]++;
	switch (fault) {
	case ENV_SIM_POWER:
		env_sim_lights_out(w);
		return SIM_DEAD;
	case ENV_SIM_KILL:
		env_sim_kill(w, p->number);
		return SIM_DIED;
	case ENV_SIM_FULL:
		errno = ENOSPC;
		return SIM_NO_SPACE;
	case ENV_SIM_FORGET:
		errno = EIO;
		return SIM_FORGOTTEN;
	case ENV_SIM_LIE:
		return SIM_LIED;
	default:
		errno = EIO;
		return SIM_NO_LUCK;
	}
}

bool sim_visit(struct process *p) {
	env_sim_visit *visit = p->world->visit;
	if (!p->dead && visit) {
		p->world->visit = NULL;
		visit(p->world->visit_user, p->number);
		p->world->visit = visit;
	}
	if (p->dead)
		errno = EIO;
	return !p->dead;
}

enum verdict sim_operation(struct process *p, enum operation o) {
	struct env_sim *w = p->world;
	if (!sim_visit(p))
		return SIM_DEAD;
	for (unsigned i = 0; i < ENV_SIM_PROCESSES; i++)
		CHECK(!w->processes[i].dead); /* only the dead may move until they are reaped */
	w->operations++;
	sim_trace_number(w, w->operations << 8 | p->number);
	int fault = due_fault(w, o);
	return fault < 0 ? SIM_DONE : strike(p, (enum env_sim_fault)fault);
}

uint64_t env_sim_operations(const struct env_sim *w) {
	return w->operations;
}

uint64_t env_sim_hits_of(const struct env_sim *w, enum env_sim_fault fault) {
	return w->hits[fault];
}

uint64_t env_sim_hits(const struct env_sim *w) {
	uint64_t sum = 0;
	for (size_t i = 0; i < ENV_SIM_FAULTS; i++)
		sum += w->hits[i];
	return sum;
}

uint64_t env_sim_trace(const struct env_sim *w) {
	return w->trace;
}

void env_sim_on_visit(struct env_sim *w, env_sim_visit *visit, void *user) {
	w->visit = visit;
	w->visit_user = user;
}

/* ---- death ---- */

void env_sim_kill(struct env_sim *w, unsigned i) {
	struct process *p = &w->processes[i];
	if (p->dead)
		return;
	p->dead = true;
	for (struct handle *h = w->handles; h; h = h->next)
		if (h->process == p)
			sim_handle_die(w, h);
	for (size_t l = 0; l < COUNT_OF(w->locks); l++)
		if (w->locks[l].holder == p)
			w->locks[l].holder = NULL;
}

bool env_sim_is_dead(const struct env_sim *w, unsigned i) {
	return w->processes[i].dead;
}

void env_sim_reap(struct env_sim *w, unsigned i) {
	struct process *p = &w->processes[i];
	CHECK(p->dead && p->handles == 0);
	for (struct node *n = w->nodes; n; n = n->next)
		if (n->index)
			sim_index_restore(n->index);
	p->dead = w->out;
}

void env_sim_lights_out(struct env_sim *w) {
	w->out = true;
	for (unsigned i = 0; i < ENV_SIM_PROCESSES; i++)
		env_sim_kill(w, i);
}

bool env_sim_is_out(const struct env_sim *w) {
	return w->out;
}

/* Renames are on their way like sectors: any of them may have arrived. */
static void let_some_names_arrive(struct env_sim *w, unsigned of_8) {
	for (unsigned i = 0; i < w->rename_count; i++) {
		struct rename *r = &w->renames[i];
		if (sim_dice(w) % 8 >= of_8)
			continue;
		if (r->from && r->from->durable == r->node)
			r->from->durable = NULL;
		r->to->durable = r->node;
	}
	w->rename_count = 0;
	for (size_t i = 0; i < SIM_NAMES; i++)
		w->names[i].now = w->names[i].durable;
	w->names_lied = false;
}

bool env_sim_lights_on(struct env_sim *w) {
	static const unsigned chances[] = { 0, 1, 4, 4, 7, 8 };
	unsigned of_8 = chances[sim_dice(w) % COUNT_OF(chances)];
	bool kept = !w->has_lied && !(w->names_lied && w->rename_count > 0);
	w->has_lied = false;
	CHECK(w->out && !w->handles);
	let_some_names_arrive(w, of_8);
	sim_sweep(w);
	for (struct node *n = w->nodes; n; n = n->next) {
		kept = kept && !(n->lied && n->change_count > 0);
		sim_let_some_arrive(w, n, of_8);
		sim_cut(n, 0);
		sim_write(n, n->durable.bytes, n->durable.size, 0);
		sim_sync(n);
	}
	for (unsigned i = 0; i < ENV_SIM_PROCESSES; i++)
		w->processes[i].dead = false;
	env_sim_unplan(w);
	w->out = false;
	w->calendar_ns += w->mono_ns;
	w->mono_ns = (int64_t)(sim_dice(w) % 1000000000);
	w->calendar_ns -= w->mono_ns;
	return kept;
}

/* ---- names ---- */

static int errno_of(enum verdict v) {
	return v == SIM_NO_SPACE ? -ENOSPC : -EIO;
}

/* No links, no folders: a name is what it is. */
static int sim_full_name(const struct env *e, const char *path, char out[PATH_MAX]) {
	(void)e;
	return snprintf(out, PATH_MAX, "%s", path) < SIM_PATH ? 0 : -ENAMETOOLONG;
}

static int sim_may(const struct env *e, const char *path, enum env_access how) {
	struct process *p = process_of(e);
	if (!sim_visit(p))
		return -EIO;
	return how == ENV_WRITABLE || sim_name(p->world, path) ? 0 : -ENOENT;
}

static int sim_look(const struct env *e, const char *path, struct env_file *out) {
	struct process *p = process_of(e);
	if (!sim_visit(p))
		return -EIO;
	const struct name *n = sim_name(p->world, path);
	if (!n)
		return -ENOENT;
	*out = (struct env_file){ .device = 1, .number = n->now->number };
	return 0;
}

static int sim_make(const struct env *e, const char *path) {
	struct process *p = process_of(e);
	enum verdict v = sim_operation(p, SIM_WRITE);
	if (v != SIM_DONE)
		return errno_of(v);
	if (sim_name(p->world, path))
		return -EEXIST;
	sim_node_make(p->world, path);
	return 0;
}

static int sim_remove(const struct env *e, const char *path) {
	struct process *p = process_of(e);
	struct name *n = sim_name(p->world, path);
	if (!n)
		return p->dead ? -EIO : -ENOENT;
	enum verdict v = sim_operation(p, SIM_OTHER);
	if (v != SIM_DONE)
		return errno_of(v);
	n = sim_name(p->world, path);
	if (!n)
		return -ENOENT;
	sim_unlink(p->world, n);
	return 0;
}

/* 0, or why not; *n becomes durable, or is said to be. */
static int sync_node(struct process *p, struct node *n) {
	enum verdict v = sim_operation(p, SIM_SYNC);
	if (v == SIM_DONE)
		sim_sync(n);
	n->lied = n->change_count > 0;
	return v == SIM_DONE || v == SIM_LIED ? 0 : errno_of(v);
}

static int sync_names(struct process *p) {
	enum verdict v = sim_operation(p, SIM_SYNC);
	if (v == SIM_DONE)
		sim_sync_names(p->world);
	p->world->names_lied = v == SIM_LIED;
	return v == SIM_DONE || v == SIM_LIED ? 0 : errno_of(v);
}

static int sim_move_for_good(const struct env *e, const char *from, const char *to) {
	struct process *p = process_of(e);
	struct name *n = sim_name(p->world, from);
	if (!n)
		return p->dead ? -EIO : -ENOENT;
	int rc = sync_node(p, n->now);
	if (rc < 0)
		return rc;
	enum verdict v = sim_operation(p, SIM_OTHER);
	if (v != SIM_DONE)
		return errno_of(v);
	sim_move(p->world, n, to);
	return sync_names(p);
}

/* ---- locks ---- */

static int sim_lock(const struct env *e, const char *path, long *holder) {
	struct process *p = process_of(e);
	struct lock *l = p->world->locks, *end = l + COUNT_OF(p->world->locks);
	if (!sim_visit(p))
		return -EIO;
	while (l < end && l->path[0] && strcmp(l->path, path) != 0)
		l++;
	CHECK(l < end && strlen(path) < SIM_PATH);
	snprintf(l->path, sizeof(l->path), "%s", path);
	*holder = l->holder ? (long)l->holder->number + 1 : 0;
	if (l->holder)
		return -EAGAIN;
	l->holder = p;
	return (int)(l - p->world->locks);
}

static void sim_unlock(const struct env *e, int handle) {
	struct process *p = process_of(e);
	struct lock *l = &p->world->locks[handle];
	if (p->dead)
		return; /* it went with its holder */
	CHECK(l->holder == p);
	l->holder = NULL;
}

/* ---- worlds ---- */

static void process_init(struct env_sim *w, unsigned i) {
	struct process *p = &w->processes[i];
	p->world = w;
	p->number = i;
	snprintf(p->disk, sizeof(p->disk), "sim-%p", (void *)p);
	p->env = (struct env){ p->disk, sim_mono, sim_wall, sim_random, sim_full_name, sim_may, sim_look, sim_make,
		sim_remove, sim_move_for_good, sim_lock, sim_unlock };
	sim_vfs_init(p);
}

struct env_sim *env_sim_create(uint64_t seed) {
	struct env_sim *w = calloc(1, sizeof(*w));
	CHECK(w != NULL);
	w->dice = seed;
	w->mono_ns = (int64_t)(sim_dice(w) % INT64_C(1000000000000));
	w->calendar_ns = INT64_C(1800000000000000000);
	w->below = sqlite3_vfs_find(NULL);
	for (unsigned i = 0; i < ENV_SIM_PROCESSES; i++)
		process_init(w, i);
	CHECK(sqlite3_vfs_register(&w->processes[0].vfs, 1) == SQLITE_OK);
	sqlite3_randomness(0, NULL);
	return w;
}

void env_sim_destroy(struct env_sim **at) {
	struct env_sim *w = *at;
	*at = NULL;
	if (!w)
		return;
	CHECK(!w->handles);
	for (unsigned i = 0; i < ENV_SIM_PROCESSES; i++)
		CHECK(sqlite3_vfs_unregister(&w->processes[i].vfs) == SQLITE_OK);
	CHECK(sqlite3_vfs_register(w->below, 1) == SQLITE_OK);
	sqlite3_randomness(0, NULL);
	w->rename_count = 0;
	memset(w->names, 0, sizeof(w->names));
	sim_sweep(w);
	free(w);
}

const struct env *env_sim_env(struct env_sim *w, unsigned i) {
	CHECK(i < ENV_SIM_PROCESSES);
	return &w->processes[i].env;
}
