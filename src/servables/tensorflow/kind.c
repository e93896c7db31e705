/* SPDX-License-Identifier: Apache-2.0 */
/* An output filter may have to compile a plan, so requests with one are never quick, unless they
 * wait for a thread that does that. */
#include "servables/tensorflow/kind.h"

#include "servables/tensorflow/loader.h"
#include "servables/tensorflow/predict.h"

static bool is_quick(void *object, const struct pb_predict_request *request)
{
    struct session_signature *signature;
    return !predict_signature(object, request->model_spec->signature_name, &signature, NULL) &&
           predict_is_tiny(signature, request);
}

static void on_run(struct session_task *task, enum code code, struct error *err)
{
    struct predict_task *predict = task->context;
    struct error own;
    if (!code) {
        err = &own;
        code = predict_message_end(task, predict->content, &predict->response, err);
    }
    predict->on_done(predict, code, err);
}

static void start(void *object, struct predict_task *predict)
{
    struct session_task *task = ARENA_NEW(predict->run->arena, struct session_task);
    struct error err;
    task->run = predict->run;
    task->on_done = on_run;
    task->context = predict;
    enum code code = predict_message_begin(object, predict->request, task, &err);
    if (code)
        predict->on_done(predict, code, &err);
    else
        session_task_start(task);
}

const struct servable_kind tensorflow_kind = {
    .loader = &tensorflow_loader,
    .is_quick = is_quick,
    .start = start,
};
