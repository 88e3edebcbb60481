/* greet.c - see greet.h. */
#include "runtime/greet.h"

#include "base/check.h"
#include "base/io.h"

void greet_init(struct greet *g) {
	*g = (struct greet){ .serial = 0 };
	for (unsigned i = 0; i < GREET_MAX; i++)
		g->at[i].socket = -1;
}

void greet_fini(struct greet *g) {
	for (unsigned i = 0; i < GREET_MAX; i++)
		io_close(&g->at[i].socket);
}

/* Places are given in turn, so whoever still stands in the next one came GREET_MAX clients ago. */
unsigned greet_add(struct greet *g, int socket, struct cdm_mono now) {
	CHECK(socket >= 0);
	unsigned i = ++g->serial % GREET_MAX;
	io_close(&g->at[i].socket);
	g->at[i] = (struct greeting){ socket, g->serial, now.ns + GREET_PATIENCE_NS };
	return i;
}

int greet_take(struct greet *g, unsigned index, uint32_t serial) {
	CHECK(index < GREET_MAX);
	int socket = g->at[index].socket;
	if (socket < 0 || g->at[index].serial != serial)
		return -1;
	g->at[index].socket = -1;
	return socket;
}

unsigned greet_tick(struct greet *g, struct cdm_mono now) {
	unsigned n = 0;
	for (unsigned i = 0; i < GREET_MAX; i++) {
		if (g->at[i].socket < 0 || now.ns < g->at[i].until_ns)
			continue;
		io_close(&g->at[i].socket);
		n++;
	}
	return n;
}

int64_t greet_next_ns(const struct greet *g, struct cdm_mono now) {
	int64_t least = -1;
	for (unsigned i = 0; i < GREET_MAX; i++) {
		int64_t left = g->at[i].until_ns - now.ns;
		if (g->at[i].socket >= 0 && (least < 0 || left < least))
			least = left > 0 ? left : 0;
	}
	return least;
}
