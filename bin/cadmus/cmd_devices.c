/* cmd_devices.c - what this computer has for a machine to use. */
#include <errno.h>
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/verb.h"
#include "hal/report.h"

static int run(const struct verb_context *c, int argc, char **argv) {
	static struct hal_inventory inventory;
	static struct cdm_diag diag;
	const char *root = "";
	const struct args_option options[] = { { "--root", ARGS_TEXT, &root, 0, 0 }, { .name = NULL } };
	struct args a = { .verb = "devices", .options = options };
	if (args_take(&a, argc, argv))
		return 2;
	int rc = hal_scan(root, &inventory, &diag);
	if (rc < 0)
		return verb_failed_diag("devices", rc, &diag, "there is no such root");
	if (c->json)
		return json_print(hal_json(&inventory));
	hal_print(&inventory, stdout);
	return 0;
}

VERB(devices, "List processors, memory, accelerators, cameras, buses, meters", "[--root FOLDER]",
		"  --root FOLDER   read a recorded tree instead of this computer's /sys and /proc\n"
		"examples:\n"
		"  cadmus devices\n"
		"  cadmus devices --json | jq '.devices[] | select(.kind == \"camera\")'\n",
		run, .no_machine = true);
