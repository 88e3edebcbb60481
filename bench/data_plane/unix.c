/*
 * unix.c - Unix stream sockets: two copies and two system calls a sample.  Streams, because a SEQPACKET cannot be as
 * large as our largest samples; their size is known to both sides.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "bench/data_plane/transport.h"

#define READERS_MAX 64

struct end {
	int listener, fd[READERS_MAX]; /* a reader has one */
	unsigned readers, accepted;
	uint32_t bytes, got; /* got: of a sample that is not whole yet */
	unsigned char *buffer;
};

static char folder[80];

static void begin(const char *dir, const char *as, const char *variant) {
	(void)as, (void)variant;
	snprintf(folder, sizeof(folder), "%s", dir);
}

static struct end *fresh(const struct channel *c) {
	struct end *e = calloc(1, sizeof(*e));
	if (!e || !(e->buffer = calloc(1, c->bytes)))
		die("no memory");
	e->bytes = c->bytes;
	e->readers = c->readers;
	return e;
}

static int named_socket(const struct channel *c, struct sockaddr_un *a) {
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(a->sun_path, sizeof(a->sun_path), "%.60s/u.%.20s.%u", folder, c->name, c->bytes);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket: %s", strerror(errno));
	return fd;
}

static struct end *writer(const struct channel *c) {
	struct sockaddr_un a;
	struct end *e = fresh(c);
	if (c->readers > READERS_MAX)
		die("%u readers", c->readers);
	e->listener = named_socket(c, &a);
	unlink(a.sun_path); /* of a writer before us */
	if (bind(e->listener, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(e->listener, READERS_MAX) < 0)
		die("%s: %s", a.sun_path, strerror(errno));
	return e;
}

static struct end *reader(const struct channel *c) {
	struct sockaddr_un a;
	struct end *e = fresh(c);
	e->fd[0] = named_socket(c, &a);
	if (connect(e->fd[0], (struct sockaddr *)&a, sizeof(a)) < 0)
		die("%s: %s", a.sun_path, strerror(errno));
	return e;
}

static void *loan(struct end *e) {
	return e->buffer;
}

static void send_all(int fd, const unsigned char *p, uint32_t bytes) {
	while (bytes > 0) {
		ssize_t n = send(fd, p, bytes, MSG_NOSIGNAL);
		if (n < 0)
			die("send: %s", strerror(errno));
		p += n;
		bytes -= (uint32_t)n;
	}
}

static void send_sample(struct end *e) {
	for (; e->accepted < e->readers; e->accepted++) /* they have connected before we are told to send */
		if ((e->fd[e->accepted] = accept4(e->listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
			die("accept: %s", strerror(errno));
	for (unsigned i = 0; i < e->readers; i++)
		send_all(e->fd[i], e->buffer, e->bytes);
}

static const void *receive(struct end *e, bool block) {
	do {
		ssize_t n = recv(e->fd[0], e->buffer + e->got, e->bytes - e->got, block ? MSG_WAITALL : MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return NULL;
		if (n <= 0)
			die("recv: %s", n < 0 ? strerror(errno) : "the other side is gone");
		e->got += (uint32_t)n;
	} while (e->got < e->bytes);
	e->got = 0;
	return e->buffer;
}

static void release(struct end *e) {
	(void)e;
}

const struct transport transport = { .version = "-", .begin = begin, .writer = writer, .reader = reader, .loan = loan,
	.send = send_sample, .receive = receive, .release = release };
