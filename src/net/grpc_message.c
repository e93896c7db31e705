/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_message.h"

static enum code start_inflating(struct call *call, size_t max, struct error *err)
{
    if (call->rpc.encoding == ENCODING_IDENTITY)
        return error_set(err, CODE_INTERNAL,
                         "A compressed message needs a grpc-encoding of deflate or gzip");
    return inflater_new(&call->inflater, call->rpc.encoding, max, err);
}

enum code grpc_message_keep(struct call *call, struct span payload, size_t max, struct error *err)
{
    const struct grpc_reader *reader = &call->rpc.reader;
    struct arena *arena = &call->exchange.arena;
    if (!reader->compressed) {
        if (body_append(&call->body, arena, payload, reader->size))
            return CODE_OK;
        return error_set(err, CODE_RESOURCE_EXHAUSTED,
                         "Out of memory for a request message of %zu bytes", reader->size);
    }
    enum code code = call->inflater ? CODE_OK : start_inflating(call, max, err);
    return code ? code : inflater_feed(call->inflater, &call->body, arena, payload, err);
}

static enum code end_inflating(struct call *call, struct error *err)
{
    enum encoding encoding = call->rpc.encoding;
    if (!call->inflater)
        return error_set(err, CODE_INTERNAL, "A compressed message can not be empty");
    enum code code = inflater_end(call->inflater, err);
    call_end_inflater(call);
    if (call->rpc.accepts[encoding])
        call->rpc.answer_encoding = encoding;
    return code;
}

enum code grpc_message_end(struct call *call, struct error *err)
{
    enum code code = grpc_reader_end(&call->rpc.reader, err);
    if (!code && call->rpc.reader.compressed)
        code = end_inflating(call, err);
    if (!code)
        call->exchange.body = body_span(&call->body);
    return code;
}
