/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MLIR bytecode (mlir.llvm.org/docs/BytecodeFormat) read into a tree: operations with attributes,
 * operands, results and regions. Attributes and types are understood as far as the dialects builtin
 * and vhlo (StableHLO's portable artifacts) encode them; others, and all locations, are of kind
 * OTHER. Regions have one block, as all of StableHLO's do.
 *
 * Strings and the data of tensors are borrowed from the bytes; the rest lies in the arena.
 */
#ifndef WIRE_MLIR_BYTECODE_H
#define WIRE_MLIR_BYTECODE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"

enum { MLIR_DEPTH_MAX = 64 }; /* of regions, and of attributes and types */

/* The vhlo dialect's numbers of its types: those that stand for a number, and some others. */
enum mlir_type_code {
    MLIR_BOOL = 0,
    MLIR_COMPLEX = 1,
    MLIR_BF16 = 2,
    MLIR_F16 = 3,
    MLIR_F32 = 4,
    MLIR_F64 = 5,
    MLIR_FUNCTION = 8,
    MLIR_INDEX = 9,
    MLIR_SI4 = 10,
    MLIR_SI8 = 11,
    MLIR_SI16 = 12,
    MLIR_SI32 = 13,
    MLIR_SI64 = 14,
    MLIR_UI4 = 15,
    MLIR_UI8 = 16,
    MLIR_UI16 = 17,
    MLIR_UI32 = 18,
    MLIR_UI64 = 19,
    MLIR_TENSOR = 20,
    MLIR_TENSOR_ENCODED = 21,
    MLIR_TOKEN = 22,
    MLIR_TUPLE = 23,
    MLIR_TYPE_CODES = 42,
    MLIR_TYPE_OTHER = -1,
};

enum { MLIR_DYNAMIC = -1 }; /* a size that only a run can tell; any negative one counts as it */

struct mlir_type {
    int code;                        /* enum mlir_type_code, or another of vhlo's numbers */
    const struct mlir_type *element; /* of a tensor, of a complex number */
    const int64_t *dims;             /* of a tensor */
    size_t rank;
};

enum mlir_attr_kind {
    MLIR_ATTR_OTHER,
    MLIR_ATTR_ARRAY,  /* items */
    MLIR_ATTR_DICT,   /* items: name, value, name, value, ...; count of both together */
    MLIR_ATTR_BOOL,   /* number */
    MLIR_ATTR_ENUM,   /* number */
    MLIR_ATTR_INT,    /* number, type */
    MLIR_ATTR_FLOAT,  /* number: the bits; type */
    MLIR_ATTR_STRING, /* bytes */
    MLIR_ATTR_TENSOR, /* bytes: little-endian, or one element that stands for all; type */
    MLIR_ATTR_TYPE,   /* type */
};

struct mlir_attr {
    enum mlir_attr_kind kind;
    int64_t number;
    struct span bytes;
    const struct mlir_type *type;
    const struct mlir_attr *const *items;
    size_t count;
};

struct mlir_value {
    const struct mlir_type *type;
    const struct mlir_op *op; /* whose result it is; NULL: an argument of a region */
    int index;                /* among the results or arguments */
    int id;                   /* counted over the whole module */
};

struct mlir_region {
    struct mlir_value *args;
    size_t arg_count;
    const struct mlir_op *const *ops;
    size_t op_count;
};

struct mlir_op {
    struct span dialect;           /* "vhlo" */
    struct span name;              /* "add_v1" */
    const struct mlir_attr *attrs; /* a dictionary, or NULL */
    const struct mlir_value *const *operands;
    size_t operand_count;
    struct mlir_value *results;
    size_t result_count;
    const struct mlir_region *regions;
    size_t region_count;
};

struct mlir_module {
    struct span producer; /* "StableHLO_v1.9.0" */
    struct mlir_region top;
    int value_count; /* ids are below */
};

/* Time and memory linear in the bytes. INVALID_ARGUMENT says what is malformed; UNIMPLEMENTED for a
 * version of the format behind those that we know, and for regions of several blocks. */
enum code mlir_bytecode_read(struct span bytes, struct arena *arena, struct mlir_module *module,
                             struct error *err);

/* The dictionary's value under that name, or NULL; `dict` may be NULL or no dictionary. */
const struct mlir_attr *mlir_attr_get(const struct mlir_attr *dict, const char *name);

#endif
