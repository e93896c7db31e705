/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that waits, instead of a handler that interrupts: it may take locks. */
#include "server/signals.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"

static struct {
    sigset_t set;
    signals_fn *fn;
    void *context;
} state;

static void run(void *context)
{
    (void)context;
    int number = 0;
    sigwait(&state.set, &number);
    log_info("%s: no new connections, requests in flight finish; once more ends at once",
             strsignal(number));
    state.fn(state.context);
    sigwait(&state.set, &number);
    log_warning("%s again: ending at once", strsignal(number));
    _exit(128 + number);
}

enum code signals_start(signals_fn *fn, void *context, struct error *err)
{
    sigemptyset(&state.set);
    sigaddset(&state.set, SIGTERM);
    sigaddset(&state.set, SIGINT);
    state.fn = fn;
    state.context = context;
    pthread_sigmask(SIG_BLOCK, &state.set, NULL);
    /* A log that nobody reads any more is no reason to end. */
    signal(SIGPIPE, SIG_IGN);
    pthread_t thread;
    enum code code = thread_start(&thread, "signals", run, NULL, err);
    if (!code)
        pthread_detach(thread);
    return code;
}
