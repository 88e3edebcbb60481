/* catalog.c - see catalog.h. */
#include "gateways/http/catalog.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* What comes first in a GGUF file: magic, version, tensors, pairs; then the first pair's key, type and value. */
#define GGUF_HEAD 24u
#define GGUF_STRING 8u

static uint64_t number(const uint8_t *at, unsigned bytes) {
	uint64_t v = 0;
	memcpy(&v, at, bytes); /* little-endian, as we are */
	return v;
}

/* A string with its length before it; the bytes behind it, or NULL. */
static const uint8_t *string(const uint8_t *at, const uint8_t *end, const char **text, size_t *bytes) {
	if (end - at < 8)
		return NULL;
	uint64_t n = number(at, 8);
	if (n > (uint64_t)(end - at - 8))
		return NULL;
	*text = (const char *)at + 8;
	*bytes = (size_t)n;
	return at + 8 + n;
}

static bool is_word(const char *text, size_t bytes) {
	static const char *const letters = "abcdefghijklmnopqrstuvwxyz0123456789_-.";
	for (size_t i = 0; i < bytes; i++)
		if (!text[i] || !strchr(letters, text[i]))
			return false;
	return bytes > 0 && bytes < CDM_NAME_MAX;
}

void catalog_sniff(const void *head, size_t bytes, struct catalog_entry *out) {
	static const char first[] = "general.architecture";
	const uint8_t *at = head, *end = at + bytes;
	const char *text;
	size_t n;
	out->format[0] = out->family[0] = 0;
	if (bytes < GGUF_HEAD || memcmp(head, "GGUF", 4) != 0)
		return;
	strcpy(out->format, "gguf");
	at = string(at + GGUF_HEAD, end, &text, &n);
	if (!at || n != sizeof(first) - 1 || memcmp(text, first, n) != 0 || end - at < 4 ||
			number(at, 4) != GGUF_STRING)
		return;
	if (!string(at + 4, end, &text, &n) || !is_word(text, n))
		return;
	memcpy(out->family, text, n);
	out->family[n] = 0;
}

/* Digest and head of the whole file; -errno. */
static int read_file(const char *path, struct catalog_entry *e) {
	static uint8_t room[1 << 16]; /* under the catalog's lock */
	uint8_t digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state s;
	uint64_t total = 0;
	size_t n = sizeof(room);
	FILE *f = fopen(path, "rbe");
	if (!f)
		return -errno;
	crypto_hash_sha256_init(&s);
	while (n == sizeof(room)) {
		n = fread(room, 1, sizeof(room), f);
		if (total == 0)
			catalog_sniff(room, n, e);
		crypto_hash_sha256_update(&s, room, n);
		total += n;
	}
	int rc = ferror(f) ? -EIO : 0;
	fclose(f);
	crypto_hash_sha256_final(&s, digest);
	sodium_bin2hex(e->digest, sizeof(e->digest), digest, sizeof(digest));
	return rc;
}

static struct catalog_entry *place_of(struct catalog *c, const char *path) {
	for (unsigned i = 0; i < c->count; i++)
		if (strcmp(c->at[i].path, path) == 0)
			return &c->at[i];
	struct catalog_entry *e = &c->at[c->count < CATALOG_MAX ? c->count++ : CATALOG_MAX - 1];
	*e = (struct catalog_entry){ .bytes = UINT64_MAX };
	snprintf(e->path, sizeof(e->path), "%s", path);
	return e;
}

static int find(struct catalog *c, const char *path, struct catalog_entry *out) {
	struct stat s;
	if (strlen(path) >= sizeof(out->path))
		return -E2BIG;
	if (stat(path, &s) < 0)
		return -errno;
	struct catalog_entry *e = place_of(c, path);
	int64_t modified = s.st_mtim.tv_sec * INT64_C(1000000000) + s.st_mtim.tv_nsec;
	if (e->bytes == (uint64_t)s.st_size && e->modified.ns == modified) {
		*out = *e;
		return 0;
	}
	e->bytes = UINT64_MAX; /* nothing is known until all is */
	int rc = read_file(path, e);
	if (rc < 0)
		return rc;
	e->bytes = (uint64_t)s.st_size;
	e->modified.ns = modified;
	*out = *e;
	return 0;
}

int catalog_find(struct catalog *c, const char *path, struct catalog_entry *out) {
	*out = (struct catalog_entry){ .bytes = 0 };
	snprintf(out->path, sizeof(out->path), "%s", path);
	pthread_mutex_lock(&c->lock);
	int rc = find(c, path, out);
	pthread_mutex_unlock(&c->lock);
	return rc;
}
