/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct net_server: listeners and loops. Each loop is a thread of its own with its own epoll, its
 * own listening sockets (SO_REUSEPORT) and its own connections; loops share nothing but the
 * options.
 *
 *   struct net_server *server = net_server_new(&options);
 *   net_server_listen(server, &(struct net_place){.address = "0.0.0.0", .port = 8500}, &port, err);
 *   net_server_start(server, err);          returns at once
 *   ...
 *   net_server_drain(server);               no new connections, GOAWAY; returns at once; answers in
 * flight go out net_server_join(server, timeout_us);    until the last exchange is answered and
 * sent net_server_free(server);
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include "net/exchange.h"
#include "net/tls.h"

enum net_protocol {
    NET_GRPC, /* HTTP/2 with prior knowledge, gRPC */
    NET_HTTP, /* HTTP/1.1 and 1.0 */
    NET_PROTOCOLS,
};

enum net_rpc_kind {
    NET_UNARY,
    NET_STREAM, /* any number of messages, an answer to each */
    NET_WATCH,  /* one message, any number of answers: see exchange.seen */
};

/* A row of the RPC method table. */
struct net_rpc {
    const char *path; /* "/package.Service/Method" */
    exchange_fn *fn;  /* called on the loop thread */
    enum net_rpc_kind kind;
};

/* How it went, told when all of it is over. */
struct net_report {
    enum net_protocol protocol;
    int status;      /* RPC: enum code; HTTP: 200 and so on */
    size_t in;       /* bytes of the body or message, decoded */
    size_t out;      /* ditto, as sent */
    bool lost;       /* the client did not take all of it */
    int64_t written; /* clock_ticks() when the socket had taken it */
};

/* On the loop's thread, before the exchange's arena is reset. */
typedef void net_finished_fn(struct exchange *exchange, const struct net_report *report,
                             void *context);

/* What a protocol's connections and calls have come to, and what there is now. */
struct net_stats {
    int64_t accepted;
    int64_t open;
    int64_t in;  /* bytes read from sockets, as they are on the wire but for TLS */
    int64_t out; /* and written to them */
};

/* What gRPC connections are allowed; 0 everywhere: no limit, or net's own. */
struct net_grpc_options {
    int64_t age_us;               /* then no new calls on it, give or take a tenth */
    int64_t age_grace_us;         /* and so much later it is cut */
    int64_t idle_us;              /* of a connection without a call; 0: idle_timeout_us */
    int64_t keepalive_us;         /* of silence, until it is asked whether it is there */
    int64_t keepalive_timeout_us; /* until it is taken for dead; 0: 20 s */
    bool keepalive_always;        /* without a call, too */
    int64_t ping_interval_us;     /* PINGs of the peer that come faster, with no answer between */
    uint32_t ping_strikes;        /* them, are strikes: more than this end the connection */
    uint32_t streams_max;         /* calls at a time on one connection; 0: H2_STREAMS_MAX */
    size_t answer_max;            /* bytes of an answer's message */
};

/* Whether a request is let in: asked on the loop thread when its head is whole and its body is
 * still to come. An RPC is refused with any other code than OK and the text; an HTTP request goes
 * to its handler without a body and with a `refusal`. */
typedef enum code admit_fn(struct exchange *exchange, void *context, struct error *err);

struct net_options {
    unsigned loops;             /* threads; at least 1 */
    const struct net_rpc *rpcs; /* borrowed, `rpc_count` rows; other paths get UNIMPLEMENTED */
    size_t rpc_count;
    exchange_fn *http;         /* every HTTP request; may be NULL (404) */
    admit_fn *admit;           /* NULL: all are let in */
    void *context;             /* handed to all of them */
    net_finished_fn *finished; /* of each that was answered; may be NULL */
    const atomic_int *watched; /* only while it is above 0; NULL: always */
    size_t message_max;        /* a gRPC message, decompressed; 0: INT32_MAX as in the original */
    size_t body_max;           /* an HTTP body as sent; 0: 2 GiB - 1 */
    size_t inflated_max;       /* a compressed HTTP body, inflated; 0: 100 MiB as in the original */
    int64_t
        header_timeout_us; /* from the first byte of a request to the end of its header; 0: 10 s */
    int64_t body_timeout_us; /* without a byte of progress inside a body or an answer; 0: 60 s */
    int64_t
        idle_timeout_us; /* of a connection without a request; 0: none for gRPC, 10 min for HTTP */
    bool http_gzip;  /* compress HTTP answers for clients that take gzip; the original never does */
    bool reuse_port; /* another process may have the same ports: to take over from it */
    struct net_grpc_options grpc;
    struct tls_context *tls[NET_PROTOCOLS]; /* borrowed; NULL: that protocol goes without */
    size_t connections_max;                 /* all loops together; 0: from RLIMIT_NOFILE */
};

struct net_server;

struct net_server *net_server_new(const struct net_options *options);

/* Where to listen. */
struct net_place {
    enum net_protocol protocol;
    const char *address; /* "0.0.0.0", "::" for both families, "127.0.0.1" */
    int port;            /* 0 takes a free one */
    const char *path;    /* or a Unix socket: one that is there is replaced, at the end it goes */
    unsigned mode;       /* of that file; 0: what the umask leaves */
    unsigned entrance;   /* handed on to exchanges */
};

/* *bound (may be NULL) is the TCP port taken. UNAVAILABLE with the reason when the place can not be
 * had. Before net_server_start only. */
enum code net_server_listen(struct net_server *server, const struct net_place *place, int *bound,
                            struct error *err);

enum code net_server_start(struct net_server *server, struct error *err);

/* Closes the listeners, sends GOAWAY, answers "Connection: close"; exchanges in flight go on.
 * Async-signal-unsafe. */
void net_server_drain(struct net_server *server);

/* Waits until all exchanges are answered and sent; after timeout_us (INT64_MAX: for ever) drops
 * what is left. CODE_OK, or DEADLINE_EXCEEDED when something was dropped. Loops have ended when it
 * returns. */
enum code net_server_join(struct net_server *server, int64_t timeout_us);

/* After net_server_join, or a server that never started. */
void net_server_free(struct net_server *server);

/* Connections open now, all loops; for tests. */
size_t net_server_connections(const struct net_server *server);

/* All loops together; any thread while the server lives. `in_flight`: exchanges with their
 * handlers. */
void net_server_stats(const struct net_server *server, struct net_stats stats[NET_PROTOCOLS],
                      int64_t *in_flight);

#endif
