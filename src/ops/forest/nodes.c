/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trees of a forest from its files nodes-00000-of-0000N, which together are one sequence of
 * records, each a message Node.
 *
 * A tree is its nodes in the order node, negative child, positive child. A condition waits for its
 * positive child until a leaf ends its negative one; those that wait form a list through `next`,
 * the innermost first, so that no depth needs a stack.
 *
 * Records are counted before memory is taken for them; what a node brings along goes to a growing
 * array of words, never more of them than the file has bytes, which is copied once at the end.
 */
#include <math.h>
#include <stdio.h>

#include "ops/forest/blobs.h"
#include "ops/forest/build.h"
#include "wire/messages.h"

enum {
    TERM_WORDS = 3, /* slot, weight, replacement */
    /* The numbers of fields that output_case has. */
    OUTPUT_CLASSIFIER = 1,
    OUTPUT_REGRESSOR = 2,
};

#define NO_NODE UINT32_MAX

struct nodes {
    struct forest_build *build;
    struct arena message; /* of one node, reset for each */
    struct forest_node *nodes;
    uint32_t count;
    uint32_t capacity; /* records in all files */
    uint32_t waiting;  /* the innermost condition without its positive child, or NO_NODE */
    uint32_t leaves;   /* of the tree that is being read */
    uint32_t *roots;
    int64_t tree; /* that is being read */
    bool inside;  /* of a tree: its root has been read */
    union forest_word *words;
    size_t word_count;
    size_t word_capacity;
};

/* ---- words ---- */

static enum code no_memory(struct error *err)
{
    return error_set(err, CODE_RESOURCE_EXHAUSTED, "out of memory");
}

/* Room for `count` words of this node; *words is valid until the next call. */
static enum code add_words(struct nodes *n, struct forest_node *node, size_t count,
                           union forest_word **words, struct error *err)
{
    size_t wanted;
    if (__builtin_add_overflow(n->word_count, count, &wanted) || wanted > UINT32_MAX)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "the model is too large");
    if (wanted > n->word_capacity || !n->words) {
        size_t capacity = wanted < 512 ? 1024 : 2 * wanted;
        union forest_word *grown =
            arena_try_alloc(n->build->scratch, capacity * sizeof *grown, ARENA_ALIGN);
        if (!grown)
            return no_memory(err);
        if (n->word_count)
            memcpy(grown, n->words, n->word_count * sizeof *grown);
        n->words = grown;
        n->word_capacity = capacity;
    }
    node->first = (uint32_t)n->word_count;
    node->count = (uint32_t)count;
    *words = n->words + n->word_count;
    n->word_count = wanted;
    return CODE_OK;
}

/* ---- conditions ---- */

/* The column of that number, of one of the types in `types` (bits of enum pb_column_type), put into
 * the node. */
static enum code use_column(const struct nodes *n, int32_t number, unsigned types,
                            struct forest_node *node, struct error *err)
{
    const struct forest_build *build = n->build;
    if (number < 0 || (size_t)number >= build->column_count)
        return error_set(err, CODE_INVALID_ARGUMENT, "asks for column %d, but there are %zu",
                         number, build->column_count);
    const struct forest_column *column = &build->columns[number];
    if (column->slot < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "asks for column %d, which is no input",
                         number);
    if (!(types >> column->type & 1))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "has a condition that does not fit column %d of type %s", number,
                         pb_enum_name(&pb_column_type_enum, column->type));
    node->feature = (uint8_t)column->feature;
    node->slot = column->slot;
    return CODE_OK;
}

#define TYPE(name)       (1u << PB_COLUMN_TYPE_##name)
#define TYPES_CATEGORIES (TYPE(CATEGORICAL) | TYPE(CATEGORICAL_SET))
#define TYPES_NUMBERS    (TYPE(NUMERICAL) | TYPE(DISCRETIZED_NUMERICAL))
#define TYPES_ALL        (TYPES_CATEGORIES | TYPES_NUMBERS | TYPE(BOOLEAN))

typedef enum code condition_fn(struct nodes *n, const struct pb_node_condition *in,
                               struct forest_node *node, struct error *err);

static enum code read_missing(struct nodes *n, const struct pb_node_condition *in,
                              struct forest_node *node, struct error *err)
{
    node->kind = FOREST_MISSING;
    return use_column(n, in->attribute, TYPES_ALL, node, err);
}

static enum code read_higher(struct nodes *n, const struct pb_node_condition *in,
                             struct forest_node *node, struct error *err)
{
    node->kind = FOREST_HIGHER;
    node->threshold = in->condition->higher_condition->threshold;
    return use_column(n, in->attribute, TYPE(NUMERICAL), node, err);
}

static enum code read_true(struct nodes *n, const struct pb_node_condition *in,
                           struct forest_node *node, struct error *err)
{
    node->kind = FOREST_TRUE;
    return use_column(n, in->attribute, TYPE(BOOLEAN), node, err);
}

/* Bin t and above begin at boundary t - 1: the number itself is asked. Behind the last boundary
 * nothing lies: NaN is reached by no number. */
static enum code read_discretized(struct nodes *n, const struct pb_node_condition *in,
                                  struct forest_node *node, struct error *err)
{
    enum code code = use_column(n, in->attribute, TYPE(DISCRETIZED_NUMERICAL), node, err);
    if (code)
        return code;
    const struct forest_column *column = &n->build->columns[in->attribute];
    int32_t bin = in->condition->discretized_higher_condition->threshold;
    node->kind = FOREST_HIGHER;
    if (bin <= 0)
        node->threshold = -INFINITY;
    else if ((size_t)bin > column->boundary_count)
        node->threshold = NAN;
    else
        node->threshold = column->boundaries[bin - 1];
    return CODE_OK;
}

static enum code read_list(struct nodes *n, const struct pb_node_condition *in,
                           struct forest_node *node, struct error *err)
{
    struct pb_int32s elements = in->condition->contains_condition->elements;
    union forest_word *words;
    enum code code = use_column(n, in->attribute, TYPES_CATEGORIES, node, err);
    if (!code)
        code = add_words(n, node, elements.count, &words, err);
    if (code)
        return code;
    node->kind = node->feature == FOREST_SET ? FOREST_ANY_LIST : FOREST_IN_LIST;
    for (size_t i = 0; i < elements.count; i++) {
        words[i].integer = pb_get_int32(elements, i);
        if (i && words[i].integer <= words[i - 1].integer)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "has a list of categories that is not in ascending order");
    }
    return CODE_OK;
}

static enum code read_bitmap(struct nodes *n, const struct pb_node_condition *in,
                             struct forest_node *node, struct error *err)
{
    struct span bytes = in->condition->contains_bitmap_condition->elements_bitmap;
    union forest_word *words;
    enum code code = use_column(n, in->attribute, TYPES_CATEGORIES, node, err);
    if (code)
        return code;
    int32_t limit = n->build->columns[in->attribute].limit;
    if (bytes.len < ((size_t)limit + 7) / 8)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "has a bitmap of %zu bytes for a column of %d categories", bytes.len,
                         limit);
    code = add_words(n, node, (bytes.len + 3) / 4, &words, err);
    if (code)
        return code;
    node->kind = node->feature == FOREST_SET ? FOREST_ANY_BITMAP : FOREST_IN_BITMAP;
    memset(words, 0, node->count * sizeof *words);
    for (size_t i = 0; i < bytes.len; i++)
        words[i / 4].bits |= (uint32_t)(uint8_t)bytes.ptr[i] << (8 * (i % 4));
    return CODE_OK;
}

static enum code read_oblique(struct nodes *n, const struct pb_node_condition *in,
                              struct forest_node *node, struct error *err)
{
    const struct pb_condition_oblique *sum = in->condition->oblique_condition;
    size_t terms = sum->attributes.count, replacements = sum->na_replacements.count;
    if (sum->weights.count != terms || (replacements && replacements != terms))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "has a sum of %zu columns with %zu weights and %zu replacements", terms,
                         sum->weights.count, replacements);
    union forest_word *words;
    enum code code = add_words(n, node, terms * TERM_WORDS, &words, err);
    for (size_t i = 0; !code && i < terms; i++) {
        code = use_column(n, pb_get_int32(sum->attributes, i), TYPE(NUMERICAL), node, err);
        words[TERM_WORDS * i].integer = node->slot;
        words[TERM_WORDS * i + 1].real = pb_get_float(sum->weights, i);
        words[TERM_WORDS * i + 2].real = replacements ? pb_get_float(sum->na_replacements, i) : NAN;
    }
    node->kind = FOREST_OBLIQUE;
    node->threshold = sum->threshold;
    return code;
}

/* By the number of the field in Condition. */
static condition_fn *const condition_readers[] = {
    [1] = read_missing, [2] = read_higher,      [3] = read_true,    [4] = read_list,
    [5] = read_bitmap,  [6] = read_discretized, [7] = read_oblique,
};

static enum code read_condition(struct nodes *n, const struct pb_node_condition *in,
                                struct forest_node *node, struct error *err)
{
    if (!in->condition || !in->condition->type_case)
        return error_set(err, CODE_UNIMPLEMENTED, "has a condition of a kind that is not known");
    node->missing = in->na_value;
    return condition_readers[in->condition->type_case](n, in, node, err);
}

/* ---- leaves ---- */

typedef enum code leaf_fn(struct nodes *n, const struct pb_node *in, struct forest_node *node,
                          struct error *err);

static enum code read_value(struct nodes *n, const struct pb_node *in, struct forest_node *node,
                            struct error *err)
{
    union forest_word *words;
    if (in->output_case != OUTPUT_REGRESSOR)
        return error_set(err, CODE_INVALID_ARGUMENT, "is a leaf without a regressor");
    enum code code = add_words(n, node, 1, &words, err);
    if (code)
        return code;
    words->real = in->regressor->top_value * n->build->scale;
    node->slot = (int32_t)(n->tree % n->build->forest->sums);
    return CODE_OK;
}

/* Class 0 is what is in no dictionary and has no sum. */
static enum code read_shares(struct nodes *n, const struct pb_node *in, struct forest_node *node,
                             struct error *err)
{
    size_t classes = (size_t)n->build->classes, first = classes == 2 ? 2 : 1;
    const struct pb_integer_distribution_double *shares =
        in->output_case == OUTPUT_CLASSIFIER ? in->classifier->distribution : NULL;
    if (!shares || shares->counts.count != classes + 1 || !(shares->sum > 0))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "is a leaf without a distribution of %zu classes", classes);
    union forest_word *words;
    enum code code = add_words(n, node, classes + 1 - first, &words, err);
    for (size_t i = 0; !code && i < node->count; i++)
        words[i].real =
            (float)(pb_get_double(shares->counts, first + i) / shares->sum) * n->build->scale;
    return code;
}

static enum code read_winner(struct nodes *n, const struct pb_node *in, struct forest_node *node,
                             struct error *err)
{
    int32_t classes = n->build->classes, first = classes == 2 ? 2 : 1;
    int32_t winner = in->output_case == OUTPUT_CLASSIFIER ? in->classifier->top_value : -1;
    if (winner < 0 || winner > classes)
        return error_set(err, CODE_INVALID_ARGUMENT, "is a leaf without one of %d classes",
                         classes);
    union forest_word *words;
    enum code code = add_words(n, node, winner >= first, &words, err);
    if (code || winner < first)
        return code;
    words->real = n->build->scale;
    node->slot = winner - first;
    return CODE_OK;
}

static leaf_fn *const leaf_readers[] = {
    [FOREST_VALUE] = read_value,
    [FOREST_SHARES] = read_shares,
    [FOREST_WINNER] = read_winner,
};

/* The condition that waits innermost gets the node behind this leaf; none waits: the tree ends. */
static void end_leaf(struct nodes *n, struct forest_node *node)
{
    node->kind = FOREST_LEAF;
    node->next = n->leaves++;
    if (n->waiting != NO_NODE) {
        struct forest_node *condition = &n->nodes[n->waiting];
        n->waiting = condition->next;
        condition->next = n->count;
    } else {
        n->tree++;
        n->inside = false;
    }
}

/* ---- trees ---- */

static void begin_tree(struct nodes *n)
{
    n->roots[n->tree] = n->count;
    n->waiting = NO_NODE;
    n->leaves = 0;
    n->inside = true;
}

static enum code read_node(struct nodes *n, struct span record, struct error *err)
{
    struct pb_node in;
    enum code code = pb_decode(&pb_node_type, record, &n->message, &in, err);
    if (code)
        return code;
    if (!n->inside)
        begin_tree(n);
    struct forest_node *node = &n->nodes[n->count++];
    if (!in.condition) {
        code = leaf_readers[n->build->vote](n, &in, node, err);
        if (!code)
            end_leaf(n, node);
        return code;
    }
    node->next = n->waiting;
    n->waiting = n->count - 1;
    return read_condition(n, in.condition, node, err);
}

/* All records of a file, which were counted. */
static enum code read_file(struct nodes *n, struct span records, struct error *err)
{
    struct span record;
    enum code code = CODE_OK;
    for (size_t i = 0; !code && blobs_next(&records, &record); i++) {
        if (n->tree == n->build->tree_count)
            return error_set(err, CODE_INVALID_ARGUMENT, "has more nodes than its %lld trees need",
                             (long long)n->tree);
        code = read_node(n, record, err);
        arena_reset(&n->message);
        if (code)
            error_prefix(err, "record %zu (tree %lld) ", i, (long long)n->tree);
    }
    return code;
}

struct shard {
    char name[sizeof "nodes-00000-of-00000"];
    struct span records;
};

/* Reads a file and counts its records. */
static enum code open_shard(struct nodes *n, struct shard *shard, int32_t index, struct error *err)
{
    struct span file;
    size_t count;
    snprintf(shard->name, sizeof shard->name, "nodes-%05u-of-%05u", (unsigned)index % 100000,
             (unsigned)n->build->shard_count % 100000);
    const struct forest_source *source = n->build->source;
    enum code code = source->read(source, shard->name, n->build->scratch, &file, err);
    if (code)
        return code;
    code = blobs_open(file, n->build->scratch, &shard->records, &count, err);
    if (!code && count >= NO_NODE - n->capacity)
        code = error_set(err, CODE_RESOURCE_EXHAUSTED, "the model is too large");
    if (code)
        return forest_file_error(source, shard->name, code, err);
    n->capacity += (uint32_t)count;
    return CODE_OK;
}

/* Each tree takes a node at least. */
static enum code reserve(struct nodes *n, struct error *err)
{
    int64_t trees = n->build->tree_count;
    if (trees < 0 || trees > n->capacity || trees > INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "the model has %lld trees, but %u nodes",
                         (long long)trees, n->capacity);
    n->nodes = arena_try_calloc(n->build->arena, n->capacity, sizeof *n->nodes);
    n->roots = arena_try_alloc(n->build->arena, (size_t)trees * sizeof *n->roots, ARENA_ALIGN);
    if (!n->nodes || !n->roots)
        return no_memory(err);
    return CODE_OK;
}

static enum code finish(struct nodes *n, struct error *err)
{
    struct forest *forest = n->build->forest;
    size_t bytes = n->word_count * sizeof *n->words;
    if (n->inside || n->tree < n->build->tree_count)
        return error_set(err, CODE_INVALID_ARGUMENT, "the nodes end within tree %lld of %lld",
                         (long long)n->tree, (long long)n->build->tree_count);
    union forest_word *words = arena_try_alloc(n->build->arena, bytes, ARENA_ALIGN);
    if (!words)
        return no_memory(err);
    if (bytes)
        memcpy(words, n->words, bytes);
    forest->words = words;
    forest->nodes = n->nodes;
    forest->roots = n->roots;
    forest->tree_count = (int32_t)n->tree;
    return CODE_OK;
}

static enum code read_shards(struct nodes *n, struct error *err)
{
    int32_t count = n->build->shard_count;
    if (count < 1 || count > FOREST_SHARDS_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "the nodes are in %d files, not in 1 to %d",
                         count, FOREST_SHARDS_MAX);
    struct shard *shards = ARENA_ARRAY(n->build->scratch, struct shard, (size_t)count);
    enum code code = CODE_OK;
    for (int32_t i = 0; !code && i < count; i++)
        code = open_shard(n, &shards[i], i, err);
    if (!code)
        code = reserve(n, err);
    for (int32_t i = 0; !code && i < count; i++) {
        code = read_file(n, shards[i].records, err);
        if (code)
            forest_file_error(n->build->source, shards[i].name, code, err);
    }
    return code ? code : finish(n, err);
}

enum code forest_read_nodes(struct forest_build *build, struct error *err)
{
    struct nodes n = {.build = build};
    arena_init(&n.message, ARENA_FIRST_BLOCK);
    enum code code = read_shards(&n, err);
    arena_release(&n.message);
    return code;
}
