/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MatrixDiag, MatrixDiagPart, MatrixSetDiag and their V2 and V3: bands of diagonals made to
 * matrices, taken out and put in. A band is [..., diagonals, longest] from the upper diagonal to
 * the lower, or [..., longest] of one; shorter diagonals are padded on the side that `align` says.
 * The first versions know the main diagonal only.
 */
#include "ops/kernel.h"

struct band {
    int64_t rows, columns; /* of the matrices */
    int64_t lower, upper;  /* diagonals; 0 is the main one, above it are positive ones */
    int64_t longest;
    int64_t count;               /* of the matrices */
    bool left_above, left_below; /* where diagonals on either side begin */
};

/* ---- reading ---- */

static bool is_known(const struct op_call *call, int from)
{
    for (int i = from; i < call->in_count; i++) {
        if (!op_call_known(call, i))
            return false;
    }
    return true;
}

/* k [] or [2]: the diagonals; without that input the main one. */
static enum code read_diagonals(const struct op_call *call, int i, struct band *b,
                                struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (i >= call->in_count)
        return CODE_OK;
    const struct tensor *k = call->in[i];
    if (k->shape.rank > 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "diag_index must be a scalar or vector, received shape: %s",
                         shape_text(&k->shape, text));
    int64_t n = tensor_elements(k);
    if (n < 1 || n > 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "diag_index must have only one or two elements, received %lld elements.",
                         (long long)n);
    b->lower = tensor_int(k, 0);
    b->upper = tensor_int(k, n - 1);
    if (b->lower > b->upper)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "lower_diag_index must not be larger than upper_diag_index: %lld > %lld",
                         (long long)b->lower, (long long)b->upper);
    return CODE_OK;
}

static void read_align(const struct op_call *call, struct band *b)
{
    b->left_above = b->left_below = true;
    size_t len = call->node->op_name.len;
    if (len < 2 || memcmp(call->node->op_name.ptr + len - 2, "V3", 2) != 0)
        return;
    struct span align = op_attr_string(call, "align");
    b->left_above = span_starts_with(align, SPAN_LITERAL("LEFT_"));
    b->left_below = span_ends_with(align, SPAN_LITERAL("_LEFT"));
}

static int64_t low(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t high(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The original has the dot in one of three places. */
static enum code out_of_bound(const struct band *b, const char *name, int64_t index,
                              const char *dot, struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "%s is out of bound: %lld%s It must be between %lld and %lld", name,
                     (long long)index, dot, (long long)-b->rows, (long long)b->columns);
}

/* The band of the matrices in input 0. */
static enum code read_matrices(const struct op_call *call, int k, struct band *b, struct error *err)
{
    const struct shape *shape = &call->in[0]->shape;
    char text[SHAPE_TEXT_SIZE];
    *b = (struct band){0};
    if (shape->rank < 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "input must be at least 2-dim, received shape: %s",
                         shape_text(shape, text));
    b->rows = shape->dims[shape->rank - 2];
    b->columns = shape->dims[shape->rank - 1];
    b->count = kernel_span(shape, 0, shape->rank - 2);
    enum code code = read_diagonals(call, k, b, err);
    if (code)
        return code;
    read_align(call, b);
    if (b->lower && (b->lower <= -b->rows || b->lower >= b->columns))
        return out_of_bound(b, "lower_diag_index", b->lower, k == 1 ? "." : "", err);
    if (b->upper && (b->upper <= -b->rows || b->upper >= b->columns))
        return out_of_bound(b, "upper_diag_index", b->upper, "", err);
    b->longest = low(b->rows + low(b->upper, 0), b->columns - high(b->lower, 0));
    return CODE_OK;
}

/* [..., diagonals, longest] behind the first `batch` dimensions of `like`. */
static struct shape band_shape(const struct shape *like, int batch, const struct band *b)
{
    struct shape shape = *like;
    shape.rank = batch;
    if (b->lower != b->upper)
        shape.dims[shape.rank++] = b->upper - b->lower + 1;
    shape.dims[shape.rank++] = b->longest;
    return shape;
}

/* ---- the walk ---- */

/* Where row 0 of diagonal d of the matrix lies, and where its values begin in its row of the band.
 */
static void place(const struct band *b, int64_t d, int64_t *length, int64_t *in_matrix,
                  int64_t *in_band)
{
    *length = low(b->rows + low(d, 0), b->columns - high(d, 0));
    *in_matrix = d < 0 ? -d * b->columns : d;
    bool left = (d >= 0 && b->left_above) || (d <= 0 && b->left_below);
    *in_band = (b->upper - d) * b->longest + (left ? 0 : b->longest - *length);
}

/* Copies all diagonals, from the band to the matrices or back. */
static void copy_band(const struct band *b, char *matrices, char *bands, size_t size, bool to_band)
{
    int64_t all = (b->upper - b->lower + 1) * b->longest;
    for (int64_t n = 0; n < b->count; n++) {
        char *matrix = matrices + (size_t)(n * b->rows * b->columns) * size;
        char *band = bands + (size_t)(n * all) * size;
        for (int64_t d = b->lower; d <= b->upper; d++) {
            int64_t length, in_matrix, in_band;
            place(b, d, &length, &in_matrix, &in_band);
            for (int64_t i = 0; i < length; i++) {
                char *m = matrix + (size_t)(in_matrix + i * (b->columns + 1)) * size;
                char *v = band + (size_t)(in_band + i) * size;
                memcpy(to_band ? v : m, to_band ? m : v, size);
            }
        }
    }
}

/* All elements of output 0 become the scalar input i, or zero without it. */
static enum code pad(struct op_call *call, int i, struct error *err)
{
    struct tensor *out = call->out[0];
    size_t size = dtype_size(out->dtype);
    char text[SHAPE_TEXT_SIZE];
    if (i >= call->in_count) {
        memset(out->data, 0, tensor_bytes(out));
        return CODE_OK;
    }
    if (tensor_elements(call->in[i]) != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "padding_value must be a scalar, received shape: %s",
                         shape_text(&call->in[i]->shape, text));
    for (int64_t k = 0, n = tensor_elements(out); k < n; k++)
        memcpy((char *)out->data + (size_t)k * size, call->in[i]->data, size);
    return CODE_OK;
}

static enum code ready(struct op_call *call, const struct shape *shape, struct error *err)
{
    return call->out[0]->data ? CODE_OK : op_call_alloc(call, 0, shape, err);
}

/* ---- MatrixDiagPart: input, k, padding_value -> the band ---- */

static enum code part_shape(struct op_call *call, struct error *err)
{
    struct band b;
    op_call_defer(call, 0);
    if (!is_known(call, 1))
        return CODE_OK;
    enum code code = read_matrices(call, 1, &b, err);
    if (code)
        return code;
    struct shape shape = band_shape(&call->in[0]->shape, call->in[0]->shape.rank - 2, &b);
    op_call_shape(call, 0, &shape);
    return CODE_OK;
}

static enum code part_run(struct op_call *call, struct error *err)
{
    struct band b;
    enum code code = read_matrices(call, 1, &b, err);
    if (code)
        return code;
    struct shape shape = band_shape(&call->in[0]->shape, call->in[0]->shape.rank - 2, &b);
    code = ready(call, &shape, err);
    if (!code)
        code = pad(call, 2, err);
    if (!code)
        copy_band(&b, call->in[0]->data, call->out[0]->data, dtype_size(call->out[0]->dtype), true);
    return code;
}

/* ---- MatrixSetDiag: input, diagonal, k -> input with the band ---- */

static enum code set_shape(struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (call->in[0]->shape.rank < 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "input must be at least 2-dim, received shape: %s",
                         shape_text(&call->in[0]->shape, text));
    if (call->in[1]->shape.rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "diagonal must be at least 1-dim, received shape: %s",
                         shape_text(&call->in[1]->shape, text));
    op_call_shape(call, 0, &call->in[0]->shape);
    return CODE_OK;
}

static enum code set_run(struct op_call *call, struct error *err)
{
    struct band b;
    char input[SHAPE_TEXT_SIZE], got[SHAPE_TEXT_SIZE], want[SHAPE_TEXT_SIZE];
    enum code code = read_matrices(call, 2, &b, err);
    if (code)
        return code;
    struct shape shape = band_shape(&call->in[0]->shape, call->in[0]->shape.rank - 2, &b);
    if (!shape_equal(&shape, &call->in[1]->shape))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Either first dimensions of diagonal don't match input.shape[:-2], or "
                         "diagonal.shape[:-1] is not equal to the longests diagonal in range "
                         "[lower_diag_index:upper_diag_index].\nInput shape: %s\nDiagonal shape: "
                         "%s\nExpected diagonal shape: %s",
                         shape_text(&call->in[0]->shape, input),
                         shape_text(&call->in[1]->shape, got), shape_text(&shape, want));
    if (call->out[0]->data != call->in[0]->data && tensor_bytes(call->in[0]))
        memcpy(call->out[0]->data, call->in[0]->data, tensor_bytes(call->in[0]));
    copy_band(&b, call->out[0]->data, call->in[1]->data, dtype_size(call->out[0]->dtype), false);
    return CODE_OK;
}

/* ---- MatrixDiag: diagonal, k, num_rows, num_cols, padding_value -> matrices ---- */

static enum code read_size(const struct op_call *call, int i, const char *name, int64_t *size,
                           struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    *size = -1;
    if (i >= call->in_count)
        return CODE_OK;
    if (call->in[i]->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s must be a scalar, received shape: %s",
                         name, shape_text(&call->in[i]->shape, text));
    *size = tensor_int(call->in[i], 0);
    return CODE_OK;
}

/* The sizes that were not given, and whether those that were fit. */
static enum code fit_sizes(struct band *b, struct error *err)
{
    int64_t rows = b->longest - low(b->upper, 0), columns = b->longest + high(b->lower, 0);
    if (b->rows != -1 && b->rows < rows)
        return error_set(err, CODE_INVALID_ARGUMENT, "The number of rows is too small.");
    if (b->columns != -1 && b->columns < columns)
        return error_set(err, CODE_INVALID_ARGUMENT, "The number of columns is too small.");
    if (b->rows == -1 && b->columns == -1) {
        b->rows = b->columns = high(rows, columns);
    } else {
        b->rows = b->rows == -1 ? rows : b->rows;
        b->columns = b->columns == -1 ? columns : b->columns;
    }
    if (b->rows != rows && b->columns != columns)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The number of rows or columns is not consistent with the specified "
                         "d_lower, d_upper, and diagonal.");
    return CODE_OK;
}

static enum code read_band(const struct op_call *call, struct band *b, struct shape *out,
                           struct error *err)
{
    const struct shape *shape = &call->in[0]->shape;
    char text[SHAPE_TEXT_SIZE];
    *b = (struct band){0};
    enum code code = read_diagonals(call, 1, b, err);
    if (!code)
        code = read_size(call, 2, "num_rows", &b->rows, err);
    if (!code)
        code = read_size(call, 3, "num_cols", &b->columns, err);
    if (code)
        return code;
    read_align(call, b);
    bool many = b->lower != b->upper;
    int batch = shape->rank - 1 - many;
    if (shape->rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "diagonal must be at least 1-dim, received shape: %s",
                         shape_text(shape, text));
    if (many && (batch < 0 || shape->dims[batch] != b->upper - b->lower + 1))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The number of diagonals provided in the input does not match the "
                         "lower_diag_index and upper_diag_index range.");
    if (batch + 2 > SHAPE_RANK_MAX)
        return error_set(err, CODE_UNIMPLEMENTED, "rank %d is beyond %d", batch + 2,
                         SHAPE_RANK_MAX);
    b->longest = shape->dims[shape->rank - 1];
    b->count = kernel_span(shape, 0, batch);
    code = fit_sizes(b, err);
    int64_t elements;
    *out = *shape;
    out->rank = batch + 2;
    out->dims[batch] = b->rows;
    out->dims[batch + 1] = b->columns;
    if (!code && !shape_elements_checked(out, &elements))
        code = error_set(err, CODE_INVALID_ARGUMENT, "matrices of %s are too large",
                         shape_text(out, text));
    return code;
}

static enum code diag_shape(struct op_call *call, struct error *err)
{
    struct band b;
    struct shape shape;
    op_call_defer(call, 0);
    if (!is_known(call, 1))
        return CODE_OK;
    enum code code = read_band(call, &b, &shape, err);
    if (!code)
        op_call_shape(call, 0, &shape);
    return code;
}

static enum code diag_run(struct op_call *call, struct error *err)
{
    struct band b;
    struct shape shape;
    enum code code = read_band(call, &b, &shape, err);
    if (!code)
        code = ready(call, &shape, err);
    if (!code)
        code = pad(call, 4, err);
    if (!code)
        copy_band(&b, call->out[0]->data, call->in[0]->data, dtype_size(call->out[0]->dtype),
                  false);
    return code;
}

#define BAND_OP(NAME, INPUTS, OUTPUT, ATTRS, FLAGS, SHAPE, RUN)                                    \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = INPUTS,                                                                          \
        .outputs = OUTPUT,                                                                         \
        .attrs = "T:type" ATTRS,                                                                   \
        .flags = FLAGS,                                                                            \
        .shape = SHAPE,                                                                            \
        .run = RUN,                                                                                \
    };
#define ALIGN       " align:string='RIGHT_LEFT'"
#define DIAG_INPUTS "diagonal:T k:int32 num_rows:int32 num_cols:int32 padding_value:T"
#define PART_INPUTS "input:T k:int32 padding_value:T"

BAND_OP(MatrixDiag, "diagonal:T", "output:T", "", 0, diag_shape, diag_run)
BAND_OP(MatrixDiagV2, DIAG_INPUTS, "output:T", "", 0, diag_shape, diag_run)
BAND_OP(MatrixDiagV3, DIAG_INPUTS, "output:T", ALIGN, 0, diag_shape, diag_run)
BAND_OP(MatrixDiagPart, "input:T", "diagonal:T", "", 0, part_shape, part_run)
BAND_OP(MatrixDiagPartV2, PART_INPUTS, "diagonal:T", "", 0, part_shape, part_run)
BAND_OP(MatrixDiagPartV3, PART_INPUTS, "diagonal:T", ALIGN, 0, part_shape, part_run)
BAND_OP(MatrixSetDiag, "input:T diagonal:T", "output:T", "", 0, set_shape, set_run)
BAND_OP(MatrixSetDiagV2, "input:T diagonal:T k:int32", "output:T", "", 0, set_shape, set_run)
BAND_OP(MatrixSetDiagV3, "input:T diagonal:T k:int32", "output:T", ALIGN, 0, set_shape, set_run)
/* What TensorFlow 1 called them before version 1.0. */
BAND_OP(BatchMatrixDiag, "diagonal:T", "output:T", "", 0, diag_shape, diag_run)
BAND_OP(BatchMatrixDiagPart, "input:T", "diagonal:T", "", 0, part_shape, part_run)
BAND_OP(BatchMatrixSetDiag, "input:T diagonal:T", "output:T", "", 0, set_shape, set_run)
