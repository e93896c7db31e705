/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct exchange: one request and its answer. The handler that gets it does not see which protocol
 * carried it: a gRPC message over HTTP/2 is an EXCHANGE_RPC, anything else an EXCHANGE_HTTP.
 *
 * Life: net gathers the whole request (decompressed) into the exchange's arena, then calls the
 * handler on the loop thread. The handler, or anybody it hands the exchange to, answers exactly
 * once, from any thread; after that call the exchange is not its own any more. When the last byte
 * is sent, or the peer is gone, the arena is reset. An exchange whose client went away stays valid
 * until it is answered; the answer is then dropped.
 */
#ifndef NET_EXCHANGE_H
#define NET_EXCHANGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"

enum exchange_kind {
    EXCHANGE_RPC,
    EXCHANGE_HTTP,
};

struct exchange_header {
    struct span name; /* lower case */
    struct span value;
};

/* Who asks. */
struct net_peer {
    uint16_t family; /* AF_INET, AF_INET6, AF_UNIX; 0: not known */
    uint16_t port;
    unsigned char address[16]; /* the first four bytes of IPv4 */
};
enum { NET_PEER_TEXT = 64 };

/* "127.0.0.1:40312", "[::1]:40312", "unix" or nothing; `text` has NET_PEER_TEXT bytes. */
struct span net_peer_text(const struct net_peer *peer, char *text);

struct exchange {
    enum exchange_kind kind;
    struct arena arena; /* the request's lifetime */
    struct span method; /* "GET", "POST", ...; RPC: empty */
    struct span path;   /* RPC: "/package.Service/Method"; HTTP: the request target as sent */
    struct span body;   /* RPC: the message; HTTP: the body; decoded, contiguous, in the arena */
    struct exchange_header *headers; /* as received, names in lower case */
    size_t header_count;
    struct net_peer peer;
    unsigned entrance;     /* of the place where its connection came in, see net_place */
    int64_t start_us;      /* clock_now_us() when its first byte was read */
    int64_t handed_us;     /* ditto, its last byte, which it takes to be handed to its handler */
    int64_t deadline_us;   /* of clock_now_us(); INT64_MAX: none */
    atomic_bool cancelled; /* set when the client gave up: long work may stop early */
    void *note;            /* the handler's own; NULL when it gets the exchange */
    int64_t retry_ms;      /* an RPC's answer, an error, may tell when to ask again; 0: nothing */
    const struct error *refusal; /* HTTP: why net_options.admit refused it; there is no body */
    /* One header more of the answer, in the arena; over gRPC initial metadata, or a part of the
     * trailers where there are only those. No name: none. May be set until it is answered. */
    struct exchange_header answer_header;
    uint64_t seen; /* NET_WATCH: what the handler left here when it answered last; 0 at first */
};

typedef void exchange_fn(struct exchange *exchange, void *context);

/* The value of the named header (name in lower case), or an empty span. The first one wins. */
struct span exchange_header(const struct exchange *exchange, const char *name);

/* Answers an RPC. With CODE_OK the message is the `count` pieces one after the other; otherwise
 * `message` is the status text (any bytes: net percent-encodes it, and cuts it at 1,024 bytes with
 * "...TRUNCATED" behind) and pieces are ignored. Pieces and message must live in the exchange's
 * arena or be kept by an arena_defer() in it; nothing is copied. */
void exchange_answer_rpc(struct exchange *exchange, enum code code, struct span message,
                         const struct span *pieces, size_t count);

/* Answers an HTTP request: status, headers (Content-Length, Date, Connection are net's own), body
 * pieces as above. */
void exchange_answer_http(struct exchange *exchange, int status,
                          const struct exchange_header *headers, size_t header_count,
                          const struct span *pieces, size_t count);

#endif
