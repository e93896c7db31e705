/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page (reference 7.1): for each family a TYPE line, before it a HELP line if it is our own,
 * then a line for each series. '/' and all that is no letter, digit or underscore becomes ':' in
 * names.
 *
 * In OpenMetrics a counter's family is called without "_total" and its series with it, whatever it
 * is called in the older format.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "monitoring/cell.h"
#include "monitoring/scrape.h"

struct series {
    const struct metric_family *family;
    const struct span *values; /* the family's labels' */
    double number;
    struct metric_histogram *histogram; /* of a histogram */
};

struct scrape {
    struct arena *arena;
    struct series *series;
    size_t count;
    size_t room;
    bool complete; /* with all cells, and sorted */
    /* The text. */
    enum scrape_format format;
    char *text;
    size_t len;
    size_t text_room;
};

/* ---- series ---- */

struct scrape *scrape_new(struct arena *arena)
{
    struct scrape *scrape = ARENA_NEW(arena, struct scrape);
    scrape->arena = arena;
    return scrape;
}

struct arena *scrape_arena(struct scrape *scrape)
{
    return scrape->arena;
}

static struct series *add_series(struct scrape *scrape, const struct metric_family *family,
                                 const struct span *values)
{
    if (scrape->count == scrape->room) {
        size_t room = 2 * scrape->room + 64;
        struct series *more = arena_alloc(scrape->arena, room * sizeof *more);
        if (scrape->count)
            memcpy(more, scrape->series, scrape->count * sizeof *more);
        scrape->series = more;
        scrape->room = room;
    }
    size_t size = (size_t)metric_label_count(family) * sizeof *values;
    struct span *copy = arena_alloc(scrape->arena, size + sizeof *values);
    if (size)
        memcpy(copy, values, size);
    struct series *series = &scrape->series[scrape->count++];
    *series = (struct series){.family = family, .values = copy};
    return series;
}

void scrape_number(struct scrape *scrape, struct metric_family *family, const struct span *values,
                   double number)
{
    metric_register(family);
    add_series(scrape, family, values)->number = number;
}

void scrape_histogram(struct scrape *scrape, struct metric_family *family,
                      const struct span *values, const struct metric_histogram *histogram)
{
    metric_register(family);
    struct metric_histogram *copy = ARENA_NEW(scrape->arena, struct metric_histogram);
    *copy = *histogram;
    add_series(scrape, family, values)->histogram = copy;
}

static struct metric_histogram *sum_up(const struct metric_cell *cell, struct arena *arena)
{
    struct metric_histogram *all = ARENA_NEW(arena, struct metric_histogram);
    for (int i = 0; i < SHARDS; i++) {
        const struct metric_part *part =
            atomic_load_explicit(&cell->parts[i], memory_order_acquire);
        for (int k = 0; part && k <= cell->family->buckets.count; k++)
            all->buckets[k] += atomic_load_explicit(&part->buckets[k], memory_order_relaxed);
        all->sum += part ? atomic_load_explicit(&part->sum, memory_order_relaxed) : 0;
    }
    return all;
}

/* The cells of this moment. */
static void add_cells(struct scrape *scrape, const struct metric_family *family)
{
    for (int i = 0; i < METRIC_SLOTS; i++) {
        const struct metric_cell *cell =
            atomic_load_explicit(&family->state.slots[i], memory_order_acquire);
        for (; cell; cell = cell->next) {
            struct series *series = add_series(scrape, family, cell->values);
            if (family->kind == METRIC_HISTOGRAM)
                series->histogram = sum_up(cell, scrape->arena);
            else
                series->number = (double)metric_value(cell);
        }
    }
}

static int compare_series(const void *a, const void *b)
{
    const struct series *x = a, *y = b;
    int order = strcmp(x->family->name, y->family->name);
    for (int i = 0; !order && i < metric_label_count(x->family); i++)
        order = span_compare(x->values[i], y->values[i]);
    return order;
}

static void merge(struct series *into, const struct series *more)
{
    into->number += more->number;
    for (int i = 0; more->histogram && i <= METRIC_BUCKETS_MAX; i++)
        into->histogram->buckets[i] += more->histogram->buckets[i];
    if (more->histogram)
        into->histogram->sum += more->histogram->sum;
}

/* Sorted, each once. */
static void sort_series(struct scrape *scrape)
{
    size_t kept = 0;
    if (scrape->count)
        qsort(scrape->series, scrape->count, sizeof *scrape->series, compare_series);
    for (size_t i = 0; i < scrape->count; i++) {
        if (kept && !compare_series(&scrape->series[kept - 1], &scrape->series[i]))
            merge(&scrape->series[kept - 1], &scrape->series[i]);
        else
            scrape->series[kept++] = scrape->series[i];
    }
    scrape->count = kept;
}

static void complete(struct scrape *scrape)
{
    if (scrape->complete)
        return;
    for (const struct metric_family *f = metric_families(); f; f = f->state.next)
        add_cells(scrape, f);
    sort_series(scrape);
    scrape->complete = true;
}

int64_t scrape_first(struct scrape *scrape, struct span family)
{
    complete(scrape);
    size_t low = 0, high = scrape->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (span_compare(span_of(scrape->series[middle].family->name), family) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == scrape->count || !span_is(family, scrape->series[low].family->name))
        return 0;
    return (int64_t)scrape->series[low].number;
}

/* ---- text ---- */

static void put(struct scrape *page, struct span text)
{
    if (page->len + text.len > page->text_room) {
        size_t room = 2 * (page->text_room + text.len) + 4096;
        char *more = arena_alloc(page->arena, room);
        if (page->len)
            memcpy(more, page->text, page->len);
        page->text = more;
        page->text_room = room;
    }
    if (text.len)
        memcpy(page->text + page->len, text.ptr, text.len);
    page->len += text.len;
}

__attribute__((format(printf, 2, 3))) static void print(struct scrape *page, const char *format,
                                                        ...)
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

/* The family's name; of a counter in OpenMetrics without its "_total". */
static void put_name(struct scrape *page, const struct metric_family *family)
{
    struct span name = span_of(family->name), total = SPAN_LITERAL("_total");
    if (page->format == SCRAPE_OPENMETRICS && family->kind == METRIC_COUNTER &&
        name.len > total.len && span_equal(span_sub(name, name.len - total.len, total.len), total))
        name.len -= total.len;
    if (name.ptr[0] >= '0' && name.ptr[0] <= '9')
        put(page, SPAN_LITERAL("_"));
    for (size_t i = 0; i < name.len; i++)
        put(page, is_word(name.ptr[i]) ? span_sub(name, i, 1) : SPAN_LITERAL(":"));
}

static void put_value(struct scrape *page, struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '"' || value.ptr[i] == '\\')
            put(page, SPAN_LITERAL("\\"));
        put(page, value.ptr[i] == '\n' ? SPAN_LITERAL("\\n") : span_sub(value, i, 1));
    }
}

/* With as few digits as read back the same, at most 17; whole numbers in full. */
static void put_number(struct scrape *page, double number)
{
    char text[32];
    if (number == floor(number) && fabs(number) < 0x1p53) {
        print(page, "%lld", (long long)number);
        return;
    }
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    put(page, span_of(text));
}

/* A limit has six digits, as the original's; OpenMetrics wants to see that it is no integer. */
static const char *limit_text(const struct scrape *page, double limit, char *text, size_t size)
{
    int len = snprintf(text, size, "%g", limit);
    if (page->format == SCRAPE_OPENMETRICS && !strpbrk(text, ".e"))
        snprintf(text + len, size - (size_t)len, ".0");
    return text;
}

/* name_suffix{a="x",le="5"}; `limit` may be NULL. */
static void put_series(struct scrape *page, const struct series *series, const char *suffix,
                       const char *limit)
{
    put_name(page, series->family);
    print(page, "%s{", suffix);
    int count = metric_label_count(series->family);
    for (int i = 0; i < count; i++) {
        print(page, "%s%s=\"", i ? "," : "", series->family->labels[i]);
        put_value(page, series->values[i]);
        put(page, SPAN_LITERAL("\""));
    }
    if (limit)
        print(page, "%sle=\"%s\"", count ? "," : "", limit);
    put(page, SPAN_LITERAL("} "));
}

static void put_exemplar(struct scrape *page, const struct metric_exemplar *exemplar)
{
    if (page->format != SCRAPE_OPENMETRICS || !exemplar->trace_id[0])
        return;
    print(page, " # {trace_id=\"%s\"} ", exemplar->trace_id);
    put_number(page, exemplar->value);
    print(page, " %.3f", exemplar->time_s);
}

static void put_histogram(struct scrape *page, const struct series *series)
{
    const struct metric_family *family = series->family;
    const struct metric_histogram *all = series->histogram;
    int64_t count = 0;
    for (int i = 0; i <= family->buckets.count; i++) {
        char text[40];
        bool last = i == family->buckets.count;
        count += all->buckets[i];
        put_series(page, series, "_bucket",
                   last ? "+Inf" : limit_text(page, family->state.limits[i], text, sizeof text));
        print(page, "%lld", (long long)count);
        if (all->exemplars)
            put_exemplar(page, &all->exemplars[i]);
        put(page, SPAN_LITERAL("\n"));
    }
    put_series(page, series, "_sum", NULL);
    put_number(page, all->sum);
    put(page, SPAN_LITERAL("\n"));
    put_series(page, series, "_count", NULL);
    print(page, "%lld\n", (long long)count);
}

static void put_scalar(struct scrape *page, const struct series *series)
{
    bool is_total = page->format == SCRAPE_OPENMETRICS && series->family->kind == METRIC_COUNTER;
    put_series(page, series, is_total ? "_total" : "", NULL);
    put_number(page, series->number);
    put(page, SPAN_LITERAL("\n"));
}

static void put_head(struct scrape *page, const struct metric_family *family)
{
    static const char *const kinds[] = {
        [METRIC_COUNTER] = "counter",
        [METRIC_GAUGE] = "gauge",
        [METRIC_HISTOGRAM] = "histogram",
    };
    if (family->help) {
        put(page, SPAN_LITERAL("# HELP "));
        put_name(page, family);
        print(page, " %s\n", family->help);
    }
    put(page, SPAN_LITERAL("# TYPE "));
    put_name(page, family);
    print(page, " %s\n", kinds[family->kind]);
}

/* ---- the page ---- */

/* Takes the name of a type at the front of an item of Accept, and its q. */
static double quality_of(struct span item, const char *type)
{
    struct span name = span_strip(span_cut(&item, ';'));
    if (!span_is(name, type))
        return 0;
    while (item.len) {
        struct span parameter = span_strip(span_cut(&item, ';'));
        if (span_starts_with(parameter, SPAN_LITERAL("q=")) && parameter.len < 16) {
            char text[16] = "";
            memcpy(text, parameter.ptr + 2, parameter.len - 2);
            return strtod(text, NULL);
        }
    }
    return 1;
}

enum scrape_format scrape_format_of(struct span accept)
{
    double open = 0, plain = 0;
    while (accept.len) {
        struct span item = span_cut(&accept, ',');
        open = fmax(open, quality_of(item, "application/openmetrics-text"));
        plain = fmax(plain, quality_of(item, "text/plain"));
    }
    return open > 0 && open >= plain ? SCRAPE_OPENMETRICS : SCRAPE_TEXT;
}

struct span scrape_content_type(enum scrape_format format)
{
    return format == SCRAPE_TEXT
               ? SPAN_LITERAL("text/plain")
               : SPAN_LITERAL("application/openmetrics-text; version=1.0.0; charset=utf-8");
}

static int compare_families(const void *a, const void *b)
{
    return strcmp((*(struct metric_family *const *)a)->name,
                  (*(struct metric_family *const *)b)->name);
}

static struct metric_family **list_families(struct arena *arena, size_t *count)
{
    struct metric_family *first = metric_families();
    size_t i = 0;
    *count = 0;
    for (const struct metric_family *f = first; f; f = f->state.next)
        ++*count;
    struct metric_family **sorted = ARENA_ARRAY(arena, struct metric_family *, *count + 1);
    for (struct metric_family *f = first; f; f = f->state.next)
        sorted[i++] = f;
    qsort(sorted, *count, sizeof *sorted, compare_families);
    return sorted;
}

struct span scrape_print(struct scrape *scrape, enum scrape_format format)
{
    size_t count, next = 0;
    struct metric_family **families = list_families(scrape->arena, &count);
    scrape->format = format;
    complete(scrape);
    for (size_t i = 0; i < count; i++) {
        put_head(scrape, families[i]);
        for (; next < scrape->count && scrape->series[next].family == families[i]; next++)
            (families[i]->kind == METRIC_HISTOGRAM ? put_histogram
                                                   : put_scalar)(scrape, &scrape->series[next]);
    }
    if (format == SCRAPE_OPENMETRICS)
        put(scrape, SPAN_LITERAL("# EOF\n"));
    return span_make(scrape->text, scrape->len);
}
