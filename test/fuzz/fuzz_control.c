/* fuzz_control.c - any bytes at the control door: parsed or refused, never touched outside. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/check.h"
#include "runtime/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct request r;
	const char *why;
	int rc = request_parse(data, size, &r, &why);
	CHECK(why != NULL);
	if (rc == 0) {
		CHECK(r.op < REQUEST_OP_COUNT && r.max >= 1 && r.max <= REQUEST_TOKENS_MAX);
		CHECK(strlen(r.text) < sizeof(r.text) && strlen(r.as) < sizeof(r.as));
	}
	return 0;
}
