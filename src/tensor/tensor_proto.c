/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TensorProto holds its values either as raw bytes (tensor_content) or in one of a dozen typed
 * lists. Which list a dtype uses, how wide a listed value is and how it becomes an element stands
 * in one table. Three kinds of rows: as it is   the list's values are the elements (float, int64
 * ...; a complex is two values): used in place or copied narrowed   int32 values of which an
 * element keeps the low one or two bytes (int8, half's raw bits ...) strings    spans All list
 * structs of wire/pb.h begin with a pointer and a count, and so does struct span for float8's
 * bytes: a row reaches its list by offset.
 *
 * A message is from outside: n elements are only believed when n values, or a limit, stand behind
 * the claim.
 */
#include "tensor/tensor_proto.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "wire/messages.h"
#include "wire/varint.h"

struct list {
    const void *ptr; /* may be unaligned */
    size_t count;
};

_Static_assert(sizeof(struct pb_int32s) == sizeof(struct list), "lists are alike");
_Static_assert(sizeof(struct pb_floats) == sizeof(struct list), "lists are alike");
_Static_assert(sizeof(struct pb_spans) == sizeof(struct list), "lists are alike");
_Static_assert(sizeof(struct span) == sizeof(struct list), "lists are alike");

struct field {
    uint16_t offset; /* of the list in struct pb_tensor_proto */
    uint8_t width;   /* bytes of a listed value; 0: this dtype has no list */
    bool is_signed;  /* how a narrow element becomes an int32 */
};

#define FIELD(member, ...)                                                                         \
    {                                                                                              \
        offsetof(struct pb_tensor_proto, member), __VA_ARGS__                                      \
    }

static const struct field fields[DTYPE_COUNT] = {
    [DTYPE_FLOAT] = FIELD(float_val, 4, true),
    [DTYPE_DOUBLE] = FIELD(double_val, 8, true),
    [DTYPE_INT32] = FIELD(int_val, 4, true),
    [DTYPE_UINT8] = FIELD(int_val, 4, false),
    [DTYPE_INT16] = FIELD(int_val, 4, true),
    [DTYPE_INT8] = FIELD(int_val, 4, true),
    [DTYPE_STRING] = FIELD(string_val, sizeof(struct span), false),
    [DTYPE_COMPLEX64] = FIELD(scomplex_val, 4, true),
    [DTYPE_INT64] = FIELD(int64_val, 8, true),
    [DTYPE_BOOL] = FIELD(bool_val, 1, false),
    [DTYPE_QINT8] = FIELD(int_val, 4, true),
    [DTYPE_QUINT8] = FIELD(int_val, 4, false),
    [DTYPE_QINT32] = FIELD(int_val, 4, true),
    [DTYPE_BFLOAT16] = FIELD(half_val, 4, false),
    [DTYPE_QINT16] = FIELD(int_val, 4, true),
    [DTYPE_QUINT16] = FIELD(int_val, 4, false),
    [DTYPE_UINT16] = FIELD(int_val, 4, false),
    [DTYPE_COMPLEX128] = FIELD(dcomplex_val, 8, true),
    [DTYPE_HALF] = FIELD(half_val, 4, false),
    [DTYPE_UINT32] = FIELD(uint32_val, 4, false),
    [DTYPE_UINT64] = FIELD(uint64_val, 8, false),
    [DTYPE_FLOAT8_E5M2] = FIELD(float8_val, 1, false),
    [DTYPE_FLOAT8_E4M3FN] = FIELD(float8_val, 1, false),
    [DTYPE_INT4] = FIELD(int_val, 4, true),
    [DTYPE_UINT4] = FIELD(int_val, 4, false),
};

static bool is_narrow(enum dtype dtype)
{
    return fields[dtype].width > dtype_size(dtype);
}

static struct list list_of(const struct pb_tensor_proto *proto, enum dtype dtype)
{
    struct list list;
    memcpy(&list, (const char *)proto + fields[dtype].offset, sizeof list);
    /* A complex element takes two values; an odd last one is surplus. */
    if (!is_narrow(dtype))
        list.count /= dtype_size(dtype) / fields[dtype].width;
    return list;
}

/* ---- reading ---- */

/* Could a kernel read elements of this type at this address? The parts of a complex are what is
 * loaded. */
static bool is_aligned(const void *ptr, enum dtype dtype)
{
    size_t size = dtype_size(dtype);
    size_t align = dtype == DTYPE_COMPLEX64 ? 4 : size < 8 ? size : 8;
    return (uintptr_t)ptr % align == 0;
}

/* Takes the memory; a claim that no values back is limited. */
static enum code alloc_elements(struct tensor *tensor, struct arena *arena, size_t given,
                                struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    uint64_t n = (uint64_t)tensor_elements(tensor);
    if (given < n && n > TENSOR_PROTO_SPLAT_MAX / dtype_size(tensor->dtype))
        return error_set(err, CODE_RESOURCE_EXHAUSTED,
                         "Tensor of shape %s and type %s is given by %zu values; at most %d bytes "
                         "are filled up",
                         shape_text(&tensor->shape, text), dtype_name(tensor->dtype), given,
                         TENSOR_PROTO_SPLAT_MAX);
    return tensor_alloc(tensor, tensor->dtype, &tensor->shape, arena, err);
}

/* Repeats element `given - 1` behind the first `given` of `n`; zeros when there is none. */
static void fill_up(char *data, size_t given, size_t n, size_t size)
{
    if (given == 0) {
        memset(data, 0, n * size);
        return;
    }
    char *last = data + (given - 1) * size;
    size_t have = 1, want = n - given + 1;
    while (have < want) {
        size_t more = have < want - have ? have : want - have;
        memcpy(last + have * size, last, more * size);
        have += more;
    }
}

static void narrow(const struct list *list, size_t n, size_t size, void *out)
{
    for (size_t i = 0; i < n; i++) {
        int32_t value;
        memcpy(&value, (const char *)list->ptr + i * sizeof value, sizeof value);
        if (size == 1)
            ((uint8_t *)out)[i] = (uint8_t)value;
        else
            ((uint16_t *)out)[i] = (uint16_t)value;
    }
}

static enum code read_list(const struct list *list, struct arena *arena, struct tensor *tensor,
                           struct error *err)
{
    size_t n = (size_t)tensor_elements(tensor), size = dtype_size(tensor->dtype);
    bool narrowed = is_narrow(tensor->dtype);
    if (n > 0 && list->count >= n && !narrowed && is_aligned(list->ptr, tensor->dtype)) {
        tensor->data = (void *)(uintptr_t)list->ptr; /* never written: it has no buffer */
        return CODE_OK;
    }
    enum code code = alloc_elements(tensor, arena, list->count, err);
    if (code)
        return code;
    size_t given = list->count < n ? list->count : n;
    if (narrowed)
        narrow(list, given, size, tensor->data);
    else if (given)
        memcpy(tensor->data, list->ptr, given * size);
    if (given < n)
        fill_up(tensor->data, given, n, size);
    return CODE_OK;
}

static enum code read_content(struct span content, struct arena *arena, struct tensor *tensor,
                              struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    size_t n = (size_t)tensor_elements(tensor), size = dtype_size(tensor->dtype), want;
    if (__builtin_mul_overflow(n, size, &want) || want != content.len)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "tensor_content has %zu bytes; shape %s and type %s need %zu times %zu",
                         content.len, shape_text(&tensor->shape, text), dtype_name(tensor->dtype),
                         n, size);
    bool odd_bools = tensor->dtype == DTYPE_BOOL && !tensor_bools_are_sound(content);
    if (!odd_bools && is_aligned(content.ptr, tensor->dtype)) {
        tensor->data = (void *)(uintptr_t)content.ptr;
        return CODE_OK;
    }
    enum code code = tensor_alloc(tensor, tensor->dtype, &tensor->shape, arena, err);
    if (code)
        return code;
    memcpy(tensor->data, content.ptr, want);
    for (size_t i = 0; odd_bools && i < want; i++)
        TENSOR_AT(tensor, uint8_t)[i] = TENSOR_AT(tensor, uint8_t)[i] != 0;
    return CODE_OK;
}

/* TensorFlow reads lengths of 32 bits. */
static bool take_length(struct span *in, size_t *length)
{
    uint64_t value;
    if (!varint_take(in, &value) || value > UINT32_MAX)
        return false;
    *length = (size_t)value;
    return true;
}

/* Varint lengths, then all the bytes. */
static enum code read_string_content(struct span content, struct arena *arena,
                                     struct tensor *tensor, struct error *err)
{
    size_t n = (size_t)tensor_elements(tensor);
    if (n > content.len) /* a length takes a byte at least */
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "tensor_content has %zu bytes, too few for %zu strings", content.len, n);
    enum code code = tensor_alloc(tensor, DTYPE_STRING, &tensor->shape, arena, err);
    if (code)
        return code;
    struct span *strings = tensor->data, rest = content;
    for (size_t i = 0; i < n; i++)
        if (!take_length(&rest, &strings[i].len))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "tensor_content: bad length of string %zu of %zu", i, n);
    for (size_t i = 0; i < n; i++) {
        if (strings[i].len > rest.len)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "tensor_content: string %zu of %zu bytes, but %zu are left", i,
                             strings[i].len, rest.len);
        strings[i].ptr = rest.ptr;
        rest = span_sub(rest, strings[i].len, rest.len);
    }
    if (rest.len)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "tensor_content: %zu bytes behind the last of %zu strings", rest.len, n);
    return CODE_OK;
}

static enum code read_type_and_shape(const struct pb_tensor_proto *proto, struct tensor *tensor,
                                     struct error *err)
{
    /* A value never has a reference type, so that numbers above 100 are refused here. */
    if (!dtype_is_valid(proto->dtype) || fields[proto->dtype].width == 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "A tensor can not be read as type %s (%d)",
                         dtype_name((enum dtype)proto->dtype), proto->dtype);
    *tensor = (struct tensor){.dtype = (enum dtype)proto->dtype};
    struct pb_tensor_shape_proto shape = {0};
    if (proto->tensor_shape)
        shape.dim = proto->tensor_shape->dim; /* a value's rank is known, whatever is said of it */
    enum code code = shape_from_proto(&shape, &tensor->shape, err);
    if (code)
        return code;
    char text[SHAPE_TEXT_SIZE];
    if (!shape_is_known(&tensor->shape))
        return error_set(err, CODE_INVALID_ARGUMENT, "Tensor has the unknown shape %s",
                         shape_text(&tensor->shape, text));
    return CODE_OK;
}

bool tensor_proto_is_larger(const struct pb_tensor_proto *proto, size_t bytes)
{
    struct tensor tensor;
    return !read_type_and_shape(proto, &tensor, NULL) &&
           (size_t)tensor_elements(&tensor) > bytes / dtype_size(tensor.dtype);
}

enum code tensor_from_proto(const struct pb_tensor_proto *proto, struct arena *arena,
                            struct tensor *tensor, struct error *err)
{
    enum code code = read_type_and_shape(proto, tensor, err);
    if (code)
        return code;
    if (tensor_elements(tensor) > 0 && proto->tensor_content.len > 0) {
        if (tensor->dtype == DTYPE_STRING)
            return read_string_content(proto->tensor_content, arena, tensor, err);
        return read_content(proto->tensor_content, arena, tensor, err);
    }
    struct list list = list_of(proto, tensor->dtype);
    return read_list(&list, arena, tensor, err);
}

/* ---- writing ---- */

static void start_proto(const struct tensor *tensor, struct arena *arena,
                        struct pb_tensor_proto *proto)
{
    CHECK(dtype_is_valid((int)tensor->dtype) && fields[tensor->dtype].width > 0);
    *proto = (struct pb_tensor_proto){.dtype = (int32_t)tensor->dtype};
    struct pb_tensor_shape_proto *shape = ARENA_NEW(arena, struct pb_tensor_shape_proto);
    size_t rank = (size_t)tensor->shape.rank;
    shape->dim.items = ARENA_ARRAY(arena, struct pb_tensor_shape_proto_dim, rank);
    shape->dim.count = rank;
    for (size_t i = 0; i < rank; i++)
        shape->dim.items[i].size = tensor->shape.dims[i];
    proto->tensor_shape = shape;
}

static void *widen(const struct tensor *tensor, size_t n, struct arena *arena)
{
    int32_t *out = arena_alloc(arena, n * sizeof *out);
    bool is_signed = fields[tensor->dtype].is_signed;
    for (size_t i = 0; i < n; i++) {
        if (dtype_size(tensor->dtype) == 1)
            out[i] = is_signed ? TENSOR_AT(tensor, int8_t)[i] : TENSOR_AT(tensor, uint8_t)[i];
        else
            out[i] = is_signed ? TENSOR_AT(tensor, int16_t)[i] : TENSOR_AT(tensor, uint16_t)[i];
    }
    return out;
}

void tensor_to_proto(const struct tensor *tensor, struct arena *arena,
                     struct pb_tensor_proto *proto)
{
    start_proto(tensor, arena, proto);
    enum dtype dtype = tensor->dtype;
    struct list list = {.ptr = tensor->data, .count = (size_t)tensor_elements(tensor)};
    if (is_narrow(dtype))
        list.ptr = widen(tensor, list.count, arena);
    else
        list.count *= dtype_size(dtype) / fields[dtype].width;
    memcpy((char *)proto + fields[dtype].offset, &list, sizeof list);
}

static struct span string_content(const struct tensor *tensor, struct arena *arena)
{
    const struct span *strings = tensor->data;
    size_t n = (size_t)tensor_elements(tensor), room = n * VARINT_SIZE_MAX;
    for (size_t i = 0; i < n; i++)
        room += strings[i].len;
    char *out = arena_alloc(arena, room);
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += varint_put(out + len, strings[i].len);
    for (size_t i = 0; i < n; i++) {
        if (strings[i].len)
            memcpy(out + len, strings[i].ptr, strings[i].len);
        len += strings[i].len;
    }
    return span_make(out, len);
}

void tensor_to_proto_content(const struct tensor *tensor, struct arena *arena,
                             struct pb_tensor_proto *proto)
{
    start_proto(tensor, arena, proto);
    if (tensor->dtype == DTYPE_STRING)
        proto->tensor_content = string_content(tensor, arena);
    else
        proto->tensor_content = span_make(tensor->data, tensor_bytes(tensor));
}
