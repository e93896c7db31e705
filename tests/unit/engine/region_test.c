/* SPDX-License-Identifier: Apache-2.0 */
/* Loops and conditionals whose functions are plans of their own, on graphs written as text. */
#include "engine/region.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "engine/compile.h"
#include "wire/messages.h"
#include "wire/pb.h"

#define NODE(name, op, rest)      "node { name: '" name "' op: '" op "' " rest "}\n"
#define BODY_NODE(name, op, rest) "node_def { name: '" name "' op: '" op "' " rest "}\n"
#define IN(name)                  "input: '" name "' "
#define TYPE(attr, type)          "attr { key: '" attr "' value { type: DT_" type " } } "
#define TYPES(attr, types)        "attr { key: '" attr "' value { list { " types " } } } "
#define FUNC(attr, name)          "attr { key: '" attr "' value { func { name: '" name "' } } } "
#define F                         "type: DT_FLOAT "
#define I                         "type: DT_INT32 "
#define VALUE(type, fields)                                                                        \
    TYPE("dtype", type)                                                                            \
    "attr { key: 'value' value { tensor { dtype: DT_" type " " fields " } } "                      \
    "} "
#define PLACEHOLDER(name, type)    NODE(name, "Placeholder", TYPE("dtype", type))
#define INT_VALUE(n)               VALUE("INT32", "tensor_shape {} int_val: " n)
#define INT(name, n)               NODE(name, "Const", INT_VALUE(n))
#define ARG(name, type)            "input_arg { name: '" name "' type: DT_" type " } "
#define RESULT(name, type)         "output_arg { name: '" name "' type: DT_" type " } "
#define FUNCTION(name, args, body) "function { signature { name: '" name "' " args " } " body " } "
#define RET(name, tensor)          "ret { key: '" name "' value: '" tensor "' } "

/* i < n, of loops over (i, n, a, b). */
#define LOOP_ARGS ARG("i", "INT32") ARG("n", "INT32") ARG("a", "FLOAT") ARG("b", "FLOAT")
#define LOOP_RESULTS                                                                               \
    RESULT("ri", "INT32") RESULT("rn", "INT32") RESULT("ra", "FLOAT") RESULT("rb", "FLOAT")
#define BELOW                                                                                      \
    FUNCTION("below", LOOP_ARGS RESULT("r", "BOOL"),                                               \
             BODY_NODE("less", "Less", IN("i") IN("n") TYPE("T", "INT32")) RET("r", "less:z:0"))
#define COUNT                                                                                      \
    BODY_NODE("one", "Const", VALUE("INT32", "tensor_shape {} int_val: 1"))                        \
    BODY_NODE("next", "AddV2", IN("i") IN("one:output:0") TYPE("T", "INT32"))                      \
    RET("ri", "next:z:0") RET("rn", "n")
#define LOOP_BODY(name, body) FUNCTION(name, LOOP_ARGS LOOP_RESULTS, COUNT body)
#define WHILE(name, body)                                                                          \
    NODE(name, "StatelessWhile",                                                                   \
         IN("zero") IN("n") IN("a") IN("b") TYPES("T", I I F F) FUNC("cond", "below")              \
             FUNC("body", body))
#define LOOP_FEEDS PLACEHOLDER("n", "INT32") PLACEHOLDER("a", "FLOAT") PLACEHOLDER("b", "FLOAT")
#define LOOP(body)                                                                                 \
    INT("zero", "0") LOOP_FEEDS WHILE("loop", "body") "library { " BELOW LOOP_BODY("body", body) "}"

struct fixture {
    struct arena arena;
    struct arena run_arena;
    struct resource_store *store;
    struct module module;
    struct missing_ops missing;
    struct error err;
    atomic_bool cancelled;
    int64_t deadline_us;
};

static struct fixture *setup(const char *text)
{
    struct fixture *f = calloc(1, sizeof *f);
    arena_init(&f->arena, ARENA_FIRST_BLOCK);
    arena_init(&f->run_arena, ARENA_FIRST_BLOCK);
    error_clear(&f->err);
    f->deadline_us = INT64_MAX;
    f->store = resource_store_new();
    missing_ops_init(&f->missing, &f->arena);
    struct pb_graph_def *proto = ARENA_NEW(&f->arena, struct pb_graph_def);
    enum code code = pb_parse_text(&pb_graph_def_type, span_of(text), &f->arena, proto, &f->err);
    if (!code)
        code = module_init(&f->module, &f->arena, f->store, proto, &f->err);
    if (code)
        fail_msg("%s", f->err.message);
    return f;
}

static void teardown(struct fixture *f, struct plan *plan)
{
    arena_release(&f->run_arena);
    plan_free(plan);
    resource_store_free(f->store);
    arena_release(&f->arena);
    free(f);
}

/* Names are separated by single blanks. */
static int split(const char *names, struct span *parts)
{
    int count = 0;
    struct span rest = span_of(names);
    while (rest.len) {
        parts[count] = span_sub(rest, 0, span_find(rest, ' '));
        rest = span_sub(rest, parts[count++].len + 1, rest.len);
    }
    return count;
}

static struct plan *compile(struct fixture *f, const char *feeds, const char *fetches)
{
    struct span feed_names[8], fetch_names[8];
    struct compile_request request = {
        .feeds = feed_names,
        .feed_count = split(feeds, feed_names),
        .fetches = fetch_names,
        .fetch_count = split(fetches, fetch_names),
        .is_signature = true,
    };
    struct compilation *compilation;
    struct plan *plan = NULL;
    if (compile_begin(&f->module, &request, &f->missing, &compilation, &f->err))
        return NULL;
    if (missing_ops_report(&f->missing, &f->err)) {
        compile_abort(compilation);
        return NULL;
    }
    return compile_finish(compilation, true, &plan, &f->err) ? NULL : plan;
}

static enum code run(struct fixture *f, struct plan *plan, const struct tensor *in,
                     struct tensor *out)
{
    struct run r = {.arena = &f->run_arena,
                    .resources = f->store,
                    .cancelled = &f->cancelled,
                    .deadline_us = f->deadline_us};
    return plan_run(plan, in, &r, out, &f->err);
}

static struct tensor floats(float *values, int64_t n)
{
    return (struct tensor){DTYPE_FLOAT, shape_vector(n), values, NULL};
}

static struct tensor integer(int32_t *value)
{
    return (struct tensor){DTYPE_INT32, shape_scalar(), value, NULL};
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in '%s'", part, text);
}

/* Runs LOOP for n turns on a and b of two elements. */
static enum code run_loop(struct fixture *f, struct plan *plan, int32_t n, struct tensor *out)
{
    /* A variable that no turn changes is the feed itself. */
    static float a[2] = {1, 10}, b[2] = {0, 5};
    struct tensor in[3] = {integer(&n), floats(a, 2), floats(b, 2)};
    return run(f, plan, in, out);
}

/* ---- loops ---- */

#define FIBONACCI                                                                                  \
    BODY_NODE("sum", "AddV2", IN("a") IN("b") TYPE("T", "FLOAT"))                                  \
    RET("ra", "sum:z:0") RET("rb", "a")

static void test_turns(void **state)
{
    (void)state;
    /* n, then a[0], b[0], a[1]: each turn makes (a + b, a). */
    static const struct {
        int32_t n;
        float a, b, a1;
    } cases[] = {
        {0, 1, 0, 10}, {1, 1, 1, 15}, {2, 2, 1, 25}, {3, 3, 2, 40}, {20, 10946, 6765, 143285}};
    struct fixture *f = setup(LOOP(FIBONACCI));
    struct plan *plan = compile(f, "n a b", "loop:2 loop:3 loop:0");
    assert_true(plan_has_loop(plan));
    if (!plan)
        fail_msg("%s", f->err.message);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tensor out[3];
        assert_int_equal(run_loop(f, plan, cases[i].n, out), CODE_OK);
        assert_true(TENSOR_AT(&out[0], float)[0] == cases[i].a);
        assert_true(TENSOR_AT(&out[0], float)[1] == cases[i].a1);
        assert_true(TENSOR_AT(&out[1], float)[0] == cases[i].b);
        assert_int_equal(*TENSOR_AT(&out[2], int32_t), cases[i].n);
        arena_reset(&f->run_arena);
    }
    teardown(f, plan);
}

static void test_memory_does_not_grow(void **state)
{
    (void)state;
    struct fixture *f = setup(LOOP(FIBONACCI));
    struct plan *plan = compile(f, "n a b", "loop:2");
    assert_non_null(plan);
    struct tensor out;
    size_t used[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run_loop(f, plan, i ? 10000 : 10, &out), CODE_OK);
        used[i] = f->run_arena.used;
        arena_reset(&f->run_arena);
    }
    assert_int_equal(used[0], used[1]);
    teardown(f, plan);
}

static void test_swapped_variables(void **state)
{
    (void)state;
    struct fixture *f = setup(LOOP(RET("ra", "b") RET("rb", "a")));
    struct plan *plan = compile(f, "n a b", "loop:2 loop:3");
    assert_non_null(plan);
    for (int32_t n = 0; n < 6; n++) {
        struct tensor out[2];
        assert_int_equal(run_loop(f, plan, n, out), CODE_OK);
        assert_true(TENSOR_AT(&out[0], float)[0] == (n % 2 ? 0 : 1));
        assert_true(TENSOR_AT(&out[1], float)[0] == (n % 2 ? 1 : 0));
    }
    teardown(f, plan);
}

static void test_growing_shape(void **state)
{
    (void)state;
    struct fixture *f =
        setup(LOOP(BODY_NODE("axis", "Const", VALUE("INT32", "tensor_shape {} int_val: 0"))
                       BODY_NODE("twice", "ConcatV2",
                                 IN("a") IN("b") IN("axis:output:0") TYPE("T", "FLOAT")
                                     TYPE("Tidx", "INT32") "attr { key: 'N' value { i: 2 } } ")
                           RET("ra", "twice:output:0") RET("rb", "b")));
    struct plan *plan = compile(f, "n a b", "loop:2");
    assert_non_null(plan);
    struct tensor out;
    /* More shapes than a plan keeps bindings for. */
    assert_int_equal(run_loop(f, plan, 100, &out), CODE_OK);
    assert_int_equal(tensor_elements(&out), 202);
    assert_true(TENSOR_AT(&out, float)[1] == 10 && TENSOR_AT(&out, float)[201] == 5);
    teardown(f, plan);
}

static void test_nested_loops(void **state)
{
    (void)state;
    /* Each turn of the outer loop makes n turns of the inner one, from its own a and b. */
    struct fixture *f = setup(
        INT("zero", "0") LOOP_FEEDS WHILE("loop", "outer") "library { " BELOW LOOP_BODY("inner",
                                                                                        FIBONACCI)
            LOOP_BODY("outer",
                      BODY_NODE("zero", "Const", VALUE("INT32", "tensor_shape {} int_val: 0"))
                          BODY_NODE("turns", "While",
                                    IN("zero:output:0") IN("n") IN("a") IN("b") TYPES("T", I I F F)
                                        FUNC("cond", "below") FUNC("body", "inner"))
                              RET("ra", "turns:output:2") RET("rb", "turns:output:3")) "}");
    struct plan *plan = compile(f, "n a b", "loop:2 loop:3");
    if (!plan)
        fail_msg("%s", f->err.message);
    struct tensor out[2];
    assert_int_equal(run_loop(f, plan, 4, out), CODE_OK);
    assert_true(TENSOR_AT(&out[0], float)[0] == 1597); /* 16 turns in all */
    assert_true(TENSOR_AT(&out[1], float)[0] == 987);
    teardown(f, plan);
}

static void test_error_in_the_body(void **state)
{
    (void)state;
    struct fixture *f = setup(LOOP(
        BODY_NODE("three", "Const", VALUE("FLOAT", "tensor_shape { dim { size: 3 } } float_val: 1"))
            BODY_NODE("bad", "AddV2", IN("a") IN("three:output:0") TYPE("T", "FLOAT"))
                RET("ra", "bad:z:0") RET("rb", "b")));
    struct plan *plan = compile(f, "n a b", "loop:2");
    assert_non_null(plan);
    struct tensor out;
    assert_int_equal(run_loop(f, plan, 0, &out), CODE_OK);
    assert_int_equal(run_loop(f, plan, 1, &out), CODE_INVALID_ARGUMENT);
    assert_string_equal(f->err.message, "Incompatible shapes: [2] vs. [3]\n\t "
                                        "[[{{function_node body}}{{node bad}}]]");
    teardown(f, plan);
}

/* A loop that would go on for 2^31 turns. */
static void *cancel(void *flag)
{
    atomic_store((atomic_bool *)flag, true);
    return NULL;
}

static void test_stopped_in_the_middle(void **state)
{
    (void)state;
    struct fixture *f = setup(LOOP(FIBONACCI));
    struct plan *plan = compile(f, "n a b", "loop:2");
    assert_non_null(plan);
    struct tensor out;
    f->deadline_us = clock_now_us() + 1000;
    assert_int_equal(run_loop(f, plan, INT32_MAX, &out), CODE_DEADLINE_EXCEEDED);
    f->deadline_us = INT64_MAX;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel, &f->cancelled), 0);
    assert_int_equal(run_loop(f, plan, INT32_MAX, &out), CODE_CANCELLED);
    pthread_join(thread, NULL);
    teardown(f, plan);
}

static void test_condition_must_be_a_scalar(void **state)
{
    (void)state;
    struct fixture *f = setup(LOOP(FIBONACCI));
    struct plan *plan = compile(f, "n a b", "loop:2");
    assert_non_null(plan);
    int32_t n[2] = {3, 4};
    float a[1] = {0};
    struct tensor in[3] = {{DTYPE_INT32, shape_vector(2), n, NULL}, floats(a, 1), floats(a, 1)};
    struct tensor out;
    assert_int_equal(run(f, plan, in, &out), CODE_INVALID_ARGUMENT);
    assert_string_equal(f->err.message, "The second input must be a scalar, but it has shape [2]"
                                        "\n\t [[{{node loop}}]]");
    teardown(f, plan);
}

/* ---- variables ---- */

#define VARIABLE_LOOP                                                                              \
    INT("zero", "0")                                                                               \
    LOOP_FEEDS                                                                                     \
    NODE("v", "VarHandleOp",                                                                       \
         TYPE("dtype", "FLOAT") "attr { key: 'shape' value { shape {} } } "                        \
                                "attr { key: 'shared_name' value { s: 'v' } } ")                   \
    NODE("loop", "While",                                                                          \
         IN("zero") IN("n") IN("a") IN("v") TYPES("T", I I F "type: DT_RESOURCE ")                 \
             FUNC("cond", "below") FUNC("body", "body"))                                           \
    "library { " FUNCTION("below",                                                                 \
                          ARG("i", "INT32") ARG("n", "INT32") ARG("a", "FLOAT")                    \
                              ARG("b", "RESOURCE") RESULT("r", "BOOL"),                            \
                          BODY_NODE("less", "Less", IN("i") IN("n") TYPE("T", "INT32"))            \
                              RET("r", "less:z:0"))                                                \
        FUNCTION("body",                                                                           \
                 ARG("i", "INT32") ARG("n", "INT32") ARG("a", "FLOAT") ARG("b", "RESOURCE")        \
                     RESULT("ri", "INT32") RESULT("rn", "INT32") RESULT("ra", "FLOAT")             \
                         RESULT("rb", "RESOURCE"),                                                 \
                 COUNT BODY_NODE("read", "ReadVariableOp", IN("b") TYPE("dtype", "FLOAT"))         \
                     BODY_NODE("sum", "AddV2", IN("a") IN("read:value:0") TYPE("T", "FLOAT"))      \
                         BODY_NODE("same", "Identity", IN("b") TYPE("T", "RESOURCE"))              \
                             RET("ra", "sum:z:0") RET("rb", "same:output:0")) "}"

static const struct node *find_step(const struct plan *plan, const char *op)
{
    for (int i = 0; i < plan_step_count(plan); i++) {
        if (span_is(plan_step(plan, i)->node->op_name, op))
            return plan_step(plan, i)->node;
    }
    return NULL;
}

static enum code run_variable_loop(struct fixture *f, struct plan *plan, float *result)
{
    int32_t n = 3;
    float a[1] = {1};
    struct tensor in[2] = {integer(&n), floats(a, 1)}, out;
    enum code code = run(f, plan, in, &out);
    *result = code ? 0 : *TENSOR_AT(&out, float);
    return code;
}

static void test_variable_in_the_body(void **state)
{
    (void)state;
    for (int initialised = 0; initialised < 2; initialised++) {
        struct fixture *f = setup(VARIABLE_LOOP);
        enum dtype dtype = DTYPE_FLOAT;
        float two = 2, result;
        struct tensor value = {DTYPE_FLOAT, shape_scalar(), &two, NULL};
        struct resource_id id = {.ops = &variable_ops, .name = SPAN_LITERAL("v")};
        struct resource *v = resource_get(f->store, &id, variable_make, &dtype);
        if (initialised)
            assert_int_equal(variable_assign((struct variable *)v, &value, false, &f->err),
                             CODE_OK);
        struct plan *plan = compile(f, "n a", "loop:2");
        if (!plan)
            fail_msg("%s", f->err.message);
        const struct plan *body = find_step(plan, "While")->regions[1].plan;
        enum code code = run_variable_loop(f, plan, &result);
        if (initialised) {
            /* Read once, when the plan was made. */
            assert_null(find_step(body, "ReadVariableOp"));
            assert_int_equal(code, CODE_OK);
            assert_true(result == 7);
        } else {
            assert_non_null(find_step(body, "ReadVariableOp"));
            assert_int_equal(code, CODE_FAILED_PRECONDITION);
            assert_contains(f->err.message, "[[{{function_node body}}{{node read}}]]");
        }
        teardown(f, plan);
    }
}

/* ---- conditionals ---- */

#define BRANCH(name, op)                                                                           \
    FUNCTION(name, ARG("x", "FLOAT") RESULT("r", "FLOAT"),                                         \
             BODY_NODE("y", op, IN("x") TYPE("T", "FLOAT")) RET("r", "y:y:0"))
#define BRANCHES                                                                                   \
    "library { " BRANCH("negate", "Neg") BRANCH("square", "Square")                                \
        FUNCTION("same", ARG("x", "FLOAT") RESULT("r", "FLOAT"), RET("r", "x")) "}"

static const struct {
    const char *feed_type;
    enum dtype dtype;
    int32_t choice;
    float result;
} branch_cases[] = {
    {"If", DTYPE_BOOL, 1, -3},    {"If", DTYPE_BOOL, 0, 9},    {"Case", DTYPE_INT32, 0, -3},
    {"Case", DTYPE_INT32, 1, 9},  {"Case", DTYPE_INT32, 2, 3}, {"Case", DTYPE_INT32, 3, 3},
    {"Case", DTYPE_INT32, -1, 3},
};

static void test_branches(void **state)
{
    (void)state;
    static const char text[] =
        PLACEHOLDER("p", "BOOL") PLACEHOLDER("k", "INT32") PLACEHOLDER("x", "FLOAT")
            NODE("If", "If",
                 IN("p") IN("x") TYPE("Tcond", "BOOL") TYPES("Tin", F) TYPES("Tout", F)
                     FUNC("then_branch", "negate") FUNC("else_branch", "square"))
                NODE("Case", "StatelessCase",
                     IN("k") IN("x") TYPES("Tin", F) TYPES("Tout", F)
                         TYPES("branches", "func { name: 'negate' } func { name: 'square' } "
                                           "func { name: 'same' } ")) BRANCHES;
    for (size_t i = 0; i < sizeof branch_cases / sizeof *branch_cases; i++) {
        struct fixture *f = setup(text);
        struct plan *plan = compile(f, branch_cases[i].dtype == DTYPE_BOOL ? "p x" : "k x",
                                    branch_cases[i].feed_type);
        if (!plan)
            fail_msg("%s", f->err.message);
        assert_false(plan_has_loop(plan));
        float x[1] = {3};
        int32_t choice = branch_cases[i].choice;
        struct tensor in[2] = {integer(&choice), floats(x, 1)}, out;
        in[0].dtype = branch_cases[i].dtype;
        assert_int_equal(run(f, plan, in, &out), CODE_OK);
        assert_true(*TENSOR_AT(&out, float) == branch_cases[i].result);
        teardown(f, plan);
    }
}

/* ---- what is refused ---- */

#define ENDLESS                                                                                    \
    INT("zero", "0")                                                                               \
    LOOP_FEEDS WHILE("loop", "body") "library { " BELOW LOOP_BODY(                                 \
        "body", BODY_NODE("again", "While",                                                        \
                          IN("i") IN("n") IN("a") IN("b") TYPES("T", I I F F)                      \
                              FUNC("cond", "below") FUNC("body", "body"))                          \
                    BODY_NODE("more", "While",                                                     \
                              IN("i") IN("n") IN("a") IN("b") TYPES("T", I I F F)                  \
                                  FUNC("cond", "below") FUNC("body", "body"))                      \
                        RET("ra", "again:output:2") RET("rb", "more:output:3")) "}"

static const struct {
    const char *text;
    const char *message;
} refusals[] = {
    {LOOP(BODY_NODE("odd", "NoSuchOp", IN("a")) RET("ra", "odd:y:0") RET("rb", "b")), "NoSuchOp"},
    {LOOP(RET("ra", "i") RET("rb", "b")), "result 2 of function body is int32"},
    {INT("zero", "0") LOOP_FEEDS WHILE("loop", "lost") "library { " BELOW "}",
     "calls function lost, which the library does not have"},
    {INT("zero", "0") LOOP_FEEDS NODE("loop", "While",
                                      IN("zero") IN("n") IN("a") IN("b") TYPES("T", I I F F)
                                          FUNC("cond", "below")) "library { " BELOW "}",
     "Attr 'body' of node loop (op While) names no function"},
    {ENDLESS, "nested more than"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct fixture *f = setup(refusals[i].text);
        assert_null(compile(f, "n a b", "loop:2"));
        assert_contains(f->err.message, refusals[i].message);
        teardown(f, NULL);
    }
}

/* Its element count is a tensor of none: nothing must be read from it. */
static void test_list_of_no_length(void **state)
{
    (void)state;
    struct fixture *f =
        setup(PLACEHOLDER("n", "INT32") PLACEHOLDER("a", "FLOAT") INT("any", "-1")
                  NODE("at", "Const", VALUE("INT32", "tensor_shape { dim { size: 1 } } int_val: 0"))
                      NODE("list", "TensorListScatterV2",
                           IN("a") IN("at") IN("any") IN("n") TYPE("element_dtype", "FLOAT")
                               TYPE("shape_type", "INT32"))
                          NODE("length", "TensorListLength", IN("list")));
    struct plan *plan = compile(f, "n a", "length:0");
    if (!plan)
        fail_msg("%s", f->err.message);
    float x[1] = {3};
    int32_t none[1] = {7};
    struct tensor in[2] = {integer(none), floats(x, 1)}, out;
    in[0].shape = shape_vector(0);
    assert_int_equal(run(f, plan, in, &out), CODE_INVALID_ARGUMENT);
    assert_contains(f->err.message, "num_elements must be a single number");
    in[0].shape = shape_scalar();
    assert_int_equal(run(f, plan, in, &out), CODE_OK);
    assert_int_equal(*TENSOR_AT(&out, int32_t), 7);
    teardown(f, plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_memory_does_not_grow),
        cmocka_unit_test(test_swapped_variables),
        cmocka_unit_test(test_growing_shape),
        cmocka_unit_test(test_nested_loops),
        cmocka_unit_test(test_error_in_the_body),
        cmocka_unit_test(test_stopped_in_the_middle),
        cmocka_unit_test(test_condition_must_be_a_scalar),
        cmocka_unit_test(test_variable_in_the_body),
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_list_of_no_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
