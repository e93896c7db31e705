/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct tfl_model: a .tflite file (FlatBuffers, schema version 3, identifier "TFL3") read and
 * checked: every index is one of something that is there, every constant has as many bytes as its
 * shape says. What operators mean is left to translate.h. Everything borrows the file's bytes.
 */
#ifndef SAVEDMODEL_TFLITE_MODEL_H
#define SAVEDMODEL_TFLITE_MODEL_H

#include "base/arena.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "wire/flatbuffer.h"

/* Real value = scale * (stored - zero point). One of each for the tensor, or for each index of
 * dimension `dim`. */
struct tfl_quantization {
    struct flatbuffer_vector scales; /* floats */
    struct flatbuffer_vector zeros;  /* int64; may be fewer: 0 */
    int dim;
};

struct tfl_tensor {
    struct span name;
    enum dtype dtype;      /* DTYPE_INVALID: one that we do not have */
    bool is_packed;        /* two elements of 4 bits in a byte */
    bool is_variable;      /* zeros at the beginning of a run */
    struct shape shape;    /* of the example that the model was made with */
    struct shape declared; /* the same with -1 where any size may be */
    bool has_data;         /* a constant */
    struct span data;      /* of all elements, also where the file has only some (sparse.h) */
    struct tfl_quantization quantization;
};

/* Numbers of tensors. */
struct tfl_list {
    const int *items;
    size_t count;
};

struct tfl_operator {
    int code;               /* of the schema's BuiltinOperator */
    struct span custom;     /* the name of one that is not built in */
    struct tfl_list inputs; /* -1: an optional one is not there */
    struct tfl_list outputs;
    bool has_options;
    struct flatbuffer_table options; /* what the code says that they are */
    struct span custom_options;
};

struct tfl_subgraph {
    struct span name;
    struct tfl_tensor *tensors;
    size_t tensor_count;
    struct tfl_list inputs, outputs;
    struct tfl_operator *operators;
    size_t operator_count;
};

struct tfl_model {
    struct arena *arena; /* borrowed */
    struct span bytes;
    struct flatbuffer_table root;
    struct flatbuffer_vector buffers;
    struct tfl_subgraph *subgraphs;
    size_t subgraph_count;
    size_t budget; /* how much more may be made of the file, in bytes */
};

/* INVALID_ARGUMENT with what is wrong and where. */
enum code tfl_model_read(struct span bytes, struct arena *arena, struct tfl_model *model,
                         struct error *err);

/* The bytes of buffer `index`. INVALID_ARGUMENT: it is not there, or not within the file. */
enum code tfl_buffer(const struct tfl_model *model, uint64_t index, struct span *data,
                     struct error *err);

/* Takes from the budget: parts of a file may be shared, and so stand for more than there is.
 * RESOURCE_EXHAUSTED. */
enum code tfl_charge(struct tfl_model *model, size_t bytes, struct error *err);

bool tfl_is_quantized(const struct tfl_tensor *tensor);
float tfl_scale(const struct tfl_tensor *tensor, size_t i);
int64_t tfl_zero(const struct tfl_tensor *tensor, size_t i);

/* One scale and zero point each, the same ones? */
bool tfl_same_grid(const struct tfl_tensor *a, const struct tfl_tensor *b);

/* DTYPE_INVALID for a type that we do not have. */
enum dtype tfl_dtype(int64_t type);

/* Options: a field's value, or `otherwise` when it is not there. */
int64_t tfl_option(const struct tfl_operator *op, int field, size_t size, int64_t otherwise);
float tfl_option_float(const struct tfl_operator *op, int field);

#endif
