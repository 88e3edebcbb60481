/*
 * briefing.c - three walks: the heaviest items of each section, what each of them costs and which the budget admits,
 * before all others what is asked for, and the text.  A line is written once, to be measured, and kept for the text;
 * beyond what can be kept, twice.
 */
#include "sem/briefing.h"

#include <errno.h>
#include <string.h>
#include "sem/belief.h"
#include "sem/briefing_priv.h"
#include "sem/tokens.h"

enum order { BY_WEIGHT, BY_KEY, BY_AGE };

static const struct {
	const char *title, *head;
	bool stable;
	uint8_t order;
} sections[] = {
#define BRIEFING(section, title, stable, order) { title, "## " title "\n", stable, order },
#include "sem/briefing.def"
#undef BRIEFING
};

enum { SECTIONS = BRIEFING_SECTION_COUNT };

/* What there is to be spent, or what something costs. */
struct cost {
	uint32_t tokens, bytes;
};

struct choice {
	uint16_t item;
	bool is_in;
	uint32_t kept; /* where its line is in the pool; KEPT_MAX: nowhere */
	struct cost cost;
};

/* Lines that were measured and may be shown: more than most models can read. */
enum { KEPT_MAX = 24576 };

struct pool {
	uint32_t used;
	char text[KEPT_MAX];
};

/* A section in the making: its heaviest items, heaviest first. */
struct part {
	uint32_t count, all, unchanged, shown;
	struct choice best[BRIEFING_ITEMS_MAX];
};

const char *briefing_title(unsigned section) {
	return section < SECTIONS ? sections[section].title : "?";
}

/* ---- items ---- */

struct list {
	const void *first;
	size_t count, stride;
};

static struct list list_of(const struct briefing *b, unsigned section) {
	switch ((enum briefing_section)section) {
	case BRIEFING_GOALS:
		return (struct list){ b->goals, b->goal_count, sizeof(*b->goals) };
	case BRIEFING_WORDS:
		return (struct list){ b->words, b->word_count, sizeof(*b->words) };
	case BRIEFING_KNOWN:
	case BRIEFING_BELIEVED:
		return (struct list){ b->beliefs, b->belief_count, sizeof(*b->beliefs) };
	case BRIEFING_SAID:
		return (struct list){ b->turns, b->turn_count, sizeof(*b->turns) };
	case BRIEFING_SENSED:
		return (struct list){ b->fields, b->field_count, sizeof(*b->fields) };
	case BRIEFING_FOCUS:
		return (struct list){ b->focus, b->focus_count, sizeof(*b->focus) };
	case BRIEFING_SECTION_COUNT:
		break;
	}
	return (struct list){ NULL, 0, 0 };
}

/* Each item begins with its mark. */
static const struct briefing_mark *mark_of(const struct list *l, size_t i) {
	return (const void *)((const char *)l->first + i * l->stride);
}

static bool is_old(const struct briefing_belief *b) {
	return b->rivals == 0 && b->mark.age_ns >= BRIEFING_OLD_NS && b->value && *b->value;
}

static bool belongs(unsigned section, const struct briefing_mark *m) {
	const void *item = m;
	if (section == BRIEFING_KNOWN || section == BRIEFING_BELIEVED)
		return is_old(item) == (section == BRIEFING_KNOWN);
	return true;
}

static bool is_since(const struct briefing *b, uint64_t record, int64_t age_ns) {
	return record > 0 && b->since_record > 0 ? record > b->since_record : age_ns < b->since_age_ns;
}

static bool is_new(const struct briefing *b, unsigned section, const struct briefing_mark *m) {
	const void *item = m;
	const struct briefing_belief *belief = item;
	bool contested = (section == BRIEFING_KNOWN || section == BRIEFING_BELIEVED) && belief->rivals > 0;
	return !b->is_delta || is_since(b, m->record, m->age_ns) ||
	       (contested && is_since(b, belief->rival.record, belief->rival.age_ns));
}

/* ---- orders ---- */

static double weight_of(double weight) {
	return weight > 0 ? weight : 0;
}

static int order_of(bool first, bool second) {
	return first ? -1 : second;
}

static int by_key(const struct briefing_mark *x, const struct briefing_mark *y) {
	return strcmp(x->key ? x->key : "", y->key ? y->key : "");
}

/* Items that are equal in all else by their line: when that is equal too, either may stand for the other. */
static int by_line(unsigned section, const struct briefing_mark *x, const struct briefing_mark *y) {
	struct briefing_line a, b;
	briefing_line_item(&a, (enum briefing_section)section, x);
	briefing_line_item(&b, (enum briefing_section)section, y);
	int less = memcmp(a.text, b.text, a.bytes < b.bytes ? a.bytes : b.bytes);
	return less ? less : order_of(a.bytes < b.bytes, a.bytes > b.bytes);
}

/* Below 0: x stands before y.  A total order over all that a line shows. */
static int compare(unsigned section, enum order order, const struct briefing_mark *x, const struct briefing_mark *y) {
	double a = weight_of(x->weight), b = weight_of(y->weight);
	int by_weight = order_of(a > b, a < b), by_age = order_of(x->age_ns > y->age_ns, x->age_ns < y->age_ns);
	int first = order == BY_WEIGHT ? by_weight : order == BY_AGE ? by_age : 0;
	if (!first)
		first = by_key(x, y);
	if (!first)
		first = order_of(x->record > y->record, x->record < y->record);
	if (!first)
		first = -by_age;
	return first ? first : by_line(section, x, y);
}

/* Put an item where it belongs among the best, or nowhere. */
static void rank(struct part *p, unsigned section, const struct list *l, uint16_t item) {
	const struct briefing_mark *m = mark_of(l, item);
	uint32_t low = 0, high = p->count;
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (compare(section, BY_WEIGHT, m, mark_of(l, p->best[mid].item)) < 0)
			high = mid;
		else
			low = mid + 1;
	}
	if (low == BRIEFING_ITEMS_MAX)
		return;
	if (p->count < BRIEFING_ITEMS_MAX)
		p->count++;
	memmove(&p->best[low + 1], &p->best[low], (p->count - 1 - low) * sizeof(p->best[0]));
	p->best[low] = (struct choice){ .item = item };
}

static void choose(const struct briefing *b, unsigned section, struct part *p) {
	struct list l = list_of(b, section);
	CHECK(l.count <= UINT16_MAX);
	p->count = p->all = p->unchanged = p->shown = 0;
	for (size_t i = 0; i < l.count; i++) {
		const struct briefing_mark *m = mark_of(&l, i);
		if (!belongs(section, m))
			continue;
		if (!is_new(b, section, m)) {
			p->unchanged++;
			continue;
		}
		p->all++;
		rank(p, section, &l, (uint16_t)i);
	}
}

/* ---- costs ---- */

static struct cost cost_of(const char *text, size_t bytes) {
	return (struct cost){ tokens_most(text, bytes), (uint32_t)bytes };
}

static bool fits(struct cost cost, struct cost room) {
	return cost.tokens <= room.tokens && cost.bytes <= room.bytes;
}

static void add(struct cost *to, struct cost cost) {
	to->tokens += cost.tokens;
	to->bytes += cost.bytes;
}

static void take(struct cost *from, struct cost cost) {
	from->tokens -= cost.tokens;
	from->bytes -= cost.bytes;
}

static struct cost head_cost(unsigned section) {
	return cost_of(sections[section].head, strlen(sections[section].head));
}

static uint32_t keep(struct pool *pool, const struct briefing_line *l) {
	uint32_t at = pool->used;
	if (l->bytes > KEPT_MAX - at)
		return KEPT_MAX;
	memcpy(pool->text + at, l->text, l->bytes);
	pool->used += (uint32_t)l->bytes;
	return at;
}

/* What each line costs; what all of them do, with the title. */
static struct cost measure(const struct briefing *b, unsigned section, struct part *p, struct pool *pool) {
	struct list l = list_of(b, section);
	struct cost need = { 0, 0 };
	struct briefing_line line;
	for (uint32_t i = 0; i < p->count; i++) {
		briefing_line_item(&line, (enum briefing_section)section, mark_of(&l, p->best[i].item));
		p->best[i].cost = cost_of(line.text, line.bytes);
		p->best[i].kept = keep(pool, &line);
		add(&need, p->best[i].cost);
	}
	if (p->count > 0)
		add(&need, head_cost(section));
	return need;
}

/* A share as a whole number, so that shares are the same on every machine. */
static void weigh(const double share[SECTIONS], uint32_t weights[SECTIONS]) {
	uint32_t sum = 0;
	for (unsigned s = 0; s < SECTIONS; s++) {
		double w = share[s] > 0 ? share[s] : 0;
		weights[s] = w == 0 ? 0 : 1 + (uint32_t)((w < 1000 ? w : 1000) * 1000);
		sum += weights[s];
	}
	for (unsigned s = 0; s < SECTIONS && sum == 0; s++)
		weights[s] = 1;
}

/*
 * Share an amount out by weights, nobody more than it needs: whoever needs less than its share has that, and the others
 * share the rest, until each one left needs more than its share.
 */
static void share_out(uint32_t amount, const uint32_t weights[SECTIONS], const uint32_t needs[SECTIONS],
		uint32_t grants[SECTIONS]) {
	bool done[SECTIONS] = { false }, any = true;
	while (any) {
		uint64_t sum = 0;
		uint32_t spent = 0;
		any = false;
		for (unsigned s = 0; s < SECTIONS; s++)
			sum += done[s] ? 0 : weights[s];
		for (unsigned s = 0; s < SECTIONS; s++) {
			if (done[s])
				continue;
			uint32_t part = sum ? (uint32_t)((uint64_t)amount * weights[s] / sum) : 0;
			grants[s] = part < needs[s] ? part : needs[s];
			done[s] = needs[s] <= part;
			any = any || done[s];
			spent += done[s] ? needs[s] : 0;
		}
		amount -= spent;
	}
}

/* Of a section the first item from `at` on that is not in and fits; its count when there is none. */
static uint32_t next_fitting(unsigned section, const struct part *p, uint32_t at, struct cost room) {
	for (; at < p->count; at++) {
		struct cost cost = p->best[at].cost;
		if (p->shown == 0)
			add(&cost, head_cost(section));
		if (!p->best[at].is_in && fits(cost, room))
			break;
	}
	return at;
}

static void admit(unsigned section, struct part *p, uint32_t at, struct cost *room) {
	if (p->shown == 0)
		take(room, head_cost(section));
	take(room, p->best[at].cost);
	p->best[at].is_in = true;
	p->shown++;
}

/* What answers the question best comes before anything competes; the section needs so much less of the rest. */
static void admit_asked(const struct briefing *b, struct part parts[SECTIONS], struct cost needs[SECTIONS],
		struct cost *room) {
	for (unsigned s = 0; b->asked && s < SECTIONS; s++) {
		struct list l = list_of(b, s);
		uint32_t at = 0;
		while (at < parts[s].count && mark_of(&l, parts[s].best[at].item) != b->asked)
			at++;
		if (at == parts[s].count || next_fitting(s, &parts[s], at, *room) != at)
			continue;
		struct cost before = *room;
		admit(s, &parts[s], at, room);
		take(&before, *room);
		take(&needs[s], before);
	}
}

/* What each section left over goes to whatever is heaviest and still fits: its section, then the item itself. */
static void admit_rest(const struct briefing *b, struct part parts[SECTIONS], const uint32_t weights[SECTIONS],
		struct cost *room) {
	uint32_t at[SECTIONS] = { 0 };
	unsigned best;
	do {
		double heaviest = -1;
		best = SECTIONS;
		for (unsigned s = 0; s < SECTIONS; s++) {
			struct list l = list_of(b, s);
			at[s] = next_fitting(s, &parts[s], at[s], *room);
			if (at[s] == parts[s].count)
				continue;
			double weight = weight_of(mark_of(&l, parts[s].best[at[s]].item)->weight);
			if (best < SECTIONS && (weights[s] < weights[best] ||
							(weights[s] == weights[best] && weight <= heaviest)))
				continue;
			best = s;
			heaviest = weight;
		}
		if (best < SECTIONS)
			admit(best, &parts[best], at[best], room);
	} while (best < SECTIONS);
}

/* As many whole items as fit, heaviest first; one that does not makes room for lighter ones. */
static void admit_own(unsigned section, struct part *p, struct cost *room) {
	for (uint32_t at = 0; (at = next_fitting(section, p, at, *room)) < p->count;)
		admit(section, p, at, room);
}

/* Each section within what is granted to it, then what is left over.  What is left at the end stays in `room`. */
static void spend(const struct briefing *b, struct part parts[SECTIONS], const struct cost needs[SECTIONS],
		struct cost *room) {
	uint32_t weights[SECTIONS], tokens[SECTIONS], bytes[SECTIONS];
	uint32_t granted_tokens[SECTIONS], granted_bytes[SECTIONS];
	weigh(b->share, weights);
	for (unsigned s = 0; s < SECTIONS; s++)
		tokens[s] = needs[s].tokens, bytes[s] = needs[s].bytes;
	share_out(room->tokens, weights, tokens, granted_tokens);
	share_out(room->bytes, weights, bytes, granted_bytes);
	for (unsigned s = 0; s < SECTIONS; s++) {
		struct cost grant = { granted_tokens[s], granted_bytes[s] };
		take(room, grant);
		admit_own(s, &parts[s], &grant);
		add(room, grant);
	}
	admit_rest(b, parts, weights, room);
}

/* ---- the text ---- */

struct text {
	char *out;
	size_t bytes, capacity; /* without the zero */
};

static void write_text(struct text *t, const char *text, size_t bytes) {
	CHECK(bytes <= t->capacity - t->bytes);
	memcpy(t->out + t->bytes, text, bytes);
	t->bytes += bytes;
}

/* The admitted ones, in the order in which the section shows them. */
static uint32_t shown_items(unsigned section, const struct part *p, const struct list *l,
		const struct choice *items[BRIEFING_ITEMS_MAX]) {
	enum order order = (enum order)sections[section].order;
	uint32_t n = 0;
	for (uint32_t i = 0; i < p->count; i++) {
		if (!p->best[i].is_in)
			continue;
		uint32_t at = n++;
		const struct briefing_mark *m = mark_of(l, p->best[i].item);
		if (order != BY_WEIGHT)
			for (; at > 0 && compare(section, order, m, mark_of(l, items[at - 1]->item)) < 0; at--)
				items[at] = items[at - 1];
		items[at] = &p->best[i];
	}
	return n;
}

static void write_section(struct text *t, const struct briefing *b, unsigned section, const struct part *p,
		const struct pool *pool) {
	const struct choice *items[BRIEFING_ITEMS_MAX];
	struct list l = list_of(b, section);
	struct briefing_line line;
	uint32_t n = shown_items(section, p, &l, items);
	if (n > 0)
		write_text(t, sections[section].head, strlen(sections[section].head));
	for (uint32_t i = 0; i < n; i++) {
		if (items[i]->kept < KEPT_MAX) {
			write_text(t, pool->text + items[i]->kept, items[i]->cost.bytes);
			continue;
		}
		briefing_line_item(&line, (enum briefing_section)section, mark_of(&l, items[i]->item));
		write_text(t, line.text, line.bytes);
	}
}

/* The last line of the preamble says how the lines below are to be read. */
static const char reading[] = "In brackets behind each line: who says so, how long ago, how sure that is from 0 to 1, "
			      "and r with the number of its record.\n";

/* The one line before the sections that depends on what there is: of a delta since when it is; else often empty. */
static void head_line(struct briefing_line *l, const struct briefing *b, size_t shown, size_t left_out) {
	l->bytes = 0;
	if (b->is_delta)
		briefing_line_since(l, b, shown, left_out);
	else if (shown == 0)
		briefing_line_put(l, left_out > 0 ? "More is known than there is room for.\n"
						  : "Nothing is known yet.\n");
}

static void write_head(struct text *t, const struct briefing *b, size_t shown, size_t left_out) {
	struct briefing_line line;
	if (!b->is_delta) {
		write_text(t, belief_preamble(), strlen(belief_preamble()));
		write_text(t, reading, sizeof(reading) - 1);
	}
	head_line(&line, b, shown, left_out);
	write_text(t, line.text, line.bytes);
}

static void write_tail(struct text *t, const struct briefing *b) {
	struct briefing_line line;
	briefing_line_now(&line, b->now);
	write_text(t, line.text, line.bytes);
}

/* The most that head and tail may cost, whichever of its three lines the head has. */
static struct cost frame_cost(const struct briefing *b) {
	struct cost fixed = { 0, 0 }, most = { 0, 0 };
	struct briefing_line line;
	for (unsigned which = 0; which < 3; which++) {
		head_line(&line, b, which == 1, which == 2);
		struct cost cost = cost_of(line.text, line.bytes);
		most.tokens = cost.tokens > most.tokens ? cost.tokens : most.tokens;
		most.bytes = cost.bytes > most.bytes ? cost.bytes : most.bytes;
	}
	if (!b->is_delta) {
		fixed = cost_of(belief_preamble(), strlen(belief_preamble()));
		add(&fixed, cost_of(reading, sizeof(reading) - 1));
	}
	briefing_line_now(&line, b->now);
	add(&fixed, cost_of(line.text, line.bytes));
	add(&fixed, most);
	return fixed;
}

static void count(struct briefing_account *a, const struct part parts[SECTIONS], size_t *shown, size_t *left_out) {
	*shown = *left_out = 0;
	for (unsigned s = 0; s < SECTIONS; s++) {
		a->shown[s] = parts[s].shown;
		a->left_out[s] = parts[s].all - parts[s].shown;
		a->unchanged[s] = parts[s].unchanged;
		*shown += a->shown[s];
		*left_out += a->left_out[s];
	}
}

uint32_t briefing_frame_tokens(void) {
	const struct briefing any = { .is_delta = false }; /* a date is as long as another */
	return frame_cost(&any).tokens;
}

int briefing_render(const struct briefing *b, char *out, size_t capacity, struct briefing_account *account) {
	size_t most = capacity < UINT32_MAX ? capacity : UINT32_MAX;
	struct cost room = { b->budget, most > 0 ? (uint32_t)most - 1 : 0 }, frame = frame_cost(b), needs[SECTIONS];
	struct part parts[SECTIONS];
	struct pool pool;
	struct text t = { .out = out, .capacity = room.bytes };
	size_t shown, left_out;
	memset(account, 0, sizeof(*account));
	if (!fits(frame, room))
		return -E2BIG;
	take(&room, frame);
	pool.used = 0;
	for (unsigned s = 0; s < SECTIONS; s++) {
		choose(b, s, &parts[s]);
		needs[s] = measure(b, s, &parts[s], &pool);
	}
	account->tokens = b->budget;
	admit_asked(b, parts, needs, &room);
	spend(b, parts, needs, &room);
	account->tokens -= room.tokens;
	count(account, parts, &shown, &left_out);
	write_head(&t, b, shown, left_out);
	for (unsigned s = 0; s < SECTIONS; s++) {
		if (!sections[s].stable && account->stable_bytes == 0 && !b->is_delta)
			account->stable_bytes = t.bytes;
		write_section(&t, b, s, &parts[s], &pool);
	}
	write_tail(&t, b);
	out[t.bytes] = 0;
	account->bytes = t.bytes;
	return 0;
}
