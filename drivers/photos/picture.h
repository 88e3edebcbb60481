/*
 * picture.h - compressed photographs, straight into the memory where they are wanted.
 *
 * A PNG's rows go through the scaler one by one as they are decoded.  A JPEG is decoded at the
 * smallest of its decoder's own sizes (eighths) that is large enough; if that is the wanted
 * size it is written where it is wanted, else into our own memory, from where the scaler takes its rows.
 */
#ifndef PHOTOS_PICTURE_H
#define PHOTOS_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "scale.h"

#define PICTURE_SIDE_MAX 16384u
#define PICTURE_PIXELS_MAX (64u << 20)

struct picture_head {
	bool png, interlaced;
	unsigned width, height;
};

/* A decoder for pictures of one output size.  Zeroed: nothing yet. */
struct picture {
	void *tj;
	unsigned width, height; /* of the output */
	enum scale_mode mode;
	uint8_t *scratch;       /* rows, or all of what cannot be decoded in place */
	size_t scratch_bytes;
	uint64_t *sums;
	const char *error;      /* what was wrong last; valid until the next call */
	char text[200];
};

/* -ENOMEM. */
int picture_init(struct picture *p, unsigned width, unsigned height, enum scale_mode mode);
void picture_fini(struct picture *p);
/* What is it?  -EBADMSG: no picture that we can decode. */
int picture_probe(struct picture *p, const uint8_t *data, size_t bytes, struct picture_head *h);
/* Make room for decoding pictures like this one.  -ENOMEM. */
int picture_reserve(struct picture *p, const struct picture_head *h);
/* Fill all of `out` (width * height * 3).  -EBADMSG: broken; -E2BIG: never reserved. */
int picture_decode(struct picture *p, const uint8_t *data, size_t bytes, uint8_t *out);

#endif
