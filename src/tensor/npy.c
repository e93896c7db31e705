/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/npy.h"

#include <stdio.h>

static const struct {
    const char *descr;
    enum dtype dtype;
} descrs[] = {
    {"<f4", DTYPE_FLOAT},     {"<f8", DTYPE_DOUBLE},      {"<f2", DTYPE_HALF},
    {"|i1", DTYPE_INT8},      {"<i2", DTYPE_INT16},       {"<i4", DTYPE_INT32},
    {"<i8", DTYPE_INT64},     {"|u1", DTYPE_UINT8},       {"<u2", DTYPE_UINT16},
    {"<u4", DTYPE_UINT32},    {"<u8", DTYPE_UINT64},      {"|b1", DTYPE_BOOL},
    {"<c8", DTYPE_COMPLEX64}, {"<c16", DTYPE_COMPLEX128},
};

enum {
    DESCR_COUNT = sizeof descrs / sizeof *descrs,
    PREAMBLE_V1 = 10, /* magic, version, two bytes of header length */
    PREAMBLE_V2 = 12, /* four bytes of it */
    HEADER_ALIGN = 64,
};

/* What stands behind 'key': in the header; empty if it is not there. */
static struct span value_of(struct span header, const char *key)
{
    size_t n = strlen(key);
    for (size_t i = 0; i + n <= header.len; i++) {
        if (memcmp(header.ptr + i, key, n) != 0)
            continue;
        struct span rest = span_sub(header, i + n, header.len);
        while (rest.len && (*rest.ptr == ' ' || *rest.ptr == ':'))
            rest = span_sub(rest, 1, rest.len);
        return rest;
    }
    return (struct span){0};
}

static enum code read_descr(struct span header, enum dtype *dtype, struct error *err)
{
    struct span text = value_of(header, "'descr'");
    struct span name = {0};
    if (text.len && *text.ptr == '\'') {
        text = span_sub(text, 1, text.len);
        name = span_sub(text, 0, span_find(text, '\''));
    }
    for (int i = 0; i < DESCR_COUNT; i++) {
        if (span_is(name, descrs[i].descr)) {
            *dtype = descrs[i].dtype;
            return CODE_OK;
        }
    }
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "dtype '%.*s' is none that can be sent (little-endian numbers and bool can)",
                     SPAN_ARG(name));
}

static enum code read_shape(struct span header, struct shape *shape, struct error *err)
{
    struct span text = value_of(header, "'shape'");
    *shape = (struct shape){0};
    size_t end = span_find(text, ')');
    if (!text.len || *text.ptr != '(' || end == text.len)
        return error_set(err, CODE_INVALID_ARGUMENT, "the header has no shape");
    text = span_sub(text, 1, end - 1);
    while (text.len) {
        struct span item = span_sub(text, 0, span_find(text, ','));
        text = span_sub(text, item.len + 1, text.len);
        while (item.len && *item.ptr == ' ')
            item = span_sub(item, 1, item.len);
        int64_t size;
        if (!item.len)
            continue;
        if (shape->rank == SHAPE_RANK_MAX || !span_to_int64(item, &size) || size < 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "the header's shape can not be read");
        shape->dims[shape->rank++] = size;
    }
    return CODE_OK;
}

/* Cuts the header's text off. */
static enum code read_preamble(struct span *bytes, struct span *header, struct error *err)
{
    const unsigned char *p = (const unsigned char *)bytes->ptr;
    if (bytes->len < PREAMBLE_V2 || memcmp(p, NPY_MAGIC, strlen(NPY_MAGIC)) != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "it is no .npy file");
    bool v1 = p[6] == 1;
    size_t at = v1 ? PREAMBLE_V1 : PREAMBLE_V2;
    size_t length = (size_t)p[8] | (size_t)p[9] << 8;
    if (!v1)
        length |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
    if (p[6] < 1 || p[6] > 3 || length > bytes->len - at)
        return error_set(err, CODE_INVALID_ARGUMENT, "the .npy header is cut off or unknown");
    *header = span_sub(*bytes, at, length);
    *bytes = span_sub(*bytes, at + length, bytes->len);
    return CODE_OK;
}

static void make_sound(uint8_t *bools, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bools[i] = bools[i] != 0;
}

enum code npy_read(struct span bytes, struct arena *arena, struct tensor *tensor, struct error *err)
{
    struct span header;
    enum dtype dtype = DTYPE_INVALID;
    struct shape shape;
    int64_t elements;
    enum code code = read_preamble(&bytes, &header, err);
    if (!code)
        code = read_descr(header, &dtype, err);
    if (!code)
        code = read_shape(header, &shape, err);
    if (code)
        return code;
    if (span_starts_with(value_of(header, "'fortran_order'"), SPAN_LITERAL("True")))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "it is in Fortran order; save numpy.ascontiguousarray() of it");
    if (!shape_elements_checked(&shape, &elements) ||
        (uint64_t)elements > bytes.len / dtype_size(dtype) ||
        (size_t)elements * dtype_size(dtype) != bytes.len)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "the file has %zu bytes of data, its header says otherwise", bytes.len);
    code = tensor_alloc(tensor, dtype, &shape, arena, err);
    if (!code && bytes.len)
        memcpy(tensor->data, bytes.ptr, bytes.len);
    if (!code && dtype == DTYPE_BOOL)
        make_sound(tensor->data, bytes.len);
    return code;
}

static const char *descr_of(enum dtype dtype)
{
    for (int i = 0; i < DESCR_COUNT; i++) {
        if (descrs[i].dtype == dtype)
            return descrs[i].descr;
    }
    return NULL;
}

enum code npy_write(const struct tensor *tensor, struct arena *arena, struct span *bytes,
                    struct error *err)
{
    const char *descr = descr_of(tensor->dtype);
    if (!descr)
        return error_set(err, CODE_UNIMPLEMENTED, "a tensor of %s can not be written as .npy",
                         dtype_name(tensor->dtype));
    char shape[SHAPE_TEXT_SIZE] = "";
    size_t used = 0;
    for (int i = 0; i < tensor->shape.rank; i++)
        used += (size_t)snprintf(shape + used, sizeof shape - used, "%lld,",
                                 (long long)tensor->shape.dims[i]);
    char header[SHAPE_TEXT_SIZE + 128];
    size_t length =
        (size_t)snprintf(header, sizeof header,
                         "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, shape);
    /* Blanks and a newline up to a multiple of 64 bytes. */
    size_t whole = (PREAMBLE_V1 + length + 1 + HEADER_ALIGN - 1) / HEADER_ALIGN * HEADER_ALIGN;
    size_t data = tensor_bytes(tensor);
    char *to = arena_try_alloc(arena, whole + data, TENSOR_ALIGN);
    if (!to)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "no memory for %zu bytes", whole + data);
    memset(to, ' ', whole);
    memcpy(to, NPY_MAGIC "\x01\x00", 8);
    to[8] = (char)((whole - PREAMBLE_V1) & 0xff);
    to[9] = (char)((whole - PREAMBLE_V1) >> 8);
    memcpy(to + PREAMBLE_V1, header, length);
    to[whole - 1] = '\n';
    memcpy(to + whole, tensor->data, data);
    *bytes = span_make(to, whole + data);
    return CODE_OK;
}
