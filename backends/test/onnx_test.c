/*
 * onnx_test.c - the onnx backend with the real engine: a sum whose result is known, faces in
 * photographs, what it refuses, and its threads.
 */
#include <errno.h>
#include <math.h>
#include <png.h>
#include <string.h>
#include <unistd.h>
#include "host.h"

static const struct cdm_backend *b;
static struct cdm_diag d;

/* y = x + x over f32[4]; as engines read it. */
static const unsigned char sum_model[] = { 0x08, 0x08, 0x3a, 53, 0x0a, 14, 0x0a, 1, 'x', 0x0a, 1,
	'x', 0x12, 1, 'y', 0x22, 3, 'A', 'd', 'd', 0x12, 1, 'g', 0x5a, 15, 0x0a, 1, 'x', 0x12, 10,
	0x0a, 8, 0x08, 1, 0x12, 4, 0x0a, 2, 0x08, 4, 0x62, 15, 0x0a, 1, 'y', 0x12, 10, 0x0a, 8,
	0x08, 1, 0x12, 4, 0x0a, 2, 0x08, 4, 0x42, 4, 0x0a, 0, 0x10, 13 };
/* The same over f32[?]. */
static const unsigned char free_model[] = { 0x08, 0x08, 0x3a, 49, 0x0a, 14, 0x0a, 1, 'x', 0x0a, 1,
	'x', 0x12, 1, 'y', 0x22, 3, 'A', 'd', 'd', 0x12, 1, 'g', 0x5a, 13, 0x0a, 1, 'x', 0x12, 8,
	0x0a, 6, 0x08, 1, 0x12, 2, 0x0a, 0, 0x62, 13, 0x0a, 1, 'y', 0x12, 8, 0x0a, 6, 0x08, 1, 0x12,
	2, 0x0a, 0, 0x42, 4, 0x0a, 0, 0x10, 13 };

static int load(void **m, const char *path, uint32_t threads, const char *const *options) {
	struct cdm_backend_config cfg = { path, NULL, threads, 0, &host };
	*m = NULL;
	d.count = d.errors = 0;
	host_options(options);
	int rc = b->load(m, &cfg, &d);
	CHECK((rc == 0) == (*m != NULL) && (rc == 0) == (d.errors == 0));
	return rc;
}

static struct cdm_tensor tensor(void *data, enum cdm_dtype type, uint32_t element, uint32_t dims,
		uint32_t x, uint32_t y, uint32_t z) {
	return (struct cdm_tensor){ data, (size_t)element * x * y * z, type, dims, { x, y, z },
		{ .bytes = 0 } };
}

static int close_to(double a, double b_, double by) {
	return fabs(a - b_) <= by;
}

/* ---- sums ---- */

static void adds(const unsigned char *model, size_t bytes, uint32_t count) {
	float x[16], y[16];
	void *m;
	const char *path = host_file("sum.onnx");
	struct cdm_tensor in = tensor(x, CDM_F32, 4, 1, count, 1, 1),
			  out = tensor(y, CDM_F32, 4, 1, count, 1, 1);
	host_write(path, model, bytes);
	CHECK(load(&m, path, 1, NULL) == 0);
	CHECK(b->transform(m, &in, &out) == -EINVAL); /* not prepared */
	CHECK(b->prepare(m, &in, &out, &d) == 0);
	for (int round = 0; round < 100; round++) {
		for (uint32_t i = 0; i < count; i++)
			x[i] = (float)round * 0.25f - (float)i;
		CHECK(b->transform(m, &in, &out) == 0);
		for (uint32_t i = 0; i < count; i++)
			CHECK(close_to((double)y[i], 2 * (double)x[i], 0));
	}
	struct cdm_model_facts f;
	b->describe(m, &f);
	CHECK(strstr(f.engine, "ONNX Runtime 1.") && f.bytes == bytes &&
			strcmp(f.architecture, "tensor") == 0);
	b->unload(m);
}

static void refuses_fields_that_do_not_fit(void) {
	float x[5], y[5];
	void *m;
	const char *path = host_file("sum.onnx");
	struct cdm_tensor four = tensor(x, CDM_F32, 4, 1, 4, 1, 1),
			  five = tensor(y, CDM_F32, 4, 1, 5, 1, 1);
	struct cdm_tensor ints = tensor(x, CDM_I32, 4, 1, 4, 1, 1);
	host_write(path, sum_model, sizeof(sum_model));
	CHECK(load(&m, path, 1, NULL) == 0);
	CHECK(b->prepare(m, &five, &four, &d) == -EINVAL &&
			host_said(&d, "the input of the model is f32[4]"));
	CHECK(b->prepare(m, &ints, &four, &d) == -EINVAL && host_said(&d, "the field has i32"));
	d.count = 0;
	CHECK(b->prepare(m, &four, &five, &d) == -EINVAL &&
			host_said(&d, "the output of the model is f32[4]"));
	CHECK(b->transform(m, &four, &five) == -EINVAL);
	CHECK(b->prepare(m, &four, &four, &d) == 0 && b->transform(m, &four, &four) == 0);
	b->unload(m);
	b->unload(NULL);
}

static void refuses_what_is_no_model(void) {
	static const char *const nonsense[] = { "adapter", "palmistry", NULL },
				 *const high[] = { "threshold", "1.5", NULL },
				 *const word[] = { "threshold", "much", NULL };
	char path[128];
	void *m;
	CHECK(load(&m, "/nowhere/model.onnx", 1, NULL) == -ENOENT &&
			host_said(&d, "/nowhere/model.onnx"));
	snprintf(path, sizeof(path), "%s", host_file("bad.onnx"));
	for (size_t cut = 0; cut < sizeof(sum_model); cut += 7) {
		host_write(path, sum_model, cut);
		CHECK(load(&m, path, 1, NULL) == -EPROTO && host_said(&d, path));
	}
	for (size_t at = 0; at < sizeof(sum_model); at++) { /* whatever is changed: an error, or a model */
		unsigned char copy[sizeof(sum_model)];
		memcpy(copy, sum_model, sizeof(copy));
		copy[at] ^= 0x41;
		host_write(path, copy, sizeof(copy));
		if (load(&m, path, 1, NULL) == 0)
			b->unload(m);
	}
	host_write(path, sum_model, sizeof(sum_model));
	CHECK(load(&m, path, 1, nonsense) == -EINVAL &&
			host_said(&d, "there are: tensor, blazeface"));
	CHECK(load(&m, path, 1, high) == -EINVAL && host_said(&d, "threshold"));
	CHECK(load(&m, path, 1, word) == -EINVAL && host_said(&d, "much"));
}

static void refuses_engines_it_does_not_know(void) {
	char *keep = strdup(getenv("CADMUS_ORT_LIB")), path[128];
	void *m;
	snprintf(path, sizeof(path), "%s", host_file("sum.onnx"));
	setenv("CADMUS_ORT_LIB", "/nowhere/libonnxruntime.so", 1);
	CHECK(load(&m, path, 1, NULL) == -ENOTSUP &&
			host_said(&d, "/nowhere/libonnxruntime.so: no such file"));
	setenv("CADMUS_ORT_LIB", path, 1); /* a file, but no library */
	CHECK(load(&m, path, 1, NULL) == -ENOTSUP && host_said(&d, "cannot be loaded"));
	setenv("CADMUS_ORT_LIB", "libm.so.6", 1); /* never looked for by a bare name */
	CHECK(load(&m, path, 1, NULL) == -ENOTSUP);
	unsetenv("CADMUS_ORT_LIB");
	CHECK(load(&m, path, 1, NULL) == -ENOTSUP && host_said(&d, "CADMUS_ORT_LIB"));
	setenv("CADMUS_ORT_LIB", keep, 1);
	free(keep);
}

/* ---- faces ---- */

struct photo {
	unsigned char *pixels;
	uint32_t width, height;
};

static struct photo read_photo(const char *folder, const char *name) {
	char path[4096];
	png_image image = { .version = PNG_IMAGE_VERSION };
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	CHECK(png_image_begin_read_from_file(&image, path));
	image.format = PNG_FORMAT_RGB;
	struct photo p = { malloc(PNG_IMAGE_SIZE(image)), image.width, image.height };
	CHECK(p.pixels && png_image_finish_read(&image, NULL, p.pixels, 0, NULL));
	return p;
}

static float rows[8][6];

static int find_faces(void *m, struct photo p) {
	struct cdm_tensor in = tensor(p.pixels, CDM_U8, 1, 3, p.height, p.width, 3),
			  out = tensor(rows, CDM_F32, 4, 2, 8, 6, 1);
	int count = 0;
	CHECK(b->prepare(m, &in, &out, &d) == 0);
	memset(rows, 0x7f, sizeof(rows));
	struct cdm_mono start = host.now();
	for (int i = 0; i < 20; i++)
		CHECK(b->transform(m, &in, &out) == 0);
	double ms = (double)(host.now().ns - start.ns) / 20e6;
	for (int i = 0; i < 8; i++) {
		int face = rows[i][4] > 0;
		CHECK(close_to((double)rows[i][5], 0, 0) && (face ? i == count : close_to((double)rows[i][2], 0, 0)));
		CHECK(!face || (rows[i][0] >= 0 && rows[i][1] >= 0 &&
					       rows[i][0] + rows[i][2] <= 1.0001f &&
					       rows[i][1] + rows[i][3] <= 1.0001f &&
					       rows[i][4] >= 0.55f));
		count += face;
	}
	printf("  %ux%u: %d faces, best %.2f at %.2f,%.2f size %.2fx%.2f, %.2f ms\n", p.width,
			p.height, count, (double)rows[0][4], (double)rows[0][0], (double)rows[0][1],
			(double)rows[0][2], (double)rows[0][3], ms);
	return count;
}

/* Copy the square of `size` pixels at (x, 0) of a photograph to (to, to) of another. */
static void place(struct photo p, uint32_t x, uint32_t size, struct photo into, uint32_t to) {
	for (uint32_t row = 0; row < size; row++)
		memcpy(into.pixels + ((size_t)(to + row) * into.width + to) * 3,
				p.pixels + ((size_t)row * p.width + x) * 3, (size_t)size * 3);
}

/* The large model takes this cat for a face too. */
static void finds_faces(const char *model, const char *photos, int knows_cats) {
	static const char *const options[] = { "adapter", "blazeface", NULL };
	struct photo astronaut = read_photo(photos, "astronaut.png"),
		     cat = read_photo(photos, "chelsea.png");
	void *m;
	CHECK(load(&m, model, 1, options) == 0);
	CHECK(find_faces(m, astronaut) == 1);
	double cx = (double)(rows[0][0] + rows[0][2] / 2) * 512,
	       cy = (double)(rows[0][1] + rows[0][3] / 2) * 512;
	CHECK(close_to(cx, 225, 12) && close_to(cy, 129, 16) && rows[0][4] > 0.85f);
	CHECK((find_faces(m, cat) == 0) == knows_cats);
	struct photo two = { calloc(512 * 3, 512), 512, 512 };
	CHECK(two.pixels != NULL);
	place(astronaut, 96, 256, two, 0);
	place(astronaut, 96, 256, two, 256);
	CHECK(find_faces(m, two) == 2 && fabs((double)(rows[0][0] - rows[1][0])) > 0.4);
	free(two.pixels);
	free(cat.pixels);
	free(astronaut.pixels);
	b->unload(m);
}

static void refuses_what_is_no_picture(const char *model) {
	static const char *const options[] = { "adapter", "blazeface", NULL };
	static float few[4];
	static unsigned char pixels[64 * 64 * 3];
	struct cdm_tensor grey = tensor(pixels, CDM_U8, 1, 3, 64, 64, 1),
			  in = tensor(pixels, CDM_U8, 1, 3, 64, 64, 3);
	struct cdm_tensor wrong = tensor(few, CDM_F32, 4, 2, 1, 4, 1),
			  out = tensor(rows, CDM_F32, 4, 2, 8, 6, 1);
	struct cdm_tensor one = tensor(pixels, CDM_U8, 1, 3, 1, 1, 3);
	void *m;
	CHECK(load(&m, model, 1, options) == 0);
	CHECK(b->prepare(m, &grey, &out, &d) == -EINVAL && host_said(&d, "u8[height, width, 3]"));
	CHECK(b->prepare(m, &in, &wrong, &d) == -EINVAL && host_said(&d, "f32[n, 6]"));
	CHECK(b->prepare(m, &one, &out, &d) == 0 && b->transform(m, &one, &out) == 0); /* a picture of one pixel */
	b->unload(m);
	const char *path = host_file("sum.onnx");
	host_write(path, sum_model, sizeof(sum_model));
	CHECK(load(&m, path, 1, options) == 0);
	CHECK(b->prepare(m, &in, &out, &d) == -EINVAL && host_said(&d, "no BlazeFace model"));
	b->unload(m);
}

/* ---- threads ---- */

static void never_takes_more_threads_than_given(const char *model) {
	static const char *const options[] = { "adapter", "blazeface", NULL };
	static unsigned char pixels[64 * 64 * 3];
	struct cdm_tensor in = tensor(pixels, CDM_U8, 1, 3, 64, 64, 3),
			  out = tensor(rows, CDM_F32, 4, 2, 8, 6, 1);
	unsigned before = host_threads();
	for (uint32_t n = 1; n <= 3; n++) {
		void *m;
		CHECK(load(&m, model, n, options) == 0 && b->prepare(m, &in, &out, &d) == 0);
		CHECK(b->transform(m, &in, &out) == 0);
		unsigned now = host_threads() - before + 1;
		printf("  %u threads given: %u while it computes\n", n, now);
		CHECK(now <= n);
		b->unload(m);
		host_threads_fall_to(before);
	}
}

int main(int argc, char **argv) {
	char model[4096];
	CHECK(argc >= 2);
	if (!host_place("CADMUS_ORT_LIB", "ONNX Runtime"))
		return host_skip();
	b = host_open(argv[1]);
	adds(sum_model, sizeof(sum_model), 4);
	adds(free_model, sizeof(free_model), 4);
	adds(free_model, sizeof(free_model), 9);
	refuses_fields_that_do_not_fit();
	refuses_what_is_no_model();
	refuses_engines_it_does_not_know();
	const char *models = host_place("CADMUS_MODELS", "the models"),
		   *photos = host_place("CADMUS_PHOTOS", "photographs");
	snprintf(model, sizeof(model), "%s/face_detection_front_128x128_barracuda.onnx", models ? models : "");
	if (!models || access(model, R_OK) != 0) {
		printf("skipped: no BlazeFace at %s\n", model);
		return host_skip();
	}
	never_takes_more_threads_than_given(model);
	refuses_what_is_no_picture(model);
	if (!photos)
		return host_skip();
	finds_faces(model, photos, 1);
	snprintf(model, sizeof(model), "%s/face_detection_back_256x256_barracuda.onnx", models);
	if (access(model, R_OK) == 0)
		finds_faces(model, photos, 0);
	puts("onnx_test: ok");
}
