/* SPDX-License-Identifier: Apache-2.0 */
/* What time does to a gRPC connection: members of its struct protocol. */
#ifndef NET_GRPC_TIME_H
#define NET_GRPC_TIME_H

#include "net/grpc_connection.h"

/* The connection is new. */
void grpc_time_begin(struct connection *c);

/* Bytes have come. */
static inline void grpc_time_heard(struct connection *c)
{
    struct grpc_state *state = c->state;
    state->heard_us = c->loop->now_us;
    state->ping_us = 0;
}

/* protocol.drain, .limit, .too_slow */
void grpc_drain(struct connection *c);
int64_t grpc_limit(struct connection *c);
void grpc_too_slow(struct connection *c);

#endif
