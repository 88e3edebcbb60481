/* bytes.c - see bytes_priv.h. */
#include "mcap/bytes_priv.h"

#include <stdlib.h>

uint8_t *bytes_room(struct bytes_out *o, size_t count) {
	size_t need;
	if (o->failed || __builtin_add_overflow(o->length, count, &need)) {
		o->failed = true;
		return NULL;
	}
	if (need > o->capacity) {
		size_t capacity = need > o->capacity * 2 ? need : o->capacity * 2;
		uint8_t *more = realloc(o->bytes, capacity < 256 ? 256 : capacity);
		if (!more) {
			o->failed = true;
			return NULL;
		}
		o->bytes = more;
		o->capacity = capacity < 256 ? 256 : capacity;
	}
	uint8_t *p = o->bytes + o->length;
	o->length = need;
	return p;
}

void bytes_put(struct bytes_out *o, const void *data, size_t count) {
	uint8_t *p = count ? bytes_room(o, count) : NULL;
	if (p)
		memcpy(p, data, count);
}

void bytes_put_u16(struct bytes_out *o, uint16_t v) {
	v = htole16(v);
	bytes_put(o, &v, sizeof(v));
}

void bytes_put_u32(struct bytes_out *o, uint32_t v) {
	v = htole32(v);
	bytes_put(o, &v, sizeof(v));
}

void bytes_put_u64(struct bytes_out *o, uint64_t v) {
	v = htole64(v);
	bytes_put(o, &v, sizeof(v));
}

void bytes_put_text(struct bytes_out *o, const char *s) {
	bytes_put_blob(o, s, (uint32_t)strlen(s));
}

void bytes_put_blob(struct bytes_out *o, const void *data, uint32_t count) {
	bytes_put_u32(o, count);
	bytes_put(o, data, count);
}

void bytes_set_u32(struct bytes_out *o, size_t at, uint32_t v) {
	v = htole32(v);
	if (!o->failed)
		memcpy(o->bytes + at, &v, sizeof(v));
}

void bytes_set_u64(struct bytes_out *o, size_t at, uint64_t v) {
	v = htole64(v);
	if (!o->failed)
		memcpy(o->bytes + at, &v, sizeof(v));
}

void bytes_fini(struct bytes_out *o) {
	free(o->bytes);
	*o = (struct bytes_out){ .bytes = NULL };
}
