/* SPDX-License-Identifier: Apache-2.0 */
/* Assert: condition [], data: fails the request with the data, as TensorFlow writes it. */
#include "ops/kernel.h"

static void append_element(struct error *err, const struct tensor *t, int64_t i)
{
    if (t->dtype == DTYPE_STRING)
        error_append(err, "\"%.*s\"", SPAN_ARG(TENSOR_AT(t, struct span)[i]));
    else if (t->dtype == DTYPE_FLOAT)
        error_append(err, "%g", (double)TENSOR_AT(t, float)[i]);
    else if (t->dtype == DTYPE_DOUBLE)
        error_append(err, "%g", TENSOR_AT(t, double)[i]);
    else if (dtype_is_integer(t->dtype) || t->dtype == DTYPE_BOOL)
        error_append(err, "%lld", (long long)tensor_int(t, i));
    else
        error_append(err, "?");
}

/* "[1 2 3...]"; a scalar is one element. */
static void append_tensor(struct error *err, const struct tensor *t, int64_t summarize)
{
    int64_t n = tensor_elements(t);
    int64_t shown = summarize < 0 || n < summarize ? n : summarize;
    error_append(err, " [");
    for (int64_t i = 0; i < shown; i++) {
        error_append(err, i ? " " : "");
        append_element(err, t, i);
    }
    error_append(err, shown < n ? "...]" : "]");
}

static enum code assert_run(struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (call->in[0]->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "In[0] should be a scalar: %s",
                         shape_text(&call->in[0]->shape, text));
    if (*TENSOR_AT(call->in[0], bool))
        return CODE_OK;
    error_set(err, CODE_INVALID_ARGUMENT, "assertion failed:");
    for (int i = 1; err && i < call->in_count; i++)
        append_tensor(err, call->in[i], op_attr_int(call, "summarize"));
    return CODE_INVALID_ARGUMENT;
}

const struct op op_Assert = {
    .name = "Assert",
    .inputs = "condition:bool data:T",
    .outputs = "",
    .attrs = "T:list(type) summarize:int=3",
    .flags = OP_STATEFUL,
    .run = assert_run,
};
