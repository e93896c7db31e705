/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/http1.h"

#define HOST "Host: h\r\n"

/* A head in one line: what is sent, the status it is refused with (0: taken), a part of the reason.
 */
static const struct {
    const char *bytes;
    int status;
    const char *why;
} heads[] = {
    {"GET / HTTP/1.1\r\n" HOST "\r\n", 0, ""},
    {"\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 0, ""},
    {"GET / HTTP/1.0\r\n\r\n", 0, ""},
    {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0, ""},
    {"POST http://a:80/x?y HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", 0, ""},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\ncontent-length: 5\r\n\r\n", 0, ""},
    {"GET / HTTP/1.1\r\n" HOST "A:\t x\tx \r\nB:\r\n\r\n", 0, ""},
    {"GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", 0, ""},

    {"GET / HTTP/1.1\n" HOST "\r\n", 400, "CR LF"},
    {"GET / HTTP/1.1\r\nHost: h\n\r\n", 400, "CR LF"},
    {"GET / HTTP/1.1\r\n" HOST "\n", 400, "CR LF"},
    {"\nGET / HTTP/1.1\r\n" HOST "\r\n", 400, "CR LF"},
    {"GET / HTTP/1.1\r\n\r\n", 400, "Host"},
    {"GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400, "Host"},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "Host"},
    {"GET  / HTTP/1.1\r\n" HOST "\r\n", 400, "HTTP version"},
    {"GET / HTTP/1.1 \r\n" HOST "\r\n", 400, "HTTP version"},
    {"GET /\r\n" HOST "\r\n", 400, "request line"},
    {"GET / http/1.1\r\n" HOST "\r\n", 400, "HTTP version"},
    {"GET / HTTP/1.10\r\n" HOST "\r\n", 400, "HTTP version"},
    {"GET / HTTP/2.0\r\n" HOST "\r\n", 505, "HTTP/1.0 and HTTP/1.1"},
    {"GET / HTTP/0.9\r\n" HOST "\r\n", 505, "HTTP/1.0 and HTTP/1.1"},
    {"GET / HTTP/1.2\r\n\r\n", 400, "Host"},
    {"PRI * HTTP/2.0\r\n\r\n", 505, ""},
    {"GET x HTTP/1.1\r\n" HOST "\r\n", 400, "target"},
    {"GET * HTTP/1.1\r\n" HOST "\r\n", 400, "target"},
    {"GET /\x01 HTTP/1.1\r\n" HOST "\r\n", 400, "target"},
    {"G(T / HTTP/1.1\r\n" HOST "\r\n", 400, "request line"},
    {" GET / HTTP/1.1\r\n" HOST "\r\n", 400, "request line"},
    {"BREW / HTTP/1.1\r\n" HOST "\r\n", 501, "not implemented"},
    {"TRACE / HTTP/1.1\r\n" HOST "\r\n", 501, "not implemented"},
    {"CONNECT h:80 HTTP/1.1\r\n" HOST "\r\n", 405, "not allowed"},
    {"GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400, "folded"},
    {"GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", 400, "name, colon, value"},
    {"GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n", 400, "name, colon, value"},
    {"GET / HTTP/1.1\r\n" HOST "A\r\n\r\n", 400, "name, colon, value"},
    {"GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n", 400, "control byte"},
    {"GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n", 400, "control byte"},
    {"GET / HTTP/1.1\r\n" HOST "A: b\x7f\r\n\r\n", 400, "control byte"},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400, "differ"},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n", 400, "not a number"},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: -5\r\n\r\n", 400, "not a number"},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n", 400, "not a number"},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\n", 400, "not a number"},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 400, "not a number"},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n", 400, "not a number"},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
     "exclude each other"},
    {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 501, "chunked"},
    {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "chunked"},
    {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", 400,
     "More than one"},
    {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "HTTP/1.0"},
    {"GET / HTTP/1.1\r\n" HOST "Expect: magic\r\n\r\n", 417, "expectation"},
};

/* Scans in two parts, then parses; the status and why. */
static int read_head(struct http1_head *head, char *bytes, size_t len, size_t split,
                     const char **why)
{
    struct http1_scan scan = {0};
    struct span parts[] = {span_make(bytes, split), span_make(bytes + split, len - split)};
    bool whole = false;
    *why = "";
    for (int i = 0; i < 2; i++) {
        size_t used;
        int status = http1_scan(&scan, parts[i], &used, &whole, why);
        if (status)
            return status;
        if (whole)
            assert_int_equal(used, parts[i].len);
    }
    assert_true(whole);
    return http1_head_parse(head, bytes, len, why);
}

static void heads_in_any_split(void **state)
{
    (void)state;
    static struct http1_head head;
    for (size_t r = 0; r < sizeof heads / sizeof *heads; r++) {
        size_t len = strlen(heads[r].bytes);
        for (size_t split = 0; split < len; split++) {
            /* Exactly as large as it is, so that the address sanitizer sees a read behind it. */
            char *bytes = malloc(len);
            memcpy(bytes, heads[r].bytes, len);
            const char *why;
            int status = read_head(&head, bytes, len, split, &why);
            if (status != heads[r].status || !strstr(why, heads[r].why))
                fail_msg("row %zu split %zu: %d %s", r, split, status, why);
            free(bytes);
        }
    }
}

static void a_head_says_what_it_says(void **state)
{
    (void)state;
    char bytes[] = "POST https://h/v1/m:predict?q HTTP/1.1\r\nHost: h\r\nX-UPPER:  Some Value \r\n"
                   "Connection: foo, Close\r\nContent-Length: 00012\r\nExpect: 100-Continue\r\n"
                   "Content-Encoding: x-gzip\r\nAccept-Encoding: br, gzip;q=0.5\r\n\r\n";
    static struct http1_head head;
    const char *why;
    assert_int_equal(read_head(&head, bytes, sizeof bytes - 1, 0, &why), 0);
    assert_true(span_is(head.method, "POST"));
    assert_true(span_is(head.target, "/v1/m:predict?q"));
    assert_int_equal(head.minor, 1);
    assert_int_equal(head.content_length, 12);
    assert_false(head.keep_alive);
    assert_false(head.chunked);
    assert_true(head.expect_continue && head.gzip && head.accepts_gzip);
    assert_int_equal(head.header_count, 7);
    assert_true(span_is(head.headers[1].name, "x-upper"));
    assert_true(span_is(head.headers[1].value, "Some Value"));
}

static void small_questions(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        bool keep_alive, accepts_gzip;
    } rows[] = {
        {" HTTP/1.1\r\n" HOST "\r\n", true, false},
        {" HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", false, false},
        {" HTTP/1.0\r\n\r\n", false, false},
        {" HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true, false},
        {" HTTP/1.1\r\n" HOST "Accept-Encoding: gzip;q=0\r\n\r\n", true, false},
        {" HTTP/1.1\r\n" HOST "Accept-Encoding: gzip; q=0.000\r\n\r\n", true, false},
        {" HTTP/1.1\r\n" HOST "Accept-Encoding: gzip ;q=0.01\r\n\r\n", true, true},
        {" HTTP/1.1\r\n" HOST "Accept-Encoding: deflate, GZIP\r\n\r\n", true, true},
        {" HTTP/1.1\r\n" HOST "Accept-Encoding: gzipper\r\n\r\n", true, false},
    };
    static struct http1_head head;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char bytes[256];
        int len = snprintf(bytes, sizeof bytes, "GET /%s", rows[i].lines);
        const char *why;
        assert_int_equal(read_head(&head, bytes, (size_t)len, 1, &why), 0);
        assert_int_equal(head.keep_alive, rows[i].keep_alive);
        assert_int_equal(head.accepts_gzip, rows[i].accepts_gzip);
    }
}

static int scan_all(struct span bytes)
{
    struct http1_scan scan = {0};
    size_t used;
    bool whole;
    const char *why;
    return http1_scan(&scan, bytes, &used, &whole, &why);
}

static void limits(void **state)
{
    (void)state;
    size_t size = HTTP1_HEAD_MAX + 100;
    char *bytes = malloc(size);
    memset(bytes, 'a', size);
    /* A request line without end, headers without end. */
    assert_int_equal(scan_all(span_make(bytes, HTTP1_TARGET_MAX)), 0);
    assert_int_equal(scan_all(span_make(bytes, HTTP1_TARGET_MAX + 100)), 414);
    memcpy(bytes, "GET / HTTP/1.1\r\n", 16);
    assert_int_equal(scan_all(span_make(bytes, HTTP1_HEAD_MAX)), 0);
    assert_int_equal(scan_all(span_make(bytes, size)), 431);
    /* Empty lines without end. */
    for (size_t i = 0; i < size; i++)
        bytes[i] = i % 2 ? '\n' : '\r';
    assert_int_equal(scan_all(span_make(bytes, size)), 431);
    /* A hundred headers, and one more. */
    static struct http1_head head;
    for (int count = 100; count <= 101; count++) {
        size_t len = (size_t)snprintf(bytes, size, "GET / HTTP/1.0\r\n");
        for (int i = 0; i < count; i++)
            len += (size_t)snprintf(bytes + len, size - len, "A: b\r\n");
        len += (size_t)snprintf(bytes + len, size - len, "\r\n");
        const char *why;
        assert_int_equal(read_head(&head, bytes, len, 0, &why), count == 100 ? 0 : 431);
    }
    free(bytes);
}

static const struct {
    const char *bytes;
    int status;
    const char *body; /* NULL: not whole */
} chunked[] = {
    {"0\r\n\r\n", 0, ""},
    {"3\r\nabc\r\n0\r\n\r\n", 0, "abc"},
    {"3;x=y\r\nabc\r\n00A\r\n0123456789\r\n0;z\r\nTrailer: t\r\nOther: u\r\n\r\n", 0,
     "abc0123456789"},
    {"3 \t;x = \"y\"\r\nabc\r\n0 ;z\r\n\r\n", 0, "abc"},
    {"3\r\nab", 0, NULL},
    {"3\nabc\r\n0\r\n\r\n", 400, NULL},
    {"3\r\nabcd\r\n0\r\n\r\n", 400, NULL},
    {"3\r\nabc\n0\r\n\r\n", 400, NULL},
    {"3\r\nabc\rX0\r\n\r\n", 400, NULL},
    {"3\rX", 400, NULL},
    {" 3\r\nabc\r\n0\r\n\r\n", 400, NULL},
    {"3 \r\nabc\r\n0\r\n\r\n", 400, NULL},
    {"3 4;x\r\nabc\r\n0\r\n\r\n", 400, NULL},
    {"-3\r\nabc\r\n0\r\n\r\n", 400, NULL},
    {"0x3\r\nabc\r\n0\r\n\r\n", 400, NULL},
    {"\r\nabc\r\n0\r\n\r\n", 400, NULL},
    {"g\r\n", 400, NULL},
    {"1234567890123456\r\n", 400, NULL},
    {"0000000000000000\r\n", 400, NULL},
    {"3;\x01\r\nabc\r\n", 400, NULL},
    {"0\r\nA: b\n\r\n", 400, NULL},
    {"0\r\nA: \x01\r\n\r\n", 400, NULL},
    {"0\r\n\rX", 400, NULL},
    {"0\r\nno field\r\n\r\n", 400, NULL},
    {"0\r\nA\r\n\r\n", 400, NULL},
    {"0\r\nA : b\r\n\r\n", 400, NULL},
    {"0\r\n: b\r\n\r\n", 400, NULL},
    {"0\r\nA:\r\nB: c:d\r\n\r\n", 0, ""},
};

static int decode(struct span part, struct http1_chunks *chunks, char *body, size_t *len)
{
    while (part.len && chunks->state != HTTP1_CHUNK_END) {
        size_t used;
        struct span data;
        const char *why;
        int status = http1_chunks_feed(chunks, part, &used, &data, &why);
        if (status)
            return status;
        if (data.len)
            memcpy(body + *len, data.ptr, data.len);
        *len += data.len;
        part = span_sub(part, used, part.len);
    }
    return 0;
}

static void chunks_in_any_split(void **state)
{
    (void)state;
    for (size_t r = 0; r < sizeof chunked / sizeof *chunked; r++) {
        struct span all = span_of(chunked[r].bytes);
        for (size_t split = 0; split <= all.len; split++) {
            struct http1_chunks chunks = {0};
            char body[64];
            size_t len = 0;
            int status = decode(span_sub(all, 0, split), &chunks, body, &len);
            if (!status)
                status = decode(span_sub(all, split, all.len), &chunks, body, &len);
            if (status != chunked[r].status)
                fail_msg("row %zu split %zu: %d", r, split, status);
            assert_int_equal(chunks.state == HTTP1_CHUNK_END, chunked[r].body != NULL);
            if (chunked[r].body)
                assert_true(span_is(span_make(body, len), chunked[r].body));
        }
    }
}

static void chunk_lines_are_limited(void **state)
{
    (void)state;
    static char bytes[3 * HTTP1_TRAILERS_MAX];
    struct http1_chunks chunks = {0};
    size_t len = 0;
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, "1;", 2);
    assert_int_equal(decode(span_make(bytes, sizeof bytes), &chunks, NULL, &len), 400);
    chunks = (struct http1_chunks){0};
    for (size_t i = 0; i + 6 <= sizeof bytes; i += 6)
        memcpy(bytes + i, "A: b\r\n", 6);
    memcpy(bytes, "0;xx\r\n", 6);
    assert_int_equal(decode(span_make(bytes, sizeof bytes), &chunks, NULL, &len), 431);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_in_any_split),  cmocka_unit_test(a_head_says_what_it_says),
        cmocka_unit_test(small_questions),     cmocka_unit_test(limits),
        cmocka_unit_test(chunks_in_any_split), cmocka_unit_test(chunk_lines_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
