/* SPDX-License-Identifier: Apache-2.0 */
/* What TensorFlow's loader refuses in a graph before it builds it. */
#ifndef SAVEDMODEL_VALIDATE_H
#define SAVEDMODEL_VALIDATE_H

#include "base/error.h"

struct pb_graph_def;

/* FAILED_PRECONDITION with TensorFlow's text for a Const without a value, an attribute `value`
 * whose tensor has no known number of elements and a function that calls itself; in the graph and
 * in its library. NULL is fine. */
enum code validate_graph(const struct pb_graph_def *graph, struct error *err);

#endif
