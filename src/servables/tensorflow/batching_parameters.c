/* SPDX-License-Identifier: Apache-2.0 */
#include "servables/tensorflow/batching_parameters.h"

#include "batching/batch_queue.h"
#include "wire/messages.h"

enum { MAX_BATCH_SIZE = 1000, MAX_ENQUEUED_BATCHES = 10 }; /* the original's defaults */

static enum code check_rising(const struct batching_parameters *p, struct error *err)
{
    for (size_t i = 1; i < p->allowed_sizes.count; i++) {
        if (pb_get_int64(p->allowed_sizes, i) <= pb_get_int64(p->allowed_sizes, i - 1))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "allowed_batch_sizes entries must be monotonically increasing");
    }
    return CODE_OK;
}

static enum code check_allowed_of_splits(const struct batching_parameters *p, int64_t last,
                                         struct error *err)
{
    enum code code = check_rising(p, err);
    if (!code && last > p->max_batch_size)
        code = error_set(err, CODE_INVALID_ARGUMENT,
                         "Last entry in allowed_batch_sizes must be less than or equal to "
                         "max_batch_size; last entry was %lld; expected %lld",
                         (long long)last, (long long)p->max_batch_size);
    if (!code && last != p->max_execution_batch_size)
        code = error_set(err, CODE_INVALID_ARGUMENT,
                         "Last entry in allowed_batch_sizes must be equal to "
                         "max_execution_batch_size; last entry was %lld; expected %lld",
                         (long long)last, (long long)p->max_execution_batch_size);
    return code;
}

/* The original does not look at the order here; rows are rounded up in the order given. */
static enum code check_allowed(const struct batching_parameters *p, struct error *err)
{
    if (!p->allowed_sizes.count)
        return CODE_OK;
    int64_t last = pb_get_int64(p->allowed_sizes, p->allowed_sizes.count - 1);
    if (p->splits)
        return check_allowed_of_splits(p, last, err);
    if (last == p->max_batch_size)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Last entry in allowed_batch_sizes must match max_batch_size; last entry was "
                     "%lld; expected %lld",
                     (long long)last, (long long)p->max_batch_size);
}

static int64_t value_or(const struct pb_int64_value *value, int64_t otherwise)
{
    return value ? value->value : otherwise;
}

enum code batching_parameters_read(const struct pb_batching_parameters *m,
                                   struct batching_parameters *p, struct error *err)
{
    int64_t max_batch_size = value_or(m->max_batch_size, MAX_BATCH_SIZE);
    *p = (struct batching_parameters){
        .max_batch_size = max_batch_size,
        .max_execution_batch_size = value_or(m->max_execution_batch_size, max_batch_size),
        .timeout_us = value_or(m->batch_timeout_micros, 0),
        .max_enqueued_batches = value_or(m->max_enqueued_batches, MAX_ENQUEUED_BATCHES),
        .allowed_sizes = m->allowed_batch_sizes,
        .pads = m->pad_variable_length_inputs,
        .splits = m->enable_large_batch_splitting && m->enable_large_batch_splitting->value,
    };
    const struct batch_queue_options queue = {
        .input_size_max = p->max_batch_size,
        .batch_size_max = p->max_execution_batch_size,
        .timeout_us = p->timeout_us,
        .batches_max = p->max_enqueued_batches,
        .splits = p->splits,
    };
    enum code code = check_allowed(p, err);
    return code ? code : batch_queue_check(&queue, err);
}

int64_t batching_parameters_round_up(const struct batching_parameters *p, int64_t rows)
{
    for (size_t i = 0; i < p->allowed_sizes.count; i++) {
        int64_t allowed = pb_get_int64(p->allowed_sizes, i);
        if (rows <= allowed)
            return allowed;
    }
    return rows;
}
