/* array_test.c - what stands in an array stays while it grows, and what cannot be had changes nothing. */
#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>
#include "base/check.h"

static void all_stays(void) {
	uint32_t *items = NULL;
	size_t room = 0, moves = 0;
	for (uint32_t n = 0; n < 10000; n++) {
		size_t before = room;
		items = array_grow(items, n, &room, sizeof(*items));
		CHECK(items && room > n);
		moves += room != before;
		items[n] = n * n;
	}
	for (uint32_t n = 0; n < 10000; n++)
		CHECK(items[n] == n * n);
	CHECK(moves < 16);
	free(items);
}

static void too_much_is_refused(void) {
	size_t room = SIZE_MAX / 4;
	char one;
	CHECK(!array_grow(&one, room, &room, 1024)); /* twice that is more bytes than there are numbers for */
	CHECK(room == SIZE_MAX / 4);
}

int main(void) {
	all_stays();
	too_much_is_refused();
	return 0;
}
