/*
 * catalog.h - the files of models: what Ollama's list of models wants to know of them.
 *
 * A file is read once, and again only when its size or time has changed.  Any thread.
 */
#ifndef HTTP_CATALOG_H
#define HTTP_CATALOG_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/check.h"
#include "cadmus/types.h"

#define CATALOG_MAX 64
#define CATALOG_DIGEST_MAX 65 /* SHA-256 in lower-case hex, and its zero */

struct catalog_entry {
	char path[256];
	uint64_t bytes;
	struct cdm_wall modified;
	char digest[CATALOG_DIGEST_MAX];
	char format[8];            /* "gguf", or "" */
	char family[CDM_NAME_MAX]; /* general.architecture of a GGUF file, or "" */
};

/* Zeroed but for the lock: CATALOG_EMPTY. */
struct catalog {
	pthread_mutex_t lock;
	unsigned count;
	struct catalog_entry at[CATALOG_MAX];
};

#define CATALOG_EMPTY { .lock = PTHREAD_MUTEX_INITIALIZER }

/* 0 and *out; -errno when the file cannot be read: *out has path and nothing else then. */
MUST_CHECK int catalog_find(struct catalog *c, const char *path, struct catalog_entry *out);

/*
 * Format and family from the first bytes of a file, which may be anything.  The writers of GGUF files put
 * general.architecture first; where it is not, the family is "".
 */
void catalog_sniff(const void *head, size_t bytes, struct catalog_entry *out);

#endif
