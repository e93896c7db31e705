/* SPDX-License-Identifier: Apache-2.0 */
/* What time and numbers do to gRPC connections: age, silence, too many PINGs, streams, sizes. */
#include "client.h"

static struct server start(struct client *client, struct net_grpc_options grpc)
{
    struct server server;
    session_start(&server, client, (struct net_options){.grpc = grpc});
    return server;
}

static void an_old_connection_takes_no_more_calls(void **state)
{
    (void)state;
    struct client client;
    struct server server = start(&client, (struct net_grpc_options){.age_us = 100000});
    check_echo(&client, 10);
    struct reply kept, stream;
    client_ask(&client, (struct question){.path = "/t.T/Hold", .body = HELLO}, &kept);
    client_ask(&client, (struct question){.path = "/t.T/Echoes", .body = HELLO, .keep_open = true},
               &stream);
    while (!client.goaway)
        client_step(&client);
    /* What is under way goes on. */
    client_go_on(&client, &stream, HELLO, false);
    client_await(&client, &stream);
    assert_int_equal(stream.len, 20);
    assert_int_equal(stream.grpc_status, CODE_OK);
    answer_ok(take_held());
    client_await(&client, &kept);
    assert_int_equal(kept.grpc_status, CODE_OK);
    while (!client.broken)
        client_step(&client);
    free(stream.body);
    free(kept.body);
    check_service(&server);
    session_stop(&server, &client);
}

static void a_grace_is_a_grace(void **state)
{
    (void)state;
    struct client client;
    struct server server =
        start(&client, (struct net_grpc_options){.age_us = 50000, .age_grace_us = 50000});
    struct reply kept;
    client_ask(&client, (struct question){.path = "/t.T/Hold", .body = HELLO}, &kept);
    client_send(&client);
    struct exchange *exchange = take_held();
    while (!client.broken)
        client_step(&client);
    await_cancel(exchange);
    answer_ok(exchange);
    session_stop(&server, &client);
}

/* The client's library answers PINGs: only one that does not read is taken for dead. */
static void silence_is_asked_about(void **state)
{
    (void)state;
    struct client client;
    struct server server = start(
        &client, (struct net_grpc_options){.keepalive_us = 20000, .keepalive_timeout_us = 50000});
    struct reply kept;
    client_ask(&client, (struct question){.path = "/t.T/Hold", .body = HELLO}, &kept);
    client_send(&client);
    struct exchange *exchange = take_held();
    for (int i = 0; i < 5; i++)
        client_step(&client);
    assert_false(client.broken);
    await_cancel(exchange);
    answer_ok(exchange);
    await_connections(&server, 0);
    session_stop(&server, &client);
}

static void an_idle_connection_is_closed(void **state)
{
    (void)state;
    struct client client;
    struct server server = start(&client, (struct net_grpc_options){.idle_us = 50000});
    check_echo(&client, 10);
    while (!client.broken)
        client_step(&client);
    assert_true(client.goaway);
    session_stop(&server, &client);
}

static void pings_without_a_reason_are_strikes(void **state)
{
    (void)state;
    struct client client;
    struct server server =
        start(&client, (struct net_grpc_options){.ping_interval_us = 60000000, .ping_strikes = 2});
    /* A PING between calls is none. */
    for (int i = 0; i < 10; i++) {
        nghttp2_submit_ping(client.session, 0, NULL);
        check_echo(&client, 10);
    }
    for (int i = 0; i < 4; i++)
        nghttp2_submit_ping(client.session, 0, NULL);
    while (!client.broken)
        client_step(&client);
    assert_true(client.goaway);
    session_stop(&server, &client);
}

static void streams_and_sizes_have_limits(void **state)
{
    (void)state;
    struct client client;
    struct server server =
        start(&client, (struct net_grpc_options){.streams_max = 1, .answer_max = 9});
    struct reply replies[2];
    static const struct span bodies[] = {{"\0\0\0\0\5hello", 10}, {"\0\0\0\0\12helloworld", 15}};
    for (int i = 0; i < 2; i++) {
        client_ask(&client, (struct question){.body = bodies[i]}, &replies[i]);
        client_await(&client, &replies[i]);
    }
    assert_int_equal(replies[0].grpc_status, CODE_OK);
    assert_int_equal(replies[1].grpc_status, CODE_RESOURCE_EXHAUSTED);
    assert_string_equal(replies[1].message, "Sent message larger than max (10 vs. 9)");
    assert_int_equal(nghttp2_session_get_remote_settings(client.session,
                                                         NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS),
                     1);
    free(replies[0].body);
    session_stop(&server, &client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_old_connection_takes_no_more_calls),
        cmocka_unit_test(a_grace_is_a_grace),
        cmocka_unit_test(silence_is_asked_about),
        cmocka_unit_test(an_idle_connection_is_closed),
        cmocka_unit_test(pings_without_a_reason_are_strikes),
        cmocka_unit_test(streams_and_sizes_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
