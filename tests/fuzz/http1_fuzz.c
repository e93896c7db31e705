/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1: any bytes, and the answers do not depend on how the bytes were split. */
#include "connection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(struct exchange *exchange, void *context)
{
    (void)context;
    struct exchange_header headers[] = {{exchange->method, exchange->path}};
    struct span pieces[2 + CALL_HEADERS_MAX * 2];
    size_t count = 0;
    for (size_t i = 0; i < exchange->header_count; i++) {
        pieces[count++] = exchange->headers[i].name;
        pieces[count++] = exchange->headers[i].value;
    }
    pieces[count++] = exchange->body;
    exchange_answer_http(exchange, 200, headers, 1, pieces, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct harness whole, split;
    harness_init(&whole, &http1_connection, NULL, 0, answer);
    harness_feed(&whole, data, size, size ? size : 1);
    harness_init(&split, &http1_connection, NULL, 0, answer);
    harness_feed(&split, data, size, 1 + size % 7);
    /* "100 Continue" goes out only when the body is late. */
    if (!memmem(data, size, "100-", 4) && !memmem(data, size, "xpect", 5))
        CHECK(span_equal(body_span(&whole.out), body_span(&split.out)));
    harness_release(&split);
    harness_release(&whole);
    return 0;
}
