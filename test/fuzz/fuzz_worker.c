/* fuzz_worker.c - any bytes on the channel between core and a worker: one message, read back as it was, or none. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/check.h"
#include "model/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static uint8_t first[WIRE_MESSAGE_MAX], second[WIRE_MESSAGE_MAX];
	struct wire_message m, again;
	char text[64];
	if (size > WIRE_MESSAGE_MAX)
		return 0;
	int rc = wire_read(data, size, &m);
	CHECK(rc == 0 || rc == -EPROTO);
	if (rc < 0)
		return 0;
	CHECK(m.kind < WIRE_KIND_COUNT && m.stop.count <= CDM_STOPS_MAX && m.temperature >= 0 &&
			m.code <= 0);
	wire_text_copy(m.prompt, text, sizeof(text));
	wire_text_copy(m.text, text, sizeof(text));
	/* Shortest forms in our order: what is written of it is read as the same. */
	int n = wire_write(&m, first, sizeof(first));
	CHECK(n > 0 && wire_read(first, (size_t)n, &again) == 0);
	CHECK(wire_write(&again, second, sizeof(second)) == n &&
			memcmp(first, second, (size_t)n) == 0);
	return 0;
}
