/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TFText>RoundRobinTrim, TFText>RoundRobinGenerateMasks: of the rows that several ragged tensors
 * have at one place of the batch, as many elements as go into a sequence: one of each in turn.
 */
#include "ops/kernel.h"
#include "ops/text/rows.h"

struct trimmer {
    struct op_call *call;
    int count;     /* of ragged tensors */
    int64_t batch; /* rows of each */
    int64_t room;
    int64_t *sizes, *used; /* of the rows at one place */
};

enum { ROOM_INPUT, VALUES_INPUT };

static const struct tensor *splits_of(const struct trimmer *t, int i)
{
    return t->call->in[VALUES_INPUT + t->count + i];
}

static enum code check(const struct trimmer *t, struct error *err)
{
    if (tensor_elements(t->call->in[ROOM_INPUT]) != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "max_sequence_length must be a scalar");
    enum code code = CODE_OK;
    for (int i = 0; !code && i < t->count; i++) {
        code = row_check_splits(splits_of(t, i), tensor_elements(t->call->in[VALUES_INPUT + i]),
                                "input_row_splits", err);
        if (!code && tensor_elements(splits_of(t, i)) != tensor_elements(splits_of(t, 0)))
            code = error_set(err, CODE_INVALID_ARGUMENT,
                             "input_row_splits %d has %lld rows, the first has %lld", i,
                             (long long)tensor_elements(splits_of(t, i)) - 1,
                             (long long)tensor_elements(splits_of(t, 0)) - 1);
    }
    return code;
}

static enum code begin(struct op_call *call, struct trimmer *t, struct error *err)
{
    *t = (struct trimmer){.call = call};
    (void)op_call_input(call, "input_values", &t->count);
    enum code code = check(t, err);
    if (code)
        return code;
    t->batch = t->count ? tensor_elements(splits_of(t, 0)) - 1 : 0;
    t->room = *TENSOR_AT(call->in[ROOM_INPUT], int32_t);
    t->room = t->room < 0 ? 0 : t->room;
    code = kernel_array(call, t->count + 1, sizeof *t->sizes, &t->sizes, err);
    return code ? code : kernel_array(call, t->count + 1, sizeof *t->used, &t->used, err);
}

/* Every row gets `level` elements, or all it has, with the highest level that fits; what is left
 * goes to the first rows that have more, one each. */
static void share(struct trimmer *t, int64_t row)
{
    int64_t left = t->room;
    int open = t->count;
    for (int i = 0; i < t->count; i++) {
        t->sizes[i] = tensor_int(splits_of(t, i), row + 1) - tensor_int(splits_of(t, i), row);
        t->used[i] = 0;
    }
    for (bool more = true; more && open;) {
        int64_t level = left / open;
        more = false;
        for (int i = 0; i < t->count; i++) {
            if (t->used[i] == t->sizes[i])
                continue;
            int64_t own = t->sizes[i] - t->used[i];
            own = own < level ? own : level;
            t->used[i] += own;
            left -= own;
            more |= own > 0;
        }
        open = 0;
        for (int i = 0; i < t->count; i++)
            open += t->used[i] < t->sizes[i];
    }
    for (int i = 0; i < t->count && left; i++) {
        bool more = t->used[i] < t->sizes[i];
        t->used[i] += more;
        left -= more;
    }
}

/* input_values: N of [n], input_row_splits: N of [batch + 1] -> masks: N of [n] */
static enum code masks_run(struct op_call *call, struct error *err)
{
    struct trimmer t;
    enum code code = begin(call, &t, err);
    for (int i = 0; !code && i < t.count; i++) {
        struct shape shape = shape_vector(t.batch ? tensor_int(splits_of(&t, i), t.batch) : 0);
        code = op_call_alloc(call, i, &shape, err);
    }
    for (int64_t row = 0; !code && row < t.batch; row++) {
        share(&t, row);
        for (int i = 0; i < t.count; i++) {
            bool *mask = TENSOR_AT(call->out[i], bool) + tensor_int(splits_of(&t, i), row);
            for (int64_t k = 0; k < t.sizes[i]; k++)
                mask[k] = k < t.used[i];
        }
    }
    return code;
}

/* Outputs `count + i`: the new splits, in which share() has told every row its length. */
static enum code put_splits(struct trimmer *t, struct error *err)
{
    struct tensor *const *out = t->call->out;
    struct shape shape = shape_vector(t->batch + 1);
    enum code code = CODE_OK;
    for (int i = 0; !code && i < t->count; i++) {
        code = op_call_alloc(t->call, t->count + i, &shape, err);
        if (!code)
            kernel_put_index(out[t->count + i], 0, 0);
    }
    for (int64_t row = 0; !code && row < t->batch; row++) {
        share(t, row);
        for (int i = 0; i < t->count; i++)
            kernel_put_index(out[t->count + i], row + 1,
                             tensor_int(out[t->count + i], row) + t->used[i]);
    }
    return code;
}

/* input_values: N of [n], input_row_splits: N of [batch + 1] -> values: N, row_splits: N */
static enum code trim_run(struct op_call *call, struct error *err)
{
    struct trimmer t;
    enum code code = begin(call, &t, err);
    if (!code)
        code = put_splits(&t, err);
    for (int i = 0; !code && i < t.count; i++) {
        const struct tensor *from = call->in[VALUES_INPUT + i], *splits = call->out[t.count + i];
        struct shape shape = shape_vector(tensor_int(splits, t.batch));
        size_t size = dtype_size(from->dtype);
        code = op_call_alloc(call, i, &shape, err);
        for (int64_t row = 0; !code && row < t.batch; row++) {
            int64_t at = tensor_int(splits, row), length = tensor_int(splits, row + 1) - at;
            int64_t source = tensor_int(splits_of(&t, i), row);
            if (length)
                memcpy((char *)call->out[i]->data + (size_t)at * size,
                       (const char *)from->data + (size_t)source * size, (size_t)length * size);
        }
    }
    return code;
}

#define VALUE_TYPES (OP_TYPES_REAL | OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING))

const struct op op_TFText_RoundRobinTrim = {
    .name = "TFText>RoundRobinTrim",
    .inputs = "max_sequence_length:int32 input_values:N*T input_row_splits:N*Tsplits",
    .outputs = "values:N*T row_splits:N*Tsplits",
    .attrs = "N:int T:type Tsplits:index",
    .flags = OP_DYNAMIC,
    .types = VALUE_TYPES,
    .run = trim_run,
};

const struct op op_TFText_RoundRobinGenerateMasks = {
    .name = "TFText>RoundRobinGenerateMasks",
    .inputs = "max_sequence_length:int32 input_values:N*T input_row_splits:N*Tsplits",
    .outputs = "masks:N*bool",
    .attrs = "N:int T:type Tsplits:index",
    .flags = OP_DYNAMIC,
    .types = VALUE_TYPES,
    .run = masks_run,
};
