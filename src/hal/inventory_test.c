/*
 * inventory_test.c - recorded trees of three machines, odd trees, and the machine we run on.
 *
 * testdata/NAME.tree has a line per file: "path = text" (\n and \t as written in C), "path -> target" for
 * a link, "path/" for a folder, "path ! mode" for a file that cannot be read as it should.
 */
#include "hal/inventory.h"

#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/io.h"
#include "hal/report.h"

static char root[64];
static struct hal_inventory inv;
static struct cdm_diag diag;

/* ---- trees ---- */

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *f) {
	(void)s, (void)type, (void)f;
	return remove(path);
}

static void fresh_root(void) {
	if (root[0])
		nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	strcpy(root, "/tmp/cadmus-hal-XXXXXX");
	CHECK(mkdtemp(root) != NULL);
}

static char unescaped(const char *s) {
	return *s != '\\' ? *s : s[1] == 'n' ? '\n' : '\t';
}

static void unescape(char *s) {
	char *out = s;
	for (; *s; s++) {
		char c = unescaped(s);
		s += *s == '\\';
		*out++ = c;
	}
	*out = 0;
}

static void place(const char *path, const char *text) {
	char full[512], folder[512];
	snprintf(full, sizeof(full), "%s/%s", root, path);
	snprintf(folder, sizeof(folder), "%s", full);
	*strrchr(folder, '/') = 0;
	CHECK(io_make_dirs(folder) == 0);
	FILE *f = fopen(full, "w");
	CHECK(f && fputs(text, f) >= 0 && fputc('\n', f) == '\n' && fclose(f) == 0);
}

static void place_line(char *line) {
	char full[512], *at;
	unescape(line);
	if ((at = strstr(line, " -> ")) != NULL) {
		*at = 0;
		snprintf(full, sizeof(full), "%s/%.400s", root, line);
		*strrchr(full, '/') = 0;
		CHECK(io_make_dirs(full) == 0);
		snprintf(full, sizeof(full), "%s/%.400s", root, line);
		CHECK(symlink(at + 4, full) == 0);
	} else if ((at = strstr(line, " = ")) != NULL) {
		*at = 0;
		place(line, at + 3);
	} else if ((at = strstr(line, " ! ")) != NULL) {
		*at = 0;
		place(line, "0"); /* root reads it all the same: the test takes it away then */
		snprintf(full, sizeof(full), "%s/%.400s", root, line);
		CHECK(chmod(full, 0) == 0);
	} else {
		snprintf(full, sizeof(full), "%s/%.400s", root, line);
		CHECK(io_make_dirs(full) == 0);
	}
}

static void unpack(const char *folder, const char *name) {
	char path[512], line[8192];
	snprintf(path, sizeof(path), "%s/%s.tree", folder, name);
	FILE *f = fopen(path, "r");
	CHECK(f != NULL);
	fresh_root();
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (line[0] && line[0] != '#')
			place_line(line);
	}
	fclose(f);
}

static void scan(void) {
	memset(&diag, 0, sizeof(diag));
	CHECK(hal_scan(root, &inv, &diag) == 0);
}

static const struct hal_device *find(enum hal_kind kind, const char *name) {
	for (uint32_t i = 0; i < inv.count; i++)
		if (inv.devices[i].kind == kind && strcmp(inv.devices[i].name, name) == 0)
			return &inv.devices[i];
	hal_print(&inv, stderr);
	fprintf(stderr, "no %s \"%s\"\n", hal_kind_text(kind), name);
	abort();
}

static int is(double a, double b) {
	return fabs(a - b) < 1e-9 * (1 + fabs(b));
}

/* ---- machines ---- */

static void knows_a_laptop(const char *data) {
	unpack(data, "laptop");
	scan();
	const struct hal_processors *p = &inv.processors;
	CHECK(p->threads == 4 && p->cores == 2 && p->packages == 1 && p->nodes == 1 &&
			strstr(p->model, "i3-1115G4"));
	CHECK(p->cache_count == 3 && p->caches[2].level == 3 && p->caches[2].bytes == 6144 << 10 &&
			p->caches[2].count == 1);
	CHECK(hal_usable_threads(p) == 4 && p->limit_milli == 0);
	CHECK(inv.memory.bytes == 7895420ull << 10 && inv.memory.available == 4210000ull << 10 &&
			inv.memory.limit == 0);
	CHECK(hal_count(&inv, HAL_GPU) == 1 && hal_count(&inv, HAL_CAMERA) == 1 &&
			hal_count(&inv, HAL_CAN) == 0);
	const struct hal_device *d = find(HAL_GPU, "Intel 8086:9a78");
	CHECK(strcmp(d->node, "/dev/dri/card0") == 0 && strcmp(d->driver, "i915") == 0 &&
			d->numa == -1);
	CHECK(strcmp(d->place, "0000:00:02.0") == 0 && strstr(d->detail, "/dev/dri/renderD128"));
	d = find(HAL_CAMERA, "Integrated_Webcam_HD: Integrate");
	CHECK(strcmp(d->node, "/dev/video0") == 0 && strcmp(d->driver, "uvcvideo") == 0);
	d = find(HAL_AUDIO, "PCH");
	CHECK(strcmp(d->node, "hw:0") == 0 && strcmp(d->detail, "2 playback, 1 capture") == 0);
	d = find(HAL_ENERGY, "core");
	CHECK(d->has_value && is(d->value, 1234.5) && strcmp(d->unit, "J") == 0);
	CHECK(is(find(HAL_ENERGY, "BAT0")->value, 7.31) &&
			is(find(HAL_THERMAL, "x86_pkg_temp")->value, 54));
	CHECK(hal_count(&inv, HAL_THERMAL) == 2 && hal_count(&inv, HAL_ENERGY) == 3);
}

/* RAPL's sums are root's alone since 2020; another uid looks at the same tree. */
static void says_what_it_may_not_read(void) {
	const struct hal_device *d = find(HAL_ENERGY, "package-0");
	if (geteuid() != 0) {
		CHECK(!d->has_value && strstr(d->problem, "root"));
		return;
	}
	CHECK(chmod(root, 0755) == 0 && seteuid(65534) == 0);
	struct hal_device again = *d;
	CHECK(hal_read_value(root, &again) == -EACCES && !again.has_value);
	CHECK(seteuid(0) == 0);
}

static void knows_a_robot(const char *data) {
	unpack(data, "robot");
	scan();
	const struct hal_processors *p = &inv.processors;
	CHECK(p->threads == 6 && p->cores == 6 && p->limit_milli == 2500 &&
			strcmp(p->model, "NVIDIA Orin Nano") == 0 && hal_usable_threads(p) == 2);
	CHECK(inv.memory.limit == 4ull << 30 && inv.memory.huge_free == 16 &&
			inv.memory.huge_page == 2 << 20);
	CHECK(strcmp(find(HAL_GPU, "nvidia,ga10b")->driver, "gk20a") == 0 &&
			hal_count(&inv, HAL_GPU) == 1);
	const struct hal_device *d = find(HAL_ACCELERATOR, "Google 1ae0:089a");
	CHECK(strcmp(d->node, "/dev/apex_0") == 0 && d->numa == 0 &&
			strcmp(d->driver, "apex") == 0);
	d = find(HAL_ACCELERATOR, "Hailo 1e60:2864");
	CHECK(!d->node[0] && strstr(d->problem, "no driver") &&
			hal_count(&inv, HAL_ACCELERATOR) == 2);
	CHECK(hal_count(&inv, HAL_CAMERA) == 3);
	CHECK(strcmp(inv.devices[3].node, "/dev/video0") == 0 &&
			strcmp(inv.devices[5].node, "/dev/video10") == 0);
	CHECK(strcmp(find(HAL_IIO, "icm42688-accel")->detail, "accel_x accel_y accel_z") == 0);
	CHECK(strcmp(find(HAL_IIO, "bme280")->node, "/dev/iio:device1") == 0 &&
			hal_count(&inv, HAL_IIO) == 2);
	d = find(HAL_CAN, "can0");
	CHECK(strcmp(d->driver, "mttcan") == 0 && strcmp(d->detail, "is up") == 0 &&
			!d->problem[0]);
	CHECK(strstr(find(HAL_CAN, "can1")->problem, "ip link set can1 up") &&
			hal_count(&inv, HAL_CAN) == 2);
	CHECK(is(find(HAL_ENERGY, "ina3221 VDD_IN")->value, 6) &&
			is(find(HAL_ENERGY, "ina3221 VDD_CPU_GPU_CV")->value, 1.984));
	CHECK(is(find(HAL_ENERGY, "ina226 power1")->value, 7.5) &&
			hal_count(&inv, HAL_ENERGY) == 3);
	CHECK(strstr(find(HAL_THERMAL, "broken-thermal")->problem, "cannot be read"));
}

static void reads_meters_again(void) {
	struct hal_device d = *find(HAL_ENERGY, "ina226 power1"),
			  shunt = *find(HAL_ENERGY, "ina3221 VDD_IN");
	place("sys/class/hwmon/hwmon2/power1_input", "8000000");
	CHECK(hal_read_value(root, &d) == 0 && is(d.value, 8));
	place("sys/class/hwmon/hwmon2/power1_input", "nonsense");
	CHECK(hal_read_value(root, &d) == -ENODEV && !d.has_value);
	place("sys/class/hwmon/hwmon1/in1_input", "12000");
	CHECK(hal_read_value(root, &shunt) == 0 && is(shunt.value, 14.4));
	struct hal_device camera = inv.devices[3];
	CHECK(hal_read_value(root, &camera) == -ENOTSUP);
}

static void knows_a_container(const char *data) {
	unpack(data, "container");
	scan();
	CHECK(inv.processors.threads == 2 && inv.processors.limit_milli == 500 &&
			hal_usable_threads(&inv.processors) == 1);
	CHECK(inv.memory.limit == 1 << 30 && inv.count == 0 && inv.dropped == 0 &&
			diag.errors == 0);
	fresh_root(); /* nothing at all */
	scan();
	CHECK(inv.count == 0 && inv.memory.bytes == 0 && hal_usable_threads(&inv.processors) >= 1);
	CHECK(hal_scan("/nowhere/at/all", &inv, &diag) == -ENOENT && diag.errors == 1);
}

/* ---- what is odd ---- */

static void survives_odd_trees(void) {
	char path[128];
	fresh_root();
	for (int i = 0; i < HAL_DEVICES_MAX + 20; i++) {
		snprintf(path, sizeof(path), "sys/class/net/can%d/type", i);
		place(path, "280");
	}
	place("sys/class/video4linux/video0/name",
			"a \x1b[31mred\x1b[0m camera \xff with a name that is far longer than a "
			"device has room for in the list");
	place("sys/class/video4linux/video-1/name", "no number");
	place("sys/fs/cgroup/cpu.max", "-5 0");
	place("proc/meminfo", "MemTotal: lots of kB\nNotMemAvailable: 5 kB");
	scan();
	CHECK(inv.count == HAL_DEVICES_MAX && inv.dropped >= 20 &&
			inv.processors.limit_milli == 0 && inv.memory.bytes == 0);
	CHECK(hal_count(&inv, HAL_CAMERA) == 1 && inv.memory.available == 0);
	for (const char *c = inv.devices[0].name; *c; c++)
		CHECK(*c >= 0x20 && *c < 0x7f);
	json_t *j = hal_json(&inv);
	CHECK(j && json_array_size(json_object_get(j, "devices")) == HAL_DEVICES_MAX);
	CHECK(json_integer_value(json_object_get(j, "dropped")) == (json_int_t)inv.dropped);
	json_decref(j);
}

static void is_plain(const char *text) {
	for (; *text; text++)
		CHECK(*text >= 0x20 && *text < 0x7f);
}

/* Names of folders and of the processor, too, are a stranger's words. */
static void shows_nothing_raw(void) {
	fresh_root();
	place("proc/cpuinfo", "processor\t: 0\nmodel name\t: Quick\x1b[31m \xffProcessor\rX");
	place("sys/class/net/can\x1b[31m\xff/type", "280");
	place("sys/class/power_supply/BAT\xfe/type", "Battery");
	place("sys/class/power_supply/BAT\xfe/power_now", "5000000");
	scan();
	is_plain(inv.processors.model);
	CHECK(strcmp(inv.processors.model, "Quick [31m ?Processor X") == 0 && inv.count == 2);
	for (uint32_t k = 0; k < inv.count; k++) {
		const struct hal_device *d = &inv.devices[k];
		is_plain(d->name), is_plain(d->node), is_plain(d->driver), is_plain(d->place);
		is_plain(d->detail), is_plain(d->problem);
	}
	struct hal_device battery = *find(HAL_ENERGY, "BAT?");
	CHECK(hal_read_value(root, &battery) == 0 && is(battery.value, 5)); /* its path is what it was */
	json_t *j = hal_json(&inv);
	CHECK(j && json_array_size(json_object_get(j, "devices")) == 2);
	json_decref(j);
}

/* ---- how it is told ---- */

static void tells_people_and_programs(const char *data) {
	char *text = NULL;
	size_t bytes;
	unpack(data, "robot");
	scan();
	FILE *f = open_memstream(&text, &bytes);
	CHECK(f != NULL);
	hal_print(&inv, f);
	fclose(f);
	CHECK(strstr(text, "6 threads on 6 cores") && strstr(text, "may keep 2 busy") &&
			strstr(text, "ina3221 VDD_IN: 6 W"));
	CHECK(strstr(text, "48.5 °C") && strstr(text, "the control group allows 4.0 GiB") &&
			strstr(text, "/dev/apex_0"));
	free(text);
	json_t *j = hal_json(&inv);
	CHECK(j != NULL);
	CHECK(json_integer_value(json_object_get(
			      json_object_get(j, "processors"), "usable_threads")) == 2);
	json_t *devices = json_object_get(j, "devices");
	CHECK(json_array_size(devices) == inv.count);
	json_t *gpu = json_array_get(devices, 0);
	CHECK(strcmp(json_string_value(json_object_get(gpu, "kind")), "gpu") == 0 &&
			!json_object_get(gpu, "value"));
	CHECK(json_is_null(json_object_get(gpu, "problem")));
	json_decref(j);
}

static void looks_at_this_machine(void) {
	memset(&diag, 0, sizeof(diag));
	CHECK(hal_scan("", &inv, &diag) == 0 && inv.processors.threads >= 1 &&
			inv.memory.bytes > 0);
	CHECK(inv.processors.allowed >= 1 &&
			hal_usable_threads(&inv.processors) <= inv.processors.threads);
	json_t *j = hal_json(&inv);
	CHECK(j != NULL);
	json_decref(j);
	hal_print(&inv, stdout);
}

int main(int argc, char **argv) {
	CHECK(argc == 2);
	knows_a_laptop(argv[1]);
	says_what_it_may_not_read();
	knows_a_robot(argv[1]);
	reads_meters_again();
	knows_a_container(argv[1]);
	survives_odd_trees();
	shows_nothing_raw();
	tells_people_and_programs(argv[1]);
	looks_at_this_machine();
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	puts("inventory_test: ok");
}
