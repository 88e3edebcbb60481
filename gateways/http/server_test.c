/*
 * server_test.c - who may ask, and the server itself on a real socket, with one route that says what it got.
 */
#include "gateways/http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct server s;
static char why[SERVER_WHY_MAX];

static int asked[2]; /* a pipe: /slow is asked */

/* It is answered when a server that did not wait for it would be gone. */
static enum MHD_Result slow(struct call *c) {
	CHECK(write(asked[1], "x", 1) == 1);
	CHECK(poll(NULL, 0, 200) == 0);
	return server_json(c, MHD_HTTP_SERVICE_UNAVAILABLE, json_pack("{s:s}", "error", "going down"));
}

/* The route: bytes of the body, or a 405. */
enum MHD_Result route_dispatch(struct call *c) {
	if (strcmp(c->path, "/slow") == 0)
		return slow(c);
	if (strcmp(c->path, "/wrong") == 0) {
		c->allow = "POST";
		return server_json(c, MHD_HTTP_METHOD_NOT_ALLOWED, json_pack("{s:s}", "error", "method not allowed"));
	}
	return server_json(c, MHD_HTTP_OK, json_pack("{s:s,s:I}", "method", c->method, "bytes", (json_int_t)c->bytes));
}

/* ---- who may ask ---- */

static void set(const char *host, unsigned short port, bool loopback) {
	s = (struct server){ .port = port, .loopback = loopback };
	strcpy(s.host, host);
}

static void names(void) {
	static const char *const ours[] = { "localhost", "LocalHost", "127.0.0.1", "[::1]", "localhost:80",
			"127.0.0.1:11434",
		"[::1]:11434", "127.0.0.2", "127.0.0.2:5" };
	static const char *const others[] = { "", ":", ":11434", "evil.example", "evil.example:11434",
		"localhost.evil.example", "localhost:", "localhost:x", "localhost:1:1", "localhost:99999",
		"localhost:-1", "localhost@evil.example", "127.0.0.1.evil.example", "127.0.0.11", "127.0.0", "::1",
		"[::1", "[::2]", "[", "[]", "192.168.1.5", "0.0.0.0", " localhost", "localhost " };
	set("127.0.0.2", 11434, true);
	for (size_t i = 0; i < COUNT_OF(ours); i++)
		CHECK(server_is_ours(&s, ours[i], NULL));
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		if (server_is_ours(&s, others[i], NULL))
			fprintf(stderr, "'%s' got through\n", others[i]);
		CHECK(!server_is_ours(&s, others[i], NULL));
	}
	CHECK(!server_is_ours(&s, NULL, NULL));
}

/* Open to the network, any address may stand for us: an address cannot be rebound.  A name still can. */
static void addresses(void) {
	set("0.0.0.0", 80, false);
	CHECK(server_is_ours(&s, "192.168.1.5:80", NULL) && server_is_ours(&s, "[fe80::1]:80", NULL));
	CHECK(server_is_ours(&s, "0.0.0.0", NULL) && server_is_ours(&s, "localhost", NULL));
	CHECK(!server_is_ours(&s, "robot.example", NULL) && !server_is_ours(&s, "192.168.1.5.evil.example", NULL));
	CHECK(!server_is_ours(&s, "[192.168.1.5]", NULL) && !server_is_ours(&s, "fe80::1", NULL));
}

static void origins(void) {
	static const char *const others[] = { "", "null", "*", "http://evil.example", "https://localhost:11434",
		"http://localhost", "http://localhost:11435", "http://localhost:11434/",
		"http://localhost:11434.evil.example", "http://localhost:11434@evil.example",
		"http://evil.example:11434", "file://", "localhost:11434", "http://" };
	set("127.0.0.1", 11434, true);
	CHECK(server_is_ours(&s, "localhost", "http://localhost:11434"));
	CHECK(server_is_ours(&s, "localhost", "http://127.0.0.1:11434") &&
			server_is_ours(&s, "localhost", "http://[::1]:11434"));
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		if (server_is_ours(&s, "localhost", others[i]))
			fprintf(stderr, "'%s' got through\n", others[i]);
		CHECK(!server_is_ours(&s, "localhost", others[i]));
	}
	CHECK(!server_is_ours(&s, "evil.example", "http://localhost:11434"));
	set("127.0.0.1", 80, true);
	CHECK(server_is_ours(&s, "localhost", "http://localhost"));
}

/* ---- on a socket ---- */

static char reply[65536];

/* Send, and read until the server closes.  1 when it answered at all. */
static int ask(const char *head, size_t body) {
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(s.port),
			.sin_addr = { htonl(INADDR_LOOPBACK) } };
	static char block[65536];
	size_t used = 0;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	CHECK(send(fd, head, strlen(head), MSG_NOSIGNAL) == (ssize_t)strlen(head));
	memset(block, 'x', sizeof(block));
	while (body) {
		ssize_t n = send(fd, block, body < sizeof(block) ? body : sizeof(block), MSG_NOSIGNAL);
		if (n <= 0)
			break; /* hung up on */
		body -= (size_t)n;
	}
	for (ssize_t n; used < sizeof(reply) - 1 && (n = recv(fd, reply + used, sizeof(reply) - 1 - used, 0)) > 0;)
		used += (size_t)n;
	reply[used] = 0;
	close(fd);
	return used > 0;
}

static void answered(const char *head, size_t body, const char *status, const char *contains) {
	CHECK(ask(head, body));
	if (strncmp(reply, status, strlen(status)) != 0 || !strstr(reply, contains))
		fprintf(stderr, "%s\n  instead of %s ... %s\n", reply, status, contains);
	CHECK(strncmp(reply, status, strlen(status)) == 0 && strstr(reply, contains));
	CHECK(!strcasestr(reply, "access-control"));
}

static void serves(void) {
	char head[256];
	CHECK(server_open(&s, NULL, "127.0.0.1:0", why) == 0 && s.port > 0 && s.loopback);
	answered("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 0, "HTTP/1.1 200 ",
			"\"method\":\"GET\"");
	answered("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 0, "HTTP/1.1 403 ",
			"not allowed here");
	answered("GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nConnection: close\r\n\r\n", 0,
			"HTTP/1.1 403 ", "not allowed here");
	answered("GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 0,
			"HTTP/1.1 400 ", "more than one Host");
	answered("GET / HTTP/1.0\r\n\r\n", 0, "HTTP/1.", " 403 ");
	answered("DELETE /wrong HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 0, "HTTP/1.1 405 ",
			"Allow: POST");
	snprintf(head, sizeof(head), "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
			"%u\r\n\r\n", SERVER_BODY_MAX);
	answered(head, SERVER_BODY_MAX, "HTTP/1.1 200 ", "\"bytes\":1048576");
	snprintf(head, sizeof(head), "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
			"%u\r\n\r\n", SERVER_BODY_MAX + 1);
	answered(head, SERVER_BODY_MAX + 1, "HTTP/1.1 413 ", "too large");
	snprintf(head, sizeof(head), "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
			"%u\r\n\r\n", 16u << 20);
	answered(head, 16u << 20, "HTTP/1.1 413 ", "too large");
	/* Nobody waits for what would not end, and nothing of it is kept; without a length it is hung up on. */
	answered("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n", 0, "HTTP/1.1 413 ",
			"too large");
	answered("DELETE / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n", 1u << 20,
			"HTTP/1.1 413 ", "Connection: close");
	CHECK(ask("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4000000\r\n",
			64u << 20) == 0);
	CHECK(s.requests == 11 && s.refused == 4 && s.errors == 9);
	server_close(&s);
	server_close(&s);
}

static void *ask_slowly(void *unused) {
	answered("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n", 0, "HTTP/1.1 503 ", "going down");
	return unused;
}

/* Who waits for an answer when the server is closed gets it. */
static void ends(void) {
	pthread_t client;
	char c;
	CHECK(server_open(&s, NULL, "127.0.0.1:0", why) == 0 && pipe(asked) == 0);
	CHECK(pthread_create(&client, NULL, ask_slowly, NULL) == 0);
	CHECK(read(asked[0], &c, 1) == 1);
	server_close(&s);
	CHECK(pthread_join(client, NULL) == 0);
	close(asked[0]);
	close(asked[1]);
}

static void listens(void) {
	static const char *const wrong[] = { "", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000",
			"127.0.0.1:-1",
		"robot.example:1", "[::1]", "[::1:80", "[:80", "[]:80", "[127.0.0.1]:80", "::1:80", "300.0.0.1:80" };
	static struct server t;
	char text[64];
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		int rc = server_open(&t, NULL, wrong[i], why);
		if (rc != -EINVAL)
			fprintf(stderr, "'%s': %d\n", wrong[i], rc);
		CHECK(rc == -EINVAL && strstr(why, "ADDRESS:PORT"));
	}
	CHECK(server_open(&s, NULL, "localhost:0", why) == 0 && s.loopback);
	snprintf(text, sizeof(text), "127.0.0.1:%u", s.port);
	CHECK(server_open(&t, NULL, text, why) == -EADDRINUSE);
	snprintf(text, sizeof(text), "port %u is in use; give \"listen:\" another one", s.port);
	CHECK(strcmp(why, text) == 0);
	server_close(&t);
	server_close(&s);
	CHECK(server_open(&s, NULL, "192.0.2.1:0", why) < 0 &&
			strstr(why, "cannot listen at 192.0.2.1:0")); /* not ours */
	int rc = server_open(&s, NULL, "[::1]:0", why);
	CHECK(rc == 0 ? s.loopback && s.port > 0 && strcmp(s.host, "[::1]") == 0
			: strstr(why, "cannot listen") != NULL);
	server_close(&s);
}

int main(void) {
	names();
	addresses();
	origins();
	serves();
	ends();
	listens();
	puts("server_test: ok");
}
