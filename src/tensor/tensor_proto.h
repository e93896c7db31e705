/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tensorflow.TensorProto <-> struct tensor (reference 1.3). Reading understands every encoding:
 * tensor_content, typed lists that are full, short (the last value repeats), empty (zeros) or too
 * long (the rest is ignored); strings in tensor_content are varint lengths followed by the bytes.
 * Values that lie in the message contiguous, complete and aligned for their type are used in place
 * (the tensor then borrows from the message's bytes); everything else is copied to the arena.
 */
#ifndef TENSOR_TENSOR_PROTO_H
#define TENSOR_TENSOR_PROTO_H

#include "tensor/tensor.h"

struct pb_tensor_proto;

/* INVALID_ARGUMENT with what is wrong when the type is none, a dimension is negative, the content
 * has the wrong length...; RESOURCE_EXHAUSTED without memory. A claimed size without bytes behind
 * it (a splat) is limited by TENSOR_PROTO_SPLAT_MAX bytes. */
enum code tensor_from_proto(const struct pb_tensor_proto *proto, struct arena *arena,
                            struct tensor *tensor, struct error *err);

enum {
    TENSOR_PROTO_SPLAT_MAX = 1 << 30
}; /* a request of ten bytes must not take more memory than this */

/* Is its tensor one of more than so many bytes? What can not be read has none. */
bool tensor_proto_is_larger(const struct pb_tensor_proto *proto, size_t bytes);

/* Writes typed lists, fully expanded, as AsProtoField does; what has no typed list in TensorFlow
 * goes to tensor_content. Shape and dtype are set; values are borrowed from the tensor where the
 * layout allows (float, double, int32, int64, ...). */
void tensor_to_proto(const struct tensor *tensor, struct arena *arena,
                     struct pb_tensor_proto *proto);

/* The same with tensor_content (AsProtoTensorContent). */
void tensor_to_proto_content(const struct tensor *tensor, struct arena *arena,
                             struct pb_tensor_proto *proto);

#endif
