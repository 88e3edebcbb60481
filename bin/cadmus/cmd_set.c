/* cmd_set.c - give a setting a value; it is on the disk before this returns. */
#include "base/msgpack.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"

static int set(const struct verb_context *c, const char *field, double v, const char *request) {
	uint8_t message[512], reply[4096];
	struct mp_out o;
	uint64_t seq = 0;
	bool repeat = false;
	mp_begin(&o, message, sizeof(message));
	mp_map(&o, 4 + !!request);
	mp_kv_str(&o, "op", "set");
	mp_kv_uint(&o, "id", 1);
	mp_kv_str(&o, "field", field);
	mp_kv_f64(&o, "value", v);
	if (request)
		mp_kv_str(&o, "request", request);
	if (mp_done(&o) < 0)
		return verb_wrong("set", "that is too long: a name has at most 47 bytes, a request 63");
	ssize_t n = machine_ask(c, "set", message, o.length, 1, reply, sizeof(reply));
	if (n < 0 || machine_is_error("set", reply, (size_t)n))
		return 1;
	if (mp_find_uint(reply, (size_t)n, "seq", &seq) < 0)
		seq = 0;
	(void)!mp_find_bool(reply, (size_t)n, "repeat", &repeat);
	if (c->json)
		return json_print(json_pack("{s:s,s:f,s:I,s:b}", "field", field, "value", v, "seq", (json_int_t)seq,
				"repeat", repeat));
	printf("%s = %.10g  (record %llu%s)\n", field, v, (unsigned long long)seq, repeat ? ", as before" : "");
	return 0;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	const char *request = NULL;
	const struct args_option options[] = { { "--request", ARGS_TEXT, &request, 0, 0 }, { .name = NULL } };
	struct args a = { .verb = "set", .options = options, .words_min = 2, .words_max = 2,
		.wanted = "give a field and a number" };
	double v;
	if (args_take(&a, argc, argv))
		return 2;
	if (!args_number(a.words[1], &v))
		return verb_wrong("set", "'%s' is not a number; a decimal one is wanted, such as -45, 0.5 or 1e3",
				a.words[1]);
	return set(c, a.words[0], v, request);
}

VERB(set, "Write a setting that the plan lets an operator write", "FIELD NUMBER [--request ID]",
		"  NUMBER         decimal, within the bounds that the description gives the setting: -45, 0.5, 1e3\n"
		"  --request ID   a name for this request: the same one again changes nothing\n"
		"The value is journaled and survives restarts.\n"
		"example:\n"
		"  cadmus set goal_bearing 45\n",
		run);
