/*
 * greet_test.c - those who say nothing: hung up on in time, and never in anybody's way.
 */
#include "runtime/greet.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include "base/check.h"
#include "base/io.h"

static struct greet g;
static struct cdm_mono now;

/* One comes; his end, and where he waits. */
static int come(unsigned *index) {
	int pair[2];
	CHECK(io_pair(pair) == 0);
	*index = greet_add(&g, pair[1], now);
	CHECK(*index < GREET_MAX);
	return pair[0];
}

static bool is_hung_up(int fd) {
	char c;
	ssize_t n = recv(fd, &c, 1, MSG_DONTWAIT);
	CHECK(n == 0 || (n < 0 && errno == EAGAIN));
	return n == 0;
}

static void fresh(void) {
	greet_init(&g);
	now.ns = 1000 * NS_PER_S;
	CHECK(greet_next_ns(&g, now) == -1 && greet_tick(&g, now) == 0);
}

static void gives_each_a_second(void) {
	unsigned a, b;
	fresh();
	int first = come(&a);
	now.ns += GREET_PATIENCE_NS / 4;
	int second = come(&b);
	CHECK(a != b && greet_next_ns(&g, now) == GREET_PATIENCE_NS * 3 / 4);
	now.ns += GREET_PATIENCE_NS * 3 / 4 - 1;
	CHECK(greet_tick(&g, now) == 0 && !is_hung_up(first) && greet_next_ns(&g, now) == 1);
	now.ns += 1;
	CHECK(greet_next_ns(&g, now) == 0 && greet_tick(&g, now) == 1);
	CHECK(is_hung_up(first) && !is_hung_up(second));
	now.ns += 100 * NS_PER_S; /* however late we look */
	CHECK(greet_next_ns(&g, now) == 0 && greet_tick(&g, now) == 1 && is_hung_up(second));
	CHECK(greet_next_ns(&g, now) == -1);
	io_close(&first);
	io_close(&second);
}

static void hands_out_who_speaks(void) {
	unsigned i, j;
	fresh();
	int his = come(&i);
	uint32_t serial = g.at[i].serial;
	CHECK(greet_take(&g, i, serial + 1) == -1 && greet_take(&g, (i + 1) % GREET_MAX, serial) == -1);
	int ours = greet_take(&g, i, serial);
	CHECK(ours >= 0 && greet_take(&g, i, serial) == -1);
	now.ns += 2 * GREET_PATIENCE_NS;
	CHECK(greet_tick(&g, now) == 0 && !is_hung_up(his)); /* he is the caller's now */
	io_close(&his);
	io_close(&ours);
	do {
		int next = come(&j);
		io_close(&next);
	} while (j != i);
	CHECK(greet_take(&g, i, serial) == -1); /* old news of the same place */
	greet_fini(&g);
}

/* However many there are, the newest has a place, and the oldest makes it. */
static void is_never_full(void) {
	enum { MANY = 5 * GREET_MAX };
	int fds[MANY];
	unsigned i;
	fresh();
	g.serial = UINT32_MAX - 2 * GREET_MAX; /* serials wrap around on the way */
	for (int n = 0; n < MANY; n++) {
		fds[n] = come(&i);
		for (int k = 0; k <= n; k++)
			CHECK(is_hung_up(fds[k]) == (k + GREET_MAX <= n));
	}
	greet_fini(&g);
	for (int n = 0; n < MANY; n++) {
		CHECK(is_hung_up(fds[n]));
		io_close(&fds[n]);
	}
	greet_fini(&g);
}

int main(void) {
	gives_each_a_second();
	hands_out_who_speaks();
	is_never_full();
	puts("greet_test: ok");
	return 0;
}
