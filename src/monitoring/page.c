/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page (reference 7.1): for each family a TYPE line, then a line for each cell. '/' and all
 * that is no letter, digit or underscore becomes ':' in names. Cells stand sorted by their values,
 * so that two looks can be compared.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "monitoring/cell.h"

struct page {
    struct arena *arena;
    char *text;
    size_t len;
    size_t room;
};

static void put(struct page *page, struct span text)
{
    if (page->len + text.len > page->room) {
        size_t room = 2 * (page->room + text.len) + 4096;
        char *more = arena_alloc(page->arena, room);
        if (page->len)
            memcpy(more, page->text, page->len);
        page->text = more;
        page->room = room;
    }
    if (text.len)
        memcpy(page->text + page->len, text.ptr, text.len);
    page->len += text.len;
}

__attribute__((format(printf, 2, 3))) static void print(struct page *page, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    CHECK(len >= 0 && (size_t)len < sizeof text);
    put(page, span_make(text, (size_t)len));
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void put_name(struct page *page, const char *name)
{
    if (name[0] >= '0' && name[0] <= '9')
        put(page, SPAN_LITERAL("_"));
    for (; *name; name++)
        put(page, is_word(*name) ? span_make(name, 1) : SPAN_LITERAL(":"));
}

static void put_value(struct page *page, struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '"' || value.ptr[i] == '\\')
            put(page, SPAN_LITERAL("\\"));
        put(page, value.ptr[i] == '\n' ? SPAN_LITERAL("\\n") : span_sub(value, i, 1));
    }
}

/* name_suffix{a="x",le="5"}; `limit` may be NULL. */
static void put_series(struct page *page, const struct metric_cell *cell, const char *suffix,
                       const char *limit)
{
    put_name(page, cell->family->name);
    print(page, "%s{", suffix);
    int count = metric_label_count(cell->family);
    for (int i = 0; i < count; i++) {
        print(page, "%s%s=\"", i ? "," : "", cell->family->labels[i]);
        put_value(page, cell->values[i]);
        put(page, SPAN_LITERAL("\""));
    }
    if (limit)
        print(page, "%sle=\"%s\"", count ? "," : "", limit);
    put(page, SPAN_LITERAL("} "));
}

/* ---- histograms ---- */

struct observed {
    int64_t buckets[METRIC_BUCKETS_MAX + 1];
    double sum;
};

static void sum_up(const struct metric_cell *cell, struct observed *all)
{
    *all = (struct observed){0};
    for (int i = 0; i < SHARDS; i++) {
        const struct metric_part *part =
            atomic_load_explicit(&cell->parts[i], memory_order_acquire);
        for (int k = 0; part && k <= cell->family->buckets.count; k++)
            all->buckets[k] += atomic_load_explicit(&part->buckets[k], memory_order_relaxed);
        all->sum += part ? atomic_load_explicit(&part->sum, memory_order_relaxed) : 0;
    }
}

static void put_histogram(struct page *page, const struct metric_cell *cell)
{
    struct observed all;
    int64_t count = 0;
    sum_up(cell, &all);
    for (int i = 0; i <= cell->family->buckets.count; i++) {
        char limit[32] = "+Inf";
        if (i < cell->family->buckets.count)
            snprintf(limit, sizeof limit, "%g", cell->family->state.limits[i]);
        count += all.buckets[i];
        put_series(page, cell, "_bucket", limit);
        print(page, "%lld\n", (long long)count);
    }
    put_series(page, cell, "_sum", NULL);
    print(page, "%g\n", all.sum);
    put_series(page, cell, "_count", NULL);
    print(page, "%lld\n", (long long)count);
}

/* ---- families ---- */

static int compare_cells(const void *a, const void *b)
{
    const struct metric_cell *x = *(struct metric_cell *const *)a;
    const struct metric_cell *y = *(struct metric_cell *const *)b;
    int order = 0;
    for (int i = 0; !order && i < metric_label_count(x->family); i++)
        order = span_compare(x->values[i], y->values[i]);
    return order;
}

/* All cells of this moment, sorted. */
static size_t list_cells(const struct metric_family *family, struct arena *arena,
                         const struct metric_cell ***cells)
{
    size_t count = 0, room = 0;
    *cells = NULL;
    for (int i = 0; i < METRIC_SLOTS; i++) {
        const struct metric_cell *cell =
            atomic_load_explicit(&family->state.slots[i], memory_order_acquire);
        for (; cell; cell = cell->next) {
            if (count == room) {
                room = 2 * room + 64;
                const struct metric_cell **more = arena_alloc(arena, room * sizeof *more);
                if (count)
                    memcpy(more, *cells, count * sizeof *more);
                *cells = more;
            }
            (*cells)[count++] = cell;
        }
    }
    if (count)
        qsort(*cells, count, sizeof **cells, compare_cells);
    return count;
}

static void put_family(struct page *page, const struct metric_family *family)
{
    static const char *const kinds[] = {
        [METRIC_COUNTER] = "counter",
        [METRIC_GAUGE] = "gauge",
        [METRIC_HISTOGRAM] = "histogram",
    };
    put(page, SPAN_LITERAL("# TYPE "));
    put_name(page, family->name);
    print(page, " %s\n", kinds[family->kind]);
    const struct metric_cell **cells;
    size_t count = list_cells(family, page->arena, &cells);
    for (size_t i = 0; i < count; i++) {
        if (family->kind == METRIC_HISTOGRAM) {
            put_histogram(page, cells[i]);
            continue;
        }
        put_series(page, cells[i], "", NULL);
        print(page, "%lld\n", (long long)metric_value(cells[i]));
    }
}

static int compare_families(const void *a, const void *b)
{
    return strcmp((*(struct metric_family *const *)a)->name,
                  (*(struct metric_family *const *)b)->name);
}

struct span metric_page(struct arena *arena)
{
    struct page page = {.arena = arena};
    size_t count = 0, i = 0;
    struct metric_family *first = metric_families();
    for (const struct metric_family *f = first; f; f = f->state.next)
        count++;
    struct metric_family **sorted = ARENA_ARRAY(arena, struct metric_family *, count + 1);
    for (struct metric_family *f = first; f; f = f->state.next)
        sorted[i++] = f;
    qsort(sorted, count, sizeof *sorted, compare_families);
    for (i = 0; i < count; i++)
        put_family(&page, sorted[i]);
    return span_make(page.text, page.len);
}
