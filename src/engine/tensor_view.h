/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors as the C interfaces of include/tensord show them, and the way back. */
#ifndef ENGINE_TENSOR_VIEW_H
#define ENGINE_TENSOR_VIEW_H

#include <tensord/op.h>

#include "tensor/tensor.h"

/* The tensor as a view. */
void tensor_view(const struct tensor *tensor, struct tensord_tensor *view);

/* A shape that a library gives. INVALID_ARGUMENT, RESOURCE_EXHAUSTED; `what` it is: "op X gives an
 * output". */
enum code tensor_view_shape(int rank, const int64_t *dims, const char *what, struct shape *shape,
                            struct error *err);

/* An error of a library's: its own code where that is one, and its text. */
enum code tensor_view_fail(struct error *err, int code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

#endif
