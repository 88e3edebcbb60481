/* journal_disk.c - see journal_disk.h. */
#include "test/fault/journal_disk.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/check.h"

enum { FILES_MAX = 8, PENDING_MAX = 4096, SECTOR = 512, SHADOW_MAX = 1 << 20 };

struct pending {  /* written or cut, not yet synced */
	bool cut; /* to `at` bytes */
	int64_t at;
	int bytes;
	uint8_t *data;
};

struct shadow { /* what one file holds for certain */
	char path[200];
	uint8_t *bytes;
	int64_t size;
	struct pending pending[PENDING_MAX];
	unsigned pending_count;
};

struct file { /* one open file, SQLite's struct first */
	sqlite3_file base;
	struct shadow *shadow; /* NULL: a temporary one */
	sqlite3_file *real;
};

static sqlite3_vfs disk, *below;
static struct shadow *shadows[FILES_MAX];
static enum disk_fault fault;
static uint64_t operations, fault_at, fault_length;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Count one operation and say what becomes of it; needs the lock. */
static int next_operation(bool takes_space) {
	uint64_t n = ++operations;
	if (fault == DISK_POWER && n >= fault_at)
		return SQLITE_IOERR;
	if (n < fault_at || n >= fault_at + fault_length)
		return SQLITE_OK;
	if (fault == DISK_FULL)
		return takes_space ? SQLITE_FULL : SQLITE_OK;
	return fault == DISK_FAIL ? SQLITE_IOERR : SQLITE_OK;
}

/* What is there before we come is durable. */
static struct shadow *new_shadow(const char *path) {
	struct shadow *s = calloc(1, sizeof(*s));
	CHECK(s && (s->bytes = calloc(1, SHADOW_MAX)) != NULL);
	snprintf(s->path, sizeof(s->path), "%s", path);
	FILE *f = fopen(path, "r");
	s->size = f ? (int64_t)fread(s->bytes, 1, SHADOW_MAX, f) : 0;
	if (f)
		fclose(f);
	return s;
}

static struct shadow *shadow_of(const char *path) {
	unsigned i = 0;
	while (shadows[i] && strcmp(shadows[i]->path, path) != 0)
		CHECK(++i < FILES_MAX);
	if (!shadows[i])
		shadows[i] = new_shadow(path);
	return shadows[i];
}

static void put(struct shadow *s, int64_t at, const uint8_t *data, int64_t n) {
	CHECK(at + n <= SHADOW_MAX);
	memcpy(s->bytes + at, data, (size_t)n);
	s->size = s->size > at + n ? s->size : at + n;
}

static void cut(struct shadow *s, int64_t size) {
	if (size < s->size)
		memset(s->bytes + size, 0, (size_t)(s->size - size));
	s->size = size;
}

static void remember(struct shadow *s, struct pending p) {
	CHECK(s->pending_count < PENDING_MAX);
	s->pending[s->pending_count++] = p;
}

static void make_durable(struct shadow *s) {
	for (unsigned i = 0; i < s->pending_count; i++) {
		struct pending *p = &s->pending[i];
		if (p->cut)
			cut(s, p->at);
		else
			put(s, p->at, p->data, p->bytes);
		free(p->data);
	}
	s->pending_count = 0;
}

/* ---- what SQLite calls ---- */

static sqlite3_file *real(sqlite3_file *f) {
	return ((struct file *)f)->real;
}

static int disk_close(sqlite3_file *f) {
	int rc = real(f)->pMethods ? real(f)->pMethods->xClose(real(f)) : SQLITE_OK;
	free(real(f));
	return rc;
}

static int disk_read(sqlite3_file *f, void *out, int n, sqlite3_int64 at) {
	return real(f)->pMethods->xRead(real(f), out, n, at);
}

static int disk_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 at) {
	struct shadow *s = ((struct file *)f)->shadow;
	pthread_mutex_lock(&lock);
	int rc = s ? next_operation(true) : SQLITE_OK;
	if (rc == SQLITE_IOERR)
		rc = SQLITE_IOERR_WRITE;
	if (rc == SQLITE_OK && s) {
		struct pending p = { .at = at, .bytes = n, .data = malloc((size_t)n) };
		CHECK(p.data != NULL);
		memcpy(p.data, data, (size_t)n);
		remember(s, p);
	}
	pthread_mutex_unlock(&lock);
	return rc == SQLITE_OK ? real(f)->pMethods->xWrite(real(f), data, n, at) : rc;
}

static int disk_truncate(sqlite3_file *f, sqlite3_int64 size) {
	struct shadow *s = ((struct file *)f)->shadow;
	pthread_mutex_lock(&lock);
	int rc = s ? next_operation(false) : SQLITE_OK;
	if (rc == SQLITE_OK && s)
		remember(s, (struct pending){ .cut = true, .at = size });
	pthread_mutex_unlock(&lock);
	if (rc != SQLITE_OK)
		return SQLITE_IOERR_TRUNCATE;
	return real(f)->pMethods->xTruncate(real(f), size);
}

static int disk_sync(sqlite3_file *f, int flags) {
	struct shadow *s = ((struct file *)f)->shadow;
	(void)flags; /* the real disk need not be waited for */
	pthread_mutex_lock(&lock);
	int rc = s ? next_operation(false) : SQLITE_OK;
	if (rc == SQLITE_OK && s)
		make_durable(s);
	pthread_mutex_unlock(&lock);
	return rc == SQLITE_OK ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int disk_size(sqlite3_file *f, sqlite3_int64 *out) {
	return real(f)->pMethods->xFileSize(real(f), out);
}
static int disk_lock(sqlite3_file *f, int level) {
	return real(f)->pMethods->xLock(real(f), level);
}
static int disk_unlock(sqlite3_file *f, int level) {
	return real(f)->pMethods->xUnlock(real(f), level);
}
static int disk_reserved(sqlite3_file *f, int *out) {
	return real(f)->pMethods->xCheckReservedLock(real(f), out);
}

/* A size hint would write behind our back. */
static int disk_control(sqlite3_file *f, int op, void *arg) {
	if (op == SQLITE_FCNTL_SIZE_HINT || op == SQLITE_FCNTL_CHUNK_SIZE)
		return SQLITE_OK;
	return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int disk_sector(sqlite3_file *f) {
	(void)f;
	return SECTOR;
}

/* As on real disks: a write changes no byte beside it, and no more is promised. */
static int disk_traits(sqlite3_file *f) {
	(void)f;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int disk_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out) {
	if (fault == DISK_INDEX && extend && page > 0) {
		errno = ENOSPC;
		return SQLITE_IOERR_SHMSIZE;
	}
	return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
}
static int disk_shm_lock(sqlite3_file *f, int at, int n, int flags) {
	return real(f)->pMethods->xShmLock(real(f), at, n, flags);
}
static void disk_shm_barrier(sqlite3_file *f) {
	real(f)->pMethods->xShmBarrier(real(f));
}
static int disk_shm_unmap(sqlite3_file *f, int delete) {
	return real(f)->pMethods->xShmUnmap(real(f), delete);
}

static const sqlite3_io_methods methods = { 2, disk_close, disk_read, disk_write, disk_truncate,
	disk_sync, disk_size, disk_lock, disk_unlock, disk_reserved, disk_control, disk_sector,
	disk_traits, disk_shm_map, disk_shm_lock, disk_shm_barrier, disk_shm_unmap, NULL, NULL };

static int disk_open(
		sqlite3_vfs *v, const char *path, sqlite3_file *out, int flags, int *out_flags) {
	struct file *f = (struct file *)out;
	(void)v;
	*f = (struct file){ .real = calloc(1, (size_t)below->szOsFile) };
	CHECK(f->real != NULL);
	if (fault != DISK_INDEX && path && flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) {
		pthread_mutex_lock(&lock);
		f->shadow = shadow_of(path);
		pthread_mutex_unlock(&lock);
	}
	int rc = below->xOpen(below, path, f->real, flags, out_flags);
	if (rc == SQLITE_OK)
		f->base.pMethods = &methods;
	else
		free(f->real);
	return rc;
}

/* A deletion is durable at once: the worst case for what was to be kept, as the folder is synced.
 */
static int disk_delete(sqlite3_vfs *v, const char *path, int sync) {
	(void)v;
	pthread_mutex_lock(&lock);
	int rc = next_operation(false);
	if (rc == SQLITE_OK) {
		struct shadow *s = shadow_of(path);
		make_durable(s);
		cut(s, 0);
	}
	pthread_mutex_unlock(&lock);
	return rc == SQLITE_OK ? below->xDelete(below, path, sync) : SQLITE_IOERR_DELETE;
}

/* ---- what tests call ---- */

void disk_install(void) {
	below = sqlite3_vfs_find(NULL);
	CHECK(below != NULL);
	disk = *below;
	disk.szOsFile = sizeof(struct file);
	disk.zName = "disk";
	disk.xOpen = disk_open;
	disk.xDelete = disk_delete;
	CHECK(sqlite3_vfs_register(&disk, 1) == SQLITE_OK);
}

void disk_uninstall(void) {
	disk_begin(DISK_SOUND, 0, 0);
	CHECK(sqlite3_vfs_register(below, 1) == SQLITE_OK &&
			sqlite3_vfs_unregister(&disk) == SQLITE_OK);
}

void disk_begin(enum disk_fault what, uint64_t at, uint64_t length) {
	for (int i = 0; i < FILES_MAX; i++)
		if (shadows[i]) {
			make_durable(shadows[i]);
			free(shadows[i]->bytes);
			free(shadows[i]);
			shadows[i] = NULL;
		}
	fault = what;
	fault_at = at;
	fault_length = length;
	operations = 0;
}

uint64_t disk_operations(void) {
	return operations;
}

static bool coin(uint64_t *seed) {
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 63;
}

bool disk_is_out(void) {
	return fault == DISK_POWER && operations >= fault_at;
}

/* Of what was on its way some sectors arrived, in any combination. */
static void let_some_arrive(struct shadow *s, uint64_t *seed) {
	for (unsigned i = 0; i < s->pending_count; i++) {
		struct pending *p = &s->pending[i];
		if (p->cut && coin(seed))
			cut(s, p->at);
		for (int at = 0; !p->cut && at < p->bytes; at += SECTOR) {
			int n = p->bytes - at < SECTOR ? p->bytes - at : SECTOR;
			if (coin(seed))
				put(s, p->at + at, p->data + at, n);
		}
		free(p->data);
	}
	s->pending_count = 0;
}

void disk_power_cut(uint64_t seed) {
	for (int i = 0; i < FILES_MAX && shadows[i]; i++) {
		struct shadow *s = shadows[i];
		char shm[208];
		let_some_arrive(s, &seed);
		FILE *f = fopen(s->path, "w");
		CHECK(f && fwrite(s->bytes, 1, (size_t)s->size, f) == (size_t)s->size &&
				fclose(f) == 0);
		snprintf(shm, sizeof(shm), "%s-shm", s->path);
		unlink(shm);
	}
}
