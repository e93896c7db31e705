/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handler's side of a call. An answer is compressed here, on the thread that gives it, so that
 * a loop never spends its time on that for a worker's answer; and only where the client asked for
 * it (see the protocols).
 */
#include "net/exchange.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/check.h"
#include "net/call.h"
#include "net/loop.h"

enum {
    HTTP_GZIP_MIN = 1024, /* smaller answers fit into one packet anyway */
};

struct span exchange_header(const struct exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->header_count; i++)
        if (span_is(exchange->headers[i].name, name))
            return exchange->headers[i].value;
    return (struct span){0};
}

struct span net_peer_text(const struct net_peer *peer, char *text)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291, 2.5.5.2 */
    char address[INET6_ADDRSTRLEN];
    const unsigned char *bytes = peer->address;
    bool is_4 = peer->family == AF_INET;
    if (peer->family == AF_UNIX)
        return SPAN_LITERAL("unix");
    if (peer->family == AF_INET6 && !memcmp(bytes, mapped, sizeof mapped)) {
        is_4 = true;
        bytes += sizeof mapped;
    }
    if (!peer->family || !inet_ntop(is_4 ? AF_INET : AF_INET6, bytes, address, sizeof address))
        return (struct span){0};
    int len = snprintf(text, NET_PEER_TEXT, is_4 ? "%s:%u" : "[%s]:%u", address, peer->port);
    return span_make(text, (size_t)len);
}

static void set_pieces(struct call *call, const struct span *pieces, size_t first, size_t count)
{
    struct answer *answer = &call->answer;
    answer->piece_count = first + count;
    answer->pieces = answer->own_pieces;
    if (answer->piece_count > CALL_PIECES)
        answer->pieces = ARENA_ARRAY(&call->exchange.arena, struct span, answer->piece_count);
    if (count)
        memcpy(answer->pieces + first, pieces, count * sizeof *pieces);
    for (size_t i = 0; i < count; i++)
        answer->size += pieces[i].len;
}

static void free_body(void *ptr)
{
    body_release(ptr);
}

/* Compresses the pieces into one. False: no memory, the answer goes out as it is. */
static bool compress(struct call *call, enum encoding encoding, const struct span *pieces,
                     size_t count, struct span *out)
{
    struct arena *arena = &call->exchange.arena;
    struct body *body = ARENA_NEW(arena, struct body);
    arena_defer(arena, free_body, body);
    if (deflate_all(body, arena, encoding, pieces, count, NULL))
        return false;
    *out = body_span(body);
    return true;
}

static void take_answer(struct call *call, enum exchange_kind kind)
{
    CHECK(call->exchange.kind == kind);
    CHECK(call->away && !call->answered && "an exchange is answered once");
    call->answered = true;
}

static void check_size(struct call *call)
{
    struct answer *answer = &call->answer;
    size_t max = call->rpc.answer_max ? call->rpc.answer_max : UINT32_MAX;
    if (answer->size <= max)
        return;
    answer->status = CODE_RESOURCE_EXHAUSTED;
    answer->message = span_of(arena_printf(
        &call->exchange.arena, "Sent message larger than max (%zu vs. %zu)", answer->size, max));
}

void exchange_answer_rpc(struct exchange *exchange, enum code code, struct span message,
                         const struct span *pieces, size_t count)
{
    struct call *call = call_of(exchange);
    take_answer(call, EXCHANGE_RPC);
    call->answer.status = (int)code;
    call->answer.message = message;
    struct span compressed;
    enum encoding encoding = call->rpc.answer_encoding;
    if (code == CODE_OK && encoding != ENCODING_IDENTITY &&
        compress(call, encoding, pieces, count, &compressed)) {
        call->answer.compressed = true;
        pieces = &compressed;
        count = 1;
    }
    if (code == CODE_OK) {
        set_pieces(call, pieces, 1, count);
        check_size(call);
        call->answer.pieces[0] = span_make(call->rpc.prefix, GRPC_PREFIX);
        grpc_prefix_write(call->rpc.prefix, call->answer.compressed, (uint32_t)call->answer.size);
        call->answer.size += GRPC_PREFIX;
    }
    loop_answered(call);
}

/* Copies the headers and adds those that tell about compression. */
static void set_headers(struct call *call, const struct exchange_header *headers, size_t count)
{
    static const struct exchange_header gzip[] = {
        {{"Content-Encoding", 16}, {"gzip", 4}},
        {{"Vary", 4}, {"Accept-Encoding", 15}},
    };
    size_t more = call->answer.compressed ? sizeof gzip / sizeof *gzip : 0;
    const struct exchange_header *last = &call->exchange.answer_header;
    if (count + more == 0 && !last->name.len)
        return;
    struct exchange_header *copy =
        ARENA_ARRAY(&call->exchange.arena, struct exchange_header, count + more + 1);
    if (count)
        memcpy(copy, headers, count * sizeof *headers);
    if (more)
        memcpy(copy + count, gzip, sizeof gzip);
    copy[count + more] = *last;
    call->answer.headers = copy;
    call->answer.header_count = count + more + (last->name.len > 0);
}

static size_t size_of(const struct span *pieces, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += pieces[i].len;
    return size;
}

void exchange_answer_http(struct exchange *exchange, int status,
                          const struct exchange_header *headers, size_t header_count,
                          const struct span *pieces, size_t count)
{
    struct call *call = call_of(exchange);
    take_answer(call, EXCHANGE_HTTP);
    call->answer.status = status;
    struct span compressed;
    if (call->http.gzip_out && size_of(pieces, count) >= HTTP_GZIP_MIN &&
        compress(call, ENCODING_GZIP, pieces, count, &compressed)) {
        call->answer.compressed = true;
        pieces = &compressed;
        count = 1;
    }
    set_headers(call, headers, header_count);
    set_pieces(call, pieces, 0, count);
    loop_answered(call);
}
