/* diag_test.c - the list is bounded, counts what it drops, and never holds half a character. */
#include "cadmus/diag.h"

#include <stdio.h>
#include <string.h>
#include "base/check.h"
#include "base/utf8.h"

static void is_bounded(void) {
	static struct cdm_diag d;
	for (unsigned i = 0; i < CDM_DIAG_MAX + 5; i++) {
		struct cdm_message *m = cdm_diag_add(&d, i % 2 ? CDM_ERROR : CDM_NOTE, "T0001", "number %u", i);
		CHECK((m == NULL) == (i >= CDM_DIAG_MAX));
		CHECK(!m || (m->line == 0 && m->length == 1 && m->hint[0] == 0 && strcmp(m->id, "T0001") == 0));
	}
	CHECK(d.count == CDM_DIAG_MAX && d.dropped == 5 && d.errors == (CDM_DIAG_MAX + 5) / 2);
	CHECK(strcmp(d.at[3].text, "number 3") == 0 && d.at[3].severity == CDM_ERROR);
	CHECK(cdm_diag_add(NULL, CDM_ERROR, "T0001", "nobody listens") == NULL);
	d.count = 0;
	CHECK(cdm_diag_add(&d, CDM_NOTE, NULL, "no id")->id[0] == 0);
}

/* Whatever stands before it, a long text of characters of any length ends between two. */
static void cuts_between_characters(void) {
	static const char *const characters[] = { "x", "\xc3\xab", "\xe2\x82\xac", "\xf0\x90\xa4\x8c" };
	static struct cdm_diag d;
	char text[2 * CDM_DIAG_TEXT];
	for (size_t k = 0; k < COUNT_OF(characters); k++)
		for (size_t before = 0; before < 5; before++) {
			size_t n = strlen(characters[k]);
			memset(text, '.', before);
			for (size_t at = before; at + n < sizeof(text); at += n)
				memcpy(text + at, characters[k], n + 1);
			d.count = 0;
			const struct cdm_message *m = cdm_diag_add(&d, CDM_ERROR, "T0002", "%s", text);
			CHECK(utf8_valid(m->text, strlen(m->text)) && strlen(m->text) > CDM_DIAG_TEXT - 1 - n);
		}
	d.count = 0;
	CHECK(strlen(cdm_diag_add(&d, CDM_ERROR, "T0002", "whole \xe2\x82\xac")->text) == 9);
}

int main(void) {
	is_bounded();
	cuts_between_characters();
	puts("diag_test: ok");
}
