/* SPDX-License-Identifier: Apache-2.0 */
#include "core/folder_watch.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

enum {
    EVENTS = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB |
             IN_DELETE_SELF | IN_MOVE_SELF,
};

struct folder_watch {
    int events; /* inotify; negative: none */
    int wake;   /* eventfd */
};

struct folder_watch *folder_watch_new(bool hears)
{
    struct folder_watch *watch = calloc(1, sizeof *watch);
    CHECK(watch && "out of memory");
    watch->events = hears ? inotify_init1(IN_NONBLOCK | IN_CLOEXEC) : -1;
    watch->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (watch->wake >= 0)
        return watch;
    folder_watch_free(watch);
    return NULL;
}

void folder_watch_free(struct folder_watch *watch)
{
    if (!watch)
        return;
    if (watch->events >= 0)
        close(watch->events);
    if (watch->wake >= 0)
        close(watch->wake);
    free(watch);
}

void folder_watch_add(struct folder_watch *watch, const char *path)
{
    /* A watch that is not to be had is no error: see the header. */
    if (watch->events >= 0)
        (void)!inotify_add_watch(watch->events, path, EVENTS);
}

/* What it was does not matter. */
static void empty(int fd)
{
    char bytes[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
    while (fd >= 0 && read(fd, bytes, sizeof bytes) > 0)
        ;
}

static int timeout_ms(int64_t until_us)
{
    if (until_us == INT64_MAX)
        return -1;
    int64_t left_ms = (until_us - clock_now_us() + 999) / 1000;
    return left_ms < 0 ? 0 : left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

/* True: something came before the time. poll() passes over negative descriptors. */
static bool wait_for(struct pollfd *fds, nfds_t count, int64_t until_us)
{
    int ready;
    do
        ready = poll(fds, count, timeout_ms(until_us));
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}

bool folder_watch_wait(struct folder_watch *watch, int64_t from_us, int64_t until_us)
{
    struct pollfd fds[] = {{watch->wake, POLLIN, 0}, {watch->events, POLLIN, 0}};
    if (!wait_for(fds, 1, from_us < until_us ? from_us : until_us))
        wait_for(fds, 2, until_us);
    /* What it was woken for comes first; a change stays to be seen by the next wait. */
    bool woken = fds[0].revents;
    empty(woken ? watch->wake : watch->events);
    return !woken;
}

void folder_watch_wake(struct folder_watch *watch)
{
    uint64_t one = 1;
    CHECK(write(watch->wake, &one, sizeof one) == sizeof one || errno == EAGAIN);
}
