/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network floor by itself: echoes what it gets, over gRPC and HTTP, to measure what a call
 * costs without a model.
 *
 *   echo_server GRPC_PORT HTTP_PORT [LOOPS]
 *
 *   /echo.Echo/Call    answers on the loop        /echo.Echo/Worker  answers from another thread
 *   /echo.Echo/Fail    INVALID_ARGUMENT with the request as its text
 *   /echo.Echo/Sink    answers two bytes whatever came; so does HTTP below /sink
 *
 * SIGTERM and SIGINT drain it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "net/server.h"

static void call(struct exchange *exchange, void *context)
{
    (void)context;
    exchange_answer_rpc(exchange, CODE_OK, (struct span){0}, &exchange->body, 1);
}

static void sink(struct exchange *exchange, void *context)
{
    (void)context;
    exchange_answer_rpc(exchange, CODE_OK, (struct span){0}, &SPAN_LITERAL("ok"), 1);
}

static void fail(struct exchange *exchange, void *context)
{
    (void)context;
    exchange_answer_rpc(exchange, CODE_INVALID_ARGUMENT, exchange->body, NULL, 0);
}

/* One worker behind a small ring. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    struct exchange *ring[4096];
    size_t head, tail;
} work = {.mutex = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

static void worker(struct exchange *exchange, void *context)
{
    (void)context;
    pthread_mutex_lock(&work.mutex);
    bool full = work.head - work.tail == 4096;
    if (!full)
        work.ring[work.head++ % 4096] = exchange;
    pthread_cond_signal(&work.filled);
    pthread_mutex_unlock(&work.mutex);
    if (full)
        exchange_answer_rpc(exchange, CODE_RESOURCE_EXHAUSTED, SPAN_LITERAL("queue full"), NULL, 0);
}

static void *run_worker(void *arg)
{
    for (;;) {
        pthread_mutex_lock(&work.mutex);
        while (work.head == work.tail)
            pthread_cond_wait(&work.filled, &work.mutex);
        struct exchange *exchange = work.ring[work.tail++ % 4096];
        pthread_mutex_unlock(&work.mutex);
        call(exchange, arg);
    }
    return NULL;
}

static void http(struct exchange *exchange, void *context)
{
    (void)context;
    static const struct exchange_header json = {{"Content-Type", 12}, {"application/json", 16}};
    bool echo = exchange->body.len && !span_starts_with(exchange->path, SPAN_LITERAL("/sink"));
    struct span body = echo ? exchange->body : SPAN_LITERAL("{}\n");
    exchange_answer_http(exchange, 200, &json, 1, &body, 1);
}

static const struct net_rpc rpcs[] = {
    {"/echo.Echo/Call", call, NET_UNARY},
    {"/echo.Echo/Worker", worker, NET_UNARY},
    {"/echo.Echo/Fail", fail, NET_UNARY},
    {"/echo.Echo/Sink", sink, NET_UNARY},
};

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s GRPC_PORT HTTP_PORT [LOOPS]\n", argv[0]);
        return 2;
    }
    struct net_options options = {.loops = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1,
                                  .rpcs = rpcs,
                                  .rpc_count = sizeof rpcs / sizeof *rpcs,
                                  .http = http,
                                  .http_gzip = true};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, run_worker, NULL);
    struct net_server *server = net_server_new(&options);
    struct error err;
    struct net_place grpc = {.protocol = NET_GRPC, .address = "0.0.0.0"};
    struct net_place web = {.protocol = NET_HTTP, .address = "0.0.0.0"};
    grpc.port = (int)strtol(argv[1], NULL, 10);
    web.port = (int)strtol(argv[2], NULL, 10);
    if (net_server_listen(server, &grpc, &grpc.port, &err) ||
        net_server_listen(server, &web, &web.port, &err) || net_server_start(server, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    printf("gRPC %d, HTTP %d\n", grpc.port, web.port);
    fflush(stdout);
    int signal_number;
    sigwait(&signals, &signal_number);
    net_server_drain(server);
    enum code code = net_server_join(server, 5000000);
    struct timespec cpu;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    printf("drained: %s; %.3f ms of CPU\n", code_name(code),
           (double)cpu.tv_sec * 1e3 + (double)cpu.tv_nsec / 1e6);
    net_server_free(server);
    return code != CODE_OK;
}
