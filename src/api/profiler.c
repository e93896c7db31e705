/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call waits on a thread of the profiler's own, which looks every LOOK_US whether the client or
 * the server has gone. While one is under way api.watched is raised, so that requests are timed
 * though no page of metrics or log wants it.
 *
 * Threads that make an answer of a recording yield to all others.
 */
#include "api/profiler.h"

#include <stdlib.h>
#include <unistd.h>

#include "api/monitor.h"
#include "api/xspace.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

enum {
    LOOK_US = 10 * 1000,
    HOST_NAME_MAX_BYTES = 256,
    OPTIONS_VERSION_NONE = 0, /* of ProfileOptions: they were not set */
};

/* A Profile on its way; in its exchange's arena. */
struct profile {
    struct job job; /* first */
    struct api *api;
    struct exchange *exchange;
    struct pb_profile_request request;
    enum recording_level level;
    int64_t delay_us;
    int64_t duration_us;
    bool terminated; /* guarded by the profiler's mutex */
    struct recording *recording;
    struct xspace_options shown;
};

struct monitor {
    struct job job; /* first */
    struct api *api;
    struct exchange *exchange;
    struct pb_monitor_request request;
};

struct profiler {
    struct worker_pool *threads;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct profile *profile; /* under way; guarded by mutex, like the next */
    int monitors;
};

struct profiler *profiler_new(void)
{
    struct profiler *profiler = calloc(1, sizeof *profiler);
    CHECK(profiler && "out of memory");
    profiler->threads = worker_pool_new("profiler", 1 + PROFILER_MONITORS_MAX);
    pthread_mutex_init(&profiler->mutex, NULL);
    thread_condition_init(&profiler->changed);
    return profiler;
}

void profiler_free(struct profiler *profiler)
{
    if (!profiler)
        return;
    worker_pool_free(profiler->threads);
    CHECK(!profiler->profile && !profiler->monitors);
    pthread_cond_destroy(&profiler->changed);
    pthread_mutex_destroy(&profiler->mutex);
    free(profiler);
}

/* ---- waiting ---- */

static bool is_over(const struct api *api, const struct exchange *exchange, const bool *terminated)
{
    return (terminated && *terminated) ||
           atomic_load_explicit(&exchange->cancelled, memory_order_relaxed) ||
           atomic_load_explicit(&api->life->ending, memory_order_relaxed);
}

/* Or until nobody wants the answer any more, or at once. */
static void wait_for(const struct api *api, const struct exchange *exchange, const bool *terminated,
                     int64_t duration_us)
{
    struct profiler *profiler = api->profiler;
    int64_t until_us = clock_now_us() + duration_us, now_us;
    pthread_mutex_lock(&profiler->mutex);
    while ((now_us = clock_now_us()) < until_us && !is_over(api, exchange, terminated))
        thread_wait_until(&profiler->changed, &profiler->mutex,
                          now_us + LOOK_US < until_us ? now_us + LOOK_US : until_us);
    pthread_mutex_unlock(&profiler->mutex);
}

static enum code check_duration(uint64_t ms, struct error *err)
{
    if (ms > PROFILER_DURATION_MS_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "duration_ms: at most %d are possible, not %llu", PROFILER_DURATION_MS_MAX,
                         (unsigned long long)ms);
    return CODE_OK;
}

/* ---- Profile ---- */

static void begin(struct profile *p)
{
    atomic_fetch_add(&p->api->watched, 1);
    p->shown.begin = clock_ticks();
    p->shown.begin_ns = clock_wall_us() * 1000;
    p->shown.events_max = p->request.max_events;
    p->recording = recording_begin(p->level, PROFILER_BYTES_MAX);
    CHECK(p->recording);
    log_info("Profile session started, for %.3f s", (double)p->duration_us / 1e6);
}

static void end(struct profile *p)
{
    struct profiler *profiler = p->api->profiler;
    recording_end(p->recording);
    p->shown.end = clock_ticks();
    atomic_fetch_sub(&p->api->watched, 1);
    pthread_mutex_lock(&profiler->mutex);
    profiler->profile = NULL;
    pthread_mutex_unlock(&profiler->mutex);
}

/* In the answer itself if that is asked for, else as the file that the client is to write. */
static enum code put_space(const struct profile *p, struct pb_x_space *space,
                           struct pb_profile_response *response, struct error *err)
{
    struct arena *arena = &p->exchange->arena;
    response->empty_trace = !recording_count(p->recording);
    if (p->request.emit_xspace) {
        response->xspace = space;
        return CODE_OK;
    }
    struct pb_profile_tool_data *data = ARENA_NEW(arena, struct pb_profile_tool_data);
    data->name = SPAN_LITERAL("xplane.pb");
    response->tool_data.items = data;
    response->tool_data.count = 1;
    return pb_encode_large(&pb_x_space_type, space, arena, &data->data, err);
}

static void answer(struct profile *p)
{
    struct pb_x_space space;
    struct pb_profile_response response = {0};
    struct error err;
    char host[HOST_NAME_MAX_BYTES] = "";
    gethostname(host, sizeof host - 1);
    p->shown.host = span_of(host);
    enum code code = xspace_make(p->recording, &p->shown, &p->exchange->arena, &space, &err);
    if (!code)
        code = put_space(p, &space, &response, &err);
    log_info("Profile session of %.3f s: %zu events, %zu were dropped",
             (double)clock_ticks_us(p->shown.end - p->shown.begin) / 1e6,
             recording_count(p->recording), recording_dropped(p->recording));
    if (code)
        api_answer_error(p->exchange, &err);
    else
        api_answer(p->exchange, &pb_profile_response_type, &response);
}

static void do_profile(struct job *job)
{
    struct profile *p = (struct profile *)job;
    struct error err;
    thread_lower_priority();
    wait_for(p->api, p->exchange, &p->terminated, p->delay_us);
    begin(p);
    wait_for(p->api, p->exchange, &p->terminated, p->duration_us);
    end(p);
    struct recording *recording = p->recording;
    if (atomic_load(&p->exchange->cancelled)) {
        error_set(&err, CODE_CANCELLED, "The call was cancelled");
        api_answer_error(p->exchange, &err);
    } else {
        answer(p);
    }
    recording_free(recording);
}

static enum recording_level level_of(const struct pb_profile_options *options)
{
    if (!options || options->version == OPTIONS_VERSION_NONE)
        return RECORDING_OPS;
    return options->host_tracer_level < RECORDING_OPS
               ? (enum recording_level)options->host_tracer_level
               : RECORDING_OPS;
}

/* How far a time of the clock on the wall is away; 0: it has passed. */
static uint64_t ms_until(uint64_t wall_ns)
{
    uint64_t now_ns = (uint64_t)clock_wall_us() * 1000;
    return wall_ns > now_ns ? (wall_ns - now_ns) / 1000000 : 0;
}

static enum code read_profile(struct profile *p, struct error *err)
{
    struct pb_profile_request *request = &p->request;
    enum code code =
        pb_decode(&pb_profile_request_type, p->exchange->body, &p->exchange->arena, request, err);
    if (code)
        return code;
    const struct pb_profile_options *options = request->opts;
    uint64_t ms = options && options->duration_ms ? options->duration_ms : request->duration_ms;
    uint64_t delay_ms = options ? ms_until(options->start_timestamp_ns) : 0;
    p->level = level_of(options);
    p->duration_us = (int64_t)ms * 1000;
    p->delay_us = (int64_t)delay_ms * 1000;
    code = check_duration(ms, err);
    if (!code && delay_ms > PROFILER_DURATION_MS_MAX)
        code = error_set(err, CODE_INVALID_ARGUMENT,
                         "start_timestamp_ns: at most %d ms from now are possible, not %llu",
                         PROFILER_DURATION_MS_MAX, (unsigned long long)delay_ms);
    return code;
}

/* Only one at a time. */
static enum code enter(struct profiler *profiler, struct profile *p, struct error *err)
{
    pthread_mutex_lock(&profiler->mutex);
    bool free = !profiler->profile;
    if (free)
        profiler->profile = p;
    pthread_mutex_unlock(&profiler->mutex);
    return free ? CODE_OK : error_set(err, CODE_INTERNAL, "Another profiling session active.");
}

void api_profile(struct exchange *exchange, void *context)
{
    struct profile *p = ARENA_NEW(&exchange->arena, struct profile);
    struct error err;
    p->job.fn = do_profile;
    p->api = context;
    p->exchange = exchange;
    if (read_profile(p, &err) || enter(p->api->profiler, p, &err))
        api_answer_error(exchange, &err);
    else
        worker_pool_submit(p->api->profiler->threads, &p->job);
}

void api_terminate(struct exchange *exchange, void *context)
{
    struct profiler *profiler = ((struct api *)context)->profiler;
    struct pb_terminate_request request;
    struct pb_terminate_response response = {0};
    struct error err;
    if (pb_decode(&pb_terminate_request_type, exchange->body, &exchange->arena, &request, &err)) {
        api_answer_error(exchange, &err);
        return;
    }
    pthread_mutex_lock(&profiler->mutex);
    struct profile *p = profiler->profile;
    if (p && span_equal(p->request.session_id, request.session_id)) {
        p->terminated = true;
        pthread_cond_broadcast(&profiler->changed);
    }
    pthread_mutex_unlock(&profiler->mutex);
    api_answer(exchange, &pb_terminate_response_type, &response);
}

/* ---- Monitor ---- */

static void leave_monitors(struct profiler *profiler)
{
    pthread_mutex_lock(&profiler->mutex);
    profiler->monitors--;
    pthread_mutex_unlock(&profiler->mutex);
}

static void do_monitor(struct job *job)
{
    struct monitor *m = (struct monitor *)job;
    struct arena *arena = &m->exchange->arena;
    const struct monitor_options options = {.time_of_day = m->request.timestamp,
                                            .details = m->request.monitoring_level > 1};
    struct monitor_state before, after;
    atomic_fetch_add(&m->api->watched, 1);
    monitor_take(&before, arena);
    wait_for(m->api, m->exchange, NULL, (int64_t)m->request.duration_ms * 1000);
    monitor_take(&after, arena);
    atomic_fetch_sub(&m->api->watched, 1);
    struct pb_monitor_response response = {.data = monitor_text(&before, &after, &options, arena)};
    leave_monitors(m->api->profiler);
    api_answer(m->exchange, &pb_monitor_response_type, &response);
}

static enum code read_monitor(struct monitor *m, struct error *err)
{
    struct profiler *profiler = m->api->profiler;
    enum code code = pb_decode(&pb_monitor_request_type, m->exchange->body, &m->exchange->arena,
                               &m->request, err);
    if (!code)
        code = check_duration(m->request.duration_ms, err);
    if (code)
        return code;
    pthread_mutex_lock(&profiler->mutex);
    bool free = profiler->monitors < PROFILER_MONITORS_MAX;
    profiler->monitors += free;
    pthread_mutex_unlock(&profiler->mutex);
    return free ? CODE_OK
                : error_set(err, CODE_RESOURCE_EXHAUSTED, "%d calls of Monitor are under way",
                            PROFILER_MONITORS_MAX);
}

void api_monitor(struct exchange *exchange, void *context)
{
    struct monitor *m = ARENA_NEW(&exchange->arena, struct monitor);
    struct error err;
    m->job.fn = do_monitor;
    m->api = context;
    m->exchange = exchange;
    if (read_monitor(m, &err))
        api_answer_error(exchange, &err);
    else
        worker_pool_submit(m->api->profiler->threads, &m->job);
}
