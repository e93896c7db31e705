/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct tensor_array: the list of TensorFlow 1's loops: elements that are written one by one, each
 * once, behind a handle. It belongs to one run, and so to one thread, and lives in the request's
 * arena: elements are copied into that, for a turn's memory does not last. The flow, a number that
 * each op takes and gives, only puts the ops in order.
 */
#ifndef OPS_LIST_TENSOR_ARRAY_H
#define OPS_LIST_TENSOR_ARRAY_H

#include "engine/resource.h"
#include "engine/run.h"
#include "ops/kernel.h"

struct tensor_array_element {
    struct tensor value; /* in the array's arena */
    bool written;
    bool read;
    bool cleared; /* read, and not to be read again */
};

struct tensor_array {
    struct resource resource; /* first; in no store */
    struct arena *arena;
    enum dtype dtype;
    struct shape element_shape; /* may have unknown dimensions or rank */
    bool dynamic_size;
    bool clear_after_read;
    bool identical_element_shapes;
    bool closed;
    int64_t size;
    int64_t room;
    struct tensor_array_element *elements;
};

/* The array that input 0 is a handle of. INVALID_ARGUMENT for anything else, and when it is closed.
 */
enum code tensor_array_of(const struct op_call *call, struct tensor_array **array,
                          struct error *err);

/* The same for an op that reads or writes elements of that dtype. INVALID_ARGUMENT. */
enum code tensor_array_to_read(const struct op_call *call, enum dtype dtype,
                               struct tensor_array **array, struct error *err);
enum code tensor_array_to_write(const struct op_call *call, enum dtype dtype,
                                struct tensor_array **array, struct error *err);

/* Element i; zeros where nothing was written, if the shape is known. INVALID_ARGUMENT. */
enum code tensor_array_read(struct tensor_array *array, int64_t i, struct tensor *value,
                            struct error *err);

/* Stores a value whose memory is the array's already. INVALID_ARGUMENT, RESOURCE_EXHAUSTED. */
enum code tensor_array_write(struct tensor_array *array, int64_t i, const struct tensor *value,
                             struct error *err);

/* A copy of the value in memory of the array. RESOURCE_EXHAUSTED. */
enum code tensor_array_keep(struct tensor_array *array, const struct tensor *value,
                            struct tensor *kept, struct error *err);

/* Output 0 is the flow that came in as input i. */
enum code tensor_array_flow(struct op_call *call, int i, struct error *err);

#endif
