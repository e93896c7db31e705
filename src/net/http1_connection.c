/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 on a connection. The request that is being read is `reading`; when it is whole it goes
 * to the end of the queue and to its handler. Answers go out in the order of the queue, whatever
 * order the handlers finish in; PIPELINE_MAX requests may be under way before the rest has to wait
 * unread.
 *
 * A request that can not be understood is answered with one line of text, in its turn, and is the
 * last one of its connection: where the next request would begin can not be known.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "net/connection.h"
#include "net/http1.h"

enum {
    PIPELINE_MAX = 64,
    DIRECT_MIN = 16 * 1024, /* bodies with more to come are read straight to their place */
    DIRECT_MAX = 1 << 20,   /* in one read */
    REFUSED_MAX =
        64 << 10,        /* a refused request's body that is read, so that the connection lives */
    IDLE_US = 600000000, /* the default of idle_timeout_us */
    GRACE_US =
        500 * 1000, /* for the last request on an idle connection, when the server goes down */
    PROBE_US = 250 * 1000, /* after the peer's end until it is asked whether it still listens */
    HEAD_LINES_MAX = 256,  /* room for status line and our own headers */
};

enum http1_phase {
    PHASE_HEAD,
    PHASE_BODY, /* of known length */
    PHASE_CHUNKS,
    PHASE_OVER, /* no more requests: what comes is thrown away */
};

struct http1_state {
    enum http1_phase phase;
    struct call *reading; /* NULL between requests */
    struct call *first;   /* the queue */
    struct call *last;
    size_t depth;
    struct http1_scan scan;
    struct http1_chunks chunks;
    uint64_t body_size; /* announced */
    uint64_t body_got;  /* as sent */
    int64_t begun_us;   /* when the first byte of `reading` came */
    int64_t drain_us;   /* since when the server goes down; 0: it does not */
    int64_t ended_us;   /* since when the peer sends no more; 0: it may */
    bool probed;
    bool probe_due;
};

static void http1_open(struct connection *c)
{
    struct http1_state *state = pool_alloc(&c->loop->pool, sizeof *state);
    CHECK(state && "out of memory");
    *state = (struct http1_state){0};
    c->state = state;
}

static void enqueue(struct http1_state *state, struct call *call)
{
    call->next = NULL;
    if (state->last)
        state->last->next = call;
    else
        state->first = call;
    state->last = call;
    state->depth++;
    state->reading = NULL;
}

static void dequeue(struct http1_state *state)
{
    state->first = state->first->next;
    if (!state->first)
        state->last = NULL;
    state->depth--;
}

/* Answers a call that did not get to its handler. */
static void answer_text(struct call *call, int status, const char *text)
{
    static const struct exchange_header plain = {{"Content-Type", 12}, {"text/plain", 10}};
    struct answer *answer = &call->answer;
    answer->status = status;
    answer->headers = &plain;
    answer->header_count = 1;
    char *line = arena_printf(&call->exchange.arena, "%s\n", text);
    answer->own_pieces[0] = span_of(line);
    answer->pieces = answer->own_pieces;
    answer->piece_count = 1;
    answer->size = answer->own_pieces[0].len;
    call->answered = true;
}

/* Refuses the request that is being read, and all that would follow. */
static void refuse(struct connection *c, int status, const char *why)
{
    struct http1_state *state = c->state;
    struct call *call = state->reading;
    call->http.close = true;
    call_end_inflater(call);
    body_release(&call->body);
    answer_text(call, status, why);
    enqueue(state, call);
    state->phase = PHASE_OVER;
    connection_touch(c);
}

/* What can not be inflated counts as empty, as in the original: the handler then misses its
 * document. */
static void spoil(struct call *call)
{
    call->http.gzip_bad = true;
    call_end_inflater(call);
    body_release(&call->body);
}

/* Inflates a part of the body. */
static void inflate_part(struct connection *c, struct call *call, struct span part)
{
    if (call->http.gzip_bad)
        return;
    size_t max = c->loop->shared->options.inflated_max;
    if (!call->inflater && inflater_new(&call->inflater, ENCODING_GZIP, max, NULL))
        spoil(call);
    else if (inflater_feed(call->inflater, &call->body, &call->exchange.arena, part, NULL))
        spoil(call);
}

/* A part of the body, `expected` bytes in all (0: not known). False: no memory. */
static bool keep(struct connection *c, struct span part, size_t expected)
{
    struct http1_state *state = c->state;
    struct call *call = state->reading;
    state->body_got += part.len;
    if (call->exchange.refusal)
        return true;
    if (!call->http.gzip_in)
        return body_append(&call->body, &call->exchange.arena, part, expected);
    if (part.len)
        inflate_part(c, call, part);
    return true;
}

static void request_whole(struct connection *c)
{
    struct http1_state *state = c->state;
    struct call *call = state->reading;
    exchange_fn *fn = c->loop->shared->options.http;
    if (call->inflater && inflater_end(call->inflater, NULL))
        spoil(call);
    call_end_inflater(call);
    call->exchange.body = body_span(&call->body);
    call->http.continue_due = false;
    enqueue(state, call);
    state->phase = call->http.close ? PHASE_OVER : PHASE_HEAD;
    state->scan = (struct http1_scan){0};
    if (fn)
        loop_hand(c->loop, call, fn);
    else
        answer_text(call, 404, "There is nothing here");
}

static void begin(struct connection *c)
{
    struct http1_state *state = c->state;
    struct call *call = call_take(c->loop, EXCHANGE_HTTP);
    call->connection = c;
    call->exchange.peer = c->peer;
    call->exchange.entrance = c->entrance;
    state->reading = call;
    state->begun_us = c->loop->now_us;
}

static void take_head(struct connection *c, struct call *call, const struct http1_head *head)
{
    struct exchange *exchange = &call->exchange;
    exchange->method = head->method;
    exchange->path = head->target;
    if (head->header_count > CALL_HEADERS)
        exchange->headers =
            ARENA_ARRAY(&exchange->arena, struct exchange_header, head->header_count);
    memcpy(exchange->headers, head->headers, head->header_count * sizeof *head->headers);
    exchange->header_count = head->header_count;
    call->http.minor = head->minor;
    call->http.head = span_is(head->method, "HEAD");
    call->http.close = !head->keep_alive;
    call->http.gzip_in = head->gzip;
    call->http.gzip_out = head->accepts_gzip && c->loop->shared->options.http_gzip;
    call->http.continue_due = head->expect_continue;
}

/* Is the request let in? What is not goes to its handler without a body, at once where there is
 * much of that to come: the connection then ends with the answer. */
static void admit(struct connection *c, const struct http1_head *head)
{
    struct http1_state *state = c->state;
    struct call *call = state->reading;
    struct error err;
    if (!connection_admit(c, call, &err))
        return;
    struct error *refusal = ARENA_NEW(&call->exchange.arena, struct error);
    *refusal = err;
    call->exchange.refusal = refusal;
    call->http.gzip_in = false;
    if (head->chunked || head->content_length > REFUSED_MAX || head->expect_continue) {
        call->http.close = true;
        request_whole(c);
    }
}

/* The head is whole: what now? */
static void on_head(struct connection *c)
{
    struct http1_state *state = c->state;
    struct call *call = state->reading;
    struct body *bytes = &call->http.bytes;
    struct http1_head head;
    const char *why;
    int status = http1_head_parse(&head, bytes->data, bytes->len, &why);
    if (status) {
        refuse(c, status, why);
        return;
    }
    take_head(c, call, &head);
    state->body_size = head.content_length;
    state->body_got = 0;
    admit(c, &head);
    if (!state->reading)
        return;
    if (head.content_length > c->loop->shared->options.body_max) {
        refuse(c, 413, "The request's body is too large");
    } else if (head.chunked) {
        state->phase = PHASE_CHUNKS;
        state->chunks = (struct http1_chunks){0};
    } else if (head.content_length) {
        state->phase = PHASE_BODY;
    } else {
        request_whole(c);
    }
}

static size_t feed_head(struct connection *c, struct span bytes)
{
    struct http1_state *state = c->state;
    if (!state->reading)
        begin(c);
    struct call *call = state->reading;
    size_t used;
    bool whole;
    const char *why;
    int status = http1_scan(&state->scan, bytes, &used, &whole, &why);
    if (!status &&
        !body_append(&call->http.bytes, &call->exchange.arena, span_sub(bytes, 0, used), 0))
        status = 503, why = "Out of memory";
    if (status)
        refuse(c, status, why);
    else if (whole)
        on_head(c);
    return used;
}

static size_t feed_body(struct connection *c, struct span bytes)
{
    struct http1_state *state = c->state;
    bytes = span_sub(bytes, 0, (size_t)(state->body_size - state->body_got));
    if (!keep(c, bytes, (size_t)state->body_size))
        refuse(c, 503, "Out of memory for the request's body");
    else if (state->body_got == state->body_size)
        request_whole(c);
    return bytes.len;
}

static size_t feed_chunks(struct connection *c, struct span bytes)
{
    struct http1_state *state = c->state;
    size_t used;
    struct span data;
    const char *why;
    int status = http1_chunks_feed(&state->chunks, bytes, &used, &data, &why);
    if (!status && data.len > c->loop->shared->options.body_max - state->body_got)
        status = 413, why = "The request's body is too large";
    if (!status && !keep(c, data, 0))
        status = 503, why = "Out of memory for the request's body";
    if (status)
        refuse(c, status, why);
    else if (state->chunks.state == HTTP1_CHUNK_END)
        request_whole(c);
    return used;
}

static size_t feed_nothing(struct connection *c, struct span bytes)
{
    (void)c;
    return bytes.len;
}

static size_t http1_feed(struct connection *c, char *bytes, size_t len)
{
    static size_t (*const steps[])(struct connection * c, struct span bytes) = {
        [PHASE_HEAD] = feed_head,
        [PHASE_BODY] = feed_body,
        [PHASE_CHUNKS] = feed_chunks,
        [PHASE_OVER] = feed_nothing,
    };
    struct http1_state *state = c->state;
    size_t used = 0;
    if (state->reading && state->reading->inflater && len > CALL_INFLATE_SLICE)
        len = CALL_INFLATE_SLICE;
    while (used < len && (state->reading || state->depth < PIPELINE_MAX))
        used += steps[state->phase](c, span_make(bytes + used, len - used));
    return used;
}

static char *http1_direct(struct connection *c, size_t *len)
{
    struct http1_state *state = c->state;
    *len = 0;
    struct call *call = state->reading;
    if (state->phase != PHASE_BODY || call->http.gzip_in || call->exchange.refusal)
        return NULL;
    size_t left = (size_t)(state->body_size - state->body_got);
    if (left < DIRECT_MIN ||
        !body_reserve(&call->body, &call->exchange.arena, DIRECT_MIN, (size_t)state->body_size))
        return NULL;
    size_t room = call->body.capacity - call->body.len;
    *len = left < room ? left : room;
    *len = *len < DIRECT_MAX ? *len : DIRECT_MAX;
    return call->body.data + call->body.len;
}

static void http1_direct_done(struct connection *c, size_t len)
{
    struct http1_state *state = c->state;
    struct call *call = state->reading;
    call->body.len += len;
    state->body_got += len;
    if (state->body_got == state->body_size)
        request_whole(c);
}

/* Our own part of an answer's head. */
static int write_status_lines(struct connection *c, const struct call *call, char *line)
{
    static const char *const connection_lines[2][2] = {
        {"", "Connection: close\r\n"},
        {"Connection: keep-alive\r\n", "Connection: close\r\n"},
    };
    int status = call->answer.status;
    return snprintf(line, HEAD_LINES_MAX,
                    "HTTP/1.1 %d %s\r\nDate: %.*s\r\n%sContent-Length: %zu\r\n", status,
                    http1_reason(status), SPAN_ARG(loop_date(c->loop)),
                    connection_lines[call->http.minor == 0][call->http.close], call->answer.size);
}

static char *put(char *place, struct span text)
{
    if (text.len)
        memcpy(place, text.ptr, text.len);
    return place + text.len;
}

static void write_head(struct connection *c, struct call *call, struct output *output)
{
    const struct answer *answer = &call->answer;
    char own[HEAD_LINES_MAX];
    int own_len = write_status_lines(c, call, own);
    CHECK(own_len > 0 && own_len < HEAD_LINES_MAX);
    size_t size = (size_t)own_len + 2;
    for (size_t i = 0; i < answer->header_count; i++)
        size += answer->headers[i].name.len + answer->headers[i].value.len + 4;
    char *head = arena_alloc(&call->exchange.arena, size);
    char *end = put(head, span_make(own, (size_t)own_len));
    for (size_t i = 0; i < answer->header_count; i++) {
        end = put(end, answer->headers[i].name);
        end = put(end, SPAN_LITERAL(": "));
        end = put(end, answer->headers[i].value);
        end = put(end, SPAN_LITERAL("\r\n"));
    }
    end = put(end, SPAN_LITERAL("\r\n"));
    CHECK((size_t)(end - head) == size);
    output_refer(output, span_make(head, size));
}

/* Puts out what there is room for. True: the answer is out in full. */
static bool write_answer(struct connection *c, struct call *call, struct output *output)
{
    struct http1_state *state = c->state;
    if (!call->http.head_out) {
        /* While draining, the last request that is here gets told. */
        if (c->loop->draining && !call->next && !state->reading)
            call->http.close = true;
        write_head(c, call, output);
        call->http.head_out = true;
    }
    if (call->http.head)
        return true;
    for (size_t left; (left = call_piece_left(call));) {
        if (!output_has_room(output))
            return false;
        call_write(call, output, left < OUTPUT_BYTES_MAX ? left : OUTPUT_BYTES_MAX);
    }
    return true;
}

static void finish_answer(struct connection *c, struct call *call)
{
    struct http1_state *state = c->state;
    dequeue(state);
    if (call->http.close) {
        state->phase = PHASE_OVER;
        connection_finish(c, CONNECTION_LINGER);
    }
    connection_done(c, call);
}

static bool http1_produce(struct connection *c, struct output *output)
{
    struct http1_state *state = c->state;
    while (state->first && !state->first->away) {
        struct call *call = state->first;
        if (!output_has_room(output) || !write_answer(c, call, output))
            return true;
        finish_answer(c, call);
    }
    struct call *reading = state->reading;
    bool invites = !state->first && reading && reading->http.continue_due;
    if (invites || (state->first && state->probe_due))
        output_append(output, SPAN_LITERAL("HTTP/1.1 100 Continue\r\n\r\n"));
    if (invites)
        reading->http.continue_due = false;
    state->probe_due = false;
    if (c->peer_ended && !state->first)
        connection_finish(c, CONNECTION_FLUSH);
    return false;
}

/* Its connection is looked at anyway. */
static void http1_answered(struct connection *c, struct call *call)
{
    (void)c;
    (void)call;
}

static void drop_reading(struct connection *c)
{
    struct http1_state *state = c->state;
    if (state->reading)
        connection_detach(c, state->reading);
    state->reading = NULL;
}

/* A client that closes its side may still wait for answers, or be gone altogether: then what is
 * written to it is answered with a reset. So a request that takes a while is first answered with
 * "100 Continue", which may be said at any time to clients of HTTP/1.1. */
static void http1_ended(struct connection *c)
{
    struct http1_state *state = c->state;
    drop_reading(c);
    state->phase = PHASE_OVER;
    state->ended_us = c->loop->now_us;
    connection_touch(c);
}

/* A client may have sent a request that has not arrived yet: for a moment more one is answered, and
 * the answer says that it is the last. */
static void http1_drain(struct connection *c)
{
    struct http1_state *state = c->state;
    state->drain_us = c->loop->now_us;
}

static bool wants_probe(const struct http1_state *state)
{
    const struct call *call = state->first;
    return state->ended_us && !state->probed && call && call->away && call->http.minor > 0;
}

static int64_t http1_limit(struct connection *c)
{
    const struct http1_state *state = c->state;
    const struct net_options *o = &c->loop->shared->options;
    int64_t timeout_us = 0, since_us = c->progress_us;
    if (c->rest) {
        timeout_us = o->body_timeout_us;
    } else if (wants_probe(state)) {
        timeout_us = PROBE_US;
        since_us = state->ended_us;
    } else if (c->held) {
        return INT64_MAX; /* it is we who do not read */
    } else if (state->reading && state->phase == PHASE_HEAD) {
        timeout_us = o->header_timeout_us;
        since_us = state->begun_us;
    } else if (state->reading) {
        timeout_us = o->body_timeout_us;
    } else if (!state->first && state->drain_us) {
        timeout_us = GRACE_US;
        since_us = state->drain_us;
    } else if (!state->first) {
        timeout_us = o->idle_timeout_us ? o->idle_timeout_us : IDLE_US;
    } else {
        return INT64_MAX;
    }
    return since_us > INT64_MAX - timeout_us ? INT64_MAX : since_us + timeout_us;
}

static void http1_too_slow(struct connection *c)
{
    struct http1_state *state = c->state;
    if (wants_probe(state))
        state->probed = state->probe_due = true;
    else if (state->reading)
        refuse(c, 408, "The request did not arrive in time");
    else
        connection_finish(c, CONNECTION_FLUSH);
}

static void http1_close(struct connection *c)
{
    struct http1_state *state = c->state;
    drop_reading(c);
    while (state->first) {
        struct call *call = state->first;
        dequeue(state);
        connection_detach(c, call);
    }
    pool_free(&c->loop->pool, state);
}

const struct protocol http1_connection = {
    .open = http1_open,
    .feed = http1_feed,
    .direct = http1_direct,
    .direct_done = http1_direct_done,
    .produce = http1_produce,
    .answered = http1_answered,
    .expired = NULL, /* an HTTP/1 call has no deadline */
    .ended = http1_ended,
    .drain = http1_drain,
    .limit = http1_limit,
    .too_slow = http1_too_slow,
    .close = http1_close,
};
