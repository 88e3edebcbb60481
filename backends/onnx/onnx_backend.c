/* onnx_backend.c - ONNX models as a Cadmus backend: the library, the model, the adapter together. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "adapter.h"

struct tensor_model {
	struct ort_model ort;
	const struct onnx_adapter *adapter;
	float threshold;
	uint32_t threads;
	uint64_t bytes;
	int ready;
};

static const struct onnx_adapter *const adapters[] = {
#define ONNX_ADAPTER(name, summary) &onnx_adapter_##name,
#include "adapter.def"
#undef ONNX_ADAPTER
};

static const struct onnx_adapter *find_adapter(const char *name, struct cdm_diag *diag) {
	char known[CDM_DIAG_TEXT / 2] = "";
	for (size_t i = 0; i < sizeof(adapters) / sizeof(adapters[0]); i++) {
		if (strcmp(name, adapters[i]->name) == 0)
			return adapters[i];
		size_t n = strlen(known);
		snprintf(known + n, sizeof(known) - n, "%s%s", n ? ", " : "", adapters[i]->name);
	}
	cdm_diag_add(diag, CDM_ERROR, "B0205", "no adapter \"%.40s\"; there are: %s", name, known);
	return NULL;
}

static int choose(struct tensor_model *m, const struct cdm_backend_config *cfg,
		struct cdm_diag *diag) {
	const struct cdm_backend_host *h = cfg->host;
	const char *name = h->option(h->option_of, "adapter"),
		   *threshold = h->option(h->option_of, "threshold");
	char *end;
	m->adapter = find_adapter(name ? name : "tensor", diag);
	if (!m->adapter)
		return -EINVAL;
	m->threshold = m->adapter->threshold;
	if (!threshold)
		return 0;
	m->threshold = strtof(threshold, &end);
	if (*threshold && !*end && m->threshold >= 0 && m->threshold <= 1)
		return 0;
	cdm_diag_add(diag, CDM_ERROR, "B0206",
			"threshold must be a number from 0 to 1, not \"%.40s\"", threshold);
	return -EINVAL;
}

static uint64_t file_bytes(const char *path) {
	long n = -1;
	FILE *f = fopen(path, "rb");
	if (f) {
		if (fseek(f, 0, SEEK_END) == 0)
			n = ftell(f);
		fclose(f);
	}
	return n > 0 ? (uint64_t)n : 0;
}

static void tensor_unload(void *model) {
	struct tensor_model *m = model;
	if (!m)
		return;
	ort_close(&m->ort);
	free(m);
}

static int tensor_load(void **model, const struct cdm_backend_config *cfg, struct cdm_diag *diag) {
	struct tensor_model *m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->threads = cfg->threads ? cfg->threads : 1;
	m->bytes = file_bytes(cfg->path);
	int rc = choose(m, cfg, diag);
	if (rc == 0)
		rc = ort_open(&m->ort, cfg, diag);
	if (rc < 0) {
		tensor_unload(m);
		return rc;
	}
	*model = m;
	return 0;
}

static void tensor_describe(void *model, struct cdm_model_facts *facts) {
	struct tensor_model *m = model;
	char in[64], out[64];
	memset(facts, 0, sizeof(*facts));
	snprintf(facts->architecture, sizeof(facts->architecture), "%s", m->adapter->name);
	snprintf(facts->description, sizeof(facts->description), "%s [%s] to %s [%s]",
			cdm_dtype_name(m->ort.inputs[0].dtype),
			ort_shape_text(&m->ort.inputs[0], in),
			cdm_dtype_name(m->ort.outputs[0].dtype),
			ort_shape_text(&m->ort.outputs[0], out));
	snprintf(facts->engine, sizeof(facts->engine), "ONNX Runtime %s", m->ort.version);
	facts->bytes = m->bytes;
	facts->threads = m->threads;
}

static int tensor_prepare(void *model, const struct cdm_tensor *in, const struct cdm_tensor *out,
		struct cdm_diag *diag) {
	struct tensor_model *m = model;
	int rc = m->adapter->accept(&m->ort, in, out, diag);
	if (rc == 0)
		rc = ort_ready(&m->ort, diag);
	if (rc == 0)
		rc = m->adapter->check(&m->ort, out, diag);
	m->ready = rc == 0;
	return rc;
}

static int tensor_transform(void *model, const struct cdm_tensor *in, struct cdm_tensor *out) {
	struct tensor_model *m = model;
	if (!m->ready)
		return -EINVAL;
	m->adapter->feed(&m->ort, in);
	int rc = ort_run(&m->ort);
	if (rc == 0)
		m->adapter->read(&m->ort, m->threshold, out);
	return rc;
}

CDM_BACKEND_EXPORT const struct cdm_backend cdm_backend = {
	.abi = CDM_BACKEND_ABI,
	.name = "onnx",
	.summary = "ONNX models, on the processor, through ONNX Runtime",
	.version = "1",
	.load = tensor_load,
	.describe = tensor_describe,
	.prepare = tensor_prepare,
	.transform = tensor_transform,
	.unload = tensor_unload,
};
