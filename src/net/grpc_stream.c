/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream->rpc.turn is the turn under way: being read, with its handler, or being written, in this
 * order. What came behind its message lies in stream->body from `waiting` on.
 *
 * A turn whose answer is out must not be followed by the next at once: that happens while HTTP/2
 * puts bytes out, and a handler may answer there and then. So it is noted as due, and
 * grpc_stream_next() goes on.
 */
#include "net/grpc_stream.h"

#include "net/grpc_message.h"

enum { WAITING_MOVE_MIN = 4096 }; /* bytes in front that are worth moving the rest for */

/* `answered` is the handler's while the turn is away: volatile, so that it is not read together
 * with what says so. */
static bool is_busy(const struct call *stream)
{
    const struct call *turn = stream->rpc.turn;
    return turn && (turn->away || *(const volatile bool *)&turn->answered);
}

/* Bytes of a NET_STREAM that wait, and hold their window. */
static size_t waiting_bytes(const struct call *stream)
{
    return stream->rpc.kind == NET_STREAM ? stream->body.len - stream->rpc.waiting : 0;
}

static struct call *turn_new(struct connection *c, struct call *stream)
{
    struct call *turn = call_take(c->loop, EXCHANGE_RPC);
    turn->connection = c;
    turn->rpc.parent = stream;
    turn->rpc.encoding = stream->rpc.encoding;
    turn->rpc.answer_max = stream->rpc.answer_max;
    turn->exchange.path = stream->exchange.path;
    turn->exchange.deadline_us = stream->exchange.deadline_us;
    for (size_t i = 0; i < stream->exchange.header_count; i++)
        call_add_header(turn, stream->exchange.headers[i].name, stream->exchange.headers[i].value);
    stream->rpc.turn = turn;
    return turn;
}

static void hand(struct connection *c, struct call *stream)
{
    struct call *turn = stream->rpc.turn;
    turn->exchange.seen = stream->exchange.seen;
    loop_hand(c->loop, turn, stream->rpc.fn);
}

/* The answer's bytes are no more of interest, or out. */
static void drop_turn(struct connection *c, struct call *stream)
{
    grpc_answer_over(c->state, stream);
    connection_detach(c, stream->rpc.turn);
    stream->rpc.turn = NULL;
}

void grpc_stream_finish(struct connection *c, struct call *stream, enum code code,
                        struct span encoded)
{
    struct grpc_state *state = c->state;
    if (stream->answered)
        return;
    stream->answered = true;
    if (stream->rpc.turn && !stream->rpc.answering)
        drop_turn(c, stream);
    grpc_request_over(state, stream);
    h2_consume(state->h2, stream->rpc.stream, waiting_bytes(stream));
    body_release(&stream->body);
    stream->rpc.waiting = 0;
    stream->answer.status = (int)code;
    stream->answer.message = encoded;
    if (stream->rpc.head_out)
        h2_resume(state->h2, stream->rpc.stream);
    else if (code)
        grpc_answer_error(state, stream->rpc.stream, (int)code, encoded);
    else
        grpc_answer_head(c, stream);
    connection_touch(c);
}

static void finish_with(struct connection *c, struct call *stream, const struct error *err)
{
    struct span text = grpc_message_encode(&stream->exchange.arena, span_of(err->message));
    grpc_stream_finish(c, stream, err->code, text);
}

/* Takes one message, or a part of it; hands it on when it is whole. */
static enum code take_message(struct connection *c, struct call *stream, struct span *bytes,
                              struct error *err)
{
    struct call *turn = stream->rpc.turn ? stream->rpc.turn : turn_new(c, stream);
    struct span payload;
    enum code code =
        grpc_reader_take(&turn->rpc.reader, bytes, GRPC_STREAM_MESSAGE_MAX, &payload, err);
    if (!code && payload.len)
        code = grpc_message_keep(turn, payload, GRPC_STREAM_MESSAGE_MAX, err);
    if (code || !turn->rpc.reader.whole)
        return code;
    code = grpc_message_end(turn, err);
    turn->rpc.answer_encoding = ENCODING_IDENTITY; /* the head of the answer has promised nothing */
    if (!code)
        hand(c, stream);
    return code;
}

static void take_messages(struct connection *c, struct call *stream, struct span *bytes)
{
    struct error err;
    while (bytes->len && !stream->answered && !is_busy(stream)) {
        if (take_message(c, stream, bytes, &err))
            finish_with(c, stream, &err);
    }
}

/* Keeps what has to wait. */
static void keep_waiting(struct connection *c, struct call *stream, struct span bytes)
{
    static const struct error no_memory = {CODE_RESOURCE_EXHAUSTED, "Out of memory"};
    struct body *body = &stream->body;
    size_t start = stream->rpc.waiting;
    if (start >= WAITING_MOVE_MIN && start > body->len / 2) {
        memmove(body->data, body->data + start, body->len - start);
        body->len -= start;
        stream->rpc.waiting = 0;
    }
    if (!body_append(body, &stream->exchange.arena, bytes, 0))
        finish_with(c, stream, &no_memory);
}

void grpc_stream_data(struct connection *c, struct call *stream, struct span bytes)
{
    struct grpc_state *state = c->state;
    size_t len = bytes.len;
    if (!waiting_bytes(stream))
        take_messages(c, stream, &bytes);
    if (stream->answered)
        bytes.len = 0;
    h2_consume(state->h2, stream->rpc.stream, len - bytes.len);
    if (bytes.len)
        keep_waiting(c, stream, bytes);
}

/* The client has ended its side: is there anything left to do? */
static void finish_if_over(struct connection *c, struct call *stream)
{
    struct error err;
    if (!stream->rpc.closed || is_busy(stream) || waiting_bytes(stream))
        return;
    if (!stream->rpc.turn) {
        grpc_stream_finish(c, stream, CODE_OK, (struct span){0});
        return;
    }
    error_set(&err, CODE_INTERNAL, "The request ended inside a message");
    finish_with(c, stream, &err);
}

/* A NET_WATCH's message, once more. */
static void watch_again(struct connection *c, struct call *stream)
{
    struct call *turn = turn_new(c, stream);
    turn->exchange.body = arena_copy(&turn->exchange.arena, stream->exchange.body);
    hand(c, stream);
}

void grpc_stream_end(struct connection *c, struct call *stream)
{
    stream->rpc.closed = true;
    if (stream->rpc.kind == NET_WATCH)
        watch_again(c, stream);
    else
        finish_if_over(c, stream);
}

void grpc_stream_answered(struct connection *c, struct call *turn)
{
    struct grpc_state *state = c->state;
    struct call *stream = turn->rpc.parent;
    if (turn->answer.status != CODE_OK) {
        struct span text = grpc_message_encode(&stream->exchange.arena, turn->answer.message);
        grpc_stream_finish(c, stream, (enum code)turn->answer.status, text);
        return;
    }
    stream->exchange.seen = turn->exchange.seen;
    if (stream->rpc.head_out) {
        grpc_answer_begun(c, stream);
        h2_resume(state->h2, stream->rpc.stream);
    } else {
        grpc_answer_head(c, stream);
    }
}

void grpc_stream_expired(struct connection *c, struct call *turn)
{
    grpc_stream_finish(c, turn->rpc.parent, CODE_DEADLINE_EXCEEDED,
                       SPAN_LITERAL("Deadline Exceeded"));
}

size_t grpc_stream_left(const struct call *stream)
{
    return stream->rpc.answering && stream->rpc.turn ? call_left(stream->rpc.turn) : 0;
}

bool grpc_stream_goes_on(const struct call *stream)
{
    return !stream->answered;
}

void grpc_stream_write(struct connection *c, struct call *stream, struct output *output, size_t len)
{
    struct grpc_state *state = c->state;
    call_write(stream->rpc.turn, output, len);
    if (call_left(stream->rpc.turn))
        return;
    drop_turn(c, stream);
    stream->rpc.due = true;
    state->turns_due++;
}

static void next_turn(struct connection *c, struct call *stream)
{
    struct grpc_state *state = c->state;
    if (stream->rpc.kind == NET_WATCH) {
        watch_again(c, stream);
        return;
    }
    struct span bytes = span_sub(body_span(&stream->body), stream->rpc.waiting, stream->body.len);
    size_t len = bytes.len;
    take_messages(c, stream, &bytes);
    if (stream->answered)
        return;
    h2_consume(state->h2, stream->rpc.stream, len - bytes.len);
    stream->rpc.waiting = stream->body.len - bytes.len;
    finish_if_over(c, stream);
}

bool grpc_stream_next(struct connection *c)
{
    struct grpc_state *state = c->state;
    if (!state->turns_due)
        return false;
    for (struct call *stream = state->calls; stream; stream = stream->next) {
        if (!stream->rpc.due)
            continue;
        stream->rpc.due = false;
        state->turns_due--;
        if (!stream->answered)
            next_turn(c, stream);
    }
    return true;
}

void grpc_stream_release(struct connection *c, struct call *stream)
{
    struct grpc_state *state = c->state;
    if (stream->rpc.turn)
        drop_turn(c, stream);
    state->turns_due -= stream->rpc.due;
    stream->rpc.due = false;
    h2_consume_connection(state->h2, waiting_bytes(stream));
    stream->rpc.waiting = stream->body.len;
}
