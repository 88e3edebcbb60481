/* source.c - see source.h. */
#include "bin/cadmus/source.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/err.h"
#include "base/io.h"
#include "bin/cadmus/output.h"
#include "lang/lang.h"

int source_read(const char *path, char *out, size_t capacity) {
	struct stat st;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) /* a pipe would be waited for */
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	return io_read_file(path, out, capacity);
}

const char *source_unread(int rc, const char *bound) {
	return rc == -E2BIG ? bound : rc == -EINVAL ? "not a regular file" : strerror(-rc);
}

static int read_file(const char *path, char **text, size_t *bytes) {
	char *room = malloc(LANG_TEXT_MAX + 2);
	if (!room)
		return -ENOMEM;
	int n = source_read(path, room, LANG_TEXT_MAX + 2);
	if (n < 0) {
		free(room);
		return n;
	}
	if (n >= 3 && memcmp(room, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark says nothing of UTF-8 */
		n -= 3;
		memmove(room, room + 3, (size_t)n + 1);
	}
	*text = room;
	*bytes = (size_t)n;
	return 0;
}

/* Symbol tables: beside the description, in a folder above it, where we are installed, or where we were built. */
static int find_symbols(void *ctx, const char *name, char **text, size_t *bytes) {
	const char *folder = ctx, *own = getenv("CADMUS_SYMBOLS");
	char path[1200], self[900] = "";
	static const char *const up[] = { "", "../", "../../" };
	static const char *const own_places[] = { "../share/cadmus/symbols", "../../../symbols" };
	int rc = -ENOENT;
	if (own) {
		snprintf(path, sizeof(path), "%s/%s.yaml", own, name);
		rc = read_file(path, text, bytes);
	}
	for (size_t i = 0; rc < 0 && i < COUNT_OF(up); i++) {
		snprintf(path, sizeof(path), "%s/%ssymbols/%s.yaml", folder, up[i], name);
		rc = read_file(path, text, bytes);
	}
	ssize_t n = rc < 0 ? readlink("/proc/self/exe", self, sizeof(self) - 1) : -1;
	char *slash = n > 0 ? strrchr(self, '/') : NULL;
	if (slash)
		*slash = 0;
	for (size_t i = 0; slash && rc < 0 && i < COUNT_OF(own_places); i++) {
		snprintf(path, sizeof(path), "%s/%s/%s.yaml", self, own_places[i], name);
		rc = read_file(path, text, bytes);
	}
	return rc < 0 ? -ENOENT : 0;
}

static const char *environment(void *ctx, const char *name) {
	(void)ctx;
	return getenv(name);
}

static void folder_of(const char *path, char *out, size_t capacity) {
	const char *slash = strrchr(path, '/');
	snprintf(out, capacity, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
}

static uint64_t memory_available(void) {
	char text[4096];
	unsigned long long kb = 0;
	if (io_read_file("/proc/meminfo", text, sizeof(text)) < 0)
		return 0;
	const char *line = strstr(text, "MemAvailable:");
	return line && sscanf(line, "MemAvailable: %llu kB", &kb) == 1 ? (uint64_t)kb << 10 : 0;
}

unsigned source_cores(void) {
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 ? (unsigned)n : 0;
}

int source_compile(const char *verb, const char *path, struct source *s) {
	char folder[900], absolute[4096];
	memset(s, 0, sizeof(*s));
	s->path = path;
	int rc = read_file(path, &s->text, &s->bytes);
	if (rc < 0)
		return verb_failed(verb, rc, "cannot read %s: %s", path, source_unread(rc, "larger than 1 MiB"));
	folder_of(path, folder, sizeof(folder));
	if (!realpath(folder, absolute))
		snprintf(absolute, sizeof(absolute), "%s", folder);
	const char *base = strrchr(path, '/');
	struct lang_options o = { .file = base ? base + 1 : path, .folder = absolute, .symbols = find_symbols,
		.environment = environment, .ctx = absolute, .cores = source_cores(),
		.memory_bytes = memory_available() };
	rc = lang_compile(s->text, s->bytes, &o, &s->plan, &s->diag);
	return rc == 0 || rc == -EINVAL ? 0 : verb_failed(verb, rc, "cannot compile %s: %s", path, err_text(rc));
}

void source_free(struct source *s) {
	free(s->text);
	plan_free(s->plan);
	s->text = NULL;
	s->plan = NULL;
}

void source_print(const struct source *s) {
	output_flush();
	lang_print_diag(stderr, &s->diag, s->text, s->bytes, s->path, output_colour(STDERR_FILENO));
}

/* The first error, or the first warning when there is none. */
static const struct cdm_message *worst(const struct cdm_diag *d) {
	for (uint32_t i = 0; i < d->count; i++)
		if (d->at[i].severity == CDM_ERROR)
			return &d->at[i];
	return d->count ? &d->at[0] : NULL;
}

int source_explain(const struct verb_context *c, const char *verb, const struct source *s) {
	const struct cdm_message *m = worst(&s->diag);
	if (m && !c->json)
		source_print(s);
	else if (!s->plan)
		return verb_failed_hint(verb, -EINVAL, "cadmus check --json tells all that is wrong", "%s:%u:%u: %s %s",
				s->path, m ? m->line : 0, m ? m->column : 0, m ? m->id : "", m ? m->text : "no plan");
	return s->plan ? 0 : 1;
}
