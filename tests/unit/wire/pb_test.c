/* SPDX-License-Identifier: Apache-2.0 */
/* The binary codec. Bytes are written as hexadecimal text; expected bytes were checked against
 * protobuf 3.21. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <sys/mman.h>

#include <cmocka.h>

#include "base/memory.h"
#include "wire/messages.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static unsigned digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Exactly as large as the input, so that the address sanitizer sees a read behind it. */
static struct span from_hex(const char *hex)
{
    size_t n = 0;
    char *bytes = test_malloc(strlen(hex) / 2 + 1);
    for (; *hex; hex++) {
        if (*hex == ' ')
            continue;
        bytes[n++] = (char)(digit(hex[0]) << 4 | digit(hex[1]));
        hex++;
    }
    char *exact = arena_alloc(&arena, n);
    memcpy(exact, bytes, n);
    test_free(bytes);
    return span_make(exact, n);
}

static const char *to_hex(struct span bytes)
{
    char *hex = arena_alloc(&arena, bytes.len * 2 + 1);
    for (size_t i = 0; i < bytes.len; i++)
        snprintf(hex + 2 * i, 3, "%02x", (uint8_t)bytes.ptr[i]);
    hex[bytes.len * 2] = 0;
    return hex;
}

static const char *plain_hex(const char *hex)
{
    return to_hex(from_hex(hex));
}

/* Input and what comes out when it is decoded and encoded again. */
static const struct {
    const char *what;
    const struct pb_message *type;
    const char *in;
    const char *out;
} round_trips[] = {
    {"nothing", &pb_model_spec_type, "", ""},
    {"strings", &pb_model_spec_type, "0a026d31 1a0173", "0a026d31 1a0173"},
    {"order of numbers", &pb_model_spec_type, "1a0173 0a026d31", "0a026d31 1a0173"},
    {"a default is left out", &pb_model_spec_type, "0a00", ""},
    {"the last string wins", &pb_model_spec_type, "0a0161 0a0162", "0a0162"},
    {"an empty message stays", &pb_model_spec_type, "1200", "1200"},
    {"an empty string in a oneof stays", &pb_model_spec_type, "2200", "2200"},
    {"the last of a oneof wins", &pb_model_spec_type, "12020801 220161", "220161"},
    {"and the other way", &pb_model_spec_type, "220161 12020802", "12020802"},
    {"singular messages are merged", &pb_asset_file_def_type, "0a030a0161 0a021001",
     "0a050a01611001"},
    {"a oneof's message is merged", &pb_attr_value_type, "0a0212 00 0a021801", "0a0512001a0101"},
    {"a varint of ten bytes", &pb_int64_value_type, "08ffffffffffffffffff01",
     "08ffffffffffffffffff01"},
    {"an overlong varint", &pb_int64_value_type, "08818000", "0801"},
    {"an int32 is cut", &pb_int32_value_type, "088180808010", "0801"},
    {"a bool of many bits", &pb_bool_value_type, "088002", "0801"},
    {"minus zero is no default", &pb_float_value_type, "0d00000080", "0d00000080"},
    {"sint64", &pb_structured_value_type, "6003", "6003"},
    {"fixed32", &pb_bundle_entry_proto_type, "3578563412", "3578563412"},
    {"negative enum", &pb_tensor_proto_type, "08ffffffffffffffffff01", "08ffffffffffffffffff01"},
    {"packed floats", &pb_tensor_proto_type, "2a080000803f00000040", "2a080000803f00000040"},
    {"floats one by one", &pb_tensor_proto_type, "2d0000803f 2d00000040", "2a080000803f00000040"},
    {"both ways mixed", &pb_tensor_proto_type, "2a040000803f 2d00000040 2a0400004040",
     "2a0c0000803f0000004000004040"},
    {"an empty packed chunk", &pb_tensor_proto_type, "2a00", ""},
    {"packed varints", &pb_tensor_proto_type, "52040196017f", "52040196017f"},
    {"varints one by one, interleaved", &pb_tensor_proto_type, "5001 0801 5002 5003",
     "0801 5203010203"},
    {"packed bools", &pb_tensor_proto_type, "5a0300012a", "5a03000101"},
    {"unknown fields of all types", &pb_int64_value_type,
     "1001 1a020000 2100000000000000003500000000 0807", "0807"},
    {"an unknown group with a group", &pb_int64_value_type, "1b 23 0801 24 1c 0807", "0807"},
    {"a wire type that is not ours", &pb_int64_value_type, "0a0101 0807", "0807"},
    {"large field numbers", &pb_saved_model_bundle_source_adapter_config_type, "c23e03d83001",
     "c23e03d83001"},
    {"map: entry without key and value", &pb_predict_request_type, "1200", "12040a001200"},
    {"map: value first", &pb_predict_request_type, "1207120208010a0161", "12070a016112020801"},
    {"map: the last entry with a key wins, whole", &pb_predict_request_type,
     "12070a016112020801 12070a016212020801 12070a016112021801",
     "12070a016112021801 12070a016212020801"},
    {"map: message entries twice in one entry are merged", &pb_predict_request_type,
     "120b0a01611202080112021801", "12090a0161120408011801"},
    {"map of integers", &pb_function_def_type, "3a0408011200 3a0408021200 3a0408011200",
     "3a0408011200 3a0408021200"},
    {"optional zero stays", &pb_predict_request_request_options_type, "1000 1800", "1000 1800"},
    {"optional empty bytes stay", &pb_predict_request_type, "3200", "3200"},
    {"bytes need not be UTF-8", &pb_tensor_proto_type, "4202fffe", "4202fffe"},
    {"UTF-8 of four bytes", &pb_model_spec_type, "0a04f09f9880", "0a04f09f9880"},
    {"a tag of five bytes loses its upper bits", &pb_int64_value_type, "888080807007", "0807"},
};

static void test_round_trips(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof round_trips / sizeof *round_trips; i++) {
        const struct pb_message *type = round_trips[i].type;
        void *message = arena_alloc(&arena, pb_size(type));
        struct error err = {0};
        enum code code = pb_decode(type, from_hex(round_trips[i].in), &arena, message, &err);
        if (code)
            fail_msg("%s: %s", round_trips[i].what, err.message);
        const char *out = to_hex(pb_encode(type, message, &arena));
        if (strcmp(out, plain_hex(round_trips[i].out)) != 0)
            fail_msg("%s: got %s", round_trips[i].what, out);
    }
}

static const struct {
    const struct pb_message *type;
    const char *in;
    const char *error;
} refused[] = {
    {&pb_model_spec_type, "0a",
     "tensorflow.serving.ModelSpec.name at byte 1: the message ends inside a number"},
    {&pb_model_spec_type, "0a0361",
     "tensorflow.serving.ModelSpec.name at byte 1: a length reaches behind the end of the message"},
    {&pb_model_spec_type, "0affffffffffffffffff0161",
     "tensorflow.serving.ModelSpec.name at byte 1: a length reaches behind the end of the message"},
    {&pb_model_spec_type, "8a",
     "tensorflow.serving.ModelSpec at byte 0: the message ends inside a number"},
    {&pb_model_spec_type, "0001",
     "tensorflow.serving.ModelSpec at byte 0: field number 0 is not allowed"},
    {&pb_model_spec_type, "0f", "tensorflow.serving.ModelSpec.name at byte 1: unknown wire type"},
    {&pb_model_spec_type, "ff",
     "tensorflow.serving.ModelSpec at byte 0: the message ends inside a number"},
    {&pb_model_spec_type, "0c",
     "tensorflow.serving.ModelSpec.name at byte 1: a group ends that did not begin"},
    {&pb_model_spec_type, "6b 74",
     "tensorflow.serving.ModelSpec at byte 1: a group ends with another number"},
    {&pb_model_spec_type, "6b",
     "tensorflow.serving.ModelSpec at byte 1: the message ends inside a number"},
    {&pb_model_spec_type, "0a01ff",
     "tensorflow.serving.ModelSpec.name at byte 1: the string is not UTF-8"},
    {&pb_model_spec_type, "0a03eda080",
     "tensorflow.serving.ModelSpec.name at byte 1: the string is not UTF-8"},
    {&pb_model_spec_type, "0a02c080",
     "tensorflow.serving.ModelSpec.name at byte 1: the string is not UTF-8"},
    {&pb_model_spec_type, "0a04f4908080",
     "tensorflow.serving.ModelSpec.name at byte 1: the string is not UTF-8"},
    {&pb_model_spec_type, "0a02e282",
     "tensorflow.serving.ModelSpec.name at byte 1: the string is not UTF-8"},
    {&pb_model_spec_type, "120308ff",
     "tensorflow.serving.ModelSpec.version at byte 1: a length reaches behind the end of the "
     "message"},
    {&pb_model_spec_type, "120208ff",
     "google.protobuf.Int64Value.value at byte 3: the message ends inside a number"},
    {&pb_int64_value_type, "08ffffffffffffffffffff01",
     "google.protobuf.Int64Value.value at byte 1: a number is longer than ten bytes"},
    {&pb_int64_value_type, "88808080800001",
     "google.protobuf.Int64Value at byte 0: a tag is longer than five bytes"},
    {&pb_tensor_proto_type, "2a030000803f",
     "tensorflow.TensorProto.float_val at byte 1: a packed chunk ends inside an element"},
    {&pb_tensor_proto_type, "2d0000",
     "tensorflow.TensorProto.float_val at byte 1: the message ends inside a fixed-width value"},
    {&pb_tensor_proto_type, "520181",
     "tensorflow.TensorProto.int64_val at byte 2: the message ends inside a number"},
    {&pb_predict_request_type, "120512030801",
     "tensorflow.serving.PredictRequest.inputs at byte 1: a length reaches behind the end of the "
     "message"},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        void *message = arena_alloc(&arena, pb_size(refused[i].type));
        struct error err = {0};
        assert_int_equal(pb_decode(refused[i].type, from_hex(refused[i].in), &arena, message, &err),
                         CODE_INVALID_ARGUMENT);
        assert_string_equal(err.message, refused[i].error);
        assert_int_equal(pb_decode(refused[i].type, from_hex(refused[i].in), &arena, message, NULL),
                         CODE_INVALID_ARGUMENT);
    }
}

static void test_zero_copy(void **state)
{
    (void)state;
    struct span in = from_hex("2a080000803f00000040 2203616263 72020a00");
    struct pb_tensor_proto t;
    assert_int_equal(pb_decode(&pb_tensor_proto_type, in, &arena, &t, NULL), CODE_OK);
    assert_ptr_equal(t.float_val.ptr, in.ptr + 2);
    assert_int_equal(t.float_val.count, 2);
    assert_true(pb_get_float(t.float_val, 1) == 2.0f);
    assert_ptr_equal(t.tensor_content.ptr, in.ptr + 12);
    assert_int_equal(t.tensor_content.len, 3);
    assert_int_equal(t.resource_handle_val.count, 1);
}

/* `levels` TensorProto inside each other, each in a VariantTensorDataProto. */
static struct span nested(size_t levels)
{
    struct pb_tensor_proto *inner = ARENA_NEW(&arena, struct pb_tensor_proto);
    for (size_t i = 0; i < levels; i++) {
        struct pb_variant_tensor_data_proto *v =
            ARENA_NEW(&arena, struct pb_variant_tensor_data_proto);
        v->tensors.items = inner;
        v->tensors.count = 1;
        inner = ARENA_NEW(&arena, struct pb_tensor_proto);
        inner->variant_val.items = v;
        inner->variant_val.count = 1;
    }
    return pb_encode(&pb_tensor_proto_type, inner, &arena);
}

static void test_depth(void **state)
{
    (void)state;
    struct pb_tensor_proto t;
    struct error err = {0};
    assert_int_equal(pb_decode(&pb_tensor_proto_type, nested(50), &arena, &t, &err), CODE_OK);
    assert_int_equal(pb_decode(&pb_tensor_proto_type, nested(51), &arena, &t, &err),
                     CODE_INVALID_ARGUMENT);
    assert_non_null(strstr(err.message, "messages are nested too deeply"));
    char groups[20000];
    memset(groups, 0x7b, 10000);
    memset(groups + 10000, 0x7c, 10000);
    assert_int_equal(
        pb_decode(&pb_model_spec_type, span_make(groups, sizeof groups), &arena, &t, &err),
        CODE_INVALID_ARGUMENT);
    assert_non_null(strstr(err.message, "groups are nested too deeply"));
    assert_int_equal(
        pb_decode(&pb_model_spec_type, span_make(groups + 9900, 200), &arena, &t, &err), CODE_OK);
}

/* Many keys, each twice: the second value wins, the first place stays. */
static void test_large_map(void **state)
{
    (void)state;
    enum { KEYS = 5000 };
    struct pb_remote_op_remap_config_model_name_remap_entry *entries =
        ARENA_ARRAY(&arena, struct pb_remote_op_remap_config_model_name_remap_entry, 2 * KEYS);
    for (size_t i = 0; i < 2 * KEYS; i++) {
        entries[i].key = span_of(arena_printf(&arena, "key %zu", i % KEYS));
        entries[i].value = span_of(arena_printf(&arena, "%zu", i));
    }
    struct pb_remote_op_remap_config in = {0}, out;
    in.model_name_remap.items = entries;
    in.model_name_remap.count = 2 * KEYS;
    struct span bytes = pb_encode(&pb_remote_op_remap_config_type, &in, &arena);
    assert_int_equal(pb_decode(&pb_remote_op_remap_config_type, bytes, &arena, &out, NULL),
                     CODE_OK);
    assert_int_equal(out.model_name_remap.count, KEYS);
    for (size_t i = 0; i < KEYS; i++) {
        assert_true(span_equal(out.model_name_remap.items[i].key, entries[i].key));
        assert_true(span_equal(out.model_name_remap.items[i].value, entries[KEYS + i].value));
    }
}

/* Integer keys, and each byte sequence cut short at every place: nothing may crash. */
/* Of the 3 GiB that it would have, no byte is there. */
static void test_answers_that_are_too_large(void **state)
{
    (void)state;
    struct pb_tensor_proto tensor = {0};
    char *nothing =
        mmap(NULL, (size_t)3 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(nothing != MAP_FAILED);
    struct span bytes;
    struct error err;
    tensor.tensor_content = span_make(nothing, (size_t)3 << 30);
    assert_int_equal(pb_encode_large(&pb_tensor_proto_type, &tensor, &arena, &bytes, &err),
                     CODE_RESOURCE_EXHAUSTED);
    assert_string_equal(err.message, "Sent message larger than max (3221225478 vs. 2147483647)");
    memory_set_budget(memory_used() + (1 << 20));
    tensor.tensor_content.len = 2 << 20;
    assert_int_equal(pb_encode_large(&pb_tensor_proto_type, &tensor, &arena, &bytes, &err),
                     CODE_RESOURCE_EXHAUSTED);
    assert_string_equal(err.message,
                        "OOM when allocating 2097157 bytes for tensorflow.TensorProto");
    memory_set_budget(SIZE_MAX / 2);
    munmap(nothing, (size_t)3 << 30);
}

static void test_large_integer_map_and_cuts(void **state)
{
    (void)state;
    enum { KEYS = 40 };
    struct pb_function_def_arg_attr_entry entries[KEYS] = {0};
    for (uint32_t i = 0; i < KEYS; i++)
        entries[i].key = i * 1000;
    struct pb_function_def in = {0}, out;
    in.arg_attr.items = entries;
    in.arg_attr.count = KEYS;
    struct span bytes = pb_encode(&pb_function_def_type, &in, &arena);
    struct span twice = span_make(arena_alloc(&arena, 2 * bytes.len), 2 * bytes.len);
    memcpy((char *)twice.ptr, bytes.ptr, bytes.len);
    memcpy((char *)twice.ptr + bytes.len, bytes.ptr, bytes.len);
    assert_int_equal(pb_decode(&pb_function_def_type, twice, &arena, &out, NULL), CODE_OK);
    assert_int_equal(out.arg_attr.count, KEYS);
    assert_int_equal(out.arg_attr.items[KEYS - 1].key, (KEYS - 1) * 1000);
    assert_non_null(out.arg_attr.items[0].value);
    size_t good = 0;
    for (size_t n = 0; n < bytes.len; n++)
        good +=
            pb_decode(&pb_function_def_type, span_sub(bytes, 0, n), &arena, &out, NULL) == CODE_OK;
    assert_int_equal(good, KEYS); /* exactly where an entry ends */
}

static void test_lookups(void **state)
{
    (void)state;
    assert_ptr_equal(pb_find(SPAN_LITERAL("tensorflow.NodeDef")), &pb_node_def_type);
    assert_ptr_equal(pb_find(SPAN_LITERAL("google.protobuf.Any")), &pb_any_type);
    assert_null(pb_find(SPAN_LITERAL("tensorflow.NodeDe")));
    assert_null(pb_find(SPAN_LITERAL("tensorflow.NodeDef.AttrEntry")));
    assert_string_equal(pb_name(&pb_ssl_config_type), "tensorflow.serving.SSLConfig");
    assert_string_equal(pb_enum_name(&pb_data_type_enum, PB_DATA_TYPE_DT_FLOAT), "DT_FLOAT");
    assert_string_equal(pb_enum_name(&pb_model_version_status_state_enum, 50), "END");
    assert_null(pb_enum_name(&pb_data_type_enum, 99));
    int32_t number = 0;
    assert_true(pb_enum_number(&pb_code_enum, SPAN_LITERAL("UNAUTHENTICATED"), &number));
    assert_int_equal(number, CODE_UNAUTHENTICATED);
    assert_false(pb_enum_number(&pb_code_enum, SPAN_LITERAL("UNAUTHENTICATE"), &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trips, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_zero_copy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_depth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large_map, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_answers_that_are_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large_integer_map_and_cuts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lookups, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
