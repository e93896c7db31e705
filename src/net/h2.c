/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nghttp2 behind the narrow interface of h2.h.
 *
 * Bodies of answers never pass through the library's buffers: its data callback only tells lengths
 * (NGHTTP2_DATA_FLAG_NO_COPY) and the send callback puts frame header and body bytes straight into
 * the output.
 *
 * Rapid reset: a peer that opens and resets streams makes us work for nothing and is not held by
 * the limit of concurrent streams. `credit` starts at H2_RESETS_MAX, a reset takes one, a finished
 * request gives one back, and so does every 10 ms that pass between resets; when it is used up the
 * connection ends with ENHANCE_YOUR_CALM. A client whose deadlines expire under overload resets,
 * too, but it also gets answers.
 */
#include "net/h2.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"

enum {
    SETTINGS_MAX = 32,        /* entries in one SETTINGS frame */
    CREDIT_PERIOD_US = 10000, /* a reset is forgiven after so long */
    FRAME_HEADER = 9,
    RESET_BURST = 1000000, /* out of the way of ours */
    RESET_RATE = 1000000,
};

struct h2 {
    nghttp2_session *session;
    struct pool *pool; /* borrowed */
    const struct h2_events *events;
    void *context;
    struct output *output; /* where h2_produce() puts things; NULL outside of it */
    unsigned continuations;
    int credit;
    int64_t credit_us;
    struct h2_limits limits;
    uint32_t strikes; /* PINGs that came too fast since something was sent */
    int64_t pinged_us;
    bool in_headers;
    bool has_preface;
    bool draining;  /* the shutdown notice is out */
    bool gone_away; /* the final GOAWAY is out */
    bool more;      /* the output was full */
};

/* What the PING behind the shutdown notice carries: other answers say nothing of it. */
static const uint8_t notice[8] = "goodbye";

static int calm_down(struct h2 *h2)
{
    nghttp2_session_terminate_session(h2->session, NGHTTP2_ENHANCE_YOUR_CALM);
    return 0;
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user_data)
{
    (void)session;
    struct h2 *h2 = user_data;
    h2->has_preface = true;
    if (hd->type == NGHTTP2_HEADERS) {
        h2->continuations = 0;
        h2->in_headers = !(hd->flags & NGHTTP2_FLAG_END_HEADERS);
    } else if (hd->type == NGHTTP2_CONTINUATION) {
        h2->in_headers = !(hd->flags & NGHTTP2_FLAG_END_HEADERS);
        if (++h2->continuations > H2_CONTINUATIONS_MAX)
            return calm_down(h2);
    }
    return 0;
}

static bool is_request(const nghttp2_frame *frame)
{
    return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct h2 *h2 = user_data;
    if (!is_request(frame))
        return 0;
    void *request = h2->events->on_begin(h2->context, frame->hd.stream_id);
    if (!request)
        return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                         NGHTTP2_REFUSED_STREAM)
                   ? NGHTTP2_ERR_CALLBACK_FAILURE
                   : 0;
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, request);
    return 0;
}

static void *request_of(nghttp2_session *session, int32_t stream)
{
    return nghttp2_session_get_stream_user_data(session, stream);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user_data)
{
    (void)flags;
    struct h2 *h2 = user_data;
    if (!is_request(frame))
        return 0;
    void *request = request_of(session, frame->hd.stream_id);
    if (request)
        h2->events->on_field(h2->context, request, span_make(name, name_len),
                             span_make(value, value_len));
    return 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t stream,
                         const uint8_t *data, size_t len, void *user_data)
{
    (void)flags;
    struct h2 *h2 = user_data;
    void *request = request_of(session, stream);
    if (request)
        h2->events->on_data(h2->context, request, span_make(data, len));
    else
        nghttp2_session_consume(session, stream, len);
    return 0;
}

static int on_reset(struct h2 *h2)
{
    int64_t now_us = clock_now_us();
    int64_t forgiven = (now_us - h2->credit_us) / CREDIT_PERIOD_US;
    if (forgiven > 0) {
        h2->credit += forgiven > H2_RESETS_MAX ? H2_RESETS_MAX : (int)forgiven;
        h2->credit = h2->credit > H2_RESETS_MAX ? H2_RESETS_MAX : h2->credit;
        h2->credit_us = now_us;
    }
    return --h2->credit < 0 ? calm_down(h2) : 0;
}

static void on_request_frame(struct h2 *h2, const nghttp2_frame *frame)
{
    void *request = request_of(h2->session, frame->hd.stream_id);
    if (request && is_request(frame))
        h2->events->on_head(h2->context, request);
    if (request && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        h2->events->on_end(h2->context, request);
}

/* The final GOAWAY. */
static void go_away(struct h2 *h2, uint32_t code, struct span reason)
{
    h2->gone_away = true;
    nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(h2->session), code,
                          (const uint8_t *)reason.ptr, reason.len);
}

/* As gRPC's own servers judge it: who asks more often than it gets answers only keeps us awake. */
static int on_ping(struct h2 *h2)
{
    int64_t now_us = clock_now_us();
    bool too_soon = h2->pinged_us && now_us - h2->pinged_us < h2->limits.ping_interval_us;
    h2->pinged_us = now_us;
    if (!too_soon || ++h2->strikes <= h2->limits.ping_strikes)
        return 0;
    go_away(h2, NGHTTP2_ENHANCE_YOUR_CALM, SPAN_LITERAL("too_many_pings"));
    return calm_down(h2);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    (void)session;
    struct h2 *h2 = user_data;
    switch (frame->hd.type) {
    case NGHTTP2_DATA:
    case NGHTTP2_HEADERS:
        on_request_frame(h2, frame);
        return 0;
    case NGHTTP2_RST_STREAM:
        return on_reset(h2);
    case NGHTTP2_PING:
        if (!(frame->hd.flags & NGHTTP2_FLAG_ACK))
            return on_ping(h2);
        if (h2->draining && memcmp(frame->ping.opaque_data, notice, sizeof notice) == 0)
            h2_goaway(h2);
        return 0;
    default:
        return 0;
    }
}

static void forgive_pings(struct h2 *h2)
{
    h2->strikes = 0;
    h2->pinged_us = 0;
}

/* The end of an answer. When the request has not ended yet, the rest of it is not wanted. */
static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct h2 *h2 = user_data;
    if (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA)
        forgive_pings(h2);
    if (frame->hd.type != NGHTTP2_HEADERS || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    if (h2->credit < H2_RESETS_MAX)
        h2->credit++;
    if (nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) == 0)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                  NGHTTP2_NO_ERROR);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t error_code,
                           void *user_data)
{
    (void)error_code;
    struct h2 *h2 = user_data;
    void *request = request_of(session, stream);
    if (request)
        h2->events->on_close(h2->context, request);
    return 0;
}

static nghttp2_nv make_nv(const struct h2_field *field, uint8_t flags)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)field->name.ptr,
                        .value = (uint8_t *)(uintptr_t)field->value.ptr,
                        .namelen = field->name.len,
                        .valuelen = field->value.len,
                        .flags = flags};
}

enum { KEPT = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE };

static int submit_trailers(struct h2 *h2, int32_t stream, void *request)
{
    struct h2_field fields[H2_TRAILERS_MAX];
    nghttp2_nv nv[H2_TRAILERS_MAX];
    size_t count = h2->events->trailers(h2->context, request, fields);
    CHECK(count <= H2_TRAILERS_MAX);
    for (size_t i = 0; i < count; i++)
        nv[i] = make_nv(&fields[i], KEPT);
    return nghttp2_submit_trailer(h2->session, stream, nv, count);
}

static ssize_t read_body(nghttp2_session *session, int32_t stream, uint8_t *buf, size_t length,
                         uint32_t *data_flags, nghttp2_data_source *source, void *user_data)
{
    (void)session;
    (void)buf;
    struct h2 *h2 = user_data;
    size_t left = h2->events->body_left(h2->context, source->ptr);
    *data_flags = NGHTTP2_DATA_FLAG_NO_COPY;
    if (left > length)
        return (ssize_t)length;
    if (h2->events->body_goes_on(h2->context, source->ptr))
        return left ? (ssize_t)left : NGHTTP2_ERR_DEFERRED;
    *data_flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    if (submit_trailers(h2, stream, source->ptr))
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return (ssize_t)left;
}

static int send_body(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_header,
                     size_t length, nghttp2_data_source *source, void *user_data)
{
    (void)session;
    (void)frame;
    struct h2 *h2 = user_data;
    if (!output_has_room(h2->output)) {
        h2->more = true;
        return NGHTTP2_ERR_WOULDBLOCK;
    }
    output_append(h2->output, span_make(frame_header, FRAME_HEADER));
    h2->events->body_write(h2->context, source->ptr, h2->output, length);
    return 0;
}

static void *mem_malloc(size_t size, void *pool)
{
    return pool_alloc(pool, size);
}

static void mem_free(void *ptr, void *pool)
{
    pool_free(pool, ptr);
}

static void *mem_calloc(size_t count, size_t size, void *pool)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    void *ptr = pool_alloc(pool, bytes);
    return ptr ? memset(ptr, 0, bytes) : NULL;
}

static void *mem_realloc(void *ptr, size_t size, void *pool)
{
    return pool_realloc(pool, ptr, size);
}

static nghttp2_session_callbacks *callbacks_new(void)
{
    nghttp2_session_callbacks *callbacks;
    CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_body);
    return callbacks;
}

static void announce(struct h2 *h2)
{
    /* Priorities off: the dependency tree of RFC 7540 is memory that the peer shapes. */
    uint32_t streams_max = h2->limits.streams_max ? h2->limits.streams_max : H2_STREAMS_MAX;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, H2_HEADER_LIST_MAX},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    CHECK(nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings,
                                  sizeof settings / sizeof *settings) == 0);
    CHECK(nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0, H2_WINDOW) == 0);
}

struct h2 *h2_new(const struct h2_events *events, void *context, const struct h2_limits *limits,
                  struct pool *pool)
{
    struct h2 *h2 = pool_alloc(pool, sizeof *h2);
    CHECK(h2 && "out of memory");
    *h2 = (struct h2){.pool = pool,
                      .events = events,
                      .context = context,
                      .limits = *limits,
                      .credit = H2_RESETS_MAX,
                      .credit_us = clock_now_us()};
    nghttp2_mem mem = {pool, mem_malloc, mem_free, mem_calloc, mem_realloc};
    nghttp2_option *option;
    CHECK(nghttp2_option_new(&option) == 0);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_settings(option, SETTINGS_MAX);
    /* The library's own guard knows no finished requests and would hit clients whose deadlines
     * expire under load. */
    nghttp2_option_set_stream_reset_rate_limit(option, RESET_BURST, RESET_RATE);
    nghttp2_session_callbacks *callbacks = callbacks_new();
    CHECK(nghttp2_session_server_new3(&h2->session, callbacks, h2, option, &mem) == 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    announce(h2);
    return h2;
}

void h2_free(struct h2 *h2)
{
    if (!h2)
        return;
    nghttp2_session_del(h2->session);
    pool_free(h2->pool, h2);
}

enum code h2_feed(struct h2 *h2, struct span bytes, struct error *err)
{
    ssize_t n = nghttp2_session_mem_recv(h2->session, (const uint8_t *)bytes.ptr, bytes.len);
    if (n >= 0)
        return CODE_OK;
    nghttp2_session_terminate_session(
        h2->session, n == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
    return error_set(err, n == NGHTTP2_ERR_NOMEM ? CODE_RESOURCE_EXHAUSTED : CODE_INVALID_ARGUMENT,
                     "HTTP/2: %s", nghttp2_strerror((int)n));
}

bool h2_produce(struct h2 *h2, struct output *output)
{
    h2->output = output;
    h2->more = false;
    while (output_has_room(output)) {
        const uint8_t *data;
        ssize_t n = nghttp2_session_mem_send(h2->session, &data);
        if (n <= 0)
            break;
        output_append(output, span_make(data, (size_t)n));
    }
    h2->output = NULL;
    return h2->more || !output_has_room(output);
}

void h2_answer(struct h2 *h2, int32_t stream, const struct h2_field *head, size_t count)
{
    nghttp2_nv nv[H2_HEAD_MAX];
    CHECK(count <= H2_HEAD_MAX);
    for (size_t i = 0; i < count; i++)
        nv[i] = make_nv(&head[i], KEPT);
    nghttp2_data_provider body = {.source.ptr = request_of(h2->session, stream),
                                  .read_callback = read_body};
    CHECK(nghttp2_submit_response(h2->session, stream, nv, count, &body) == 0);
}

void h2_answer_head_only(struct h2 *h2, int32_t stream, const struct h2_field *head, size_t count)
{
    nghttp2_nv nv[H2_HEAD_MAX];
    CHECK(count <= H2_HEAD_MAX);
    for (size_t i = 0; i < count; i++)
        nv[i] = make_nv(&head[i], NGHTTP2_NV_FLAG_NONE);
    CHECK(nghttp2_submit_response(h2->session, stream, nv, count, NULL) == 0);
}

void h2_resume(struct h2 *h2, int32_t stream)
{
    /* Refused where nothing was deferred: then the body is asked for anyway. */
    nghttp2_session_resume_data(h2->session, stream);
}

void h2_forget(struct h2 *h2, int32_t stream)
{
    nghttp2_session_set_stream_user_data(h2->session, stream, NULL);
}

void h2_consume(struct h2 *h2, int32_t stream, size_t len)
{
    nghttp2_session_consume(h2->session, stream, len);
}

void h2_consume_connection(struct h2 *h2, size_t len)
{
    nghttp2_session_consume_connection(h2->session, len);
}

void h2_consume_stream(struct h2 *h2, int32_t stream, size_t len)
{
    nghttp2_session_consume_stream(h2->session, stream, len);
}

void h2_ping(struct h2 *h2)
{
    nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, NULL);
}

void h2_shutdown_notice(struct h2 *h2)
{
    h2->draining = true;
    nghttp2_submit_shutdown_notice(h2->session);
    nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, notice);
}

void h2_goaway(struct h2 *h2)
{
    if (h2->gone_away)
        return;
    go_away(h2, NGHTTP2_NO_ERROR, (struct span){0});
}

bool h2_finished(const struct h2 *h2)
{
    return !nghttp2_session_want_read(h2->session) && !nghttp2_session_want_write(h2->session);
}

bool h2_in_headers(const struct h2 *h2)
{
    return h2->in_headers;
}

bool h2_has_preface(const struct h2 *h2)
{
    return h2->has_preface;
}
