/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Einsum of one or two operands, as one batch of matrix products: every label is a batch (in both
 * operands and the result), free in one operand (in it and the result) or contracted (not in the
 * result). The operands are brought into the orders
 *
 *     a [batch, free in a, contracted]    b [batch, contracted, free in b]
 *
 * which for most equations in use they have already, multiplied, and the result brought into its
 * own. A label that only one operand has and the result has not is repeated in the other. A single
 * operand that is summed is multiplied by ones. An ellipsis stands for labels of its own, counted
 * from the right, whose sizes broadcast.
 */
#include "ops/nn/einsum.h"

#include <complex.h>

#include "ops/array/view.h"
#include "ops/kernel.h"
#include "ops/nn/product.h"

enum {
    OPERANDS = 2,
    ELLIPSIS = 128, /* labels of the dimensions behind "...": ELLIPSIS + position from the right */
    LABELS = ELLIPSIS + SHAPE_RANK_MAX,
};

/* The labels of one tensor's dimensions. */
struct term {
    int rank;
    int labels[SHAPE_RANK_MAX];
    int dots; /* how many dimensions the ellipsis stands for */
    bool has_ellipsis;
};

struct equation {
    struct term operands[OPERANDS];
    struct term result;
    int count; /* of operands */
    int64_t sizes[LABELS];
    bool known[LABELS];
};

/* A copy into another order, when one is needed. */
struct ordering {
    struct view view;
    bool needed;
    int64_t elements;
    size_t at; /* of scratch */
};

struct einsum {
    struct product product;
    bool is_copy; /* one operand, nothing summed */
    struct ordering a, b, out;
    const void *ones;
    size_t inner_scratch;
};

/* ---- reading ---- */

static bool is_label(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ' ';
}

/* Splits "ab...c" into labels; the ellipsis gets `dots` of them. */
static enum code read_term(struct span text, int dots, struct term *term, struct error *err)
{
    *term = (struct term){.dots = dots};
    for (size_t i = 0; i < text.len; i++) {
        bool ellipsis = text.len - i >= 3 && !memcmp(text.ptr + i, "...", 3);
        int count = ellipsis ? dots : 1;
        if ((!ellipsis && !is_label(text.ptr[i])) || (ellipsis && term->has_ellipsis))
            return error_set(err, CODE_INVALID_ARGUMENT, "Invalid character in equation: %.*s",
                             SPAN_ARG(text));
        if (term->rank + count > SHAPE_RANK_MAX)
            return error_set(err, CODE_UNIMPLEMENTED, "an einsum of rank beyond %d",
                             SHAPE_RANK_MAX);
        for (int k = 0; k < count; k++)
            term->labels[term->rank++] = ellipsis ? ELLIPSIS + count - 1 - k : text.ptr[i];
        term->has_ellipsis |= ellipsis;
        i += ellipsis ? 2 : 0;
    }
    return CODE_OK;
}

static enum code read_operand(const struct op_call *call, int i, struct span text,
                              struct term *term, struct error *err)
{
    int rank = call->in[i]->shape.rank;
    enum code code = read_term(text, 0, term, err);
    if (code)
        return code;
    int named = term->rank;
    if (term->has_ellipsis ? rank < named : rank != named)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected input %d to have rank %s%d but got: %d", i,
                         term->has_ellipsis ? "at least " : "", named, rank);
    return read_term(text, rank - named, term, err);
}

static enum code set_size(struct equation *e, const struct op_call *call, int i, int axis,
                          struct error *err)
{
    const struct shape *shape = &call->in[i]->shape;
    int label = e->operands[i].labels[axis];
    int64_t size = shape->dims[axis];
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    bool spreads = label >= ELLIPSIS && (size == 1 || e->sizes[label] == 1);
    if (!e->known[label] || (spreads && size != 1))
        e->sizes[label] = size;
    else if (e->sizes[label] != size && label >= ELLIPSIS && !spreads)
        return error_set(err, CODE_INVALID_ARGUMENT, "Invalid broadcasting dimensions: %s vs. %s",
                         shape_text(&call->in[0]->shape, left), shape_text(shape, right));
    else if (e->sizes[label] != size && !spreads)
        return error_set(
            err, CODE_INVALID_ARGUMENT,
            "Expected dimension %lld at axis %d of the input shaped %s but got dimension %lld",
            (long long)e->sizes[label], axis, shape_text(shape, left), (long long)size);
    e->known[label] = true;
    return CODE_OK;
}

static enum code read_operands(const struct op_call *call, struct span text, struct equation *e,
                               struct error *err)
{
    for (;;) {
        struct span term = span_sub(text, 0, span_find(text, ','));
        bool last = term.len == text.len;
        if (e->count == OPERANDS || e->count == call->in_count)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Expecting 1 or 2 input subscripts, as many as inputs");
        enum code code = read_operand(call, e->count, term, &e->operands[e->count], err);
        for (int axis = 0; !code && axis < call->in[e->count]->shape.rank; axis++)
            code = set_size(e, call, e->count, axis, err);
        if (code)
            return code;
        e->count++;
        if (last)
            break;
        text = span_sub(text, term.len + 1, text.len);
    }
    if (e->count != call->in_count)
        return error_set(err, CODE_INVALID_ARGUMENT, "Expected %d inputs but got: %d", e->count,
                         call->in_count);
    return CODE_OK;
}

static enum code check_result(const struct equation *e, int dots, struct error *err)
{
    bool seen[LABELS] = {false};
    if (dots && !e->result.has_ellipsis)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Output contains %d broadcasting dimension(s) but no ellipsis (...) was "
                         "found in the output subscripts.",
                         dots);
    for (int i = 0; i < e->result.rank; i++) {
        int label = e->result.labels[i];
        if (!e->known[label])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Einsum output subscripts have a label which is not present in the "
                             "input subscripts");
        if (seen[label])
            return error_set(err, CODE_UNIMPLEMENTED,
                             "an einsum with label '%c' twice in its output", label);
        seen[label] = true;
    }
    return CODE_OK;
}

static enum code read_equation(const struct op_call *call, struct span text, struct equation *e,
                               struct error *err)
{
    *e = (struct equation){0};
    size_t arrow = span_find(text, '-');
    if (arrow + 1 >= text.len || text.ptr[arrow + 1] != '>')
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expecting exactly one '->' in einsum equation: %.*s", SPAN_ARG(text));
    enum code code = read_operands(call, span_sub(text, 0, arrow), e, err);
    if (code)
        return code;
    int dots =
        e->operands[0].dots > e->operands[1].dots ? e->operands[0].dots : e->operands[1].dots;
    code = read_term(span_sub(text, arrow + 2, text.len), dots, &e->result, err);
    return code ? code : check_result(e, dots, err);
}

enum code einsum_shape(struct op_call *call, struct span equation, struct error *err)
{
    struct equation e;
    enum code code = read_equation(call, equation, &e, err);
    if (code)
        return code;
    struct shape out = {.rank = e.result.rank};
    for (int i = 0; i < out.rank; i++)
        out.dims[i] = e.sizes[e.result.labels[i]];
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

/* ---- planning ---- */

static bool has(const struct term *term, int label)
{
    for (int i = 0; i < term->rank; i++) {
        if (term->labels[i] == label)
            return true;
    }
    return false;
}

/* A list of labels, in the order of a matrix's dimensions. */
struct order {
    int count;
    int labels[LABELS];
};

enum kind {
    KIND_BATCH,
    KIND_FREE_A,
    KIND_FREE_B,
    KIND_CONTRACTED,
};

static enum kind kind_of(const struct equation *e, int label)
{
    bool a = has(&e->operands[0], label), b = has(&e->operands[1], label);
    if (!has(&e->result, label))
        return KIND_CONTRACTED;
    return a && b ? KIND_BATCH : a ? KIND_FREE_A : KIND_FREE_B;
}

static void append(const struct equation *e, const struct term *term, enum kind kind,
                   struct order *order)
{
    for (int i = 0; i < term->rank; i++) {
        int label = term->labels[i];
        bool there = false;
        for (int k = 0; k < order->count; k++)
            there |= order->labels[k] == label;
        if (!there && kind_of(e, label) == kind)
            order->labels[order->count++] = label;
    }
}

static int64_t product_of(const struct equation *e, const struct order *order)
{
    int64_t n = 1;
    for (int i = 0; i < order->count; i++)
        n *= e->sizes[order->labels[i]];
    return n;
}

/* The tensor of those dimensions seen in another order; a label it lacks, or has with size 1, is
 * repeated, one it has twice is its diagonal. */
static enum code set_ordering(const struct equation *e, const struct term *term,
                              const struct shape *shape, const struct order *order,
                              struct ordering *result, struct error *err)
{
    int64_t strides[SHAPE_RANK_MAX];
    struct view *view = &result->view;
    if (order->count > SHAPE_RANK_MAX)
        return error_set(err, CODE_UNIMPLEMENTED, "an einsum of more than %d labels",
                         SHAPE_RANK_MAX);
    view_strides(shape, strides);
    view->rank = order->count;
    result->elements = product_of(e, order);
    int64_t whole = 1;
    for (int i = order->count - 1; i >= 0; i--) {
        view->dims[i] = e->sizes[order->labels[i]];
        for (int axis = 0; axis < term->rank; axis++) {
            if (term->labels[axis] == order->labels[i] && shape->dims[axis] == view->dims[i])
                view->strides[i] += strides[axis];
        }
        result->needed |= view->dims[i] != 1 && view->strides[i] != whole;
        whole *= view->dims[i];
    }
    view_simplify(view);
    return CODE_OK;
}

static struct order join(const struct order *a, const struct order *b, const struct order *c)
{
    const struct order *parts[] = {a, b, c};
    struct order all = {0};
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < parts[i]->count; k++)
            all.labels[all.count++] = parts[i]->labels[k];
    }
    return all;
}

/* The product's result seen in the order of the equation's. */
static enum code set_result(const struct equation *e, const struct order *order,
                            struct ordering *result, struct error *err)
{
    struct term term = {.rank = order->count};
    struct shape shape = {.rank = order->count};
    struct order wanted = {.count = e->result.rank};
    for (int i = 0; i < order->count; i++) {
        term.labels[i] = order->labels[i];
        shape.dims[i] = e->sizes[order->labels[i]];
        wanted.labels[i] = e->result.labels[i];
    }
    return set_ordering(e, &term, &shape, &wanted, result, err);
}

/* Room for the copies behind the product's own scratch. */
static void reserve(struct einsum *s, struct op_call *call)
{
    struct ordering *orderings[] = {&s->a, &s->b, &s->out};
    size_t size = dtype_size(call->in[0]->dtype);
    call->scratch_size = tensor_align(s->inner_scratch);
    for (int i = 0; i < 3; i++) {
        orderings[i]->view.size = size;
        orderings[i]->at = call->scratch_size;
        if (orderings[i]->needed)
            call->scratch_size += tensor_align((size_t)orderings[i]->elements * size);
    }
}

#define FILL(code, type, one)                                                                      \
    case code:                                                                                     \
        for (int64_t i = 0; i < n; i++)                                                            \
            ((type *)to)[i] = one;                                                                 \
        break;

static const void *make_ones(struct arena *arena, enum dtype dtype, int64_t n)
{
    void *to = arena_calloc(arena, (size_t)n, dtype_size(dtype));
    switch (dtype) {
        FILL(DTYPE_FLOAT, float, 1)
        FILL(DTYPE_DOUBLE, double, 1)
        FILL(DTYPE_HALF, uint16_t, 0x3c00)
        FILL(DTYPE_BFLOAT16, uint16_t, 0x3f80)
        FILL(DTYPE_INT8, int8_t, 1)
        FILL(DTYPE_UINT8, uint8_t, 1)
        FILL(DTYPE_INT16, int16_t, 1)
        FILL(DTYPE_UINT16, uint16_t, 1)
        FILL(DTYPE_INT32, int32_t, 1)
        FILL(DTYPE_UINT32, uint32_t, 1)
        FILL(DTYPE_INT64, int64_t, 1)
        FILL(DTYPE_UINT64, uint64_t, 1)
        FILL(DTYPE_COMPLEX64, float complex, 1)
        FILL(DTYPE_COMPLEX128, double complex, 1)
    default:
        break;
    }
    return to;
}

/* Tensors of an inner call; data is set by whoever makes the call. */
struct inner {
    struct tensor a, b, out;
    const struct tensor *ins[2];
    struct tensor *outs[1];
    struct op_call call;
};

static void inner_init(struct inner *inner, const struct einsum *s, const struct op_call *call)
{
    enum dtype dtype = call->in[0]->dtype;
    inner->a = (struct tensor){.dtype = dtype, .shape = shape_vector(s->a.elements)};
    inner->b = (struct tensor){.dtype = dtype, .shape = shape_vector(s->b.elements)};
    inner->out = (struct tensor){.dtype = dtype, .shape = shape_vector(s->out.elements)};
    inner->ins[0] = &inner->a;
    inner->ins[1] = &inner->b;
    inner->outs[0] = &inner->out;
    inner->call = (struct op_call){
        .in = inner->ins,
        .out = inner->outs,
        .in_count = 2,
        .out_count = 1,
        .arena = call->arena,
        .pack = call->pack,
    };
}

static enum code count_up(const struct op_call *call, int64_t n, const int64_t **result,
                          struct error *err)
{
    int64_t *numbers = NULL;
    enum code code = kernel_array(call, n, sizeof *numbers, &numbers, err);
    for (int64_t i = 0; !code && i < n; i++)
        numbers[i] = i;
    *result = numbers;
    return code;
}

static enum code prepare_product(struct einsum *s, struct op_call *call, struct error *err)
{
    struct inner inner;
    inner_init(&inner, s, call);
    bool constant = call->in_count == OPERANDS && !s->b.needed && (call->in_const & 2);
    if (constant) {
        inner.call.in_const = 2;
        inner.b.data = call->in[1]->data;
    }
    enum code code = product_prepare(&s->product, &inner.call, err);
    s->inner_scratch = inner.call.scratch_size;
    return code;
}

enum code einsum_prepare(struct op_call *call, struct span equation, struct error *err)
{
    struct equation e;
    struct einsum *s = ARENA_NEW(call->arena, struct einsum);
    call->state = s;
    enum code code = read_equation(call, equation, &e, err);
    if (code)
        return code;
    struct order batch = {0}, free_a = {0}, free_b = {0}, contracted = {0};
    append(&e, &e.result, KIND_BATCH, &batch);
    append(&e, &e.result, KIND_FREE_A, &free_a);
    append(&e, &e.result, KIND_FREE_B, &free_b);
    append(&e, &e.operands[0], KIND_CONTRACTED, &contracted);
    append(&e, &e.operands[1], KIND_CONTRACTED, &contracted);
    s->is_copy = call->in_count == 1 && !contracted.count;
    s->product = (struct product){
        .m = product_of(&e, &free_a),
        .n = product_of(&e, &free_b),
        .k = product_of(&e, &contracted),
        .batches = product_of(&e, &batch),
        .epilogue = {.bias_input = -1},
    };
    code = count_up(call, s->product.batches, &s->product.a_index, err);
    s->product.b_index = s->product.a_index;
    struct order a = join(&batch, &free_a, &contracted), b = join(&batch, &contracted, &free_b);
    struct order out = join(&batch, &free_a, &free_b);
    if (!code)
        code = set_ordering(&e, &e.operands[0], &call->in[0]->shape, &a, &s->a, err);
    if (!code && call->in_count == OPERANDS)
        code = set_ordering(&e, &e.operands[1], &call->in[1]->shape, &b, &s->b, err);
    if (!code)
        code = set_result(&e, &out, &s->out, err);
    if (!code && call->in_count == 1) {
        s->b.elements = s->product.k;
        s->ones = make_ones(call->arena, call->in[0]->dtype, s->product.k);
    }
    if (!code && !s->is_copy)
        code = prepare_product(s, call, err);
    reserve(s, call);
    return code;
}

/* ---- running ---- */

static void *ordered(const struct ordering *o, void *from, char *scratch)
{
    if (!o->needed)
        return from;
    view_copy(&o->view, from, scratch + o->at);
    return scratch + o->at;
}

enum code einsum_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct einsum *s = call->state;
    char *scratch = call->scratch;
    void *out = call->out[0]->data;
    if (s->is_copy) {
        /* Free labels stand in the result's order already. */
        view_copy(&s->a.view, call->in[0]->data, out);
        return CODE_OK;
    }
    struct inner inner;
    inner_init(&inner, s, call);
    inner.a.data = ordered(&s->a, call->in[0]->data, scratch);
    inner.b.data = s->ones ? (void *)s->ones : ordered(&s->b, call->in[1]->data, scratch);
    inner.out.data = s->out.needed ? scratch + s->out.at : out;
    inner.call.scratch = scratch;
    product_run(&s->product, &inner.call);
    if (s->out.needed)
        view_copy(&s->out.view, inner.out.data, out);
    return CODE_OK;
}

static enum code shape(struct op_call *call, struct error *err)
{
    return einsum_shape(call, op_attr_string(call, "equation"), err);
}

static enum code prepare(struct op_call *call, struct error *err)
{
    return einsum_prepare(call, op_attr_string(call, "equation"), err);
}

const struct op op_Einsum = {
    .name = "Einsum",
    .inputs = "inputs:N*T",
    .outputs = "output:T",
    .attrs = "equation:string N:int T:type",
    .types = OP_TYPES_FLOAT | OP_TYPES_COMPLEX | OP_TYPES_INDEX,
    .shape = shape,
    .prepare = prepare,
    .run = einsum_run,
};
