/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct served: what is counted of the requests that one signature of one version has answered by
 * one method over one protocol. It is found once per request, by comparing a few words, and has a
 * part for each thread; all families of the page that tell of requests are made of these when a
 * page is asked for (reference 7.2, and our own tensord_request...).
 *
 * It lives as long as its version. What TensorFlow Serving's families say of it, who count by model
 * alone, is kept when it goes; ours end with the version.
 */
#ifndef API_SERVED_H
#define API_SERVED_H

#include "core/servable.h"
#include "monitoring/latency.h"
#include "monitoring/scrape.h"

struct trace;

enum served_method {
    SERVED_PREDICT,
    SERVED_CLASSIFY,
    SERVED_REGRESS,
    SERVED_MULTI_INFERENCE,
    SERVED_METADATA,
    SERVED_STATUS,
    SERVED_RELOAD,
    SERVED_OTHER, /* over REST: what is no request at all */
    SERVED_METHODS,
};

/* The stages of a request, each beginning where the one before ends. */
enum served_stage {
    SERVED_READ,   /* from the first byte to the last */
    SERVED_PARSE,  /* reading the message, finding the model, decoding tensors */
    SERVED_QUEUE,  /* for a worker */
    SERVED_RUN,    /* in the model */
    SERVED_ENCODE, /* the answer */
    SERVED_WRITE,  /* until the socket has taken it */
    SERVED_STAGES,
};

enum { SERVED_CODES = CODE_UNAUTHENTICATED + 1 };

/* "predict", "read": as in labels. */
const char *served_method_name(enum served_method method);
const char *served_stage_name(enum served_stage stage);

struct served_way {
    enum served_method method;
    bool is_rest;
};

/* The one for this; the signature's name is the version's own, or empty. Any thread; a lock only
 * the first time. */
struct served *served_at(struct servable *servable, struct span signature, struct served_way way);

/* A request that succeeded, in ticks: all in all, and each stage but SERVED_WRITE; 0: it did not
 * take place. `trace` may be NULL. */
struct served_times {
    int64_t all;
    int64_t stages[SERVED_STAGES];
    const struct trace *trace;
};
void served_ok(struct served *served, const struct served_times *times);

/* The answer is out. */
void served_written(struct served *served, int64_t ticks);

/* One that failed. */
void served_failed(struct served *served, enum code code);

/* One that did not get as far as a model, or is about none; `model`: as it was asked for. */
void served_without(struct span model, struct served_way way, enum code code, int64_t ticks);

/* So many examples in one request of MultiInference. */
void served_examples(struct span model, size_t count);

void served_scrape(struct scrape *scrape);

/* What has been counted until now of one method, signature and version: how many ended with each
 * code, and the times of those that succeeded. */
struct served_total {
    struct span model;
    int64_t version;
    struct span signature;
    struct served_way way;
    int64_t codes[SERVED_CODES];
    struct latency_sum all;
    struct latency_sum stages[SERVED_STAGES];
};

/* Tells all of them; `total` and its texts are gone when `fn` returns. No version comes or goes
 * meanwhile. */
void served_each(void (*fn)(void *context, const struct served_total *total), void *context);

#endif
