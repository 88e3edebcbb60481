/*
 * devices.c - devices by their class in sysfs: one row of a table per class, one function for what
 * is special to it.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hal/hal_priv.h"

#define ARPHRD_CAN 280

/* Where a class stands and how its members are called: PREFIX followed by a number, or anything ("*"). */
struct device_class {
	enum hal_kind kind;
	const char *folder, *prefix, *node; /* node: folder of the device file, or NULL */
	bool (*fill)(const char *root, const struct device_class *c, const char *name,
			struct hal_device *d);
};

/* ---- what all have in common ---- */

static bool matches(const char *prefix, const char *name) {
	size_t n = strlen(prefix);
	if (strcmp(prefix, "*") == 0)
		return true;
	if (strncmp(name, prefix, n) != 0 || !name[n])
		return false;
	for (const char *p = name + n; *p; p++)
		if (!isdigit((unsigned char)*p))
			return false;
	return true;
}

static void fill_common(const char *root, const struct device_class *c, const char *name,
		struct hal_device *d) {
	int64_t numa;
	snprintf(d->path, sizeof(d->path), "%s/%s", c->folder, name);
	if (c->node)
		snprintf(d->node, sizeof(d->node), "%.30s/%.30s", c->node, name);
	sysfs_link(root, d->place, sizeof(d->place), "%s/device", d->path);
	sysfs_link(root, d->driver, sizeof(d->driver), "%s/device/driver", d->path);
	if (sysfs_number(root, &numa, "%s/device/numa_node", d->path) >= 0 && numa >= 0)
		d->numa = (int)numa;
}

static void append(char *out, size_t capacity, const char *separator, const char *text) {
	size_t n = strlen(out);
	if (n + strlen(separator) + strlen(text) < capacity)
		snprintf(out + n, capacity - n, "%s%s", n ? separator : "", text);
}

/* ---- graphics and accelerators ---- */

static const char *vendor_name(int64_t id) {
	static const struct {
		int64_t id;
		const char *name;
	} vendors[] = {
		{ 0x8086, "Intel" },
		{ 0x10de, "NVIDIA" },
		{ 0x1002, "AMD" },
		{ 0x1022, "AMD" },
		{ 0x1af4, "virtio" },
		{ 0x1234, "QEMU" },
		{ 0x1ae0, "Google" },
		{ 0x1e60, "Hailo" },
		{ 0x106b, "Apple" },
		{ 0x1d0f, "Amazon" },
	};
	for (size_t k = 0; k < COUNT_OF(vendors); k++)
		if (vendors[k].id == id)
			return vendors[k].name;
	return "PCI vendor";
}

/* "Intel 8086:9a49", or what the device tree calls it. */
static void name_processor(const char *root, const char *device, struct hal_device *d) {
	int64_t vendor, id;
	if (sysfs_number(root, &vendor, "%s/vendor", device) >= 0 &&
			sysfs_number(root, &id, "%s/device", device) >= 0)
		snprintf(d->name, sizeof(d->name), "%s %04llx:%04llx", vendor_name(vendor),
				(long long)vendor & 0xffff, (long long)id & 0xffff);
	else
		sysfs_text(root, d->name, sizeof(d->name), "%s/of_node/compatible", device);
}

/* The proprietary driver tells the model's name elsewhere. */
static void ask_nvidia(const char *root, struct hal_device *d) {
	char line[96];
	if (sysfs_text(root, line, sizeof(line), "proc/driver/nvidia/gpus/%s/information",
			    d->place) > 0 &&
			strncmp(line, "Model:", 6) == 0)
		snprintf(d->name, sizeof(d->name), "%.60s", line + 6 + strspn(line + 6, " \t"));
}

static void add_memory(const char *root, struct hal_device *d) {
	int64_t bytes;
	char text[40];
	if (sysfs_number(root, &bytes, "%s/device/mem_info_vram_total", d->path) < 0)
		return;
	snprintf(text, sizeof(text), "%lld MiB", (long long)(bytes >> 20));
	append(d->detail, sizeof(d->detail), ", ", text);
}

static bool fill_gpu(const char *root, const struct device_class *c, const char *name,
		struct hal_device *d) {
	char device[160];
	struct sysfs_names nodes;
	(void)c, (void)name;
	snprintf(device, sizeof(device), "%s/device", d->path);
	name_processor(root, device, d);
	ask_nvidia(root, d);
	sysfs_list(root, &nodes, "%s/drm", device);
	for (uint32_t k = 0; k < nodes.count; k++)
		if (matches("renderD", nodes.at[k]))
			snprintf(d->detail, sizeof(d->detail), "computes by /dev/dri/%s",
					nodes.at[k]);
	add_memory(root, d);
	return true;
}

static bool fill_accelerator(const char *root, const struct device_class *c, const char *name,
		struct hal_device *d) {
	char device[160];
	(void)c, (void)name;
	snprintf(device, sizeof(device), "%s/device", d->path);
	name_processor(root, device, d);
	return true;
}

/* On the PCI bus, those that no class above has: display controllers (03) and accelerators (12). */
static bool fill_pci(const char *root, const struct device_class *c, const char *name,
		struct hal_device *d) {
	int64_t class;
	if (sysfs_number(root, &class, "%s/class", d->path) < 0 || class >> 16 != (c->kind == HAL_GPU ? 0x03 : 0x12))
		return false;
	if (sysfs_exists(root, "%s/drm", d->path) || sysfs_exists(root, "%s/accel", d->path) ||
			sysfs_exists(root, "%s/apex", d->path) ||
			sysfs_exists(root, "%s/hailo_chardev", d->path))
		return false;
	snprintf(d->place, sizeof(d->place), "%.31s", name);
	sysfs_link(root, d->driver, sizeof(d->driver), "%s/driver", d->path);
	name_processor(root, d->path, d);
	ask_nvidia(root, d);
	if (!d->driver[0])
		snprintf(d->problem, sizeof(d->problem), "no driver is bound to it");
	return true;
}

/* ---- senses ---- */

/* A camera has several nodes: the one with index 0 gives pictures, others tell about them. */
static bool fill_camera(const char *root, const struct device_class *c, const char *name,
		struct hal_device *d) {
	int64_t index;
	(void)c, (void)name;
	sysfs_text(root, d->name, sizeof(d->name), "%s/name", d->path);
	return sysfs_number(root, &index, "%s/index", d->path) < 0 || index == 0;
}

/* "accel_x" of "in_accel_x_raw"; false for other files. */
static bool channel_of(const char *file, char out[SYSFS_NAME_MAX]) {
	size_t n = strlen(file);
	bool raw = n > 7 && strcmp(file + n - 4, "_raw") == 0,
	     input = n > 9 && strcmp(file + n - 6, "_input") == 0;
	if (strncmp(file, "in_", 3) != 0 || (!raw && !input))
		return false;
	snprintf(out, SYSFS_NAME_MAX, "%.*s", (int)(n - 3 - (raw ? 4 : 6)), file + 3);
	return true;
}

static bool fill_iio(const char *root, const struct device_class *c, const char *name,
		struct hal_device *d) {
	struct sysfs_names files;
	char channel[SYSFS_NAME_MAX];
	(void)c, (void)name;
	d->place[0] = 0;
	sysfs_text(root, d->name, sizeof(d->name), "%s/name", d->path);
	sysfs_list(root, &files, "%s", d->path);
	for (uint32_t k = 0; k < files.count; k++)
		if (channel_of(files.at[k], channel))
			append(d->detail, sizeof(d->detail), " ", channel);
	return true;
}

static bool fill_audio(const char *root, const struct device_class *c, const char *name,
		struct hal_device *d) {
	struct sysfs_names files;
	unsigned plays = 0, hears = 0;
	(void)c;
	sysfs_text(root, d->name, sizeof(d->name), "%s/id", d->path);
	snprintf(d->node, sizeof(d->node), "hw:%.20s", name + strlen("card"));
	sysfs_list(root, &files, "%s", d->path);
	for (uint32_t k = 0; k < files.count; k++) {
		size_t n = strlen(files.at[k]);
		if (strncmp(files.at[k], "pcmC", 4) != 0)
			continue;
		plays += files.at[k][n - 1] == 'p';
		hears += files.at[k][n - 1] == 'c';
	}
	snprintf(d->detail, sizeof(d->detail), "%u playback, %u capture", plays, hears);
	return true;
}

static bool fill_can(const char *root, const struct device_class *c, const char *name,
		struct hal_device *d) {
	int64_t type;
	char state[24];
	(void)c;
	if (sysfs_number(root, &type, "%s/type", d->path) < 0 || type != ARPHRD_CAN)
		return false;
	snprintf(d->name, sizeof(d->name), "%.60s", name);
	snprintf(d->node, sizeof(d->node), "%.60s", name);
	sysfs_text(root, state, sizeof(state), "%s/operstate", d->path);
	snprintf(d->detail, sizeof(d->detail), "%s%s", state[0] ? "is " : "", state);
	if (strcmp(state, "down") == 0)
		snprintf(d->problem, sizeof(d->problem),
				"down: ip link set %.15s up type can bitrate ...", name);
	return true;
}

static const struct device_class classes[] = {
	{ HAL_GPU, "sys/class/drm", "card", "/dev/dri", fill_gpu },
	{ HAL_GPU, "sys/bus/pci/devices", "*", NULL, fill_pci },
	{ HAL_ACCELERATOR, "sys/class/accel", "accel", "/dev/accel", fill_accelerator },
	{ HAL_ACCELERATOR, "sys/class/apex", "apex_", "/dev", fill_accelerator },
	{ HAL_ACCELERATOR, "sys/class/hailo_chardev", "hailo", "/dev", fill_accelerator },
	{ HAL_ACCELERATOR, "sys/bus/pci/devices", "*", NULL, fill_pci },
	{ HAL_CAMERA, "sys/class/video4linux", "video", "/dev", fill_camera },
	{ HAL_IIO, "sys/bus/iio/devices", "iio:device", "/dev", fill_iio },
	{ HAL_AUDIO, "sys/class/sound", "card", NULL, fill_audio },
	{ HAL_CAN, "sys/class/net", "*", NULL, fill_can },
};

void devices_scan(const char *root, struct hal_inventory *i) {
	struct sysfs_names names;
	for (size_t k = 0; k < COUNT_OF(classes); k++) {
		const struct device_class *c = &classes[k];
		sysfs_list(root, &names, "%s", c->folder);
		for (uint32_t n = 0; n < names.count; n++) {
			struct hal_device *d = matches(c->prefix, names.at[n]) ? inventory_add(i, c->kind) : NULL;
			if (!d)
				continue;
			fill_common(root, c, names.at[n], d);
			if (!c->fill(root, c, names.at[n], d))
				inventory_drop(i);
		}
	}
}
