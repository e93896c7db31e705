/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DecodeRaw, DecodePaddedRaw: bytes as numbers. DecodeCompressed: zlib and gzip streams inflated;
 * what a stream that is cut off gives so far is its value, and gzip streams may follow one another.
 */
#include <zlib.h>

#include "ops/kernel.h"
#include "ops/string/text_builder.h"

/* ---- DecodeRaw ---- */

static enum code raw_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    bool *little = ARENA_NEW(call->arena, bool);
    *little = op_attr_bool(call, "little_endian");
    call->state = little;
    return CODE_OK;
}

/* Bytes of one number: a complex one is two. */
static size_t unit_of(enum dtype dtype)
{
    size_t size = dtype_size(dtype);
    return dtype == DTYPE_COMPLEX64 || dtype == DTYPE_COMPLEX128 ? size / 2 : size;
}

static void copy_swapped(char *to, const char *from, size_t bytes, size_t unit)
{
    for (size_t i = 0; i + unit <= bytes; i += unit) {
        for (size_t k = 0; k < unit; k++)
            to[i + k] = from[i + unit - 1 - k];
    }
}

/* Bools are made sound. */
static void put_bytes(struct tensor *out, size_t at, struct span bytes, bool little)
{
    char *to = (char *)out->data + at;
    size_t unit = unit_of(out->dtype);
    if (!bytes.len)
        return;
    if (little || unit == 1)
        memcpy(to, bytes.ptr, bytes.len);
    else
        copy_swapped(to, bytes.ptr, bytes.len, unit);
    for (size_t i = 0; out->dtype == DTYPE_BOOL && i < bytes.len; i++)
        to[i] = to[i] != 0;
}

static struct shape with_row(const struct shape *in, int64_t row)
{
    struct shape out = *in;
    out.dims[out.rank++] = row;
    return out;
}

static enum code check_rank(const struct op_call *call, struct error *err)
{
    if (call->in[0]->shape.rank < SHAPE_RANK_MAX)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT, "input has too many dimensions");
}

static enum code raw_run(struct op_call *call, struct error *err)
{
    const struct span *in = call->in[0]->data;
    struct tensor *out = call->out[0];
    int64_t n = tensor_elements(call->in[0]);
    size_t length = n ? in[0].len : 0, size = dtype_size(out->dtype);
    enum code code = check_rank(call, err);
    if (code)
        return code;
    for (int64_t i = 1; i < n; i++) {
        if (in[i].len != length)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "DecodeRaw requires input strings to all be the same size, but "
                             "element %lld has size %zu != %zu",
                             (long long)i, length, in[i].len);
    }
    if (length % size)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input to DecodeRaw has length %zu that is not a multiple of %zu, the "
                         "size of %s",
                         length, size, dtype_name(out->dtype));
    struct shape shape = with_row(&call->in[0]->shape, (int64_t)(length / size));
    bool little = *(const bool *)call->state;
    code = op_call_alloc(call, 0, &shape, err);
    for (int64_t i = 0; !code && i < n; i++)
        put_bytes(out, (size_t)i * length, in[i], little);
    return code;
}

/* ---- DecodePaddedRaw ---- */

static enum code padded_run(struct op_call *call, struct error *err)
{
    const struct span *in = call->in[0]->data;
    struct tensor *out = call->out[0];
    size_t size = dtype_size(out->dtype);
    char text[SHAPE_TEXT_SIZE];
    enum code code = check_rank(call, err);
    if (code)
        return code;
    if (call->in[1]->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "k must be scalar, got shape %s",
                         shape_text(&call->in[1]->shape, text));
    int32_t length = *TENSOR_AT(call->in[1], int32_t);
    if (length <= 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "fixed_length (%d) must be greater than zero.",
                         length);
    if ((size_t)length % size)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "fixed_length (%d) must be a multiple of the size of out_type (%zu)",
                         length, size);
    struct shape shape = with_row(&call->in[0]->shape, length / (int64_t)size);
    bool little = *(const bool *)call->state;
    code = op_call_alloc(call, 0, &shape, err);
    if (code)
        return code;
    memset(out->data, 0, tensor_bytes(out));
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++) {
        struct span part = span_sub(in[i], 0, (size_t)length);
        size_t whole = part.len / unit_of(out->dtype) * unit_of(out->dtype);
        char last[16] = {0};
        put_bytes(out, (size_t)i * (size_t)length, span_sub(part, 0, whole), little);
        if (part.len == whole)
            continue;
        memcpy(last, part.ptr + whole, part.len - whole);
        put_bytes(out, (size_t)i * (size_t)length + whole, span_make(last, unit_of(out->dtype)),
                  little);
    }
    return code;
}

/* ---- DecodeCompressed ---- */

struct inflation {
    int window_bits; /* zlib's; 0: nothing is compressed */
};

static enum code compressed_prepare(struct op_call *call, struct error *err)
{
    struct inflation *state = ARENA_NEW(call->arena, struct inflation);
    struct span type = op_attr_string(call, "compression_type");
    call->state = state;
    if (span_is(type, "ZLIB"))
        state->window_bits = MAX_WBITS;
    else if (span_is(type, "GZIP"))
        state->window_bits = MAX_WBITS + 16;
    else if (span_is(type, "ZSTD"))
        return error_set(err, CODE_UNIMPLEMENTED,
                         "op DecodeCompressed with compression_type 'ZSTD' is not supported");
    else if (type.len)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Only ZLIB, ZSTD, GZIP or NONE are supported compressions");
    return CODE_OK;
}

/* One round of inflate(); Z_OK: go on. */
static int inflate_some(z_stream *z, bool more, struct text_builder *out)
{
    char piece[16384];
    z->next_out = (Bytef *)piece;
    z->avail_out = sizeof piece;
    int status = inflate(z, Z_NO_FLUSH);
    text_builder_add(out, span_make(piece, sizeof piece - z->avail_out));
    if (status == Z_STREAM_END && z->avail_in && more)
        status = inflateReset(z);
    if (status == Z_BUF_ERROR || (status == Z_OK && !z->avail_in && z->avail_out))
        return Z_STREAM_END;
    return out->failed ? Z_MEM_ERROR : status;
}

static enum code inflate_all(struct op_call *call, int bits, struct span in, struct span *result,
                             struct error *err)
{
    struct text_builder out = text_builder_in(call->arena);
    z_stream z = {0};
    if (in.len > UINT32_MAX || inflateInit2(&z, bits) != Z_OK)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for inflating");
    z.next_in = (Bytef *)(uintptr_t)in.ptr;
    z.avail_in = (uInt)in.len;
    int status = in.len ? Z_OK : Z_STREAM_END;
    while (status == Z_OK)
        status = inflate_some(&z, bits > MAX_WBITS, &out);
    enum code code = text_builder_take(&out, result, err);
    if (!code && status != Z_STREAM_END)
        code = error_set(err, CODE_DATA_LOSS, "inflate() failed with error %d%s%s", status,
                         z.msg ? ": " : "", z.msg ? z.msg : "");
    inflateEnd(&z);
    return code;
}

static enum code compressed_run(struct op_call *call, struct error *err)
{
    const struct inflation *state = call->state;
    const struct span *in = call->in[0]->data;
    struct span *out = call->out[0]->data;
    enum code code = CODE_OK;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); !code && i < n; i++) {
        out[i] = in[i];
        if (state->window_bits)
            code = inflate_all(call, state->window_bits, in[i], &out[i], err);
    }
    return code;
}

#define RAW_TYPES                                                                                  \
    (OP_TYPES_FLOAT | OP_TYPE(DTYPE_INT8) | OP_TYPE(DTYPE_INT16) | OP_TYPE(DTYPE_INT32) |          \
     OP_TYPE(DTYPE_INT64) | OP_TYPE(DTYPE_UINT8) | OP_TYPE(DTYPE_UINT16))

const struct op op_DecodeRaw = {
    .name = "DecodeRaw",
    .inputs = "bytes:string",
    .outputs = "output:out_type",
    .attrs = "out_type:type little_endian:bool=true",
    .flags = OP_DYNAMIC,
    .types = RAW_TYPES | OP_TYPES_COMPLEX | OP_TYPE(DTYPE_BOOL),
    .types_attr = "out_type",
    .prepare = raw_prepare,
    .run = raw_run,
};

const struct op op_DecodePaddedRaw = {
    .name = "DecodePaddedRaw",
    .inputs = "input_bytes:string fixed_length:int32",
    .outputs = "output:out_type",
    .attrs = "out_type:type little_endian:bool=true",
    .flags = OP_DYNAMIC,
    .types = RAW_TYPES,
    .types_attr = "out_type",
    .prepare = raw_prepare,
    .run = padded_run,
};

const struct op op_DecodeCompressed = {
    .name = "DecodeCompressed",
    .inputs = "bytes:string",
    .outputs = "output:string",
    .attrs = "compression_type:string=''",
    .prepare = compressed_prepare,
    .run = compressed_run,
};
