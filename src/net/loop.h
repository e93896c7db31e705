/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct loop: a thread with its own epoll, listening sockets, connections, timers and pools. One
 * turn: wait for events, read and handle what came, take the mail of other threads, run the timers,
 * then flush every connection that has something to say with one write each. Everything here
 * belongs to the loop's thread unless it says otherwise.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "net/call.h"
#include "net/output.h"
#include "net/pool.h"
#include "net/server.h"

enum {
    LOOP_INPUT = 128 * 1024,      /* one read; fits into the second level cache */
    LOOP_RETAINED_MAX = 16 << 20, /* what the arenas of pooled calls may hold */
    LOOP_CALLS_MAX = 1024,        /* pooled calls */
};

/* What epoll hands back; embedded in listeners and connections. */
struct watch {
    void (*fn)(struct watch *watch, unsigned events);
    int fd;
};

/* What all loops share. */
struct shared {
    struct net_options options; /* with the defaults filled in */
    struct arena arena;         /* of the map */
    struct map rpcs;            /* path -> const struct net_rpc */
    atomic_size_t connections;  /* open now */
    atomic_bool draining;
    atomic_bool stopping;  /* drop what is left */
    atomic_uint listening; /* loops whose listeners are open */
    pthread_mutex_t mutex;
    pthread_cond_t loop_ended; /* on the monotonic clock */
    unsigned running;          /* loops that have not ended; guarded by mutex */
};

/* Counted by the loop's thread alone, read by any. */
struct loop_stats {
    _Atomic int64_t accepted[NET_PROTOCOLS];
    _Atomic int64_t open[NET_PROTOCOLS];
    _Atomic int64_t in[NET_PROTOCOLS];
    _Atomic int64_t out[NET_PROTOCOLS];
    _Atomic int64_t in_flight;
};

static inline void loop_count(_Atomic int64_t *place, int64_t n)
{
    atomic_store_explicit(place, atomic_load_explicit(place, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

struct listener {
    struct watch watch;
    enum net_protocol protocol;
    unsigned entrance;
    struct loop *loop;
    struct listener *next;
};

struct loop {
    struct shared *shared; /* borrowed */
    int epoll_fd;
    int spare_fd; /* given up for a moment when descriptors run out, see accept in loop.c */
    pthread_t thread;
    bool started;
    bool draining;
    struct watch mail_watch;
    struct mailbox *mailbox;
    struct timers timers;
    struct timer accept_timer;      /* armed while the listeners are not watched */
    struct timer close_timer;       /* armed while it drains and still accepts */
    struct listener *listeners;     /* owned */
    struct connection *connections; /* all that are open */
    struct connection *dirty;       /* to be flushed in this turn */
    struct call *calls;             /* the pool */
    size_t call_count;
    size_t retained;
    size_t outstanding; /* calls that are with their handlers */
    int spin_credit;    /* whether spinning pays, see loop.c */
    unsigned sleeps;    /* without spinning, since it last paid */
    unsigned looks;     /* while spinning, at all */
    int64_t now_us;     /* of this turn */
    int64_t date_until_us;
    char date[40]; /* "Sun, 06 Nov 1994 08:49:37 GMT" */
    struct pool pool;
    struct output output;
    char *input;          /* LOOP_INPUT bytes */
    struct call *handing; /* just with its handler and not answered yet */
    int64_t written;      /* ticks, if anybody wants to know: when an answer was last out */
    struct loop_stats stats;
};

/* RESOURCE_EXHAUSTED when descriptors run out. */
enum code loop_init(struct loop *loop, struct shared *shared, struct error *err);

/* Closes everything; the thread must have ended. Calls that are still with their handlers stay
 * valid. */
void loop_release(struct loop *loop);

/* Of a socket that listens with SO_REUSEPORT: new connections go to the server that came after this
 * one, if there is one; and again to any. */
void loop_steer_away(int fd, unsigned own_sockets);
void loop_steer_back(int fd);

/* Takes over the descriptor, of a socket that listens there. Before loop_start(). */
void loop_listen(struct loop *loop, const struct net_place *place, int fd);

enum code loop_start(struct loop *loop, struct error *err);

/* Any thread, between loop_start() and loop_release(): looks at shared->draining and ->stopping. */
void loop_wake(struct loop *loop);

/* Hands the call to its handler. */
void loop_hand(struct loop *loop, struct call *call, exchange_fn *fn);

/* The call is answered; any thread. It goes home and to its connection, if that is still there. */
void loop_answered(struct call *call);

/* epoll: add, change; closing the descriptor removes it. */
enum code loop_watch(struct loop *loop, struct watch *watch, unsigned events, struct error *err);
void loop_rewatch(struct loop *loop, struct watch *watch, unsigned events);

/* Whether anybody wants to be told how a call went. */
static inline bool loop_is_watched(const struct loop *loop)
{
    const struct net_options *o = &loop->shared->options;
    return o->finished && (!o->watched || atomic_load_explicit(o->watched, memory_order_relaxed));
}

/* For the Date header, renewed every second. */
struct span loop_date(struct loop *loop);

/* Makes the calling thread the loop's (NULL: no loop's): answers given on it go straight to their
 * connection. What a loop's own thread does first; tests that drive protocols without sockets do
 * it, too. */
void loop_adopt(struct loop *loop);

#endif
