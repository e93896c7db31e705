/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module is read into a scratch arena, "main" is translated, and with it what it calls, when it
 * is called; then the tree is gone and the functions stay. Constants are borrowed from the module's
 * bytes, which are the model's.
 *
 * "main" has the node's inputs as its arguments; one more, the first, when there are several
 * platforms: which of them runs. That is known, and a `case` upon it is its branch.
 */
#include "engine/stablehlo/module.h"

#include "engine/op_def.h"
#include "engine/stablehlo/translate.h"

enum { DEPTH_MAX = 200 }; /* of functions being translated in one another */

static const char main_name[] = "main", platform_name[] = "CPU";

struct hlo_function {
    const struct mlir_op *op;
    struct span name; /* in the library; empty: not made yet */
};

/* ---- operations ---- */

static const struct hlo_rule *const rule_tables[] = {
    hlo_elementwise_rules, hlo_shape_rules, hlo_product_rules, hlo_reduce_rules, hlo_window_rules,
    hlo_index_rules,       hlo_sort_rules,  hlo_control_rules, hlo_custom_rules,
};

static const struct hlo_rule *find_rule(const struct mlir_op *op)
{
    struct span name = hlo_name(op);
    for (size_t i = 0; i < sizeof rule_tables / sizeof *rule_tables; i++) {
        for (const struct hlo_rule *rule = rule_tables[i]; rule->name; rule++) {
            if (span_is(name, rule->name))
                return rule;
        }
    }
    return NULL;
}

static enum code translate_op(struct body *b, const struct mlir_op *op, struct error *err)
{
    if (!span_is(op->dialect, "vhlo"))
        return body_refuse(b, op, "of another dialect");
    const struct hlo_rule *rule = find_rule(op);
    if (!rule)
        return body_refuse(b, op, "");
    if (op->operand_count < rule->operands || op->result_count < rule->results ||
        op->region_count < rule->regions)
        return hlo_malformed(op, "operands, results or regions", err);
    if (!rule->tokens && !hlo_has_known_types(op))
        return body_refuse(b, op, "of this type");
    return rule->fn(b, op, rule, err);
}

enum code body_region(struct body *b, const struct mlir_region *region, struct span *results,
                      size_t count, struct error *err)
{
    for (size_t i = 0; i < region->op_count; i++) {
        const struct mlir_op *op = region->ops[i];
        if (hlo_is(op, "return")) {
            if (op->operand_count != count)
                return hlo_malformed(op, "operands", err);
            for (size_t k = 0; k < count; k++)
                results[k] = body_operand(b, op, k);
            return CODE_OK;
        }
        enum code code = translate_op(b, op, err);
        if (code)
            return code;
    }
    return error_set(err, CODE_INVALID_ARGUMENT, "malformed StableHLO: a region without a return");
}

/* ---- functions ---- */

static const struct mlir_op *terminator(const struct mlir_region *region)
{
    const struct mlir_op *last = region->op_count ? region->ops[region->op_count - 1] : NULL;
    return hlo_is(last, "return") ? last : NULL;
}

static void body_init(struct body *b, struct translation *t, size_t inputs, size_t outputs)
{
    b->t = t;
    struct span name = span_of(arena_printf(t->arena, "%.*s.%d", SPAN_ARG(t->prefix), t->made++));
    function_maker_init(&b->maker, t->arena, name, inputs, outputs);
    b->maker.prefix = t->node->name;
}

static void add_argument(struct body *b, const struct mlir_value *value)
{
    struct hlo_value *to = &b->t->values[value->id];
    struct span name = function_maker_argument(&b->maker, hlo_value_dtype(value));
    *to = (struct hlo_value){.full = name, .platform = to->platform};
}

static void add_result(struct body *b, const struct mlir_value *value, struct span tensor)
{
    function_maker_result(&b->maker, hlo_value_dtype(value), tensor);
}

static enum code body_finish(struct body *b, struct span *name, struct error *err)
{
    const struct pb_function_def *proto = function_maker_finish(&b->maker);
    *name = proto->signature->name;
    return library_add_function(b->t->library, proto, err);
}

static bool are_known(const struct mlir_value *values, size_t count)
{
    bool known = true;
    for (size_t i = 0; i < count; i++)
        known &= hlo_value_dtype(&values[i]) != DTYPE_INVALID;
    return known;
}

/* The region's operations, and its results as the function's. */
static enum code fill(struct body *b, const struct mlir_region *region, struct error *err)
{
    const struct mlir_op *last = terminator(region);
    struct span *results = ARENA_ARRAY(b->t->scratch, struct span, last->operand_count);
    enum code code = body_region(b, region, results, last->operand_count, err);
    for (size_t i = 0; !code && i < last->operand_count; i++)
        add_result(b, last->operands[i], results[i]);
    return code;
}

static enum code fill_function(struct body *b, const struct region_spec *spec, struct error *err)
{
    const struct mlir_region *region = spec->region;
    size_t captured = spec->captures ? spec->captures->count : 0;
    for (size_t i = 0; i < region->arg_count; i++)
        add_argument(b, &region->args[i]);
    for (size_t i = 0; i < captured; i++)
        add_argument(b, spec->captures->values[i]);
    enum code code = fill(b, region, err);
    for (size_t i = 0; !code && spec->hands_on && i < captured; i++)
        add_result(b, spec->captures->values[i], b->t->values[spec->captures->values[i]->id].full);
    return code;
}

/* Constants from outside that a region uses: it makes them again. */
static void find_constants(struct translation *t, const struct mlir_region *region,
                           struct captures *constants);

/* Value i of the captures (or NULL) and, behind them, the constants. */
static struct hlo_value *outer_value(const struct translation *t, const struct captures *captures,
                                     const struct captures *constants, size_t i)
{
    size_t captured = captures ? captures->count : 0;
    return &t->values[(i < captured ? captures->values[i] : constants->values[i - captured])->id];
}

enum code body_function(struct body *b, const struct region_spec *spec, struct span *name,
                        struct error *err)
{
    struct translation *t = b->t;
    const struct mlir_op *last = terminator(spec->region);
    size_t captured = spec->captures ? spec->captures->count : 0;
    if (!last || !are_known(spec->region->args, spec->region->arg_count))
        return error_set(err, CODE_UNIMPLEMENTED, "StableHLO regions of this type");
    if (t->depth >= DEPTH_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "StableHLO functions nested too deep");
    struct captures constants = {0};
    find_constants(t, spec->region, &constants);
    size_t kept = captured + constants.count;
    struct hlo_value *before = ARENA_ARRAY(t->scratch, struct hlo_value, kept);
    for (size_t i = 0; i < kept; i++)
        before[i] = *outer_value(t, spec->captures, &constants, i);
    struct body made;
    body_init(&made, t, spec->region->arg_count + captured, last->operand_count + captured);
    t->depth++;
    enum code code = CODE_OK;
    for (size_t i = 0; !code && i < constants.count; i++)
        code = translate_op(&made, constants.values[i]->op, err);
    if (!code)
        code = fill_function(&made, spec, err);
    t->depth--;
    for (size_t i = 0; i < kept; i++)
        *outer_value(t, spec->captures, &constants, i) = before[i];
    return code ? code : body_finish(&made, name, err);
}

/* ---- captures ---- */

static void captures_add(struct translation *t, struct captures *captures,
                         const struct mlir_value *value)
{
    if (captures->count == captures->room) {
        size_t room = captures->room ? 2 * captures->room : 8;
        const struct mlir_value **values = ARENA_ARRAY(t->scratch, const struct mlir_value *, room);
        if (captures->count)
            memcpy(values, captures->values, captures->count * sizeof *values);
        captures->values = values;
        captures->room = room;
    }
    captures->values[captures->count++] = value;
}

/* Ids grow in the order of definition, so what a region defines lies between two of them. */
static int first_id(const struct mlir_region *region)
{
    if (region->arg_count)
        return region->args[0].id;
    for (size_t i = 0; i < region->op_count; i++) {
        const struct mlir_op *op = region->ops[i];
        if (op->result_count)
            return op->results[0].id;
        for (size_t k = 0; k < op->region_count; k++) {
            int id = first_id(&op->regions[k]);
            if (id < INT32_MAX)
                return id;
        }
    }
    return INT32_MAX;
}

static void find_outside(struct translation *t, const struct mlir_region *region, int first,
                         bool constants, struct captures *captures)
{
    for (size_t i = 0; i < region->op_count; i++) {
        const struct mlir_op *op = region->ops[i];
        for (size_t k = 0; k < op->operand_count; k++) {
            const struct mlir_value *value = op->operands[k];
            bool outside = value->id < first && !hlo_constant(value) == !constants;
            if (outside && t->marks[value->id] != captures->mark) {
                t->marks[value->id] = captures->mark;
                captures_add(t, captures, value);
            }
        }
        for (size_t k = 0; k < op->region_count; k++)
            find_outside(t, &op->regions[k], first, constants, captures);
    }
}

void captures_find(struct translation *t, const struct mlir_region *region,
                   struct captures *captures)
{
    captures->mark = captures->mark ? captures->mark : ++t->mark;
    find_outside(t, region, first_id(region), false, captures);
}

static void find_constants(struct translation *t, const struct mlir_region *region,
                           struct captures *constants)
{
    constants->mark = ++t->mark;
    find_outside(t, region, first_id(region), true, constants);
}

bool captures_none(struct translation *t, const struct mlir_region *region)
{
    struct captures captures = {0};
    captures_find(t, region, &captures);
    return !captures.count;
}

/* ---- symbols ---- */

static const struct mlir_region *function_region(const struct hlo_function *function)
{
    return function->op->region_count ? &function->op->regions[0] : NULL;
}

/* The platform's index goes along with calls. */
static enum code pass_platforms(struct translation *t, const struct mlir_region *region,
                                const struct mlir_op *call, bool made, struct error *err)
{
    for (size_t i = 0; i < region->arg_count; i++) {
        int platform = t->values[call->operands[i]->id].platform;
        struct hlo_value *to = &t->values[region->args[i].id];
        if (made && to->platform != platform)
            return error_set(err, CODE_UNIMPLEMENTED,
                             "a StableHLO function called for different platforms");
        to->platform = platform;
    }
    return CODE_OK;
}

/* The library's function for the module's of that symbol, made when first asked for. `call`'s
 * operands are its arguments. */
static enum code find_symbol(struct body *b, struct span symbol, const struct mlir_op *call,
                             struct span *name, struct error *err)
{
    struct hlo_function *function = symbol.len ? map_get(&b->t->functions, symbol) : NULL;
    const struct mlir_region *region = function ? function_region(function) : NULL;
    const struct mlir_op *last = region ? terminator(region) : NULL;
    if (!last || region->arg_count != call->operand_count ||
        last->operand_count != call->result_count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "malformed StableHLO: a call of %.*s that does not fit", SPAN_ARG(symbol));
    enum code code = pass_platforms(b->t, region, call, function->name.len, err);
    if (!code && !function->name.len) {
        /* Named before it is made would be recursion, which inlining finds: there is none here. */
        struct region_spec spec = {.region = region};
        code = body_function(b, &spec, &function->name, err);
    }
    *name = function->name;
    return code;
}

enum code body_call(struct body *b, const struct mlir_op *op, struct span symbol, struct error *err)
{
    struct span name;
    enum code code = find_symbol(b, symbol, op, &name, err);
    if (code)
        return code;
    struct pb_node_def *node = body_node(b, "PartitionedCall", 0);
    for (size_t i = 0; i < op->operand_count; i++)
        body_input(b, node, body_operand(b, op, i));
    body_types(b, node, "Tin", op->operands, op->operand_count);
    body_result_types(b, node, "Tout", op);
    body_func(b, node, "f", name);
    body_set_all(b, op, node, "output");
    return CODE_OK;
}

/* ---- the module ---- */

static void find_functions(struct translation *t, const struct mlir_region *region, int depth)
{
    for (size_t i = 0; i < region->op_count; i++) {
        const struct mlir_op *op = region->ops[i];
        if (hlo_is(op, "func")) {
            struct span symbol = hlo_string(op, "sym_name");
            struct hlo_function *function = ARENA_NEW(t->scratch, struct hlo_function);
            function->op = op;
            if (symbol.len)
                map_put(&t->functions, symbol, function);
        } else if (!depth && span_is(op->dialect, "builtin") && op->region_count) {
            find_functions(t, &op->regions[0], depth + 1);
        }
    }
}

/* The index of our platform among those that the module is for; -1: it is for others. */
static int platform_index(const struct node *node, size_t *count)
{
    const struct pb_attr_value *attr = node_attr(node, "platforms");
    *count = attr && attr->value_case == ATTR_CASE_LIST ? attr->list->s.count : 0;
    for (size_t i = 0; i < *count; i++) {
        if (span_is(attr->list->s.items[i], platform_name))
            return (int)i;
    }
    return -1;
}

static bool flag(const struct node *node, const char *name)
{
    const struct pb_attr_value *attr = node_attr(node, name);
    return attr && attr->value_case == ATTR_CASE_BOOL && attr->b;
}

static enum code check_node(const struct node *node, struct error *err)
{
    const struct pb_attr_value *sizes = node_attr(node, "dim_args_spec");
    size_t platforms;
    if (platform_index(node, &platforms) < 0 && platforms)
        return error_set(err, CODE_UNIMPLEMENTED, "its module is not for the platform %s",
                         platform_name);
    if (sizes && sizes->value_case == ATTR_CASE_LIST && sizes->list->s.count)
        return error_set(err, CODE_UNIMPLEMENTED, "dim_args_spec of XlaCallModule");
    if (flag(node, "has_token_input_output"))
        return error_set(err, CODE_UNIMPLEMENTED, "has_token_input_output of XlaCallModule");
    return CODE_OK;
}

/* "main" of the node's inputs. */
static enum code translate_main(struct translation *t, struct span *name, struct error *err)
{
    struct hlo_function *function = map_get(&t->functions, span_of(main_name));
    const struct mlir_region *region = function ? function_region(function) : NULL;
    const struct mlir_op *last = region ? terminator(region) : NULL;
    size_t platforms, inputs = (size_t)t->node->input_count;
    int platform = platform_index(t->node, &platforms);
    bool extra = platforms > 1 && region && region->arg_count == inputs + 1;
    if (!last || last->operand_count != (size_t)t->node->output_count ||
        (!extra && region->arg_count != inputs) || !are_known(region->args, region->arg_count))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "the function main of its module does not fit the node");
    struct body made;
    body_init(&made, t, inputs, last->operand_count);
    if (extra) {
        enum dtype dtype = hlo_value_dtype(&region->args[0]);
        t->values[region->args[0].id] = (struct hlo_value){
            .full = body_number(&made, dtype, platform),
            .platform = platform + 1,
        };
    }
    for (size_t i = extra; i < region->arg_count; i++)
        add_argument(&made, &region->args[i]);
    enum code code = fill(&made, region, err);
    return code ? code : body_finish(&made, name, err);
}

static enum code translate_module(struct translation *t, struct span bytes, struct span *name,
                                  struct error *err)
{
    struct mlir_module module;
    enum code code = mlir_bytecode_read(bytes, t->scratch, &module, err);
    if (code)
        return code;
    map_init(&t->functions, t->scratch);
    t->values = ARENA_ARRAY(t->scratch, struct hlo_value, (size_t)module.value_count);
    t->marks = ARENA_ARRAY(t->scratch, int, (size_t)module.value_count);
    find_functions(t, &module.top, 0);
    return translate_main(t, name, err);
}

enum code stablehlo_function(struct library *library, const struct node *node,
                             const struct function **function, struct error *err)
{
    const struct pb_attr_value *module = node_attr(node, "module");
    if (!module || module->value_case != ATTR_CASE_STRING)
        return error_set(err, CODE_INVALID_ARGUMENT, "Node %.*s has no module",
                         SPAN_ARG(node->name));
    struct arena scratch;
    arena_init(&scratch, ARENA_FIRST_BLOCK);
    struct translation t = {
        .library = library,
        .arena = library->arena,
        .scratch = &scratch,
        .prefix = span_of(arena_printf(library->arena, "%.*s.%zu", SPAN_ARG(node->name),
                                       library->functions.count)),
        .node = node,
    };
    struct span name;
    enum code code = check_node(node, err);
    if (!code)
        code = translate_module(&t, module->s, &name, err);
    arena_release(&scratch);
    if (code)
        return error_prefix(err, "Node %.*s: ", SPAN_ARG(node->name));
    *function = library_function(library, name);
    return CODE_OK;
}
