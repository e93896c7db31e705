/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two counters: bytes of large blocks in use, and bytes kept idle, spare blocks among them. Large
 * sizes are rounded up to an eighth of their power of two (what is not touched costs nothing), so
 * that a spare block fits the next request's, which is seldom of exactly the same size. A block is
 * counted before it is taken, so that of two threads that ask for the last room at once at most one
 * gets it. That the budget is less than all memory leaves room for what is not counted: small
 * blocks, mapped weights, the kernel's buffers. Only large sizes touch the counters, and whoever
 * fills a megabyte does not feel them.
 */
#include "base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"

enum {
    KEPT_SHARE = 8, /* of the budget */
    KEPT_MAX = 256 << 20,
    SPARES_MAX = 64,
    SPARE_ALIGN = 64, /* a cache line, what tensors want; others may not take spare blocks */
    STEPS = 8,        /* between a power of two and the next */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic size_t budget;
static _Atomic size_t used;
static _Atomic size_t kept;
static _Atomic size_t request_limit; /* 0: not set */

size_t memory_group_limit(struct span text)
{
    int64_t bytes;
    return span_to_int64(text, &bytes) && bytes > 0 ? (size_t)bytes : SIZE_MAX;
}

static void find_budget(void)
{
    static const char *const groups[] = {
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    };
    size_t all = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        char text[64];
        size_t limit = memory_group_limit(file_read_small(groups[i], text, sizeof text));
        all = limit < all ? limit : all;
    }
    size_t none = 0;
    atomic_compare_exchange_strong(&budget, &none, all / 4 * 3);
}

size_t memory_budget(void)
{
    pthread_once(&once, find_budget);
    return atomic_load_explicit(&budget, memory_order_relaxed);
}

void memory_set_budget(size_t bytes)
{
    atomic_store(&budget, bytes);
}

size_t memory_request_limit(void)
{
    size_t set = atomic_load_explicit(&request_limit, memory_order_relaxed);
    return set ? set : memory_budget() / 3 * 2;
}

void memory_set_request_limit(size_t bytes)
{
    atomic_store(&request_limit, bytes);
}

size_t memory_used(void)
{
    return atomic_load_explicit(&used, memory_order_relaxed);
}

/* Adds if the sum stays within the limit. */
static bool add_within(_Atomic size_t *counter, size_t size, size_t limit)
{
    size_t now = atomic_load_explicit(counter, memory_order_relaxed);
    do {
        if (size > limit || now > limit - size)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(counter, &now, now + size, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

static void subtract(_Atomic size_t *counter, size_t size)
{
    CHECK(atomic_fetch_sub_explicit(counter, size, memory_order_relaxed) >= size);
}

/* ---- spare blocks ---- */

static struct {
    pthread_mutex_t mutex;
    /* Guarded by mutex. The newest is the last. */
    struct spare {
        void *block;
        size_t whole;
        unsigned age; /* the round that it came in */
    } items[SPARES_MAX];
    size_t count;
    unsigned round;
} spares = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* What a large block really takes; 0: more than there can be. */
static size_t whole_size(size_t size)
{
    size_t step = ((size_t)1 << (63 - __builtin_clzll(size))) / STEPS;
    size_t whole = (size + step - 1) & ~(step - 1);
    return whole < size ? 0 : whole;
}

/* Called with the mutex held. */
static void *remove_spare(size_t i)
{
    void *block = spares.items[i].block;
    memory_unkeep(spares.items[i].whole);
    spares.count--;
    memmove(&spares.items[i], &spares.items[i + 1], (spares.count - i) * sizeof *spares.items);
    return block;
}

static void *take_spare(size_t whole)
{
    void *block = NULL;
    pthread_mutex_lock(&spares.mutex);
    for (size_t i = spares.count; i-- && !block;) {
        if (spares.items[i].whole == whole)
            block = remove_spare(i);
    }
    pthread_mutex_unlock(&spares.mutex);
    return block;
}

static bool add_spare(void *block, size_t whole)
{
    void *oldest = NULL;
    if (!memory_keep(whole))
        return false;
    pthread_mutex_lock(&spares.mutex);
    if (spares.count == SPARES_MAX)
        oldest = remove_spare(0);
    spares.items[spares.count++] = (struct spare){block, whole, spares.round};
    pthread_mutex_unlock(&spares.mutex);
    free(oldest);
    return true;
}

void memory_age_spares(void)
{
    pthread_mutex_lock(&spares.mutex);
    while (spares.count && spares.items[0].age != spares.round)
        free(remove_spare(0));
    spares.round++;
    pthread_mutex_unlock(&spares.mutex);
}

void memory_drop_spares(void)
{
    pthread_mutex_lock(&spares.mutex);
    while (spares.count)
        free(remove_spare(0));
    pthread_mutex_unlock(&spares.mutex);
}

size_t memory_spare(void)
{
    size_t bytes = 0;
    pthread_mutex_lock(&spares.mutex);
    for (size_t i = 0; i < spares.count; i++)
        bytes += spares.items[i].whole;
    pthread_mutex_unlock(&spares.mutex);
    return bytes;
}

/* ---- blocks ---- */

static void *take_large(size_t size, size_t align, size_t limit)
{
    size_t whole = whole_size(size);
    if (!whole || !add_within(&used, size, limit))
        return NULL;
    void *block = align <= SPARE_ALIGN ? take_spare(whole) : NULL;
    if (!block)
        block = aligned_alloc(align < SPARE_ALIGN ? SPARE_ALIGN : align, whole);
    if (!block)
        subtract(&used, size);
    return block;
}

static void *take(size_t size, size_t align, size_t limit)
{
    if (size >= MEMORY_LARGE)
        return take_large(size, align, limit);
    size_t whole = (size + align - 1) & ~(align - 1);
    return align > _Alignof(max_align_t) ? aligned_alloc(align, whole) : malloc(size);
}

void *memory_take(size_t size, size_t align)
{
    return take(size, align, memory_budget());
}

void *memory_take_anyway(size_t size, size_t align)
{
    return take(size, align, SIZE_MAX);
}

void memory_give(void *block, size_t size)
{
    if (block && size >= MEMORY_LARGE)
        subtract(&used, size);
    free(block);
}

void memory_give_spare(void *block, size_t size)
{
    if (size < MEMORY_LARGE || !block) {
        free(block);
        return;
    }
    subtract(&used, size);
    if (!add_spare(block, whole_size(size)))
        free(block);
}

bool memory_keep(size_t size)
{
    size_t share = memory_budget() / KEPT_SHARE;
    return size < MEMORY_KEPT_SMALL || add_within(&kept, size, share < KEPT_MAX ? share : KEPT_MAX);
}

void memory_unkeep(size_t size)
{
    if (size >= MEMORY_KEPT_SMALL)
        subtract(&kept, size);
}

size_t memory_resident(void)
{
    char text[128];
    struct span pages = file_read_small("/proc/self/statm", text, sizeof text);
    span_cut(&pages, ' '); /* all that is mapped */
    int64_t resident;
    return span_to_int64(span_cut(&pages, ' '), &resident)
               ? (size_t)resident * (size_t)sysconf(_SC_PAGESIZE)
               : 0;
}
