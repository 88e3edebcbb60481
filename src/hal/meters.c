/*
 * meters.c - what tells energy, power and temperature: powercap (RAPL), hwmon, batteries, thermal zones.
 *
 * A meter's path is the file that is read; the unit says how it is scaled.  Shunt monitors (INA3221 and
 * its like) tell voltage and current apart: their path is the current's, and power is the product.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include "hal/hal_priv.h"

static double scale_of(const char *unit) {
	return strcmp(unit, "Cel") == 0 ? 1e-3 : 1e-6; /* the kernel counts millidegrees, microwatts, microjoules */
}

/* Voltage in mV that belongs to ".../curr3_input", which is in mA. */
static int read_voltage(const char *root, const char *path, int64_t *mv) {
	const char *name = strrchr(path, '/') + 1;
	return sysfs_number(root, mv, "%.*sin%s", (int)(name - path), path, name + strlen("curr"));
}

int hal_read_value(const char *root, struct hal_device *d) {
	int64_t v = 0, mv = 0;
	if (!d->unit[0])
		return -ENOTSUP;
	d->has_value = false;
	int rc = sysfs_number(root, &v, "%s", d->path);
	double value = (double)v * scale_of(d->unit);
	if (rc >= 0 && strncmp(strrchr(d->path, '/') + 1, "curr", 4) == 0) {
		rc = read_voltage(root, d->path, &mv);
		value = (double)v * (double)mv * 1e-6;
	}
	if (rc < 0)
		return rc == -EACCES ? -EACCES : -ENODEV;
	d->value = value;
	d->has_value = true;
	return 0;
}

static void add(const char *root, struct hal_inventory *i, enum hal_kind kind, const char *unit,
		const char *name, const char *driver, const char *path) {
	struct hal_device *d = inventory_add(i, kind);
	if (!d)
		return;
	snprintf(d->name, sizeof(d->name), "%.63s", name);
	snprintf(d->driver, sizeof(d->driver), "%.31s", driver);
	snprintf(d->path, sizeof(d->path), "%.127s", path);
	snprintf(d->unit, sizeof(d->unit), "%.7s", unit);
	int rc = hal_read_value(root, d);
	if (rc < 0)
		snprintf(d->problem, sizeof(d->problem), rc == -EACCES ? "readable by root only" : "cannot be read");
}

/* ---- powercap: running sums of energy ---- */

static void scan_powercap(const char *root, struct hal_inventory *i) {
	struct sysfs_names names;
	char name[48], path[128];
	sysfs_list(root, &names, "sys/class/powercap");
	for (uint32_t k = 0; k < names.count; k++) {
		if (!sysfs_exists(root, "sys/class/powercap/%s/energy_uj", names.at[k]))
			continue;
		sysfs_text(root, name, sizeof(name), "sys/class/powercap/%s/name", names.at[k]);
		snprintf(path, sizeof(path), "sys/class/powercap/%s/energy_uj", names.at[k]);
		add(root, i, HAL_ENERGY, "J", name, names.at[k], path);
	}
}

/* ---- hwmon ---- */

/* Does the file look like a value, and of what unit?  "" when not. */
static const char *unit_of(const char *file) {
	if (fnmatch("power*_input", file, 0) == 0 || fnmatch("power*_average", file, 0) == 0)
		return "W";
	if (fnmatch("energy*_input", file, 0) == 0)
		return "J";
	if (fnmatch("curr*_input", file, 0) == 0)
		return "W"; /* if there is a voltage too */
	return strcmp(file, "temp1_input") == 0 ? "Cel" : "";
}

/* What a sensor's channel is called: its label, or the file's name without its end. */
static void label_of(const char *root, const char *folder, const char *file, char *out,
		size_t capacity) {
	char stem[32];
	snprintf(stem, sizeof(stem), "%.*s", (int)strcspn(file, "_"), file);
	if (sysfs_text(root, out, capacity, "%s/%s_label", folder, stem) > 0)
		return;
	if (strncmp(stem, "curr", 4) == 0 &&
			sysfs_text(root, out, capacity, "%s/in%s_label", folder, stem + 4) > 0)
		return;
	snprintf(out, capacity, "%s", stem);
}

static void scan_hwmon_file(const char *root, struct hal_inventory *i, const char *folder,
		const char *driver, const char *file) {
	char label[40], name[64], path[128];
	const char *unit = unit_of(file);
	int64_t mv;
	snprintf(path, sizeof(path), "%s/%.60s", folder, file);
	if (!unit[0] || (strncmp(file, "curr", 4) == 0 && read_voltage(root, path, &mv) < 0))
		return;
	label_of(root, folder, file, label, sizeof(label));
	snprintf(name, sizeof(name), "%.20s %s", driver, label);
	add(root, i, strcmp(unit, "Cel") == 0 ? HAL_THERMAL : HAL_ENERGY, unit, name, driver, path);
}

static void scan_hwmon(const char *root, struct hal_inventory *i) {
	struct sysfs_names names, files;
	char folder[64], driver[32];
	sysfs_list(root, &names, "sys/class/hwmon");
	for (uint32_t k = 0; k < names.count; k++) {
		snprintf(folder, sizeof(folder), "sys/class/hwmon/%.40s", names.at[k]);
		sysfs_text(root, driver, sizeof(driver), "%s/name", folder);
		sysfs_list(root, &files, "%s", folder);
		for (uint32_t f = 0; f < files.count; f++)
			scan_hwmon_file(root, i, folder, driver, files.at[f]);
	}
}

/* ---- batteries and thermal zones ---- */

static void scan_batteries(const char *root, struct hal_inventory *i) {
	struct sysfs_names names;
	char type[16], path[128];
	sysfs_list(root, &names, "sys/class/power_supply");
	for (uint32_t k = 0; k < names.count; k++) {
		sysfs_text(root, type, sizeof(type), "sys/class/power_supply/%s/type", names.at[k]);
		if (strcmp(type, "Battery") != 0 ||
				!sysfs_exists(root, "sys/class/power_supply/%s/power_now",
						names.at[k]))
			continue;
		snprintf(path, sizeof(path), "sys/class/power_supply/%s/power_now", names.at[k]);
		add(root, i, HAL_ENERGY, "W", names.at[k], "battery", path);
	}
}

static void scan_thermal(const char *root, struct hal_inventory *i) {
	struct sysfs_names names;
	char type[48], path[128];
	sysfs_list(root, &names, "sys/class/thermal");
	for (uint32_t k = 0; k < names.count; k++) {
		if (strncmp(names.at[k], "thermal_zone", 12) != 0)
			continue;
		sysfs_text(root, type, sizeof(type), "sys/class/thermal/%s/type", names.at[k]);
		snprintf(path, sizeof(path), "sys/class/thermal/%s/temp", names.at[k]);
		add(root, i, HAL_THERMAL, "Cel", type, names.at[k], path);
	}
}

void meters_scan(const char *root, struct hal_inventory *i) {
	scan_powercap(root, i);
	scan_hwmon(root, i);
	scan_batteries(root, i);
	scan_thermal(root, i);
}
