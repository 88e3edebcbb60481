/* sysfs.c - see sysfs.h. */
#include "hal/sysfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/io.h"

/* root "/" format..., from the caller's arguments. */
#define PATH_OF(path, root, format)                        \
	do {                                               \
		va_list args_;                             \
		va_start(args_, format);                   \
		make_path(path, root, format, args_);      \
		va_end(args_);                             \
	} while (0)

static void make_path(char path[SYSFS_PATH_MAX], const char *root, const char *format, va_list args)
		__attribute__((format(printf, 3, 0)));

static void make_path(
		char path[SYSFS_PATH_MAX], const char *root, const char *format, va_list args) {
	int n = snprintf(path, SYSFS_PATH_MAX, "%s/", root);
	if (n >= 0 && n < SYSFS_PATH_MAX)
		vsnprintf(path + n, SYSFS_PATH_MAX - (size_t)n, format, args);
}

static char printable(unsigned char c) {
	return c < 0x20 || c == 0x7f ? ' ' : c >= 0x80 ? '?' : (char)c;
}

void sysfs_plain(char *text) {
	for (; *text; text++)
		*text = printable((unsigned char)*text);
}

static int first_line(const char *text, char *out, size_t capacity) {
	size_t n = 0;
	while (isspace((unsigned char)*text))
		text++;
	for (; *text && *text != '\n' && n + 1 < capacity; text++)
		out[n++] = printable((unsigned char)*text);
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = 0;
	return (int)n;
}

static int read_line(const char *path, char *out, size_t capacity) {
	char text[4097];
	out[0] = 0;
	int rc = io_read_file(path, text, sizeof(text) - 1);
	if (rc == -E2BIG) /* a long one: its first line is enough */
		rc = sizeof(text) - 1;
	if (rc < 0)
		return rc;
	text[rc] = 0;
	return first_line(text, out, capacity);
}

int sysfs_text(const char *root, char *out, size_t capacity, const char *format, ...) {
	char path[SYSFS_PATH_MAX];
	PATH_OF(path, root, format);
	return read_line(path, out, capacity);
}

int sysfs_number(const char *root, int64_t *out, const char *format, ...) {
	char path[SYSFS_PATH_MAX], text[64], *end;
	PATH_OF(path, root, format);
	int rc = read_line(path, text, sizeof(text));
	if (rc < 0)
		return rc;
	errno = 0;
	long long v = strtoll(text, &end, 0);
	if (end == text || errno)
		return -EPROTO;
	*out = v;
	return 0;
}

void sysfs_link(const char *root, char *out, size_t capacity, const char *format, ...) {
	char path[SYSFS_PATH_MAX], target[SYSFS_PATH_MAX];
	PATH_OF(path, root, format);
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = 0;
	const char *slash = strrchr(target, '/');
	first_line(slash ? slash + 1 : target, out, capacity);
}

bool sysfs_exists(const char *root, const char *format, ...) {
	char path[SYSFS_PATH_MAX];
	PATH_OF(path, root, format);
	return access(path, F_OK) == 0;
}

static int by_nature(const void *a, const void *b) {
	return strverscmp(a, b);
}

void sysfs_list(const char *root, struct sysfs_names *out, const char *format, ...) {
	char path[SYSFS_PATH_MAX];
	PATH_OF(path, root, format);
	out->count = 0;
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d)) != NULL && out->count < SYSFS_NAMES_MAX;) {
		size_t n = strlen(e->d_name);
		if (e->d_name[0] != '.' && n < SYSFS_NAME_MAX)
			memcpy(out->at[out->count++], e->d_name, n + 1);
	}
	if (d)
		closedir(d);
	qsort(out->at, out->count, sizeof(out->at[0]), by_nature);
}
