/* cmd_recall.c - what a machine was told, found again by words and by likeness; from the journal alone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/err.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/output.h"
#include "client/state_path.h"
#include "memory/memory.h"

#define LIMIT 10 /* hits, when nothing says more */

struct options {
	uint64_t limit;
	const char *session, *as;
	char question[MEMORY_QUESTION_MAX];
};

static json_t *text_json(const char *text, size_t bytes) {
	char copy[PASSAGE_BYTES_MAX + 1];
	snprintf(copy, sizeof(copy), "%.*s", (int)bytes, text);
	return json_string(output_clean(copy, true));
}

/* Of a turn that is one passage, and of a claim, the first part ends with a line end. */
static size_t said_bytes(const struct memory_hit *h) {
	bool has_end = h->first > 0 && h->text[h->first - 1] == '\n';
	return h->first - has_end;
}

static json_t *score_json(const struct score *s) {
	return json_pack("{s:f,s:f,s:f,s:f,s:f,s:f,s:f}", "total", s->total, "relevance", s->relevance, "text",
			s->text, "vector", s->vector, "recency", s->recency, "trust", s->trust, "attention",
			s->attention);
}

static json_t *source_json(const struct memory_source *of) {
	char when[CLOCK_TEXT_MAX];
	return json_pack("{s:I,s:I,s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:f}", "seq", (json_int_t)of->seq, "claim",
			(json_int_t)of->claim, "part", (json_int_t)of->part, "kind",
			of->kind == PASSAGE_CLAIM ? "claim" : "turn", "time", clock_text(of->when, when), "principal",
			of->principal, "visibility", record_visibility_name(of->visibility), "speaker", of->speaker,
			"model", of->model, "session", of->session, "trust", of->trust_ppm / 1e6);
}

static int print_json(const struct memory_hit *h) {
	bool claim = h->of.kind == PASSAGE_CLAIM;
	json_t *line = source_json(&h->of);
	json_object_set_new(line, claim ? "key" : "user", text_json(h->text, said_bytes(h)));
	json_object_set_new(line, claim ? "value" : "answer", text_json(h->text + h->first, h->bytes - h->first));
	json_object_set_new(line, "score", score_json(&h->score));
	return json_print_line(line);
}

static void print_text(const char *before, const char *text, size_t bytes, const char *after) {
	char copy[PASSAGE_BYTES_MAX + 1];
	snprintf(copy, sizeof(copy), "%.*s", (int)bytes, text);
	printf("%s%s%s", before, output_clean(copy, false), after);
}

static void print_name(const char *name, const char *otherwise, const char *after) {
	char copy[CDM_NAME_MAX];
	snprintf(copy, sizeof(copy), "%s", name[0] ? name : otherwise);
	printf("        %s%s", output_clean(copy, false), after);
}

static void print_score(const struct score *s) {
	printf("%.3f  (text %.2f, likeness %.2f, recency %.2f, trust %.2f, attention %.2f)", s->total, s->text,
			s->vector,
			s->recency, s->trust, s->attention);
}

/* The words of others move no terminal. */
static int print(const struct memory_hit *h, bool scored) {
	char when[CLOCK_TEXT_MAX];
	bool claim = h->of.kind == PASSAGE_CLAIM;
	clock_text(h->of.when, when);
	printf("%6llu %.19sZ  ", (unsigned long long)h->of.seq, when);
	if (scored)
		print_score(&h->score);
	printf("\n");
	if (h->first) {
		print_name(h->of.speaker, h->of.principal, claim ? " claims" : ":");
		print_text(" ", h->text, said_bytes(h), claim ? " = " : "\n");
	}
	if (!claim && h->bytes > h->first)
		print_name(h->of.model, "answer", ": ");
	if (h->bytes > h->first)
		print_text("", h->text + h->first, h->bytes - h->first, "\n");
	return output_flush();
}

/* The index may turn out to be damaged once: it has been thrown away then, and is made again. */
static int search(struct memory *m, const struct options *o, struct memory_hit *hits) {
	struct claims_asker asker = { o->as, { o->as, o->as } };
	struct memory_query q = { .text = o->question, .asker = o->as ? &asker : NULL, .session = o->session };
	int n = -ESTALE;
	for (int tries = 0; tries < 2 && n == -ESTALE; tries++) {
		int rc = memory_follow(m, 0);
		if (rc < 0)
			return rc;
		n = o->question[0] || !o->session ? memory_search(m, &q, hits, (unsigned)o->limit) :
				memory_session(m, q.asker, o->session, hits, (unsigned)o->limit);
	}
	return n;
}

static bool is_chance(const struct options *o, const struct memory_hit *hits, int n) {
	double most = 0;
	for (int i = 0; i < n; i++)
		most = hits[i].score.relevance > most ? hits[i].score.relevance : most;
	return o->question[0] && most < SCORE_CHANCE;
}

static int show(const struct verb_context *c, const char *machine, const struct options *o) {
	static struct cdm_diag diag;
	char path[1024];
	struct memory *m = NULL;
	struct memory_hit *hits = calloc(o->limit, sizeof(*hits));
	int rc = hits ? state_path(machine, path, sizeof(path)) : -ENOMEM;
	if (rc == 0)
		rc = memory_open(path, NULL, &m, &diag);
	int n = rc < 0 ? rc : search(m, o, hits);
	memory_close(&m);
	if (n > 0 && !c->json && is_chance(o, hits, n))
		fputs("nothing that was told fits well; the nearest:\n", stderr);
	for (int i = 0; i < n; i++)
		if ((c->json ? print_json(&hits[i]) : print(&hits[i], o->question[0] || !o->session)) < 0)
			break;
	free(hits);
	if (n == 0 && !c->json)
		fputs("nothing that was told is about that\n", stderr);
	if (rc < 0)
		return verb_failed_diag("recall", rc, &diag, "no journal can be read");
	if (n == -EBADMSG)
		return verb_failed_hint("recall", n, "`cadmus log --verify` says where", "the journal is damaged");
	return n < 0 ? verb_failed("recall", n, "what was told cannot be searched: %s", err_text(n)) : 0;
}

/* The words as one text; what does not fit is not asked. */
static void join(const struct args *a, char *out, size_t room) {
	for (unsigned i = 0; i < ARGS_WORDS_MAX && a->words[i]; i++) {
		size_t n = strlen(out);
		snprintf(out + n, room - n, "%s%s", n ? " " : "", a->words[i]);
	}
}

static int run(const struct verb_context *c, int argc, char **argv) {
	static struct options o = { .limit = LIMIT };
	char name[CDM_NAME_MAX];
	const struct args_option options[] = {
		{ "-n", ARGS_COUNT, &o.limit, 1, MEMORY_HITS_MAX },
		{ "--session", ARGS_TEXT, &o.session, 0, 0 },
		{ "--as", ARGS_TEXT, &o.as, 0, 0 },
		{ .name = NULL },
	};
	struct args a = { .verb = "recall", .options = options, .words_max = ARGS_WORDS_MAX };
	int code = args_take(&a, argc, argv);
	if (code == 0)
		code = machine_journal(c, "recall", name);
	join(&a, o.question, sizeof(o.question));
	return code ? code : show(c, name, &o);
}

VERB(recall, "Find what the machine was told, by words and by likeness", "[WORD...] [--session ID] [-n N] [--as WHO]",
		"  WORD...         what is asked; without any word: what is newest\n"
		"  --session ID    in that conversation alone; without any word its last turns, in their order\n"
		"  -n N            so many answers at most, 1 to 256 (10 unless told otherwise)\n"
		"  --as WHO        as if that one asked: nothing that is private to others\n"
		"Each answer with its score, 0 to 1, and what made it: the words in common, likeness, how recent it\n"
		"is, and how trusted. Read from the journal's file; with --machine NAME also when nothing runs.\n"
		"The index beside it, NAME.journal.memory, is made from the journal and may be removed at any time.\n"
		"With --json a line an answer.\n"
		"examples:\n"
		"  cadmus recall where is the key of the shed\n"
		"  cadmus recall --machine first_flight --as operator door --json | jq .score\n",
		run);
