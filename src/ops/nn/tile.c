/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights are packed in panels of 64 columns, then at most one of 32 and one or none of 16, the
 * last filled up with zeros; in a panel the values of one p stand side by side. A kernel computes
 * up to 6 rows of one panel with all sums in registers: 64 sums per row. A narrow panel has fewer
 * columns but as many sums: p is dealt out in turn to 64 / width streams, each with sums of its
 * own, so that one row is not held up by the latency of its additions; the streams are added in
 * the end, in order. Short rows are not dealt out: they are over soon, and one sum in the order of
 * p is what TensorFlow makes, bit for bit, which sums that cancel show.
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
    SHORT = 64,   /* rows of a matrix up to that long are one stream */
};

struct panel {
    const float *weights;
    const float *bias; /* of its first column; may be NULL */
    int64_t columns;   /* that are no filling */
};

/* A row of sums leaves the kernel: streams added, bias added, stored. `vector` stands before loops
 * of `width` turns: KERNEL_VECTOR where they are few, else nothing. */
#define FINISH_ROW(width, streams, vector, sums, panel, out)                                       \
    do {                                                                                           \
        for (int s = (width); s < (width) * (streams); s += (width)) {                             \
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

/* `count` rows from `in` on, one panel of `width` columns, as `streams` streams. */
#define DEFINE_TILE(name, count, width, streams, vector)                                           \
    KERNEL void name##_##count##_##width(const struct tile_rows *t, const struct panel *panel,     \
                                         const float *in, float *out)                              \
    {                                                                                              \
        enum { STREAMS = (streams) };                                                              \
        float sums[count][(width)*STREAMS] = {{0}};                                                \
        const float *w = panel->weights;                                                           \
        const int64_t in_step = t->in_step, length = t->length;                                    \
        for (int64_t segment = 0; segment < t->segments; segment++) {                              \
            const float *a = in + t->offsets[segment];                                             \
            int64_t p = 0;                                                                         \
            for (; p + STREAMS <= length; p += STREAMS, w += (width)*STREAMS) {                    \
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
            FINISH_ROW(width, streams, vector, sums[r], panel, out + r * t->out_step);             \
    }

/* clang-format off */
#define DEFINE_TILES(name, width, streams, vector)                                                 \
    DEFINE_TILE(name, 1, width, streams, vector)                                                   \
    DEFINE_TILE(name, 2, width, streams, vector)                                                   \
    DEFINE_TILE(name, 4, width, streams, vector)                                                   \
    DEFINE_TILE(name, 6, width, streams, vector)
DEFINE_TILES(tile, 64, 1, )
DEFINE_TILES(tile, 32, 2, )
DEFINE_TILES(tile, 16, 4, KERNEL_VECTOR)
DEFINE_TILES(short, 32, 1, )
DEFINE_TILES(short, 16, 1, KERNEL_VECTOR)
/* clang-format on */

typedef void tile_fn(const struct tile_rows *t, const struct panel *panel, const float *in,
                     float *out);

#define TILES(name, width)                                                                         \
    {                                                                                              \
        [1] = name##_1_##width, [2] = name##_2_##width, [4] = name##_4_##width,                    \
        [6] = name##_6_##width                                                                     \
    }

static const struct {
    int width;
    tile_fn *rows[ROWS_MAX + 1]; /* by how many rows it computes */
    tile_fn *short_rows[ROWS_MAX + 1];
} kernels[] = {
    {64, TILES(tile, 64), TILES(tile, 64)},
    {32, TILES(tile, 32), TILES(short, 32)},
    {16, TILES(tile, 16), TILES(short, 16)},
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
        bool is_short = t->segments == 1 && t->length <= SHORT;
        run_panel(t, &panel, is_short ? kernels[kernel].short_rows : kernels[kernel].rows, first);
        packed += t->segments * t->length * width;
    }
}
