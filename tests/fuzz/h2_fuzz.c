/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC over HTTP/2: frames behind a good preface, or anything at all when the input begins with
 * 'P'. */
#include "connection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(struct exchange *exchange, void *context)
{
    (void)context;
    if (exchange->body.len && *exchange->body.ptr == 'e')
        exchange_answer_rpc(exchange, CODE_INTERNAL, exchange->body, NULL, 0);
    else
        exchange_answer_rpc(exchange, CODE_OK, (struct span){0}, &exchange->body, 1);
}

static void answer_three_times(struct exchange *exchange, void *context)
{
    if (exchange->seen++ == 3)
        exchange_answer_rpc(exchange, CODE_ABORTED, SPAN_LITERAL("enough"), NULL, 0);
    else
        answer(exchange, context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
    static const struct net_rpc rpcs[] = {
        {"/t.T/Echo", answer, NET_UNARY},
        {"/t.T/Echoes", answer, NET_STREAM},
        {"/t.T/Watch", answer_three_times, NET_WATCH},
    };
    static struct harness h;
    harness_init(&h, &grpc_connection, rpcs, 3, NULL);
    if (!size || data[0] != 'P')
        harness_feed(&h, preface, sizeof preface, sizeof preface);
    harness_feed(&h, data, size, size > 1 && data[size - 1] % 2 ? 1 + size % 11 : size + 1);
    if (size && data[size - 1] % 3 == 0)
        grpc_connection.drain(h.connection);
    harness_produce(&h);
    harness_release(&h);
    return 0;
}
