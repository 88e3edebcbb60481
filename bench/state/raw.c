/*
 * raw.c - what nothing that keeps records can be faster than: the same bytes written, and fdatasync.
 *
 *     append       at the end of a file that grows: the file system has to write down its length each time
 *     overwrite    over what a file has already, round and round, as a log does that is used again
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include "bench/lib/must.h"
#include "bench/state/keeper.h"

#define ROOM (4u << 20) /* as long as the WAL of the journal gets before it begins anew */

static int fd;
static uint32_t record_bytes;
static bool grows;
static off_t at;

static void put(const void *bytes, size_t n) {
	if (!grows && at + (off_t)n > (off_t)ROOM)
		at = 0;
	ssize_t done = pwrite(fd, bytes, n, at);
	must(done < 0 ? -errno : done == (ssize_t)n ? 0 : -EIO, "pwrite");
	at += (off_t)n;
}

static void sync_now(void) {
	must(fdatasync(fd) < 0 ? -errno : 0, "fdatasync");
}

static void begin(const char *dir, uint32_t bytes, const char *variant) {
	record_bytes = bytes;
	grows = strcmp(variant, "append") == 0;
	fd = open(keeper_path(dir, "raw"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	must(fd < 0 ? -errno : 0, "raw");
	while (!grows && at + (off_t)bytes <= (off_t)ROOM)
		put(keeper_record(bytes), bytes);
	sync_now();
}

/* All of them in one write, as a log has it that has gathered them. */
static void keep(uint32_t n) {
	static char all[KEEPER_TOGETHER_MAX * 65536];
	if ((size_t)n * record_bytes > sizeof(all))
		die("%u records of %u bytes", n, record_bytes);
	for (uint32_t i = 0; i < n; i++)
		memcpy(all + (size_t)i * record_bytes, keeper_record(record_bytes), record_bytes);
	put(all, (size_t)n * record_bytes);
	sync_now();
}

const struct keeper keeper = { .version = "-", .begin = begin, .keep = keep };
