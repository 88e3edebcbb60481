/* exports_test.c - libcadmus.so shows cdm_ names and nothing else, and its ABI.  usage: exports_test LIBRARY */
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include "base/check.h"
#include "cadmus/client.h"

/* DT_SONAME of what dlopen() gave. */
static const char *soname(void *library) {
	struct link_map *map;
	const char *strings = NULL;
	ElfW(Xword) at = 0;
	CHECK(dlinfo(library, RTLD_DI_LINKMAP, &map) == 0);
	for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_STRTAB)
			strings = (const char *)d->d_un.d_ptr;
		if (d->d_tag == DT_SONAME)
			at = d->d_un.d_val;
	}
	CHECK(strings && at);
	return strings + at;
}

static void check_version(void *library) {
	char expected[32];
	uint32_t (*version)(void);
	*(void **)&version = dlsym(library, "cdm_abi_version");
	CHECK(version && version() == CDM_ABI_VERSION);
	snprintf(expected, sizeof(expected), "libcadmus.so.%d", CDM_ABI_VERSION);
	CHECK(strcmp(soname(library), expected) == 0);
}

int main(int argc, char **argv) {
	static const char *const shown[] = { "cdm_abi_version", "cdm_dlpack",
		"cdm_attach", "cdm_expect", "cdm_detach", "cdm_machine_name", "cdm_machine_alive",
		"cdm_interrupt", "cdm_entity_name", "cdm_field_count", "cdm_describe", "cdm_find", "cdm_open",
		"cdm_close", "cdm_read", "cdm_next", "cdm_read_at", "cdm_skip", "cdm_missed", "cdm_lease",
		"cdm_lease_next", "cdm_release", "cdm_wait", "cdm_wait_any", "cdm_control_open", "cdm_control_close",
		"cdm_control_fd", "cdm_control_send", "cdm_control_receive", "cdm_dtype_size", "cdm_dtype_name",
		"cdm_status_name", "cdm_diag_add", "cdm_peek", "cdm_process_count", "cdm_process_at",
		"cdm_process_role_name", "cdm_process_state_name", "cdm_counter_count", "cdm_counter_name",
		"cdm_counter_text", "cdm_counter", "cdm_option", "cdm_model_count", "cdm_model_name",
		"cdm_gateway_open", "cdm_gateway_entity", "cdm_gateway_ready", "cdm_gateway_failed",
		"cdm_gateway_channel", "cdm_gateway_wait", "cdm_attach_as", "cdm_writer_open", "cdm_writer_close",
		"cdm_derive", "cdm_loan", "cdm_publish", "cdm_abandon", "cdm_write",
		"cdm_group_open", "cdm_group_close", "cdm_group_count", "cdm_group_field", "cdm_group_derive",
		"cdm_group_loan", "cdm_group_publish", "cdm_group_abandon", "cdm_view", "cdm_fd",
		"cdm_view_reason_name", "cdm_tally_at", "cdm_field_counts", "cdm_error_at", "cdm_report",
		"cdm_events_open", "cdm_events_close", "cdm_events_filter", "cdm_events_skip", "cdm_events_next",
		"cdm_events_wait", "cdm_events_fd",
		"cdm_events_missed", "cdm_event_kind", "cdm_event_kind_name", "cdm_event_kind_text",
		"cdm_note", "cdm_local_open", "cdm_local_close", "cdm_local_attach", "cdm_local_die",
		"cdm_read_version", "cdm_left" };
	static const char *const hidden[] = { "seat_attach", "field_read", "plan_verify", "io_send", "check_failed",
		"peers_replace", "control_connect", "clock_mono" };
	CHECK(argc == 2);
	void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (!library)
		fprintf(stderr, "%s\n", dlerror());
	CHECK(library);
	for (size_t i = 0; i < COUNT_OF(shown); i++) {
		void *symbol = dlsym(library, shown[i]);
		if (!symbol)
			fprintf(stderr, "%s\n", dlerror());
		CHECK(symbol);
	}
	for (size_t i = 0; i < COUNT_OF(hidden); i++)
		CHECK(!dlsym(library, hidden[i]));
	check_version(library);
	dlclose(library);
	puts("exports_test: ok");
}
