/* cmd_say.c - talk to the machine: the answer streams, then comes what it made of it. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/msgpack.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/output.h"
#include "client/control.h"

#define PATIENCE_NS INT64_C(120000000000)

#define TEXT_MAX 8191 /* bytes: spec/control.md */
#define REQUEST_MAX 63
#define ASKED_MAX 3 /* of one core after another, with one id: answered once */

struct say {
	const char *text, *model, *as, *request, *session;
	bool blind, wait;
	bool streamed; /* tokens have been printed */
	bool answered;
	unsigned asked;
};

static int build(const struct say *s, uint8_t *out, size_t capacity) {
	struct mp_out o;
	mp_begin(&o, out, capacity);
	mp_map(&o, 4 + (s->model != NULL) + (s->as != NULL) + (s->session != NULL) + s->blind);
	mp_kv_str(&o, "op", "say");
	mp_kv_uint(&o, "id", 1);
	mp_kv_str(&o, "text", s->text);
	if (s->model)
		mp_kv_str(&o, "model", s->model);
	if (s->as)
		mp_kv_str(&o, "as", s->as);
	if (s->session)
		mp_kv_str(&o, "session", s->session);
	mp_kv_str(&o, "request", s->request);
	if (s->blind)
		mp_kv_bool(&o, "blind", true);
	return mp_done(&o);
}

static const char *text_of(const void *m, size_t n, const char *key, char *out, size_t capacity) {
	if (mp_find_str(m, n, key, out, capacity) < 0)
		out[0] = 0;
	return output_clean(out, true);
}

static bool flag_of(const void *m, size_t n, const char *key) {
	bool v = false;
	return mp_find_bool(m, n, key, &v) == 0 && v;
}

/* "  noted: door = locked": each fact that the answer left in the state. */
static void print_facts(const void *m, size_t n) {
	char key[256], value[1024];
	struct mp_in i;
	uint32_t count, pair;
	const char *k, *v;
	size_t kn, vn;
	if (mp_find(m, n, "facts", &i) < 0 || mp_get_array(&i, &count) < 0)
		return;
	while (count-- > 0 && mp_get_array(&i, &pair) == 0 && pair == 2 && mp_get_str(&i, &k, &kn) == 0 &&
			mp_get_str(&i, &v, &vn) == 0) {
		snprintf(key, sizeof(key), "%.*s", (int)kn, k);
		snprintf(value, sizeof(value), "%.*s", (int)vn, v);
		printf("  noted: %s = %s\n", output_clean(key, false), output_clean(value, false));
	}
}

/* What the model stated and nobody said, and what of an answer given before is lost. */
static void print_lacks(const void *m, size_t n) {
	uint64_t unheard = 0;
	if (mp_find_uint(m, n, "unheard", &unheard) == 0 && unheard)
		printf("  not noted: %llu more that you did not say\n", (unsigned long long)unheard);
	if (flag_of(m, n, "cut"))
		printf("  (that is the beginning of the answer; the rest of it is not kept)\n");
}

/* What stands below the answer: facts noted, and what became of symbols. */
static void print_done(const void *m, size_t n) {
	char verdict[16], detail[512], model[CDM_NAME_MAX];
	uint64_t seq = 0;
	bool repeat = flag_of(m, n, "repeat");
	text_of(m, n, "model", model, sizeof(model));
	text_of(m, n, "verdict", verdict, sizeof(verdict));
	text_of(m, n, "detail", detail, sizeof(detail));
	if (mp_find_uint(m, n, "seq", &seq) < 0)
		seq = 0;
	putchar('\n');
	print_facts(m, n);
	print_lacks(m, n);
	printf("  [%s%s", repeat ? "answered before" : model, repeat || model[0] ? ", " : "");
	if (seq)
		printf("record %llu", (unsigned long long)seq);
	else
		printf("not recorded");
	printf("%s%s]\n", strcmp(verdict, "none") ? ", " : "", strcmp(verdict, "none") ? verdict : "");
	if (detail[0])
		printf("  %s\n", detail);
}

static void print_outcome(const void *m, size_t n) {
	char what[16] = "", reason[128] = "";
	double advance = 0, turned = 0;
	if (mp_find_str(m, n, "what", what, sizeof(what)) < 0 ||
			mp_find_str(m, n, "reason", reason, sizeof(reason)) < 0 ||
			mp_find_f64(m, n, "advance_m", &advance) < 0 || mp_find_f64(m, n, "turn_rad", &turned) < 0)
		return;
	printf("  motion %s%s%s: %+.3f m, %+.1f deg\n", what, reason[0] ? ", " : "", reason, advance,
			turned * 57.29577951);
}

/* ---- replies ---- */

enum heard { HEARD_MORE, HEARD_ALL, HEARD_REFUSED, HEARD_NOTHING };

/* Print one reply; HEARD_NOTHING: it was an error, and told. */
static enum heard hear(const struct verb_context *c, struct say *s, const void *m, size_t n) {
	static char text[CONTROL_MESSAGE_MAX]; /* of one reply, which holds it */
	char ev[16], verdict[16];
	if (mp_find_str(m, n, "ev", ev, sizeof(ev)) < 0 || machine_is_error("say", m, n))
		return HEARD_NOTHING;
	bool done = strcmp(ev, "done") == 0, outcome = strcmp(ev, "outcome") == 0, print = !c->json;
	if (c->json && json_print_line(json_from_msgpack(m, n)) < 0)
		return HEARD_ALL;
	if (print && strcmp(ev, "again") == 0 && s->streamed)
		printf("\n  (the model died and is asked again)\n");
	if (print && strcmp(ev, "token") == 0)
		fputs(text_of(m, n, "text", text, sizeof(text)), stdout);
	if (print && done && !s->streamed)
		fputs(text_of(m, n, "answer", text, sizeof(text)), stdout);
	if (print && done)
		print_done(m, n);
	if (print && outcome)
		print_outcome(m, n);
	s->streamed |= strcmp(ev, "token") == 0;
	s->answered |= done;
	text_of(m, n, "verdict", verdict, sizeof(verdict));
	if (output_flush() < 0)
		return HEARD_ALL;
	if (outcome)
		return strcmp(text_of(m, n, "what", text, sizeof(text)), "aborted") == 0 ? HEARD_REFUSED : HEARD_ALL;
	if (done && strcmp(verdict, "refused") == 0)
		return HEARD_REFUSED;
	bool outcome_comes = s->wait && strcmp(verdict, "started") == 0 && !flag_of(m, n, "repeat");
	return done && !outcome_comes ? HEARD_ALL : HEARD_MORE;
}

/* Take replies until the turn, and its motion, are over.  0, 1 when it failed or was refused, -EPIPE when core died. */
static int listen(const struct verb_context *c, struct say *s, int fd) {
	static uint8_t m[CONTROL_MESSAGE_MAX];
	enum heard h = HEARD_MORE;
	while (h == HEARD_MORE) {
		ssize_t n = control_receive(fd, m, sizeof(m), PATIENCE_NS);
		if (n == -EPIPE)
			return -EPIPE;
		if (n < 0)
			return verb_failed("say", (int)n, n == -ETIMEDOUT ? "no answer within 120 s"
					: "the machine went away");
		h = hear(c, s, m, (size_t)n);
	}
	return h != HEARD_ALL;
}

/* As listen(), of the core that stands behind the door now. */
static int ask(const struct verb_context *c, struct say *s, const char *name, const void *message, size_t bytes) {
	int fd = machine_connect("say", name);
	if (fd < 0)
		return 1;
	s->asked++;
	int rc = control_send(fd, message, bytes, PATIENCE_NS);
	if (rc == 0)
		rc = listen(c, s, fd);
	else if (rc != -EPIPE)
		rc = verb_failed("say", rc, "%s does not answer: %s", name, err_text(rc));
	io_close(&fd);
	return rc;
}

/* Core died with our words: the next one has them, or is told them, by the same id. */
static int say(const struct verb_context *c, struct say *s, const char *name) {
	uint8_t message[16384];
	int n = build(s, message, sizeof(message));
	if (n < 0)
		return verb_wrong("say", "a name in it is too long");
	output_interruptible(NULL);
	int rc = ask(c, s, name, message, (size_t)n);
	while (rc == -EPIPE && !s->answered && s->asked < ASKED_MAX) {
		if (!c->json)
			printf("%s  (core died; the next one is asked)\n", s->streamed ? "\n" : "");
		s->streamed = false;
		rc = ask(c, s, name, message, (size_t)n);
	}
	return rc != -EPIPE ? rc : verb_failed("say", rc, s->answered ? "core died in the middle of the motion"
			: "the machine went away");
}

static int check_lengths(const struct say *s) {
	const struct {
		const char *name, *value;
		size_t max;
	} texts[] = { { "TEXT", s->text, TEXT_MAX }, { "--request", s->request, REQUEST_MAX },
		{ "--model", s->model, CDM_NAME_MAX - 1 }, { "--as", s->as, CDM_NAME_MAX - 1 },
		{ "--session", s->session, REQUEST_MAX } };
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (texts[i].value && strlen(texts[i].value) > texts[i].max)
			return verb_wrong("say", "%s is too long: at most %zu bytes are taken", texts[i].name,
					texts[i].max);
	return 0;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct say s = { .streamed = false };
	char name[CDM_NAME_MAX], request[REQUEST_MAX + 1];
	bool no_wait = false;
	const struct args_option options[] = {
		{ "--model", ARGS_TEXT, &s.model, 0, 0 },
		{ "--as", ARGS_TEXT, &s.as, 0, 0 },
		{ "--request", ARGS_TEXT, &s.request, 0, 0 },
		{ "--session", ARGS_TEXT, &s.session, 0, 0 },
		{ "--blind", ARGS_FLAG, &s.blind, 0, 0 },
		{ "--no-wait", ARGS_FLAG, &no_wait, 0, 0 },
		{ .name = NULL },
	};
	struct args a = { .verb = "say", .options = options, .words_min = 1, .words_max = 1,
		.wanted = "say something; more than one word stands in quotes" };
	int code = args_take(&a, argc, argv);
	s.text = a.words[0];
	if (code == 0)
		code = check_lengths(&s);
	if (code == 0)
		code = machine_name(c, "say", name);
	s.wait = !no_wait;
	snprintf(request, sizeof(request), "say-%d-%lld", (int)getpid(), (long long)clock_mono().ns);
	if (!s.request)
		s.request = request;
	return code ? code : say(c, &s, name);
}

VERB(say, "Talk to a model that shares the machine's state",
		"TEXT [--model NAME] [--as ENTITY] [--session ID] [--request ID] [--blind] [--no-wait]",
		"  --model NAME     another one than the active; it is loaded first\n"
		"  --as ENTITY      speak as somebody trusted less\n"
		"  --session ID     the conversation it belongs to: what was said in it is shown to the model\n"
		"  --request ID     at most 63 bytes: the same one is answered once, also across restarts\n"
		"  --blind          show the model no state, and remember nothing: the control of any claim of memory\n"
		"  --no-wait        do not wait for a motion to end\n"
		"TEXT is at most 8191 bytes; what begins with '-' stands behind `--`. Ctrl-C ends the waiting, not\n"
		"what was asked: the answer is still remembered, and `cadmus stop` ends a motion. With --json a line\n"
		"for each reply.\n"
		"examples:\n"
		"  cadmus say \"my name is Ana\"\n"
		"  cadmus say --model oracle \"what is my name?\"\n"
		"  cadmus say \"walk three steps\"\n",
		run, .exits = "0 answered, and done if asked to; 1 refused, aborted, or no answer; 2 wrong usage");
