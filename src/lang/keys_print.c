/* keys_print.c - the language described from its own tables: Markdown for spec/cdl.md, and a JSON schema. */
#include <string.h>
#include "lang/lang_priv.h"

static void print_words(FILE *to, const struct key *k) {
	const char *w;
	if (!word_at(k->type, k->of, 0))
		return;
	fprintf(to, ": ");
	for (unsigned n = 0; (w = word_at(k->type, k->of, n)) != NULL; n++)
		fprintf(to, "%s`%s`", n ? ", " : "", w);
}

static void print_key(FILE *to, const struct key *k) {
	bool map = k->type == TYPE_MAP || k->type == TYPE_MAPS;
	fprintf(to, "| `%s`%s | %s", k->name, k->required ? " *" : "", type_text(k->type));
	if (map) {
		const char *of = section_text((enum section)k->of);
		fprintf(to, ": [%s](#", of);
		for (; *of; of++)
			fputc(*of == ' ' ? '-' : *of, to);
		fputc(')', to);
	}
	print_words(to, k);
	if (k->min != k->max)
		fprintf(to, ", %.10g to %.10g", k->min, k->max);
	fprintf(to, " | %s |\n", k->doc);
}

void lang_print_keys(FILE *to) {
	for (int s = SECTION_NONE + 1; s < SECTION_COUNT; s++) {
		fprintf(to, "### %s\n\n| key | value | meaning |\n|---|---|---|\n", section_text((enum section)s));
		for (unsigned i = 0; i < keys_count; i++)
			if ((int)keys[i].section == s)
				print_key(to, &keys[i]);
		fputc('\n', to);
	}
}

static json_t *words(const struct key *k) {
	json_t *list = json_array();
	const char *w;
	for (unsigned n = 0; (w = word_at(k->type, k->of, n)) != NULL; n++)
		json_array_append_new(list, json_string(w));
	return list;
}

static json_t *number_schema(const struct key *k, const char *type) {
	json_t *j = json_pack("{s:s}", "type", type);
	if (k->min != k->max) {
		json_object_set_new(j, "minimum", json_real(k->min));
		json_object_set_new(j, "maximum", json_real(k->max));
	}
	return j;
}

/* A single value of a type. */
static json_t *scalar_schema(const struct key *k) {
	switch (k->type) {
	case TYPE_INT:
	case TYPE_SHAPE:
		return number_schema(k, "integer");
	case TYPE_NUMBER:
	case TYPE_TRUST:
	case TYPE_VERSION:
		return number_schema(k, "number");
	case TYPE_NAME:
	case TYPE_NAMES:
		return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[a-z][a-z0-9_.]*$");
	default:
		return word_at(k->type, k->of, 0) ? json_pack("{s:o}", "enum", words(k)) :
			json_pack("{s:s}", "type", "string");
	}
}

static json_t *section_schema(enum section s);

static json_t *key_schema(const struct key *k) {
	json_t *one;
	if (k->type == TYPE_OPTIONS)
		return json_pack("{s:s}", "type", "object");
	if (k->type == TYPE_MAP || k->type == TYPE_MAPS)
		one = section_schema((enum section)k->of);
	else
		one = scalar_schema(k);
	switch (type_form(k->type)) {
	case FORM_LIST:
	case FORM_MAPS:
		return json_pack("{s:s, s:o}", "type", "array", "items", one);
	case FORM_EITHER:
		return json_pack("{s:[o, {s:s, s:O}]}", "anyOf", one, "type", "array", "items", one);
	default:
		return one;
	}
}

static json_t *section_schema(enum section s) {
	json_t *properties = json_object(), *required = json_array();
	for (unsigned i = 0; i < keys_count; i++) {
		if (keys[i].section != s)
			continue;
		json_t *j = key_schema(&keys[i]);
		json_object_set_new(j, "description", json_string(keys[i].doc));
		json_object_set_new(properties, keys[i].name, j);
		if (keys[i].required)
			json_array_append_new(required, json_string(keys[i].name));
	}
	return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required", required,
			"additionalProperties", 0);
}

json_t *lang_schema_json(void) {
	json_t *j = section_schema(SECTION_MACHINE);
	json_object_set_new(j, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
	json_object_set_new(j, "title", json_string("Consciousness Description Language 1.0"));
	return j;
}
