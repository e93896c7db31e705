/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CTCBeamSearchDecoder: the `top_paths` most probable labellings of each sequence, by a beam of
 * `beam_width` prefixes.
 *
 * Prefixes are nodes of a tree: a node is its parent's prefix and one more label. A node has the
 * logarithms of the probabilities that the steps so far read as its prefix and end in its label, in
 * a blank, or in either (now and one step ago); it is active while it is in the beam, a heap with
 * the least probable on top. Each step first carries the beam's own prefixes on, then looks at
 * their continuations, best prefix first. A node goes when it is neither active nor anybody's
 * parent, so that there are at most as many as the beam's prefixes have labels.
 */
#include <math.h>

#include "ops/kernel.h"
#include "ops/signal/ctc.h"
#include "ops/sort.h"

struct odds {
    double total, blank, label;
};

struct prefix {
    struct prefix *parent;
    struct prefix *child, *sibling; /* the first child; the parent's next one; the next free node */
    int64_t label;
    struct odds now, before;
    bool active, extends; /* in the beam; among those that this step continues */
};

struct beam {
    const struct ctc *c;
    int64_t width;
    struct prefix *nodes, *free;
    struct prefix **heap; /* [width], the least probable first */
    int64_t size;
    struct prefix **extending;      /* [width] */
    int64_t *order, *order_scratch; /* [width] */
    struct prefix *root;
};

static const struct odds no_odds = {-INFINITY, -INFINITY, -INFINITY};

static double add_logs(double a, double b)
{
    double high = a > b ? a : b, low = a > b ? b : a;
    /* Of two that are impossible, or not numbers, the difference is not one either. */
    return high == -INFINITY || a != a || b != b ? a + b : high + log1p(exp(low - high));
}

/* ---- nodes ---- */

static struct prefix *find_child(const struct prefix *parent, int64_t label)
{
    struct prefix *child = parent->child;
    while (child && child->label != label)
        child = child->sibling;
    return child;
}

static struct prefix *new_child(struct beam *b, struct prefix *parent, int64_t label)
{
    struct prefix *node = b->free;
    b->free = node->sibling;
    *node = (struct prefix){.parent = parent,
                            .label = label,
                            .sibling = parent ? parent->child : NULL,
                            .now = no_odds,
                            .before = no_odds};
    if (parent)
        parent->child = node;
    return node;
}

/* The node, and its parents, as far as nobody needs them. */
static void drop_unused(struct beam *b, struct prefix *node)
{
    while (node->parent && !node->active && !node->extends && !node->child) {
        struct prefix *parent = node->parent, **at = &parent->child;
        while (*at != node)
            at = &(*at)->sibling;
        *at = node->sibling;
        node->sibling = b->free;
        b->free = node;
        node = parent;
    }
}

/* ---- the heap ---- */

static void sift_up(struct beam *b, int64_t i)
{
    for (int64_t up = (i - 1) / 2; i > 0; i = up, up = (i - 1) / 2) {
        if (!(b->heap[i]->now.total < b->heap[up]->now.total))
            return;
        struct prefix *kept = b->heap[i];
        b->heap[i] = b->heap[up];
        b->heap[up] = kept;
    }
}

static void sift_down(struct beam *b)
{
    for (int64_t i = 0, next; (next = 2 * i + 1) < b->size; i = next) {
        if (next + 1 < b->size && b->heap[next + 1]->now.total < b->heap[next]->now.total)
            next++;
        if (!(b->heap[next]->now.total < b->heap[i]->now.total))
            return;
        struct prefix *kept = b->heap[i];
        b->heap[i] = b->heap[next];
        b->heap[next] = kept;
    }
}

static bool is_candidate(const struct beam *b, double total)
{
    return total > -INFINITY && (b->size < b->width || total > b->heap[0]->now.total);
}

static void push(struct beam *b, struct prefix *node)
{
    node->active = true;
    if (b->size < b->width) {
        b->heap[b->size] = node;
        sift_up(b, b->size++);
        return;
    }
    struct prefix *least = b->heap[0];
    least->active = false;
    least->now = no_odds;
    b->heap[0] = node;
    sift_down(b);
    drop_unused(b, least);
}

/* ---- steps ---- */

static int more_probable(const void *context, int64_t i, int64_t k)
{
    struct prefix *const *nodes = context;
    double a = nodes[i]->now.total, b = nodes[k]->now.total;
    return (a < b) - (a > b);
}

/* The beam's prefixes, the most probable first, in `order`, which numbers `extending`. */
static int64_t rank_beam(struct beam *b)
{
    for (int64_t i = 0; i < b->size; i++) {
        b->extending[i] = b->heap[i];
        b->order[i] = i;
    }
    sort_items(b->order, b->order_scratch, b->size, more_probable, b->extending);
    return b->size;
}

/* The logarithm of what the step's scores are to be divided by. */
static double normalizer(const struct ctc *c, int64_t row)
{
    double most = ctc_score(c, row), sum = 0;
    for (int64_t i = 1; i < c->classes; i++)
        most = ctc_score(c, row + i) > most ? ctc_score(c, row + i) : most;
    for (int64_t i = 0; i < c->classes; i++)
        sum += exp(ctc_score(c, row + i) - most);
    return most + log(sum);
}

/* The prefix stays as it is: its last label again, or a blank. */
static void carry_on(struct beam *b, struct prefix *node, int64_t row, double norm)
{
    if (node->parent) {
        const struct prefix *parent = node->parent;
        if (parent->active || parent->extends) {
            bool same = node->label == parent->label;
            node->now.label =
                add_logs(node->now.label, same ? parent->before.blank : parent->before.total);
        }
        node->now.label += ctc_score(b->c, row + node->label) - norm;
    }
    node->now.blank = node->before.total + ctc_score(b->c, row + b->c->blank) - norm;
    node->now.total = add_logs(node->now.blank, node->now.label);
}

static void grow(struct beam *b, struct prefix *node, int64_t row, double norm)
{
    for (int64_t label = 0; label < b->c->classes; label++) {
        struct prefix *child = label == b->c->blank ? NULL : find_child(node, label);
        if (label == b->c->blank || (child && child->active))
            continue;
        double previous = label == node->label ? node->before.blank : node->before.total;
        double total = ctc_score(b->c, row + label) - norm + previous;
        if (!is_candidate(b, total)) {
            /* One that has just left the beam is not continued either. */
            if (child)
                child->before = no_odds;
            continue;
        }
        child = child ? child : new_child(b, node, label);
        child->now = (struct odds){total, -INFINITY, total};
        push(b, child);
    }
}

static void step(struct beam *b, int64_t row)
{
    double norm = normalizer(b->c, row);
    int64_t count = rank_beam(b);
    for (int64_t i = 0; i < count; i++) {
        b->extending[i]->before = b->extending[i]->now;
        b->extending[i]->extends = true;
    }
    for (int64_t i = 0; i < count; i++)
        carry_on(b, b->extending[b->order[i]], row, norm);
    b->size = 0;
    for (int64_t i = 0; i < count; i++)
        push(b, b->extending[b->order[i]]);
    for (int64_t i = 0; i < count; i++) {
        if (is_candidate(b, b->extending[b->order[i]]->before.total))
            grow(b, b->extending[b->order[i]], row, norm);
    }
    for (int64_t i = 0; i < count; i++) {
        b->extending[i]->extends = false;
        if (!b->extending[i]->active)
            b->extending[i]->before = no_odds;
        drop_unused(b, b->extending[i]);
    }
}

/* ---- the op ---- */

static enum code beam_new(const struct op_call *call, const struct ctc *c, struct beam *b,
                          int64_t *nodes, struct error *err)
{
    *b = (struct beam){.c = c, .width = op_attr_int(call, "beam_width")};
    if (b->width < 1 || __builtin_mul_overflow(2 * (c->time + 2), b->width, nodes))
        return error_set(err, CODE_INVALID_ARGUMENT, "a beam of %lld prefixes",
                         (long long)b->width);
    enum code code = kernel_array(call, *nodes, sizeof *b->nodes, &b->nodes, err);
    if (!code)
        code = kernel_array(call, b->width, sizeof(void *), &b->heap, err);
    if (!code)
        code = kernel_array(call, b->width, sizeof(void *), &b->extending, err);
    if (!code)
        code = kernel_array(call, b->width, sizeof *b->order, &b->order, err);
    if (!code)
        code = kernel_array(call, b->width, sizeof *b->order, &b->order_scratch, err);
    return code;
}

/* Only the empty prefix is left. */
static void reset(struct beam *b, int64_t nodes)
{
    for (int64_t i = 0; i < nodes; i++)
        b->nodes[i].sibling = i + 1 < nodes ? &b->nodes[i + 1] : NULL;
    b->free = b->nodes;
    b->size = 0;
    b->root = new_child(b, NULL, -1);
    b->root->now = (struct odds){0, 0, -INFINITY};
    push(b, b->root);
}

/* The labels from the root on; repeated ones once if asked for. */
static int64_t spell(const struct ctc *c, const struct prefix *node, int64_t *labels)
{
    int64_t count = 0, previous = -1;
    for (; node->parent; node = node->parent) {
        if (!c->merges || node->label != previous)
            labels[count++] = node->label;
        previous = node->label;
    }
    for (int64_t i = 0; i < count / 2; i++) {
        int64_t kept = labels[i];
        labels[i] = labels[count - 1 - i];
        labels[count - 1 - i] = kept;
    }
    return count;
}

/* Paths [top_paths, batch, time] and how many labels each has. */
struct paths {
    int64_t top;
    int64_t *labels;
    int64_t *counts;
};

static enum code search(const struct op_call *call, struct beam *b, struct paths *p, int64_t nodes,
                        struct error *err)
{
    const struct ctc *c = b->c;
    for (int64_t s = 0; s < c->batch; s++) {
        reset(b, nodes);
        for (int64_t t = 0; t < TENSOR_AT(call->in[1], int32_t)[s]; t++)
            step(b, (t * c->batch + s) * c->classes);
        if (rank_beam(b) < p->top)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Less leaves in the beam search than requested.");
        for (int64_t i = 0; i < p->top; i++) {
            const struct prefix *node = b->extending[b->order[i]];
            int64_t at = i * c->batch + s;
            p->counts[at] = spell(c, node, p->labels + at * c->time);
            ctc_put_score(call->out[3 * p->top], s * p->top + i, node->now.total);
        }
    }
    return CODE_OK;
}

/* inputs [time, batch, classes], sequence_length [batch] -> decoded_indices, decoded_values,
 * decoded_shape, top_paths of each, and log_probability [batch, top_paths]. */
static enum code beam_run(struct op_call *call, struct error *err)
{
    struct ctc c;
    struct beam b;
    struct paths p = {.top = op_attr_int(call, "top_paths")};
    int64_t nodes, lines, labels;
    enum code code = ctc_begin(call, &c, err);
    if (!code)
        code = beam_new(call, &c, &b, &nodes, err);
    if (!code && p.top > b.width)
        code = error_set(err, CODE_INVALID_ARGUMENT, "requested more paths than the beam width.");
    if (!code && (__builtin_mul_overflow(p.top, c.batch, &lines) ||
                  __builtin_mul_overflow(lines, c.time, &labels)))
        code = error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for %lld paths", (long long)p.top);
    if (!code)
        code = kernel_array(call, labels, sizeof *p.labels, &p.labels, err);
    if (!code)
        code = kernel_array(call, lines, sizeof *p.counts, &p.counts, err);
    struct shape scores = {2, {c.batch, p.top}};
    if (!code)
        code = op_call_alloc(call, (int)(3 * p.top), &scores, err);
    if (!code)
        code = search(call, &b, &p, nodes, err);
    for (int i = 0, n = (int)p.top; !code && i < n; i++) {
        struct ctc_decoded decoded = {p.labels + i * c.batch * c.time, p.counts + i * c.batch,
                                      c.time};
        code = ctc_give(call, &c, decoded, (struct ctc_outputs){i, n + i, 2 * n + i}, err);
    }
    return code;
}

const struct op op_CTCBeamSearchDecoder = {
    .name = "CTCBeamSearchDecoder",
    .inputs = "inputs:T sequence_length:int32",
    .outputs = "decoded_indices:top_paths*int64 decoded_values:top_paths*int64 "
               "decoded_shape:top_paths*int64 log_probability:T",
    .attrs = "beam_width:int top_paths:int merge_repeated:bool=true T:type=float",
    .flags = OP_DYNAMIC,
    .types = OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE),
    .run = beam_run,
};
