// client_cpp_test.cpp - the public headers are C++ too, and the shared library links with it.
#include "cadmus/client.h"
#include "cadmus/gateway.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

int main() {
	setenv("CADMUS_RUN_DIR", "/nowhere", 1);
	auto diag = new cdm_diag{};
	cdm_machine *machine = nullptr;
	cdm_sample sample{};
	bool ok = cdm_attach("robot", &machine, diag) == -ENOENT && machine == nullptr && diag->errors == 1;
	ok = ok && cdm_dtype_size(CDM_F32) == 4 && std::strcmp(cdm_status_name(CDM_ORPHAN), "?") != 0;
	ok = ok && cdm_gateway_open(&machine, diag) == -ENOENT && machine == nullptr;
	cdm_release(&sample);
	cdm_detach(machine);
	delete diag;
	std::puts(ok ? "client_cpp_test: ok" : "client_cpp_test: wrong");
	return ok ? 0 : 1;
}
