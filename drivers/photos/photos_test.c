/*
 * photos_test.c - pictures made here, photographed by the driver through its public door.
 *
 * Time is the test's.  Colors are compared with tolerance for what JPEG loses.
 */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <unistd.h>
#include "cadmus/driver.h"
#include "picture.h"

extern const struct cdm_driver cdm_driver;

enum { W = 64, H = 48, BYTES = W * H * 3 };

static char folder[64];
static struct cdm_mono clock_now = { 5000000000 };
static const char *set[5][2]; /* options that are given */
static unsigned logged;
static char last_log[300];
static uint8_t slot[BYTES + 8];

static struct cdm_mono test_now(void) {
	return clock_now;
}

static void test_log(void *of, enum cdm_severity severity, const char *text) {
	assert(of == set && severity == CDM_WARNING);
	snprintf(last_log, sizeof(last_log), "%s", text);
	logged++;
}

static const char *test_option(void *of, const char *key) {
	assert(of == set);
	for (size_t i = 0; i < 5; i++)
		if (set[i][0] && strcmp(set[i][0], key) == 0)
			return set[i][1];
	return NULL;
}

static struct cdm_driver_config config(void) {
	return (struct cdm_driver_config){ .now = test_now, .log = test_log, .option = test_option, .of = set,
		.machine = "test", .entity = "camera", .dtype = CDM_U8, .dims = 3, .shape = { H, W, 3 },
		.bytes = BYTES, .rate_hz = 10 };
}

static void options(const char *k0, const char *v0, const char *k1, const char *v1) {
	memset(set, 0, sizeof(set));
	set[0][0] = "source", set[0][1] = folder;
	set[1][0] = k0, set[1][1] = v0;
	set[2][0] = k1, set[2][1] = v1;
}

/* ---- pictures -------------------------------------------------------------------------------- */

/* Left half one color, right half another, both a bit darker downwards. */
static void paint(uint8_t *rgb, unsigned w, unsigned h, uint32_t left, uint32_t right) {
	for (unsigned y = 0; y < h; y++)
		for (unsigned x = 0; x < w; x++)
			for (unsigned c = 0; c < 3; c++)
				rgb[(y * w + x) * 3 + c] = (uint8_t)((x < w / 2 ? left : right) >> (16 - 8 * c));
}

static void path_of(char out[160], const char *name) {
	snprintf(out, 160, "%s/%s", folder, name);
}

static void save(const char *name, const void *data, size_t bytes) {
	char path[160];
	path_of(path, name);
	FILE *f = fopen(path, "wb");
	assert(f && fwrite(data, 1, bytes, f) == bytes && fclose(f) == 0);
}

static size_t make_jpeg(uint8_t **out, unsigned w, unsigned h, uint32_t left, uint32_t right) {
	uint8_t *rgb = malloc((size_t)w * h * 3);
	unsigned long n = 0;
	tjhandle t = tjInitCompress();
	*out = NULL;
	paint(rgb, w, h, left, right);
	assert(tjCompress2(t, rgb, (int)w, 0, (int)h, TJPF_RGB, out, &n, TJSAMP_444, 95, 0) == 0);
	tjDestroy(t);
	free(rgb);
	return n;
}

static void save_jpeg(const char *name, unsigned w, unsigned h, uint32_t left, uint32_t right) {
	uint8_t *jpeg;
	size_t n = make_jpeg(&jpeg, w, h, left, right);
	save(name, jpeg, n);
	tjFree(jpeg);
}

struct png_kind {
	int color, depth, interlace;
};

static void save_png(const char *name, unsigned w, unsigned h, struct png_kind k, const uint8_t *pixel, size_t bytes) {
	char path[160];
	uint8_t row[4096];
	path_of(path, name);
	FILE *f = fopen(path, "wb");
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png_create_info_struct(png);
	assert(f && png && info && w * bytes <= sizeof(row));
	png_init_io(png, f);
	png_set_IHDR(png, info, w, h, k.depth, k.color, k.interlace, 0, 0);
	if (k.color == PNG_COLOR_TYPE_PALETTE) {
		png_color colors[2] = { { 1, 2, 3 }, { 200, 100, 50 } };
		png_set_PLTE(png, info, colors, 2);
	}
	png_write_info(png, info);
	for (unsigned x = 0; x < w; x++)
		memcpy(row + x * bytes, pixel, bytes);
	for (int pass = 0; pass < png_set_interlace_handling(png) && pass < 7; pass++)
		for (unsigned y = 0; y < h; y++)
			png_write_row(png, row);
	png_write_end(png, NULL);
	png_destroy_write_struct(&png, &info);
	assert(fclose(f) == 0);
}

static void erase(const char *name) {
	char path[160];
	path_of(path, name);
	assert(unlink(path) == 0);
}

static void expect(unsigned x, unsigned y, uint32_t color) {
	for (unsigned c = 0; c < 3; c++) {
		int want = (int)(color >> (16 - 8 * c) & 255), got = slot[(y * W + x) * 3 + c];
		if (abs(want - got) > 6)
			fprintf(stderr, "(%u,%u) channel %u: %d instead of %d\n", x, y, c, got, want);
		assert(abs(want - got) <= 6);
	}
}

/* ---- through the door ------------------------------------------------------------------------ */

static void *open_ok(void) {
	struct cdm_driver_config cfg = config();
	struct cdm_diag diag = { 0 };
	void *self;
	int rc = cdm_driver.open(&self, &cfg, &diag);
	if (rc < 0)
		fprintf(stderr, "%s\n", diag.at[0].text);
	assert(rc == 0 && self && diag.count == 0);
	return self;
}

static int fill(void *self) {
	struct cdm_info info = { .trust = 1 };
	memset(slot, 0x77, sizeof(slot)); /* what the sample before left there */
	int rc = cdm_driver.fill(self, slot, BYTES, &info);
	for (size_t i = BYTES; i < sizeof(slot); i++)
		assert(slot[i] == 0x77);
	if (rc == 0)
		assert(info.source_time.ns == clock_now.ns && info.bytes == BYTES && info.status == CDM_OK);
	return rc;
}

static void shows_one_after_the_other(void) {
	save_jpeg("b.JPG", W, H, 0x0000ff, 0x00ff00);
	save_jpeg("a.jpeg", 2 * W, 2 * H, 0xff0000, 0x808080);
	save_png("c.png", W, H, (struct png_kind){ PNG_COLOR_TYPE_RGB, 8, 0 }, (const uint8_t[]){ 9, 99, 199 }, 3);
	save("notes.txt", "no photo", 8);
	save(".hidden.jpg", "no photo", 8);
	options("hold", "0.5", NULL, NULL);
	void *self = open_ok();
	for (int round = 0; round < 2; round++) {
		for (int twice = 0; twice < 2; twice++, clock_now.ns += 250000000) {
			assert(fill(self) == 0);
			expect(5, 5, 0xff0000), expect(W - 5, H - 5, 0x808080);
		}
		assert(fill(self) == 0);
		expect(5, 5, 0x0000ff), expect(W - 5, H - 5, 0x00ff00);
		clock_now.ns += 500000000;
		assert(fill(self) == 0);
		expect(5, 5, 0x0963c7), expect(W - 5, H - 5, 0x0963c7);
		clock_now.ns += 500000000;
	}
	assert(cdm_driver.fill(self, slot, BYTES - 1, &(struct cdm_info){ 0 }) == -EINVAL);
	cdm_driver.close(self);
	cdm_driver.close(NULL);
}

/* What it opens is not for programs that its host may start. */
static void keeps_its_folder_to_itself(void) {
	enum { FDS = 256 };
	int before[FDS];
	for (int fd = 0; fd < FDS; fd++)
		before[fd] = fcntl(fd, F_GETFD);
	void *self = open_ok();
	unsigned opened = 0;
	for (int fd = 0; fd < FDS; fd++)
		if (before[fd] < 0 && fcntl(fd, F_GETFD) >= 0) {
			assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
			opened++;
		}
	assert(opened == 1);
	cdm_driver.close(self);
}

static void shows_only_what_is_wanted(void) {
	static const char *const names[] = { "b.JPG", "b" };
	for (int i = 0; i < 2; i++) {
		options("only", names[i], NULL, NULL);
		void *self = open_ok();
		for (int n = 0; n < 5; n++, clock_now.ns += 1000000000) {
			assert(fill(self) == 0);
			expect(5, 5, 0x0000ff);
		}
		cdm_driver.close(self);
	}
}

static void random_order_shows_all_of_them(void) {
	unsigned seen = 0;
	options("order", "random", "hold", "1");
	void *self = open_ok();
	for (int n = 0; n < 60; n++, clock_now.ns += 1000000000) {
		assert(fill(self) == 0);
		seen |= slot[0] > 200 ? 1u : slot[2] > 220 ? 2u : 4u;
	}
	assert(seen == 7);
	cdm_driver.close(self);
}

static void fits_other_proportions(void) {
	save_jpeg("wide.jpg", 640, 120, 0xff0000, 0x0000ff);
	options("only", "wide", "fit", "contain"); /* 64 x 12, in the middle */
	void *self = open_ok();
	assert(fill(self) == 0);
	expect(2, 2, 0), expect(W - 3, H - 3, 0), expect(10, 17, 0), expect(10, 30, 0);
	expect(10, 19, 0xff0000), expect(50, 28, 0x0000ff);
	cdm_driver.close(self);
	options("only", "wide", "fit", "cover");
	self = open_ok();
	assert(fill(self) == 0);
	expect(2, 2, 0xff0000), expect(W - 3, H - 3, 0x0000ff);
	cdm_driver.close(self);
	options("only", "wide", "fit", "stretch");
	self = open_ok();
	assert(fill(self) == 0);
	expect(2, 2, 0xff0000), expect(29, 20, 0xff0000), expect(34, 20, 0x0000ff);
	cdm_driver.close(self);
	erase("wide.jpg");
}

static void reads_every_kind_of_png(void) {
	static const struct {
		struct png_kind kind;
		uint8_t pixel[8];
		size_t bytes;
		uint32_t color;
	} rows[] = {
		{ { PNG_COLOR_TYPE_GRAY, 8, 0 }, { 77 }, 1, 0x4d4d4d },
		{ { PNG_COLOR_TYPE_RGB, 16, 0 }, { 0x11, 0x11, 0x22, 0x22, 0x33, 0x33 }, 6, 0x112233 },
		{ { PNG_COLOR_TYPE_RGB_ALPHA, 8, 0 }, { 200, 100, 50, 0 }, 4, 0x000000 },
		{ { PNG_COLOR_TYPE_RGB_ALPHA, 8, 0 }, { 200, 100, 50, 255 }, 4, 0xc86432 },
		{ { PNG_COLOR_TYPE_GRAY_ALPHA, 8, 0 }, { 90, 255 }, 2, 0x5a5a5a },
		{ { PNG_COLOR_TYPE_PALETTE, 8, 0 }, { 1 }, 1, 0xc86432 },
		{ { PNG_COLOR_TYPE_GRAY, 1, 0 }, { 0xff }, 1, 0xffffff },
		{ { PNG_COLOR_TYPE_RGB, 8, 1 }, { 10, 20, 30 }, 3, 0x0a141e },
		{ { PNG_COLOR_TYPE_RGB_ALPHA, 16, 1 }, { 9, 9, 8, 8, 7, 7, 255, 255 }, 8, 0x090807 },
	};
	static const unsigned sizes[][2] = { { W, H }, { 200, 150 }, { 13, 7 }, { 1, 1 } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t s = 0; s < 4; s++) {
			save_png("kind.png", sizes[s][0], sizes[s][1], rows[i].kind, rows[i].pixel, rows[i].bytes);
			options("only", "kind", "fit", "stretch");
			void *self = open_ok();
			assert(fill(self) == 0);
			expect(0, 0, rows[i].color), expect(W - 1, H - 1, rows[i].color);
			cdm_driver.close(self);
		}
	erase("kind.png");
}

/* ---- what goes wrong ------------------------------------------------------------------------- */

static void refused(int expected, const char *word) {
	struct cdm_driver_config cfg = config();
	struct cdm_diag diag = { 0 };
	void *self = &cfg;
	int rc = cdm_driver.open(&self, &cfg, &diag);
	if (rc != expected || !strstr(diag.at[0].text, word))
		fprintf(stderr, "%d: %s\n", rc, diag.at[0].text);
	assert(rc == expected && self == NULL && diag.errors >= 1 && strstr(diag.at[0].text, word));
	assert(cdm_driver.open(&self, &cfg, NULL) == expected);
}

static void refuses_what_cannot_be_opened(void) {
	options(NULL, NULL, NULL, NULL);
	set[0][0] = NULL;
	refused(-EINVAL, "source");
	set[0][0] = "source", set[0][1] = "/nonexistent/folder";
	refused(-ENOENT, "/nonexistent/folder");
	options("only", "nobody.jpg", NULL, NULL);
	refused(-ENOENT, "of that name");
	options("hold", "0", NULL, NULL);
	refused(-EINVAL, "hold");
	options("hold", "1x", NULL, NULL);
	refused(-EINVAL, "hold");
	options("hold", "nan", NULL, NULL);
	refused(-EINVAL, "hold");
	options("order", "backwards", NULL, NULL);
	refused(-EINVAL, "backwards");
	options("fit", "", NULL, NULL);
	refused(-EINVAL, "fit");

	options("only", "bad", NULL, NULL);
	save("bad.jpg", "", 0);
	refused(-EBADMSG, "bad.jpg");
	save("bad.jpg", "this is no picture at all", 25);
	refused(-EBADMSG, "bad.jpg");
	erase("bad.jpg");
	save("bad.png", "\x89PNG\r\n\x1a\n and then nothing", 24);
	refused(-EBADMSG, "bad.png");
	erase("bad.png");
	char path[160];
	path_of(path, "bad.jpg");
	assert(symlink("/nonexistent/file", path) == 0);
	refused(-ENOENT, "bad.jpg");
	erase("bad.jpg");
}

static void refuses_fields_of_another_shape(void) {
	static const struct {
		enum cdm_dtype dtype;
		uint32_t dims, shape[3];
		size_t bytes;
	} rows[] = { { CDM_F32, 3, { H, W, 3 }, BYTES }, { CDM_U8, 2, { H, W, 3 }, BYTES },
		{ CDM_U8, 3, { H, W, 4 }, BYTES }, { CDM_U8, 3, { 0, W, 3 }, 0 },
		{ CDM_U8, 3, { H, W, 3 }, BYTES - 1 }, { CDM_U8, 3, { 65536, 1, 3 }, 196608 } };
	options(NULL, NULL, NULL, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cdm_driver_config cfg = config();
		struct cdm_diag diag = { 0 };
		void *self;
		cfg.dtype = rows[i].dtype, cfg.dims = rows[i].dims, cfg.bytes = rows[i].bytes;
		memcpy(cfg.shape, rows[i].shape, sizeof(rows[i].shape));
		assert(cdm_driver.open(&self, &cfg, &diag) == -EINVAL && strstr(diag.at[0].text, "u8"));
	}
}

/* A photo whose body is broken is left out, once, with a word; the show goes on without it. */
static void leaves_broken_ones_out(void) {
	uint8_t *jpeg;
	size_t n = make_jpeg(&jpeg, 300, 200, 0xffffff, 0x000000);
	save("aa.jpg", jpeg, n / 2);
	tjFree(jpeg);
	options("hold", "1", NULL, NULL);
	void *self = open_ok();
	logged = 0;
	unsigned bad = 0;
	for (int i = 0; i < 40; i++, clock_now.ns += 300000000) {
		int rc = fill(self);
		assert(rc == 0 || rc == -EBADMSG);
		bad += rc != 0;
	}
	assert(bad == 1 && logged == 1 && strstr(last_log, "aa.jpg"));
	erase("aa.jpg");
	cdm_driver.close(self);
}

static void survives_the_loss_of_its_files(void) {
	save_jpeg("gone1.jpg", 80, 60, 0xff0000, 0xff0000);
	options("only", "gone1", NULL, NULL);
	void *self = open_ok();
	assert(fill(self) == 0);
	erase("gone1.jpg");
	assert(fill(self) == 0); /* the one that is shown is in memory */
	clock_now.ns += 2000000000;
	assert(fill(self) == -EIO);
	assert(fill(self) == -ENOENT); /* nothing is left to show */
	cdm_driver.close(self);

	save_jpeg("grows.jpg", 80, 60, 0xff0000, 0xff0000);
	options("only", "grows", NULL, NULL);
	self = open_ok();
	uint8_t *jpeg;
	size_t n = make_jpeg(&jpeg, 2000, 1500, 0x00ff00, 0xff00ff);
	save("grows.jpg", jpeg, n);
	tjFree(jpeg);
	assert(fill(self) == -EIO && strstr(last_log, "larger"));
	cdm_driver.close(self);
	erase("grows.jpg");
}

/* Any bytes: an error or a picture, never more memory than was reserved. */
static void survives_any_bytes(void) {
	static const char *const names[] = { "b.JPG", "c.png" };
	static uint8_t good[1 << 16], bad[1 << 16];
	srand(3);
	for (int k = 0; k < 2; k++) {
		char path[160];
		path_of(path, names[k]);
		FILE *f = fopen(path, "rb");
		size_t n = fread(good, 1, sizeof(good), f);
		assert(n > 100 && n < sizeof(good) && fclose(f) == 0);
		struct picture p;
		struct picture_head h;
		assert(picture_init(&p, W, H, SCALE_CONTAIN) == 0);
		assert(picture_probe(&p, good, n, &h) == 0 && picture_reserve(&p, &h) == 0);
		for (int i = 0; i < 3000; i++) {
			memcpy(bad, good, n);
			for (int c = rand() % 4; c >= 0; c--)
				bad[(size_t)rand() % n] = (uint8_t)rand();
			size_t cut = i % 3 ? n : (size_t)rand() % n;
			int rc = picture_decode(&p, bad, cut, slot);
			assert(rc == 0 || rc == -EBADMSG || rc == -E2BIG);
		}
		picture_fini(&p);
	}
}

int main(void) {
	snprintf(folder, sizeof(folder), "/tmp/photos_test.XXXXXX");
	assert(mkdtemp(folder));
	shows_one_after_the_other();
	keeps_its_folder_to_itself();
	shows_only_what_is_wanted();
	random_order_shows_all_of_them();
	fits_other_proportions();
	reads_every_kind_of_png();
	refuses_what_cannot_be_opened();
	erase(".hidden.jpg");
	erase("notes.txt");
	refuses_fields_of_another_shape();
	leaves_broken_ones_out();
	survives_the_loss_of_its_files();
	survives_any_bytes();
	erase("a.jpeg"), erase("b.JPG"), erase("c.png");
	assert(rmdir(folder) == 0);
	puts("photos_test: ok");
}
