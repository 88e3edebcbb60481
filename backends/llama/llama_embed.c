/*
 * llama_embed.c - from a text to a vector: the mean of what the model's last layer has of each token.
 *
 * All of a model's vectors lean to one direction, whatever the texts say, and so do their signs, by which the memory
 * chooses.  So what some plain sentences have in common is taken out of each vector; it is computed once, before the
 * first one, and is the same in each life of a model.
 *
 * A context of its own, made at the first text: what generate() knows of the request before stays.
 */
#include "llama_priv.h"
#include "stream.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EMBED_TOKENS_MAX 512u /* of a text; what is behind them says no more of it */

static const char *const plain[] = {
	"The train to the coast leaves at seven in the morning.",
	"I hung the key behind the door.",
	"Her brother works as a baker in a small town.",
	"Will it rain tomorrow?",
	"The battery is almost empty, please charge it.",
	"We had soup and bread for dinner yesterday.",
	"Turn left at the third house, then go straight on.",
	"His favourite colour is green.",
	"A cat slept on the warm roof all day.",
	"The meeting was moved to Friday at ten.",
	"Water boils at a hundred degrees.",
	"She plays the violin, and he sings.",
};
enum { PLAIN = sizeof(plain) / sizeof(plain[0]) };

struct embedder {
	struct llama_context *context;
	uint32_t dims, limit; /* tokens of a text */
	uint32_t read;        /* of the plain sentences */
	llama_token *tokens;
	float *common;        /* the sum of theirs; once all are read, their mean */
};

uint32_t text_dims(const struct text_model *m) {
	int n = m->api.llama_model_n_embd_out(m->model);
	return n > 0 && (uint32_t)n <= CDM_EMBED_DIMS_MAX ? (uint32_t)n : 0;
}

void text_embed_close(struct text_model *m) {
	struct embedder *e = m->embedder;
	if (!e)
		return;
	if (e->context)
		m->api.llama_free(e->context);
	free(e->tokens);
	free(e->common);
	free(e);
	m->embedder = NULL;
}

/* One step computes a whole text: the mean is of what one step has seen. */
static struct llama_context *make_context(struct text_model *m, uint32_t limit) {
	struct llama_context_params p = m->api.llama_context_default_params();
	p.n_ctx = p.n_batch = p.n_ubatch = limit;
	p.n_seq_max = 1;
	p.n_threads = p.n_threads_batch = (int32_t)m->threads;
	p.embeddings = true;
	p.pooling_type = LLAMA_POOLING_TYPE_MEAN;
	p.abort_callback = text_should_abort;
	p.abort_callback_data = m;
	p.no_perf = true;
	struct llama_context *c = m->api.llama_init_from_model(m->model, p);
	if (c)
		m->api.llama_attach_threadpool(c, m->pool, NULL);
	return c;
}

static int open_embedder(struct text_model *m) {
	struct embedder *e = m->embedder = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->dims = text_dims(m);
	e->limit = m->limit < EMBED_TOKENS_MAX ? m->limit : EMBED_TOKENS_MAX;
	e->tokens = calloc(e->limit, sizeof(*e->tokens));
	e->common = calloc(e->dims, sizeof(*e->common));
	e->context = make_context(m, e->limit);
	if (e->tokens && e->common && e->context)
		return 0;
	text_embed_close(m);
	return -ENOMEM;
}

/* As many as fit, the first ones; their number, 0: there are none. */
static uint32_t tokenize(struct text_model *m, const char *text, size_t bytes) {
	struct embedder *e = m->embedder;
	for (;;) {
		int n = m->api.llama_tokenize(
				m->vocab, text, (int32_t)bytes, e->tokens, (int32_t)e->limit, true, false);
		if (n >= 0)
			return (uint32_t)n;
		bytes = (size_t)((double)bytes * e->limit / -(double)n * 0.95);
		while (bytes > 0 && ((unsigned char)text[bytes] & 0xc0) == 0x80)
			bytes--;
	}
}

static void normalise(float *v, uint32_t dims) {
	double square = 0;
	for (uint32_t i = 0; i < dims; i++)
		square += (double)v[i] * (double)v[i];
	double scale = square > 1e-12 && isfinite(square) ? 1 / sqrt(square) : 0;
	for (uint32_t i = 0; i < dims; i++)
		v[i] = scale > 0 ? (float)(v[i] * scale) : 0;
}

/* The mean of the text's tokens, of length 1. */
static int compute(struct text_model *m, const char *text, size_t bytes, float *out) {
	struct embedder *e = m->embedder;
	uint32_t n = tokenize(m, text, bytes);
	memset(out, 0, e->dims * sizeof(*out));
	if (n == 0)
		return 0;
	llama_memory_t memory = m->api.llama_get_memory(e->context);
	if (memory) /* one that only encodes has none */
		m->api.llama_memory_clear(memory, true);
	int rc = m->api.llama_decode(e->context, m->api.llama_batch_get_one(e->tokens, (int32_t)n));
	const float *mean = rc == 0 ? m->api.llama_get_embeddings_seq(e->context, 0) : NULL;
	if (m->cancelled)
		return -ECANCELED;
	if (!mean)
		return -EIO;
	memcpy(out, mean, e->dims * sizeof(*out));
	normalise(out, e->dims);
	return 0;
}

static int know_common(struct text_model *m, float *room) {
	struct embedder *e = m->embedder;
	for (; e->read < PLAIN; e->read++) {
		int rc = compute(m, plain[e->read], strlen(plain[e->read]), room);
		if (rc < 0)
			return rc;
		for (uint32_t i = 0; i < e->dims; i++)
			e->common[i] += room[i] / (float)PLAIN;
	}
	return 0;
}

static int embed(struct text_model *m, const struct cdm_request *rq, float *out) {
	int rc = m->embedder ? 0 : open_embedder(m);
	if (rc == 0)
		rc = know_common(m, out);
	if (rc == 0)
		rc = compute(m, rq->prompt, rq->prompt_bytes, out);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < m->embedder->dims; i++)
		out[i] -= m->embedder->common[i];
	normalise(out, m->embedder->dims);
	return 0;
}

int text_embed(void *model, const struct cdm_request *rq, float *out, struct cdm_diag *diag) {
	struct text_model *m = model;
	if (rq->prompt_bytes > INT32_MAX || !stream_is_utf8(rq->prompt, rq->prompt_bytes)) {
		cdm_diag_add(diag, CDM_ERROR, "B0120", "the text is not valid UTF-8");
		return -EILSEQ;
	}
	m->request = rq;
	m->cancelled = false;
	int rc = embed(m, rq, out);
	m->request = NULL;
	if (rc == -EIO || rc == -ENOMEM)
		cdm_diag_add(diag, CDM_ERROR, "B0122", "llama.cpp failed to make a vector of the text");
	return rc;
}
