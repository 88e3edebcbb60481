/* cmd_devices.c - what this computer has for a machine to use. */
#include <string.h>
#include "bin/cadmus/json.h"
#include "bin/cadmus/verb.h"
#include "hal/report.h"

static int run(const struct verb_context *c, int argc, char **argv) {
	static struct hal_inventory inventory;
	static struct cdm_diag diag;
	const char *root = "";
	if (argc == 3 && strcmp(argv[1], "--root") == 0)
		root = argv[2];
	else if (argc != 1)
		return verb_wrong("devices", "'%s' is not understood", argv[1]);
	if (hal_scan(root, &inventory, &diag) < 0)
		return verb_failed("devices", "%s", diag.count ? diag.at[0].text : "there is no such root");
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
		run);
