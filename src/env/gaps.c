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

struct file {
	sqlite3_file *f;
	size_t page;        /* bytes of one */
	uint32_t pages;     /* their number */
	uint32_t map_every; /* with auto-vacuum page 2, and from there each so many-th, is a map; 0: there are none */
	bool again;
};

struct gap {
	size_t from, to; /* in the page */
};

/* A map begins like a tree's page; where SQLite has its locks nobody has anything, and a map would be behind that. */
static bool is_map(const struct file *d, uint32_t number) {
	uint32_t lock = (uint32_t)(0x40000000 / d->page) + 1;
	uint32_t as = number == lock + 1 ? lock : number;
	return d->map_every && as >= 2 && (as - 2) % d->map_every == 0;
}

/*
 * Between the list of cells and the first of them.  False: it is no page of a b-tree.  Pages of other kinds begin with
 * the number of another one, which is not as large as the first four bytes of these are, or are maps.
 */
static bool find_gap(const struct file *d, const uint8_t *page, uint32_t number, struct gap *out) {
	size_t header = number == 1 ? FILE_HEADER : 0;
	const uint8_t *h = page + header;
	bool leaf = h[0] == 0x0a || h[0] == 0x0d, interior = h[0] == 0x02 || h[0] == 0x05;
	if ((!leaf && !interior) || (number > 1 && be32(page) <= d->pages) || is_map(d, number))
		return false;
	out->from = header + (leaf ? 8 : 12) + 2 * be16(h + 3);
	out->to = be16(h + 5) ? be16(h + 5) : PAGE_MAX;
	return out->from <= out->to && out->to <= d->page;
}

static bool is_zero(const uint8_t *at, size_t n) {
	return n == 0 || (at[0] == 0 && memcmp(at, at + 1, n - 1) == 0);
}

/* The pages in `run`, of which the first has that number. */
static int clear_run(const struct file *d, uint8_t *run, size_t bytes, uint32_t first) {
	for (size_t at = 0; at < bytes; at += d->page) {
		uint32_t number = first + (uint32_t)(at / d->page);
		struct gap gap;
		if (!find_gap(d, run + at, number, &gap))
			continue;
		uint8_t *in_gap = run + at + gap.from;
		size_t n = gap.to - gap.from;
		if (n == 0 || (is_zero(in_gap, n) && !d->again))
			continue;
		sqlite3_int64 place = (sqlite3_int64)(number - 1) * (sqlite3_int64)d->page + (sqlite3_int64)gap.from;
		memset(in_gap, 0, n);
		if (d->f->pMethods->xWrite(d->f, in_gap, (int)n, place) != SQLITE_OK)
			return -EIO;
	}
	return 0;
}

/* 1: there are pages in it; 0: none. */
static int measure(struct file *d, uint8_t header[FILE_HEADER]) {
	sqlite3_int64 size;
	if (d->f->pMethods->xFileSize(d->f, &size) != SQLITE_OK)
		return -EIO;
	if (size < FILE_HEADER)
		return 0;
	if (d->f->pMethods->xRead(d->f, header, FILE_HEADER, 0) != SQLITE_OK)
		return -EIO;
	d->page = be16(header + 16) == 1 ? PAGE_MAX : be16(header + 16);
	if (d->page < 512 || d->page & (d->page - 1))
		return -EBADMSG;
	d->pages = (uint32_t)(size / (sqlite3_int64)d->page);
	if (be32(header + 52)) /* the largest root: there is auto-vacuum */
		d->map_every = (uint32_t)(d->page - header[20]) / 5 + 1;
	return 1;
}

static int clear_file(struct file *d, uint8_t *run) {
	int rc = measure(d, run);
	if (rc <= 0)
		return rc;
	uint32_t at_once = (uint32_t)(RUN / d->page);
	rc = 0;
	for (uint32_t n = 1; n <= d->pages && rc == 0; n += at_once) {
		uint32_t left = d->pages - n + 1;
		size_t bytes = (left < at_once ? left : at_once) * d->page;
		if (d->f->pMethods->xRead(d->f, run, (int)bytes, (sqlite3_int64)(n - 1) * (sqlite3_int64)d->page) !=
				SQLITE_OK)
			return -EIO;
		rc = clear_run(d, run, bytes, n);
	}
	if (rc == 0 && d->f->pMethods->xSync(d->f, SQLITE_SYNC_FULL) != SQLITE_OK) /* also what the WAL brought */
		rc = -EIO;
	return rc;
}

static int error_of(sqlite3 *sql) {
	int code = sqlite3_errcode(sql) & 0xff;
	return code == SQLITE_BUSY || code == SQLITE_LOCKED ? -EBUSY : -EIO;
}

/* Grows with each commit of another connection. */
static int data_version(sqlite3 *sql, int64_t *out) {
	sqlite3_stmt *s = NULL;
	bool read = sqlite3_prepare_v2(sql, "PRAGMA data_version", -1, &s, NULL) == SQLITE_OK &&
		    sqlite3_step(s) == SQLITE_ROW;
	int rc = read ? 0 : error_of(sql);
	*out = rc == 0 ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_finalize(s);
	return rc;
}

/* All of the WAL is in the file, and nobody can add to it: until the transaction that it leaves open is ended. */
static int hold(sqlite3 *sql) {
	int frames = 0, copied = 0;
	int64_t before = 0, now = 0;
	int rc = data_version(sql, &before);
	if (rc == 0 && sqlite3_wal_checkpoint_v2(sql, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, &copied) != SQLITE_OK)
		rc = error_of(sql);
	if (rc == 0 && copied < frames)
		rc = -EBUSY;
	if (rc == 0 && sqlite3_exec(sql, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		rc = error_of(sql);
	if (rc == 0)
		rc = data_version(sql, &now);
	return rc == 0 && now != before ? -EBUSY : rc;
}

int gaps_clear(sqlite3 *sql, bool again) {
	struct file d = { .again = again };
	uint8_t *run = malloc(RUN);
	if (!run)
		return -ENOMEM;
	int rc = hold(sql);
	if (rc == 0 && (sqlite3_file_control(sql, "main", SQLITE_FCNTL_FILE_POINTER, &d.f) != SQLITE_OK || !d.f ||
					!d.f->pMethods))
		rc = -EIO;
	if (rc == 0)
		rc = clear_file(&d, run);
	free(run);
	if (!sqlite3_get_autocommit(sql) && sqlite3_exec(sql, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK && rc == 0)
		rc = -EIO;
	(void)sqlite3_db_release_memory(sql); /* behind the transaction, which holds on to the first page */
	return rc;
}
