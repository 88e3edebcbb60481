/* main.c - finds the verb, takes the options that all verbs share, and runs it. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "bin/cadmus/machine.h"

#define VERBS_MAX 64

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

void verb_usage(const struct verb *v, FILE *to) {
	fprintf(to, "%s\n\nusage: cadmus %s %s\n%s%s", v->summary, v->name, v->usage,
			v->help[0] ? "\n" : "", v->help);
	fprintf(to, "\nEvery verb takes --json, --machine NAME and --help.\n");
}

__attribute__((format(printf, 2, 0))) static void complain(const char *verb, const char *format, va_list args) {
	fprintf(stderr, "cadmus %s: ", verb);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int verb_wrong(const char *verb, const char *format, ...) {
	va_list args;
	va_start(args, format);
	complain(verb, format, args);
	va_end(args);
	fprintf(stderr, "try: cadmus %s --help\n", verb);
	return 2;
}

int verb_failed(const char *verb, const char *format, ...) {
	va_list args;
	va_start(args, format);
	complain(verb, format, args);
	va_end(args);
	return 1;
}

static int help(FILE *to) {
	size_t n;
	const struct verb *const *all = verb_all(&n);
	fprintf(to, "Cadmus %s: one file describes a machine, this command makes it live.\n\n"
		    "usage: cadmus VERB [options]\n\n",
			CADMUS_VERSION);
	for (size_t i = 0; i < n; i++)
		fprintf(to, "  %-9s %s\n", all[i]->name, all[i]->summary);
	fprintf(to, "\n`cadmus VERB --help` shows options and examples; `man cadmus` tells the rest.\n"
		    "A first look: cadmus check examples/first-flight.cdl.yaml\n");
	return to == stdout ? 0 : 2;
}

/* Take the shared options out of argv; everything after "--" stays as it is. */
static int take_shared(struct verb_context *c, bool *want_help, int argc, char **argv) {
	int kept = 0;
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			while (i < argc)
				argv[kept++] = argv[i++];
		} else if (strcmp(argv[i], "--json") == 0)
			c->json = true;
		else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			*want_help = true;
		else if (strcmp(argv[i], "--machine") == 0 && i + 1 < argc)
			c->machine = argv[++i];
		else
			argv[kept++] = argv[i];
	}
	argv[kept] = NULL;
	return kept;
}

static const struct verb *find(const char *name) {
	size_t n;
	const struct verb *const *all = verb_all(&n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}

int main(int argc, char **argv) {
	struct verb_context c = { .colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") };
	bool want_help = false;
	log_init("cadmus");
	machine_environment();
	if (argc > 1 && strcmp(argv[1], "--version") == 0)
		return printf("cadmus %s\n", CADMUS_VERSION) < 0;
	int n = take_shared(&c, &want_help, argc - 1, argv + 1);
	if (n == 0 || strcmp(argv[1], "help") == 0)
		return help(n == 0 && !want_help ? stderr : stdout);
	const struct verb *v = find(argv[1]);
	if (!v) {
		fprintf(stderr, "cadmus: no verb '%s'; `cadmus help` lists them\n", argv[1]);
		return 2;
	}
	if (want_help) {
		verb_usage(v, stdout);
		return 0;
	}
	return v->run(&c, n, argv + 1);
}
