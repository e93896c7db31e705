/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Custom ops: a shared library that brings ops which tensord does not have, loaded with
 * --op_library=x.so (tensord and tensorctl, repeatable). The library exports one function,
 *
 *   const struct tensord_op_library *tensord_op_library(const struct tensord_host *host);
 *
 * which keeps `host`, the functions that its kernels may call, and returns its ops. An op has a
 * definition (as TensorFlow's REGISTER_OP has it, written as below), a shape rule and a kernel.
 *
 *   definition   "to_zero:int32", "zeroed:int32", attributes "N:int=3"; see struct tensord_op
 *   shape        optional: what the outputs' shapes are when those of the inputs are known. With it
 *                memory is laid out once per shape; without it run() says the shapes
 *   run          computes; on any thread, several at once for different calls
 *
 * Both return TENSORD_OK or a code, and say why with host->fail(). Inputs are read only. Nothing
 * of a call may be kept after it returns.
 *
 * This header is stable: what is here does not change, new things come behind the old ones, and
 * TENSORD_OP_ABI says how far a library knows it. It needs nothing but C11 (or C++11).
 */
#ifndef TENSORD_OP_H
#define TENSORD_OP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TENSORD_OP_ABI 1

/* Element types, with the numbers of tensorflow.DataType. */
enum tensord_dtype {
    TENSORD_FLOAT = 1,
    TENSORD_DOUBLE = 2,
    TENSORD_INT32 = 3,
    TENSORD_UINT8 = 4,
    TENSORD_INT16 = 5,
    TENSORD_INT8 = 6,
    TENSORD_STRING = 7, /* struct tensord_string */
    TENSORD_COMPLEX64 = 8,
    TENSORD_INT64 = 9,
    TENSORD_BOOL = 10, /* a byte, 0 or 1 */
    TENSORD_BFLOAT16 = 14,
    TENSORD_UINT16 = 17,
    TENSORD_COMPLEX128 = 18,
    TENSORD_HALF = 19,
    TENSORD_UINT32 = 22,
    TENSORD_UINT64 = 23
};

/* The codes of gRPC and TensorFlow that kernels use. */
enum tensord_code {
    TENSORD_OK = 0,
    TENSORD_INVALID_ARGUMENT = 3,
    TENSORD_NOT_FOUND = 5,
    TENSORD_RESOURCE_EXHAUSTED = 8,
    TENSORD_FAILED_PRECONDITION = 9,
    TENSORD_OUT_OF_RANGE = 11,
    TENSORD_UNIMPLEMENTED = 12,
    TENSORD_INTERNAL = 13
};

enum { TENSORD_RANK_MAX = 12 };

/* Bytes that need not end with a zero. */
struct tensord_string {
    const char *bytes;
    size_t length;
};

/* A view of elements in row-major order. */
struct tensord_tensor {
    int32_t dtype;
    int32_t rank;
    int64_t dims[TENSORD_RANK_MAX];
    int64_t elements;
    void *data; /* NULL in shape() for a value that is not known yet */
};

struct tensord_call;

/* What tensord does for a kernel. Functions that return int give a code, which shape() and run()
 * hand on. */
struct tensord_host {
    size_t size; /* of this struct: a function behind it is not there */

    int (*input_count)(const struct tensord_call *call);
    int (*output_count)(const struct tensord_call *call);
    /* Input i. INVALID_ARGUMENT when there is no such input. */
    int (*input)(struct tensord_call *call, int i, struct tensord_tensor *tensor);
    /* In shape(): says output i's shape; tensor->data stays NULL. In run(): memory for output i,
     * which run() fills in whole; when shape() said a shape, it must be the same. Strings are empty
     * at first; their bytes must be an input's or host->alloc()'s. RESOURCE_EXHAUSTED. */
    int (*output)(struct tensord_call *call, int i, int rank, const int64_t *dims,
                  struct tensord_tensor *tensor);

    /* Attributes, by name; the default where the node has none. NOT_FOUND when the definition does
     * not have it, or not of that kind. A list is an array that lasts as long as the call. */
    int (*attr_int)(struct tensord_call *call, const char *name, int64_t *value);
    int (*attr_float)(struct tensord_call *call, const char *name, float *value);
    int (*attr_bool)(struct tensord_call *call, const char *name, int *value);
    int (*attr_string)(struct tensord_call *call, const char *name, struct tensord_string *value);
    int (*attr_dtype)(struct tensord_call *call, const char *name, int32_t *value);
    int (*attr_ints)(struct tensord_call *call, const char *name, const int64_t **values,
                     size_t *count);
    int (*attr_floats)(struct tensord_call *call, const char *name, const float **values,
                       size_t *count);

    /* Memory that lasts as long as the outputs do; NULL when there is none. */
    void *(*alloc)(struct tensord_call *call, size_t bytes);

    /* State that outlives the call and belongs to the loaded version: the object of that name, made
     * with make(arg) when it is not there yet and given to release() when the version is unloaded.
     * NULL when make() gives NULL. Calls run at the same time: the object does its own locking. */
    void *(*resource)(struct tensord_call *call, const char *name, void *(*make)(void *arg),
                      void (*release)(void *object), void *arg);

    /* Not 0: the caller went away or its time is over; a long kernel looks now and then, and
     * returns. */
    int (*is_cancelled)(const struct tensord_call *call);

    /* Sets the error's message; returns `code`. */
    int (*fail)(struct tensord_call *call, int code, const char *format, ...)
#if defined(__GNUC__)
        __attribute__((format(printf, 3, 4)))
#endif
        ;
};

enum tensord_op_flags {
    /* Has an effect, or another answer each time: never computed ahead or left out. */
    TENSORD_OP_STATEFUL = 1
};

struct tensord_op {
    const char *name;
    /* Arguments separated by blanks, each "name:type": a dtype's name ("int32", "float",
     * "string"), the name of an attribute of kind type, "N*T" (N of them), or the name of an
     * attribute of kind list(type). */
    const char *inputs;
    const char *outputs;
    /* "name:kind" or "name:kind=default", separated by blanks; kinds: int float bool string type
     * shape and list(int), list(float), list(type): "T:type N:int=1 mode:string='x'". */
    const char *attrs;
    unsigned flags;
    int (*shape)(struct tensord_call *call); /* may be NULL */
    int (*run)(struct tensord_call *call);
};

struct tensord_op_library {
    uint32_t abi;     /* TENSORD_OP_ABI */
    uint32_t op_size; /* sizeof(struct tensord_op) */
    size_t op_count;
    const struct tensord_op *ops;
};

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const struct tensord_op_library *
tensord_op_library(const struct tensord_host *host);

#ifdef __cplusplus
}
#endif

#endif
