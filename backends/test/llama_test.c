/*
 * llama_test.c - the llama backend with the real engine: what it says, what it refuses, what it costs.
 *
 * Most of it runs on a model of random weights that is written here; what has meaning is asked of
 * the models in the folder named as second argument, where they are.
 */
#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include "host.h"
#include "test/lib/tiny_gguf.h"

static const struct cdm_backend *b;
static const char *library_dir;
static char model_path[128];

/* ---- asking ---- */

static struct {
	char text[8192];
	size_t bytes, pieces, cancel_at_piece, polls, cancel_at_poll;
	unsigned threads;
	struct cdm_result r;
	struct cdm_diag d;
} got;

static int on_text(void *self, const char *text, size_t bytes) {
	(void)self;
	CHECK(bytes > 0 && got.bytes + bytes < sizeof(got.text));
	memcpy(got.text + got.bytes, text, bytes);
	got.bytes += bytes;
	got.text[got.bytes] = 0;
	unsigned now = host_threads();
	if (now > got.threads)
		got.threads = now;
	return ++got.pieces == got.cancel_at_piece;
}

static int poll_cancel(void *self) {
	(void)self;
	return ++got.polls == got.cancel_at_poll;
}

static int ask_rq(void *m, struct cdm_request rq) {
	rq.on_text = on_text;
	rq.poll = poll_cancel;
	got.text[0] = 0;
	got.bytes = got.pieces = got.polls = got.threads = got.d.count = 0;
	int rc = b->generate(m, &rq, &got.r, &got.d);
	got.cancel_at_piece = got.cancel_at_poll = 0;
	CHECK(got.r.prompt_ns >= 0 && got.r.eval_ns >= 0 && got.r.tokens_cached <= got.r.tokens_in);
	return rc;
}

static int ask(void *m, const char *prompt, uint32_t max, float temperature, uint32_t seed) {
	return ask_rq(m, (struct cdm_request){ .prompt = prompt,
					 .prompt_bytes = strlen(prompt),
					 .max_tokens = max,
					 .temperature = temperature,
					 .seed = seed });
}

static int load(void **m, const char *path, uint32_t threads, uint32_t context) {
	struct cdm_backend_config cfg = { path, library_dir, threads, context, &host };
	*m = NULL;
	got.d.count = 0;
	return b->load(m, &cfg, &got.d);
}

static void *loaded(uint32_t threads, uint32_t context) {
	void *m;
	int rc = load(&m, model_path, threads, context);
	if (rc < 0)
		host_said(&got.d, "nothing");
	CHECK(rc == 0 && m);
	return m;
}

/* ---- what is known of a model ---- */

static void knows_what_it_loaded(void) {
	struct cdm_model_facts f;
	void *m = loaded(1, 300);
	b->describe(m, &f);
	CHECK(strcmp(f.architecture, "llama") == 0 && f.vocabulary == TINY_GGUF_TOKENS);
	CHECK(f.context == 300 && f.context_trained == TINY_GGUF_CONTEXT && f.threads == 1);
	CHECK(f.parameters > 100000 && f.bytes > 400000 && strstr(f.engine, "0.5.0") &&
			f.quantization[0]);
	b->unload(m);
	m = loaded(1, 0);
	b->describe(m, &f);
	CHECK(f.context == TINY_GGUF_CONTEXT);
	b->unload(m);
	b->unload(NULL);
}

/* ---- what it refuses ---- */

static void refuses_what_is_no_model(void) {
	void *m;
	CHECK(load(&m, "/nowhere/model.gguf", 1, 0) == -ENOENT &&
			host_said(&got.d, "/nowhere/model.gguf"));
	const char *path = host_file("short.gguf");
	host_write(path, "GGUF", 4);
	CHECK(load(&m, path, 1, 0) == -EPROTO && host_said(&got.d, "too short"));
	path = host_file("text.gguf");
	host_write(path, "this is a text, and not a model of anything", 43);
	CHECK(load(&m, path, 1, 0) == -EPROTO && host_said(&got.d, "is not a GGUF model"));
}

/* Cut and damaged files: an error, whatever the engine's own checks miss must not be silent. */
static void refuses_damaged_models(void) {
	static const double parts[] = { 0.00006, 0.001, 0.005, 0.012, 0.02, 0.5, 0.999 };
	size_t bytes;
	unsigned char *whole = tiny_gguf_make(1, &bytes);
	const char *path = host_file("damaged.gguf");
	void *m;
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		host_write(path, whole, (size_t)((double)bytes * parts[i]));
		CHECK(load(&m, path, 1, 0) == -EPROTO && got.d.errors && m == NULL);
	}
	static const size_t fields[] = { 4, 8, 16, 24, 32 }; /* version, tensors, keys, length of a key */
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		unsigned char keep = whole[fields[i] + 3];
		whole[fields[i] + 3] = 0x7f;
		host_write(path, whole, bytes);
		CHECK(load(&m, path, 1, 0) < 0 && host_said(&got.d, "llama.cpp cannot use"));
		whole[fields[i] + 3] = keep;
	}
	free(whole);
}

static void refuses_engines_it_does_not_know(void) {
	const char *real = library_dir;
	char path[4096], folder[128];
	void *m;
	library_dir = "/nowhere";
	CHECK(load(&m, model_path, 1, 0) == -ENOTSUP && host_said(&got.d, "/nowhere"));
	snprintf(folder, sizeof(folder), "%s", host_file("libllama.so"));
	snprintf(path, sizeof(path), "%s/libggml-base.so", real);
	CHECK(symlink(path, folder) == 0); /* a library, but not this one */
	*strrchr(folder, '/') = 0;
	library_dir = folder;
	CHECK(load(&m, model_path, 1, 0) == -ENOTSUP && host_said(&got.d, "has no llama_"));
	library_dir = NULL;
	char *keep = strdup(getenv("CADMUS_LLAMA_DIR"));
	unsetenv("CADMUS_LLAMA_DIR");
	CHECK(load(&m, model_path, 1, 0) == -ENOTSUP && host_said(&got.d, "CADMUS_LLAMA_DIR"));
	setenv("CADMUS_LLAMA_DIR", keep, 1);
	free(keep);
	CHECK(load(&m, model_path, 1, 0) == 0);
	b->unload(m);
	library_dir = real;
}

/* ---- answers ---- */

static bool is_utf8(const char *text) {
	for (const unsigned char *p = (const unsigned char *)text; *p;) {
		int more = *p < 0x80 ? 0 : *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc2 ? 1 : -1;
		if (more < 0)
			return false;
		for (p++; more > 0; more--, p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static void answers_the_same_to_the_same(void) {
	char first[8192], seeded[8192];
	void *m = loaded(1, 300), *other = loaded(1, 300);
	CHECK(ask(m, "walk to the door", 40, 0, 1) == 0 && got.r.tokens_cached == 0 &&
			got.pieces > 0);
	CHECK(got.r.tokens_out <= 40 && is_utf8(got.text));
	strcpy(first, got.text);
	uint32_t in = got.r.tokens_in;
	CHECK(ask(m, "walk to the door", 40, 0, 2) == 0 && strcmp(got.text, first) == 0);
	CHECK(got.r.tokens_in == in && got.r.tokens_cached == in - 1); /* all but the one whose logits it needs */
	CHECK(ask(other, "walk to the door", 40, 0, 3) == 0 && strcmp(got.text, first) == 0);
	CHECK(ask(m, "walk to the door", 40, 1.5f, 7) == 0 && is_utf8(got.text));
	strcpy(seeded, got.text);
	CHECK(ask(m, "walk to the door", 40, 1.5f, 7) == 0 && strcmp(got.text, seeded) == 0);
	CHECK(ask(m, "walk to the door", 40, 1.5f, 8) == 0 && strcmp(got.text, seeded) != 0);
	b->unload(m);
	b->unload(other);
}

/* A talk grows: only its new end is computed, and the answers are those of a model without memory. */
static void reuses_what_prompts_have_in_common(void) {
	static const char *const prompts[] = { "[door = locked]\n> a",
		"[door = locked]\n> a\n< b\n> c", "[door = open]\n> a", "entirely different",
		"[door = locked]\n> a\n< b\n> c" };
	void *m = loaded(1, 400);
	uint32_t cached[COUNT_OF(prompts)];
	for (size_t i = 0; i < COUNT_OF(prompts); i++) {
		char text[8192];
		CHECK(ask(m, prompts[i], 12, 0, 0) == 0);
		strcpy(text, got.text);
		cached[i] = got.r.tokens_cached;
		void *fresh = loaded(1, 400);
		CHECK(ask(fresh, prompts[i], 12, 0, 0) == 0 && strcmp(got.text, text) == 0);
		b->unload(fresh);
	}
	printf("  of five prompts in a row, known already: %u %u %u %u %u tokens\n", cached[0],
			cached[1], cached[2], cached[3], cached[4]);
	CHECK(cached[0] == 0 && cached[1] > 20 && cached[2] > 10 && cached[2] < 20 &&
			cached[3] == 4 && cached[4] == 4);
	b->unload(m);
}

static void says_why_it_ended(void) {
	void *m = loaded(1, 64);
	CHECK(ask(m, "abc", 5, 0, 0) == 0 && got.r.finish == CDM_FINISH_LENGTH &&
			got.r.tokens_out == 5);
	CHECK(ask(m, "abc", 0, 0, 0) == 0 && got.r.finish == CDM_FINISH_LENGTH &&
			got.r.tokens_out == 0 && !got.pieces);
	uint32_t ended = 0, full = 0;
	for (uint32_t seed = 0; seed < 40; seed++) {
		CHECK(ask(m, "abc", 1000, 3, seed) == 0);
		CHECK(got.r.finish == CDM_FINISH_CONTEXT || got.r.finish == CDM_FINISH_END);
		full += got.r.finish == CDM_FINISH_CONTEXT;
		ended += got.r.finish == CDM_FINISH_END;
		/* The last one chosen needs no room. */
		CHECK(got.r.finish != CDM_FINISH_CONTEXT ||
				got.r.tokens_in + got.r.tokens_out == 64 + 1);
	}
	CHECK(full > 0);
	CHECK(ask(m, "abc", 1000, 0, 0) == 0);
	b->unload(m);
	printf("  of 40 random answers, %u ended by themselves, %u filled the context\n", ended,
			full);
}

static void stops_at_stop_strings(void) {
	void *m = loaded(1, 300);
	char stop[8] = "", want[8192];
	struct cdm_request rq = {
		.prompt = "go", .prompt_bytes = 2, .max_tokens = 60, .temperature = 1, .seed = 5
	};
	CHECK(ask_rq(m, rq) == 0 && got.bytes > 20);
	size_t at = 10;
	while (((unsigned char)got.text[at] & 0xc0) == 0x80)
		at++;
	memcpy(stop, got.text + at, 3);
	while (stop[0] && ((unsigned char)got.text[at + strlen(stop)] & 0xc0) == 0x80)
		stop[strlen(stop)] = got.text[at + strlen(stop)];
	strcpy(want, got.text);
	*strstr(want, stop) = 0;
	rq.stop_count = 2;
	rq.stop[0] = "never said";
	rq.stop[1] = stop;
	CHECK(ask_rq(m, rq) == 0 && got.r.finish == CDM_FINISH_STOP && strcmp(got.text, want) == 0);
	rq.stop[0] = "";
	CHECK(ask_rq(m, rq) == -EINVAL && host_said(&got.d, "stop strings"));
	b->unload(m);
}

static void refuses_prompts_it_cannot_read(void) {
	char longest[200];
	void *m = loaded(1, 64);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	CHECK(ask(m, longest, 5, 0, 0) == -E2BIG &&
			host_said(&got.d, "203 tokens, and the model keeps 64"));
	CHECK(got.r.tokens_in == 203 && got.pieces == 0);
	CHECK(ask(m, "a\xff", 5, 0, 0) == -EILSEQ && host_said(&got.d, "UTF-8"));
	CHECK(ask(m, "abc", 5, 0, 0) == 0);
	b->unload(m);
}

/* ---- cancelling ---- */

static void cancels_between_and_within_steps(void) {
	char want[8192], *longest = calloc(1, 401);
	void *m = loaded(1, 500);
	memset(longest, 'y', 400);
	CHECK(ask(m, longest, 20, 0, 0) == 0);
	size_t polls = got.polls;
	strcpy(want, got.text);
	CHECK(polls > 400); /* asked within each step, not only between them */
	got.cancel_at_piece = 3;
	CHECK(ask(m, longest, 20, 0, 0) == 0 && got.r.finish == CDM_FINISH_CANCELLED &&
			got.pieces == 3);
	for (size_t at = 1; at < polls; at += polls / 23) {
		m = (b->unload(m), loaded(1, 500));
		got.cancel_at_poll = at;
		CHECK(ask(m, longest, 20, 0, 0) == 0 && got.r.finish == CDM_FINISH_CANCELLED &&
				got.polls == at);
		CHECK(strncmp(want, got.text, got.bytes) == 0);
		CHECK(ask(m, longest, 20, 0, 0) == 0 && strcmp(got.text, want) == 0); /* nothing half-known stays */
	}
	b->unload(m);
	free(longest);
}

/* ---- vectors of texts ---- */

static float vectors[4][CDM_EMBED_DIMS_MAX];

static int embed_rq(void *m, const char *text, size_t bytes, float *out) {
	struct cdm_request rq = { .prompt = text, .prompt_bytes = bytes, .poll = poll_cancel };
	got.polls = got.d.count = 0;
	int rc = b->embed(m, &rq, out, &got.d);
	got.cancel_at_poll = 0;
	return rc;
}

static int embed(void *m, const char *text, float *out) {
	return embed_rq(m, text, strlen(text), out);
}

static uint32_t dims_of(void *m) {
	struct cdm_model_facts f;
	b->describe(m, &f);
	return f.dims;
}

static double dot(const float *x, const float *y, uint32_t dims) {
	double sum = 0;
	for (uint32_t i = 0; i < dims; i++)
		sum += (double)x[i] * (double)y[i];
	return sum;
}

static void makes_the_same_of_the_same_text(void) {
	static char longest[5000];
	void *m = loaded(1, 300), *other = loaded(2, 300);
	uint32_t dims = dims_of(m);
	size_t bytes = dims * sizeof(float);
	CHECK(dims == TINY_GGUF_DIMS && dims <= CDM_EMBED_DIMS_MAX);
	CHECK(ask(m, "walk to the door", 10, 0, 0) == 0);
	uint32_t known = got.r.tokens_in;
	CHECK(embed(m, "walk to the door", vectors[0]) == 0 && embed(m, "a green bottle", vectors[1]) == 0);
	CHECK(embed(m, "walk to the door", vectors[2]) == 0 && memcmp(vectors[0], vectors[2], bytes) == 0);
	CHECK(embed(other, "walk to the door", vectors[2]) == 0 && dot(vectors[0], vectors[2], dims) > 0.999);
	double length = dot(vectors[0], vectors[0], dims);
	CHECK(length > 0.999 && length < 1.001 && dot(vectors[0], vectors[1], dims) < 0.999);
	CHECK(ask(m, "walk to the door", 10, 0, 0) == 0 && got.r.tokens_cached == known - 1); /* it still knows */
	memset(longest, 'x', sizeof(longest));
	CHECK(embed_rq(m, longest, sizeof(longest), vectors[1]) == 0 && embed_rq(m, longest, 1, vectors[2]) == 0);
	CHECK(embed(m, "a\xff", vectors[1]) == -EILSEQ && host_said(&got.d, "UTF-8"));
	b->unload(m);
	b->unload(other);
}

/* Within what is computed once, and within the text itself. */
static void vectors_are_cancelled(void) {
	void *m = loaded(1, 300);
	uint32_t dims = dims_of(m);
	CHECK(embed(m, "walk to the door", vectors[0]) == 0);
	size_t polls = got.polls;
	CHECK(polls > 12);
	b->unload(m);
	for (size_t at = 1; at < polls; at += polls / 7) {
		m = loaded(1, 300);
		got.cancel_at_poll = at;
		CHECK(embed(m, "walk to the door", vectors[1]) == -ECANCELED && got.polls == at && got.d.count == 0);
		CHECK(embed(m, "walk to the door", vectors[1]) == 0);
		CHECK(memcmp(vectors[0], vectors[1], dims * sizeof(float)) == 0);
		b->unload(m);
	}
}

/* ---- threads ---- */

static void never_takes_more_threads_than_given(void) {
	unsigned before = host_threads();
	for (uint32_t n = 1; n <= 3; n++) {
		void *m = loaded(n, 500);
		CHECK(ask(m, "walk to the door and open it", 10, 0, 0) == 0 && got.threads > 0);
		printf("  %u threads given: %u while it computes\n", n, got.threads - before + 1);
		CHECK(got.threads - before + 1 <= n);
		b->unload(m);
		host_threads_fall_to(before);
	}
}

static void leaves_nothing_behind(void) {
	int first = dup(0), last;
	close(first);
	for (int i = 0; i < 20; i++) {
		void *m = loaded(i == 0 ? 2 : 1, 300);
		CHECK(ask(m, "again", 4, 0, 0) == 0 && embed(m, "again", vectors[0]) == 0);
		b->unload(m);
	}
	last = dup(0);
	close(last);
	CHECK(first == last);
}

/* ---- models with meaning ---- */

static void report(const char *what) {
	printf("  %s: %u tokens read in %.2f ms (%u known), %u written in %.2f ms = %.0f/s: "
	       "\"%.40s\"\n",
			what, got.r.tokens_in, (double)got.r.prompt_ns / 1e6, got.r.tokens_cached,
			got.r.tokens_out, (double)got.r.eval_ns / 1e6,
			(double)got.r.tokens_out * 1e9 / (double)(got.r.eval_ns + 1), got.text);
}

/* Texts that say nearly the same, and texts that have nothing to do with each other. */
static void try_vectors(void *m) {
	static const char *const pairs[][2] = {
		{ "my name is Ana", "my name is Tom" }, { "is the door locked?", "is the door open?" },
		{ "the light is red", "the light is green" }, { "walk to the door", "go to the door" },
		{ "where is my key?", "where is the key?" },
	};
	uint32_t dims = dims_of(m);
	double same = 0, other = 0, most = 0;
	struct cdm_mono start = host.now();
	for (size_t i = 0; i < COUNT_OF(pairs); i++)
		for (size_t k = 0; k < COUNT_OF(pairs); k++) {
			CHECK(embed(m, pairs[i][0], vectors[0]) == 0 && embed(m, pairs[k][1], vectors[1]) == 0);
			double cosine = dot(vectors[0], vectors[1], dims);
			same += i == k ? cosine / COUNT_OF(pairs) : 0;
			other += i == k ? 0 : cosine / (COUNT_OF(pairs) * (COUNT_OF(pairs) - 1));
			most = i != k && cosine > most ? cosine : most;
		}
	printf("  %u dims, cosine of what belongs together %.2f, of what does not %.2f, %.2f at most; %.2f ms a text\n",
			dims, same, other, most, (double)(host.now().ns - start.ns) / 1e6 / 2 / COUNT_OF(pairs) /
			COUNT_OF(pairs));
	CHECK(same > other + 0.2);
}

static void try_model(const char *path) {
	static const char prompt[] = "[name = Ana; door = locked]\n> what is my name?\n< ";
	void *m;
	struct cdm_model_facts f;
	struct cdm_mono start = host.now();
	CHECK(load(&m, path, 1, 0) == 0);
	b->describe(m, &f);
	printf("  %s: %s, %.2f M parameters, %s, context %u, loaded in %.1f ms\n",
			strrchr(path, '/') + 1, f.description, (double)f.parameters / 1e6,
			f.quantization, f.context, (double)(host.now().ns - start.ns) / 1e6);
	struct cdm_request rq = { .prompt = prompt,
		.prompt_bytes = sizeof(prompt) - 1,
		.max_tokens = 40,
		.stop_count = 1,
		.stop = { "\n" } };
	CHECK(ask_rq(m, rq) == 0 && is_utf8(got.text));
	report("first");
	bool knows = strstr(got.text, "Ana") != NULL;
	CHECK(ask_rq(m, rq) == 0 && (strstr(got.text, "Ana") != NULL) == knows);
	report("again");
	try_vectors(m);
	b->unload(m);
	CHECK(knows);
}

static void tries_real_models(const char *models) {
	char pattern[4096];
	glob_t g;
	snprintf(pattern, sizeof(pattern), "%s/cadmus-*.gguf", models);
	if (glob(pattern, 0, NULL, &g) != 0) {
		printf("  no %s: meaning was not asked\n", pattern);
		return;
	}
	for (size_t i = 0; i < g.gl_pathc; i++)
		try_model(g.gl_pathv[i]);
	globfree(&g);
}

int main(int argc, char **argv) {
	size_t bytes;
	CHECK(argc == 3);
	library_dir = host_place("CADMUS_LLAMA_DIR", "llama.cpp");
	if (!library_dir)
		return host_skip();
	b = host_open(argv[1]);
	void *file = tiny_gguf_make(1, &bytes);
	snprintf(model_path, sizeof(model_path), "%s", host_file("tiny.gguf"));
	host_write(model_path, file, bytes);
	free(file);
	knows_what_it_loaded();
	refuses_what_is_no_model();
	refuses_damaged_models();
	refuses_engines_it_does_not_know();
	answers_the_same_to_the_same();
	reuses_what_prompts_have_in_common();
	says_why_it_ended();
	stops_at_stop_strings();
	refuses_prompts_it_cannot_read();
	cancels_between_and_within_steps();
	makes_the_same_of_the_same_text();
	vectors_are_cancelled();
	never_takes_more_threads_than_given();
	leaves_nothing_behind();
	tries_real_models(argv[2]);
	puts("llama_test: ok");
}
