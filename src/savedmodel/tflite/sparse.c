/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of levels, one for each dimension in the order in which they are walked through; a
 * dimension may be cut into blocks, whose inside is a level of its own. A dense level has all its
 * places. A sparse one has, for each place of the level before, a segment of a list of places. At
 * the leaves the stored elements follow one another.
 *
 * Segments may lie upon each other, so that a walk could be endless: its steps are counted.
 */
#include "savedmodel/tflite/sparse.h"

#include "tensor/tensor.h"

enum { SPARSITY_ORDER, SPARSITY_BLOCKS, SPARSITY_LEVELS };
enum {
    LEVEL_FORMAT,
    LEVEL_SIZE,
    LEVEL_SEGMENTS_TYPE,
    LEVEL_SEGMENTS,
    LEVEL_INDICES_TYPE,
    LEVEL_INDICES,
};
enum { LEVELS_MAX = 2 * SHAPE_RANK_MAX };

/* Numbers of 1, 2 or 4 bytes. */
struct numbers {
    struct flatbuffer_vector vector;
    size_t width;
};

struct level {
    bool is_sparse;
    uint64_t size;
    size_t stride; /* elements of the whole tensor from one place to the next */
    struct numbers segments, indices;
    uint64_t next, end; /* of the walk: places, or entries of `indices` */
    uint64_t parent;    /* number of the place of the level before */
};

struct expansion {
    struct level levels[LEVELS_MAX];
    size_t count;
    size_t element_size;
    struct span stored;
    size_t used;  /* of the stored elements */
    size_t steps; /* left: no place of a level comes twice */
    char *to;
};

static enum code broken(struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT, "its sparsity does not fit its shape or its data");
}

static bool number_at(const struct numbers *numbers, uint64_t i, uint64_t *number)
{
    if (i >= numbers->vector.count)
        return false;
    *number = 0;
    memcpy(number, numbers->vector.elements.ptr + (size_t)i * numbers->width, numbers->width);
    return true;
}

/* A union of vectors of int32, uint16 and uint8. */
static bool read_numbers(const struct flatbuffer_table *level, int type_field,
                         struct numbers *numbers)
{
    static const size_t widths[] = {0, 4, 2, 1};
    struct flatbuffer_table table;
    uint64_t type = 0;
    bool present;
    if (!flatbuffer_number(level, type_field, 1, &type) || !type ||
        type >= sizeof widths / sizeof *widths ||
        !flatbuffer_inner(level, type_field + 1, &table, &present) || !present)
        return false;
    numbers->width = widths[type];
    return flatbuffer_vector(&table, 0, numbers->width, &numbers->vector);
}

static bool read_level(const struct flatbuffer_table *table, struct level *level)
{
    uint64_t format = 0;
    if (!flatbuffer_number(table, LEVEL_FORMAT, 1, &format) ||
        !flatbuffer_number(table, LEVEL_SIZE, 4, &level->size))
        return false;
    level->is_sparse = format;
    return !level->is_sparse || (read_numbers(table, LEVEL_SEGMENTS_TYPE, &level->segments) &&
                                 read_numbers(table, LEVEL_INDICES_TYPE, &level->indices));
}

/* Sizes and strides: of blocks as the file says, of what is outside of them as they leave over. */
static bool lay_out(struct expansion *e, const struct flatbuffer_vector *order,
                    const struct flatbuffer_vector *blocks, const struct shape *shape)
{
    size_t rank = (size_t)shape->rank;
    struct level *of[LEVELS_MAX] = {0}; /* by dimension, then by block */
    size_t stride[SHAPE_RANK_MAX], inner = 1;
    uint64_t size[SHAPE_RANK_MAX];
    for (size_t i = 0; i < e->count; i++) {
        uint32_t dimension;
        if (!flatbuffer_vector_u32(order, i, &dimension) || dimension >= e->count || of[dimension])
            return false;
        of[dimension] = &e->levels[i];
    }
    for (size_t d = rank; d-- > 0;) {
        stride[d] = inner;
        size[d] = (uint64_t)shape->dims[d];
        inner *= (size_t)shape->dims[d];
    }
    for (size_t k = blocks->count; k-- > 0;) {
        uint32_t d;
        struct level *block = of[rank + k];
        if (!flatbuffer_vector_u32(blocks, k, &d) || d >= rank || !block->size ||
            size[d] % block->size)
            return false;
        block->stride = stride[d];
        stride[d] *= (size_t)block->size;
        size[d] /= block->size;
    }
    for (size_t d = 0; d < rank; d++) {
        if (!of[d]->is_sparse && of[d]->size != size[d])
            return false;
        of[d]->size = size[d];
        of[d]->stride = stride[d];
    }
    return true;
}

/* Begins a level below place number `parent` of the one before. */
static bool enter(struct level *level, uint64_t parent)
{
    level->parent = parent;
    level->next = 0;
    level->end = level->size;
    return !level->is_sparse || (number_at(&level->segments, parent, &level->next) &&
                                 number_at(&level->segments, parent + 1, &level->end) &&
                                 level->end <= level->indices.vector.count);
}

static bool put(struct expansion *e, size_t at)
{
    size_t size = e->element_size;
    if (e->used >= e->stored.len / size)
        return false;
    memcpy(e->to + at * size, e->stored.ptr + e->used++ * size, size);
    return true;
}

static bool walk(struct expansion *e)
{
    size_t at[LEVELS_MAX + 1] = {0}; /* the element at which the places chosen so far begin */
    size_t depth = 0;
    if (!enter(&e->levels[0], 0))
        return false;
    for (;;) {
        struct level *level = &e->levels[depth];
        if (level->next >= level->end) {
            if (!depth--)
                return true;
            continue;
        }
        if (!e->steps--)
            return false;
        uint64_t i = level->next++, place = i;
        if (level->is_sparse && (!number_at(&level->indices, i, &place) || place >= level->size))
            return false;
        at[depth + 1] = at[depth] + (size_t)place * level->stride;
        uint64_t number = level->is_sparse ? i : level->parent * level->size + i;
        if (depth + 1 < e->count) {
            if (!enter(&e->levels[++depth], number))
                return false;
        } else if (!put(e, at[depth + 1])) {
            return false;
        }
    }
}

enum code tfl_sparse_expand(struct tfl_model *model, const struct flatbuffer_table *sparsity,
                            struct tfl_tensor *tensor, struct error *err)
{
    struct flatbuffer_vector order, blocks, levels;
    struct flatbuffer_table table;
    struct expansion e = {.stored = tensor->data, .element_size = dtype_size(tensor->dtype)};
    if (!dtype_is_plain(tensor->dtype) || !e.element_size || tensor->is_packed)
        return error_set(err, CODE_UNIMPLEMENTED, "sparse constants of its type");
    size_t bytes;
    if (!flatbuffer_vector(sparsity, SPARSITY_ORDER, 4, &order) ||
        !flatbuffer_vector(sparsity, SPARSITY_BLOCKS, 4, &blocks) ||
        !flatbuffer_vector(sparsity, SPARSITY_LEVELS, 4, &levels) ||
        levels.count != (size_t)tensor->shape.rank + blocks.count || !levels.count ||
        levels.count > LEVELS_MAX || !shape_elements(&tensor->shape) ||
        __builtin_mul_overflow((size_t)shape_elements(&tensor->shape), e.element_size, &bytes))
        return broken(err);
    e.count = levels.count;
    e.steps = e.count * (size_t)shape_elements(&tensor->shape);
    for (size_t i = 0; i < e.count; i++) {
        if (!flatbuffer_vector_table(&levels, i, &table) || !read_level(&table, &e.levels[i]))
            return broken(err);
    }
    if (!lay_out(&e, &order, &blocks, &tensor->shape))
        return broken(err);
    enum code code = tfl_charge(model, bytes, err);
    if (code)
        return code;
    e.to = arena_try_alloc(model->arena, bytes, TENSOR_ALIGN);
    if (!e.to)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "no memory for its %zu bytes", bytes);
    memset(e.to, 0, bytes);
    if (!walk(&e))
        return broken(err);
    tensor->data = span_make(e.to, bytes);
    return CODE_OK;
}
