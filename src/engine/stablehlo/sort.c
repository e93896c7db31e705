/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorting is XlaKeyValueSort for each tensor that goes along (it is stable, so that all go the same
 * way); by several keys, it is sorting by the last first. The comparator must be jax's: a
 * comparison of the first key, or its equality and a comparison of the next; of keys that may stand
 * behind selects that make all zeros and all NaNs alike. Descending keys are turned around.
 */
#include "engine/op.h"
#include "engine/stablehlo/translate.h"

enum { KEYS_MAX = 8 };

struct key {
    size_t operand;
    bool descending;
    bool alike; /* zeros and NaNs are each alike */
};

/* The region's argument behind selects whose last operand it is; -1: none. */
static int trace(const struct mlir_region *region, const struct mlir_value *value, bool *alike)
{
    while (hlo_is(value->op, "select") && value->op->operand_count == 3) {
        *alike = true;
        value = value->op->operands[2];
    }
    for (size_t i = 0; i < region->arg_count; i++) {
        if (value == &region->args[i])
            return (int)i;
    }
    return -1;
}

/* Is the value a comparison of both sides of a key? Gives the key and the direction. */
static bool read_comparison(const struct mlir_region *region, const struct mlir_value *value,
                            struct key *key, int64_t *direction)
{
    const struct mlir_op *compare = value->op;
    struct error ignored;
    *key = (struct key){0};
    if (!hlo_is(compare, "compare") || compare->operand_count != 2 ||
        hlo_int(compare, "comparison_direction", direction, &ignored))
        return false;
    int left = trace(region, compare->operands[0], &key->alike);
    int right = trace(region, compare->operands[1], &key->alike);
    if (left < 0 || right < 0 || left / 2 != right / 2 || left == right)
        return false;
    key->operand = (size_t)left / 2;
    key->descending = (*direction == HLO_GREATER) == (left < right);
    return true;
}

/* The part of "less, or equal and ..." that is the op `name` on two values. */
static bool read_pair(const struct mlir_value *value, const char *name,
                      const struct mlir_value *parts[2])
{
    if (!hlo_is(value->op, name) || value->op->operand_count != 2)
        return false;
    parts[0] = value->op->operands[0];
    parts[1] = value->op->operands[1];
    return true;
}

static size_t find_keys(const struct mlir_op *op, struct key keys[KEYS_MAX])
{
    const struct mlir_region *region = &op->regions[0];
    if (!region->op_count || region->arg_count != 2 * op->operand_count)
        return 0;
    const struct mlir_op *last = region->ops[region->op_count - 1];
    const struct mlir_value *value = last->operand_count ? last->operands[0] : NULL;
    size_t count = 0;
    while (value && count < KEYS_MAX) {
        const struct mlir_value *either[2] = {value, NULL}, *both[2] = {NULL, NULL};
        int64_t direction, equal;
        struct key same;
        bool more = read_pair(value, "or", either);
        if (!read_comparison(region, either[0], &keys[count], &direction) ||
            (direction != HLO_GREATER && direction != HLO_LESS))
            return 0;
        if (more && (!read_pair(either[1], "and", both) ||
                     !read_comparison(region, both[0], &same, &equal) || equal != HLO_EQUAL ||
                     same.operand != keys[count].operand))
            return 0;
        count++;
        value = both[1];
    }
    return value ? 0 : count;
}

/* Ascending order of what this gives is the key's order; it is its own inverse but for `alike`. */
static struct span turn(struct body *b, struct span x, enum dtype dtype)
{
    return body_unary(b, dtype_is_float(dtype) ? "Neg" : "Invert", x, dtype);
}

static struct span make_alike(struct body *b, struct span x, enum dtype dtype)
{
    struct pb_node_def *node = body_node(
        b, "SelectV2", 3, body_unary(b, "IsNan", x, dtype), body_unary(b, "Abs", x, dtype),
        body_binary(b, "AddV2", x, body_number(b, dtype, 0), dtype));
    body_type(b, node, "T", dtype);
    return node->name;
}

/* With the dimension to sort last. */
static void swap_last(int64_t *perm, size_t rank, int64_t dim)
{
    for (size_t i = 0; i < rank; i++)
        perm[i] = (int64_t)i;
    if (rank) {
        perm[dim] = (int64_t)rank - 1;
        perm[rank - 1] = dim;
    }
}

/* All operands, of which `tensors` are the names and whose dimension to sort is last, by one key.
 */
static void sort_by(struct body *b, const struct mlir_op *op, const struct key *key,
                    struct span *tensors)
{
    enum dtype dtype = hlo_value_dtype(op->operands[key->operand]);
    struct span keys = tensors[key->operand];
    if (key->alike && dtype_is_float(dtype))
        keys = make_alike(b, keys, dtype);
    if (key->descending)
        keys = turn(b, keys, dtype);
    for (size_t i = 0; i < op->operand_count; i++) {
        struct pb_node_def *node = body_node(b, "XlaKeyValueSort", 2, keys, tensors[i]);
        body_type(b, node, "K", dtype);
        body_type(b, node, "V", hlo_value_dtype(op->operands[i]));
        tensors[i] = body_output(b, node, "sorted_values", 0);
    }
}

static bool have_orders(const struct mlir_op *op, const struct key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!(OP_TYPES_REAL >> hlo_value_dtype(op->operands[keys[i].operand]) & 1))
            return false;
    }
    return count;
}

static enum code sort(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                      struct error *err)
{
    (void)rule;
    struct key keys[KEYS_MAX];
    int64_t dim, perm[SHAPE_RANK_MAX];
    size_t rank = op->operands[0]->type->rank, count = find_keys(op, keys);
    enum code code = hlo_int(op, "dimension", &dim, err);
    if (code)
        return code;
    if (dim < 0 || dim >= (int64_t)rank || op->result_count != op->operand_count)
        return hlo_malformed(op, "dimension", err);
    if (!have_orders(op, keys, count))
        return body_refuse(b, op, "by this comparison");
    swap_last(perm, rank, dim);
    struct span *tensors = ARENA_ARRAY(b->t->scratch, struct span, op->operand_count);
    for (size_t i = 0; i < op->operand_count; i++)
        tensors[i] =
            body_transpose(b, body_operand(b, op, i), hlo_value_dtype(op->operands[i]), perm, rank);
    for (size_t i = count; i > 0; i--)
        sort_by(b, op, &keys[i - 1], tensors);
    for (size_t i = 0; i < op->operand_count; i++)
        body_set(b, op, i,
                 body_transpose(b, tensors[i], hlo_value_dtype(op->operands[i]), perm, rank));
    return CODE_OK;
}

const struct hlo_rule hlo_sort_rules[] = {
    {.name = "sort", .fn = sort, .operands = 1, .results = 1, .regions = 1},
    {0},
};
