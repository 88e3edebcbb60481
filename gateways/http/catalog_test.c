/* catalog_test.c - model files, real and hostile. */
#include "gateways/http/catalog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint8_t head[128];
static size_t used;

static void put(const void *bytes, size_t n) {
	memcpy(head + used, bytes, n);
	used += n;
}

static void put_string(const char *s) {
	put(&(uint64_t){ strlen(s) }, 8);
	put(s, strlen(s));
}

static void make(const char *key, uint32_t type, const char *value) {
	used = 0;
	put("GGUF", 4);
	put(&(uint32_t){ 3 }, 4);
	put(&(uint64_t){ 10 }, 8);
	put(&(uint64_t){ 20 }, 8);
	put_string(key);
	put(&type, 4);
	put_string(value);
}

static void sniffs(void) {
	struct catalog_entry e;
	make("general.architecture", 8, "llama");
	catalog_sniff(head, used, &e);
	CHECK(strcmp(e.format, "gguf") == 0 && strcmp(e.family, "llama") == 0);
	for (size_t cut = 0; cut < used; cut++) { /* on the heap, so that a sanitizer sees one byte too many */
		uint8_t *copy = malloc(cut ? cut : 1);
		CHECK(copy);
		memcpy(copy, head, cut);
		catalog_sniff(copy, cut, &e);
		CHECK(e.family[0] == 0 && (cut < 24) == (e.format[0] == 0));
		free(copy);
	}
	make("general.name", 8, "llama");
	catalog_sniff(head, used, &e);
	CHECK(e.family[0] == 0);
	make("general.architecture", 4, "llama");
	catalog_sniff(head, used, &e);
	CHECK(e.family[0] == 0);
	make("general.architecture", 8, "<script>");
	catalog_sniff(head, used, &e);
	CHECK(e.family[0] == 0);
	make("general.architecture", 8, "");
	catalog_sniff(head, used, &e);
	CHECK(e.family[0] == 0);
	make("general.architecture", 8, "llama");
	memset(head + 24, 0xff, 8); /* a key longer than memory */
	catalog_sniff(head, used, &e);
	CHECK(e.family[0] == 0);
}

static void write_file(const char *path, const char *text) {
	FILE *f = fopen(path, "w");
	CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void reads_files(void) {
	static struct catalog c = CATALOG_EMPTY;
	struct catalog_entry e;
	char path[] = "/tmp/cadmus-catalog-XXXXXX", far[400];
	int fd = mkstemp(path);
	CHECK(fd >= 0);
	close(fd);
	write_file(path, "abc");
	CHECK(catalog_find(&c, path, &e) == 0 && e.bytes == 3 && e.modified.ns > 0 && e.format[0] == 0);
	/* FIPS 180-4 */
	CHECK(strcmp(e.digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0);
	CHECK(c.count == 1);
	/* Same size and time: what is known is not read again, even if it could not be. */
	struct stat s;
	CHECK(stat(path, &s) == 0);
	write_file(path, "xyz");
	CHECK(utimensat(0, path, (struct timespec[]){ s.st_atim, s.st_mtim }, 0) == 0);
	CHECK(catalog_find(&c, path, &e) == 0 && strncmp(e.digest, "ba7816bf", 8) == 0);
	write_file(path, "");
	CHECK(catalog_find(&c, path, &e) == 0 && e.bytes == 0 && strncmp(e.digest, "e3b0c442", 8) == 0);
	CHECK(c.count == 1);
	unlink(path);
	CHECK(catalog_find(&c, path, &e) == -ENOENT && strcmp(e.path, path) == 0 && e.digest[0] == 0);
	memset(far, 'x', sizeof(far) - 1);
	far[sizeof(far) - 1] = 0;
	CHECK(catalog_find(&c, far, &e) == -E2BIG);
	CHECK(catalog_find(&c, "/tmp", &e) < 0); /* a folder */
}

int main(void) {
	sniffs();
	reads_files();
	puts("catalog_test: ok");
}
