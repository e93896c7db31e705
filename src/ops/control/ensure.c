/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ops that hand their input on if it is as it should be: EnsureShape, CheckNumerics; and those that
 * only tell an optimiser something.
 */
#include <math.h>

#include "ops/kernel.h"
#include "ops/math/number.h"

static enum code ensure_shape(struct op_call *call, struct error *err)
{
    struct shape wanted = op_attr_shape(call, "shape");
    const struct shape *got = &call->in[0]->shape;
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    op_call_shape(call, 0, got);
    if (shape_matches(&wanted, got))
        return CODE_OK;
    return error_set(
        err, CODE_INVALID_ARGUMENT,
        "Shape of tensor %.*s %s is not compatible with expected shape %s.",
        SPAN_ARG(call->node->inputs ? call->node->inputs[0].node->name : call->node->name),
        shape_text(got, x), shape_text(&wanted, y));
}

/* ---- CheckNumerics ---- */

enum oddity {
    ODDITY_NAN = 1,
    ODDITY_INF = 2,
    ODDITY_MINUS_INF = 4,
};

static unsigned find_oddities(const struct tensor *t)
{
    unsigned found = 0;
    for (int64_t i = 0; i < tensor_elements(t); i++) {
        double x = number_at(t, i);
        if (isnan(x))
            found |= ODDITY_NAN;
        else if (isinf(x))
            found |= x > 0 ? ODDITY_INF : ODDITY_MINUS_INF;
    }
    return found;
}

static enum code check_numerics(struct op_call *call, bool signs, struct error *err)
{
    unsigned found = find_oddities(call->in[0]);
    size_t bytes = tensor_bytes(call->in[0]);
    if (bytes && call->out[0]->data != call->in[0]->data)
        memcpy(call->out[0]->data, call->in[0]->data, bytes);
    if (!found)
        return CODE_OK;
    unsigned inf = found & (ODDITY_INF | ODDITY_MINUS_INF);
    error_set(err, CODE_INVALID_ARGUMENT, "%.*s : Tensor had ",
              SPAN_ARG(op_attr_string(call, "message")));
    const char *join = "";
    if (signs && (found & ODDITY_MINUS_INF)) {
        error_append(err, "-Inf");
        join = found & ODDITY_INF && found & ODDITY_NAN ? ", " : " and ";
    }
    if (signs && (found & ODDITY_INF)) {
        error_append(err, "%s+Inf", join);
        join = found & ODDITY_MINUS_INF && found & ODDITY_NAN ? ", and " : " and ";
    }
    if (!signs && inf) {
        error_append(err, "Inf");
        join = " and ";
    }
    if (found & ODDITY_NAN)
        error_append(err, "%sNaN", join);
    return error_append(err, " values");
}

static enum code numerics_run(struct op_call *call, struct error *err)
{
    return check_numerics(call, false, err);
}

static enum code numerics_v2_run(struct op_call *call, struct error *err)
{
    return check_numerics(call, true, err);
}

const struct op op_EnsureShape = {
    .name = "EnsureShape",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "shape:shape T:type",
    .flags = OP_ALIAS,
    .shape = ensure_shape,
};

const struct op op_CheckNumerics = {
    .name = "CheckNumerics",
    .inputs = "tensor:T",
    .outputs = "output:T",
    .attrs = "T:type message:string",
    .flags = OP_STATEFUL,
    .types = OP_TYPES_FLOAT,
    .run = numerics_run,
};

const struct op op_CheckNumericsV2 = {
    .name = "CheckNumericsV2",
    .inputs = "tensor:T",
    .outputs = "output:T",
    .attrs = "T:type message:string",
    .flags = OP_STATEFUL,
    .types = OP_TYPES_FLOAT,
    .run = numerics_v2_run,
};

const struct op op_GuaranteeConst = {
    .name = "GuaranteeConst",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "T:type",
    .flags = OP_ALIAS,
};

const struct op op_DeepCopy = {
    .name = "DeepCopy",
    .inputs = "x:T",
    .outputs = "y:T",
    .attrs = "T:type",
    .flags = OP_ALIAS,
};
