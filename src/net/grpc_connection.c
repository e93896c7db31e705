/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC on a connection: joins HTTP/2 streams (h2.h), message frames (grpc.h) and calls (call.h).
 *
 * Every open stream has its call, in `calls` in the order of their arrival. A request that can not
 * be served is answered as soon as that is known; what still comes of it is thrown away. A call
 * whose deadline passes while its handler works is answered here and detached: its stream forgets
 * it.
 *
 * Back-pressure: window is given back as bytes arrive, until the requests that are not whole yet
 * hold BUFFERED_SOFT bytes. From then on only the oldest of them gets more window, so that it can
 * finish; the others stop after the window they have. Beyond BUFFERED_HARD, those others are
 * refused.
 */
#include <stdlib.h>

#include "base/check.h"
#include "net/grpc_connection.h"
#include "net/grpc_fields.h"
#include "net/grpc_message.h"
#include "net/grpc_stream.h"
#include "net/grpc_time.h"

enum {
    BUFFERED_SOFT = 256 << 20,
    BUFFERED_HARD = 1 << 30,
};

#define FIELD(name, value)                                                                         \
    {                                                                                              \
        {name, sizeof(name) - 1},                                                                  \
        {                                                                                          \
            value, sizeof(value) - 1                                                               \
        }                                                                                          \
    }

static const struct h2_field status_200 = FIELD(":status", "200");
const struct span grpc_going_down = {"The server is going down", 24};
static const struct h2_field content_type = FIELD("content-type", "application/grpc");

static const struct span code_texts[] = {
    {"0", 1}, {"1", 1},  {"2", 1},  {"3", 1},  {"4", 1},  {"5", 1},  {"6", 1},  {"7", 1},  {"8", 1},
    {"9", 1}, {"10", 2}, {"11", 2}, {"12", 2}, {"13", 2}, {"14", 2}, {"15", 2}, {"16", 2},
};

static struct h2_field grpc_status(int code)
{
    static const int count = sizeof code_texts / sizeof *code_texts;
    return (struct h2_field){{"grpc-status", 11},
                             code_texts[code >= 0 && code < count ? code : CODE_UNKNOWN]};
}

static void link_call(struct grpc_state *state, struct call *call)
{
    call->next = NULL;
    call->previous = state->newest;
    if (state->newest)
        state->newest->next = call;
    else
        state->calls = call;
    state->newest = call;
}

static void unlink_call(struct grpc_state *state, struct call *call)
{
    if (call->previous)
        call->previous->next = call->next;
    else
        state->calls = call->next;
    if (call->next)
        call->next->previous = call->previous;
    else
        state->newest = call->previous;
}

static struct call *oldest_incomplete(const struct grpc_state *state)
{
    struct call *call = state->calls;
    while (call && call->rpc.ended)
        call = call->next;
    return call;
}

/* Something was finished or given up: streams that waited for window may get it. */
static void give_back(struct grpc_state *state)
{
    if (!state->withheld)
        return;
    const struct call *oldest = oldest_incomplete(state);
    for (struct call *call = state->calls; call; call = call->next) {
        if (!call->rpc.withheld || (state->buffered > BUFFERED_SOFT && call != oldest))
            continue;
        h2_consume_stream(state->h2, call->rpc.stream, call->rpc.withheld);
        state->withheld -= call->rpc.withheld;
        call->rpc.withheld = 0;
    }
}

void grpc_request_over(struct grpc_state *state, struct call *call)
{
    if (call->rpc.ended)
        return;
    call->rpc.ended = true;
    state->incomplete--;
    state->inflating -= call->inflater != NULL;
    state->buffered -= call->rpc.buffered;
    call->rpc.buffered = 0;
    state->withheld -= call->rpc.withheld;
    call->rpc.withheld = 0;
    give_back(state);
}

/* Puts an error's fields behind one another; how many. */
static size_t error_fields(struct h2_field *head, int code, struct span encoded)
{
    static const struct h2_field accepts = FIELD("grpc-accept-encoding", "identity, deflate, gzip");
    size_t count = 0;
    head[count++] = status_200;
    head[count++] = content_type;
    head[count++] = grpc_status(code);
    if (encoded.len)
        head[count++] = (struct h2_field){{"grpc-message", 12}, encoded};
    if (code == CODE_UNIMPLEMENTED)
        head[count++] = accepts;
    return count;
}

void grpc_answer_error(struct grpc_state *state, int32_t stream, int code, struct span encoded)
{
    struct h2_field head[H2_HEAD_MAX];
    h2_answer_head_only(state->h2, stream, head, error_fields(head, code, encoded));
}

void grpc_answer_details(struct grpc_state *state, struct call *call,
                         const struct grpc_error *error)
{
    struct arena *arena = &call->exchange.arena;
    struct h2_field head[H2_HEAD_MAX];
    size_t count = error_fields(head, (int)error->code, grpc_message_encode(arena, error->message));
    struct span details = grpc_details_encode(arena, error);
    if (error->retry_ms)
        head[count++] = (struct h2_field){
            {"grpc-retry-pushback-ms", 22},
            span_of(arena_printf(arena, "%lld", (long long)error->retry_ms)),
        };
    const struct exchange_header *more = &call->exchange.answer_header;
    if (more->name.len)
        head[count++] = (struct h2_field){more->name, more->value};
    if (details.len)
        head[count++] = (struct h2_field){{"grpc-status-details-bin", 23}, details};
    h2_answer_head_only(state->h2, call->rpc.stream, head, count);
}

void grpc_reject(struct grpc_state *state, struct call *call, enum code code, struct span message)
{
    grpc_request_over(state, call);
    call->answered = true;
    call->answer.status = (int)code;
    call_end_inflater(call);
    body_release(&call->body);
    struct grpc_error error = {code, message, call->exchange.retry_ms};
    grpc_answer_details(state, call, &error);
}

static void reject_http(struct grpc_state *state, struct call *call, const struct h2_field *head,
                        size_t count)
{
    grpc_request_over(state, call);
    call->answered = true;
    call->answer.status = CODE_UNKNOWN; /* what gRPC makes of other statuses than 200 */
    h2_answer_head_only(state->h2, call->rpc.stream, head, count);
}

static void *on_begin(void *context, int32_t stream)
{
    struct connection *c = context;
    struct grpc_state *state = c->state;
    struct call *call = call_take(c->loop, EXCHANGE_RPC);
    call->connection = c;
    call->exchange.peer = c->peer;
    call->exchange.entrance = c->entrance;
    call->rpc.stream = stream;
    call->rpc.answer_max = c->loop->shared->options.grpc.answer_max;
    state->incomplete++;
    state->data_us = c->loop->now_us;
    link_call(state, call);
    return call;
}

static void on_field(void *context, void *request, struct span name, struct span value)
{
    struct connection *c = context;
    grpc_fields_take(request, &c->loop->shared->rpcs, name, value);
}

static void reject_encoding(struct grpc_state *state, struct call *call)
{
    struct span name = exchange_header(&call->exchange, "grpc-encoding");
    char *text = arena_printf(&call->exchange.arena,
                              "Compression algorithm '%.*s' is not supported; use identity, "
                              "deflate or gzip",
                              SPAN_ARG(name));
    grpc_reject(state, call, CODE_UNIMPLEMENTED, span_of(text));
}

static void on_head(void *context, void *request)
{
    static const struct h2_field not_post[] = {FIELD(":status", "405"), FIELD("allow", "POST")};
    static const struct h2_field not_grpc[] = {FIELD(":status", "415")};
    struct connection *c = context;
    struct grpc_state *state = c->state;
    struct call *call = request;
    struct error err;
    if (call->rpc.too_large)
        grpc_reject(state, call, CODE_RESOURCE_EXHAUSTED,
                    SPAN_LITERAL("The request's metadata are larger than 64 KiB or more than 100"));
    else if (!call->rpc.is_post)
        reject_http(state, call, not_post, 2);
    else if (!call->rpc.is_grpc)
        reject_http(state, call, not_grpc, 1);
    else if (!call->rpc.fn)
        grpc_reject(state, call, CODE_UNIMPLEMENTED, (struct span){0});
    else if (call->rpc.encoding_unknown)
        reject_encoding(state, call);
    else if (call->rpc.kind == NET_STREAM && c->loop->draining)
        grpc_reject(state, call, CODE_UNAVAILABLE, grpc_going_down);
    else if (connection_admit(c, call, &err))
        grpc_reject(state, call, err.code, span_of(err.message));
    else if (call->rpc.kind == NET_STREAM)
        grpc_request_over(state, call); /* it may never end */
}

/* Gives back the window of `len` bytes, of which the request keeps `kept`; see the head of the
 * file. */
static void pace(struct grpc_state *state, struct call *call, size_t len, size_t kept)
{
    call->rpc.buffered += kept;
    state->buffered += kept;
    if (state->buffered <= BUFFERED_SOFT || call == oldest_incomplete(state)) {
        h2_consume(state->h2, call->rpc.stream, len);
        return;
    }
    h2_consume_connection(state->h2, len);
    call->rpc.withheld += len;
    state->withheld += len;
    if (state->buffered > BUFFERED_HARD)
        grpc_reject(state, call, CODE_RESOURCE_EXHAUSTED,
                    SPAN_LITERAL("Too many bytes in unfinished requests on one connection"));
}

static void on_data(void *context, void *request, struct span bytes)
{
    struct connection *c = context;
    struct grpc_state *state = c->state;
    struct call *call = request;
    state->data_us = c->loop->now_us;
    if (call->answered) {
        h2_consume(state->h2, call->rpc.stream, bytes.len);
        return;
    }
    if (call->rpc.kind == NET_STREAM) {
        grpc_stream_data(c, call, bytes);
        return;
    }
    struct error err;
    struct span payload;
    size_t before = call->body.len, max = c->loop->shared->options.message_max;
    bool was_inflating = call->inflater != NULL;
    enum code code = grpc_reader_feed(&call->rpc.reader, bytes, max, &payload, &err);
    if (!code && payload.len)
        code = grpc_message_keep(call, payload, max, &err);
    state->inflating += call->inflater && !was_inflating;
    if (code) {
        h2_consume(state->h2, call->rpc.stream, bytes.len);
        grpc_reject(state, call, code, span_of(err.message));
        return;
    }
    pace(state, call, bytes.len, call->body.len - before);
}

static void expire(struct grpc_state *state, struct call *call)
{
    grpc_reject(state, call, CODE_DEADLINE_EXCEEDED, SPAN_LITERAL("Deadline Exceeded"));
}

static void on_end(void *context, void *request)
{
    struct connection *c = context;
    struct grpc_state *state = c->state;
    struct call *call = request;
    grpc_request_over(state, call);
    if (call->answered)
        return;
    struct error err;
    enum code code = call->rpc.kind == NET_STREAM ? CODE_OK : grpc_message_end(call, &err);
    if (code)
        grpc_reject(state, call, code, span_of(err.message));
    else if (call->rpc.kind != NET_UNARY)
        grpc_stream_end(c, call);
    else if (call->exchange.deadline_us <= c->loop->now_us)
        expire(state, call);
    else
        loop_hand(c->loop, call, call->rpc.fn);
}

void grpc_answer_over(struct grpc_state *state, struct call *call)
{
    if (call->rpc.answering)
        state->answering--;
    call->rpc.answering = false;
}

static void on_close(void *context, void *request)
{
    struct connection *c = context;
    struct grpc_state *state = c->state;
    struct call *call = request;
    grpc_request_over(state, call);
    grpc_stream_release(c, call);
    grpc_answer_over(state, call);
    unlink_call(state, call);
    state->idle_us = c->loop->now_us;
    connection_detach(c, call);
}

static size_t body_left(void *context, void *request)
{
    (void)context;
    const struct call *call = request;
    return call->rpc.kind == NET_UNARY ? call_left(call) : grpc_stream_left(call);
}

static bool body_goes_on(void *context, void *request)
{
    (void)context;
    const struct call *call = request;
    return call->rpc.kind != NET_UNARY && grpc_stream_goes_on(call);
}

static void body_write(void *context, void *request, struct output *output, size_t len)
{
    struct connection *c = context;
    struct grpc_state *state = c->state;
    struct call *call = request;
    state->sent_us = c->loop->now_us;
    if (call->rpc.kind != NET_UNARY) {
        grpc_stream_write(c, call, output, len);
        return;
    }
    call_write(call, output, len);
    if (!call_left(call))
        grpc_answer_over(state, call);
}

static size_t trailers(void *context, void *request, struct h2_field *out)
{
    (void)context;
    const struct call *call = request;
    out[0] = grpc_status(call->answer.status);
    out[1] = (struct h2_field){{"grpc-message", 12}, call->answer.message};
    return call->answer.message.len ? 2 : 1;
}

static const struct h2_events events = {
    .on_begin = on_begin,
    .on_field = on_field,
    .on_head = on_head,
    .on_data = on_data,
    .on_end = on_end,
    .on_close = on_close,
    .body_left = body_left,
    .body_goes_on = body_goes_on,
    .body_write = body_write,
    .trailers = trailers,
};

static void grpc_open(struct connection *c)
{
    struct grpc_state *state = pool_alloc(&c->loop->pool, sizeof *state);
    CHECK(state && "out of memory");
    *state = (struct grpc_state){0};
    c->state = state;
    grpc_time_begin(c);
    const struct net_grpc_options *o = &c->loop->shared->options.grpc;
    const struct h2_limits limits = {o->streams_max, o->ping_strikes, o->ping_interval_us};
    state->h2 = h2_new(&events, c, &limits, &c->loop->pool);
}

static size_t grpc_feed(struct connection *c, char *bytes, size_t len)
{
    struct grpc_state *state = c->state;
    bool was_in_headers = state->in_headers;
    grpc_time_heard(c);
    if (state->inflating && len > CALL_INFLATE_SLICE)
        len = CALL_INFLATE_SLICE;
    if (h2_feed(state->h2, span_make(bytes, len), NULL))
        connection_finish(c, CONNECTION_LINGER);
    state->in_headers = h2_in_headers(state->h2);
    if (state->in_headers && !was_in_headers)
        state->headers_us = c->loop->now_us;
    return len;
}

static bool grpc_produce(struct connection *c, struct output *output)
{
    struct grpc_state *state = c->state;
    bool more = h2_produce(state->h2, output);
    more |= grpc_stream_next(c);
    if (!more && h2_finished(state->h2))
        connection_finish(c, CONNECTION_LINGER);
    return more;
}

void grpc_answer_begun(struct connection *c, struct call *call)
{
    struct grpc_state *state = c->state;
    call->rpc.answering = true;
    state->answering++;
    state->sent_us = c->loop->now_us;
}

void grpc_answer_head(struct connection *c, struct call *call)
{
    struct grpc_state *state = c->state;
    struct h2_field head[H2_HEAD_MAX] = {status_200, content_type};
    size_t count = 2;
    if (call->answer.compressed)
        head[count++] = (struct h2_field){{"grpc-encoding", 13},
                                          span_of(grpc_encoding_name(call->rpc.answer_encoding))};
    const struct exchange_header *more = &call->exchange.answer_header;
    if (more->name.len)
        head[count++] = (struct h2_field){more->name, more->value};
    call->rpc.head_out = true;
    grpc_answer_begun(c, call);
    h2_answer(state->h2, call->rpc.stream, head, count);
}

static void grpc_answered(struct connection *c, struct call *call)
{
    struct grpc_state *state = c->state;
    const struct answer *answer = &call->answer;
    if (call->rpc.parent) {
        grpc_stream_answered(c, call);
        return;
    }
    if (answer->status != CODE_OK) {
        struct grpc_error error = {answer->status, answer->message, call->exchange.retry_ms};
        grpc_answer_details(state, call, &error);
        return;
    }
    grpc_answer_head(c, call);
}

/* The handler keeps the call, its arena is not ours to use: everything that is sent here is
 * constant. */
static void grpc_expired(struct connection *c, struct call *call)
{
    struct grpc_state *state = c->state;
    if (call->rpc.parent) {
        grpc_stream_expired(c, call);
        return;
    }
    grpc_answer_error(state, call->rpc.stream, CODE_DEADLINE_EXCEEDED,
                      SPAN_LITERAL("Deadline Exceeded"));
    h2_forget(state->h2, call->rpc.stream);
    unlink_call(state, call);
    state->idle_us = c->loop->now_us;
    connection_detach(c, call);
    connection_touch(c);
}

/* Nobody is there to read answers: HTTP/2 knows no half-closed connection. */
static void grpc_ended(struct connection *c)
{
    connection_finish(c, CONNECTION_DEAD);
}

static void grpc_close(struct connection *c)
{
    struct grpc_state *state = c->state;
    while (state->calls) {
        struct call *call = state->calls;
        grpc_stream_release(c, call);
        unlink_call(state, call);
        connection_detach(c, call);
    }
    h2_free(state->h2);
    pool_free(&c->loop->pool, state);
}

const struct protocol grpc_connection = {
    .open = grpc_open,
    .feed = grpc_feed,
    .produce = grpc_produce,
    .answered = grpc_answered,
    .expired = grpc_expired,
    .ended = grpc_ended,
    .drain = grpc_drain,
    .limit = grpc_limit,
    .too_slow = grpc_too_slow,
    .close = grpc_close,
};
