/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SAVEDMODEL_ATTR_CASE_H
#define SAVEDMODEL_ATTR_CASE_H

/* The cases of tensorflow.AttrValue's oneof: pb_attr_value.value_case. */
enum attr_case {
    ATTR_CASE_LIST = 1,
    ATTR_CASE_STRING = 2,
    ATTR_CASE_INT = 3,
    ATTR_CASE_FLOAT = 4,
    ATTR_CASE_BOOL = 5,
    ATTR_CASE_TYPE = 6,
    ATTR_CASE_SHAPE = 7,
    ATTR_CASE_TENSOR = 8,
    ATTR_CASE_PLACEHOLDER = 9,
    ATTR_CASE_FUNC = 10,
};

#endif
