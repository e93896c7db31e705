/* SPDX-License-Identifier: Apache-2.0 */
#include "server/channel_arguments.h"

#include "base/log.h"

enum { PING_STRIKES = 2 }; /* gRPC's own */

enum kind {
    KIND_MS,    /* of an int64_t in microseconds */
    KIND_BYTES, /* of a size_t */
    KIND_COUNT, /* of an uint32_t */
    KIND_BOOL,
};

/* To gRPC INT_MAX, and -1 where it makes sense, is no limit: that is 0 here. */
static const struct argument {
    const char *key;
    enum kind kind;
    size_t member; /* of struct net_options */
} arguments[] = {
    {"grpc.max_connection_age_ms", KIND_MS, offsetof(struct net_options, grpc.age_us)},
    {"grpc.max_connection_age_grace_ms", KIND_MS, offsetof(struct net_options, grpc.age_grace_us)},
    {"grpc.max_connection_idle_ms", KIND_MS, offsetof(struct net_options, grpc.idle_us)},
    {"grpc.keepalive_time_ms", KIND_MS, offsetof(struct net_options, grpc.keepalive_us)},
    {"grpc.keepalive_timeout_ms", KIND_MS, offsetof(struct net_options, grpc.keepalive_timeout_us)},
    {"grpc.keepalive_permit_without_calls", KIND_BOOL,
     offsetof(struct net_options, grpc.keepalive_always)},
    {"grpc.http2.min_ping_interval_without_data_ms", KIND_MS,
     offsetof(struct net_options, grpc.ping_interval_us)},
    {"grpc.http2.max_ping_strikes", KIND_COUNT, offsetof(struct net_options, grpc.ping_strikes)},
    {"grpc.max_concurrent_streams", KIND_COUNT, offsetof(struct net_options, grpc.streams_max)},
    {"grpc.max_receive_message_length", KIND_BYTES, offsetof(struct net_options, message_max)},
    {"grpc.max_send_message_length", KIND_BYTES, offsetof(struct net_options, grpc.answer_max)},
};

static const struct argument *find(struct span key)
{
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) {
        if (span_is(key, arguments[i].key))
            return &arguments[i];
    }
    return NULL;
}

static void store(const struct argument *argument, int64_t value, struct net_options *net)
{
    char *member = (char *)net + argument->member;
    if (value < 0 || value == INT32_MAX)
        value = 0;
    switch (argument->kind) {
    case KIND_MS:
        *(int64_t *)member = value * 1000;
        break;
    case KIND_BYTES:
        *(size_t *)member = (size_t)value;
        break;
    case KIND_COUNT:
        *(uint32_t *)member = (uint32_t)value;
        break;
    case KIND_BOOL:
        *(bool *)member = value != 0;
        break;
    }
}

static void apply(struct span text, struct net_options *net)
{
    struct span key = span_trim(span_cut(&text, '='));
    struct span value = span_trim(text);
    const struct argument *argument = find(key);
    int64_t number;
    if (!key.len)
        return;
    if (!argument)
        log_info("--grpc_channel_arguments: %.*s has no effect here", SPAN_ARG(key));
    else if (!span_to_int64(value, &number) || number > INT32_MAX || number < INT32_MIN)
        log_warning("--grpc_channel_arguments: %.*s ignored: it must be an integer, not '%.*s'",
                    SPAN_ARG(key), SPAN_ARG(value));
    else
        store(argument, number, net);
}

void channel_arguments_apply(const char *text, struct net_options *net)
{
    struct span rest = span_of(text);
    net->grpc.ping_strikes = PING_STRIKES;
    while (rest.len)
        apply(span_cut(&rest, ','), net);
    /* To gRPC no strikes means any number of them. */
    if (!net->grpc.ping_strikes)
        net->grpc.ping_interval_us = 0;
}
