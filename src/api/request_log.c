/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `current` is read in an epoch section, in which the loggers that are drawn are counted; they are
 * freed with their last count, be it a configuration's, a choice's or a waiting record's.
 *
 * Records go to the writer over a stack, newest first, which it takes as a whole and turns round.
 * It sleeps when there is nothing; whoever puts something on an empty stack wakes it.
 */
#include "api/request_log.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/log_collector.h"
#include "api/record.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/epoch.h"
#include "base/log.h"
#include "base/map.h"
#include "base/random.h"
#include "base/thread.h"
#include "wire/messages.h"

enum {
    WAITING_MAX = 64 << 20, /* bytes of records that wait to be written, all together */
    TELL_US = 10000000,     /* between two words about files that can not be written */
    CLOSE_S = 2,
    MODEL_SPEC_VERSION = 2, /* the number of a field */
};

static struct metric_family logged = {
    .name = "/tensorflow/serving/request_log_count",
    .kind = METRIC_COUNTER,
    .labels = {"model_name", "status_code"},
};

struct request_logger {
    atomic_size_t refs;
    struct span config; /* owned */
    double rate;
    struct log_collector *collector; /* owned; the writer's */
    unsigned rotation;               /* of request_logs; the writer's */
};

/* The loggers of a model. */
struct model_loggers {
    struct request_logger *items[REQUEST_LOG_CHOICE_MAX]; /* each counted once */
    size_t count;
};

/* What a configuration asks for. */
struct log_table {
    struct arena arena;
    struct map models; /* struct model_loggers */
};

struct waiting {
    struct waiting *next;
    struct request_logger *logger; /* counted */
    struct span model;             /* behind the record */
    struct span record;
    char bytes[];
};

struct request_logs {
    size_t file_bytes;
    const struct span *tags; /* borrowed */
    size_t tag_count;
    _Atomic(struct log_table *) current; /* owned; NULL: nothing is logged */
    struct epoch epoch;
    _Atomic(struct waiting *) waiting;
    atomic_size_t waiting_bytes;
    atomic_uint rotation; /* how often new files were asked for */
    atomic_bool ending;
    sem_t wake;
    pthread_t thread;
    bool started;    /* with the first logger; written before anything is logged */
    int64_t told_us; /* the writer's: when it last complained */
};

/* ---- loggers ---- */

static void logger_unref(struct request_logger *logger)
{
    if (atomic_fetch_sub(&logger->refs, 1) != 1)
        return;
    log_collector_free(logger->collector);
    free((char *)(uintptr_t)logger->config.ptr);
    free(logger);
}

static enum code logger_new(const struct request_logs *logs, const struct model_logging *logging,
                            struct request_logger **logger, struct error *err)
{
    struct log_collector *collector;
    enum code code =
        log_collector_new(logging->type, logging->prefix, logs->file_bytes, &collector, err);
    if (code)
        return code;
    struct request_logger *made = calloc(1, sizeof *made);
    char *config = malloc(logging->config.len + 1);
    CHECK(made && config && "out of memory");
    if (logging->config.len)
        memcpy(config, logging->config.ptr, logging->config.len);
    *made = (struct request_logger){
        .refs = 1,
        .config = span_make(config, logging->config.len),
        .rate = logging->rate,
        .collector = collector,
        .rotation = atomic_load(&logs->rotation),
    };
    *logger = made;
    return CODE_OK;
}

static struct request_logger *find_logger(const struct log_table *table, struct span config)
{
    size_t cursor = 0;
    const struct map_slot *slot;
    while (table && (slot = map_next(&table->models, &cursor))) {
        const struct model_loggers *loggers = slot->value;
        for (size_t i = 0; i < loggers->count; i++) {
            if (span_equal(loggers->items[i]->config, config))
                return loggers->items[i];
        }
    }
    return NULL;
}

static void table_free(struct log_table *table)
{
    size_t cursor = 0;
    const struct map_slot *slot;
    if (!table)
        return;
    while ((slot = map_next(&table->models, &cursor))) {
        const struct model_loggers *loggers = slot->value;
        for (size_t i = 0; i < loggers->count; i++)
            logger_unref(loggers->items[i]);
    }
    arena_release(&table->arena);
    free(table);
}

static void run(void *context);

/* ---- configurations ---- */

/* One that is there already, in this configuration or the one in force, or a new one. */
static enum code take_logger(struct request_logs *logs, const struct log_table *table,
                             const struct model_logging *logging, struct request_logger **logger,
                             struct error *err)
{
    *logger = find_logger(table, logging->config);
    if (!*logger)
        *logger = find_logger(atomic_load(&logs->current), logging->config);
    if (!*logger)
        return logger_new(logs, logging, logger, err);
    atomic_fetch_add(&(*logger)->refs, 1);
    return CODE_OK;
}

static enum code add_model(struct request_logs *logs, struct log_table *table,
                           const struct model_config *model, struct error *err)
{
    if (!model->logging_count)
        return CODE_OK;
    if (model->logging_count > REQUEST_LOG_CHOICE_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "Model %s has %zu loggers; %d are allowed",
                         model->name, model->logging_count, REQUEST_LOG_CHOICE_MAX);
    struct model_loggers *loggers = ARENA_NEW(&table->arena, struct model_loggers);
    map_put(&table->models, arena_copy(&table->arena, span_of(model->name)), loggers);
    for (size_t i = 0; i < model->logging_count; i++) {
        struct request_logger *logger;
        enum code code = take_logger(logs, table, &model->loggings[i], &logger, err);
        if (code)
            return code;
        loggers->items[loggers->count++] = logger;
    }
    return CODE_OK;
}

enum code request_logs_prepare(void *context, const struct model_configs *configs, void **prepared,
                               struct error *err)
{
    struct request_logs *logs = context;
    struct log_table *table = calloc(1, sizeof *table);
    CHECK(table && "out of memory");
    arena_init(&table->arena, ARENA_FIRST_BLOCK);
    map_init(&table->models, &table->arena);
    enum code code = CODE_OK;
    for (size_t i = 0; !code && i < configs->count; i++)
        code = add_model(logs, table, &configs->models[i], err);
    if (!code && table->models.count && !logs->started) {
        code = thread_start(&logs->thread, "request log", run, logs, err);
        logs->started = !code;
    }
    if (code || !table->models.count) {
        table_free(table);
        table = NULL;
    }
    *prepared = table;
    return code;
}

void request_logs_commit(void *context, void *prepared)
{
    struct request_logs *logs = context;
    struct log_table *old = atomic_exchange(&logs->current, (struct log_table *)prepared);
    if (!old)
        return;
    epoch_wait(&logs->epoch);
    table_free(old);
}

void request_logs_reopen(struct request_logs *logs)
{
    atomic_fetch_add(&logs->rotation, 1);
}

/* ---- requests ---- */

static void draw(const struct log_table *table, struct span model,
                 struct request_log_choice *choice)
{
    const struct model_loggers *loggers = table ? map_get(&table->models, model) : NULL;
    for (size_t i = 0; loggers && i < loggers->count; i++) {
        struct request_logger *logger = loggers->items[i];
        if (logger->rate < 1 && random_fraction() >= logger->rate)
            continue;
        atomic_fetch_add_explicit(&logger->refs, 1, memory_order_relaxed);
        choice->loggers[choice->count++] = logger;
    }
}

bool request_logs_choose(struct request_logs *logs, struct span model,
                         struct request_log_choice *choice)
{
    choice->count = 0;
    if (!logs || !atomic_load_explicit(&logs->current, memory_order_relaxed))
        return false;
    struct epoch_section section = epoch_enter(&logs->epoch);
    draw(atomic_load(&logs->current), model, choice);
    epoch_leave(section);
    return choice->count > 0;
}

static void count(struct span model, enum code code)
{
    const struct span values[] = {model, span_of(code_name(code))};
    metric_add(metric_at(&logged, values), 1);
}

static struct pb_log_metadata *metadata_of(const struct request_logs *logs,
                                           const struct request_logger *logger,
                                           const struct request_log_entry *entry,
                                           struct arena *arena)
{
    struct pb_log_metadata *metadata = ARENA_NEW(arena, struct pb_log_metadata);
    struct pb_model_spec *spec = ARENA_NEW(arena, struct pb_model_spec);
    struct pb_logging_config config;
    spec->name = entry->servable->id.name;
    spec->signature_name = entry->signature;
    spec->version_choice_case = MODEL_SPEC_VERSION;
    spec->version = ARENA_NEW(arena, struct pb_int64_value);
    spec->version->value = entry->servable->id.version;
    metadata->model_spec = spec;
    if (!pb_decode(&pb_logging_config_type, logger->config, arena, &config, NULL))
        metadata->sampling_config = config.sampling_config;
    metadata->saved_model_tags =
        (struct pb_spans){(struct span *)(uintptr_t)logs->tags, logs->tag_count};
    metadata->timestamp_secs = clock_wall_us() / 1000000;
    if (entry->trace)
        metadata->traceparent = trace_response(entry->trace, arena_alloc(arena, TRACE_PARENT_SIZE));
    return metadata;
}

/* The bytes of the PredictionLog; false: it is larger than a message may be. */
static bool encode(const struct request_logs *logs, const struct request_logger *logger,
                   const struct request_log_entry *entry, struct arena *arena, struct span *bytes)
{
    struct pb_serialized_call_log *call = ARENA_NEW(arena, struct pb_serialized_call_log);
    *call = (struct pb_serialized_call_log){entry->request, entry->response};
    const struct pb_serialized_prediction_log log = {
        .log_metadata = metadata_of(logs, logger, entry, arena),
        .log_type_case = entry->kind,
        .predict_log = call, /* all of them in one place */
    };
    return !pb_encode_large(&pb_serialized_prediction_log_type, &log, arena, bytes, NULL);
}

/* Takes the logger's count with it; false: there is no room. */
static bool push(struct request_logs *logs, struct request_logger *logger, struct span model,
                 struct span record)
{
    size_t size = sizeof(struct waiting) + record.len + model.len;
    if (atomic_fetch_add(&logs->waiting_bytes, size) + size > WAITING_MAX) {
        atomic_fetch_sub(&logs->waiting_bytes, size);
        return false;
    }
    struct waiting *w = malloc(size);
    CHECK(w && "out of memory");
    memcpy(w->bytes, record.ptr, record.len);
    memcpy(w->bytes + record.len, model.ptr, model.len);
    w->record = span_make(w->bytes, record.len);
    w->model = span_make(w->bytes + record.len, model.len);
    w->logger = logger;
    struct waiting *below = atomic_load(&logs->waiting);
    do
        w->next = below;
    while (!atomic_compare_exchange_weak(&logs->waiting, &below, w));
    /* From here on it is the writer's. */
    if (!below)
        sem_post(&logs->wake);
    return true;
}

void request_logs_add(struct request_logs *logs, struct request_log_choice *choice,
                      const struct request_log_entry *entry, struct arena *arena)
{
    struct span model = entry->servable->id.name, record;
    for (size_t i = 0; i < choice->count; i++) {
        struct request_logger *logger = choice->loggers[i];
        if (encode(logs, logger, entry, arena, &record) && push(logs, logger, model, record))
            continue;
        count(model, CODE_RESOURCE_EXHAUSTED);
        logger_unref(logger);
    }
    choice->count = 0;
}

/* ---- writing ---- */

static void complain(struct request_logs *logs, const struct error *err)
{
    int64_t now_us = clock_now_us();
    if (now_us < logs->told_us + TELL_US)
        return;
    logs->told_us = now_us;
    log_error("A request could not be logged: %s", err->message);
}

static void write_one(struct request_logs *logs, const struct waiting *w, struct arena *arena)
{
    struct error err;
    struct request_logger *logger = w->logger;
    unsigned rotation = atomic_load(&logs->rotation);
    if (logger->rotation != rotation)
        log_collector_rotate(logger->collector);
    logger->rotation = rotation;
    enum code code = log_collector_add(logger->collector, w->record, arena, &err);
    if (code)
        complain(logs, &err);
    count(w->model, code);
    arena_reset(arena);
}

static struct waiting *take_all(struct request_logs *logs)
{
    struct waiting *newest = atomic_exchange(&logs->waiting, NULL), *oldest = NULL;
    while (newest) {
        struct waiting *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static void write_all(struct request_logs *logs, struct arena *arena)
{
    struct waiting *w = take_all(logs);
    while (w) {
        struct waiting *next = w->next;
        write_one(logs, w, arena);
        atomic_fetch_sub(&logs->waiting_bytes, sizeof *w + w->record.len + w->model.len);
        logger_unref(w->logger);
        free(w);
        w = next;
    }
}

static void run(void *context)
{
    struct request_logs *logs = context;
    struct arena arena;
    bool over;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    do {
        while (sem_wait(&logs->wake) && errno == EINTR)
            ;
        over = atomic_load(&logs->ending);
        write_all(logs, &arena);
    } while (!over);
    arena_release(&arena);
}

struct request_logs *request_logs_new(size_t file_bytes, const struct span *tags, size_t tag_count)
{
    struct request_logs *logs = aligned_alloc(SHARD_LINE, sizeof *logs);
    CHECK(logs && "out of memory");
    memset(logs, 0, sizeof *logs);
    logs->file_bytes = file_bytes;
    logs->tags = tags;
    logs->tag_count = tag_count;
    logs->told_us = clock_now_us() - TELL_US;
    epoch_init(&logs->epoch);
    sem_init(&logs->wake, 0, 0);
    metric_register(&logged);
    return logs;
}

void request_logs_free(struct request_logs *logs)
{
    struct timespec until;
    if (!logs)
        return;
    atomic_store(&logs->ending, true);
    sem_post(&logs->wake);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLOSE_S;
    if (logs->started && pthread_timedjoin_np(logs->thread, NULL, &until)) {
        log_warning("Not all requests that were to be logged could be written");
        return;
    }
    table_free(atomic_load(&logs->current));
    epoch_release(&logs->epoch);
    sem_destroy(&logs->wake);
    free(logs);
}
