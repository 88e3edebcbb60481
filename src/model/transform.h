/*
 * transform.h - a model between two fields: each new sample of the source becomes one of the target.
 *
 * The source is borrowed where the plan allows it (nothing is copied), else copied into pinned memory; the
 * result is made in the slot that readers will see.  What is derived is never fresher nor more
 * trusted than what it was made from: source time, trust and status are merged, and the model's own
 * declared trust is one more bound.
 *
 * One thread, the same that loaded the model.
 */
#ifndef MODEL_TRANSFORM_H
#define MODEL_TRANSFORM_H

#include <stdint.h>
#include "hal/memory.h"
#include "model/loader.h"
#include "store/field.h"

struct transform {
	struct loader *loader;
	struct field source;
	struct field_writer target;
	float trust;            /* the least of what was declared of the model */
	int64_t period_ns;      /* least time between two samples; 0: as they come */
	struct cdm_mono next;   /* not before */
	struct hal_block copy;  /* of a source that is not lent */
	uint64_t samples, failures;
};

/*
 * The fields of entity `loader->entity`, which `peers` self runs: option "source", or the first of "reads", or
 * the one field that it may read; and the first that it writes.  -EINVAL, or what the backend says
 * of the shapes; the reason in diag.
 */
MUST_CHECK int transform_open(
		struct transform *t, struct loader *l, struct peers *peers, struct cdm_diag *diag);
void transform_close(struct transform *t);
/* How long to wait before the next step may be made; 0: now. */
int64_t transform_wait_ns(const struct transform *t, struct cdm_mono now);
/*
 * Make one sample of the latest: 1 published, 0 there was nothing to do (no new sample, no free
 * slot, the source changed under us), or what the model failed with.
 */
MUST_CHECK int transform_step(struct transform *t);

#endif
