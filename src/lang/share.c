/*
 * share.c - what two that are started cannot both have: nodes of a bus, and an address to listen at.
 *
 * Both would start all the same.  Then neither would move, for a guard that hears what only guards say obeys
 * nobody; or one would die again and again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lang/lang_priv.h"

#define NODE_BASE_MAX 236 /* keys.def */

/* ---- nodes of a bus ---- */

/* The guard's, those of the joints, and the body's: spec/can.md. */
struct nodes {
	long first, last;
};

static struct nodes nodes_of(const struct entity *e) {
	long base = node_int_or(e->map, "node_base", 1, 1, NODE_BASE_MAX);
	return (struct nodes){ base - 1, base + node_int_or(e->map, "joint_count", 18, 1, 18) };
}

static bool one_bus(const struct entity *e, const struct entity *other) {
	const char *a = node_text(e->map, "bus"), *b = node_text(other->map, "bus");
	return a && b && plan_bus_may_be(a, b);
}

static bool nodes_meet(const struct entity *e, const struct entity *other) {
	struct nodes a = nodes_of(e), b = nodes_of(other);
	return one_bus(e, other) && a.first <= b.last && b.first <= a.last;
}

/* A base behind the nodes of all that stand before it, if there is one. */
static const char *free_base(struct lang *l, const struct entity *e) {
	long base = 1;
	for (const struct entity *o = l->machine.entities + 1; o < e; o++)
		if (o->class == PLAN_ACTUATOR && o->live && one_bus(e, o) && nodes_of(o).last + 2 > base)
			base = nodes_of(o).last + 2;
	char text[80] = "give it a bus of its own";
	if (base <= NODE_BASE_MAX)
		snprintf(text, sizeof(text), "node_base: %ld is free, or give it a bus of its own", base);
	return arena_copy(&l->arena, text, strlen(text));
}

static void say_nodes(struct lang *l, const struct entity *e, const struct entity *other) {
	const struct node *base = node_get(e->map, "node_base");
	struct nodes n = nodes_of(e);
	char range[48];
	snprintf(range, sizeof(range), "%ld to %ld", n.first, n.last);
	say(l, C0411, base ? base : node_get(e->map, "bus"), e->name, range, other->name, free_base(l, e), NULL);
}

/* ---- addresses ---- */

/* Where it listens; NULL: wherever the kernel lets it. */
static const char *listens_at(const struct entity *e) {
	const char *at = NULL;
	for (const struct option *o = e->options; o; o = o->next)
		if (strcmp(o->key, "listen") == 0)
			at = o->value;
	const char *colon = at ? strrchr(at, ':') : NULL;
	return colon && atoi(colon + 1) > 0 ? at : NULL;
}

/* What stands before the last colon; the one name that is no address is that of one. */
static const char *host_of(const char *listen, char out[PLAN_TEXT_MAX]) {
	snprintf(out, PLAN_TEXT_MAX, "%.*s", (int)(strrchr(listen, ':') - listen), listen);
	return strcmp(out, "localhost") == 0 ? "127.0.0.1" : out;
}

/* Does who listens at the one host take what comes to the other? */
static bool covers(const char *host, const char *other) {
	return strcmp(host, other) == 0 || strcmp(host, "[::]") == 0 ||
			(strcmp(host, "0.0.0.0") == 0 && other[0] != '[');
}

static bool places_meet(const struct entity *e, const struct entity *other) {
	const char *at = listens_at(e), *its = listens_at(other);
	char text[PLAN_TEXT_MAX], its_text[PLAN_TEXT_MAX];
	if (!at || !its || atoi(strrchr(at, ':') + 1) != atoi(strrchr(its, ':') + 1))
		return false;
	const char *a = host_of(at, text), *b = host_of(its, its_text);
	return covers(a, b) || covers(b, a);
}

static void say_place(struct lang *l, const struct entity *e, const struct entity *other) {
	const struct node *at = node_get(e->map, "listen"), *its = node_get(other->map, "listen");
	say(l, C0412, at ? at : e->at, e->name, listens_at(e), other->name,
			number_text(l, its ? its->line : other->at->line), NULL);
}

/* ---- all of a class, with those before them ---- */

/* Of those it meets the first is named; beyond what a plan can have, there is an error of another kind anyway. */
static void share_class(struct lang *l, enum plan_class class, unsigned max,
		bool (*meet)(const struct entity *e, const struct entity *other),
		void (*say_so)(struct lang *l, const struct entity *e, const struct entity *other)) {
	const struct entity *before[PLAN_PROCESSES_MAX];
	unsigned count = 0, k;
	CHECK(max <= COUNT_OF(before));
	for (uint32_t i = 1; i < l->machine.entity_count && count < max; i++) {
		const struct entity *e = &l->machine.entities[i];
		if (e->class != class || !e->live)
			continue;
		for (k = 0; k < count && !meet(e, before[k]); k++)
			;
		if (k < count)
			say_so(l, e, before[k]);
		before[count++] = e;
	}
}

void share(struct lang *l) {
	share_class(l, PLAN_ACTUATOR, PLAN_ACTUATORS_MAX, nodes_meet, say_nodes);
	share_class(l, PLAN_COMMUNICATION, PLAN_PROCESSES_MAX, places_meet, say_place);
}
