/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct connection: a socket and the protocol on it. The connection reads, flushes, watches the
 * clock and ends; the protocol turns bytes into calls and answers into bytes, and never touches the
 * socket.
 */
#ifndef NET_CONNECTION_H
#define NET_CONNECTION_H

#include "net/loop.h"

struct connection;

struct protocol {
    /* Makes connection->state. */
    void (*open)(struct connection *connection);
    /* Takes bytes; returns how many. Those that it leaves are fed again after the next flush. May
     * call connection_finish(). The bytes may be changed. */
    size_t (*feed)(struct connection *connection, char *bytes, size_t len);
    /* (optional) Where the next bytes of a big body may be read to directly; *len 0: nowhere. */
    char *(*direct)(struct connection *connection, size_t *len);
    /* (with direct) So many bytes were read there. */
    void (*direct_done)(struct connection *connection, size_t len);
    /* Puts out what is ready while there is room; true: there is more. */
    bool (*produce)(struct connection *connection, struct output *output);
    /* A call of this connection was answered. */
    void (*answered)(struct connection *connection, struct call *call);
    /* A call's deadline has passed. It is to be detached. */
    void (*expired)(struct connection *connection, struct call *call);
    /* The peer has closed its side. */
    void (*ended)(struct connection *connection);
    /* No new requests; finish when those in flight are answered. */
    void (*drain)(struct connection *connection);
    /* When the connection is too slow, given its state; INT64_MAX: never. */
    int64_t (*limit)(struct connection *connection);
    /* That time has come and it still is too slow. Answers or finishes. */
    void (*too_slow)(struct connection *connection);
    /* Detaches all calls, frees the state. */
    void (*close)(struct connection *connection);
};

extern const struct protocol grpc_connection;  /* grpc_connection.c */
extern const struct protocol http1_connection; /* http1_connection.c */

/* How a connection ends. */
enum connection_end {
    CONNECTION_OPEN,
    CONNECTION_FLUSH,  /* when everything is written, close */
    CONNECTION_LINGER, /* the same, but read on for a moment, so that the peer gets to see what was
                          written */
    CONNECTION_DEAD,   /* close at once */
};

struct connection {
    struct watch watch; /* first */
    struct net_peer peer;
    unsigned entrance;
    struct loop *loop;       /* borrowed */
    struct tls_session *tls; /* owned; NULL: none */
    const struct protocol *protocol;
    enum net_protocol kind;
    void *state;                        /* the protocol's */
    struct connection *next, *previous; /* of the loop's */
    struct connection *next_dirty;
    bool dirty;
    int64_t hands_until_us; /* when TLS must have begun */
    bool lingering;         /* our side is shut down */
    bool peer_ended;        /* nothing more to read */
    enum connection_end end;
    unsigned events;          /* that epoll watches */
    struct output_rest *rest; /* owned: what the socket did not take */
    struct call *done;        /* to be recycled when everything is written */
    char *held;               /* owned: bytes that the protocol did not take yet */
    size_t held_len;
    size_t held_used;
    int64_t progress_us; /* when bytes last went either way */
    struct timer timer;
};

/* The head of a call's request is whole: may it come in? */
enum code connection_admit(struct connection *connection, struct call *call, struct error *err);

/* Takes over the descriptor (-1: none, for tests of protocols). */
struct connection *connection_new(struct loop *loop, const struct protocol *protocol, int fd);

/* Closes and frees at once. Not from within a protocol. */
void connection_free(struct connection *connection);

/* It has something to put out, or its state has changed: it is looked at when the turn ends. */
void connection_touch(struct connection *connection);

/* Ends it; the strongest way asked for counts. */
void connection_finish(struct connection *connection, enum connection_end end);

/* Reads if there is something to read; false: nothing came. The turn that follows flushes. */
bool connection_try_read(struct connection *connection);

/* The end of a turn: writes, ends, sets epoll and timer. May free the connection. */
void connection_flush(struct connection *connection);

/* The client gave the call up, or was told about the deadline: the call does not belong to the
 * connection any more, an answer will be dropped. Recycled at once when it is not with its handler.
 */
void connection_detach(struct connection *connection, struct call *call);

/* The call's answer is put out in full: recycled as soon as it is written. */
void connection_done(struct connection *connection, struct call *call);

#endif
