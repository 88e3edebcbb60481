/* picture.c - see picture.h.  libpng reports errors by longjmp, so what lives across it is in structs. */
#include "picture.h"

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

enum { CHANNELS = 3, EIGHTHS = 8 };

int picture_init(struct picture *p, unsigned width, unsigned height, enum scale_mode mode) {
	*p = (struct picture){ .width = width, .height = height, .mode = mode };
	p->tj = tjInitDecompress();
	p->sums = calloc(width, CHANNELS * sizeof(*p->sums));
	return p->tj && p->sums ? 0 : -ENOMEM;
}

void picture_fini(struct picture *p) {
	if (p->tj)
		tjDestroy(p->tj);
	free(p->scratch);
	free(p->sums);
	*p = (struct picture){ 0 };
}

static int fail(struct picture *p, const char *text) {
	snprintf(p->text, sizeof(p->text), "%s", text);
	p->error = p->text;
	return -EBADMSG;
}

static struct scale_fit fit_of(const struct picture *p, unsigned width, unsigned height) {
	return scale_fit(p->mode, width, height, p->width, p->height);
}

/* ---- PNG ------------------------------------------------------------------------------------- */

struct png {
	png_structp png;
	png_infop info;
	struct picture *p;
	const uint8_t *at, *end;
};

static void png_read(png_structp s, png_bytep out, png_size_t bytes) {
	struct png *z = png_get_io_ptr(s);
	if (bytes > (size_t)(z->end - z->at))
		png_error(s, "it ends too early");
	memcpy(out, z->at, bytes);
	z->at += bytes;
}

static void png_failed(png_structp s, png_const_charp text) {
	struct png *z = png_get_error_ptr(s);
	(void)fail(z->p, text);
	png_longjmp(s, 1);
}

static void png_warned(png_structp s, png_const_charp text) {
	(void)s, (void)text;
}

static int png_begin(struct png *z, struct picture *p, const uint8_t *data, size_t bytes) {
	*z = (struct png){ .p = p, .at = data, .end = data + bytes };
	z->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, z, png_failed, png_warned);
	z->info = z->png ? png_create_info_struct(z->png) : NULL;
	if (!z->info)
		return -ENOMEM;
	png_set_read_fn(z->png, z, png_read);
	png_set_user_limits(z->png, PICTURE_SIDE_MAX, PICTURE_SIDE_MAX);
	png_set_chunk_malloc_max(z->png, 16u << 20);
	return 0;
}

static void png_end(struct png *z) {
	png_destroy_read_struct(&z->png, &z->info, NULL);
}

static int png_probe(struct picture *p, const uint8_t *data, size_t bytes, struct picture_head *h) {
	struct png z;
	int rc = png_begin(&z, p, data, bytes);
	if (rc == 0 && setjmp(png_jmpbuf(z.png)))
		rc = -EBADMSG;
	if (rc == 0) {
		png_read_info(z.png, z.info);
		h->width = png_get_image_width(z.png, z.info);
		h->height = png_get_image_height(z.png, z.info);
		h->interlaced = png_get_interlace_type(z.png, z.info) != PNG_INTERLACE_NONE;
	}
	png_end(&z);
	return rc;
}

/* Whatever it is, its rows become 8-bit RGB; what is transparent lies on black. */
static void png_want_rgb(struct png *z) {
	png_color_16 black = { 0 };
	png_read_info(z->png, z->info);
	png_set_expand(z->png);
	png_set_scale_16(z->png);
	png_set_gray_to_rgb(z->png);
	if (png_get_color_type(z->png, z->info) & PNG_COLOR_MASK_ALPHA ||
			png_get_valid(z->png, z->info, PNG_INFO_tRNS))
		png_set_background(z->png, &black, PNG_BACKGROUND_GAMMA_SCREEN, 0, 1.0);
	png_set_interlace_handling(z->png);
	png_read_update_info(z->png, z->info);
}

/* All passes over all rows, each row where it stays. */
static void png_rows(struct png *z, unsigned height, int passes, uint8_t *out, size_t stride) {
	for (int pass = 0; pass < passes; pass++)
		for (unsigned y = 0; y < height; y++)
			png_read_row(z->png, out + y * stride, NULL);
}

static void png_pixels(struct png *z, uint8_t *out) {
	struct picture *p = z->p;
	unsigned width = png_get_image_width(z->png, z->info), height = png_get_image_height(z->png, z->info);
	struct scale_fit f = fit_of(p, width, height);
	size_t stride = (size_t)p->width * CHANNELS, row = (size_t)width * CHANNELS;
	int passes = png_get_interlace_type(z->png, z->info) == PNG_INTERLACE_NONE ? 1 : PNG_INTERLACE_ADAM7_PASSES;
	struct scale s;

	scale_borders(&f, out, p->width, p->height);
	if (scale_is_identity(&f)) {
		png_rows(z, height, passes, out + f.y * stride + f.x * CHANNELS, stride);
		return;
	}
	scale_begin(&s, &f, out, stride, p->sums);
	if (passes > 1)
		png_rows(z, height, passes, p->scratch, row);
	for (unsigned y = 0; y < height; y++) {
		if (passes == 1)
			png_read_row(z->png, p->scratch, NULL);
		scale_row(&s, y, passes == 1 ? p->scratch : p->scratch + y * row);
	}
}

static int png_decode(struct picture *p, const uint8_t *data, size_t bytes, uint8_t *out) {
	struct png z;
	int rc = png_begin(&z, p, data, bytes);
	if (rc == 0 && setjmp(png_jmpbuf(z.png)))
		rc = -EBADMSG;
	if (rc == 0) {
		png_want_rgb(&z);
		if (png_get_rowbytes(z.png, z.info) != (size_t)png_get_image_width(z.png, z.info) * CHANNELS)
			png_error(z.png, "it is not made of RGB pixels");
		png_pixels(&z, out);
		png_read_end(z.png, NULL);
	}
	png_end(&z);
	return rc;
}

/* ---- JPEG ------------------------------------------------------------------------------------ */

static int jpeg_probe(struct picture *p, const uint8_t *data, size_t bytes, struct picture_head *h) {
	int width, height, sampling, colors;
	if (tjDecompressHeader3(p->tj, data, (unsigned long)bytes, &width, &height, &sampling, &colors) < 0)
		return fail(p, tjGetErrorStr2(p->tj));
	if (colors == TJCS_CMYK || colors == TJCS_YCCK)
		return fail(p, "its colors are those of a printer (CMYK)");
	*h = (struct picture_head){ .width = (unsigned)width, .height = (unsigned)height };
	return 0;
}

/* The least number of eighths that loses nothing of what the output can show. */
static tjscalingfactor jpeg_factor(const struct picture *p, const struct picture_head *h) {
	struct scale_fit whole = fit_of(p, h->width, h->height);
	for (int n = 1; n < EIGHTHS; n++) {
		tjscalingfactor f = { n, EIGHTHS };
		unsigned width = (unsigned)TJSCALED((int)whole.source_width, f);
		unsigned height = (unsigned)TJSCALED((int)whole.source_height, f);
		if (width >= whole.width && height >= whole.height)
			return f;
	}
	return (tjscalingfactor){ 1, 1 };
}

static int jpeg_decode(struct picture *p, const uint8_t *data, size_t bytes, const struct picture_head *h,
		uint8_t *out) {
	tjscalingfactor factor = jpeg_factor(p, h);
	int width = TJSCALED((int)h->width, factor), height = TJSCALED((int)h->height, factor);
	struct scale_fit f = fit_of(p, (unsigned)width, (unsigned)height);
	size_t stride = (size_t)p->width * CHANNELS, row = (size_t)width * CHANNELS;
	bool direct = scale_is_identity(&f);
	uint8_t *to = direct ? out + f.y * stride + f.x * CHANNELS : p->scratch;
	struct scale s;

	if (tjDecompress2(p->tj, data, (unsigned long)bytes, to, width, (int)(direct ? stride : row), height,
			TJPF_RGB, TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING) < 0)
		return fail(p, tjGetErrorStr2(p->tj));
	scale_borders(&f, out, p->width, p->height);
	if (direct)
		return 0;
	scale_begin(&s, &f, out, stride, p->sums);
	for (int y = 0; y < height; y++)
		scale_row(&s, (unsigned)y, p->scratch + (size_t)y * row);
	return 0;
}

/* ---- both ------------------------------------------------------------------------------------ */

int picture_probe(struct picture *p, const uint8_t *data, size_t bytes, struct picture_head *h) {
	*h = (struct picture_head){ 0 };
	bool png = bytes >= 8 && png_sig_cmp(data, 0, 8) == 0;
	int rc = png ? png_probe(p, data, bytes, h) : jpeg_probe(p, data, bytes, h);
	h->png = png;
	if (rc < 0)
		return rc;
	if (h->width == 0 || h->height == 0 || h->width > PICTURE_SIDE_MAX || h->height > PICTURE_SIDE_MAX ||
			h->width * h->height > PICTURE_PIXELS_MAX)
		return fail(p, "it is larger than 64 million pixels");
	return 0;
}

static size_t scratch_for(const struct picture *p, const struct picture_head *h) {
	if (h->png)
		return (size_t)h->width * CHANNELS * (h->interlaced ? h->height : 1);
	tjscalingfactor f = jpeg_factor(p, h);
	return (size_t)TJSCALED((int)h->width, f) * (size_t)TJSCALED((int)h->height, f) * CHANNELS;
}

int picture_reserve(struct picture *p, const struct picture_head *h) {
	size_t need = scratch_for(p, h);
	if (need <= p->scratch_bytes)
		return 0;
	uint8_t *more = realloc(p->scratch, need);
	if (!more)
		return -ENOMEM;
	p->scratch = more;
	p->scratch_bytes = need;
	return 0;
}

int picture_decode(struct picture *p, const uint8_t *data, size_t bytes, uint8_t *out) {
	struct picture_head h;
	int rc = picture_probe(p, data, bytes, &h);
	if (rc < 0)
		return rc;
	if (scratch_for(p, &h) > p->scratch_bytes)
		return -E2BIG;
	return h.png ? png_decode(p, data, bytes, out) : jpeg_decode(p, data, bytes, &h, out);
}
