/* SPDX-License-Identifier: Apache-2.0 */
/* What kernels ask of their call: attributes, arguments, memory. Looked up by name: in shape() and
 * prepare() only. */
#include "engine/op.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "engine/op_def.h"
#include "engine/op_library.h"
#include "engine/run.h"
#include "wire/messages.h"

static const struct pb_attr_value *find(const struct op_call *call, const char *name,
                                        enum attr_case kind)
{
    const struct pb_attr_value *value = op_def_attr(call->node->def, call->node, span_of(name));
    return value && value->value_case == (uint32_t)kind ? value : NULL;
}

int64_t op_attr_int(const struct op_call *call, const char *name)
{
    const struct pb_attr_value *value = find(call, name, ATTR_CASE_INT);
    return value ? value->i : 0;
}

float op_attr_float(const struct op_call *call, const char *name)
{
    const struct pb_attr_value *value = find(call, name, ATTR_CASE_FLOAT);
    return value ? value->f : 0;
}

bool op_attr_bool(const struct op_call *call, const char *name)
{
    const struct pb_attr_value *value = find(call, name, ATTR_CASE_BOOL);
    return value && value->b;
}

struct span op_attr_string(const struct op_call *call, const char *name)
{
    const struct pb_attr_value *value = find(call, name, ATTR_CASE_STRING);
    return value ? value->s : (struct span){0};
}

enum dtype op_attr_type(const struct op_call *call, const char *name)
{
    const struct pb_attr_value *value = find(call, name, ATTR_CASE_TYPE);
    return value ? dtype_from_number(value->type) : DTYPE_INVALID;
}

struct shape op_attr_shape(const struct op_call *call, const char *name)
{
    const struct pb_attr_value *value = find(call, name, ATTR_CASE_SHAPE);
    struct shape shape;
    if (!value || shape_from_proto(value->shape, &shape, NULL))
        return shape_unknown();
    return shape;
}

static const struct pb_attr_value_list_value *find_list(const struct op_call *call,
                                                        const char *name)
{
    const struct pb_attr_value *value = find(call, name, ATTR_CASE_LIST);
    return value ? value->list : NULL;
}

size_t op_attr_ints(const struct op_call *call, const char *name, const int64_t **values)
{
    const struct pb_attr_value_list_value *list = find_list(call, name);
    size_t count = list ? list->i.count : 0;
    int64_t *copy = ARENA_ARRAY(call->arena, int64_t, count);
    for (size_t i = 0; i < count; i++)
        copy[i] = pb_get_int64(list->i, i);
    *values = copy;
    return count;
}

size_t op_attr_floats(const struct op_call *call, const char *name, const float **values)
{
    const struct pb_attr_value_list_value *list = find_list(call, name);
    size_t count = list ? list->f.count : 0;
    float *copy = ARENA_ARRAY(call->arena, float, count);
    for (size_t i = 0; i < count; i++)
        copy[i] = pb_get_float(list->f, i);
    *values = copy;
    return count;
}

size_t op_attr_strings(const struct op_call *call, const char *name, const struct span **values)
{
    const struct pb_attr_value_list_value *list = find_list(call, name);
    *values = list ? list->s.items : NULL;
    return list ? list->s.count : 0;
}

size_t op_attr_types(const struct op_call *call, const char *name, const enum dtype **values)
{
    const struct pb_attr_value_list_value *list = find_list(call, name);
    size_t count = list ? list->type.count : 0;
    enum dtype *copy = ARENA_ARRAY(call->arena, enum dtype, count);
    for (size_t i = 0; i < count; i++)
        copy[i] = dtype_from_number(pb_get_int32(list->type, i));
    *values = copy;
    return count;
}

size_t op_attr_shapes(const struct op_call *call, const char *name, const struct shape **values)
{
    const struct pb_attr_value_list_value *list = find_list(call, name);
    size_t count = list ? list->shape.count : 0;
    struct shape *copy = ARENA_ARRAY(call->arena, struct shape, count);
    for (size_t i = 0; i < count; i++) {
        if (shape_from_proto(&list->shape.items[i], &copy[i], NULL))
            copy[i] = shape_unknown();
    }
    *values = copy;
    return count;
}

static int find_arg(const struct op_call *call, const struct op_arg *args, int arg_count,
                    const char *name, int *count)
{
    int at = 0;
    for (int i = 0; i < arg_count; i++) {
        op_def_arg_count(call->node->def, call->node, &args[i], count, NULL);
        if (span_is(args[i].name, name))
            return at;
        at += *count;
    }
    check_failed(__FILE__, __LINE__, "argument of an op");
}

int op_call_input(const struct op_call *call, const char *name, int *count)
{
    const struct op_def *def = call->node->def;
    return find_arg(call, def->inputs, def->input_count, name, count);
}

int op_call_output(const struct op_call *call, const char *name, int *count)
{
    const struct op_def *def = call->node->def;
    return find_arg(call, def->outputs, def->output_count, name, count);
}

enum code op_call_alloc(struct op_call *call, int i, const struct shape *shape, struct error *err)
{
    call->out[i]->buffer = NULL;
    return tensor_alloc(call->out[i], call->out[i]->dtype, shape, call->arena, err);
}

static int compare_names(const void *key, const void *element)
{
    const struct op *const *op = element;
    return span_compare(*(const struct span *)key, span_of((*op)->name));
}

const struct op *op_find(struct span name)
{
    const struct op *const *op =
        bsearch(&name, op_table, op_table_size, sizeof *op_table, compare_names);
    return op ? *op : op_library_find(name);
}

enum code run_check(const struct run *run, struct error *err)
{
    if (run->cancelled && atomic_load_explicit(run->cancelled, memory_order_relaxed))
        return error_set(err, CODE_CANCELLED, "the request was cancelled");
    if (run->deadline_us != INT64_MAX && clock_now_us() > run->deadline_us)
        return error_set(err, CODE_DEADLINE_EXCEEDED, "Timed out waiting for notification");
    return CODE_OK;
}
