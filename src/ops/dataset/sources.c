/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets that begin with something else: tensors, their rows, numbers. */
#include "ops/dataset/dataset.h"

/* ---- one element: the tensors themselves ---- */

static enum code tensor_next(struct iterator *it, struct run *run, struct tensor *element,
                             bool *end, struct error *err)
{
    (void)run;
    (void)err;
    *end = it->position++ > 0;
    for (int i = 0; !*end && i < it->dataset->component_count; i++)
        element[i] = it->dataset->tensors[i];
    return CODE_OK;
}

static const struct dataset_kind tensor_kind = {tensor_next};

/* components... -> handle. */
static enum code tensor_run(struct op_call *call, struct error *err)
{
    struct dataset *dataset;
    enum code code = dataset_make(call, &tensor_kind, -1, "Toutput_types", &dataset, err);
    return code ? code : dataset_keep(dataset, call, 0, call->in_count, err);
}

/* ---- an element for each row ---- */

static enum code slice_next(struct iterator *it, struct run *run, struct tensor *element, bool *end,
                            struct error *err)
{
    (void)run;
    (void)err;
    int64_t row = it->position++;
    *end = row >= it->dataset->numbers[0];
    for (int i = 0; !*end && i < it->dataset->component_count; i++) {
        struct tensor part = it->dataset->tensors[i];
        part.shape.rank--;
        memmove(part.shape.dims, part.shape.dims + 1,
                (size_t)part.shape.rank * sizeof *part.shape.dims);
        part.data = (char *)part.data + (size_t)row * tensor_bytes(&part);
        element[i] = part;
    }
    return CODE_OK;
}

static const struct dataset_kind slice_kind = {slice_next};

static enum code check_rows(const struct op_call *call, struct error *err)
{
    for (int i = 0; i < call->in_count; i++) {
        if (call->in[i]->shape.rank < 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "All components must be at least 1-dimensional");
        if (call->in[i]->shape.dims[0] != call->in[0]->shape.dims[0])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "All components must have the same size in the 0th dimension");
    }
    return CODE_OK;
}

/* The rows against the shapes that are declared. */
static enum code check_declared(const struct op_call *call, struct error *err)
{
    const struct shape *declared;
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    size_t count = op_attr_shapes(call, "output_shapes", &declared);
    for (int i = 0; i < call->in_count && (size_t)i < count; i++) {
        struct shape row = call->in[i]->shape;
        row.rank--;
        memmove(row.dims, row.dims + 1, (size_t)row.rank * sizeof *row.dims);
        if (!shape_matches(&declared[i], &row))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Incompatible shapes at component %d: expected %s but got %s.", i,
                             shape_text(&row, x), shape_text(&declared[i], y));
    }
    return CODE_OK;
}

/* components... [n, ...] -> handle. */
static enum code slice_run(struct op_call *call, struct error *err)
{
    struct dataset *dataset;
    enum code code = check_rows(call, err);
    if (!code)
        code = check_declared(call, err);
    if (!code)
        code = dataset_make(call, &slice_kind, -1, "Toutput_types", &dataset, err);
    if (code)
        return code;
    dataset->numbers[0] = call->in_count ? call->in[0]->shape.dims[0] : 0;
    return dataset_keep(dataset, call, 0, call->in_count, err);
}

/* ---- numbers ---- */

static enum code range_next(struct iterator *it, struct run *run, struct tensor *element, bool *end,
                            struct error *err)
{
    const int64_t *n = it->dataset->numbers; /* start, stop, step */
    struct shape scalar = shape_scalar();
    int64_t value;
    if (__builtin_mul_overflow(it->position, n[2], &value) ||
        __builtin_add_overflow(value, n[0], &value))
        value = n[1];
    *end = n[2] > 0 ? value >= n[1] : value <= n[1];
    it->position++;
    if (*end)
        return CODE_OK;
    enum code code = tensor_alloc(&element[0], it->dataset->types[0], &scalar, run->arena, err);
    if (!code && element[0].dtype == DTYPE_INT64)
        *TENSOR_AT(&element[0], int64_t) = value;
    else if (!code)
        *TENSOR_AT(&element[0], int32_t) = (int32_t)value;
    return code;
}

static const struct dataset_kind range_kind = {range_next};

/* start [], stop [], step [] -> handle. */
static enum code range_run(struct op_call *call, struct error *err)
{
    static const char *const names[] = {"start", "stop", "step"};
    struct dataset *dataset;
    int64_t numbers[3];
    enum code code = CODE_OK;
    for (int i = 0; !code && i < 3; i++)
        code = dataset_number(call, i, names[i], &numbers[i], err);
    if (code)
        return code;
    if (!numbers[2])
        return error_set(err, CODE_INVALID_ARGUMENT, "step must be a non-zero integer.");
    code = dataset_make(call, &range_kind, -1, "output_types", &dataset, err);
    if (code)
        return code;
    bool known = dataset->component_count == 1 &&
                 (dataset->types[0] == DTYPE_INT64 || dataset->types[0] == DTYPE_INT32);
    memcpy(dataset->numbers, numbers, sizeof numbers);
    return known ? CODE_OK
                 : error_set(err, CODE_UNIMPLEMENTED, "RangeDataset of another type than integers");
}

const struct op op_TensorDataset = {
    .name = "TensorDataset",
    .inputs = "components:Toutput_types",
    .outputs = "handle:variant",
    .attrs = "Toutput_types:list(type) output_shapes:list(shape) metadata:string=''",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = tensor_run,
};

const struct op op_TensorSliceDataset = {
    .name = "TensorSliceDataset",
    .inputs = "components:Toutput_types",
    .outputs = "handle:variant",
    .attrs = "Toutput_types:list(type) output_shapes:list(shape) is_files:bool=false "
             "metadata:string='' replicate_on_split:bool=false",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = slice_run,
};

const struct op op_RangeDataset = {
    .name = "RangeDataset",
    .inputs = "start:int64 stop:int64 step:int64",
    .outputs = "handle:variant",
    .attrs = "output_types:list(type) output_shapes:list(shape) metadata:string='' "
             "replicate_on_split:bool=false",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = range_run,
};
