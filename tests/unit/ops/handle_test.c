/* SPDX-License-Identifier: Apache-2.0 */
/* Every op that takes a handle, with handles that hold nothing: a graph from outside may hand it
 * any tensor of the right dtype. */
#include "ops/handle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/compile.h"
#include "engine/op_def.h"
#include "wire/messages.h"
#include "wire/pb.h"

enum { INPUTS_MAX = 12 };

/* A graph of one node, all inputs of which are fed. */
struct subject {
    struct arena arena;
    const struct op *op;
    const struct op_def *def;
    enum dtype types[INPUTS_MAX]; /* of the inputs */
    int count;
    struct span text;
};

static bool is_handle(enum dtype dtype)
{
    return dtype == DTYPE_RESOURCE || dtype == DTYPE_VARIANT;
}

/* The dtype that the attribute gets: float if it may. */
static enum dtype choose(const struct op *op, const struct op_attr_def *attr)
{
    uint64_t types = attr->types ? attr->types : ~(uint64_t)1;
    if (op->types && span_is(attr->name, op->types_attr ? op->types_attr : "T"))
        types &= op->types;
    return types >> DTYPE_FLOAT & 1 ? DTYPE_FLOAT : (enum dtype)__builtin_ctzll(types);
}

static enum dtype type_of(const struct subject *s, const struct op_arg *arg)
{
    for (int i = 0; i < s->def->attr_count; i++) {
        if (arg->type == DTYPE_INVALID && span_equal(s->def->attrs[i].name, arg->type_attr))
            return choose(s->op, &s->def->attrs[i]);
    }
    return arg->type;
}

/* The value of an attribute that must be given; NULL: none that would do for any op. */
static const char *value_of(struct subject *s, const struct op_attr_def *attr)
{
    static const char *const plain[] = {
        [ATTR_INT] = "i: 1",      [ATTR_FLOAT] = "f: 1",
        [ATTR_BOOL] = "b: false", [ATTR_STRING] = "s: ''",
        [ATTR_TYPE] = NULL,       [ATTR_SHAPE] = "shape { unknown_rank: true }",
        [ATTR_TENSOR] = NULL,     [ATTR_FUNC] = NULL,
    };
    const char *value = plain[attr->kind];
    if (attr->kind == ATTR_TYPE)
        value = arena_printf(&s->arena, "type: %s", dtype_enum_name(choose(s->op, attr)));
    return value && attr->is_list ? arena_printf(&s->arena, "list { %s }", value) : value;
}

/* False: the op takes no handle, or needs attributes that only a whole model can give. */
static bool subject_init(struct subject *s, const struct op *op)
{
    struct op_def *def;
    *s = (struct subject){.op = op};
    arena_init(&s->arena, ARENA_FIRST_BLOCK);
    assert_int_equal(op_def_parse(op, &s->arena, &def, NULL), CODE_OK);
    s->def = def;
    const char *node = arena_printf(&s->arena, "node { name: 'subject' op: '%s' ", op->name);
    const char *graph = "";
    bool any = false;
    for (int i = 0; i < def->input_count; i++) {
        assert_true(s->count < INPUTS_MAX);
        enum dtype type = s->types[s->count++] = type_of(s, &def->inputs[i]);
        any |= is_handle(type);
        node = arena_printf(&s->arena, "%s input: 'in%d' ", node, i);
        graph = arena_printf(&s->arena,
                             "%snode { name: 'in%d' op: 'Placeholder' "
                             "attr { key: 'dtype' value { type: %s } } }\n",
                             graph, i, dtype_enum_name(type));
    }
    for (int i = 0; i < def->attr_count; i++) {
        const struct op_attr_def *attr = &def->attrs[i];
        const char *value = value_of(s, attr);
        if (attr->default_value && attr->kind != ATTR_TYPE)
            continue;
        if (!value)
            return false;
        node = arena_printf(&s->arena, "%s attr { key: '%.*s' value { %s } } ", node,
                            SPAN_ARG(attr->name), value);
    }
    s->text = span_of(arena_printf(&s->arena, "%s%s }", graph, node));
    return any;
}

struct handle_case {
    const char *name;
    struct shape shape;
    bool is_of_another_kind;
};

static void free_nothing(struct resource *resource)
{
    (void)resource;
}

static const struct resource_ops other_ops = {.kind = "other", .free = free_nothing};

/* Feeds zeros, and the case's handles: never memory that holds none where it has no element. */
static enum code run_case(struct subject *s, struct plan *plan, struct resource_store *store,
                          const struct handle_case *c, struct error *err)
{
    static char zeros[64];
    static struct resource other = {.ops = &other_ops};
    static struct resource *holds_other = &other;
    struct tensor in[INPUTS_MAX], out[INPUTS_MAX];
    for (int i = 0; i < s->count; i++) {
        in[i] = (struct tensor){.dtype = s->types[i], .data = zeros};
        if (!is_handle(s->types[i]))
            continue;
        in[i].shape = c->shape;
        if (!tensor_elements(&in[i]))
            in[i].data = NULL;
        else if (c->is_of_another_kind && s->types[i] == DTYPE_RESOURCE)
            in[i].data = &holds_other;
    }
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct run run = {.arena = &arena, .resources = store, .deadline_us = INT64_MAX};
    enum code code = plan_run(plan, in, &run, out, err);
    arena_release(&arena);
    return code;
}

static struct plan *compile(struct subject *s, struct module *module, struct error *err)
{
    struct span feeds[INPUTS_MAX], fetch = SPAN_LITERAL("subject:0"),
                                   node = SPAN_LITERAL("subject");
    struct compile_request request = {
        .feeds = feeds,
        .feed_count = s->count,
        .fetches = &fetch,
        .fetch_count = s->def->output_count > 0,
        .targets = &node,
        .target_count = 1,
        .is_signature = true,
    };
    for (int i = 0; i < s->count; i++)
        feeds[i] = span_of(arena_printf(&s->arena, "in%d", i));
    struct missing_ops missing;
    missing_ops_init(&missing, &s->arena);
    struct compilation *compilation;
    struct plan *plan = NULL;
    if (compile_begin(module, &request, &missing, &compilation, err))
        return NULL;
    compile_finish(compilation, true, &plan, err);
    return plan;
}

static void try_op(struct subject *s)
{
    static const struct handle_case cases[] = {
        {"no handle", {.rank = 1, .dims = {0}}, false},
        {"no handle", {.rank = 2, .dims = {0, 3}}, false},
        {"a handle that holds nothing", {.rank = 0}, false},
        {"a handle of another kind", {.rank = 0}, true},
    };
    struct error err = {0};
    struct resource_store *store = resource_store_new();
    struct pb_graph_def *proto = ARENA_NEW(&s->arena, struct pb_graph_def);
    struct module module;
    assert_int_equal(pb_parse_text(&pb_graph_def_type, s->text, &s->arena, proto, &err), CODE_OK);
    assert_int_equal(module_init(&module, &s->arena, store, proto, &err), CODE_OK);
    struct plan *plan = compile(s, &module, &err);
    if (!plan)
        fail_msg("%s: %s", s->op->name, err.message);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        error_clear(&err);
        enum code code = run_case(s, plan, store, &cases[i], &err);
        /* The one op to which anything is welcome. */
        bool fine = !code && strcmp(s->op->name, "DestroyResourceOp") == 0;
        if (code != CODE_INVALID_ARGUMENT && !fine)
            fail_msg("%s with %s: %d %s", s->op->name, cases[i].name, code, err.message);
    }
    plan_free(plan);
    resource_store_free(store);
}

static void test_handles_that_hold_nothing(void **state)
{
    (void)state;
    int tried = 0;
    for (size_t i = 0; i < op_table_size; i++) {
        struct subject s;
        bool takes_handle = subject_init(&s, op_table[i]);
        if (takes_handle)
            try_op(&s);
        tried += takes_handle;
        arena_release(&s.arena);
    }
    assert_true(tried > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handles_that_hold_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
