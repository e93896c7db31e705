/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BatchDatasetV2 and PaddedBatchDatasetV2: so many elements as one, in a dimension in front; the
 * padded form fills each up to a common shape. The kept tensors of a padded one are, for each
 * component, the shape (-1: the largest in the batch), and then for each the value to fill with.
 */
#include "ops/dataset/dataset.h"

enum { NUMBER_SIZE, NUMBER_DROP, NUMBER_PADDED };

/* The elements of a batch, at most `size`, one behind the other. */
static enum code gather(struct iterator *it, struct run *run, struct tensor **elements,
                        int64_t *count, struct error *err)
{
    const struct dataset *d = it->dataset;
    size_t width = (size_t)d->component_count;
    size_t room = 0;
    bool end = false;
    enum code code = CODE_OK;
    for (*count = 0; !code && !end && *count < d->numbers[NUMBER_SIZE];) {
        if ((size_t)*count == room) {
            size_t more = room ? 2 * room : 16;
            struct tensor *grown =
                arena_try_alloc(run->arena, (more * width + 1) * sizeof *grown, ARENA_ALIGN);
            if (!grown)
                return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a batch");
            if (room)
                memcpy(grown, *elements, room * width * sizeof *grown);
            *elements = grown;
            room = more;
        }
        code = iterator_next(it->input, run, *elements + (size_t)*count * width, &end, err);
        *count += !code && !end;
    }
    return code;
}

/* The shape that component c of all elements has, or is filled up to. */
static enum code common_shape(const struct dataset *d, const struct tensor *elements, int64_t count,
                              int c, struct shape *shape, struct error *err)
{
    const struct tensor *wanted = d->numbers[NUMBER_PADDED] ? &d->tensors[c] : NULL;
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    *shape = elements[c].shape;
    if (wanted && tensor_elements(wanted) != shape->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "All elements in a batch must have the same rank as the padded shape for "
                         "component%d: expected rank %lld but got element with rank %d",
                         c, (long long)tensor_elements(wanted), shape->rank);
    for (int64_t i = 1; i < count; i++) {
        const struct shape *other = &elements[i * d->component_count + c].shape;
        if (other->rank != shape->rank || (!wanted && !shape_equal(other, shape)))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Cannot batch tensors with different shapes in component %d. First "
                             "element had shape %s and element %lld had shape %s.",
                             c, shape_text(&elements[c].shape, x), (long long)i,
                             shape_text(other, y));
        for (int k = 0; k < shape->rank; k++)
            shape->dims[k] = other->dims[k] > shape->dims[k] ? other->dims[k] : shape->dims[k];
    }
    for (int k = 0; wanted && k < shape->rank; k++) {
        int64_t size = TENSOR_AT(wanted, int64_t)[k];
        if (size >= 0 && size < shape->dims[k])
            return error_set(err, CODE_DATA_LOSS,
                             "Attempted to pad to a smaller size than the input element.");
        shape->dims[k] = size >= 0 ? size : shape->dims[k];
    }
    return CODE_OK;
}

static void fill(struct tensor *out, const struct tensor *value)
{
    size_t size = dtype_size(out->dtype), bytes = tensor_bytes(out);
    for (size_t at = 0; at < bytes; at += size)
        memcpy((char *)out->data + at, value->data, size);
}

/* Copies an element into its corner of row `row`, line by line. */
static void place(struct tensor *out, int64_t row, const struct tensor *element)
{
    size_t size = dtype_size(out->dtype);
    int rank = element->shape.rank;
    int64_t line = rank ? element->shape.dims[rank - 1] : 1;
    int64_t lines = line ? tensor_elements(element) / line : 0;
    for (int64_t i = 0; i < lines; i++) {
        int64_t rest = i, to = 0, stride = rank ? out->shape.dims[rank] : 1;
        for (int k = rank - 2; k >= 0; k--) {
            to += rest % element->shape.dims[k] * stride;
            rest /= element->shape.dims[k];
            stride *= out->shape.dims[k + 1];
        }
        to += row * stride;
        memcpy((char *)out->data + (size_t)to * size,
               (const char *)element->data + (size_t)(i * line) * size, (size_t)line * size);
    }
}

static enum code join(const struct dataset *d, const struct tensor *elements, int64_t count, int c,
                      struct arena *arena, struct tensor *out, struct error *err)
{
    struct shape shape, batch;
    enum code code = common_shape(d, elements, count, c, &shape, err);
    if (code)
        return code;
    if (shape.rank == SHAPE_RANK_MAX || elements[c].dtype == DTYPE_VARIANT)
        return error_set(err, CODE_UNIMPLEMENTED, "a batch of variants, or of rank %d",
                         shape.rank + 1);
    batch = (struct shape){shape.rank + 1, {count}};
    memcpy(batch.dims + 1, shape.dims, (size_t)shape.rank * sizeof *shape.dims);
    int64_t total;
    if (!shape_elements_checked(&batch, &total))
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a batch");
    code = tensor_alloc(out, elements[c].dtype, &batch, arena, err);
    if (!code && d->numbers[NUMBER_PADDED])
        fill(out, &d->tensors[d->component_count + c]);
    for (int64_t i = 0; !code && i < count; i++)
        place(out, i, &elements[i * d->component_count + c]);
    return code;
}

static enum code batch_next(struct iterator *it, struct run *run, struct tensor *element, bool *end,
                            struct error *err)
{
    const struct dataset *d = it->dataset;
    struct tensor *elements = NULL;
    int64_t count;
    enum code code = gather(it, run, &elements, &count, err);
    if (code)
        return code;
    *end = !count || (d->numbers[NUMBER_DROP] && count < d->numbers[NUMBER_SIZE]);
    for (int c = 0; !*end && !code && c < d->component_count; c++)
        code = join(d, elements, count, c, run->arena, &element[c], err);
    return code;
}

static const struct dataset_kind batch_kind = {batch_next};

static enum code make_batch(struct op_call *call, int drop_input, const char *types,
                            struct dataset **dataset, struct error *err)
{
    int64_t size, drop;
    enum code code = dataset_number(call, 1, "batch_size", &size, err);
    if (!code && size <= 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "Batch size must be greater than zero.");
    if (!code)
        code = dataset_number(call, drop_input, "drop_remainder", &drop, err);
    if (!code)
        code = dataset_make(call, &batch_kind, 0, types, dataset, err);
    if (code)
        return code;
    (*dataset)->numbers[NUMBER_SIZE] = size;
    (*dataset)->numbers[NUMBER_DROP] = drop;
    if ((*dataset)->component_count == (*dataset)->input->component_count)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT, "output_types has %d types, elements have %d",
                     (*dataset)->component_count, (*dataset)->input->component_count);
}

/* input_dataset, batch_size [], drop_remainder [] -> handle. */
static enum code batch_run(struct op_call *call, struct error *err)
{
    struct dataset *dataset;
    return make_batch(call, 2, "output_types", &dataset, err);
}

static enum code check_padding(const struct dataset *d, struct error *err)
{
    for (int c = 0; c < d->component_count; c++) {
        const struct tensor *shape = &d->tensors[c], *value = &d->tensors[d->component_count + c];
        if (shape->shape.rank != 1)
            return error_set(err, CODE_INVALID_ARGUMENT, "All padded shapes must be vectors");
        if (value->shape.rank != 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "All padding values must be scalars");
        if (value->dtype != d->types[c] || d->types[c] != d->input->types[c])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Mismatched type between padding value %d and input dataset's "
                             "component %d: %s vs. %s",
                             c, c, dtype_name(value->dtype), dtype_name(d->input->types[c]));
    }
    return CODE_OK;
}

/* input_dataset, batch_size [], padded_shapes..., padding_values..., drop_remainder [] -> handle.
 */
static enum code padded_run(struct op_call *call, struct error *err)
{
    struct dataset *dataset;
    int shapes, values;
    int first = op_call_input(call, "padded_shapes", &shapes);
    op_call_input(call, "padding_values", &values);
    enum code code = make_batch(call, call->in_count - 1, "Toutput_types", &dataset, err);
    if (code)
        return code;
    if (shapes != dataset->component_count || values != dataset->component_count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Number of padded shapes (%d) must match the number of components in the "
                         "input dataset's elements (%d)",
                         shapes, dataset->component_count);
    dataset->numbers[NUMBER_PADDED] = 1;
    code = dataset_keep(dataset, call, first, shapes + values, err);
    return code ? code : check_padding(dataset, err);
}

/* dataset -> components...: of its only element. */
static enum code single_run(struct op_call *call, struct error *err)
{
    const struct dataset *dataset;
    bool end;
    enum code code = dataset_of(call, 0, &dataset, err);
    if (code)
        return code;
    if (dataset->component_count != call->out_count)
        return error_set(err, CODE_INVALID_ARGUMENT, "the element has %d components, not %d",
                         dataset->component_count, call->out_count);
    struct iterator *it = iterator_new(dataset, call->arena);
    struct tensor *element =
        ARENA_ARRAY(call->arena, struct tensor, 2 * (size_t)call->out_count + 1);
    code = iterator_next(it, call->run, element, &end, err);
    if (!code && end)
        return error_set(err, CODE_INVALID_ARGUMENT, "Dataset was empty.");
    if (!code)
        code = iterator_next(it, call->run, element + call->out_count, &end, err);
    if (!code && !end)
        return error_set(err, CODE_INVALID_ARGUMENT, "Dataset had more than one element.");
    for (int i = 0; !code && i < call->out_count; i++) {
        if (element[i].dtype != call->out[i]->dtype)
            return error_set(err, CODE_INVALID_ARGUMENT, "component %d is %s, %s is expected", i,
                             dtype_name(element[i].dtype), dtype_name(call->out[i]->dtype));
        *call->out[i] = element[i];
        call->out[i]->buffer = NULL;
    }
    return code;
}

const struct op op_BatchDatasetV2 = {
    .name = "BatchDatasetV2",
    .inputs = "input_dataset:variant batch_size:int64 drop_remainder:bool",
    .outputs = "handle:variant",
    .attrs = "parallel_copy:bool=false output_types:list(type) output_shapes:list(shape) "
             "metadata:string=''",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = batch_run,
};

const struct op op_PaddedBatchDatasetV2 = {
    .name = "PaddedBatchDatasetV2",
    .inputs = "input_dataset:variant batch_size:int64 padded_shapes:N*int64 "
              "padding_values:Toutput_types drop_remainder:bool",
    .outputs = "handle:variant",
    .attrs = "parallel_copy:bool=false Toutput_types:list(type) output_shapes:list(shape) N:int "
             "metadata:string=''",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = padded_run,
};

const struct op op_DatasetToSingleElement = {
    .name = "DatasetToSingleElement",
    .inputs = "dataset:variant",
    .outputs = "components:output_types",
    .attrs = "output_types:list(type) output_shapes:list(shape) metadata:string=''",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = single_run,
};
