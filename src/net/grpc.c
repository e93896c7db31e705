/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request of a unary method is exactly one message; the texts for those that are not are grpc++'s
 * where it has one ("No payload", "Received message larger than max").
 */
#include "net/grpc.h"

static enum code take_prefix(struct grpc_reader *reader, struct span *bytes, size_t max,
                             struct error *err)
{
    while (reader->prefix_len < GRPC_PREFIX && bytes->len) {
        reader->prefix[reader->prefix_len++] = (unsigned char)*bytes->ptr++;
        bytes->len--;
    }
    if (reader->prefix_len < GRPC_PREFIX)
        return CODE_OK;
    const unsigned char *p = reader->prefix;
    if (p[0] > 1)
        return error_set(err, CODE_INTERNAL,
                         "Bad gRPC message frame: its compressed flag is %u, must be 0 or 1", p[0]);
    reader->compressed = p[0];
    reader->size = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
    if (reader->size > max)
        return error_set(err, CODE_RESOURCE_EXHAUSTED,
                         "Received message larger than max (%zu vs. %zu)", reader->size, max);
    reader->whole = reader->size == 0;
    return CODE_OK;
}

enum code grpc_reader_take(struct grpc_reader *reader, struct span *bytes, size_t max,
                           struct span *payload, struct error *err)
{
    *payload = (struct span){0};
    if (reader->prefix_len < GRPC_PREFIX) {
        enum code code = take_prefix(reader, bytes, max, err);
        if (code)
            return code;
    }
    if (!bytes->len)
        return CODE_OK;
    *payload = span_sub(*bytes, 0, reader->size - reader->got);
    *bytes = span_sub(*bytes, payload->len, bytes->len);
    reader->got += payload->len;
    reader->whole = reader->got == reader->size;
    return CODE_OK;
}

enum code grpc_reader_feed(struct grpc_reader *reader, struct span bytes, size_t max,
                           struct span *payload, struct error *err)
{
    enum code code = grpc_reader_take(reader, &bytes, max, payload, err);
    if (code || !bytes.len)
        return code;
    *payload = (struct span){0};
    return error_set(err, CODE_INTERNAL, "Too many request messages: the method is unary");
}

enum code grpc_reader_end(const struct grpc_reader *reader, struct error *err)
{
    if (reader->whole)
        return CODE_OK;
    if (!reader->prefix_len)
        return error_set(err, CODE_INTERNAL, "No payload");
    return error_set(err, CODE_INTERNAL, "The request ended inside its message");
}

void grpc_prefix_write(unsigned char prefix[GRPC_PREFIX], bool compressed, uint32_t size)
{
    prefix[0] = compressed;
    prefix[1] = (unsigned char)(size >> 24);
    prefix[2] = (unsigned char)(size >> 16);
    prefix[3] = (unsigned char)(size >> 8);
    prefix[4] = (unsigned char)size;
}

static int64_t unit_ns(char unit)
{
    static const struct {
        char unit;
        int64_t ns;
    } units[] = {
        {'H', 3600000000000}, {'M', 60000000000}, {'S', 1000000000},
        {'m', 1000000},       {'u', 1000},        {'n', 1},
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].unit == unit)
            return units[i].ns;
    return 0;
}

int64_t grpc_timeout_us(struct span text)
{
    if (text.len < 2 || text.len > 9)
        return 0;
    int64_t value = 0;
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return 0;
        value = value * 10 + (text.ptr[i] - '0');
    }
    int64_t ns = unit_ns(text.ptr[text.len - 1]);
    if (ns && !value)
        return 1;
    /* 99,999,999 hours do not fit into nanoseconds, but into microseconds. */
    return ns >= 1000 ? value * (ns / 1000) : (value * ns + 999) / 1000;
}

static const char *const encoding_names[] = {
    [ENCODING_IDENTITY] = "identity",
    [ENCODING_GZIP] = "gzip",
    [ENCODING_DEFLATE] = "deflate",
};

const char *grpc_encoding_name(enum encoding encoding)
{
    return encoding_names[encoding];
}

bool grpc_encoding_parse(struct span name, enum encoding *encoding)
{
    for (size_t i = 0; i < sizeof encoding_names / sizeof *encoding_names; i++) {
        if (span_is(name, encoding_names[i])) {
            *encoding = (enum encoding)i;
            return true;
        }
    }
    return false;
}

bool grpc_accepts(struct span list, enum encoding encoding)
{
    while (list.len)
        if (span_is(span_trim(span_cut(&list, ',')), encoding_names[encoding]))
            return true;
    return false;
}

static bool travels_as_is(unsigned char byte)
{
    return byte >= 0x20 && byte <= 0x7e && byte != '%';
}

struct span grpc_message_encode(struct arena *arena, struct span message)
{
    static const struct span cut_mark = {"...TRUNCATED", 12};
    static const char hex[] = "0123456789ABCDEF";
    bool cut = message.len > GRPC_STATUS_MESSAGE_MAX;
    size_t len = cut ? GRPC_STATUS_MESSAGE_MAX : message.len;
    char *out = arena_alloc(arena, len * 3 + cut_mark.len), *next = out;
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)message.ptr[i];
        if (travels_as_is(byte)) {
            *next++ = (char)byte;
            continue;
        }
        *next++ = '%';
        *next++ = hex[byte >> 4];
        *next++ = hex[byte & 15];
    }
    if (cut) {
        memcpy(next, cut_mark.ptr, cut_mark.len);
        next += cut_mark.len;
    }
    return span_make(out, (size_t)(next - out));
}

bool grpc_content_type(struct span value)
{
    static const struct span base = {"application/grpc", 16};
    if (!span_starts_with(value, base))
        return false;
    return value.len == base.len || value.ptr[base.len] == '+' || value.ptr[base.len] == ';';
}
