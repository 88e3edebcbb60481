/* ollama.c - see ollama.h.  Shapes as in Ollama's own description of its API. */
#include "gateways/http/ollama.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refuse(char *why, size_t capacity, const char *text) {
	snprintf(why, capacity, "%s", text);
	return -EINVAL;
}

/* "name:latest" is "name": the machine has no tags. */
static int take_model(json_t *root, struct ollama_request *r, char *why, size_t capacity) {
	const char *name = json_string_value(json_object_get(root, "model"));
	if (!name || !name[0])
		return refuse(why, capacity, "model is required");
	size_t n = strlen(name);
	if (n >= sizeof(r->model))
		return refuse(why, capacity, "that model name is too long");
	memcpy(r->asked, name, n + 1);
	memcpy(r->model, name, n + 1);
	if (n > 7 && strcmp(name + n - 7, ":latest") == 0)
		r->model[n - 7] = 0;
	return 0;
}

/* As Go reads JSON: null is a text like "". */
static bool is_text(const json_t *v) {
	return !v || json_is_null(v) || json_is_string(v);
}

static int take_text(struct ollama_request *r, json_t *text, char *why, size_t capacity) {
	if (json_string_length(text) > OLLAMA_TEXT_MAX)
		return refuse(why, capacity, "the prompt is longer than this machine takes (8191 bytes)");
	free(r->text);
	r->text = json_string_length(text) ? strdup(json_string_value(text)) : NULL;
	return 0;
}

/* The last message of the user.  What was said before stands in the machine's own state. */
static int take_messages(json_t *root, struct ollama_request *r, char *why, size_t capacity) {
	json_t *list = json_object_get(root, "messages"), *m, *last = NULL;
	size_t i;
	if (list && !json_is_null(list) && !json_is_array(list))
		return refuse(why, capacity, "messages must be an array");
	json_array_foreach(list, i, m) {
		const char *role = json_string_value(json_object_get(m, "role"));
		json_t *content = json_object_get(m, "content");
		if (!role || !is_text(content))
			return refuse(why, capacity, "a message needs a role, and content that is a string");
		if (json_array_size(json_object_get(m, "images")))
			return snprintf(why, capacity, "\"%s\" does not support vision", r->asked), -EINVAL;
		if (strcmp(role, "user") == 0)
			last = content;
	}
	return last ? take_text(r, last, why, capacity) : 0;
}

static int take_prompt(json_t *root, struct ollama_request *r, char *why, size_t capacity) {
	json_t *p = json_object_get(root, "prompt");
	if (!is_text(p))
		return refuse(why, capacity, "prompt must be a string");
	return p ? take_text(r, p, why, capacity) : 0;
}

/* Is anything asked for by this value? */
static bool asks(const json_t *v) {
	return json_is_true(v) || json_string_length(v) || json_array_size(v) || json_object_size(v);
}

/* What these models cannot do is refused: an answer that lacks it would look like one that has it. */
static int check_abilities(json_t *root, const struct ollama_request *r, char *why, size_t capacity) {
	static const struct {
		const char *key, *ability;
	} lacking[] = { { "tools", "tools" }, { "format", "structured outputs" }, { "think", "thinking" },
		{ "images", "vision" }, { "suffix", "insert" }, { "logprobs", "logprobs" } };
	for (size_t i = 0; i < COUNT_OF(lacking); i++)
		if (asks(json_object_get(root, lacking[i].key)))
			return snprintf(why, capacity, "\"%s\" does not support %s", r->asked, lacking[i].ability),
					-EINVAL;
	return 0;
}

static bool is_zero_time(const json_t *keep) {
	const char *text = json_string_value(keep);
	return (json_is_number(keep) && json_number_value(keep) == 0.0) ||
	       (text && (strcmp(text, "0") == 0 || strcmp(text, "0s") == 0 || strcmp(text, "0m") == 0 ||
				strcmp(text, "0h") == 0));
}

static bool is_given(const json_t *v) {
	return v && !json_is_null(v);
}

static int take_options(json_t *root, struct ollama_request *r, char *why, size_t capacity) {
	json_t *stream = json_object_get(root, "stream"), *keep = json_object_get(root, "keep_alive");
	static const char *const texts[] = { "system", "template" };
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (!is_text(json_object_get(root, texts[i])))
			return snprintf(why, capacity, "%s must be a string", texts[i]), -EINVAL;
	if (is_given(stream) && !json_is_boolean(stream))
		return refuse(why, capacity, "stream must be true or false");
	if (is_given(keep) && !json_is_number(keep) && !json_is_string(keep))
		return refuse(why, capacity, "keep_alive must be a number or a duration");
	r->stream = !json_is_false(stream);
	r->unload = is_zero_time(keep);
	return options_take(json_object_get(root, "options"), &r->options, why, capacity);
}

static int take_request(json_t *root, struct ollama_request *r, char *why, size_t capacity) {
	int rc = take_model(root, r, why, capacity);
	if (rc == 0)
		rc = check_abilities(root, r, why, capacity);
	if (rc == 0)
		rc = take_options(root, r, why, capacity);
	if (rc == 0)
		rc = r->call == OLLAMA_CHAT ? take_messages(root, r, why, capacity)
				: take_prompt(root, r, why, capacity);
	return rc;
}

int ollama_parse(enum ollama_call call, const char *body, size_t bytes, struct ollama_request *r, char *why,
		size_t capacity) {
	json_error_t e;
	*r = (struct ollama_request){ .call = call };
	if (bytes == 0)
		return refuse(why, capacity, "missing request body");
	json_t *root = json_loadb(body, bytes, JSON_REJECT_DUPLICATES, &e);
	int rc = -EINVAL;
	if (!root)
		snprintf(why, capacity, "line %d, column %d: %s", e.line, e.column, e.text);
	else if (!json_is_object(root))
		rc = refuse(why, capacity, "the request is not an object");
	else
		rc = take_request(root, r, why, capacity);
	json_decref(root);
	if (rc < 0) {
		free(r->text);
		r->text = NULL;
	}
	return rc;
}

static void put_text(json_t *o, enum ollama_call call, const char *text) {
	if (call == OLLAMA_CHAT)
		json_object_set_new(o, "message", json_pack("{s:s,s:s}", "role", "assistant", "content", text));
	else
		json_object_set_new(o, "response", json_string(text));
}

json_t *ollama_piece(enum ollama_call call, const char *model, const char *created_at, const char *text) {
	json_t *o = json_pack("{s:s,s:s}", "model", model, "created_at", created_at);
	put_text(o, call, text);
	json_object_set_new(o, "done", json_false());
	return o;
}

json_t *ollama_end(enum ollama_call call, const char *model, const char *created_at, const char *text,
		const struct ollama_counts *c) {
	json_t *o = json_pack("{s:s,s:s}", "model", model, "created_at", created_at);
	put_text(o, call, text ? text : "");
	json_object_set_new(o, "done", json_true());
	json_object_set_new(o, "done_reason", json_string(c->reason));
	const struct {
		const char *key;
		json_int_t value;
	} numbers[] = { { "total_duration", c->total_ns }, { "load_duration", c->load_ns },
		{ "prompt_eval_count", (json_int_t)c->tokens_in }, { "prompt_eval_duration", c->prompt_ns },
		{ "eval_count", (json_int_t)c->tokens_out }, { "eval_duration", c->eval_ns } };
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		if (numbers[i].value > 0) /* as Ollama does: what is zero is left out */
			json_object_set_new(o, numbers[i].key, json_integer(numbers[i].value));
	return o;
}

json_t *ollama_error(const char *text) {
	return json_pack("{s:s}", "error", text);
}

/* [[key, value] ...] as an object. */
static json_t *facts_of(const json_t *pairs) {
	json_t *facts = json_object(), *pair;
	size_t i;
	json_array_foreach(pairs, i, pair) {
		const char *key = json_string_value(json_array_get(pair, 0));
		if (key)
			json_object_set(facts, key, json_array_get(pair, 1));
	}
	return facts;
}

json_t *ollama_verdict(const json_t *done) {
	static const char *const always[] = { "seq", "verdict" };
	static const char *const if_any[] = { "reason", "detail", "symbols", "command", "repeat", "cut", "unheard" };
	json_t *o = json_object();
	for (size_t i = 0; i < COUNT_OF(always); i++)
		json_object_set(o, always[i], json_object_get(done, always[i]));
	for (size_t i = 0; i < COUNT_OF(if_any); i++) {
		json_t *v = json_object_get(done, if_any[i]);
		if (asks(v) || json_integer_value(v) > 0)
			json_object_set(o, if_any[i], v);
	}
	json_object_set_new(o, "facts", facts_of(json_object_get(done, "facts")));
	return o;
}

json_t *ollama_model(const struct ollama_model *m) {
	char full[OLLAMA_MODEL_MAX + 8];
	snprintf(full, sizeof(full), "%s:latest", m->name);
	return json_pack("{s:s,s:s,s:s,s:I,s:s,s:{s:s,s:s,s:s,s:[s],s:s,s:s},s:[s]}", "name", full, "model", full,
			"modified_at", m->modified_at, "size", (json_int_t)m->bytes, "digest", m->digest, "details",
			"parent_model", "", "format", m->format, "family", m->family, "families", m->family,
			"parameter_size", "", "quantization_level", "", "capabilities", "completion");
}
