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
    struct signals signals;
} state;

/* The next signal that is about the end. */
static int await_end(void)
{
    int number = 0;
    sigwait(&state.set, &number);
    while (number == SIGHUP) {
        log_info("%s: reading the configuration again", strsignal(number));
        state.signals.reload(state.signals.context);
        sigwait(&state.set, &number);
    }
    return number;
}

static void run(void *context)
{
    (void)context;
    int number = await_end();
    log_info("%s: no new connections, requests in flight finish; once more ends at once",
             strsignal(number));
    state.signals.end(state.signals.context);
    sigdelset(&state.set, SIGHUP);
    sigwait(&state.set, &number);
    log_warning("%s again: ending at once", strsignal(number));
    _exit(128 + number);
}

enum code signals_start(const struct signals *signals, struct error *err)
{
    sigemptyset(&state.set);
    sigaddset(&state.set, SIGTERM);
    sigaddset(&state.set, SIGINT);
    sigaddset(&state.set, SIGHUP);
    state.signals = *signals;
    pthread_sigmask(SIG_BLOCK, &state.set, NULL);
    /* A log that nobody reads any more is no reason to end. */
    signal(SIGPIPE, SIG_IGN);
    pthread_t thread;
    enum code code = thread_start(&thread, "signals", run, NULL, err);
    if (!code)
        pthread_detach(thread);
    return code;
}
