/*
 * ort_library.c - finding ONNX Runtime, taking its table by index, and trying it before it is used.
 *
 * The trial is a hand-written model of 65 bytes, y = x + x over four floats, that goes through
 * every function of ort_api.def but the one that reads a file.  A table of another order would
 * give wrong counts, names, types, shapes or sums here, and not in a robot.
 */
#include "ort_priv.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORT_WARNING 2
#define ORT_ERROR 3
#define ORT_SEQUENTIAL 0
#define ORT_OPTIMIZE_ALL 99
#define ORT_DEVICE_ALLOCATOR 0
#define ORT_MEMORY_DEFAULT 0
#define ORT_F32 1

struct api_base {
	const void *(*get_api)(uint32_t level);
	const char *(*version)(void);
};

int ort_why(const struct ort_api *api, struct ort_status *s, char *text, size_t capacity) {
	if (!s)
		return 0;
	snprintf(text, capacity, "%s (%d)", api->get_error_message(s), api->get_error_code(s));
	api->release_status(s);
	return -EPROTO;
}

static void on_log(void *self, int level, const char *category, const char *id, const char *where,
		const char *text) {
	(void)category, (void)id, (void)where;
	const struct cdm_backend_host *host = self;
	host->log(level > ORT_WARNING ? CDM_LOG_ERROR : level == ORT_WARNING ? CDM_LOG_WARNING : CDM_LOG_DEBUG, text);
}

/* ---- the library ---- */

static void *open_one(const char *path, const char **why) {
	FILE *f = fopen(path, "r");
	if (!f)
		return NULL;
	fclose(f);
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		*why = dlerror();
	return lib;
}

static void *open_library(const char *dir, struct cdm_diag *diag) {
	static const char *const names[] = { "libonnxruntime.so", "libonnxruntime.so.1" };
	const char *file = getenv("CADMUS_ORT_LIB"), *why = "no such file";
	char path[4096];
	void *lib = NULL;
	if (!dir && (!file || !*file)) {
		cdm_diag_add(diag, CDM_ERROR, "B0200",
				"where ONNX Runtime's library is is not known: set CADMUS_ORT_LIB, "
				"or run tools/setup");
		return NULL;
	}
	for (size_t i = 0; dir && !lib && i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		lib = open_one(path, &why);
	}
	if (!dir)
		lib = open_one(file, &why);
	if (!lib)
		cdm_diag_add(diag, CDM_ERROR, "B0201", "ONNX Runtime cannot be loaded from %s: %s",
				dir ? dir : file, why);
	return lib;
}

static void take_functions(struct ort_api *api, const void *table) {
	void *const *at = table;
#define ORT_FN(index, name, result, parameters) memcpy(&api->name, &at[index], sizeof(api->name));
#include "ort_api.def"
#undef ORT_FN
}

static int take_table(struct ort_model *m, void *lib, struct cdm_diag *diag) {
	const struct api_base *(*get_base)(void) = NULL;
	void *at = dlsym(lib, "OrtGetApiBase");
	memcpy(&get_base, &at, sizeof(at));
	const struct api_base *base = get_base ? get_base() : NULL;
	const void *table = base ? base->get_api(ORT_API_LEVEL) : NULL;
	snprintf(m->version, sizeof(m->version), "%s", base ? base->version() : "?");
	if (table) {
		take_functions(&m->api, table);
		return 0;
	}
	cdm_diag_add(diag, CDM_ERROR, "B0202",
			"this ONNX Runtime is version %s; 1.%u or later is needed", m->version,
			ORT_API_LEVEL);
	return -ENOTSUP;
}

/* ---- environment and options ---- */

/* Remember the first failure of a row of calls; text holds its reason. */
static void step(const struct ort_api *a, int *rc, struct ort_status *s, char text[256]) {
	char ignored[256];
	int one = ort_why(a, s, *rc == 0 ? text : ignored, 256);
	if (*rc == 0)
		*rc = one;
}

static int make_environment(struct ort_model *m, uint32_t threads, struct cdm_diag *diag) {
	const struct ort_api *a = &m->api;
	char why[256] = "";
	int rc = 0, n = threads ? (int)threads : 1;
	step(a, &rc,
			a->create_env_with_logger(on_log, (void *)(uintptr_t)m->host, ORT_ERROR,
					"cadmus", &m->env),
			why);
	step(a, &rc, a->default_allocator(&m->allocator), why);
	step(a, &rc, a->create_cpu_memory(ORT_DEVICE_ALLOCATOR, ORT_MEMORY_DEFAULT, &m->memory),
			why);
	step(a, &rc, a->create_options(&m->options), why);
	if (rc == 0) {
		step(a, &rc, a->set_execution_mode(m->options, ORT_SEQUENTIAL), why);
		step(a, &rc, a->set_optimization(m->options, ORT_OPTIMIZE_ALL), why);
		step(a, &rc, a->set_intra_threads(m->options, n), why);
		step(a, &rc, a->set_inter_threads(m->options, 1), why);
		step(a, &rc, a->add_config(m->options, "session.intra_op.allow_spinning", "0"),
				why);
		step(a, &rc, a->add_config(m->options, "session.inter_op.allow_spinning", "0"),
				why);
	}
	if (rc < 0)
		cdm_diag_add(diag, CDM_ERROR, "B0203", "ONNX Runtime %s does not start: %s",
				m->version, why);
	return rc < 0 ? -ENOTSUP : 0;
}

/* ---- the trial ---- */

static const unsigned char trial_model[] = {
	0x08, 0x08, /* ir_version 8 */
	0x3a, 53, /* graph */
	/*   node: Add(x, x) -> y */
	0x0a, 14, 0x0a, 1, 'x', 0x0a, 1, 'x', 0x12, 1, 'y', 0x22, 3, 'A', 'd', 'd',
	0x12, 1, 'g', /* name */
	/*   input x, output y: f32[4] */
	0x5a, 15, 0x0a, 1, 'x', 0x12, 10, 0x0a, 8, 0x08, 1, 0x12, 4, 0x0a, 2, 0x08, 4,
	0x62, 15, 0x0a, 1, 'y', 0x12, 10, 0x0a, 8, 0x08, 1, 0x12, 4, 0x0a, 2, 0x08, 4,
	0x42, 4, 0x0a, 0, 0x10, 13, /* operators of version 13 */
};

static int trial_names(const struct ort_model *m, struct ort_session *s) {
	const struct ort_api *a = &m->api;
	char *x = NULL, *y = NULL, why[256];
	size_t inputs = 0, outputs = 0;
	int rc = 0;
	step(a, &rc, a->input_count(s, &inputs), why);
	step(a, &rc, a->output_count(s, &outputs), why);
	step(a, &rc, a->input_name(s, 0, m->allocator, &x), why);
	step(a, &rc, a->output_name(s, 0, m->allocator, &y), why);
	if (rc == 0 && (inputs != 1 || outputs != 1 || strcmp(x, "x") != 0 || strcmp(y, "y") != 0))
		rc = -EPROTO;
	if (x)
		step(a, &rc, a->allocator_free(m->allocator, x), why);
	if (y)
		step(a, &rc, a->allocator_free(m->allocator, y), why);
	return rc;
}

static int trial_shape(const struct ort_api *a, const struct ort_shape *shape) {
	char why[256];
	int rc = 0, type = 0;
	size_t rank = 0;
	int64_t dim = 0;
	step(a, &rc, a->element_type(shape, &type), why);
	step(a, &rc, a->rank(shape, &rank), why);
	if (rc == 0 && rank == 1)
		step(a, &rc, a->dims(shape, &dim, 1), why);
	return rc == 0 && type == ORT_F32 && rank == 1 && dim == 4 ? 0 : -EPROTO;
}

static int trial_types(const struct ort_api *a, struct ort_session *s) {
	struct ort_type *t[2] = { NULL, NULL };
	const struct ort_shape *shape;
	char why[256];
	int rc = 0;
	step(a, &rc, a->input_type(s, 0, &t[0]), why);
	step(a, &rc, a->output_type(s, 0, &t[1]), why);
	for (int i = 0; i < 2 && rc == 0; i++) {
		shape = NULL;
		step(a, &rc, a->cast_to_tensor(t[i], &shape), why);
		if (rc == 0)
			rc = shape ? trial_shape(a, shape) : -EPROTO;
	}
	for (int i = 0; i < 2; i++)
		if (t[i])
			a->release_type(t[i]);
	return rc;
}

static int trial_sum(const struct ort_model *m, struct ort_session *s) {
	static const char *const x = "x", *const y = "y";
	const struct ort_api *a = &m->api;
	struct ort_value *in = NULL, *out = NULL;
	struct ort_shape *shape = NULL;
	float data[4] = { 1, -2, 0.5f, 3 }, *sum = NULL;
	int64_t dim = 4;
	char why[256];
	int rc = 0;
	step(a, &rc, a->wrap_tensor(m->memory, data, sizeof(data), &dim, 1, ORT_F32, &in), why);
	if (rc == 0)
		step(a, &rc,
				a->run(s, NULL, &x, (const struct ort_value *const *)&in, 1, &y, 1,
						&out),
				why);
	if (rc == 0) {
		step(a, &rc, a->tensor_data(out, (void **)&sum), why);
		step(a, &rc, a->tensor_shape(out, &shape), why);
	}
	if (rc == 0)
		rc = trial_shape(a, shape);
	for (int i = 0; i < 4 && rc == 0; i++)
		if (!(sum[i] >= 2 * data[i] && sum[i] <= 2 * data[i]))
			rc = -EPROTO;
	if (shape)
		a->release_shape(shape);
	if (out)
		a->release_value(out);
	if (in)
		a->release_value(in);
	return rc;
}

static int try_table(struct ort_model *m, struct cdm_diag *diag) {
	const struct ort_api *a = &m->api;
	struct ort_session *s = NULL;
	char why[256] = "";
	int good = 0, bad = 0;
	step(a, &bad, a->create_session_from_array(m->env, "no model", 8, m->options, &s), why);
	step(a, &good,
			a->create_session_from_array(
					m->env, trial_model, sizeof(trial_model), m->options, &s),
			why);
	if (good == 0)
		good = trial_names(m, s);
	if (good == 0)
		good = trial_types(a, s);
	if (good == 0)
		good = trial_sum(m, s);
	if (s)
		a->release_session(s);
	if (good == 0 && bad < 0)
		return 0;
	cdm_diag_add(diag, CDM_ERROR, "B0204",
			"ONNX Runtime %s fails the trial of its own functions: %s", m->version,
			why);
	return -ENOTSUP;
}

int ort_library_open(
		struct ort_model *m, const struct cdm_backend_config *cfg, struct cdm_diag *diag) {
	void *lib = open_library(cfg->library_dir, diag);
	if (!lib)
		return -ENOTSUP;
	int rc = take_table(m, lib, diag); /* never closed: the engine keeps state of its own */
	if (rc == 0)
		rc = make_environment(m, cfg->threads, diag);
	if (rc == 0)
		rc = try_table(m, diag);
	return rc;
}
