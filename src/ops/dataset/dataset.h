/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct dataset: a sequence of elements, each a tuple of tensors, that is made when somebody asks
 * for it: the variant behind tf.data ops in a serving graph. A dataset says how an element is made
 * (its kind), from which dataset, and with which tensors; an iterator is one walk through it.
 */
#ifndef OPS_DATASET_DATASET_H
#define OPS_DATASET_DATASET_H

#include "engine/run.h"
#include "ops/kernel.h"
#include "tensor/variant.h"

struct dataset;
struct iterator;

struct dataset_kind {
    /* The next element into element[dataset->component_count], in memory of run->arena; *end when
     * there is none. */
    enum code (*next)(struct iterator *iterator, struct run *run, struct tensor *element, bool *end,
                      struct error *err);
};

struct dataset {
    struct variant variant; /* first */
    const struct dataset_kind *kind;
    const struct node *node; /* that made it: attributes, regions; borrowed from the plan */
    struct dataset *input;   /* owned reference; NULL: a source */
    int component_count;
    const enum dtype *types; /* of the components; borrowed from the plan */
    struct tensor *tensors;  /* owned references on their buffers */
    int tensor_count;
    int64_t numbers[3]; /* the kind's: sizes, limits */
};

struct iterator {
    const struct dataset *dataset;
    struct iterator *input;        /* of dataset->input */
    const struct iterator *parent; /* whose input it is; NULL: the op's own */
    int64_t position;              /* the kind's */
};

/* Output 0 becomes a dataset of this kind upon input dataset `input` (-1: a source), whose
 * components have the dtypes of the attribute `types`; tensors are copies of inputs [first, first +
 * count). INVALID_ARGUMENT for an input that is no dataset. RESOURCE_EXHAUSTED. */
enum code dataset_make(struct op_call *call, const struct dataset_kind *kind, int input,
                       const char *types, struct dataset **dataset, struct error *err);
enum code dataset_keep(struct dataset *dataset, const struct op_call *call, int first, int count,
                       struct error *err);

/* The dataset that input i is. INVALID_ARGUMENT. */
enum code dataset_of(const struct op_call *call, int i, const struct dataset **dataset,
                     struct error *err);

/* A walk from the beginning; all memory is of the arena. */
struct iterator *iterator_new(const struct dataset *dataset, struct arena *arena);

/* The next element; looks at the run's deadline. */
enum code iterator_next(struct iterator *iterator, struct run *run, struct tensor *element,
                        bool *end, struct error *err);

/* Puts before the message in which function it was, as TensorFlow names it. Returns err's code. */
enum code iterator_error(const struct iterator *iterator, struct error *err);

/* The single number that input i is. INVALID_ARGUMENT naming `what`. */
enum code dataset_number(const struct op_call *call, int i, const char *what, int64_t *number,
                         struct error *err);

#endif
