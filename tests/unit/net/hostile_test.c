/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole server over real sockets: what peers that mean harm, or are broken, can do. After each of
 * them a well-behaved client is served as ever, and when the server stops no connection and no
 * descriptor is left.
 */
#include "raw.h"

#include <sys/resource.h>

#include "net/inflate.h"

/* :method POST, :scheme http, :path /t.T/Echo, :authority a, content-type application/grpc, not
 * indexed. */
#define HEAD                                                                                       \
    "\x83\x86\x04\x09/t.T/Echo\x01\x01"                                                            \
    "a\x0f\x10\x10"                                                                                \
    "application/grpc"

static void raw_request(uint32_t stream, int flags)
{
    raw_frame(NGHTTP2_HEADERS, flags, stream, HEAD, sizeof HEAD - 1);
}

/* A good session: a request with "hello". */
static void raw_good_session(void)
{
    raw_begin();
    raw_request(1, NGHTTP2_FLAG_END_HEADERS);
    raw_frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, "\0\0\0\0\5hello", 10);
}

/* Whether a GOAWAY with this error is among the frames. */
static bool has_goaway(const char *bytes, size_t len, uint32_t error)
{
    for (size_t i = 0; i + 9 <= len;) {
        const unsigned char *p = (const unsigned char *)bytes + i;
        size_t size = (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
        if (p[3] == NGHTTP2_GOAWAY && i + 17 <= len && p[16] == error)
            return true;
        i += 9 + size;
    }
    return false;
}

/* Sends what is in `raw` and reads until the server has had enough. */
static bool raw_ends_in_goaway(int port, uint32_t error)
{
    static char answer[1 << 20];
    int fd = dial(port);
    send_all(fd, raw.bytes, raw.len);
    size_t len = read_to_end(fd, answer, sizeof answer);
    close(fd);
    return has_goaway(answer, len, error);
}

static void the_raw_peer_is_no_fool(void **state)
{
    (void)state;
    struct server server;
    server_start(&server, (struct net_options){0});
    raw_good_session();
    int fd = dial(server.grpc_port);
    assert_true(send_all(fd, raw.bytes, raw.len));
    char answer[4096];
    size_t len = 0;
    while (!memmem(answer, len, "\0\0\0\0\5hello", 10)) {
        ssize_t n = recv(fd, answer + len, sizeof answer - len, 0);
        assert_true(n > 0);
        len += (size_t)n;
    }
    close(fd);
    server_stop(&server);
}

static void rapid_reset(void **state)
{
    (void)state;
    struct server server;
    server_start(&server, (struct net_options){0});
    raw_begin();
    for (uint32_t stream = 1; raw.len + 200 < sizeof raw.bytes; stream += 2) {
        raw_request(stream, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM);
        raw_frame(NGHTTP2_RST_STREAM, 0, stream, "\0\0\0\x08", 4);
    }
    assert_true(raw_ends_in_goaway(server.grpc_port, NGHTTP2_ENHANCE_YOUR_CALM));
    check_service(&server);
    server_stop(&server);
}

static void continuation_flood(void **state)
{
    (void)state;
    struct server server;
    server_start(&server, (struct net_options){0});
    raw_begin();
    raw_request(1, 0);
    while (raw.len + 20 < sizeof raw.bytes)
        raw_frame(NGHTTP2_CONTINUATION, 0, 1, "\x40\x01x\x01y", 5);
    /* The library may find it before we do. */
    bool calm = raw_ends_in_goaway(server.grpc_port, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_true(calm || raw_ends_in_goaway(server.grpc_port, NGHTTP2_PROTOCOL_ERROR));
    check_service(&server);
    server_stop(&server);
}

/* Acknowledgements that nobody reads: the peer only sends. */
static void floods_of(int type, int flags, uint32_t stream, const void *payload, size_t len)
{
    struct server server;
    server_start(&server, (struct net_options){0});
    int fd = dial(server.grpc_port);
    raw_begin();
    send_all(fd, raw.bytes, raw.len);
    raw.len = 0;
    while (raw.len + len + 9 < sizeof raw.bytes)
        raw_frame(type, flags, stream, payload, len);
    /* Until the server stops reading or hangs up. */
    struct timeval soon = {.tv_usec = 100000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
    for (int i = 0; i < 50 && send_all(fd, raw.bytes, raw.len); i++)
        continue;
    check_service(&server);
    close(fd);
    server_stop(&server);
}

static void control_floods(void **state)
{
    (void)state;
    floods_of(NGHTTP2_PING, 0, 0, "12345678", 8);
    floods_of(NGHTTP2_SETTINGS, 0, 0, "", 0);
    floods_of(NGHTTP2_PRIORITY, 0, 3, "\0\0\0\1\0", 5);
    floods_of(NGHTTP2_WINDOW_UPDATE, 0, 0, "\0\0\0\1", 4);
    floods_of(0xbe, 0, 0, "?", 1);
}

static void a_huge_claim_allocates_nothing(void **state)
{
    (void)state;
    struct server server;
    struct client client;
    session_start(&server, &client, (struct net_options){0});
    static struct reply replies[50];
    for (int i = 0; i < 50; i++)
        client_ask(&client,
                   (struct question){.keep_open = true,
                                     .body = SPAN_LITERAL("\0\x7f\xff\xff\xff"
                                                          "begin")},
                   &replies[i]);
    client_send(&client);
    check_echo(&client, 10);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    assert_true(usage.ru_maxrss < 2 << 20);
    nghttp2_session_terminate_session(client.session, 0);
    session_stop(&server, &client);
}

/* A little that becomes much: refused as soon as it is too much, and nobody else waits for it. */
static void compression_bombs(void **state)
{
    (void)state;
    enum { BOMB = 80 << 20 };
    struct server server;
    server_start(&server, (struct net_options){.message_max = 64 << 20, .loops = 1});
    char *zeros = calloc(1, BOMB);
    struct span plain = span_make(zeros, BOMB);
    struct arena arena;
    struct body packed = {0};
    arena_init(&arena, ARENA_FIRST_BLOCK);
    assert_int_equal(deflate_all(&packed, &arena, ENCODING_GZIP, &plain, 1, NULL), CODE_OK);
    struct span frame = frame_message(body_span(&packed), true);
    struct client client;
    client_open(&client, dial(server.grpc_port));
    struct reply replies[3];
    for (int i = 0; i < 3; i++)
        client_ask(&client, (struct question){.body = frame, .encoding = "gzip"}, &replies[i]);
    client_send(&client);
    check_service(&server);
    for (int i = 0; i < 3; i++) {
        client_await(&client, &replies[i]);
        assert_int_equal(replies[i].grpc_status, CODE_RESOURCE_EXHAUSTED);
        assert_non_null(strstr(replies[i].message, "larger than max"));
    }
    check_echo(&client, 10);
    client_close(&client);
    free((void *)(uintptr_t)frame.ptr);
    free(zeros);
    body_release(&packed);
    arena_release(&arena);
    server_stop(&server);
}

static void oversize_metadata(void **state)
{
    (void)state;
    struct server server;
    struct client client;
    session_start(&server, &client, (struct net_options){0});
    /* Few bytes on the wire, many in the list: one header of 3,000 bytes in the table, referred to
     * again and again. */
    char value[3001];
    memset(value, 'v', 3000);
    value[3000] = 0;
    nghttp2_nv nv[60];
    size_t count = 0;
    add_field(nv, &count, ":method", "POST");
    add_field(nv, &count, ":scheme", "http");
    add_field(nv, &count, ":path", "/t.T/Echo");
    add_field(nv, &count, ":authority", "localhost");
    add_field(nv, &count, "content-type", "application/grpc");
    while (count < 60)
        add_field(nv, &count, "x-bomb", value);
    struct reply reply = {.grpc_status = -1};
    struct upload *upload = client_upload(&client, (struct span){0}, &reply);
    assert_true(nghttp2_submit_request(client.session, NULL, nv, count, NULL, upload) > 0);
    client_await(&client, &reply);
    assert_int_equal(reply.grpc_status, CODE_RESOURCE_EXHAUSTED);
    check_echo(&client, 10);
    session_stop(&server, &client);
}

/* Every prefix of a good session, then the end: at some byte each state of the connection is met.
 */
static void truncated_sessions(void **state)
{
    (void)state;
    struct server server;
    server_start(&server, (struct net_options){0});
    raw_good_session();
    for (size_t len = 0; len <= raw.len; len++) {
        int fd = dial(server.grpc_port);
        assert_true(send_all(fd, raw.bytes, len));
        close(fd);
    }
    static const char request[] =
        "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for (size_t len = 0; len < sizeof request; len++) {
        int fd = dial(server.http_port);
        assert_true(send_all(fd, request, len));
        close(fd);
    }
    check_service(&server);
    await_connections(&server, 0);
    server_stop(&server);
}

static unsigned random_state = 12345;

static unsigned next_random(void)
{
    random_state = random_state * 1664525 + 1013904223;
    return random_state >> 8;
}

/* Sends, closes the sending side, reads what comes: the server must hang up by itself. */
static void provoke(int port, const char *bytes, size_t len)
{
    int fd = dial(port);
    char waste[1024];
    assert_true(fd >= 0);
    send_all(fd, bytes, len);
    shutdown(fd, SHUT_WR);
    read_to_end(fd, waste, sizeof waste);
    close(fd);
}

static void flipped_bits_and_noise(void **state)
{
    (void)state;
    struct server server;
    server_start(&server, (struct net_options){0});
    static const char request[] =
        "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n";
    for (int i = 0; i < 400; i++) {
        char noise[512];
        size_t len = next_random() % sizeof noise;
        for (size_t k = 0; k < len; k++)
            noise[k] = (char)next_random();
        provoke(server.grpc_port, noise, len);
        provoke(server.http_port, noise, len);
        raw_good_session();
        raw_request(3, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM);
        /* Behind the preface, mostly: what is wrong there is found too soon to be of interest. */
        size_t at = i % 8 ? 24 + next_random() % (raw.len - 24) : next_random() % raw.len;
        raw.bytes[at] ^= (char)(1u << next_random() % 8);
        provoke(server.grpc_port, raw.bytes, raw.len);
        char flipped[sizeof request];
        memcpy(flipped, request, sizeof request);
        flipped[next_random() % (sizeof request - 1)] ^= (char)(1u << next_random() % 8);
        provoke(server.http_port, flipped, sizeof request - 1);
    }
    check_service(&server);
    await_connections(&server, 0);
    server_stop(&server);
}

static void slow_peers_are_shown_out(void **state)
{
    (void)state;
    static const struct {
        bool http;
        const char *bytes;
        const char *answer; /* its beginning */
    } rows[] = {
        {true, "", ""},
        {true, "GET / HTTP/1.1\r\nHo", "HTTP/1.1 408 "},
        {true, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab", "HTTP/1.1 408 "},
        {true, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
         "HTTP/1.1 408 "},
        {true, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 "},
        {false, "", ""},
        {false, "PRI * HTT", ""},
        {false, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""},
    };
    struct server server;
    server_start(&server, (struct net_options){.header_timeout_us = 50000,
                                               .body_timeout_us = 60000,
                                               .idle_timeout_us = 70000});
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = dial(rows[i].http ? server.http_port : server.grpc_port);
        char answer[1024] = "";
        assert_true(send_text(fd, rows[i].bytes));
        read_to_end(fd, answer, sizeof answer - 1);
        if (!span_starts_with(span_of(answer), span_of(rows[i].answer)))
            fail_msg("row %zu: %s", i, answer);
        close(fd);
    }
    /* A header block without end. */
    raw_begin();
    raw_request(1, 0);
    assert_true(raw_ends_in_goaway(server.grpc_port, NGHTTP2_NO_ERROR));
    /* A body without end: that request is refused, the others are not. */
    struct client client;
    client_open(&client, dial(server.grpc_port));
    struct reply stuck, other;
    client_ask(&client, (struct question){.keep_open = true, .body = SPAN_LITERAL("\0\0\0\0\5he")},
               &stuck);
    client_ask(&client,
               (struct question){.path = "/t.T/Hold", .body = SPAN_LITERAL("\0\0\0\0\5hello")},
               &other);
    client_send(&client);
    struct exchange *exchange = take_held();
    client_await(&client, &stuck);
    assert_int_equal(stuck.grpc_status, CODE_DEADLINE_EXCEEDED);
    answer_ok(exchange);
    client_await(&client, &other);
    assert_int_equal(other.grpc_status, CODE_OK);
    free(other.body);
    session_stop(&server, &client);
}

/* A client that asks for much and reads nothing. */
static void a_client_that_does_not_read(void **state)
{
    (void)state;
    struct server server;
    server_start(&server, (struct net_options){.body_timeout_us = 200000});
    size_t size = 32 << 20;
    char *zeros = calloc(1, size), head[128];
    int fd = dial(server.http_port);
    snprintf(head, sizeof head, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n", size);
    assert_true(send_text(fd, head));
    assert_true(send_all(fd, zeros, size));
    check_service(&server);
    /* It is given up while it still does not read. */
    await_connections(&server, 0);
    close(fd);
    /* The same over HTTP/2, where it is the window that stays shut. */
    raw_begin();
    raw_frame(NGHTTP2_SETTINGS, 0, 0, "\0\4\0\0\0\0", 6);
    raw_request(1, NGHTTP2_FLAG_END_HEADERS);
    raw_frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, "\0\0\0\0\5hello", 10);
    assert_true(raw_ends_in_goaway(server.grpc_port, NGHTTP2_NO_ERROR));
    free(zeros);
    server_stop(&server);
}

/* Sends 2,000 connections, as far as the process may. */
static void idle_connections(void **state)
{
    (void)state;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < 20000 ? limit.rlim_max : 20000;
    setrlimit(RLIMIT_NOFILE, &limit);
    size_t count = limit.rlim_cur > 4200 ? 2000 : limit.rlim_cur / 2 - 100;
    struct server server;
    server_start(&server, (struct net_options){0});
    int *fds = calloc(count, sizeof *fds);
    for (size_t i = 0; i < count; i++) {
        fds[i] = dial(i % 2 ? server.http_port : server.grpc_port);
        assert_true(fds[i] >= 0);
    }
    await_connections(&server, count);
    check_service(&server);
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    await_connections(&server, 0);
    check_service(&server);
    free(fds);
    server_stop(&server);
}

static void no_more_connections_than_allowed(void **state)
{
    (void)state;
    struct server server;
    server_start(&server, (struct net_options){.connections_max = 3});
    int fds[3];
    for (int i = 0; i < 3; i++)
        fds[i] = dial(server.http_port);
    await_connections(&server, 3);
    char answer[256];
    for (int i = 0; i < 5; i++) {
        int fd = dial(i % 2 ? server.http_port : server.grpc_port);
        assert_int_equal(read_to_end(fd, answer, sizeof answer), 0);
        close(fd);
    }
    /* Those who are in are served. */
    assert_true(send_text(fds[0], "GET / HTTP/1.0\r\n\r\n"));
    assert_true(read_to_end(fds[0], answer, sizeof answer) > 0);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    await_connections(&server, 0);
    check_service(&server);
    server_stop(&server);
}

/* Asks and stays connected; false: it was turned away. */
static bool is_served(int fd, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char answer[256];
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    send_text(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    ssize_t n = recv(fd, answer, sizeof answer, 0);
    assert_false(n < 0 && errno == EAGAIN);
    return n > 0;
}

static void out_of_descriptors(void **state)
{
    (void)state;
    enum { CLIENTS = 5 };
    struct server server;
    server_start(&server, (struct net_options){.loops = 1, .connections_max = 100000});
    int waiting = dial(server.http_port);
    await_connections(&server, 1);
    struct rlimit before, limit;
    getrlimit(RLIMIT_NOFILE, &before);
    int clients[CLIENTS], highest = 0;
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM, 0);
        highest = clients[i] > highest ? clients[i] : highest;
    }
    limit = before;
    limit.rlim_cur = (rlim_t)highest + 1;
    setrlimit(RLIMIT_NOFILE, &limit);
    /* A loop inside accept() reserves a number for a moment: one may be free below the limit. */
    int served = 0;
    for (int i = 0; i < CLIENTS; i++)
        served += is_served(clients[i], server.http_port);
    assert_true(served <= 1);
    char answer[256];
    assert_true(send_text(waiting, "GET / HTTP/1.0\r\n\r\n"));
    assert_true(read_to_end(waiting, answer, sizeof answer) > 0);
    setrlimit(RLIMIT_NOFILE, &before);
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
    close(waiting);
    check_service(&server);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_raw_peer_is_no_fool),
        cmocka_unit_test(rapid_reset),
        cmocka_unit_test(continuation_flood),
        cmocka_unit_test(control_floods),
        cmocka_unit_test(a_huge_claim_allocates_nothing),
        cmocka_unit_test(compression_bombs),
        cmocka_unit_test(oversize_metadata),
        cmocka_unit_test(truncated_sessions),
        cmocka_unit_test(flipped_bits_and_noise),
        cmocka_unit_test(slow_peers_are_shown_out),
        cmocka_unit_test(a_client_that_does_not_read),
        cmocka_unit_test(idle_connections),
        cmocka_unit_test(no_more_connections_than_allowed),
        cmocka_unit_test(out_of_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
