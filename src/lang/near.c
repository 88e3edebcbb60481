/*
 * near.c - see near.h.
 *
 * Edit distance with swaps of neighbours, in three rows.  Names that differ in their digits only
 * (camera_0, camera_1) are siblings and not typos of each other.
 */
#include "lang/near.h"

#include <stdbool.h>
#include <string.h>

#define WORD_MAX 64

static unsigned least(unsigned a, unsigned b, unsigned c) {
	unsigned ab = a < b ? a : b;
	return ab < c ? ab : c;
}

static unsigned distance(const char *a, size_t n, const char *b, size_t m) {
	unsigned rows[3][WORD_MAX + 1], *two = rows[0], *one = rows[1], *now = rows[2];
	for (size_t k = 0; k <= m; k++)
		one[k] = (unsigned)k;
	for (size_t i = 1; i <= n; i++) {
		now[0] = (unsigned)i;
		for (size_t k = 1; k <= m; k++) {
			now[k] = least(one[k] + 1, now[k - 1] + 1, one[k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] && two[k - 2] + 1 < now[k])
				now[k] = two[k - 2] + 1;
		}
		unsigned *free_row = two;
		two = one;
		one = now;
		now = free_row;
	}
	return one[m];
}

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

static bool siblings(const char *a, const char *b) {
	for (; *a && *b; a++, b++)
		if (*a != *b && !(is_digit(*a) && is_digit(*b)))
			return false;
	return *a == *b;
}

void near_offer(struct near *n, const char *candidate) {
	size_t a = strlen(n->word), b = strlen(candidate);
	size_t apart = a > b ? a - b : b - a, allowed = a < 4 ? 1 : a < 8 ? 2 : 3;
	if (a == 0 || a > WORD_MAX || b > WORD_MAX || apart > allowed || siblings(n->word, candidate))
		return;
	unsigned d = distance(n->word, a, candidate, b);
	if (d <= allowed && d < a && (!n->best || d < n->distance)) {
		n->best = candidate;
		n->distance = d;
	}
}

const char *near_best(const struct near *n) {
	return n->best ? n->best : "";
}
