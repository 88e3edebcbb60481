/* llama_priv.h - a loaded model, as loading, generating and embedding share it. */
#ifndef LLAMA_PRIV_H
#define LLAMA_PRIV_H

#include "cadmus/backend.h"
#include "llama_api.h"

struct text_model {
	struct llama_api api;
	const struct cdm_backend_host *host;
	struct llama_model *model;
	struct llama_context *context;
	const struct llama_vocab *vocab;
	struct ggml_threadpool *pool;
	uint32_t limit;        /* tokens that prompt and answer may have together */
	uint32_t batch;
	uint32_t threads;
	bool parse_special;    /* "<|im_end|>" in a prompt is the token of that name */
	llama_token *known;    /* room for `limit`: what the engine's cache holds, in order */
	uint32_t known_count;
	llama_token *wanted;   /* room for `limit`: the prompt at hand */
	struct embedder *embedder; /* NULL until the first text: llama_embed.c */
	const struct cdm_request *request; /* during generate() and embed(): whom to ask whether to go on */
	bool cancelled;        /* what it answered */
};

int text_generate(void *model, const struct cdm_request *rq, struct cdm_result *result,
		struct cdm_diag *diag);
int text_embed(void *model, const struct cdm_request *rq, float *out, struct cdm_diag *diag);
/* Of its vectors; 0: it makes none. */
uint32_t text_dims(const struct text_model *m);
void text_embed_close(struct text_model *m);
/* What the engine calls between steps of a computation: true aborts it. */
bool text_should_abort(void *model);

#endif
