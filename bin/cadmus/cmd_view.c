/* cmd_view.c - the briefing that models are shown of the machine, as it is now or since a record. */
#include "base/msgpack.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/output.h"

struct options {
	const char *as, *model, *session;
	uint64_t since, tokens;
};

static int ask(const struct verb_context *c, const char *question, const struct options *opt) {
	static uint8_t message[16384], reply[65536];
	static char text[16384];
	struct mp_out o;
	uint64_t at = 0, tokens = 0, left_out = 0, shown = 0, unchanged = 0,
		 took_ns = 0;
	mp_begin(&o, message, sizeof(message));
	mp_map(&o, 2 + !!question + !!opt->as + !!opt->model + !!opt->session + !!opt->since + !!opt->tokens);
	mp_kv_str(&o, "op", "view");
	mp_kv_uint(&o, "id", 1);
	if (question)
		mp_kv_str(&o, "text", question);
	if (opt->as)
		mp_kv_str(&o, "as", opt->as);
	if (opt->model)
		mp_kv_str(&o, "model", opt->model);
	if (opt->session)
		mp_kv_str(&o, "session", opt->session);
	if (opt->since)
		mp_kv_uint(&o, "after", opt->since);
	if (opt->tokens)
		mp_kv_uint(&o, "max", opt->tokens);
	if (mp_done(&o) < 0)
		return verb_wrong("view", "that question is too long");
	ssize_t n = machine_ask(c, "view", message, o.length, 1, reply, sizeof(reply));
	if (n < 0 || machine_is_error("view", reply, (size_t)n))
		return 1;
	(void)!mp_find_str(reply, (size_t)n, "view", text, sizeof(text));
	(void)!mp_find_uint(reply, (size_t)n, "at", &at);
	(void)!mp_find_uint(reply, (size_t)n, "tokens", &tokens);
	(void)!mp_find_uint(reply, (size_t)n, "left_out", &left_out);
	(void)!mp_find_uint(reply, (size_t)n, "shown", &shown);
	(void)!mp_find_uint(reply, (size_t)n, "took_ns", &took_ns);
	(void)!mp_find_uint(reply, (size_t)n, "unchanged", &unchanged);
	if (c->json)
		return json_print(json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "view", text, "at", (json_int_t)at,
				"tokens", (json_int_t)tokens, "left_out", (json_int_t)left_out, "shown",
				(json_int_t)shown, "unchanged", (json_int_t)unchanged, "took_ns", (json_int_t)took_ns));
	printf("%s", output_clean(text, true));
	if (c->terminal)
		printf("(record %llu, %llu tokens, %llu left out; --since %llu shows what is new)\n",
				(unsigned long long)at, (unsigned long long)tokens, (unsigned long long)left_out,
				(unsigned long long)at);
	return 0;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct options opt = { .as = NULL };
	const struct args_option options[] = {
		{ "--as", ARGS_TEXT, &opt.as, 0, 0 },
		{ "--model", ARGS_TEXT, &opt.model, 0, 0 },
		{ "--session", ARGS_TEXT, &opt.session, 0, 0 },
		{ "--since", ARGS_COUNT, &opt.since, 1, INT64_MAX },
		{ "--tokens", ARGS_COUNT, &opt.tokens, 16, 4096 },
		{ .name = NULL },
	};
	struct args a = { .verb = "view", .options = options, .words_max = 1 };
	if (args_take(&a, argc, argv))
		return 2;
	return ask(c, a.words[0], &opt);
}

VERB(view, "Show the briefing that models are given of the machine", "[QUESTION] [--since RECORD] [--tokens N] ...",
		"  QUESTION         what shares words with it comes first\n"
		"  --since RECORD   only what changed after that record was written, and what ceased; all,\n"
		"                   where that is not known any more\n"
		"  --tokens N       at most so many, 16 to 4096 (half of the model's context)\n"
		"  --model NAME     within the context of that model\n"
		"  --session ID     with the turns of that conversation\n"
		"  --as WHO         what that one may see\n"
		"A model with `prompt: compact` is not given it, but a line of up to 8 facts.\n"
		"examples:\n"
		"  cadmus view \"where is the door?\"\n"
		"  cadmus view --since 1200 --tokens 128\n",
		run);
