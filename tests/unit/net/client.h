/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the server share: a server with toy handlers, an HTTP/2 client (nghttp2's own
 * client side, so that it is not our code that judges our code), plain sockets for everything else.
 * Sockets block, with a time limit that only a broken server reaches.
 *
 * Handlers: /t.T/Echo answers on the loop; /t.T/Hold keeps the exchange for take_held(), and the
 * test answers it from its own thread; /t.T/Fail answers INVALID_ARGUMENT with the request as text;
 * /t.T/Echoes and /t.T/Holds do it for every message, /t.T/Watch and /t.T/Count time and again.
 * HTTP: POST /hold is kept, all else echoed.
 */
#ifndef TESTS_UNIT_NET_CLIENT_H
#define TESTS_UNIT_NET_CLIENT_H

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "net/server.h"

#define HELLO SPAN_LITERAL("\0\0\0\0\5hello") /* a gRPC message in its frame */

enum { HELD_MAX = 4096, PATIENCE_S = 60 };

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t came;
    struct exchange *ring[HELD_MAX];
    size_t head, tail;
} held = {.mutex = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};

static void hold(struct exchange *exchange, void *context)
{
    (void)context;
    pthread_mutex_lock(&held.mutex);
    assert_true(held.head - held.tail < HELD_MAX);
    held.ring[held.head++ % HELD_MAX] = exchange;
    pthread_cond_signal(&held.came);
    pthread_mutex_unlock(&held.mutex);
}

/* Waits for an exchange that a handler keeps. */
static inline struct exchange *take_held(void)
{
    pthread_mutex_lock(&held.mutex);
    while (held.head == held.tail)
        pthread_cond_wait(&held.came, &held.mutex);
    struct exchange *exchange = held.ring[held.tail++ % HELD_MAX];
    pthread_mutex_unlock(&held.mutex);
    return exchange;
}

static inline void answer_ok(struct exchange *exchange)
{
    exchange_answer_rpc(exchange, CODE_OK, (struct span){0}, &exchange->body, 1);
}

static void echo(struct exchange *exchange, void *context)
{
    (void)context;
    /* In three pieces, the middle one empty. */
    struct span pieces[] = {span_sub(exchange->body, 0, exchange->body.len / 3),
                            {0},
                            span_sub(exchange->body, exchange->body.len / 3, exchange->body.len)};
    exchange_answer_rpc(exchange, CODE_OK, (struct span){0}, pieces, 3);
}

static void fail_with_text(struct exchange *exchange, void *context)
{
    (void)context;
    exchange_answer_rpc(exchange, CODE_INVALID_ARGUMENT, exchange->body, NULL, 0);
}

static void echo_or_fail(struct exchange *exchange, void *context)
{
    bool fails = exchange->body.len && *exchange->body.ptr == '!';
    (fails ? fail_with_text : echo)(exchange, context);
}

/* Answers of a watched call: its message and '1', '2', '3', then an error. */
static void count_to_three(struct exchange *exchange, void *context)
{
    (void)context;
    static const char digits[] = "123";
    if (exchange->seen == 3) {
        exchange_answer_rpc(exchange, CODE_OUT_OF_RANGE, SPAN_LITERAL("enough"), NULL, 0);
        return;
    }
    struct span pieces[] = {exchange->body, span_make(&digits[exchange->seen++], 1)};
    exchange_answer_rpc(exchange, CODE_OK, (struct span){0}, pieces, 2);
}

static inline void answer_http(struct exchange *exchange)
{
    /* What was asked travels back in headers. */
    struct exchange_header headers[] = {
        {SPAN_LITERAL("X-Method"), exchange->method},
        {SPAN_LITERAL("X-Path"), exchange->path},
    };
    exchange_answer_http(exchange, 200, headers, 2, &exchange->body, 1);
}

static void web(struct exchange *exchange, void *context)
{
    if (exchange->refusal) {
        struct span why = span_of(exchange->refusal->message);
        exchange_answer_http(exchange, 403, NULL, 0, &why, 1);
    } else if (span_is(exchange->path, "/hold")) {
        hold(exchange, context);
    } else {
        answer_http(exchange);
    }
}

static inline void await_cancel(const struct exchange *exchange)
{
    while (!atomic_load(&exchange->cancelled))
        sched_yield();
}

static const struct net_rpc toy_rpcs[] = {
    {"/t.T/Echo", echo, NET_UNARY},
    {"/t.T/Hold", hold, NET_UNARY},
    {"/t.T/Fail", fail_with_text, NET_UNARY},
    {"/t.T/Echoes", echo_or_fail, NET_STREAM},
    {"/t.T/Holds", hold, NET_STREAM},
    {"/t.T/Watch", hold, NET_WATCH},
    {"/t.T/Count", count_to_three, NET_WATCH},
};

struct server {
    struct net_server *net;
    int grpc_port;
    int http_port;
    size_t fds; /* open before it was made */
};

static inline size_t count_fds(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

/* Options that are 0 get the toys. */
static inline void server_start(struct server *server, struct net_options options)
{
    options.loops = options.loops ? options.loops : 2;
    options.rpcs = toy_rpcs;
    options.rpc_count = sizeof toy_rpcs / sizeof *toy_rpcs;
    options.http = web;
    server->fds = count_fds();
    server->net = net_server_new(&options);
    struct error err = {0};
    struct net_place grpc = {.protocol = NET_GRPC, .address = "127.0.0.1"};
    struct net_place http = {.protocol = NET_HTTP, .address = "127.0.0.1", .entrance = 7};
    enum code code = net_server_listen(server->net, &grpc, &server->grpc_port, &err);
    if (!code)
        code = net_server_listen(server->net, &http, &server->http_port, &err);
    if (!code)
        code = net_server_start(server->net, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(code, CODE_OK);
}

static inline void await_connections(struct server *server, size_t count)
{
    while (net_server_connections(server->net) != count)
        sched_yield();
}

/* Nothing may be left: no connection, no descriptor. */
static inline void server_stop(struct server *server)
{
    net_server_drain(server->net);
    assert_int_equal(net_server_join(server->net, (int64_t)PATIENCE_S * 1000000), CODE_OK);
    assert_int_equal(net_server_connections(server->net), 0);
    net_server_free(server->net);
    assert_int_equal(count_fds(), server->fds);
    assert_int_equal(held.head, held.tail);
}

static inline int dial(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval patience = {.tv_sec = PATIENCE_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* False when the peer has closed. */
static inline bool send_all(int fd, const void *bytes, size_t len)
{
    for (size_t sent = 0; sent < len;) {
        ssize_t n = send(fd, (const char *)bytes + sent, len - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}

static inline bool send_text(int fd, const char *text)
{
    return send_all(fd, text, strlen(text));
}

/* Reads until the peer closes; a reset counts as closed, running out of patience does not. */
static inline size_t read_to_end(int fd, char *into, size_t size)
{
    size_t len = 0;
    for (;;) {
        char waste[4096];
        bool room = len < size;
        ssize_t n = recv(fd, room ? into + len : waste, room ? size - len : sizeof waste, 0);
        assert_false(n < 0 && errno == EAGAIN);
        if (n <= 0)
            return len;
        len += room ? (size_t)n : 0;
    }
}

struct upload;

/* An answer to an RPC. */
struct reply {
    int32_t stream;
    int http_status;
    int grpc_status; /* -1: none */
    bool closed;
    uint32_t error; /* of the stream's end */
    bool gzip;      /* grpc-encoding */
    int pushback_ms;
    bool details; /* grpc-status-details-bin is there */
    char message[4096];
    char *body; /* owned */
    size_t len;
    size_t capacity;
};

struct client {
    int fd;
    nghttp2_session *session;
    bool goaway;
    bool broken;            /* the connection has ended */
    struct upload *uploads; /* owned */
};

/* A request's body for nghttp2, sent as the window allows. */
struct upload {
    const char *bytes;
    size_t len;
    bool keep_open; /* no END_STREAM behind it */
    struct reply *reply;
    struct upload *next;
};

static inline int client_on_header(nghttp2_session *session, const nghttp2_frame *frame,
                                   const uint8_t *name, size_t name_len, const uint8_t *value,
                                   size_t value_len, uint8_t flags, void *user_data)
{
    (void)flags;
    (void)user_data;
    struct upload *upload = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    struct span n = span_make(name, name_len), v = span_make(value, value_len);
    if (!upload)
        return 0;
    int64_t number = -1;
    span_to_int64(v, &number);
    if (span_is(n, ":status"))
        upload->reply->http_status = (int)number;
    if (span_is(n, "grpc-status"))
        upload->reply->grpc_status = (int)number;
    if (span_is(n, "grpc-encoding"))
        upload->reply->gzip = span_is(v, "gzip");
    if (span_is(n, "grpc-retry-pushback-ms"))
        upload->reply->pushback_ms = (int)number;
    upload->reply->details |= span_is(n, "grpc-status-details-bin");
    if (span_is(n, "grpc-message"))
        snprintf(upload->reply->message, sizeof upload->reply->message, "%.*s", SPAN_ARG(v));
    return 0;
}

static inline int client_on_data(nghttp2_session *session, uint8_t flags, int32_t stream,
                                 const uint8_t *data, size_t len, void *user_data)
{
    (void)flags;
    (void)user_data;
    struct upload *upload = nghttp2_session_get_stream_user_data(session, stream);
    struct reply *reply = upload->reply;
    if (reply->len + len > reply->capacity)
        reply->body = realloc(reply->body, reply->capacity = 2 * (reply->len + len));
    memcpy(reply->body + reply->len, data, len);
    reply->len += len;
    return 0;
}

static inline int client_on_close(nghttp2_session *session, int32_t stream, uint32_t error,
                                  void *user_data)
{
    (void)user_data;
    struct upload *upload = nghttp2_session_get_stream_user_data(session, stream);
    upload->reply->closed = true;
    upload->reply->error = error;
    return 0;
}

static inline int client_on_frame(nghttp2_session *session, const nghttp2_frame *frame,
                                  void *user_data)
{
    (void)session;
    struct client *client = user_data;
    client->goaway |= frame->hd.type == NGHTTP2_GOAWAY;
    return 0;
}

static inline ssize_t client_read(nghttp2_session *session, int32_t stream, uint8_t *buf,
                                  size_t size, uint32_t *flags, nghttp2_data_source *source,
                                  void *user_data)
{
    (void)session;
    (void)stream;
    (void)user_data;
    struct upload *upload = source->ptr;
    size_t n = upload->len < size ? upload->len : size;
    if (!n && upload->keep_open)
        return NGHTTP2_ERR_DEFERRED;
    if (n)
        memcpy(buf, upload->bytes, n);
    upload->bytes += n;
    upload->len -= n;
    if (!upload->len && !upload->keep_open)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static inline void client_open(struct client *client, int fd)
{
    *client = (struct client){.fd = fd};
    assert_true(fd >= 0);
    nghttp2_session_callbacks *callbacks;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, client_on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, client_on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, client_on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, client_on_frame);
    /* So that it can be hostile. */
    nghttp2_option *option;
    nghttp2_option_new(&option);
    nghttp2_option_set_max_send_header_block_length(option, 1 << 20);
    nghttp2_session_client_new2(&client->session, callbacks, client, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000}};
    nghttp2_submit_settings(client->session, 0, settings, 1);
}

static inline void client_send(struct client *client)
{
    const uint8_t *data;
    ssize_t n;
    while ((n = nghttp2_session_mem_send(client->session, &data)) > 0)
        if (!send_all(client->fd, data, (size_t)n))
            client->broken = true;
}

/* Sends what there is, takes one read. */
static inline void client_step(struct client *client)
{
    static char bytes[256 * 1024];
    client_send(client);
    ssize_t n = client->broken ? 0 : recv(client->fd, bytes, sizeof bytes, 0);
    assert_false(n < 0 && errno == EAGAIN);
    if (n <= 0)
        client->broken = true;
    else
        assert_int_equal(nghttp2_session_mem_recv(client->session, (uint8_t *)bytes, (size_t)n), n);
    client_send(client);
}

static inline void client_close(struct client *client)
{
    nghttp2_session_del(client->session);
    close(client->fd);
    for (struct upload *upload = client->uploads, *next; upload; upload = next) {
        next = upload->next;
        free(upload);
    }
}

/* What is asked; NULLs get what a gRPC client sends. */
struct question {
    const char *path;
    const char *method;
    const char *content_type;
    const char *encoding;
    const char *accept;
    const char *timeout;
    bool keep_open;
    struct span body; /* with its frame; must stay */
};

static inline void add_field(nghttp2_nv *nv, size_t *count, const char *name, const char *value)
{
    if (value && *value)
        nv[(*count)++] = (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value,
                                      strlen(name), strlen(value), 0};
}

static inline struct upload *client_upload(struct client *client, struct span body,
                                           struct reply *reply)
{
    struct upload *upload = malloc(sizeof *upload);
    *upload = (struct upload){
        .bytes = body.ptr, .len = body.len, .reply = reply, .next = client->uploads};
    return client->uploads = upload;
}

/* Submits; the reply must stay until it is closed. */
static inline void client_ask(struct client *client, struct question q, struct reply *reply)
{
    nghttp2_nv nv[9];
    size_t count = 0;
    add_field(nv, &count, ":method", q.method ? q.method : "POST");
    add_field(nv, &count, ":scheme", "http");
    add_field(nv, &count, ":path", q.path ? q.path : "/t.T/Echo");
    add_field(nv, &count, ":authority", "localhost");
    add_field(nv, &count, "te", "trailers");
    add_field(nv, &count, "content-type", q.content_type ? q.content_type : "application/grpc");
    add_field(nv, &count, "grpc-encoding", q.encoding);
    add_field(nv, &count, "grpc-accept-encoding", q.accept);
    add_field(nv, &count, "grpc-timeout", q.timeout);
    struct upload *upload = client_upload(client, q.body, reply);
    upload->keep_open = q.keep_open;
    *reply = (struct reply){.grpc_status = -1};
    nghttp2_data_provider provider = {.source.ptr = upload, .read_callback = client_read};
    reply->stream = nghttp2_submit_request(client->session, NULL, nv, count,
                                           q.body.len || q.keep_open ? &provider : NULL, upload);
    assert_true(reply->stream > 0);
}

/* Sends more of a request that was kept open. */
static inline void client_go_on(struct client *client, const struct reply *reply, struct span body,
                                bool keep_open)
{
    client_send(client);
    struct upload *upload = nghttp2_session_get_stream_user_data(client->session, reply->stream);
    assert_int_equal(upload->len, 0);
    upload->bytes = body.ptr;
    upload->len = body.len;
    upload->keep_open = keep_open;
    nghttp2_session_resume_data(client->session, reply->stream);
}

static inline void client_await(struct client *client, const struct reply *reply)
{
    while (!reply->closed && !client->broken)
        client_step(client);
    assert_true(reply->closed);
}

/* A message with its 5 bytes before it; to be freed. */
static inline struct span frame_message(struct span message, bool compressed)
{
    char *frame = malloc(message.len + 5);
    frame[0] = compressed;
    uint32_t size = htonl((uint32_t)message.len);
    memcpy(frame + 1, &size, 4);
    if (message.len)
        memcpy(frame + 5, message.ptr, message.len);
    return span_make(frame, message.len + 5);
}

/* Asks and checks that the same comes back. */
static inline void check_echo(struct client *client, size_t size)
{
    char *bytes = malloc(size + 1);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    struct span frame = frame_message(span_make(bytes, size), false);
    struct reply reply;
    client_ask(client, (struct question){.body = frame}, &reply);
    client_await(client, &reply);
    assert_int_equal(reply.http_status, 200);
    assert_int_equal(reply.grpc_status, 0);
    assert_true(span_equal(span_make(reply.body, reply.len), frame));
    free(reply.body);
    free((void *)(uintptr_t)frame.ptr);
    free(bytes);
}

/* A server, and a client of its gRPC port. */
static inline void session_start(struct server *server, struct client *client,
                                 struct net_options options)
{
    server_start(server, options);
    client_open(client, dial(server->grpc_port));
}

static inline void session_stop(struct server *server, struct client *client)
{
    client_close(client);
    server_stop(server);
}

/* A well-behaved client is served, on both ports. */
static inline void check_service(const struct server *server)
{
    struct client client;
    client_open(&client, dial(server->grpc_port));
    check_echo(&client, 100);
    client_close(&client);
    int fd = dial(server->http_port);
    char answer[1024] = "";
    assert_true(send_text(fd, "POST /x HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello"));
    size_t len = read_to_end(fd, answer, sizeof answer - 1);
    assert_true(span_starts_with(span_make(answer, len), SPAN_LITERAL("HTTP/1.1 200 OK\r\n")));
    assert_true(span_ends_with(span_make(answer, len), SPAN_LITERAL("\r\n\r\nhello")));
    close(fd);
}

#endif
