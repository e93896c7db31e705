/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MatMul, BatchMatMul, BatchMatMulV2 and V3: the checks and batch dimensions; ops/nn/product.h
 * computes. V2 and V3 broadcast the dimensions before the last two; V1 wants them equal.
 */
#include "ops/kernel.h"
#include "ops/math/broadcast.h"
#include "ops/nn/product.h"
#include "ops/nn/promoted.h"

/* The names of the two transposing attributes. */
struct matmul_form {
    const char *a;
    const char *b;
};

static const struct matmul_form matmul_form = {"transpose_a", "transpose_b"};
static const struct matmul_form batch_form = {"adj_x", "adj_y"};

/* The two shapes after `what`, with `between` between them. */
static enum code incompatible(const struct op_call *call, const char *what, const char *between,
                              struct error *err)
{
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    return error_set(err, CODE_INVALID_ARGUMENT, "%s%s%s%s", what,
                     shape_text(&call->in[0]->shape, left), between,
                     shape_text(&call->in[1]->shape, right));
}

/* The last two dimensions: [m, k] x [k, n] after transposing. */
static enum code multiply_shapes(const struct op_call *call, const struct matmul_form *form,
                                 struct shape *out, struct error *err)
{
    const struct shape *a = &call->in[0]->shape, *b = &call->in[1]->shape;
    bool ta = op_attr_bool(call, form->a), tb = op_attr_bool(call, form->b);
    int64_t k = a->dims[a->rank - (ta ? 2 : 1)];
    if (k != b->dims[b->rank - (tb ? 1 : 2)])
        return incompatible(call, "Matrix size-incompatible: In[0]: ", ", In[1]: ", err);
    out->dims[out->rank - 2] = a->dims[a->rank - (ta ? 1 : 2)];
    out->dims[out->rank - 1] = b->dims[b->rank - (tb ? 2 : 1)];
    return CODE_OK;
}

static enum code check_same_rank(const struct op_call *call, struct error *err)
{
    if (call->in[0]->shape.rank != call->in[1]->shape.rank)
        return incompatible(call, "In[0] and In[1] has different ndims: ", " vs. ", err);
    return CODE_OK;
}

static enum code matmul_shape(struct op_call *call, struct error *err)
{
    enum code code = check_same_rank(call, err);
    if (code)
        return code;
    if (call->in[0]->shape.rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "In[0] and In[1] ndims must be == 2: %d",
                         call->in[0]->shape.rank);
    struct shape out = {.rank = 2};
    code = multiply_shapes(call, &matmul_form, &out, err);
    op_call_shape(call, 0, &out);
    return code;
}

static enum code batch_matmul_shape(struct op_call *call, struct error *err)
{
    const struct shape *a = &call->in[0]->shape, *b = &call->in[1]->shape;
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    enum code code = check_same_rank(call, err);
    if (code)
        return code;
    if (a->rank < 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "In[0] and In[1] ndims must be >= 2: %d",
                         a->rank);
    for (int i = 0; i < a->rank - 2; i++) {
        if (a->dims[i] != b->dims[i])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "In[0].dim(%d) and In[1].dim(%d) must be the same: %s vs %s", i, i,
                             shape_text(a, left), shape_text(b, right));
    }
    struct shape out = *a;
    code = multiply_shapes(call, &batch_form, &out, err);
    op_call_shape(call, 0, &out);
    return code;
}

static struct shape batch_dimensions(const struct shape *shape)
{
    struct shape batch = *shape;
    batch.rank -= 2;
    return batch;
}

static enum code batch_matmul_v2_shape(struct op_call *call, struct error *err)
{
    for (int i = 0; i < 2; i++) {
        if (call->in[i]->shape.rank < 2)
            return error_set(err, CODE_INVALID_ARGUMENT, "In[%d] ndims must be >= 2: %d", i,
                             call->in[i]->shape.rank);
    }
    struct shape a = batch_dimensions(&call->in[0]->shape);
    struct shape b = batch_dimensions(&call->in[1]->shape);
    struct shape out;
    if (broadcast_shape(&a, &b, &out, NULL))
        return incompatible(
            call, "In[0] and In[1] must have compatible batch dimensions: ", " vs. ", err);
    out.rank += 2;
    enum code code = multiply_shapes(call, &batch_form, &out, err);
    op_call_shape(call, 0, &out);
    return code;
}

/* For each batch of the result the number of the operand's matrix: its index with the dimensions
 * of size 1 left out. */
static enum code batch_index(const struct op_call *call, const struct shape *operand,
                             int64_t batches, const int64_t **result, struct error *err)
{
    const struct shape *out = &call->out[0]->shape;
    struct shape mine = batch_dimensions(operand);
    int64_t *index = NULL;
    int outer = out->rank - 2;
    enum code code = kernel_array(call, batches, sizeof *index, &index, err);
    for (int64_t i = 0; !code && i < batches; i++) {
        int64_t rest = i, stride = 1;
        for (int d = 1; d <= outer; d++) {
            int64_t size = out->dims[outer - d];
            int64_t own = d <= mine.rank ? mine.dims[mine.rank - d] : 1;
            if (own != 1)
                index[i] += rest % size * stride;
            rest /= size;
            stride *= own;
        }
    }
    *result = index;
    return code;
}

static enum code new_product(struct op_call *call, const struct matmul_form *form,
                             struct product **result, struct error *err)
{
    struct product *c = ARENA_NEW(call->arena, struct product);
    const struct shape *a = &call->in[0]->shape, *out = &call->out[0]->shape;
    c->transpose_a = op_attr_bool(call, form->a);
    c->transpose_b = op_attr_bool(call, form->b);
    c->conjugate_a = c->transpose_a && form == &batch_form;
    c->conjugate_b = c->transpose_b && form == &batch_form;
    c->m = out->dims[out->rank - 2];
    c->n = out->dims[out->rank - 1];
    c->k = a->dims[a->rank - (c->transpose_a ? 2 : 1)];
    c->batches = kernel_span(out, 0, out->rank - 2);
    c->epilogue.bias_input = -1;
    call->state = *result = c;
    if (out->rank == 2)
        return CODE_OK;
    enum code code = batch_index(call, a, c->batches, &c->a_index, err);
    return code ? code : batch_index(call, &call->in[1]->shape, c->batches, &c->b_index, err);
}

static enum code prepare(struct op_call *call, const struct matmul_form *form, struct error *err)
{
    struct product *c;
    enum code code = new_product(call, form, &c, err);
    return code ? code : product_prepare(c, call, err);
}

static enum code matmul_prepare(struct op_call *call, struct error *err)
{
    return prepare(call, &matmul_form, err);
}

static enum code batch_matmul_prepare(struct op_call *call, struct error *err)
{
    return prepare(call, &batch_form, err);
}

/* The fused form: bias (one number per column) and an activation follow. */
static enum code fused_matmul_prepare(struct op_call *call, struct error *err)
{
    struct product *c;
    enum code code = new_product(call, &matmul_form, &c, err);
    c->epilogue = epilogue_read(call);
    return code ? code : product_prepare(c, call, err);
}

/* The product of each of T matrices and one more, as if T MatMuls made it. */
static enum code rows_matmul_shape(struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    struct tensor matrix = *call->in[0], product = {.dtype = matrix.dtype};
    if (matrix.shape.rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Tensor must be at least a vector, but saw shape: %s",
                         shape_text(&matrix.shape, text));
    int64_t count = matrix.shape.dims[0];
    matrix.shape.rank--;
    memmove(matrix.shape.dims, matrix.shape.dims + 1,
            (size_t)matrix.shape.rank * sizeof *matrix.shape.dims);
    struct op_call one = *call;
    one.in = (const struct tensor *[]){&matrix, call->in[1]};
    one.out = (struct tensor *[]){&product};
    enum code code = matmul_shape(&one, err);
    if (code)
        return code;
    struct shape out = {3, {count, product.shape.dims[0], product.shape.dims[1]}};
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code rows_matmul_prepare(struct op_call *call, struct error *err)
{
    struct product *c = ARENA_NEW(call->arena, struct product);
    const struct shape *out = &call->out[0]->shape;
    *c = (struct product){
        .m = out->dims[0] * out->dims[1],
        .n = out->dims[2],
        .k = call->in[0]->shape.dims[2],
        .transpose_b = op_attr_bool(call, "transpose_b"),
        .batches = 1,
        .epilogue.bias_input = -1,
    };
    call->state = c;
    return product_prepare(c, call, err);
}

static enum code matmul_run(struct op_call *call, struct error *err)
{
    (void)err;
    product_run(call->state, call);
    return CODE_OK;
}

/* V3 may name three types. */
static enum code batch_matmul_v3_prepare(struct op_call *call, struct error *err)
{
    return promoted_prepare(call, batch_matmul_prepare, matmul_run, err);
}

#define MATMUL_TYPES                                                                               \
    (OP_TYPES_FLOAT | OP_TYPES_COMPLEX | OP_TYPE(DTYPE_INT16) | OP_TYPE(DTYPE_INT32) |             \
     OP_TYPE(DTYPE_INT64))

const struct op op_MatMul = {
    .name = "MatMul",
    .inputs = "a:T b:T",
    .outputs = "product:T",
    .attrs = "transpose_a:bool=false transpose_b:bool=false T:type grad_a:bool=false "
             "grad_b:bool=false",
    .types = MATMUL_TYPES,
    .shape = matmul_shape,
    .prepare = matmul_prepare,
    .run = matmul_run,
};

/* Made by engine/passes/fuse.c only: float, a constant b and bias. */
const struct op op__FusedMatMul = {
    .name = "_FusedMatMul",
    .inputs = "a:T b:T bias:T",
    .outputs = "product:T",
    .attrs = "transpose_a:bool=false transpose_b:bool=false T:type activation:string='' "
             "alpha:float=0",
    .types = OP_TYPE(DTYPE_FLOAT),
    .shape = matmul_shape,
    .prepare = fused_matmul_prepare,
    .run = matmul_run,
};

/* Made by engine/passes/hoist.c only: a [T, m, k], b [k, n]. */
const struct op op__RowsMatMul = {
    .name = "_RowsMatMul",
    .inputs = "a:T b:T",
    .outputs = "product:T",
    .attrs = "transpose_a:bool=false transpose_b:bool=false T:type",
    .types = OP_TYPES_FLOAT,
    .shape = rows_matmul_shape,
    .prepare = rows_matmul_prepare,
    .run = matmul_run,
};

#define BATCH_ATTRS "adj_x:bool=false adj_y:bool=false grad_x:bool=false grad_y:bool=false"

const struct op op_BatchMatMul = {
    .name = "BatchMatMul",
    .inputs = "x:T y:T",
    .outputs = "output:T",
    .attrs = "T:type " BATCH_ATTRS,
    .types = MATMUL_TYPES,
    .shape = batch_matmul_shape,
    .prepare = batch_matmul_prepare,
    .run = matmul_run,
};

const struct op op_BatchMatMulV2 = {
    .name = "BatchMatMulV2",
    .inputs = "x:T y:T",
    .outputs = "output:T",
    .attrs = "T:type " BATCH_ATTRS,
    .types = MATMUL_TYPES,
    .shape = batch_matmul_v2_shape,
    .prepare = batch_matmul_prepare,
    .run = matmul_run,
};

const struct op op_BatchMatMulV3 = {
    .name = "BatchMatMulV3",
    .inputs = "x:Ta y:Tb",
    .outputs = "output:Tout",
    .attrs = "Ta:type Tb:type Tout:type " BATCH_ATTRS,
    .types = MATMUL_TYPES | OP_TYPE(DTYPE_INT8) | OP_TYPE(DTYPE_UINT8),
    .types_attr = "Ta",
    .shape = batch_matmul_v2_shape,
    .prepare = batch_matmul_v3_prepare,
    .run = promoted_run,
};
