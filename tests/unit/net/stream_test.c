/* SPDX-License-Identifier: Apache-2.0 */
/* RPCs with more than one message, over real sockets. */
#include "client.h"

#define TWO SPAN_LITERAL("\0\0\0\0\1a\0\0\0\0\2bc")

static void await_bytes(struct client *client, const struct reply *reply, size_t len)
{
    while (reply->len < len && !reply->closed && !client->broken)
        client_step(client);
    assert_int_equal(reply->len, len);
}

static void check_body(const struct reply *reply, struct span body)
{
    assert_true(span_equal(span_make(reply->body, reply->len), body));
}

/* What comes in one go. */
static const struct {
    struct question question;
    struct span body;
    int grpc_status;
    const char *message;
} rows[] = {
    {{.path = "/t.T/Echoes", .body = HELLO}, {"\0\0\0\0\5hello", 10}, CODE_OK, ""},
    {{.path = "/t.T/Echoes", .body = TWO}, {"\0\0\0\0\1a\0\0\0\0\2bc", 13}, CODE_OK, ""},
    {{.path = "/t.T/Echoes"}, {"", 0}, CODE_OK, ""},
    {{.path = "/t.T/Echoes", .body = SPAN_LITERAL("\0\0\0\0\0\0\0\0\0\0")},
     {"\0\0\0\0\0\0\0\0\0\0", 10},
     CODE_OK,
     ""},
    {{.path = "/t.T/Echoes", .body = SPAN_LITERAL("\0\0\0\0\2!a\0\0\0\0\1b")},
     {"", 0},
     CODE_INVALID_ARGUMENT,
     "!a"},
    {{.path = "/t.T/Echoes", .body = SPAN_LITERAL("\0\0\0\0\1b\0\0\0\0\2!%\0\0\0\0\1c")},
     {"\0\0\0\0\1b", 6},
     CODE_INVALID_ARGUMENT,
     "!%25"},
    {{.path = "/t.T/Echoes", .body = SPAN_LITERAL("\0\0\0\0\1b\0\0\0\0\2c")},
     {"\0\0\0\0\1b", 6},
     CODE_INTERNAL,
     "The request ended inside a message"},
    {{.path = "/t.T/Echoes", .body = SPAN_LITERAL("\0\0\0\0\1b\7\0\0\0\2cd")},
     {"\0\0\0\0\1b", 6},
     CODE_INTERNAL,
     "Bad gRPC message frame: its compressed flag is 7, must be 0 or 1"},
    {{.path = "/t.T/Echoes", .body = SPAN_LITERAL("\0\0\1\0\1x")},
     {"", 0},
     CODE_RESOURCE_EXHAUSTED,
     "Received message larger than max (65537 vs. 65536)"},
    {{.path = "/t.T/Count", .body = SPAN_LITERAL("\0\0\0\0\1x")},
     {"\0\0\0\0\2x1\0\0\0\0\2x2\0\0\0\0\2x3", 21},
     CODE_OUT_OF_RANGE,
     "enough"},
    {{.path = "/t.T/Count", .body = TWO},
     {"", 0},
     CODE_INTERNAL,
     "Too many request messages: the method is unary"},
    {{.path = "/t.T/Count"}, {"", 0}, CODE_INTERNAL, "No payload"},
};

static void answers_message_by_message(void **state)
{
    (void)state;
    struct server server;
    struct client client;
    session_start(&server, &client, (struct net_options){0});
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reply reply;
        client_ask(&client, rows[i].question, &reply);
        client_await(&client, &reply);
        if (reply.grpc_status != rows[i].grpc_status || strcmp(reply.message, rows[i].message) != 0)
            fail_msg("row %zu: %d '%s'", i, reply.grpc_status, reply.message);
        check_body(&reply, rows[i].body);
        free(reply.body);
        check_echo(&client, 10);
    }
    session_stop(&server, &client);
}

static void a_conversation(void **state)
{
    (void)state;
    struct server server;
    struct client client;
    session_start(&server, &client, (struct net_options){0});
    struct reply reply;
    client_ask(&client, (struct question){.path = "/t.T/Echoes", .keep_open = true}, &reply);
    static const struct span parts[] = {
        {"\0\0\0\0\1a", 6}, {"\0\0\0\0\2bc\0\0\0", 10}, {"\0\1d", 3}};
    static const size_t lengths[] = {6, 13, 19};
    for (size_t i = 0; i < 3; i++) {
        client_go_on(&client, &reply, parts[i], true);
        await_bytes(&client, &reply, lengths[i]);
        check_echo(&client, 10);
    }
    assert_false(reply.closed);
    client_go_on(&client, &reply, (struct span){0}, false);
    client_await(&client, &reply);
    assert_int_equal(reply.grpc_status, CODE_OK);
    check_body(&reply, SPAN_LITERAL("\0\0\0\0\1a\0\0\0\0\2bc\0\0\0\0\1d"));
    free(reply.body);
    session_stop(&server, &client);
}

/* Many more than the windows hold, all at once. */
static void many_messages_wait_their_turn(void **state)
{
    (void)state;
    enum { COUNT = 100000, SIZE = 5 + 395 };
    char *all = malloc((size_t)COUNT * SIZE);
    for (int i = 0; i < COUNT; i++) {
        memset(all + (size_t)i * SIZE, 'a' + i % 26, SIZE);
        memcpy(all + (size_t)i * SIZE, "\0\0\0\1\x8b", 5);
    }
    struct server server;
    struct client client;
    session_start(&server, &client, (struct net_options){0});
    struct reply reply;
    struct question question = {.path = "/t.T/Echoes",
                                .body = span_make(all, (size_t)COUNT * SIZE)};
    client_ask(&client, question, &reply);
    client_await(&client, &reply);
    assert_int_equal(reply.grpc_status, CODE_OK);
    check_body(&reply, question.body);
    free(reply.body);
    /* One that is cut in the middle gives its part of the connection's window back. */
    for (int i = 0; i < 5; i++) {
        question.path = "/t.T/Holds";
        client_ask(&client, question, &reply);
        client_send(&client);
        struct exchange *exchange = take_held();
        nghttp2_submit_rst_stream(client.session, 0, reply.stream, NGHTTP2_CANCEL);
        client_send(&client);
        await_cancel(exchange);
        answer_ok(exchange);
        check_echo(&client, 10);
    }
    check_echo(&client, 20 << 20);
    session_stop(&server, &client);
    free(all);
}

static void a_turn_has_a_deadline_and_can_be_cancelled(void **state)
{
    (void)state;
    struct server server;
    struct client client;
    session_start(&server, &client, (struct net_options){0});
    static const char *const paths[] = {"/t.T/Holds", "/t.T/Watch"};
    for (int i = 0; i < 2; i++) {
        struct reply reply;
        struct question question = {.path = paths[i], .body = HELLO, .timeout = "200m"};
        client_ask(&client, question, &reply);
        client_send(&client);
        struct exchange *exchange = take_held();
        assert_true(span_is(exchange->path, paths[i]));
        assert_true(span_is(exchange->body, "hello"));
        assert_true(span_is(exchange_header(exchange, "te"), "trailers"));
        client_await(&client, &reply);
        assert_int_equal(reply.grpc_status, CODE_DEADLINE_EXCEEDED);
        await_cancel(exchange);
        answer_ok(exchange);
        /* Reset by the client; then the whole connection. */
        question.timeout = NULL;
        client_ask(&client, question, &reply);
        client_send(&client);
        exchange = take_held();
        nghttp2_submit_rst_stream(client.session, 0, reply.stream, NGHTTP2_CANCEL);
        client_send(&client);
        await_cancel(exchange);
        answer_ok(exchange);
        check_echo(&client, 10);
    }
    struct reply reply;
    client_ask(&client, (struct question){.path = "/t.T/Watch", .body = HELLO}, &reply);
    client_send(&client);
    struct exchange *exchange = take_held();
    client_close(&client);
    await_cancel(exchange);
    answer_ok(exchange);
    server_stop(&server);
}

static void a_watch_tells_again_and_again(void **state)
{
    (void)state;
    struct server server;
    struct client client;
    session_start(&server, &client, (struct net_options){0});
    struct reply reply;
    client_ask(&client, (struct question){.path = "/t.T/Watch", .body = HELLO}, &reply);
    client_send(&client);
    for (size_t i = 0; i < 100; i++) {
        struct exchange *exchange = take_held();
        assert_int_equal(exchange->seen, i);
        exchange->seen++;
        answer_ok(exchange);
        await_bytes(&client, &reply, 10 * (i + 1));
    }
    struct exchange *exchange = take_held();
    exchange_answer_rpc(exchange, CODE_ABORTED, SPAN_LITERAL("over"), NULL, 0);
    client_await(&client, &reply);
    assert_int_equal(reply.grpc_status, CODE_ABORTED);
    assert_string_equal(reply.message, "over");
    free(reply.body);
    session_stop(&server, &client);
}

static void draining_ends_streams(void **state)
{
    (void)state;
    struct server server;
    struct client client;
    session_start(&server, &client, (struct net_options){0});
    struct reply idle, watch;
    client_ask(&client, (struct question){.path = "/t.T/Echoes", .body = HELLO, .keep_open = true},
               &idle);
    client_ask(&client, (struct question){.path = "/t.T/Watch", .body = HELLO}, &watch);
    await_bytes(&client, &idle, 10);
    struct exchange *exchange = take_held();
    net_server_drain(server.net);
    client_await(&client, &idle);
    client_await(&client, &watch);
    assert_int_equal(idle.grpc_status, CODE_UNAVAILABLE);
    assert_int_equal(watch.grpc_status, CODE_UNAVAILABLE);
    assert_string_equal(watch.message, "The server is going down");
    await_cancel(exchange);
    answer_ok(exchange);
    free(idle.body);
    session_stop(&server, &client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_message_by_message),
        cmocka_unit_test(a_conversation),
        cmocka_unit_test(many_messages_wait_their_turn),
        cmocka_unit_test(a_turn_has_a_deadline_and_can_be_cancelled),
        cmocka_unit_test(a_watch_tells_again_and_again),
        cmocka_unit_test(draining_ends_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
