/* expand.c - ${NAME} in paths, and the folder that relative ones are joined to. */
#include <string.h>
#include "lang/lang_priv.h"

struct expand {
	struct lang *l;
	const struct node *at;
	char out[PLAN_TEXT_MAX];
	size_t used;
	bool bad;
};

static void append(struct expand *e, const char *s, size_t bytes) {
	if (e->bad)
		return;
	if (bytes >= sizeof(e->out) - e->used) {
		if (e->at->bytes < sizeof(e->out)) /* else types.c has said so */
			say(e->l, C0306, e->at, e->at->key->text, number_text(e->l, sizeof(e->out) - 1),
					NULL);
		e->bad = true;
		return;
	}
	memcpy(e->out + e->used, s, bytes);
	e->used += bytes;
	e->out[e->used] = 0;
}

/* `name` is what stands between ${ and }; its value is as good as text of the file. */
static void append_variable(struct expand *e, const char *name) {
	const struct lang_options *opt = e->l->opt;
	const char *value = opt && opt->environment ? opt->environment(opt->ctx, name) : NULL;
	if (!value || !value[0])
		say(e->l, C0215, e->at, name, NULL);
	else if (!text_is_clean(value, strlen(value)))
		say(e->l, C0223, e->at, name, NULL);
	else
		return append(e, value, strlen(value));
	e->bad = true;
}

static size_t name_bytes(const char *s) {
	return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
}

/* A file is a path; a source may be the name of a device, so it must begin with a dot to be relative. */
static bool joins(const struct node *at, const char *path) {
	if (path[0] == '/' || strstr(path, "://"))
		return false;
	return strcmp(at->key->text, "file") == 0 || strncmp(path, "./", 2) == 0 || strncmp(path, "../", 3) == 0;
}

/* folder + path, where "../" takes a part of the folder away. */
static void join(struct expand *e, const char *folder) {
	struct expand joined = { .l = e->l, .at = e->at };
	const char *path = e->out, *slash;
	size_t kept = strlen(folder);
	while (strncmp(path, "./", 2) == 0 || strncmp(path, "../", 3) == 0) {
		slash = memrchr(folder, '/', kept);
		if (path[1] == '.' && (!slash || slash[1] == '.'))
			break; /* a folder that is relative itself */
		kept = path[1] == '.' ? (size_t)(slash - folder) : kept;
		path += path[1] == '.' ? 3 : 2;
	}
	append(&joined, folder, kept);
	append(&joined, "/", 1);
	append(&joined, path, strlen(path));
	*e = joined;
}

const char *expand_path(struct lang *l, const struct node *at) {
	struct expand e = { .l = l, .at = at };
	const char *s = at->text, *folder = l->opt ? l->opt->folder : NULL;
	while (*s && !e.bad) {
		size_t plain = strcspn(s, "$");
		append(&e, s, plain);
		s += plain;
		if (*s != '$')
			break;
		size_t n = s[1] == '{' ? name_bytes(s + 2) : 0;
		char name[64];
		if (n == 0 || n >= sizeof(name) || s[2 + n] != '}') {
			say(l, C0221, at, NULL);
			return NULL;
		}
		memcpy(name, s + 2, n);
		name[n] = 0;
		append_variable(&e, name);
		s += n + 3;
	}
	if (!e.bad && folder && joins(at, e.out))
		join(&e, folder);
	return e.bad ? NULL : arena_copy(&l->arena, e.out, e.used);
}
