/*
 * echo_backend.c - a backend without an engine: it says the words of the prompt, or copies the sample.
 *
 * For machine descriptions that shall run where no engine is, and for trying what happens when
 * a model is slow, talkative, or falls over.  The model's file is not read, only looked for.
 *
 *     say = TEXT      say this instead of the prompt
 *     repeat = N      say it N times (1)
 *     crash = load | use   end the process at that point
 *     hang = load | use    sleep for ever at that point
 *     hang = listening | after   run in circles instead of an answer, or after it, but listen
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cadmus/backend.h"

struct echo {
	const struct cdm_backend_host *host;
	uint32_t context, threads;
	unsigned long repeat;
	char *say; /* NULL: the prompt */
	int crash_on_use, hang_on_use, hang_listening, hang_after;
};

static const char *option(const struct cdm_backend_config *cfg, const char *key) {
	const char *v = cfg->host->option(cfg->host->option_of, key);
	return v ? v : "";
}

static int echo_load(void **model, const struct cdm_backend_config *cfg, struct cdm_diag *diag) {
	FILE *f = fopen(cfg->path, "r");
	if (!f) {
		cdm_diag_add(diag, CDM_ERROR, "B0310", "cannot open the model %s: %s", cfg->path,
				strerror(errno));
		return -ENOENT;
	}
	fclose(f);
	if (strcmp(option(cfg, "crash"), "load") == 0)
		abort();
	while (strcmp(option(cfg, "hang"), "load") == 0)
		pause();
	struct echo *m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->host = cfg->host;
	m->threads = cfg->threads;
	m->context = cfg->context ? cfg->context : 4096;
	m->repeat = strtoul(option(cfg, "repeat"), NULL, 10);
	m->say = option(cfg, "say")[0] ? strdup(option(cfg, "say")) : NULL;
	m->crash_on_use = strcmp(option(cfg, "crash"), "use") == 0;
	m->hang_on_use = strcmp(option(cfg, "hang"), "use") == 0;
	m->hang_listening = strcmp(option(cfg, "hang"), "listening") == 0;
	m->hang_after = strcmp(option(cfg, "hang"), "after") == 0;
	*model = m;
	return 0;
}

static void echo_describe(void *model, struct cdm_model_facts *facts) {
	const struct echo *m = model;
	*facts = (struct cdm_model_facts){ .architecture = "echo", .description = "says the words of its prompt",
			.engine = "none", .context = m->context, .threads = m->threads };
}

/* The next word with the space before it, from *at on; its bytes, 0 at the end. */
static size_t next_word(const struct cdm_request *rq, size_t at) {
	size_t end = at;
	while (end < rq->prompt_bytes && isspace((unsigned char)rq->prompt[end]))
		end++;
	while (end < rq->prompt_bytes && !isspace((unsigned char)rq->prompt[end]))
		end++;
	return end - at;
}

static uint32_t count_words(const struct cdm_request *rq) {
	uint32_t count = 0;
	size_t n;
	for (size_t at = 0; (n = next_word(rq, at)) > 0; at += n)
		count++;
	return count;
}

/* Sleep for ever, or run in circles until we are told to end. */
static enum cdm_finish hang(const struct echo *m, const struct cdm_request *rq) {
	while (m->hang_on_use || !rq->poll || !rq->poll(rq->self))
		if (m->hang_on_use)
			pause();
	return CDM_FINISH_CANCELLED;
}

/* Say the prompt once; CDM_FINISH_END to go on. */
static enum cdm_finish say_once(
		const struct echo *m, const struct cdm_request *rq, struct cdm_result *r) {
	size_t n;
	for (size_t at = 0; (n = next_word(rq, at)) > 0; at += n) {
		if (rq->poll && rq->poll(rq->self))
			return CDM_FINISH_CANCELLED;
		if (r->tokens_out == rq->max_tokens)
			return CDM_FINISH_LENGTH;
		if (r->tokens_in + r->tokens_out == m->context)
			return CDM_FINISH_CONTEXT;
		r->tokens_out++;
		if (rq->on_text(rq->self, rq->prompt + at, n))
			return CDM_FINISH_CANCELLED;
	}
	return CDM_FINISH_END;
}

static int echo_generate(void *model, const struct cdm_request *rq, struct cdm_result *r,
		struct cdm_diag *diag) {
	const struct echo *m = model;
	struct cdm_mono start = m->host->now();
	if (m->crash_on_use)
		abort();
	*r = (struct cdm_result){ .tokens_in = count_words(rq) };
	if (r->tokens_in >= m->context) {
		cdm_diag_add(diag, CDM_ERROR, "B0321",
				"the prompt has %u words, and the model keeps %u", r->tokens_in,
				m->context);
		return -E2BIG;
	}
	struct cdm_mono first = m->host->now();
	r->prompt_ns = first.ns - start.ns;
	struct cdm_request own = *rq;
	if (m->say) {
		own.prompt = m->say;
		own.prompt_bytes = strlen(m->say);
	}
	r->finish = m->hang_on_use || m->hang_listening ? hang(m, rq) : say_once(m, &own, r);
	for (unsigned long i = 1; i < m->repeat && r->finish == CDM_FINISH_END && r->tokens_in; i++)
		r->finish = say_once(m, &own, r);
	if (m->hang_after && r->finish == CDM_FINISH_END)
		r->finish = hang(m, rq);
	r->eval_ns = m->host->now().ns - first.ns;
	return 0;
}

static int echo_prepare(void *model, const struct cdm_tensor *in, const struct cdm_tensor *out,
		struct cdm_diag *diag) {
	(void)model;
	if (in->dtype == out->dtype && in->bytes == out->bytes)
		return 0;
	cdm_diag_add(diag, CDM_ERROR, "B0320",
			"echo copies: its source and its target must be alike");
	return -EINVAL;
}

static int echo_transform(void *model, const struct cdm_tensor *in, struct cdm_tensor *out) {
	const struct echo *m = model;
	if (m->crash_on_use)
		abort();
	memcpy(out->data, in->data, in->bytes < out->bytes ? in->bytes : out->bytes);
	return 0;
}

static void echo_unload(void *model) {
	struct echo *m = model;
	if (m)
		free(m->say);
	free(m);
}

CDM_BACKEND_EXPORT const struct cdm_backend cdm_backend = {
	.abi = CDM_BACKEND_ABI,
	.name = "echo",
	.summary = "no engine: says the words of its prompt, copies samples",
	.version = "1",
	.load = echo_load,
	.describe = echo_describe,
	.generate = echo_generate,
	.prepare = echo_prepare,
	.transform = echo_transform,
	.unload = echo_unload,
};
