/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch that is one whole task, and needs no padding, is run as if there was no batching: from
 * the request's tensors into its arena. Else the inputs are merged in an arena of the batch, and
 * each task gets copies of its rows of the outputs in the arena of its request. Pieces of a task
 * that was split may be run on several threads at once; they meet under the queue's lock.
 */
#include "servables/tensorflow/batch_run.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"
#include "monitoring/metrics.h"
#include "monitoring/recording.h"
#include "servables/tensorflow/batch_rows.h"
#include "wire/decimal.h"

#define NAME(name) "/tensorflow/serving/batching_session/" name
#define SIZE_BUCKETS                                                                               \
    {                                                                                              \
        1, 2, 14                                                                                   \
    }

static struct metric_family queuing_latency = {
    .name = NAME("queuing_latency"),
    .kind = METRIC_HISTOGRAM,
    .labels = {"thread_pool_name"},
    .buckets = {100, 1.2, 52},
};

static struct metric_family wrapped_runs = {
    .name = NAME("wrapped_run_count"),
    .kind = METRIC_COUNTER,
};

static struct metric_family padding_sizes = {
    .name = NAME("padding_size"),
    .kind = METRIC_HISTOGRAM,
    .labels = {"execution_batch_size"},
    .buckets = SIZE_BUCKETS,
};

static struct metric_family input_sizes = {
    .name = NAME("input_batch_size"),
    .kind = METRIC_HISTOGRAM,
    .buckets = SIZE_BUCKETS,
};

static struct metric_family processed_sizes = {
    .name = NAME("processed_batch_size"),
    .kind = METRIC_HISTOGRAM,
    .buckets = SIZE_BUCKETS,
};

struct metric_cell *batch_run_latency(const char *thread_pool_name)
{
    struct span name = span_of(thread_pool_name);
    return metric_at(&queuing_latency, &name);
}

static void count_run(int64_t rows, int64_t padded)
{
    char text[24];
    struct span label = {text, decimal_print_uint(text, (uint64_t)padded)};
    metric_add(metric_at(&wrapped_runs, NULL), 1);
    metric_observe(metric_at(&processed_sizes, NULL), (double)padded);
    metric_observe(metric_at(&padding_sizes, &label), (double)(padded - rows));
}

static void count_task(const struct session_task *task, int64_t rows, int64_t waited_us)
{
    struct metric_cell *sizes = metric_at(&input_sizes, NULL);
    size_t inputs = session_signature_info(task->signature)->input_count;
    metric_observe(session_batching(session_of(task->signature))->latency, (double)waited_us);
    for (size_t i = 0; i < inputs; i++)
        metric_observe(sizes, (double)rows);
}

/* ---- a task's end ---- */

static struct session_task *task_of(const struct batch_piece *piece)
{
    return (struct session_task *)(void *)((char *)piece->task -
                                           offsetof(struct session_task, batch.task));
}

static size_t output_count(const struct session_task *task)
{
    return task->wanted ? task->wanted_count
                        : session_signature_info(task->signature)->output_count;
}

/* The task's output i among those of its queue. */
static const struct tensor *output_of(const struct session_task *task, const struct tensor *outputs,
                                      size_t i)
{
    return &outputs[task->wanted && !task->batch.queue->wanted ? (size_t)task->wanted[i] : i];
}

/* A handle means nothing to a client: whoever answers refuses it. */
static bool has_bytes(const struct tensor *tensor)
{
    return tensor->dtype != DTYPE_RESOURCE && tensor->dtype != DTYPE_VARIANT;
}

static enum code begin_outputs(struct session_task *task, const struct tensor *outputs,
                               struct error *err)
{
    enum code code = CODE_OK;
    arena_set_limit(task->run->arena, memory_request_limit());
    for (size_t i = 0; !code && i < output_count(task); i++) {
        const struct tensor *from = output_of(task, outputs, i);
        struct shape shape = from->shape;
        shape.dims[0] = task->batch.task.size;
        task->outputs[i] = (struct tensor){.dtype = from->dtype, .shape = shape};
        if (has_bytes(from))
            code = tensor_alloc(&task->outputs[i], from->dtype, &shape, task->run->arena, err);
    }
    task->batch.has_memory = !code;
    return code;
}

/* The piece's rows of a batch's outputs, from row `at` on. */
static enum code take_rows(const struct batch_piece *piece, const struct tensor *outputs,
                           int64_t at, struct error *err)
{
    struct session_task *task = task_of(piece);
    enum code code = task->batch.has_memory ? CODE_OK : begin_outputs(task, outputs, err);
    for (size_t i = 0; !code && i < output_count(task); i++) {
        struct batch_rows rows = {output_of(task, outputs, i), at, piece->size};
        if (!batch_rows_fit(rows.tensor, &task->outputs[i], false))
            code = error_set(err, CODE_INTERNAL,
                             "Tensor concat operation failed: the parts of a request that was "
                             "split have answers of different shapes");
        else if (has_bytes(rows.tensor))
            code = batch_rows_copy(&rows, &task->outputs[i], piece->first, task->run->arena, err);
    }
    return code;
}

/* What came of a run for all pieces that were in it. */
struct outcome {
    enum code code;
    struct error *err;
    const struct tensor *outputs;
    const struct run_note *note;
};

static void note_error(struct session_task *task, const struct error *err)
{
    if (task->batch.error)
        return;
    task->batch.error = ARENA_NEW(task->run->arena, struct error);
    *task->batch.error = *err;
}

static void note_times(struct session_task *task, const struct run_note *note)
{
    struct run_note *to = task->run->note;
    if (!to || !note)
        return;
    to->start = to->start ? to->start : note->start;
    to->end = note->end;
}

static void end_task(struct session_task *task)
{
    struct error *err = task->batch.error;
    task->on_done(task, err ? err->code : CODE_OK, err);
}

/* The piece is over, and with the last one its task; neither is there after that. */
static void end_piece(struct batch_piece *piece, const struct outcome *outcome, int64_t at)
{
    struct session_task *task = task_of(piece);
    struct error err;
    bool is_shared = task->batch.task.piece_count > 1;
    if (is_shared)
        pthread_mutex_lock(&task->batch.queue->mutex);
    if (outcome->code)
        note_error(task, outcome->err);
    else if (!task->batch.error && outcome->outputs && take_rows(piece, outcome->outputs, at, &err))
        note_error(task, &err);
    note_times(task, outcome->note);
    /* The first piece is a part of the task, which whoever counts the last one may end at once. */
    batch_piece_release(piece);
    bool is_last = ++task->batch.done_count == task->batch.task.piece_count;
    if (is_shared)
        pthread_mutex_unlock(&task->batch.queue->mutex);
    if (is_last)
        end_task(task);
}

/* ---- running ---- */

/* Pieces whose inputs fit together. */
struct group {
    struct batching_queue *queue;
    struct batch_piece **pieces;
    size_t count;
    int64_t rows;
    int64_t padded; /* rows, rounded up to a size that is allowed */
};

static enum code check_outputs(const struct tensor *outputs, size_t count, int64_t rows,
                               struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!outputs[i].shape.rank)
            return error_set(err, CODE_FAILED_PRECONDITION,
                             "Batched output tensor has 0 dimensions");
        if (outputs[i].shape.dims[0] != rows)
            return error_set(err, CODE_FAILED_PRECONDITION,
                             "Batched output tensor's 0th dimension does not equal the sum of the "
                             "0th dimension sizes of the input tensors");
    }
    return CODE_OK;
}

/* Runs a task by itself, whose answers have to have so many rows. */
static enum code run_one(struct session_task *task, int64_t rows, struct error *err)
{
    enum code code = session_task_run(task, err);
    return code ? code : check_outputs(task->outputs, output_count(task), rows, err);
}

/* A task that is the whole of a batch. */
static void run_directly(const struct group *group)
{
    struct session_task *task = task_of(group->pieces[0]);
    struct error err;
    count_run(group->rows, group->padded);
    enum code code = run_one(task, task->batch.is_empty ? 0 : group->rows, &err);
    end_piece(group->pieces[0], &(struct outcome){.code = code, .err = &err}, 0);
}

static enum code merge(const struct group *group, struct arena *arena, struct tensor *feeds,
                       struct error *err)
{
    const struct session_task *task = task_of(group->pieces[0]);
    size_t input_count = session_signature_info(task->signature)->input_count;
    struct batch_rows *parts = ARENA_ARRAY(arena, struct batch_rows, group->count);
    enum code code = CODE_OK;
    for (size_t i = 0; !code && i < input_count; i++) {
        for (size_t k = 0; k < group->count; k++) {
            const struct batch_piece *piece = group->pieces[k];
            parts[k] = (struct batch_rows){&task_of(piece)->inputs[i], piece->first, piece->size};
        }
        code = batch_rows_merge(parts, group->count, group->padded - group->rows, arena, &feeds[i],
                                err);
    }
    return code;
}

/* Who waits longest says how long the run may take. */
static int64_t latest_deadline(const struct group *group)
{
    int64_t latest = INT64_MIN;
    for (size_t i = 0; i < group->count; i++) {
        int64_t deadline = task_of(group->pieces[i])->run->deadline_us;
        latest = deadline > latest ? deadline : latest;
    }
    return latest;
}

/* Is it worth another try, with each by itself? */
static bool may_be_one_only(const struct group *group, enum code code)
{
    return code && code != CODE_DEADLINE_EXCEEDED && group->count > 1 &&
           !session_changes_state(task_of(group->pieces[0])->signature);
}

static void run_each(const struct group *group);

static void run_merged(const struct group *group)
{
    const struct batching_queue *queue = group->queue;
    const struct savedmodel_signature *info = session_signature_info(queue->signature);
    size_t count = queue->wanted ? queue->wanted_count : info->output_count;
    struct arena arena;
    struct error err;
    struct run_note note = {0};
    arena_init(&arena, ARENA_FIRST_BLOCK);
    arena_set_limit(&arena, memory_request_limit());
    struct run run = {.arena = &arena, .note = &note, .deadline_us = latest_deadline(group)};
    struct tensor *feeds = ARENA_ARRAY(&arena, struct tensor, info->input_count + 1);
    struct tensor *outputs = ARENA_ARRAY(&arena, struct tensor, count + 1);
    enum code code = merge(group, &arena, feeds, &err);
    if (!code) {
        count_run(group->rows, group->padded);
        code = session_run(queue->signature, feeds, queue->wanted, count, &run, outputs, &err);
    }
    if (!code)
        code = check_outputs(outputs, count, group->padded, &err);
    if (may_be_one_only(group, code)) {
        run_each(group);
    } else {
        struct outcome outcome = {code, &err, outputs, &note};
        int64_t at = 0;
        for (size_t i = 0; i < group->count; i++) {
            int64_t next = at + group->pieces[i]->size;
            end_piece(group->pieces[i], &outcome, at);
            at = next;
        }
    }
    arena_release(&arena);
}

/* For a profile: what a thread of batches did; its requests have their own events. */
static void record_batch(const struct group *group, int64_t begin)
{
    const struct session_signature *signature = group->queue->signature;
    const struct recording_value values[] = {
        {.name = "folder", .text = session_model(session_of(signature))->dir},
        {.name = "signature", .text = session_signature_info(signature)->name},
        {.name = "requests", .number = (int64_t)group->count},
        {.name = "rows", .number = group->rows},
        {.name = "padded", .number = group->padded - group->rows},
    };
    recording_add(&(struct recording_event){
        .name = "batch",
        .begin = begin,
        .end = clock_ticks(),
        .level = RECORDING_REQUESTS,
        .thread = thread_id(),
        .values = values,
        .value_count = sizeof values / sizeof *values,
    });
}

static void run_group(struct group *group)
{
    const struct batch_piece *first = group->pieces[0];
    int64_t begin = recording_wants(RECORDING_REQUESTS) ? clock_ticks() : 0;
    group->rows = 0;
    for (size_t i = 0; i < group->count; i++)
        group->rows += group->pieces[i]->size;
    group->padded = batching_parameters_round_up(&group->queue->session->parameters, group->rows);
    bool is_whole =
        group->count == 1 && first->size == first->task->size && group->padded == group->rows;
    if (is_whole || task_of(first)->batch.is_empty)
        run_directly(group);
    else
        run_merged(group);
    if (begin)
        record_batch(group, begin);
}

static void run_each(const struct group *group)
{
    for (size_t i = 0; i < group->count; i++)
        run_group(&(struct group){.queue = group->queue, .pieces = &group->pieces[i], .count = 1});
}

/* ---- batches ---- */

static bool fit(const struct batch_piece *a, const struct batch_piece *b, bool pads)
{
    const struct session_task *one = task_of(a), *other = task_of(b);
    size_t count = session_signature_info(one->signature)->input_count, i = 0;
    if (one->batch.is_empty || other->batch.is_empty)
        return false;
    while (i < count && batch_rows_fit(&one->inputs[i], &other->inputs[i], pads))
        i++;
    return i == count;
}

/* Whose client has given up, or is about to, is not run. */
static bool is_dead(const struct session_task *task, struct error *err)
{
    enum code code = run_check(task->run, err);
    if (code == CODE_DEADLINE_EXCEEDED)
        error_set(err, CODE_RESOURCE_EXHAUSTED,
                  "Run() timeout exceeded while waiting in batching queue");
    return code;
}

/* The pieces that are alive, in an array. */
static struct batch_piece **living_pieces(struct batch *batch, struct arena *arena, size_t *count)
{
    struct batch_piece **pieces = ARENA_ARRAY(arena, struct batch_piece *, batch->count);
    int64_t now_us = clock_now_us();
    struct batch_piece *next;
    *count = 0;
    for (struct batch_piece *piece = batch->pieces; piece; piece = next) {
        struct error err;
        next = piece->next;
        if (!piece->first)
            count_task(task_of(piece), piece->task->size, now_us - piece->task->added_us);
        if (is_dead(task_of(piece), &err))
            end_piece(piece, &(struct outcome){.code = err.code, .err = &err}, 0);
        else
            pieces[(*count)++] = piece;
    }
    return pieces;
}

/* Moves those that fit the first one to the front; how many. */
static size_t gather(struct batch_piece **pieces, size_t count, bool pads)
{
    size_t gathered = 1;
    for (size_t i = 1; i < count; i++) {
        struct batch_piece *piece = pieces[i];
        if (!fit(pieces[0], piece, pads))
            continue;
        pieces[i] = pieces[gathered];
        pieces[gathered++] = piece;
    }
    return gathered;
}

void batch_run(struct batch *batch, void *context)
{
    struct batching_queue *queue = context;
    struct arena arena;
    size_t count;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct batch_piece **pieces = living_pieces(batch, &arena, &count);
    while (count) {
        struct group group = {.queue = queue, .pieces = pieces};
        group.count = gather(pieces, count, queue->session->parameters.pads);
        pieces += group.count;
        count -= group.count;
        run_group(&group);
    }
    arena_release(&arena);
}

void batch_run_alone(struct session_task *task, int64_t rows)
{
    struct error err;
    count_task(task, rows, 0);
    count_run(rows, rows);
    enum code code = run_one(task, rows, &err);
    task->on_done(task, code, &err);
}
