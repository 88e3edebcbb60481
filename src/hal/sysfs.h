/* sysfs.h - small files below a root: the kernel's way to tell.  All paths are formats below the root. */
#ifndef HAL_SYSFS_H
#define HAL_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/check.h"

#define SYSFS_PATH_MAX 512
#define SYSFS_NAMES_MAX 256
#define SYSFS_NAME_MAX 64

struct sysfs_names {
	uint32_t count;
	char at[SYSFS_NAMES_MAX][SYSFS_NAME_MAX];
};

/*
 * Make one plain line of it, in place: what a device says of itself is not to be trusted with a
 * terminal, nor to be UTF-8.
 */
void sysfs_plain(char *text);
/* First line, plain, without white space around it; "" when it cannot be read.  Bytes, or -errno. */
int sysfs_text(const char *root, char *out, size_t capacity, const char *format, ...)
		PRINTF_LIKE(4, 5);
/* A number, decimal or 0x; -errno, -EPROTO when it is none. */
int sysfs_number(const char *root, int64_t *out, const char *format, ...) PRINTF_LIKE(3, 4);
/* Last part of what a link points at; "" when there is none. */
void sysfs_link(const char *root, char *out, size_t capacity, const char *format, ...)
		PRINTF_LIKE(4, 5);
bool sysfs_exists(const char *root, const char *format, ...) PRINTF_LIKE(2, 3);
/* Names in a folder, in natural order (card2 before card10); none when there is no folder. */
void sysfs_list(const char *root, struct sysfs_names *out, const char *format, ...)
		PRINTF_LIKE(3, 4);

#endif
