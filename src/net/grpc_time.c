/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of reasons: a time at which something is to be done about the connection, and what.
 * grpc_limit() is the earliest of them; when it has come, grpc_too_slow() does what is due.
 */
#include "net/grpc_time.h"

#include "net/grpc_stream.h"

enum {
    NOTICE_US = 1000000, /* how long a draining peer may take to answer a PING */
    JITTER = 10,         /* of a connection's age, in percent either way: not all at once */
};

static const struct net_options *options_of(const struct connection *c)
{
    return &c->loop->shared->options;
}

/* INT64_MAX is never. */
static int64_t after(int64_t since_us, int64_t timeout_us)
{
    int64_t at_us;
    return __builtin_add_overflow(since_us, timeout_us, &at_us) ? INT64_MAX : at_us;
}

static int64_t spread(const struct connection *c, int64_t us)
{
    uint64_t noise = ((uint64_t)(uintptr_t)c ^ (uint64_t)c->loop->now_us) * 0x9e3779b97f4a7c15;
    return us / 100 * (100 - JITTER + (int64_t)(noise >> 40) % (2 * JITTER + 1));
}

void grpc_time_begin(struct connection *c)
{
    struct grpc_state *state = c->state;
    int64_t age_us = options_of(c)->grpc.age_us, now_us = c->loop->now_us;
    state->opened_us = state->idle_us = state->heard_us = now_us;
    state->retire_us = age_us ? after(now_us, spread(c, age_us)) : INT64_MAX;
    state->cut_us = INT64_MAX;
}

static void end(struct connection *c)
{
    struct grpc_state *state = c->state;
    h2_goaway(state->h2);
    connection_finish(c, CONNECTION_LINGER);
}

/* ---- the peer is slow ---- */

static int64_t preface_at(const struct connection *c, const struct grpc_state *state)
{
    bool waits = !h2_has_preface(state->h2);
    return waits ? after(state->opened_us, options_of(c)->header_timeout_us) : INT64_MAX;
}

static int64_t headers_at(const struct connection *c, const struct grpc_state *state)
{
    bool waits = state->in_headers;
    return waits ? after(state->headers_us, options_of(c)->header_timeout_us) : INT64_MAX;
}

static int64_t answers_at(const struct connection *c, const struct grpc_state *state)
{
    bool waits = state->answering > 0;
    return waits ? after(state->sent_us, options_of(c)->body_timeout_us) : INT64_MAX;
}

static int64_t requests_at(const struct connection *c, const struct grpc_state *state)
{
    bool waits = state->incomplete > 0;
    return waits ? after(state->data_us, options_of(c)->body_timeout_us) : INT64_MAX;
}

/* One by one: those beside them may be with their handlers. */
static void refuse_requests(struct connection *c)
{
    struct grpc_state *state = c->state;
    for (struct call *call = state->calls; call; call = call->next)
        if (!call->rpc.ended)
            grpc_reject(state, call, CODE_DEADLINE_EXCEEDED,
                        SPAN_LITERAL("The request did not arrive in time"));
}

/* ---- nothing happens ---- */

static int64_t idle_at(const struct connection *c, const struct grpc_state *state)
{
    const struct net_options *o = options_of(c);
    int64_t timeout_us = o->grpc.idle_us ? o->grpc.idle_us : o->idle_timeout_us;
    return timeout_us && !state->calls ? after(state->idle_us, timeout_us) : INT64_MAX;
}

/* Is anybody there? */
static int64_t silence_at(const struct connection *c, const struct grpc_state *state)
{
    const struct net_grpc_options *o = &options_of(c)->grpc;
    bool counts = o->keepalive_us && !state->ping_us && (state->calls || o->keepalive_always);
    return counts ? after(state->heard_us, o->keepalive_us) : INT64_MAX;
}

static void ask(struct connection *c)
{
    struct grpc_state *state = c->state;
    state->ping_us = c->loop->now_us;
    h2_ping(state->h2);
}

static int64_t no_answer_at(const struct connection *c, const struct grpc_state *state)
{
    bool waits = state->ping_us != 0;
    return waits ? after(state->ping_us, options_of(c)->grpc.keepalive_timeout_us) : INT64_MAX;
}

static void drop(struct connection *c)
{
    connection_finish(c, CONNECTION_DEAD);
}

/* ---- its time is over ---- */

static void say_goodbye(struct connection *c)
{
    struct grpc_state *state = c->state;
    if (state->drain_us)
        return;
    state->drain_us = c->loop->now_us;
    h2_shutdown_notice(state->h2);
}

void grpc_drain(struct connection *c)
{
    struct grpc_state *state = c->state;
    say_goodbye(c);
    /* Unary calls end by themselves, streams need not. */
    for (struct call *call = state->calls; call; call = call->next)
        if (call->rpc.kind != NET_UNARY && call->rpc.ended)
            grpc_stream_finish(c, call, CODE_UNAVAILABLE, grpc_going_down);
}

static int64_t notice_at(const struct connection *c, const struct grpc_state *state)
{
    (void)c;
    bool waits = state->drain_us && !state->notice_over;
    return waits ? after(state->drain_us, NOTICE_US) : INT64_MAX;
}

static void end_notice(struct connection *c)
{
    struct grpc_state *state = c->state;
    state->notice_over = true;
    h2_goaway(state->h2);
}

static int64_t age_at(const struct connection *c, const struct grpc_state *state)
{
    (void)c;
    return state->retire_us;
}

/* No new calls; those under way have a while. */
static void retire(struct connection *c)
{
    struct grpc_state *state = c->state;
    int64_t grace_us = options_of(c)->grpc.age_grace_us;
    state->retire_us = INT64_MAX;
    if (grace_us)
        state->cut_us = after(c->loop->now_us, grace_us);
    say_goodbye(c);
}

static int64_t cut_at(const struct connection *c, const struct grpc_state *state)
{
    (void)c;
    return state->cut_us;
}

/* ---- all of them ---- */

#define REASONS(X)                                                                                 \
    X(preface_at, end)                                                                             \
    X(headers_at, end)                                                                             \
    X(answers_at, end)                                                                             \
    X(requests_at, refuse_requests)                                                                \
    X(idle_at, end)                                                                                \
    X(silence_at, ask)                                                                             \
    X(no_answer_at, drop)                                                                          \
    X(notice_at, end_notice)                                                                       \
    X(age_at, retire)                                                                              \
    X(cut_at, drop)

int64_t grpc_limit(struct connection *c)
{
    const struct grpc_state *state = c->state;
    int64_t limit_us = c->rest ? after(c->progress_us, options_of(c)->body_timeout_us) : INT64_MAX;
    int64_t at_us;
#define EARLIER(at, act)                                                                           \
    at_us = at(c, state);                                                                          \
    limit_us = at_us < limit_us ? at_us : limit_us;
    REASONS(EARLIER)
#undef EARLIER
    return limit_us;
}

void grpc_too_slow(struct connection *c)
{
    const struct grpc_state *state = c->state;
    int64_t now_us = c->loop->now_us;
#define DO_IF_DUE(at, act)                                                                         \
    if (at(c, state) <= now_us)                                                                    \
        act(c);
    REASONS(DO_IF_DUE)
#undef DO_IF_DUE
}
