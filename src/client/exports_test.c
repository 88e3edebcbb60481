/* exports_test.c - libcadmus.so shows cdm_ names and nothing else, and its ABI.  usage: exports_test LIBRARY */
#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "base/check.h"
#include "cadmus/client.h"

static const char *const shown[] = {
	"cdm_abi_version", "cdm_dlpack", "cdm_attach", "cdm_expect", "cdm_detach", "cdm_machine_name",
	"cdm_machine_alive", "cdm_interrupt", "cdm_entity_name", "cdm_field_count", "cdm_describe", "cdm_find",
	"cdm_open", "cdm_close", "cdm_read", "cdm_next", "cdm_read_at", "cdm_skip", "cdm_missed", "cdm_lease",
	"cdm_lease_next", "cdm_release", "cdm_wait", "cdm_wait_any", "cdm_control_open", "cdm_control_close",
	"cdm_control_fd", "cdm_control_send", "cdm_control_receive", "cdm_dtype_size", "cdm_dtype_name",
	"cdm_status_name", "cdm_diag_add", "cdm_peek", "cdm_process_count", "cdm_process_at",
	"cdm_process_role_name", "cdm_process_state_name", "cdm_counter_count", "cdm_counter_name",
	"cdm_counter_text", "cdm_counter", "cdm_option", "cdm_model_count", "cdm_model_name", "cdm_gateway_open",
	"cdm_gateway_entity", "cdm_gateway_ready", "cdm_gateway_failed", "cdm_gateway_channel", "cdm_gateway_wait",
	"cdm_attach_as", "cdm_writer_open", "cdm_writer_close", "cdm_derive", "cdm_loan", "cdm_publish",
	"cdm_abandon", "cdm_write", "cdm_group_open", "cdm_group_close", "cdm_group_count", "cdm_group_field",
	"cdm_group_derive", "cdm_group_loan", "cdm_group_publish", "cdm_group_abandon", "cdm_view", "cdm_fd",
	"cdm_view_reason_name", "cdm_tally_at", "cdm_field_counts", "cdm_error_at", "cdm_report",
	"cdm_events_open", "cdm_events_close", "cdm_events_filter", "cdm_events_skip", "cdm_events_next",
	"cdm_events_wait", "cdm_events_fd", "cdm_events_missed", "cdm_event_kind", "cdm_event_kind_name",
	"cdm_event_kind_text", "cdm_note", "cdm_local_open", "cdm_local_close", "cdm_local_attach",
	"cdm_local_die", "cdm_read_version", "cdm_left", "cdm_plan" };

/* What the loader has of the library. */
struct tables {
	const char *strings, *soname;
	const ElfW(Sym) *symbols;
	const uint32_t *hash, *gnu_hash; /* NULL: it has none of that sort */
};

static struct tables tables_of(void *library) {
	struct tables t = { .strings = NULL };
	struct link_map *map;
	ElfW(Xword) soname = 0;
	CHECK(dlinfo(library, RTLD_DI_LINKMAP, &map) == 0);
	for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++)
		switch (d->d_tag) {
		case DT_STRTAB: t.strings = (const char *)d->d_un.d_ptr; break;
		case DT_SYMTAB: t.symbols = (const ElfW(Sym) *)d->d_un.d_ptr; break;
		case DT_HASH: t.hash = (const uint32_t *)d->d_un.d_ptr; break;
		case DT_GNU_HASH: t.gnu_hash = (const uint32_t *)d->d_un.d_ptr; break;
		case DT_SONAME: soname = d->d_un.d_val; break;
		default: break;
		}
	CHECK(t.strings && t.symbols && soname);
	t.soname = t.strings + soname;
	return t;
}

/* How many symbols there are: the last chain of the last bucket ends with the last one. */
static uint32_t symbol_count(const struct tables *t) {
	if (t->hash)
		return t->hash[1];
	CHECK(t->gnu_hash);
	uint32_t buckets = t->gnu_hash[0], first = t->gnu_hash[1], bloom = t->gnu_hash[2], last = 0;
	const uint32_t *bucket = t->gnu_hash + 4 + bloom * sizeof(ElfW(Addr)) / 4, *chain = bucket + buckets;
	for (uint32_t i = 0; i < buckets; i++)
		last = bucket[i] > last ? bucket[i] : last;
	if (last < first)
		return first;
	while (!(chain[last - first] & 1))
		last++;
	return last + 1;
}

static bool is_listed(const char *name) {
	for (size_t i = 0; i < COUNT_OF(shown); i++)
		if (strcmp(shown[i], name) == 0)
			return true;
	return false;
}

/* All that it defines is in the list, and as much as that. */
static void check_symbols(const struct tables *t) {
	uint32_t count = symbol_count(t), defined = 0, strange = 0;
	for (uint32_t i = 1; i < count; i++) {
		const char *name = t->strings + t->symbols[i].st_name;
		if (t->symbols[i].st_shndx == SHN_UNDEF)
			continue;
		defined++;
		if (is_listed(name))
			continue;
		strange++;
		fprintf(stderr, "%s is shown, and is not in the list\n", name);
	}
	CHECK(strange == 0 && defined == COUNT_OF(shown));
}

static void check_version(void *library, const char *soname) {
	char expected[32];
	uint32_t (*version)(void);
	*(void **)&version = dlsym(library, "cdm_abi_version");
	CHECK(version && version() == CDM_ABI_VERSION);
	snprintf(expected, sizeof(expected), "libcadmus.so.%d", CDM_ABI_VERSION);
	CHECK(strcmp(soname, expected) == 0);
}

int main(int argc, char **argv) {
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
	struct tables tables = tables_of(library);
	check_symbols(&tables);
	check_version(library, tables.soname);
	dlclose(library);
	puts("exports_test: ok");
}
