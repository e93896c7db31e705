/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows over images [batch, rows, columns, channels] that are no convolution:
 *
 *   ExtractImagePatches  all pixels of a window as channels of one, zero outside the image.
 *   Dilation2D           for each channel the largest of in + filter; outside takes no part.
 *   MaxPoolWithArgmax    the largest and where it was, first in reading order, as a flat index.
 */
#include <float.h>

#include "ops/kernel.h"
#include "ops/nn/window.h"

/* ---- the windows of ExtractImagePatches and Dilation2D ---- */

static enum code read_rates(const struct op_call *call, const char *name, int64_t picked[2],
                            struct error *err)
{
    const int64_t *numbers;
    bool dilation = span_is(span_of(call->node->op->name), "Dilation2D");
    if (op_attr_ints(call, name, &numbers) != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "%s requires the %s attribute to contain 4 values", call->node->op->name,
                         name);
    if (numbers[0] != 1 || numbers[3] != 1) {
        if (dilation)
            return error_set(err, CODE_UNIMPLEMENTED,
                             "%s is only supported across spatial dimensions.",
                             name[0] == 's' ? "Stride" : "Rate");
        return error_set(err, CODE_UNIMPLEMENTED, "Only support %s across space.", name);
    }
    for (int d = 0; d < WINDOW_DIMS; d++) {
        picked[d] = numbers[1 + d];
        if (picked[d] < 1 || picked[d] > INT32_MAX)
            return error_set(err, dilation ? CODE_INVALID_ARGUMENT : CODE_OUT_OF_RANGE,
                             "%s is out of range.", name);
    }
    return CODE_OK;
}

static enum code read_places(const struct op_call *call, struct window *w, struct error *err)
{
    *w = (struct window){.stride = {1, 1}, .dilation = {1, 1}};
    enum code code = read_rates(call, "strides", w->stride, err);
    return code ? code : read_rates(call, "rates", w->dilation, err);
}

static enum code check_image(const struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (call->in[0]->shape.rank == 4)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT, "input must be 4-dimensional%s",
                     shape_text(&call->in[0]->shape, text));
}

/* Offset of the pixel at kernel position k for output pixel i of the batch; -1: outside. */
static int64_t pixel_of(const struct window *w, int64_t i, int64_t k)
{
    int64_t column = i % w->out[1], row = i / w->out[1] % w->out[0];
    int64_t image = i / w->out[1] / w->out[0];
    int64_t y = row * w->stride[0] - w->before[0] + k / w->kernel[1] * w->dilation[0];
    int64_t x = column * w->stride[1] - w->before[1] + k % w->kernel[1] * w->dilation[1];
    if (y < 0 || y >= w->in[0] || x < 0 || x >= w->in[1])
        return -1;
    return ((image * w->in[0] + y) * w->in[1] + x) * w->channels;
}

/* ---- ExtractImagePatches ---- */

static enum code patches_read(const struct op_call *call, struct window *w, struct error *err)
{
    int64_t sizes[WINDOW_DIMS];
    enum code code = read_rates(call, "ksizes", sizes, err);
    if (!code)
        code = read_places(call, w, err);
    if (!code)
        code = check_image(call, err);
    if (code)
        return code;
    memcpy(w->kernel, sizes, sizeof sizes);
    return window_fit(call, w, err);
}

static enum code patches_shape(struct op_call *call, struct error *err)
{
    struct window w;
    int64_t channels;
    enum code code = patches_read(call, &w, err);
    if (code)
        return code;
    if (__builtin_mul_overflow(w.kernel[0] * w.kernel[1], w.channels, &channels))
        return error_set(err, CODE_INVALID_ARGUMENT, "ksizes are too large");
    struct shape out = window_shape(&w, channels);
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code patches_prepare(struct op_call *call, struct error *err)
{
    struct window *w = ARENA_NEW(call->arena, struct window);
    call->state = w;
    return patches_read(call, w, err);
}

static enum code patches_run(struct op_call *call, struct error *err)
{
    const struct window *w = call->state;
    size_t size = dtype_size(call->in[0]->dtype), pixel = (size_t)w->channels * size;
    int64_t taps = w->kernel[0] * w->kernel[1];
    char *out = call->out[0]->data;
    (void)err;
    if (!tensor_elements(call->out[0]))
        return CODE_OK;
    for (int64_t i = 0; i < w->batch * w->out[0] * w->out[1]; i++) {
        for (int64_t k = 0; k < taps; k++, out += pixel) {
            int64_t at = pixel_of(w, i, k);
            if (at < 0)
                memset(out, 0, pixel);
            else
                memcpy(out, (const char *)call->in[0]->data + (size_t)at * size, pixel);
        }
    }
    return CODE_OK;
}

/* ---- Dilation2D: filter [rows, columns, channels] ---- */

static enum code dilation_read(const struct op_call *call, struct window *w, struct error *err)
{
    const struct shape *filter = &call->in[1]->shape;
    char text[SHAPE_TEXT_SIZE];
    enum code code = read_places(call, w, err);
    if (!code)
        code = check_image(call, err);
    if (code)
        return code;
    if (filter->rank != 3)
        return error_set(err, CODE_INVALID_ARGUMENT, "filter must be 3-dimensional: %s",
                         shape_text(filter, text));
    if (filter->dims[2] != call->in[0]->shape.dims[3])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "input and filter must have the same depth: %lld vs %lld",
                         (long long)call->in[0]->shape.dims[3], (long long)filter->dims[2]);
    for (int d = 0; d < WINDOW_DIMS; d++) {
        w->kernel[d] = filter->dims[d];
        if (w->kernel[d] > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT, "filter too large");
    }
    return window_fit(call, w, err);
}

static enum code dilation_shape(struct op_call *call, struct error *err)
{
    struct window w;
    enum code code = dilation_read(call, &w, err);
    if (code)
        return code;
    struct shape out = window_shape(&w, w.channels);
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code dilation_prepare(struct op_call *call, struct error *err)
{
    struct window *w = ARENA_NEW(call->arena, struct window);
    call->state = w;
    return dilation_read(call, w, err);
}

#define AS_IS(v)        (v)
#define LOWEST_int8     INT8_MIN
#define LOWEST_int16    INT16_MIN
#define LOWEST_int32    INT32_MIN
#define LOWEST_int64    INT64_MIN
#define LOWEST_uint8    0
#define LOWEST_uint16   0
#define LOWEST_uint32   0
#define LOWEST_uint64   0
#define LOWEST_float    (-FLT_MAX)
#define LOWEST_double   (-DBL_MAX)
#define LOWEST_half     0xfbff
#define LOWEST_bfloat16 0xff7f

/* X(dtype, type, name, type that adds, load, store) */
#define ALL_TYPES(X)                                                                               \
    X(DTYPE_INT8, int8_t, int8, uint8_t, AS_IS, AS_IS)                                             \
    X(DTYPE_INT16, int16_t, int16, uint16_t, AS_IS, AS_IS)                                         \
    X(DTYPE_INT32, int32_t, int32, uint32_t, AS_IS, AS_IS)                                         \
    X(DTYPE_INT64, int64_t, int64, uint64_t, AS_IS, AS_IS)                                         \
    X(DTYPE_UINT8, uint8_t, uint8, uint8_t, AS_IS, AS_IS)                                          \
    X(DTYPE_UINT16, uint16_t, uint16, uint16_t, AS_IS, AS_IS)                                      \
    X(DTYPE_UINT32, uint32_t, uint32, uint32_t, AS_IS, AS_IS)                                      \
    X(DTYPE_UINT64, uint64_t, uint64, uint64_t, AS_IS, AS_IS)                                      \
    X(DTYPE_FLOAT, float, float, float, AS_IS, AS_IS)                                              \
    X(DTYPE_DOUBLE, double, double, double, AS_IS, AS_IS)                                          \
    X(DTYPE_HALF, uint16_t, half, float, dtype_half_to_float, dtype_half_from_float)               \
    X(DTYPE_BFLOAT16, uint16_t, bfloat16, float, dtype_bfloat16_to_float, dtype_bfloat16_from_float)

#define DEFINE_DILATION(dtype, type, name, adds, load, store)                                      \
    static void dilate_##name(const struct window *w, const struct op_call *call)                  \
    {                                                                                              \
        const type *in = call->in[0]->data, *filter = call->in[1]->data;                           \
        type *out = call->out[0]->data;                                                            \
        for (int64_t i = 0; i < w->batch * w->out[0] * w->out[1]; i++, out += w->channels) {       \
            for (int64_t c = 0; c < w->channels; c++)                                              \
                out[c] = (type)LOWEST_##name;                                                      \
            for (int64_t k = 0; k < w->kernel[0] * w->kernel[1]; k++) {                            \
                const int64_t at = pixel_of(w, i, k);                                              \
                for (int64_t c = 0; at >= 0 && c < w->channels; c++) {                             \
                    const type sum = (type)store(                                                  \
                        (adds)((adds)load(in[at + c]) + (adds)load(filter[k * w->channels + c]))); \
                    if (load(sum) > load(out[c]))                                                  \
                        out[c] = sum;                                                              \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }
ALL_TYPES(DEFINE_DILATION)

static enum code dilation_run(struct op_call *call, struct error *err)
{
#define DILATION_ROW(dtype, type, name, adds, load, store) [dtype] = dilate_##name,
    static void (*const dilations[DTYPE_COUNT])(const struct window *,
                                                const struct op_call *) = {ALL_TYPES(DILATION_ROW)};
    (void)err;
    dilations[call->in[0]->dtype](call->state, call);
    return CODE_OK;
}

/* ---- MaxPoolWithArgmax ---- */

struct argmax {
    struct window window;
    bool with_batch; /* indices count from the first image, not from each one's */
};

static enum code argmax_read(const struct op_call *call, struct argmax *a, struct error *err)
{
    struct window *w = &a->window;
    const int64_t *ksize;
    if (op_attr_ints(call, "ksize", &ksize) != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Sliding window ksize field must specify 4 dimensions");
    enum code code = window_read(call, WINDOW_STRIDES | WINDOW_CHANNELS_LAST, w, err);
    if (code)
        return code;
    for (int i = 0; i < 4; i++) {
        if (ksize[i] <= 0 || ksize[i] > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Sliding window ksize must be positive. The specified or inferred "
                             "ksize is: %lld,%lld,%lld,%lld",
                             (long long)ksize[0], (long long)ksize[1], (long long)ksize[2],
                             (long long)ksize[3]);
    }
    if (ksize[0] != 1 || w->outer_strides[0] != 1)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Pooling is not yet supported on the batch dimension.");
    if (call->in[0]->shape.rank != 4)
        return error_set(err, CODE_INVALID_ARGUMENT, "tensor_in must be 4-dimensional (2)");
    if (!tensor_elements(call->in[0]))
        return error_set(err, CODE_INVALID_ARGUMENT, "tensor_in must not be empty (2)");
    if (ksize[3] != 1 && ksize[3] != w->outer_strides[1])
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Depthwise max pooling requires the depth window to equal the depth "
                         "stride");
    if (ksize[3] != 1)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Non-spatial pooling is not yet supported. Volunteers? :)");
    window_pick(w, ksize, w->kernel);
    a->with_batch = op_attr_bool(call, "include_batch_in_index");
    return window_fit(call, w, err);
}

static enum code argmax_shape(struct op_call *call, struct error *err)
{
    struct argmax a;
    enum code code = argmax_read(call, &a, err);
    if (code)
        return code;
    struct shape out = window_shape(&a.window, a.window.channels);
    op_call_shape(call, 0, &out);
    op_call_shape(call, 1, &out);
    return CODE_OK;
}

static enum code argmax_prepare(struct op_call *call, struct error *err)
{
    struct argmax *a = ARENA_NEW(call->arena, struct argmax);
    call->state = a;
    return argmax_read(call, a, err);
}

/* Each function puts the largest of channel c of output pixel i and returns where it was. */
#define DEFINE_LARGEST(dtype, type, name, adds, load, store)                                       \
    static int64_t largest_##name(const struct window *w, const struct op_call *call, int64_t i,   \
                                  int64_t c)                                                       \
    {                                                                                              \
        const type *in = call->in[0]->data;                                                        \
        int64_t best = -1;                                                                         \
        for (int64_t k = 0; k < w->kernel[0] * w->kernel[1]; k++) {                                \
            const int64_t at = pixel_of(w, i, k);                                                  \
            if (at >= 0 && (best < 0 || load(in[best]) < load(in[at + c])))                        \
                best = at + c;                                                                     \
        }                                                                                          \
        TENSOR_AT(call->out[0], type)[i * w->channels + c] = best < 0 ? 0 : in[best];              \
        return best;                                                                               \
    }
ALL_TYPES(DEFINE_LARGEST)

static enum code argmax_run(struct op_call *call, struct error *err)
{
#define LARGEST_ROW(dtype, type, name, adds, load, store) [dtype] = largest_##name,
    static int64_t (*const largest[DTYPE_COUNT])(const struct window *, const struct op_call *,
                                                 int64_t, int64_t) = {ALL_TYPES(LARGEST_ROW)};
    const struct argmax *a = call->state;
    const struct window *w = &a->window;
    int64_t image = w->in[0] * w->in[1] * w->channels;
    (void)err;
    for (int64_t n = 0; n < tensor_elements(call->out[0]); n++) {
        int64_t i = n / w->channels;
        int64_t at = largest[call->in[0]->dtype](w, call, i, n % w->channels);
        if (!a->with_batch)
            at -= i / (w->out[0] * w->out[1]) * image;
        if (call->out[1]->dtype == DTYPE_INT64)
            TENSOR_AT(call->out[1], int64_t)[n] = at;
        else
            TENSOR_AT(call->out[1], int32_t)[n] = (int32_t)at;
    }
    return CODE_OK;
}

const struct op op_ExtractImagePatches = {
    .name = "ExtractImagePatches",
    .inputs = "images:T",
    .outputs = "patches:T",
    .attrs = "ksizes:list(int) strides:list(int) rates:list(int) T:type padding:string",
    .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL),
    .shape = patches_shape,
    .prepare = patches_prepare,
    .run = patches_run,
};

const struct op op_Dilation2D = {
    .name = "Dilation2D",
    .inputs = "input:T filter:T",
    .outputs = "output:T",
    .attrs = "T:type strides:list(int) rates:list(int) padding:string",
    .types = OP_TYPES_REAL,
    .shape = dilation_shape,
    .prepare = dilation_prepare,
    .run = dilation_run,
};

const struct op op_MaxPoolWithArgmax = {
    .name = "MaxPoolWithArgmax",
    .inputs = "input:T",
    .outputs = "output:T argmax:Targmax",
    .attrs = "ksize:list(int) strides:list(int) Targmax:index=int64 padding:string "
             "include_batch_in_index:bool=false T:type",
    .types = OP_TYPES_REAL,
    .shape = argmax_shape,
    .prepare = argmax_prepare,
    .run = argmax_run,
};
