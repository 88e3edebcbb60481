/* expect.c - what a program was written for, held against what the machine has. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cadmus/client.h"

#define LAYOUT_TEXT_MAX 160

static bool take_dtype(const char **text, struct cdm_field *f) {
	size_t n = strcspn(*text, "[ ");
	for (unsigned t = 0; t < CDM_DTYPE_COUNT; t++) {
		const char *name = cdm_dtype_name((enum cdm_dtype)t);
		if (strlen(name) != n || memcmp(name, *text, n) != 0)
			continue;
		f->dtype = t;
		*text += n;
		return true;
	}
	return false;
}

/* "[480,640,3]", or nothing. */
static bool take_shape(const char **text, struct cdm_field *f) {
	const char *p = *text;
	if (*p != '[')
		return true;
	do {
		char *end;
		if (!isdigit((unsigned char)*++p) || f->dims == CDM_DIMS_MAX)
			return false;
		unsigned long n = strtoul(p, &end, 10);
		if (n == 0 || n > UINT32_MAX)
			return false;
		f->shape[f->dims++] = (uint32_t)n;
		p = end;
	} while (*p == ',');
	*text = p + 1;
	return *p == ']';
}

/* " rad", or nothing: any. */
static bool take_unit(const char *text, struct cdm_field *f) {
	if (*text == 0)
		return true;
	return *text == ' ' && text[1] && (size_t)snprintf(f->unit, sizeof(f->unit), "%s", text + 1) < sizeof(f->unit);
}

static const char *layout_text(const struct cdm_field *f, char out[LAYOUT_TEXT_MAX]) {
	int n = snprintf(out, LAYOUT_TEXT_MAX, "%s", cdm_dtype_name((enum cdm_dtype)f->dtype));
	for (uint32_t i = 0; i < f->dims; i++)
		n += snprintf(out + n, LAYOUT_TEXT_MAX - (size_t)n, "%s%u%s", i ? "," : "[", f->shape[i],
				i + 1 == f->dims ? "]" : "");
	snprintf(out + n, LAYOUT_TEXT_MAX - (size_t)n, "%s%s", f->unit[0] ? " " : "", f->unit);
	return out;
}

static bool is_as_expected(const struct cdm_field *have, const struct cdm_field *want) {
	return have->dtype == want->dtype && have->dims == want->dims &&
	       memcmp(have->shape, want->shape, sizeof(have->shape)) == 0 &&
	       (!want->unit[0] || strcmp(have->unit, want->unit) == 0);
}

int cdm_expect(const struct cdm_machine *m, const char *field, const char *layout, struct cdm_diag *diag) {
	struct cdm_field have, want = { .dims = 0 };
	char has[LAYOUT_TEXT_MAX], wants[LAYOUT_TEXT_MAX];
	const char *rest = layout;
	if (!take_dtype(&rest, &want) || !take_shape(&rest, &want) || !take_unit(rest, &want)) {
		cdm_diag_add(diag, CDM_ERROR, "S0114", "'%s' is no layout; one is \"u8[480,640,3]\" or \"f32 rad\"",
				layout);
		return -EINVAL;
	}
	int rc = cdm_find(m, field, &have);
	if (rc < 0)
		cdm_diag_add(diag, CDM_ERROR, "S0115", "%s has no field %s", cdm_machine_name(m), field);
	if (rc < 0 || is_as_expected(&have, &want))
		return rc;
	struct cdm_message *e = cdm_diag_add(diag, CDM_ERROR, "S0116",
			"%s of %s is %s (layout %016" PRIx64 "), and this program was written for %s", field,
			cdm_machine_name(m), layout_text(&have, has), have.layout, layout_text(&want, wants));
	if (e)
		snprintf(e->hint, sizeof(e->hint), "change the description, or the program");
	return -EPROTO;
}
