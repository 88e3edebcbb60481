/*
 * loader.h - a model in this process: its backend's module, and what the plan says about it.
 *
 * One model per process, for its whole life: the backend's log goes to ours, and engines keep state
 * that cannot be taken down.  One thread.
 */
#ifndef MODEL_LOADER_H
#define MODEL_LOADER_H

#include <stddef.h>
#include <stdint.h>
#include "base/check.h"
#include "cadmus/backend.h"
#include "schema/plan.h"

struct loader {
	const struct plan *plan;       /* borrowed */
	uint16_t entity;
	const struct cdm_backend *backend;
	struct cdm_backend_host host;  /* what the backend sees of us */
	void *model;
	struct cdm_model_facts facts;
	int64_t load_ns;
};

/*
 * Load the model of `entity` with `threads`: options backend, file, context, library_dir, and whatever
 * the backend asks for.  -ENOENT no such backend or file, -EINVAL the options are wrong, else what the
 * backend said; the reason in diag.
 */
MUST_CHECK int loader_open(struct loader *l, const struct plan *plan, uint16_t entity,
		uint32_t threads, struct cdm_diag *diag);
/* No-op on a zeroed or failed one. */
void loader_close(struct loader *l);

#endif
