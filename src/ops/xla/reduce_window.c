/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XlaReduceWindow: windows that slide over the input, each reduced by a function; what lies in the
 * padding or between dilated elements is left out. The loop goes over the places of a window and
 * there over all results, so that the function gets many elements at once; each result still sees
 * its window in order. Where each window is all that stands before an element, or behind it (jax's
 * cumsum, cummax, ...), a result is made of its neighbour's.
 */
#include "engine/run.h"
#include "ops/array/view.h"
#include "ops/kernel.h"
#include "ops/xla/reducer.h"

enum { INPUT, INIT, SIZE, STRIDE, BASE_DILATION, WINDOW_DILATION, PADDING, INPUTS };
enum {
    BATCH = 4096, /* elements that the function gets at once */
    LONG_ROW = 64 /* this many side by side are not gathered first */
};

struct sliding {
    struct shape in, out, window;
    int64_t stride[SHAPE_RANK_MAX], base[SHAPE_RANK_MAX], dilation[SHAPE_RANK_MAX];
    int64_t low[SHAPE_RANK_MAX];
    int64_t strides[SHAPE_RANK_MAX]; /* of the input */
};

/* Sizes, strides, dilations: at least 1 and small enough that no product overflows. */
static enum code read_steps(const struct op_call *call, int i, int64_t *to, struct error *err)
{
    int rank = call->in[INPUT]->shape.rank;
    if (tensor_elements(call->in[i]) != rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "input %d must have %d elements", i, rank);
    for (int k = 0; k < rank; k++) {
        to[k] = tensor_int(call->in[i], k);
        if (to[k] < 1 || to[k] > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "window, stride and dilation must be positive, not %lld",
                             (long long)to[k]);
    }
    return CODE_OK;
}

static enum code window_count(const struct op_call *call, struct sliding *s, int k,
                              struct error *err)
{
    int64_t low = tensor_int(call->in[PADDING], 2 * k),
            high = tensor_int(call->in[PADDING], 2 * k + 1);
    int64_t n = s->in.dims[k];
    if (low < INT32_MIN || low > INT32_MAX || high < INT32_MIN || high > INT32_MAX || n > INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "padding dimension %d is out of range", k);
    int64_t length = (n ? (n - 1) * s->base[k] + 1 : 0) + low + high;
    int64_t reach = (s->window.dims[k] - 1) * s->dilation[k] + 1;
    s->low[k] = low;
    s->out.dims[k] = length < reach ? 0 : (length - reach) / s->stride[k] + 1;
    return CODE_OK;
}

static enum code read_sliding(const struct op_call *call, struct sliding *s, struct error *err)
{
    const struct shape *padding = &call->in[PADDING]->shape;
    *s = (struct sliding){.in = call->in[INPUT]->shape};
    s->out.rank = s->window.rank = s->in.rank;
    view_strides(&s->in, s->strides);
    if (tensor_elements(call->in[INIT]) != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "init_value must be a scalar");
    if (padding->rank != 2 || padding->dims[0] != s->in.rank || padding->dims[1] != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "padding must be a matrix with two columns");
    enum code code = read_steps(call, SIZE, s->window.dims, err);
    if (!code)
        code = read_steps(call, STRIDE, s->stride, err);
    if (!code)
        code = read_steps(call, BASE_DILATION, s->base, err);
    if (!code)
        code = read_steps(call, WINDOW_DILATION, s->dilation, err);
    for (int k = 0; !code && k < s->in.rank; k++)
        code = window_count(call, s, k, err);
    int64_t elements;
    if (!code && (!shape_elements_checked(&s->window, &elements) ||
                  !shape_elements_checked(&s->out, &elements)))
        code = error_set(err, CODE_INVALID_ARGUMENT, "the windows are too large");
    return code;
}

static enum code window_shape(struct op_call *call, struct error *err)
{
    struct sliding s;
    for (int i = SIZE; i < INPUTS; i++) {
        if (!op_call_known(call, i)) {
            op_call_defer(call, 0);
            return CODE_OK;
        }
    }
    enum code code = read_sliding(call, &s, err);
    if (!code)
        op_call_shape(call, 0, &s.out);
    return code;
}

static enum code window_prepare(struct op_call *call, struct error *err)
{
    struct sliding *s = ARENA_NEW(call->arena, struct sliding);
    call->state = s;
    call->scratch_size = BATCH * (sizeof(int64_t) + 2 * dtype_size(call->out[0]->dtype));
    return read_sliding(call, s, err);
}

/* ---- the results under one place of the window ---- */

struct batch {
    struct op_call *call;
    const struct sliding *s;
    struct reducer *reducer;
    int64_t place[SHAPE_RANK_MAX]; /* in the window */
    int64_t *results;              /* whose turn it is */
    char *accumulators, *values;
    int64_t count;
    size_t size; /* of an element */
};

static void batch_init(struct batch *b, struct op_call *call)
{
    *b = (struct batch){.call = call, .s = call->state, .reducer = reducer_new(call)};
    b->size = dtype_size(call->out[0]->dtype);
    b->results = call->scratch;
    b->accumulators = (char *)(b->results + BATCH);
    b->values = b->accumulators + BATCH * b->size;
}

/* The function upon what was gathered. */
static enum code batch_apply(struct batch *b, struct error *err)
{
    void *accumulators = b->accumulators;
    const void *values = b->values;
    enum code code = reducer_apply(b->reducer, &accumulators, &values, b->count, err);
    char *out = b->call->out[0]->data;
    for (int64_t i = 0; i < b->count; i++)
        memcpy(out + (size_t)b->results[i] * b->size, b->accumulators + (size_t)i * b->size,
               b->size);
    b->count = 0;
    return code;
}

static enum code batch_add(struct batch *b, int64_t result, int64_t from, struct error *err)
{
    size_t at = (size_t)b->count * b->size;
    memcpy(b->accumulators + at, (const char *)b->call->out[0]->data + (size_t)result * b->size,
           b->size);
    memcpy(b->values + at, (const char *)b->call->in[INPUT]->data + (size_t)from * b->size,
           b->size);
    b->results[b->count++] = result;
    return b->count == BATCH ? batch_apply(b, err) : CODE_OK;
}

/* Where in dimension k the input element lies that result `at` sees at this place; -1: nowhere. */
static int64_t element_under(const struct batch *b, int k, int64_t at)
{
    const struct sliding *s = b->s;
    int64_t place = at * s->stride[k] + b->place[k] * s->dilation[k] - s->low[k];
    if (place < 0)
        return -1;
    if (s->base[k] > 1) {
        if (place % s->base[k])
            return -1;
        place /= s->base[k];
    }
    return place < s->in.dims[k] ? place : -1;
}

/* The results of a row that see an element, where neighbours see neighbours. */
static int64_t find_neighbours(const struct batch *b, int64_t *lo)
{
    int last = b->s->in.rank - 1;
    if (b->s->stride[last] != 1 || b->s->base[last] != 1)
        return 0;
    int64_t start = b->place[last] * b->s->dilation[last] - b->s->low[last];
    int64_t end = b->s->in.dims[last] - start;
    *lo = start < 0 ? -start : 0;
    end = end < b->s->out.dims[last] ? end : b->s->out.dims[last];
    return end - *lo;
}

/* One row of results, along the last dimension. `from`: where its input begins. */
static enum code add_row(struct batch *b, int64_t first, int64_t from, struct error *err)
{
    int last = b->s->in.rank - 1;
    int64_t lo, neighbours = find_neighbours(b, &lo);
    if (neighbours >= LONG_ROW) {
        void *to = (char *)b->call->out[0]->data + (size_t)(first + lo) * b->size;
        const char *in = b->call->in[INPUT]->data;
        const void *values = in + (size_t)(from + element_under(b, last, lo)) * b->size;
        return reducer_apply(b->reducer, &to, &values, neighbours, err);
    }
    enum code code = CODE_OK;
    for (int64_t i = 0; !code && i < b->s->out.dims[last]; i++) {
        int64_t at = element_under(b, last, i);
        if (at >= 0)
            code = batch_add(b, first + i, from + at, err);
    }
    return code;
}

static enum code add_rows(struct batch *b, struct error *err)
{
    const struct sliding *s = b->s;
    int outer = s->in.rank - 1;
    if (outer < 0) {
        enum code code = batch_add(b, 0, 0, err);
        return code ? code : batch_apply(b, err);
    }
    int64_t length = s->out.dims[outer], rows = shape_elements(&s->out) / length;
    enum code code = CODE_OK;
    for (int64_t row = 0; !code && row < rows; row++) {
        int64_t rest = row, from = 0;
        for (int k = outer - 1; k >= 0 && from >= 0; rest /= s->out.dims[k--]) {
            int64_t at = element_under(b, k, rest % s->out.dims[k]);
            from = at < 0 ? -1 : from + at * s->strides[k];
        }
        if (from >= 0)
            code = add_row(b, row * length, from, err);
    }
    return !code && b->count ? batch_apply(b, err) : code;
}

static void next_place(struct batch *b)
{
    for (int k = b->s->in.rank - 1; k >= 0; k--) {
        if (++b->place[k] < b->s->window.dims[k])
            return;
        b->place[k] = 0;
    }
}

/* ---- running results ---- */

static bool stays(const struct sliding *s, int k)
{
    return s->window.dims[k] == 1 && s->stride[k] == 1 && s->base[k] == 1 && !s->low[k] &&
           s->out.dims[k] == s->in.dims[k];
}

/* Is dimension k the only one that windows reach along, and do they reach to its beginning (or, if
 * `low` is 0, to its end)? */
static bool runs_along(const struct sliding *s, int k)
{
    int64_t reach = s->window.dims[k] - 1;
    bool runs = s->stride[k] == 1 && s->base[k] == 1 && s->dilation[k] == 1 &&
                s->out.dims[k] == s->in.dims[k] && reach + 1 >= s->in.dims[k] && reach > 0 &&
                (s->low[k] == reach || !s->low[k]);
    for (int i = 0; i < s->in.rank; i++)
        runs &= i == k || stays(s, i);
    return runs;
}

/* The dimension of running results; -1: there is none. */
static int running_dim(const struct sliding *s)
{
    for (int k = 0; k < s->in.rank; k++) {
        if (runs_along(s, k))
            return k;
    }
    return -1;
}

/* The elements as rows, the first of which sees itself alone. */
static struct view rows_along(const struct sliding *s, int along, size_t size)
{
    int64_t n = s->in.dims[along], step = s->strides[along];
    bool forward = s->low[along] > 0;
    struct view view = {.rank = 1, .size = size, .offset = forward ? 0 : (n - 1) * step};
    view.dims[0] = n;
    view.strides[0] = forward ? step : -step;
    for (int k = 0; k < s->in.rank; k++) {
        if (k == along)
            continue;
        view.dims[view.rank] = s->in.dims[k];
        view.strides[view.rank++] = s->strides[k];
    }
    view_simplify(&view);
    return view;
}

static enum code run_along(struct op_call *call, int along, struct error *err)
{
    const struct sliding *s = call->state;
    size_t size = dtype_size(call->out[0]->dtype);
    struct view view = rows_along(s, along, size);
    int64_t n = s->in.dims[along], elements = shape_elements(&s->in), length = elements / n;
    char *values, *results;
    enum code code = kernel_array(call, elements, size, &values, err);
    if (!code)
        code = kernel_array(call, elements, size, &results, err);
    if (code)
        return code;
    struct reducer *reducer = reducer_new(call);
    size_t row = (size_t)length * size;
    view_copy(&view, call->in[INPUT]->data, values);
    kernel_fill(results, call->in[INIT]->data, size, length);
    for (int64_t i = 0; !code && i < n; i++) {
        void *to = results + (size_t)i * row;
        const void *from = values + (size_t)i * row;
        if (i)
            memcpy(to, results + (size_t)(i - 1) * row, row);
        code = reducer_apply(reducer, &to, &from, length, err);
    }
    view_put(&view, results, call->out[0]->data);
    return code;
}

static enum code window_run(struct op_call *call, struct error *err)
{
    struct batch b;
    int along = running_dim(call->state);
    if (along >= 0 && tensor_elements(call->out[0]))
        return run_along(call, along, err);
    batch_init(&b, call);
    int64_t results = shape_elements(&b.s->out), places = shape_elements(&b.s->window);
    kernel_fill(call->out[0]->data, call->in[INIT]->data, b.size, results);
    enum code code = CODE_OK;
    for (int64_t i = 0; !code && results && i < places; i++) {
        code = run_check(call->run, err);
        if (!code)
            code = add_rows(&b, err);
        next_place(&b);
    }
    return code;
}

const struct op op_XlaReduceWindow = {
    .name = "XlaReduceWindow",
    .inputs = "input:T init_value:T window_dimensions:Tindices window_strides:Tindices "
              "base_dilations:Tindices window_dilations:Tindices padding:Tindices",
    .outputs = "output:T",
    .attrs = "T:type Tindices:index computation:func",
    .flags = OP_STATEFUL | OP_CALLS | OP_COMBINES,
    .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL),
    .shape = window_shape,
    .prepare = window_prepare,
    .run = window_run,
};
