/* SPDX-License-Identifier: Apache-2.0 */
#include "core/load_report.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/late_thread.h"
#include "base/log.h"

struct load_reports {
    int64_t interval_us;
    struct late_thread thread;
    struct load_report *list; /* guarded by the thread's mutex */
};

struct load_reports *load_reports_new(int64_t interval_us)
{
    struct load_reports *reports = calloc(1, sizeof *reports);
    CHECK(reports && "out of memory");
    reports->interval_us = interval_us;
    late_thread_init(&reports->thread);
    return reports;
}

void load_reports_free(struct load_reports *reports)
{
    if (!reports)
        return;
    late_thread_release(&reports->thread);
    CHECK(!reports->list);
    free(reports);
}

static double mib(int64_t bytes)
{
    return (double)bytes / (1 << 20);
}

static void say(const struct load_report *r, int64_t now_us)
{
    enum progress_stage stage = (enum progress_stage)atomic_load(&r->progress->stage);
    log_info(
        "Still loading servable version {name: %.*s version: %lld}: %s, %.1f MiB of tensors so "
        "far, about %.1f MiB expected, %.0f s",
        SPAN_ARG(r->id.name), (long long)r->id.version, progress_stage_text(stage),
        mib(atomic_load(&r->progress->bytes)), mib((int64_t)r->estimate),
        (double)(now_us - r->start_us) / 1e6);
}

/* When the next line is due. Mutex held. */
static int64_t say_all(struct load_reports *reports)
{
    int64_t now_us = clock_now_us(), next_us = INT64_MAX;
    for (struct load_report *r = reports->list; r; r = r->next) {
        if (r->due_us <= now_us) {
            say(r, now_us);
            r->due_us = now_us + reports->interval_us;
        }
        next_us = r->due_us < next_us ? r->due_us : next_us;
    }
    return next_us;
}

static void run(void *context)
{
    struct load_reports *reports = context;
    struct late_thread *thread = &reports->thread;
    pthread_mutex_lock(&thread->mutex);
    while (!thread->ending)
        thread_wait_until(&thread->came, &thread->mutex, say_all(reports));
    pthread_mutex_unlock(&thread->mutex);
}

void load_report_begin(struct load_reports *reports, struct load_report *report)
{
    if (reports->interval_us <= 0)
        return;
    report->start_us = clock_now_us();
    report->due_us = report->start_us + reports->interval_us;
    pthread_mutex_lock(&reports->thread.mutex);
    report->next = reports->list;
    reports->list = report;
    /* Without a thread nothing is said, which is no reason not to load. */
    late_thread_need(&reports->thread, "progress", run, reports, NULL);
    pthread_cond_signal(&reports->thread.came);
    pthread_mutex_unlock(&reports->thread.mutex);
}

void load_report_end(struct load_reports *reports, struct load_report *report)
{
    pthread_mutex_lock(&reports->thread.mutex);
    struct load_report **at = &reports->list;
    while (*at && *at != report)
        at = &(*at)->next;
    if (*at)
        *at = report->next;
    pthread_mutex_unlock(&reports->thread.mutex);
}

const char *load_report_stages(const struct progress *progress, char *text, size_t size)
{
    size_t len = 0;
    text[0] = 0;
    for (int i = PROGRESS_BEGIN + 1; i < PROGRESS_STAGES && len < size; i++) {
        int64_t took_us = atomic_load(&progress->took_us[i]);
        if (took_us)
            len += (size_t)snprintf(text + len, size - len, "%s%s %.1f ms", len ? ", " : ": ",
                                    progress_stage_text((enum progress_stage)i),
                                    (double)took_us / 1000);
    }
    if (len && len < size)
        snprintf(text + len, size - len, "; %.1f MiB of tensors",
                 mib(atomic_load(&progress->bytes)));
    return text;
}
