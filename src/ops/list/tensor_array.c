/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TensorArrayV3 and its ops upon single elements. TensorFlow numbers all arrays of a process and
 * puts the number behind the name in messages; here it is always 0.
 */
#include "ops/list/tensor_array.h"

#include "base/check.h"
#include "ops/handle.h"
#include "ops/list/list.h"

static void nothing_to_free(struct resource *resource)
{
    (void)resource;
}

static const struct resource_ops tensor_array_ops = {.kind = "array", .free = nothing_to_free};

/* ---- making and finding ---- */

static enum code bad_array(const struct tensor_array *array, struct error *err, const char *what)
{
    return error_set(err, CODE_INVALID_ARGUMENT, "TensorArray %.*s%s",
                     SPAN_ARG(array->resource.name), what);
}

static enum code no_memory(int64_t size, struct error *err)
{
    return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a TensorArray of %lld elements",
                     (long long)size);
}

/* Room for `size` elements, at least doubled. */
static enum code reserve(struct tensor_array *array, int64_t size, struct error *err)
{
    if (size <= array->room)
        return CODE_OK;
    int64_t room = size < 2 * array->room ? 2 * array->room : size;
    size_t each = sizeof *array->elements;
    void *elements =
        size > LIST_LENGTH_MAX ? NULL : arena_try_calloc(array->arena, (size_t)room, each);
    if (!elements)
        return no_memory(size, err);
    if (array->size)
        memcpy(elements, array->elements, (size_t)array->size * each);
    array->elements = elements;
    array->room = room;
    return CODE_OK;
}

static struct span array_name(const struct op_call *call, struct arena *arena)
{
    struct span name = op_attr_string(call, "tensor_array_name");
    if (!name.len)
        name = call->node->name;
    return span_of(arena_printf(arena, "%.*s_0", SPAN_ARG(name)));
}

static enum code give_handle(struct op_call *call, struct tensor_array *array, struct error *err)
{
    struct shape scalar = shape_scalar();
    enum code code = op_call_alloc(call, 0, &scalar, err);
    if (!code)
        code = op_call_alloc(call, 1, &scalar, err);
    if (code)
        return code;
    *TENSOR_AT(call->out[0], struct resource *) = &array->resource;
    *TENSOR_AT(call->out[1], float) = 0;
    return CODE_OK;
}

/* size [] -> handle, flow. */
static enum code make_run(struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    const struct tensor *size = call->in[0];
    if (size->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "TensorArray size must be scalar, but had shape: %s",
                         shape_text(&size->shape, text));
    if (*TENSOR_AT(size, int32_t) < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "Size should be >= 0.");
    struct arena *arena = run_request_arena(call->run);
    struct tensor_array *array = ARENA_NEW(arena, struct tensor_array);
    array->resource.ops = &tensor_array_ops;
    array->resource.name = array_name(call, arena);
    array->arena = arena;
    array->dtype = op_attr_type(call, "dtype");
    array->element_shape = op_attr_shape(call, "element_shape");
    array->dynamic_size = op_attr_bool(call, "dynamic_size");
    array->clear_after_read = op_attr_bool(call, "clear_after_read");
    array->identical_element_shapes = op_attr_bool(call, "identical_element_shapes");
    enum code code = reserve(array, *TENSOR_AT(size, int32_t), err);
    array->size = *TENSOR_AT(size, int32_t);
    return code ? code : give_handle(call, array, err);
}

enum code tensor_array_of(const struct op_call *call, struct tensor_array **array,
                          struct error *err)
{
    *array = (struct tensor_array *)handle_resource(call->in[0], &tensor_array_ops);
    if (!*array)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input handle is not that of a TensorArray");
    return (*array)->closed ? bad_array(*array, err, " has already been closed.") : CODE_OK;
}

enum code tensor_array_to_read(const struct op_call *call, enum dtype dtype,
                               struct tensor_array **array, struct error *err)
{
    enum code code = tensor_array_of(call, array, err);
    if (code || (*array)->dtype == dtype)
        return code;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "TensorArray dtype is %s but Op requested dtype %s.",
                     dtype_name((*array)->dtype), dtype_name(dtype));
}

enum code tensor_array_to_write(const struct op_call *call, enum dtype dtype,
                                struct tensor_array **array, struct error *err)
{
    enum code code = tensor_array_of(call, array, err);
    if (code || (*array)->dtype == dtype)
        return code;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "TensorArray dtype is %s but Op is trying to write dtype %s.",
                     dtype_name((*array)->dtype), dtype_name(dtype));
}

/* ---- elements ---- */

static enum code zeros(struct tensor_array *array, struct tensor *value, struct error *err)
{
    enum code code = tensor_alloc(value, array->dtype, &array->element_shape, array->arena, err);
    if (!code)
        memset(value->data, 0, tensor_bytes(value));
    return code;
}

static enum code unwritten(const struct tensor_array *array, int64_t i, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    return error_set(
        err, CODE_INVALID_ARGUMENT,
        "TensorArray %.*s: Could not read from TensorArray index %lld.  Furthermore, the element "
        "shape is not fully defined: %s.  It is possible you are working with a resizeable "
        "TensorArray and stop_gradients is not allowing the gradients to be written.  If you set "
        "the full element_shape property on the forward TensorArray, the proper all-zeros tensor "
        "will be returned instead of incurring this error.",
        SPAN_ARG(array->resource.name), (long long)i, shape_text(&array->element_shape, text));
}

enum code tensor_array_read(struct tensor_array *array, int64_t i, struct tensor *value,
                            struct error *err)
{
    if (i < 0 || i >= array->size)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Tried to read from index %lld but array size is: %lld", (long long)i,
                         (long long)array->size);
    struct tensor_array_element *element = &array->elements[i];
    if (element->cleared)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "TensorArray %.*s: Could not read index %lld twice because it was cleared "
                         "after a previous read (perhaps try setting clear_after_read = false?).",
                         SPAN_ARG(array->resource.name), (long long)i);
    enum code code = CODE_OK;
    if (!element->written)
        code = shape_is_known(&array->element_shape) ? zeros(array, &element->value, err)
                                                     : unwritten(array, i, err);
    if (code)
        return code;
    element->read = true;
    element->cleared = array->clear_after_read;
    *value = element->value;
    return CODE_OK;
}

static enum code other_shape(const struct tensor_array *array, int64_t i, const struct shape *shape,
                             struct error *err)
{
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    return error_set(
        err, CODE_INVALID_ARGUMENT,
        "TensorArray %.*s: Could not write to TensorArray index %lld because the value "
        "shape is %s which is incompatible with the TensorArray's inferred element "
        "shape: %s (consider setting infer_shape=False).",
        SPAN_ARG(array->resource.name), (long long)i, shape_text(shape, x),
        shape_text(&array->element_shape, y));
}

static enum code make_room(struct tensor_array *array, int64_t i, struct error *err)
{
    if (i < 0 || (i >= array->size && !array->dynamic_size))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "TensorArray %.*s: Tried to write to index %lld but array is not "
                         "resizeable and size is: %lld",
                         SPAN_ARG(array->resource.name), (long long)i, (long long)array->size);
    enum code code = reserve(array, i + 1, err);
    if (!code && i >= array->size)
        array->size = i + 1;
    return code;
}

enum code tensor_array_write(struct tensor_array *array, int64_t i, const struct tensor *value,
                             struct error *err)
{
    enum code code = make_room(array, i, err);
    if (code)
        return code;
    if (!shape_matches(&array->element_shape, &value->shape))
        return other_shape(array, i, &value->shape, err);
    struct tensor_array_element *element = &array->elements[i];
    if (element->read || element->written)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "TensorArray %.*s: Could not write to TensorArray index %lld because it "
                         "has already been %s.",
                         SPAN_ARG(array->resource.name), (long long)i,
                         element->read ? "read" : "written to");
    if (array->identical_element_shapes)
        array->element_shape = value->shape;
    element->value = *value;
    element->written = true;
    return CODE_OK;
}

enum code tensor_array_keep(struct tensor_array *array, const struct tensor *value,
                            struct tensor *kept, struct error *err)
{
    return tensor_copy(value, array->arena, kept, err);
}

enum code tensor_array_flow(struct op_call *call, int i, struct error *err)
{
    (void)err;
    *call->out[0] = *call->in[i];
    return CODE_OK;
}

/* ---- the ops ---- */

static enum code index_of(const struct op_call *call, int64_t *index, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (call->in[1]->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "TensorArray index must be scalar, but had shape: %s",
                         shape_text(&call->in[1]->shape, text));
    *index = *TENSOR_AT(call->in[1], int32_t);
    return CODE_OK;
}

/* handle, index [], value, flow_in -> flow_out. */
static enum code write_run(struct op_call *call, struct error *err)
{
    struct tensor_array *array;
    struct tensor kept;
    int64_t index;
    enum code code = index_of(call, &index, err);
    if (!code)
        code = tensor_array_to_write(call, call->in[2]->dtype, &array, err);
    if (!code)
        code = tensor_array_keep(array, call->in[2], &kept, err);
    if (!code)
        code = tensor_array_write(array, index, &kept, err);
    return code ? code : tensor_array_flow(call, 3, err);
}

/* handle, index [], flow_in -> value. */
static enum code read_run(struct op_call *call, struct error *err)
{
    struct tensor_array *array;
    int64_t index;
    enum code code = index_of(call, &index, err);
    if (!code)
        code = tensor_array_to_read(call, call->out[0]->dtype, &array, err);
    return code ? code : tensor_array_read(array, index, call->out[0], err);
}

/* handle, flow_in -> size []. */
static enum code size_run(struct op_call *call, struct error *err)
{
    struct tensor_array *array;
    struct shape scalar = shape_scalar();
    enum code code = tensor_array_of(call, &array, err);
    if (!code)
        code = op_call_alloc(call, 0, &scalar, err);
    if (!code)
        *TENSOR_AT(call->out[0], int32_t) = (int32_t)array->size;
    return code;
}

/* handle -> nothing. */
static enum code close_run(struct op_call *call, struct error *err)
{
    struct tensor_array *array;
    enum code code = tensor_array_of(call, &array, err);
    if (!code)
        array->closed = true;
    return code;
}

const struct op op_TensorArrayV3 = {
    .name = "TensorArrayV3",
    .inputs = "size:int32",
    .outputs = "handle:resource flow:float",
    .attrs = "dtype:type element_shape:shape=? dynamic_size:bool=false clear_after_read:bool=true "
             "identical_element_shapes:bool=false tensor_array_name:string=''",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = make_run,
};

const struct op op_TensorArrayWriteV3 = {
    .name = "TensorArrayWriteV3",
    .inputs = "handle:resource index:int32 value:T flow_in:float",
    .outputs = "flow_out:float",
    .attrs = "T:type",
    .flags = OP_STATEFUL | OP_DYNAMIC | OP_CHANGES_RUN | OP_HANDS_ON,
    .run = write_run,
};

const struct op op_TensorArrayReadV3 = {
    .name = "TensorArrayReadV3",
    .inputs = "handle:resource index:int32 flow_in:float",
    .outputs = "value:dtype",
    .attrs = "dtype:type",
    .flags = OP_STATEFUL | OP_DYNAMIC | OP_CHANGES_RUN,
    .run = read_run,
};

const struct op op_TensorArraySizeV3 = {
    .name = "TensorArraySizeV3",
    .inputs = "handle:resource flow_in:float",
    .outputs = "size:int32",
    .attrs = "",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = size_run,
};

const struct op op_TensorArrayCloseV3 = {
    .name = "TensorArrayCloseV3",
    .inputs = "handle:resource",
    .outputs = "",
    .attrs = "",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .run = close_run,
};
