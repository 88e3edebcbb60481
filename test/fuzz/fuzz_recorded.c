/*
 * fuzz_recorded.c - any bytes as a message of a recording.  The first one chooses whether it is a picture.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "replay/recorded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a writer could have published, and nothing outside of the message. */
static void check(const struct recorded *s, const uint8_t *data, size_t size) {
	const struct cdm_info *i = &s->info;
	const uint8_t *bytes = s->bytes;
	CHECK(bytes >= data && i->bytes <= size && (size_t)(bytes - data) <= size - i->bytes);
	CHECK(i->trust >= 0.0f && i->trust <= 1.0f && i->status <= CDM_ORPHAN && i->version > 0);
	CHECK(i->source_time.ns >= 0 && i->source_time.ns <= i->publish_time.ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct recorded s, again;
	if (size == 0)
		return 0;
	int rc = recorded_decode(data + 1, size - 1, data[0] & 1, &s);
	CHECK(recorded_decode(data + 1, size - 1, data[0] & 1, &again) == rc);
	if (rc == 0) {
		check(&s, data + 1, size - 1);
		CHECK(s.bytes == again.bytes && s.missed == again.missed);
		CHECK(memcmp(&s.info, &again.info, sizeof(s.info)) == 0);
	}
	return 0;
}
