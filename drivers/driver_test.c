/*
 * driver_test.c - what every driver must do, asked of the module itself.  usage: driver_test MODULE.so
 *
 * The module is loaded as a host loads it.  Nothing is known of its device, so it is only asked
 * for what it says of itself, and for its refusals.
 */
#undef NDEBUG
#include <assert.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include "cadmus/driver.h"

static struct cdm_mono test_now(void) {
	return (struct cdm_mono){ 1 };
}

static void test_log(void *of, enum cdm_severity severity, const char *text) {
	(void)of, (void)severity, (void)text;
}

/* No bus, folder or number is called like this. */
static const char *nonsense(void *of, const char *key) {
	(void)of, (void)key;
	return "/nonexistent/?";
}

static void describes_itself(const struct cdm_driver *d, const char *path) {
	char file[64];
	assert(d->abi == CDM_DRIVER_ABI);
	snprintf(file, sizeof(file), "/cadmus-driver-%s.so", d->name);
	assert(strlen(path) > strlen(file) && strcmp(path + strlen(path) - strlen(file), file) == 0);
	assert(d->summary && strlen(d->summary) > 10);
	assert(d->open && d->close);
	if (d->sort == CDM_DRIVER_SENSOR)
		assert(d->fill && !d->poll);
	else
		assert(d->sort == CDM_DRIVER_DEVICE && d->poll && !d->fill);
	for (const struct cdm_driver_option *o = d->options; o && o->key; o++)
		assert(strlen(o->key) > 0 && strlen(o->key) < 28 && strlen(o->summary) > 3);
}

static void explains_its_refusals(const struct cdm_driver *d) {
	struct cdm_driver_config cfg = { .now = test_now, .log = test_log, .option = nonsense, .machine = "m",
			.entity = "e" };
	struct cdm_diag diag = { 0 };
	void *self = &cfg;
	assert(d->open(&self, &cfg, &diag) < 0 && self == NULL);
	assert(diag.errors > 0 && diag.at[0].text[0]);
	assert(d->open(&self, &cfg, NULL) < 0 && self == NULL);
	d->close(NULL);
}

int main(int argc, char **argv) {
	assert(argc == 2);
	void *module = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (!module)
		fprintf(stderr, "%s\n", dlerror());
	assert(module);
	const struct cdm_driver *d = dlsym(module, CDM_DRIVER_SYMBOL);
	assert(d);
	describes_itself(d, argv[1]);
	explains_its_refusals(d);
	assert(!dlsym(module, "cdm_diag_add")); /* its own copy stays its own */
	printf("driver_test: %s: ok\n", d->name);
	assert(dlclose(module) == 0);
}
