/*
 * llama_text.c - from a prompt to an answer.
 *
 * The engine's cache holds the tokens of the request before.  Of a new prompt, only what differs
 * is computed: prompts that begin alike (the same preamble, the same talk so far) are cheap.
 * `known` always says what the cache holds; after an aborted step it is cut back to what is sure.
 */
#include "llama_priv.h"
#include "stream.h"

#include <errno.h>
#include <string.h>

#define TOP_K 40
#define TOP_P 0.95f
#define PIECE_MAX 256

/* A request while it is served. */
struct turn {
	struct text_model *m;
	const struct cdm_request *rq;
	struct cdm_result *out;
	struct cdm_diag *diag;
	struct stream stream;
	struct llama_sampler *sampler;
	struct cdm_mono start, first;
};

bool text_should_abort(void *model) {
	struct text_model *m = model;
	const struct cdm_request *rq = m->request;
	if (rq && rq->poll && !m->cancelled && rq->poll(rq->self) != 0)
		m->cancelled = true;
	return m->cancelled;
}

static bool cancelled(struct turn *t) {
	if (t->stream.cancelled)
		t->m->cancelled = true;
	return t->m->cancelled;
}

/* Forget what the cache holds from token `count` on; all of it, where the model cannot do that. */
static void cut(struct text_model *m, uint32_t count) {
	llama_memory_t memory = m->api.llama_get_memory(m->context);
	if (!m->api.llama_memory_seq_rm(memory, 0, (llama_pos)count, -1)) {
		m->api.llama_memory_clear(memory, true);
		count = 0;
	}
	m->known_count = count;
}

static int engine_failed(struct turn *t, int code) {
	cut(t->m, 0);
	cdm_diag_add(t->diag, CDM_ERROR, "B0122", "llama.cpp failed to compute (%d)", code);
	return -EIO;
}

/* Let the engine read `count` tokens.  0 also when cancelled. */
static int feed(struct turn *t, llama_token *tokens, uint32_t count) {
	struct text_model *m = t->m;
	for (uint32_t at = 0; at < count && !cancelled(t);) {
		uint32_t n = count - at < m->batch ? count - at : m->batch;
		int rc = m->api.llama_decode(
				m->context, m->api.llama_batch_get_one(tokens + at, (int32_t)n));
		if (rc == 2 && m->cancelled) {
			cut(m, m->known_count);
			return 0;
		}
		if (rc != 0)
			return engine_failed(t, rc);
		memcpy(m->known + m->known_count, tokens + at, n * sizeof(*tokens));
		m->known_count += n;
		at += n;
	}
	return 0;
}

static int tokenize(struct turn *t) {
	struct text_model *m = t->m;
	if (t->rq->prompt_bytes > INT32_MAX ||
			!stream_is_utf8(t->rq->prompt, t->rq->prompt_bytes)) {
		cdm_diag_add(t->diag, CDM_ERROR, "B0120", "the prompt is not valid UTF-8");
		return -EILSEQ;
	}
	int n = m->api.llama_tokenize(m->vocab, t->rq->prompt, (int32_t)t->rq->prompt_bytes,
			m->wanted, (int32_t)m->limit, true, m->parse_special);
	if (n == 0) {
		cdm_diag_add(t->diag, CDM_ERROR, "B0123", "the prompt is empty");
		return -EINVAL;
	}
	uint32_t need = n < 0 ? 0u - (uint32_t)n : (uint32_t)n;
	t->out->tokens_in = need;
	if (n > 0 && need < m->limit)
		return 0;
	cdm_diag_add(t->diag, CDM_ERROR, "B0121",
			"the prompt has %u tokens, and the model keeps %u: no room for an answer",
			need, m->limit);
	return -E2BIG;
}

/* Tokens that prompt and cache have in common; at least one stays to be computed, for its logits. */
static uint32_t common_prefix(const struct text_model *m, uint32_t prompt) {
	uint32_t n = 0;
	while (n < m->known_count && n + 1 < prompt && m->known[n] == m->wanted[n])
		n++;
	return n;
}

static int read_prompt(struct turn *t) {
	struct text_model *m = t->m;
	int rc = tokenize(t);
	if (rc < 0)
		return rc;
	uint32_t shared = common_prefix(m, t->out->tokens_in);
	if (shared < m->known_count)
		cut(m, shared);
	t->out->tokens_cached = m->known_count;
	return feed(t, m->wanted + m->known_count, t->out->tokens_in - m->known_count);
}

static int make_sampler(struct turn *t) {
	const struct llama_api *a = &t->m->api;
	t->sampler = a->llama_sampler_chain_init(a->llama_sampler_chain_default_params());
	if (!t->sampler)
		return -ENOMEM;
	if (!(t->rq->temperature > 0)) {
		a->llama_sampler_chain_add(t->sampler, a->llama_sampler_init_greedy());
		return 0;
	}
	a->llama_sampler_chain_add(t->sampler, a->llama_sampler_init_top_k(TOP_K));
	a->llama_sampler_chain_add(t->sampler, a->llama_sampler_init_top_p(TOP_P, 1));
	a->llama_sampler_chain_add(t->sampler, a->llama_sampler_init_temp(t->rq->temperature));
	a->llama_sampler_chain_add(t->sampler, a->llama_sampler_init_dist(t->rq->seed));
	return 0;
}

static void say_token(struct turn *t, llama_token token) {
	char piece[PIECE_MAX];
	int n = t->m->api.llama_token_to_piece(t->m->vocab, token, piece, sizeof(piece), 0, false);
	if (n > 0)
		stream_push(&t->stream, piece, (size_t)n);
	t->out->tokens_out++;
}

/* Choose and say tokens until there is a reason to end. */
static int write_answer(struct turn *t) {
	struct text_model *m = t->m;
	for (;;) {
		if (cancelled(t) || text_should_abort(m))
			return CDM_FINISH_CANCELLED;
		if (t->out->tokens_out == t->rq->max_tokens)
			return CDM_FINISH_LENGTH;
		llama_token token = m->api.llama_sampler_sample(t->sampler, m->context, -1);
		if (m->api.llama_vocab_is_eog(m->vocab, token))
			return CDM_FINISH_END;
		say_token(t, token);
		if (t->stream.stopped)
			return CDM_FINISH_STOP;
		if (t->out->tokens_out == t->rq->max_tokens)
			continue;
		if (m->known_count == m->limit)
			return CDM_FINISH_CONTEXT;
		int rc = feed(t, &token, 1);
		if (rc < 0)
			return rc;
	}
}

static int serve(struct turn *t) {
	int rc = make_sampler(t);
	if (rc == 0)
		rc = read_prompt(t);
	t->first = t->m->host->now();
	if (rc == 0)
		rc = write_answer(t);
	if (rc < 0)
		return rc;
	if (rc != CDM_FINISH_CANCELLED)
		stream_end(&t->stream);
	if (t->stream.stopped)
		rc = CDM_FINISH_STOP;
	t->out->finish = t->stream.cancelled ? CDM_FINISH_CANCELLED : (enum cdm_finish)rc;
	return 0;
}

int text_generate(void *model, const struct cdm_request *rq, struct cdm_result *result,
		struct cdm_diag *diag) {
	struct text_model *m = model;
	struct turn t = { .m = m, .rq = rq, .out = result, .diag = diag, .start = m->host->now() };
	memset(result, 0, sizeof(*result));
	int rc = stream_init(&t.stream, rq);
	if (rc < 0) {
		cdm_diag_add(diag, CDM_ERROR, "B0124",
				"at most %d stop strings of at most %d bytes, none empty",
				CDM_STOPS_MAX, STREAM_STOP_BYTES_MAX);
		return rc;
	}
	m->request = rq;
	m->cancelled = false;
	rc = serve(&t);
	m->request = NULL;
	if (t.sampler)
		m->api.llama_sampler_free(t.sampler);
	result->prompt_ns = t.first.ns - t.start.ns;
	result->eval_ns = m->host->now().ns - t.first.ns;
	return rc;
}
