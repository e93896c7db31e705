/* SPDX-License-Identifier: Apache-2.0 */
/* The signatures of a model (tflite.h), as messages whose tensors are those of a graph. */
#ifndef SAVEDMODEL_TFLITE_SIGNATURES_H
#define SAVEDMODEL_TFLITE_SIGNATURES_H

#include "savedmodel/tflite/model.h"
#include "wire/messages.h"

/* An input or output of a signature. */
struct tfl_info {
    struct pb_tensor_info proto; /* as users see it: named as in the model. First: it is cast */
    struct span alias;
    int tensor;             /* of the subgraph */
    struct span graph_name; /* in the graph; the caller's to fill in */
};

struct tfl_signature {
    struct span name;
    struct span method_name;
    size_t subgraph;
    struct tfl_info *inputs, *outputs;
    size_t input_count, output_count;
};

/* INVALID_ARGUMENT for signatures that name tensors that are no inputs or outputs. */
enum code tfl_signatures_read(struct tfl_model *model, struct tfl_signature **signatures,
                              size_t *count, struct error *err);

#endif
