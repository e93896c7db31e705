/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that went well finds its cells at the version that answered it, where the first such
 * request has left them: looking them up by their labels would cost more than counting.
 */
#include "api/record.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "monitoring/metrics.h"

static struct metric_family requests = {
    .name = "/tensorflow/serving/request_count",
    .kind = METRIC_COUNTER,
    .labels = {"model_name", "status"},
};
static struct metric_family latency = {
    .name = "/tensorflow/serving/request_latency",
    .kind = METRIC_HISTOGRAM,
    .labels = {"model_name", "API", "entrypoint"},
    .buckets = METRIC_LATENCY_BUCKETS,
};
static struct metric_family runtime = {
    .name = "/tensorflow/serving/runtime_latency",
    .kind = METRIC_HISTOGRAM,
    .labels = {"model_name", "API", "runtime"},
    .buckets = METRIC_LATENCY_BUCKETS,
};

static const char *const method_names[2][RECORD_METHODS] = {
    {"Predict", "Classify", "Regress", ""},
    {"predict", "classify", "regress", ""},
};

static const char *const entrypoints[] = {"GRPC", "REST"};

typedef _Atomic(struct metric_cell *) cell_place;

/* What is counted when all went well, per way in and method; NULL until it happens. */
struct cells {
    cell_place ok;
    cell_place latency[2][RECORD_METHODS];
    cell_place runtime[RECORD_METHODS];
};

static struct cells *cells_of(struct servable *servable)
{
    void *cells = atomic_load_explicit(&servable->attachment, memory_order_acquire);
    if (cells)
        return cells;
    struct cells *made = calloc(1, sizeof *made);
    CHECK(made && "out of memory");
    if (atomic_compare_exchange_strong(&servable->attachment, &cells, (void *)made))
        return made;
    free(made);
    return cells;
}

/* The cell that is kept there, looked up the first time. */
static struct metric_cell *kept(cell_place *place, struct metric_family *family, struct span model,
                                const char *second, const char *third)
{
    struct metric_cell *cell = atomic_load_explicit(place, memory_order_acquire);
    if (cell)
        return cell;
    const struct span values[] = {model, span_of(second), span_of(third)};
    cell = metric_at(family, values);
    atomic_store_explicit(place, cell, memory_order_release);
    return cell;
}

struct record *record_begin(struct exchange *exchange, enum record_method method, bool is_rest)
{
    struct record *record = ARENA_NEW(&exchange->arena, struct record);
    record->method = method;
    record->is_rest = is_rest;
    exchange->note = record;
    return record;
}

static void count_success(const struct record *r, int64_t start_us)
{
    struct cells *cells = cells_of(r->servable);
    struct span model = r->servable->id.name;
    const char *method = method_names[r->is_rest][r->method];
    metric_add(kept(&cells->ok, &requests, model, "OK", ""), 1);
    metric_observe(kept(&cells->latency[r->is_rest][r->method], &latency, model, method,
                        entrypoints[r->is_rest]),
                   (double)(clock_now_us() - start_us));
    if (r->run_ns)
        metric_observe(
            kept(&cells->runtime[r->method], &runtime, model, method_names[0][r->method], "TF1"),
            (double)(r->run_ns / 1000));
}

void record_end(struct exchange *exchange, enum code code)
{
    const struct record *record = exchange->note;
    exchange->note = NULL;
    if (!record)
        return;
    if (!code && record->servable) {
        count_success(record, exchange->start_us);
        return;
    }
    const struct span values[] = {record->model, span_of(code_name(code))};
    metric_add(metric_at(&requests, values), 1);
    const struct span ways[] = {record->model,
                                span_of(method_names[record->is_rest][record->method]),
                                span_of(entrypoints[record->is_rest])};
    if (!code)
        metric_observe(metric_at(&latency, ways), (double)(clock_now_us() - exchange->start_us));
}
