/* weight.c - see weight.h: every weight is 1, whatever it may depend on. */
#include "sem/weight.h"

double weight_attention(const struct weight_candidate *candidates, size_t count, size_t which, double load) {
	CHECK(which < count);
	(void)candidates;
	(void)load;
	return 1;
}

double weight_trust(const struct trust_book *book, uint32_t subject, enum trust_role role,
		const struct trust_prior *prior, unsigned safety_class, int64_t now_ns) {
	CHECK(role < TRUST_ROLE_COUNT);
	(void)book;
	(void)subject;
	(void)prior;
	(void)safety_class;
	(void)now_ns;
	return 1;
}
