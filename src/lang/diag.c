/* diag.c - how the passes speak: texts from diag.def, with words filled in. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/utf8.h"
#include "lang/lang_priv.h"

static const struct {
	const char *id;
	enum cdm_severity severity;
	const char *text, *hint;
} diags[CODE_COUNT] = {
#define DIAG(code, severity, text, hint) { #code, CDM_##severity, text, hint },
#include "lang/diag.def"
#undef DIAG
};

/* Append without cutting a character in two, and without line ends. */
static void append(char out[CDM_DIAG_TEXT], const char *s, size_t bytes) {
	size_t at = strlen(out);
	bytes = utf8_cut(s, bytes, CDM_DIAG_TEXT - 1 - at);
	for (size_t i = 0; i < bytes; i++)
		out[at + i] = s[i] == '\n' || s[i] == '\t' || s[i] == '\r' ? ' ' : s[i];
	out[at + bytes] = 0;
}

/* False when the text needs a word that is empty. */
static bool fill(char out[CDM_DIAG_TEXT], const char *text, const char *const words[4]) {
	bool whole = true;
	out[0] = 0;
	while (*text) {
		if (text[0] == '%' && text[1] >= '1' && text[1] <= '4') {
			const char *w = words[text[1] - '1'];
			whole = whole && w[0];
			append(out, w, strlen(w));
			text += 2;
		} else {
			size_t n = 1 + strcspn(text + 1, "%");
			append(out, text, n);
			text += n;
		}
	}
	return whole;
}

/* An error that finds the list full takes the place of the last warning. */
static void make_room(struct cdm_diag *d, uint32_t first) {
	for (uint32_t i = d->count; i > first; i--) {
		if (d->at[i - 1].severity == CDM_ERROR)
			continue;
		memmove(&d->at[i - 1], &d->at[i], (d->count - i) * sizeof(d->at[0]));
		d->count--;
		d->dropped++;
		return;
	}
}

void say(struct lang *l, enum code code, const struct node *at, ...) {
	const char *words[4] = { "", "", "", "" }, *w;
	char text[CDM_DIAG_TEXT];
	va_list args;
	va_start(args, at);
	for (int i = 0; (w = va_arg(args, const char *)) != NULL; i++) {
		CHECK(i < 4);
		words[i] = w;
	}
	va_end(args);
	if (diags[code].severity == CDM_ERROR)
		l->errors++;
	if (l->diag && l->diag->count == CDM_DIAG_MAX && diags[code].severity == CDM_ERROR)
		make_room(l->diag, l->first);
	fill(text, diags[code].text, words);
	struct cdm_message *m = cdm_diag_add(l->diag, diags[code].severity, diags[code].id, "%s", text);
	if (!m)
		return;
	if (at) {
		m->line = at->line;
		m->column = at->column;
		m->length = at->length ? at->length : 1;
	}
	if (!fill(m->hint, diags[code].hint, words))
		m->hint[0] = 0;
}

const char *number_text(struct lang *l, double x) {
	char *out = l->scratch[l->next_scratch++ % COUNT_OF(l->scratch)];
	snprintf(out, sizeof(l->scratch[0]), "%.10g", x);
	return out;
}

const char *lang_code_text(const char *code) {
	for (size_t i = 0; i < CODE_COUNT; i++)
		if (strcmp(diags[i].id, code) == 0)
			return diags[i].text;
	return NULL;
}

void lang_print_codes(FILE *to) {
	for (size_t i = 0; i < CODE_COUNT; i++)
		fprintf(to, "%s\t%s\t%s\n", diags[i].id, diags[i].severity == CDM_ERROR ? "error" : "warning",
				diags[i].text);
}
