/* SPDX-License-Identifier: Apache-2.0 */
#include "api/pages.h"

#include <stdio.h>
#include <unistd.h>

#include "api/health.h"
#include "base/file.h"
#include "base/memory.h"
#include "monitoring/metrics.h"

static void answer_text(struct exchange *exchange, int status, struct span text)
{
    static const struct exchange_header plain = {{"Content-Type", 12}, {"text/plain", 10}};
    exchange_answer_http(exchange, status, &plain, 1, &text, text.len ? 1 : 0);
}

/* The process runs and its loops turn: that is all. */
static void show_live(const struct api *api, struct exchange *exchange)
{
    (void)api;
    answer_text(exchange, 200, SPAN_LITERAL("ok\n"));
}

static void show_started(const struct api *api, struct exchange *exchange)
{
    bool is = atomic_load_explicit(&api->life->started, memory_order_relaxed);
    answer_text(exchange, is ? 200 : 503,
                is ? SPAN_LITERAL("ok\n") : SPAN_LITERAL("the first models are loading\n"));
}

static void show_ready(const struct api *api, struct exchange *exchange)
{
    if (atomic_load_explicit(&api->life->ending, memory_order_relaxed))
        answer_text(exchange, 503, SPAN_LITERAL("the server ends\n"));
    else
        show_started(api, exchange);
}

/* ---- metrics ---- */

static struct metric_family versions = {
    .name = "tensord_versions", .kind = METRIC_GAUGE, .labels = {"model_name", "state"}};

static struct metric_family memory = {
    .name = "tensord_memory_bytes", .kind = METRIC_GAUGE, .labels = {"what"}};

static void measure_memory(void)
{
    char text[128];
    long long whole, resident = 0;
    struct span statm = file_read_small("/proc/self/statm", text, sizeof text);
    if (statm.len && sscanf(statm.ptr, "%lld %lld", &whole, &resident) == 2)
        resident *= sysconf(_SC_PAGESIZE);
    const struct {
        const char *what;
        int64_t bytes;
    } rows[] = {
        {"resident", resident},               /* of the process, with what it has mapped */
        {"blocks", (int64_t)memory_used()},   /* large ones, of requests and models */
        {"budget", (int64_t)memory_budget()}, /* of these */
        {"request_limit", (int64_t)memory_request_limit()},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span what = span_of(rows[i].what);
        metric_set(metric_at(&memory, &what), rows[i].bytes);
    }
}

/* Gauges that nobody keeps up to date are set when somebody looks. */
static void count_versions(const struct api *api, struct arena *arena)
{
    struct span *models;
    size_t count = state_monitor_names(api->core->monitor, arena, &models);
    for (size_t i = 0; i < count; i++) {
        struct version_state *states;
        int64_t sums[STATE_COUNT] = {0};
        size_t state_count = state_monitor_get(api->core->monitor, models[i], arena, &states);
        for (size_t k = 0; k < state_count; k++)
            sums[states[k].state]++;
        for (int state = 0; state < STATE_COUNT; state++) {
            const struct span values[] = {models[i], span_of(state_name(state))};
            metric_set(metric_at(&versions, values), sums[state]);
        }
    }
}

static void show_metrics(const struct api *api, struct exchange *exchange)
{
    count_versions(api, &exchange->arena);
    measure_memory();
    answer_text(exchange, 200, metric_page(&exchange->arena));
}

static const struct {
    const char *path;
    void (*show)(const struct api *api, struct exchange *exchange);
} pages[] = {
    {"/livez", show_live},
    {"/readyz", show_ready},
    {"/startupz", show_started},
};

bool api_page(const struct api *api, struct exchange *exchange, struct span path)
{
    struct span name = span_sub(path, 0, span_find(path, '?'));
    if (api->metrics_path && span_is(name, api->metrics_path)) {
        show_metrics(api, exchange);
        return true;
    }
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (!span_is(name, pages[i].path))
            continue;
        pages[i].show(api, exchange);
        return true;
    }
    return false;
}
