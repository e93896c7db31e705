/* SPDX-License-Identifier: Apache-2.0 */
/* An output filter may have to compile a plan, so requests with one are never quick. */
#include "servables/tensorflow/kind.h"

#include "servables/tensorflow/loader.h"
#include "servables/tensorflow/predict.h"

static bool is_quick(void *object, const struct pb_predict_request *request)
{
    struct session_signature *signature;
    return !request->output_filter.count &&
           !predict_signature(object, request->model_spec->signature_name, &signature, NULL) &&
           session_is_tiny(signature);
}

static enum code answer(void *object, const struct pb_predict_request *request, bool content,
                        struct run *run, struct pb_predict_response *response, struct error *err)
{
    return predict(object, request, content, run, response, err);
}

const struct servable_kind tensorflow_kind = {
    .loader = &tensorflow_loader,
    .is_quick = is_quick,
    .predict = answer,
};
