/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct record: what is noted of a request on its way: for the page of metrics (served.h) and the
 * logs. It is begun when the request comes in and closed just before it is answered; in between
 * whoever finds out adds the model, the version and the signature.
 *
 * Time is taken once where a stage ends and the next begins, and only if there is a page, a log or
 * a profile that wants to know.
 */
#ifndef API_RECORD_H
#define API_RECORD_H

#include "api/served.h"
#include "api/trace.h"
#include "engine/run.h"
#include "net/server.h"

struct api;

struct record {
    struct served_way way;
    bool is_timed;
    struct span model;         /* as asked for; empty: not known (yet) */
    struct servable *servable; /* what answers; NULL: not known */
    struct run_note run;       /* `signature` is set as soon as it is known */
    const struct trace *trace; /* in the exchange's arena; NULL: the client sent none */
    struct served *served;     /* once it is closed and was counted there */
    struct served_times times; /* ditto */
    int64_t begun;             /* ticks */
    int64_t stage;             /* when the stage that is under way began */
    int64_t taken;             /* when a worker took it; 0: none did */
    int thread;                /* thread_id() of who closed it */
    enum code code;            /* once it is closed */
};

/* Begins it, in the exchange's arena, and sees to its trace. */
struct record *record_begin(struct exchange *exchange, struct api *api, struct served_way way);

/* The stage that is under way ends. */
void record_stage(struct exchange *exchange, enum served_stage stage);

/* Closes it, if one was begun: the exchange is answered with this code next. Any thread. */
void record_end(struct exchange *exchange, enum code code);

/* The net_finished_fn: the answer is out. */
void record_finished(struct exchange *exchange, const struct net_report *report, void *api);

#endif
