/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC over HTTP/2, its pure parts (doc/PROTOCOL-HTTP2.md of the gRPC project): message frames,
 * grpc-timeout, encodings, status messages. Bytes in, values out; no connection, no clock.
 */
#ifndef NET_GRPC_H
#define NET_GRPC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "net/inflate.h"
enum {
    GRPC_PREFIX = 5,                /* compressed flag, 4 bytes of length, big endian */
    GRPC_STATUS_MESSAGE_MAX = 1024, /* status texts travel in trailers; longer ones are cut */
};

/* The message frames of one request, fed in any split. */
struct grpc_reader {
    unsigned char prefix[GRPC_PREFIX];
    unsigned prefix_len;
    bool compressed;
    bool whole;  /* the message is complete */
    size_t size; /* of the message as announced; valid once the prefix is whole */
    size_t got;  /* of it so far */
};

/* Takes bytes off the front of *bytes until the message is whole; *payload is what of them belongs
 * to the message (as sent, perhaps compressed). RESOURCE_EXHAUSTED: larger than `max`; INTERNAL: a
 * bad flag. */
enum code grpc_reader_take(struct grpc_reader *reader, struct span *bytes, size_t max,
                           struct span *payload, struct error *err);

/* The same for a method with one message in all: INTERNAL, too, when there is more than that. */
enum code grpc_reader_feed(struct grpc_reader *reader, struct span bytes, size_t max,
                           struct span *payload, struct error *err);

/* The request's bytes have ended. INTERNAL: no message or a part of one. */
enum code grpc_reader_end(const struct grpc_reader *reader, struct error *err);

void grpc_prefix_write(unsigned char prefix[GRPC_PREFIX], bool compressed, uint32_t size);

/* "100m" and the like in microseconds, rounded up; 0 when it is no timeout. At most 8 digits. No
 * time at all, which some clients send for a deadline that is over, is 1. */
int64_t grpc_timeout_us(struct span text);

/* The value of grpc-encoding; false: not one of ours. */
bool grpc_encoding_parse(struct span name, enum encoding *encoding);

/* Whether the list of grpc-accept-encoding has it. */
bool grpc_accepts(struct span list, enum encoding encoding);
const char *grpc_encoding_name(enum encoding encoding);

/* A status message as it travels: cut at GRPC_STATUS_MESSAGE_MAX bytes, then percent-encoded. In
 * the arena. */
struct span grpc_message_encode(struct arena *arena, struct span message);

/* Whether a content-type is application/grpc, with or without "+proto" or parameters. */
bool grpc_content_type(struct span value);

#endif
