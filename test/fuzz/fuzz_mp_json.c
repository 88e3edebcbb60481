/* fuzz_mp_json.c - any bytes as core's reply: JSON that can be written, of all of them, or nothing. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/msgpack.h"
#include "gateways/lib/mp_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct mp_in i;
	json_t *j = mp_json(data, size);
	if (!j)
		return 0;
	mp_open(&i, data, size);
	CHECK(mp_skip(&i) == 0 && i.at == i.end);
	char *text = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);
	CHECK(text && !strchr(text, '\n')); /* one line of a stream */
	free(text);
	json_decref(j);
	return 0;
}
