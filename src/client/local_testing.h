/* local_testing.h - being somebody in a machine of cdm_local_open(), for tests; a failure is a CHECK. */
#ifndef CLIENT_LOCAL_TESTING_H
#define CLIENT_LOCAL_TESTING_H

#include "base/check.h"
#include "cadmus/client.h"

/* The machine as `who` sees it: "camera"; NULL: a client. */
static inline struct cdm_machine *be(struct cdm_local *l, const char *who) {
	struct cdm_machine *m;
	CHECK(cdm_local_attach(l, who, &m) == 0);
	return m;
}

#endif
