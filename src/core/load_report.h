/* SPDX-License-Identifier: Apache-2.0 */
/* struct load_reports: loads that take long say every so often how far they are; a thread, started
 * with the first load, looks at them. */
#ifndef CORE_LOAD_REPORT_H
#define CORE_LOAD_REPORT_H

#include <stddef.h>

#include "base/progress.h"
#include "core/servable.h"

/* A load under way; the caller's memory between begin and end. */
struct load_report {
    struct servable_id id;
    size_t estimate; /* bytes; 0: not known */
    const struct progress *progress;
    int64_t start_us;
    int64_t due_us; /* of the next line */
    struct load_report *next;
};

struct load_reports;

/* `interval_us` between the lines of a load; <= 0: none. */
struct load_reports *load_reports_new(int64_t interval_us);

/* No load is under way. NULL is fine. */
void load_reports_free(struct load_reports *reports);

/* A load begins, and ends. Any thread. */
void load_report_begin(struct load_reports *reports, struct load_report *report);
void load_report_end(struct load_reports *reports, struct load_report *report);

/* ": reading the graph 1.0 ms, ..., 48.0 MiB of tensors", what took time of a load that has ended,
 * in `text`; empty when it said nothing. */
const char *load_report_stages(const struct progress *progress, char *text, size_t size);

#endif
