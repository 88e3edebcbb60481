/* ort.c - one model in ONNX Runtime: its inputs and outputs in our memory.  See ort.h. */
#include "ort_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Our element types in ONNX Runtime's numbers; 0: it has none. */
static const int ort_types[CDM_DTYPE_COUNT] = {
	[CDM_U8] = 2,
	[CDM_I8] = 3,
	[CDM_U16] = 4,
	[CDM_I16] = 5,
	[CDM_U32] = 12,
	[CDM_I32] = 6,
	[CDM_U64] = 13,
	[CDM_I64] = 7,
	[CDM_F16] = 10,
	[CDM_BF16] = 16,
	[CDM_F32] = 1,
	[CDM_F64] = 11,
	[CDM_BOOL] = 9,
};

static enum cdm_dtype type_of(int ort) {
	for (int t = 0; t < CDM_DTYPE_COUNT; t++)
		if (ort && ort_types[t] == ort)
			return (enum cdm_dtype)t;
	return CDM_DTYPE_COUNT;
}

size_t ort_elements(const struct ort_port *p) {
	size_t n = 1;
	for (size_t i = 0; i < p->rank; i++)
		if (p->dims[i] <= 0 || __builtin_mul_overflow(n, (size_t)p->dims[i], &n) ||
				n > (1u << 30))
			return 0;
	return n;
}

const char *ort_shape_text(const struct ort_port *p, char out[64]) {
	size_t at = 0;
	out[0] = 0;
	for (size_t i = 0; i < p->rank && at < 48; i++)
		at += (size_t)snprintf(out + at, 64 - at, i ? "x%lld" : "%lld", (long long)p->dims[i]);
	return out;
}

/* ---- reading what the model says of itself ---- */

static int read_shape(const struct ort_api *a, const struct ort_shape *shape, struct ort_port *p,
		char why[256]) {
	int type = 0, rc = ort_why(a, a->element_type(shape, &type), why, 256);
	if (rc == 0)
		rc = ort_why(a, a->rank(shape, &p->rank), why, 256);
	if (rc == 0 && p->rank > ORT_RANK_MAX) {
		snprintf(why, 256, "%zu dimensions", p->rank);
		p->rank = 0;
		rc = -EPROTO;
	}
	if (rc == 0)
		rc = ort_why(a, a->dims(shape, p->dims, p->rank), why, 256);
	p->dtype = type_of(type);
	return rc;
}

static int read_port(
		struct ort_model *m, size_t at, int is_input, struct ort_port *p, char why[256]) {
	const struct ort_api *a = &m->api;
	struct ort_type *type = NULL;
	const struct ort_shape *shape = NULL;
	struct ort_status *status = (is_input ? a->input_name : a->output_name)(m->session, at, m->allocator, &p->name);
	int rc = ort_why(a, status, why, 256);
	if (rc == 0)
		rc = ort_why(a, (is_input ? a->input_type : a->output_type)(m->session, at, &type), why, 256);
	if (rc == 0)
		rc = ort_why(a, a->cast_to_tensor(type, &shape), why, 256);
	if (rc == 0 && !shape) {
		snprintf(why, 256, "%s is no tensor", p->name);
		rc = -EPROTO;
	}
	if (rc == 0)
		rc = read_shape(a, shape, p, why);
	if (type)
		a->release_type(type);
	return rc;
}

static int read_ports(struct ort_model *m, char why[256]) {
	size_t inputs = 0, outputs = 0;
	int rc = ort_why(&m->api, m->api.input_count(m->session, &inputs), why, 256);
	if (rc == 0)
		rc = ort_why(&m->api, m->api.output_count(m->session, &outputs), why, 256);
	if (rc == 0 && (inputs > ORT_PORTS_MAX || outputs > ORT_PORTS_MAX || !inputs || !outputs)) {
		snprintf(why, 256, "it has %zu inputs and %zu outputs; 1 to %d can be used", inputs,
				outputs, ORT_PORTS_MAX);
		return -EPROTO;
	}
	for (size_t i = 0; i < inputs && rc == 0; i++, m->input_count++)
		rc = read_port(m, i, 1, &m->inputs[i], why);
	for (size_t i = 0; i < outputs && rc == 0; i++, m->output_count++)
		rc = read_port(m, i, 0, &m->outputs[i], why);
	return rc;
}

static int check_file(const char *path, struct cdm_diag *diag) {
	FILE *f = fopen(path, "rb");
	if (f) {
		fclose(f);
		return 0;
	}
	int e = errno;
	cdm_diag_add(diag, CDM_ERROR, "B0210", "cannot open the model %s: %s", path, strerror(e));
	return e == ENOENT || e == EACCES ? -e : -EIO;
}

int ort_open(struct ort_model *m, const struct cdm_backend_config *cfg, struct cdm_diag *diag) {
	char why[256] = "";
	memset(m, 0, sizeof(*m));
	m->host = cfg->host;
	int rc = check_file(cfg->path, diag);
	if (rc == 0)
		rc = ort_library_open(m, cfg, diag);
	if (rc < 0)
		return rc;
	rc = ort_why(&m->api, m->api.create_session(m->env, cfg->path, m->options, &m->session),
			why, sizeof(why));
	if (rc == 0)
		rc = read_ports(m, why);
	if (rc < 0)
		cdm_diag_add(diag, CDM_ERROR, "B0211", "ONNX Runtime cannot use %s: %s", cfg->path,
				why);
	return rc;
}

/* ---- memory of the ports ---- */

static void drop_port(struct ort_model *m, struct ort_port *p) {
	if (p->value)
		m->api.release_value(p->value);
	free(p->data);
	p->value = NULL;
	p->data = NULL;
	p->bytes = 0;
}

static int make_port(struct ort_model *m, struct ort_port *p, struct cdm_diag *diag) {
	char why[256] = "it has a free dimension, or is too large", shape[64];
	size_t n = ort_elements(p), size = cdm_dtype_size(p->dtype);
	int rc = -EINVAL;
	drop_port(m, p);
	if (n && size) {
		p->bytes = n * size;
		p->data = calloc(1, p->bytes);
		rc = !p->data ? -ENOMEM : ort_why(&m->api, m->api.wrap_tensor(m->memory, p->data, p->bytes, p->dims,
				p->rank, ort_types[p->dtype], &p->value), why, sizeof(why));
	}
	if (rc < 0)
		cdm_diag_add(diag, CDM_ERROR, "B0212", "no memory for %s, %s[%s]: %s", p->name,
				size ? cdm_dtype_name(p->dtype) : "an unknown type", ort_shape_text(p, shape), why);
	return rc;
}

static int run(struct ort_model *m, struct ort_value *out[ORT_PORTS_MAX], char why[256]) {
	const char *in_names[ORT_PORTS_MAX], *out_names[ORT_PORTS_MAX];
	const struct ort_value *in[ORT_PORTS_MAX];
	for (size_t i = 0; i < m->input_count; i++) {
		in_names[i] = m->inputs[i].name;
		in[i] = m->inputs[i].value;
	}
	for (size_t i = 0; i < m->output_count; i++)
		out_names[i] = m->outputs[i].name;
	return ort_why(&m->api,
			m->api.run(m->session, NULL, in_names, in, m->input_count, out_names,
					m->output_count, out),
			why, 256);
}

/* The shape that an output really had becomes that of its port. */
static int learn_shape(
		struct ort_model *m, struct ort_port *p, struct ort_value *v, char why[256]) {
	struct ort_shape *shape = NULL;
	int rc = ort_why(&m->api, m->api.tensor_shape(v, &shape), why, 256);
	if (rc == 0)
		rc = read_shape(&m->api, shape, p, why);
	if (shape)
		m->api.release_shape(shape);
	return rc;
}

int ort_ready(struct ort_model *m, struct cdm_diag *diag) {
	struct ort_value *out[ORT_PORTS_MAX] = { NULL };
	char why[256] = "";
	int rc = 0;
	for (size_t i = 0; i < m->input_count && rc == 0; i++)
		rc = make_port(m, &m->inputs[i], diag);
	if (rc < 0)
		return rc;
	rc = run(m, out, why);
	for (size_t i = 0; i < m->output_count; i++) {
		if (rc == 0)
			rc = learn_shape(m, &m->outputs[i], out[i], why);
		if (out[i])
			m->api.release_value(out[i]);
	}
	if (rc < 0) {
		cdm_diag_add(diag, CDM_ERROR, "B0213", "the model does not run on zeros: %s", why);
		return -EINVAL;
	}
	for (size_t i = 0; i < m->output_count && rc == 0; i++)
		rc = make_port(m, &m->outputs[i], diag);
	return rc;
}

int ort_run(struct ort_model *m) {
	struct ort_value *out[ORT_PORTS_MAX];
	char why[256];
	for (size_t i = 0; i < m->output_count; i++)
		out[i] = m->outputs[i].value;
	if (run(m, out, why) == 0)
		return 0;
	m->host->log(CDM_LOG_ERROR, why);
	return -EIO;
}

void ort_close(struct ort_model *m) {
	char ignored[256];
	for (size_t i = 0; i < ORT_PORTS_MAX; i++) {
		drop_port(m, &m->inputs[i]);
		drop_port(m, &m->outputs[i]);
		if (m->inputs[i].name)
			(void)ort_why(&m->api,
					m->api.allocator_free(m->allocator, m->inputs[i].name),
					ignored, sizeof(ignored));
		if (m->outputs[i].name)
			(void)ort_why(&m->api,
					m->api.allocator_free(m->allocator, m->outputs[i].name),
					ignored, sizeof(ignored));
	}
	if (m->session)
		m->api.release_session(m->session);
	if (m->options)
		m->api.release_options(m->options);
	if (m->memory)
		m->api.release_memory(m->memory);
	if (m->env)
		m->api.release_env(m->env);
	memset(m, 0, sizeof(*m));
}
