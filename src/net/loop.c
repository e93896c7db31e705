/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The turn of a loop, see loop.h. What makes it cheap: one clock read and one epoll_wait() per
 * turn, answers of handlers that run on the loop go straight to their connection, and the mailbox
 * is looked at with one relaxed load.
 *
 * Before it sleeps a loop spins for SPIN_US, where that has paid lately: on a virtual machine going
 * to sleep and being woken costs some 25 us of CPU, much more than a client next door needs to send
 * its next request. Where clients are slower than that, spinning is given up and only tried again
 * now and then.
 *
 * A loop ends when it is draining and has neither connections nor calls with handlers, or when it
 * is stopped. What is left then is dropped by loop_release(), on the thread that joined it.
 */
#include "net/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "net/connection.h"

enum {
    EVENTS_MAX = 256,        /* of one turn */
    SPIN_US = 30,            /* longer than a client on the same machine takes to ask again */
    ACCEPT_PAUSE_US = 50000, /* when not even refusing works */
    SPIN_CREDIT_MAX = 8,
    SPIN_COST = 2,   /* of a spin in vain: two of three must pay */
    SPIN_RETRY = 32, /* sleeps until spinning is tried again */
    LOOKS_PAST_EPOLL = 8,
    ACCEPTS_MAX = 32, /* of one turn: those that are connected already want their turn, too */
    ACCEPTS_LAST =
        1024, /* turns' worth, at the end: more than any backlog has, less than for ever */
    /* A server that hands its ports over accepts for so long what was already on its way: a
     * client's SYN came, its ACK did not. */
    HANDOVER_US = 250000,
};

/* Which loop this thread runs, by its mailbox: unlike a loop's, a mailbox's address is not used
 * again while a call may still come home to it. */
static _Thread_local const struct mailbox *current;

void loop_adopt(struct loop *loop)
{
    current = loop ? loop->mailbox : NULL;
}

static void on_mail(struct watch *watch, unsigned events)
{
    (void)events;
    struct loop *loop = (struct loop *)((char *)watch - offsetof(struct loop, mail_watch));
    mailbox_awake(loop->mailbox, true);
}

enum code loop_watch(struct loop *loop, struct watch *watch, unsigned events, struct error *err)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) == 0)
        return CODE_OK;
    return error_set(err, CODE_RESOURCE_EXHAUSTED, "epoll_ctl: %s", strerror(errno));
}

void loop_rewatch(struct loop *loop, struct watch *watch, unsigned events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (watch->fd >= 0)
        CHECK(epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) == 0);
}

enum code loop_init(struct loop *loop, struct shared *shared, struct error *err)
{
    *loop = (struct loop){.shared = shared, .epoll_fd = -1, .spare_fd = -1};
    loop->now_us = clock_now_us();
    timers_init(&loop->timers);
    pool_init(&loop->pool);
    output_init(&loop->output);
    loop->input = malloc(LOOP_INPUT);
    CHECK(loop->input && "out of memory");
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    loop->mailbox = mailbox_new();
    if (loop->epoll_fd < 0 || loop->spare_fd < 0 || !loop->mailbox)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "Cannot make an event loop: %s",
                         strerror(errno));
    loop->mail_watch = (struct watch){.fn = on_mail, .fd = mailbox_fd(loop->mailbox)};
    return loop_watch(loop, &loop->mail_watch, EPOLLIN, err);
}

static void close_listeners(struct loop *loop)
{
    timers_disarm(&loop->timers, &loop->accept_timer);
    while (loop->listeners) {
        struct listener *listener = loop->listeners;
        loop->listeners = listener->next;
        close(listener->watch.fd);
        free(listener);
    }
}

/* Calls that were answered but not taken home go; those with their handlers will find the mailbox
 * closed. */
static void close_mailbox(struct loop *loop)
{
    struct mail *mail = mailbox_close(loop->mailbox, loop->outstanding);
    while (mail) {
        struct call *call = (struct call *)((char *)mail - offsetof(struct call, mail));
        mail = mail->next;
        call_free(call);
        mailbox_forget(loop->mailbox);
    }
    mailbox_forget(loop->mailbox);
}

static void free_calls(struct loop *loop)
{
    while (loop->calls) {
        struct call *call = loop->calls;
        loop->calls = call->next;
        call_free(call);
    }
}

void loop_release(struct loop *loop)
{
    close_listeners(loop);
    while (loop->connections)
        connection_free(loop->connections);
    if (loop->mailbox)
        close_mailbox(loop);
    free_calls(loop);
    timers_release(&loop->timers);
    pool_release(&loop->pool);
    output_release(&loop->output);
    free(loop->input);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    if (loop->spare_fd >= 0)
        close(loop->spare_fd);
}

/* No descriptor left: without this the connection would stay in the backlog and epoll would report
 * it for ever. False: another thread was faster and has taken the number that we gave up. */
static bool refuse_one(struct loop *loop, int listen_fd)
{
    if (loop->spare_fd >= 0)
        close(loop->spare_fd);
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    bool over = fd >= 0 || errno == EAGAIN;
    if (fd >= 0)
        close(fd);
    loop->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return over;
}

static enum code watch_listeners(struct loop *loop, struct error *err)
{
    /* Exclusive: a Unix socket is shared by all loops, and one woken loop is enough. */
    for (struct listener *l = loop->listeners; l; l = l->next) {
        enum code code = loop_watch(loop, &l->watch, EPOLLIN | EPOLLEXCLUSIVE, err);
        if (code)
            return code;
    }
    return CODE_OK;
}

static void resume_accepting(struct timer *timer)
{
    struct loop *loop = (struct loop *)((char *)timer - offsetof(struct loop, accept_timer));
    if (loop->spare_fd < 0)
        loop->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    watch_listeners(loop, NULL);
}

/* Neither accepting nor refusing works: those in the backlog wait, and we do not spin over them. */
static void pause_accepting(struct loop *loop)
{
    for (struct listener *l = loop->listeners; l; l = l->next)
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, l->watch.fd, NULL);
    loop->accept_timer.fn = resume_accepting;
    timers_arm(&loop->timers, &loop->accept_timer, loop->now_us + ACCEPT_PAUSE_US);
}

static struct net_peer peer_of(const struct sockaddr_storage *address)
{
    struct net_peer peer = {.family = address->ss_family};
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    if (peer.family == AF_INET) {
        memcpy(peer.address, &v4->sin_addr, sizeof v4->sin_addr);
        peer.port = ntohs(v4->sin_port);
    } else if (peer.family == AF_INET6) {
        memcpy(peer.address, &v6->sin6_addr, sizeof v6->sin6_addr);
        peer.port = ntohs(v6->sin6_port);
    }
    return peer;
}

static void welcome(const struct listener *listener, int fd, const struct sockaddr_storage *from)
{
    static const struct protocol *const protocols[] = {
        [NET_GRPC] = &grpc_connection,
        [NET_HTTP] = &http1_connection,
    };
    struct loop *loop = listener->loop;
    struct shared *shared = loop->shared;
    if (atomic_fetch_add(&shared->connections, 1) >= shared->options.connections_max) {
        atomic_fetch_sub(&shared->connections, 1);
        close(fd);
        return;
    }
    struct connection *c = connection_new(loop, protocols[listener->protocol], fd);
    loop_count(&loop->stats.accepted[listener->protocol], 1);
    c->entrance = listener->entrance;
    c->peer = peer_of(from);
    if (loop->draining)
        c->protocol->drain(c);
    c->events = EPOLLIN;
    struct tls_context *tls = shared->options.tls[listener->protocol];
    if (tls) {
        c->tls = tls_session_new(tls, fd);
        c->hands_until_us = loop->now_us + shared->options.header_timeout_us;
    }
    if ((tls && !c->tls) || loop_watch(loop, &c->watch, c->events, NULL))
        connection_free(c);
    else
        connection_touch(c);
}

/* False: nobody else waits, or nobody can be let in now. */
static bool accept_some(struct listener *listener)
{
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        struct sockaddr_storage from = {0};
        socklen_t len = sizeof from;
        int fd = accept4(listener->watch.fd, (struct sockaddr *)&from, &len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            welcome(listener, fd, &from);
            continue;
        }
        bool full = errno == EMFILE || errno == ENFILE;
        if (full && !refuse_one(listener->loop, listener->watch.fd))
            pause_accepting(listener->loop);
        if (full || (errno != ECONNABORTED && errno != EINTR))
            return false;
    }
    return true;
}

static void on_listener(struct watch *watch, unsigned events)
{
    (void)events;
    accept_some((struct listener *)watch);
}

void loop_listen(struct loop *loop, const struct net_place *place, int fd)
{
    struct listener *listener = calloc(1, sizeof *listener);
    CHECK(listener && "out of memory");
    listener->watch = (struct watch){.fn = on_listener, .fd = fd};
    listener->protocol = place->protocol;
    listener->entrance = place->entrance;
    listener->loop = loop;
    listener->next = loop->listeners;
    loop->listeners = listener;
}

void loop_wake(struct loop *loop)
{
    mailbox_wake(loop->mailbox);
}

/* Back on its loop. */
static void come_home(struct call *call)
{
    struct loop *loop = call->loop;
    loop->outstanding--;
    loop_count(&loop->stats.in_flight, -1);
    call->away = false;
    if (loop->handing == call)
        loop->handing = NULL;
    timers_disarm(&loop->timers, &call->deadline);
    if (!call->connection) {
        call_recycle(call);
        return;
    }
    connection_touch(call->connection);
    call->connection->protocol->answered(call->connection, call);
}

void loop_answered(struct call *call)
{
    struct mailbox *mailbox = call->mailbox;
    if (mailbox == current) {
        come_home(call);
    } else if (!mailbox_push(mailbox, &call->mail)) {
        call_free(call);
        mailbox_forget(mailbox);
    }
}

static void on_deadline(struct timer *timer)
{
    struct call *call = (struct call *)((char *)timer - offsetof(struct call, deadline));
    call->connection->protocol->expired(call->connection, call);
}

void loop_hand(struct loop *loop, struct call *call, exchange_fn *fn)
{
    call->away = true;
    call->exchange.handed_us = loop->now_us;
    loop->outstanding++;
    loop_count(&loop->stats.in_flight, 1);
    loop->handing = call;
    fn(&call->exchange, loop->shared->options.context);
    if (loop->handing == call && call->exchange.deadline_us != INT64_MAX) {
        call->deadline.fn = on_deadline;
        timers_arm(&loop->timers, &call->deadline, call->exchange.deadline_us);
    }
    loop->handing = NULL;
}

struct span loop_date(struct loop *loop)
{
    if (loop->now_us >= loop->date_until_us) {
        int64_t wall_us = clock_wall_us();
        time_t seconds = (time_t)(wall_us / 1000000);
        struct tm tm;
        gmtime_r(&seconds, &tm);
        /* The C locale: tensord never calls setlocale(). */
        strftime(loop->date, sizeof loop->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        loop->date_until_us = loop->now_us + 1000000 - wall_us % 1000000;
    }
    return span_of(loop->date);
}

static void take_mail(struct loop *loop)
{
    struct mail *mail = mailbox_take(loop->mailbox);
    while (mail) {
        struct call *call = (struct call *)((char *)mail - offsetof(struct call, mail));
        mail = mail->next;
        come_home(call);
    }
}

/* A program for the group of sockets that share a port: it says which of them gets a connection, by
 * its number in the order of their coming; with a number that none has, any of them. Ours are the
 * first: those who came before have ended. */
void loop_steer_away(int fd, unsigned own_sockets)
{
    struct sock_filter one = BPF_STMT(BPF_RET | BPF_K, own_sockets);
    struct sock_fprog program = {.len = 1, .filter = &one};
    setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program);
}

void loop_steer_back(int fd)
{
    int none = 0;
    setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &none, sizeof none);
}

/* Who waits to be accepted has been promised an answer. */
static void stop_accepting(struct loop *loop)
{
    bool is_last = atomic_fetch_sub(&loop->shared->listening, 1) == 1;
    for (struct listener *l = loop->listeners; l; l = l->next) {
        for (int i = 0; i < ACCEPTS_LAST && accept_some(l); i++)
            ;
        if (is_last && loop->shared->options.reuse_port)
            loop_steer_back(l->watch.fd);
    }
    close_listeners(loop);
}

static void on_handed_over(struct timer *timer)
{
    stop_accepting((struct loop *)((char *)timer - offsetof(struct loop, close_timer)));
}

static void start_drain(struct loop *loop)
{
    for (struct connection *c = loop->connections; c; c = c->next) {
        connection_touch(c);
        c->protocol->drain(c);
    }
    loop->draining = true;
    loop->close_timer.fn = on_handed_over;
    if (loop->shared->options.reuse_port)
        timers_arm(&loop->timers, &loop->close_timer, loop->now_us + HANDOVER_US);
    else
        stop_accepting(loop);
}

static void flush_dirty(struct loop *loop)
{
    struct connection *list = loop->dirty;
    loop->dirty = NULL;
    while (list) {
        struct connection *c = list;
        list = c->next_dirty;
        c->dirty = false;
        connection_flush(c);
    }
}

/* For epoll_wait(): how long until a timer is due; -1: none is armed. */
static int until_timer_ms(const struct loop *loop)
{
    int64_t next_us = timers_next(&loop->timers);
    if (next_us == INT64_MAX)
        return -1;
    int64_t ms = (next_us - clock_now_us() + 999) / 1000;
    return ms < 0 ? 0 : ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* One look. A loop that has but one connection reads from it without asking epoll whether there is
 * anything, saving a system call each time; now and then epoll is asked all the same, for clients
 * who knock. The count of events; -1: input came and was taken. */
static int look(struct loop *loop, struct epoll_event *events)
{
    struct connection *only = loop->connections;
    if (only && !only->next && ++loop->looks % LOOKS_PAST_EPOLL)
        return connection_try_read(only) ? -1 : 0;
    return epoll_wait(loop->epoll_fd, events, EVENTS_MAX, 0);
}

/* Looks for events without sleeping, a short while. Nothing came: 0. */
static int spin(struct loop *loop, struct epoll_event *events)
{
    if (!loop->spin_credit && ++loop->sleeps % SPIN_RETRY)
        return 0;
    loop->now_us = clock_now_us();
    int64_t until_us = loop->now_us + SPIN_US;
    do {
        int count = look(loop, events);
        if (count || mailbox_has_mail(loop->mailbox)) {
            loop->spin_credit += loop->spin_credit < SPIN_CREDIT_MAX;
            return count;
        }
        loop->now_us = clock_now_us();
    } while (loop->now_us < until_us);
    loop->spin_credit -= loop->spin_credit > SPIN_COST ? SPIN_COST : loop->spin_credit;
    return 0;
}

static int wait_for_events(struct loop *loop, struct epoll_event *events)
{
    int wait_ms = loop->dirty ? 0 : until_timer_ms(loop);
    int count = wait_ms ? spin(loop, events) : 0;
    if (count)
        return count;
    if (wait_ms && !mailbox_sleep(loop->mailbox))
        wait_ms = 0;
    count = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, wait_ms);
    if (wait_ms)
        mailbox_awake(loop->mailbox, false);
    return count;
}

static void turn(struct loop *loop)
{
    struct epoll_event events[EVENTS_MAX];
    int count = wait_for_events(loop, events);
    loop->now_us = clock_now_us();
    for (int i = 0; i < count; i++) {
        struct watch *watch = events[i].data.ptr;
        watch->fn(watch, events[i].events);
    }
    take_mail(loop);
    timers_run(&loop->timers, loop->now_us);
    if (!loop->draining && atomic_load(&loop->shared->draining))
        start_drain(loop);
    flush_dirty(loop);
}

static bool is_over(const struct loop *loop)
{
    if (atomic_load_explicit(&loop->shared->stopping, memory_order_relaxed))
        return true;
    return loop->draining && !loop->listeners && !loop->connections && !loop->outstanding;
}

static void count_running(struct shared *shared, int change)
{
    pthread_mutex_lock(&shared->mutex);
    shared->running += (unsigned)change;
    pthread_cond_broadcast(&shared->loop_ended);
    pthread_mutex_unlock(&shared->mutex);
}

static void *run(void *arg)
{
    struct loop *loop = arg;
    loop_adopt(loop);
    while (!is_over(loop))
        turn(loop);
    loop_adopt(NULL);
    count_running(loop->shared, -1);
    return NULL;
}

enum code loop_start(struct loop *loop, struct error *err)
{
    enum code code = watch_listeners(loop, err);
    if (code)
        return code;
    /* Signals are the main thread's. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    count_running(loop->shared, 1);
    int result = pthread_create(&loop->thread, NULL, run, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result) {
        count_running(loop->shared, -1);
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "Cannot start a loop's thread: %s",
                         strerror(result));
    }
    pthread_setname_np(loop->thread, "net");
    loop->started = true;
    return CODE_OK;
}
