/*
 * llama_api.h - libllama and ggml as one table of functions, found at run time.
 *
 * llama.cpp passes structs by value and reorders them between versions, so the headers we were
 * built with and the library must be of one version: llama_api_open() refuses any other.
 * The libraries are never closed: ggml keeps threads and registries.
 */
#ifndef LLAMA_API_H
#define LLAMA_API_H

#include "cadmus/diag.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "llama.h"
#pragma GCC diagnostic pop

#define LLAMA_PINNED "0.5.0"
#define GGML_PINNED "0.25.1"

struct llama_api {
#define LLAMA_FN(name) __typeof__(name) *name;
#include "llama_api.def"
#undef LLAMA_FN
	/* Of ggml's CPU backend, which is a library of its own, chosen by what the processor can do. */
	__typeof__(ggml_threadpool_new) *threadpool_new;
	__typeof__(ggml_threadpool_free) *threadpool_free;
};

/*
 * Open the libraries in folder `dir` (CADMUS_LLAMA_DIR when NULL).  -ENOTSUP with the reason in
 * diag: not there, symbols missing, of another version.  Its log goes to `log` from then on.
 */
int llama_api_open(struct llama_api *api, const char *dir, ggml_log_callback log,
		struct cdm_diag *diag);

/* Is `have` ("0.5.0-dev") the version `pinned` ("0.5.0")? */
int llama_api_same_version(const char *have, const char *pinned);

#endif
