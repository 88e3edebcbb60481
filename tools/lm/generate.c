/* Greedy answers of a GGUF model through libllama, one prompt a line.
 *
 *   cc -std=c11 -O2 generate.c -o generate -I$E/include -L$E/llama -Wl,-rpath,$E/llama \
 *      -l:libllama.v0.5.0.so -l:libggml.v0.5.0.so -l:libggml-base.so
 *   ./generate model.gguf $E/llama < prompts > answers
 *
 * A prompt line writes a line feed as \n and a backslash as \\; an answer line does the same. With
 * --ids it prints the token ids of the prompt instead of an answer. Answers end at the model's end
 * token or after 96 tokens.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ggml-backend.h"
#include "llama.h"

enum { CONTEXT = 512, ANSWER = 96, LINE = 8192 };

static void warnings_only(enum ggml_log_level level, const char *text, void *unused) {
	(void)unused;
	if (level == GGML_LOG_LEVEL_ERROR)
		fputs(text, stderr);
}

/* Undo the escapes in place; returns the length. */
static size_t unescape(char *s) {
	char *out = s;
	for (const char *p = s; *p; p++) {
		if (*p == '\\' && p[1]) {
			p++;
			*out++ = *p == 'n' ? '\n' : *p;
		} else if (*p != '\n') {
			*out++ = *p;
		}
	}
	*out = 0;
	return (size_t)(out - s);
}

static void print_escaped(const char *s, int n) {
	for (int i = 0; i < n; i++) {
		if (s[i] == '\n')
			fputs("\\n", stdout);
		else if (s[i] == '\\')
			fputs("\\\\", stdout);
		else
			putchar(s[i]);
	}
}

static llama_token likeliest(const float *logits, int n) {
	int best = 0;
	for (int i = 1; i < n; i++)
		if (logits[i] > logits[best])
			best = i;
	return best;
}

/* Decode the prompt and write the answer; false if the engine refused. */
static bool answer(struct llama_context *ctx, const struct llama_vocab *vocab, llama_token *ids,
		int n) {
	int tokens = llama_vocab_n_tokens(vocab);
	llama_memory_clear(llama_get_memory(ctx), true);
	if (llama_decode(ctx, llama_batch_get_one(ids, n)))
		return false;
	for (int i = 0; i < ANSWER && n + i < CONTEXT; i++) {
		llama_token t = likeliest(llama_get_logits_ith(ctx, -1), tokens);
		if (llama_vocab_is_eog(vocab, t))
			break;
		char piece[64];
		int size = llama_token_to_piece(vocab, t, piece, sizeof piece, 0, true);
		if (size > 0)
			print_escaped(piece, size);
		if (llama_decode(ctx, llama_batch_get_one(&t, 1)))
			return false;
	}
	return true;
}

static bool one_line(struct llama_context *ctx, const struct llama_vocab *vocab, char *line,
		bool show_ids) {
	llama_token ids[CONTEXT];
	size_t size = unescape(line);
	int n = llama_tokenize(vocab, line, (int)size, ids, CONTEXT, false, false);
	if (n < 1) {
		fprintf(stderr, "generate: a prompt is empty or longer than %d tokens\n", CONTEXT);
		return false;
	}
	for (int i = 0; show_ids && i < n; i++)
		printf(i ? " %d" : "%d", ids[i]);
	if (!show_ids && !answer(ctx, vocab, ids, n)) {
		fprintf(stderr, "generate: the engine refused a prompt\n");
		return false;
	}
	putchar('\n');
	fflush(stdout);
	return true;
}

int main(int argc, char **argv) {
	bool show_ids = argc == 4 && !strcmp(argv[3], "--ids");
	if (argc != 3 && !show_ids) {
		fprintf(stderr, "usage: generate MODEL.gguf DIRECTORY-OF-LIBGGML [--ids] < "
				"prompts\n");
		return 2;
	}
	llama_log_set(warnings_only, NULL);
	ggml_backend_load_all_from_path(argv[2]);
	llama_backend_init();
	struct llama_model_params mp = llama_model_default_params();
	mp.n_gpu_layers = 0;
	struct llama_model *model = llama_model_load_from_file(argv[1], mp);
	if (!model) {
		fprintf(stderr, "generate: cannot load %s\n", argv[1]);
		return 1;
	}
	struct llama_context_params cp = llama_context_default_params();
	cp.n_ctx = CONTEXT;
	cp.n_batch = CONTEXT;
	cp.n_threads = cp.n_threads_batch = 1;
	struct llama_context *ctx = llama_init_from_model(model, cp);
	if (!ctx) {
		fprintf(stderr, "generate: no context for %s\n", argv[1]);
		llama_model_free(model);
		return 1;
	}
	char *line = malloc(LINE);
	bool good = line != NULL;
	while (good && fgets(line, LINE, stdin))
		good = one_line(ctx, llama_model_get_vocab(model), line, show_ids);
	free(line);
	llama_free(ctx);
	llama_model_free(model);
	llama_backend_free();
	return good ? 0 : 1;
}
