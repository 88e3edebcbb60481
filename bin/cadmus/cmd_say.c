/* cmd_say.c - talk to the machine: the answer streams, then comes what it made of it. */
#include <errno.h>
#include <string.h>
#include "base/err.h"
#include "base/io.h"
#include "base/msgpack.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "client/control.h"

#define PATIENCE_NS INT64_C(120000000000)

struct say {
	const char *text, *model, *as, *request;
	bool blind, wait;
};

static int build(const struct say *s, uint8_t *out, size_t capacity) {
	struct mp_out o;
	mp_begin(&o, out, capacity);
	mp_map(&o, 3 + (s->model != NULL) + (s->as != NULL) + (s->request != NULL) + s->blind);
	mp_kv_str(&o, "op", "say");
	mp_kv_uint(&o, "id", 1);
	mp_kv_str(&o, "text", s->text);
	if (s->model)
		mp_kv_str(&o, "model", s->model);
	if (s->as)
		mp_kv_str(&o, "as", s->as);
	if (s->request)
		mp_kv_str(&o, "request", s->request);
	if (s->blind)
		mp_kv_bool(&o, "blind", true);
	return mp_done(&o);
}

/* What stands below the answer: facts noted, and what became of symbols. */
static void print_done(const void *m, size_t n) {
	char verdict[16] = "", detail[512] = "", model[CDM_NAME_MAX] = "";
	uint64_t seq = 0;
	if (mp_find_str(m, n, "model", model, sizeof(model)) < 0)
		model[0] = 0;
	if (mp_find_uint(m, n, "seq", &seq) < 0)
		seq = 0;
	if (mp_find_str(m, n, "verdict", verdict, sizeof(verdict)) < 0)
		verdict[0] = 0;
	if (mp_find_str(m, n, "detail", detail, sizeof(detail)) < 0)
		detail[0] = 0;
	bool repeat = false;
	if (mp_find_bool(m, n, "repeat", &repeat) < 0)
		repeat = false;
	printf("\n  [%s%srecord %llu%s%s]\n", repeat ? "answered before" : model, repeat || model[0] ? ", " : "",
			(unsigned long long)seq, strcmp(verdict, "none") ? ", " : "", strcmp(verdict, "none") ? verdict : "");
	if (detail[0])
		printf("  %s\n", detail);
}

static void print_outcome(const void *m, size_t n) {
	char what[16] = "", reason[128] = "";
	double advance = 0, turned = 0;
	if (mp_find_str(m, n, "what", what, sizeof(what)) < 0 || mp_find_str(m, n, "reason", reason, sizeof(reason)) < 0 ||
			mp_find_f64(m, n, "advance_m", &advance) < 0 || mp_find_f64(m, n, "turn_rad", &turned) < 0)
		return;
	printf("  motion %s%s%s: %+.3f m, %+.1f deg\n", what, reason[0] ? ", " : "", reason, advance, turned * 57.29577951);
}

/* Take replies until the turn, and its motion, are over.  0, or 1 when it failed or was refused. */
static int listen(const struct verb_context *c, const struct say *s, int fd) {
	static uint8_t m[CONTROL_MESSAGE_MAX];
	char ev[16], text[8192], verdict[16] = "";
	bool tokens = false;
	for (;;) {
		ssize_t n = control_receive(fd, m, sizeof(m), PATIENCE_NS);
		if (n < 0)
			return verb_failed("say", "the machine went away: %s", err_text((int)n));
		if (mp_find_str(m, (size_t)n, "ev", ev, sizeof(ev)) < 0 || machine_is_error("say", m, (size_t)n))
			return 1;
		if (c->json)
			json_print_line(json_from_msgpack(m, (size_t)n));
		tokens |= strcmp(ev, "token") == 0;
		if (strcmp(ev, "token") == 0 && !c->json && mp_find_str(m, (size_t)n, "text", text, sizeof(text)) == 0) {
			fputs(text, stdout);
			fflush(stdout);
		}
		if (strcmp(ev, "done") == 0) {
			if (!c->json && !tokens && mp_find_str(m, (size_t)n, "answer", text, sizeof(text)) == 0)
				fputs(text, stdout);
			if (!c->json)
				print_done(m, (size_t)n);
			bool started = mp_find_str(m, (size_t)n, "verdict", verdict, sizeof(verdict)) == 0 &&
				       strcmp(verdict, "started") == 0;
			if (!started || !s->wait)
				return strcmp(verdict, "refused") == 0;
		}
		if (strcmp(ev, "outcome") == 0) {
			if (!c->json)
				print_outcome(m, (size_t)n);
			return 0;
		}
	}
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct say s = { .wait = true };
	uint8_t message[16384];
	char name[CDM_NAME_MAX];
	for (int i = 1; i < argc; i++) {
		const char **into = strcmp(argv[i], "--model") == 0 ? &s.model
				: strcmp(argv[i], "--as") == 0      ? &s.as
				: strcmp(argv[i], "--request") == 0 ? &s.request
								    : NULL;
		if (into && i + 1 < argc)
			*into = argv[++i];
		else if (strcmp(argv[i], "--blind") == 0)
			s.blind = true;
		else if (strcmp(argv[i], "--no-wait") == 0)
			s.wait = false;
		else if (!s.text && argv[i][0] != '-')
			s.text = argv[i];
		else
			return verb_wrong("say", "'%s' is not understood", argv[i]);
	}
	if (!s.text)
		return verb_wrong("say", "say something");
	int n = build(&s, message, sizeof(message));
	if (n < 0)
		return verb_wrong("say", "that is too long");
	if (machine_name(c, "say", name))
		return 1;
	int fd = control_connect(name);
	int rc = fd < 0 ? fd : control_send(fd, message, (size_t)n, PATIENCE_NS);
	int code = rc < 0 ? verb_failed("say", "%s does not answer: %s", name, err_text(rc)) : listen(c, &s, fd);
	io_close(&fd);
	return code;
}

VERB(say, "Talk to a model that shares the machine's state", "TEXT [--model NAME] [--as ENTITY] [--blind] [--no-wait]",
		"  --model NAME     another one than the active; it is loaded first\n"
		"  --as ENTITY      speak as somebody trusted less\n"
		"  --blind          show the model no state, and remember nothing: the control of any claim of memory\n"
		"  --request TEXT   an id: the same one is answered once, also across restarts\n"
		"  --no-wait        do not wait for a motion to end\n"
		"examples:\n"
		"  cadmus say \"my name is Ana\"\n"
		"  cadmus say --model oracle \"what is my name?\"\n"
		"  cadmus say \"walk three steps\"\n",
		run);
