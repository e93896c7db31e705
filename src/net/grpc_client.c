/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/2 library does the protocol; this file moves its bytes over a blocking socket until the
 * one stream that is open has ended. Windows are large, as the server's are. Once a call has failed
 * by a timeout or a broken connection the client is of no more use.
 */
#include "net/grpc_client.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "net/dial.h"
#include "net/grpc.h"

enum {
    WINDOW = 16 << 20,
    READ_SIZE = 64 << 10,
    ANSWER_MAX = INT32_MAX, /* bytes of an answer's body */
    STATUS_TEXT = 3 * GRPC_STATUS_MESSAGE_MAX + 64,
};

struct call {
    struct span request; /* with its prefix */
    size_t sent;
    char *body;
    size_t len, room;
    int http_status;
    int grpc_status; /* -1: none came */
    char message[STATUS_TEXT];
    bool ended;
    bool too_large;
};

struct grpc_client {
    int fd;
    char authority[256];
    nghttp2_session *session;
    struct call *call;   /* the one that is open */
    char *authorization; /* owned; NULL: none */
    int64_t deadline_us;
};

/* ---- what the library tells us ---- */

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user)
{
    (void)session, (void)frame, (void)flags;
    struct call *call = ((struct grpc_client *)user)->call;
    struct span key = span_make(name, name_len), text = span_make(value, value_len);
    int64_t number;
    if (!call)
        return 0;
    if (span_is(key, ":status") && span_to_int64(text, &number))
        call->http_status = (int)number;
    else if (span_is(key, "grpc-status") && span_to_int64(text, &number))
        call->grpc_status = (int)number;
    else if (span_is(key, "grpc-message"))
        snprintf(call->message, sizeof call->message, "%.*s", SPAN_ARG(text));
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
                   size_t len, void *user)
{
    (void)session, (void)flags, (void)stream;
    struct call *call = ((struct grpc_client *)user)->call;
    if (!call || call->too_large)
        return 0;
    if (len > ANSWER_MAX - call->len) {
        call->too_large = true;
        return 0;
    }
    if (call->len + len > call->room) {
        size_t room = call->room * 2 > call->len + len ? call->room * 2 : call->len + len;
        char *body = realloc(call->body, room);
        CHECK(body);
        call->body = body;
        call->room = room;
    }
    memcpy(call->body + call->len, data, len);
    call->len += len;
    return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t error_code, void *user)
{
    (void)session, (void)stream, (void)error_code;
    struct call *call = ((struct grpc_client *)user)->call;
    if (call)
        call->ended = true;
    return 0;
}

static ssize_t read_request(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room,
                            uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)session, (void)stream, (void)user;
    struct call *call = source->ptr;
    size_t left = call->request.len - call->sent;
    size_t n = left < room ? left : room;
    memcpy(to, call->request.ptr + call->sent, n);
    call->sent += n;
    if (call->sent == call->request.len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

/* ---- the connection ---- */

static void start_session(struct grpc_client *client)
{
    nghttp2_session_callbacks *callbacks;
    CHECK(!nghttp2_session_callbacks_new(&callbacks));
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    CHECK(!nghttp2_session_client_new(&client->session, callbacks, client));
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW},
                                         {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
    nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, settings, 2);
    nghttp2_session_set_local_window_size(client->session, NGHTTP2_FLAG_NONE, 0, WINDOW);
}

enum code grpc_client_connect(const char *target, int64_t timeout_us, struct grpc_client **result,
                              struct error *err)
{
    int fd;
    enum code code = dial(target, &fd, err);
    if (code)
        return code;
    struct grpc_client *client = calloc(1, sizeof *client);
    CHECK(client);
    client->fd = fd;
    bool is_unix = strncmp(target, "unix:", 5) == 0;
    snprintf(client->authority, sizeof client->authority, "%s", is_unix ? "localhost" : target);
    dial_timeout(fd, timeout_us);
    start_session(client);
    *result = client;
    return CODE_OK;
}

void grpc_client_free(struct grpc_client *client)
{
    if (!client)
        return;
    nghttp2_session_del(client->session);
    close(client->fd);
    free(client->authorization);
    free(client);
}

void grpc_client_set_token(struct grpc_client *client, struct span token)
{
    free(client->authorization);
    CHECK(asprintf(&client->authorization, "Bearer %.*s", SPAN_ARG(token)) >= 0);
}

/* ---- a call ---- */

static enum code connection_lost(struct grpc_client *client, const char *what, struct error *err)
{
    bool timeout = errno == EAGAIN || errno == EWOULDBLOCK;
    if (timeout)
        return error_set(err, CODE_DEADLINE_EXCEEDED, "no answer from %s in time",
                         client->authority);
    return error_set(err, CODE_UNAVAILABLE, "%s %s: %s", client->authority, what,
                     errno ? strerror(errno) : "closed the connection");
}

static enum code send_all(struct grpc_client *client, struct error *err)
{
    const uint8_t *bytes;
    ssize_t n;
    while ((n = nghttp2_session_mem_send(client->session, &bytes)) > 0) {
        while (n > 0) {
            ssize_t sent = send(client->fd, bytes, (size_t)n, MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR)
                continue;
            if (sent < 0)
                return connection_lost(client, "took no more bytes", err);
            bytes += sent;
            n -= sent;
        }
    }
    return CODE_OK;
}

static enum code receive_some(struct grpc_client *client, struct error *err)
{
    uint8_t bytes[READ_SIZE];
    if (clock_now_us() > client->deadline_us) {
        errno = EAGAIN;
        return connection_lost(client, "", err);
    }
    ssize_t n = recv(client->fd, bytes, sizeof bytes, 0);
    if (n < 0 && errno == EINTR)
        return CODE_OK;
    if (n <= 0) {
        errno = n ? errno : 0;
        return connection_lost(client, "broke off", err);
    }
    ssize_t taken = nghttp2_session_mem_recv(client->session, bytes, (size_t)n);
    if (taken < 0)
        return error_set(err, CODE_INTERNAL, "%s does not speak HTTP/2: %s", client->authority,
                         nghttp2_strerror((int)taken));
    return CODE_OK;
}

#define FIELD(name, value)                                                                         \
    {                                                                                              \
        (uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), strlen(name), strlen(value),  \
            NGHTTP2_NV_FLAG_NONE                                                                   \
    }

static void submit(struct grpc_client *client, const char *method, int64_t timeout_us)
{
    char timeout[32];
    snprintf(timeout, sizeof timeout, "%lldm",
             (long long)(timeout_us / 1000 < 99999999 ? timeout_us / 1000 : 99999999));
    nghttp2_nv fields[] = {
        FIELD(":method", "POST"),
        FIELD(":scheme", "http"),
        FIELD(":path", method),
        FIELD(":authority", client->authority),
        FIELD("te", "trailers"),
        FIELD("content-type", "application/grpc"),
        FIELD("grpc-timeout", timeout),
        FIELD("authorization", client->authorization ? client->authorization : ""),
    };
    size_t count = sizeof fields / sizeof *fields - !client->authorization;
    nghttp2_data_provider provider = {.source.ptr = client->call, .read_callback = read_request};
    CHECK(nghttp2_submit_request(client->session, NULL, fields, count, &provider, NULL) > 0);
}

/* Undoes %41 in place. */
static void decode_percent(char *text)
{
    char *to = text;
    for (const char *from = text; *from;) {
        unsigned byte;
        if (*from == '%' && sscanf(from + 1, "%2x", &byte) == 1) {
            *to++ = (char)byte;
            from += 3;
        } else {
            *to++ = *from++;
        }
    }
    *to = 0;
}

static enum code take_answer(struct grpc_client *client, struct call *call, struct arena *arena,
                             struct span *response, struct error *err)
{
    if (call->too_large)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "the answer is larger than 2 GiB");
    if (call->grpc_status < 0)
        return error_set(err, CODE_INTERNAL, "%s answered without a grpc-status (HTTP status %d)",
                         client->authority, call->http_status);
    if (call->grpc_status) {
        decode_percent(call->message);
        return error_set(err, (enum code)call->grpc_status, "%s", call->message);
    }
    struct grpc_reader reader = {0};
    struct span payload = {0};
    enum code code =
        grpc_reader_feed(&reader, span_make(call->body, call->len), ANSWER_MAX, &payload, err);
    if (!code)
        code = grpc_reader_end(&reader, err);
    if (!code && reader.compressed)
        code = error_set(err, CODE_UNIMPLEMENTED, "the answer is compressed");
    if (!code)
        *response = arena_copy(arena, payload);
    return code;
}

enum code grpc_client_call(struct grpc_client *client, const char *method, struct span request,
                           int64_t timeout_us, struct arena *arena, struct span *response,
                           struct error *err)
{
    struct call call = {.grpc_status = -1};
    char *message = arena_try_alloc(arena, request.len + GRPC_PREFIX, 1);
    if (!message || request.len > UINT32_MAX)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "a request of %zu bytes", request.len);
    grpc_prefix_write((unsigned char *)message, false, (uint32_t)request.len);
    if (request.len)
        memcpy(message + GRPC_PREFIX, request.ptr, request.len);
    call.request = span_make(message, request.len + GRPC_PREFIX);
    client->call = &call;
    client->deadline_us = clock_now_us() + timeout_us;
    submit(client, method, timeout_us);
    enum code code = CODE_OK;
    while (!code && !call.ended) {
        code = send_all(client, err);
        if (!code && !call.ended)
            code = receive_some(client, err);
    }
    if (!code)
        code = take_answer(client, &call, arena, response, err);
    client->call = NULL;
    free(call.body);
    return code;
}
