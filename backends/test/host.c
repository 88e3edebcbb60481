/* host.c - see host.h. */
#include "host.h"

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const *options;
static char folder[64];

static struct cdm_mono now(void) {
	struct timespec t;
	CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (struct cdm_mono){ (int64_t)t.tv_sec * 1000000000 + t.tv_nsec };
}

static void log_line(enum cdm_backend_log level, const char *text) {
	if (level <= CDM_LOG_WARNING || getenv("VERBOSE"))
		fprintf(stderr, "  engine: %s\n", text);
}

static const char *option(void *of, const char *key) {
	(void)of;
	for (size_t i = 0; options && options[i]; i += 2)
		if (strcmp(options[i], key) == 0)
			return options[i + 1];
	return NULL;
}

const struct cdm_backend_host host = { now, log_line, option, NULL };

const struct cdm_backend *host_open(const char *path) {
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		fprintf(stderr, "%s\n", dlerror());
	CHECK(lib != NULL);
	const struct cdm_backend *b = dlsym(lib, CDM_BACKEND_SYMBOL);
	CHECK(b && b->abi == CDM_BACKEND_ABI && b->name && b->summary && b->version);
	CHECK(b->load && b->describe && b->unload && (b->generate || b->transform));
	CHECK(!b->transform == !b->prepare);
	return b;
}

void host_options(const char *const *pairs) {
	options = pairs;
}

static void *nothing(void *unused) {
	return unused;
}

/* ThreadSanitizer starts a thread of its own with the first one of ours: let it do so before we count. */
static void first_thread(void) {
	static int done;
	pthread_t t;
	if (!done++)
		CHECK(pthread_create(&t, NULL, nothing, NULL) == 0 && pthread_join(t, NULL) == 0);
}

static unsigned threads_now(void) {
	unsigned count = 0;
	DIR *d = opendir("/proc/self/task");
	CHECK(d != NULL);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		count += e->d_name[0] != '.';
	closedir(d);
	return count;
}

unsigned host_threads(void) {
	first_thread();
	return threads_now();
}

void host_threads_fall_to(unsigned count) {
	while (threads_now() > count)
		sched_yield();
	CHECK(threads_now() == count);
}

const char *host_place(const char *variable, const char *what) {
	const char *at = getenv(variable);
	if (at && *at && access(at, R_OK) == 0)
		return at;
	printf("skipped: %s (%s) is %s%s\n", what, variable, at && *at ? "not at " : "not set", at ? at : "");
	return NULL;
}

int host_skip(void) {
	const char *required = getenv("CADMUS_REQUIRE_ENGINES");
	return required && strcmp(required, "1") == 0 ? 1 : 77;
}

int host_said(const struct cdm_diag *d, const char *text) {
	for (uint32_t i = 0; i < d->count; i++)
		if (strstr(d->at[i].text, text))
			return 1;
	for (uint32_t i = 0; i < d->count; i++)
		fprintf(stderr, "  said: %s %s\n", d->at[i].id, d->at[i].text);
	return 0;
}

static void clean(void) {
	char path[512];
	DIR *d = opendir(folder);
	for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(folder);
}

const char *host_file(const char *name) {
	static char path[128];
	if (!folder[0]) {
		strcpy(folder, "/tmp/cadmus-backend-XXXXXX");
		CHECK(mkdtemp(folder) != NULL && atexit(clean) == 0);
	}
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

void host_write(const char *path, const void *data, size_t bytes) {
	FILE *f = fopen(path, "wb");
	CHECK(f && fwrite(data, 1, bytes, f) == bytes && fclose(f) == 0);
}
