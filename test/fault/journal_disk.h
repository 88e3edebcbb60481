/*
 * journal_disk.h - a disk that loses power, fills up or fails on command, below SQLite.
 *
 * It is a VFS that becomes SQLite's default.  Writes go through to real files at once, so the program
 * sees what it wrote; but a copy of each file knows what a sync has made durable and what is still on
 * its way.  disk_power_cut() turns the real files into what such a machine would find after the
 * lights came back: all that was synced, and of the rest a random choice of 512-byte sectors.
 *
 * Operations (writes, truncations, syncs, deletions) are numbered from 1; a fault begins at one of them.
 * One test at a time; the file operations themselves may come from any thread.
 */
#ifndef TEST_FAULT_JOURNAL_DISK_H
#define TEST_FAULT_JOURNAL_DISK_H

#include <stdbool.h>
#include <stdint.h>

enum disk_fault {
	DISK_SOUND,
	DISK_POWER, /* from the operation on nothing works any more */
	DISK_FULL,  /* the operation and the `length - 1` next ones find no space, if they need any */
	DISK_FAIL,  /* the same with an I/O error */
	DISK_INDEX, /* SQLite's index of the WAL cannot be made longer; the files are not watched */
};

/* Make it SQLite's default disk; once. */
void disk_install(void);
/* Forget all files and count from 1; plan a fault. */
void disk_begin(enum disk_fault fault, uint64_t at, uint64_t length);
/* Operations so far. */
uint64_t disk_operations(void);
/* Has the power been cut?  Reading may still work; a machine would not. */
bool disk_is_out(void);
/* After the program let go of its files: leave on the real disk what would be left. */
void disk_power_cut(uint64_t seed);
/* Back to SQLite's own. */
void disk_uninstall(void);

#endif
