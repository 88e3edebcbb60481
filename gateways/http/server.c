/*
 * server.c - see server.h.
 *
 * libmicrohttpd with a thread per connection: an answer that streams for seconds blocks nobody.  Two checks
 * stand before every route, in respond(): nothing of a request that is not ours is looked at.
 */
#include "gateways/http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"

#define CONNECTIONS_MAX 256u
#define LAST_NS NS_PER_S /* for answers that are not sent yet when we end */
#define IDLE_S 30u /* of a connection that sends nothing, not of one that waits for its answer */
#define DROPPED_MAX (16u << 20) /* of a body that is too long: so much is read all the same */

struct upload {
	char *bytes;
	size_t used, room;
	size_t dropped; /* of one that is too long */
	bool answering; /* it counts in server.answering */
};

/* ---- answers ---- */

static enum MHD_Result answer(struct call *c, unsigned status, const char *type, struct MHD_Response *r) {
	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	if (c->allow)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, c->allow);
	enum MHD_Result rc = MHD_queue_response(c->connection, status, r);
	MHD_destroy_response(r);
	return rc;
}

enum MHD_Result server_text(struct call *c, unsigned status, const char *type, const char *body) {
	return answer(c, status, type, MHD_create_response_from_buffer(strlen(body), (void *)(uintptr_t)body,
			MHD_RESPMEM_MUST_COPY));
}

enum MHD_Result server_json(struct call *c, unsigned status, json_t *body) {
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	if (status >= 400)
		__atomic_fetch_add(&c->server->errors, 1, __ATOMIC_RELAXED);
	if (!text)
		return MHD_NO;
	return answer(c, status, "application/json; charset=utf-8",
			MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE));
}

/* ---- who may ask ---- */

/* "localhost:1": length of the name before the port. */
static size_t name_length(const char *host) {
	const char *bracket = host[0] == '[' ? strchr(host, ']') : NULL;
	const char *end = bracket ? bracket + 1 : host + strcspn(host, ":");
	return (size_t)(end - host);
}

/* ":1" -> 1; -1: no port, or not one. */
static int port_of(const char *text) {
	int port = 0;
	if (text[0] != ':' || !text[1] || strlen(text) > 6)
		return -1;
	for (const char *p = text + 1; *p; p++) {
		if (*p < '0' || *p > '9')
			return -1;
		port = 10 * port + (*p - '0');
	}
	return port <= 65535 ? port : -1;
}

/* An address, not a name: nobody can rebind one to us. */
static bool is_address(const char *host, size_t n) {
	char text[64];
	struct in6_addr room;
	bool bracketed = n > 2 && host[0] == '[' && host[n - 1] == ']';
	snprintf(text, sizeof(text), "%.*s", (int)(bracketed ? n - 2 : n), host + bracketed);
	return n < sizeof(text) && inet_pton(bracketed ? AF_INET6 : AF_INET, text, &room) == 1;
}

static bool is_our_name(const struct server *s, const char *host) {
	const char *const names[] = { "localhost", "127.0.0.1", "[::1]", s->host };
	size_t n = name_length(host);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strlen(names[i]) == n && n > 0 && strncasecmp(names[i], host, n) == 0)
			return true;
	return !s->loopback && is_address(host, n);
}

bool server_is_ours(const struct server *s, const char *host, const char *origin) {
	if (!host || !is_our_name(s, host))
		return false;
	const char *port = host + name_length(host);
	if (*port && port_of(port) < 0)
		return false;
	if (!origin)
		return true;
	const char *at = strncasecmp(origin, "http://", 7) == 0 ? origin + 7 : NULL;
	if (!at || !is_our_name(s, at))
		return false;
	port = at + name_length(at);
	return *port ? port_of(port) == s->port : s->port == 80;
}

/* ---- requests ---- */

/*
 * What is too long is read on for a while: many clients look for an answer only when all is sent.  What has no length
 * and does not end either is hung up on then: in the middle of a body there is no place for an answer.  false: hang up.
 */
static bool take_body(struct upload *u, const char *data, size_t n) {
	if (u->dropped || n > SERVER_BODY_MAX - u->used) {
		u->dropped += n;
		return u->dropped <= DROPPED_MAX;
	}
	if (!u->bytes || u->used + n > u->room) {
		size_t room = (u->used + n) * 2 + 1024;
		char *more = realloc(u->bytes, room);
		if (!more)
			return false;
		u->bytes = more;
		u->room = room;
	}
	memcpy(u->bytes + u->used, data, n);
	u->used += n;
	return true;
}

/* Its own header says that it is longer than we would read on. */
static bool is_endless(struct MHD_Connection *connection) {
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
	return length && strtoull(length, NULL, 10) > DROPPED_MAX;
}

static enum MHD_Result count_host(void *n, enum MHD_ValueKind kind, const char *key, const char *value) {
	(void)kind;
	(void)value;
	*(unsigned *)n += strcasecmp(key, "Host") == 0;
	return MHD_YES;
}

/* With two of them nobody knows which one a proxy looked at: RFC 9112, 3.2. */
static bool has_two_hosts(const struct call *c) {
	unsigned n = 0;
	MHD_get_connection_values(c->connection, MHD_HEADER_KIND, count_host, &n);
	return n > 1;
}

/* `begins`: an answer that whoever stops the server will wait for; else it is sent, or nobody wants it. */
static void count_answer(struct server *s, struct upload *u, bool begins) {
	if (u->answering == begins)
		return;
	u->answering = begins;
	pthread_mutex_lock(&s->lock);
	s->answering += begins ? 1u : -1u;
	if (s->answering == 0)
		pthread_cond_signal(&s->sent);
	pthread_mutex_unlock(&s->lock);
}

static enum MHD_Result respond(struct call *c, bool too_long) {
	const char *host = MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, "Host");
	const char *origin = MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, "Origin");
	__atomic_fetch_add(&c->server->requests, 1, __ATOMIC_RELAXED);
	if (has_two_hosts(c)) {
		__atomic_fetch_add(&c->server->refused, 1, __ATOMIC_RELAXED);
		return server_json(c, MHD_HTTP_BAD_REQUEST, json_pack("{s:s}", "error", "there is more than one Host"));
	}
	if (!server_is_ours(c->server, host, origin)) {
		__atomic_fetch_add(&c->server->refused, 1, __ATOMIC_RELAXED);
		return server_json(c, MHD_HTTP_FORBIDDEN,
				json_pack("{s:s}", "error", "this Host or Origin is not allowed here"));
	}
	if (too_long)
		return server_json(c, MHD_HTTP_CONTENT_TOO_LARGE,
				json_pack("{s:s}", "error", "request body is too large"));
	return route_dispatch(c);
}

static enum MHD_Result answer_it(struct server *s, struct MHD_Connection *connection, const char *url,
		const char *method, struct upload *u, bool too_long) {
	struct call c = { s, connection, method, url, u->bytes, u->used, NULL };
	count_answer(s, u, true);
	return respond(&c, too_long);
}

/* Called with the headers first, then with each piece of the body, then with none. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
		const char *version, const char *data, size_t *bytes, void **state) {
	struct upload *u = *state;
	(void)version;
	if (!u) {
		u = *state = calloc(1, sizeof(*u));
		return !u ? MHD_NO : !is_endless(connection) ? MHD_YES
				: answer_it(cls, connection, url, method, u, true);
	}
	if (*bytes) {
		size_t n = *bytes;
		*bytes = 0;
		return take_body(u, data, n) ? MHD_YES : MHD_NO;
	}
	return answer_it(cls, connection, url, method, u, u->dropped > 0);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
		enum MHD_RequestTerminationCode why) {
	struct upload *u = *state;
	(void)connection, (void)why;
	if (!u)
		return;
	count_answer(cls, u, false);
	free(u->bytes);
	free(u);
	*state = NULL;
}

/* ---- start and end ---- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool is_loopback(const union address *a) {
	if (a->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
	return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
}

/* Host, port and address of "HOST:PORT". */
static int parse_listen(struct server *s, const char *listen, union address *a) {
	size_t n = name_length(listen);
	int port = port_of(listen + n);
	char bare[sizeof(s->host)];
	if (n == 0 || n >= sizeof(s->host) || port < 0)
		return -EINVAL;
	memcpy(s->host, listen, n);
	s->host[n] = 0;
	bool v6 = n > 2 && s->host[0] == '[' && s->host[n - 1] == ']';
	snprintf(bare, sizeof(bare), "%.*s", (int)(v6 ? n - 2 : n), s->host + v6);
	*a = (union address){ .v6 = { 0 } };
	if (v6)
		a->v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	else
		a->v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	const char *text = strcmp(bare, "localhost") == 0 ? "127.0.0.1" : bare;
	int rc = v6 ? inet_pton(AF_INET6, text, &a->v6.sin6_addr) : inet_pton(AF_INET, text, &a->v4.sin_addr);
	s->loopback = rc == 1 && is_loopback(a);
	return rc == 1 ? 0 : -EINVAL;
}

/* A listening socket, and the port that it got; -errno. */
static int open_socket(struct server *s, union address *a) {
	socklen_t length = a->any.sa_family == AF_INET6 ? sizeof(a->v6) : sizeof(a->v4);
	int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	if (fd < 0)
		return -errno;
	/* Connections of our last life may still linger; a second listener is refused all the same. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, &a->any, length) < 0 || listen(fd, (int)CONNECTIONS_MAX) < 0 ||
			getsockname(fd, &a->any, &length) < 0) {
		int rc = -errno;
		close(fd);
		return rc;
	}
	s->port = ntohs(a->any.sa_family == AF_INET6 ? a->v6.sin6_port : a->v4.sin_port);
	return fd;
}

/* Its timeout is by the clock that does not jump. */
static void init_sent(struct server *s) {
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->sent, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

static int start(struct server *s, int fd) {
	init_sent(s);
	s->daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
					MHD_USE_ITC, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
			MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
			MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_END);
	if (s->daemon)
		return 0;
	pthread_cond_destroy(&s->sent);
	close(fd);
	return -ENOMEM;
}

int server_open(struct server *s, struct door *d, const char *listen, char why[SERVER_WHY_MAX]) {
	union address a;
	*s = (struct server){ .door = d, .models = CATALOG_EMPTY, .lock = PTHREAD_MUTEX_INITIALIZER };
	int rc = parse_listen(s, listen, &a);
	if (rc < 0) {
		snprintf(why, SERVER_WHY_MAX, "'%s' is not ADDRESS:PORT", listen);
		return rc;
	}
	rc = open_socket(s, &a);
	if (rc >= 0)
		rc = start(s, rc);
	if (rc == -EADDRINUSE)
		snprintf(why, SERVER_WHY_MAX, "port %s is in use; give \"listen:\" another one",
				strrchr(listen, ':') + 1);
	else if (rc < 0)
		snprintf(why, SERVER_WHY_MAX, "cannot listen at %s: %s", listen, strerror(-rc));
	return rc;
}

static void await_answers(struct server *s) {
	int64_t until = clock_mono().ns + LAST_NS;
	struct timespec t = { until / NS_PER_S, until % NS_PER_S };
	bool in_time = true;
	pthread_mutex_lock(&s->lock);
	while (s->answering && in_time)
		in_time = pthread_cond_timedwait(&s->sent, &s->lock, &t) != ETIMEDOUT;
	pthread_mutex_unlock(&s->lock);
}

void server_close(struct server *s) {
	if (!s->daemon)
		return;
	await_answers(s); /* MHD_stop_daemon() hangs up on all */
	MHD_stop_daemon(s->daemon);
	pthread_cond_destroy(&s->sent);
	s->daemon = NULL;
}
