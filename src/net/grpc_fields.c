/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of the fields that mean something to net. What is wrong with a value is only noted in the
 * call: it is answered when the header block is whole, and in the order that grpc_connection.c
 * thinks right.
 */
#include "net/grpc_fields.h"

#include "net/server.h"

static void field_method(const struct map *rpcs, struct call *call, struct span value)
{
    (void)rpcs;
    call->rpc.is_post = span_is(value, "POST");
}

static void field_path(const struct map *rpcs, struct call *call, struct span value)
{
    const struct net_rpc *rpc = map_get(rpcs, value);
    if (rpc) {
        call->rpc.fn = rpc->fn;
        call->rpc.kind = rpc->kind;
        call->exchange.path = span_make(rpc->path, value.len);
    } else {
        call->exchange.path = arena_copy(&call->exchange.arena, value); /* for logs */
    }
}

static void field_content_type(const struct map *rpcs, struct call *call, struct span value)
{
    (void)rpcs;
    call->rpc.is_grpc = grpc_content_type(value);
}

static void field_timeout(const struct map *rpcs, struct call *call, struct span value)
{
    (void)rpcs;
    int64_t timeout_us = grpc_timeout_us(value);
    struct exchange *exchange = &call->exchange;
    if (timeout_us > 0 &&
        __builtin_add_overflow(exchange->start_us, timeout_us, &exchange->deadline_us))
        exchange->deadline_us = INT64_MAX;
}

static void field_encoding(const struct map *rpcs, struct call *call, struct span value)
{
    (void)rpcs;
    call->rpc.encoding_unknown = !grpc_encoding_parse(value, &call->rpc.encoding);
}

static void field_accept_encoding(const struct map *rpcs, struct call *call, struct span value)
{
    (void)rpcs;
    call->rpc.accepts[ENCODING_GZIP] = grpc_accepts(value, ENCODING_GZIP);
    call->rpc.accepts[ENCODING_DEFLATE] = grpc_accepts(value, ENCODING_DEFLATE);
}

/* The fields that mean something to net. */
static const struct {
    struct span name;
    void (*fn)(const struct map *rpcs, struct call *call, struct span value);
} fields[] = {
    {{":path", 5}, field_path},
    {{":method", 7}, field_method},
    {{"content-type", 12}, field_content_type},
    {{"grpc-timeout", 12}, field_timeout},
    {{"grpc-encoding", 13}, field_encoding},
    {{"grpc-accept-encoding", 20}, field_accept_encoding},
};

void grpc_fields_take(struct call *call, const struct map *rpcs, struct span name,
                      struct span value)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (span_equal(name, fields[i].name)) {
            fields[i].fn(rpcs, call, value);
            break;
        }
    }
    if (*name.ptr != ':' && !call_add_header(call, name, value))
        call->rpc.too_large = true;
}
