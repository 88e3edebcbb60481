/* recorded.c - see recorded.h. */
#include "replay/recorded.h"

#include <errno.h>
#include <string.h>

/* Numbers of what is known of a sample, in every type; spec/recording.md. */
enum { VERSION = 101, EPOCH, SOURCE_NS, PUBLISH_NS, TRUST, STATUS, SOURCE, SOURCE_INDEX, MISSED };
/* ... and of the payload: of our own types, and of pictures. */
enum { VALUES = 1, DATA = 2, PICTURE = 6 };

enum wire { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 };

struct reader {
	const uint8_t *at, *end;
};

/* One field of a message. */
struct item {
	uint32_t number;
	enum wire wire;
	uint64_t value;      /* a number, or the length */
	const uint8_t *data; /* of LENGTH */
};

static bool take_varint(struct reader *r, uint64_t *out) {
	*out = 0;
	for (unsigned shift = 0; shift < 64 && r->at < r->end; shift += 7) {
		uint8_t b = *r->at++;
		*out |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return true;
	}
	return false;
}

static bool take_fixed(struct reader *r, unsigned bytes, uint64_t *out) {
	if ((size_t)(r->end - r->at) < bytes)
		return false;
	*out = 0;
	for (unsigned i = 0; i < bytes; i++)
		*out |= (uint64_t)r->at[i] << (8 * i);
	r->at += bytes;
	return true;
}

static bool take_item(struct reader *r, struct item *x) {
	uint64_t tag;
	if (!take_varint(r, &tag) || tag >> 3 == 0 || tag >> 3 >= 1u << 29)
		return false;
	x->number = (uint32_t)(tag >> 3);
	x->wire = (enum wire)(tag & 7);
	switch (x->wire) {
	case VARINT: return take_varint(r, &x->value);
	case FIXED64: return take_fixed(r, 8, &x->value);
	case FIXED32: return take_fixed(r, 4, &x->value);
	case LENGTH:
		if (!take_varint(r, &x->value) || x->value > (uint64_t)(r->end - r->at))
			return false;
		x->data = r->at;
		r->at += x->value;
		return true;
	default: return false;
	}
}

/* Of that number, and written as it must be: what is not is somebody else's, and passed over. */
static bool number(const struct item *x, uint32_t n, enum wire wire) {
	return x->number == n && x->wire == wire;
}

struct parts {
	struct item values, data, picture;
	bool has_values, has_data, has_picture;
};

static bool note_known(const struct item *x, struct recorded *s) {
	uint32_t bits = (uint32_t)x->value;
	struct cdm_info *i = &s->info;
	if (number(x, VERSION, VARINT))
		i->version = x->value;
	else if (number(x, EPOCH, VARINT))
		i->epoch = bits;
	else if (number(x, SOURCE_NS, FIXED64))
		i->source_time.ns = (int64_t)x->value;
	else if (number(x, PUBLISH_NS, FIXED64))
		i->publish_time.ns = (int64_t)x->value;
	else if (number(x, TRUST, FIXED32))
		memcpy(&i->trust, &bits, sizeof(i->trust));
	else if (number(x, STATUS, VARINT))
		i->status = (uint16_t)(x->value <= CDM_ORPHAN ? x->value : UINT16_MAX);
	else if (number(x, SOURCE_INDEX, VARINT))
		i->source = (uint16_t)x->value;
	else if (number(x, MISSED, VARINT))
		s->missed = x->value;
	else
		return false;
	return true;
}

static void note_payload(const struct item *x, struct parts *p) {
	if (number(x, VALUES, LENGTH)) {
		p->values = *x;
		p->has_values = true;
	} else if (number(x, DATA, LENGTH)) {
		p->data = *x;
		p->has_data = true;
	} else if (number(x, PICTURE, LENGTH)) {
		p->picture = *x;
		p->has_picture = true;
	}
}

/* Can a writer that keeps the rules have said this?  As in store/field.c. */
static bool is_credible(const struct cdm_info *i) {
	return i->trust >= 0.0f && i->trust <= 1.0f && i->status <= CDM_ORPHAN && i->version > 0 &&
			i->source_time.ns >= 0 && i->source_time.ns <= i->publish_time.ns;
}

int recorded_decode(const void *message, size_t bytes, bool image, struct recorded *out) {
	struct reader r = { message, (const uint8_t *)message + bytes };
	struct parts p = { .has_values = false };
	struct item x = { .number = 0 };
	*out = (struct recorded){ .missed = 0 };
	while (r.at < r.end) {
		if (!take_item(&r, &x))
			return -EBADMSG;
		if (!note_known(&x, out))
			note_payload(&x, &p);
	}
	const struct item *payload = image ? &p.picture : p.has_data ? &p.data : &p.values;
	if (!(image ? p.has_picture : p.has_data || p.has_values) || payload->value > UINT32_MAX)
		return -EBADMSG;
	out->bytes = payload->data;
	out->info.bytes = (uint32_t)payload->value;
	return is_credible(&out->info) ? 0 : -EBADMSG;
}
