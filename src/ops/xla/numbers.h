/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dimension numbers: messages of repeated int64 fields (xla_data.proto: DotDimensionNumbers,
 * GatherDimensionNumbers, ScatterDimensionNumbers), serialized in a string attribute. Every field
 * is kept as a list by its number; what is not there is an empty list.
 */
#ifndef OPS_XLA_NUMBERS_H
#define OPS_XLA_NUMBERS_H

#include "engine/op.h"

enum { NUMBERS_FIELDS = 8 };

struct numbers_list {
    int count;
    int values[SHAPE_RANK_MAX];
};

struct numbers {
    struct numbers_list fields[NUMBERS_FIELDS];
};

/* INVALID_ARGUMENT: no such message, or a number that can be no dimension of ours. */
enum code numbers_read(struct span bytes, struct numbers *numbers, struct error *err);

bool numbers_has(const struct numbers_list *list, int value);

/* All below `rank` and none twice? INVALID_ARGUMENT naming `what` otherwise. */
enum code numbers_check(const struct numbers_list *list, int rank, const char *what,
                        struct error *err);

#endif
