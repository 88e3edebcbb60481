/*
 * view.c - see view.h.
 *
 * Samples do not change once they have their stamp, so a view is a choice of versions: look at all heads, settle T,
 * choose one version of each field, take them.  A version that is gone before it was taken begins it anew.
 */
#include "store/view.h"

#include <errno.h>
#include "store/field_priv.h"

struct choice {
	const struct segment *life; /* that both are of */
	struct found newest, chosen;
	struct cdm_mono source_time; /* of the chosen one */
};

/* An error that is due to one of them. */
static int due_to(struct view_refusal *why, unsigned part, int rc) {
	*why = (struct view_refusal){ .reason = rc == -EPROTO ? VIEW_BROKEN : VIEW_COHERENT, .part = part };
	return rc;
}

static int refuse(struct view_refusal *why, enum view_reason reason, unsigned part) {
	*why = (struct view_refusal){ .reason = reason, .part = part };
	return -EAGAIN;
}

/* The newest of each, and the latest time that all of them have reached. */
static int look_at_heads(struct view_part *p, unsigned n, struct choice *c, struct cdm_mono *common,
		struct view_refusal *why) {
	common->ns = INT64_MAX;
	for (unsigned i = 0; i < n; i++) {
		struct cdm_mono t = { 0 };
		int rc = field_find_latest(p[i].field, &c[i].newest);
		c[i].life = p[i].field->segment;
		if (rc == -EAGAIN)
			return refuse(why, VIEW_EMPTY, i);
		if (rc == 0)
			rc = field_source_time(p[i].field, &c[i].newest, &t);
		if (rc < 0)
			return due_to(why, i, rc);
		if (t.ns < common->ns)
			*common = t;
	}
	return 0;
}

static bool same_group(const struct field *a, const struct field *b) {
	return a->plan->process == b->plan->process && a->plan->group == b->plan->group && a->peers == b->peers;
}

/* Take that sample instead.  0; -EAGAIN: the history does not reach so far; FIELD_MOVED, -EPROTO. */
static int choose_version(struct view_part *p, struct choice *c, uint64_t version) {
	struct found x = c->newest, now;
	if (version == c->chosen.version)
		return 0;
	if (version == 0 || !field_find_version(p->field, &x, version)) {
		int rc = field_find_latest(p->field, &now);
		return rc == 0 && now.version == c->newest.version ? -EAGAIN : FIELD_MOVED;
	}
	c->chosen = x;
	return field_source_time(p->field, &x, &c->source_time);
}

/* That commit for all parts of the group of part i.  1: one of them is after `at`. */
static int choose_commit(struct view_part *p, unsigned n, struct choice *c, unsigned i, uint64_t version,
		struct cdm_mono at, struct view_refusal *why) {
	bool after = false;
	for (unsigned k = 0; k < n; k++) {
		if (!same_group(p[i].field, p[k].field))
			continue;
		int rc = choose_version(&p[k], &c[k], version);
		if (rc < 0)
			return rc == -EAGAIN ? refuse(why, VIEW_HISTORY, k) : due_to(why, k, rc);
		after |= c[k].source_time.ns > at.ns;
	}
	return after;
}

/*
 * The newest commit of the group of part i of which none of its fields here is after `at`.  Times within a field need
 * not grow with its versions (a derived sample is as old as what it was made of), so each commit is looked at.
 */
static int agree(struct view_part *p, unsigned n, struct choice *c, unsigned i, struct cdm_mono at,
		struct view_refusal *why) {
	uint64_t version = c[i].chosen.version;
	for (unsigned k = 0; k < n; k++)
		if (same_group(p[i].field, p[k].field) && c[k].chosen.version < version)
			version = c[k].chosen.version;
	int rc;
	while ((rc = choose_commit(p, n, c, i, version, at, why)) == 1)
		version--;
	return rc;
}

static bool is_first_of_its_group(const struct view_part *p, unsigned i) {
	for (unsigned k = 0; k < i; k++)
		if (same_group(p[k].field, p[i].field))
			return false;
	return p[i].field->grouped;
}

static int choose(struct view_part *p, unsigned n, struct choice *c, struct cdm_mono at, struct view_refusal *why) {
	for (unsigned i = 0; i < n; i++) {
		p[i].field->at = at;
		int rc = field_find_at(p[i].field, &c[i].chosen);
		if (p[i].field->segment != c[i].life)
			return FIELD_MOVED;
		if (rc == -EAGAIN)
			return refuse(why, VIEW_HISTORY, i);
		if (rc == 0)
			rc = field_source_time(p[i].field, &c[i].chosen, &c[i].source_time);
		if (rc < 0)
			return due_to(why, i, rc);
	}
	for (unsigned i = 0; i < n; i++) {
		int rc = is_first_of_its_group(p, i) ? agree(p, n, c, i, at, why) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_times(const struct choice *c, unsigned n, const struct view_terms *terms, struct cdm_mono now,
		struct view_refusal *why) {
	unsigned oldest = 0, newest = 0;
	for (unsigned i = 1; i < n; i++) {
		if (c[i].source_time.ns < c[oldest].source_time.ns)
			oldest = i;
		if (c[i].source_time.ns > c[newest].source_time.ns)
			newest = i;
	}
	int64_t skew = c[newest].source_time.ns - c[oldest].source_time.ns, age = now.ns - c[oldest].source_time.ns;
	int rc = terms->max_skew_ns > 0 && skew > terms->max_skew_ns ? refuse(why, VIEW_SKEW, oldest) :
			terms->max_age_ns > 0 && age > terms->max_age_ns ? refuse(why, VIEW_AGE, oldest) : 0;
	why->ns = why->reason == VIEW_SKEW ? skew : why->reason == VIEW_AGE ? age : 0;
	return rc;
}

static int check_trust(const struct view_part *p, unsigned n, const struct view_terms *terms,
		struct view_refusal *why) {
	unsigned least = 0;
	for (unsigned i = 1; i < n; i++)
		if (p[i].info.trust < p[least].info.trust)
			least = i;
	if (p[least].info.trust >= terms->min_trust)
		return 0;
	int rc = refuse(why, VIEW_TRUST, least);
	why->trust = p[least].info.trust;
	return rc;
}

static void give_back(struct view_part *p, unsigned n) {
	for (unsigned i = 0; i < n; i++)
		field_release(&p[i].lease);
}

/* A writer may say another time of the same sample by now: then nothing that was compared is true. */
static int take_chosen(struct view_part *p, const struct choice *c, struct cdm_mono now) {
	int rc = field_take_found(p->field, &c->chosen, p->out, p->capacity, p->out ? NULL : &p->lease, now, &p->info);
	if (rc < 0 || p->info.source_time.ns == c->source_time.ns)
		return rc;
	field_release(&p->lease);
	return FIELD_MOVED;
}

static int take_all(struct view_part *p, unsigned n, const struct choice *c, struct cdm_mono now,
		struct view_refusal *why) {
	for (unsigned i = 0; i < n; i++) {
		p[i].lease = (struct field_lease){ 0 };
		int rc = take_chosen(&p[i], &c[i], now);
		if (rc < 0) {
			give_back(p, i);
			return due_to(why, i, rc);
		}
		p[i].lease.info = p[i].info;
	}
	return 0;
}

/* 0; -EAGAIN with a reason; FIELD_MOVED: begin anew; or an error. */
static int try_view(struct view_part *p, unsigned n, struct choice *c, const struct view_terms *terms,
		struct cdm_mono now, struct view_refusal *why) {
	struct cdm_mono common;
	*why = (struct view_refusal){ .reason = VIEW_COHERENT };
	for (unsigned i = 0; i < n; i++)
		c[i] = (struct choice){ .newest = { .version = 0 } };
	int rc = look_at_heads(p, n, c, &common, why);
	if (rc == 0)
		rc = choose(p, n, c, terms->at.ns > 0 ? terms->at : common, why);
	if (rc == 0)
		rc = check_times(c, n, terms, now, why);
	if (rc == 0)
		rc = take_all(p, n, c, now, why);
	if (rc == 0 && (rc = check_trust(p, n, terms, why)) < 0)
		give_back(p, n);
	return rc;
}

int view_take(struct view_part *p, unsigned n, const struct view_terms *terms, struct cdm_mono now,
		struct view_refusal *why) {
	struct choice c[VIEW_PARTS_MAX];
	int rc = FIELD_MOVED;
	CHECK(n > 0 && n <= VIEW_PARTS_MAX);
	for (int i = 0; i < FIELD_TRIES && rc == FIELD_MOVED; i++)
		rc = try_view(p, n, c, terms, now, why);
	for (unsigned i = 0; i < n; i++)
		if (c[i].newest.version && c[i].life == p[i].field->segment)
			field_took(p[i].field, &c[i].newest);
	if (rc == FIELD_MOVED)
		return -EAGAIN;
	return rc == -EAGAIN && why->reason != VIEW_COHERENT ? -ESTALE : rc;
}

const char *view_reason_text(unsigned reason) {
	static const char *const texts[] = { "coherent", "empty", "history", "skew", "age", "trust", "broken" };
	return reason < COUNT_OF(texts) ? texts[reason] : "?";
}
