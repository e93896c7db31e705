/* SPDX-License-Identifier: Apache-2.0 */
#include "api/record.h"

#include "api/access_log.h"
#include "api/api.h"
#include "api/record_event.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "monitoring/log_file.h"
#include "monitoring/recording.h"

/* ---- the trace ---- */

/* Most requests have none: a look at the lengths of the names is all they pay for. */
static struct span find_parent(const struct exchange *exchange)
{
    static const struct span name = {"traceparent", 11};
    for (size_t i = 0; i < exchange->header_count; i++) {
        if (span_equal(exchange->headers[i].name, name))
            return exchange->headers[i].value;
    }
    return (struct span){0};
}

static const struct trace *take_trace(struct exchange *exchange)
{
    struct span text = find_parent(exchange);
    struct trace trace;
    if (!text.len || !trace_parse(text, &trace))
        return NULL;
    trace_begin(&trace);
    struct trace *kept = ARENA_NEW(&exchange->arena, struct trace);
    *kept = trace;
    exchange->answer_header = (struct exchange_header){
        SPAN_LITERAL("traceresponse"),
        trace_response(kept, arena_alloc(&exchange->arena, TRACE_PARENT_SIZE)),
    };
    return kept;
}

/* ---- stages ---- */

/* When this thread last closed a record, in which turn of its loop. A request that comes in the
 * same turn begins then: one look at the clock does for both. */
static _Thread_local struct {
    int64_t turn_us;
    int64_t ticks;
} last;

static int64_t begin_ticks(const struct exchange *exchange)
{
    return last.turn_us == exchange->handed_us ? last.ticks : clock_ticks();
}

struct record *record_begin(struct exchange *exchange, struct api *api, struct served_way way)
{
    struct record *record = ARENA_NEW(&exchange->arena, struct record);
    record->way = way;
    record->is_timed = atomic_load_explicit(&api->watched, memory_order_relaxed) > 0;
    record->begun = record->stage = record->is_timed ? begin_ticks(exchange) : 0;
    record->trace = take_trace(exchange);
    exchange->note = record;
    return record;
}

static void end_stage(struct record *record, enum served_stage stage, int64_t now)
{
    record->times.stages[stage] += now - record->stage;
    record->stage = now;
}

void record_stage(struct exchange *exchange, enum served_stage stage)
{
    struct record *record = exchange->note;
    if (!record || !record->is_timed)
        return;
    end_stage(record, stage, clock_ticks());
    if (stage == SERVED_QUEUE)
        record->taken = record->stage;
}

/* Net keeps microseconds. */
static int64_t ticks_of_us(int64_t us)
{
    return us > 0 ? (int64_t)((double)us * 1e3 / clock_tick_ns()) : 0;
}

/* The session knows when the run began and ended. */
static void end_all_stages(struct record *record, const struct exchange *exchange)
{
    int64_t now = clock_ticks();
    bool has_run = record->run.start != 0;
    if (record->run.queued) {
        end_stage(record, SERVED_PARSE, record->run.queued);
        end_stage(record, SERVED_QUEUE, has_run ? record->run.start : now);
    }
    if (has_run) {
        end_stage(record, SERVED_PARSE, record->run.start);
        end_stage(record, SERVED_RUN, record->run.end);
    }
    end_stage(record, has_run ? SERVED_ENCODE : SERVED_PARSE, now);
    record->times.stages[SERVED_READ] = ticks_of_us(exchange->handed_us - exchange->start_us);
    record->times.all = now - record->begun + record->times.stages[SERVED_READ];
    record->times.trace = record->trace;
    record->thread = thread_id();
    last.turn_us = exchange->handed_us;
    last.ticks = now;
}

void record_end(struct exchange *exchange, enum code code)
{
    struct record *record = exchange->note;
    if (!record)
        return;
    record->code = code;
    if (!record->is_timed)
        return;
    end_all_stages(record, exchange);
    if (!record->servable) {
        served_without(record->model, record->way, code, record->times.all);
        return;
    }
    record->served = served_at(record->servable, record->run.signature, record->way);
    if (code)
        served_failed(record->served, code);
    else
        served_ok(record->served, &record->times);
}

static void add_line(struct log_file *file, const struct exchange *exchange,
                     const struct record *record, const struct net_report *report)
{
    char text[ACCESS_LINE_MAX];
    bool json = !strcmp(log_format(), "json");
    log_file_add(file, access_line(exchange, record, report, json, text));
}

void record_finished(struct exchange *exchange, const struct net_report *report, void *api)
{
    struct record *record = exchange->note;
    const struct api *a = api;
    if (record && record->is_timed) {
        record->times.stages[SERVED_WRITE] = report->written - record->stage;
        if (record->served && !record->code && !report->lost)
            served_written(record->served, record->times.stages[SERVED_WRITE]);
        if (recording_wants(RECORDING_REQUESTS))
            record_event_add(exchange, record, report);
    }
    if (a->access_log)
        add_line(a->access_log, exchange, record, report);
}
