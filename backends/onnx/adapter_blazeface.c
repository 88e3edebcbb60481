/*
 * adapter_blazeface.c - faces in a picture, by BlazeFace (front 128x128 or back 256x256).
 *
 * In: u8[h,w,3], RGB, stretched to the model's square by bilinear sampling, -1..1.  The model has 896
 * anchors: two on each cell of a 16x16 grid, six on each of an 8x8 grid.  It gives each a score
 * (before the sigmoid) and 16 numbers: centre (from the anchor's, in pixels of its square), width,
 * height, and six points of a face that we leave.  Overlapping ones are one face: the best stays.
 *
 * Out: f32[n,6], best first: x, y of the upper left corner, width, height (0..1 of the picture),
 * score, 0; rows without a face are all 0.
 */
#include "adapter.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define ROW 6
#define FACES_MAX 64
#define BOX_NUMBERS 16
#define OVERLAP_MAX 0.3f

struct face {
	float x, y, w, h, score;
};

/* The two layers: their score and box outputs, by their sizes. */
static const struct layer {
	int grid, per_cell;
} layers[2] = { { 16, 2 }, { 8, 6 } };

static const struct ort_port *find_output(const struct ort_model *m, int anchors, int numbers) {
	for (size_t i = 0; i < m->output_count; i++) {
		const struct ort_port *p = &m->outputs[i];
		if (p->dtype == CDM_F32 && p->rank == 3 && p->dims[1] == anchors &&
				p->dims[2] == numbers)
			return p;
	}
	return NULL;
}

static int accept(struct ort_model *m, const struct cdm_tensor *in, const struct cdm_tensor *out,
		struct cdm_diag *diag) {
	struct ort_port *p = &m->inputs[0];
	if (p->rank == 4 && p->dims[0] < 0)
		p->dims[0] = 1;
	if (m->input_count != 1 || p->dtype != CDM_F32 || p->rank != 4 || p->dims[0] != 1 ||
			p->dims[1] != p->dims[2] || p->dims[1] < 16 || p->dims[3] != 3) {
		cdm_diag_add(diag, CDM_ERROR, "B0230",
				"this is no BlazeFace model: its input is not f32[1,n,n,3]");
		return -EINVAL;
	}
	if (in->dtype != CDM_U8 || in->dims != 3 || in->shape[2] != 3 || !in->shape[0] ||
			!in->shape[1]) {
		cdm_diag_add(diag, CDM_ERROR, "B0231",
				"BlazeFace wants a picture: a field of u8[height, width, 3]");
		return -EINVAL;
	}
	if (out->dtype != CDM_F32 || out->dims != 2 || out->shape[1] != ROW || !out->shape[0] ||
			out->shape[0] > FACES_MAX) {
		cdm_diag_add(diag, CDM_ERROR, "B0232",
				"BlazeFace gives faces: a field of f32[n, 6], n at most %d",
				FACES_MAX);
		return -EINVAL;
	}
	return 0;
}

static int check(const struct ort_model *m, const struct cdm_tensor *out, struct cdm_diag *diag) {
	(void)out;
	for (int l = 0; l < 2; l++) {
		int anchors = layers[l].grid * layers[l].grid * layers[l].per_cell;
		if (find_output(m, anchors, 1) && find_output(m, anchors, BOX_NUMBERS))
			continue;
		cdm_diag_add(diag, CDM_ERROR, "B0230",
				"this is no BlazeFace model: no outputs for %d anchors", anchors);
		return -EINVAL;
	}
	return 0;
}

/* ---- the picture ---- */

/* Between which two of `count` pixels the centre of pixel `at` of `size` falls. */
struct sample {
	size_t a, b;
	float part; /* of b */
};

static struct sample sample_at(size_t at, size_t size, size_t count) {
	float where = ((float)at + 0.5f) * (float)count / (float)size - 0.5f;
	if (where < 0)
		where = 0;
	size_t a = (size_t)where;
	if (a >= count)
		a = count - 1;
	return (struct sample){ a, a + 1 < count ? a + 1 : a, where - (float)a };
}

static void feed(struct ort_model *m, const struct cdm_tensor *in) {
	const unsigned char *pixels = in->data;
	size_t size = (size_t)m->inputs[0].dims[1], height = in->shape[0], width = in->shape[1];
	float *to = m->inputs[0].data;
	for (size_t y = 0; y < size; y++) {
		struct sample v = sample_at(y, size, height);
		const unsigned char *upper = pixels + v.a * width * 3,
				    *lower = pixels + v.b * width * 3;
		for (size_t x = 0; x < size; x++) {
			struct sample h = sample_at(x, size, width);
			for (size_t c = 0; c < 3; c++) {
				float top = (float)upper[h.a * 3 + c] * (1 - h.part) +
					    (float)upper[h.b * 3 + c] * h.part;
				float low = (float)lower[h.a * 3 + c] * (1 - h.part) +
					    (float)lower[h.b * 3 + c] * h.part;
				*to++ = (top * (1 - v.part) + low * v.part) / 127.5f - 1;
			}
		}
	}
}

/* ---- the faces ---- */

static float clamp(float v) {
	return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* A box of the model as a part of the picture. */
static struct face decode(const float *box, int cell, int grid, float size, float score) {
	int column = cell % grid, row = cell / grid;
	float cx = ((float)column + 0.5f) / (float)grid + box[0] / size;
	float cy = ((float)row + 0.5f) / (float)grid + box[1] / size;
	float w = box[2] / size, h = box[3] / size;
	float left = clamp(cx - w / 2), top = clamp(cy - h / 2);
	return (struct face){ left, top, clamp(cx + w / 2) - left, clamp(cy + h / 2) - top, score };
}

static float overlap(const struct face *a, const struct face *b) {
	float left = fmaxf(a->x, b->x), right = fminf(a->x + a->w, b->x + b->w);
	float top = fmaxf(a->y, b->y), bottom = fminf(a->y + a->h, b->y + b->h);
	float both = right > left && bottom > top ? (right - left) * (bottom - top) : 0;
	float either = a->w * a->h + b->w * b->h - both;
	return either > 0 ? both / either : 0;
}

/* Keep the faces sorted, best first; the worst falls out when there are too many. */
static void insert(struct face faces[FACES_MAX], size_t *count, struct face f) {
	size_t at = *count;
	if (at == FACES_MAX && faces[at - 1].score >= f.score)
		return;
	if (at == FACES_MAX)
		at--;
	else
		(*count)++;
	for (; at > 0 && faces[at - 1].score < f.score; at--)
		faces[at] = faces[at - 1];
	faces[at] = f;
}

static size_t find_faces(const struct ort_model *m, float threshold, struct face faces[FACES_MAX]) {
	float size = (float)m->inputs[0].dims[1];
	size_t count = 0;
	for (int l = 0; l < 2; l++) {
		int grid = layers[l].grid, n = layers[l].per_cell;
		const struct ort_port *score_port = find_output(m, grid * grid * n, 1);
		const struct ort_port *box_port = find_output(m, grid * grid * n, BOX_NUMBERS);
		if (!score_port || !box_port)
			continue; /* never: check() has found them */
		const float *scores = score_port->data, *boxes = box_port->data;
		for (int i = 0; i < grid * grid * n; i++) {
			float score = 1 / (1 + expf(-scores[i]));
			struct face f = decode(
					boxes + (size_t)i * BOX_NUMBERS, i / n, grid, size, score);
			if (score >= threshold && f.w > 0 && f.h > 0)
				insert(faces, &count, f);
		}
	}
	return count;
}

/* Of faces that overlap, the best. */
static size_t keep_best(struct face *faces, size_t count) {
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		size_t k = 0;
		while (k < kept && overlap(&faces[k], &faces[i]) <= OVERLAP_MAX)
			k++;
		if (k == kept)
			faces[kept++] = faces[i];
	}
	return kept;
}

static void read_faces(const struct ort_model *m, float threshold, struct cdm_tensor *out) {
	struct face faces[FACES_MAX] = { 0 };
	size_t rows = out->shape[0], count = keep_best(faces, find_faces(m, threshold, faces));
	float *to = out->data;
	memset(to, 0, rows * ROW * sizeof(float));
	for (size_t i = 0; i < rows && i < count; i++, to += ROW) {
		const struct face *f = &faces[i];
		const float row[ROW] = { f->x, f->y, f->w, f->h, f->score, 0 };
		memcpy(to, row, sizeof(row));
	}
}

const struct onnx_adapter onnx_adapter_blazeface = {
	.name = "blazeface",
	.summary = "a picture u8[h,w,3] becomes faces f32[n,6]: x, y, w, h in 0..1 of the picture, "
		   "score, 0",
	.accept = accept,
	.check = check,
	.feed = feed,
	.read = read_faces,
	.threshold = 0.55f,
};
