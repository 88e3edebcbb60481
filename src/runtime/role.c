/* role.c - see role.h. */
#include "runtime/role.h"

#include "base/log.h"

int role_run(const char *name, int (*run)(struct seat *seat)) {
	static struct cdm_diag diag;
	struct seat seat = { .fd = -1 };
	log_init(name);
	if (seat_open_inherited(&seat, &diag) < 0) {
		log_diag("no seat", &diag);
		return 1;
	}
	log_init(seat_process(&seat)->name);
	seat_log(&seat);
	int code = run(&seat);
	seat_close(&seat);
	return code;
}
