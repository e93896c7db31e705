/* SPDX-License-Identifier: Apache-2.0 */
/* What a PredictionLog may hold: the numbers of its fields (pb_prediction_log.log_type_case). */
#ifndef SERVABLES_TENSORFLOW_PREDICTION_LOG_H
#define SERVABLES_TENSORFLOW_PREDICTION_LOG_H

enum prediction_log_kind {
    PREDICTION_LOG_CLASSIFY = 2,
    PREDICTION_LOG_REGRESS = 3,
    PREDICTION_LOG_MULTI_INFERENCE = 4,
    PREDICTION_LOG_PREDICT = 6,
};

#endif
