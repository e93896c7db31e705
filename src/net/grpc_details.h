/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an error says beyond grpc-status and grpc-message: the trailer grpc-status-details-bin, a
 * google.rpc.Status, for texts that are cut in grpc-message, and for requests that may be repeated.
 */
#ifndef NET_GRPC_DETAILS_H
#define NET_GRPC_DETAILS_H

#include "base/arena.h"
#include "base/error.h"

/* Clients take 8 KiB of metadata by default: this much in base64, and grpc-message. */
enum { GRPC_DETAILS_TEXT_MAX = 3072 };

struct grpc_error {
    enum code code;
    struct span message;
    int64_t retry_ms; /* may be asked again after so long; 0: nothing is said about it */
};

/* The trailer's value in the arena; empty when there is nothing more to say. */
struct span grpc_details_encode(struct arena *arena, const struct grpc_error *error);

#endif
