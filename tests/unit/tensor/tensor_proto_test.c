/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/tensor_proto.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "wire/messages.h"

#define ARRAY(type, ...) ((const type[]){__VA_ARGS__})
#define COUNT(a)         (sizeof(a) / sizeof *(a))
#define LIST(type, ...)                                                                            \
    {                                                                                              \
        ARRAY(type, __VA_ARGS__), sizeof ARRAY(type, __VA_ARGS__) / sizeof(type)                   \
    }
#define BYTES(...)                                                                                 \
    {                                                                                              \
        (const char *)ARRAY(unsigned char, __VA_ARGS__), sizeof ARRAY(unsigned char, __VA_ARGS__)  \
    }

static struct pb_tensor_shape_proto_dim dims_2[] = {{.size = 2}};
static struct pb_tensor_shape_proto_dim dims_3[] = {{.size = 3}};
static struct pb_tensor_shape_proto_dim dims_0[] = {{.size = 0}};
static struct pb_tensor_shape_proto_dim dims_open[] = {{.size = -1}};
static struct pb_tensor_shape_proto_dim dims_negative[] = {{.size = -2}};
static struct pb_tensor_shape_proto_dim dims_huge[] = {{.size = 1LL << 40}};
static struct pb_tensor_shape_proto_dim dims_overflow[] = {{.size = 1LL << 40},
                                                           {.size = 1LL << 40}};
static struct pb_tensor_shape_proto_dim dims_many[SHAPE_RANK_MAX + 1];
static struct pb_tensor_shape_proto shape_2 = {.dim = {dims_2, 1}};
static struct pb_tensor_shape_proto shape_3 = {.dim = {dims_3, 1}};
static struct pb_tensor_shape_proto shape_0 = {.dim = {dims_0, 1}};
static struct pb_tensor_shape_proto shape_open = {.dim = {dims_open, 1}};
static struct pb_tensor_shape_proto shape_negative = {.dim = {dims_negative, 1}};
static struct pb_tensor_shape_proto shape_huge = {.dim = {dims_huge, 1}};
static struct pb_tensor_shape_proto shape_overflow = {.dim = {dims_overflow, 2}};
static struct pb_tensor_shape_proto shape_many = {.dim = {dims_many, COUNT(dims_many)}};
static struct pb_tensor_shape_proto shape_unknown_rank = {.unknown_rank = true};
static struct pb_tensor_shape_proto shape_2_unknown = {.dim = {dims_2, 1}, .unknown_rank = true};

struct numbers_case {
    const char *name;
    struct pb_tensor_proto proto;
    size_t bytes; /* of `want` */
    const void *want;
};

#define WANT(type, ...) sizeof ARRAY(type, __VA_ARGS__), ARRAY(type, __VA_ARGS__)

static void test_reads_numbers(void **state)
{
    (void)state;
    struct pb_tensor_shape_proto *s3 = &shape_3, *s2 = &shape_2;
    const struct numbers_case cases[] = {
        {"full",
         {.dtype = 1, .tensor_shape = s3, .float_val = LIST(float, 1, 2, 3)},
         WANT(float, 1, 2, 3)},
        {"short",
         {.dtype = 1, .tensor_shape = s3, .float_val = LIST(float, 1, 2)},
         WANT(float, 1, 2, 2)},
        {"splat",
         {.dtype = 2, .tensor_shape = s3, .double_val = LIST(double, 7)},
         WANT(double, 7, 7, 7)},
        {"empty", {.dtype = 3, .tensor_shape = s3}, WANT(int32_t, 0, 0, 0)},
        {"surplus",
         {.dtype = 9, .tensor_shape = s2, .int64_val = LIST(int64_t, 1, -2, 3)},
         WANT(int64_t, 1, -2)},
        {"scalar", {.dtype = 1, .float_val = LIST(float, 5)}, WANT(float, 5)},
        {"unknown rank",
         {.dtype = 1, .tensor_shape = &shape_unknown_rank, .float_val = LIST(float, 5)},
         WANT(float, 5)},
        {"unknown rank, and dimensions",
         {.dtype = 1, .tensor_shape = &shape_2_unknown, .float_val = LIST(float, 5)},
         WANT(float, 5, 5)},
        {"uint8",
         {.dtype = 4, .tensor_shape = s3, .int_val = LIST(int32_t, 1, 255, 256)},
         WANT(uint8_t, 1, 255, 0)},
        {"int8",
         {.dtype = 6, .tensor_shape = s3, .int_val = LIST(int32_t, -1, 127)},
         WANT(int8_t, -1, 127, 127)},
        {"int16",
         {.dtype = 5, .tensor_shape = s2, .int_val = LIST(int32_t, -1, 300)},
         WANT(int16_t, -1, 300)},
        {"uint16",
         {.dtype = 17, .tensor_shape = s2, .int_val = LIST(int32_t, 65535, 1)},
         WANT(uint16_t, 65535, 1)},
        {"qint8",
         {.dtype = 11, .tensor_shape = s2, .int_val = LIST(int32_t, -7, 7)},
         WANT(int8_t, -7, 7)},
        {"quint8",
         {.dtype = 12, .tensor_shape = s2, .int_val = LIST(int32_t, 200, 7)},
         WANT(uint8_t, 200, 7)},
        {"qint32",
         {.dtype = 13, .tensor_shape = s2, .int_val = LIST(int32_t, 200, -7)},
         WANT(int32_t, 200, -7)},
        {"qint16",
         {.dtype = 15, .tensor_shape = s2, .int_val = LIST(int32_t, 200, -7)},
         WANT(int16_t, 200, -7)},
        {"quint16",
         {.dtype = 16, .tensor_shape = s2, .int_val = LIST(int32_t, 60000, 7)},
         WANT(uint16_t, 60000, 7)},
        {"half",
         {.dtype = 19, .tensor_shape = s2, .half_val = LIST(int32_t, 0x3c00, 0xc000)},
         WANT(uint16_t, 0x3c00, 0xc000)},
        {"bfloat16",
         {.dtype = 14, .tensor_shape = s2, .half_val = LIST(int32_t, 0x3f80)},
         WANT(uint16_t, 0x3f80, 0x3f80)},
        {"bool",
         {.dtype = 10, .tensor_shape = s3, .bool_val = LIST(uint8_t, 1, 0)},
         WANT(uint8_t, 1, 0, 0)},
        {"complex64",
         {.dtype = 8, .tensor_shape = s3, .scomplex_val = LIST(float, 1, 2, 3, 4, 5)},
         WANT(float, 1, 2, 3, 4, 3, 4)},
        {"complex128",
         {.dtype = 18, .tensor_shape = s2, .dcomplex_val = LIST(double, 1, 2)},
         WANT(double, 1, 2, 1, 2)},
        {"uint32",
         {.dtype = 22, .tensor_shape = s2, .uint32_val = LIST(uint32_t, UINT32_MAX)},
         WANT(uint32_t, UINT32_MAX, UINT32_MAX)},
        {"uint64",
         {.dtype = 23, .tensor_shape = s2, .uint64_val = LIST(uint64_t, UINT64_MAX, 1)},
         WANT(uint64_t, UINT64_MAX, 1)},
        {"float8",
         {.dtype = 24, .tensor_shape = s3, .float8_val = BYTES(9, 8)},
         WANT(uint8_t, 9, 8, 8)},
        {"content",
         {.dtype = 3, .tensor_shape = s2, .tensor_content = BYTES(1, 0, 0, 0, 0, 1, 0, 0)},
         WANT(int32_t, 1, 256)},
        {"content wins",
         {.dtype = 4,
          .tensor_shape = s2,
          .tensor_content = BYTES(8, 9),
          .int_val = LIST(int32_t, 1)},
         WANT(uint8_t, 8, 9)},
        {"bools are 0 or 1",
         {.dtype = 10, .tensor_shape = s3, .tensor_content = BYTES(0, 2, 255)},
         WANT(uint8_t, 0, 1, 1)},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena arena;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        struct error err = {0};
        struct tensor t;
        if (tensor_from_proto(&cases[i].proto, &arena, &t, &err))
            fail_msg("%s: %s", cases[i].name, err.message);
        assert_int_equal(tensor_bytes(&t), cases[i].bytes);
        assert_memory_equal(t.data, cases[i].want, cases[i].bytes);
        arena_release(&arena);
    }
}

static void test_reads_in_place_only_what_is_aligned(void **state)
{
    (void)state;
    _Alignas(8) char bytes[32] = {0};
    struct pb_tensor_proto aligned = {
        .dtype = 1, .tensor_shape = &shape_3, .float_val = {bytes + 4, 3}};
    struct pb_tensor_proto crooked = {
        .dtype = 1, .tensor_shape = &shape_3, .float_val = {bytes + 5, 3}};
    struct pb_tensor_proto content = {
        .dtype = 9, .tensor_shape = &shape_3, .tensor_content = {bytes + 8, 24}};
    struct pb_tensor_proto crooked_content = {
        .dtype = 9, .tensor_shape = &shape_3, .tensor_content = {bytes + 4, 24}};
    const struct {
        struct pb_tensor_proto *proto;
        const void *in_place;
    } cases[] = {
        {&aligned, bytes + 4}, {&crooked, NULL}, {&content, bytes + 8}, {&crooked_content, NULL}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena arena;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        struct tensor t;
        assert_int_equal(tensor_from_proto(cases[i].proto, &arena, &t, NULL), CODE_OK);
        if (cases[i].in_place)
            assert_ptr_equal(t.data, cases[i].in_place);
        else
            assert_int_equal((uintptr_t)t.data % TENSOR_ALIGN, 0);
        arena_release(&arena);
    }
}

static void test_reads_strings(void **state)
{
    (void)state;
    struct span two[] = {SPAN_LITERAL("ab"), SPAN_LITERAL("")}, one[] = {SPAN_LITERAL("x")};
    const struct {
        struct pb_tensor_proto proto;
        const char *want[3];
    } cases[] = {
        {{.dtype = 7, .tensor_shape = &shape_2, .string_val = {two, 2}}, {"ab", ""}},
        {{.dtype = 7, .tensor_shape = &shape_3, .string_val = {one, 1}}, {"x", "x", "x"}},
        {{.dtype = 7, .tensor_shape = &shape_3}, {"", "", ""}},
        {{.dtype = 7, .tensor_shape = &shape_0}, {NULL}},
        {{.dtype = 7, .tensor_shape = &shape_3, .tensor_content = SPAN_LITERAL("\2\0\1abc")},
         {"ab", "", "c"}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena arena;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        struct tensor t;
        assert_int_equal(tensor_from_proto(&cases[i].proto, &arena, &t, NULL), CODE_OK);
        for (int64_t k = 0; k < tensor_elements(&t); k++)
            assert_true(span_is(TENSOR_AT(&t, struct span)[k], cases[i].want[k]));
        arena_release(&arena);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    const struct {
        struct pb_tensor_proto proto;
        enum code code;
        const char *message;
    } cases[] = {
        {{.dtype = 0}, CODE_INVALID_ARGUMENT, "A tensor can not be read as type INVALID (0)"},
        {{.dtype = 101}, CODE_INVALID_ARGUMENT, "A tensor can not be read as type INVALID (101)"},
        {{.dtype = -3}, CODE_INVALID_ARGUMENT, "A tensor can not be read as type INVALID (-3)"},
        {{.dtype = 20}, CODE_INVALID_ARGUMENT, "A tensor can not be read as type resource (20)"},
        {{.dtype = 21}, CODE_INVALID_ARGUMENT, "A tensor can not be read as type variant (21)"},
        {{.dtype = 1, .tensor_shape = &shape_open},
         CODE_INVALID_ARGUMENT,
         "Tensor has the unknown shape [?]"},
        {{.dtype = 1, .tensor_shape = &shape_negative},
         CODE_INVALID_ARGUMENT,
         "Shape has dimension 0 of size -2; at least -1 (unknown) was expected"},
        {{.dtype = 1, .tensor_shape = &shape_many},
         CODE_INVALID_ARGUMENT,
         "Shape has rank 13; at most 12 is supported"},
        {{.dtype = 1, .tensor_shape = &shape_overflow},
         CODE_INVALID_ARGUMENT,
         "Shape [1099511627776,1099511627776] has more than 2^63 - 1 elements"},
        {{.dtype = 1, .tensor_shape = &shape_huge, .float_val = LIST(float, 1)},
         CODE_RESOURCE_EXHAUSTED,
         "Tensor of shape [1099511627776] and type float is given by 1 values; at most 1073741824 "
         "bytes are filled up"},
        {{.dtype = 7, .tensor_shape = &shape_huge},
         CODE_RESOURCE_EXHAUSTED,
         "Tensor of shape [1099511627776] and type string is given by 0 values; at most 1073741824 "
         "bytes are filled up"},
        {{.dtype = 1, .tensor_shape = &shape_2, .tensor_content = BYTES(1, 2, 3, 4)},
         CODE_INVALID_ARGUMENT,
         "tensor_content has 4 bytes; shape [2] and type float need 2 times 4"},
        {{.dtype = 7, .tensor_shape = &shape_2, .tensor_content = SPAN_LITERAL("\1")},
         CODE_INVALID_ARGUMENT,
         "tensor_content has 1 bytes, too few for 2 strings"},
        {{.dtype = 7, .tensor_shape = &shape_2, .tensor_content = SPAN_LITERAL("\1\200")},
         CODE_INVALID_ARGUMENT,
         "tensor_content: bad length of string 1 of 2"},
        {{.dtype = 7, .tensor_shape = &shape_2, .tensor_content = SPAN_LITERAL("\1\2ab")},
         CODE_INVALID_ARGUMENT,
         "tensor_content: string 1 of 2 bytes, but 1 are left"},
        {{.dtype = 7, .tensor_shape = &shape_2, .tensor_content = SPAN_LITERAL("\1\1abc")},
         CODE_INVALID_ARGUMENT,
         "tensor_content: 1 bytes behind the last of 2 strings"},
        {{.dtype = 7,
          .tensor_shape = &shape_2,
          .tensor_content = SPAN_LITERAL("\377\377\377\377\177\1")},
         CODE_INVALID_ARGUMENT,
         "tensor_content: bad length of string 0 of 2"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena arena;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        struct error err = {0};
        struct tensor t;
        assert_int_equal(tensor_from_proto(&cases[i].proto, &arena, &t, &err), cases[i].code);
        assert_string_equal(err.message, cases[i].message);
        arena_release(&arena);
    }
}

static void test_what_is_larger(void **state)
{
    (void)state;
    static const struct {
        struct pb_tensor_proto proto;
        size_t bytes;
        bool larger;
    } cases[] = {
        {{.dtype = 1, .tensor_shape = &shape_2}, 8, false},
        {{.dtype = 1, .tensor_shape = &shape_2}, 7, true},
        {{.dtype = 7, .tensor_shape = &shape_2}, 2 * sizeof(struct span) - 1, true},
        {{.dtype = 1}, 4, false},
        {{.dtype = 1, .tensor_shape = &shape_huge}, SIZE_MAX, false},
        {{.dtype = 1, .tensor_shape = &shape_huge}, 1 << 30, true},
        {{.dtype = 1, .tensor_shape = &shape_overflow}, 0, false}, /* refused */
        {{.dtype = 20, .tensor_shape = &shape_huge}, 0, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(tensor_proto_is_larger(&cases[i].proto, cases[i].bytes), cases[i].larger);
}

/* Every dtype that has a list: written either way it reads back the same. */
static void test_round_trip(void **state)
{
    (void)state;
    static const unsigned char noise[48] = {1, 2,  0x83, 4,  0xf5, 6,   7,   0x88,
                                            9, 10, 0xfb, 12, 200,  201, 202, 203};
    for (int number = 0; number < DTYPE_COUNT; number++) {
        if (!dtype_is_plain((enum dtype)number))
            continue;
        unsigned char bytes[48];
        memcpy(bytes, noise, sizeof bytes);
        for (size_t i = 0; number == DTYPE_BOOL && i < sizeof bytes; i++)
            bytes[i] &= 1;
        struct arena arena;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        struct tensor from = {.dtype = (enum dtype)number, .shape = shape_vector(3), .data = bytes};
        struct pb_tensor_proto proto;
        struct tensor to;
        tensor_to_proto(&from, &arena, &proto);
        assert_int_equal(proto.tensor_content.len, 0);
        assert_int_equal(tensor_from_proto(&proto, &arena, &to, NULL), CODE_OK);
        assert_true(tensor_equal(&from, &to));
        tensor_to_proto_content(&from, &arena, &proto);
        assert_int_equal(proto.tensor_content.len, tensor_bytes(&from));
        assert_int_equal(tensor_from_proto(&proto, &arena, &to, NULL), CODE_OK);
        assert_true(tensor_equal(&from, &to));
        arena_release(&arena);
    }
}

static void test_round_trip_of_strings(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct span strings[] = {span_make(arena_calloc(&arena, 300, 1), 300), SPAN_LITERAL(""),
                             SPAN_LITERAL("\0z")};
    struct tensor from = {.dtype = DTYPE_STRING, .shape = shape_vector(3), .data = strings};
    struct pb_tensor_proto proto;
    struct tensor to;
    tensor_to_proto(&from, &arena, &proto);
    assert_int_equal(proto.string_val.count, 3);
    assert_int_equal(tensor_from_proto(&proto, &arena, &to, NULL), CODE_OK);
    assert_true(tensor_equal(&from, &to));
    tensor_to_proto_content(&from, &arena, &proto);
    assert_int_equal(proto.tensor_content.len, 2 + 1 + 1 + 302);
    assert_int_equal(tensor_from_proto(&proto, &arena, &to, NULL), CODE_OK);
    assert_true(tensor_equal(&from, &to));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_numbers),
        cmocka_unit_test(test_reads_in_place_only_what_is_aligned),
        cmocka_unit_test(test_reads_strings),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_what_is_larger),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_round_trip_of_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
