/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datasets upon datasets: functions of the elements, some of them only, and those that change
 * nothing but how TensorFlow's threads work.
 */
#include "engine/region.h"
#include "ops/dataset/dataset.h"

/* ---- map ---- */

static enum code mapped_next(struct iterator *it, struct run *run, struct tensor *element,
                             bool *end, struct error *err)
{
    const struct dataset *d = it->dataset;
    int given = d->input->component_count;
    struct tensor *in = ARENA_ARRAY(run->arena, struct tensor, (size_t)(given + d->tensor_count));
    struct plan *plan = d->node->regions[0].plan;
    enum code code = iterator_next(it->input, run, in, end, err);
    if (code || *end)
        return code;
    if (plan_feed_count(plan) != given + d->tensor_count ||
        plan_fetch_count(plan) != d->component_count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "the function takes %d tensors and gives %d; the elements have %d and are "
                         "to have %d",
                         plan_feed_count(plan), plan_fetch_count(plan), given + d->tensor_count,
                         d->component_count);
    memcpy(in + given, d->tensors, (size_t)d->tensor_count * sizeof *in);
    code = plan_run(plan, in, run, element, err);
    if (code)
        return iterator_error(it, err);
    for (int i = 0; !code && i < d->component_count; i++) {
        if (element[i].dtype != d->types[i])
            return error_set(err, CODE_INVALID_ARGUMENT, "component %d is %s, %s is expected", i,
                             dtype_name(element[i].dtype), dtype_name(d->types[i]));
    }
    return code;
}

static const struct dataset_kind map_kind = {mapped_next};

/* input_dataset, other_arguments... -> handle. The function's arguments are an element's components
 * and the others. */
static enum code map_run(struct op_call *call, struct error *err)
{
    struct dataset *dataset;
    int count;
    int first = op_call_input(call, "other_arguments", &count);
    enum code code = dataset_make(call, &map_kind, 0, "output_types", &dataset, err);
    return code ? code : dataset_keep(dataset, call, first, count, err);
}

/* ---- some of the elements ---- */

/* numbers: how many are left out, how many are given (-1: all). */
static enum code part_next(struct iterator *it, struct run *run, struct tensor *element, bool *end,
                           struct error *err)
{
    const struct dataset *d = it->dataset;
    enum code code = CODE_OK;
    while (!code && !*end && it->position < d->numbers[0]) {
        it->position++;
        code = iterator_next(it->input, run, element, end, err);
    }
    if (code || *end)
        return code;
    *end = d->numbers[1] >= 0 && it->position - d->numbers[0] >= d->numbers[1];
    it->position++;
    return *end ? CODE_OK : iterator_next(it->input, run, element, end, err);
}

static const struct dataset_kind part_kind = {part_next};

static enum code make_part(struct op_call *call, int64_t skipped, int64_t taken, struct error *err)
{
    struct dataset *dataset;
    enum code code = dataset_make(call, &part_kind, 0, "output_types", &dataset, err);
    if (code)
        return code;
    if (dataset->component_count != dataset->input->component_count)
        return error_set(err, CODE_INVALID_ARGUMENT, "output_types has %d types, elements have %d",
                         dataset->component_count, dataset->input->component_count);
    dataset->numbers[0] = skipped;
    dataset->numbers[1] = taken;
    return CODE_OK;
}

/* input_dataset, count [] -> handle: the first ones; all for a negative count. */
static enum code take_run(struct op_call *call, struct error *err)
{
    int64_t count;
    enum code code = dataset_number(call, 1, "count", &count, err);
    return code ? code : make_part(call, 0, count < 0 ? -1 : count, err);
}

/* input_dataset, count [] -> handle: all but the first ones; none for a negative count. */
static enum code skip_run(struct op_call *call, struct error *err)
{
    int64_t count;
    enum code code = dataset_number(call, 1, "count", &count, err);
    return code ? code : make_part(call, count < 0 ? 0 : count, count < 0 ? 0 : -1, err);
}

/* input_dataset... -> handle: the same. */
static enum code same_run(struct op_call *call, struct error *err)
{
    return make_part(call, 0, -1, err);
}

#define TYPES_AND_SHAPES "output_types:list(type) output_shapes:list(shape) "

const struct op op_MapDataset = {
    .name = "MapDataset",
    .inputs = "input_dataset:variant other_arguments:Targuments",
    .outputs = "handle:variant",
    .attrs = "f:func Targuments:list(type) " TYPES_AND_SHAPES
             "use_inter_op_parallelism:bool=true preserve_cardinality:bool=false "
             "force_synchronous:bool=false metadata:string=''",
    .flags = OP_STATEFUL | OP_DYNAMIC | OP_CALLS | OP_MAPS,
    .run = map_run,
};

const struct op op_ParallelMapDatasetV2 = {
    .name = "ParallelMapDatasetV2",
    .inputs = "input_dataset:variant other_arguments:Targuments num_parallel_calls:int64",
    .outputs = "handle:variant",
    .attrs = "f:func Targuments:list(type) " TYPES_AND_SHAPES
             "use_inter_op_parallelism:bool=true deterministic:string='default' "
             "preserve_cardinality:bool=false use_unbounded_threadpool:bool=false "
             "metadata:string=''",
    .flags = OP_STATEFUL | OP_DYNAMIC | OP_CALLS | OP_MAPS,
    .run = map_run,
};

const struct op op_TakeDataset = {
    .name = "TakeDataset",
    .inputs = "input_dataset:variant count:int64",
    .outputs = "handle:variant",
    .attrs = TYPES_AND_SHAPES "metadata:string=''",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = take_run,
};

const struct op op_SkipDataset = {
    .name = "SkipDataset",
    .inputs = "input_dataset:variant count:int64",
    .outputs = "handle:variant",
    .attrs = TYPES_AND_SHAPES "metadata:string=''",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = skip_run,
};

const struct op op_PrefetchDataset = {
    .name = "PrefetchDataset",
    .inputs = "input_dataset:variant buffer_size:int64",
    .outputs = "handle:variant",
    .attrs = TYPES_AND_SHAPES "slack_period:int=0 legacy_autotune:bool=true buffer_size_min:int=0 "
                              "metadata:string=''",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = same_run,
};

const struct op op_OptionsDataset = {
    .name = "OptionsDataset",
    .inputs = "input_dataset:variant",
    .outputs = "handle:variant",
    .attrs = "serialized_options:string " TYPES_AND_SHAPES "metadata:string=''",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = same_run,
};
