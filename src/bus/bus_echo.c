/*
 * bus_echo.c - half of bus_python_test.py: answers each frame with one of its own.
 *
 * usage: bus_echo ADDRESS    prints the resolved address, then sends back every frame with bit 0 of its
 * id turned and its data bytes turned around; a remote frame ends it.
 */
#include "cadmus/bus.h"

#include <poll.h>
#include <stdio.h>

static struct cdm_frame answer_to(const struct cdm_frame *f) {
	struct cdm_frame a = *f;
	a.id ^= 1;
	for (unsigned i = 0; i < f->length && i < 8; i++)
		a.data[i] = f->data[f->length - 1 - i];
	return a;
}

int main(int argc, char **argv) {
	struct cdm_diag diag = { 0 };
	struct cdm_bus *bus;
	if (argc != 2 || cdm_bus_open(&bus, argv[1], argv[0], &diag) < 0) {
		fprintf(stderr, "bus_echo: %s\n", diag.count ? diag.at[0].text : "usage: bus_echo ADDRESS");
		return 1;
	}
	puts(cdm_bus_address(bus));
	fflush(stdout);
	for (struct cdm_frame f = { 0 }; !(f.flags & CDM_FRAME_REMOTE);) {
		struct pollfd p = { cdm_bus_fd(bus), POLLIN, 0 };
		if (poll(&p, 1, 20000) != 1)
			return 1;
		if (cdm_bus_receive(bus, &f) < 0)
			continue;
		struct cdm_frame a = answer_to(&f);
		if (cdm_bus_send(bus, &a) < 0)
			return 1;
	}
	cdm_bus_close(&bus);
	return 0;
}
