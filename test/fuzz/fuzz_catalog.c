/* fuzz_catalog.c - any bytes as the head of a model's file: a format that we know, a family that is a word, or "". */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/check.h"
#include "gateways/http/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct catalog_entry e;
	memset(&e, 'x', sizeof(e));
	catalog_sniff(data, size, &e);
	CHECK(memchr(e.family, 0, sizeof(e.family)));
	CHECK(e.format[0] == 0 ? e.family[0] == 0 : strcmp(e.format, "gguf") == 0 && memcmp(data, "GGUF", 4) == 0);
	CHECK(strspn(e.family, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == strlen(e.family));
	CHECK(e.path[0] == 'x' && e.digest[0] == 'x'); /* not its own */
	return 0;
}
