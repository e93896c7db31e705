/* SPDX-License-Identifier: Apache-2.0 */
/* Every op's record: found by name, sorted, with a definition that parses and what its flags
 * promise. */
#include "engine/op.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/op_def.h"

static void test_table_is_sorted(void **state)
{
    (void)state;
    for (size_t i = 1; i < op_table_size; i++)
        assert_true(span_compare(span_of(op_table[i - 1]->name), span_of(op_table[i]->name)) < 0);
}

static void test_every_op_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < op_table_size; i++)
        assert_ptr_equal(op_find(span_of(op_table[i]->name)), op_table[i]);
    assert_null(op_find(SPAN_LITERAL("NoSuchOp")));
    assert_null(op_find(SPAN_LITERAL("")));
}

static void test_every_definition_parses(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    for (size_t i = 0; i < op_table_size; i++) {
        const struct op *op = op_table[i];
        struct op_def *def = NULL;
        assert_int_equal(op_def_parse(op, &arena, &def, NULL), CODE_OK);
        assert_ptr_equal(def->op, op);
        /* What a step needs: a kernel, or to be none. */
        if (!op->run)
            assert_true(op->flags & (OP_STRUCTURAL | OP_ALIAS));
        /* The attribute that says the kernel's dtype is in the definition. */
        bool has_types_attr = !op->types;
        for (int k = 0; k < def->attr_count; k++)
            has_types_attr |= span_is(def->attrs[k].name, op->types_attr ? op->types_attr : "T");
        assert_true(has_types_attr);
    }
    arena_release(&arena);
}

static void test_defaults(void **state)
{
    (void)state;
    static const struct op op = {
        .name = "Test",
        .inputs = "a:float b:N*T c:Ts d:&T",
        .outputs = "",
        .attrs = "N:int=3 T:type=half Ts:list(type)=[] f:float=-0.5 s:string='NHWC' "
                 "l:list(int)=[1,-2] b:bool=true shape:shape=? scalar:shape={}",
    };
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct op_def *def = NULL;
    assert_int_equal(op_def_parse(&op, &arena, &def, NULL), CODE_OK);
    struct node node = {.def = def};
    assert_int_equal(def->input_count, 4);
    assert_int_equal(def->inputs[0].type, DTYPE_FLOAT);
    assert_true(span_is(def->inputs[1].number_attr, "N"));
    assert_true(def->inputs[2].is_type_list);
    assert_true(def->inputs[3].is_ref);
    int count;
    assert_int_equal(op_def_arg_count(def, &node, &def->inputs[1], &count, NULL), CODE_OK);
    assert_int_equal(count, 3);
    assert_int_equal(op_def_arg_type(def, &node, &def->inputs[1], 0), DTYPE_HALF);
    struct op_call call = {.node = &node, .arena = &arena};
    const int64_t *ints;
    assert_int_equal(op_attr_ints(&call, "l", &ints), 2);
    assert_int_equal(ints[1], -2);
    assert_true(op_attr_float(&call, "f") == -0.5f);
    assert_true(span_is(op_attr_string(&call, "s"), "NHWC"));
    assert_true(op_attr_bool(&call, "b"));
    assert_int_equal(op_attr_shape(&call, "shape").rank, SHAPE_UNKNOWN_RANK);
    assert_int_equal(op_attr_shape(&call, "scalar").rank, 0);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_sorted),
        cmocka_unit_test(test_every_op_is_found),
        cmocka_unit_test(test_every_definition_parses),
        cmocka_unit_test(test_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
