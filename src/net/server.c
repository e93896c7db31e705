/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listeners and the life of the loops. Every loop listens on a socket of its own for each TCP
 * address (SO_REUSEPORT: the kernel spreads connections by their hash); Unix sockets know no such
 * thing, there the loops share one.
 */
#include "net/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "net/loop.h"

enum {
    BACKLOG = 4096, /* the kernel cuts it to net.core.somaxconn */
    /* A peer whose machine is gone is found out, also where there is no idle timeout. */
    KEEPALIVE_IDLE_S = 300,
    KEEPALIVE_INTERVAL_S = 30,
    DESCRIPTORS_SPARE = 64, /* of RLIMIT_NOFILE, for files, epoll and the like */
};

/* A Unix socket's file that is ours for as long as it is this one: another server may have put its
 * own in its place, to take over. */
struct socket_file {
    struct socket_file *next;
    char *path; /* owned */
    dev_t device;
    ino_t inode;
};

struct net_server {
    struct shared shared;
    struct socket_file *files; /* owned */
    struct loop *loops;        /* owned */
    unsigned loop_count;
    enum code init_code; /* why the loops could not be made; told by net_server_start() */
    struct error init_error;
};

static size_t default_connections_max(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY)
        return 1 << 20;
    return limit.rlim_cur > 2 * DESCRIPTORS_SPARE ? limit.rlim_cur - DESCRIPTORS_SPARE
                                                  : limit.rlim_cur / 2;
}

static void fill_defaults(struct net_options *o)
{
    o->loops = o->loops ? o->loops : 1;
    o->message_max = o->message_max ? o->message_max : INT32_MAX;
    o->body_max = o->body_max ? o->body_max : INT32_MAX;
    o->inflated_max = o->inflated_max ? o->inflated_max : 100u << 20;
    o->header_timeout_us = o->header_timeout_us ? o->header_timeout_us : 10000000;
    o->body_timeout_us = o->body_timeout_us ? o->body_timeout_us : 60000000;
    if (!o->grpc.keepalive_timeout_us)
        o->grpc.keepalive_timeout_us = 20000000;
    o->connections_max = o->connections_max ? o->connections_max : default_connections_max();
}

struct net_server *net_server_new(const struct net_options *options)
{
    struct net_server *server = calloc(1, sizeof *server);
    CHECK(server && "out of memory");
    struct shared *shared = &server->shared;
    shared->options = *options;
    fill_defaults(&shared->options);
    arena_init(&shared->arena, ARENA_FIRST_BLOCK);
    pthread_mutex_init(&shared->mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&shared->loop_ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    map_init(&shared->rpcs, &shared->arena);
    for (size_t i = 0; i < options->rpc_count; i++)
        map_put(&shared->rpcs, span_of(options->rpcs[i].path),
                (void *)(uintptr_t)&options->rpcs[i]);
    server->loop_count = shared->options.loops;
    server->loops = calloc(server->loop_count, sizeof *server->loops);
    CHECK(server->loops && "out of memory");
    for (unsigned i = 0; i < server->loop_count; i++) {
        enum code code = loop_init(&server->loops[i], shared, &server->init_error);
        server->init_code = server->init_code ? server->init_code : code;
    }
    return server;
}

static enum code cannot_listen(const char *address, int port, struct error *err)
{
    return error_set(err, CODE_UNAVAILABLE, "Cannot listen on %s:%d: %s", address, port,
                     strerror(errno));
}

static enum code parse_address(struct sockaddr_storage *out, socklen_t *len, const char *address,
                               int port, struct error *err)
{
    *out = (struct sockaddr_storage){0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    if (port < 0 || port > 65535)
        return error_set(err, CODE_INVALID_ARGUMENT, "%d is no port: 0 to 65535 expected", port);
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        *len = sizeof *v4;
        return CODE_OK;
    }
    if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        *len = sizeof *v6;
        return CODE_OK;
    }
    return error_set(err, CODE_INVALID_ARGUMENT, "'%s' is no IPv4 or IPv6 address", address);
}

static int set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

/* A bound socket; with `shared_port` others of this process may bind the same port. */
static int bind_socket(const struct sockaddr_storage *address, socklen_t len, bool shared_port)
{
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    bool ok = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) == 0;
    if (ok && address->ss_family == AF_INET6)
        ok = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) == 0;
    if (ok && shared_port)
        ok = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) == 0;
    /* Accepted sockets inherit these. */
    ok = ok && set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) == 0 &&
         set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1) == 0 &&
         set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S) == 0 &&
         set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S) == 0;
    if (ok && bind(fd, (const struct sockaddr *)address, len) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* SO_REUSEPORT would silently share the port with another process of ours: a probe without it finds
 * out. */
static bool is_free(const struct sockaddr_storage *address, socklen_t len)
{
    int fd = bind_socket(address, len, false);
    bool is = fd >= 0 && listen(fd, 1) == 0;
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return is;
}

/* The port of an IPv4 or IPv6 address is in the same place. */
static in_port_t *port_of(struct sockaddr_storage *address)
{
    return &((struct sockaddr_in *)address)->sin_port;
}

static enum code listen_once(struct loop *loop, const struct net_place *place,
                             struct sockaddr_storage *address, socklen_t len)
{
    int fd = bind_socket(address, len, true);
    socklen_t bound_len = sizeof *address;
    if (fd < 0)
        return CODE_UNAVAILABLE;
    /* With port 0 the first socket takes a port, which the other loops' sockets share. */
    if (listen(fd, BACKLOG) || getsockname(fd, (struct sockaddr *)address, &bound_len)) {
        int error = errno;
        close(fd);
        errno = error;
        return CODE_UNAVAILABLE;
    }
    /* Somebody may have gone who steered connections to a place that is ours now. */
    loop_steer_back(fd);
    loop_listen(loop, place, fd);
    return CODE_OK;
}

static enum code listen_tcp(struct net_server *server, const struct net_place *place, int *bound,
                            struct error *err)
{
    struct sockaddr_storage where;
    socklen_t len = 0;
    enum code code = parse_address(&where, &len, place->address, place->port, err);
    if (code)
        return code;
    if (place->port && !server->shared.options.reuse_port && !is_free(&where, len))
        return cannot_listen(place->address, place->port, err);
    for (unsigned i = 0; i < server->loop_count; i++)
        if (listen_once(&server->loops[i], place, &where, len))
            return cannot_listen(place->address, place->port, err);
    if (bound)
        *bound = ntohs(*port_of(&where));
    return CODE_OK;
}

/* A socket file that nobody listens on any more is in the way of bind(). */
static void remove_stale(const char *path)
{
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(path);
}

static void remember(struct net_server *server, const char *path)
{
    struct stat st;
    if (stat(path, &st))
        return;
    struct socket_file *file = malloc(sizeof *file);
    CHECK(file && "out of memory");
    *file = (struct socket_file){server->files, strdup(path), st.st_dev, st.st_ino};
    CHECK(file->path && "out of memory");
    server->files = file;
}

static void remove_files(struct net_server *server)
{
    struct stat st;
    while (server->files) {
        struct socket_file *file = server->files;
        server->files = file->next;
        if (stat(file->path, &st) == 0 && st.st_dev == file->device && st.st_ino == file->inode)
            unlink(file->path);
        free(file->path);
        free(file);
    }
}

static enum code listen_unix(struct net_server *server, const struct net_place *place,
                             struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(place->path);
    if (len >= sizeof address.sun_path)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The path of a Unix socket has at most %zu bytes, not %zu: %s",
                         sizeof address.sun_path - 1, len, place->path);
    memcpy(address.sun_path, place->path, len);
    remove_stale(place->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
              (!place->mode || chmod(place->path, place->mode) == 0) && listen(fd, BACKLOG) == 0;
    for (unsigned i = 0; ok && i < server->loop_count; i++) {
        int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        ok = own >= 0;
        if (ok)
            loop_listen(&server->loops[i], place, own);
    }
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (!ok)
        return error_set(err, CODE_UNAVAILABLE, "Cannot listen on %s: %s", place->path,
                         strerror(error));
    remember(server, place->path);
    return CODE_OK;
}

enum code net_server_listen(struct net_server *server, const struct net_place *place, int *bound,
                            struct error *err)
{
    return place->path ? listen_unix(server, place, err) : listen_tcp(server, place, bound, err);
}

enum code net_server_start(struct net_server *server, struct error *err)
{
    if (server->init_code)
        return error_set(err, server->init_code, "%s", server->init_error.message);
    atomic_store(&server->shared.listening, server->loop_count);
    for (unsigned i = 0; i < server->loop_count; i++) {
        enum code code = loop_start(&server->loops[i], err);
        if (code) {
            net_server_join(server, 0);
            return code;
        }
    }
    return CODE_OK;
}

static void wake_all(struct net_server *server)
{
    for (unsigned i = 0; i < server->loop_count; i++)
        if (server->loops[i].started)
            loop_wake(&server->loops[i]);
}

/* Whoever shares the ports gets all new connections from now on. The listeners are as they were
 * made until loops hear that they drain. */
static void yield_ports(struct net_server *server)
{
    for (struct listener *l = server->loops[0].listeners; l; l = l->next)
        loop_steer_away(l->watch.fd, server->loop_count);
}

void net_server_drain(struct net_server *server)
{
    bool first = !atomic_load(&server->shared.draining);
    if (first && server->shared.options.reuse_port && server->loops[0].started)
        yield_ports(server);
    atomic_store(&server->shared.draining, true);
    wake_all(server);
}

/* Waits until all loops have ended; false: not in time. */
static bool await_loops(struct shared *shared, int64_t until_us)
{
    struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    int result = 0;
    pthread_mutex_lock(&shared->mutex);
    while (shared->running && result != ETIMEDOUT)
        result = until_us == INT64_MAX
                     ? pthread_cond_wait(&shared->loop_ended, &shared->mutex)
                     : pthread_cond_timedwait(&shared->loop_ended, &shared->mutex, &until);
    bool ended = !shared->running;
    pthread_mutex_unlock(&shared->mutex);
    return ended;
}

enum code net_server_join(struct net_server *server, int64_t timeout_us)
{
    int64_t until_us;
    if (__builtin_add_overflow(clock_now_us(), timeout_us, &until_us))
        until_us = INT64_MAX;
    net_server_drain(server);
    enum code code = CODE_OK;
    if (!await_loops(&server->shared, until_us)) {
        code = CODE_DEADLINE_EXCEEDED;
        atomic_store(&server->shared.stopping, true);
        wake_all(server);
    }
    for (unsigned i = 0; i < server->loop_count; i++) {
        if (server->loops[i].started)
            pthread_join(server->loops[i].thread, NULL);
        server->loops[i].started = false;
    }
    return code;
}

void net_server_free(struct net_server *server)
{
    if (!server)
        return;
    for (unsigned i = 0; i < server->loop_count; i++) {
        CHECK(!server->loops[i].started && "net_server_join() comes first");
        loop_release(&server->loops[i]);
    }
    remove_files(server);
    free(server->loops);
    pthread_cond_destroy(&server->shared.loop_ended);
    pthread_mutex_destroy(&server->shared.mutex);
    arena_release(&server->shared.arena);
    free(server);
}

void net_server_stats(const struct net_server *server, struct net_stats stats[NET_PROTOCOLS],
                      int64_t *in_flight)
{
    *in_flight = 0;
    memset(stats, 0, NET_PROTOCOLS * sizeof *stats);
    for (unsigned i = 0; i < server->loop_count; i++) {
        const struct loop_stats *s = &server->loops[i].stats;
        *in_flight += atomic_load_explicit(&s->in_flight, memory_order_relaxed);
        for (int k = 0; k < NET_PROTOCOLS; k++) {
            stats[k].accepted += atomic_load_explicit(&s->accepted[k], memory_order_relaxed);
            stats[k].open += atomic_load_explicit(&s->open[k], memory_order_relaxed);
            stats[k].in += atomic_load_explicit(&s->in[k], memory_order_relaxed);
            stats[k].out += atomic_load_explicit(&s->out[k], memory_order_relaxed);
        }
    }
}

size_t net_server_connections(const struct net_server *server)
{
    return atomic_load(&((struct net_server *)(uintptr_t)server)->shared.connections);
}
