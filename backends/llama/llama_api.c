/*
 * llama_api.c - see llama_api.h.
 *
 * Opened by absolute path: what the machine has installed of its own under the same names is
 * never taken by accident.  libllama names its ggml by a path relative to itself.
 */
#include "llama_api.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The layout of the pinned header; another header in the include path stops the build here. */
_Static_assert(LLAMA_SESSION_VERSION == 10 && LLAMA_STATE_SEQ_VERSION == 3,
		"llama.h is not of " LLAMA_PINNED);
#ifdef __x86_64__
_Static_assert(sizeof(struct llama_model_params) == 80, "llama.h is not of " LLAMA_PINNED);
_Static_assert(sizeof(struct llama_context_params) == 160, "llama.h is not of " LLAMA_PINNED);
#endif

static const char *const library_names[] = { "libllama.v" LLAMA_PINNED ".so", "libllama.so.0",
	"libllama.so" };

static void *open_library(const char *dir, struct cdm_diag *diag) {
	char path[4096];
	const char *why = "no such file";
	for (size_t i = 0; i < sizeof(library_names) / sizeof(library_names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, library_names[i]);
		FILE *f = fopen(path, "r");
		if (!f)
			continue;
		fclose(f);
		void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		if (lib)
			return lib;
		why = dlerror();
	}
	cdm_diag_add(diag, CDM_ERROR, "B0101", "llama.cpp cannot be loaded from %s: %s", dir, why);
	return NULL;
}

static int find_symbols(struct llama_api *api, void *lib, struct cdm_diag *diag) {
	const char *missing = NULL;
	void *at;
#define LLAMA_FN(name)                                       \
	at = dlsym(lib, #name);                              \
	memcpy(&api->name, &at, sizeof(at));                 \
	if (!at && !missing)                                 \
		missing = #name;
#include "llama_api.def"
#undef LLAMA_FN
	if (!missing)
		return 0;
	cdm_diag_add(diag, CDM_ERROR, "B0102",
			"this libllama has no %s: it is not version " LLAMA_PINNED, missing);
	return -ENOTSUP;
}

int llama_api_same_version(const char *have, const char *pinned) {
	size_t n = strlen(pinned);
	return strncmp(have, pinned, n) == 0 && (have[n] == 0 || have[n] == '-' || have[n] == '+');
}

static int check_versions(const struct llama_api *api, const char *dir, struct cdm_diag *diag) {
	const char *llama = api->llama_version(), *ggml = api->ggml_version();
	if (llama_api_same_version(llama, LLAMA_PINNED) &&
			llama_api_same_version(ggml, GGML_PINNED))
		return 0;
	cdm_diag_add(diag, CDM_ERROR, "B0103",
			"%s holds llama %s with ggml %s; this backend was built for llama %s with "
			"ggml %s",
			dir, llama, ggml, LLAMA_PINNED, GGML_PINNED);
	return -ENOTSUP;
}

/* Find, once in a process, the CPU variant that suits this processor, and what it alone exports. */
static int load_cpu(struct llama_api *api, const char *dir, struct cdm_diag *diag) {
	if (!api->ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU))
		api->ggml_backend_load_all_from_path(dir);
	ggml_backend_dev_t cpu = api->ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
	if (!cpu) {
		cdm_diag_add(diag, CDM_ERROR, "B0104", "no libggml-cpu in %s suits this processor",
				dir);
		return -ENOTSUP;
	}
	ggml_backend_reg_t reg = api->ggml_backend_dev_backend_reg(cpu);
	void *make = api->ggml_backend_reg_get_proc_address(reg, "ggml_threadpool_new");
	void *drop = api->ggml_backend_reg_get_proc_address(reg, "ggml_threadpool_free");
	memcpy(&api->threadpool_new, &make, sizeof(make));
	memcpy(&api->threadpool_free, &drop, sizeof(drop));
	if (make && drop)
		return 0;
	cdm_diag_add(diag, CDM_ERROR, "B0102",
			"this libggml-cpu has no thread pools: it is not version " GGML_PINNED);
	return -ENOTSUP;
}

int llama_api_open(struct llama_api *api, const char *dir, ggml_log_callback log,
		struct cdm_diag *diag) {
	memset(api, 0, sizeof(*api));
	if (!dir)
		dir = getenv("CADMUS_LLAMA_DIR");
	if (!dir || !*dir) {
		cdm_diag_add(diag, CDM_ERROR, "B0100",
				"where llama.cpp's libraries are is not known: set "
				"CADMUS_LLAMA_DIR, or run tools/setup");
		return -ENOTSUP;
	}
	void *lib = open_library(dir, diag);
	if (!lib)
		return -ENOTSUP;
	int rc = find_symbols(api, lib, diag);
	if (rc == 0)
		rc = check_versions(api, dir, diag);
	if (rc < 0) {
		dlclose(lib);
		return rc;
	}
	api->llama_log_set(log, NULL);
	rc = load_cpu(api, dir, diag);
	if (rc == 0)
		api->llama_backend_init();
	return rc;
}
