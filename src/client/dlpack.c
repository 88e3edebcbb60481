/*
 * dlpack.c - a sample as a tensor that other libraries take: see cdm_dlpack() in cadmus/read.h.
 *
 * The structs are the ABI of DLPack 1 (major version 1; what its minor versions add is in values, not in bytes).  The
 * deleter is called by strangers, in any thread and at any time, so it is here and not in a language that has an
 * interpreter to ask first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "client/client_priv.h"

#define CPU 1
#define READ_ONLY 1u
#define IS_COPIED 2u
#define ALIGNMENT 256u /* what DLPack asks of memory that is made for it */

enum type_code { INT = 0, UINT = 1, FLOAT = 2, BFLOAT = 4, BOOLEAN = 6 };

struct tensor {
	uint32_t major, minor;
	void *context;
	void (*deleter)(struct tensor *);
	uint64_t flags;
	void *data;
	int32_t device_type, device;
	int32_t dims;
	uint8_t code, bits;
	uint16_t lanes;
	int64_t *shape, *strides; /* in elements */
	uint64_t byte_offset;
};

_Static_assert(sizeof(struct tensor) == 80 && offsetof(struct tensor, data) == 32 &&
		offsetof(struct tensor, shape) == 56, "an ABI");

/* The tensor, and what stands behind it until the deleter comes. */
struct export {
	struct tensor tensor;
	struct cdm_sample sample; /* held; all zero if the bytes were copied */
	void *copy;
	int64_t shape[CDM_DIMS_MAX], strides[CDM_DIMS_MAX];
};

static const uint8_t codes[CDM_DTYPE_COUNT] = { [CDM_U8] = UINT, [CDM_I8] = INT, [CDM_U16] = UINT, [CDM_I16] = INT,
	[CDM_U32] = UINT, [CDM_I32] = INT, [CDM_U64] = UINT, [CDM_I64] = INT, [CDM_F16] = FLOAT, [CDM_BF16] = BFLOAT,
	[CDM_F32] = FLOAT, [CDM_F64] = FLOAT, [CDM_BOOL] = BOOLEAN, [CDM_BYTES] = UINT };

static void delete(struct tensor *t) {
	struct export *e = t->context;
	cdm_release(&e->sample);
	free(e->copy);
	free(e);
}

/* Shape and strides; false: the sample has not whole rows. */
static bool lay_out(struct export *e, const struct cdm_field *f, uint32_t bytes) {
	int64_t stride = 1;
	e->tensor.dims = (int32_t)f->dims;
	for (uint32_t i = f->dims; i-- > 0;) {
		e->shape[i] = f->shape[i];
		e->strides[i] = stride;
		stride *= f->shape[i];
	}
	if (bytes == f->bytes)
		return true;
	uint32_t row = f->dims && f->shape[0] ? f->bytes / f->shape[0] : 0;
	if (!row || bytes % row || bytes > f->bytes)
		return false;
	e->shape[0] = bytes / row;
	return true;
}

static bool copy_bytes(struct export *e, const struct cdm_sample *s) {
	size_t room = ((size_t)s->info.bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
	e->copy = aligned_alloc(ALIGNMENT, room);
	if (!e->copy)
		return false;
	memcpy(e->copy, s->data, s->info.bytes);
	e->tensor.data = e->copy;
	e->tensor.flags = IS_COPIED;
	return true;
}

static void hold(struct export *e, const struct cdm_sample *s) {
	client_share(s);
	e->sample = *s;
	e->tensor.data = (void *)(uintptr_t)s->data; /* DLPack has no other word for it; the flag says it */
	e->tensor.flags = READ_ONLY;
}

int cdm_dlpack(const struct cdm_sample *s, const struct cdm_field *f, int copy, void **out) {
	*out = NULL;
	if (f->dims > CDM_DIMS_MAX || f->dtype >= CDM_DTYPE_COUNT)
		return -EINVAL;
	struct export *e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	int rc = lay_out(e, f, s->info.bytes) ? 0 : -EINVAL;
	if (rc == 0 && !copy && s->hold[0])
		hold(e, s);
	else if (rc == 0 && !copy_bytes(e, s))
		rc = -ENOMEM;
	if (rc < 0) {
		free(e);
		return rc;
	}
	struct tensor *t = &e->tensor;
	t->major = 1;
	t->context = e;
	t->deleter = delete;
	t->device_type = CPU;
	t->code = codes[f->dtype];
	t->bits = (uint8_t)(8 * cdm_dtype_size((enum cdm_dtype)f->dtype));
	t->lanes = 1;
	t->shape = e->shape;
	t->strides = e->strides;
	*out = t;
	return 0;
}
