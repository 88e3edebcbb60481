/*
 * disk.c - see disk.h.
 *
 * Only what has a process is looked at; what the plan does not start needs nothing.
 */
#include "bin/cadmus/disk.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/program.h"
#include "client/state_path.h"

/* The message that was added last gets a hint; NULL: there was no room for it. */
static void hint(struct cdm_message *m, const char *text) {
	if (m)
		snprintf(m->hint, sizeof(m->hint), "%s", text);
}

#define SETUP "tools/setup brings the engines and models of the examples; `cadmus doctor` tells more"

static void look_for_program(struct cdm_diag *d, enum program_kind kind, const char *what, const char *name,
		const char *entity) {
	char path[1024];
	if (name && program_find(kind, name, path, sizeof(path)) < 0)
		hint(cdm_diag_add(d, CDM_WARNING, "D0101", "%s: there is no %s '%s' on this computer", entity, what,
				name), kind == PROGRAM_BACKEND ? SETUP : "is this build complete?");
}

/* The first bytes of a file as a text; "" when it has fewer. */
static const char *first_bytes(const char *path, char out[5]) {
	FILE *f = fopen(path, "rbe");
	size_t n = f ? fread(out, 1, 4, f) : 0;
	out[n == 4 ? 4 : 0] = 0;
	if (f)
		fclose(f);
	return out;
}

static void look_at_model(const struct plan *p, uint16_t e, struct cdm_diag *d) {
	const char *name = plan_entities(p)[e].name, *path = plan_find_option(p, e, "file");
	const char *backend = plan_find_option(p, e, "backend");
	struct stat s;
	char magic[5];
	look_for_program(d, PROGRAM_BACKEND, "backend", backend, name);
	if (!path)
		return;
	if (stat(path, &s) < 0)
		hint(cdm_diag_add(d, CDM_WARNING, "D0102", "%s: its model %s: %s", name, path, strerror(errno)), SETUP);
	else if (!S_ISREG(s.st_mode) || access(path, R_OK) < 0)
		cdm_diag_add(d, CDM_WARNING, "D0103", "%s: its model %s is not a file that can be read", name, path);
	else if (backend && strcmp(backend, "llama") == 0 && strcmp(first_bytes(path, magic), "GGUF") != 0)
		hint(cdm_diag_add(d, CDM_WARNING, "D0104", "%s: its model %s is not a GGUF file (%lld bytes)", name,
				path, (long long)s.st_size), "was it fetched whole?");
}

static void look_at_sensor(const struct plan *p, uint16_t e, struct cdm_diag *d) {
	const char *name = plan_entities(p)[e].name, *source = plan_find_option(p, e, "source");
	look_for_program(d, PROGRAM_DRIVER, "driver", plan_find_option(p, e, "driver"), name);
	if (source && source[0] == '/' && access(source, R_OK) < 0)
		hint(cdm_diag_add(d, CDM_WARNING, "D0105", "%s: its source %s: %s", name, source, strerror(errno)),
				SETUP);
}

static void look_at_gateway(const struct plan *p, uint16_t e, struct cdm_diag *d) {
	const char *protocol = plan_find_option(p, e, "protocol");
	if (protocol && strcmp(protocol, "ollama_http") == 0)
		look_for_program(d, PROGRAM_GATEWAY, "gateway", "http", plan_entities(p)[e].name);
}

/* What a flight put aside and did not put back: it was killed, or its machine stayed. */
static void look_at_memory(const struct plan *p, struct cdm_diag *d) {
	char path[1024], pattern[1100], advice[192];
	glob_t found;
	if (state_path(p->machine, path, sizeof(path)) < 0 || strpbrk(path, "*?["))
		return;
	snprintf(pattern, sizeof(pattern), "%s.before-*Z", path);
	if (glob(pattern, 0, NULL, &found) != 0)
		return;
	const char *last = found.gl_pathv[found.gl_pathc - 1];
	snprintf(advice, sizeof(advice), "while no machine runs, rename it (and a -wal of it) to %s.journal, whose own "
			"-wal must be gone", p->machine);
	hint(cdm_diag_add(d, CDM_WARNING, "D0106", "an earlier memory of %s was put aside by a flight: %s",
			p->machine, last), advice);
	globfree(&found);
}

/* Is it there to be looked for: does the machine itself start it? */
static bool is_started(const struct plan *p, uint16_t e) {
	uint16_t process = plan_entities(p)[e].process;
	return process != PLAN_NONE && plan_processes(p)[process].start != PLAN_EXTERNAL;
}

void disk_look(const struct plan *p, struct cdm_diag *d) {
	look_at_memory(p, d);
	for (uint16_t e = 0; e < p->entities.count; e++) {
		if (!is_started(p, e))
			continue;
		switch (plan_entities(p)[e].class) {
		case PLAN_MODEL: look_at_model(p, e, d); break;
		case PLAN_SENSOR: look_at_sensor(p, e, d); break;
		case PLAN_ACTUATOR: look_for_program(d, PROGRAM_DRIVER, "driver", plan_find_option(p, e, "simulator"),
				plan_entities(p)[e].name); break;
		case PLAN_COMMUNICATION: look_at_gateway(p, e, d); break;
		default: break;
		}
	}
}
