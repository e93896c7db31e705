/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   Timestamp: 15:42:10
 *   1234 requests in 1.0 s (1234.0 per second), 3 failed
 *   Latency: mean 0.120 ms, 50 % within 0.128 ms, 99 % within 0.256 ms
 *   Processor: 0.83 of 2 cores
 *   Memory: 25.3 MiB
 *   half, version 1, signature serving_default, predict over grpc: 1231 requests, ...
 *     read 0.000 ms, parse 0.010 ms, ...
 *
 * Counters only grow while their version is there, so one whose sums are below what they were is
 * another version's of the same name and number: it counts from nothing.
 */
#include "api/monitor.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "wire/text.h"

enum { FIRST_ROOM = 16 };

/* ---- what stands ---- */

static void keep(void *context, const struct served_total *total)
{
    struct monitor_state *state = context;
    if (state->count == state->room) {
        size_t room = state->room ? 2 * state->room : FIRST_ROOM;
        struct served_total *larger = ARENA_ARRAY(state->arena, struct served_total, room);
        if (state->count)
            memcpy(larger, state->totals, state->count * sizeof *larger);
        state->totals = larger;
        state->room = room;
    }
    struct served_total *kept = &state->totals[state->count++];
    *kept = *total;
    kept->model = arena_copy(state->arena, total->model);
    kept->signature = arena_copy(state->arena, total->signature);
}

void monitor_take(struct monitor_state *state, struct arena *arena)
{
    *state = (struct monitor_state){
        .us = clock_now_us(), .cpu_ns = clock_process_cpu_ns(), .arena = arena};
    served_each(keep, state);
}

/* ---- the difference ---- */

static bool is_same(const struct served_total *a, const struct served_total *b)
{
    return a->version == b->version && a->way.method == b->way.method &&
           a->way.is_rest == b->way.is_rest && span_equal(a->model, b->model) &&
           span_equal(a->signature, b->signature);
}

static void subtract(struct latency_sum *sum, const struct latency_sum *before)
{
    if (sum->count < before->count)
        return;
    sum->count -= before->count;
    sum->ticks -= before->ticks;
    for (int i = 0; i < LATENCY_BUCKETS; i++)
        sum->buckets[i] -= before->buckets[i];
}

/* What `total` has grown by. */
static void grown(struct served_total *total, const struct monitor_state *before)
{
    const struct served_total *old = NULL;
    for (size_t i = 0; i < before->count && !old; i++)
        old = is_same(total, &before->totals[i]) ? &before->totals[i] : NULL;
    if (!old)
        return;
    for (int i = 0; i < SERVED_CODES; i++)
        total->codes[i] -= total->codes[i] >= old->codes[i] ? old->codes[i] : 0;
    subtract(&total->all, &old->all);
    for (int i = 0; i < SERVED_STAGES; i++)
        subtract(&total->stages[i], &old->stages[i]);
}

static void add(struct served_total *sum, const struct served_total *more)
{
    for (int i = 0; i < SERVED_CODES; i++)
        sum->codes[i] += more->codes[i];
    sum->all.count += more->all.count;
    sum->all.ticks += more->all.ticks;
    for (int i = 0; i < LATENCY_BUCKETS; i++)
        sum->all.buckets[i] += more->all.buckets[i];
}

static int64_t failed(const struct served_total *total)
{
    int64_t sum = 0;
    for (int i = 1; i < SERVED_CODES; i++)
        sum += total->codes[i];
    return sum;
}

/* ---- words ---- */

static double ms_of_ticks(double ticks)
{
    return ticks * clock_tick_ns() / 1e6;
}

static double mean_ms(const struct latency_sum *sum)
{
    return sum->count ? ms_of_ticks((double)sum->ticks / (double)sum->count) : 0;
}

/* The upper limit of the bucket in which that share of all is reached; the last bucket has none and
 * gives its lower one. */
static double within_ms(const struct latency_sum *sum, double share)
{
    int64_t seen = 0;
    int i = -1;
    while (i < LATENCY_LIMITS - 1 && (double)seen < share * (double)sum->count)
        seen += sum->buckets[++i];
    return i < 0 ? 0 : ms_of_ticks((double)latency_limits[i]);
}

static void say_latency(struct text *text, const struct latency_sum *sum)
{
    text_add(text,
             arena_printf(text->arena, "mean %.3f ms, 50 %% within %.3f ms, 99 %% within %.3f ms",
                          mean_ms(sum), within_ms(sum, 0.5), within_ms(sum, 0.99)));
}

static void say_count(struct text *text, const struct served_total *total, double seconds)
{
    int64_t all = total->codes[CODE_OK] + failed(total);
    text_add(text, arena_printf(
                       text->arena, "%lld requests in %.1f s (%.1f per second), %lld failed",
                       (long long)all, seconds, (double)all / seconds, (long long)failed(total)));
}

static void say_details(struct text *text, const struct served_total *total, double seconds)
{
    text_add(text, arena_printf(text->arena, "  %.*s, version %lld, ", SPAN_ARG(total->model),
                                (long long)total->version));
    if (total->signature.len)
        text_add(text, arena_printf(text->arena, "signature %.*s, ", SPAN_ARG(total->signature)));
    text_add(text, arena_printf(text->arena, "%s over %s: ", served_method_name(total->way.method),
                                total->way.is_rest ? "REST" : "gRPC"));
    say_count(text, total, seconds);
    text_add(text, "\n");
    if (!total->all.count)
        return;
    text_add(text, "    ");
    say_latency(text, &total->all);
    text_add(text, "\n    mean of each stage:");
    for (int i = 0; i < SERVED_STAGES; i++) {
        double ticks = (double)total->stages[i].ticks / (double)total->all.count;
        text_add(text, arena_printf(text->arena, "%s %s %.3f ms", i ? "," : "",
                                    served_stage_name((enum served_stage)i), ms_of_ticks(ticks)));
    }
    text_add(text, "\n");
}

static void say_time_of_day(struct text *text)
{
    time_t now = (time_t)(clock_wall_us() / 1000000);
    struct tm tm;
    char clock[16];
    strftime(clock, sizeof clock, "%H:%M:%S", localtime_r(&now, &tm));
    text_add(text, arena_printf(text->arena, "Timestamp: %s\n", clock));
}

struct span monitor_text(const struct monitor_state *before, struct monitor_state *after,
                         const struct monitor_options *options, struct arena *arena)
{
    int64_t took_us = after->us - before->us;
    double seconds = (double)(took_us > 0 ? took_us : 1) / 1e6;
    struct served_total *all = ARENA_NEW(arena, struct served_total);
    struct text text;
    text_init(&text, arena);
    for (size_t i = 0; i < after->count; i++) {
        grown(&after->totals[i], before);
        add(all, &after->totals[i]);
    }
    if (options->time_of_day)
        say_time_of_day(&text);
    say_count(&text, all, seconds);
    text_add(&text, "\nLatency: ");
    say_latency(&text, &all->all);
    text_add(&text, arena_printf(arena, "\nProcessor: %.2f of %u cores\nMemory: %.1f MiB\n",
                                 (double)(after->cpu_ns - before->cpu_ns) / 1e9 / seconds,
                                 cpu_count(), (double)memory_resident() / (1 << 20)));
    for (size_t i = 0; options->details && i < after->count; i++) {
        if (after->totals[i].codes[CODE_OK] + failed(&after->totals[i]))
            say_details(&text, &after->totals[i], seconds);
    }
    return text_span(&text);
}
