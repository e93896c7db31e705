/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the checkpoints of tests/golden/bundle/, which TensorFlow wrote
 * (tests/golden/make_bundle.py), and damaged copies. */
#include "savedmodel/bundle.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define GOLDEN "tests/golden/bundle/"

static struct bundle *open_golden(const char *prefix)
{
    struct bundle *bundle;
    struct error err = {0};
    if (bundle_open(prefix, &bundle, &err))
        fail_msg("%s", err.message);
    return bundle;
}

/* Every type holds 1, 2, 3; `numbers` and its twin with the compressed index alike. */
static void test_reads_every_type(void **state)
{
    (void)state;
    static const char *const prefixes[] = {GOLDEN "numbers", GOLDEN "snappy"};
    for (size_t p = 0; p < 2; p++) {
        struct bundle *bundle = open_golden(prefixes[p]);
        assert_int_equal(bundle_count(bundle), 20);
        size_t of_numbers = 0;
        for (size_t i = 0; i < bundle_count(bundle); i++) {
            const struct bundle_entry *entry = bundle_entry(bundle, i);
            assert_ptr_equal(bundle_find(bundle, entry->name), entry);
            struct tensor t;
            assert_int_equal(bundle_read(bundle, entry->name, &t, NULL), CODE_OK);
            assert_int_equal(t.dtype, entry->dtype);
            assert_true(shape_equal(&t.shape, &entry->shape));
            if (dtype_is_integer(t.dtype) && t.shape.dims[0] == 3) {
                for (int64_t k = 0; k < 3; k++)
                    assert_int_equal(tensor_int(&t, k), k + 1);
                of_numbers++;
            }
            buffer_unref(t.buffer);
        }
        assert_int_equal(of_numbers, 8);
        bundle_unref(bundle);
    }
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *bytes;
        size_t size;
        struct shape shape;
    } cases[] = {
        {"scalar", "\0\0\360\100", 4, {0, {0}}},
        {"empty", "", 0, {2, {0, 3}}},
        {"odd", "\1", 1, {1, {1}}},
        {"layer/bool", "\1\1\1", 3, {1, {3}}},
        {"layer/float16", "\x00\x3c\x00\x40\x00\x42", 6, {1, {3}}},
        {"layer/bfloat16", "\x80\x3f\x00\x40\x40\x40", 6, {1, {3}}},
        {"layer/complex64",
         "\0\0\x80\x3f\0\0\0\0\0\0\0\x40\0\0\0\0\0\0\x40\x40\0\0\0\0",
         24,
         {1, {3}}},
    };
    struct bundle *bundle = open_golden(GOLDEN "numbers");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tensor t;
        assert_int_equal(bundle_read(bundle, span_of(cases[i].name), &t, NULL), CODE_OK);
        assert_true(shape_equal(&t.shape, &cases[i].shape));
        assert_int_equal(tensor_bytes(&t), cases[i].size);
        assert_memory_equal(t.data, cases[i].bytes, cases[i].size);
        buffer_unref(t.buffer);
    }
    struct tensor t;
    struct error err;
    assert_int_equal(bundle_read(bundle, SPAN_LITERAL("layer"), &t, &err), CODE_NOT_FOUND);
    assert_string_equal(err.message, "Key layer not found in checkpoint");
    bundle_unref(bundle);
}

static void test_strings(void **state)
{
    (void)state;
    struct bundle *bundle = open_golden(GOLDEN "numbers");
    struct tensor t;
    assert_int_equal(bundle_read(bundle, SPAN_LITERAL("layer/strings"), &t, NULL), CODE_OK);
    bundle_unref(bundle);
    const struct span *s = t.data;
    assert_int_equal(tensor_elements(&t), 4);
    assert_true(span_is(s[0], "first"));
    assert_int_equal(s[1].len, 0);
    assert_int_equal(s[2].len, 200);
    assert_true(span_equal(s[3], SPAN_LITERAL("\xff\0z")));
    buffer_unref(t.buffer);
}

/* What is aligned lies in the mapping, which outlives the bundle and may not be written. */
static void test_uses_the_mapping(void **state)
{
    (void)state;
    struct bundle *bundle = open_golden(GOLDEN "slices");
    for (size_t i = 0; i < bundle_count(bundle); i++) {
        const struct bundle_entry *entry = bundle_entry(bundle, i);
        int64_t elements;
        assert_true(shape_elements_checked(&entry->shape, &elements));
        if (entry->sliced && dtype_is_plain(entry->dtype))
            assert_int_equal(entry->size, elements * (int64_t)dtype_size(entry->dtype));
    }
    assert_ptr_equal(bundle_ref(bundle), bundle);
    bundle_unref(bundle);
    struct tensor t;
    assert_int_equal(
        bundle_read_slice(bundle, SPAN_LITERAL("part"), SPAN_LITERAL("6 4 0,2:-"), &t, NULL),
        CODE_OK);
    bundle_unref(bundle);
    assert_true(t.buffer->read_only);
    assert_true(buffer_is_shared(t.buffer));
    assert_true(TENSOR_AT(&t, float)[7] == 7.0f);
    buffer_unref(t.buffer);
}

static void test_two_shards(void **state)
{
    (void)state;
    struct bundle *bundle = open_golden(GOLDEN "shards");
    assert_int_equal(bundle_count(bundle), 4);
    for (int i = 0; i < 2; i++) {
        char name[16], word[8];
        struct tensor t;
        snprintf(name, sizeof name, "from/%d", i);
        assert_int_equal(bundle_read(bundle, span_of(name), &t, NULL), CODE_OK);
        for (int k = 0; k < 4; k++)
            assert_true(TENSOR_AT(&t, float)[k] == (float)(i + 1));
        buffer_unref(t.buffer);
        snprintf(name, sizeof name, "strings/%d", i);
        snprintf(word, sizeof word, "s%d", i);
        assert_int_equal(bundle_read(bundle, span_of(name), &t, NULL), CODE_OK);
        assert_true(span_is(TENSOR_AT(&t, struct span)[0], word));
        buffer_unref(t.buffer);
    }
    bundle_unref(bundle);
}

/* part[i][j] is 4 * i + j. */
static void test_slices(void **state)
{
    (void)state;
    static const struct {
        const char *slice;
        int64_t rows, columns, first_row, first_column;
    } cases[] = {
        {"", 6, 4, 0, 0},
        {"6 4 -:-", 6, 4, 0, 0},
        {"6 4 0,2:-", 2, 4, 0, 0},
        {"6 4 2,4:1,3", 4, 3, 2, 1},
        {"6 4 1,3:0,3", 3, 3, 1, 0},
        {"6 4 5,1:3,1", 1, 1, 5, 3},
        {"6 4 -:1,2", 6, 2, 0, 1},
    };
    struct bundle *bundle = open_golden(GOLDEN "slices");
    assert_int_equal(bundle_count(bundle), 2);
    assert_true(bundle_find(bundle, SPAN_LITERAL("part"))->sliced);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tensor t;
        assert_int_equal(
            bundle_read_slice(bundle, SPAN_LITERAL("part"), span_of(cases[i].slice), &t, NULL),
            CODE_OK);
        struct shape want = shape_matrix(cases[i].rows, cases[i].columns);
        assert_true(shape_equal(&t.shape, &want));
        for (int64_t r = 0; r < cases[i].rows; r++)
            for (int64_t c = 0; c < cases[i].columns; c++)
                assert_true(TENSOR_AT(&t, float)[r * cases[i].columns + c] ==
                            (float)(4 * (r + cases[i].first_row) + c + cases[i].first_column));
        buffer_unref(t.buffer);
    }
    bundle_unref(bundle);
}

static void test_slices_of_strings_and_of_whole_tensors(void **state)
{
    (void)state;
    struct bundle *bundle = open_golden(GOLDEN "slices");
    struct tensor t;
    assert_int_equal(
        bundle_read_slice(bundle, SPAN_LITERAL("words"), SPAN_LITERAL("5 1,4"), &t, NULL), CODE_OK);
    static const char *const words[] = {"bb", "ccc", "", "e"};
    for (int i = 0; i < 4; i++)
        assert_true(span_is(TENSOR_AT(&t, struct span)[i], words[i]));
    buffer_unref(t.buffer);
    bundle_unref(bundle);

    bundle = open_golden(GOLDEN "numbers");
    assert_int_equal(
        bundle_read_slice(bundle, SPAN_LITERAL("matrix"), SPAN_LITERAL("2 3 1,1:1,2"), &t, NULL),
        CODE_OK);
    assert_true(TENSOR_AT(&t, float)[0] == 4.0f && TENSOR_AT(&t, float)[1] == 5.0f);
    buffer_unref(t.buffer);
    bundle_unref(bundle);
}

static void test_refuses_bad_slices(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "6",
        "6 4",
        "6 4 -",
        "6 4 -:-:-",
        "6 4 0,7:-",
        "6 4 6,1:-",
        "6 4 0,0:-",
        "6 4 -1,2:-",
        "6 x -:-",
        " -",
        "6 4 9223372036854775807,9223372036854775807:-",
        "6 5 -:-",
        "-1 4 -:-",
        "1 1 1 1 1 1 1 1 1 1 1 1 1 -",
    };
    struct bundle *bundle = open_golden(GOLDEN "slices");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct tensor t;
        assert_int_equal(bundle_read_slice(bundle, SPAN_LITERAL("part"), span_of(bad[i]), &t, NULL),
                         CODE_INVALID_ARGUMENT);
    }
    struct tensor t;
    struct error err;
    bundle_read_slice(bundle, SPAN_LITERAL("part"), SPAN_LITERAL("6 5 -:-"), &t, &err);
    assert_string_equal(err.message,
                        "tensor_name = part; shape in shape_and_slice spec [6,5] does not match "
                        "the shape stored in checkpoint: [6,4]");
    bundle_unref(bundle);
}

static void *read_everything(void *arg)
{
    struct bundle *bundle = arg;
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < bundle_count(bundle); i++) {
            struct tensor t;
            if (bundle_read(bundle, bundle_entry(bundle, i)->name, &t, NULL))
                return NULL;
            buffer_unref(t.buffer);
        }
    }
    bundle_unref(bundle);
    return bundle;
}

/* Each thread gives its own reference back; the main one is gone before they end, or after. */
static void test_many_threads_read(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    static const char *const prefixes[] = {GOLDEN "numbers", GOLDEN "slices"};
    for (size_t p = 0; p < 2; p++) {
        struct bundle *bundle = open_golden(prefixes[p]);
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, read_everything, bundle_ref(bundle)),
                             0);
        bundle_unref(bundle);
        for (int i = 0; i < THREADS; i++) {
            void *done;
            assert_int_equal(pthread_join(threads[i], &done), 0);
            assert_non_null(done);
        }
    }
}

/* ---- damage ---- */

struct file {
    char *bytes;
    size_t size;
};

static struct file read_file(const char *path)
{
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    struct file file = {.bytes = malloc(1 << 16)};
    file.size = fread(file.bytes, 1, 1 << 16, in);
    fclose(in);
    return file;
}

static void write_file(const char *path, struct file file)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(file.bytes, 1, file.size, out), file.size);
    fclose(out);
}

struct copy {
    char dir[256];
    char prefix[300];
    char index[320];
    char data[340];
};

static void make_copy(struct copy *copy)
{
    const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir;
    snprintf(copy->dir, sizeof copy->dir, "%s/bundle_test.XXXXXX", tmp);
    assert_non_null(mkdtemp(copy->dir));
    snprintf(copy->prefix, sizeof copy->prefix, "%s/b", copy->dir);
    snprintf(copy->index, sizeof copy->index, "%s.index", copy->prefix);
    snprintf(copy->data, sizeof copy->data, "%s.data-00000-of-00001", copy->prefix);
}

static void remove_copy(const struct copy *copy)
{
    unlink(copy->index);
    unlink(copy->data);
    rmdir(copy->dir);
}

/* Flips every byte of the index, and cuts it everywhere: an error each time, and nothing worse. */
static void test_damaged_index(void **state)
{
    (void)state;
    struct copy copy;
    make_copy(&copy);
    struct file whole = read_file(GOLDEN "snappy.index");
    struct bundle *bundle;
    struct error err;
    size_t refused = 0;
    for (size_t i = 0; i < whole.size; i++) {
        whole.bytes[i] ^= 0x55;
        write_file(copy.index, whole);
        whole.bytes[i] ^= 0x55;
        if (bundle_open(copy.prefix, &bundle, &err)) {
            assert_int_equal(err.code, CODE_DATA_LOSS);
            assert_non_null(strstr(err.message, copy.index));
            refused++;
        } else {
            bundle_unref(bundle);
        }
    }
    /* Only the empty meta index and the footer's padding can be damaged unnoticed. */
    assert_true(refused + 60 > whole.size);
    for (size_t size = 0; size < whole.size; size++) {
        write_file(copy.index, (struct file){whole.bytes, size});
        assert_int_equal(bundle_open(copy.prefix, &bundle, &err), CODE_DATA_LOSS);
    }
    free(whole.bytes);
    remove_copy(&copy);
}

static void test_missing_and_damaged_data(void **state)
{
    (void)state;
    struct copy copy;
    make_copy(&copy);
    struct bundle *bundle;
    struct error err;
    struct tensor t;
    assert_int_equal(bundle_open(copy.prefix, &bundle, &err), CODE_NOT_FOUND);
    assert_non_null(strstr(err.message, copy.index));

    struct file index = read_file(GOLDEN "numbers.index");
    struct file data = read_file(GOLDEN "numbers.data-00000-of-00001");
    write_file(copy.index, index);
    assert_int_equal(bundle_open(copy.prefix, &bundle, &err), CODE_OK);
    assert_int_equal(bundle_read(bundle, SPAN_LITERAL("matrix"), &t, &err), CODE_NOT_FOUND);
    assert_non_null(strstr(err.message, copy.data));
    bundle_unref(bundle);

    for (size_t i = 0; i < data.size; i++)
        data.bytes[i] ^= 1;
    write_file(copy.data, data);
    assert_int_equal(bundle_open(copy.prefix, &bundle, &err), CODE_OK);
    for (size_t i = 0; i < bundle_count(bundle); i++) {
        const struct bundle_entry *entry = bundle_entry(bundle, i);
        enum code want = entry->size ? CODE_DATA_LOSS : CODE_OK;
        assert_int_equal(bundle_read(bundle, entry->name, &t, &err), want);
        if (!want)
            buffer_unref(t.buffer);
    }
    assert_int_equal(bundle_read(bundle, SPAN_LITERAL("matrix"), &t, &err), CODE_DATA_LOSS);
    assert_non_null(strstr(err.message, "key matrix: Checksum does not match: stored "));
    bundle_unref(bundle);

    write_file(copy.data, (struct file){data.bytes, 1});
    assert_int_equal(bundle_open(copy.prefix, &bundle, &err), CODE_OK);
    assert_int_equal(bundle_read(bundle, SPAN_LITERAL("matrix"), &t, &err), CODE_OUT_OF_RANGE);
    assert_non_null(strstr(err.message, "but the file ends at 1"));
    bundle_unref(bundle);
    free(index.bytes);
    free(data.bytes);
    remove_copy(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_every_type),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_uses_the_mapping),
        cmocka_unit_test(test_two_shards),
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_slices_of_strings_and_of_whole_tensors),
        cmocka_unit_test(test_refuses_bad_slices),
        cmocka_unit_test(test_many_threads_read),
        cmocka_unit_test(test_damaged_index),
        cmocka_unit_test(test_missing_and_damaged_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
