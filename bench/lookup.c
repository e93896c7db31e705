/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a servable and giving it back, by itself: 1 to THREADS threads do nothing else, each
 * pinned to a core of its own as far as there are any. Prints one JSON object: nanoseconds of a
 * thread's CPU for each pair.
 *
 *   lookup [THREADS [PAIRS]]
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/thread.h"
#include "core/manager.h"

enum { THREADS_MAX = 64 };

static struct manager *manager;
static long pairs = 5000000;

static enum code load(const char *path, void *context, void **object, struct error *err)
{
    (void)path;
    (void)err;
    *object = context;
    return CODE_OK;
}

static void unload(void *object)
{
    (void)object;
}

struct worker {
    pthread_t thread;
    unsigned core;
    double ns; /* of CPU, each pair */
};

static void work(void *context)
{
    struct worker *worker = context;
    struct servable_request request = {.name = span_of("model")};
    struct handle handle;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(worker->core, &set);
    sched_setaffinity(0, sizeof set, &set);
    int64_t begun = clock_thread_cpu_ns();
    for (long i = 0; i < pairs; i++) {
        CHECK(!manager_get(manager, &request, &handle, NULL));
        handle_release(&handle);
    }
    worker->ns = (double)(clock_thread_cpu_ns() - begun) / (double)pairs;
}

static double run(unsigned threads)
{
    struct worker workers[THREADS_MAX];
    double sum = 0;
    for (unsigned i = 0; i < threads; i++) {
        workers[i].core = i % cpu_count();
        CHECK(!thread_start(&workers[i].thread, "lookup", work, &workers[i], NULL));
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        sum += workers[i].ns;
    }
    return sum / threads;
}

/* Many names, so that the map is a map. */
static void fill(struct state_monitor *monitor, const struct platform *platform)
{
    char name[32];
    const struct aspired_version version = {.version = 1, .path = "p"};
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, i ? "model%d" : "model", i);
        manager_set_aspired(manager, span_of(name), platform, &version, 1);
    }
    uint64_t sequence;
    do
        sequence = state_monitor_sequence(monitor);
    while (!manager_has(manager, span_of("model199"), 1) && state_monitor_await(monitor, sequence));
}

int main(int argc, char **argv)
{
    static const struct loader loader = {.platform = "nothing", .load = load, .unload = unload};
    static int object;
    const struct platform platform = {&loader, &object};
    unsigned most = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : cpu_count();
    pairs = argc > 2 ? strtol(argv[2], NULL, 10) : pairs;
    struct state_monitor *monitor = state_monitor_new();
    struct manager_options options = {.lifecycle = {.monitor = monitor}};
    CHECK(most && most <= THREADS_MAX && !manager_new(&options, &manager, NULL));
    fill(monitor, &platform);
    printf("{");
    for (unsigned threads = 1; threads <= most; threads *= 2)
        printf("%s\"threads_%u_ns\": %.1f", threads > 1 ? ", " : "", threads, run(threads));
    printf("}\n");
    manager_free(manager);
    state_monitor_free(monitor);
    return 0;
}
