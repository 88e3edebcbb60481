/* intact.c - see intact.h. */
#include "bin/cadmus/intact.h"

#include <jansson.h>
#include <unistd.h>
#include "base/clock.h"
#include "bin/cadmus/json.h"

#define SHOWN_AFTER_NS (NS_PER_S / 2) /* what is quick needs no progress */
#define SHOWN_EVERY_NS (NS_PER_S / 10)

struct progress {
	struct cdm_mono next;
	bool shown;
};

static void tell(void *user, uint64_t seq, uint64_t last) {
	struct progress *p = user;
	struct cdm_mono now = clock_mono();
	if (now.ns < p->next.ns)
		return;
	p->next.ns = now.ns + SHOWN_EVERY_NS;
	p->shown = true;
	fprintf(stderr, "\rrecord %llu of %llu, %u %%", (unsigned long long)seq, (unsigned long long)last,
			last ? (unsigned)((double)seq * 100.0 / (double)last) : 100);
}

int intact_check(const struct verb_context *c, const char *verb, struct journal_reader *r, struct journal_report *out) {
	static struct cdm_diag diag;
	struct progress p = { { clock_mono().ns + SHOWN_AFTER_NS }, false };
	bool terminal = !c->json && isatty(STDERR_FILENO);
	int rc = journal_verify_telling(r, out, &diag, terminal ? tell : NULL, &p);
	if (p.shown)
		fprintf(stderr, "\r%*s\r", 60, "");
	return rc == 0 ? 0 : verb_failed_diag(verb, rc, &diag, "the journal is damaged");
}

int intact_show(const struct verb_context *c, const char *verb, struct journal_reader *r) {
	struct journal_report report = { 0 };
	char head[HASH_TEXT_MAX];
	int code = intact_check(c, verb, r, &report);
	hash_text(&report.head, 64, head);
	if (c->json)
		json_print(json_pack("{s:b,s:I,s:I,s:I,s:I,s:s,s:I}", "intact", code == 0, "records",
				(json_int_t)report.records, "erased", (json_int_t)report.erased, "let_go",
				(json_int_t)report.removed, "snapshots", (json_int_t)report.snapshots, "head", head,
				"first_bad", (json_int_t)report.first_bad));
	else if (code == 0)
		printf("%llu records, the chain is whole (%llu erased, %llu let go), %llu snapshots are as they were\n"
		       "head %s\n", (unsigned long long)report.records, (unsigned long long)report.erased,
				(unsigned long long)report.removed, (unsigned long long)report.snapshots, head);
	return code;
}
