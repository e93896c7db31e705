/* SPDX-License-Identifier: Apache-2.0 */
#include "monitoring/metrics.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "monitoring/cell.h"

static pthread_mutex_t families_mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct metric_family *) families;

struct metric_family *metric_families(void)
{
    return atomic_load_explicit(&families, memory_order_acquire);
}

int metric_label_count(const struct metric_family *family)
{
    int count = 0;
    while (count < METRIC_LABELS_MAX && family->labels[count])
        count++;
    return count;
}

/* families_mutex held. */
static void prepare(struct metric_family *family)
{
    CHECK(family->buckets.count <= METRIC_BUCKETS_MAX);
    double limit = family->buckets.first;
    for (int i = 0; i < family->buckets.count; i++, limit *= family->buckets.factor)
        family->state.limits[i] = limit;
    pthread_mutex_init(&family->state.mutex, NULL);
    family->state.next = atomic_load_explicit(&families, memory_order_relaxed);
    atomic_store_explicit(&families, family, memory_order_release);
}

void metric_register(struct metric_family *family)
{
    if (atomic_load_explicit(&family->state.registered, memory_order_acquire))
        return;
    pthread_mutex_lock(&families_mutex);
    if (!atomic_load_explicit(&family->state.registered, memory_order_relaxed))
        prepare(family);
    atomic_store_explicit(&family->state.registered, true, memory_order_release);
    pthread_mutex_unlock(&families_mutex);
}

/* ---- cells ---- */

static size_t hash_of(const struct span *values, int count)
{
    size_t hash = 0;
    for (int i = 0; i < count; i++)
        hash = hash * 31 + map_hash(values[i]);
    return hash;
}

static bool has_values(const struct metric_cell *cell, const struct span *values, int count)
{
    for (int i = 0; i < count; i++) {
        if (!span_equal(cell->values[i], values[i]))
            return false;
    }
    return true;
}

static struct metric_cell *find(const struct metric_family *family, const struct span *values,
                                size_t hash)
{
    int count = metric_label_count(family);
    struct metric_cell *cell =
        atomic_load_explicit(&family->state.slots[hash % METRIC_SLOTS], memory_order_acquire);
    while (cell && (cell->hash != hash || !has_values(cell, values, count)))
        cell = cell->next;
    return cell;
}

static struct span copy_text(struct span text)
{
    char *copy = malloc(text.len + 1);
    CHECK(copy && "out of memory");
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    return span_make(copy, text.len);
}

/* The family's mutex held. */
static struct metric_cell *add_cell(struct metric_family *family, const struct span *values,
                                    size_t hash)
{
    struct metric_cell *cell = calloc(1, sizeof *cell);
    CHECK(cell && "out of memory");
    cell->family = family;
    cell->hash = hash;
    for (int i = 0; i < metric_label_count(family); i++)
        cell->values[i] = copy_text(values[i]);
    _Atomic(struct metric_cell *) *slot = &family->state.slots[hash % METRIC_SLOTS];
    cell->next = atomic_load_explicit(slot, memory_order_relaxed);
    atomic_store_explicit(slot, cell, memory_order_release);
    family->state.count++;
    return cell;
}

static struct metric_cell *find_or_add(struct metric_family *family, const struct span *values)
{
    size_t hash = hash_of(values, metric_label_count(family));
    struct metric_cell *cell = find(family, values, hash);
    return cell ? cell : add_cell(family, values, hash);
}

struct metric_cell *metric_at_within(struct metric_family *family, const struct span *values,
                                     atomic_int *room)
{
    static const struct span others[METRIC_LABELS_MAX] = {
        {"other", 5}, {"other", 5}, {"other", 5}, {"other", 5},
        {"other", 5}, {"other", 5}, {"other", 5},
    };
    metric_register(family);
    struct metric_cell *cell = find(family, values, hash_of(values, metric_label_count(family)));
    if (cell)
        return cell;
    pthread_mutex_lock(&family->state.mutex);
    bool full = family->state.count >= METRIC_CELLS_MAX || (room && atomic_load(room) <= 0);
    if (room && !full)
        atomic_fetch_sub(room, 1);
    cell = find_or_add(family, full ? others : values);
    pthread_mutex_unlock(&family->state.mutex);
    return cell;
}

struct metric_cell *metric_at(struct metric_family *family, const struct span *values)
{
    return metric_at_within(family, values, NULL);
}

/* ---- recording ---- */

static struct metric_part *part_new(const struct metric_family *family)
{
    size_t size =
        sizeof(struct metric_part) + ((size_t)family->buckets.count + 1) * sizeof(_Atomic int64_t);
    size = (size + SHARD_LINE - 1) / SHARD_LINE * SHARD_LINE;
    struct metric_part *part = aligned_alloc(SHARD_LINE, size);
    CHECK(part && "out of memory");
    memset(part, 0, size);
    return part;
}

/* The calling thread's part. */
static struct metric_part *part_of(struct metric_cell *cell)
{
    _Atomic(struct metric_part *) *place = &cell->parts[shard_index()];
    struct metric_part *part = atomic_load_explicit(place, memory_order_acquire);
    if (part)
        return part;
    struct metric_part *made = part_new(cell->family);
    if (atomic_compare_exchange_strong(place, &part, made))
        return made;
    free(made);
    return part;
}

void metric_add(struct metric_cell *cell, int64_t n)
{
    atomic_fetch_add_explicit(&part_of(cell)->count, n, memory_order_relaxed);
}

static int bucket_of(const struct metric_family *family, double value)
{
    int low = 0, high = family->buckets.count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (value < family->state.limits[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void add_sum(struct metric_part *part, double value)
{
    double sum = atomic_load_explicit(&part->sum, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&part->sum, &sum, sum + value,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

void metric_observe(struct metric_cell *cell, double value)
{
    struct metric_part *part = part_of(cell);
    add_sum(part, value);
    atomic_fetch_add_explicit(&part->buckets[bucket_of(cell->family, value)], 1,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&part->count, 1, memory_order_relaxed);
}

void metric_merge(struct metric_cell *cell, const struct metric_histogram *more)
{
    struct metric_part *part = part_of(cell);
    add_sum(part, more->sum);
    for (int i = 0; i <= cell->family->buckets.count; i++) {
        atomic_fetch_add_explicit(&part->buckets[i], more->buckets[i], memory_order_relaxed);
        atomic_fetch_add_explicit(&part->count, more->buckets[i], memory_order_relaxed);
    }
}

void metric_set(struct metric_cell *cell, int64_t value)
{
    atomic_store_explicit(&cell->gauge, value, memory_order_relaxed);
}

int64_t metric_value(const struct metric_cell *cell)
{
    int64_t sum = 0;
    if (cell->family->kind == METRIC_GAUGE)
        return atomic_load_explicit(&cell->gauge, memory_order_relaxed);
    for (int i = 0; i < SHARDS; i++) {
        const struct metric_part *part =
            atomic_load_explicit(&cell->parts[i], memory_order_acquire);
        sum += part ? atomic_load_explicit(&part->count, memory_order_relaxed) : 0;
    }
    return sum;
}
