/* SPDX-License-Identifier: Apache-2.0 */
/* The server that a command asks over gRPC, and the options that say how: what predict, replay and
 * versions share. */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include "net/grpc_client.h"

struct remote {
    const char *target; /* HOST:PORT or unix:PATH; NULL: not said yet */
    int64_t timeout_us;
    struct span token; /* empty: none */
};

/* --timeout, --token-file. How many arguments the first one takes; 0: it is none of these; -1: it
 * lacks its value, or that is malformed. */
int remote_take(struct remote *remote, int argc, char **argv, struct arena *arena);

/* As grpc_client_connect(). */
enum code remote_connect(const struct remote *remote, struct grpc_client **client,
                         struct error *err);

#define REMOTE_TOKEN_HELP                                                                          \
    "  --token-file FILE   its first line is the token that the server asks for\n"

#endif
