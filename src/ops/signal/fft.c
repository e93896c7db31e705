/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FFT, IFFT, RFFT, IRFFT and their forms of two and three dimensions: transforms of the innermost
 * dimensions, each line in turn along each of them. A transform is computed in double on a block
 * of the inner dimensions (scratch), whatever the dtype. Of a real signal's spectrum the inner
 * dimension has the half that says all: n / 2 + 1 numbers.
 */
#include "ops/signal/fourier.h"

enum { RANK_MAX = 3 };

struct fft_form {
    int rank;
    bool inverse;
    bool real; /* the side that is no spectrum */
};

struct fft {
    struct fft_form form;
    int64_t in_size[RANK_MAX];
    int64_t size[RANK_MAX]; /* of the transform */
    int64_t out_size[RANK_MAX];
    int64_t batches;
    int64_t block; /* numbers of one transform */
    int64_t line;  /* of its longest side */
    const struct fourier *plans[RANK_MAX];
};

/* ---- shapes ---- */

static enum code read_lengths(const struct op_call *call, const struct fft_form *form,
                              int64_t sizes[RANK_MAX], struct error *err)
{
    const struct tensor *lengths = call->in[1];
    if (lengths->shape.rank != 1 || lengths->shape.dims[0] != form->rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "fft_length must have shape [%d]", form->rank);
    const struct shape *in = &call->in[0]->shape;
    for (int i = 0; i < form->rank; i++) {
        sizes[i] = tensor_int(lengths, i);
        if (sizes[i] < 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "fft_length[%d] must >= 0, but got: %lld",
                             i, (long long)sizes[i]);
        int axis = in->rank - form->rank + i;
        bool half = form->inverse && i == form->rank - 1;
        int64_t least = half ? sizes[i] / 2 + 1 : sizes[i];
        if (in->dims[axis] != 0 && in->dims[axis] < least)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Input dimension %d must have length of at least %lld but got: %lld",
                             axis, (long long)least, (long long)in->dims[axis]);
    }
    return CODE_OK;
}

/* The sizes of the transform along its dimensions. */
static enum code read_sizes(const struct op_call *call, const struct fft_form *form,
                            int64_t sizes[RANK_MAX], struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (in->rank < form->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input must have rank of at least %d but got: %s", form->rank,
                         shape_text(in, text));
    for (int i = 0; i < form->rank; i++)
        sizes[i] = in->dims[in->rank - form->rank + i];
    return form->real ? read_lengths(call, form, sizes, err) : CODE_OK;
}

static enum code infer(struct op_call *call, const struct fft_form *form, struct error *err)
{
    if (form->real && !op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    int64_t sizes[RANK_MAX];
    enum code code = read_sizes(call, form, sizes, err);
    struct shape out = call->in[0]->shape;
    for (int i = 0; !code && i < form->rank; i++) {
        bool half = form->real && !form->inverse && i == form->rank - 1 && sizes[i];
        out.dims[out.rank - form->rank + i] = half ? sizes[i] / 2 + 1 : sizes[i];
    }
    op_call_shape(call, 0, &out);
    return code;
}

static enum code prepare(struct op_call *call, const struct fft_form *form, struct error *err)
{
    struct fft *f = ARENA_NEW(call->arena, struct fft);
    const struct shape *in = &call->in[0]->shape, *out = &call->out[0]->shape;
    f->form = *form;
    enum code code = read_sizes(call, form, f->size, err);
    if (code)
        return code;
    call->state = f;
    f->batches = kernel_span(in, 0, in->rank - form->rank);
    f->block = 1;
    int64_t work = 0;
    for (int i = 0; i < form->rank; i++) {
        f->in_size[i] = in->dims[in->rank - form->rank + i];
        f->out_size[i] = out->dims[out->rank - form->rank + i];
        if (__builtin_mul_overflow(f->block, f->size[i], &f->block))
            return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a transform");
        f->line = f->size[i] > f->line ? f->size[i] : f->line;
    }
    for (int i = 0; !code && f->block && i < form->rank; i++) {
        code = fourier_new(call, f->size[i], &f->plans[i], err);
        int64_t needed = code ? 0 : fourier_work(f->plans[i]);
        work = needed > work ? needed : work;
    }
    size_t numbers = (size_t)(f->block + f->line + work);
    if (f->block > INT64_C(1) << 40)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a transform");
    call->scratch_size = numbers * sizeof(double complex);
    return code;
}

/* ---- numbers in and out ---- */

static double complex load(const struct tensor *tensor, int64_t i)
{
    switch (tensor->dtype) {
    case DTYPE_FLOAT:
        return (double)TENSOR_AT(tensor, float)[i];
    case DTYPE_DOUBLE:
        return TENSOR_AT(tensor, double)[i];
    case DTYPE_COMPLEX64:
        return number_complex((double)TENSOR_AT(tensor, float)[2 * i],
                              (double)TENSOR_AT(tensor, float)[2 * i + 1]);
    default:
        return TENSOR_AT(tensor, double complex)[i];
    }
}

static void store(struct tensor *tensor, int64_t i, double complex value)
{
    switch (tensor->dtype) {
    case DTYPE_FLOAT:
        TENSOR_AT(tensor, float)[i] = (float)creal(value);
        break;
    case DTYPE_DOUBLE:
        TENSOR_AT(tensor, double)[i] = creal(value);
        break;
    case DTYPE_COMPLEX64:
        TENSOR_AT(tensor, float)[2 * i] = (float)creal(value);
        TENSOR_AT(tensor, float)[2 * i + 1] = (float)cimag(value);
        break;
    default:
        TENSOR_AT(tensor, double complex)[i] = value;
    }
}

/* A row-major index of the block as numbers along three dimensions, absent ones in front. */
struct position {
    int64_t at[RANK_MAX];
};

static struct position position_of(const struct fft *f, int64_t i)
{
    struct position p = {{0}};
    for (int d = f->form.rank - 1; d >= 0; d--) {
        p.at[d] = i % f->size[d];
        i /= f->size[d];
    }
    return p;
}

static int64_t index_in(const struct fft *f, const struct position *p,
                        const int64_t sizes[RANK_MAX])
{
    int64_t index = 0;
    for (int d = 0; d < f->form.rank; d++)
        index = index * sizes[d] + p->at[d];
    return index;
}

/* A spectrum's other half is the mirrored conjugate of the one that is there. */
static double complex load_half(const struct fft *f, const struct tensor *in, int64_t first,
                                struct position p)
{
    int inner = f->form.rank - 1;
    if (p.at[inner] <= f->size[inner] / 2)
        return load(in, first + index_in(f, &p, f->in_size));
    for (int d = 0; d <= inner; d++)
        p.at[d] = p.at[d] ? f->size[d] - p.at[d] : 0;
    return conj(load(in, first + index_in(f, &p, f->in_size)));
}

static void load_block(const struct fft *f, const struct tensor *in, int64_t batch,
                       double complex *block)
{
    int64_t in_block = 1;
    for (int d = 0; d < f->form.rank; d++)
        in_block *= f->in_size[d];
    for (int64_t i = 0; i < f->block; i++) {
        struct position p = position_of(f, i);
        block[i] = f->form.real && f->form.inverse
                       ? load_half(f, in, batch * in_block, p)
                       : load(in, batch * in_block + index_in(f, &p, f->in_size));
    }
}

static void store_block(const struct fft *f, struct tensor *out, int64_t batch,
                        const double complex *block)
{
    int inner = f->form.rank - 1;
    int64_t out_block = 1;
    for (int d = 0; d < f->form.rank; d++)
        out_block *= f->out_size[d];
    double scale = f->form.inverse ? 1 / (double)f->block : 1;
    for (int64_t i = 0; i < f->block; i++) {
        struct position p = position_of(f, i);
        if (p.at[inner] < f->out_size[inner])
            store(out, batch * out_block + index_in(f, &p, f->out_size), block[i] * scale);
    }
}

/* ---- the transform ---- */

/* All lines along dimension d. */
static void transform(const struct fft *f, int d, double complex *block, double complex *line,
                      double complex *work)
{
    int64_t n = f->size[d], step = 1;
    for (int i = d + 1; i < f->form.rank; i++)
        step *= f->size[i];
    for (int64_t i = 0; i < f->block / n; i++) {
        double complex *first = block + i / step * step * n + i % step;
        if (step == 1) {
            fourier_run(f->plans[d], f->form.inverse, first, work);
            continue;
        }
        for (int64_t k = 0; k < n; k++)
            line[k] = first[k * step];
        fourier_run(f->plans[d], f->form.inverse, line, work);
        for (int64_t k = 0; k < n; k++)
            first[k * step] = line[k];
    }
}

static enum code fft_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct fft *f = call->state;
    double complex *block = call->scratch, *line = block + f->block, *work = line + f->line;
    if (!tensor_elements(call->in[0])) {
        memset(call->out[0]->data, 0, tensor_bytes(call->out[0]));
        return CODE_OK;
    }
    for (int64_t batch = 0; batch < f->batches && f->block; batch++) {
        load_block(f, call->in[0], batch, block);
        for (int d = f->form.rank - 1; d >= 0; d--)
            transform(f, d, block, line, work);
        store_block(f, call->out[0], batch, block);
    }
    return CODE_OK;
}

/* input [..., n] complex -> output: of the same shape. */
#define FFT_OP(NAME, RANK, INVERSE)                                                                \
    static enum code NAME##_shape(struct op_call *call, struct error *err)                         \
    {                                                                                              \
        static const struct fft_form form = {RANK, INVERSE, false};                                \
        return infer(call, &form, err);                                                            \
    }                                                                                              \
    static enum code NAME##_prepare(struct op_call *call, struct error *err)                       \
    {                                                                                              \
        static const struct fft_form form = {RANK, INVERSE, false};                                \
        return prepare(call, &form, err);                                                          \
    }                                                                                              \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "input:Tcomplex",                                                                \
        .outputs = "output:Tcomplex",                                                              \
        .attrs = "Tcomplex:type=complex64",                                                        \
        .types = OP_TYPES_COMPLEX,                                                                 \
        .types_attr = "Tcomplex",                                                                  \
        .shape = NAME##_shape,                                                                     \
        .prepare = NAME##_prepare,                                                                 \
        .run = fft_run,                                                                            \
    };
FFT_OP(FFT, 1, false)
FFT_OP(FFT2D, 2, false)
FFT_OP(FFT3D, 3, false)
FFT_OP(IFFT, 1, true)
FFT_OP(IFFT2D, 2, true)
FFT_OP(IFFT3D, 3, true)

/* input [..., n] real, fft_length [rank] -> output [..., n / 2 + 1] complex; and back. */
#define REAL_FFT_OP(NAME, RANK, INVERSE, INPUT, OUTPUT)                                            \
    static enum code NAME##_shape(struct op_call *call, struct error *err)                         \
    {                                                                                              \
        static const struct fft_form form = {RANK, INVERSE, true};                                 \
        return infer(call, &form, err);                                                            \
    }                                                                                              \
    static enum code NAME##_prepare(struct op_call *call, struct error *err)                       \
    {                                                                                              \
        static const struct fft_form form = {RANK, INVERSE, true};                                 \
        return prepare(call, &form, err);                                                          \
    }                                                                                              \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "input:" INPUT " fft_length:int32",                                              \
        .outputs = "output:" OUTPUT,                                                               \
        .attrs = "Treal:type=float Tcomplex:type=complex64",                                       \
        .types = OP_TYPES_COMPLEX,                                                                 \
        .types_attr = "Tcomplex",                                                                  \
        .shape = NAME##_shape,                                                                     \
        .prepare = NAME##_prepare,                                                                 \
        .run = fft_run,                                                                            \
    };
REAL_FFT_OP(RFFT, 1, false, "Treal", "Tcomplex")
REAL_FFT_OP(RFFT2D, 2, false, "Treal", "Tcomplex")
REAL_FFT_OP(RFFT3D, 3, false, "Treal", "Tcomplex")
REAL_FFT_OP(IRFFT, 1, true, "Tcomplex", "Treal")
REAL_FFT_OP(IRFFT2D, 2, true, "Tcomplex", "Treal")
REAL_FFT_OP(IRFFT3D, 3, true, "Tcomplex", "Treal")
