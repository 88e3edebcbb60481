/* cmd_forget.c - erase what a record says, and all that was made of it. */
#include "base/msgpack.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"

static int forget(const struct verb_context *c, uint64_t record, const char *why) {
	uint8_t message[1024], reply[4096];
	struct mp_out o;
	uint64_t seq = 0, erased = 0;
	bool wiped = false;
	mp_begin(&o, message, sizeof(message));
	mp_map(&o, 4);
	mp_kv_str(&o, "op", "erase");
	mp_kv_uint(&o, "id", 1);
	mp_kv_uint(&o, "seq", record);
	mp_kv_str(&o, "text", why ? why : "");
	if (mp_done(&o) < 0)
		return verb_wrong("forget", "that reason is too long");
	ssize_t n = machine_ask(c, "forget", message, o.length, 1, reply, sizeof(reply));
	if (n < 0 || machine_is_error("forget", reply, (size_t)n))
		return 1;
	(void)!mp_find_uint(reply, (size_t)n, "seq", &seq);
	(void)!mp_find_uint(reply, (size_t)n, "erased", &erased);
	(void)!mp_find_bool(reply, (size_t)n, "wiped", &wiped);
	if (c->json)
		return json_print(json_pack("{s:I,s:I,s:b,s:I}", "record", (json_int_t)record, "erased",
				(json_int_t)erased, "wiped", wiped, "seq", (json_int_t)seq));
	if (erased == 0)
		puts("it was erased before");
	else
		printf("erased: %llu record%s  (record %llu says so)\n", (unsigned long long)erased,
				erased == 1 ? "" : "s", (unsigned long long)seq);
	if (!wiped)
		puts("it can still be found in the journal's log or in the memory's index, as a program reads them or\n"
		     "the disk has no room: it goes when that has ended");
	return 0;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	const char *why = NULL;
	uint64_t record;
	const struct args_option options[] = { { "--why", ARGS_TEXT, &why, 0, 0 }, { .name = NULL } };
	struct args a = { .verb = "forget", .options = options, .words_min = 1, .words_max = 1,
		.wanted = "give the number of a record; `cadmus log` shows them" };
	if (args_take(&a, argc, argv))
		return 2;
	if (!args_count(a.words[0], 1, INT64_MAX, &record))
		return verb_wrong("forget", "'%s' is not the number of a record; `cadmus log` shows them", a.words[0]);
	return forget(c, record, why);
}

VERB(forget, "Erase what a record says, and all facts that were made of it", "RECORD [--why TEXT]",
		"  RECORD       its number; `cadmus log` and `cadmus why` show it\n"
		"  --why TEXT   written down beside the number, and stays\n"
		"Its bytes are overwritten in the journal, its log and its snapshots; that there was a record stays,\n"
		"and the chain still verifies. Backups keep what they have, and exports, which bring it back.\n"
		"example:\n"
		"  cadmus forget 1234 --why \"Ana asked for it\"\n",
		run);
