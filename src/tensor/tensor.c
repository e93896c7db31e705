/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tensor is a view; what it views is an arena's memory or a counted buffer. A buffer of our own
 * is one block: the struct in the first TENSOR_ALIGN bytes, the elements behind it, so that one
 * free() ends both. A copied string tensor is one block too: first the spans, then the bytes that
 * they point to.
 *
 * Resources and variants are pointers that belong to the engine: a copy copies the pointer, and
 * whoever copies sees to the counting.
 */
#include "tensor/tensor.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "tensor/variant.h"

_Static_assert(sizeof(struct buffer) <= TENSOR_ALIGN, "the elements start at TENSOR_ALIGN");

static size_t size_with_header(size_t size)
{
    return size + TENSOR_ALIGN;
}

static void release_own(struct buffer *buffer)
{
    memory_give(buffer, size_with_header(buffer->size));
}

struct buffer *buffer_new(size_t size)
{
    if (size > SIZE_MAX - TENSOR_ALIGN)
        return NULL;
    struct buffer *buffer = memory_take(size_with_header(size), TENSOR_ALIGN);
    if (!buffer)
        return NULL;
    atomic_init(&buffer->refs, 1);
    buffer->data = (char *)buffer + TENSOR_ALIGN;
    buffer->size = size;
    buffer->read_only = false;
    buffer->release = release_own;
    buffer->owner = NULL;
    return buffer;
}

struct buffer *buffer_ref(struct buffer *buffer)
{
    atomic_fetch_add_explicit(&buffer->refs, 1, memory_order_relaxed);
    return buffer;
}

void buffer_unref(struct buffer *buffer)
{
    if (!buffer)
        return;
    size_t before = atomic_fetch_sub_explicit(&buffer->refs, 1, memory_order_acq_rel);
    CHECK(before > 0);
    if (before == 1)
        buffer->release(buffer);
}

bool buffer_is_shared(const struct buffer *buffer)
{
    return buffer->read_only || atomic_load_explicit(&buffer->refs, memory_order_acquire) > 1;
}

static enum code out_of_memory(enum dtype dtype, const struct shape *shape, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    return error_set(err, CODE_RESOURCE_EXHAUSTED,
                     "OOM when allocating tensor with shape%s and type %s", shape_text(shape, text),
                     dtype_name(dtype));
}

static bool size_of(enum dtype dtype, const struct shape *shape, size_t *bytes)
{
    int64_t elements;
    return shape_elements_checked(shape, &elements) &&
           !__builtin_mul_overflow((uint64_t)elements, (uint64_t)dtype_size(dtype), bytes);
}

enum code tensor_alloc(struct tensor *tensor, enum dtype dtype, const struct shape *shape,
                       struct arena *arena, struct error *err)
{
    CHECK(dtype_size(dtype) > 0);
    size_t bytes;
    if (!size_of(dtype, shape, &bytes))
        return out_of_memory(dtype, shape, err);
    void *data = arena_try_alloc(arena, bytes, TENSOR_ALIGN);
    if (!data)
        return out_of_memory(dtype, shape, err);
    if (!dtype_is_plain(dtype))
        memset(data, 0, bytes);
    *tensor = (struct tensor){.dtype = dtype, .shape = *shape, .data = data};
    return CODE_OK;
}

/* Bytes that a copy takes: elements and, of strings, their contents. */
static bool copy_size(const struct tensor *from, size_t *bytes)
{
    *bytes = tensor_bytes(from);
    if (from->dtype != DTYPE_STRING)
        return true;
    const struct span *strings = from->data;
    int64_t n = tensor_elements(from);
    for (int64_t i = 0; i < n; i++)
        if (__builtin_add_overflow(*bytes, strings[i].len, bytes))
            return false;
    return true;
}

static void copy_into(const struct tensor *from, void *block)
{
    size_t bytes = tensor_bytes(from);
    if (from->dtype != DTYPE_STRING) {
        if (bytes)
            memcpy(block, from->data, bytes);
        return;
    }
    const struct span *strings = from->data;
    struct span *out = block;
    char *next = (char *)block + bytes;
    int64_t n = tensor_elements(from);
    for (int64_t i = 0; i < n; i++) {
        if (strings[i].len)
            memcpy(next, strings[i].ptr, strings[i].len);
        out[i] = span_make(next, strings[i].len);
        next += strings[i].len;
    }
}

static struct variant *variant_at(const void *elements, int64_t i)
{
    return ((struct variant *const *)elements)[i];
}

static void release_variants(struct buffer *buffer)
{
    for (size_t i = 0; i < buffer->size / sizeof(struct variant *); i++)
        variant_unref(variant_at(buffer->data, (int64_t)i));
    release_own(buffer);
}

enum code tensor_copy(const struct tensor *from, struct arena *arena, struct tensor *to,
                      struct error *err)
{
    size_t bytes;
    void *block = copy_size(from, &bytes) ? arena_try_alloc(arena, bytes, TENSOR_ALIGN) : NULL;
    if (!block)
        return out_of_memory(from->dtype, &from->shape, err);
    copy_into(from, block);
    for (int64_t i = 0; from->dtype == DTYPE_VARIANT && i < tensor_elements(from); i++)
        variant_keep(variant_at(block, i), arena);
    *to = (struct tensor){.dtype = from->dtype, .shape = from->shape, .data = block};
    return CODE_OK;
}

enum code tensor_copy_to_buffer(const struct tensor *from, struct tensor *to, struct error *err)
{
    size_t bytes;
    struct buffer *buffer = copy_size(from, &bytes) ? buffer_new(bytes) : NULL;
    if (!buffer)
        return out_of_memory(from->dtype, &from->shape, err);
    copy_into(from, buffer->data);
    if (from->dtype == DTYPE_VARIANT)
        buffer->release = release_variants;
    for (int64_t i = 0; from->dtype == DTYPE_VARIANT && i < tensor_elements(from); i++)
        variant_ref(variant_at(buffer->data, i));
    *to = (struct tensor){
        .dtype = from->dtype, .shape = from->shape, .data = buffer->data, .buffer = buffer};
    return CODE_OK;
}

int64_t tensor_int(const struct tensor *tensor, int64_t i)
{
    switch (tensor->dtype) {
    case DTYPE_BOOL:
    case DTYPE_UINT8:
    case DTYPE_QUINT8:
        return TENSOR_AT(tensor, uint8_t)[i];
    case DTYPE_INT8:
    case DTYPE_QINT8:
        return TENSOR_AT(tensor, int8_t)[i];
    case DTYPE_INT16:
    case DTYPE_QINT16:
        return TENSOR_AT(tensor, int16_t)[i];
    case DTYPE_UINT16:
    case DTYPE_QUINT16:
        return TENSOR_AT(tensor, uint16_t)[i];
    case DTYPE_INT32:
    case DTYPE_QINT32:
        return TENSOR_AT(tensor, int32_t)[i];
    case DTYPE_UINT32:
        return TENSOR_AT(tensor, uint32_t)[i];
    case DTYPE_INT64:
    case DTYPE_UINT64:
        return TENSOR_AT(tensor, int64_t)[i];
    default:
        check_failed(__FILE__, __LINE__, "an integer tensor");
    }
}

bool tensor_bools_are_sound(struct span bytes)
{
    unsigned char all = 0;
    for (size_t i = 0; i < bytes.len; i++)
        all |= (unsigned char)bytes.ptr[i];
    return all <= 1;
}

bool tensor_equal(const struct tensor *a, const struct tensor *b)
{
    if (a->dtype != b->dtype || !shape_equal(&a->shape, &b->shape))
        return false;
    size_t bytes = tensor_bytes(a);
    if (a->dtype != DTYPE_STRING)
        return bytes == 0 || memcmp(a->data, b->data, bytes) == 0;
    int64_t n = tensor_elements(a);
    for (int64_t i = 0; i < n; i++)
        if (!span_equal(TENSOR_AT(a, struct span)[i], TENSOR_AT(b, struct span)[i]))
            return false;
    return true;
}
