/* SPDX-License-Identifier: Apache-2.0 */
/* The header block of a gRPC request: what its fields say about the call. */
#ifndef NET_GRPC_FIELDS_H
#define NET_GRPC_FIELDS_H

#include "base/map.h"
#include "net/call.h"

/* Takes one field of the request's header block: those that net knows set call->rpc and the
 * deadline, all but pseudo-headers are kept in exchange.headers. `rpcs` maps paths to const struct
 * net_rpc. */
void grpc_fields_take(struct call *call, const struct map *rpcs, struct span name,
                      struct span value);

#endif
