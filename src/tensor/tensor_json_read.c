/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's "instances" or "inputs" become tensors. The dtype is the signature's; the shape is
 * read off the first element of each level, and then every list must have the size of its level.
 * Values are appended to a builder, one per input: rows append one after the other, and a key that
 * a row has twice appends twice, as in the original, whose tensor then ignores the surplus.
 *
 * Innermost lists, where the time goes, are converted by a tight loop per dtype that stops at the
 * first value that does not fit. Recursion goes as deep as the shape has dimensions, at most
 * SHAPE_RANK_MAX.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/kernel.h"
#include "tensor/tensor_json.h"
#include "wire/base64.h"

struct fill;

/* Converts values from `v` on to `out` until `end` or the first that does not fit, which is
 * returned. */
typedef const struct json_value *run_fn(struct fill *fill, const struct json_value *v,
                                        const struct json_value *end);

struct builder {
    const struct tensor_json_input *input;
    struct shape item; /* of the first item */
    size_t item_values;
    bool has_item;
    char *data; /* in the arena */
    size_t count;
    size_t room;
};

/* One item on its way into a builder. */
struct fill {
    struct tensor_json_found *found;
    struct builder *builder;
    run_fn *run;
    struct shape shape;
    struct arena *arena;
    struct error *err;
    enum code code; /* of a run that stopped for more than a wrong type */
};

/* The error that follows is about `v`, which was to be a value of `wanted`, or NULL. */
static void blame(struct tensor_json_found *found, const struct json_value *v,
                  const struct tensor_json_input *wanted)
{
    found->fault = v;
    found->wanted = wanted;
}

static enum code with_dump(const struct json_value *v, const char *text, struct arena *arena,
                           struct error *err)
{
    struct span dump = json_dump(v, arena);
    return error_set(err, CODE_INVALID_ARGUMENT, "JSON Value: %.*s %s", SPAN_ARG(dump), text);
}

/* ---- values ---- */

#define RUN(name, type, fits, value)                                                               \
    static const struct json_value *run_##name(struct fill *fill, const struct json_value *v,      \
                                               const struct json_value *end)                       \
    {                                                                                              \
        type *out = (type *)(void *)fill->builder->data + fill->builder->count;                    \
        const struct json_value *first = v;                                                        \
        for (; v < end && (fits); v++) {                                                           \
            prefetch_ahead(v);                                                                     \
            *out++ = (type)(value);                                                                \
        }                                                                                          \
        fill->builder->count += (size_t)(v - first);                                               \
        return v;                                                                                  \
    }

/* A number beyond the float range becomes an infinity: so does the original's cast. */
RUN(float, float, v->type == JSON_NUMBER || v->type == JSON_INT || v->type == JSON_UINT,
    v->type == JSON_NUMBER ? v->real : json_real(v))
RUN(double, double, v->type == JSON_NUMBER || v->type == JSON_INT || v->type == JSON_UINT,
    v->type == JSON_NUMBER ? v->real : json_real(v))
/* Small integers are only checked to be int32: the rest of the bits is dropped, as in the original.
 */
RUN(int32, int32_t, v->type == JSON_INT && v->integer == (int32_t)v->integer, v->integer)
RUN(int16, int16_t, v->type == JSON_INT && v->integer == (int32_t)v->integer, v->integer)
RUN(int8, int8_t, v->type == JSON_INT && v->integer == (int32_t)v->integer, v->integer)
RUN(int64, int64_t, v->type == JSON_INT, v->integer)
RUN(uint32, uint32_t, v->type == JSON_INT && v->integer == (uint32_t)v->integer, v->integer)
RUN(uint64, uint64_t, v->type == JSON_UINT || (v->type == JSON_INT && v->integer >= 0),
    v->unsigned_integer)
RUN(bool, uint8_t, v->type == JSON_TRUE || v->type == JSON_FALSE, v->type == JSON_TRUE)

/* Is it an object with the one member "b64", a string? */
static bool is_base64(const struct json_value *v)
{
    return v->type == JSON_OBJECT && v->count == 1 && span_is(json_string(json_first(v)), "b64") &&
           json_next(json_first(v))->type == JSON_STRING;
}

static enum code decode_base64(struct fill *fill, const struct json_value *v, struct span *bytes)
{
    if (!is_base64(v))
        return with_dump(v, "not formatted correctly for base64 data", fill->arena, fill->err);
    if (!base64_decode(json_string(json_next(json_first(v))), fill->arena, bytes))
        return error_set(fill->err, CODE_INVALID_ARGUMENT, "Unable to base64 decode");
    return CODE_OK;
}

static const struct json_value *run_string(struct fill *fill, const struct json_value *v,
                                           const struct json_value *end)
{
    struct span *out = (struct span *)(void *)fill->builder->data;
    for (; v < end; v = json_next(v)) {
        struct span *at = &out[fill->builder->count];
        if (v->type == JSON_OBJECT)
            fill->code = decode_base64(fill, v, at);
        else if (v->type == JSON_STRING)
            *at = json_string(v);
        else
            break;
        if (fill->code)
            break;
        fill->builder->count++;
    }
    return v;
}

static run_fn *const runs[DTYPE_COUNT] = {
    [DTYPE_FLOAT] = run_float,   [DTYPE_DOUBLE] = run_double, [DTYPE_INT32] = run_int32,
    [DTYPE_INT16] = run_int16,   [DTYPE_INT8] = run_int8,     [DTYPE_UINT8] = run_int8,
    [DTYPE_INT64] = run_int64,   [DTYPE_BOOL] = run_bool,     [DTYPE_UINT32] = run_uint32,
    [DTYPE_UINT64] = run_uint64, [DTYPE_STRING] = run_string,
};

/* Says why the run stopped at `v`, which is no list. */
static enum code bad_value(struct fill *fill, const struct json_value *v)
{
    blame(fill->found, v, fill->builder->input);
    if (fill->code)
        return fill->code;
    enum dtype dtype = fill->builder->input->dtype;
    struct span dump = json_dump(v, fill->arena);
    if (!fill->run)
        return error_set(fill->err, CODE_UNIMPLEMENTED,
                         "Conversion of JSON Value: %.*s to type: %s", SPAN_ARG(dump),
                         dtype_name(dtype));
    return error_set(fill->err, CODE_INVALID_ARGUMENT,
                     "JSON Value: %.*s Type: %s is not of expected type: %s", SPAN_ARG(dump),
                     json_type_name(v), dtype_name(dtype));
}

/* ---- items ---- */

static enum code read_shape(const struct json_value *v, struct shape *shape, struct error *err)
{
    *shape = shape_scalar();
    for (; v->type == JSON_ARRAY; v = json_first(v)) {
        if (shape->rank == SHAPE_RANK_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Encountered list nested deeper than %d levels, the most supported",
                             SHAPE_RANK_MAX);
        shape->dims[shape->rank++] = (int64_t)v->count;
        if (v->count == 0)
            break;
    }
    return CODE_OK;
}

/* Room for `n` more values. They all stand on the tape, so that memory is in proportion to the
 * request. */
static enum code reserve(struct fill *fill, size_t n)
{
    struct builder *b = fill->builder;
    if (b->room - b->count >= n)
        return CODE_OK;
    size_t size = dtype_size(b->input->dtype), room = 2 * b->room;
    if (room < b->count + n)
        room = b->count + n;
    char *grown = arena_try_alloc(fill->arena, room * size, TENSOR_ALIGN);
    if (!grown)
        return error_set(fill->err, CODE_RESOURCE_EXHAUSTED, "No memory for %zu values", room);
    if (b->count)
        memcpy(grown, b->data, b->count * size);
    b->data = grown;
    b->room = room;
    return CODE_OK;
}

/* What stands where a value was expected, at `level`. */
static enum code refuse(struct fill *fill, const struct json_value *v, int level)
{
    blame(fill->found, v, fill->builder->input);
    if (v->type == JSON_ARRAY)
        return error_set(fill->err, CODE_INVALID_ARGUMENT,
                         "Encountered list at unexpected level: %d expected < %d", level,
                         fill->shape.rank);
    return bad_value(fill, v);
}

/* All values from `v` on to `end`, which must be leaves. */
static enum code fill_leaves(struct fill *fill, const struct json_value *v,
                             const struct json_value *end, size_t n)
{
    enum code code = reserve(fill, n);
    if (code)
        return code;
    if (fill->run && n)
        v = fill->run(fill, v, end);
    return v < end ? refuse(fill, v, fill->shape.rank) : CODE_OK;
}

static enum code fill_list(struct fill *fill, const struct json_value *v, int level)
{
    int rank = fill->shape.rank;
    blame(fill->found, v, fill->builder->input); /* until it is seen to be right */
    if (v->type != JSON_ARRAY) {
        struct span dump = json_dump(v, fill->arena);
        return error_set(fill->err, CODE_INVALID_ARGUMENT,
                         "JSON Value: %.*s found at incorrect level: %d in the JSON DOM. Expected "
                         "at level: %d",
                         SPAN_ARG(dump), level + 1, rank);
    }
    if ((int64_t)v->count != fill->shape.dims[level])
        return error_set(fill->err, CODE_INVALID_ARGUMENT,
                         "Encountered list at unexpected size: %zu at level: %d expected size: "
                         "%" PRId64,
                         v->count, level, fill->shape.dims[level]);
    if (level + 1 == rank)
        return fill_leaves(fill, json_first(v), json_end(v), v->count);
    const struct json_value *end = json_end(v);
    for (const struct json_value *m = json_first(v); m < end; m = json_next(m)) {
        enum code code = fill_list(fill, m, level + 1);
        if (code)
            return code;
    }
    return CODE_OK;
}

/* Appends the item; its shape is left in fill->shape. */
static enum code fill_item(struct fill *fill, const struct json_value *v)
{
    enum code code = read_shape(v, &fill->shape, fill->err);
    if (code)
        return code;
    if (fill->shape.rank == 0)
        return fill_leaves(fill, v, json_end(v), 1);
    return fill_list(fill, v, 0);
}

/* All of a request on its way. */
struct rows {
    struct tensor_json_found *found;
    struct builder *builders; /* one per input, in order of the inputs */
    size_t input_count;
    const struct json_value *root; /* the whole document: for messages */
    const struct json_value *list;
    struct arena *arena;
    struct error *err;
};

static void start_fill(struct fill *fill, struct rows *rows, struct builder *builder)
{
    *fill = (struct fill){
        .found = rows->found, .builder = builder, .arena = rows->arena, .err = rows->err};
    if (dtype_is_valid((int)builder->input->dtype))
        fill->run = runs[builder->input->dtype];
}

static enum code finish(const struct builder *b, const struct shape *shape, struct arena *arena,
                        struct named_tensor *out, struct error *err)
{
    *out = (struct named_tensor){
        .name = b->input->name,
        .tensor = {.dtype = b->input->dtype, .shape = *shape, .data = b->data}};
    if (b->data)
        return CODE_OK;
    if (!dtype_is_valid((int)b->input->dtype))
        return error_set(err, CODE_UNIMPLEMENTED, "Input %.*s has no type",
                         SPAN_ARG(b->input->name));
    return tensor_alloc(&out->tensor, b->input->dtype, shape, arena, err);
}

/* ---- "instances" ---- */

static bool is_named(const struct json_value *v)
{
    return v->type == JSON_OBJECT && !is_base64(v);
}

static struct builder *find_builder(struct rows *rows, struct span name)
{
    for (size_t i = 0; i < rows->input_count; i++)
        if (span_equal(rows->builders[i].input->name, name))
            return &rows->builders[i];
    return NULL;
}

/* Appends one row's item, which must look like the first one. */
static enum code add_item(struct rows *rows, struct builder *b, const struct json_value *v)
{
    char wanted[SHAPE_TEXT_SIZE], got[SHAPE_TEXT_SIZE];
    struct fill fill;
    start_fill(&fill, rows, b);
    size_t before = b->count;
    if (!b->has_item && fill.run) {
        /* All rows are likely to be as large as this one; never more than the tape has. */
        size_t guess = v->extent * rows->list->count;
        enum code code = reserve(&fill, guess < rows->list->extent ? guess : rows->list->extent);
        if (code)
            return code;
    }
    enum code code = fill_item(&fill, v);
    if (code)
        return code;
    blame(rows->found, v, b->input);
    size_t values = b->count - before;
    if (!b->has_item) {
        b->item_values = values;
        b->item = fill.shape;
        b->has_item = true;
    }
    if (values != b->item_values)
        return error_set(rows->err, CODE_INVALID_ARGUMENT,
                         "Expecting tensor size: %zu but got: %zu", b->item_values, values);
    if (!shape_equal(&b->item, &fill.shape))
        return error_set(rows->err, CODE_INVALID_ARGUMENT, "Expecting shape %s but got: %s",
                         shape_text(&b->item, wanted), shape_text(&fill.shape, got));
    return CODE_OK;
}

/* The original wraps what went wrong in a row as text, its code included. */
static enum code wrap_key(struct rows *rows, size_t row, struct span key)
{
    struct error *err = rows->err;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Failed to process element: %zu key: %.*s of 'instances' list. Error: %s: %s",
                     row, SPAN_ARG(key), code_name(err->code), err->message);
}

static enum code wrap(struct rows *rows, size_t row)
{
    struct error *err = rows->err;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Failed to process element: %zu of 'instances' list. Error: %s: %s", row,
                     code_name(err->code), err->message);
}

static int by_name(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    return span_compare(*x, *y);
}

static enum code wrong_keys(struct rows *rows, size_t row, const struct json_value *v)
{
    struct span dump = json_dump(v, rows->arena);
    struct span *names = ARENA_ARRAY(rows->arena, struct span, rows->input_count);
    for (size_t i = 0; i < rows->input_count; i++)
        names[i] = rows->builders[i].input->name;
    qsort(names, rows->input_count, sizeof *names, by_name);
    error_set(rows->err, CODE_INVALID_ARGUMENT,
              "Failed to process element: %zu of 'instances' list. JSON object: %.*s keys must be "
              "equal to: ",
              row, SPAN_ARG(dump));
    for (size_t i = 0; i < rows->input_count; i++)
        error_append(rows->err, "%s%.*s", i ? "," : "", SPAN_ARG(names[i]));
    return CODE_INVALID_ARGUMENT;
}

static enum code add_named_row(struct rows *rows, size_t row, const struct json_value *v)
{
    blame(rows->found, v, NULL);
    if (!is_named(v))
        return error_set(rows->err, CODE_INVALID_ARGUMENT,
                         "Expecting object but got list at item %zu of input list", row);
    const struct json_value *end = json_end(v);
    for (const struct json_value *key = json_first(v); key < end;) {
        struct span name = json_string(key);
        struct builder *b = find_builder(rows, name);
        const struct json_value *value = json_next(key);
        blame(rows->found, key, NULL);
        if (!b)
            error_set(rows->err, CODE_INVALID_ARGUMENT,
                      "JSON object: does not have named input: %.*s", SPAN_ARG(name));
        if (!b || add_item(rows, b, value))
            return wrap_key(rows, row, name);
        key = json_next(value);
    }
    blame(rows->found, v, NULL);
    for (size_t i = 0; i < rows->input_count; i++)
        if (!json_member(v, rows->builders[i].input->name))
            return wrong_keys(rows, row, v);
    return CODE_OK;
}

static enum code add_plain_row(struct rows *rows, size_t row, const struct json_value *v)
{
    blame(rows->found, v, NULL);
    if (is_named(v))
        return error_set(rows->err, CODE_INVALID_ARGUMENT,
                         "Expecting value/list but got object at item %zu of input list", row);
    if (add_item(rows, &rows->builders[0], v))
        return wrap(rows, row);
    return CODE_OK;
}

/* Takes rows that are single numbers like those before them, as many as stand at `v`, at once: the
 * first one has made room for all. Any other row, and one that does not fit, is left to
 * add_plain_row(). */
static size_t take_scalars(struct rows *rows, const struct json_value *v)
{
    struct builder *b = &rows->builders[0];
    struct fill fill;
    if (!b->has_item || b->item.rank > 0 || b->input->dtype == DTYPE_STRING)
        return 0;
    start_fill(&fill, rows, b);
    size_t before = b->count;
    fill.run(&fill, v, json_end(rows->list));
    return b->count - before;
}

/* Puts the number of rows before an item's dimensions. */
static enum code finish_rows(struct rows *rows)
{
    blame(rows->found, NULL, NULL);
    for (size_t i = 0; i < rows->input_count; i++) {
        const struct builder *b = &rows->builders[i];
        struct shape shape = {.rank = b->item.rank + 1, .dims = {(int64_t)rows->list->count}};
        if (shape.rank > SHAPE_RANK_MAX)
            return error_set(rows->err, CODE_INVALID_ARGUMENT,
                             "Input %.*s has %d dimensions; at most %d are supported",
                             SPAN_ARG(b->input->name), shape.rank, SHAPE_RANK_MAX);
        memcpy(shape.dims + 1, b->item.dims, (size_t)b->item.rank * sizeof *shape.dims);
        enum code code = finish(b, &shape, rows->arena, &rows->found->tensors[i], rows->err);
        if (code)
            return code;
    }
    return CODE_OK;
}

static enum code read_rows(struct rows *rows)
{
    const struct json_value *list = rows->list;
    blame(rows->found, list, NULL);
    if (list->type != JSON_ARRAY)
        return with_dump(rows->root, "Expecting 'instances' to be an list/array", rows->arena,
                         rows->err);
    if (list->count == 0)
        return with_dump(rows->root, "No values in 'instances' array", rows->arena, rows->err);
    bool named = is_named(json_first(list));
    if (!named && rows->input_count > 1)
        return error_set(rows->err, CODE_INVALID_ARGUMENT,
                         "instances is a plain list, but expecting list of objects as multiple "
                         "input tensors required as per tensorinfo_map");
    const struct json_value *v = json_first(list);
    for (size_t row = 0; row < list->count; row++, v = json_next(v)) {
        enum code code = named ? add_named_row(rows, row, v) : add_plain_row(rows, row, v);
        if (code)
            return code;
        size_t taken = named ? 0 : take_scalars(rows, v + v->extent);
        row += taken;
        v += taken;
    }
    return finish_rows(rows);
}

/* ---- "inputs" ---- */

static enum code read_column(struct rows *rows, size_t i, const struct json_value *v)
{
    struct fill fill;
    start_fill(&fill, rows, &rows->builders[i]);
    enum code code = fill_item(&fill, v);
    if (code)
        return code;
    blame(rows->found, NULL, NULL);
    return finish(&rows->builders[i], &fill.shape, rows->arena, &rows->found->tensors[i],
                  rows->err);
}

static enum code read_columns(struct rows *rows, const struct json_value *inputs)
{
    blame(rows->found, inputs, NULL);
    if (!is_named(inputs)) {
        if (rows->input_count > 1)
            return error_set(rows->err, CODE_INVALID_ARGUMENT,
                             "inputs is a plain value/list, but expecting an object as multiple "
                             "input tensors required as per tensorinfo_map");
        return read_column(rows, 0, inputs);
    }
    for (size_t i = 0; i < rows->input_count; i++) {
        struct span name = rows->builders[i].input->name;
        const struct json_value *v = json_member(inputs, name);
        blame(rows->found, inputs, NULL);
        if (!v)
            return error_set(rows->err, CODE_INVALID_ARGUMENT,
                             "Missing named input: %.*s in 'inputs' object.", SPAN_ARG(name));
        enum code code = read_column(rows, i, v);
        if (code)
            return code;
    }
    return CODE_OK;
}

enum code tensor_json_read(const struct json_value *root, const struct tensor_json_input *inputs,
                           size_t count, struct arena *arena, struct tensor_json_found *found,
                           struct error *err)
{
    *found =
        (struct tensor_json_found){.tensors = ARENA_ARRAY(arena, struct named_tensor, count + 1)};
    struct error local = {0}; /* texts are built upon each other, also when nobody wants them */
    err = err ? err : &local;
    if (root->type != JSON_OBJECT)
        return with_dump(root, "Is not object", arena, err);
    const struct json_value *instances = json_member(root, SPAN_LITERAL("instances"));
    const struct json_value *columns = json_member(root, SPAN_LITERAL("inputs"));
    if (instances && columns)
        return with_dump(root,
                         "Not formatted correctly expecting only one of 'inputs' or 'instances' "
                         "keys to exist ",
                         arena, err);
    if (!instances && !columns)
        return error_set(err, CODE_INVALID_ARGUMENT, "Missing 'inputs' or 'instances' key");
    struct rows rows = {.found = found,
                        .builders = ARENA_ARRAY(arena, struct builder, count),
                        .input_count = count,
                        .root = root,
                        .list = instances,
                        .arena = arena,
                        .err = err};
    for (size_t i = 0; i < count; i++)
        rows.builders[i].input = &inputs[i];
    found->format = instances ? TENSOR_JSON_ROW : TENSOR_JSON_COLUMN;
    enum code code = instances ? read_rows(&rows) : read_columns(&rows, columns);
    if (!code)
        found->count = count;
    return code;
}
