/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a subgraph's operators become nodes of TensorFlow's ops, in a function of the library for
 * each subgraph.
 *
 * A tensor of the model has up to two forms there: `raw`, the elements as they are stored, and, if
 * it is quantised, `real`, the floats that these stand for. Each is made from the other when it is
 * first asked for. Arithmetic is done on reals and rounded to the result's grid
 * (FakeQuantWithMinMaxArgs); what only moves elements takes the form that is there.
 */
#ifndef SAVEDMODEL_TFLITE_TRANSLATE_H
#define SAVEDMODEL_TFLITE_TRANSLATE_H

#include "savedmodel/function_maker.h"
#include "savedmodel/tflite/model.h"

struct tfl_value {
    struct span raw;  /* empty: not made yet */
    struct span real; /* the same */
};

/* All functions that are made of a model. */
struct tfl_translation {
    struct tfl_model *model;
    struct arena *arena;
    const struct pb_function_def **functions; /* by subgraph */
    bool *wanted;                             /* by subgraph: something calls it */
    size_t *queue;                            /* those that are wanted and not made yet */
    size_t queued;
    bool *ran_once;   /* by subgraph: at the load, for a CALL_ONCE */
    bool has_effects; /* an operator changes variables or tables, and not only at the load */
};

/* A function being made. */
struct tfl_body {
    struct tfl_translation *t;
    const struct tfl_subgraph *graph;
    struct tfl_value *values; /* by tensor */
    struct function_maker maker;
    const struct tfl_operator *op; /* at work */
    bool has_effects;              /* what changes or reads resources keeps its order */
    struct span last_effect;       /* the node that the next one with an effect waits for */
};

struct tfl_rule;
typedef enum code tfl_rule_fn(struct tfl_body *b, const struct tfl_rule *rule, struct error *err);

/* An attribute that an option gives; absent options are 0. */
struct tfl_attr {
    const char *name;
    enum {
        TFL_ATTR_NONE,
        TFL_ATTR_INT,
        TFL_ATTR_LONG, /* an int of 8 bytes */
        TFL_ATTR_BOOL,
        TFL_ATTR_FLOAT,
        TFL_ATTR_IS_TYPE,  /* the dtype `field` */
        TFL_ATTR_TYPE_OF,  /* the dtype of operand `field` */
        TFL_ATTR_GIVES,    /* the dtype of result `field` */
        TFL_ATTR_COUNT_OF, /* how many inputs (field 0), results (field 1) */
    } kind;
    int field;
};

/* Which form of its operands an operator takes, and what it gives. */
enum tfl_form {
    TFL_REAL,  /* reals; results are rounded to their grids */
    TFL_MOVED, /* of a rule: whichever is there. Of a tensor: reals that are on the grid already */
    TFL_RAW,   /* as stored */
};

enum { TFL_ATTRS_MAX = 7 };

/* What an operator becomes. */
struct tfl_rule {
    int code; /* BuiltinOperator */
    const char *name;
    tfl_rule_fn *fn;
    const char *op;          /* for fn: the op that it becomes */
    enum tfl_form form;      /* for fn */
    uint8_t inputs, outputs; /* at least as many; checked before fn is called */
    int8_t activation;       /* the option that is a fused activation, plus 1; 0: none */
    struct tfl_attr attrs[TFL_ATTRS_MAX];
};

/* A row of a table; attributes come last. */
#define TFL_RULE(code, name, fn, op, form, inputs, outputs, activation, ...)                       \
    {                                                                                              \
        code, name, fn, op, form, inputs, outputs, activation,                                     \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

/* The attribute is the dtype of operand i. */
#define TFL_TYPE_OF(name, i)                                                                       \
    {                                                                                              \
        name, TFL_ATTR_TYPE_OF, i                                                                  \
    }
#define TFL_OF_T TFL_TYPE_OF("T", 0)

/* The tables; each ends with a rule without a name. */
extern const struct tfl_rule tfl_elementwise_rules[];
extern const struct tfl_rule tfl_shape_rules[];
extern const struct tfl_rule tfl_index_rules[];
extern const struct tfl_rule tfl_reduce_rules[];
extern const struct tfl_rule tfl_window_rules[];
extern const struct tfl_rule tfl_product_rules[];
extern const struct tfl_rule tfl_control_rules[];
extern const struct tfl_rule tfl_sequence_rules[];

/* The subgraph is called: its function will be made. */
void tfl_want(struct tfl_translation *t, size_t subgraph);

/* The functions of all subgraphs that are wanted, and of those that these want. */
enum code tfl_translate(struct tfl_translation *t, struct error *err);

/* Fills in what the translation is told of effects. */
void tfl_find_effects(struct tfl_translation *t);

struct span tfl_function_name(struct tfl_translation *t, size_t subgraph);

/* Rule i of all, for lists; NULL behind the last. */
const struct tfl_rule *tfl_rule_at(size_t i);

/* ---- nodes ---- */

struct pb_node_def *tfl_node(struct tfl_body *b, const char *op, int count, ...);
void tfl_attr_type(struct tfl_body *b, struct pb_node_def *node, const char *name,
                   enum dtype dtype);
struct span tfl_unary(struct tfl_body *b, const char *op, struct span x, enum dtype dtype);
struct span tfl_binary(struct tfl_body *b, const char *op, struct span x, struct span y,
                       enum dtype dtype);
struct span tfl_cast(struct tfl_body *b, struct span x, enum dtype from, enum dtype to);
struct span tfl_transpose(struct tfl_body *b, struct span x, enum dtype dtype, const int *perm,
                          size_t rank);
struct span tfl_reshape(struct tfl_body *b, struct span x, enum dtype dtype, const int32_t *dims,
                        size_t rank);
struct span tfl_shape_of(struct tfl_body *b, struct span x, enum dtype dtype); /* int32 */
/* x, at least `low` and at most 1. */
struct span tfl_clip_to_one(struct tfl_body *b, struct span x, enum dtype dtype, int32_t low);
/* The fused activation number `activation` of x. INVALID_ARGUMENT: there is none. */
enum code tfl_activate(struct tfl_body *b, int activation, struct span *x, enum dtype dtype,
                       struct error *err);

/* Constants. */
struct span tfl_const(struct tfl_body *b, enum dtype dtype, const int64_t *dims, size_t rank,
                      struct span bytes);
struct span tfl_float(struct tfl_body *b, float value);
struct span tfl_int(struct tfl_body *b, int32_t value);
struct span tfl_ints(struct tfl_body *b, const int32_t *values, size_t count);

/* RESOURCE_EXHAUSTED: so many are out of proportion to the file. */
enum code tfl_zeros(struct tfl_body *b, enum dtype dtype, const struct shape *shape, struct span *x,
                    struct error *err);

/* ---- operands and results of the operator at work ---- */

bool tfl_has_input(const struct tfl_body *b, size_t i);
const struct tfl_tensor *tfl_input(const struct tfl_body *b, size_t i); /* it is there */
const struct tfl_tensor *tfl_output(const struct tfl_body *b, size_t i);

/* The elements of a constant input of int32 or int64; false when it is none, or has more than
 * `room`. */
bool tfl_input_ints(const struct tfl_body *b, size_t i, int64_t *values, size_t room,
                    size_t *count);

/* A tensor's dtype in a form: float where it is quantised and the form real. */
enum dtype tfl_dtype_in(const struct tfl_tensor *tensor, enum tfl_form form);

/* Input i in a form, with its dtype. INVALID_ARGUMENT: it has no value yet;
 * UNIMPLEMENTED: of no dtype that we have. */
enum code tfl_operand(struct tfl_body *b, size_t i, enum tfl_form form, struct span *x,
                      enum dtype *dtype, struct error *err);

/* The form that a rule of TFL_MOVED means for the operator: stored elements, or reals where these
 * are there; reals that are to be rounded where the grids of operands and result 0 differ. */
enum tfl_form tfl_moved_form(const struct tfl_body *b);

/* Result i in that form. INVALID_ARGUMENT: it has a value already. */
enum code tfl_result(struct tfl_body *b, size_t i, enum tfl_form form, struct span x,
                     struct error *err);

/* The operator becomes an op that we lack: "TFLite.NAME DETAIL". */
enum code tfl_refuse(struct tfl_body *b, const char *name, const char *detail);

/* INVALID_ARGUMENT: what about the operator is wrong. */
enum code tfl_wrong(const struct tfl_body *b, const char *what, struct error *err);

/* A node with the rule's op and attributes: all inputs go in, all outputs come out, the first of
 * them through the fused activation. */
tfl_rule_fn tfl_plain;

/* The same with `inputs` instead of the operator's. */
enum code tfl_plain_of(struct tfl_body *b, const struct tfl_rule *rule, const struct span *inputs,
                       size_t count, struct error *err);

/* All operands in the form that the rule means, with room for more behind them. INVALID_ARGUMENT:
 * one is missing. */
enum code tfl_operands(struct tfl_body *b, const struct tfl_rule *rule, size_t room,
                       struct span **inputs, struct error *err);

/* A node of the rule's op with these inputs. */
struct pb_node_def *tfl_node_of(struct tfl_body *b, const struct tfl_rule *rule,
                                const struct span *inputs, size_t count);

/* The rule's attributes. */
enum code tfl_add_attrs(struct tfl_body *b, const struct tfl_rule *rule, struct pb_node_def *node,
                        struct error *err);
/* The rule's fused activation, then result 0. */
enum code tfl_activated_result(struct tfl_body *b, const struct tfl_rule *rule, struct span x,
                               struct error *err);

/* Constant weights as reals, their dimensions in another order: element (i, j, ...) of the result
 * is that of the tensor at which dimension perm[k] is k's. What is no constant is transposed by a
 * node. `dims`: the result's shape, where it is another. */
enum code tfl_weights(struct tfl_body *b, size_t i, const int *perm, const struct shape *shape,
                      struct span *x, struct error *err);

/* x plus the bias at input i, if there is one. */
enum code tfl_add_bias(struct tfl_body *b, size_t i, struct span *x, enum dtype dtype,
                       struct error *err);

/* A tensor's value outside of any operator. */
enum code tfl_value_of(struct tfl_body *b, int tensor, enum tfl_form form, struct span *x,
                       struct error *err);

/* An operator that is not built in. */
enum code tfl_custom(struct tfl_body *b, struct error *err);

/* Those that are known besides TensorFlow's, for lists; false behind the last. */
bool tfl_custom_at(size_t i, const char **name, const char **ops);

/* TFLite_Detection_PostProcess. */
enum code tfl_detection(struct tfl_body *b, struct error *err);

#endif
