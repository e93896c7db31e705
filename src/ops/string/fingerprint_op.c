/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fingerprint: data [n, ...], method [] -> [n, 8]: FarmHash's fingerprint of each row's bytes;
 * of strings, of their own fingerprints unless a row is one string.
 */
#include "ops/kernel.h"
#include "ops/string/fingerprint.h"

static enum code fingerprint_shape(struct op_call *call, struct error *err)
{
    const struct shape *data = &call->in[0]->shape, *method = &call->in[1]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (method->rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "`method` should be a scalar string: %s",
                         shape_text(method, text));
    if (!data->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "`data` should have at least one dimension: %s", shape_text(data, text));
    struct shape shape = shape_matrix(data->dims[0], 8);
    op_call_shape(call, 0, &shape);
    return CODE_OK;
}

static enum code of_strings(struct op_call *call, struct error *err)
{
    const struct span *texts = call->in[0]->data;
    int64_t rows = call->in[0]->shape.dims[0], n = tensor_elements(call->in[0]);
    uint64_t *out = call->out[0]->data, *hashes;
    enum code code = kernel_array(call, n + 1, sizeof *hashes, &hashes, err);
    for (int64_t i = 0; !code && i < n; i++)
        hashes[i] = fingerprint(texts[i]);
    size_t width = rows ? (size_t)(n / rows) : 0;
    for (int64_t row = 0; !code && row < rows; row++)
        out[row] =
            width == 1
                ? hashes[row]
                : fingerprint(span_make(hashes + (size_t)row * width, width * sizeof *hashes));
    return code;
}

static enum code fingerprint_run(struct op_call *call, struct error *err)
{
    const struct tensor *data = call->in[0];
    struct span method = *TENSOR_AT(call->in[1], struct span);
    uint64_t *out = call->out[0]->data;
    int64_t rows = data->shape.dims[0];
    if (!span_is(method, "farmhash64"))
        return error_set(err, CODE_INVALID_ARGUMENT, "Unsupported fingerprint method: %.*s",
                         SPAN_ARG(method));
    if (data->dtype == DTYPE_STRING)
        return of_strings(call, err);
    size_t bytes = rows ? tensor_bytes(data) / (size_t)rows : 0;
    for (int64_t i = 0; i < rows; i++)
        out[i] = fingerprint(span_make((const char *)data->data + (size_t)i * bytes, bytes));
    return CODE_OK;
}

const struct op op_Fingerprint = {
    .name = "Fingerprint",
    .inputs = "data:T method:string",
    .outputs = "fingerprint:uint8",
    .attrs = "T:type",
    .types = OP_TYPES_NUMBER | OP_TYPES_QUANTISED | OP_TYPES_FLOAT8 | OP_TYPES_INT4 |
             OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING),
    .shape = fingerprint_shape,
    .run = fingerprint_run,
};
