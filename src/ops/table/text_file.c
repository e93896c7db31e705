/* SPDX-License-Identifier: Apache-2.0 */
/*
 * InitializeTableFromTextFileV2: a table from the lines of a file: key and value are a column each,
 * the whole line (index -2) or its number (index -1).
 */
#include <stdlib.h>

#include "base/file.h"
#include "ops/kernel.h"
#include "ops/table/table.h"

enum {
    WHOLE_LINE = -2,
    LINE_NUMBER = -1,
};

struct source {
    const char *path;
    struct span rest;
    int64_t number; /* of the line that is read */
    char delimiter;
    int64_t skip; /* lines at the beginning */
};

static bool next_line(struct source *s, struct span *line)
{
    if (!s->rest.len)
        return false;
    *line = span_cut(&s->rest, '\n');
    if (line->len && line->ptr[line->len - 1] == '\r')
        line->len--;
    return true;
}

static enum code find_column(const struct source *s, struct span line, int64_t index,
                             struct span *column, struct error *err)
{
    *column = line;
    if (index < 0)
        return CODE_OK;
    for (int64_t i = 0; i < index; i++) {
        size_t end = span_find(*column, s->delimiter);
        if (end == column->len)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Invalid number of columns in %s line %lld (%.*s) : expected at least "
                             "%lld got %lld",
                             s->path, (long long)s->number, SPAN_ARG(line), (long long)index + 1,
                             (long long)i + 1);
        *column = span_sub(*column, end + 1, column->len);
    }
    *column = span_sub(*column, 0, span_find(*column, s->delimiter));
    return CODE_OK;
}

/* One element of the dtype into `to`. */
static enum code convert(const struct source *s, struct span text, int64_t index, enum dtype dtype,
                         void *to, struct error *err)
{
    char number[64];
    int64_t integer = s->number;
    bool is_number = index == LINE_NUMBER || span_to_int64(text, &integer);
    if (dtype == DTYPE_STRING && index != LINE_NUMBER) {
        memcpy(to, &text, sizeof text);
        return CODE_OK;
    }
    if (dtype == DTYPE_INT64 && is_number) {
        memcpy(to, &integer, sizeof integer);
        return CODE_OK;
    }
    if (dtype == DTYPE_INT32 && is_number && integer == (int32_t)integer) {
        int32_t narrow = (int32_t)integer;
        memcpy(to, &narrow, sizeof narrow);
        return CODE_OK;
    }
    if ((dtype == DTYPE_FLOAT || dtype == DTYPE_DOUBLE) && text.len && text.len < sizeof number) {
        char *end;
        memcpy(number, text.ptr, text.len);
        number[text.len] = 0;
        double real = strtod(number, &end);
        float narrow = (float)real;
        memcpy(to, dtype == DTYPE_FLOAT ? (void *)&narrow : (void *)&real, dtype_size(dtype));
        if (!*end)
            return CODE_OK;
    }
    return error_set(err, CODE_INVALID_ARGUMENT, "Field %.*s in line %lld is not a valid %s.",
                     SPAN_ARG(text), (long long)s->number, dtype_name(dtype));
}

struct element {
    _Alignas(16) char bytes[16];
};

static enum code add_line(const struct op_call *call, struct table *table, struct source *s,
                          struct span line, struct error *err)
{
    int64_t key_index = op_attr_int(call, "key_index");
    int64_t value_index = op_attr_int(call, "value_index");
    struct span key_text, value_text;
    struct element key, value;
    enum code code = find_column(s, line, key_index, &key_text, err);
    if (!code)
        code = find_column(s, line, value_index, &value_text, err);
    if (!code)
        code = convert(s, key_text, key_index, table->key_dtype, &key, err);
    if (!code)
        code = convert(s, value_text, value_index, table->value_dtype, &value, err);
    if (code)
        return code;
    struct tensor one = {table->key_dtype, shape_scalar(), &key, NULL};
    return table_put(table, table_key(&one, 0), &value, err);
}

/* With the lock held for writing. */
static enum code read_lines(const struct op_call *call, struct table *table, struct source *s,
                            struct error *err)
{
    int64_t limit = op_attr_int(call, "vocab_size");
    struct span line;
    for (int64_t i = 0; i < s->skip && next_line(s, &line); i++)
        ;
    while (next_line(s, &line)) {
        if (limit > 0 && s->number >= limit)
            break;
        enum code code = add_line(call, table, s, line, err);
        if (code)
            return code;
        s->number++;
    }
    if (limit > 0 && s->number < limit)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Invalid vocab_size in %s: expected %lld but got %lld", s->path,
                         (long long)limit, (long long)s->number);
    return CODE_OK;
}

static enum code open_source(struct op_call *call, struct source *s, struct error *err)
{
    struct span delimiter = op_attr_string(call, "delimiter");
    if (tensor_elements(call->in[1]) != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "filename should be a single string");
    if (delimiter.len != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "delimiter should be only 1 char");
    *s = (struct source){
        .path = arena_strdup(call->arena, *TENSOR_AT(call->in[1], struct span)),
        .delimiter = *delimiter.ptr,
        .skip = op_attr_int(call, "offset"),
    };
    return file_read(s->path, call->arena, &s->rest, err);
}

static enum code from_text_file_run(struct op_call *call, struct error *err)
{
    struct table *table;
    struct source source;
    enum code code = table_of(call, &table, err);
    if (!code && table->value_shape.rank)
        code = error_set(err, CODE_INVALID_ARGUMENT, "the table's values are no scalars");
    if (!code)
        code = open_source(call, &source, err);
    if (code)
        return code;
    pthread_rwlock_wrlock(&table->lock);
    if (!atomic_load(&table->filled)) {
        code = read_lines(call, table, &source, err);
        atomic_store_explicit(&table->filled, !code, memory_order_release);
    }
    pthread_rwlock_unlock(&table->lock);
    return code;
}

#define FROM_TEXT_FILE_OP(NAME)                                                                    \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "table_handle:resource filename:string",                                         \
        .outputs = "",                                                                             \
        .attrs =                                                                                   \
            "key_index:int value_index:int vocab_size:int=-1 delimiter:string='\t' offset:int=0",  \
        .flags = OP_STATEFUL,                                                                      \
        .run = from_text_file_run,                                                                 \
    };
FROM_TEXT_FILE_OP(InitializeTableFromTextFileV2)
FROM_TEXT_FILE_OP(InitializeTableFromTextFile)
