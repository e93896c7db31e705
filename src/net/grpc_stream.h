/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RPCs with more than one message. To a handler each is an exchange like any other, a "turn": one
 * message in, one answer out; net strings the turns together, one after the other. The call that is
 * the stream itself is never with a handler.
 *
 *   NET_STREAM  each message that comes is a turn; when the client has ended its side and all are
 *               answered the stream ends
 *   NET_WATCH   the one message is a turn again and again, for as long as the client stays; the
 *               handler keeps a turn until there is something to tell, and finds in exchange.seen
 *               what it left there the turn before
 *
 * A turn that is answered with an error ends the stream with it. Messages that come while a turn is
 * under way wait, and with them the window that they took.
 */
#ifndef NET_GRPC_STREAM_H
#define NET_GRPC_STREAM_H

#include "net/grpc_connection.h"

enum { GRPC_STREAM_MESSAGE_MAX = 64 << 10 }; /* streams carry questions, not tensors */

/* Body bytes of a NET_STREAM. */
void grpc_stream_data(struct connection *c, struct call *stream, struct span bytes);

/* The client has ended its side; a NET_WATCH's message is in exchange.body. */
void grpc_stream_end(struct connection *c, struct call *stream);

/* A turn was answered; its deadline has passed. */
void grpc_stream_answered(struct connection *c, struct call *turn);
void grpc_stream_expired(struct connection *c, struct call *turn);

/* Bytes of answers that can be put out now; puts some out; whether more may come. */
size_t grpc_stream_left(const struct call *stream);
void grpc_stream_write(struct connection *c, struct call *stream, struct output *output,
                       size_t len);
bool grpc_stream_goes_on(const struct call *stream);

/* Begins the turns that were waiting for an answer to be out. True: some were. */
bool grpc_stream_next(struct connection *c);

/* Ends the stream for the client. `encoded`: constant, or in the stream's arena. */
void grpc_stream_finish(struct connection *c, struct call *stream, enum code code,
                        struct span encoded);

/* Lets the turn under way go: the stream is no more. */
void grpc_stream_release(struct connection *c, struct call *stream);

#endif
