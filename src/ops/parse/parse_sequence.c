/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ParseSequenceExample, ParseSequenceExampleV2: serialised tf.SequenceExamples into dense, sparse
 * and ragged columns, of the context (one feature of an example) and of the feature lists (one
 * feature for each step of an example).
 *
 * A column is a key with a dtype. Each example is unpacked once, and each column gets its cell of
 * each example: the features of its steps, one step for the context.
 */
#include "ops/kernel.h"
#include "wire/messages.h"
#include "wire/pb.h"

enum column_kind {
    COLUMN_DENSE,
    COLUMN_SPARSE,
    COLUMN_RAGGED,
};

struct column {
    enum column_kind kind;
    bool list; /* of feature lists; of the context otherwise */
    struct span key;
    enum dtype dtype;
    struct shape shape;                 /* dense: of one step */
    int64_t stride;                     /* dense: values of one step */
    const struct tensor *default_value; /* dense context; no elements: the feature is required */
    bool may_miss;                      /* dense list: no steps when it is missing */
    int values;                         /* outputs: values; */
    int second; /* sparse indices, ragged (outer) row splits, lengths of dense lists; */
    int third;  /* sparse shapes, ragged inner row splits */
};

/* What an example has for a column. */
struct cell {
    const struct pb_feature *steps;
    int64_t count;
    bool found;
};

struct parser {
    struct column *columns;
    int count;
    bool single; /* one example, no batch dimension */
};

struct batch {
    struct op_call *call;
    const struct parser *parser;
    struct cell *cells; /* [examples][columns] */
    int64_t count;      /* examples */
};

/* ---- reading the node ---- */

/* The kinds of columns, in the order of the definitions. */
static const struct group {
    enum column_kind kind;
    bool list;
    const char *keys, *types, *shapes;   /* an input or an attribute; attributes */
    const char *values, *second, *third; /* outputs */
} GROUPS[] = {
    {COLUMN_SPARSE, false, "context_sparse_keys", "context_sparse_types", NULL,
     "context_sparse_values", "context_sparse_indices", "context_sparse_shapes"},
    {COLUMN_DENSE, false, "context_dense_keys", "Tcontext_dense", "context_dense_shapes",
     "context_dense_values", NULL, NULL},
    {COLUMN_SPARSE, true, "feature_list_sparse_keys", "feature_list_sparse_types", NULL,
     "feature_list_sparse_values", "feature_list_sparse_indices", "feature_list_sparse_shapes"},
    {COLUMN_DENSE, true, "feature_list_dense_keys", "feature_list_dense_types",
     "feature_list_dense_shapes", "feature_list_dense_values", "feature_list_dense_lengths", NULL},
    {COLUMN_RAGGED, false, "context_ragged_keys", "context_ragged_value_types", NULL,
     "context_ragged_values", "context_ragged_row_splits", NULL},
    {COLUMN_RAGGED, true, "feature_list_ragged_keys", "feature_list_ragged_value_types", NULL,
     "feature_list_ragged_values", "feature_list_ragged_outer_splits",
     "feature_list_ragged_inner_splits"},
};

enum { GROUPS_V1 = 4, GROUPS_V2 = 6 };

static bool is_v2(const struct op_call *call)
{
    return span_is(call->node->op_name, "ParseSequenceExampleV2");
}

static enum code check_outputs(const struct op_call *call, const char *name, size_t expected,
                               const char *keys, int *first, struct error *err)
{
    int count;
    *first = name ? op_call_output(call, name, &count) : -1;
    if (name && (size_t)count != expected)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s has %d tensors, expected len(%s) = %zu",
                         name, count, keys, expected);
    return CODE_OK;
}

static enum code read_keys(const struct op_call *call, const char *name, size_t expected,
                           const struct span **keys, struct error *err)
{
    size_t count;
    if (is_v2(call)) {
        int one;
        const struct tensor *list = call->in[op_call_input(call, name, &one)];
        *keys = TENSOR_AT(list, struct span);
        count = (size_t)tensor_elements(list);
    } else {
        count = op_attr_strings(call, name, keys);
    }
    if (count != expected)
        return error_set(err, CODE_INVALID_ARGUMENT, "Unexpected number of %s: %zu, expected %zu",
                         name, count, expected);
    return CODE_OK;
}

/* The step's shape; a default of that shape for the context; whether a list may be missing. */
static enum code read_dense(const struct op_call *call, struct column *c, size_t i,
                            const struct shape *shape, struct error *err)
{
    c->shape = *shape;
    c->stride = 1;
    bool known = shape->rank != SHAPE_UNKNOWN_RANK && shape->rank <= SHAPE_RANK_MAX - 2;
    for (int d = 0; known && d < shape->rank; d++)
        known =
            shape->dims[d] >= 0 && !__builtin_mul_overflow(c->stride, shape->dims[d], &c->stride);
    if (!known)
        return error_set(err, CODE_INVALID_ARGUMENT, "the shape of key %.*s is not fully defined",
                         SPAN_ARG(c->key));
    int first;
    if (!c->list) {
        c->default_value = call->in[op_call_input(call, "context_dense_defaults", &first) + (int)i];
        int64_t n = tensor_elements(c->default_value);
        if (n && n != c->stride)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "context_dense_defaults of key %.*s has %lld values, expected %lld",
                             SPAN_ARG(c->key), (long long)n, (long long)c->stride);
    } else if (is_v2(call)) {
        const struct tensor *flags =
            call->in[op_call_input(call, "feature_list_dense_missing_assumed_empty", &first)];
        if ((int64_t)i >= tensor_elements(flags))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "feature_list_dense_missing_assumed_empty has %lld values, expected "
                             "one for each of feature_list_dense_keys",
                             (long long)tensor_elements(flags));
        c->may_miss = TENSOR_AT(flags, bool)[i];
    } else {
        const struct span *keys;
        size_t count = op_attr_strings(call, "feature_list_dense_missing_assumed_empty", &keys);
        for (size_t k = 0; k < count; k++)
            c->may_miss |= span_equal(keys[k], c->key);
    }
    return CODE_OK;
}

static enum code read_group(const struct op_call *call, const struct group *g, struct parser *p,
                            struct error *err)
{
    const enum dtype *types;
    const struct shape *shapes;
    const struct span *keys;
    int values, second, third;
    size_t count = op_attr_types(call, g->types, &types);
    enum code code = read_keys(call, g->keys, count, &keys, err);
    if (!code)
        code = check_outputs(call, g->values, count, g->keys, &values, err);
    if (!code)
        code = check_outputs(call, g->second, count, g->keys, &second, err);
    if (!code)
        code = check_outputs(call, g->third, count, g->keys, &third, err);
    if (!code && g->shapes && op_attr_shapes(call, g->shapes, &shapes) != count)
        code = error_set(err, CODE_INVALID_ARGUMENT, "len(%s) != len(%s)", g->shapes, g->keys);
    for (size_t i = 0; !code && i < count; i++) {
        struct column *c = &p->columns[p->count++];
        *c = (struct column){.kind = g->kind,
                             .list = g->list,
                             .key = keys[i],
                             .dtype = types[i],
                             .values = values + (int)i,
                             .second = second + (int)i,
                             .third = third + (int)i};
        if (c->dtype != DTYPE_FLOAT && c->dtype != DTYPE_INT64 && c->dtype != DTYPE_STRING)
            return error_set(err, CODE_INVALID_ARGUMENT, "key %.*s: features have no type %s",
                             SPAN_ARG(c->key), dtype_name(c->dtype));
        if (g->shapes)
            code = read_dense(call, c, i, &shapes[i], err);
    }
    return code;
}

static enum code check_serialized(const struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (call->in[0]->shape.rank > 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected serialized to be a scalar or vector, got shape: %s",
                         shape_text(&call->in[0]->shape, text));
    return CODE_OK;
}

static enum code parse_prepare(struct op_call *call, struct error *err)
{
    struct parser *p = ARENA_NEW(call->arena, struct parser);
    int groups = is_v2(call) ? GROUPS_V2 : GROUPS_V1;
    size_t total = 0;
    for (int i = 0; i < groups; i++) {
        const enum dtype *types;
        total += op_attr_types(call, GROUPS[i].types, &types);
    }
    *p = (struct parser){.single = call->in[0]->shape.rank == 0};
    p->columns = ARENA_ARRAY(call->arena, struct column, total);
    call->state = p;
    enum code code = check_serialized(call, err);
    for (int i = 0; !code && i < groups; i++)
        code = read_group(call, &GROUPS[i], p, err);
    return code;
}

static enum code parse_shape(struct op_call *call, struct error *err)
{
    for (int i = 0; i < call->out_count; i++)
        op_call_defer(call, i);
    return check_serialized(call, err);
}

/* ---- features ---- */

static enum dtype feature_dtype(const struct pb_feature *feature)
{
    static const enum dtype dtypes[] = {DTYPE_INVALID, DTYPE_STRING, DTYPE_FLOAT, DTYPE_INT64};
    return dtypes[feature->kind_case];
}

static int64_t feature_count(const struct pb_feature *feature)
{
    switch (feature_dtype(feature)) {
    case DTYPE_STRING:
        return (int64_t)feature->bytes_list->value.count;
    case DTYPE_FLOAT:
        return (int64_t)feature->float_list->value.count;
    case DTYPE_INT64:
        return (int64_t)feature->int64_list->value.count;
    default:
        return 0;
    }
}

static void read_feature(const struct pb_feature *feature, struct tensor *out, int64_t at)
{
    const void *from = NULL;
    if (feature_dtype(feature) == DTYPE_STRING)
        from = feature->bytes_list->value.items;
    else if (feature_dtype(feature) == DTYPE_FLOAT)
        from = feature->float_list->value.ptr;
    else if (feature_dtype(feature) == DTYPE_INT64)
        from = feature->int64_list->value.ptr;
    size_t size = dtype_size(out->dtype), n = (size_t)feature_count(feature);
    if (n)
        memcpy((char *)out->data + (size_t)at * size, from, n * size);
}

static struct span example_name(const struct batch *b, int64_t row)
{
    const struct tensor *names = b->call->in[1];
    return tensor_elements(names) > row ? TENSOR_AT(names, struct span)[row]
                                        : SPAN_LITERAL("<unknown>");
}

static enum code wrong_type(const struct batch *b, int64_t row, const struct column *c,
                            int64_t step, struct error *err)
{
    struct span name = example_name(b, row);
    error_set(err, CODE_INVALID_ARGUMENT, "Name: %.*s, %s: %.*s", SPAN_ARG(name),
              c->list ? "Feature list" : "Context feature", SPAN_ARG(c->key));
    if (c->list)
        error_append(err, ", Index: %lld", (long long)step);
    error_append(err, ".  Data types don't match. Expected type: %s", dtype_name(c->dtype));
    return CODE_INVALID_ARGUMENT;
}

static enum code check_types(const struct batch *b, int64_t row, const struct column *c,
                             const struct cell *cell, struct error *err)
{
    for (int64_t i = 0; i < cell->count; i++) {
        enum dtype dtype = feature_dtype(&cell->steps[i]);
        if (dtype != c->dtype && dtype != DTYPE_INVALID)
            return wrong_type(b, row, c, i, err);
    }
    return CODE_OK;
}

/* A dense column's cell: there, unless it need not be, and of as many values as the shape says. */
static enum code check_dense(const struct batch *b, int64_t row, const struct column *c,
                             const struct cell *cell, struct error *err)
{
    struct span name = example_name(b, row);
    char text[SHAPE_TEXT_SIZE];
    if (!cell->found && c->list && !c->may_miss)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Name: %.*s, Feature list '%.*s' is required but could not be found.  Did "
                         "you mean to include it in feature_list_dense_missing_assumed_empty or "
                         "feature_list_dense_defaults?",
                         SPAN_ARG(name), SPAN_ARG(c->key));
    if (!cell->found && !c->list && !tensor_elements(c->default_value))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Feature: %.*s (data type: %s) is required but could not be found.",
                         SPAN_ARG(c->key), dtype_name(c->dtype));
    for (int64_t i = 0; i < cell->count; i++) {
        if (feature_count(&cell->steps[i]) != c->stride && !c->list)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Unexpected number of elements in example %.*s", SPAN_ARG(name));
        if (feature_count(&cell->steps[i]) != c->stride)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Name: %.*s, Key: %.*s, Index: %lld.  Number of values != expected.  "
                             "values size: %lld but output shape: %s",
                             SPAN_ARG(name), SPAN_ARG(c->key), (long long)i,
                             (long long)feature_count(&cell->steps[i]),
                             shape_text(&c->shape, text));
    }
    return CODE_OK;
}

static void find_cell(const struct pb_sequence_example *example, const struct column *c,
                      struct cell *cell)
{
    for (size_t i = 0;
         c->list && example->feature_lists && i < example->feature_lists->feature_list.count; i++) {
        const struct pb_feature_lists_feature_list_entry *e =
            &example->feature_lists->feature_list.items[i];
        if (!span_equal(e->key, c->key))
            continue;
        *cell = (struct cell){.found = true};
        if (e->value)
            *cell = (struct cell){e->value->feature.items, (int64_t)e->value->feature.count, true};
    }
    for (size_t i = 0; !c->list && example->context && i < example->context->feature.count; i++) {
        const struct pb_features_feature_entry *e = &example->context->feature.items[i];
        if (span_equal(e->key, c->key) && e->value && feature_dtype(e->value) != DTYPE_INVALID)
            *cell = (struct cell){e->value, 1, true};
    }
}

static enum code parse_one(struct batch *b, int64_t row, struct error *err)
{
    const struct parser *p = b->parser;
    struct pb_sequence_example example;
    if (pb_decode(&pb_sequence_example_type, TENSOR_AT(b->call->in[0], struct span)[row],
                  b->call->arena, &example, NULL))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Invalid protocol message input, example id: "
                         "%.*s",
                         SPAN_ARG(example_name(b, row)));
    enum code code = CODE_OK;
    for (int i = 0; !code && i < p->count; i++) {
        struct cell *cell = &b->cells[row * p->count + i];
        find_cell(&example, &p->columns[i], cell);
        code = check_types(b, row, &p->columns[i], cell, err);
    }
    return code;
}

/* ---- columns to outputs ---- */

static const struct cell *cell_of(const struct batch *b, const struct column *c, int64_t row)
{
    return &b->cells[row * b->parser->count + (c - b->parser->columns)];
}

/* Sizes of a column: most steps of an example, most values of a step, and of all examples. */
struct extent {
    int64_t steps, width;
    int64_t all_steps, all_values;
};

static struct extent measure(const struct batch *b, const struct column *c)
{
    struct extent x = {0};
    for (int64_t row = 0; row < b->count; row++) {
        const struct cell *cell = cell_of(b, c, row);
        x.steps = cell->count > x.steps ? cell->count : x.steps;
        x.all_steps += cell->count;
        for (int64_t i = 0; i < cell->count; i++) {
            int64_t n = feature_count(&cell->steps[i]);
            x.width = n > x.width ? n : x.width;
            x.all_values += n;
        }
    }
    return x;
}

/* The original looks at the longest feature of a batch first. */
static enum code check_column(const struct batch *b, const struct column *c, struct error *err)
{
    int64_t width = measure(b, c).width;
    if (!c->list && !(width == 0 && tensor_elements(c->default_value)) && width != c->stride)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Inconsistent max number of elements for feature %.*s: expected %lld, but "
                         "found %lld",
                         SPAN_ARG(c->key), (long long)c->stride, (long long)width);
    enum code code = CODE_OK;
    for (int64_t row = 0; !code && row < b->count; row++)
        code = check_dense(b, row, c, cell_of(b, c, row), err);
    return code;
}

/* Values of a missing step; zeros, or the default. */
static void fill(const struct column *c, struct tensor *out, int64_t at)
{
    size_t bytes = (size_t)c->stride * dtype_size(c->dtype);
    char *to = (char *)out->data + (size_t)at * dtype_size(c->dtype);
    if (!bytes)
        return;
    if (!c->list && tensor_elements(c->default_value))
        memcpy(to, c->default_value->data, bytes);
    else
        memset(to, 0, bytes);
}

static enum code write_dense(const struct batch *b, const struct column *c, struct error *err)
{
    struct op_call *call = b->call;
    int64_t steps = c->list ? measure(b, c).steps : 1;
    struct shape shape = {0}, lengths = {0};
    if (!b->parser->single)
        shape.dims[shape.rank++] = lengths.dims[lengths.rank++] = b->count;
    if (c->list)
        shape.dims[shape.rank++] = steps;
    for (int d = 0; d < c->shape.rank; d++)
        shape.dims[shape.rank++] = c->shape.dims[d];
    enum code code = op_call_alloc(call, c->values, &shape, err);
    if (!code && c->list)
        code = op_call_alloc(call, c->second, &lengths, err);
    for (int64_t row = 0; !code && row < b->count; row++) {
        const struct cell *cell = cell_of(b, c, row);
        for (int64_t i = 0; i < steps; i++) {
            int64_t at = (row * steps + i) * c->stride;
            if (i < cell->count)
                read_feature(&cell->steps[i], call->out[c->values], at);
            else
                fill(c, call->out[c->values], at);
        }
        if (c->list)
            TENSOR_AT(call->out[c->second], int64_t)[row] = cell->count;
    }
    return code;
}

static enum code write_sparse(const struct batch *b, const struct column *c, struct error *err)
{
    struct op_call *call = b->call;
    struct extent x = measure(b, c);
    bool single = b->parser->single;
    int rank = 1 + !single + c->list;
    struct shape indices = shape_matrix(x.all_values, rank), values = shape_vector(x.all_values);
    struct shape vector = shape_vector(rank);
    enum code code = op_call_alloc(call, c->second, &indices, err);
    if (!code)
        code = op_call_alloc(call, c->values, &values, err);
    if (!code)
        code = op_call_alloc(call, c->third, &vector, err);
    if (code)
        return code;
    int64_t *to = call->out[c->second]->data, at = 0;
    for (int64_t row = 0; row < b->count; row++) {
        const struct cell *cell = cell_of(b, c, row);
        for (int64_t i = 0; i < cell->count; i++) {
            int64_t n = feature_count(&cell->steps[i]);
            read_feature(&cell->steps[i], call->out[c->values], at);
            at += n;
            for (int64_t k = 0; k < n; k++) {
                if (!single)
                    *to++ = row;
                if (c->list)
                    *to++ = i;
                *to++ = k;
            }
        }
    }
    int64_t *sizes = call->out[c->third]->data;
    if (!single)
        *sizes++ = b->count;
    if (c->list)
        *sizes++ = x.steps;
    *sizes = x.width;
    return CODE_OK;
}

/* The context: values and the rows of the batch. Lists: the steps of each example, and the values
 * of each step. The rows of a lone example are a scalar that means nothing, as in the original. */
static enum code write_ragged(const struct batch *b, const struct column *c, struct error *err)
{
    struct op_call *call = b->call;
    struct extent x = measure(b, c);
    bool outer_rows = !b->parser->single;
    struct shape values = shape_vector(x.all_values);
    struct shape outer = outer_rows ? shape_vector(b->count + 1) : (struct shape){0};
    struct shape inner = shape_vector(x.all_steps + 1);
    enum code code = op_call_alloc(call, c->values, &values, err);
    if (!code)
        code = op_call_alloc(call, c->second, &outer, err);
    if (!code && c->list)
        code = op_call_alloc(call, c->third, &inner, err);
    if (code)
        return code;
    int64_t at = 0, step = 0;
    if (!outer_rows)
        kernel_put_index(call->out[c->second], 0, 0);
    for (int64_t row = 0; row < b->count; row++) {
        const struct cell *cell = cell_of(b, c, row);
        if (outer_rows)
            kernel_put_index(call->out[c->second], row, c->list ? step : at);
        for (int64_t i = 0; i < cell->count; i++, step++) {
            if (c->list)
                kernel_put_index(call->out[c->third], step, at);
            read_feature(&cell->steps[i], call->out[c->values], at);
            at += feature_count(&cell->steps[i]);
        }
    }
    if (outer_rows)
        kernel_put_index(call->out[c->second], b->count, c->list ? step : at);
    if (c->list)
        kernel_put_index(call->out[c->third], step, at);
    return CODE_OK;
}

typedef enum code write_fn(const struct batch *b, const struct column *c, struct error *err);

static write_fn *const writers[] = {
    [COLUMN_DENSE] = write_dense,
    [COLUMN_SPARSE] = write_sparse,
    [COLUMN_RAGGED] = write_ragged,
};

static enum code parse_run(struct op_call *call, struct error *err)
{
    const struct parser *p = call->state;
    struct batch b = {.call = call, .parser = p, .count = tensor_elements(call->in[0])};
    int64_t names = tensor_elements(call->in[1]), cells;
    if (names && names != b.count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "debug_name has %lld values, expected none or %lld", (long long)names,
                         (long long)b.count);
    if (__builtin_mul_overflow(b.count, (int64_t)p->count, &cells))
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM when parsing %lld examples",
                         (long long)b.count);
    enum code code = kernel_array(call, cells + 1, sizeof *b.cells, &b.cells, err);
    for (int64_t row = 0; !code && row < b.count; row++)
        code = parse_one(&b, row, err);
    for (int i = 0; !code && i < p->count; i++) {
        if (p->columns[i].kind == COLUMN_DENSE)
            code = check_column(&b, &p->columns[i], err);
    }
    for (int i = 0; !code && i < p->count; i++)
        code = writers[p->columns[i].kind](&b, &p->columns[i], err);
    return code;
}

const struct op op_ParseSequenceExample = {
    .name = "ParseSequenceExample",
    .inputs = "serialized:string debug_name:string context_dense_defaults:Tcontext_dense",
    .outputs = "context_sparse_indices:Ncontext_sparse*int64 "
               "context_sparse_values:context_sparse_types "
               "context_sparse_shapes:Ncontext_sparse*int64 context_dense_values:Tcontext_dense "
               "feature_list_sparse_indices:Nfeature_list_sparse*int64 "
               "feature_list_sparse_values:feature_list_sparse_types "
               "feature_list_sparse_shapes:Nfeature_list_sparse*int64 "
               "feature_list_dense_values:feature_list_dense_types "
               "feature_list_dense_lengths:Nfeature_list_dense*int64",
    .attrs = "feature_list_dense_missing_assumed_empty:list(string) "
             "context_sparse_keys:list(string) context_dense_keys:list(string) "
             "feature_list_sparse_keys:list(string) feature_list_dense_keys:list(string) "
             "Ncontext_sparse:int=0 Ncontext_dense:int=0 Nfeature_list_sparse:int=0 "
             "Nfeature_list_dense:int=0 context_sparse_types:list(type)=[] "
             "Tcontext_dense:list(type)=[] feature_list_dense_types:list(type)=[] "
             "context_dense_shapes:list(shape)=[] feature_list_sparse_types:list(type)=[] "
             "feature_list_dense_shapes:list(shape)=[]",
    .shape = parse_shape,
    .prepare = parse_prepare,
    .run = parse_run,
};

const struct op op_ParseSequenceExampleV2 = {
    .name = "ParseSequenceExampleV2",
    .inputs = "serialized:string debug_name:string context_sparse_keys:string "
              "context_dense_keys:string context_ragged_keys:string "
              "feature_list_sparse_keys:string feature_list_dense_keys:string "
              "feature_list_ragged_keys:string feature_list_dense_missing_assumed_empty:bool "
              "context_dense_defaults:Tcontext_dense",
    .outputs = "context_sparse_indices:Ncontext_sparse*int64 "
               "context_sparse_values:context_sparse_types "
               "context_sparse_shapes:Ncontext_sparse*int64 context_dense_values:Tcontext_dense "
               "context_ragged_values:context_ragged_value_types "
               "context_ragged_row_splits:context_ragged_split_types "
               "feature_list_sparse_indices:Nfeature_list_sparse*int64 "
               "feature_list_sparse_values:feature_list_sparse_types "
               "feature_list_sparse_shapes:Nfeature_list_sparse*int64 "
               "feature_list_dense_values:feature_list_dense_types "
               "feature_list_dense_lengths:Nfeature_list_dense*int64 "
               "feature_list_ragged_values:feature_list_ragged_value_types "
               "feature_list_ragged_outer_splits:feature_list_ragged_split_types "
               "feature_list_ragged_inner_splits:feature_list_ragged_split_types",
    .attrs = "Ncontext_sparse:int=0 Tcontext_dense:list(type)=[] "
             "context_sparse_types:list(type)=[] context_ragged_value_types:list(type)=[] "
             "context_ragged_split_types:list(type)=[] context_dense_shapes:list(shape)=[] "
             "Nfeature_list_sparse:int=0 Nfeature_list_dense:int=0 "
             "feature_list_dense_types:list(type)=[] feature_list_sparse_types:list(type)=[] "
             "feature_list_ragged_value_types:list(type)=[] "
             "feature_list_ragged_split_types:list(type)=[] "
             "feature_list_dense_shapes:list(shape)=[]",
    .shape = parse_shape,
    .prepare = parse_prepare,
    .run = parse_run,
};
