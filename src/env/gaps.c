/* gaps.c - see gaps.h; the layout of pages: sqlite.org/fileformat2.html. */
#include "env/gaps.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	FILE_HEADER = 100, /* before the header of the first page */
	RUN = 256 << 10, /* bytes that are read at once; not less than a page */
	PAGE_MAX = 65536
};

static uint32_t be16(const uint8_t *at) {
	return (uint32_t)(at[0] << 8 | at[1]);
}

static uint32_t be32(const uint8_t *at) {
	return be16(at) << 16 | be16(at + 2);
}

struct gap {
	size_t from, to; /* in the page */
};

/*
 * Between the list of cells and the first of them.  False: it is no page of a b-tree.  Pages of other kinds begin with
 * the number of another one, which is not as large as the first four bytes of these are.
 */
static bool find_gap(const uint8_t *page, size_t bytes, uint32_t number, uint32_t pages, struct gap *out) {
	size_t header = number == 1 ? FILE_HEADER : 0;
	const uint8_t *h = page + header;
	bool leaf = h[0] == 0x0a || h[0] == 0x0d, interior = h[0] == 0x02 || h[0] == 0x05;
	if ((!leaf && !interior) || (number > 1 && be32(page) <= pages))
		return false;
	out->from = header + (leaf ? 8 : 12) + 2 * be16(h + 3);
	out->to = be16(h + 5) ? be16(h + 5) : PAGE_MAX;
	return out->from <= out->to && out->to <= bytes;
}

static bool is_zero(const uint8_t *at, size_t n) {
	return n == 0 || (at[0] == 0 && memcmp(at, at + 1, n - 1) == 0);
}

/* The pages in `run`, of which the first has that number. */
static int clear_run(sqlite3_file *f, uint8_t *run, size_t bytes, size_t page_bytes, uint32_t first, uint32_t pages,
		bool *cleared) {
	for (size_t at = 0; at < bytes; at += page_bytes) {
		uint32_t number = first + (uint32_t)(at / page_bytes);
		struct gap gap;
		if (!find_gap(run + at, page_bytes, number, pages, &gap))
			continue;
		uint8_t *in_gap = run + at + gap.from;
		size_t n = gap.to - gap.from;
		if (is_zero(in_gap, n))
			continue;
		sqlite3_int64 place = (sqlite3_int64)(number - 1) * (sqlite3_int64)page_bytes + (sqlite3_int64)gap.from;
		memset(in_gap, 0, n);
		if (f->pMethods->xWrite(f, in_gap, (int)n, place) != SQLITE_OK)
			return -EIO;
		*cleared = true;
	}
	return 0;
}

static int clear_file(sqlite3_file *f, uint8_t *run) {
	sqlite3_int64 size;
	bool cleared = false;
	int rc = 0;
	if (f->pMethods->xFileSize(f, &size) != SQLITE_OK)
		return -EIO;
	if (size < FILE_HEADER)
		return 0;
	if (f->pMethods->xRead(f, run, FILE_HEADER, 0) != SQLITE_OK)
		return -EIO;
	size_t page = be16(run + 16) == 1 ? PAGE_MAX : be16(run + 16);
	if (page < 512 || page & (page - 1))
		return -EBADMSG;
	sqlite3_int64 end = size - size % (sqlite3_int64)page;
	uint32_t pages = (uint32_t)(end / (sqlite3_int64)page);
	for (sqlite3_int64 at = 0; at < end && rc == 0; at += RUN) {
		int n = end - at < RUN ? (int)(end - at) : RUN;
		if (f->pMethods->xRead(f, run, n, at) != SQLITE_OK)
			return -EIO;
		rc = clear_run(f, run, (size_t)n, page, 1 + (uint32_t)(at / (sqlite3_int64)page), pages, &cleared);
	}
	if (rc == 0 && cleared && f->pMethods->xSync(f, SQLITE_SYNC_FULL) != SQLITE_OK)
		rc = -EIO;
	return rc;
}

int gaps_clear(sqlite3 *sql) {
	sqlite3_file *f = NULL;
	uint8_t *run = malloc(RUN);
	if (!run)
		return -ENOMEM;
	int rc = sqlite3_file_control(sql, "main", SQLITE_FCNTL_FILE_POINTER, &f) == SQLITE_OK && f && f->pMethods
			? clear_file(f, run) : -EIO;
	free(run);
	(void)sqlite3_db_release_memory(sql);
	return rc;
}
