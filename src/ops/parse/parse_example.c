/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ParseExample, ParseExampleV2, ParseSingleExample: serialised tf.Examples into dense, sparse and
 * ragged columns.
 *
 * A column is a key with a dtype. Each example is taken apart once (tensor/example.h) and its
 * columns are looked up in it: `found` is a table of features, one row per example. Dense columns
 * of a fixed size have outputs whose shapes are known before; with sparse, ragged or
 * variable-length ones the step is dynamic. Errors are those of TensorFlow's fast parser, which
 * looks at the features of an example from the last to the first.
 */
#include "ops/kernel.h"
#include "tensor/example.h"

enum column_kind {
    COLUMN_DENSE,
    COLUMN_SPARSE,
    COLUMN_RAGGED,
};

struct column {
    enum column_kind kind;
    struct span key;
    enum dtype dtype;
    struct shape shape; /* dense: of one example; its first size is -1 if it varies */
    int64_t stride;     /* dense: values of one example, or of one row of a varying one */
    bool varies;
    const struct tensor *default_value; /* dense; no elements: the feature is required */
    int output;                         /* dense_values, sparse_values or ragged_values */
    int indices_output;                 /* sparse_indices, or ragged_row_splits */
    int shape_output;                   /* sparse_shapes */
};

struct parser {
    struct column *columns;
    int count;
    bool single; /* one example, no batch dimension */
};

/* ---- reading the node ---- */

static bool keys_known(const struct op_call *call, int from, int to)
{
    for (int i = from; i < to; i++) {
        if (!op_call_known(call, i))
            return false;
    }
    return true;
}

static enum code set_dense_shape(struct column *c, const struct shape *shape, struct error *err)
{
    c->shape = *shape;
    c->varies = shape->rank > 0 && shape->dims[0] == -1;
    c->stride = 1;
    for (int i = c->varies; i < shape->rank; i++) {
        if (shape->dims[i] < 0 || __builtin_mul_overflow(c->stride, shape->dims[i], &c->stride))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "dense_shapes of key %.*s is not fully defined", SPAN_ARG(c->key));
    }
    if (shape->rank == SHAPE_UNKNOWN_RANK || shape->rank == SHAPE_RANK_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "dense_shapes of key %.*s has no known rank",
                         SPAN_ARG(c->key));
    return CODE_OK;
}

static enum code check_default(const struct column *c, struct error *err)
{
    int64_t n = tensor_elements(c->default_value);
    if (c->default_value->dtype != c->dtype)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "dense_defaults of key %.*s has type %s, expected %s", SPAN_ARG(c->key),
                         dtype_name(c->default_value->dtype), dtype_name(c->dtype));
    if (n && (c->varies ? n != 1 : n != c->stride))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "dense_defaults of key %.*s has %lld values, expected %lld",
                         SPAN_ARG(c->key), (long long)n, (long long)(c->varies ? 1 : c->stride));
    return CODE_OK;
}

static enum code add_dense(struct op_call *call, struct parser *p, const struct span *keys,
                           struct error *err)
{
    const enum dtype *types;
    const struct shape *shapes;
    int ignored;
    size_t count = op_attr_types(call, "Tdense", &types);
    size_t shape_count = op_attr_shapes(call, "dense_shapes", &shapes);
    int defaults = op_call_input(call, "dense_defaults", &ignored);
    int output = op_call_output(call, "dense_values", &ignored);
    if (shape_count != count)
        return error_set(err, CODE_INVALID_ARGUMENT, "len(dense_shapes) != len(dense_keys)");
    for (size_t i = 0; i < count; i++) {
        struct column *c = &p->columns[p->count++];
        *c = (struct column){.kind = COLUMN_DENSE, .key = keys[i], .dtype = types[i]};
        c->output = output + (int)i;
        c->default_value = call->in[defaults + (int)i];
        enum code code = set_dense_shape(c, &shapes[i], err);
        if (!code)
            code = check_default(c, err);
        if (code)
            return code;
    }
    return CODE_OK;
}

static void add_sparse(struct op_call *call, struct parser *p, const struct span *keys)
{
    const enum dtype *types;
    int ignored;
    size_t count = op_attr_types(call, "sparse_types", &types);
    int indices = op_call_output(call, "sparse_indices", &ignored);
    int values = op_call_output(call, "sparse_values", &ignored);
    int shapes = op_call_output(call, "sparse_shapes", &ignored);
    for (size_t i = 0; i < count; i++)
        p->columns[p->count++] = (struct column){
            .kind = COLUMN_SPARSE,
            .key = keys[i],
            .dtype = types[i],
            .output = values + (int)i,
            .indices_output = indices + (int)i,
            .shape_output = shapes + (int)i,
        };
}

static void add_ragged(struct op_call *call, struct parser *p, const struct span *keys)
{
    const enum dtype *types;
    int ignored;
    size_t count = op_attr_types(call, "ragged_value_types", &types);
    int values = op_call_output(call, "ragged_values", &ignored);
    int splits = op_call_output(call, "ragged_row_splits", &ignored);
    for (size_t i = 0; i < count; i++)
        p->columns[p->count++] = (struct column){
            .kind = COLUMN_RAGGED,
            .key = keys[i],
            .dtype = types[i],
            .output = values + (int)i,
            .indices_output = splits + (int)i,
        };
}

/* The keys of one kind: inputs of v1, a vector input of v2, an attribute of ParseSingleExample. */
static enum code read_keys(struct op_call *call, const char *name, size_t expected,
                           const struct span **keys, struct error *err)
{
    if (span_is(call->node->op_name, "ParseSingleExample")) {
        size_t count = op_attr_strings(call, name, keys);
        if (count != expected)
            return error_set(err, CODE_INVALID_ARGUMENT, "len(%s) != %zu", name, expected);
        return CODE_OK;
    }
    int inputs;
    int first = op_call_input(call, name, &inputs);
    bool vector = span_is(call->node->op_name, "ParseExampleV2");
    int64_t count = vector ? tensor_elements(call->in[first]) : inputs;
    if (count != (int64_t)expected)
        return error_set(err, CODE_INVALID_ARGUMENT, "len(%s) != %zu: %lld", name, expected,
                         (long long)count);
    struct span *list = ARENA_ARRAY(call->arena, struct span, expected);
    for (size_t i = 0; i < expected; i++) {
        const struct tensor *key = call->in[vector ? first : first + (int)i];
        if (!vector && tensor_elements(key) != 1)
            return error_set(err, CODE_INVALID_ARGUMENT, "%s[%zu] must be a scalar", name, i);
        list[i] = TENSOR_AT(key, struct span)[vector ? i : 0];
    }
    *keys = list;
    return CODE_OK;
}

static size_t type_count(struct op_call *call, const char *attr)
{
    const enum dtype *types;
    return op_attr_types(call, attr, &types);
}

/* What a feature can hold. */
static enum code check_dtypes(const struct parser *p, struct error *err)
{
    for (int i = 0; i < p->count; i++) {
        enum dtype dtype = p->columns[i].dtype;
        if (dtype != DTYPE_FLOAT && dtype != DTYPE_INT64 && dtype != DTYPE_STRING)
            return error_set(err, CODE_INVALID_ARGUMENT, "key %.*s: features have no type %s",
                             SPAN_ARG(p->columns[i].key), dtype_name(dtype));
    }
    return CODE_OK;
}

/* The attributes that say how many outputs of a kind there are must agree. */
static enum code check_outputs(const struct op_call *call, size_t sparse, size_t ragged,
                               struct error *err)
{
    int count = 0;
    op_call_output(call, "sparse_indices", &count);
    if ((size_t)count != sparse)
        return error_set(err, CODE_INVALID_ARGUMENT, "len(sparse_keys) != len(sparse_types)");
    if (!span_is(call->node->op_name, "ParseExampleV2"))
        return CODE_OK;
    op_call_output(call, "ragged_row_splits", &count);
    if ((size_t)count != ragged)
        return error_set(err, CODE_INVALID_ARGUMENT, "len(ragged_keys) != len(ragged_split_types)");
    return CODE_OK;
}

static enum code read_parser(struct op_call *call, struct parser *p, struct error *err)
{
    bool v2 = span_is(call->node->op_name, "ParseExampleV2");
    size_t dense = type_count(call, "Tdense"), sparse = type_count(call, "sparse_types");
    size_t ragged = v2 ? type_count(call, "ragged_value_types") : 0;
    const struct span *dense_keys, *sparse_keys, *ragged_keys = NULL;
    enum code code = check_outputs(call, sparse, ragged, err);
    if (!code)
        code = read_keys(call, "dense_keys", dense, &dense_keys, err);
    if (!code)
        code = read_keys(call, "sparse_keys", sparse, &sparse_keys, err);
    if (!code && v2)
        code = read_keys(call, "ragged_keys", ragged, &ragged_keys, err);
    if (code)
        return code;
    p->columns = ARENA_ARRAY(call->arena, struct column, dense + sparse + ragged);
    p->single = call->in[0]->shape.rank == 0;
    code = add_dense(call, p, dense_keys, err);
    if (code)
        return code;
    add_sparse(call, p, sparse_keys);
    if (v2)
        add_ragged(call, p, ragged_keys);
    return check_dtypes(p, err);
}

static enum code check_serialized(const struct op_call *call, struct error *err)
{
    const struct shape *shape = &call->in[0]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (span_is(call->node->op_name, "ParseExample") && shape->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected serialized to be a vector, got shape: %s",
                         shape_text(shape, text));
    if (span_is(call->node->op_name, "ParseSingleExample") && shape->rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected serialized to be a scalar, got shape: %s",
                         shape_text(shape, text));
    if (shape->rank > 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected serialized to be a scalar or vector, got shape: %s",
                         shape_text(shape, text));
    return CODE_OK;
}

/* A dense output: the batch, then the shape of one; `rows` stands for a varying size. */
static struct shape dense_shape(const struct parser *p, const struct column *c, int64_t batch,
                                int64_t rows)
{
    struct shape out = {0};
    if (!p->single)
        out.dims[out.rank++] = batch;
    for (int i = 0; i < c->shape.rank; i++)
        out.dims[out.rank++] = i == 0 && c->varies ? rows : c->shape.dims[i];
    return out;
}

static enum code parse_shape(struct op_call *call, struct error *err)
{
    enum code code = check_serialized(call, err);
    if (code)
        return code;
    for (int i = 0; i < call->out_count; i++)
        op_call_defer(call, i);
    if (!keys_known(call, 1, call->in_count))
        return CODE_OK;
    struct parser p = {0};
    code = read_parser(call, &p, err);
    int64_t batch = tensor_elements(call->in[0]);
    for (int i = 0; !code && i < p.count; i++) {
        const struct column *c = &p.columns[i];
        if (c->kind != COLUMN_DENSE || c->varies)
            continue;
        struct shape shape = dense_shape(&p, c, batch, 0);
        op_call_shape(call, c->output, &shape);
    }
    return code;
}

static enum code parse_prepare(struct op_call *call, struct error *err)
{
    struct parser *p = ARENA_NEW(call->arena, struct parser);
    call->state = p;
    return read_parser(call, p, err);
}

/* ---- errors ---- */

static struct span example_name(const struct op_call *call, int64_t row)
{
    bool has_names = !span_is(call->node->op_name, "ParseSingleExample");
    const struct tensor *names = has_names ? call->in[1] : NULL;
    if (!names || tensor_elements(names) <= row)
        return SPAN_LITERAL("<unknown>");
    return TENSOR_AT(names, struct span)[row];
}

static bool is_single(const struct op_call *call)
{
    return call->in[0]->shape.rank == 0;
}

/* "Name: <unknown>, Key: x, Index: 1"; of a lone example the key alone. */
static void set_where(const struct op_call *call, int64_t row, const struct column *c,
                      struct error *err)
{
    if (is_single(call))
        error_set(err, CODE_INVALID_ARGUMENT, "Key: %.*s", SPAN_ARG(c->key));
    else
        error_set(err, CODE_INVALID_ARGUMENT, "Name: %.*s, Key: %.*s, Index: %lld",
                  SPAN_ARG(example_name(call, row)), SPAN_ARG(c->key), (long long)row);
}

static enum code wrong_type(const struct op_call *call, int64_t row, const struct column *c,
                            enum dtype got, struct error *err)
{
    set_where(call, row, c, err);
    if (c->kind == COLUMN_DENSE)
        error_append(err, ".  Data types don't match. Data type: %s but expected type: %s",
                     dtype_name(got), dtype_name(c->dtype));
    else
        error_append(err, ".  Data types don't match. Expected type: %s, Actual type: %s",
                     dtype_name(c->dtype), dtype_name(got));
    return CODE_INVALID_ARGUMENT;
}

static enum code wrong_count(const struct op_call *call, int64_t row, const struct column *c,
                             int64_t got, struct error *err)
{
    static const char *const lists[DTYPE_COUNT] = {
        [DTYPE_FLOAT] = "float_list", [DTYPE_INT64] = "int64_list", [DTYPE_STRING] = "bytes_list"};
    char text[SHAPE_TEXT_SIZE];
    set_where(call, row, c, err);
    if (is_single(call))
        error_append(err, ".  Can't parse serialized Example: Some %s slice was not parsed.",
                     lists[c->dtype]);
    else if (c->varies)
        error_append(err,
                     ".  Number of %s values is not a multiple of stride length. Saw %lld values "
                     "but output shape is: %s",
                     dtype_name(c->dtype), (long long)got, shape_text(&c->shape, text));
    else
        error_append(err,
                     ".  Number of %s values != expected.  Values size: %lld but output shape: %s",
                     dtype_name(c->dtype), (long long)got, shape_text(&c->shape, text));
    return CODE_INVALID_ARGUMENT;
}

static enum code missing_feature(const struct op_call *call, int64_t row, const struct column *c,
                                 struct error *err)
{
    if (is_single(call))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Feature: %.*s (data type: %s) is required but could not be found.",
                         SPAN_ARG(c->key), dtype_name(c->dtype));
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Name: %.*s, Feature: %.*s (data type: %s) is required but could not be "
                     "found.",
                     SPAN_ARG(example_name(call, row)), SPAN_ARG(c->key), dtype_name(c->dtype));
}

/* ---- parsing ---- */

static const struct column *find_column(const struct parser *p, struct span key)
{
    for (int i = 0; i < p->count; i++) {
        if (span_equal(p->columns[i].key, key))
            return &p->columns[i];
    }
    return NULL;
}

static enum code check_feature(const struct op_call *call, int64_t row, const struct column *c,
                               const struct example_feature *feature, struct error *err)
{
    if (feature->dtype != c->dtype)
        return wrong_type(call, row, c, feature->dtype, err);
    if (c->kind != COLUMN_DENSE)
        return CODE_OK;
    bool fits =
        c->varies ? c->stride && feature->count % c->stride == 0 : feature->count == c->stride;
    return fits ? CODE_OK : wrong_count(call, row, c, feature->count, err);
}

/* One example's row of `found`: the feature of each column, or one without a type. */
static enum code parse_one(const struct op_call *call, const struct parser *p, int64_t row,
                           struct example_feature *found, struct error *err)
{
    struct span bytes = TENSOR_AT(call->in[0], struct span)[row];
    struct example example;
    if (example_parse(bytes, call->arena, &example, NULL))
        return error_set(err, CODE_INVALID_ARGUMENT, "Could not parse example input, value: '%.*s'",
                         SPAN_ARG(bytes));
    memset(found, 0, (size_t)p->count * sizeof *found);
    for (size_t i = example.count; i-- > 0;) {
        const struct example_feature *feature = &example.features[i];
        const struct column *c = find_column(p, feature->name);
        if (!c || feature->dtype == DTYPE_INVALID)
            continue;
        enum code code = check_feature(call, row, c, feature, err);
        if (code)
            return code;
        found[c - p->columns] = *feature;
    }
    for (int i = 0; i < p->count; i++) {
        const struct column *c = &p->columns[i];
        bool required = c->kind == COLUMN_DENSE && !c->varies &&
                        !tensor_elements(c->default_value) && c->stride;
        if (required && found[i].dtype == DTYPE_INVALID)
            return missing_feature(call, row, c, err);
    }
    return CODE_OK;
}

static void read_values(const struct example_feature *feature, struct tensor *out, int64_t at)
{
    if (feature->dtype == DTYPE_FLOAT)
        example_read_floats(feature, TENSOR_AT(out, float) + at);
    else if (feature->dtype == DTYPE_INT64)
        example_read_int64s(feature, TENSOR_AT(out, int64_t) + at);
    else if (feature->dtype == DTYPE_STRING)
        example_read_strings(feature, TENSOR_AT(out, struct span) + at);
}

/* ---- columns to outputs; found + i is the column's feature of the first example, p->count apart
 * ---- */

static void copy_default(const struct column *c, struct tensor *out, int64_t at, int64_t n)
{
    size_t size = dtype_size(c->dtype);
    int64_t have = tensor_elements(c->default_value);
    char *to = (char *)out->data + (size_t)at * size;
    for (int64_t i = 0; i < n && have; i++)
        memcpy(to + (size_t)i * size,
               (const char *)c->default_value->data + (size_t)(i % have) * size, size);
    if (!have)
        memset(to, 0, (size_t)n * size);
}

static int64_t count_values(const struct parser *p, const struct example_feature *found,
                            int64_t batch, int64_t *longest)
{
    int64_t total = 0;
    *longest = 0;
    for (int64_t row = 0; row < batch; row++) {
        int64_t n = found[row * p->count].count;
        total += n;
        *longest = n > *longest ? n : *longest;
    }
    return total;
}

static enum code write_dense(struct op_call *call, const struct parser *p, const struct column *c,
                             const struct example_feature *found, struct error *err)
{
    int64_t batch = tensor_elements(call->in[0]), per_row = c->stride;
    struct tensor *out = call->out[c->output];
    int64_t longest = 0;
    if (c->varies) {
        count_values(p, found, batch, &per_row);
        longest = c->stride ? per_row / c->stride : 0;
    }
    if (c->varies || !out->data) {
        struct shape shape = dense_shape(p, c, batch, longest);
        enum code code = op_call_alloc(call, c->output, &shape, err);
        if (code)
            return code;
    }
    for (int64_t row = 0; row < batch; row++) {
        const struct example_feature *feature = &found[row * p->count];
        int64_t count = feature->dtype == DTYPE_INVALID ? 0 : feature->count;
        read_values(feature, out, row * per_row);
        copy_default(c, out, row * per_row + count, per_row - count);
    }
    return CODE_OK;
}

static enum code write_sparse(struct op_call *call, const struct parser *p, const struct column *c,
                              const struct example_feature *found, struct error *err)
{
    int64_t batch = tensor_elements(call->in[0]), longest, at = 0;
    int64_t total = count_values(p, found, batch, &longest);
    int rank = p->single ? 1 : 2;
    struct shape indices = shape_matrix(total, rank), values = shape_vector(total);
    struct shape vector = shape_vector(rank);
    enum code code = op_call_alloc(call, c->indices_output, &indices, err);
    if (!code)
        code = op_call_alloc(call, c->output, &values, err);
    if (!code)
        code = op_call_alloc(call, c->shape_output, &vector, err);
    if (code)
        return code;
    int64_t *to = call->out[c->indices_output]->data;
    for (int64_t row = 0; row < batch; row++) {
        const struct example_feature *feature = &found[row * p->count];
        read_values(feature, call->out[c->output], at);
        for (int64_t i = 0; i < feature->count; i++) {
            if (!p->single)
                *to++ = row;
            *to++ = i;
        }
        at += feature->count;
    }
    int64_t *sizes = call->out[c->shape_output]->data;
    if (!p->single)
        *sizes++ = batch;
    *sizes = longest;
    return CODE_OK;
}

static enum code write_ragged(struct op_call *call, const struct parser *p, const struct column *c,
                              const struct example_feature *found, struct error *err)
{
    int64_t batch = tensor_elements(call->in[0]), longest, at = 0;
    int64_t total = count_values(p, found, batch, &longest);
    struct tensor *splits = call->out[c->indices_output];
    struct shape values = shape_vector(total);
    struct shape rows = shape_vector(p->single ? 0 : batch + 1);
    enum code code = op_call_alloc(call, c->output, &values, err);
    if (!code)
        code = op_call_alloc(call, c->indices_output, &rows, err);
    if (code)
        return code;
    for (int64_t row = 0; row <= batch; row++) {
        if (!p->single && splits->dtype == DTYPE_INT64)
            TENSOR_AT(splits, int64_t)[row] = at;
        else if (!p->single)
            TENSOR_AT(splits, int32_t)[row] = (int32_t)at;
        if (row == batch)
            break;
        read_values(&found[row * p->count], call->out[c->output], at);
        at += found[row * p->count].count;
    }
    return CODE_OK;
}

typedef enum code write_fn(struct op_call *call, const struct parser *p, const struct column *c,
                           const struct example_feature *found, struct error *err);

static write_fn *const writers[] = {
    [COLUMN_DENSE] = write_dense,
    [COLUMN_SPARSE] = write_sparse,
    [COLUMN_RAGGED] = write_ragged,
};

static enum code parse_run(struct op_call *call, struct error *err)
{
    const struct parser *p = call->state;
    int64_t batch = tensor_elements(call->in[0]);
    size_t count = (size_t)batch * (size_t)p->count;
    struct example_feature *found =
        arena_try_alloc(call->arena, (count + 1) * sizeof *found, ARENA_ALIGN);
    if (!found)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM when parsing %lld examples",
                         (long long)batch);
    enum code code = CODE_OK;
    for (int64_t row = 0; !code && row < batch; row++)
        code = parse_one(call, p, row, found + row * p->count, err);
    for (int i = 0; !code && i < p->count; i++) {
        const struct column *c = &p->columns[i];
        code = writers[c->kind](call, p, c, found + i, err);
    }
    return code;
}

const struct op op_ParseExample = {
    .name = "ParseExample",
    .inputs = "serialized:string names:string sparse_keys:Nsparse*string "
              "dense_keys:Ndense*string dense_defaults:Tdense",
    .outputs = "sparse_indices:Nsparse*int64 sparse_values:sparse_types "
               "sparse_shapes:Nsparse*int64 dense_values:Tdense",
    .attrs = "Nsparse:int Ndense:int sparse_types:list(type) Tdense:list(type) "
             "dense_shapes:list(shape)",
    .shape = parse_shape,
    .prepare = parse_prepare,
    .run = parse_run,
};

const struct op op_ParseExampleV2 = {
    .name = "ParseExampleV2",
    .inputs = "serialized:string names:string sparse_keys:string dense_keys:string "
              "ragged_keys:string dense_defaults:Tdense",
    .outputs = "sparse_indices:num_sparse*int64 sparse_values:sparse_types "
               "sparse_shapes:num_sparse*int64 dense_values:Tdense "
               "ragged_values:ragged_value_types ragged_row_splits:ragged_split_types",
    .attrs = "Tdense:list(type) num_sparse:int sparse_types:list(type) "
             "ragged_value_types:list(type) ragged_split_types:list(type) "
             "dense_shapes:list(shape)",
    .shape = parse_shape,
    .prepare = parse_prepare,
    .run = parse_run,
};

const struct op op_ParseSingleExample = {
    .name = "ParseSingleExample",
    .inputs = "serialized:string dense_defaults:Tdense",
    .outputs = "sparse_indices:num_sparse*int64 sparse_values:sparse_types "
               "sparse_shapes:num_sparse*int64 dense_values:Tdense",
    .attrs = "num_sparse:int sparse_keys:list(string) dense_keys:list(string) "
             "sparse_types:list(type) Tdense:list(type) dense_shapes:list(shape)",
    .shape = parse_shape,
    .prepare = parse_prepare,
    .run = parse_run,
};
