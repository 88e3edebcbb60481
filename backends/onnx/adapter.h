/*
 * adapter.h - what stands between a field and the inputs and outputs of a model.
 *
 * A model wants its pictures of one size and answers in its own terms; a field has the size of
 * its camera and wants terms that others understand.
 */
#ifndef ONNX_ADAPTER_H
#define ONNX_ADAPTER_H

#include "cadmus/backend.h"
#include "ort.h"

struct onnx_adapter {
	const char *name, *summary;
	/*
	 * Can the model make `out` of `in`?  Sets free dimensions of the model's inputs.  -EINVAL with
	 * the reason.
	 */
	int (*accept)(struct ort_model *m, const struct cdm_tensor *in,
			const struct cdm_tensor *out, struct cdm_diag *diag);
	/* Fill the inputs from a sample. */
	void (*feed)(struct ort_model *m, const struct cdm_tensor *in);
	/* Make the result of the outputs.  `threshold` is the model's option. */
	void (*read)(const struct ort_model *m, float threshold, struct cdm_tensor *out);
	float threshold; /* unless the model's options say otherwise */
	/* After ort_ready(): are the outputs as they must be? */
	int (*check)(const struct ort_model *m, const struct cdm_tensor *out,
			struct cdm_diag *diag);
};

#define ONNX_ADAPTER(name, summary) extern const struct onnx_adapter onnx_adapter_##name;
#include "adapter.def"
#undef ONNX_ADAPTER

#endif
