/* loader.c - see loader.h. */
#include "model/loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/program.h"

static void backend_log(enum cdm_backend_log level, const char *text) {
	static const enum log_level levels[] = { [CDM_LOG_ERROR] = LOG_ERROR,
		[CDM_LOG_WARNING] = LOG_WARN,
		[CDM_LOG_INFO] = LOG_INFO,
		[CDM_LOG_DEBUG] = LOG_DEBUG };
	log_line((unsigned)level < COUNT_OF(levels) ? levels[level] : LOG_WARN, "%s", text);
}

static const char *option(void *of, const char *key) {
	const struct loader *l = of;
	return plan_find_option(l->plan, l->entity, key);
}

static bool is_whole(const struct cdm_backend *b) {
	return b->name && b->summary && b->version && b->load && b->describe && b->unload &&
	       (b->generate || b->transform) && !b->prepare == !b->transform;
}

/* Check and open the module at `path`; its object, or NULL with the reason in diag. */
static const struct cdm_backend *open_module(const char *path, struct cdm_diag *diag) {
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* never closed: see loader.h */
	const struct cdm_backend *b = lib ? dlsym(lib, CDM_BACKEND_SYMBOL) : NULL;
	if (!b)
		cdm_diag_add(diag, CDM_ERROR, "M0101", "%s cannot be loaded: %s", path, dlerror());
	else if (b->abi != CDM_BACKEND_ABI)
		cdm_diag_add(diag, CDM_ERROR, "M0102", "%s has interface %u, and this Cadmus %u",
				path, b->abi, CDM_BACKEND_ABI);
	else if (!is_whole(b))
		cdm_diag_add(diag, CDM_ERROR, "M0103",
				"%s lacks functions that a backend must have", path);
	else
		return b;
	return NULL;
}

static int find_backend(struct loader *l, struct cdm_diag *diag) {
	const char *name = option(l, "backend");
	char path[1024];
	if (!name) {
		cdm_diag_add(diag, CDM_ERROR, "M0104", "the model names no backend");
		return -EINVAL;
	}
	int rc = program_find(PROGRAM_BACKEND, name, path, sizeof(path));
	if (rc < 0) {
		struct cdm_message *m = cdm_diag_add(
				diag, CDM_ERROR, "M0105", "there is no backend %.40s here", name);
		if (m)
			strcpy(m->hint, "was it built? tools/setup fetches what it needs");
		return -ENOENT;
	}
	l->backend = open_module(path, diag);
	return l->backend ? 0 : -ENOTSUP;
}

static int read_context(const struct loader *l, uint32_t *context, struct cdm_diag *diag) {
	const char *text = plan_find_option(l->plan, l->entity, "context");
	char *end;
	*context = 0;
	if (!text)
		return 0;
	unsigned long v = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && v > 0 && v <= 1u << 20) {
		*context = (uint32_t)v;
		return 0;
	}
	cdm_diag_add(diag, CDM_ERROR, "M0106",
			"context must be a number of tokens up to 1048576, not \"%.40s\"", text);
	return -EINVAL;
}

static int load(struct loader *l, uint32_t threads, struct cdm_diag *diag) {
	struct cdm_backend_config cfg = { .path = option(l, "file"),
		.library_dir = option(l, "library_dir"),
		.threads = threads ? threads : 1,
		.host = &l->host };
	int rc = read_context(l, &cfg.context, diag);
	if (rc < 0)
		return rc;
	if (!cfg.path) {
		cdm_diag_add(diag, CDM_ERROR, "M0107", "the model names no file");
		return -EINVAL;
	}
	struct cdm_mono start = clock_mono();
	rc = l->backend->load(&l->model, &cfg, diag);
	l->load_ns = mono_since(start, clock_mono());
	if (rc == 0)
		l->backend->describe(l->model, &l->facts);
	if (!l->backend->embed || l->facts.dims > CDM_EMBED_DIMS_MAX)
		l->facts.dims = 0;
	return rc;
}

int loader_open(struct loader *l, const struct plan *plan, uint16_t entity, uint32_t threads,
		struct cdm_diag *diag) {
	*l = (struct loader){ .plan = plan, .entity = entity, .host = { clock_mono, backend_log, option, l } };
	int rc = find_backend(l, diag);
	if (rc == 0)
		rc = load(l, threads, diag);
	if (rc < 0 && diag && !diag->errors)
		cdm_diag_add(diag, CDM_ERROR, "M0108", "the model cannot be loaded: %s",
				err_text(rc));
	if (rc < 0)
		loader_close(l);
	return rc;
}

void loader_close(struct loader *l) {
	if (l->model) {
		CHECK(l->backend);
		l->backend->unload(l->model);
	}
	l->model = NULL;
}
