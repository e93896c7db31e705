/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a Yggdrasil model, each as two bytes of length and its contents, in the order of
 * `files`; the last takes the rest. A model that can be read is asked about examples with all
 * values present, missing, and out of range.
 */
#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "ops/forest/forest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const files[] = {"header.pb",
                                    "data_spec.pb",
                                    "random_forest_header.pb",
                                    "gradient_boosted_trees_header.pb",
                                    "nodes-00000-of-00001",
                                    "nodes-00000-of-00002",
                                    "nodes-00001-of-00002"};

enum { FILES = sizeof files / sizeof *files, SET_ELEMENTS = 3 };

struct input {
    struct forest_source source; /* first */
    struct span files[FILES];
};

static enum code read_input(const struct forest_source *source, const char *name,
                            struct arena *arena, struct span *bytes, struct error *err)
{
    const struct input *input = (const struct input *)source;
    for (int i = 0; i < FILES; i++) {
        if (span_is(span_of(name), files[i])) {
            *bytes = arena_copy(arena, input->files[i]);
            return CODE_OK;
        }
    }
    return error_set(err, CODE_NOT_FOUND, "%s", name);
}

static void split(struct input *input, struct span rest)
{
    for (int i = 0; i < FILES; i++) {
        size_t len = rest.len;
        if (i < FILES - 1 && rest.len >= 2) {
            len = (uint8_t)rest.ptr[0] | (size_t)(uint8_t)rest.ptr[1] << 8;
            rest = span_sub(rest, 2, rest.len);
        }
        input->files[i] = span_sub(rest, 0, len);
        rest = span_sub(rest, len, rest.len);
    }
}

/* All features of an example have these values. */
static void ask(const struct forest *forest, struct arena *arena, float number, int32_t category)
{
    const int32_t *counts = forest->feature_counts;
    size_t numbers = (size_t)counts[FOREST_NUMBER] + (size_t)counts[FOREST_BOOLEAN];
    size_t categories = (size_t)counts[FOREST_CATEGORY], sets = (size_t)counts[FOREST_SET];
    float *reals = ARENA_ARRAY(arena, float, numbers);
    int32_t *integers = ARENA_ARRAY(arena, int32_t, categories + SET_ELEMENTS);
    int64_t *bounds = ARENA_ARRAY(arena, int64_t, sets + 1);
    for (size_t i = 0; i < numbers; i++)
        reals[i] = number;
    for (size_t i = 0; i < categories + SET_ELEMENTS; i++)
        integers[i] = category;
    for (size_t i = 1; i <= sets; i++)
        bounds[i] = SET_ELEMENTS;
    struct forest_row row = {
        .numbers = reals,
        .booleans = reals,
        .categories = integers,
        .set_bounds = bounds,
        .set_values = integers,
    };
    forest_answer(forest, &row, ARENA_ARRAY(arena, float, (size_t)forest->outputs));
    int32_t *leaves = ARENA_ARRAY(arena, int32_t, (size_t)forest->tree_count);
    forest_leaves(forest, &row, leaves);
    for (int32_t i = 0; i < forest->tree_count; i++)
        CHECK(leaves[i] >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const float numbers[] = {NAN, 0, 1, -INFINITY, INFINITY, 1e9f};
    static const int32_t categories[] = {-1, 0, 1, INT32_MIN, INT32_MAX, 7};
    struct arena arena;
    struct forest forest;
    struct error err;
    struct input input = {.source = {read_input, "", ""}};
    arena_init(&arena, ARENA_FIRST_BLOCK);
    split(&input, span_make(data, size));
    if (!forest_read(&input.source, &arena, &forest, &err)) {
        for (int i = 0; i < 6; i++)
            ask(&forest, &arena, numbers[i], categories[i]);
    }
    arena_release(&arena);
    return 0;
}
