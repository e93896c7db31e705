/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/log.h"
#include "server/channel_arguments.h"

static struct net_options apply(const char *text)
{
    struct net_options net = {.message_max = 7};
    channel_arguments_apply(text, &net);
    return net;
}

static void what_counts(void **state)
{
    (void)state;
    struct net_options net = apply("grpc.max_connection_age_ms=2000,grpc.lb_policy_name=grpclb, "
                                   "grpc.max_connection_age_grace_ms = 50 ,"
                                   "grpc.max_connection_idle_ms=3,grpc.keepalive_time_ms=4,"
                                   "grpc.keepalive_timeout_ms=5,grpc.max_concurrent_streams=6,"
                                   "grpc.keepalive_permit_without_calls=1,"
                                   "grpc.max_receive_message_length=8,"
                                   "grpc.max_send_message_length=9,grpc.so_reuseaddr=1,"
                                   "grpc.http2.min_ping_interval_without_data_ms=10,"
                                   "grpc.http2.max_ping_strikes=11");
    assert_int_equal(net.grpc.age_us, 2000000);
    assert_int_equal(net.grpc.age_grace_us, 50000);
    assert_int_equal(net.grpc.idle_us, 3000);
    assert_int_equal(net.grpc.keepalive_us, 4000);
    assert_int_equal(net.grpc.keepalive_timeout_us, 5000);
    assert_true(net.grpc.keepalive_always);
    assert_int_equal(net.grpc.streams_max, 6);
    assert_int_equal(net.message_max, 8);
    assert_int_equal(net.grpc.answer_max, 9);
    assert_int_equal(net.grpc.ping_interval_us, 10000);
    assert_int_equal(net.grpc.ping_strikes, 11);
}

static void no_limits(void **state)
{
    (void)state;
    struct net_options net = apply("grpc.max_receive_message_length=-1,"
                                   "grpc.max_connection_age_ms=2147483647,"
                                   "grpc.http2.min_ping_interval_without_data_ms=10,"
                                   "grpc.http2.max_ping_strikes=0");
    assert_int_equal(net.message_max, 0);
    assert_int_equal(net.grpc.age_us, 0);
    assert_int_equal(net.grpc.ping_interval_us, 0);
    net = apply("grpc.http2.min_ping_interval_without_data_ms=10");
    assert_int_equal(net.grpc.ping_strikes, 2);
}

static void what_can_not_be_read_is_passed_over(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        ",",
        "=",
        "=1",
        "grpc.max_connection_age_ms",
        "grpc.max_connection_age_ms=",
        "grpc.max_connection_age_ms=2s",
        "grpc.max_connection_age_ms=99999999999",
        "x=y,,z",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct net_options net = apply(texts[i]);
        assert_int_equal(net.grpc.age_us, 0);
        assert_int_equal(net.message_max, 7);
    }
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_counts),
        cmocka_unit_test(no_limits),
        cmocka_unit_test(what_can_not_be_read_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
