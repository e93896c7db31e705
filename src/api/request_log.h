/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct request_logs: requests and their answers, as PredictionLog messages, in files (reference
 * 7.3): what a model's logging_config asks for. A request that succeeded is drawn with the chance
 * sampling_rate, and handed to a thread that writes; it never waits for that thread. What waits to
 * be written is bounded; what exceeds that is dropped and counted (request_log_count).
 *
 * A configuration's loggers are made before it is in force, so that one that can not be made leaves
 * everything as it was. Models with the same logging_config share a logger, and so do a
 * configuration and the one before it.
 */
#ifndef API_REQUEST_LOG_H
#define API_REQUEST_LOG_H

#include "api/trace.h"
#include "core/model_config.h"
#include "core/servable.h"
#include "servables/tensorflow/prediction_log.h"

struct request_logs;

/* A file is followed by the next when it has so many bytes. */
struct request_logs *request_logs_new(size_t file_bytes, const struct span *tags, size_t tag_count);

/* Writes what waits, for at most two seconds. NULL is fine. */
void request_logs_free(struct request_logs *logs);

/* A config_follower's functions. NOT_FOUND `Cannot find LogCollector::Factory for type: T`; what
 * opening the first file says. */
enum code request_logs_prepare(void *logs, const struct model_configs *configs, void **prepared,
                               struct error *err);
void request_logs_commit(void *logs, void *prepared);

/* New files, from the next record on. Any thread. */
void request_logs_reopen(struct request_logs *logs);

/* The loggers that a request was drawn for; it is to be given to request_logs_add(). */
enum { REQUEST_LOG_CHOICE_MAX = 8 };
struct request_log_choice {
    struct request_logger *loggers[REQUEST_LOG_CHOICE_MAX];
    size_t count;
};

/* Draws; false: for none. Any thread; no lock. */
bool request_logs_choose(struct request_logs *logs, struct span model,
                         struct request_log_choice *choice);

struct request_log_entry {
    enum prediction_log_kind kind;
    struct span request; /* messages, encoded */
    struct span response;
    const struct servable *servable;
    struct span signature;
    const struct trace *trace; /* NULL: none */
};

/* Copies the entry for each logger of the choice, through the arena. Any thread; does not wait. */
void request_logs_add(struct request_logs *logs, struct request_log_choice *choice,
                      const struct request_log_entry *entry, struct arena *arena);

#endif
