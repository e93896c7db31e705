/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record keeps how long each stage took, and when some of them ended. In the order of time:
 *
 *   read | parse | queue | parse | queue | parse | run | encode | write
 *
 * where the first queue is that for a worker, the second that for a batch, and what was not passed
 * through is left out. From there to the answer it is the thread that closed the record which is
 * busy with it: the loop's own when there was no queue. What a thread does for a whole batch is an
 * event of its own (batching_session.c).
 */
#include "api/record_event.h"

#include "base/thread.h"
#include "monitoring/recording.h"

struct timeline {
    struct recording_part parts[RECORDING_PARTS_MAX];
    size_t count;
    int64_t at; /* the end of the last part */
};

static void pass(struct timeline *line, enum served_stage stage, int64_t until, bool on_thread)
{
    if (until <= line->at)
        return;
    line->parts[line->count++] =
        (struct recording_part){served_stage_name(stage), line->at, until, on_thread};
    line->at = until;
}

static void make_timeline(struct timeline *line, const struct record *record, int64_t written)
{
    const int64_t *stages = record->times.stages;
    const struct run_note *run = &record->run;
    bool has_run = run->start != 0, alone = !run->queued;
    int64_t batched = has_run ? run->start : record->stage;
    int64_t for_batch = alone ? 0 : batched - run->queued;
    line->at = record->begun - stages[SERVED_READ];
    pass(line, SERVED_READ, record->begun, false);
    if (record->taken) {
        pass(line, SERVED_PARSE, record->taken - (stages[SERVED_QUEUE] - for_batch), false);
        pass(line, SERVED_QUEUE, record->taken, false);
    }
    if (!alone) {
        pass(line, SERVED_PARSE, run->queued, false);
        pass(line, SERVED_QUEUE, batched, false);
    }
    if (has_run) {
        pass(line, SERVED_PARSE, run->start, alone);
        pass(line, SERVED_RUN, run->end, alone);
    }
    pass(line, has_run ? SERVED_ENCODE : SERVED_PARSE, record->stage, alone);
    pass(line, SERVED_WRITE, written, false);
}

struct values {
    struct recording_value items[RECORDING_VALUES_MAX];
    size_t count;
};

static void text(struct values *values, const char *name, struct span value)
{
    if (value.len)
        values->items[values->count++] = (struct recording_value){.name = name, .text = value};
}

static void number(struct values *values, const char *name, int64_t value)
{
    values->items[values->count++] = (struct recording_value){.name = name, .number = value};
}

static void make_values(struct values *values, const struct exchange *exchange,
                        const struct record *record, const struct net_report *report)
{
    bool is_rpc = report->protocol == NET_GRPC;
    text(values, "model", record->model);
    if (record->servable)
        number(values, "version", record->servable->id.version);
    text(values, "signature", record->run.signature);
    text(values, "protocol", is_rpc ? SPAN_LITERAL("grpc") : SPAN_LITERAL("rest"));
    text(values, "path", exchange->path);
    text(values, "code", span_of(code_name(record->code)));
    if (!is_rpc)
        number(values, "status", report->status);
    if (report->lost)
        number(values, "lost", 1);
    number(values, "bytes_in", (int64_t)report->in);
    number(values, "bytes_out", (int64_t)report->out);
    if (record->trace) {
        text(values, "trace", span_of(record->trace->id));
        text(values, "span", span_of(record->trace->span));
    }
}

void record_event_add(const struct exchange *exchange, const struct record *record,
                      const struct net_report *report)
{
    struct timeline line = {.count = 0};
    struct values values = {.count = 0};
    make_timeline(&line, record, report->written);
    make_values(&values, exchange, record, report);
    recording_add(&(struct recording_event){
        .name = served_method_name(record->way.method),
        .begin = record->begun - record->times.stages[SERVED_READ],
        .end = line.at,
        .level = RECORDING_REQUESTS,
        .home = thread_id(),
        .thread = record->thread,
        .parts = line.parts,
        .part_count = line.count,
        .values = values.items,
        .value_count = values.count,
    });
}
