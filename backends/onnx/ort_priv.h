/* ort_priv.h - what loading a library and using a model share. */
#ifndef ONNX_ORT_PRIV_H
#define ONNX_ORT_PRIV_H

#include "ort.h"

/* Open the library and fill api, version, env, memory, allocator and options. */
int ort_library_open(
		struct ort_model *m, const struct cdm_backend_config *cfg, struct cdm_diag *diag);
/* 0 for NULL; else put the reason into text, release the status, -EPROTO. */
int ort_why(const struct ort_api *api, struct ort_status *s, char *text, size_t capacity);

#endif
