/* hit.c - what is given back is read from the journal: the index only says where to look. */
#include <errno.h>
#include <string.h>
#include "memory/memory_priv.h"

bool hit_is_seen(const struct claims_asker *asker, const char *principal, unsigned visibility) {
	if (!asker || strcmp(principal, asker->owner) == 0)
		return true;
	return record_visible(principal, visibility, asker->sees[0]) && record_visible(principal, visibility,
			asker->sees[1]);
}

struct reading {
	const struct claims_asker *asker;
	struct memory_hit *hit;
};

static int take(void *user, const struct passage *p) {
	struct reading *k = user;
	struct memory_source *of = &k->hit->of;
	if (p->claim != of->claim || p->part != of->part || p->kind != of->kind)
		return 0;
	of->visibility = p->visibility;
	of->trust_ppm = p->trust_ppm;
	of->when = p->when;
	memcpy(of->principal, p->principal, sizeof(of->principal));
	memcpy(of->speaker, p->speaker, sizeof(of->speaker));
	memcpy(of->model, p->model, sizeof(of->model));
	memcpy(of->session, p->session, sizeof(of->session));
	memcpy(of->key, p->key, sizeof(of->key));
	k->hit->bytes = p->bytes;
	k->hit->first = p->first;
	memcpy(k->hit->text, p->text, p->bytes);
	k->hit->text[p->bytes] = 0;
	return 1;
}

static int visit(void *user, const struct journal_record *r) {
	struct reading *k = user;
	return hit_is_seen(k->asker, r->principal, r->visibility) && record_is_whole(r) ? passage_each(r, take, k) : 0;
}

int hit_read(struct memory *m, const struct claims_asker *asker, struct memory_hit *h) {
	struct reading k = { asker, h };
	int rc = m->reader ? journal_one(m->reader, h->of.seq, visit, &k) : -ENOENT;
	return rc < 0 ? rc : rc == 1 ? 0 : -ENOENT;
}
