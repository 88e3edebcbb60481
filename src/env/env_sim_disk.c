/* env_sim_disk.c - the files of a world and their names: what programs see, what is durable, what is on its way. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "env/env_sim_priv.h"

/* ---- bytes ---- */

void *sim_new(size_t bytes) {
	void *p = calloc(1, bytes);
	CHECK(p != NULL);
	return p;
}

static void grow(struct image *m, size_t size) {
	if (size <= m->size)
		return;
	if (size > m->room) {
		m->room = size < 4096 ? 8192 : 2 * size;
		uint8_t *more = realloc(m->bytes, m->room);
		CHECK(more != NULL);
		m->bytes = more;
	}
	memset(m->bytes + m->size, 0, size - m->size);
	m->size = size;
}

static void put(struct image *m, const void *bytes, size_t count, size_t at) {
	grow(m, at + count);
	memcpy(m->bytes + at, bytes, count);
}

static void resize(struct image *m, size_t size) {
	grow(m, size);
	m->size = size;
}

static struct change *change(struct node *n) {
	n->changes = array_grow(n->changes, n->change_count, &n->change_room, sizeof(*n->changes));
	CHECK(n->changes != NULL);
	return &n->changes[n->change_count++];
}

void sim_write(struct node *n, const void *bytes, size_t count, size_t at) {
	if (count == 0)
		return;
	*change(n) = (struct change){ .at = at, .bytes = count, .data = n->data.size };
	put(&n->data, bytes, count, n->data.size);
	put(&n->now, bytes, count, at);
}

void sim_cut(struct node *n, size_t size) {
	*change(n) = (struct change){ .cut = true, .at = size };
	resize(&n->now, size);
}

static void forget_changes(struct node *n) {
	n->change_count = 0;
	n->data.size = 0;
	n->lied = false;
}

void sim_sync(struct node *n) {
	for (size_t i = 0; i < n->change_count; i++) {
		const struct change *c = &n->changes[i];
		if (c->cut)
			resize(&n->durable, c->at);
		else
			put(&n->durable, n->data.bytes + c->data, c->bytes, c->at);
	}
	forget_changes(n);
}

void sim_let_some_arrive(struct env_sim *w, struct node *n, unsigned of_8) {
	for (size_t i = 0; i < n->change_count; i++) {
		const struct change *c = &n->changes[i];
		if (c->cut && sim_dice(w) % 8 < of_8)
			resize(&n->durable, c->at);
		for (size_t at = 0; !c->cut && at < c->bytes; at += SIM_SECTOR) {
			size_t rest = c->bytes - at, part = rest < SIM_SECTOR ? rest : SIM_SECTOR;
			if (sim_dice(w) % 8 < of_8)
				put(&n->durable, n->data.bytes + c->data + at, part, c->at + at);
		}
	}
	forget_changes(n);
}

/* ---- names ---- */

static struct name *slot(struct env_sim *w, const char *path) {
	struct name *empty = NULL;
	CHECK(strlen(path) < SIM_PATH);
	for (size_t i = 0; i < SIM_NAMES; i++) {
		struct name *n = &w->names[i];
		if (strcmp(n->path, path) == 0)
			return n;
		if (!empty && !n->path[0])
			empty = n;
	}
	CHECK(empty != NULL);
	snprintf(empty->path, sizeof(empty->path), "%s", path);
	return empty;
}

struct name *sim_name(struct env_sim *w, const char *path) {
	for (size_t i = 0; i < SIM_NAMES; i++)
		if (w->names[i].now && strcmp(w->names[i].path, path) == 0)
			return &w->names[i];
	return NULL;
}

/* A folder that has too much on its way writes some of it down. */
static void on_its_way(struct env_sim *w, struct name *from, struct name *to, struct node *n) {
	if (w->rename_count == SIM_RENAMES)
		sim_sync_names(w);
	w->renames[w->rename_count++] = (struct rename){ from, to, n };
}

struct node *sim_node_make(struct env_sim *w, const char *path) {
	struct node *n = sim_new(sizeof(*n));
	n->number = ++w->node_numbers;
	n->next = w->nodes;
	w->nodes = n;
	if (path) {
		struct name *to = slot(w, path);
		to->now = n;
		on_its_way(w, NULL, to, n);
	}
	return n;
}

void sim_unlink(struct env_sim *w, struct name *n) {
	n->now = NULL;
	on_its_way(w, NULL, n, NULL);
	sim_sweep(w);
}

void sim_move(struct env_sim *w, struct name *from, const char *path) {
	struct name *to = slot(w, path);
	to->now = from->now;
	from->now = NULL;
	on_its_way(w, from, to, to->now);
	sim_sweep(w);
}

void sim_sync_names(struct env_sim *w) {
	for (size_t i = 0; i < SIM_NAMES; i++)
		w->names[i].durable = w->names[i].now;
	w->rename_count = 0;
	w->names_lied = false;
	sim_sweep(w);
}

static bool is_led_to(const struct env_sim *w, const struct node *n) {
	if (n->handles > 0)
		return true;
	for (size_t i = 0; i < SIM_NAMES; i++)
		if (w->names[i].now == n || w->names[i].durable == n)
			return true;
	for (unsigned i = 0; i < w->rename_count; i++)
		if (w->renames[i].node == n)
			return true;
	return false;
}

void sim_sweep(struct env_sim *w) {
	for (struct node **at = &w->nodes; *at;) {
		struct node *n = *at;
		if (is_led_to(w, n)) {
			at = &n->next;
			continue;
		}
		CHECK(!n->index);
		*at = n->next;
		free(n->now.bytes);
		free(n->durable.bytes);
		free(n->data.bytes);
		free(n->changes);
		free(n);
	}
}

/* ---- for those who look from above ---- */

bool env_sim_holds(const struct env_sim *w, const void *bytes, size_t count) {
	for (size_t i = 0; i < SIM_NAMES; i++) {
		const struct node *n = w->names[i].now;
		if (n && n->now.size > 0 && memmem(n->now.bytes, n->now.size, bytes, count))
			return true;
	}
	return false;
}

const uint8_t *env_sim_bytes(const struct env_sim *w, const char *path, size_t *count) {
	for (size_t i = 0; i < SIM_NAMES; i++) {
		const struct node *n = w->names[i].now;
		if (!n || strcmp(w->names[i].path, path) != 0)
			continue;
		*count = n->now.size;
		return n->now.bytes;
	}
	return NULL;
}
