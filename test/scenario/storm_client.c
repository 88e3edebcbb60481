/*
 * storm_client.c - for kill_storm.py: writes samples that are computed from life and version, or holds what it reads
 * against that.  It may be killed at any moment.
 *
 *      storm_client MACHINE ENTITY    is that entity: writes `beat`, `wave`, `left`, `right` and `swell`
 *      storm_client MACHINE           copies, borrows and views them; a line for each THOUSAND that were whole
 *
 * 0: the machine has ended; 1: something is not as it must be, and is said.
 */
#include <cadmus/client.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum { BEAT, WAVE, LEFT, RIGHT, SWELL, FIELDS, LENT = SWELL, WORDS = 2048, HELD = 3, THOUSAND = 1000, BURST = 200,
	REST_MS = 8, LOOKS = 20 };

static const char *const names[FIELDS] = { "beat", "wave", "left", "right", "swell" };
static const uint32_t counts[FIELDS] = { 8, WORDS, 1, 600, WORDS };

static struct cdm_machine *machine;
static struct cdm_reader *in[FIELDS];
static uint32_t slots[FIELDS];
static uint32_t seed, own_life;
static unsigned long copied, borrowed, viewed;

static _Noreturn void fail(const char *what, long rc) {
	fprintf(stderr, "storm_client: %s: %ld\n", what, rc);
	exit(1);
}

static void must(const char *what, long rc) {
	if (rc < 0)
		fail(what, rc);
}

static uint64_t word_at(uint32_t field, uint32_t life, uint64_t version, uint32_t i) {
	uint64_t sample = ((uint64_t)life << 40 | version) * FIELDS + field + 1;
	return sample * UINT64_C(0x9e3779b97f4a7c15) ^ i * UINT64_C(0xbf58476d1ce4e5b9);
}

static void rest_ms(long ms) {
	/* nothing tells when a daemon is back, and who writes without rest leaves no time to who reads */
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL); /* paces, and orders nothing */
}

static uint32_t draw(uint32_t n) {
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static struct cdm_machine *attach(const char *name, const char *entity) {
	struct cdm_machine *m;
	int rc;
	/* the daemon may be dead at this moment, and our own place not free yet */
	while ((rc = entity ? cdm_attach_as(name, entity, 1000000000, &m, NULL) : cdm_attach(name, &m, NULL)) < 0) {
		if (rc == -EACCES || rc == -EINVAL || rc == -ENOMEM || rc == -EPROTO)
			fail("attach", rc);
		rest_ms(20);
	}
	return m;
}

/* ---- who writes ---------------------------------------------------------------------------------- */

/* Which life of that entity is this? */
static uint32_t life_of(const char *entity) {
	struct cdm_process p;
	for (uint32_t i = 0; cdm_process_at(machine, i, &p) == 0; i++)
		if (strcmp(p.entity, entity) == 0)
			return p.epoch;
	fail("no process runs that entity", 0);
}

static void fill(uint64_t *out, uint32_t field, uint64_t version) {
	for (uint32_t i = 0; i < counts[field]; i++)
		out[i] = word_at(field, own_life, version, i);
}

static void publish(struct cdm_writer *w, uint32_t field, uint64_t *version) {
	uint64_t *out = cdm_loan(w);
	if (!out)
		return; /* all is borrowed */
	fill(out, field, *version + 1);
	int64_t now = cdm_publish(w, counts[field] * sizeof(*out), NULL);
	if (now != (int64_t)++*version)
		fail("a version that was not the next", (long)now);
}

static void commit(struct cdm_group *g, uint64_t *version) {
	void *out[2];
	if (cdm_group_loan(g, out) < 0)
		return;
	fill(out[0], LEFT, *version + 1);
	fill(out[1], RIGHT, *version + 1);
	int64_t now = cdm_group_publish(g, NULL, NULL);
	if (now != (int64_t)++*version)
		fail("a version that was not the next", (long)now);
}

static void write_on(const char *entity) {
	struct cdm_writer *beat, *wave, *swell;
	struct cdm_group *pair;
	uint64_t of_beat = 0, of_wave = 0, of_swell = 0, of_pair = 0;
	own_life = life_of(entity);
	must("beat", cdm_writer_open(machine, names[BEAT], &beat));
	must("wave", cdm_writer_open(machine, names[WAVE], &wave));
	must("swell", cdm_writer_open(machine, names[SWELL], &swell));
	must("pair", cdm_group_open(machine, names[LEFT], &pair));
	for (; cdm_machine_alive(machine); rest_ms(REST_MS))
		for (int i = 0; i < BURST; i++) { /* several laps of each ring, as fast as can be */
			publish(beat, BEAT, &of_beat);
			publish(wave, WAVE, &of_wave);
			publish(swell, SWELL, &of_swell);
			commit(pair, &of_pair);
		}
	cdm_writer_close(beat);
	cdm_writer_close(wave);
	cdm_writer_close(swell);
	cdm_group_close(pair);
}

/* ---- who reads ----------------------------------------------------------------------------------- */

static void check(const char *how, uint32_t field, const uint64_t *words, const struct cdm_info *info) {
	if (info->bytes != counts[field] * sizeof(*words))
		fail("a sample that is cut", info->bytes);
	for (uint32_t i = 0; i < counts[field]; i++)
		if (words[i] != word_at(field, info->epoch, info->version, i)) {
			fprintf(stderr, "storm_client: a torn sample, %s: %s %llu of life %u, word %u of %u\n", how,
					names[field], (unsigned long long)info->version, info->epoch, i, counts[field]);
			exit(1);
		}
}

static int expected(const char *what, int rc) {
	if (rc < 0 && rc != -EAGAIN && rc != -ENOENT && rc != -ESTALE && rc != -EBUSY)
		fail(what, rc);
	return rc;
}

/* The oldest that is there, or nearly: its writer stores over it next. */
static int copy_old(uint32_t field, uint64_t *words, struct cdm_info *info) {
	int rc = cdm_peek(in[field], info);
	uint64_t back = slots[field] - 2 - draw(2);
	return rc < 0 ? rc : info->version <= back ? -ENOENT
			: cdm_read_version(in[field], info->version - back, words, WORDS * sizeof(*words), info);
}

static void copy(uint32_t field) {
	static uint64_t words[WORDS];
	struct cdm_info info;
	uint32_t way = draw(4);
	int rc = way == 0 ? cdm_read(in[field], words, sizeof(words), &info)
			: way == 1 ? cdm_next(in[field], words, sizeof(words), &info) : copy_old(field, words, &info);
	if (expected("copy", rc) < 0)
		return;
	check("copied", field, words, &info);
	copied++;
}

/* Some at once, each looked at when it comes and again when it goes; its writer may die meanwhile. */
static void borrow(uint32_t field) {
	struct cdm_sample s[HELD];
	bool have[HELD];
	for (int i = 0; i < HELD; i++) {
		int rc = draw(2) ? cdm_lease(in[field], &s[i]) : cdm_lease_next(in[field], &s[i]);
		have[i] = expected("borrow", rc) >= 0;
		if (have[i])
			check("borrowed", field, s[i].data, &s[i].info);
	}
	rest_ms(draw(3));
	for (int i = 0; i < HELD; i++) {
		if (have[i])
			check("held", field, s[i].data, &s[i].info);
		borrowed += have[i];
		cdm_release(&s[i]);
	}
}

static void view(void) {
	static uint64_t words[WORDS];
	struct cdm_view_part parts[] = { { .reader = in[LEFT], .out = words, .capacity = sizeof(words) },
		{ .reader = in[RIGHT] }, { .reader = in[WAVE] } };
	if (expected("view", cdm_view(parts, 3, NULL, NULL)) < 0)
		return;
	check("copied for a view", LEFT, words, &parts[0].info);
	check("borrowed for a view", RIGHT, parts[1].sample.data, &parts[1].info);
	check("borrowed for a view", WAVE, parts[2].sample.data, &parts[2].info);
	if (parts[0].info.version != parts[1].info.version || parts[0].info.epoch != parts[1].info.epoch)
		fail("half a commit", (long)parts[0].info.version);
	cdm_release(&parts[1].sample);
	cdm_release(&parts[2].sample);
	viewed++;
}

static void tell(void) {
	if (copied + borrowed + viewed < THOUSAND)
		return;
	printf("%lu copied %lu borrowed %lu viewed\n", copied, borrowed, viewed);
	fflush(stdout);
	copied = borrowed = viewed = 0;
}

static void read_on(void) {
	for (uint32_t f = 0; f < FIELDS; f++) {
		struct cdm_field is;
		must(names[f], cdm_find(machine, names[f], &is));
		must(names[f], cdm_open(machine, names[f], &in[f]));
		slots[f] = is.slots;
	}
	for (; cdm_machine_alive(machine); rest_ms(1))
		for (int i = 0; i < LOOKS; i++) {
			copy(draw(FIELDS));
			copy(SWELL); /* its copies take longest, and nothing but their check keeps them whole */
			if (draw(4) == 0)
				borrow(draw(LENT));
			if (draw(4) == 0)
				view();
			tell();
		}
	for (uint32_t f = 0; f < FIELDS; f++)
		cdm_close(in[f]);
}

int main(int argc, char **argv) {
	const char *entity = argc > 2 ? argv[2] : NULL;
	if (argc < 2)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	seed = (uint32_t)time(NULL);
	machine = attach(argv[1], entity);
	if (entity)
		write_on(entity);
	else
		read_on();
	cdm_detach(machine);
	return 0;
}
