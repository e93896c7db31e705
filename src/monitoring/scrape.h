/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct scrape: one page in the making. Whoever keeps figures elsewhere tells them; the cells of
 * all registered families come by themselves. What is told twice under the same values is added up.
 *
 *   struct scrape *scrape = scrape_new(&arena);
 *   scrape_number(scrape, &family, values, 3);
 *   text = scrape_print(scrape, SCRAPE_TEXT);
 */
#ifndef MONITORING_SCRAPE_H
#define MONITORING_SCRAPE_H

#include "monitoring/metrics.h"

struct scrape;

/* All of it lies in the arena. */
struct scrape *scrape_new(struct arena *arena);
struct arena *scrape_arena(struct scrape *scrape);

/* Values of labels are borrowed until the page is printed, and so are exemplars. */
void scrape_number(struct scrape *scrape, struct metric_family *family, const struct span *values,
                   double number);
void scrape_histogram(struct scrape *scrape, struct metric_family *family,
                      const struct span *values, const struct metric_histogram *histogram);

/* What the family's first series, by the values of its labels, comes to; 0: there is none, or it is
 * a histogram. Nothing can be told any more then. */
int64_t scrape_first(struct scrape *scrape, struct span family);

enum scrape_format {
    SCRAPE_TEXT,        /* Prometheus's text format, 0.0.4, as TensorFlow Serving writes it */
    SCRAPE_OPENMETRICS, /* OpenMetrics 1.0: _total, exemplars, # EOF */
};

/* What an Accept header asks for. */
enum scrape_format scrape_format_of(struct span accept);

/* The value for Content-Type. */
struct span scrape_content_type(enum scrape_format format);

/* Every registered family, sorted by name, its series by their values: two pages can be compared.
 */
struct span scrape_print(struct scrape *scrape, enum scrape_format format);

#endif
