/*
 * inventory.h - what this machine is made of, as the kernel tells: processors, memory, devices.
 *
 * Everything is read below a root folder ("" is this machine; tests give recorded trees).  Nothing
 * is opened but files of /sys and /proc, no device is touched, and no privilege is needed; what
 * cannot be read is said in `problem`.
 *
 * One thread at a time (hwloc learns the root through the environment).
 */
#ifndef HAL_INVENTORY_H
#define HAL_INVENTORY_H

#include <stdbool.h>
#include <stdint.h>
#include "base/check.h"
#include "cadmus/diag.h"

#define HAL_DEVICES_MAX 192
#define HAL_CACHES_MAX 8
#define HAL_NODES_MAX 64

enum hal_kind {
#define HAL_KIND(kind, text, heading) HAL_##kind,
#include "hal/kind.def"
#undef HAL_KIND
	HAL_KIND_COUNT
};

struct hal_cache {
	uint32_t level;
	char type;       /* 'd', 'i' or 'u' (for both) */
	uint32_t count;  /* as many of them */
	uint64_t bytes;  /* of one */
};

struct hal_processors {
	char model[96];
	uint32_t threads, cores, packages, nodes; /* hardware threads */
	uint32_t allowed;    /* threads that we may run on; 0: not known */
	uint32_t limit_milli; /* processor time allowed by the control group, in thousandths of one; 0: all */
	uint32_t cache_count;
	struct hal_cache caches[HAL_CACHES_MAX];
	uint64_t node_bytes[HAL_NODES_MAX]; /* memory of each NUMA node */
};

struct hal_memory_facts {
	uint64_t bytes, available;
	uint64_t limit;          /* of the control group; 0: none */
	uint64_t huge_page, huge_free; /* bytes of one, and pages free */
};

struct hal_device {
	enum hal_kind kind;
	char name[64];       /* in the device's own words */
	char node[64];       /* "/dev/video0", "can0"; "" when there is none */
	char driver[32];
	char place[32];      /* on its bus: "0000:00:02.0" */
	char detail[96];
	char problem[64];    /* why it cannot be read as we are; "" */
	int numa;            /* -1: not known */
	bool has_value;      /* an energy meter or temperature that was read */
	double value;
	char unit[8];        /* UCUM: "W", "J", "Cel" */
	char path[128];      /* of its folder below the root, for who reads it again */
};

struct hal_inventory {
	struct hal_processors processors;
	struct hal_memory_facts memory;
	uint32_t count, dropped; /* devices kept; devices there was no room for */
	struct hal_device devices[HAL_DEVICES_MAX];
};

/* Look around below `root`.  0; -ENOENT: there is no such root; what is odd goes to diag. */
MUST_CHECK int hal_scan(const char *root, struct hal_inventory *out, struct cdm_diag *diag);
/* Read a meter or temperature again: -ENODEV it is gone, -EACCES, -ENOTSUP no meter. */
MUST_CHECK int hal_read_value(const char *root, struct hal_device *d);
/* Processors that one may keep busy: the least of threads, allowed and limit; at least 1. */
uint32_t hal_usable_threads(const struct hal_processors *p);
/* Devices of a kind. */
uint32_t hal_count(const struct hal_inventory *i, enum hal_kind kind);

/* "gpu"; "?" outside the enum. */
const char *hal_kind_text(unsigned kind);
const char *hal_kind_heading(unsigned kind);

#endif
