/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are refused when their head is there, and those beside them. */
#include "client.h"

static atomic_int asked;

/* Refuses /t.T/Hold, and what has a header x-no; knows which entrance has which number. */
static enum code doorman(struct exchange *exchange, void *context, struct error *err)
{
    (void)context;
    asked++;
    assert_int_equal(exchange->body.len, 0);
    assert_int_equal(exchange->entrance, exchange->kind == EXCHANGE_HTTP ? 7 : 0);
    if (!span_is(exchange->path, "/t.T/Hold") && !exchange_header(exchange, "x-no").len)
        return CODE_OK;
    exchange->retry_ms = 40;
    return error_set(err, CODE_RESOURCE_EXHAUSTED, "not now");
}

static void rpcs_are_refused_before_their_body(void **state)
{
    (void)state;
    struct server server;
    struct client client;
    struct reply refused, fine;
    session_start(&server, &client, (struct net_options){.admit = doorman});
    asked = 0;
    client_ask(
        &client,
        (struct question){.path = "/t.T/Hold", .body = SPAN_LITERAL("\0\0"), .keep_open = true},
        &refused);
    client_ask(&client, (struct question){.path = "/t.T/Echo", .body = HELLO}, &fine);
    client_await(&client, &refused);
    client_await(&client, &fine);
    assert_int_equal(refused.grpc_status, CODE_RESOURCE_EXHAUSTED);
    assert_string_equal(refused.message, "not now");
    assert_int_equal(refused.pushback_ms, 40);
    assert_true(refused.details);
    assert_int_equal(fine.grpc_status, CODE_OK);
    assert_int_equal(fine.pushback_ms, 0);
    assert_false(fine.details);
    /* Nobody has to be asked about what there is not. */
    client_ask(&client, (struct question){.path = "/t.T/Nothing", .body = HELLO}, &refused);
    client_await(&client, &refused);
    assert_int_equal(refused.grpc_status, CODE_UNIMPLEMENTED);
    assert_int_equal(asked, 2);
    free(fine.body);
    session_stop(&server, &client);
}

/* What a connection says to a text, until the server closes it. */
static void ask_all(const struct server *server, const char *text, char *answer, size_t size)
{
    int fd = dial(server->http_port);
    assert_true(send_text(fd, text));
    answer[read_to_end(fd, answer, size - 1)] = 0;
    close(fd);
}

static void http_goes_on_behind_a_small_refused_body(void **state)
{
    (void)state;
    static char answer[4096];
    struct server server;
    server_start(&server, (struct net_options){.admit = doorman});
    ask_all(&server,
            "POST /a HTTP/1.1\r\nHost: h\r\nX-No: 1\r\nContent-Length: 5\r\n\r\nhello"
            "POST /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\n\r\nthere",
            answer, sizeof answer);
    assert_true(span_starts_with(span_of(answer), SPAN_LITERAL("HTTP/1.1 403 Forbidden\r\n")));
    assert_non_null(strstr(answer, "\r\n\r\nnot nowHTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(answer, "X-Path: /b\r\n"));
    assert_non_null(strstr(answer, "\r\n\r\nthere"));
    server_stop(&server);
}

/* Large, of unknown length, or not sent yet: the answer does not wait for it. */
static void http_ends_before_a_large_refused_body(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "POST /a HTTP/1.1\r\nHost: h\r\nX-No: 1\r\nContent-Length: 70000\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: h\r\nX-No: 1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
        "POST /a HTTP/1.1\r\nHost: h\r\nX-No: 1\r\nExpect: 100-continue\r\nContent-Length: "
        "5\r\n\r\n",
    };
    static char answer[4096];
    struct server server;
    server_start(&server, (struct net_options){.admit = doorman});
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        ask_all(&server, heads[i], answer, sizeof answer);
        assert_true(span_starts_with(span_of(answer), SPAN_LITERAL("HTTP/1.1 403 Forbidden\r\n")));
        assert_non_null(strstr(answer, "Connection: close\r\n"));
        assert_non_null(strstr(answer, "\r\n\r\nnot now"));
    }
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rpcs_are_refused_before_their_body),
        cmocka_unit_test(http_goes_on_behind_a_small_refused_body),
        cmocka_unit_test(http_ends_before_a_large_refused_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
