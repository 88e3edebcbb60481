/* leaks.h - what a process has open and mapped, to be compared before and after. */
#ifndef TEST_LIB_LEAKS_H
#define TEST_LIB_LEAKS_H

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include "base/check.h"

/* Entries of /proc/self/fd, the one of the look among them. */
static inline unsigned open_files(void) {
	unsigned n = 0;
	DIR *d = opendir("/proc/self/fd");
	CHECK(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Lines of /proc/self/maps that are memory of a machine. */
static inline unsigned mappings(void) {
	char line[512];
	unsigned n = 0;
	FILE *f = fopen("/proc/self/maps", "re");
	CHECK(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, "memfd:cadmus") != NULL;
	fclose(f);
	return n;
}

#endif
