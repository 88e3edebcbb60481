/* adapter_tensor.c - bytes in, bytes out: fields that have just the shape the model has. */
#include "adapter.h"

#include <errno.h>
#include <string.h>

static int complain(struct cdm_diag *diag, const char *what, const struct ort_port *p,
		const struct cdm_tensor *t) {
	char shape[64];
	cdm_diag_add(diag, CDM_ERROR, "B0220",
			"%s of the model is %s[%s]; the field has %s and %zu bytes", what,
			p->dtype < CDM_DTYPE_COUNT ? cdm_dtype_name(p->dtype)
						   : "of an unknown type",
			ort_shape_text(p, shape), cdm_dtype_name(t->dtype), t->bytes);
	return -EINVAL;
}

/* Free dimensions take the field's, where both have equally many; a free first one alone is 1. */
static void set_free(struct ort_port *p, const struct cdm_tensor *t) {
	for (size_t i = 0; i < p->rank; i++)
		if (p->dims[i] < 0)
			p->dims[i] = p->rank == t->dims ? (int64_t)t->shape[i] : i == 0 ? 1 : -1;
}

static int accept(struct ort_model *m, const struct cdm_tensor *in, const struct cdm_tensor *out,
		struct cdm_diag *diag) {
	struct ort_port *p = &m->inputs[0];
	(void)out;
	if (m->input_count != 1 || m->output_count != 1) {
		cdm_diag_add(diag, CDM_ERROR, "B0221",
				"adapter tensor wants a model with one input and one output, not "
				"%zu and %zu",
				m->input_count, m->output_count);
		return -EINVAL;
	}
	set_free(p, in);
	if (p->dtype != in->dtype || ort_elements(p) * cdm_dtype_size(p->dtype) != in->bytes)
		return complain(diag, "the input", p, in);
	return 0;
}

static int check(const struct ort_model *m, const struct cdm_tensor *out, struct cdm_diag *diag) {
	const struct ort_port *p = &m->outputs[0];
	return p->dtype == out->dtype && p->bytes == out->bytes ? 0 : complain(diag, "the output", p, out);
}

static void feed(struct ort_model *m, const struct cdm_tensor *in) {
	memcpy(m->inputs[0].data, in->data, m->inputs[0].bytes);
}

static void read_output(const struct ort_model *m, float threshold, struct cdm_tensor *out) {
	(void)threshold;
	memcpy(out->data, m->outputs[0].data, m->outputs[0].bytes);
}

const struct onnx_adapter onnx_adapter_tensor = {
	.name = "tensor",
	.summary = "the sample is the model's one input and its one output the result",
	.accept = accept,
	.check = check,
	.feed = feed,
	.read = read_output,
};
