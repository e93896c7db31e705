/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring has one producer and one consumer: `head` is the producer's, `tail` the writer's, both
 * only grow. The threads beyond SHARDS share the last ring, under a mutex.
 *
 * The writer sleeps until somebody finds the flag `asleep` set after having added a line; while
 * lines come it is not woken but looks every WRITE_US, so that a busy server makes few large
 * writes.
 */
#include "monitoring/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/shard.h"
#include "base/thread.h"

enum {
    WRITE_US = 50000,
    TELL_US = 10000000, /* between two words about dropped lines */
    CLOSE_S = 2,
    MODE = 0640,
};

struct ring {
    _Alignas(SHARD_LINE) _Atomic size_t head;
    _Atomic int64_t dropped;
    _Alignas(SHARD_LINE) _Atomic size_t tail;
    char bytes[LOG_FILE_RING];
};

struct log_file {
    char *path; /* owned */
    int fd;
    pthread_t thread;
    pthread_mutex_t mutex; /* of the ring that threads share */
    sem_t wake;
    atomic_bool asleep;
    atomic_bool reopen;
    atomic_bool ending;
    int64_t told; /* dropped lines, in the log; the writer's */
    int64_t told_us;
    _Atomic(struct ring *) rings[SHARDS]; /* made when a thread first adds a line */
};

/* ---- adding ---- */

static struct ring *ring_of(struct log_file *file, unsigned index)
{
    struct ring *ring = atomic_load_explicit(&file->rings[index], memory_order_acquire),
                *old = NULL;
    if (ring)
        return ring;
    ring = aligned_alloc(SHARD_LINE, sizeof *ring);
    CHECK(ring && "out of memory");
    atomic_init(&ring->head, 0);
    atomic_init(&ring->tail, 0);
    atomic_init(&ring->dropped, 0);
    if (atomic_compare_exchange_strong(&file->rings[index], &old, ring))
        return ring;
    free(ring);
    return old;
}

static bool add(struct ring *ring, struct span line)
{
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (line.len > LOG_FILE_RING - (head - tail)) {
        atomic_fetch_add_explicit(&ring->dropped, 1, memory_order_relaxed);
        return false;
    }
    size_t at = head % LOG_FILE_RING;
    size_t first = line.len < LOG_FILE_RING - at ? line.len : LOG_FILE_RING - at;
    memcpy(ring->bytes + at, line.ptr, first);
    memcpy(ring->bytes, line.ptr + first, line.len - first);
    /* Before `asleep` is read, see sleep_a_while(). */
    atomic_store(&ring->head, head + line.len);
    return true;
}

bool log_file_add(struct log_file *file, struct span line)
{
    unsigned index = shard_index();
    struct ring *ring = ring_of(file, index);
    bool own = shard_is_own(index);
    if (!own)
        pthread_mutex_lock(&file->mutex);
    bool added = add(ring, line);
    if (!own)
        pthread_mutex_unlock(&file->mutex);
    if (added && atomic_load(&file->asleep) && atomic_exchange(&file->asleep, false))
        sem_post(&file->wake);
    return added;
}

int64_t log_file_dropped(const struct log_file *file)
{
    int64_t sum = 0;
    for (int i = 0; i < SHARDS; i++) {
        const struct ring *ring = atomic_load_explicit(&file->rings[i], memory_order_acquire);
        sum += ring ? atomic_load_explicit(&ring->dropped, memory_order_relaxed) : 0;
    }
    return sum;
}

/* ---- writing ---- */

static enum code open_path(const char *path, int *fd, struct error *err)
{
    *fd = path[0] == '-' && !path[1] ? dup(STDOUT_FILENO)
                                     : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, MODE);
    return *fd < 0 ? file_error(path, errno, err) : CODE_OK;
}

static void open_again(struct log_file *file)
{
    struct error err;
    int fd;
    if (open_path(file->path, &fd, &err)) {
        log_error("%s; going on with the old file", err.message);
        return;
    }
    close(file->fd);
    file->fd = fd;
}

/* Whether there was something. Lines are whole in a ring: what can not be written is lost, but the
 * file never has half of one from us, unless it is full. */
static bool write_ring(struct log_file *file, struct ring *ring)
{
    size_t head = atomic_load(&ring->head);
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    bool has = head != tail;
    while (head != tail) {
        size_t at = tail % LOG_FILE_RING, len = head - tail;
        size_t first = len < LOG_FILE_RING - at ? len : LOG_FILE_RING - at;
        const struct iovec parts[] = {{ring->bytes + at, first}, {ring->bytes, len - first}};
        ssize_t n = writev(file->fd, parts, len > first ? 2 : 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            for (size_t i = tail; i != head; i++)
                ring->dropped += ring->bytes[i % LOG_FILE_RING] == '\n';
            n = (ssize_t)len;
        }
        tail += (size_t)n;
        atomic_store_explicit(&ring->tail, tail, memory_order_release);
    }
    return has;
}

static bool write_all(struct log_file *file)
{
    bool has = false;
    for (int i = 0; i < SHARDS; i++) {
        struct ring *ring = atomic_load_explicit(&file->rings[i], memory_order_acquire);
        has |= ring && write_ring(file, ring);
    }
    return has;
}

static void tell_dropped(struct log_file *file)
{
    int64_t dropped = log_file_dropped(file), now_us = clock_now_us();
    if (dropped == file->told || now_us < file->told_us + TELL_US)
        return;
    log_warning("%s: %lld lines were dropped, for it can not be written as fast as they come",
                file->path, (long long)(dropped - file->told));
    file->told = dropped;
    file->told_us = now_us;
}

/* Who adds a line sees the flag, or we see the line. */
static void sleep_a_while(struct log_file *file, bool idle)
{
    if (!idle) {
        nanosleep(&(struct timespec){.tv_nsec = WRITE_US * 1000}, NULL);
        return;
    }
    atomic_store(&file->asleep, true);
    if (!write_all(file) && !atomic_load(&file->ending) && !atomic_load(&file->reopen))
        while (sem_wait(&file->wake) && errno == EINTR)
            ;
    atomic_store(&file->asleep, false);
}

static void run(void *context)
{
    struct log_file *file = context;
    bool over;
    do {
        over = atomic_load(&file->ending);
        if (atomic_exchange(&file->reopen, false))
            open_again(file);
        bool idle = !write_all(file);
        tell_dropped(file);
        if (!over)
            sleep_a_while(file, idle);
    } while (!over);
}

/* ---- life ---- */

enum code log_file_open(const char *path, struct log_file **result, struct error *err)
{
    struct log_file *file = calloc(1, sizeof *file);
    CHECK(file && "out of memory");
    file->path = strdup(path);
    CHECK(file->path && "out of memory");
    pthread_mutex_init(&file->mutex, NULL);
    sem_init(&file->wake, 0, 0);
    enum code code = open_path(path, &file->fd, err);
    file->told_us = clock_now_us() - TELL_US;
    if (!code)
        code = thread_start(&file->thread, "log", run, file, err);
    *result = code ? NULL : file;
    if (!code)
        return code;
    if (file->fd >= 0)
        close(file->fd);
    free(file->path);
    free(file);
    return code;
}

void log_file_reopen(struct log_file *file)
{
    atomic_store(&file->reopen, true);
    sem_post(&file->wake);
}

void log_file_close(struct log_file *file)
{
    struct timespec until;
    if (!file)
        return;
    atomic_store(&file->ending, true);
    sem_post(&file->wake);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLOSE_S;
    /* A writer that hangs in a pipe that nobody reads keeps what it has. */
    if (pthread_timedjoin_np(file->thread, NULL, &until)) {
        log_warning("%s: not all lines could be written", file->path);
        return;
    }
    for (int i = 0; i < SHARDS; i++)
        free(atomic_load(&file->rings[i]));
    close(file->fd);
    sem_destroy(&file->wake);
    pthread_mutex_destroy(&file->mutex);
    free(file->path);
    free(file);
}
