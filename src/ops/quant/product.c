/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QuantizedMatMul, QuantizedConv2D: sums of products of 8-bit numbers, each less the number that
 * stands for zero, as 32-bit numbers; QuantizedMaxPool: the largest of windows. With them goes the
 * range of floats that the result stands for.
 */
#include "ops/nn/window.h"
#include "ops/quant/limits.h"

struct side {
    float min, max;
    int64_t zero; /* the number that stands for 0; it may be none of the type's */
};

/* How an op says that an end of a range is no scalar. */
enum style { STYLE_MATMUL, STYLE_CONV, STYLE_POOL };

static enum code not_scalar(enum style style, const char *end, const char *name,
                            const struct shape *shape, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    shape_text(shape, text);
    if (style == STYLE_MATMUL)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s_%s must be a scalar, but got shape%s", end,
                         name, text);
    if (style == STYLE_CONV)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s_%s must be rank 0 but is rank %d", end,
                         name, shape->rank);
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "%s_%s shape must be rank 0 but is rank %d, received shape: %s", end, name,
                     shape->rank, text);
}

/* Inputs i and i + 1: the range of input `of`. */
static enum code read_side(const struct op_call *call, int of, int i, enum style style,
                           const char *name, struct side *side, struct error *err)
{
    static const char *const ends[] = {"min", "max"};
    struct quant_limits limits = quant_limits(call->in[of]->dtype);
    float values[2];
    for (int k = 0; k < 2; k++) {
        if (call->in[i + k]->shape.rank != 0)
            return not_scalar(style, ends[k], name, &call->in[i + k]->shape, err);
        values[k] = *TENSOR_AT(call->in[i + k], float);
    }
    *side = (struct side){.min = values[0], .max = values[1], .zero = limits.lowest};
    if (values[0] == values[1])
        return CODE_OK;
    const double steps = (double)limits.steps;
    const double scale = steps / ((double)(values[1] - values[0]) * (steps / (steps - 1.0)));
    side->zero -= quant_int64(round((double)values[0] * scale));
    return CODE_OK;
}

/* The range of sums of products. */
static void put_range(struct op_call *call, const struct side *a, const struct side *b)
{
    struct quant_limits x = quant_limits(call->in[0]->dtype), y = quant_limits(call->in[1]->dtype);
    struct quant_limits out = quant_limits(call->out[0]->dtype);
    float step_a = (a->max - a->min) / (float)(x.highest - x.lowest);
    float step_b = (b->max - b->min) / (float)(y.highest - y.lowest);
    *TENSOR_AT(call->out[1], float) = step_a * step_b * (float)out.lowest;
    *TENSOR_AT(call->out[2], float) = step_a * step_b * (float)out.highest;
}

static int32_t number_of(const struct tensor *t, int64_t i)
{
    return t->dtype == DTYPE_QUINT8 ? TENSOR_AT(t, uint8_t)[i] : TENSOR_AT(t, int8_t)[i];
}

static void set_scalars(struct op_call *call)
{
    struct shape scalar = shape_scalar();
    op_call_shape(call, 1, &scalar);
    op_call_shape(call, 2, &scalar);
}

/* ---- QuantizedMatMul: a, b, min_a, max_a, min_b, max_b ---- */

struct transposes {
    bool a, b;
};

static enum code matmul_shape(struct op_call *call, struct error *err)
{
    const struct shape *a = &call->in[0]->shape, *b = &call->in[1]->shape;
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    bool ta = op_attr_bool(call, "transpose_a"), tb = op_attr_bool(call, "transpose_b");
    for (int i = 0; i < 2; i++) {
        if (call->in[i]->shape.rank != 2)
            return error_set(err, CODE_INVALID_ARGUMENT, "In[%d] is not a matrix", i);
    }
    if (a->dims[!ta] != b->dims[tb])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Matrix size-incompatible: In[0]: %s, In[1]: %s", shape_text(a, left),
                         shape_text(b, right));
    struct shape shape = shape_matrix(a->dims[ta], b->dims[!tb]);
    op_call_shape(call, 0, &shape);
    set_scalars(call);
    return CODE_OK;
}

static enum code matmul_prepare(struct op_call *call, struct error *err)
{
    struct transposes *t = ARENA_NEW(call->arena, struct transposes);
    t->a = op_attr_bool(call, "transpose_a");
    t->b = op_attr_bool(call, "transpose_b");
    call->state = t;
    enum code code = quant_check_dtype(call, "T2", DTYPE_QUINT8, err);
    return code ? code : quant_check_dtype(call, "Toutput", DTYPE_QINT32, err);
}

static enum code matmul_run(struct op_call *call, struct error *err)
{
    const struct transposes *t = call->state;
    const struct tensor *a = call->in[0], *b = call->in[1];
    struct side x, y;
    enum code code = read_side(call, 0, 2, STYLE_MATMUL, "a", &x, err);
    if (!code)
        code = read_side(call, 1, 4, STYLE_MATMUL, "b", &y, err);
    if (!code && !(x.max > x.min))
        code = error_set(err, CODE_INVALID_ARGUMENT, "max_a must be larger than min_a.");
    if (!code && !(y.max > y.min))
        code = error_set(err, CODE_INVALID_ARGUMENT, "max_b must be larger than min_b.");
    if (code)
        return code;
    int64_t m = call->out[0]->shape.dims[0], n = call->out[0]->shape.dims[1];
    int64_t depth = a->shape.dims[!t->a], a_width = a->shape.dims[1], b_width = b->shape.dims[1];
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
            uint32_t sum = 0;
            for (int64_t p = 0; p < depth; p++) {
                int64_t u = t->a ? p * a_width + i : i * a_width + p;
                int64_t v = t->b ? j * b_width + p : p * b_width + j;
                sum += ((uint32_t)number_of(a, u) - (uint32_t)x.zero) *
                       ((uint32_t)number_of(b, v) - (uint32_t)y.zero);
            }
            TENSOR_AT(call->out[0], int32_t)[i * n + j] = (int32_t)sum;
        }
    }
    put_range(call, &x, &y);
    return CODE_OK;
}

/* ---- windows ---- */

static enum code read_window(const struct op_call *call, unsigned attrs, int64_t rows,
                             int64_t columns, struct window *w, struct error *err)
{
    enum code code = window_read(call, attrs | WINDOW_CHANNELS_LAST, w, err);
    w->kernel[WINDOW_ROWS] = rows;
    w->kernel[WINDOW_COLUMNS] = columns;
    return code ? code : window_fit(call, w, err);
}

/* The image's place of the window's; false when it lies in the padding. */
static bool place_of(const struct window *w, const int64_t at[WINDOW_DIMS],
                     const int64_t kernel[WINDOW_DIMS], int64_t place[WINDOW_DIMS])
{
    bool inside = true;
    for (int d = 0; d < WINDOW_DIMS; d++) {
        place[d] = at[d] * w->stride[d] - w->before[d] + kernel[d] * w->dilation[d];
        inside &= place[d] >= 0 && place[d] < w->in[d];
    }
    return inside;
}

typedef void window_fn(struct op_call *call, const struct window *w, int64_t image,
                       const int64_t at[WINDOW_DIMS], void *context);

static void each_window(struct op_call *call, const struct window *w, window_fn *fn, void *context)
{
    for (int64_t image = 0; image < w->batch; image++) {
        for (int64_t row = 0; row < w->out[WINDOW_ROWS]; row++) {
            for (int64_t column = 0; column < w->out[WINDOW_COLUMNS]; column++)
                fn(call, w, image, (const int64_t[]){row, column}, context);
        }
    }
}

static int64_t pixel(int64_t image, const int64_t at[WINDOW_DIMS], const int64_t size[WINDOW_DIMS])
{
    return (image * size[WINDOW_ROWS] + at[WINDOW_ROWS]) * size[WINDOW_COLUMNS] +
           at[WINDOW_COLUMNS];
}

/* ---- QuantizedConv2D: input, filter, min_input, max_input, min_filter, max_filter ---- */

static enum code conv_shape(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape, *filter = &call->in[1]->shape;
    struct window *w = ARENA_NEW(call->arena, struct window);
    if (in->rank != 4)
        return error_set(err, CODE_INVALID_ARGUMENT, "input must be rank 4 but is rank %d",
                         in->rank);
    if (filter->rank != 4)
        return error_set(err, CODE_INVALID_ARGUMENT, "filter must be rank 4 but is rank %d",
                         filter->rank);
    if (in->dims[3] != filter->dims[2])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "input and filter must have the same depth: %lld vs %lld",
                         (long long)in->dims[3], (long long)filter->dims[2]);
    call->state = w;
    enum code code = read_window(call, WINDOW_STRIDES | WINDOW_DILATIONS, filter->dims[0],
                                 filter->dims[1], w, err);
    if (!code)
        code = window_check_outer_strides(w, CODE_INVALID_ARGUMENT, err);
    if (code)
        return code;
    if (w->dilation[WINDOW_ROWS] != 1 || w->dilation[WINDOW_COLUMNS] != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Current implementation only supports dilated rate as 1 in the row and "
                         "column dimensions.");
    if (w->outer_dilations[0] != 1 || w->outer_dilations[1] != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Current implementation does not yet support dilations in the batch and "
                         "depth dimensions.");
    struct shape shape = window_shape(w, filter->dims[3]);
    op_call_shape(call, 0, &shape);
    set_scalars(call);
    return CODE_OK;
}

static enum code conv_prepare(struct op_call *call, struct error *err)
{
    enum code code = quant_check_dtype(call, "Tfilter", DTYPE_QUINT8, err);
    if (!code)
        code = quant_check_dtype(call, "out_type", DTYPE_QINT32, err);
    return code ? code : conv_shape(call, err);
}

struct zeros {
    uint32_t input, filter;
};

static void conv_window(struct op_call *call, const struct window *w, int64_t image,
                        const int64_t at[WINDOW_DIMS], void *context)
{
    const struct zeros *z = context;
    const struct tensor *in = call->in[0], *filter = call->in[1];
    int64_t depth = filter->shape.dims[2], outputs = filter->shape.dims[3];
    int64_t k[WINDOW_DIMS], place[WINDOW_DIMS];
    uint32_t *out = TENSOR_AT(call->out[0], uint32_t) + pixel(image, at, w->out) * outputs;
    memset(out, 0, (size_t)outputs * sizeof *out);
    for (k[0] = 0; k[0] < w->kernel[0]; k[0]++) {
        for (k[1] = 0; k[1] < w->kernel[1]; k[1]++) {
            if (!place_of(w, at, k, place))
                continue;
            int64_t from = pixel(image, place, w->in) * depth;
            int64_t weights = (k[0] * w->kernel[1] + k[1]) * depth * outputs;
            for (int64_t c = 0; c < depth; c++) {
                uint32_t x = (uint32_t)number_of(in, from + c) - z->input;
                for (int64_t o = 0; o < outputs; o++)
                    out[o] +=
                        x * ((uint32_t)number_of(filter, weights + c * outputs + o) - z->filter);
            }
        }
    }
}

static enum code conv_run(struct op_call *call, struct error *err)
{
    struct side x, y;
    enum code code = read_side(call, 0, 2, STYLE_CONV, "input", &x, err);
    if (!code)
        code = read_side(call, 1, 4, STYLE_CONV, "filter", &y, err);
    if (code)
        return code;
    struct zeros zeros = {(uint32_t)x.zero, (uint32_t)y.zero};
    each_window(call, call->state, conv_window, &zeros);
    put_range(call, &x, &y);
    return CODE_OK;
}

/* ---- QuantizedMaxPool: input, min_input, max_input ---- */

static enum code pool_shape(struct op_call *call, struct error *err)
{
    struct window *w = ARENA_NEW(call->arena, struct window);
    const int64_t *ksize;
    call->state = w;
    if (call->in[0]->shape.rank != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "tensor_in_shape must have 2 spatial dimensions. %d 0",
                         call->in[0]->shape.rank);
    if (op_attr_ints(call, "ksize", &ksize) != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Sliding window ksize field must specify 4 dimensions");
    for (int i = 0; i < 4; i++) {
        if (ksize[i] < 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "ksize must be a postive int32 value, got:%lld", (long long)ksize[i]);
    }
    if (ksize[0] != 1)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Pooling is not yet supported on the batch dimension.");
    if (ksize[3] != 1)
        return error_set(err, CODE_UNIMPLEMENTED,
                         call->in[0]->shape.dims[3] % ksize[3]
                             ? "Depthwise max pooling requires the depth window to evenly divide "
                               "the input depth"
                             : "QuantizedMaxPool of channels is not supported");
    enum code code = read_window(call, WINDOW_STRIDES, ksize[1], ksize[2], w, err);
    if (!code && w->outer_strides[0] != 1)
        code = error_set(err, CODE_UNIMPLEMENTED,
                         "Pooling is not yet supported on the batch dimension.");
    if (code)
        return code;
    struct shape shape = window_shape(w, call->in[0]->shape.dims[3]);
    op_call_shape(call, 0, &shape);
    set_scalars(call);
    return CODE_OK;
}

static void pool_window(struct op_call *call, const struct window *w, int64_t image,
                        const int64_t at[WINDOW_DIMS], void *context)
{
    const struct tensor *in = call->in[0];
    int64_t channels = in->shape.dims[3], k[WINDOW_DIMS], place[WINDOW_DIMS];
    int64_t to = pixel(image, at, w->out) * channels;
    (void)context;
    for (int64_t c = 0; c < channels; c++) {
        int32_t most = INT32_MIN;
        for (k[0] = 0; k[0] < w->kernel[0]; k[0]++) {
            for (k[1] = 0; k[1] < w->kernel[1]; k[1]++) {
                if (!place_of(w, at, k, place))
                    continue;
                int32_t own = number_of(in, pixel(image, place, w->in) * channels + c);
                most = own > most ? own : most;
            }
        }
        TENSOR_AT(call->out[0], uint8_t)[to + c] = (uint8_t)most;
    }
}

static enum code pool_run(struct op_call *call, struct error *err)
{
    struct side x;
    enum code code = read_side(call, 0, 1, STYLE_POOL, "input", &x, err);
    if (code)
        return code;
    each_window(call, call->state, pool_window, NULL);
    *TENSOR_AT(call->out[1], float) = x.min;
    *TENSOR_AT(call->out[2], float) = x.max;
    return CODE_OK;
}

const struct op op_QuantizedMatMul = {
    .name = "QuantizedMatMul",
    .inputs = "a:T1 b:T2 min_a:float max_a:float min_b:float max_b:float",
    .outputs = "out:Toutput min_out:float max_out:float",
    .attrs = "T1:type T2:type Toutput:type=qint32 transpose_a:bool=false transpose_b:bool=false "
             "Tactivation:type=quint8",
    .types = OP_TYPE(DTYPE_QUINT8),
    .types_attr = "T1",
    .shape = matmul_shape,
    .prepare = matmul_prepare,
    .run = matmul_run,
};

const struct op op_QuantizedConv2D = {
    .name = "QuantizedConv2D",
    .inputs = "input:Tinput filter:Tfilter min_input:float max_input:float min_filter:float "
              "max_filter:float",
    .outputs = "output:out_type min_output:float max_output:float",
    .attrs = "Tinput:type Tfilter:type out_type:type=qint32 strides:list(int) padding:string "
             "dilations:list(int)=[1,1,1,1]",
    .types = OP_TYPE(DTYPE_QUINT8),
    .types_attr = "Tinput",
    .shape = conv_shape,
    .prepare = conv_prepare,
    .run = conv_run,
};

const struct op op_QuantizedMaxPool = {
    .name = "QuantizedMaxPool",
    .inputs = "input:T min_input:float max_input:float",
    .outputs = "output:T min_output:float max_output:float",
    .attrs = "T:type ksize:list(int) strides:list(int) padding:string",
    .types = OP_TYPE(DTYPE_QUINT8) | OP_TYPE(DTYPE_QINT8),
    .shape = pool_shape,
    .prepare = pool_shape,
    .run = pool_run,
};
