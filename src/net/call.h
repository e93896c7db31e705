/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct call: an exchange with all that net has to know about it: where it came from, what was
 * answered, how far the answer is out. Calls are pooled per loop.
 *
 * Whose it is: the loop thread's until the handler is called; the handler's from then on until it
 * answers (the loop touches nothing but `connection`, `deadline` and exchange.cancelled meanwhile);
 * the loop thread's again after.
 */
#ifndef NET_CALL_H
#define NET_CALL_H

#include "net/body.h"
#include "net/exchange.h"
#include "net/grpc.h"
#include "net/mailbox.h"
#include "net/server.h"
#include "net/timer.h"

struct connection;
struct loop;
struct output;

enum {
    CALL_HEADERS = 16,      /* kept in the call itself */
    CALL_HEADERS_MAX = 100, /* more are refused */
    CALL_HEADER_BYTES_MAX = 64 << 10,
    CALL_PIECES = 6, /* kept in the call itself */
    /* Compressed bytes of one turn: they may become a thousand times as many. */
    CALL_INFLATE_SLICE = 16 << 10,
};

/* What a handler answered. */
struct answer {
    int status; /* RPC: enum code; HTTP: 200 and so on */
    bool compressed;
    struct span message;                   /* RPC: the status text */
    const struct exchange_header *headers; /* HTTP; in the arena */
    size_t header_count;
    struct span *pieces; /* own_pieces or in the arena */
    size_t piece_count;
    size_t size;   /* bytes in all pieces */
    size_t piece;  /* the next to go out, */
    size_t offset; /* from its byte `offset` on */
    size_t sent;
    struct span own_pieces[CALL_PIECES];
};

/* What only gRPC needs. */
struct call_rpc {
    struct grpc_reader reader;
    enum encoding encoding; /* of the request's messages */
    enum encoding answer_encoding;
    exchange_fn *fn; /* NULL: no such method */
    enum net_rpc_kind kind;
    int32_t stream;
    bool is_post;
    bool is_grpc;
    bool too_large; /* the header block */
    bool encoding_unknown;
    bool accepts[ENCODING_COUNT]; /* what an answer may be compressed with */
    bool ended;                   /* the request is whole */
    bool answering;               /* the answer's body is not put out in full */
    size_t buffered;              /* body bytes that wait for the rest of the request */
    size_t withheld;              /* of those: bytes whose stream window was not given back yet */
    unsigned char prefix[GRPC_PREFIX]; /* of the answer */
    bool head_out;                     /* the answer's head is put out */
    size_t answer_max;                 /* bytes of a message; 0: no limit but gRPC's own */
    /* Of an RPC with more than one message, see grpc_stream.h. */
    struct call *turn;   /* owned; the one under way, or NULL */
    struct call *parent; /* of a turn: its stream; borrowed */
    size_t waiting;      /* where in body the bytes begin that wait for the next turn */
    bool due;            /* the next turn may begin */
    bool closed;         /* the client sends no more */
};

/* What only HTTP/1 needs. */
struct call_http {
    int minor;         /* HTTP/1.x */
    bool head;         /* the method is HEAD: the answer has no body */
    bool close;        /* the connection ends with this answer */
    bool gzip_bad;     /* the body can not be inflated */
    bool gzip_in;      /* the body is compressed */
    bool gzip_out;     /* the client takes a compressed answer */
    bool continue_due; /* it waits for "100 Continue" */
    bool head_out;     /* status line and headers of the answer are out */
    struct body bytes; /* request line and headers; the exchange's spans point into them */
};

struct call {
    struct exchange exchange; /* first: an exchange is its call */
    struct mail mail;
    struct loop *loop;             /* borrowed; home */
    struct mailbox *mailbox;       /* borrowed; the loop's, but may outlive it */
    struct connection *connection; /* borrowed; NULL: nobody waits for the answer any more */
    struct call *next;             /* in a list of its connection or in the pool */
    struct call *previous;         /* in a connection's list */
    struct timer deadline;
    struct body body;
    struct inflater *inflater; /* owned; while a compressed body arrives */
    size_t header_bytes;
    size_t header_capacity;
    bool away;     /* with its handler, or on its way back; the loop's word */
    bool answered; /* the handler's word while it is away; of a stream: it has its end */
    struct answer answer;
    struct call_rpc rpc;
    struct call_http http;
    size_t retained; /* while pooled: what its arena holds */
    struct exchange_header own_headers[CALL_HEADERS];
};

/* A call from the loop's pool, cleared; start_us is the loop's now. */
struct call *call_take(struct loop *loop, enum exchange_kind kind);

/* Back to the pool. Loop thread. */
void call_recycle(struct call *call);

/* Without a loop: it has ended, or empties its pool. */
void call_free(struct call *call);

/* The compressed body is whole, or of no interest any more. */
void call_end_inflater(struct call *call);

/* Adds a header, copied into the arena; false: too many of them or too large in all. */
bool call_add_header(struct call *call, struct span name, struct span value);

/* Bytes of the answer's body that are still to be put out; and puts the next `len` of them out. */
static inline size_t call_left(const struct call *call)
{
    return call->answer.size - call->answer.sent;
}
/* Bytes left in the piece of the answer that is next; 0: all are out. */
size_t call_piece_left(const struct call *call);
void call_write(struct call *call, struct output *output, size_t len);

static inline struct call *call_of(struct exchange *exchange)
{
    return (struct call *)exchange;
}

#endif
