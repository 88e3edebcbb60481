/* cmd_set.c - give a setting a value; it is on the disk before this returns. */
#include <errno.h>
#include <stdlib.h>
#include "base/msgpack.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"

static int run(const struct verb_context *c, int argc, char **argv) {
	uint8_t message[512], reply[4096];
	struct mp_out o;
	char *end;
	uint64_t seq = 0;
	if (argc != 3)
		return verb_wrong("set", "give a field and a number");
	errno = 0;
	double v = strtod(argv[2], &end);
	if (*end || end == argv[2] || errno)
		return verb_wrong("set", "'%s' is not a number", argv[2]);
	mp_begin(&o, message, sizeof(message));
	mp_map(&o, 4);
	mp_kv_str(&o, "op", "set");
	mp_kv_uint(&o, "id", 1);
	mp_kv_str(&o, "field", argv[1]);
	mp_kv_f64(&o, "value", v);
	if (mp_done(&o) < 0)
		return verb_wrong("set", "that name is too long");
	ssize_t n = machine_ask(c, "set", message, o.length, 1, reply, sizeof(reply));
	if (n < 0 || machine_is_error("set", reply, (size_t)n))
		return 1;
	if (mp_find_uint(reply, (size_t)n, "seq", &seq) < 0)
		seq = 0;
	if (c->json)
		return json_print(json_pack("{s:s,s:f,s:I}", "field", argv[1], "value", v, "seq", (json_int_t)seq));
	printf("%s = %g  (record %llu)\n", argv[1], v, (unsigned long long)seq);
	return 0;
}

VERB(set, "Write a setting that the plan lets an operator write", "FIELD NUMBER",
		"The value is journaled and survives restarts.\nexample:\n  cadmus set goal_bearing 45\n", run);
