/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DenseToDenseSetOperation, DenseToSparse, SparseToSparse, SetSize: the last dimension of a tensor
 * is a set for each group, which the other dimensions name. All members of both sides are sorted by
 * group, value and side; a walk over them then sees each value of a group once, with the sides that
 * have it. The result is sparse, its sets in ascending order.
 */
#include "ops/kernel.h"
#include "ops/sort.h"
#include "ops/sparse/sparse.h"

struct set_op {
    bool validates; /* that indices are in order and different */
    unsigned keeps; /* bit s: values whose sides are s */
};

/* One of both operands. */
struct side {
    const struct tensor *values;
    int64_t *groups; /* of each value; NULL: dense, the groups follow each other */
    int64_t count;
    int64_t set_size;   /* dense: values of a group */
    struct shape shape; /* of the groups */
};

struct members {
    struct side sides[2];
    int64_t *order; /* numbers of members: those of side 0, then those of side 1 */
    int64_t count;
};

static const struct side *side_of(const struct members *m, int64_t *member)
{
    const struct side *side = &m->sides[*member >= m->sides[0].count];
    *member -= side == m->sides ? 0 : m->sides[0].count;
    return side;
}

static int64_t group_of(const struct members *m, int64_t member)
{
    const struct side *side = side_of(m, &member);
    return side->groups ? side->groups[member] : member / side->set_size;
}

static int order_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int order_members(const void *context, int64_t a, int64_t b)
{
    const struct members *m = context;
    int order = order_numbers(group_of(m, a), group_of(m, b));
    if (order)
        return order;
    const struct side *x = side_of(m, &a), *y = side_of(m, &b);
    if (x->values->dtype == DTYPE_STRING)
        return span_compare(TENSOR_AT(x->values, struct span)[a],
                            TENSOR_AT(y->values, struct span)[b]);
    return order_numbers(tensor_int(x->values, a), tensor_int(y->values, b));
}

/* ---- operands ---- */

static enum code read_dense(const struct op_call *call, int i, struct side *side, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    const struct shape *shape = &call->in[i]->shape;
    if (shape->rank < 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "Shape %s has rank %d < 2",
                         shape_text(shape, text), shape->rank);
    *side = (struct side){
        .values = call->in[i],
        .count = tensor_elements(call->in[i]),
        .set_size = shape->dims[shape->rank - 1],
        .shape = *shape,
    };
    side->shape.rank--;
    return CODE_OK;
}

/* Without validation TensorFlow still looks whether the indices of each group are in their shape,
 * and counts them from the group's first. */
static enum code check_groups(const struct sparse *s, struct error *err)
{
    int rank = s->shape.rank;
    for (int64_t i = 0, first = 0; i < s->count; i++) {
        const int64_t *row = s->indices + i * rank;
        if (memcmp(row, s->indices + first * rank, (size_t)(rank - 1) * sizeof *row))
            first = i;
        for (int k = 0; k < rank; k++) {
            if ((row[k] < 0 && k < rank - 1) || row[k] >= s->shape.dims[k])
                return error_set(err, CODE_INTERNAL, "indices[%lld, %d] expected < %lld, got %lld.",
                                 (long long)(i - first), k, (long long)s->shape.dims[k],
                                 (long long)row[k]);
        }
    }
    return CODE_OK;
}

static enum code read_sparse(const struct op_call *call, int i, struct side *side,
                             struct error *err)
{
    const struct set_op *op = call->state;
    struct sparse s;
    if (call->in[i + 2]->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Shape must be a 1D tensor.");
    enum code code = sparse_read_shape(call->in[i + 2], &s.shape, err);
    if (!code && s.shape.rank < 2)
        code = error_set(err, CODE_INVALID_ARGUMENT, "Invalid rank %d.", s.shape.rank);
    if (!code)
        code = sparse_read(call, (const int[]){i, i + 1, i + 2}, &s, err);
    if (!code)
        code = op->validates ? sparse_check_indices(&s, true, err) : check_groups(&s, err);
    *side = (struct side){.values = call->in[i + 1], .count = s.count, .shape = s.shape};
    if (!code)
        code = kernel_array(call, s.count, sizeof *side->groups, &side->groups, err);
    side->shape.rank--;
    for (int64_t n = 0; !code && n < s.count; n++) {
        for (int k = 0; k < side->shape.rank; k++)
            side->groups[n] = side->groups[n] * s.shape.dims[k] + s.indices[n * s.shape.rank + k];
    }
    return code;
}

static enum code sort_members(const struct op_call *call, struct members *m, struct error *err)
{
    int64_t *scratch;
    m->count = m->sides[0].count + m->sides[1].count;
    enum code code = kernel_array(call, m->count, sizeof *m->order, &m->order, err);
    if (!code)
        code = kernel_array(call, m->count, sizeof *scratch, &scratch, err);
    for (int64_t i = 0; !code && i < m->count; i++)
        m->order[i] = i;
    if (!code)
        sort_items(m->order, scratch, m->count, order_members, m);
    return code;
}

/* ---- the walk ---- */

/* One value of a group: which sides have it (bits), and a member that is it. */
struct value {
    int64_t group;
    int64_t member;
    unsigned sides;
};

static bool next_value(const struct members *m, int64_t *at, struct value *value)
{
    if (*at >= m->count)
        return false;
    *value = (struct value){group_of(m, m->order[*at]), m->order[*at], 0};
    while (*at < m->count && !order_members(m, value->member, m->order[*at]))
        value->sides |= m->order[(*at)++] < m->sides[0].count ? 1 : 2;
    return true;
}

enum { KEEPS_A = 1 << 1, KEEPS_B = 1 << 2, KEEPS_BOTH = 1 << 3 };

static const struct {
    const char *name;
    unsigned keeps;
} operations[] = {
    {"a-b", KEEPS_A},
    {"b-a", KEEPS_B},
    {"intersection", KEEPS_BOTH},
    {"union", KEEPS_A | KEEPS_B | KEEPS_BOTH},
};

static enum code set_op_prepare(struct op_call *call, struct error *err)
{
    struct set_op *op = ARENA_NEW(call->arena, struct set_op);
    char name[16] = "";
    struct span given = op_attr_string(call, "set_operation");
    for (size_t i = 0; i < given.len && i + 1 < sizeof name; i++)
        name[i] =
            (char)(given.ptr[i] >= 'A' && given.ptr[i] <= 'Z' ? given.ptr[i] + 32 : given.ptr[i]);
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (span_is(span_of(name), operations[i].name))
            op->keeps = operations[i].keeps;
    }
    op->validates = op_attr_bool(call, "validate_indices");
    call->state = op;
    if (!op->keeps)
        return error_set(err, CODE_INVALID_ARGUMENT, "Invalid set_operation %s.", name);
    return CODE_OK;
}

static enum code check_group_shapes(const struct members *m, struct error *err)
{
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    const struct shape *a = &m->sides[0].shape, *b = &m->sides[1].shape;
    if (shape_equal(a, b))
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT, "Mismatched shapes %s vs %s", shape_text(a, left),
                     shape_text(b, right));
}

/* How many values are kept, and of the largest set. */
static int64_t count_kept(const struct members *m, unsigned keeps, int64_t *largest)
{
    int64_t kept = 0, in_group = 0, group = -1;
    struct value value;
    *largest = 0;
    for (int64_t at = 0; next_value(m, &at, &value);) {
        if (!(keeps >> value.sides & 1))
            continue;
        in_group = value.group == group ? in_group + 1 : 1;
        group = value.group;
        *largest = in_group > *largest ? in_group : *largest;
        kept++;
    }
    return kept;
}

static void write_kept(struct op_call *call, const struct members *m, unsigned keeps)
{
    const struct shape *groups = &m->sides[0].shape;
    int64_t *row = call->out[0]->data, position = 0, group = -1;
    size_t size = dtype_size(call->out[1]->dtype);
    char *to = call->out[1]->data;
    struct value value;
    for (int64_t at = 0; next_value(m, &at, &value);) {
        if (!(keeps >> value.sides & 1))
            continue;
        position = value.group == group ? position + 1 : 0;
        group = value.group;
        int64_t rest = group;
        for (int k = groups->rank - 1; k >= 0; rest /= groups->dims[k--])
            row[k] = rest % groups->dims[k];
        row[groups->rank] = position;
        row += groups->rank + 1;
        int64_t member = value.member;
        const struct side *side = side_of(m, &member);
        memcpy(to, (const char *)side->values->data + (size_t)member * size, size);
        to += size;
    }
}

static enum code set_op_finish(struct op_call *call, struct members *m, struct error *err)
{
    const struct set_op *op = call->state;
    const struct shape *groups = &m->sides[0].shape;
    int64_t largest;
    enum code code = check_group_shapes(m, err);
    if (!code)
        code = sort_members(call, m, err);
    if (code)
        return code;
    int64_t kept = count_kept(m, op->keeps, &largest);
    struct shape indices = shape_matrix(kept, groups->rank + 1), values = shape_vector(kept);
    struct shape sizes = shape_vector(groups->rank + 1);
    code = op_call_alloc(call, 0, &indices, err);
    if (!code)
        code = op_call_alloc(call, 1, &values, err);
    if (!code)
        code = op_call_alloc(call, 2, &sizes, err);
    if (code)
        return code;
    write_kept(call, m, op->keeps);
    int64_t *to = call->out[2]->data;
    memcpy(to, groups->dims, (size_t)groups->rank * sizeof *to);
    to[groups->rank] = largest;
    return CODE_OK;
}

static enum code dense_dense_run(struct op_call *call, struct error *err)
{
    struct members m;
    enum code code = read_dense(call, 0, &m.sides[0], err);
    if (!code)
        code = read_dense(call, 1, &m.sides[1], err);
    return code ? code : set_op_finish(call, &m, err);
}

static enum code dense_sparse_run(struct op_call *call, struct error *err)
{
    struct members m;
    enum code code = read_sparse(call, 1, &m.sides[1], err);
    if (!code)
        code = read_dense(call, 0, &m.sides[0], err);
    return code ? code : set_op_finish(call, &m, err);
}

static enum code sparse_sparse_run(struct op_call *call, struct error *err)
{
    struct members m;
    enum code code = read_sparse(call, 0, &m.sides[0], err);
    if (!code)
        code = read_sparse(call, 3, &m.sides[1], err);
    return code ? code : set_op_finish(call, &m, err);
}

/* ---- SetSize: how many values each group has ---- */

static enum code set_size_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    struct set_op *op = ARENA_NEW(call->arena, struct set_op);
    op->validates = op_attr_bool(call, "validate_indices");
    call->state = op;
    return CODE_OK;
}

static enum code set_size_run(struct op_call *call, struct error *err)
{
    struct members m = {0};
    enum code code = read_sparse(call, 0, &m.sides[0], err);
    if (!code)
        code = sort_members(call, &m, err);
    if (!code)
        code = op_call_alloc(call, 0, &m.sides[0].shape, err);
    if (code)
        return code;
    memset(call->out[0]->data, 0, tensor_bytes(call->out[0]));
    struct value value;
    for (int64_t at = 0; next_value(&m, &at, &value);)
        TENSOR_AT(call->out[0], int32_t)[value.group]++;
    return CODE_OK;
}

#define SET_TYPES                                                                                  \
    (OP_TYPE(DTYPE_INT8) | OP_TYPE(DTYPE_INT16) | OP_TYPE(DTYPE_INT32) | OP_TYPE(DTYPE_INT64) |    \
     OP_TYPE(DTYPE_UINT8) | OP_TYPE(DTYPE_UINT16) | OP_TYPE(DTYPE_STRING))

#define SET_OP(symbol, arguments, function)                                                        \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = arguments,                                                                       \
        .outputs = "result_indices:int64 result_values:T result_shape:int64",                      \
        .attrs = "set_operation:string validate_indices:bool=true T:type",                         \
        .flags = OP_DYNAMIC,                                                                       \
        .types = SET_TYPES,                                                                        \
        .prepare = set_op_prepare,                                                                 \
        .run = function,                                                                           \
    }

SET_OP(DenseToDenseSetOperation, "set1:T set2:T", dense_dense_run);
SET_OP(DenseToSparseSetOperation, "set1:T set2_indices:int64 set2_values:T set2_shape:int64",
       dense_sparse_run);
SET_OP(SparseToSparseSetOperation,
       "set1_indices:int64 set1_values:T set1_shape:int64 set2_indices:int64 set2_values:T "
       "set2_shape:int64",
       sparse_sparse_run);

const struct op op_SetSize = {
    .name = "SetSize",
    .inputs = "set_indices:int64 set_values:T set_shape:int64",
    .outputs = "size:int32",
    .attrs = "validate_indices:bool=true T:type",
    .flags = OP_DYNAMIC,
    .types = SET_TYPES,
    .prepare = set_size_prepare,
    .run = set_size_run,
};
