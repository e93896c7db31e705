/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_details.h"

#include "net/grpc.h"
#include "wire/base64.h"
#include "wire/messages.h"
#include "wire/pb.h"
#include "wire/utf8.h"

#define RETRY_INFO "type.googleapis.com/google.rpc.RetryInfo"

static struct span retry_info(struct arena *arena, int64_t retry_ms)
{
    struct pb_duration delay = {
        .seconds = retry_ms / 1000,
        .nanos = (int32_t)(retry_ms % 1000) * 1000000,
    };
    struct pb_retry_info info = {.retry_delay = &delay};
    return pb_encode(&pb_retry_info_type, &info, arena);
}

struct span grpc_details_encode(struct arena *arena, const struct grpc_error *error)
{
    struct span text = error->message;
    if (text.len <= GRPC_STATUS_MESSAGE_MAX && !error->retry_ms)
        return (struct span){0};
    struct pb_any retry = {.type_url = SPAN_LITERAL(RETRY_INFO)};
    struct pb_status status = {.code = (int32_t)error->code};
    status.message = utf8_prefix(text, GRPC_DETAILS_TEXT_MAX);
    if (error->retry_ms) {
        retry.value = retry_info(arena, error->retry_ms);
        status.details.items = &retry;
        status.details.count = 1;
    }
    struct span bytes = pb_encode(&pb_status_type, &status, arena);
    char *encoded = arena_alloc(arena, BASE64_SIZE(bytes.len));
    return span_make(encoded, (size_t)(base64_encode(bytes, encoded) - encoded));
}
