/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes are small values that are copied about; nothing here allocates. A dimension of -1 and the
 * rank SHAPE_UNKNOWN_RANK occur only in what a signature or a graph declares, so the arithmetic
 * (shape_elements) insists on known ones, and only the two comparing and the two printing functions
 * understand the unknown.
 */
#include "tensor/shape.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "wire/messages.h"

bool shape_elements_checked(const struct shape *shape, int64_t *elements)
{
    int64_t product = 1;
    bool has_zero = false;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 0)
            return false;
        has_zero |= shape->dims[i] == 0;
        /* A zero anywhere does not excuse sizes whose product is out of reach: TensorFlow refuses
         * those too. */
        if (shape->dims[i] && __builtin_mul_overflow(product, shape->dims[i], &product))
            return false;
    }
    *elements = has_zero ? 0 : product;
    return shape->rank >= 0;
}

int64_t shape_elements(const struct shape *shape)
{
    int64_t product = 1;
    for (int i = 0; i < shape->rank; i++)
        product *= shape->dims[i];
    return product;
}

bool shape_equal(const struct shape *a, const struct shape *b)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            return false;
    return true;
}

bool shape_is_known(const struct shape *shape)
{
    for (int i = 0; i < shape->rank; i++)
        if (shape->dims[i] < 0)
            return false;
    return shape->rank >= 0;
}

bool shape_matches(const struct shape *declared, const struct shape *actual)
{
    if (declared->rank == SHAPE_UNKNOWN_RANK)
        return true;
    if (declared->rank != actual->rank)
        return false;
    for (int i = 0; i < declared->rank; i++)
        if (declared->dims[i] >= 0 && declared->dims[i] != actual->dims[i])
            return false;
    return true;
}

const char *shape_text(const struct shape *shape, char text[SHAPE_TEXT_SIZE])
{
    if (shape->rank == SHAPE_UNKNOWN_RANK) {
        snprintf(text, SHAPE_TEXT_SIZE, "<unknown>");
        return text;
    }
    int n = snprintf(text, SHAPE_TEXT_SIZE, "[");
    for (int i = 0; i < shape->rank; i++) {
        const char *comma = i ? "," : "";
        char *at = text + n;
        size_t room = (size_t)(SHAPE_TEXT_SIZE - n);
        n += shape->dims[i] < 0 ? snprintf(at, room, "%s?", comma)
                                : snprintf(at, room, "%s%" PRId64, comma, shape->dims[i]);
    }
    n += snprintf(text + n, (size_t)(SHAPE_TEXT_SIZE - n), "]");
    CHECK(n < SHAPE_TEXT_SIZE);
    return text;
}

enum code shape_from_proto(const struct pb_tensor_shape_proto *proto, struct shape *shape,
                           struct error *err)
{
    *shape = shape_scalar();
    if (!proto)
        return CODE_OK;
    if (proto->unknown_rank) {
        *shape = shape_unknown();
        return CODE_OK;
    }
    if (proto->dim.count > SHAPE_RANK_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "Shape has rank %zu; at most %d is supported",
                         proto->dim.count, SHAPE_RANK_MAX);
    bool is_open = false;
    for (size_t i = 0; i < proto->dim.count; i++) {
        int64_t size = proto->dim.items[i].size;
        if (size < -1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Shape has dimension %zu of size %" PRId64
                             "; at least -1 (unknown) was expected",
                             i, size);
        is_open |= size < 0;
        shape->dims[i] = size;
    }
    shape->rank = (int)proto->dim.count;
    int64_t elements;
    char text[SHAPE_TEXT_SIZE];
    if (!is_open && !shape_elements_checked(shape, &elements))
        return error_set(err, CODE_INVALID_ARGUMENT, "Shape %s has more than 2^63 - 1 elements",
                         shape_text(shape, text));
    return CODE_OK;
}
