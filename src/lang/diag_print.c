/* diag_print.c - messages for people, with line and caret, and for programs, as JSON. */
#include <string.h>
#include "lang/lang_priv.h"

#define SHOWN 96 /* characters of a line that are shown around a place */

static const char *severity_text(enum cdm_severity s) {
	static const char *const texts[] = { "error", "warning", "note" };
	return (unsigned)s < COUNT_OF(texts) ? texts[s] : "?";
}

static size_t character_bytes(const char *s, size_t left) {
	size_t n = 1;
	while (n < left && ((unsigned char)s[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* The line, without its end; NULL when there is none. */
static const char *find_line(const char *text, size_t bytes, uint32_t line, size_t *length) {
	const char *end = text + bytes;
	for (; line > 1; line--) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		if (!nl)
			return NULL;
		text = nl + 1;
	}
	const char *nl = memchr(text, '\n', (size_t)(end - text));
	*length = (size_t)((nl ? nl : end) - text);
	if (*length && text[*length - 1] == '\r')
		--*length;
	return text;
}

/* Print characters first .. first + count of a line: tabs as one blank, what a terminal obeys as '?'. */
static void print_part(FILE *to, const char *line, size_t length, uint32_t first, uint32_t count) {
	uint32_t at = 0;
	for (size_t i = 0, n; i < length && at < first + count; i += n, at++) {
		n = character_bytes(line + i, length - i);
		unsigned char c = (unsigned char)line[i];
		if (at < first)
			continue;
		if (c == '\t')
			fputc(' ', to);
		else if (c < 0x20 || c == 0x7f || (c >= 0x80 && n == 1))
			fputc('?', to);
		else
			fwrite(line + i, 1, n, to);
	}
}

static void print_place(FILE *to, const struct cdm_message *m, const char *text, size_t bytes, bool colour) {
	size_t length;
	const char *line = text && m->line ? find_line(text, bytes, m->line, &length) : NULL;
	if (!line)
		return;
	uint32_t column = m->column ? m->column - 1 : 0;
	uint32_t first = column > SHOWN * 3 / 4 ? column - SHOWN / 2 : 0;
	uint32_t room = first + SHOWN - column, tail = m->length < room ? m->length : room;
	fprintf(to, "%6u | ", m->line);
	print_part(to, line, length, first, SHOWN);
	fprintf(to, "\n       | %*s%s^", (int)(column - first), "", colour ? "\033[1;32m" : "");
	for (uint32_t i = 1; i < tail; i++)
		fputc('~', to);
	fprintf(to, "%s\n", colour ? "\033[0m" : "");
}

static void print_message(FILE *to, const struct cdm_message *m, const char *text, size_t bytes,
		const char *file, bool colour) {
	static const char *const colours[] = { "\033[1;31m", "\033[1;35m", "\033[1;36m" };
	if (m->line)
		fprintf(to, "%s:%u:%u: ", file, m->line, m->column);
	else
		fprintf(to, "%s: ", file);
	fprintf(to, "%s%s%s%s%s: %s\n", colour ? colours[m->severity % 3] : "", severity_text(m->severity),
			m->id[0] ? " " : "", m->id, colour ? "\033[0m" : "", m->text);
	print_place(to, m, text, bytes, colour);
	if (m->hint[0])
		fprintf(to, "         hint: %s\n", m->hint);
}

void lang_print_diag(FILE *to, const struct cdm_diag *diag, const char *text, size_t bytes, const char *file,
		bool colour) {
	for (uint32_t i = 0; i < diag->count; i++)
		print_message(to, &diag->at[i], text, bytes, file ? file : "machine.cdl.yaml", colour);
	if (diag->dropped)
		fprintf(to, "and %u more; the first ones often explain the rest\n", diag->dropped);
}

json_t *lang_diag_json(const struct cdm_diag *diag, const char *file) {
	json_t *list = json_array();
	for (uint32_t i = 0; i < diag->count; i++) {
		const struct cdm_message *m = &diag->at[i];
		json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:i, s:i, s:s, s:s}",
				"severity", severity_text(m->severity), "code", m->id, "line", (int)m->line,
				"column", (int)m->column, "length", (int)m->length, "text", m->text, "hint", m->hint));
	}
	return json_pack("{s:s, s:i, s:i, s:o}", "file", file ? file : "", "errors", (int)diag->errors,
			"dropped", (int)diag->dropped, "messages", list);
}
