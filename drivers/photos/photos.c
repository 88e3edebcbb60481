/*
 * photos.c - a camera that looks at the photographs of a folder, one after the other.
 *
 * Every sample is decoded anew into the memory that the host lends: like a camera's, its pixels are
 * written once, by the decoder.  Its source time is the moment before decoding began.  Files are
 * read when their turn comes; all that is needed for that is allocated in open().
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cadmus/driver.h"
#include "picture.h"

#define PHOTOS_MAX 4096
#define FILE_BYTES_MAX (64 << 20)

enum order { ORDER_NAME, ORDER_RANDOM };

struct photo {
	char *name;
	bool broken;
};

struct photos {
	struct cdm_driver_config cfg;
	struct picture picture;
	struct photo *list;
	unsigned count, broken;
	int folder;
	enum order order;
	int64_t hold_ns, began_ns;
	uint8_t *file;       /* the compressed bytes of the photo that is shown */
	size_t file_room, file_bytes;
	uint64_t turn;       /* of the photo in `file`; UINT64_MAX: none */
	unsigned shown;
};

__attribute__((format(printf, 3, 4))) static int refuse(struct cdm_diag *diag, int rc,
		const char *format, ...) {
	char text[CDM_DIAG_TEXT + 1]; /* more than a message holds: it cuts between characters */
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cdm_diag_add(diag, CDM_ERROR, "D0301", "%s", text);
	return rc;
}

/* ---- files ----------------------------------------------------------------------------------- */

static int grow(struct photos *p, size_t bytes) {
	if (bytes <= p->file_room)
		return 0;
	uint8_t *more = realloc(p->file, bytes);
	if (!more)
		return -ENOMEM;
	p->file = more;
	p->file_room = bytes;
	return 0;
}

static int read_all(int fd, uint8_t *out, size_t bytes) {
	for (size_t have = 0; have < bytes;) {
		ssize_t n = read(fd, out + have, bytes - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO; /* it became shorter meanwhile */
		have += (size_t)n;
	}
	return 0;
}

/* Its bytes into p->file; `may_grow` only while opening.  -errno, or -E2BIG. */
static int load(struct photos *p, const char *name, bool may_grow) {
	struct stat s;
	int fd = openat(p->folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	int rc = fstat(fd, &s) < 0 ? -errno : !S_ISREG(s.st_mode) ? -EINVAL :
			s.st_size > FILE_BYTES_MAX ? -E2BIG : 0;
	if (rc == 0 && may_grow)
		rc = grow(p, (size_t)s.st_size);
	if (rc == 0 && (size_t)s.st_size > p->file_room)
		rc = -E2BIG;
	if (rc == 0)
		rc = read_all(fd, p->file, (size_t)s.st_size);
	p->file_bytes = rc == 0 ? (size_t)s.st_size : 0;
	close(fd);
	return rc;
}

/* Can it be shown?  Looks at the head of the picture only, and makes room for all of it. */
static int check_photo(struct photos *p, const char *name, struct cdm_diag *diag) {
	struct picture_head h;
	int rc = load(p, name, true);
	if (rc < 0)
		return refuse(diag, rc, "photo '%s' cannot be read: %s", name, strerror(-rc));
	rc = picture_probe(&p->picture, p->file, p->file_bytes, &h);
	if (rc < 0)
		return refuse(diag, rc, "photo '%s' is no JPEG or PNG that can be shown: %s", name,
				p->picture.error ? p->picture.error : strerror(-rc));
	rc = picture_reserve(&p->picture, &h);
	return rc < 0 ? refuse(diag, rc, "no memory for photo '%s'", name) : 0;
}

static bool has_suffix(const char *name) {
	static const char *const suffixes[] = { ".jpg", ".jpeg", ".png" };
	const char *dot = strrchr(name, '.');
	for (size_t i = 0; dot && i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (strcasecmp(dot, suffixes[i]) == 0)
			return true;
	return false;
}

/* Its name, or its name without what follows the last dot. */
static bool is_called(const char *name, const char *wanted) {
	const char *dot = strrchr(name, '.');
	size_t stem = dot ? (size_t)(dot - name) : strlen(name);
	return strcmp(name, wanted) == 0 || (strlen(wanted) == stem && strncmp(name, wanted, stem) == 0);
}

static int by_name(const void *a, const void *b) {
	return strcmp(((const struct photo *)a)->name, ((const struct photo *)b)->name);
}

static int add_photo(struct photos *p, const char *name) {
	if (p->count == PHOTOS_MAX)
		return -E2BIG;
	p->list[p->count].name = strdup(name);
	return p->list[p->count].name ? (int)++p->count : -ENOMEM;
}

static int list_folder(struct photos *p, const char *source, const char *only, struct cdm_diag *diag) {
	int rc = 0;
	DIR *d = opendir(source);
	if (!d)
		return refuse(diag, errno == ENOENT ? -ENOENT : -EIO, "the folder of photos '%s' cannot be read: %s",
				source, strerror(errno));
	int fd = dirfd(d);
	p->folder = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	p->list = calloc(PHOTOS_MAX, sizeof(*p->list));
	if (p->folder < 0 || !p->list)
		rc = -ENOMEM;
	for (struct dirent *e; rc >= 0 && (e = readdir(d)) != NULL;)
		if (has_suffix(e->d_name) && e->d_name[0] != '.' && (!only || is_called(e->d_name, only)))
			rc = add_photo(p, e->d_name);
	closedir(d);
	if (rc < 0) {
		refuse(diag, rc, "the folder '%s' cannot be used: %s", source, strerror(-rc));
		return rc;
	}
	if (p->count == 0)
		return refuse(diag, -ENOENT, "there is no photo (.jpg, .jpeg, .png)%s in '%s'",
				only ? " of that name" : "", source);
	qsort(p->list, p->count, sizeof(*p->list), by_name);
	return 0;
}

/* ---- options --------------------------------------------------------------------------------- */

static const struct cdm_driver_option options[] = {
	{ "source", NULL, "folder with the photographs (.jpg, .jpeg, .png)" },
	{ "order", "name", "name, or random" },
	{ "hold", "1", "seconds that each photograph is shown" },
	{ "only", "", "show this one only; its name, with or without its suffix" },
	{ "fit", "contain", "contain: all of it, with borders; cover: no borders, its middle; stretch" },
	{ NULL, NULL, NULL },
};

static const char *option(const struct cdm_driver_config *cfg, const char *key) {
	const char *value = cfg->option(cfg->of, key);
	for (const struct cdm_driver_option *o = options; !value && o->key; o++)
		if (strcmp(o->key, key) == 0)
			value = o->fallback;
	return value;
}

/* One that has a fallback: never NULL. */
static const char *word(const struct cdm_driver_config *cfg, const char *key) {
	const char *value = option(cfg, key);
	return value ? value : "";
}

/* The position of the option's value among the words, or -EINVAL. */
static int choose(const struct cdm_driver_config *cfg, const char *key, const char *const *words,
		struct cdm_diag *diag) {
	const char *value = word(cfg, key);
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], value) == 0)
			return i;
	return refuse(diag, -EINVAL, "option '%s' cannot be '%s'", key, value);
}

static int read_options(struct photos *p, const struct cdm_driver_config *cfg, enum scale_mode *mode,
		struct cdm_diag *diag) {
	static const char *const orders[] = { "name", "random", NULL };
	static const char *const modes[] = { "contain", "cover", "stretch", NULL };
	const char *hold = word(cfg, "hold");
	char *end;
	double seconds = strtod(hold, &end);
	if (*hold == 0 || *end || !(seconds >= 0.001) || !(seconds <= 1e6))
		return refuse(diag, -EINVAL, "option 'hold' must be 0.001 to 1000000 seconds, not '%s'", hold);
	p->hold_ns = (int64_t)(seconds * 1e9);
	int order = choose(cfg, "order", orders, diag), chosen = choose(cfg, "fit", modes, diag);
	if (order < 0 || chosen < 0)
		return -EINVAL;
	p->order = (enum order)order;
	*mode = (enum scale_mode)chosen;
	return 0;
}

static int check_shape(const struct cdm_driver_config *cfg, struct cdm_diag *diag) {
	uint32_t h = cfg->shape[0], w = cfg->shape[1];
	if (cfg->dtype == CDM_U8 && cfg->dims == 3 && cfg->shape[2] == 3 && h > 0 && w > 0 &&
			h <= PICTURE_SIDE_MAX && w <= PICTURE_SIDE_MAX && cfg->bytes == (size_t)w * h * 3)
		return 0;
	return refuse(diag, -EINVAL, "a field for photographs must be u8 [height, width, 3]");
}

/* ---- the driver ------------------------------------------------------------------------------ */

static void photos_close(void *self) {
	struct photos *p = self;
	if (!p)
		return;
	picture_fini(&p->picture);
	for (unsigned i = 0; i < p->count; i++)
		free(p->list[i].name);
	free(p->list);
	free(p->file);
	if (p->folder >= 0)
		close(p->folder);
	free(p);
}

static int prepare(struct photos *p, const struct cdm_driver_config *cfg, struct cdm_diag *diag) {
	enum scale_mode mode = SCALE_CONTAIN;
	const char *source = option(cfg, "source"), *only = option(cfg, "only");
	int rc = check_shape(cfg, diag);
	if (rc == 0)
		rc = read_options(p, cfg, &mode, diag);
	if (rc == 0 && !source)
		rc = refuse(diag, -EINVAL, "option 'source' is missing: the folder with the photographs");
	if (rc < 0)
		return rc;
	rc = picture_init(&p->picture, cfg->shape[1], cfg->shape[0], mode);
	if (rc == 0)
		rc = list_folder(p, source, only[0] ? only : NULL, diag);
	for (unsigned i = 0; rc == 0 && i < p->count; i++)
		rc = check_photo(p, p->list[i].name, diag);
	return rc;
}

static int photos_open(void **self, const struct cdm_driver_config *cfg, struct cdm_diag *diag) {
	struct photos *p = calloc(1, sizeof(*p));
	*self = NULL;
	if (!p)
		return -ENOMEM;
	p->folder = -1;
	p->cfg = *cfg;
	p->turn = UINT64_MAX;
	int rc = prepare(p, cfg, diag);
	if (rc < 0) {
		photos_close(p);
		return rc;
	}
	p->began_ns = cfg->now().ns;
	*self = p;
	return 0;
}

/* The same mixture for the same number, well spread (splitmix64). */
static uint64_t mix(uint64_t n) {
	n += UINT64_C(0x9e3779b97f4a7c15);
	n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
	return n ^ n >> 31;
}

/* Whose turn it is; broken ones are passed over. */
static unsigned pick(const struct photos *p, uint64_t turn) {
	unsigned at = (unsigned)((p->order == ORDER_RANDOM ? mix(turn) : turn) % p->count);
	while (p->list[at].broken)
		at = (at + 1) % p->count;
	return at;
}

/* Say so once, and never show it again. */
static int give_up(struct photos *p, int rc) {
	char text[256];
	struct photo *photo = &p->list[p->shown];
	const char *why = rc == -EBADMSG ? p->picture.error : rc == -E2BIG ? "it is larger than at the start" :
			strerror(-rc);
	snprintf(text, sizeof(text), "photo '%s' is left out: %s", photo->name, why);
	p->cfg.log(p->cfg.of, CDM_WARNING, text);
	photo->broken = true;
	p->broken++;
	p->turn = UINT64_MAX;
	return rc == -EBADMSG ? rc : -EIO;
}

static int photos_fill(void *self, void *slot, size_t bytes, struct cdm_info *info) {
	struct photos *p = self;
	if (bytes != p->cfg.bytes)
		return -EINVAL;
	if (p->broken == p->count)
		return -ENOENT;
	info->source_time = p->cfg.now();
	uint64_t turn = (uint64_t)(info->source_time.ns - p->began_ns) / (uint64_t)p->hold_ns;
	int rc = 0;
	if (turn != p->turn) {
		p->shown = pick(p, turn);
		p->turn = turn;
		rc = load(p, p->list[p->shown].name, false);
	}
	if (rc == 0)
		rc = picture_decode(&p->picture, p->file, p->file_bytes, slot);
	if (rc < 0)
		return give_up(p, rc);
	info->bytes = (uint32_t)bytes;
	return 0;
}

CDM_DRIVER_EXPORT const struct cdm_driver cdm_driver = {
	.abi = CDM_DRIVER_ABI,
	.sort = CDM_DRIVER_SENSOR,
	.name = "photos",
	.summary = "a camera that looks at the photographs of a folder",
	.options = options,
	.open = photos_open,
	.close = photos_close,
	.fill = photos_fill,
};
