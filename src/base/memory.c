/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two counters: bytes of large blocks in use, and bytes kept idle. A block is counted before it is
 * taken, so that of two threads that ask for the last room at once at most one gets it. That the
 * budget is less than all memory leaves room for what is not counted: small blocks, mapped
 * weights, the kernel's buffers. Only large sizes touch the counters, and whoever fills a megabyte
 * does not feel them.
 */
#include "base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"

enum {
    KEPT_SHARE = 8, /* of the budget */
    KEPT_MAX = 256 << 20,
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

static void *take(size_t size, size_t align, size_t limit)
{
    size_t whole = (size + align - 1) & ~(align - 1);
    if (whole < size || (size >= MEMORY_LARGE && !add_within(&used, size, limit)))
        return NULL;
    void *block = align > _Alignof(max_align_t) ? aligned_alloc(align, whole) : malloc(size);
    if (!block && size >= MEMORY_LARGE)
        subtract(&used, size);
    return block;
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
