/* keys.c - the tables of the language: keys, sections, types, closed lists of words. */
#include <string.h>
#include "lang/lang_priv.h"

const struct key keys[] = {
#define KEY(section, name, type, of, required, min, max, option, doc) \
	{ SECTION_##section, name, TYPE_##type, of, required, min, max, option, doc },
#include "lang/keys.def"
#undef KEY
};
const unsigned keys_count = COUNT_OF(keys);

static const char *const section_texts[] = {
	"",
#define SECTION(name, text) text,
#include "lang/section.def"
#undef SECTION
};

static const struct {
	enum form form;
	const char *text;
} type_table[] = {
#define TYPE(name, form, text) { FORM_##form, text },
#include "lang/type.def"
#undef TYPE
};

static const struct {
	enum choice list;
	const char *word;
	int number;
} choices[] = {
#define CHOICE(list, word, number) { CHOICE_##list, word, number },
#include "lang/choice.def"
#undef CHOICE
};

const struct key *key_find(enum section s, const char *name) {
	for (unsigned i = 0; i < keys_count; i++)
		if (keys[i].section == s && strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

const char *section_text(enum section s) {
	return section_texts[s];
}

const char *type_text(enum type t) {
	return type_table[t].text;
}

enum form type_form(enum type t) {
	return type_table[t].form;
}

static const char *choice_at(int list, unsigned n) {
	for (unsigned i = 0; i < COUNT_OF(choices); i++)
		if ((int)choices[i].list == list && n-- == 0)
			return choices[i].word;
	return NULL;
}

int choice_find(enum choice c, const char *word) {
	for (unsigned i = 0; i < COUNT_OF(choices); i++)
		if (choices[i].list == c && strcmp(choices[i].word, word) == 0)
			return choices[i].number;
	return -1;
}

const char *word_at(enum type t, int of, unsigned n) {
	switch (t) {
	case TYPE_SORT:
		return n < PLAN_SORT_COUNT ? plan_sort_text(n) : NULL;
	case TYPE_OPERATION:
		return n < PLAN_OP_COUNT ? plan_operation_text(n) : NULL;
	case TYPE_DTYPE:
		return n < CDM_DTYPE_COUNT ? cdm_dtype_name((enum cdm_dtype)n) : NULL;
	case TYPE_VERB: /* none is said by leaving it out */
		return n + 1 < PLAN_VERB_COUNT ? plan_verb_text(n + 1) : NULL;
	case TYPE_CHOICE:
	case TYPE_CHOICES:
		return choice_at(of, n);
	default:
		return NULL;
	}
}

int word_find(enum type t, int of, const char *word) {
	const char *w;
	for (unsigned n = 0; (w = word_at(t, of, n)) != NULL; n++)
		if (strcmp(w, word) == 0)
			return t == TYPE_CHOICE || t == TYPE_CHOICES ? choice_find((enum choice)of, word) :
				t == TYPE_VERB ? (int)n + 1 : (int)n;
	return -1;
}
