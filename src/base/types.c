/* types.c - names and sizes of the public element types. */
#include "cadmus/types.h"

#include "base/check.h"

static const struct {
	const char *name;
	size_t bytes;
} dtypes[CDM_DTYPE_COUNT] = {
#define CDM_DTYPE(name, text, bytes) { text, bytes },
#include "cadmus/dtype.def"
#undef CDM_DTYPE
};

size_t cdm_dtype_size(enum cdm_dtype t) {
	return (unsigned)t < CDM_DTYPE_COUNT ? dtypes[t].bytes : 0;
}

const char *cdm_dtype_name(enum cdm_dtype t) {
	return (unsigned)t < CDM_DTYPE_COUNT ? dtypes[t].name : "?";
}

const char *cdm_status_name(enum cdm_status s) {
	static const char *const names[] = { "OK", "STALE", "DEGRADED", "ORPHAN" };
	return (unsigned)s < COUNT_OF(names) ? names[s] : "?";
}
