/*
 * llama_backend.c - loading a GGUF file with llama.cpp, and what is known of it.
 *
 * The engine computes on a thread pool of exactly the given size (the caller is one of its
 * threads) that sleeps between computations.
 */
#include "llama_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONTEXT_DEFAULT_MAX 4096u
#define CONTEXT_MAX (1u << 20)
#define BATCH_MAX 512u

/* ---- the engine's log: one per process, as the engine has one ---- */

static const struct text_model *log_model;
static __thread char log_text[512];
static __thread size_t log_bytes;
static char first_error[256]; /* the engine's own reason, for diags; what follows it is less exact */

static enum cdm_backend_log level_of(enum ggml_log_level level) {
	if (log_model->cancelled)
		return CDM_LOG_DEBUG; /* the engine calls it a failure when it was told to stop */
	switch (level) {
	case GGML_LOG_LEVEL_ERROR: return CDM_LOG_ERROR;
	case GGML_LOG_LEVEL_WARN: return CDM_LOG_INFO; /* of files and machines as they are: nothing to do */
	default: return CDM_LOG_DEBUG;
	}
}

/* The engine logs in pieces; a line ends with its newline. */
static void on_log(enum ggml_log_level level, const char *text, void *unused) {
	(void)unused;
	size_t n = strlen(text);
	if (n > sizeof(log_text) - 1 - log_bytes)
		n = sizeof(log_text) - 1 - log_bytes;
	memcpy(log_text + log_bytes, text, n);
	log_bytes += n;
	if (log_bytes < sizeof(log_text) - 1 && (log_bytes == 0 || log_text[log_bytes - 1] != '\n'))
		return;
	while (log_bytes && log_text[log_bytes - 1] == '\n')
		log_bytes--;
	log_text[log_bytes] = 0;
	if (level == GGML_LOG_LEVEL_ERROR && !first_error[0])
		snprintf(first_error, sizeof(first_error), "%.*s", (int)sizeof(first_error) - 1,
				log_text);
	if (log_bytes && log_model)
		log_model->host->log(level_of(level), log_text);
	log_bytes = 0;
}

/* ---- options ---- */

static bool option_is(const struct cdm_backend_host *host, const char *key, const char *value) {
	const char *v = host->option(host->option_of, key);
	return v && strcmp(v, value) == 0;
}

static int option_number(const struct cdm_backend_host *host, const char *key, int otherwise) {
	const char *v = host->option(host->option_of, key);
	char *end;
	if (!v || !*v)
		return otherwise;
	long n = strtol(v, &end, 10);
	return *end || n < 0 || n > 100000 ? otherwise : (int)n;
}

/* ---- loading ---- */

/* Say what is wrong with a file in words better than the engine's, where that is easy to know. */
static int look_at_file(const char *path, struct cdm_diag *diag) {
	unsigned char head[24];
	FILE *f = fopen(path, "rb");
	if (!f) {
		int e = errno;
		cdm_diag_add(diag, CDM_ERROR, "B0110", "cannot open the model %s: %s", path,
				strerror(e));
		return e == ENOENT || e == EACCES ? -e : -EIO;
	}
	size_t n = fread(head, 1, sizeof(head), f);
	fclose(f);
	if (n == sizeof(head) && memcmp(head, "GGUF", 4) == 0)
		return 0;
	cdm_diag_add(diag, CDM_ERROR, "B0111", n < sizeof(head) ? "%s is too short for a GGUF model" :
			"%s is not a GGUF model: it does not begin with the letters GGUF", path);
	return -EPROTO;
}

/* One that repacks weights for AMX starts a thread per processor while it loads: not within our share. */
static bool would_take_all_threads(const struct text_model *m) {
	const char *info = m->api.llama_print_system_info();
	return info && strstr(info, "AMX_INT8 = 1") &&
	       (long)m->threads < sysconf(_SC_NPROCESSORS_ONLN);
}

static int load_weights(
		struct text_model *m, const struct cdm_backend_config *cfg, struct cdm_diag *diag) {
	struct llama_model_params p = m->api.llama_model_default_params();
	p.n_gpu_layers = option_number(cfg->host, "gpu_layers", 0);
	p.use_extra_bufts = !would_take_all_threads(m);
	first_error[0] = 0;
	m->model = m->api.llama_model_load_from_file(cfg->path, p);
	if (m->model && !m->api.llama_model_has_encoder(m->model)) {
		m->vocab = m->api.llama_model_get_vocab(m->model);
		return 0;
	}
	const char *why = first_error[0] ? first_error : "it gave no reason";
	cdm_diag_add(diag, CDM_ERROR, "B0112", "llama.cpp cannot use %s: %s", cfg->path,
			m->model ? "it is no text generation model" : why);
	return -EPROTO;
}

static uint32_t choose_context(const struct text_model *m, uint32_t asked) {
	int trained = m->api.llama_model_n_ctx_train(m->model);
	uint32_t n = asked ? asked : trained > 0 ? (uint32_t)trained : CONTEXT_DEFAULT_MAX;
	if (!asked && n > CONTEXT_DEFAULT_MAX)
		n = CONTEXT_DEFAULT_MAX;
	return n < CONTEXT_MAX ? n : CONTEXT_MAX;
}

static int make_context(struct text_model *m, uint32_t asked, struct cdm_diag *diag) {
	struct llama_context_params p = m->api.llama_context_default_params();
	m->limit = choose_context(m, asked);
	m->batch = m->limit < BATCH_MAX ? m->limit : BATCH_MAX;
	p.n_ctx = m->limit;
	p.n_batch = p.n_ubatch = m->batch;
	p.n_seq_max = 1;
	p.n_threads = p.n_threads_batch = (int32_t)m->threads;
	p.abort_callback = text_should_abort;
	p.abort_callback_data = m;
	p.no_perf = true;
	first_error[0] = 0;
	m->context = m->api.llama_init_from_model(m->model, p);
	m->known = calloc(m->limit, sizeof(*m->known));
	m->wanted = calloc(m->limit, sizeof(*m->wanted));
	if (m->context && m->known && m->wanted)
		return 0;
	cdm_diag_add(diag, CDM_ERROR, "B0113", "no memory for a context of %u tokens%s%s", m->limit,
			first_error[0] ? ": " : "", first_error);
	return -ENOMEM;
}

static int make_pool(struct text_model *m, struct cdm_diag *diag) {
	struct ggml_threadpool_params p;
	m->api.ggml_threadpool_params_init(&p, (int)m->threads);
	p.poll = 0; /* threads without work sleep: the cores belong to everyone */
	m->pool = m->api.threadpool_new(&p);
	if (!m->pool) {
		cdm_diag_add(diag, CDM_ERROR, "B0114", "cannot start %u threads", m->threads);
		return -ENOMEM;
	}
	m->api.llama_attach_threadpool(m->context, m->pool, NULL);
	return 0;
}

static void text_unload(void *model) {
	struct text_model *m = model;
	if (!m)
		return;
	text_embed_close(m);
	if (m->context)
		m->api.llama_free(m->context);
	if (m->pool)
		m->api.threadpool_free(m->pool);
	if (m->model)
		m->api.llama_model_free(m->model);
	free(m->known);
	free(m->wanted);
	if (log_model == m)
		log_model = NULL;
	free(m);
}

static int text_load(void **model, const struct cdm_backend_config *cfg, struct cdm_diag *diag) {
	int rc = look_at_file(cfg->path, diag);
	if (rc < 0)
		return rc;
	struct text_model *m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->host = cfg->host;
	log_model = m;
	m->threads = cfg->threads > GGML_MAX_N_THREADS ? GGML_MAX_N_THREADS : cfg->threads ? cfg->threads : 1;
	m->parse_special = !option_is(cfg->host, "special_tokens", "no");
	rc = llama_api_open(&m->api, cfg->library_dir, on_log, diag);
	if (rc == 0)
		rc = load_weights(m, cfg, diag);
	if (rc == 0)
		rc = make_context(m, cfg->context, diag);
	if (rc == 0)
		rc = make_pool(m, diag);
	if (rc < 0) {
		text_unload(m);
		return rc;
	}
	*model = m;
	return 0;
}

/* ---- what is known of it ---- */

static void copy_text(char *out, size_t capacity, const char *text) {
	snprintf(out, capacity, "%s", text ? text : "");
}

static void text_describe(void *model, struct cdm_model_facts *facts) {
	struct text_model *m = model;
	const struct llama_api *a = &m->api;
	memset(facts, 0, sizeof(*facts));
	a->llama_model_meta_val_str(m->model, "general.architecture", facts->architecture,
			sizeof(facts->architecture));
	a->llama_model_desc(m->model, facts->description, sizeof(facts->description));
	copy_text(facts->quantization, sizeof(facts->quantization),
			a->llama_ftype_name(a->llama_model_ftype(m->model)));
	snprintf(facts->engine, sizeof(facts->engine), "llama.cpp %.20s, ggml %.20s",
			a->llama_version(), a->ggml_version());
	facts->parameters = a->llama_model_n_params(m->model);
	facts->bytes = a->llama_model_size(m->model);
	facts->context = m->limit;
	facts->context_trained = (uint32_t)a->llama_model_n_ctx_train(m->model);
	facts->vocabulary = (uint32_t)a->llama_vocab_n_tokens(m->vocab);
	facts->threads = m->threads;
	facts->dims = text_dims(m);
}

CDM_BACKEND_EXPORT const struct cdm_backend cdm_backend = {
	.abi = CDM_BACKEND_ABI,
	.name = "llama",
	.summary = "language models in GGUF files, on the processor, through llama.cpp",
	.version = "1 for llama.cpp " LLAMA_PINNED,
	.load = text_load,
	.describe = text_describe,
	.generate = text_generate,
	.embed = text_embed,
	.unload = text_unload,
};
