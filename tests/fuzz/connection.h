/* SPDX-License-Identifier: Apache-2.0 */
/* For fuzz targets: a protocol's connection without a socket. Bytes go in, bytes come out, handlers
 * answer at once. */
#ifndef TESTS_FUZZ_CONNECTION_H
#define TESTS_FUZZ_CONNECTION_H

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "net/connection.h"

struct harness {
    struct shared shared;
    struct loop loop;
    struct connection *connection;
    struct body out; /* what was put out */
    struct arena arena;
};

/* A gigabyte that a mutation asks for would only slow things down. */
enum { FUZZ_MESSAGE_MAX = 1 << 20 };

/* Some requests are refused before their bodies come. */
static inline enum code refuse_some(struct exchange *exchange, void *context, struct error *err)
{
    (void)context;
    exchange->retry_ms = (int64_t)exchange->header_count;
    return exchange->header_count % 3
               ? CODE_OK
               : error_set(err, CODE_PERMISSION_DENIED, "%zu headers", exchange->header_count);
}

static inline void harness_init(struct harness *h, const struct protocol *protocol,
                                const struct net_rpc *rpcs, size_t rpc_count, exchange_fn *http)
{
    memset(h, 0, sizeof *h);
    h->shared.options = (struct net_options){.http = http,
                                             .admit = refuse_some,
                                             .http_gzip = true,
                                             .message_max = FUZZ_MESSAGE_MAX,
                                             .body_max = FUZZ_MESSAGE_MAX,
                                             .inflated_max = FUZZ_MESSAGE_MAX,
                                             .header_timeout_us = 1000000,
                                             .body_timeout_us = 1000000};
    arena_init(&h->arena, ARENA_FIRST_BLOCK);
    map_init(&h->shared.rpcs, &h->arena);
    for (size_t i = 0; i < rpc_count; i++)
        map_put(&h->shared.rpcs, span_of(rpcs[i].path), (void *)(uintptr_t)&rpcs[i]);
    CHECK(loop_init(&h->loop, &h->shared, NULL) == CODE_OK);
    h->loop.now_us = 1000000;
    h->loop.date_until_us = INT64_MAX;
    memcpy(h->loop.date, "today", 6);
    loop_adopt(&h->loop);
    h->connection = connection_new(&h->loop, protocol, -1);
}

/* Takes what is ready; true: something was. */
static inline bool harness_produce(struct harness *h)
{
    struct output *output = &h->loop.output;
    bool any = false, more;
    do {
        output_reset(output);
        more = h->connection->protocol->produce(h->connection, output);
        for (int i = 0; i < output->count; i++)
            CHECK(body_append(&h->out, &h->arena,
                              span_make(output->pieces[i].iov_base, output->pieces[i].iov_len), 0));
        any |= output->count > 0;
    } while (more);
    return any;
}

/* Feeds `step` bytes at a time, each part in memory of its own size, so that the address sanitizer
 * sees a read behind it. */
static inline void harness_feed(struct harness *h, const uint8_t *data, size_t size, size_t step)
{
    struct connection *c = h->connection;
    for (size_t i = 0; i < size && c->end == CONNECTION_OPEN; i += step) {
        size_t n = size - i < step ? size - i : step;
        char *part = malloc(n);
        memcpy(part, data + i, n);
        size_t used = c->protocol->feed(c, part, n);
        for (size_t more = 1; more && used < n && c->end == CONNECTION_OPEN; used += more) {
            harness_produce(h);
            more = c->protocol->feed(c, part + used, n - used);
        }
        harness_produce(h);
        free(part);
        (void)c->protocol->limit(c);
    }
}

static inline void harness_release(struct harness *h)
{
    loop_release(&h->loop);
    CHECK(h->loop.outstanding == 0);
    loop_adopt(NULL);
    body_release(&h->out);
    arena_release(&h->arena);
}

#endif
