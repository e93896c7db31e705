/* SPDX-License-Identifier: Apache-2.0 */
/* What gRPC keeps of a connection; for grpc_connection.c, grpc_stream.c and grpc_time.c only. */
#ifndef NET_GRPC_CONNECTION_H
#define NET_GRPC_CONNECTION_H

#include "net/connection.h"
#include "net/grpc_details.h"
#include "net/h2.h"

struct grpc_state {
    struct h2 *h2;      /* owned */
    struct call *calls; /* open streams, the oldest first */
    struct call *newest;
    size_t incomplete; /* calls whose request is not whole */
    size_t answering;  /* calls whose answer is not put out in full */
    size_t inflating;  /* calls whose compressed request is not whole */
    size_t buffered;   /* bytes in incomplete requests */
    size_t withheld;   /* of those: not given back to their streams */
    size_t turns_due;  /* streams whose next turn may begin */
    int64_t opened_us;
    int64_t headers_us; /* when the header block under way began */
    int64_t data_us;    /* when request bytes last came */
    int64_t sent_us;    /* when answer bytes were last put out */
    int64_t idle_us;    /* since when there is no call */
    int64_t drain_us;   /* since when it drains; 0: it does not */
    int64_t heard_us;   /* when bytes last came */
    int64_t ping_us;    /* since when a PING of ours waits for any byte; 0: none does */
    int64_t retire_us;  /* when it is old; INT64_MAX: never, or it is already */
    int64_t cut_us;     /* when it has been old for too long */
    bool in_headers;
    bool notice_over; /* the final GOAWAY is out */
};

extern const struct span grpc_going_down; /* a status text */

/* Answers a call that is not with its handler. */
void grpc_reject(struct grpc_state *state, struct call *call, enum code code, struct span message);

/* The request is whole, or nothing more of it is wanted. */
void grpc_request_over(struct grpc_state *state, struct call *call);

/* An answer without a message: one header block (gRPC calls it "trailers-only"). */
void grpc_answer_error(struct grpc_state *state, int32_t stream, int code, struct span encoded);

/* The same with all that can be said about the error. */
void grpc_answer_details(struct grpc_state *state, struct call *call,
                         const struct grpc_error *error);

/* The head of an answer whose body and trailers follow. */
void grpc_answer_head(struct connection *c, struct call *call);

/* The answer's body has bytes to put out, or may have some. */
void grpc_answer_begun(struct connection *c, struct call *call);

/* Of the answer's body nothing is left to put out. */
void grpc_answer_over(struct grpc_state *state, struct call *call);

#endif
