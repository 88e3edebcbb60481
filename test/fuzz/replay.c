/*
 * replay.c - a fuzz target without a fuzzer: each file of the folders that are named goes in once, and nothing.
 *
 * So what once broke a parser, kept as a seed, is tried again by every compiler and sanitizer.
 * usage: TARGET FOLDER...
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

/* In a block of just its size, so that AddressSanitizer sees a byte read behind it. */
static void replay(int folder, const char *name) {
	struct stat s;
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0 && fstat(fd, &s) == 0);
	if (S_ISREG(s.st_mode)) {
		size_t bytes = (size_t)s.st_size;
		uint8_t *data = malloc(bytes ? bytes : 1);
		CHECK(data && read(fd, data, bytes) == (ssize_t)bytes);
		fprintf(stderr, "%s\n", name); /* the last one is the one that failed */
		(void)LLVMFuzzerTestOneInput(data, bytes);
		free(data);
	}
	close(fd);
}

static unsigned replay_all(const char *path) {
	unsigned count = 0;
	DIR *d = opendir(path);
	if (!d)
		perror(path);
	CHECK(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		if (e->d_name[0] != '.') {
			replay(dirfd(d), e->d_name);
			count++;
		}
	closedir(d);
	return count;
}

int main(int argc, char **argv) {
	unsigned count = 0;
	if (LLVMFuzzerInitialize)
		CHECK(LLVMFuzzerInitialize(&argc, &argv) == 0);
	(void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		count += replay_all(argv[i]);
	CHECK(count > 0);
	printf("%u inputs\n", count);
}
