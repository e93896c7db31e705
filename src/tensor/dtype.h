/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Element types. The numbers are those of tensorflow.DataType (types.proto); a reference type
 * (VariableV2's output) is the number plus 100 and is stripped where a graph is read.
 *
 * Elements in memory: half and bfloat16 are uint16_t with the raw bits; complex is two floats or
 * doubles; the quantised types are their plain integers; bool is one byte, 0 or 1; a string is a
 * struct span (bytes owned by whoever owns the tensor); a resource is a pointer to the engine's
 * struct resource and a variant one to its struct variant.
 */
#ifndef TENSOR_DTYPE_H
#define TENSOR_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum dtype {
    DTYPE_INVALID = 0,
    DTYPE_FLOAT = 1,
    DTYPE_DOUBLE = 2,
    DTYPE_INT32 = 3,
    DTYPE_UINT8 = 4,
    DTYPE_INT16 = 5,
    DTYPE_INT8 = 6,
    DTYPE_STRING = 7,
    DTYPE_COMPLEX64 = 8,
    DTYPE_INT64 = 9,
    DTYPE_BOOL = 10,
    DTYPE_QINT8 = 11,
    DTYPE_QUINT8 = 12,
    DTYPE_QINT32 = 13,
    DTYPE_BFLOAT16 = 14,
    DTYPE_QINT16 = 15,
    DTYPE_QUINT16 = 16,
    DTYPE_UINT16 = 17,
    DTYPE_COMPLEX128 = 18,
    DTYPE_HALF = 19,
    DTYPE_RESOURCE = 20,
    DTYPE_VARIANT = 21,
    DTYPE_UINT32 = 22,
    DTYPE_UINT64 = 23,
    DTYPE_FLOAT8_E5M2 = 24,
    DTYPE_FLOAT8_E4M3FN = 25,
    DTYPE_INT4 = 29,
    DTYPE_UINT4 = 30,
    DTYPE_COUNT = 31,
    DTYPE_REF_OFFSET = 100,
};

/* False for DTYPE_INVALID, reference types and numbers that TensorFlow does not have or we can not
 * hold. */
bool dtype_is_valid(int number);

/* Bytes of one element in memory; 0 for an invalid type. int4 and uint4 take a byte each, as in
 * TensorFlow. */
size_t dtype_size(enum dtype dtype);

/* "float", "int32", "string", "complex64": as TensorFlow's DataTypeString. "INVALID" otherwise. */
const char *dtype_name(enum dtype dtype);

/* "DT_FLOAT": the enum's name in the proto. "DT_INVALID" otherwise. */
const char *dtype_enum_name(enum dtype dtype);

/* From either spelling; DTYPE_INVALID when there is none such. */
enum dtype dtype_from_name(struct span name);

/* Strips a reference; DTYPE_INVALID for what is no type. */
enum dtype dtype_from_number(int number);

/* Plain numbers of a fixed size whose bytes may be copied: everything but string, resource and
 * variant. */
bool dtype_is_plain(enum dtype dtype);
bool dtype_is_float(enum dtype dtype);   /* half, bfloat16, float, double */
bool dtype_is_integer(enum dtype dtype); /* int8..int64, uint8..uint64 */

/* IEEE half and bfloat16, rounded to nearest even as TensorFlow does. */
float dtype_half_to_float(uint16_t bits);
uint16_t dtype_half_from_float(float value);
float dtype_bfloat16_to_float(uint16_t bits);
uint16_t dtype_bfloat16_from_float(float value);

#endif
