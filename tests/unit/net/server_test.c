/* SPDX-License-Identifier: Apache-2.0 */
/* A whole server over real sockets: what well-behaved clients get. */
#include "client.h"

#include <semaphore.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <zlib.h>

static void echoes_messages_of_all_sizes(void **state)
{
    (void)state;
    struct server server;
    struct client client;
    session_start(&server, &client, (struct net_options){0});
    /* The last one is larger than the window. */
    static const size_t sizes[] = {0, 1, 60, 4095, 4096, 16379, 16384, 100000, 20 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_echo(&client, sizes[i]);
    session_stop(&server, &client);
}

#define FRAME(text) SPAN_LITERAL(text)

static const struct {
    struct question question;
    int http_status;
    int grpc_status;
    const char *message;
} refusals[] = {
    {{.path = "/t.T/Nothing", .body = HELLO}, 200, CODE_UNIMPLEMENTED, ""},
    {{.path = "/", .body = HELLO}, 200, CODE_UNIMPLEMENTED, ""},
    {{.method = "GET"}, 405, -1, ""},
    {{.content_type = "application/json", .body = HELLO}, 415, -1, ""},
    {{.content_type = "", .body = HELLO}, 415, -1, ""},
    {{.path = "/t.T/Echo"}, 200, CODE_INTERNAL, "No payload"},
    {{.body = FRAME("\0\0\0\0\5hel")}, 200, CODE_INTERNAL, "The request ended inside its message"},
    {{.body = FRAME("\0\0\0\0\1a\0\0\0\0\1b")},
     200,
     CODE_INTERNAL,
     "Too many request messages: the method is unary"},
    {{.body = FRAME("\0\0\1\0\0")},
     200,
     CODE_RESOURCE_EXHAUSTED,
     "Received message larger than max (65536 vs. 1000)"},
    {{.body = FRAME("\1\0\0\0\1x")},
     200,
     CODE_INTERNAL,
     "A compressed message needs a grpc-encoding of deflate or gzip"},
    {{.body = FRAME("\1\0\0\0\1x"), .encoding = "gzip"},
     200,
     CODE_INTERNAL,
     "Failed to decompress: the data end early"},
    {{.body = HELLO, .encoding = "snappy"},
     200,
     CODE_UNIMPLEMENTED,
     "Compression algorithm 'snappy' is not supported; use identity, deflate or gzip"},
    {{.path = "/t.T/Fail", .body = FRAME("\0\0\0\0\7a % \n\xc3\xa4")},
     200,
     CODE_INVALID_ARGUMENT,
     "a %25 %0A%C3%A4"},
    {{.path = "/t.T/Fail", .body = FRAME("\0\0\0\0\0")}, 200, CODE_INVALID_ARGUMENT, ""},
};

static void refuses_in_grpcs_way(void **state)
{
    (void)state;
    struct server server;
    struct client client;
    session_start(&server, &client, (struct net_options){.message_max = 1000});
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct reply reply;
        client_ask(&client, refusals[i].question, &reply);
        client_await(&client, &reply);
        if (reply.http_status != refusals[i].http_status ||
            reply.grpc_status != refusals[i].grpc_status ||
            strcmp(reply.message, refusals[i].message) != 0)
            fail_msg("row %zu: %d %d '%s'", i, reply.http_status, reply.grpc_status, reply.message);
        free(reply.body);
        /* The connection is as good as new. */
        check_echo(&client, 10);
    }
    session_stop(&server, &client);
}

/* zlib of the test's own, so that ours is not tested against itself. */
static struct span gzip(struct span plain)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t size = deflateBound(&z, plain.len);
    char *out = malloc(size);
    z.next_in = (Bytef *)(uintptr_t)plain.ptr;
    z.avail_in = (unsigned)plain.len;
    z.next_out = (Bytef *)out;
    z.avail_out = (unsigned)size;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return span_make(out, size - z.avail_out);
}

static struct span gunzip(struct span packed, size_t size)
{
    z_stream z = {0};
    char *out = malloc(size + 1);
    assert_int_equal(inflateInit2(&z, 31), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)packed.ptr;
    z.avail_in = (unsigned)packed.len;
    z.next_out = (Bytef *)out;
    z.avail_out = (unsigned)size + 1;
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    inflateEnd(&z);
    return span_make(out, z.total_out);
}

static void free_span(struct span span)
{
    free((void *)(uintptr_t)span.ptr);
}

static void compresses_only_for_those_who_do(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        const char *accept;
        enum code code;
        bool gzip;
    } rows[] = {
        {5000, NULL, CODE_OK, false},
        {5000, "identity,deflate,gzip", CODE_OK, true},
        {5000, "deflate", CODE_OK, false},
        {100001, "gzip", CODE_RESOURCE_EXHAUSTED, false},
    };
    struct server server;
    struct client client;
    session_start(&server, &client, (struct net_options){.message_max = 100000});
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *zeros = calloc(1, rows[i].size);
        struct span plain = span_make(zeros, rows[i].size);
        struct span packed = gzip(plain), frame = frame_message(packed, true);
        struct reply reply;
        client_ask(&client,
                   (struct question){.body = frame, .encoding = "gzip", .accept = rows[i].accept},
                   &reply);
        client_await(&client, &reply);
        assert_int_equal(reply.grpc_status, rows[i].code);
        assert_int_equal(reply.gzip, rows[i].gzip);
        if (rows[i].code == CODE_OK) {
            assert_int_equal(reply.body[0], rows[i].gzip);
            struct span body = span_make(reply.body + 5, reply.len - 5);
            struct span back = rows[i].gzip ? gunzip(body, rows[i].size) : body;
            assert_true(span_equal(back, plain));
            if (rows[i].gzip)
                free_span(back);
        }
        free(reply.body);
        free_span(frame);
        free_span(packed);
        free(zeros);
    }
    session_stop(&server, &client);
}

enum { MANY = 600 };

static struct exchange *many[MANY];

static void *answer_half(void *arg)
{
    for (size_t i = (size_t)(uintptr_t)arg; i < MANY; i += 2)
        answer_ok(many[MANY - 1 - i]);
    return NULL;
}

static void answers_come_from_other_threads_in_any_order(void **state)
{
    (void)state;
    struct server server;
    struct client client;
    session_start(&server, &client, (struct net_options){0});
    check_echo(&client, 1); /* from now on the client knows how many streams it may open */
    static struct reply replies[MANY];
    static char frames[MANY][7];
    for (int i = 0; i < MANY; i++) {
        memcpy(frames[i], "\0\0\0\0\2", 5);
        frames[i][5] = (char)i;
        frames[i][6] = (char)(i >> 8);
        client_ask(&client, (struct question){.path = "/t.T/Hold", .body = {frames[i], 7}},
                   &replies[i]);
    }
    client_send(&client);
    for (int i = 0; i < MANY; i++)
        many[i] = take_held();
    pthread_t threads[2];
    for (int t = 0; t < 2; t++)
        pthread_create(&threads[t], NULL, answer_half, (void *)(uintptr_t)t);
    for (int i = 0; i < MANY; i++) {
        client_await(&client, &replies[i]);
        assert_true(
            span_equal(span_make(replies[i].body, replies[i].len), span_make(frames[i], 7)));
        free(replies[i].body);
    }
    for (int t = 0; t < 2; t++)
        pthread_join(threads[t], NULL);
    session_stop(&server, &client);
}

static void a_cancelled_call_is_told_and_its_answer_dropped(void **state)
{
    (void)state;
    struct server server;
    struct client client;
    session_start(&server, &client, (struct net_options){0});
    struct reply reply;
    client_ask(&client, (struct question){.path = "/t.T/Hold", .body = HELLO}, &reply);
    client_send(&client);
    struct exchange *exchange = take_held();
    assert_true(span_is(exchange->path, "/t.T/Hold"));
    assert_true(span_is(exchange->body, "hello"));
    assert_true(span_is(exchange_header(exchange, "te"), "trailers"));
    assert_int_equal(exchange_header(exchange, "no-such").len, 0);
    assert_false(atomic_load(&exchange->cancelled));
    nghttp2_submit_rst_stream(client.session, 0, reply.stream, NGHTTP2_CANCEL);
    client_send(&client);
    await_cancel(exchange);
    check_echo(&client, 10);
    answer_ok(exchange);
    check_echo(&client, 10);
    /* The same when the whole connection goes. */
    client_ask(&client, (struct question){.path = "/t.T/Hold", .body = HELLO}, &reply);
    client_send(&client);
    exchange = take_held();
    client_close(&client);
    await_cancel(exchange);
    await_connections(&server, 0);
    answer_ok(exchange);
    server_stop(&server);
}

static void a_deadline_is_kept_without_the_handler(void **state)
{
    (void)state;
    struct server server;
    struct client client;
    session_start(&server, &client, (struct net_options){0});
    struct reply reply;
    client_ask(&client, (struct question){.path = "/t.T/Hold", .body = HELLO, .timeout = "250m"},
               &reply);
    client_send(&client);
    struct exchange *exchange = take_held();
    assert_int_equal(exchange->deadline_us - exchange->start_us, 250000);
    client_await(&client, &reply);
    assert_int_equal(reply.grpc_status, CODE_DEADLINE_EXCEEDED);
    assert_string_equal(reply.message, "Deadline Exceeded");
    assert_true(atomic_load(&exchange->cancelled));
    answer_ok(exchange);
    check_echo(&client, 10);
    /* One that is answered in time is answered. */
    client_ask(&client, (struct question){.path = "/t.T/Hold", .body = HELLO, .timeout = "1H"},
               &reply);
    client_send(&client);
    answer_ok(take_held());
    client_await(&client, &reply);
    assert_int_equal(reply.grpc_status, CODE_OK);
    free(reply.body);
    session_stop(&server, &client);
}

static void draining_finishes_what_is_under_way(void **state)
{
    (void)state;
    struct server server;
    struct client client;
    session_start(&server, &client, (struct net_options){0});
    int idle = dial(server.http_port), busy = dial(server.http_port);
    struct reply reply;
    client_ask(&client, (struct question){.path = "/t.T/Hold", .body = HELLO}, &reply);
    client_send(&client);
    struct exchange *rpc = take_held();
    send_text(busy, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
    struct exchange *http = take_held();
    await_connections(&server, 3);
    net_server_drain(server.net);
    while (!client.goaway)
        client_step(&client);
    char bytes[1024] = "";
    assert_int_equal(read_to_end(idle, bytes, sizeof bytes), 0);
    /* Each loop closes its listener by itself. */
    for (int fd; (fd = dial(server.grpc_port)) >= 0;)
        close(fd);
    answer_ok(rpc);
    answer_http(http);
    client_await(&client, &reply);
    assert_int_equal(reply.grpc_status, CODE_OK);
    read_to_end(busy, bytes, sizeof bytes - 1);
    assert_non_null(strstr(bytes, "HTTP/1.1 200 OK"));
    assert_non_null(strstr(bytes, "Connection: close\r\n"));
    free(reply.body);
    client_close(&client);
    close(idle);
    close(busy);
    server_stop(&server);
}

static void what_is_not_answered_in_time_outlives_the_server(void **state)
{
    (void)state;
    struct server server;
    struct client client;
    session_start(&server, &client, (struct net_options){0});
    struct reply replies[2];
    for (int i = 0; i < 2; i++)
        client_ask(&client, (struct question){.path = "/t.T/Hold", .body = HELLO}, &replies[i]);
    client_send(&client);
    struct exchange *exchanges[] = {take_held(), take_held()};
    assert_int_equal(net_server_join(server.net, 1000), CODE_DEADLINE_EXCEEDED);
    /* One comes home between join and free, one after. */
    answer_ok(exchanges[0]);
    net_server_free(server.net);
    assert_true(atomic_load(&exchanges[1]->cancelled));
    assert_true(span_is(exchanges[1]->body, "hello"));
    answer_ok(exchanges[1]);
    while (!client.broken)
        client_step(&client);
    nghttp2_session_terminate_session(client.session, 0);
    client_close(&client);
    assert_int_equal(count_fds(), server.fds);
}

/* HTTP: what is sent, and what must come back, whole but for the Date line. "*" stands for it. */
static const struct {
    const char *bytes;
    const char *answer;
} conversations[] = {
    {"GET /a HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n*Connection: close\r\nContent-Length: 0\r\n"
                                "X-Method: GET\r\nX-Path: /a\r\n\r\n"},
    {"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
     "HTTP/1.1 200 OK\r\n*Connection: keep-alive\r\nContent-Length: 0\r\nX-Method: GET\r\nX-Path: "
     "/a\r\n\r\nHTTP/1.1 200 OK\r\n*Connection: close\r\nContent-Length: 0\r\nX-Method: "
     "GET\r\nX-Path: "
     "/b\r\n\r\n"},
    {"HEAD /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nConnection: close\r\n\r\nxy",
     "HTTP/1.1 200 OK\r\n*Connection: close\r\nContent-Length: 2\r\nX-Method: HEAD\r\nX-Path: "
     "/a\r\n\r\n"},
    {"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
     "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
     "HTTP/1.1 200 OK\r\n*Connection: close\r\nContent-Length: 5\r\nX-Method: POST\r\nX-Path: "
     "/a\r\n\r\nabcde"},
    {"POST /a HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\nConnection: "
     "close\r\n\r\nxxxx",
     "HTTP/1.1 200 OK\r\n*Connection: close\r\nContent-Length: 0\r\nX-Method: POST\r\nX-Path: "
     "/a\r\n\r\n"},
    {"GET /a\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n*Connection: close\r\nContent-Length: 55\r\n"
                       "Content-Type: text/plain\r\n\r\nThe request line must be: method, target, "
                       "HTTP version\n"},
    {"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 70000\r\n\r\n",
     "HTTP/1.1 413 Content Too Large\r\n*Connection: close\r\nContent-Length: 32\r\nContent-Type: "
     "text/plain\r\n\r\nThe request's body is too large\n"},
    {"GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/3.0\r\n\r\nGET /c HTTP/1.1\r\n",
     "HTTP/1.1 200 OK\r\n*Content-Length: 0\r\nX-Method: GET\r\nX-Path: /a\r\n\r\n"
     "HTTP/1.1 505 HTTP Version Not Supported\r\n*Connection: close\r\nContent-Length: 43\r\n"
     "Content-Type: text/plain\r\n\r\nOnly HTTP/1.0 and HTTP/1.1 are spoken here\n"},
};

/* Cuts "Date: ...\r\n" lines, puts "*" there. */
static void star_dates(char *text)
{
    for (char *date; (date = strstr(text, "Date: "));) {
        char *end = strstr(date, "\r\n") + 2;
        *date = '*';
        memmove(date + 1, end, strlen(end) + 1);
    }
}

static void converse(int port, const char *bytes, size_t step, char *answer, size_t size)
{
    int fd = dial(port);
    size_t len = strlen(bytes);
    for (size_t i = 0; i < len; i += step)
        if (!send_all(fd, bytes + i, len - i < step ? len - i : step))
            break;
    answer[read_to_end(fd, answer, size - 1)] = 0;
    star_dates(answer);
    close(fd);
}

static void speaks_http(void **state)
{
    (void)state;
    struct server server;
    server_start(&server, (struct net_options){.body_max = 60000});
    for (size_t i = 0; i < sizeof conversations / sizeof *conversations; i++) {
        for (size_t step = 1; step < 100; step = step * 7) {
            char answer[4096];
            converse(server.http_port, conversations[i].bytes, step, answer, sizeof answer);
            assert_string_equal(answer, conversations[i].answer);
        }
    }
    server_stop(&server);
}

static void answers_a_pipeline_in_order(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    struct server server;
    server_start(&server, (struct net_options){0});
    int fd = dial(server.http_port);
    /* Every tenth is held, and those that are held are answered last first as far as that goes. */
    for (int i = 0; i < COUNT; i++) {
        char request[128];
        snprintf(request, sizeof request,
                 "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n%s\r\n%03d",
                 i % 10 ? "/x" : "/hold", i + 1 == COUNT ? "Connection: close\r\n" : "", i);
        assert_true(send_text(fd, request));
    }
    for (int i = 0; i < COUNT / 10; i += 2) {
        struct exchange *first = take_held(), *second = take_held();
        answer_http(second);
        answer_http(first);
    }
    static char answer[COUNT * 256];
    size_t len = read_to_end(fd, answer, sizeof answer - 1);
    answer[len] = 0;
    char *place = answer;
    for (int i = 0; i < COUNT; i++) {
        place = strstr(place, "\r\n\r\n");
        assert_non_null(place);
        assert_int_equal(strtol(place + 4, NULL, 10), i);
        place += 4;
    }
    close(fd);
    server_stop(&server);
}

static void read_text(int fd, const char *expected)
{
    char bytes[256] = "";
    for (size_t len = 0; len < strlen(expected);) {
        ssize_t n = recv(fd, bytes + len, strlen(expected) - len, 0);
        assert_true(n > 0);
        len += (size_t)n;
    }
    assert_string_equal(bytes, expected);
}

static void says_continue_once(void **state)
{
    (void)state;
    struct server server;
    server_start(&server, (struct net_options){0});
    int fd = dial(server.http_port);
    send_text(fd,
              "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    read_text(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    send_text(fd, "ab");
    send_text(fd, "cd");
    read_text(fd, "HTTP/1.1 200 OK\r\n");
    close(fd);
    /* A request that is refused gets no "Continue". */
    char answer[1024];
    converse(server.http_port,
             "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\nExpect: "
             "100-continue\r\n\r\n",
             1000, answer, sizeof answer);
    assert_true(span_starts_with(span_of(answer), SPAN_LITERAL("HTTP/1.1 413 ")));
    server_stop(&server);
}

/* Sends a body with headers, reads the whole answer; the body of it, to be freed. */
static char *exchange_body(int port, const char *headers, struct span body, size_t *len, char **all)
{
    int fd = dial(port);
    char head[512];
    snprintf(head, sizeof head,
             "POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n",
             headers, body.len);
    assert_true(send_text(fd, head));
    assert_true(send_all(fd, body.ptr, body.len));
    size_t size = (size_t)64 << 20;
    char *answer = *all = malloc(size);
    size_t total = read_to_end(fd, answer, size - 1);
    answer[total] = 0;
    close(fd);
    char *start = strstr(answer, "\r\n\r\n");
    assert_non_null(start);
    *len = total - (size_t)(start + 4 - answer);
    return start + 4;
}

static void big_bodies_and_compressed_ones(void **state)
{
    (void)state;
    struct server server;
    server_start(&server, (struct net_options){.http_gzip = true, .inflated_max = 16 << 20});
    size_t size = 16 << 20, len;
    char *zeros = calloc(1, size + 1), *all;
    struct span plain = span_make(zeros, size);
    /* All of it is sent before anything is read: the server takes it, then waits until it can
     * write. */
    char *body = exchange_body(server.http_port, "", plain, &len, &all);
    assert_true(span_equal(span_make(body, len), plain));
    free(all);
    struct span packed = gzip(plain);
    body = exchange_body(server.http_port, "Content-Encoding: gzip\r\n", packed, &len, &all);
    assert_true(span_equal(span_make(body, len), plain));
    free(all);
    body = exchange_body(server.http_port, "Accept-Encoding: gzip\r\n", plain, &len, &all);
    assert_non_null(strstr(all, "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n"));
    struct span back = gunzip(span_make(body, len), size);
    assert_true(span_equal(back, plain));
    free_span(back);
    free(all);
    /* One byte more than may come out of it: as if there were no body. */
    free_span(packed);
    packed = gzip(span_make(zeros, size + 1));
    exchange_body(server.http_port, "Content-Encoding: gzip\r\n", packed, &len, &all);
    assert_int_equal(len, 0);
    assert_non_null(strstr(all, "HTTP/1.1 200 OK\r\n"));
    free(all);
    free_span(packed);
    free(zeros);
    server_stop(&server);
}

static void a_half_closed_client_still_gets_its_answer(void **state)
{
    (void)state;
    struct server server;
    server_start(&server, (struct net_options){0});
    int fd = dial(server.http_port);
    send_text(fd, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
    shutdown(fd, SHUT_WR);
    answer_http(take_held());
    char answer[1024] = "";
    read_to_end(fd, answer, sizeof answer - 1);
    assert_true(span_starts_with(span_of(answer), SPAN_LITERAL("HTTP/1.1 200 OK\r\n")));
    close(fd);
    server_stop(&server);
}

static void an_http_client_that_is_gone_is_noticed(void **state)
{
    (void)state;
    struct server server;
    server_start(&server, (struct net_options){0});
    int fd = dial(server.http_port);
    send_text(fd, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
    struct exchange *exchange = take_held();
    close(fd);
    await_cancel(exchange);
    await_connections(&server, 0);
    answer_http(exchange);
    /* One that still listens hears of the question. */
    fd = dial(server.http_port);
    send_text(fd, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
    exchange = take_held();
    shutdown(fd, SHUT_WR);
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char answer[1024] = "";
    assert_int_equal(recv(fd, answer, sizeof interim - 1, MSG_WAITALL), sizeof interim - 1);
    assert_string_equal(answer, interim);
    assert_false(atomic_load(&exchange->cancelled));
    answer_http(exchange);
    memset(answer, 0, sizeof answer);
    read_to_end(fd, answer, sizeof answer - 1);
    assert_true(span_starts_with(span_of(answer), SPAN_LITERAL("HTTP/1.1 200 OK\r\n")));
    close(fd);
    server_stop(&server);
}

static void listens_where_it_is_told(void **state)
{
    (void)state;
    struct net_options options = {.loops = 2, .rpcs = toy_rpcs, .rpc_count = 1};
    struct error err;
    char path[108];
    snprintf(path, sizeof path, "%s/tensord-net-%d.sock",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", getpid());
    const struct net_place file = {.protocol = NET_GRPC, .path = path, .mode = 0620};
    const struct net_place nowhere = {.protocol = NET_HTTP, .address = "nowhere"};
    const struct net_place high = {.protocol = NET_HTTP, .address = "::1", .port = 70000};
    for (int round = 0; round < 2; round++) {
        /* The second round finds a socket file that nobody listens on. */
        assert_int_equal(!round || mknod(path, S_IFSOCK | 0600, 0) == 0, 1);
        struct net_server *server = net_server_new(&options);
        struct net_place place = {.protocol = NET_HTTP, .address = "::1"};
        struct stat st;
        assert_int_equal(net_server_listen(server, &file, NULL, &err), CODE_OK);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0620);
        assert_int_equal(net_server_listen(server, &place, &place.port, &err), CODE_OK);
        assert_int_equal(net_server_listen(server, &place, NULL, &err), CODE_UNAVAILABLE);
        assert_non_null(strstr(err.message, "Address already in use"));
        assert_int_equal(net_server_listen(server, &nowhere, NULL, &err), CODE_INVALID_ARGUMENT);
        assert_int_equal(net_server_listen(server, &high, NULL, &err), CODE_INVALID_ARGUMENT);
        assert_int_equal(net_server_start(server, &err), CODE_OK);
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        memcpy(address.sun_path, path, strlen(path));
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
        struct client client;
        client_open(&client, fd);
        check_echo(&client, 1000);
        client_close(&client);
        /* Another server takes the place: that file is none of ours any more. */
        struct net_server *heir = round ? net_server_new(&options) : NULL;
        if (heir)
            assert_int_equal(net_server_listen(heir, &file, NULL, &err), CODE_OK);
        assert_int_equal(net_server_join(server, INT64_MAX), CODE_OK);
        net_server_free(server);
        assert_int_equal(stat(path, &st), heir ? 0 : -1);
        net_server_free(heir);
        assert_int_equal(stat(path, &st), -1);
    }
}

/* The one that drains lets all go to the other, and none is lost. */
static void a_server_hands_its_port_over(void **state)
{
    (void)state;
    enum { CLIENTS = 60 };
    struct net_options options = {.loops = 2, .http = web, .reuse_port = true};
    struct net_place place = {.protocol = NET_HTTP, .address = "127.0.0.1"};
    struct net_server *servers[2];
    int fds[CLIENTS];
    for (int i = 0; i < 2; i++) {
        servers[i] = net_server_new(&options);
        assert_int_equal(net_server_listen(servers[i], &place, &place.port, NULL), CODE_OK);
        assert_int_equal(net_server_start(servers[i], NULL), CODE_OK);
    }
    net_server_drain(servers[0]);
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = dial(place.port);
    while (net_server_connections(servers[1]) < CLIENTS)
        sched_yield();
    assert_int_equal(net_server_join(servers[0], INT64_MAX), CODE_OK);
    net_server_free(servers[0]);
    for (int i = 0; i < CLIENTS; i++) {
        char answer[1024] = "";
        int fresh = dial(place.port);
        send_text(fresh, "GET / HTTP/1.0\r\n\r\n");
        read_to_end(fresh, answer, sizeof answer - 1);
        assert_non_null(strstr(answer, "200 OK"));
        close(fresh);
        close(fds[i]);
    }
    assert_int_equal(net_server_join(servers[1], INT64_MAX), CODE_OK);
    net_server_free(servers[1]);
}

static void a_server_that_never_starts_leaves_nothing(void **state)
{
    (void)state;
    size_t fds = count_fds();
    struct net_options options = {.loops = 3};
    struct net_server *server = net_server_new(&options);
    const struct net_place place = {.protocol = NET_GRPC, .address = "127.0.0.1"};
    assert_int_equal(net_server_listen(server, &place, NULL, NULL), CODE_OK);
    net_server_free(server);
    assert_int_equal(count_fds(), fds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echoes_messages_of_all_sizes),
        cmocka_unit_test(refuses_in_grpcs_way),
        cmocka_unit_test(compresses_only_for_those_who_do),
        cmocka_unit_test(answers_come_from_other_threads_in_any_order),
        cmocka_unit_test(a_cancelled_call_is_told_and_its_answer_dropped),
        cmocka_unit_test(a_deadline_is_kept_without_the_handler),
        cmocka_unit_test(draining_finishes_what_is_under_way),
        cmocka_unit_test(what_is_not_answered_in_time_outlives_the_server),
        cmocka_unit_test(speaks_http),
        cmocka_unit_test(answers_a_pipeline_in_order),
        cmocka_unit_test(says_continue_once),
        cmocka_unit_test(big_bodies_and_compressed_ones),
        cmocka_unit_test(a_half_closed_client_still_gets_its_answer),
        cmocka_unit_test(an_http_client_that_is_gone_is_noticed),
        cmocka_unit_test(listens_where_it_is_told),
        cmocka_unit_test(a_server_hands_its_port_over),
        cmocka_unit_test(a_server_that_never_starts_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
