/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 and 1.0 requests (RFC 9112), strictly, as a pure library: bytes in, values out. A head
 * (request line and headers) is first found (http1_scan, resumable at any byte), then parsed as a
 * whole; a chunked body is decoded as it arrives. What is ambiguous is refused, because two readers
 * who disagree about where a request ends are how requests are smuggled.
 *
 * Functions return 0 or the HTTP status to refuse with, and then *why says in a few words what was
 * wrong.
 */
#ifndef NET_HTTP1_H
#define NET_HTTP1_H

#include <stdbool.h>
#include <stdint.h>

#include "net/exchange.h"

enum {
    HTTP1_HEAD_MAX = 64 << 10,   /* request line and headers */
    HTTP1_TARGET_MAX = 16 << 10, /* a model's URL is short; proxies stop at 8 KiB */
    HTTP1_HEADERS_MAX = 100,
    HTTP1_CHUNK_LINE_MAX = 1024, /* size and extensions */
    HTTP1_TRAILERS_MAX = 8 << 10,
};

/* How far the search for the end of a head has come. */
struct http1_scan {
    size_t len;      /* bytes of the head so far */
    size_t line_len; /* bytes of its last line */
    bool cr;         /* the last byte was a CR */
    bool any_line;   /* the request line has ended */
};

/* Looks through the next bytes; *used of them belong to the head. *whole: it has ended with them.
 * Refuses lines that do not end with CR LF (400), and what is too long (414, 431). */
int http1_scan(struct http1_scan *scan, struct span bytes, size_t *used, bool *whole,
               const char **why);

struct http1_head {
    struct span method;
    struct span target; /* as sent; of an absolute URI what comes behind the authority */
    int minor;          /* of HTTP/1.x: 0 or 1 */
    bool keep_alive;    /* the connection may go on after this request */
    bool chunked;
    bool expect_continue;
    bool gzip;               /* Content-Encoding has gzip */
    bool accepts_gzip;       /* Accept-Encoding has gzip, not with q=0 */
    uint64_t content_length; /* 0 when there is none */
    size_t header_count;
    struct exchange_header headers[HTTP1_HEADERS_MAX]; /* names in lower case, values trimmed */
};

/* Parses a whole head in place: names are turned to lower case in the bytes, all spans point into
 * them. */
int http1_head_parse(struct http1_head *head, char *bytes, size_t len, const char **why);

enum http1_chunk_state {
    HTTP1_CHUNK_SIZE,
    HTTP1_CHUNK_BLANKS, /* between a size and its extension */
    HTTP1_CHUNK_EXTENSION,
    HTTP1_CHUNK_SIZE_LF,
    HTTP1_CHUNK_DATA,
    HTTP1_CHUNK_DATA_CR,
    HTTP1_CHUNK_DATA_LF,
    HTTP1_CHUNK_TRAILER,
    HTTP1_CHUNK_TRAILER_LF,
    HTTP1_CHUNK_END,
};

/* A chunked body; all zero at its start. */
struct http1_chunks {
    enum http1_chunk_state state;
    uint64_t left;   /* bytes of the chunk that are still to come */
    size_t digits;   /* of its size */
    size_t line_len; /* of the size line or of the trailer line */
    size_t trailers_len;
    bool trailer_named; /* the trailer's name and its colon are there */
};

/* Takes bytes up to the next piece of data: *used bytes, *data points to the piece (may be empty).
 * chunks->state is HTTP1_CHUNK_END when the body has ended. */
int http1_chunks_feed(struct http1_chunks *chunks, struct span bytes, size_t *used,
                      struct span *data, const char **why);

/* "Not Found" and so on; "Unknown" for a status that we never send. */
const char *http1_reason(int status);

#endif
