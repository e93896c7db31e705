/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC for the load client, over HTTP/2 without TLS: just enough of RFC 9113 to call one method
 * over and over as a real client does. The header block of the first call puts its fields into the
 * server's table, every later one is an index a field. Flow control is honoured in both directions.
 *
 * A call lives in a ring at its stream id; an id whose place is still taken is skipped (section
 * 5.1.1 closes it unused). Answers' header blocks are inflated, but one that equals an earlier
 * block and does not touch the table means the same and is not inflated again.
 */
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "load.h"

enum {
    FRAME_HEAD = 9,
    FRAME_MAX = 16384, /* that we accept: the default of SETTINGS_MAX_FRAME_SIZE */
    FRAME_DATA = 0,
    FRAME_HEADERS = 1,
    FRAME_RST_STREAM = 3,
    FRAME_SETTINGS = 4,
    FRAME_PING = 6,
    FRAME_GOAWAY = 7,
    FRAME_WINDOW_UPDATE = 8,
    FRAME_CONTINUATION = 9,
    FRAME_TYPES = 10,
    FLAG_END_STREAM = 1,
    FLAG_ACK = 1,
    FLAG_END_HEADERS = 4,
    FLAG_PADDED = 8,
    SETTING_MAX_STREAMS = 3,
    SETTING_WINDOW = 4,
    SETTING_FRAME_MAX = 5,
    WINDOW_DEFAULT = 65535,
    WINDOW_OURS = 1 << 30, /* never the limit; topped up at half */
    FIELDS = 8,
    BLOCK_MAX = 512,
    MEMOS = 2, /* of an answer's headers and of its trailers */
    STATUS_NONE = -1,
};

struct call {
    uint32_t id; /* 0: none */
    int64_t start_ns;
    size_t sent, received;
    int64_t window;
    bool right; /* so far */
};

/* What a header block said. */
struct outcome {
    int http_status, grpc_status; /* or STATUS_NONE */
};

struct memo {
    unsigned char block[BLOCK_MAX];
    size_t len;
    struct outcome outcome;
};

struct h2 {
    nghttp2_hd_inflater *inflater;
    struct memo memo[MEMOS];
    size_t memo_next;
    struct call *calls; /* owned: a ring of mask + 1 */
    uint32_t mask, next_id;
    size_t unsent; /* calls with body left */
    int64_t window, call_window;
    size_t frame_max, streams_max;
    size_t received; /* since the last WINDOW_UPDATE of the connection */
    unsigned char block[BLOCK_MAX];
    size_t block_len;
    unsigned fields; /* of the table */
    bool indexed;    /* `block` is the one of the later calls */
};

struct frame {
    unsigned type, flags;
    uint32_t id;
    struct span payload;
};

static uint32_t get32(const char *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return __builtin_bswap32(value);
}

static void put32(unsigned char *bytes, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(bytes, &value, sizeof value);
}

static void put_head(struct connection *connection, struct frame head)
{
    unsigned char bytes[FRAME_HEAD];
    put32(bytes, (uint32_t)(head.payload.len << 8 | head.type));
    bytes[4] = (unsigned char)head.flags;
    put32(bytes + 5, head.id);
    connection_put(connection, bytes, sizeof bytes);
}

static void put_frame(struct connection *connection, struct frame frame)
{
    put_head(connection, frame);
    connection_put(connection, frame.payload.ptr, frame.payload.len);
}

static void put_window_update(struct connection *connection, uint32_t id, uint32_t more)
{
    unsigned char payload[4];
    put32(payload, more);
    put_frame(connection, (struct frame){FRAME_WINDOW_UPDATE, 0, id, span_make(payload, 4)});
}

/* A field that enters the table (RFC 7541, section 6.2.1), its name spelled out; both short. */
static void add_field(struct h2 *h2, struct span name, struct span value)
{
    CHECK(name.len < 127 && value.len < 127 &&
          h2->block_len + name.len + value.len < BLOCK_MAX - 3);
    unsigned char *at = h2->block + h2->block_len;
    *at++ = 0x40;
    *at++ = (unsigned char)name.len;
    at = mempcpy(at, name.ptr, name.len);
    *at++ = (unsigned char)value.len;
    at = mempcpy(at, value.ptr, value.len);
    h2->block_len = (size_t)(at - h2->block);
}

/* The fields that a gRPC client sends, in its order; POST and http are in the static table. */
static void make_first_block(struct h2 *h2, const struct load *load)
{
    h2->block[h2->block_len++] = 0x83;
    h2->block[h2->block_len++] = 0x86;
    add_field(h2, SPAN_LITERAL(":path"), load->path);
    add_field(h2, SPAN_LITERAL(":authority"), load->host);
    add_field(h2, SPAN_LITERAL("te"), SPAN_LITERAL("trailers"));
    add_field(h2, SPAN_LITERAL("content-type"), SPAN_LITERAL("application/grpc"));
    add_field(h2, SPAN_LITERAL("user-agent"), SPAN_LITERAL("grpc-c/40.0.0 (linux; load)"));
    add_field(h2, SPAN_LITERAL("grpc-accept-encoding"), SPAN_LITERAL("identity, deflate, gzip"));
    h2->fields = 6;
    if (load->header.len)
        add_field(h2, load->header, load->value);
    h2->fields += load->header.len > 0;
}

/* The fields are the table's youngest: index 62 is the last of them. */
static void make_later_block(struct h2 *h2)
{
    h2->block_len = 0;
    h2->block[h2->block_len++] = 0x83;
    h2->block[h2->block_len++] = 0x86;
    for (unsigned i = h2->fields; i--;)
        h2->block[h2->block_len++] = (unsigned char)(0x80 | (62 + i));
    h2->indexed = true;
}

static void h2_open(struct connection *connection)
{
    static const unsigned char settings[] = {0, SETTING_WINDOW, WINDOW_OURS >> 24, 0, 0, 0};
    struct h2 *h2 = calloc(1, sizeof *h2);
    CHECK(h2 && nghttp2_hd_inflate_new(&h2->inflater) == 0);
    h2->mask = 3;
    while (h2->mask < 4 * connection->load->in_flight)
        h2->mask = h2->mask << 1 | 1;
    h2->calls = calloc(h2->mask + 1, sizeof *h2->calls);
    CHECK(h2->calls);
    h2->next_id = 1;
    h2->window = h2->call_window = WINDOW_DEFAULT;
    h2->frame_max = FRAME_MAX;
    h2->streams_max = SIZE_MAX;
    make_first_block(h2, connection->load);
    connection->state = h2;
    connection_put(connection, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
    put_frame(connection,
              (struct frame){FRAME_SETTINGS, 0, 0, span_make(settings, sizeof settings)});
    put_window_update(connection, 0, WINDOW_OURS);
}

static void h2_close(struct connection *connection)
{
    struct h2 *h2 = connection->state;
    nghttp2_hd_inflate_del(h2->inflater);
    free(h2->calls);
    free(h2);
}

/* Sends what the windows, the frame size and the output's room allow of a call's body. */
static void send_body(struct connection *connection, struct call *call)
{
    struct h2 *h2 = connection->state;
    struct span body = connection->load->body;
    while (call->sent < body.len && call->window > 0 && h2->window > 0 &&
           connection_room(connection) > LOAD_OUTPUT_RESERVE + FRAME_HEAD) {
        size_t most = connection_room(connection) - LOAD_OUTPUT_RESERVE - FRAME_HEAD;
        most = most < h2->frame_max ? most : h2->frame_max;
        most = most < (size_t)call->window ? most : (size_t)call->window;
        most = most < (size_t)h2->window ? most : (size_t)h2->window;
        struct span piece = span_sub(body, call->sent, most);
        call->sent += piece.len;
        call->window -= (int64_t)piece.len;
        h2->window -= (int64_t)piece.len;
        bool last = call->sent == body.len;
        put_frame(connection,
                  (struct frame){FRAME_DATA, last ? FLAG_END_STREAM : 0, call->id, piece});
        h2->unsent -= last;
    }
}

static void send_bodies(struct connection *connection)
{
    struct h2 *h2 = connection->state;
    for (uint32_t i = 0; i <= h2->mask && h2->unsent; i++) {
        if (h2->calls[i].id && h2->calls[i].sent < connection->load->body.len)
            send_body(connection, &h2->calls[i]);
    }
}

static struct call *find_call(struct h2 *h2, uint32_t id)
{
    struct call *call = &h2->calls[(id >> 1) & h2->mask];
    return id && call->id == id ? call : NULL;
}

static void h2_start(struct connection *connection)
{
    struct h2 *h2 = connection->state;
    if (connection->running > h2->streams_max)
        load_die("the server allows only %zu calls in flight on a connection", h2->streams_max);
    while (h2->calls[(h2->next_id >> 1) & h2->mask].id)
        h2->next_id += 2;
    struct call *call = &h2->calls[(h2->next_id >> 1) & h2->mask];
    *call = (struct call){.id = h2->next_id,
                          .start_ns = connection->load->now_ns,
                          .window = h2->call_window,
                          .right = true};
    h2->next_id += 2;
    put_frame(connection, (struct frame){FRAME_HEADERS, FLAG_END_HEADERS, call->id,
                                         span_make(h2->block, h2->block_len)});
    if (!h2->indexed)
        make_later_block(h2);
    h2->unsent++;
    send_body(connection, call);
}

static void end_call(struct connection *connection, struct call *call, const char *failure)
{
    struct h2 *h2 = connection->state;
    h2->unsent -= call->sent < connection->load->body.len;
    if (!failure && (!call->right || call->received != connection->load->expected_len))
        failure = "the answer differs from the first one";
    call->id = 0;
    load_finish(connection, call->start_ns, failure);
}

static void on_data(struct connection *connection, const struct frame *frame)
{
    struct h2 *h2 = connection->state;
    struct call *call = find_call(h2, frame->id);
    if (frame->flags & FLAG_PADDED)
        load_die("padded frames are not supported");
    h2->received += frame->payload.len;
    if (h2->received > WINDOW_OURS / 2) {
        put_window_update(connection, 0, (uint32_t)h2->received);
        h2->received = 0;
    }
    if (!call)
        return;
    call->right = call->right && load_check(connection->load, call->received, frame->payload);
    call->received += frame->payload.len;
    if (frame->flags & FLAG_END_STREAM)
        end_call(connection, call, "the stream ended without trailers");
}

/* Skips an HPACK integer of that many prefix bits (section 5.1). */
static size_t skip_integer(const unsigned char *block, size_t len, unsigned bits, size_t *value)
{
    unsigned mask = (1u << bits) - 1;
    size_t used = 1, shift = 0;
    *value = block[0] & mask;
    if (*value < mask)
        return 1;
    for (; used < len && used < 5; used++, shift += 7) {
        *value += (size_t)(block[used] & 127) << shift;
        if (block[used] < 128)
            return used + 1;
    }
    return len;
}

/* True if a block only reads the table: indexed fields and literals that do not enter it. */
static bool leaves_table_alone(const unsigned char *block, size_t len)
{
    size_t at = 0, value;
    while (at < len) {
        if (block[at] & 0x80) {
            at += skip_integer(block + at, len - at, 7, &value);
            continue;
        }
        if (block[at] & 0x60)
            return false;
        at += skip_integer(block + at, len - at, 4, &value);
        for (int strings = value ? 1 : 2; strings && at < len; strings--) {
            at += skip_integer(block + at, len - at, 7, &value);
            at += value;
        }
    }
    return at == len;
}

static int status_of(struct span value)
{
    int64_t status;
    return span_to_int64(value, &status) && status >= 0 && status < 1000 ? (int)status : 999;
}

static struct outcome inflate_block(struct h2 *h2, struct span block)
{
    struct outcome outcome = {STATUS_NONE, STATUS_NONE};
    const uint8_t *at = (const uint8_t *)block.ptr, *end = at + block.len;
    for (int flags = 0; !(flags & NGHTTP2_HD_INFLATE_FINAL);) {
        nghttp2_nv field;
        ssize_t used =
            nghttp2_hd_inflate_hd2(h2->inflater, &field, &flags, at, (size_t)(end - at), 1);
        if (used < 0)
            load_die("a header block: %s", nghttp2_strerror((int)used));
        at += used;
        if (!(flags & NGHTTP2_HD_INFLATE_EMIT))
            continue;
        struct span name = span_make(field.name, field.namelen);
        struct span value = span_make(field.value, field.valuelen);
        if (span_is(name, ":status"))
            outcome.http_status = status_of(value);
        else if (span_is(name, "grpc-status"))
            outcome.grpc_status = status_of(value);
    }
    nghttp2_hd_inflate_end_headers(h2->inflater);
    return outcome;
}

static struct outcome read_block(struct h2 *h2, struct span block)
{
    for (size_t i = 0; i < MEMOS; i++) {
        if (block.len == h2->memo[i].len && !memcmp(block.ptr, h2->memo[i].block, block.len))
            return h2->memo[i].outcome;
    }
    struct outcome outcome = inflate_block(h2, block);
    if (!leaves_table_alone((const unsigned char *)block.ptr, block.len)) {
        for (size_t i = 0; i < MEMOS; i++)
            h2->memo[i].len = 0;
    } else if (block.len && block.len <= BLOCK_MAX) {
        struct memo *memo = &h2->memo[h2->memo_next++ % MEMOS];
        memcpy(memo->block, block.ptr, block.len);
        memo->len = block.len;
        memo->outcome = outcome;
    }
    return outcome;
}

static void on_headers(struct connection *connection, const struct frame *frame)
{
    struct h2 *h2 = connection->state;
    if (!(frame->flags & FLAG_END_HEADERS) || (frame->flags & FLAG_PADDED))
        load_die("padded or continued header blocks are not supported");
    struct outcome outcome = read_block(h2, frame->payload);
    struct call *call = find_call(h2, frame->id);
    if (!call)
        return;
    if (outcome.http_status != STATUS_NONE && outcome.http_status != 200)
        call->right = false;
    if (!(frame->flags & FLAG_END_STREAM))
        return;
    char failure[64];
    snprintf(failure, sizeof failure, "grpc-status %d", outcome.grpc_status);
    end_call(connection, call, outcome.grpc_status == 0 ? NULL : failure);
}

static void on_reset(struct connection *connection, const struct frame *frame)
{
    struct call *call = find_call(connection->state, frame->id);
    if (call)
        end_call(connection, call, "the server reset the stream");
}

static void apply_setting(struct h2 *h2, unsigned id, uint32_t value)
{
    if (id == SETTING_MAX_STREAMS)
        h2->streams_max = value;
    if (id == SETTING_FRAME_MAX)
        h2->frame_max = value;
    if (id != SETTING_WINDOW)
        return;
    for (uint32_t i = 0; i <= h2->mask; i++)
        h2->calls[i].window += (int64_t)value - h2->call_window;
    h2->call_window = value;
}

static void on_settings(struct connection *connection, const struct frame *frame)
{
    if (frame->flags & FLAG_ACK)
        return;
    for (size_t at = 0; at + 6 <= frame->payload.len; at += 6) {
        const char *entry = frame->payload.ptr + at;
        apply_setting(connection->state, get32(entry) >> 16, get32(entry + 2));
    }
    put_head(connection, (struct frame){FRAME_SETTINGS, FLAG_ACK, 0, {0}});
    send_bodies(connection);
}

static void on_ping(struct connection *connection, const struct frame *frame)
{
    if (!(frame->flags & FLAG_ACK))
        put_frame(connection, (struct frame){FRAME_PING, FLAG_ACK, 0, frame->payload});
}

static void on_goaway(struct connection *connection, const struct frame *frame)
{
    char why[120];
    snprintf(why, sizeof why, "the server went away: %.*s",
             SPAN_ARG(span_sub(frame->payload, 8, 100)));
    load_leave(connection, why);
}

static void on_window_update(struct connection *connection, const struct frame *frame)
{
    struct h2 *h2 = connection->state;
    struct call *call = find_call(h2, frame->id);
    if (frame->payload.len != 4)
        load_die("a WINDOW_UPDATE of %zu bytes", frame->payload.len);
    uint32_t more = get32(frame->payload.ptr) & 0x7fffffff;
    if (!frame->id)
        h2->window += more;
    else if (call)
        call->window += more;
    if (h2->unsent)
        send_bodies(connection);
}

static void on_continuation(struct connection *connection, const struct frame *frame)
{
    (void)connection;
    load_die("a CONTINUATION frame on stream %u", frame->id);
}

static void (*const on_frame[FRAME_TYPES])(struct connection *, const struct frame *) = {
    [FRAME_DATA] = on_data,
    [FRAME_HEADERS] = on_headers,
    [FRAME_RST_STREAM] = on_reset,
    [FRAME_SETTINGS] = on_settings,
    [FRAME_PING] = on_ping,
    [FRAME_GOAWAY] = on_goaway,
    [FRAME_WINDOW_UPDATE] = on_window_update,
    [FRAME_CONTINUATION] = on_continuation,
};

static size_t h2_on_input(struct connection *connection, struct span input)
{
    if (input.len < FRAME_HEAD)
        return 0;
    uint32_t head = get32(input.ptr);
    size_t len = head >> 8;
    if (len > FRAME_MAX)
        load_die("a frame of %zu bytes", len);
    if (input.len < FRAME_HEAD + len)
        return 0;
    struct frame frame = {head & 255, (unsigned char)input.ptr[4],
                          get32(input.ptr + 5) & 0x7fffffff, span_sub(input, FRAME_HEAD, len)};
    if (frame.type < FRAME_TYPES && on_frame[frame.type])
        on_frame[frame.type](connection, &frame);
    return FRAME_HEAD + len;
}

static void h2_on_room(struct connection *connection)
{
    struct h2 *h2 = connection->state;
    if (h2->unsent)
        send_bodies(connection);
}

const struct load_protocol load_h2 = {
    .name = "grpc",
    .open = h2_open,
    .close = h2_close,
    .start = h2_start,
    .on_input = h2_on_input,
    .on_room = h2_on_room,
};
