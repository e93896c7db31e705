/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights are packed in panels of 64 columns, then at most one of 32 and one or none of 16, the
 * last filled up with zeros; in a panel the values of one p stand side by side. A kernel computes
 * up to 6 rows of one panel with all sums in registers: 64 sums per row. A narrow panel has fewer
 * columns but as many sums: p is dealt out in turn to 64 / width streams, each with sums of its
 * own, so that one row is not held up by the latency of its additions; the streams are added in
 * the end, in order.
 *
 * The loops are plain C that the compiler turns into registers and fused multiply-adds (this file
 * is compiled with -ffp-contract=fast). More than one row needs the 32 registers of AVX-512;
 * elsewhere rows are computed one by one.
 */
#include "ops/nn/tile.h"

#include <stdbool.h>
#include <string.h>

#include "ops/kernel.h"

enum {
    SUMS = 64,    /* per row */
    ROWS_MAX = 6, /* computed together */
};

struct panel {
    const float *weights;
    const float *bias; /* of its first column; may be NULL */
    int64_t columns;   /* that are no filling */
};

/* A row of sums leaves the kernel: streams added, bias added, stored. `vector` stands before loops
 * of `width` turns: KERNEL_VECTOR where they are few, else nothing. */
#define FINISH_ROW(width, vector, sums, panel, out)                                                \
    do {                                                                                           \
        for (int s = (width); s < SUMS; s += (width)) {                                            \
            vector for (int j = 0; j < (width); j++)(sums)[j] += (sums)[s + j];                    \
        }                                                                                          \
        if ((panel)->columns == (width) && (panel)->bias) {                                        \
            vector for (int j = 0; j < (width); j++)(out)[j] = (sums)[j] + (panel)->bias[j];       \
        } else if ((panel)->columns == (width)) {                                                  \
            vector for (int j = 0; j < (width); j++)(out)[j] = (sums)[j];                          \
        } else {                                                                                   \
            for (int j = 0; j < (panel)->columns; j++)                                             \
                (out)[j] = (panel)->bias ? (sums)[j] + (panel)->bias[j] : (sums)[j];               \
        }                                                                                          \
    } while (0)

/* `count` rows from `in` on, one panel of `width` columns. */
#define DEFINE_TILE(count, width, vector)                                                          \
    KERNEL void tile_##count##_##width(const struct tile_rows *t, const struct panel *panel,       \
                                       const float *in, float *out)                                \
    {                                                                                              \
        enum { STREAMS = SUMS / (width) };                                                         \
        float sums[count][SUMS] = {{0}};                                                           \
        const float *w = panel->weights;                                                           \
        const int64_t in_step = t->in_step, length = t->length;                                    \
        for (int64_t segment = 0; segment < t->segments; segment++) {                              \
            const float *a = in + t->offsets[segment];                                             \
            int64_t p = 0;                                                                         \
            for (; p + STREAMS <= length; p += STREAMS, w += SUMS) {                               \
                for (int r = 0; r < (count); r++) {                                                \
                    for (int s = 0; s < STREAMS; s++) {                                            \
                        const float x = a[r * in_step + p + s];                                    \
                        vector for (int j = 0; j < (width); j++) sums[r][s * (width) + j] +=       \
                            x * w[s * (width) + j];                                                \
                    }                                                                              \
                }                                                                                  \
            }                                                                                      \
            const int left = (int)(length - p);                                                    \
            for (int s = 0; s < STREAMS - 1; s++) {                                                \
                if (s >= left)                                                                     \
                    break;                                                                         \
                for (int r = 0; r < (count); r++) {                                                \
                    const float x = a[r * in_step + p + s];                                        \
                    vector for (int j = 0; j < (width); j++) sums[r][s * (width) + j] +=           \
                        x * w[s * (width) + j];                                                    \
                }                                                                                  \
            }                                                                                      \
            w += left * (width);                                                                   \
        }                                                                                          \
        for (int r = 0; r < (count); r++)                                                          \
            FINISH_ROW(width, vector, sums[r], panel, out + r * t->out_step);                      \
    }

/* clang-format off */
DEFINE_TILE(1, 64, )
DEFINE_TILE(2, 64, )
DEFINE_TILE(4, 64, )
DEFINE_TILE(6, 64, )
DEFINE_TILE(1, 32, )
DEFINE_TILE(2, 32, )
DEFINE_TILE(4, 32, )
DEFINE_TILE(6, 32, )
DEFINE_TILE(1, 16, KERNEL_VECTOR)
DEFINE_TILE(2, 16, KERNEL_VECTOR)
DEFINE_TILE(4, 16, KERNEL_VECTOR)
DEFINE_TILE(6, 16, KERNEL_VECTOR)
/* clang-format on */

typedef void tile_fn(const struct tile_rows *t, const struct panel *panel, const float *in,
                     float *out);

static const struct {
    int width;
    tile_fn *rows[ROWS_MAX + 1]; /* by how many rows it computes */
} kernels[] = {
    {64, {[1] = tile_1_64, [2] = tile_2_64, [4] = tile_4_64, [6] = tile_6_64}},
    {32, {[1] = tile_1_32, [2] = tile_2_32, [4] = tile_4_32, [6] = tile_6_32}},
    {16, {[1] = tile_1_16, [2] = tile_2_16, [4] = tile_4_16, [6] = tile_6_16}},
};

/* Few long columns are kept one behind the other: filling them up to a panel would multiply what is
 * read. Such a column's sum has as many streams as a row has sums otherwise. */
enum {
    NARROW_COLUMNS = 4,
    NARROW_LENGTH = 256,
};

static bool is_narrow(int64_t k, int64_t n)
{
    return n <= NARROW_COLUMNS && k >= NARROW_LENGTH;
}

/* Row `in` times one column. */
KERNEL float dot(const struct tile_rows *t, const float *in, const float *column)
{
    float sums[SUMS] = {0};
    const int64_t length = t->length;
    for (int64_t segment = 0; segment < t->segments; segment++, column += length) {
        const float *a = in + t->offsets[segment];
        int64_t p = 0;
        for (; p + SUMS <= length; p += SUMS) {
            for (int j = 0; j < SUMS; j++)
                sums[j] += a[p + j] * column[p + j];
        }
        for (int j = 0; p < length; p++, j++)
            sums[j] += a[p] * column[p];
    }
    for (int half = SUMS / 2; half; half /= 2) {
        for (int j = 0; j < half; j++)
            sums[j] += sums[j + half];
    }
    return sums[0];
}

static void run_narrow(const struct tile_rows *t, const float *packed)
{
    const int64_t k = t->segments * t->length;
    for (int64_t r = 0; r < t->rows; r++) {
        for (int64_t j = 0; j < t->n; j++) {
            float sum = dot(t, t->in + r * t->in_step, packed + j * k);
            t->out[r * t->out_step + j] = t->bias ? sum + t->bias[j] : sum;
        }
    }
}

static void pack_narrow(const struct tile_weights *weights, float *packed)
{
    for (int64_t j = 0; j < weights->n; j++) {
        for (int64_t p = 0; p < weights->k; p++)
            *packed++ = weights->at[p * weights->row_step + j * weights->column_step];
    }
}

/* The kernel for the panel of which `left` columns remain. */
static int kernel_for(int64_t left)
{
    return left > 32 ? 0 : left > 16 ? 1 : 2;
}

static int rows_together(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") ? ROWS_MAX : 1;
#else
    return 1;
#endif
}

size_t tile_packed_floats(int64_t k, int64_t n)
{
    int64_t columns = is_narrow(k, n) ? n : 0;
    while (columns < n)
        columns += kernels[kernel_for(n - columns)].width;
    return (size_t)k * (size_t)columns;
}

void tile_pack(const struct tile_weights *weights, float *packed)
{
    int width;
    if (is_narrow(weights->k, weights->n)) {
        pack_narrow(weights, packed);
        return;
    }
    for (int64_t first = 0; first < weights->n; first += width) {
        width = kernels[kernel_for(weights->n - first)].width;
        int64_t columns = weights->n - first < width ? weights->n - first : width;
        for (int64_t p = 0; p < weights->k; p++, packed += width) {
            const float *from = weights->at + p * weights->row_step + first * weights->column_step;
            for (int64_t j = 0; j < columns; j++)
                packed[j] = from[j * weights->column_step];
            for (int64_t j = columns; j < width; j++)
                packed[j] = 0;
        }
    }
}

static void run_panel(const struct tile_rows *t, const struct panel *panel, tile_fn *const *kernel,
                      int64_t first)
{
    int most = rows_together();
    int64_t row = 0;
    while (row < t->rows) {
        int64_t left = t->rows - row;
        int64_t fit = left < most ? left : most;
        int count = fit >= 6 ? 6 : fit >= 4 ? 4 : fit >= 2 ? 2 : 1;
        kernel[count](t, panel, t->in + row * t->in_step, t->out + row * t->out_step + first);
        row += count;
    }
}

void tile_run(const struct tile_rows *t, const float *packed)
{
    int width;
    if (is_narrow(t->segments * t->length, t->n)) {
        run_narrow(t, packed);
        return;
    }
    for (int64_t first = 0; first < t->n; first += width) {
        int64_t left = t->n - first;
        int kernel = kernel_for(left);
        width = kernels[kernel].width;
        struct panel panel = {
            .weights = packed,
            .bias = t->bias ? t->bias + first : NULL,
            .columns = left < width ? left : width,
        };
        run_panel(t, &panel, kernels[kernel].rows, first);
        packed += t->segments * t->length * width;
    }
}
