/*
 * fuzz_plan.c - any bytes as a plan: refused or accepted; and what is accepted can be walked, every table of it.
 *
 * The hash would refuse nearly everything, so the bytes are tried as they are, and sealed.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "lang/lang.h"
#include "schema/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Words that reach the records need a head that is right. */
static void mend_head(struct plan *p, size_t size) {
	memcpy(p->magic, "cdmplan", sizeof(p->magic));
	p->abi = PLAN_ABI;
	p->bytes = (uint32_t)size;
	p->hash = plan_hash(p);
}

static void look_everything_up(const struct plan *p) {
	for (uint32_t i = 0; i < p->entities.count; i++) {
		CHECK(plan_find_entity(p, plan_entities(p)[i].name) == i);
		plan_rights(p, (uint16_t)i);
	}
	for (uint32_t i = 0; i < p->fields.count; i++) {
		const struct plan_field *f = &plan_fields(p)[i];
		CHECK(plan_find_field(p, f->name) == i);
		CHECK(f->process < p->processes.count && f->entity < p->entities.count);
		uint64_t end = f->offset + layout_field_bytes(f->slots, f->bytes);
		const struct plan_process *s = &plan_processes(p)[f->process];
		CHECK(f->part < s->part_count && f->offset >= s->parts[f->part].at);
		CHECK(end <= s->parts[f->part].at + plan_part_bytes(s, f->part));
		plan_may_set(p, f->entity, (uint16_t)i);
	}
	for (uint32_t i = 0; i < p->options.count; i++)
		CHECK(plan_find_option(p, plan_options(p)[i].entity, plan_options(p)[i].key));
}

static void print_all(const struct plan *p) {
	static FILE *nowhere;
	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	CHECK(nowhere);
	lang_plan_print(nowhere, p);
	json_t *j = lang_plan_json(p);
	CHECK(j);
	json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct cdm_diag diag;
	struct plan *p = calloc(1, size ? size : 1); /* its own, so that a step outside is seen */
	CHECK(p);
	if (size)
		memcpy(p, data, size);
	int rc = plan_verify(p, size, NULL);
	CHECK(rc == 0 || rc == -EPROTO);
	if (rc < 0 && size >= sizeof(*p) && size <= PLAN_BYTES_MAX) {
		mend_head(p, size);
		memset(&diag, 0, sizeof(diag));
		rc = plan_verify(p, size, &diag);
		CHECK(rc == 0 ? diag.count == 0 : rc == -EPROTO && diag.count == 1);
	}
	if (rc == 0) {
		look_everything_up(p);
		print_all(p);
	}
	free(p);
	return 0;
}
