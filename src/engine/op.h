/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct op: what an operation is: its definition (as TensorFlow's op definitions have it), its
 * shape rule and its kernel. One const record per op at the end of a file in src/ops/<family>/, one
 * line in src/ops/table.inc.
 *
 * Life of a kernel. For each plan and tuple of input shapes the engine makes a binding once:
 *   shape()    dtypes and shapes of the outputs from those of the inputs; may read the values of
 * inputs that are known. prepare()  all shapes are known: read attributes, check, choose the
 * kernel, keep what run() needs in call->state, ask for scratch. Called once for a binding. run()
 * computes. Called for every request, on any thread, concurrently on different calls; takes no
 * malloc, no lock and looks no name up. Inputs are read-only; every element of every output is
 * written. A step whose shapes are known only when it runs (behind Where, Unique, ...) goes through
 * all three with the request's arena.
 */
#ifndef ENGINE_OP_H
#define ENGINE_OP_H

#include "base/arena.h"
#include "base/error.h"
#include "engine/node.h"
#include "tensor/tensor.h"

struct run;
struct pack_cache;
struct op_call;

typedef enum code op_fn(struct op_call *call, struct error *err);

enum op_flags {
    /* Has an effect or another answer each time (random, variables): never folded, merged or
       dropped. */
    OP_STATEFUL = 1 << 0,
    /* Output 0 is input 0's elements under another shape (Identity, Reshape): no kernel runs when
       both are in memory. */
    OP_ALIAS = 1 << 1,
    /* The answer depends on the shapes of the inputs only (Shape, Rank, Size): computed when the
       binding is made. */
    OP_FROM_SHAPES = 1 << 2,
    /* Output shapes depend on values that are computed: shape() is not called, run() takes memory
       with op_call_alloc(). */
    OP_DYNAMIC = 1 << 3,
    /* run() may write output 0 over an input of the same dtype and number of elements (elementwise
       ops). */
    OP_IN_PLACE = 1 << 4,
    /* Input 0 is a resource handle (or a reference variable) that this op changes. */
    OP_WRITES_RESOURCE = 1 << 5,
    /* Makes a resource handle from attributes alone: the same in every run of one loaded version.
     */
    OP_MAKES_RESOURCE = 1 << 6,
    /* Understood by the importer or a pass and gone before a plan is made (Placeholder, calls of
       functions). */
    OP_STRUCTURAL = 1 << 7,
    /* Runs though some of its inputs are dead (Merge), or decides which outputs are (Switch): see
       engine/executor.c. */
    OP_CONTROL_FLOW = 1 << 8,
    /* run() may hand inputs on as outputs (IdentityN): their memory must stay. */
    OP_HANDS_ON = 1 << 9,
    /* Runs library functions that its attributes name (If, While): node->regions. The errors of
     * run() name the nodes inside. */
    OP_CALLS = 1 << 10,
    /* An OP_CALLS op whose functions are a condition and a body that feeds itself. */
    OP_LOOPS = 1 << 11,
    /* Has outputs, and changes what belongs to the run (an array, a stack): who waits for it may
     * rely on that. */
    OP_CHANGES_RUN = 1 << 12,
    /* An OP_CALLS op whose function takes something else first (a dataset's element), and then the
     * tensors of the argument `other_arguments`. */
    OP_MAPS = 1 << 14,
    /* An OP_CALLS op whose function does not get the op's inputs: it takes an accumulator and a
     * value, scalars, for each of the op's outputs, all accumulators first (XlaReduce). */
    OP_COMBINES = 1 << 13,
    /* Output 0 is input 0 with some elements changed, of the same shape: run() may get both in the
     * same memory, and then only makes the changes. */
    OP_UPDATES = 1 << 15,
};

struct op {
    const char *name;
    /* Arguments separated by blanks, each "name:type"; the type is a dtype's name, the name of an
     * attribute of kind `type`, "N*T" (a list of N), the name of an attribute of kind `list(type)`,
     * or one of these behind '&' (a reference): "values:N*T axis:Tidx". */
    const char *inputs;
    const char *outputs;
    /* Attributes separated by blanks, "name:kind" or "name:kind=default"; kinds: int float bool
     * string type shape tensor func and list(kind); index is a type that must be int32 or int64,
     * integer one that must be an integer. Defaults: -1, 1e-4, true, 'NHWC', float, [1,1,1,1],
     * [0.5,2], {} (scalar shape), ? (unknown shape): "T:type axis:int=-1
     * data_format:string='NHWC'". */
    const char *attrs;
    unsigned flags;
    /* Bit d is set when the kernel has dtype d for the attribute `types_attr` (NULL: "T"); 0: any
     * dtype. A node outside it fails the load. */
    uint64_t types;
    const char *types_attr;
    op_fn
        *shape; /* optional: output 0.. have the dtype of the definition and the shape of input 0 */
    op_fn *prepare; /* optional: nothing to prepare */
    op_fn *run;     /* not for structural ops */
};

/* One step of a binding. Kernels see only this. */
struct op_call {
    const struct node *node; /* for attributes (not in run()) and messages */
    const struct tensor *const
        *in; /* in_count; data may be NULL in shape() and prepare(): not known yet */
    struct tensor *const *out; /* out_count */
    int in_count;
    int out_count;
    uint64_t in_const; /* bit i: input i is a constant of the plan (packing it pays); inputs from 64
                          on never are */
    void *state;       /* set by prepare(): run() only reads it */
    size_t scratch_size; /* set by prepare(): bytes that run() needs */
    void *scratch; /* those bytes, at TENSOR_ALIGN, in run() only; not shared with another run;
                      never NULL */
    struct arena *arena;     /* shape(), prepare(): the binding's; run(): the request's (or the
                                binding's when it folds) */
    struct pack_cache *pack; /* prepare(): weights packed once for all bindings of the plan */
    struct run *run;         /* run() only: the request; NULL while a binding folds */
};

#define OP_TYPE(dtype) (UINT64_C(1) << (dtype))
#define OP_TYPES_INDEX (OP_TYPE(DTYPE_INT32) | OP_TYPE(DTYPE_INT64))
#define OP_TYPES_FLOAT                                                                             \
    (OP_TYPE(DTYPE_HALF) | OP_TYPE(DTYPE_BFLOAT16) | OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE))
#define OP_TYPES_INTEGER                                                                           \
    (OP_TYPE(DTYPE_INT8) | OP_TYPE(DTYPE_INT16) | OP_TYPE(DTYPE_INT32) | OP_TYPE(DTYPE_INT64) |    \
     OP_TYPE(DTYPE_UINT8) | OP_TYPE(DTYPE_UINT16) | OP_TYPE(DTYPE_UINT32) | OP_TYPE(DTYPE_UINT64))
#define OP_TYPES_COMPLEX (OP_TYPE(DTYPE_COMPLEX64) | OP_TYPE(DTYPE_COMPLEX128))
#define OP_TYPES_QUANTISED                                                                         \
    (OP_TYPE(DTYPE_QINT8) | OP_TYPE(DTYPE_QUINT8) | OP_TYPE(DTYPE_QINT16) |                        \
     OP_TYPE(DTYPE_QUINT16) | OP_TYPE(DTYPE_QINT32))
#define OP_TYPES_FLOAT8 (OP_TYPE(DTYPE_FLOAT8_E5M2) | OP_TYPE(DTYPE_FLOAT8_E4M3FN))
#define OP_TYPES_INT4   (OP_TYPE(DTYPE_INT4) | OP_TYPE(DTYPE_UINT4))
#define OP_TYPES_REAL   (OP_TYPES_FLOAT | OP_TYPES_INTEGER)
#define OP_TYPES_NUMBER (OP_TYPES_REAL | OP_TYPES_COMPLEX)

/* ---- for shape() ---- */

/* Is the value of input i known now? (In prepare() of a dynamic step and in run() it always is.) */
static inline bool op_call_known(const struct op_call *call, int i)
{
    return call->in[i]->data != NULL;
}

/* shape() says with this that output i's shape depends on values that are not known yet; the step
 * becomes dynamic. */
static inline void op_call_defer(struct op_call *call, int i)
{
    call->out[i]->shape = shape_unknown();
}

/* Output i gets this shape. */
static inline void op_call_shape(struct op_call *call, int i, const struct shape *shape)
{
    call->out[i]->shape = *shape;
}

/* ---- for run() of OP_DYNAMIC ops, and of ops whose outputs were deferred ---- */

/* Memory for output i in call->arena. RESOURCE_EXHAUSTED. */
enum code op_call_alloc(struct op_call *call, int i, const struct shape *shape, struct error *err);

/* Appends TensorFlow's "\n\t [[{{node x}}]]" to the message. Returns err's code. */
enum code node_error(const struct node *node, struct error *err);

/* ---- attributes: definition's default when the node has none; CHECKs that the definition has it
 * ---- */

int64_t op_attr_int(const struct op_call *call, const char *name);
float op_attr_float(const struct op_call *call, const char *name);
bool op_attr_bool(const struct op_call *call, const char *name);
struct span op_attr_string(const struct op_call *call, const char *name);
enum dtype op_attr_type(const struct op_call *call, const char *name);
struct shape op_attr_shape(const struct op_call *call, const char *name);
/* Lists: *values lies in call->arena; returns the count. */
size_t op_attr_ints(const struct op_call *call, const char *name, const int64_t **values);
size_t op_attr_floats(const struct op_call *call, const char *name, const float **values);
size_t op_attr_strings(const struct op_call *call, const char *name, const struct span **values);
size_t op_attr_types(const struct op_call *call, const char *name, const enum dtype **values);
size_t op_attr_shapes(const struct op_call *call, const char *name, const struct shape **values);

/* First input or output of the argument `name` ("values" of ConcatV2) and how many tensors it has.
 */
int op_call_input(const struct op_call *call, const char *name, int *count);
int op_call_output(const struct op_call *call, const char *name, int *count);

/* ---- the table (src/ops/table.c) ---- */

/* The op of that name, of the table or of a library (engine/op_library.h), or NULL. */
const struct op *op_find(struct span name);
/* All ops, sorted by name. */
extern const struct op *const op_table[];
extern const size_t op_table_size;
/* The family (folder of src/ops/) of each, in the same order. */
extern const char *const op_families[];

#endif
