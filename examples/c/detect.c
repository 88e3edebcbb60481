/*
 * detect.c - a model of your own for a running machine: it looks at what a camera sees, and says where it is bright.
 *
 *     gcc detect.c -o detect $(pkg-config --cflags --libs cadmus)
 *     cadmus run --detach ../python/eye.cdl.yaml && ./detect
 */
#include <cadmus/client.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WIDTH 512
#define HEIGHT 512

static int light(const unsigned char *picture, int x, int y) {
	return picture[3 * (y * WIDTH + x) + 1]; /* green is most of it */
}

/* A row of `found` is x, y, w, h in 0..1 of the picture, score, 0.  Put your model here. */
static void look(const unsigned char *picture, float found[8][6]) {
	int darkest = 255, brightest = 0, left = WIDTH, right = 0, top = HEIGHT, bottom = 0;
	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++) {
			int l = light(picture, x, y);
			darkest = l < darkest ? l : darkest;
			brightest = l > brightest ? l : brightest;
		}
	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++) {
			if (10 * (light(picture, x, y) - darkest) < 9 * (brightest - darkest))
				continue;
			left = x < left ? x : left;
			right = x > right ? x : right;
			top = y < top ? y : top;
			bottom = y > bottom ? y : bottom;
		}
	const float one[6] = { (float)left / WIDTH, (float)top / HEIGHT, (float)(right - left + 1) / WIDTH,
		(float)(bottom - top + 1) / HEIGHT, (float)(brightest - darkest) / 255, 0 };
	memset(found, 0, 8 * sizeof(found[0]));
	memcpy(found[0], one, sizeof(one));
}

/* Until the machine has ended: a camera that dies comes back, and is waited for. */
static int watch(struct cdm_reader *camera, struct cdm_writer *lights) {
	int rc;
	while ((rc = cdm_wait(camera, -1)) == 0 || rc == -EOWNERDEAD) {
		struct cdm_sample frame; /* where it stands in the camera's memory, without a copy */
		float found[8][6];
		if (rc < 0 || cdm_lease(camera, &frame) < 0)
			continue;
		if (frame.info.bytes == WIDTH * HEIGHT * 3) {
			look(frame.data, found);
			cdm_write(lights, found, sizeof(found), NULL);
		}
		cdm_release(&frame);
	}
	return rc;
}

static int complain(const char *what, int rc, const struct cdm_diag *diag) {
	fprintf(stderr, "detect: %s: %s\n", what, diag->count ? diag->at[0].text : strerror(-rc));
	return 1;
}

int main(void) {
	static struct cdm_diag diag;
	struct cdm_machine *machine;
	struct cdm_reader *camera;
	struct cdm_writer *lights;
	int rc = cdm_attach_as("eye", "finder", -1, &machine, &diag);
	if (rc < 0)
		return complain("cannot attach", rc, &diag);
	if ((rc = cdm_expect(machine, "camera.frame", "u8[512,512,3]", &diag)) < 0 ||
			(rc = cdm_expect(machine, "lights", "f32[8,6]", &diag)) < 0)
		return complain("not what this was written for", rc, &diag);
	if ((rc = cdm_open(machine, "camera.frame", &camera)) < 0 ||
			(rc = cdm_writer_open(machine, "lights", &lights)) < 0 ||
			(rc = cdm_derive(lights, camera)) < 0) /* as old, and at most as trusted, as its picture */
		return complain("cannot open", rc, &diag);
	rc = watch(camera, lights);
	cdm_writer_close(lights);
	cdm_close(camera);
	cdm_detach(machine);
	return rc == -ECONNREFUSED ? 0 : complain("cannot wait", rc, &diag);
}
