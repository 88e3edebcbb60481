/* inventory.c - the list itself; see inventory.h. */
#include "hal/inventory.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "hal/hal_priv.h"

static const struct {
	const char *text, *heading;
} kinds[] = {
#define HAL_KIND(kind, text, heading) { text, heading },
#include "hal/kind.def"
#undef HAL_KIND
};

const char *hal_kind_text(unsigned kind) {
	return kind < HAL_KIND_COUNT ? kinds[kind].text : "?";
}

const char *hal_kind_heading(unsigned kind) {
	return kind < HAL_KIND_COUNT ? kinds[kind].heading : "?";
}

struct hal_device *inventory_add(struct hal_inventory *i, enum hal_kind kind) {
	if (i->count == HAL_DEVICES_MAX) {
		i->dropped++;
		return NULL;
	}
	struct hal_device *d = &i->devices[i->count++];
	memset(d, 0, sizeof(*d));
	d->kind = kind;
	d->numa = -1;
	return d;
}

void inventory_drop(struct hal_inventory *i) {
	CHECK(i->count > 0);
	i->count--;
}

uint32_t hal_count(const struct hal_inventory *i, enum hal_kind kind) {
	uint32_t n = 0;
	for (uint32_t k = 0; k < i->count; k++)
		n += i->devices[k].kind == kind;
	return n;
}

uint32_t hal_usable_threads(const struct hal_processors *p) {
	uint32_t n = p->threads;
	if (p->allowed && p->allowed < n)
		n = p->allowed;
	if (p->limit_milli && p->limit_milli / 1000 < n)
		n = p->limit_milli / 1000;
	return n ? n : 1;
}

/* Texts that were read are plain already; names of folders, and what was made of them, may not be. */
static void make_plain(struct hal_inventory *i) {
	sysfs_plain(i->processors.model);
	for (uint32_t k = 0; k < i->count; k++) {
		struct hal_device *d = &i->devices[k];
		sysfs_plain(d->name);
		sysfs_plain(d->node);
		sysfs_plain(d->driver);
		sysfs_plain(d->place);
		sysfs_plain(d->detail);
		sysfs_plain(d->problem);
	}
}

int hal_scan(const char *root, struct hal_inventory *out, struct cdm_diag *diag) {
	memset(out, 0, sizeof(*out));
	if (*root && access(root, R_OK | X_OK) != 0) {
		cdm_diag_add(diag, CDM_ERROR, "H0001", "cannot look into %s", root);
		return -ENOENT;
	}
	processors_scan(root, out, diag);
	devices_scan(root, out);
	meters_scan(root, out);
	make_plain(out);
	if (out->dropped)
		cdm_diag_add(diag, CDM_WARNING, "H0002", "%u more devices than can be listed",
				out->dropped);
	return 0;
}
