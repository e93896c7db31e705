/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sort: quicksort by the median of three down to pieces of RUN, which an insertion sort at the
 * end puts in order; a piece that was halved too often without getting small is sorted by a heap.
 * The order in which the pieces of quicksort are handled does not matter for the outcome, so a
 * stack takes the place of recursion: of each two pieces the left is worked on, the right waits;
 * there can not wait more than the depth allows.
 */
#include "ops/image/ranking.h"

#include "base/check.h"

enum { RUN = 16, DEPTH_MAX = 128 };

typedef bool before_fn(const struct ranked *a, const struct ranked *b);

static bool is_lower(const struct ranked *a, const struct ranked *b)
{
    return a->score < b->score;
}

static bool is_higher(const struct ranked *a, const struct ranked *b)
{
    return b->score < a->score;
}

/* Fills the hole at `at` with value, moving parents that stand before it down. */
static void sift_up(struct ranked *heap, int64_t at, struct ranked value, before_fn *before)
{
    while (at > 0 && before(&heap[(at - 1) / 2], &value)) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = value;
}

/* The hole at `at` sinks to the bottom of heap[n], then value rises from there, not above `top`. */
static void adjust(struct ranked *heap, int64_t at, int64_t n, struct ranked value,
                   before_fn *before)
{
    const int64_t top = at;
    int64_t child = at;
    while (child < (n - 1) / 2) {
        child = 2 * (child + 1);
        if (before(&heap[child], &heap[child - 1]))
            child--;
        heap[at] = heap[child];
        at = child;
    }
    if (n % 2 == 0 && child == (n - 2) / 2) {
        heap[at] = heap[2 * child + 1];
        at = 2 * child + 1;
    }
    while (at > top && before(&heap[(at - 1) / 2], &value)) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = value;
}

void ranking_push(struct ranked *heap, int64_t *n, struct ranked value)
{
    sift_up(heap, (*n)++, value, is_lower);
}

struct ranked ranking_pop(struct ranked *heap, int64_t *n)
{
    struct ranked best = heap[0], last = heap[--*n];
    if (*n)
        adjust(heap, 0, *n, last, is_lower);
    return best;
}

static void swap(struct ranked *a, struct ranked *b)
{
    struct ranked kept = *a;
    *a = *b;
    *b = kept;
}

static void heap_sort(struct ranked *items, int64_t n)
{
    for (int64_t parent = (n - 2) / 2; n >= 2 && parent >= 0; parent--)
        adjust(items, parent, n, items[parent], is_higher);
    for (int64_t end = n - 1; end > 0; end--) {
        struct ranked last = items[end];
        items[end] = items[0];
        adjust(items, 0, end, last, is_higher);
    }
}

/* The median of the second, the middle and the last goes to the front. */
static void choose_pivot(struct ranked *items, int64_t n)
{
    struct ranked *a = items + 1, *b = items + n / 2, *c = items + n - 1;
    struct ranked *median = is_higher(a, b)   ? (is_higher(b, c)   ? b
                                                 : is_higher(a, c) ? c
                                                                   : a)
                            : is_higher(a, c) ? a
                            : is_higher(b, c) ? c
                                              : b;
    swap(items, median);
}

/* Where the right piece begins. The median of three stops both searches. */
static int64_t partition(struct ranked *items, int64_t n)
{
    int64_t left = 1, right = n;
    choose_pivot(items, n);
    for (;;) {
        while (is_higher(&items[left], &items[0]))
            left++;
        right--;
        while (is_higher(&items[0], &items[right]))
            right--;
        if (left >= right)
            return left;
        swap(&items[left], &items[right]);
        left++;
    }
}

struct piece {
    int64_t from, to;
    int depth;
};

static void split(struct ranked *items, int64_t n, int depth)
{
    struct piece stack[DEPTH_MAX];
    int waiting = 0;
    stack[waiting++] = (struct piece){0, n, depth};
    while (waiting) {
        struct piece p = stack[--waiting];
        if (p.to - p.from <= RUN)
            continue;
        if (!p.depth) {
            heap_sort(items + p.from, p.to - p.from);
            continue;
        }
        int64_t cut = p.from + partition(items + p.from, p.to - p.from);
        CHECK(waiting + 2 <= DEPTH_MAX);
        stack[waiting++] = (struct piece){p.from, cut, p.depth - 1};
        stack[waiting++] = (struct piece){cut, p.to, p.depth - 1};
    }
}

static void insert(struct ranked *items, int64_t at)
{
    struct ranked value = items[at];
    while (at > 0 && is_higher(&value, &items[at - 1])) {
        items[at] = items[at - 1];
        at--;
    }
    items[at] = value;
}

void ranking_sort(struct ranked *items, int64_t n)
{
    int depth = 0;
    for (int64_t rest = n; rest > 1; rest /= 2)
        depth += 2;
    split(items, n, depth);
    for (int64_t i = 1; i < n; i++)
        insert(items, i);
}
