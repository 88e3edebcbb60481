/* main.c - finds the verb, takes the options that all verbs share, and runs it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/output.h"
#include "lang/near.h"

#define VERBS_MAX 64
#define EXITS "0 done, 1 it could not be done (standard error says why), 2 wrong usage"

extern const struct verb *const __start_cadmus_verbs[];
extern const struct verb *const __stop_cadmus_verbs[];

static int by_name(const void *a, const void *b) {
	return strcmp((*(const struct verb *const *)a)->name, (*(const struct verb *const *)b)->name);
}

const struct verb *const *verb_all(size_t *count) {
	static const struct verb *sorted[VERBS_MAX];
	size_t n = (size_t)(__stop_cadmus_verbs - __start_cadmus_verbs);
	CHECK(n <= VERBS_MAX);
	memcpy(sorted, __start_cadmus_verbs, n * sizeof(sorted[0]));
	qsort(sorted, n, sizeof(sorted[0]), by_name);
	*count = n;
	return sorted;
}

/* ---- help ---- */

static json_t *verb_json(const struct verb *v) {
	return json_pack("{s:s,s:s,s:s,s:s}", "verb", v->name, "summary", v->summary, "usage", v->usage, "exit",
			v->exits ? v->exits : EXITS);
}

static int help_json(void) {
	size_t n;
	const struct verb *const *all = verb_all(&n);
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, verb_json(all[i]));
	return json_print(list);
}

static int help(FILE *to) {
	size_t n;
	const struct verb *const *all = verb_all(&n);
	fprintf(to, "Cadmus %s: one file describes a machine, this command makes it live.\n\n"
		    "usage: cadmus VERB [options]\n\n",
			CADMUS_VERSION);
	for (size_t i = 0; i < n; i++)
		fprintf(to, "  %-9s %s\n", all[i]->name, all[i]->summary);
	fprintf(to, "\n`cadmus VERB --help` shows options, examples and exit codes; `man cadmus` tells the rest\n"
		    "(before it is installed: man -l build/man/cadmus.1).\n"
		    "A first look: cadmus check examples/first-flight.cdl.yaml\n");
	return to == stdout ? 0 : 2;
}

static int help_verb(const struct verb *v) {
	printf("%s\n\nusage: cadmus %s%s%s\n%s%s", v->summary, v->name, v->usage[0] ? " " : "", v->usage,
			v->help[0] ? "\n" : "", v->help);
	printf("exit: %s\n\nAlso: --json, %s--help.\n", v->exits ? v->exits : EXITS, v->no_machine ? ""
			: "--machine NAME, ");
	return 0;
}

static const struct verb *find(const char *name) {
	size_t n;
	const struct verb *const *all = verb_all(&n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}

static int unknown(const char *name) {
	struct near near = { .word = name };
	size_t n;
	const struct verb *const *all = verb_all(&n);
	for (size_t i = 0; i < n; i++)
		near_offer(&near, all[i]->name);
	if (near.best)
		return verb_wrong(NULL, "there is no verb '%s'; did you mean '%s'?", name, near.best);
	return verb_wrong(NULL, "there is no verb '%s'", name);
}

/* ---- shared options ---- */

struct shared {
	struct verb_context context;
	bool help, version;
	int wrong; /* 0, or the exit code of what was explained */
};

/* --machine NAME, --machine=NAME: the index of the last argument it took. */
static int take_machine(struct shared *s, int i, int argc, char **argv) {
	bool joined = argv[i][strlen("--machine")] == '=';
	const char *value = joined ? argv[i] + strlen("--machine=") : i + 1 < argc ? argv[i + 1] : NULL;
	if (!value || strncmp(value, "--", 2) == 0)
		s->wrong = verb_wrong(NULL, "--machine needs a value: the name of a machine");
	s->context.machine = value;
	return joined || !value ? i : i + 1;
}

static bool is_machine(const char *arg) {
	size_t n = strlen("--machine");
	return strncmp(arg, "--machine", n) == 0 && (arg[n] == 0 || arg[n] == '=');
}

/* Take the shared options out of argv; what follows "--" stays as it is.  How many arguments are left. */
static int take_shared(struct shared *s, int argc, char **argv) {
	int kept = 0;
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			while (i < argc)
				argv[kept++] = argv[i++];
		} else if (strcmp(argv[i], "--json") == 0)
			s->context.json = true;
		else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			s->help = true;
		else if (strcmp(argv[i], "--version") == 0 && kept == 0)
			s->version = true;
		else if (is_machine(argv[i]))
			i = take_machine(s, i, argc, argv);
		else
			argv[kept++] = argv[i];
	}
	argv[kept] = NULL;
	return kept;
}

/* How errors are said must be known before the first of them. */
static bool wants_json(char **argv) {
	for (; *argv && strcmp(*argv, "--") != 0; argv++)
		if (strcmp(*argv, "--json") == 0)
			return true;
	return false;
}

static int run_verb(const struct shared *s, int argc, char **argv) {
	const struct verb *v = find(argv[0]);
	if (!v)
		return unknown(argv[0]);
	if (s->help)
		return s->context.json ? json_print(verb_json(v)) : help_verb(v);
	if (v->no_machine && s->context.machine)
		return verb_wrong(v->name, "it asks no running machine, so --machine has no meaning here");
	return v->run(&s->context, argc, argv);
}

static int dispatch(struct shared *s, int argc, char **argv) {
	if (s->wrong)
		return s->wrong;
	bool json = s->context.json;
	if (s->version)
		return json ? json_print(json_pack("{s:s}", "version", CADMUS_VERSION))
				: printf("cadmus %s\n", CADMUS_VERSION) < 0;
	if (argc == 0 && !s->help)
		return json ? verb_wrong(NULL, "give a verb") : help(stderr);
	if (argc > 0 && strcmp(argv[0], "help") != 0)
		return run_verb(s, argc, argv);
	if (argc <= 1)
		return json ? help_json() : help(stdout);
	if (argc > 2)
		return verb_wrong(NULL, "help takes one verb");
	s->help = true;
	return run_verb(s, 1, argv + 1);
}

int main(int argc, char **argv) {
	output_open();
	struct shared s = { .context = { .terminal = isatty(STDOUT_FILENO), .colour = output_colour(STDOUT_FILENO) } };
	log_init("cadmus");
	machine_environment();
	if (argc > 0 && wants_json(argv + 1))
		verb_errors_as_json();
	int n = argc > 0 ? take_shared(&s, argc - 1, argv + 1) : 0;
	int code = dispatch(&s, n, argv + 1);
	return output_end(n > 0 ? argv[1] : NULL, code);
}
