/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows that slide: sums and maxima over two dimensions are AvgPool and MaxPool; a sum over all
 * that came before is Cumsum; the rest is XlaReduceWindow, which runs the region for each element.
 */
#include "engine/stablehlo/translate.h"

struct window {
    size_t rank;
    struct hlo_ints sizes, strides, base, dilations, padding;
};

static enum code read_window(const struct mlir_op *op, struct window *w, struct error *err)
{
    const struct {
        const char *name;
        struct hlo_ints *to;
    } lists[] = {
        {"window_dimensions", &w->sizes}, {"window_strides", &w->strides},
        {"base_dilations", &w->base},     {"window_dilations", &w->dilations},
        {"padding", &w->padding},
    };
    enum code code = CODE_OK;
    w->rank = op->operands[0]->type->rank;
    for (size_t i = 0; !code && i < sizeof lists / sizeof *lists; i++) {
        code = hlo_ints(op, lists[i].name, lists[i].to, err);
        if (!code && lists[i].to->count != w->rank * (lists[i].to == &w->padding ? 2 : 1))
            code = hlo_malformed(op, lists[i].name, err);
    }
    return code;
}

static bool are(const struct hlo_ints *ints, int64_t value)
{
    for (size_t i = 0; i < ints->count; i++) {
        if (ints->values[i] != value)
            return false;
    }
    return true;
}

static bool stays(const struct window *w, size_t k)
{
    return w->sizes.values[k] == 1 && w->strides.values[k] == 1 && !w->padding.values[2 * k] &&
           !w->padding.values[2 * k + 1];
}

/* Before and behind, by dimensions: a constant of two columns. */
static struct span paddings_of(struct body *b, const struct window *w)
{
    const int64_t dims[] = {(int64_t)w->rank, 2};
    size_t size = w->padding.count * sizeof *w->padding.values;
    int64_t *values = ARENA_ARRAY(b->t->arena, int64_t, w->padding.count);
    memcpy(values, w->padding.values, size);
    return body_const(b, DTYPE_INT64, dims, 2, span_make(values, size));
}

/* ---- running sums ---- */

/* The one dimension along which each element is combined with all before it (behind it: *reverse);
 * -1: there is none. */
static int64_t running_dim(const struct mlir_op *op, const struct window *w, bool *reverse)
{
    int64_t dim = -1;
    for (size_t k = 0; k < w->rank; k++) {
        if (stays(w, k))
            continue;
        int64_t n = op->operands[0]->type->dims[k], size = w->sizes.values[k];
        bool before = w->padding.values[2 * k] == size - 1 && !w->padding.values[2 * k + 1];
        bool behind = w->padding.values[2 * k + 1] == size - 1 && !w->padding.values[2 * k];
        if (dim >= 0 || n != size || w->strides.values[k] != 1 || before == behind)
            return -1;
        dim = (int64_t)k;
        *reverse = behind;
    }
    return dim;
}

static void running_sum(struct body *b, const struct mlir_op *op, int64_t dim, bool reverse)
{
    struct pb_node_def *node =
        body_node(b, "Cumsum", 2, body_operand(b, op, 0), body_scalar(b, dim));
    body_type(b, node, "T", hlo_value_dtype(op->operands[0]));
    body_type(b, node, "Tidx", DTYPE_INT64);
    body_bool(b, node, "reverse", reverse);
    body_set(b, op, 0, node->name);
}

/* ---- pooling ---- */

/* The dimensions in the order batch, height, width, channels: the two between are those that the
 * window moves in. False: it moves in more. */
static bool pool_order(const struct window *w, int64_t perm[4])
{
    int64_t moving[4], still[4];
    size_t moves = 0, stills = 0;
    for (size_t k = 0; k < w->rank; k++) {
        if (stays(w, k))
            still[stills++] = (int64_t)k;
        else
            moving[moves++] = (int64_t)k;
    }
    if (w->rank != 4 || !moves || moves > 2)
        return false;
    if (moves == 1 && moving[0] == 3)
        return false;
    if (moves == 1) {
        /* The neighbour that is neither first nor last moves along, by 1. */
        int64_t other = moving[0] == 1 ? 2 : 1;
        moving[1] = other > moving[0] ? other : moving[0];
        moving[0] = other > moving[0] ? moving[0] : other;
        stills = 0;
        for (int64_t k = 0; k < 4; k++) {
            if (k != moving[0] && k != moving[1])
                still[stills++] = k;
        }
    }
    perm[0] = still[0];
    perm[1] = moving[0];
    perm[2] = moving[1];
    perm[3] = still[1];
    return true;
}

/* The result's sizes are found from the padded input; padding counts as the initial value. */
static struct span padded(struct body *b, const struct mlir_op *op, const struct window *w,
                          enum dtype dtype)
{
    if (are(&w->padding, 0))
        return body_operand(b, op, 0);
    struct pb_node_def *node =
        body_node(b, "PadV2", 3, body_operand(b, op, 0), paddings_of(b, w), body_operand(b, op, 1));
    body_type(b, node, "T", dtype);
    body_type(b, node, "Tpaddings", DTYPE_INT64);
    return node->name;
}

static void pool(struct body *b, const struct mlir_op *op, const struct window *w,
                 const int64_t perm[4], bool is_sum)
{
    enum dtype dtype = hlo_value_dtype(op->operands[0]);
    int64_t sizes[4], strides[4], back[4];
    for (int64_t i = 0; i < 4; i++) {
        sizes[i] = w->sizes.values[perm[i]];
        strides[i] = w->strides.values[perm[i]];
        back[perm[i]] = i;
    }
    struct span x = body_transpose(b, padded(b, op, w, dtype), dtype, perm, 4);
    struct pb_node_def *node = body_node(b, is_sum ? "AvgPool" : "MaxPool", 1, x);
    body_type(b, node, "T", dtype);
    body_ints(b, node, "ksize", sizes, 4);
    body_ints(b, node, "strides", strides, 4);
    body_string(b, node, "padding", SPAN_LITERAL("VALID"));
    x = node->name;
    if (is_sum)
        x = body_binary(b, "Mul", x, body_number(b, dtype, (double)(sizes[1] * sizes[2])), dtype);
    body_set(b, op, 0, body_transpose(b, x, dtype, back, 4));
}

static bool has_negative(const struct hlo_ints *ints)
{
    for (size_t i = 0; i < ints->count; i++) {
        if (ints->values[i] < 0)
            return true;
    }
    return false;
}

/* ---- any function ---- */

static enum code general(struct body *b, const struct mlir_op *op, const struct window *w,
                         struct error *err)
{
    const struct hlo_ints *const lists[] = {&w->sizes, &w->strides, &w->base, &w->dilations};
    struct span function;
    struct region_spec spec = {.region = &op->regions[0]};
    if (!captures_none(b->t, &op->regions[0]) || op->regions[0].arg_count != 2)
        return body_refuse(b, op, "by this function");
    enum code code = body_function(b, &spec, &function, err);
    if (code)
        return code;
    struct span parts[4];
    for (int i = 0; i < 4; i++)
        parts[i] = body_vector(b, lists[i]->values, lists[i]->count);
    struct pb_node_def *node =
        body_node(b, "XlaReduceWindow", 7, body_operand(b, op, 0), body_operand(b, op, 1), parts[0],
                  parts[1], parts[2], parts[3], paddings_of(b, w));
    body_type(b, node, "T", hlo_value_dtype(op->operands[0]));
    body_type(b, node, "Tindices", DTYPE_INT64);
    body_func(b, node, "computation", function);
    body_set(b, op, 0, node->name);
    return CODE_OK;
}

static enum code reduce_window(struct body *b, const struct mlir_op *op,
                               const struct hlo_rule *rule, struct error *err)
{
    (void)rule;
    if (op->result_count != 1 || op->operand_count != 2)
        return body_refuse(b, op, "of several operands");
    struct window w = {0};
    enum code code = read_window(op, &w, err);
    if (code)
        return code;
    const struct hlo_combiner *combiner = hlo_find_combiner(&op->regions[0]);
    bool plain = combiner && are(&w.base, 1) && are(&w.dilations, 1) &&
                 hlo_is_neutral(combiner, op->operands[1]);
    bool is_sum = combiner && span_is(span_of(combiner->name), "add");
    bool is_max = combiner && span_is(span_of(combiner->name), "maximum");
    bool reverse;
    int64_t dim = plain && is_sum ? running_dim(op, &w, &reverse) : -1;
    int64_t perm[4];
    if (dim >= 0 && hlo_value_dtype(op->operands[0]) != DTYPE_BOOL)
        running_sum(b, op, dim, reverse);
    else if (plain && (is_sum || is_max) && dtype_is_float(hlo_value_dtype(op->operands[0])) &&
             pool_order(&w, perm) && !has_negative(&w.padding))
        pool(b, op, &w, perm, is_sum);
    else
        code = general(b, op, &w, err);
    return code;
}

const struct hlo_rule hlo_window_rules[] = {
    {.name = "reduce_window", .fn = reduce_window, .operands = 2, .results = 1, .regions = 1},
    {0},
};
