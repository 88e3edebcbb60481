/* options.c - see options.h. */
#include "gateways/http/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum type { INTEGER, FLOAT, BOOLEAN, TEXTS };

static const struct {
	const char *name;
	enum type type;
} known[] = {
#define OPTION(name, type) { #name, type },
#include "gateways/http/option.def"
#undef OPTION
};

static const char *const type_text[] = { "integer", "float32", "boolean", "array" };

static bool has_type(const json_t *v, enum type t) {
	switch (t) {
	case BOOLEAN: return json_is_boolean(v);
	case TEXTS: return json_is_array(v);
	default: return json_is_number(v); /* 1.5 is taken for an integer, and cut */
	}
}

static int take_stops(const json_t *list, struct stops *s, char *why, size_t capacity) {
	const json_t *v;
	size_t i;
	json_array_foreach(list, i, v) {
		if (!json_is_string(v))
			return snprintf(why, capacity, "option \"stop\" must be of an array of strings"), -EINVAL;
		if (stops_add(s, json_string_value(v)) < 0)
			return snprintf(why, capacity, "option \"stop\": at most %d sequences of 1 to %d bytes are "
					"taken", STOPS_MAX, STOPS_BYTES - 1), -EINVAL;
	}
	return 0;
}

int options_take(const json_t *given, struct options *out, char *why, size_t capacity) {
	*out = (struct options){ 0 };
	if (given && !json_is_null(given) && !json_is_object(given))
		return snprintf(why, capacity, "options must be an object"), -EINVAL;
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		const json_t *v = json_object_get(given, known[i].name);
		if (v && !json_is_null(v) && !has_type(v, known[i].type))
			return snprintf(why, capacity, "option \"%s\" must be of type %s", known[i].name,
					type_text[known[i].type]), -EINVAL;
	}
	double n = json_number_value(json_object_get(given, "num_predict"));
	if (n >= 1.0 && n < 1e6)
		out->max_tokens = (unsigned)n;
	return take_stops(json_object_get(given, "stop"), &out->stops, why, capacity);
}
