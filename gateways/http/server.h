/*
 * server.h - HTTP on one socket: who may ask, and which route answers.
 *
 * server_open, server_close: main thread.  Answers: the thread of the connection.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include "base/check.h"
#include "gateways/http/catalog.h"
#include "gateways/http/door.h"

struct server;

#define SERVER_BODY_MAX (1u << 20)
#define SERVER_WHY_MAX 108

/* One request with its whole body. */
struct call {
	struct server *server;
	struct MHD_Connection *connection;
	const char *method, *path;
	const char *body;
	size_t bytes;
	const char *allow; /* for a 405: what would be allowed */
};

struct server {
	struct door *door;
	struct MHD_Daemon *daemon;
	char host[64];         /* as a Host header says it: "127.0.0.1", "[::1]", "localhost" */
	bool loopback;         /* nobody outside this computer can reach it */
	unsigned short port;
	struct catalog models;
	uint64_t requests, refused, errors, hung_up; /* atomic */
	pthread_mutex_t lock;
	unsigned answering;    /* under lock: requests whose answer is not sent yet */
	pthread_cond_t sent;   /* answering is 0 again */
};

/*
 * Listen at "ADDRESS:PORT" ("[ADDRESS]:PORT" for IPv6, "localhost:PORT"); port 0: the kernel chooses.  -EINVAL,
 * -EADDRINUSE, -EACCES, -errno, with a sentence for people in `why`.
 */
MUST_CHECK int server_open(struct server *s, struct door *d, const char *listen, char why[SERVER_WHY_MAX]);
/* Whoever waits for an answer gets it first, if it comes, and can be sent, within a second. */
void server_close(struct server *s);

/*
 * May this request be answered?  Host must name us, so that no name that was rebound to our address gets
 * through; Origin must be absent or us, so that no page of anybody else's can ask.
 */
bool server_is_ours(const struct server *s, const char *host, const char *origin);

/* Answers.  `body` is taken (json) or copied (text). */
enum MHD_Result server_json(struct call *c, unsigned status, json_t *body);
enum MHD_Result server_text(struct call *c, unsigned status, const char *type, const char *body);

/* The routes: routes.c, metrics.c. */
enum MHD_Result route_dispatch(struct call *c);
enum MHD_Result metrics_answer(struct call *c);

#endif
