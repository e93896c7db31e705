/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct h2: the server side of one HTTP/2 connection (RFC 9113, prior knowledge) as a pure
 * library: bytes in, events and bytes out. The only file that knows the HTTP/2 library. Requests
 * are the owner's objects: on_begin makes one for a stream, every later event hands it back,
 * on_close is the last one.
 *
 * Guards against floods, beyond the library's own: CONTINUATION frames per header block, resets
 * that outnumber finished requests ("rapid reset"), outbound acknowledgements, settings.
 */
#ifndef NET_H2_H
#define NET_H2_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "net/output.h"
#include "net/pool.h"

enum {
    H2_WINDOW = 16 << 20,  /* stream and connection: 64 KiB throttles big requests fourfold */
    H2_STREAMS_MAX = 1000, /* requests at a time per connection */
    H2_HEADER_LIST_MAX = 64 << 10, /* announced; the owner enforces it, it sees the headers */
    H2_CONTINUATIONS_MAX = 16, /* per header block; four of 16 KiB hold any list that we allow */
    H2_RESETS_MAX = 500,       /* resets ahead of finished requests, see h2.c */
    H2_HEAD_MAX = 8,           /* fields in an answer's head */
    H2_TRAILERS_MAX = 4,
};

struct h2_field {
    struct span name;
    struct span value;
};

struct h2;

struct h2_events {
    /* A request stream opens. The object for it, or NULL to refuse it. */
    void *(*on_begin)(void *context, int32_t stream);
    /* A field of the request's header block (not of its trailers), pseudo-headers first; not to be
     * kept. */
    void (*on_field)(void *context, void *request, struct span name, struct span value);
    /* The header block is whole. */
    void (*on_head)(void *context, void *request);
    /* Body bytes. Give their window back with h2_consume() when the next ones are wanted. */
    void (*on_data)(void *context, void *request, struct span bytes);
    /* The request is whole. */
    void (*on_end)(void *context, void *request);
    /* The stream is gone: done or reset. No h2_ call for it any more. */
    void (*on_close)(void *context, void *request);
    /* Bytes of the answer's body still to be sent. */
    size_t (*body_left)(void *context, void *request);
    /* Whether there will be more when those are out; h2_resume() then. */
    bool (*body_goes_on)(void *context, void *request);
    /* Puts the next `len` of them out. */
    void (*body_write)(void *context, void *request, struct output *output, size_t len);
    /* The trailers of an answer, asked for when its body is out; how many (at most
     * H2_TRAILERS_MAX). */
    size_t (*trailers)(void *context, void *request, struct h2_field *trailers);
};

struct h2_limits {
    uint32_t streams_max;     /* at a time; 0: H2_STREAMS_MAX */
    uint32_t ping_strikes;    /* PINGs that may come faster than */
    int64_t ping_interval_us; /* this without anything sent between them; 0: any number may */
};

/* The events and the pool are borrowed. */
struct h2 *h2_new(const struct h2_events *events, void *context, const struct h2_limits *limits,
                  struct pool *pool);

/* Requests that are still open get no on_close: the owner knows them. */
void h2_free(struct h2 *h2);

/* Takes all bytes. An error means that the connection is beyond repair; what is left to say
 * (GOAWAY) is ready to be put out all the same. */
enum code h2_feed(struct h2 *h2, struct span bytes, struct error *err);

/* Puts out what is ready, as far as there is room; true: there is more. */
bool h2_produce(struct h2 *h2, struct output *output);

/* Answers with a body and trailers. Names and values must stay until on_close. */
void h2_answer(struct h2 *h2, int32_t stream, const struct h2_field *head, size_t count);

/* Answers with a header block alone, whose fields are copied. */
void h2_answer_head_only(struct h2 *h2, int32_t stream, const struct h2_field *head, size_t count);

/* The answer's body goes on, or has ended, after body_left() was 0 and body_goes_on() true. */
void h2_resume(struct h2 *h2, int32_t stream);

/* No more events for this stream's request. */
void h2_forget(struct h2 *h2, int32_t stream);

/* The owner has done with so many body bytes of the stream (and of the connection); the peer may
 * send as many more. */
void h2_consume(struct h2 *h2, int32_t stream, size_t len);

/* The same for the connection alone: the stream gets no more until h2_consume_stream(). */
void h2_consume_connection(struct h2 *h2, size_t len);
void h2_consume_stream(struct h2 *h2, int32_t stream, size_t len);

/* Draining, step 1: the peer is told to open no more streams, those under way are still taken. Step
 * 2 follows by itself when the peer has seen step 1 (it answers a PING), or by h2_goaway(). */
void h2_shutdown_notice(struct h2 *h2);
void h2_goaway(struct h2 *h2);

/* Asks the peer for a sign of life. */
void h2_ping(struct h2 *h2);

/* Nothing to read or write any more: close the connection. */
bool h2_finished(const struct h2 *h2);

/* Whether a header block has begun and not ended; and whether the peer's preface has come. */
bool h2_in_headers(const struct h2 *h2);
bool h2_has_preface(const struct h2 *h2);

#endif
