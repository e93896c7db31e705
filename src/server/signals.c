/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that waits, instead of a handler that interrupts: it may take locks. */
#include "server/signals.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"

static struct {
    sigset_t set;
    struct signals signals;
} state;

static void on_hangup(void)
{
    log_info("Hangup: reading the configuration again");
    state.signals.reload(state.signals.context);
    state.signals.reopen(state.signals.context);
}

static void on_reopen(void)
{
    log_info("User defined signal 1: opening the files of logs again");
    state.signals.reopen(state.signals.context);
}

static void on_toggle(void)
{
    log_warning("User defined signal 2: the log's level is now %s", log_toggle_debug());
}

/* Those that are not about the end. */
static const struct {
    int number;
    void (*fn)(void);
} others[] = {
    {SIGHUP, on_hangup},
    {SIGUSR1, on_reopen},
    {SIGUSR2, on_toggle},
};
enum { OTHERS = sizeof others / sizeof *others };

static bool handle_other(int number)
{
    for (int i = 0; i < OTHERS; i++) {
        if (others[i].number == number) {
            others[i].fn();
            return true;
        }
    }
    return false;
}

/* The next signal that is about the end. */
static int await_end(void)
{
    int number = 0;
    do
        sigwait(&state.set, &number);
    while (handle_other(number));
    return number;
}

static void run(void *context)
{
    (void)context;
    int number = await_end();
    log_info("%s: no new connections, requests in flight finish; once more ends at once",
             strsignal(number));
    state.signals.end(state.signals.context);
    for (int i = 0; i < OTHERS; i++)
        sigdelset(&state.set, others[i].number);
    sigwait(&state.set, &number);
    log_warning("%s again: ending at once", strsignal(number));
    _exit(128 + number);
}

enum code signals_start(const struct signals *signals, struct error *err)
{
    sigemptyset(&state.set);
    sigaddset(&state.set, SIGTERM);
    sigaddset(&state.set, SIGINT);
    for (int i = 0; i < OTHERS; i++)
        sigaddset(&state.set, others[i].number);
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
