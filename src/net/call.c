/* SPDX-License-Identifier: Apache-2.0 */
#include "net/call.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/check.h"
#include "net/loop.h"
#include "net/output.h"

static struct call *call_new(struct loop *loop)
{
    struct call *call = malloc(sizeof *call);
    CHECK(call && "out of memory");
    arena_init(&call->exchange.arena, ARENA_FIRST_BLOCK);
    call->loop = loop;
    call->mailbox = loop->mailbox;
    return call;
}

static struct call *from_pool(struct loop *loop)
{
    struct call *call = loop->calls;
    if (!call)
        return call_new(loop);
    loop->calls = call->next;
    loop->call_count--;
    loop->retained -= call->retained;
    return call;
}

struct call *call_take(struct loop *loop, enum exchange_kind kind)
{
    struct call *call = from_pool(loop);
    struct arena arena = call->exchange.arena;
    memset(call, 0, offsetof(struct call, own_headers));
    call->exchange.kind = kind;
    call->exchange.arena = arena;
    call->exchange.headers = call->own_headers;
    call->exchange.start_us = loop->now_us;
    call->exchange.deadline_us = INT64_MAX;
    call->loop = loop;
    call->mailbox = loop->mailbox;
    call->header_capacity = CALL_HEADERS;
    return call;
}

void call_end_inflater(struct call *call)
{
    inflater_free(call->inflater);
    call->inflater = NULL;
}

static void release_request(struct call *call)
{
    call_end_inflater(call);
    body_release(&call->body);
    body_release(&call->http.bytes);
}

/* Of the turns of a stream only the stream as a whole is told. */
static void report(struct call *call)
{
    const struct net_options *options = &call->loop->shared->options;
    if (!loop_is_watched(call->loop) || !call->answered || call->rpc.parent)
        return;
    const struct net_report report = {
        .protocol = call->exchange.kind == EXCHANGE_RPC ? NET_GRPC : NET_HTTP,
        .status = call->answer.status,
        .in = call->exchange.body.len,
        .out = call->answer.sent,
        .lost = call->answer.sent < call->answer.size && !call->http.head,
        .written = call->loop->written,
    };
    options->finished(&call->exchange, &report, options->context);
}

void call_recycle(struct call *call)
{
    struct loop *loop = call->loop;
    report(call);
    timers_disarm(&loop->timers, &call->deadline);
    release_request(call);
    struct arena *arena = &call->exchange.arena;
    arena_reset(arena);
    size_t held = arena_reserved(arena);
    if (loop->call_count >= LOOP_CALLS_MAX) {
        call_free(call);
        return;
    }
    if (loop->retained + held > LOOP_RETAINED_MAX) {
        arena_release(arena);
        held = 0;
    }
    call->retained = held;
    loop->retained += held;
    call->next = loop->calls;
    loop->calls = call;
    loop->call_count++;
}

void call_free(struct call *call)
{
    release_request(call);
    arena_release(&call->exchange.arena);
    free(call);
}

static void grow_headers(struct call *call)
{
    struct exchange *exchange = &call->exchange;
    call->header_capacity = CALL_HEADERS_MAX;
    struct exchange_header *headers =
        ARENA_ARRAY(&exchange->arena, struct exchange_header, CALL_HEADERS_MAX);
    memcpy(headers, exchange->headers, exchange->header_count * sizeof *headers);
    exchange->headers = headers;
}

bool call_add_header(struct call *call, struct span name, struct span value)
{
    struct exchange *exchange = &call->exchange;
    /* 32 bytes on top of each field, as HTTP/2 counts them (RFC 9113, 6.5.2). */
    call->header_bytes += name.len + value.len + 32;
    if (exchange->header_count == CALL_HEADERS_MAX || call->header_bytes > CALL_HEADER_BYTES_MAX)
        return false;
    if (exchange->header_count == call->header_capacity)
        grow_headers(call);
    char *copy = arena_alloc(&exchange->arena, name.len + value.len);
    memcpy(copy, name.ptr, name.len);
    if (value.len)
        memcpy(copy + name.len, value.ptr, value.len);
    exchange->headers[exchange->header_count++] = (struct exchange_header){
        .name = span_make(copy, name.len), .value = span_make(copy + name.len, value.len)};
    return true;
}

size_t call_piece_left(const struct call *call)
{
    const struct answer *answer = &call->answer;
    for (size_t i = answer->piece; i < answer->piece_count; i++) {
        size_t left = answer->pieces[i].len - (i == answer->piece ? answer->offset : 0);
        if (left)
            return left;
    }
    return 0;
}

void call_write(struct call *call, struct output *output, size_t len)
{
    struct answer *answer = &call->answer;
    answer->sent += len;
    while (len) {
        CHECK(answer->piece < answer->piece_count);
        struct span part = span_sub(answer->pieces[answer->piece], answer->offset, len);
        output_refer(output, part);
        answer->offset += part.len;
        len -= part.len;
        if (answer->offset == answer->pieces[answer->piece].len) {
            answer->piece++;
            answer->offset = 0;
        }
    }
}
