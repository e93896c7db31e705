/* SPDX-License-Identifier: Apache-2.0 */
/* What Classify, Regress and MultiInference are given: serialised Examples as one tensor of strings
 * (reference 6.4). Nothing here looks into an example; the model's graph does. */
#ifndef SERVABLES_TENSORFLOW_EXAMPLES_H
#define SERVABLES_TENSORFLOW_EXAMPLES_H

#include "tensor/tensor.h"
#include "wire/messages.h"

/* pb_serialized_input.kind_case: the numbers of its fields. */
enum {
    INPUT_LIST = 1,
    INPUT_WITH_CONTEXT = 2,
};

/* A tensor [examples] of strings in the arena. The bytes of a context, if there is one, stand
 * before those of each example: reading both as one message lets the example's features win.
 * Without one the strings are borrowed from the message. INVALID_ARGUMENT `Input is empty.`;
 * RESOURCE_EXHAUSTED when a context before so many examples takes more memory than a request may.
 */
enum code examples_to_tensor(const struct pb_serialized_input *input, struct arena *arena,
                             struct tensor *tensor, struct error *err);

/* Is there one? */
bool examples_have_context(const struct pb_serialized_input *input);

/* How many examples there are. */
size_t examples_count(const struct pb_serialized_input *input);

#endif
