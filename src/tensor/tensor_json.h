/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON <-> tensors, as the REST API has it (reference 2.5, 2.6, 2.9): a request's "instances" (row
 * format) or "inputs" (column format) become named tensors; the dtype comes from the signature, the
 * shape from the JSON. Error texts are the original's, word for word.
 */
#ifndef TENSOR_TENSOR_JSON_H
#define TENSOR_TENSOR_JSON_H

#include "tensor/tensor.h"
#include "wire/json.h"

enum tensor_json_format {
    TENSOR_JSON_ROW,
    TENSOR_JSON_COLUMN,
};

/* What a signature says of one input. */
struct tensor_json_input {
    struct span name; /* alias */
    enum dtype dtype;
};

struct tensor_json_found {
    struct named_tensor *tensors; /* in the arena; those that the request has */
    size_t count;
    enum tensor_json_format format;
    /* After an error: the value it is about, and the input that it was for; each NULL if none. */
    const struct json_value *fault;
    const struct tensor_json_input *wanted;
};

/* Reads the members 'instances' or 'inputs' of a request's root object. `inputs` are the
 * signature's, in any order, at least one. Memory from the arena. */
enum code tensor_json_read(const struct json_value *root, const struct tensor_json_input *inputs,
                           size_t count, struct arena *arena, struct tensor_json_found *found,
                           struct error *err);

/* Writes {"predictions": ...} or {"outputs": ...} in the original's layout (reference 2.6). */
enum code tensor_json_write(struct json_writer *w, enum tensor_json_format format,
                            const struct named_tensor *tensors, size_t count, struct error *err);

#endif
