/*
 * ort.h - ONNX Runtime as a table of functions, found at run time; and one model in it.
 *
 * Nothing of ONNX Runtime is needed to build: ort_api.def names what we call.  All calls come
 * from one thread.  An engine computes on exactly the threads it is given, which sleep when
 * they wait.
 */
#ifndef ONNX_ORT_H
#define ONNX_ORT_H

#include <stddef.h>
#include <stdint.h>
#include "cadmus/backend.h"

#define ORT_API_LEVEL 17u /* functions we call are all older; libraries since 1.17 (2024) have it */
#define ORT_PORTS_MAX 8
#define ORT_RANK_MAX 8

struct ort_status;
struct ort_env;
struct ort_options;
struct ort_run_options;
struct ort_session;
struct ort_type;
struct ort_shape;
struct ort_value;
struct ort_memory;
struct ort_allocator;
typedef void ort_log_fn(void *self, int level, const char *category, const char *id,
		const char *where, const char *text);

struct ort_api {
#define ORT_FN(index, name, result, parameters) result(*name) parameters;
#include "ort_api.def"
#undef ORT_FN
};

/* An input or output of a model. */
struct ort_port {
	char *name;                  /* of ONNX Runtime's allocator */
	enum cdm_dtype dtype;        /* CDM_DTYPE_COUNT: one that Cadmus does not have */
	size_t rank;
	int64_t dims[ORT_RANK_MAX];  /* -1: free, until somebody sets it */
	size_t bytes;                /* of `data`, once ort_ready() made it */
	void *data;
	struct ort_value *value;     /* the same memory in ONNX Runtime's eyes */
};

struct ort_model {
	struct ort_api api;
	const struct cdm_backend_host *host;
	char version[32];
	struct ort_env *env;
	struct ort_options *options;
	struct ort_session *session;
	struct ort_memory *memory;
	struct ort_allocator *allocator;
	size_t input_count, output_count;
	struct ort_port inputs[ORT_PORTS_MAX], outputs[ORT_PORTS_MAX];
};

/*
 * Open the library (`library_dir`/libonnxruntime.so*, or CADMUS_ORT_LIB when NULL), try its
 * table on a known model, and load `cfg->path`.  -ENOTSUP, -ENOENT, -EPROTO with the reason.
 */
int ort_open(struct ort_model *m, const struct cdm_backend_config *cfg, struct cdm_diag *diag);
/*
 * Input dims are all set: run once on zeros to learn the shapes of the outputs, and make memory
 * for all ports.  May be called again with other dims.
 */
int ort_ready(struct ort_model *m, struct cdm_diag *diag);
/* Compute the outputs from the inputs, in place.  -EIO with a line in the log. */
int ort_run(struct ort_model *m);
/* Accepts zeroed and half-made models. */
void ort_close(struct ort_model *m);

/* Elements of a port, 0 when a dimension is free or they are too many. */
size_t ort_elements(const struct ort_port *p);
/* "1x128x128x3" into out; returns out. */
const char *ort_shape_text(const struct ort_port *p, char out[64]);

#endif
