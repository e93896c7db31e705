/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct log_collector: files of PredictionLog, one after the other:
 * PREFIX-<UTC time>-<process>-<number>.tfrecord, or .jsonl. A file is new, never one that was there
 * before; each holds whole records only.
 *
 *   tfrecord   TFRecord: also what assets.extra/tf_serving_warmup_requests wants to be
 *   json       protobuf's JSON, a message a line
 */
#ifndef API_LOG_COLLECTOR_H
#define API_LOG_COLLECTOR_H

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"

struct log_collector;

/* Opens the first file. NOT_FOUND `Cannot find LogCollector::Factory for type: T`;
 * INVALID_ARGUMENT for a prefix that is empty; as file_error() says. */
enum code log_collector_new(struct span type, struct span prefix, size_t file_bytes,
                            struct log_collector **collector, struct error *err);

/* Removes a file in which nothing was written. NULL is fine. */
void log_collector_free(struct log_collector *collector);

/* Adds an encoded PredictionLog; the arena is for what it takes to do so. One thread at a time. */
enum code log_collector_add(struct log_collector *collector, struct span record,
                            struct arena *arena, struct error *err);

/* The next record begins a new file. Like log_collector_add(). */
void log_collector_rotate(struct log_collector *collector);

#endif
