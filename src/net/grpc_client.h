/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct grpc_client: unary gRPC calls over one connection, one at a time, blocking; for command
 * line tools and tests, not for the server's loops. HTTP/2 with prior knowledge, no TLS. One
 * thread.
 */
#ifndef NET_GRPC_CLIENT_H
#define NET_GRPC_CLIENT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

struct grpc_client;

/* Connects to "host:port", "[::1]:port" or "unix:path". INVALID_ARGUMENT for another form;
 * UNAVAILABLE with the reason. */
enum code grpc_client_connect(const char *target, int64_t timeout_us, struct grpc_client **client,
                              struct error *err);
void grpc_client_free(struct grpc_client *client);

/* Later calls bring "authorization: Bearer TOKEN". */
void grpc_client_set_token(struct grpc_client *client, struct span token);

/* Calls "/package.Service/Method". The answer's message lies in the arena. The server's own code
 * and text; UNAVAILABLE when the connection breaks, DEADLINE_EXCEEDED after timeout_us (the server
 * is told of it too), INTERNAL for an answer that is no gRPC. */
enum code grpc_client_call(struct grpc_client *client, const char *method, struct span request,
                           int64_t timeout_us, struct arena *arena, struct span *response,
                           struct error *err);

#endif
