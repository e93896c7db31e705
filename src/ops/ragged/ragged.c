/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/ragged/ragged.h"

#define START "Invalid ragged splits: "

enum code ragged_check_splits(const struct tensor *splits, int64_t values, struct error *err)
{
    int64_t n = tensor_elements(splits);
    if (splits->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         START "ragged splits must be rank 1 but is rank %d", splits->shape.rank);
    if (!n)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         START "ragged splits must have at least one splits, but is empty");
    if (tensor_int(splits, 0))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         START "first element of ragged splits  must be 0 but is %lld",
                         (long long)tensor_int(splits, 0));
    for (int64_t i = 1; i < n; i++) {
        int64_t before = tensor_int(splits, i - 1), value = tensor_int(splits, i);
        if (value < before)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             START "ragged splits must be monotonically increasing, but "
                                   "ragged_splits[%lld]=%lld is smaller than row_splits[%lld]=%lld",
                             (long long)i, (long long)value, (long long)(i - 1), (long long)before);
    }
    if (tensor_int(splits, n - 1) != values)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         START "last element of ragged splits must be the number of ragged "
                               "values(%lld) but is %lld",
                         (long long)values, (long long)tensor_int(splits, n - 1));
    return CODE_OK;
}
