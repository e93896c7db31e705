/* SPDX-License-Identifier: Apache-2.0 */
/* The message of a gRPC request on its way into a call: its frame, and what compression made of it.
 */
#ifndef NET_GRPC_MESSAGE_H
#define NET_GRPC_MESSAGE_H

#include "net/call.h"

/* Adds a part of the payload to call->body, inflated where the frame says so; `max` bytes at most.
 * RESOURCE_EXHAUSTED, INTERNAL. */
enum code grpc_message_keep(struct call *call, struct span payload, size_t max, struct error *err);

/* Nothing more comes: sets exchange.body, and that the answer is compressed likewise where the
 * client takes that. INTERNAL: it is not whole. */
enum code grpc_message_end(struct call *call, struct error *err);

#endif
