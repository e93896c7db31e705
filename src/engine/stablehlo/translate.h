/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a module's operations become nodes. A value of the module is the name of a tensor
 * ("node:argument:index") in the function at work. A broadcast value has a second, narrow form
 * that elementwise ops take instead: of lower rank, or with sizes of 1, as numpy's rules allow.
 */
#ifndef ENGINE_STABLEHLO_TRANSLATE_H
#define ENGINE_STABLEHLO_TRANSLATE_H

#include "engine/library.h"
#include "savedmodel/function_maker.h"
#include "wire/messages.h"
#include "wire/mlir_bytecode.h"

struct hlo_value {
    struct span full;
    struct span narrow; /* empty: there is none */
    int narrow_rank;
    int platform; /* the platform's index plus 1; 0: it is none */
};

struct hlo_function; /* of the module */

struct translation {
    struct library *library;
    struct arena *arena;      /* what the library's functions are made of */
    struct arena *scratch;    /* gone when the translation is done */
    struct span prefix;       /* of the functions' names */
    struct map functions;     /* by their symbols -> struct hlo_function */
    struct hlo_value *values; /* by id, in the function at work */
    const struct node *node;  /* the XlaCallModule */
    int *marks;               /* by id: the captures that a value was last added to */
    int mark;                 /* captures so far */
    int made;                 /* functions so far */
    int depth;                /* of functions being made in one another */
};

/* A function being made. */
struct body {
    struct translation *t;
    struct function_maker maker; /* in the translation's arena */
};

struct hlo_rule;
typedef enum code hlo_rule_fn(struct body *b, const struct mlir_op *op, const struct hlo_rule *rule,
                              struct error *err);

/* What an operation becomes. The counts are checked before fn is called, and that all operands and
 * results are tensors of a dtype and a rank that we have. */
struct hlo_rule {
    const char *name; /* without dialect and version */
    hlo_rule_fn *fn;
    const char *op;      /* for fn: the op that it becomes */
    const char *bool_op; /* for fn: the one for booleans, or for another variant; may be NULL */
    size_t operands, results, regions; /* at least as many */
    bool tokens;                       /* operands and results may be anything */
};

/* The tables; each ends with a rule without a name. */
extern const struct hlo_rule hlo_elementwise_rules[];
extern const struct hlo_rule hlo_shape_rules[];
extern const struct hlo_rule hlo_product_rules[];
extern const struct hlo_rule hlo_reduce_rules[];
extern const struct hlo_rule hlo_window_rules[];
extern const struct hlo_rule hlo_index_rules[];
extern const struct hlo_rule hlo_sort_rules[];
extern const struct hlo_rule hlo_control_rules[];
extern const struct hlo_rule hlo_custom_rules[];

/* ---- the module's side ---- */

enum dtype hlo_dtype(const struct mlir_type *type);
static inline enum dtype hlo_value_dtype(const struct mlir_value *value)
{
    return hlo_dtype(value->type);
}
static inline bool hlo_is_complex(enum dtype dtype)
{
    return dtype == DTYPE_COMPLEX64 || dtype == DTYPE_COMPLEX128;
}
/* Are all operands and results tensors of a dtype and a rank that we have? */
bool hlo_has_known_types(const struct mlir_op *op);
/* All sizes known? */
bool hlo_is_static(const struct mlir_type *type);
bool hlo_same_type(const struct mlir_type *a, const struct mlir_type *b);

/* The attribute's numbers. INVALID_ARGUMENT: it is missing or no list of integers.
 */
struct hlo_ints {
    size_t count;
    int64_t values[2 * SHAPE_RANK_MAX];
};
enum code hlo_ints(const struct mlir_op *op, const char *name, struct hlo_ints *ints,
                   struct error *err);
/* The same, of numbers below `rank`, each once. */
enum code hlo_dims(const struct mlir_op *op, const char *name, size_t rank, struct hlo_ints *ints,
                   struct error *err);
bool hlo_has(const struct hlo_ints *ints, int64_t value);
/* An integer, enum or boolean attribute. INVALID_ARGUMENT: it is missing. */
enum code hlo_int(const struct mlir_op *op, const char *name, int64_t *value, struct error *err);
/* A string; empty when there is none. */
struct span hlo_string(const struct mlir_op *op, const char *name);

/* The attribute comparison_direction. */
enum {
    HLO_EQUAL,
    HLO_NOT_EQUAL,
    HLO_GREATER_EQUAL,
    HLO_GREATER,
    HLO_LESS_EQUAL,
    HLO_LESS,
};

/* Is the op called so, whatever its version? */
bool hlo_is(const struct mlir_op *op, const char *name);
/* The name without the version. */
struct span hlo_name(const struct mlir_op *op);
/* The constant's tensor when the value is one, else NULL. */
const struct mlir_attr *hlo_constant(const struct mlir_value *value);

enum code hlo_malformed(const struct mlir_op *op, const char *what, struct error *err);

/* ---- the graph's side ---- */

/* A node with `count` inputs (struct span each). Its name is its first output. */
struct pb_node_def *body_node(struct body *b, const char *op, int count, ...);
void body_input(struct body *b, struct pb_node_def *node, struct span input);
void body_type(struct body *b, struct pb_node_def *node, const char *name, enum dtype dtype);
void body_int(struct body *b, struct pb_node_def *node, const char *name, int64_t value);
void body_bool(struct body *b, struct pb_node_def *node, const char *name, bool value);
void body_string(struct body *b, struct pb_node_def *node, const char *name, struct span value);
void body_ints(struct body *b, struct pb_node_def *node, const char *name, const int64_t *values,
               size_t count);
void body_types(struct body *b, struct pb_node_def *node, const char *name,
                const struct mlir_value *const *values, size_t count);
void body_result_types(struct body *b, struct pb_node_def *node, const char *name,
                       const struct mlir_op *op);
void body_func(struct body *b, struct pb_node_def *node, const char *name, struct span function);
void body_funcs(struct body *b, struct pb_node_def *node, const char *name,
                const struct span *functions, size_t count);
/* "node:argument:i" */
struct span body_output(struct body *b, const struct pb_node_def *node, const char *argument,
                        size_t i);

/* Nodes of one output whose dtype is the attribute T. */
struct span body_unary(struct body *b, const char *op, struct span x, enum dtype dtype);
struct span body_binary(struct body *b, const char *op, struct span x, struct span y,
                        enum dtype dtype);
struct span body_cast(struct body *b, struct span x, enum dtype from, enum dtype to);
struct span body_reshape(struct body *b, struct span x, enum dtype dtype, struct span shape,
                         enum dtype shape_dtype);
struct span body_transpose(struct body *b, struct span x, enum dtype dtype, const int64_t *perm,
                           size_t rank);
struct span body_expand_dims(struct body *b, struct span x, enum dtype dtype, int64_t at);
/* Without dimension `axis`, of size 1. */
struct span body_squeeze(struct body *b, struct span x, enum dtype dtype, int64_t axis);
struct span body_broadcast(struct body *b, struct span x, enum dtype dtype, struct span shape,
                           enum dtype shape_dtype);
/* The rows `at` of x. */
struct span body_gather(struct body *b, struct span x, enum dtype dtype, struct span at,
                        enum dtype at_dtype);

/* Constants. */
struct span body_const(struct body *b, enum dtype dtype, const int64_t *dims, size_t rank,
                       struct span bytes);
struct span body_vector(struct body *b, const int64_t *values, size_t count); /* int64 */
struct span body_scalar(struct body *b, int64_t value);                       /* int64 */
/* An integer, or a value of a float type, as a scalar of the dtype. */
struct span body_number(struct body *b, enum dtype dtype, double value);

/* The lists, all of numbers below 128, as a message of the Xla ops (xla_data.proto). */
struct span body_numbers(struct body *b, const struct hlo_ints *fields, size_t count);

/* ---- operands and results ---- */

struct span body_operand(const struct body *b, const struct mlir_op *op, size_t i);
void body_set(struct body *b, const struct mlir_op *op, size_t i, struct span tensor);
/* All results are the outputs of that name, a list. */
void body_set_all(struct body *b, const struct mlir_op *op, const struct pb_node_def *node,
                  const char *argument);
/* The shape of a value as a tensor: a constant of int64 where it is known, else computed. */
struct span body_shape_of(struct body *b, const struct mlir_value *value);
/* Size k of a tensor of that dtype, a scalar of int64. */
struct span body_size(struct body *b, struct span x, enum dtype dtype, int64_t k);

/* 0, 1, 2, ... below `size`, of int64, with `behind` dimensions of size 1 behind. */
struct span body_iota(struct body *b, struct span size, size_t behind);

/* The op becomes one that we lack: "stablehlo.NAME DETAIL". */
enum code body_refuse(struct body *b, const struct mlir_op *op, const char *detail);

/* What a region of two scalars does, if it is one operation on both of them: its row. */
struct hlo_combiner {
    const char *name;
    const char *reduction; /* Sum */
    const char *op;        /* AddV2 */
    const char *bool_reduction, *bool_op;
};
const struct hlo_combiner *hlo_find_combiner(const struct mlir_region *region);
/* Is the value a constant that changes nothing when it is combined with another? */
bool hlo_is_neutral(const struct hlo_combiner *combiner, const struct mlir_value *value);

/* ---- functions ---- */

/* All operations of a region; results[i] are what its last one hands on, `count` values. */
enum code body_region(struct body *b, const struct mlir_region *region, struct span *results,
                      size_t count, struct error *err);

/* What regions see of the function around them. */
struct captures {
    const struct mlir_value **values; /* in scratch */
    size_t count, room;
    int mark; /* 0: nothing found yet */
};

/* Adds what the region uses and neither it nor `captures` has; constants are left out, for the
 * region's function makes its own. */
void captures_find(struct translation *t, const struct mlir_region *region,
                   struct captures *captures);

/* Does the region use nothing of the function around it but constants? */
bool captures_none(struct translation *t, const struct mlir_region *region);

struct region_spec {
    const struct mlir_region *region;
    const struct captures *captures; /* arguments behind the region's own; NULL: none */
    bool hands_on;                   /* captures are results, too */
};

/* A function of the library out of a region. */
enum code body_function(struct body *b, const struct region_spec *spec, struct span *name,
                        struct error *err);

/* The op gives what the module's function of that symbol, made when first asked for, gives upon its
 * operands. */
enum code body_call(struct body *b, const struct mlir_op *op, struct span symbol,
                    struct error *err);

#endif
