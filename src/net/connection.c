/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading happens when epoll says so, once per turn and connection, into the loop's buffer. Writing
 * happens only in connection_flush(), at the end of the turn: whatever the turn's requests were
 * answered with goes out in one sendmsg(). Back-pressure: while the socket does not take what we
 * wrote, or the protocol left bytes unread, we do not read. epoll is told of a change of interest
 * only, which in the steady state never happens.
 *
 * The timer is armed lazily: the time at which a connection is too slow moves with every byte, but
 * the timer is touched only when it has to fire earlier; when it fires too early it is armed anew.
 */
#include "net/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

enum {
    LINGER_US = 1000000,         /* how long a refused peer may go on sending before the reset */
    LINGER_DRAINING_US = 200000, /* while the server goes down */
};

static void on_events(struct watch *watch, unsigned events);
static void on_timer(struct timer *timer);

static struct connection *of_timer(struct timer *timer)
{
    return (struct connection *)((char *)timer - offsetof(struct connection, timer));
}

struct connection *connection_new(struct loop *loop, const struct protocol *protocol, int fd)
{
    struct connection *c = calloc(1, sizeof *c);
    CHECK(c && "out of memory");
    c->watch = (struct watch){.fn = on_events, .fd = fd};
    c->loop = loop;
    c->protocol = protocol;
    c->kind = protocol == &grpc_connection ? NET_GRPC : NET_HTTP;
    loop_count(&loop->stats.open[c->kind], 1);
    c->timer.fn = on_timer;
    c->progress_us = loop->now_us;
    c->next = loop->connections;
    if (c->next)
        c->next->previous = c;
    loop->connections = c;
    protocol->open(c);
    return c;
}

enum code connection_admit(struct connection *c, struct call *call, struct error *err)
{
    const struct net_options *o = &c->loop->shared->options;
    return o->admit ? o->admit(&call->exchange, o->context, err) : CODE_OK;
}

static void recycle_done(struct connection *c)
{
    if (c->done && loop_is_watched(c->loop))
        c->loop->written = clock_ticks();
    while (c->done) {
        struct call *call = c->done;
        c->done = call->next;
        call_recycle(call);
    }
}

static void undirty(struct connection *c)
{
    if (!c->dirty)
        return;
    struct connection **link = &c->loop->dirty;
    while (*link != c)
        link = &(*link)->next_dirty;
    *link = c->next_dirty;
    c->dirty = false;
}

void connection_free(struct connection *c)
{
    struct loop *loop = c->loop;
    loop_count(&loop->stats.open[c->kind], -1);
    c->protocol->close(c);
    undirty(c);
    timers_disarm(&loop->timers, &c->timer);
    recycle_done(c);
    output_rest_free(c->rest);
    free(c->held);
    tls_session_free(c->tls);
    if (c->watch.fd >= 0) {
        close(c->watch.fd);
        atomic_fetch_sub(&loop->shared->connections, 1);
    }
    if (c->next)
        c->next->previous = c->previous;
    if (c->previous)
        c->previous->next = c->next;
    else
        loop->connections = c->next;
    free(c);
}

void connection_touch(struct connection *c)
{
    if (c->dirty)
        return;
    c->dirty = true;
    c->next_dirty = c->loop->dirty;
    c->loop->dirty = c;
}

void connection_finish(struct connection *c, enum connection_end end)
{
    if (c->end < end)
        c->end = end;
    connection_touch(c);
}

void connection_detach(struct connection *c, struct call *call)
{
    call->connection = NULL;
    if (!call->away) {
        connection_done(c, call);
        return;
    }
    timers_disarm(&c->loop->timers, &call->deadline);
    atomic_store_explicit(&call->exchange.cancelled, true, memory_order_relaxed);
}

void connection_done(struct connection *c, struct call *call)
{
    call->connection = NULL;
    call->next = c->done;
    c->done = call;
    connection_touch(c);
}

/* Keeps what the protocol did not take. */
static void hold(struct connection *c, const char *bytes, size_t len)
{
    c->held = malloc(len);
    CHECK(c->held && "out of memory");
    memcpy(c->held, bytes, len);
    c->held_len = len;
    c->held_used = 0;
}

static void feed(struct connection *c, char *bytes, size_t len)
{
    c->progress_us = c->loop->now_us;
    if (c->end != CONNECTION_OPEN)
        return; /* lingering: the bytes are thrown away */
    size_t used = c->protocol->feed(c, bytes, len);
    if (used < len && c->end == CONNECTION_OPEN)
        hold(c, bytes + used, len - used);
}

/* Whether any byte was taken. */
static bool feed_held(struct connection *c)
{
    size_t used = c->protocol->feed(c, c->held + c->held_used, c->held_len - c->held_used);
    c->held_used += used;
    if (c->held_used == c->held_len) {
        free(c->held);
        c->held = NULL;
    }
    return used > 0;
}

static void peer_ended(struct connection *c)
{
    c->peer_ended = true;
    if (c->lingering || c->end != CONNECTION_OPEN)
        connection_finish(c, CONNECTION_DEAD);
    else
        c->protocol->ended(c);
}

static ssize_t receive(struct connection *c, char *into, size_t room)
{
    ssize_t n = c->tls ? tls_read(c->tls, into, room) : read(c->watch.fd, into, room);
    if (n > 0)
        loop_count(&c->loop->stats.in[c->kind], n);
    return n;
}

static void count_written(struct connection *c, size_t written)
{
    if (!written)
        return;
    c->progress_us = c->loop->now_us;
    loop_count(&c->loop->stats.out[c->kind], (int64_t)written);
}

/* False: nothing came. */
static bool read_once(struct connection *c)
{
    size_t len = 0;
    bool open = c->end == CONNECTION_OPEN;
    char *direct = open && c->protocol->direct ? c->protocol->direct(c, &len) : NULL;
    char *into = direct ? direct : c->loop->input;
    ssize_t n = receive(c, into, direct ? len : LOOP_INPUT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n < 0) {
        connection_finish(c, CONNECTION_DEAD);
    } else if (n == 0) {
        peer_ended(c);
    } else if (direct) {
        c->progress_us = c->loop->now_us;
        c->protocol->direct_done(c, (size_t)n);
    } else {
        feed(c, into, (size_t)n);
    }
    return true;
}

/* What TLS has taken from the socket already epoll does not tell of. */
static bool has_more(const struct connection *c)
{
    return c->tls && tls_has_more(c->tls) && c->end == CONNECTION_OPEN && !c->held &&
           !c->peer_ended;
}

static bool read_on(struct connection *c)
{
    bool came = read_once(c), more = came;
    while (more && has_more(c))
        more = read_once(c);
    return came;
}

bool connection_try_read(struct connection *c)
{
    if (!(c->events & EPOLLIN) || c->tls || !read_once(c))
        return false;
    connection_touch(c);
    return true;
}

static void on_events(struct watch *watch, unsigned events)
{
    struct connection *c = (struct connection *)watch;
    bool shakes = c->tls && tls_wants_write(c->tls) && (events & EPOLLOUT);
    if (((events & EPOLLIN) && (c->events & EPOLLIN)) || shakes)
        read_on(c);
    else if (events & (EPOLLERR | EPOLLHUP))
        connection_finish(c, CONNECTION_DEAD);
    connection_touch(c);
}

static struct output_sink sink_of(const struct connection *c)
{
    return (struct output_sink){c->watch.fd, c->tls};
}

/* Hands are not shaken yet: nothing can be written. */
static bool is_shaking(const struct connection *c)
{
    return c->tls && !tls_is_ready(c->tls);
}

/* Writes what the socket did not take before. False: it still does not take all, or is dead. */
static bool flush_rest(struct connection *c)
{
    size_t written;
    int result = output_rest_send(c->rest, sink_of(c), &written);
    count_written(c, written);
    if (result < 0)
        c->end = CONNECTION_DEAD;
    if (result <= 0)
        return false;
    output_rest_free(c->rest);
    c->rest = NULL;
    recycle_done(c);
    return true;
}

/* One round of output. Returns whether there is more to put out, and the socket takes it. */
static bool flush_once(struct connection *c)
{
    struct output *output = &c->loop->output;
    output_reset(output);
    bool more = c->protocol->produce(c, output);
    if (!output->bytes) {
        recycle_done(c);
        return false;
    }
    size_t written;
    int result = output_send(output, sink_of(c), &written);
    count_written(c, written);
    if (result < 0) {
        c->end = CONNECTION_DEAD;
        return false;
    }
    if (result == 0) {
        c->rest = output_keep_rest(output, written);
        return false;
    }
    recycle_done(c);
    return more;
}

/* Everything is written: the end that was asked for. False: the connection is no more. */
static bool end_now(struct connection *c)
{
    if (c->end == CONNECTION_FLUSH || c->peer_ended)
        return false;
    if (!c->lingering) {
        c->lingering = true;
        shutdown(c->watch.fd, SHUT_WR);
        int64_t linger_us = c->loop->draining ? LINGER_DRAINING_US : LINGER_US;
        timers_arm(&c->loop->timers, &c->timer, c->loop->now_us + linger_us);
    }
    return true;
}

static void watch_events(struct connection *c)
{
    bool reads = !c->peer_ended && !c->held && !c->rest;
    bool writes = c->rest || (c->tls && tls_wants_write(c->tls));
    unsigned events = (reads ? EPOLLIN : 0u) | (writes ? EPOLLOUT : 0u);
    if (events == c->events)
        return;
    c->events = events;
    loop_rewatch(c->loop, &c->watch, events);
}

static int64_t limit_of(struct connection *c)
{
    return is_shaking(c) ? c->hands_until_us : c->protocol->limit(c);
}

static void arm(struct connection *c)
{
    if (c->lingering)
        return;
    int64_t limit_us = limit_of(c);
    if (limit_us != INT64_MAX && (!c->timer.slot || limit_us < c->timer.at_us))
        timers_arm(&c->loop->timers, &c->timer, limit_us);
}

static void on_timer(struct timer *timer)
{
    struct connection *c = of_timer(timer);
    if (c->lingering) {
        connection_finish(c, CONNECTION_DEAD);
        return;
    }
    int64_t limit_us = limit_of(c);
    if (limit_us <= c->loop->now_us) {
        if (c->rest || is_shaking(c))
            connection_finish(c, CONNECTION_DEAD);
        else
            c->protocol->too_slow(c);
        connection_touch(c);
    } else {
        arm(c);
    }
}

/* Output until there is no more, or the socket is full. True: there is more, but other connections
 * want their turn. */
static bool flush_output(struct connection *c)
{
    if (c->end == CONNECTION_DEAD || is_shaking(c) || (c->rest && !flush_rest(c)))
        return false;
    bool more = flush_once(c);
    /* The protocol may have stopped because of unsent answers: now it can go on. */
    if (!more && c->held && !c->rest && c->end == CONNECTION_OPEN)
        more = feed_held(c);
    if (!more && !c->rest && has_more(c))
        more = read_on(c);
    return more;
}

void connection_flush(struct connection *c)
{
    bool more = flush_output(c);
    bool over = c->end == CONNECTION_DEAD ||
                (c->end != CONNECTION_OPEN && !more && !c->rest && !end_now(c));
    if (over) {
        connection_free(c);
        return;
    }
    watch_events(c);
    arm(c);
    if (more)
        connection_touch(c);
}
