/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct slice: a box cut out of a tensor, in TensorFlow's terms: per dimension a start and a
 * length. Checkpoints store big variables as several slices, each under a key that encodes the box;
 * partitioned variables ask for one by text.
 */
#ifndef SAVEDMODEL_SLICE_H
#define SAVEDMODEL_SLICE_H

#include "base/arena.h"
#include "tensor/shape.h"

struct pb_tensor_slice_proto;

struct slice {
    int rank;
    int64_t start[SHAPE_RANK_MAX];
    int64_t length[SHAPE_RANK_MAX]; /* SLICE_FULL: the whole dimension */
};

enum { SLICE_FULL = -1 };

/* The box of the proto, lengths as stated there. DATA_LOSS when the rank or a number is out of
 * range. */
enum code slice_from_proto(const struct pb_tensor_slice_proto *proto, struct slice *slice,
                           struct error *err);

/* Reads "<dims> <spec>", for example "1000 16 0,500:-": `shape` is the full shape, `slice` the box.
 * INVALID_ARGUMENT. */
enum code slice_parse(struct span text, struct shape *shape, struct slice *slice,
                      struct error *err);

/* Puts numbers for SLICE_FULL and checks that the box lies in `shape`; INVALID_ARGUMENT otherwise.
 */
enum code slice_resolve(struct slice *slice, const struct shape *shape, struct error *err);

/* The whole of a tensor, resolved. */
struct slice slice_whole(const struct shape *shape);

/* The shape of a resolved slice. */
struct shape slice_shape(const struct slice *slice);

bool slice_equal(const struct slice *a, const struct slice *b);

/* Copies what box `from` (elements at `source`) has of box `to` (elements at `target`), both
 * resolved in the same tensor, `size` bytes an element. Returns the number of elements copied. */
int64_t slice_copy(const struct slice *from, const void *source, const struct slice *to,
                   void *target, size_t size);

/* The key under which a checkpoint stores the slice `proto` of tensor `name` (TensorFlow's
 * EncodeTensorNameSlice: ordered code). */
struct span slice_key(struct span name, const struct slice *slice, struct arena *arena);

#endif
