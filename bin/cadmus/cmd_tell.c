/* cmd_tell.c - claim something of a key, without a model; it is on the disk before this returns. */
#include <string.h>
#include "base/clock.h"
#include "base/msgpack.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/output.h"
#include "journal/body.h"

_Static_assert(ARGS_TIMES_MAX == BODY_SOURCES_MAX, "as many sources as a record has");

struct options {
	const char *as, *confidence, *request;
	struct args_counts from;
	uint64_t age_s;
};

static void put_options(struct mp_out *o, const struct options *opt, double confidence) {
	if (opt->as)
		mp_kv_str(o, "as", opt->as);
	if (opt->request)
		mp_kv_str(o, "request", opt->request);
	if (opt->confidence)
		mp_kv_f64(o, "confidence", confidence);
	if (opt->age_s)
		mp_kv_uint(o, "seen_ms", (uint64_t)(clock_wall().ns / NS_PER_MS) - opt->age_s * 1000);
	if (opt->from.count)
		mp_str(o, "from"), mp_array(o, opt->from.count);
	for (uint32_t i = 0; i < opt->from.count; i++)
		mp_uint(o, opt->from.at[i]);
}

static int tell(const struct verb_context *c, const char *key, const char *value, const struct options *opt,
		double confidence) {
	uint8_t message[4096], reply[4096];
	struct mp_out o;
	uint64_t seq = 0;
	bool repeat = false, late = false;
	unsigned more = !!opt->as + !!opt->request + !!opt->confidence + !!opt->age_s + !!opt->from.count;
	mp_begin(&o, message, sizeof(message));
	mp_map(&o, 4 + more);
	mp_kv_str(&o, "op", "tell");
	mp_kv_uint(&o, "id", 1);
	mp_kv_str(&o, "key", key);
	mp_kv_str(&o, "text", value);
	put_options(&o, opt, confidence);
	if (mp_done(&o) < 0)
		return verb_wrong("tell", "that is too long: a key has at most 63 bytes, a value 511");
	ssize_t n = machine_ask(c, "tell", message, o.length, 1, reply, sizeof(reply));
	if (n < 0 || machine_is_error("tell", reply, (size_t)n))
		return 1;
	(void)!mp_find_uint(reply, (size_t)n, "seq", &seq);
	(void)!mp_find_bool(reply, (size_t)n, "repeat", &repeat);
	(void)!mp_find_bool(reply, (size_t)n, "late", &late);
	char kept[BODY_KEY_MAX + 1];
	snprintf(kept, sizeof(kept), "%s", key);
	body_fold_key(kept);
	if (c->json)
		return json_print(json_pack("{s:s,s:s,s:I,s:b,s:b}", "key", kept, "value", value, "seq",
				(json_int_t)seq, "repeat", repeat, "late", late));
	char shown[BODY_VALUE_MAX + 1];
	snprintf(shown, sizeof(shown), "%s", value);
	output_clean(shown, false);
	const char *what = value[0] ? shown : late ? "(stays)" : "(taken back)";
	printf("%s = %s  (record %llu%s)\n", output_clean(kept, false), what, (unsigned long long)seq,
			repeat ? ", as before" : late ? ", late: what was claimed of a later time stays" : "");
	return 0;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct options opt = { .as = NULL };
	double confidence = 1;
	const struct args_option options[] = {
		{ "--as", ARGS_TEXT, &opt.as, 0, 0 },
		{ "--confidence", ARGS_TEXT, &opt.confidence, 0, 0 },
		{ "--request", ARGS_TEXT, &opt.request, 0, 0 },
		{ "--from", ARGS_COUNTS, &opt.from, 1, INT64_MAX },
		{ "--age", ARGS_COUNT, &opt.age_s, 1, ARGS_COUNT_MAX },
		{ .name = NULL },
	};
	struct args a = { .verb = "tell", .options = options, .words_min = 1, .words_max = 2,
		.wanted = "give a key, and a value unless the claim is to be taken back" };
	if (args_take(&a, argc, argv))
		return 2;
	if (opt.confidence && (!args_number(opt.confidence, &confidence) || confidence < 0 || confidence > 1))
		return verb_wrong("tell", "--confidence is a number from 0 to 1, not '%s'", opt.confidence);
	return tell(c, a.words[0], a.words[1] ? a.words[1] : "", &opt, confidence);
}

VERB(tell, "Tell the machine a fact, as yourself or as one of its parts", "KEY [VALUE] [--as WHO] ...",
		"  VALUE               what is claimed; none: your claim is taken back\n"
		"  --as WHO            a person, sensor, model or actuator of the description who claims it\n"
		"  --confidence P      0 to 1: how sure the source is (1)\n"
		"  --age SECONDS       it was seen so long ago: a claim of the same source of a later time stays,\n"
		"                      unless it was taken back, or this one is made --from others\n"
		"  --from RECORD       it was made of what that record says: never trusted more, nor younger; of\n"
		"                      several, give it for each, up to 16 times\n"
		"  --request ID        a name for this request: the same again changes nothing, something else\n"
		"                      is refused; --age counts from now, so it is something else each time.\n"
		"                      People have their own names, the parts of the machine share theirs\n"
		"What others claim of the same key stays; `cadmus why KEY` shows who is believed, and why.\n"
		"examples:\n"
		"  cadmus tell door locked\n"
		"  cadmus tell door open --as camera_0 --confidence 0.8\n"
		"  cadmus tell house safe --from 41 --from 47\n",
		run);
