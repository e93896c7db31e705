/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A matrix product or convolution by constant weights takes over what follows it: the chain of
 * nodes behind it, each the only consumer of the one before, as long as they are
 *
 *   linear       per column (channel) with constants: BiasAdd, Add, Sub, Mul, RealDiv, inference
 *                batch norm. Together they are y = scale * x + bias: scale goes into the weights
 *                now, bias becomes an input of the fused op;
 *   activation   one, which ends the chain.
 *
 * A convolution also takes over a Pad with zeros before it.
 * The product's node becomes the fused one, so that errors of its shapes carry its name; the
 * others' shapes are known to fit, for the weights say how many columns there are. What is fetched
 * or has another consumer ends the chain before it is lost. Only float, where one rounding less is
 * no change of type.
 */
#include <math.h>

#include "base/check.h"
#include "engine/op.h"
#include "engine/op_def.h"
#include "engine/passes/passes.h"
#include "wire/messages.h"

struct fusion {
    struct work *work;
    int count;          /* nodes when the pass began */
    int *uses;          /* by node id: consumers of any of its outputs, fetches counted */
    struct node **user; /* by node id: the last consumer */
};

/* A product and what it has taken over. */
struct chain {
    struct node *base;
    const struct node *pad; /* before it: its paddings become the convolution's own; NULL: none */
    struct node *last;
    int rank;      /* of the result */
    int64_t width; /* of its last dimension */
    double *scale; /* width numbers */
    double *bias;
    bool scaled;
    const struct node *activation;
};

static const struct {
    const char *op;
    const char *fused;
    int rank;
} bases[] = {
    {"MatMul", "_FusedMatMul", 2},
    {"Conv2D", "_FusedConv2D", 4},
    {"DepthwiseConv2dNative", "_FusedDepthwiseConv2dNative", 4},
};

enum {
    BASE_COUNT = sizeof bases / sizeof *bases,
    PADDINGS = 8, /* before and after of four dimensions */
};

static const char *const activations[] = {"Relu",    "Relu6", "LeakyRelu", "Elu",     "Selu",
                                          "Sigmoid", "Tanh",  "Softplus",  "Softsign"};

enum { ACTIVATION_COUNT = sizeof activations / sizeof *activations };

static int find_base(const struct node *node)
{
    for (int i = 0; i < BASE_COUNT; i++) {
        if (span_is(node->op_name, bases[i].op))
            return i;
    }
    return -1;
}

static bool is_activation(const struct node *node)
{
    for (int i = 0; i < ACTIVATION_COUNT; i++) {
        if (span_is(node->op_name, activations[i]))
            return true;
    }
    return false;
}

static const struct tensor *constant(const struct node *node, int input)
{
    struct edge edge = node->inputs[input];
    return edge.node->values ? &edge.node->values[edge.output] : NULL;
}

/* An attribute of the node or its default. */
static const struct pb_attr_value *attr(const struct node *node, const char *name)
{
    return op_def_attr(node->def, node, span_of(name));
}

static bool is_nhwc(const struct node *node)
{
    const struct pb_attr_value *format = attr(node, "data_format");
    return !format || span_is(format->s, "NHWC");
}

/* ---- the start of a chain ---- */

static int64_t product_width(const struct node *node, int base)
{
    const struct shape *weights = &constant(node, 1)->shape;
    if (bases[base].rank == 2)
        return weights->dims[attr(node, "transpose_b")->b ? 0 : 1];
    if (span_is(node->op_name, "Conv2D"))
        return weights->dims[3];
    return weights->dims[2] * weights->dims[3];
}

static bool may_begin(const struct node *node, int base)
{
    const struct tensor *weights;
    if (node->conditional || node->output_types[0] != DTYPE_FLOAT || node->values)
        return false;
    weights = constant(node, 1);
    return weights && weights->shape.rank == bases[base].rank && is_nhwc(node) &&
           tensor_elements(weights) > 0;
}

static struct chain chain_begin(struct fusion *f, struct node *node, int base)
{
    struct chain c = {.base = node, .last = node, .rank = bases[base].rank};
    c.width = product_width(node, base);
    c.scale = ARENA_ARRAY(f->work->graph.arena, double, (size_t)c.width);
    c.bias = ARENA_ARRAY(f->work->graph.arena, double, (size_t)c.width);
    for (int64_t i = 0; i < c.width; i++)
        c.scale[i] = 1;
    return c;
}

/* A Pad of rows and columns that nobody else reads, before a convolution that pads nothing itself.
 */
static const struct node *find_pad(const struct fusion *f, const struct node *node, int base)
{
    const struct node *pad = node->inputs[0].node;
    if (bases[base].rank != 4 || !span_is(pad->op_name, "Pad") || pad->values ||
        f->uses[pad->id] != 1 || pad->control_count || pad->conditional ||
        !span_is(attr(node, "padding")->s, "VALID"))
        return NULL;
    const struct tensor *sizes = constant(pad, 1);
    if (!sizes || sizes->shape.rank != 2 || tensor_elements(sizes) != PADDINGS)
        return NULL;
    for (int i = 0; i < PADDINGS; i++) {
        int64_t size = tensor_int(sizes, i);
        bool spatial = i / 2 == 1 || i / 2 == 2;
        if (size < 0 || size > INT32_MAX || (size && !spatial))
            return NULL;
    }
    return pad;
}

/* ---- linear nodes ---- */

/* A constant that broadcasting spreads over the columns without changing the result's shape. */
static bool fits(const struct chain *c, const struct tensor *t)
{
    if (!t || t->dtype != DTYPE_FLOAT || t->shape.rank > c->rank)
        return false;
    int64_t elements = tensor_elements(t);
    return elements == 1 || (elements == c->width && t->shape.dims[t->shape.rank - 1] == c->width);
}

static double at(const struct tensor *t, int64_t i)
{
    return TENSOR_AT(t, float)[tensor_elements(t) == 1 ? 0 : i];
}

static void add(struct chain *c, const struct tensor *t, double sign)
{
    for (int64_t i = 0; i < c->width; i++)
        c->bias[i] += sign * at(t, i);
}

static void multiply(struct chain *c, const struct tensor *t, bool divide)
{
    c->scaled = true;
    for (int64_t i = 0; i < c->width; i++) {
        double factor = divide ? 1 / at(t, i) : at(t, i);
        c->scale[i] *= factor;
        c->bias[i] *= factor;
    }
}

/* The other operand of a node of two; NULL when it is no fitting constant. */
static const struct tensor *other_operand(const struct chain *c, const struct node *node,
                                          bool commutes)
{
    int mine = node->inputs[0].node == c->last ? 0 : 1;
    const struct tensor *t = constant(node, 1 - mine);
    return (mine == 0 || commutes) && fits(c, t) ? t : NULL;
}

static bool absorb_bias_add(struct chain *c, const struct node *node)
{
    const struct tensor *bias = constant(node, 1);
    if (!bias || bias->shape.rank != 1 || bias->shape.dims[0] != c->width || !is_nhwc(node))
        return false;
    add(c, bias, 1);
    return true;
}

static bool absorb_add(struct chain *c, const struct node *node)
{
    const struct tensor *t = other_operand(c, node, true);
    if (t)
        add(c, t, 1);
    return t;
}

static bool absorb_sub(struct chain *c, const struct node *node)
{
    const struct tensor *t = other_operand(c, node, false);
    if (t)
        add(c, t, -1);
    return t;
}

static bool absorb_mul(struct chain *c, const struct node *node)
{
    const struct tensor *t = other_operand(c, node, true);
    if (t)
        multiply(c, t, false);
    return t;
}

static bool absorb_div(struct chain *c, const struct node *node)
{
    const struct tensor *t = other_operand(c, node, false);
    if (t)
        multiply(c, t, true);
    return t;
}

static bool absorb_batch_norm(struct chain *c, const struct node *node)
{
    const struct tensor *scale = constant(node, 1), *offset = constant(node, 2);
    const struct tensor *mean = constant(node, 3), *variance = constant(node, 4);
    const struct tensor *all[] = {scale, offset, mean, variance};
    if (attr(node, "is_training")->b || !is_nhwc(node) || c->rank != 4)
        return false;
    for (int i = 0; i < 4; i++) {
        if (!all[i] || all[i]->dtype != DTYPE_FLOAT || all[i]->shape.rank != 1 ||
            all[i]->shape.dims[0] != c->width)
            return false;
    }
    double epsilon = (double)attr(node, "epsilon")->f;
    c->scaled = true;
    for (int64_t i = 0; i < c->width; i++) {
        double factor = at(scale, i) / sqrt(at(variance, i) + epsilon);
        c->scale[i] *= factor;
        c->bias[i] = (c->bias[i] - at(mean, i)) * factor + at(offset, i);
    }
    return true;
}

static const struct {
    const char *op;
    bool (*absorb)(struct chain *c, const struct node *node);
} linears[] = {
    {"BiasAdd", absorb_bias_add},
    {"BiasAddV1", absorb_bias_add},
    {"Add", absorb_add},
    {"AddV2", absorb_add},
    {"Sub", absorb_sub},
    {"Mul", absorb_mul},
    {"RealDiv", absorb_div},
    {"FusedBatchNorm", absorb_batch_norm},
    {"FusedBatchNormV2", absorb_batch_norm},
    {"FusedBatchNormV3", absorb_batch_norm},
};

enum { LINEAR_COUNT = sizeof linears / sizeof *linears };

static bool absorb_linear(struct chain *c, const struct node *node)
{
    for (int i = 0; i < LINEAR_COUNT; i++) {
        if (span_is(node->op_name, linears[i].op))
            return linears[i].absorb(c, node);
    }
    return false;
}

/* ---- chains ---- */

/* The one node that reads the chain's result, if it can be part of the chain. */
static struct node *next_node(const struct fusion *f, const struct chain *c)
{
    if (f->uses[c->last->id] != 1)
        return NULL;
    struct node *next = f->user[c->last->id];
    bool plain = next && !next->conditional && !next->control_count && !next->values;
    return plain && next->output_types && next->output_types[0] == DTYPE_FLOAT ? next : NULL;
}

/* Only output 0 of the node may be used: the fused op has no other. */
static bool uses_first_only(const struct fusion *f, const struct node *node)
{
    const struct node *user = f->user[node->id];
    for (int i = 0; user && i < user->input_count; i++) {
        if (user->inputs[i].node == node && user->inputs[i].output)
            return false;
    }
    return f->uses[node->id] <= 1 || node->output_count == 1;
}

static void grow(const struct fusion *f, struct chain *c)
{
    struct node *next;
    while (!c->activation && (next = next_node(f, c)) != NULL) {
        if (is_activation(next))
            c->activation = next;
        else if (!uses_first_only(f, next) || !absorb_linear(c, next))
            return;
        c->last = next;
    }
}

static struct edge add_constant(struct work *work, const struct node *like,
                                const struct shape *shape, float **values)
{
    struct arena *arena = work->graph.arena;
    struct node *node = work_add(work, &barrier_op, like->name);
    struct tensor *tensor = ARENA_NEW(arena, struct tensor);
    CHECK(!tensor_alloc(tensor, DTYPE_FLOAT, shape, arena, NULL));
    node->output_count = 1;
    node->output_types = ARENA_NEW(arena, enum dtype);
    *node->output_types = DTYPE_FLOAT;
    node->values = tensor;
    *values = tensor->data;
    return (struct edge){node, 0};
}

static struct edge scaled_weights(struct fusion *f, const struct chain *c)
{
    const struct tensor *weights = constant(c->base, 1);
    const float *from = weights->data;
    float *to;
    struct edge edge = add_constant(f->work, c->base, &weights->shape, &to);
    int64_t elements = tensor_elements(weights);
    bool by_row = c->rank == 2 && attr(c->base, "transpose_b")->b;
    int64_t row = elements / c->width;
    for (int64_t i = 0; i < elements; i++)
        to[i] = (float)(from[i] * c->scale[by_row ? i / row : i % c->width]);
    return edge;
}

static struct edge bias_constant(struct fusion *f, const struct chain *c)
{
    struct shape shape = shape_vector(c->width);
    float *to;
    struct edge edge = add_constant(f->work, c->base, &shape, &to);
    for (int64_t i = 0; i < c->width; i++)
        to[i] = (float)c->bias[i];
    return edge;
}

static struct pb_attr_value *new_attr(struct arena *arena, enum attr_case kind)
{
    struct pb_attr_value *value = ARENA_NEW(arena, struct pb_attr_value);
    value->value_case = kind;
    return value;
}

/* Attributes that go before the node's own, for the first of a name counts; returns how many. */
static size_t pad_attrs(const struct chain *c, struct arena *arena, struct node_attr *attrs)
{
    const struct tensor *sizes = constant(c->pad, 1);
    struct pb_attr_value *padding = new_attr(arena, ATTR_CASE_STRING);
    struct pb_attr_value *explicit_paddings = new_attr(arena, ATTR_CASE_LIST);
    struct pb_attr_value *padded = new_attr(arena, ATTR_CASE_BOOL);
    int64_t *values = ARENA_ARRAY(arena, int64_t, PADDINGS);
    for (int i = 0; i < PADDINGS; i++)
        values[i] = tensor_int(sizes, i);
    padding->s = SPAN_LITERAL("EXPLICIT");
    padded->b = true;
    explicit_paddings->list = ARENA_NEW(arena, struct pb_attr_value_list_value);
    explicit_paddings->list->i = (struct pb_int64s){values, PADDINGS};
    attrs[0] = (struct node_attr){SPAN_LITERAL("padding"), padding};
    attrs[1] = (struct node_attr){SPAN_LITERAL("explicit_paddings"), explicit_paddings};
    attrs[2] = (struct node_attr){SPAN_LITERAL("padded"), padded};
    return 3;
}

enum { NEW_ATTRS = 5 };

static void set_attrs(struct fusion *f, const struct chain *c)
{
    struct arena *arena = f->work->graph.arena;
    struct node *base = c->base;
    struct pb_attr_value *name = new_attr(arena, ATTR_CASE_STRING);
    if (c->activation)
        name->s = c->activation->op_name;
    struct node_attr *attrs = ARENA_ARRAY(arena, struct node_attr, base->attr_count + NEW_ATTRS);
    size_t added = c->pad ? pad_attrs(c, arena, attrs) : 0;
    if (base->attr_count)
        memcpy(attrs + added, base->attrs, base->attr_count * sizeof *attrs);
    base->attr_count += added;
    attrs[base->attr_count++] = (struct node_attr){SPAN_LITERAL("activation"), name};
    const struct pb_attr_value *alpha =
        c->activation ? op_def_attr(c->activation->def, c->activation, SPAN_LITERAL("alpha"))
                      : NULL;
    if (alpha)
        attrs[base->attr_count++] = (struct node_attr){SPAN_LITERAL("alpha"), alpha};
    base->attrs = attrs;
}

/* The base becomes the fused node; all that read the chain's end read it instead. */
static void finish(struct fusion *f, struct chain *c, const char *fused)
{
    const struct op_def *def = library_def(f->work->library, span_of(fused));
    struct arena *arena = f->work->graph.arena;
    struct edge *inputs = ARENA_ARRAY(arena, struct edge, 3);
    CHECK(def);
    inputs[0] = c->pad ? c->pad->inputs[0] : c->base->inputs[0];
    inputs[1] = c->scaled ? scaled_weights(f, c) : c->base->inputs[1];
    inputs[2] = bias_constant(f, c);
    set_attrs(f, c);
    for (struct node *node = c->base; node != c->last;) {
        node = f->user[node->id];
        node->forward = ARENA_ARRAY(arena, struct edge, (size_t)node->output_count);
        for (int i = 0; i < node->output_count; i++)
            node->forward[i] = (struct edge){c->base, 0};
        node->forward_control = c->base;
    }
    c->base->inputs = inputs;
    c->base->input_count = 3;
    c->base->op_name = span_of(fused);
    c->base->def = def;
    c->base->op = def->op;
}

static void count_uses(struct fusion *f)
{
    struct work *work = f->work;
    for (int i = 0; i < f->count; i++) {
        struct node *node = work->graph.nodes[i];
        for (int k = 0; k < node->input_count; k++) {
            f->uses[node->inputs[k].node->id]++;
            f->user[node->inputs[k].node->id] = node;
        }
    }
    for (int i = 0; i < work->fetch_count; i++)
        f->uses[work->fetches[i].node->id] += 2;
}

void pass_fuse(struct work *work)
{
    struct fusion f = {.work = work, .count = work->graph.count};
    f.uses = ARENA_ARRAY(work->graph.arena, int, (size_t)f.count);
    f.user = ARENA_ARRAY(work->graph.arena, struct node *, (size_t)f.count);
    count_uses(&f);
    for (int i = 0; i < f.count; i++) {
        struct node *node = work->graph.nodes[i];
        int base = find_base(node);
        if (base < 0 || !may_begin(node, base))
            continue;
        struct chain c = chain_begin(&f, node, base);
        c.pad = find_pad(&f, node, base);
        grow(&f, &c);
        if (c.last != node || c.pad)
            finish(&f, &c, bases[base].fused);
    }
    work_resolve(work);
}
