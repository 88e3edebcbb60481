/*
 * scale.h - a picture of one size becomes one of another while its rows come in, one by one.
 *
 * Every pixel of the result is the mean of the source pixels it covers (of the one it lies in, when
 * the picture is made larger).  No more than one row of sums is kept, so nothing of the size
 * of a picture is stored or copied.  Pixels are 3 bytes.
 */
#ifndef PHOTOS_SCALE_H
#define PHOTOS_SCALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scale_mode {
	SCALE_CONTAIN, /* all of it, borders black */
	SCALE_COVER,   /* no borders, the middle of it */
	SCALE_STRETCH, /* all of it, no borders, other proportions */
};

/* That rectangle of the source becomes this rectangle of the output. */
struct scale_fit {
	unsigned source_x, source_y, source_width, source_height;
	unsigned x, y, width, height;
};

struct scale_fit scale_fit(enum scale_mode mode, unsigned source_width, unsigned source_height,
		unsigned width, unsigned height);
/* Is it a plain copy? */
bool scale_is_identity(const struct scale_fit *f);

struct scale {
	struct scale_fit fit;
	uint8_t *out;    /* the whole output picture, `stride` bytes a row */
	size_t stride;
	uint64_t *sums;  /* 3 * fit.width */
	unsigned row;    /* of fit.height: the one that is being summed up */
	unsigned rows;   /* source rows in it so far */
};

/* `sums` has room for 3 * f->width and belongs to the scale until the last row. */
void scale_begin(struct scale *s, const struct scale_fit *f, uint8_t *out, size_t stride, uint64_t *sums);
/* Row `y` of the source, all of it; rows come in order, each once. */
void scale_row(struct scale *s, unsigned y, const uint8_t *pixels);
/* Blacken what the picture does not cover. */
void scale_borders(const struct scale_fit *f, uint8_t *out, unsigned width, unsigned height);

#endif
