/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DecodeCSV: each record becomes one element of each output. Fields may stand in quotes, where a
 * quote is doubled. select_cols says which columns go to the outputs; records are read no further
 * than the last of them. An output's default stands for a field that is empty or is na_value.
 */
#include "ops/kernel.h"
#include "ops/string/number.h"
#include "ops/string/text_builder.h"

#define CSV_TYPES                                                                                  \
    (OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE) | OP_TYPE(DTYPE_INT32) | OP_TYPE(DTYPE_INT64) |  \
     OP_TYPE(DTYPE_STRING))

struct csv {
    const int64_t *columns; /* increasing */
    size_t column_count;    /* 0: all */
    bool quotes;
    char delimiter;
    struct span missing;
};

static enum code csv_prepare(struct op_call *call, struct error *err)
{
    struct csv *c = ARENA_NEW(call->arena, struct csv);
    struct span delimiter = op_attr_string(call, "field_delim");
    call->state = c;
    c->column_count = op_attr_ints(call, "select_cols", &c->columns);
    c->quotes = op_attr_bool(call, "use_quote_delim");
    c->missing = op_attr_string(call, "na_value");
    for (int i = 0; i < call->out_count; i++) {
        if (!(OP_TYPE(call->out[i]->dtype) & CSV_TYPES))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "csv: data type %s not supported in field %d",
                             dtype_name(call->out[i]->dtype), i);
    }
    if (delimiter.len != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "field_delim should be only 1 char");
    c->delimiter = *delimiter.ptr;
    if (c->column_count && c->column_count != (size_t)call->out_count)
        return error_set(err, CODE_INVALID_ARGUMENT, "select_cols should match output size");
    for (size_t i = 0; i < c->column_count; i++) {
        if (c->columns[i] < 0)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "select_cols should be non-negative indices");
        if (i && c->columns[i] <= c->columns[i - 1])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "select_cols should be strictly increasing indices");
    }
    return CODE_OK;
}

static enum code csv_shape(struct op_call *call, struct error *err)
{
    for (int i = 0; i < call->out_count; i++) {
        const struct shape *shape = &call->in[i + 1]->shape;
        if (shape->rank > 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Each record default should be at most rank 1");
        if (shape_elements(shape) > 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "There should only be 1 default per field but field %d has %lld", i,
                             (long long)shape_elements(shape));
        op_call_shape(call, i, &call->in[0]->shape);
    }
    return CODE_OK;
}

/* ---- records ---- */

struct record {
    const struct csv *csv;
    struct op_call *call;
    int64_t number;
    struct span text;
    size_t at;
    int64_t column;      /* of the next field */
    struct span *fields; /* those that go to outputs */
    int kept;            /* how many so far */
};

static void keep_field(struct record *r, struct span text)
{
    if (r->kept < r->call->out_count)
        r->fields[r->kept] = text;
    r->kept++;
}

static enum code read_plain(struct record *r, struct span *field, struct error *err)
{
    size_t start = r->at;
    for (; r->at < r->text.len && r->text.ptr[r->at] != r->csv->delimiter; r->at++) {
        char c = r->text.ptr[r->at];
        if ((r->csv->quotes && c == '"') || c == '\n' || c == '\r')
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Unquoted fields cannot have quotes/CRLFs inside");
    }
    *field = span_sub(r->text, start, r->at - start);
    r->at++;
    return CODE_OK;
}

/* r->at is behind the opening quote. */
static enum code read_quoted(struct record *r, struct span *field, struct error *err)
{
    struct text_builder b = text_builder_in(r->call->arena);
    const char *p = r->text.ptr;
    size_t last = r->text.len - 1;
    while (r->at < last && (p[r->at] != '"' || p[r->at + 1] != r->csv->delimiter)) {
        text_builder_add_byte(&b, p[r->at]);
        if (p[r->at] != '"') {
            r->at++;
            continue;
        }
        if (p[r->at + 1] != '"')
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Quote inside a string has to be escaped by another quote");
        r->at += 2;
    }
    if (r->at > last || p[r->at] != '"')
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Quoted field has to end with quote followed by delim or end");
    r->at += 2;
    return text_builder_take(&b, field, err);
}

/* Does the next field go to an output? */
static bool is_kept(const struct record *r)
{
    return !r->csv->column_count || r->csv->columns[r->kept] == r->column;
}

static bool is_done(const struct record *r)
{
    return r->csv->column_count && (size_t)r->kept == r->csv->column_count;
}

static enum code read_record(struct record *r, struct error *err)
{
    enum code code = CODE_OK;
    while (!code && !is_done(r) && r->at < r->text.len) {
        struct span field;
        char c = r->text.ptr[r->at];
        if (c == '\n' || c == '\r') {
            r->at++;
            continue;
        }
        bool quoted = r->csv->quotes && c == '"';
        r->at += quoted;
        code = quoted ? read_quoted(r, &field, err) : read_plain(r, &field, err);
        bool kept = is_kept(r);
        r->column++;
        if (!code && kept)
            keep_field(r, field);
    }
    if (!code && r->text.len && !is_done(r) && is_kept(r) &&
        r->text.ptr[r->text.len - 1] == r->csv->delimiter)
        keep_field(r, span_make(NULL, 0));
    return code;
}

/* Element `number` of an output becomes the field's value. */
static enum code put_field(const struct record *r, int field, struct error *err)
{
    struct tensor *out = r->call->out[field];
    const struct tensor *given = r->call->in[field + 1];
    struct span text = r->fields[field];
    if (!text.len || span_equal(text, r->csv->missing)) {
        if (!tensor_elements(given))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Field %d is required but missing in record %lld!", field,
                             (long long)r->number);
        size_t size = dtype_size(out->dtype);
        memcpy((char *)out->data + (size_t)r->number * size, given->data, size);
        return CODE_OK;
    }
    if (out->dtype == DTYPE_STRING)
        TENSOR_AT(out, struct span)[r->number] = text;
    else if (!number_read(text, out, r->number))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Field %d in record %lld is not a valid %s: %.*s", field,
                         (long long)r->number, dtype_name(out->dtype), SPAN_ARG(text));
    return CODE_OK;
}

static enum code csv_run(struct op_call *call, struct error *err)
{
    struct span *fields;
    enum code code = kernel_array(call, call->out_count, sizeof *fields, &fields, err);
    for (int64_t i = 0, n = tensor_elements(call->in[0]); !code && i < n; i++) {
        struct record r = {.csv = call->state,
                           .call = call,
                           .number = i,
                           .text = TENSOR_AT(call->in[0], struct span)[i],
                           .fields = fields};
        code = read_record(&r, err);
        if (!code && r.kept != call->out_count)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Expect %d fields but have %d in record %lld", call->out_count, r.kept,
                             (long long)i);
        for (int f = 0; !code && f < call->out_count; f++)
            code = put_field(&r, f, err);
    }
    return code;
}

const struct op op_DecodeCSV = {
    .name = "DecodeCSV",
    .inputs = "records:string record_defaults:OUT_TYPE",
    .outputs = "output:OUT_TYPE",
    .attrs = "OUT_TYPE:list(type) field_delim:string=',' use_quote_delim:bool=true "
             "na_value:string='' select_cols:list(int)=[]",
    .shape = csv_shape,
    .prepare = csv_prepare,
    .run = csv_run,
};
