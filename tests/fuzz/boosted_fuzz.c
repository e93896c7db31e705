/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as an ensemble of tf.estimator's boosted trees; one that can be read is asked. */
#include <stdlib.h>

#include "ops/forest/boosted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NUMBERS_MAX = 1 << 16, OUTPUTS = 3 };

static void ask(const struct boosted *e, struct arena *arena, int32_t number)
{
    if (e->features > NUMBERS_MAX || e->dimensions > NUMBERS_MAX)
        return;
    float sums[OUTPUTS] = {0};
    int32_t *row = ARENA_ARRAY(arena, int32_t, (size_t)e->dimensions + 1);
    const int32_t **features = ARENA_ARRAY(arena, const int32_t *, (size_t)e->features + 1);
    for (int32_t i = 0; i < e->dimensions; i++)
        row[i] = number;
    for (int32_t i = 0; i < e->features; i++)
        features[i] = row;
    boosted_answer(e, features, sums, OUTPUTS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct boosted ensemble;
    struct error err;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    if (!boosted_read(span_make(data, size), &arena, &ensemble, &err)) {
        ask(&ensemble, &arena, 0);
        ask(&ensemble, &arena, 2);
        ask(&ensemble, &arena, INT32_MAX);
    }
    arena_release(&arena);
    return 0;
}
