/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/control/summary.h"

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

void summary_append(struct error *err, const struct tensor *t, int64_t most)
{
    int64_t n = tensor_elements(t);
    int64_t shown = most < 0 || n < most ? n : most;
    error_append(err, "[");
    for (int64_t i = 0; i < shown; i++) {
        error_append(err, i ? " " : "");
        append_element(err, t, i);
    }
    error_append(err, shown < n ? "...]" : "]");
}
