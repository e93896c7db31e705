/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is counted of a request (reference 7.2): TensorFlow Serving's own request_count,
 * request_latency and runtime_latency. A record is begun when the request comes in and closed just
 * before it is answered; in between whoever finds out adds the model and the time of the run.
 */
#ifndef API_RECORD_H
#define API_RECORD_H

#include "core/servable.h"
#include "net/exchange.h"

enum record_method {
    RECORD_PREDICT,
    RECORD_CLASSIFY,
    RECORD_REGRESS,
    RECORD_OTHER, /* over REST: status, metadata, what is no request at all */
    RECORD_METHODS,
};

struct record {
    enum record_method method;
    bool is_rest;
    struct span model;         /* as asked for; empty: not known (yet) */
    struct servable *servable; /* what answers; NULL: not known */
    int64_t run_ns;            /* in the model; 0: it did not run */
};

/* Begins it, in the exchange's arena. */
struct record *record_begin(struct exchange *exchange, enum record_method method, bool is_rest);

/* Closes it, if one was begun: the exchange is answered with this code next. Any thread. */
void record_end(struct exchange *exchange, enum code code);

#endif
