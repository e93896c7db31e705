/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step of the generator gives a group: four numbers of 32 bits or less, two of 64. Normal
 * numbers come in pairs (Box and Muller, "A Note on the Generation of Random Normal Deviates",
 * 1958). Truncated ones are drawn again until they fit, from words that are the group's own, so
 * that the next group does not depend on it.
 */
#include "ops/random/distribution.h"

#include <math.h>

#include "ops/array/sizes.h"
#include "ops/math/number.h"

/* ---- one group ---- */

static void normal_pair(uint32_t x0, uint32_t x1, float out[2])
{
    float u = philox_float(x0);
    u = u < 1e-7f ? 1e-7f : u;
    float angle = (float)(2 * M_PI * (double)philox_float(x1));
    float radius = sqrtf(-2.0f * logf(u));
    out[0] = sinf(angle) * radius;
    out[1] = cosf(angle) * radius;
}

static void normal_pair_of_doubles(const uint32_t x[4], double out[2])
{
    double u = philox_double(x[0], x[1]);
    u = u < 1e-7 ? 1e-7 : u;
    double angle = 2 * M_PI * philox_double(x[2], x[3]);
    double radius = sqrt(-2.0 * log(u));
    out[0] = sin(angle) * radius;
    out[1] = cos(angle) * radius;
}

void distribution_uniforms(enum dtype dtype, const uint32_t x[PHILOX_WORDS],
                           double out[PHILOX_WORDS])
{
    for (int i = 0; i < 4; i++) {
        if (dtype == DTYPE_HALF)
            out[i] = (x[i] & 0x3ff) / 1024.0;
        else if (dtype == DTYPE_BFLOAT16)
            out[i] = (x[i] & 0x7f) / 128.0;
        else if (dtype == DTYPE_FLOAT)
            out[i] = (double)philox_float(x[i]);
    }
    if (dtype == DTYPE_DOUBLE) {
        out[0] = philox_double(x[0], x[1]);
        out[1] = philox_double(x[2], x[3]);
    }
}

void distribution_normals(enum dtype dtype, const uint32_t x[PHILOX_WORDS],
                          double out[PHILOX_WORDS])
{
    if (dtype == DTYPE_DOUBLE) {
        normal_pair_of_doubles(x, out);
        return;
    }
    for (int i = 0; i < 4; i += 2) {
        float pair[2];
        normal_pair(x[i], x[i + 1], pair);
        out[i] = (double)pair[0];
        out[i + 1] = (double)pair[1];
    }
}

static void truncated_group(enum dtype dtype, struct philox_words *words, int size, double out[4])
{
    for (int count = 0; count < size;) {
        uint32_t x[4];
        double pair[2];
        float narrow[2];
        for (int i = 0; i < (dtype == DTYPE_DOUBLE ? 4 : 2); i++)
            x[i] = philox_word(words);
        if (dtype == DTYPE_DOUBLE) {
            normal_pair_of_doubles(x, pair);
        } else {
            normal_pair(x[0], x[1], narrow);
            pair[0] = (double)narrow[0];
            pair[1] = (double)narrow[1];
        }
        for (int i = 0; i < 2 && count < size; i++) {
            if (fabs(pair[i]) < 2)
                out[count++] = pair[i];
        }
    }
}

/* ---- all of them ---- */

static void fill_floats(enum distribution distribution, struct philox philox, struct tensor *tensor)
{
    int64_t n = tensor_elements(tensor);
    int size = distribution_step_size(tensor->dtype);
    for (int64_t i = 0, group = 0; i < n; i += size, group++) {
        uint32_t x[PHILOX_WORDS];
        double values[4] = {0};
        if (distribution == DISTRIBUTION_TRUNCATED_NORMAL) {
            struct philox own = philox;
            philox_skip(&own, (uint64_t)(group * size * PHILOX_RESERVE_FACTOR / PHILOX_WORDS));
            struct philox_words words = philox_words_of(own);
            truncated_group(tensor->dtype, &words, size, values);
        } else {
            philox_next(&philox, x);
            if (distribution == DISTRIBUTION_UNIFORM)
                distribution_uniforms(tensor->dtype, x, values);
            else
                distribution_normals(tensor->dtype, x, values);
        }
        for (int k = 0; k < size && i + k < n; k++)
            number_put(tensor, i + k, values[k]);
    }
}

static void fill_words(struct philox philox, const struct distribution_range *range,
                       struct tensor *tensor)
{
    int64_t n = tensor_elements(tensor);
    uint32_t *to = tensor->data;
    uint32_t low = range ? (uint32_t)range->low : 0;
    uint32_t width = range ? (uint32_t)(range->high - range->low) : 0;
    for (int64_t i = 0; i < n; i += 4) {
        uint32_t x[PHILOX_WORDS];
        philox_next(&philox, x);
        for (int k = 0; k < 4 && i + k < n; k++)
            to[i + k] = width ? low + x[k] % width : x[k];
    }
}

static void fill_long_words(struct philox philox, const struct distribution_range *range,
                            struct tensor *tensor)
{
    int64_t n = tensor_elements(tensor);
    uint64_t *to = tensor->data;
    uint64_t low = range ? range->low : 0;
    uint64_t width = range ? range->high - range->low : 0;
    for (int64_t i = 0; i < n; i += 2) {
        uint32_t x[PHILOX_WORDS];
        philox_next(&philox, x);
        for (int k = 0; k < 2 && i + k < n; k++) {
            uint64_t bits = x[2 * k] | (uint64_t)x[2 * k + 1] << 32;
            to[i + k] = width ? low + bits % width : bits;
        }
    }
}

void distribution_fill(enum distribution distribution, struct philox philox,
                       const struct distribution_range *range, struct tensor *tensor)
{
    if (distribution <= DISTRIBUTION_TRUNCATED_NORMAL)
        fill_floats(distribution, philox, tensor);
    else if (dtype_size(tensor->dtype) == sizeof(uint32_t))
        fill_words(philox, range, tensor);
    else
        fill_long_words(philox, range, tensor);
}

/* ---- arguments ---- */

static bool is_unsigned(enum dtype dtype)
{
    return dtype == DTYPE_UINT32 || dtype == DTYPE_UINT64;
}

enum code distribution_read_range(const struct op_call *call, int first,
                                  struct distribution_range *range, struct error *err)
{
    static const char *const names[] = {"minval", "maxval"};
    int64_t ends[2];
    char text[SHAPE_TEXT_SIZE];
    for (int i = 0; i < 2; i++) {
        const struct tensor *end = call->in[first + i];
        if (end->shape.rank != 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "%s must be 0-D, got shape %s", names[i],
                             shape_text(&end->shape, text));
        ends[i] = tensor_int(end, 0);
    }
    *range = (struct distribution_range){(uint64_t)ends[0], (uint64_t)ends[1]};
    if (is_unsigned(call->in[first]->dtype)) {
        if (range->low < range->high)
            return CODE_OK;
        return error_set(err, CODE_INVALID_ARGUMENT, "Need minval < maxval, got %llu >= %llu",
                         (unsigned long long)range->low, (unsigned long long)range->high);
    }
    if (ends[0] < ends[1])
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT, "Need minval < maxval, got %lld >= %lld",
                     (long long)ends[0], (long long)ends[1]);
}

enum code distribution_shape(struct op_call *call, int i, struct error *err)
{
    if (!op_call_known(call, i)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    struct shape out;
    enum code code = sizes_read_shape(call, i, &out, err);
    if (!code)
        op_call_shape(call, 0, &out);
    return code;
}
