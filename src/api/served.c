/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stages that mostly take no time (reading what came in one piece, waiting for a worker that is not
 * needed) are not recorded then: a page adds what lacks to the first bucket.
 */
#include "api/served.h"

#include <stdlib.h>
#include <string.h>

#include "api/trace.h"
#include "base/check.h"
#include "wire/utf8.h"

enum {
    UNKNOWN_MODELS_MAX = 200,  /* names that no model has, told apart on the page */
    UNKNOWN_NAME_MAX = 100,    /* bytes of one */
    EXEMPLARS = 26,            /* buckets of the time of a whole request */
    WAYS = 2 * SERVED_METHODS, /* method, protocol */
};

/* ---- TensorFlow Serving's families (reference 7.2) ---- */

static struct metric_family stock_requests = {
    .name = "/tensorflow/serving/request_count",
    .kind = METRIC_COUNTER,
    .labels = {"model_name", "status"},
};
static struct metric_family stock_latency = {
    .name = "/tensorflow/serving/request_latency",
    .kind = METRIC_HISTOGRAM,
    .labels = {"model_name", "API", "entrypoint"},
    .buckets = METRIC_LATENCY_BUCKETS,
};
static struct metric_family stock_runtime = {
    .name = "/tensorflow/serving/runtime_latency",
    .kind = METRIC_HISTOGRAM,
    .labels = {"model_name", "API", "runtime"},
    .buckets = METRIC_LATENCY_BUCKETS,
};
static struct metric_family stock_examples = {
    .name = "/tensorflow/serving/request_example_counts",
    .kind = METRIC_HISTOGRAM,
    .labels = {"model"},
    .buckets = {1, 2, 15},
};
static struct metric_family stock_example_total = {
    .name = "/tensorflow/serving/request_example_count_total",
    .kind = METRIC_COUNTER,
    .labels = {"model"},
};

/* ---- ours ---- */

static struct metric_family requests = {
    .name = "tensord_requests_total",
    .help = "Requests that were answered.",
    .kind = METRIC_COUNTER,
    .labels = {"model", "version", "signature", "method", "protocol", "code"},
};
static struct metric_family duration = {
    .name = "tensord_request_duration_seconds",
    .help = "From the first byte of a request to its answer, of those that succeeded.",
    .kind = METRIC_HISTOGRAM,
    .labels = {"model", "version", "signature", "method", "protocol"},
    .buckets = LATENCY_SECONDS,
};
static struct metric_family stage_duration = {
    .name = "tensord_request_stage_duration_seconds",
    .help = "Parts of the requests that succeeded: read, parse, queue, run, encode, write.",
    .kind = METRIC_HISTOGRAM,
    .labels = {"model", "version", "signature", "method", "protocol", "stage"},
    .buckets = LATENCY_SECONDS_COARSE,
};

/* What the methods are called, by us and by TensorFlow Serving over gRPC and over REST; NULL: it
 * does not count them. */
static const struct {
    const char *name;
    const char *stock[2];
} methods[SERVED_METHODS] = {
    [SERVED_PREDICT] = {"predict", {"Predict", "predict"}},
    [SERVED_CLASSIFY] = {"classify", {"Classify", "classify"}},
    [SERVED_REGRESS] = {"regress", {"Regress", "regress"}},
    [SERVED_MULTI_INFERENCE] = {"multi_inference", {NULL, NULL}},
    [SERVED_METADATA] = {"metadata", {NULL, ""}},
    [SERVED_STATUS] = {"status", {NULL, ""}},
    [SERVED_RELOAD] = {"reload", {NULL, NULL}},
    [SERVED_OTHER] = {"other", {NULL, ""}},
};
static const char *const protocols[] = {"grpc", "rest"};
static const char *const entrypoints[] = {"GRPC", "REST"};
static const char *const stage_names[SERVED_STAGES] = {"read", "parse",  "queue",
                                                       "run",  "encode", "write"};

const char *served_method_name(enum served_method method)
{
    return methods[method].name;
}

const char *served_stage_name(enum served_stage stage)
{
    return stage_names[stage];
}

/* ---- what is kept ---- */

struct part {
    struct latency latency; /* counts those that succeeded */
    _Atomic int64_t failed[SERVED_CODES];
};

/* The parts of the latency: the stages, and behind them the whole. */
enum { ALL = SERVED_STAGES };
_Static_assert((int)ALL < (int)LATENCY_PARTS, "a stage too many");

struct served {
    struct served *next; /* of its version */
    struct version *version;
    struct span signature; /* owned, for what is loaded may go and come back */
    struct served_way way;
    _Atomic(struct part *) parts[SHARDS]; /* made when a thread first records */
    pthread_mutex_t mutex;                /* of the exemplars: whoever finds it taken leaves them */
    struct metric_exemplar exemplars[EXEMPLARS];
};

/* What is attached to a servable. */
struct version {
    struct servable_attachment attachment; /* first */
    const struct servable *servable;
    _Atomic(struct served *) served;
    struct version *next; /* of all; guarded by versions_mutex, like the next */
    struct version *previous;
};

static pthread_mutex_t versions_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct version *versions;

static void free_version(struct servable_attachment *attachment);

static struct version *version_of(struct servable *servable)
{
    struct servable_attachment *old =
        atomic_load_explicit(&servable->attachment, memory_order_acquire);
    if (old)
        return (struct version *)old;
    latency_prepare();
    struct version *made = calloc(1, sizeof *made);
    CHECK(made && "out of memory");
    made->attachment.free = free_version;
    made->servable = servable;
    pthread_mutex_lock(&versions_mutex);
    old = atomic_load(&servable->attachment);
    if (!old) {
        made->next = versions;
        if (versions)
            versions->previous = made;
        versions = made;
        atomic_store_explicit(&servable->attachment, &made->attachment, memory_order_release);
    }
    pthread_mutex_unlock(&versions_mutex);
    if (!old)
        return made;
    free(made);
    return (struct version *)old;
}

static struct served *find(struct version *version, struct span signature, struct served_way way)
{
    struct served *s = atomic_load_explicit(&version->served, memory_order_acquire);
    while (s && (s->way.method != way.method || s->way.is_rest != way.is_rest ||
                 !span_equal(s->signature, signature)))
        s = s->next;
    return s;
}

static struct served *add(struct version *version, struct span signature, struct served_way way)
{
    struct served *s = calloc(1, sizeof *s);
    char *name = malloc(signature.len + 1);
    CHECK(s && name && "out of memory");
    if (signature.len)
        memcpy(name, signature.ptr, signature.len);
    *s = (struct served){
        .version = version, .signature = span_make(name, signature.len), .way = way};
    pthread_mutex_init(&s->mutex, NULL);
    s->next = atomic_load_explicit(&version->served, memory_order_relaxed);
    atomic_store_explicit(&version->served, s, memory_order_release);
    return s;
}

struct served *served_at(struct servable *servable, struct span signature, struct served_way way)
{
    struct version *version = version_of(servable);
    struct served *s = find(version, signature, way);
    if (s)
        return s;
    pthread_mutex_lock(&versions_mutex);
    s = find(version, signature, way);
    if (!s)
        s = add(version, signature, way);
    pthread_mutex_unlock(&versions_mutex);
    return s;
}

/* ---- recording ---- */

static struct part *make_part(struct served *served, unsigned index)
{
    struct part *made = aligned_alloc(SHARD_LINE, sizeof *made), *old = NULL;
    CHECK(made && "out of memory");
    memset(made, 0, sizeof *made);
    if (atomic_compare_exchange_strong(&served->parts[index], &old, made))
        return made;
    free(made);
    return old;
}

static struct part *part_of(struct served *served, unsigned index)
{
    struct part *part = atomic_load_explicit(&served->parts[index], memory_order_acquire);
    return part ? part : make_part(served, index);
}

static void keep_exemplar(struct served *served, const struct served_times *times)
{
    metric_register(&duration);
    struct metric_exemplar *e = &served->exemplars[latency_bucket_of(&duration, 1e6, times->all)];
    if (pthread_mutex_trylock(&served->mutex))
        return;
    memcpy(e->trace_id, times->trace->id, sizeof e->trace_id);
    e->value = (double)times->all * clock_tick_ns() / 1e9;
    e->time_s = (double)clock_wall_us() / 1e6;
    pthread_mutex_unlock(&served->mutex);
}

/* Inlined twice: whether the part is the thread's own is asked once for all that is added. */
static inline void record_times(struct latency *latency, bool own, const struct served_times *times)
{
    shard_add_to(&latency->count, own, 1);
    latency_record(latency, own, ALL, times->all);
    for (int i = 0; i < SERVED_WRITE; i++) {
        if (times->stages[i])
            latency_record(latency, own, i, times->stages[i]);
    }
}

void served_ok(struct served *served, const struct served_times *times)
{
    unsigned index = shard_index();
    struct part *part = part_of(served, index);
    if (shard_is_own(index))
        record_times(&part->latency, true, times);
    else
        record_times(&part->latency, false, times);
    if (times->trace)
        keep_exemplar(served, times);
}

void served_written(struct served *served, int64_t ticks)
{
    unsigned index = shard_index();
    latency_record(&part_of(served, index)->latency, shard_is_own(index), SERVED_WRITE, ticks);
}

void served_failed(struct served *served, enum code code)
{
    unsigned index = shard_index();
    shard_add_at(&part_of(served, index)->failed[code], index, 1);
}

void served_without(struct span model, struct served_way way, enum code code, int64_t ticks)
{
    static atomic_int room = UNKNOWN_MODELS_MAX;
    const char *stock = methods[way.method].stock[way.is_rest];
    struct span protocol = span_of(protocols[way.is_rest]);
    const struct span ours[] = {
        {0}, {0}, {0}, span_of(methods[way.method].name), protocol, span_of(code_name(code))};
    metric_add(metric_at(&requests, ours), 1);
    if (!stock)
        return;
    /* One byte that is no UTF-8 and Prometheus takes nothing of the page. */
    const struct span values[] = {utf8_prefix(model, UNKNOWN_NAME_MAX), span_of(code_name(code))};
    metric_add(metric_at_within(&stock_requests, values, &room), 1);
    const struct span ways[] = {model, span_of(stock), span_of(entrypoints[way.is_rest])};
    if (!code)
        metric_observe(metric_at(&stock_latency, ways), (double)clock_ticks_us(ticks));
}

void served_examples(struct span model, size_t count)
{
    metric_observe(metric_at(&stock_examples, &model), (double)count);
    metric_add(metric_at(&stock_example_total, &model), (int64_t)count);
}

/* ---- reading ---- */

static void sum_up(const struct served *served, struct served_total *total)
{
    *total = (struct served_total){
        .model = served->version->servable->id.name,
        .version = served->version->servable->id.version,
        .signature = served->signature,
        .way = served->way,
    };
    for (int i = 0; i < SHARDS; i++) {
        const struct part *part = atomic_load_explicit(&served->parts[i], memory_order_acquire);
        if (!part)
            continue;
        for (int k = 0; k < SERVED_CODES; k++)
            total->codes[k] += atomic_load_explicit(&part->failed[k], memory_order_relaxed);
        total->codes[CODE_OK] += atomic_load_explicit(&part->latency.count, memory_order_relaxed);
        latency_add(&total->all, &part->latency, ALL);
        for (int k = 0; k < SERVED_STAGES; k++)
            latency_add(&total->stages[k], &part->latency, k);
    }
}

/* Where TensorFlow Serving's families are told: a page, or the cells that stay. */
struct sink {
    void (*number)(void *to, struct metric_family *family, const struct span *values, int64_t n);
    void (*histogram)(void *to, struct metric_family *family, const struct span *values,
                      const struct metric_histogram *histogram);
    void *to;
};

static void tell_stock(const struct served *served, struct span model,
                       const struct served_total *total, const struct sink *sink)
{
    struct metric_histogram histogram;
    const char *method = methods[served->way.method].stock[served->way.is_rest];
    if (!method)
        return;
    for (int code = 0; code < SERVED_CODES; code++) {
        const struct span values[] = {model, span_of(code_name((enum code)code))};
        if (total->codes[code])
            sink->number(sink->to, &stock_requests, values, total->codes[code]);
    }
    const struct span ways[] = {model, span_of(method), span_of(entrypoints[served->way.is_rest])};
    metric_register(&stock_latency);
    latency_histogram(&total->all, &stock_latency, 1, &histogram);
    if (total->all.count)
        sink->histogram(sink->to, &stock_latency, ways, &histogram);
    const struct span runs[] = {model, span_of(methods[served->way.method].stock[0]),
                                SPAN_LITERAL("TF1")};
    metric_register(&stock_runtime);
    latency_histogram(&total->stages[SERVED_RUN], &stock_runtime, 1, &histogram);
    if (total->stages[SERVED_RUN].count)
        sink->histogram(sink->to, &stock_runtime, runs, &histogram);
}

static void number_to_page(void *to, struct metric_family *family, const struct span *values,
                           int64_t n)
{
    scrape_number(to, family, values, (double)n);
}

static void histogram_to_page(void *to, struct metric_family *family, const struct span *values,
                              const struct metric_histogram *histogram)
{
    scrape_histogram(to, family, values, histogram);
}

static void number_to_cell(void *to, struct metric_family *family, const struct span *values,
                           int64_t n)
{
    (void)to;
    metric_add(metric_at(family, values), n);
}

static void histogram_to_cell(void *to, struct metric_family *family, const struct span *values,
                              const struct metric_histogram *histogram)
{
    (void)to;
    metric_merge(metric_at(family, values), histogram);
}

static const struct metric_exemplar *copy_exemplars(struct served *served, struct arena *arena)
{
    struct metric_exemplar *copy = ARENA_ARRAY(arena, struct metric_exemplar, EXEMPLARS);
    pthread_mutex_lock(&served->mutex);
    memcpy(copy, served->exemplars, sizeof served->exemplars);
    pthread_mutex_unlock(&served->mutex);
    return copy;
}

static void tell_ours(struct served *served, struct span model, struct served_total *total,
                      struct scrape *scrape)
{
    struct arena *arena = scrape_arena(scrape);
    struct metric_histogram histogram;
    long long version = served->version->servable->id.version;
    struct span values[] = {
        model,
        span_of(arena_printf(arena, "%lld", version)),
        arena_copy(arena, served->signature),
        span_of(methods[served->way.method].name),
        span_of(protocols[served->way.is_rest]),
        {0},
    };
    for (int code = 0; code < SERVED_CODES; code++) {
        values[5] = span_of(code_name((enum code)code));
        if (total->codes[code])
            scrape_number(scrape, &requests, values, (double)total->codes[code]);
    }
    if (!total->all.count)
        return;
    metric_register(&duration);
    latency_histogram(&total->all, &duration, 1e6, &histogram);
    histogram.exemplars = copy_exemplars(served, arena);
    scrape_histogram(scrape, &duration, values, &histogram);
    metric_register(&stage_duration);
    for (int i = 0; i < SERVED_STAGES; i++) {
        struct latency_sum *stage = &total->stages[i];
        if (i != SERVED_WRITE && stage->count < total->all.count)
            latency_add_zeros(stage, total->all.count - stage->count);
        values[5] = span_of(stage_names[i]);
        latency_histogram(stage, &stage_duration, 1e6, &histogram);
        scrape_histogram(scrape, &stage_duration, values, &histogram);
    }
}

static void register_all(void)
{
    static struct metric_family *const families[] = {
        &stock_requests,      &stock_latency, &stock_runtime, &stock_examples,
        &stock_example_total, &requests,      &duration,      &stage_duration};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        metric_register(families[i]);
}

void served_scrape(struct scrape *scrape)
{
    struct sink sink = {number_to_page, histogram_to_page, scrape};
    struct served_total *total = ARENA_NEW(scrape_arena(scrape), struct served_total);
    register_all();
    pthread_mutex_lock(&versions_mutex);
    for (struct version *v = versions; v; v = v->next) {
        struct span model = arena_copy(scrape_arena(scrape), v->servable->id.name);
        for (struct served *s = atomic_load(&v->served); s; s = s->next) {
            sum_up(s, total);
            tell_stock(s, model, total, &sink);
            tell_ours(s, model, total, scrape);
        }
    }
    pthread_mutex_unlock(&versions_mutex);
}

void served_each(void (*fn)(void *context, const struct served_total *total), void *context)
{
    struct served_total total;
    pthread_mutex_lock(&versions_mutex);
    for (struct version *v = versions; v; v = v->next) {
        for (struct served *s = atomic_load(&v->served); s; s = s->next) {
            sum_up(s, &total);
            fn(context, &total);
        }
    }
    pthread_mutex_unlock(&versions_mutex);
}

static void free_served(struct served *served)
{
    static const struct sink sink = {number_to_cell, histogram_to_cell, NULL};
    struct served_total total;
    sum_up(served, &total);
    tell_stock(served, served->version->servable->id.name, &total, &sink);
    for (int i = 0; i < SHARDS; i++)
        free(atomic_load(&served->parts[i]));
    pthread_mutex_destroy(&served->mutex);
    free((char *)(uintptr_t)served->signature.ptr);
    free(served);
}

static void free_version(struct servable_attachment *attachment)
{
    struct version *version = (struct version *)attachment;
    pthread_mutex_lock(&versions_mutex);
    if (version->next)
        version->next->previous = version->previous;
    if (version->previous)
        version->previous->next = version->next;
    else
        versions = version->next;
    struct served *s = atomic_load(&version->served);
    while (s) {
        struct served *next = s->next;
        free_served(s);
        s = next;
    }
    pthread_mutex_unlock(&versions_mutex);
    free(version);
}
