/*
 * processors.c - processors, caches and NUMA nodes by hwloc; memory and what the control group
 * leaves us by /proc and /sys/fs/cgroup (version 2, else 1).
 */
#include <errno.h>
#include <hwloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "hal/hal_priv.h"

/* ---- topology ---- */

static void add_cache(struct hal_processors *p, hwloc_obj_t cache) {
	struct hal_cache c = { .level = cache->attr->cache.depth,
		.bytes = cache->attr->cache.size,
		.count = 1,
		.type = cache->attr->cache.type == HWLOC_OBJ_CACHE_DATA          ? 'd'
			: cache->attr->cache.type == HWLOC_OBJ_CACHE_INSTRUCTION ? 'i'
										 : 'u' };
	for (uint32_t k = 0; k < p->cache_count; k++) {
		struct hal_cache *known = &p->caches[k];
		if (known->level == c.level && known->type == c.type && known->bytes == c.bytes) {
			known->count++;
			return;
		}
	}
	if (p->cache_count < HAL_CACHES_MAX)
		p->caches[p->cache_count++] = c;
}

static void take_caches(struct hal_processors *p, hwloc_topology_t t) {
	static const hwloc_obj_type_t types[] = { HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L2CACHE,
		HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L4CACHE };
	for (size_t k = 0; k < COUNT_OF(types); k++)
		for (hwloc_obj_t o = NULL;
				(o = hwloc_get_next_obj_by_type(t, types[k], o)) != NULL;)
			add_cache(p, o);
}

static uint32_t count_of(hwloc_topology_t t, hwloc_obj_type_t type) {
	int n = hwloc_get_nbobjs_by_type(t, type);
	return n > 0 ? (uint32_t)n : 0;
}

static void take_topology(struct hal_processors *p, hwloc_topology_t t) {
	p->threads = count_of(t, HWLOC_OBJ_PU);
	p->cores = count_of(t, HWLOC_OBJ_CORE);
	p->packages = count_of(t, HWLOC_OBJ_PACKAGE);
	p->nodes = count_of(t, HWLOC_OBJ_NUMANODE);
	for (uint32_t n = 0; n < p->nodes && n < HAL_NODES_MAX; n++) {
		hwloc_obj_t node = hwloc_get_obj_by_type(t, HWLOC_OBJ_NUMANODE, n);
		p->node_bytes[n] = node ? node->attr->numanode.local_memory : 0;
	}
	take_caches(p, t);
}

/* What the processor calls itself (x86), or the board (device tree). */
static void take_model(const char *root, struct hal_processors *p) {
	char path[SYSFS_PATH_MAX], text[4097];
	snprintf(path, sizeof(path), "%.480s/proc/cpuinfo", root);
	int n = io_read_file(path, text, sizeof(text) - 1);
	text[n == -E2BIG ? (int)sizeof(text) - 1 : n < 0 ? 0 : n] = 0;
	const char *at = strstr(text, "model name");
	at = at ? strchr(at, ':') : NULL;
	if (at) {
		at += 1 + strspn(at + 1, " \t");
		snprintf(p->model, sizeof(p->model), "%.*s", (int)strcspn(at, "\n"), at);
	}
	else
		sysfs_text(root, p->model, sizeof(p->model), "proc/device-tree/model");
}

/* hwloc learns of another root by its environment variables alone. */
static void scan_topology(const char *root, struct hal_processors *p, struct cdm_diag *diag) {
	hwloc_topology_t t;
	if (*root) {
		setenv("HWLOC_FSROOT", root, 1);
		setenv("HWLOC_COMPONENTS", "linux,stop", 1);
		setenv("HWLOC_HIDE_ERRORS", "2", 1); /* a root without processors is no error of ours */
	}
	if (hwloc_topology_init(&t) == 0) {
		if (hwloc_topology_load(t) == 0)
			take_topology(p, t);
		else
			cdm_diag_add(diag, CDM_WARNING, "H0003",
					"hwloc cannot tell the processors of this machine");
		hwloc_topology_destroy(t);
	}
	if (*root) {
		unsetenv("HWLOC_FSROOT");
		unsetenv("HWLOC_COMPONENTS");
		unsetenv("HWLOC_HIDE_ERRORS");
	}
}

/* ---- what we may use ---- */

static uint32_t allowed_threads(void) {
	cpu_set_t set;
	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 0;
}

static uint32_t processor_limit(const char *root) {
	char text[64];
	int64_t quota = -1, period = 100000;
	if (sysfs_text(root, text, sizeof(text), "sys/fs/cgroup/cpu.max") > 0) {
		long long q, per;
		if (sscanf(text, "%lld %lld", &q, &per) == 2)
			quota = q, period = per;
	} else if (sysfs_number(root, &quota, "sys/fs/cgroup/cpu/cpu.cfs_quota_us") >= 0 &&
			sysfs_number(root, &period, "sys/fs/cgroup/cpu/cpu.cfs_period_us") < 0)
		quota = -1;
	if (quota <= 0 || period <= 0 || quota > INT64_MAX / 1000)
		return 0;
	int64_t milli = quota * 1000 / period;
	return milli > UINT32_MAX ? 0 : milli > 0 ? (uint32_t)milli : 1;
}

static uint64_t memory_limit(const char *root, uint64_t all) {
	int64_t bytes;
	if (sysfs_number(root, &bytes, "sys/fs/cgroup/memory.max") < 0 &&
			sysfs_number(root, &bytes, "sys/fs/cgroup/memory/memory.limit_in_bytes") <
					0)
		return 0;
	return bytes > 0 && (uint64_t)bytes < all ? (uint64_t)bytes : 0; /* "max" is no number */
}

/* A number of /proc/meminfo, in bytes (its own kB are KiB) or as it is. */
static uint64_t meminfo(const char *text, const char *key) {
	const char *line = strstr(text, key);
	char unit[4] = "";
	unsigned long long v = 0;
	if (!line || (line != text && line[-1] != '\n') ||
			sscanf(line + strlen(key), ": %llu %3s", &v, unit) < 1)
		return 0;
	return strcmp(unit, "kB") == 0 ? v << 10 : v;
}

static void scan_memory(const char *root, struct hal_memory_facts *m) {
	char path[SYSFS_PATH_MAX], text[8192];
	snprintf(path, sizeof(path), "%.480s/proc/meminfo", root);
	if (io_read_file(path, text, sizeof(text)) < 0)
		return;
	m->bytes = meminfo(text, "MemTotal");
	m->available = meminfo(text, "MemAvailable");
	m->huge_page = meminfo(text, "Hugepagesize");
	m->huge_free = meminfo(text, "HugePages_Free");
	m->limit = memory_limit(root, m->bytes);
}

void processors_scan(const char *root, struct hal_inventory *i, struct cdm_diag *diag) {
	scan_topology(root, &i->processors, diag);
	take_model(root, &i->processors);
	i->processors.allowed = *root ? 0 : allowed_threads();
	i->processors.limit_milli = processor_limit(root);
	scan_memory(root, &i->memory);
}
