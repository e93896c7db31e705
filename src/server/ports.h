/* SPDX-License-Identifier: Apache-2.0 */
/* Every port and socket that the flags ask for. */
#ifndef SERVER_PORTS_H
#define SERVER_PORTS_H

#include "net/server.h"
#include "server/options.h"

/*
 * Listens there, starts the server and says where, in the original's lines. A bind flag may end in
 * a port, which counts then; 0 takes a free one. INVALID_ARGUMENT `Failed to BuildAndStart gRPC
 * server` with the reason in the log, and what net_server_start() says. The REST API is an extra to
 * the original: when its port can not be had the log says so, and the server goes on without it.
 */
enum code ports_open(struct net_server *net, const struct options *options, struct error *err);

/* Whether there is a port or socket for administration, so that it happens nowhere else. */
bool ports_administration_is_apart(const struct options *options);

/* Whether HTTP is spoken on any port or socket. */
bool ports_speak_http(const struct options *options);

/* "--socket_mode": octal digits; false: it is none. "" is 0. */
bool ports_parse_mode(const char *text, unsigned *mode);

#endif
