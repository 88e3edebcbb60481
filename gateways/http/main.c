/*
 * main.c - cadmus-http: a machine's models behind the API of Ollama, and its health and metrics.
 *
 * Started by cadmusd, for a communication of protocol `ollama_http`.  Three kinds of threads: this one waits for the
 * parent, the door's reads what core says, and libmicrohttpd has one for each connection.
 */
#include <signal.h>
#include <stdio.h>
#include "base/log.h"
#include "gateways/http/server.h"

#define LISTEN_DEFAULT "127.0.0.1:11434"

static struct server server;

static int serve(struct door *d) {
	char why[SERVER_WHY_MAX];
	const char *listen = door_option(d, "listen");
	int rc = server_open(&server, d, listen ? listen : LISTEN_DEFAULT, why);
	if (rc < 0) {
		door_failed(d, why);
		return 1;
	}
	log_info("listening at http://%s:%u", server.host, server.port);
	if (!server.loopback)
		log_warn("%s can be reached from other computers, and asks nobody for a password", server.host);
	door_serve(d);
	server_close(&server);
	return 0;
}

static void report(void *machine, const char *format, const char *text) {
	cdm_report(machine, format, text);
}

int main(void) {
	log_init("http");
	signal(SIGPIPE, SIG_IGN);
	struct door *d = door_open();
	if (d)
		log_also(report, door_machine(d));
	int code = d ? serve(d) : 1;
	log_also(NULL, NULL);
	door_close(d);
	return code;
}
