/*
 * env_sim_priv.h - the parts of a world, for env_sim.c (time, processes, faults), env_sim_disk.c (files and names, and
 * what of them is durable) and env_sim_vfs.c (what SQLite calls).
 */
#ifndef ENV_ENV_SIM_PRIV_H
#define ENV_ENV_SIM_PRIV_H

#include <sqlite3.h>
#include "env/env_sim.h"

enum { SIM_SECTOR = 512, SIM_NAMES = 24, SIM_RENAMES = 64, SIM_PLANS = 8, SIM_INDEX_BYTES = 32768, SIM_INDEX_PAGES = 16,
	SIM_PATH = 96 };

struct image {
	uint8_t *bytes;
	size_t size, room;
};

struct change { /* written, or cut to `at` bytes, and on its way */
	bool cut;
	size_t at, bytes, data; /* where it stands in the node's `data` */
};

/* SQLite's index of a WAL: memory that those share who have the file open. */
struct index {
	uint8_t *pages[SIM_INDEX_PAGES], *saved[SIM_INDEX_PAGES];
	unsigned handles; /* the dead ones among them, too */
};

struct node { /* a file */
	struct node *next;
	uint64_t number;
	unsigned handles; /* open */
	struct image now, durable;
	struct change *changes;
	size_t change_count, change_room;
	struct image data;
	bool lied; /* a sync said that all changes are durable, and they are not */
	struct index *index;
};

struct name {
	char path[SIM_PATH]; /* empty: none */
	struct node *now, *durable;
};

struct rename { /* on its way: to[0] leads to `node` (NULL: is gone), and from[0], if any, is gone */
	struct name *from, *to;
	struct node *node;
};

struct process {
	struct env env; /* first: a `struct env *` is a `struct process *` */
	sqlite3_vfs vfs;
	struct env_sim *world;
	unsigned number;
	bool dead;
	unsigned handles;
	char disk[32];
};

struct handle { /* an open file, SQLite's struct first */
	sqlite3_file base;
	struct handle *next;
	struct process *process;
	struct node *node;
	struct index *index;
	bool dead;
	bool read_only;
	bool temporary; /* nobody else has it: no operation on it counts, and none fails */
	int level;
	uint32_t shared, exclusive; /* locks of the index */
};

struct plan {
	enum env_sim_fault fault;
	uint64_t from, until; /* operations */
};

struct lock { /* by name */
	char path[SIM_PATH];
	struct process *holder; /* NULL: nobody */
};

struct env_sim {
	struct process processes[ENV_SIM_PROCESSES];
	uint64_t dice, trace;
	int64_t mono_ns, calendar_ns; /* the latter to be added */
	bool out;

	uint64_t operations, hits[ENV_SIM_FAULTS];
	struct plan plans[SIM_PLANS];
	unsigned plan_count;
	env_sim_visit *visit;
	void *visit_user;

	struct node *nodes;
	uint64_t node_numbers;
	struct name names[SIM_NAMES];
	struct rename renames[SIM_RENAMES];
	unsigned rename_count;
	bool has_lied;   /* something that a sync called durable never will be */
	bool names_lied; /* a sync said that all renames are durable, and they are not */
	struct handle *handles;
	struct lock locks[4];
	sqlite3_vfs *below; /* SQLite's default before us */
};

uint64_t sim_dice(struct env_sim *w);
void sim_trace(struct env_sim *w, const void *bytes, size_t count);
void sim_trace_number(struct env_sim *w, uint64_t n);

/* ---- env_sim.c ---- */

/* What becomes of an operation. */
enum verdict {
	SIM_DONE,
	SIM_NO_SPACE,
	SIM_NO_LUCK,
	SIM_FORGOTTEN,
	SIM_LIED,
	SIM_DIED, /* of it */
	SIM_DEAD, /* before it */
};
enum operation { SIM_WRITE /* needs space */, SIM_SYNC, SIM_OTHER };
enum verdict sim_operation(struct process *p, enum operation o);
/* Somebody comes to the disk; false: dead. */
bool sim_visit(struct process *p);
/* Is a fault of this kind on? */
bool sim_is_on(struct env_sim *w, enum env_sim_fault fault);

/* ---- env_sim_disk.c ---- */

struct name *sim_name(struct env_sim *w, const char *path); /* NULL: there is none */
/* An empty file of that name, which there was not; path NULL: without one. */
struct node *sim_node_make(struct env_sim *w, const char *path);
void sim_unlink(struct env_sim *w, struct name *n);
void sim_move(struct env_sim *w, struct name *from, const char *to);
void sim_sync_names(struct env_sim *w);
/* Free what nothing leads to any more. */
void sim_sweep(struct env_sim *w);

/* Zeroed; never NULL. */
void *sim_new(size_t bytes);
void sim_write(struct node *n, const void *bytes, size_t count, size_t at);
void sim_cut(struct node *n, size_t size);
void sim_sync(struct node *n);
/* Some of what is on its way arrives, in any combination; nothing else ever will. */
void sim_let_some_arrive(struct env_sim *w, struct node *n, unsigned of_8);

/* ---- env_sim_vfs.c ---- */

void sim_vfs_init(struct process *p);
/* Let go of its locks and of its share of the index. */
void sim_handle_die(struct env_sim *w, struct handle *h);
/* What the dead did to the index after their death is undone. */
void sim_index_restore(struct index *x);

#endif
