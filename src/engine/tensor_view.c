/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/tensor_view.h"

#include <stdio.h>

#include "base/span.h"

_Static_assert((int)TENSORD_RANK_MAX == (int)SHAPE_RANK_MAX, "the ranks of the ABI");
_Static_assert(sizeof(struct tensord_string) == sizeof(struct span), "strings are spans");
_Static_assert((int)TENSORD_UINT64 == (int)DTYPE_UINT64, "the dtypes of the ABI");
_Static_assert((int)TENSORD_OUT_OF_RANGE == (int)CODE_OUT_OF_RANGE, "the codes of the ABI");

enum { MESSAGE_MAX = 2048 };

void tensor_view(const struct tensor *tensor, struct tensord_tensor *view)
{
    *view = (struct tensord_tensor){
        .dtype = (int32_t)tensor->dtype,
        .rank = tensor->shape.rank,
        .elements = tensor_elements(tensor),
        .data = tensor->data,
    };
    for (int i = 0; i < tensor->shape.rank; i++)
        view->dims[i] = tensor->shape.dims[i];
}

enum code tensor_view_shape(int rank, const int64_t *dims, const char *what, struct shape *shape,
                            struct error *err)
{
    int64_t elements;
    if (rank < 0 || rank > SHAPE_RANK_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s of rank %d", what, rank);
    *shape = (struct shape){.rank = rank};
    for (int i = 0; i < rank; i++) {
        shape->dims[i] = dims[i];
        if (dims[i] < 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "%s of %lld rows", what,
                             (long long)dims[i]);
    }
    if (!shape_elements_checked(shape, &elements))
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "%s of too many elements", what);
    return CODE_OK;
}

enum code tensor_view_fail(struct error *err, int code, const char *format, va_list args)
{
    char text[MESSAGE_MAX];
    vsnprintf(text, sizeof text, format, args);
    bool known = code > CODE_OK && code <= CODE_UNAUTHENTICATED;
    return error_set(err, known ? (enum code)code : CODE_INTERNAL, "%s", text);
}
