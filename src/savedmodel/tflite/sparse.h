/* SPDX-License-Identifier: Apache-2.0 */
/* Constants of which only some elements are in the file: the schema's SparsityParameters. */
#ifndef SAVEDMODEL_TFLITE_SPARSE_H
#define SAVEDMODEL_TFLITE_SPARSE_H

#include "savedmodel/tflite/model.h"

/* Makes the tensor's data, of which `sparsity` says where they belong, those of all its elements,
 * with zeros in between. INVALID_ARGUMENT with what does not fit; UNIMPLEMENTED for elements that
 * are no plain numbers. */
enum code tfl_sparse_expand(struct tfl_model *model, const struct flatbuffer_table *sparsity,
                            struct tfl_tensor *tensor, struct error *err);

#endif
