/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compare.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "servables/tensorflow/inference.h"
#include "tensor/tensor_proto.h"
#include "wire/messages.h"

__attribute__((format(printf, 2, 3))) static bool differ(struct compare *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->text, sizeof c->text, format, args);
    va_end(args);
    return false;
}

static bool is_close(const struct compare *c, double given, double wanted)
{
    if (given == wanted || (isnan(given) && isnan(wanted)))
        return true;
    return fabs(given - wanted) <= c->tolerance * fmax(1, fabs(wanted));
}

/* ---- tensors ---- */

/* Numbers with a fraction; a complex one is two. */
static double real_at(enum dtype dtype, const void *data, int64_t i)
{
    switch (dtype) {
    case DTYPE_HALF:
        return dtype_half_to_float(((const uint16_t *)data)[i]);
    case DTYPE_BFLOAT16:
        return dtype_bfloat16_to_float(((const uint16_t *)data)[i]);
    case DTYPE_FLOAT:
    case DTYPE_COMPLEX64:
        return ((const float *)data)[i];
    default:
        return ((const double *)data)[i];
    }
}

static bool same_reals(struct compare *c, struct span name, const struct tensor *given,
                       const struct tensor *wanted, int parts)
{
    for (int64_t i = 0; i < tensor_elements(given) * parts; i++) {
        double a = real_at(given->dtype, given->data, i);
        double b = real_at(wanted->dtype, wanted->data, i);
        if (!is_close(c, a, b))
            return differ(c, "output '%.*s'[%lld]: %.9g, wanted %.9g", SPAN_ARG(name),
                          (long long)(i / parts), a, b);
    }
    return true;
}

static bool same_tensors(struct compare *c, struct span name, const struct tensor *given,
                         const struct tensor *wanted)
{
    bool is_complex = given->dtype == DTYPE_COMPLEX64 || given->dtype == DTYPE_COMPLEX128;
    if (given->dtype != wanted->dtype)
        return differ(c, "output '%.*s': %s, wanted %s", SPAN_ARG(name), dtype_name(given->dtype),
                      dtype_name(wanted->dtype));
    if (!shape_equal(&given->shape, &wanted->shape))
        return differ(c, "output '%.*s': another shape", SPAN_ARG(name));
    if (is_complex || dtype_is_float(given->dtype))
        return same_reals(c, name, given, wanted, is_complex ? 2 : 1);
    return tensor_equal(given, wanted) || differ(c, "output '%.*s': other values", SPAN_ARG(name));
}

static const struct pb_tensor_proto *find_output(const struct pb_predict_response *response,
                                                 struct span name)
{
    for (size_t i = 0; i < response->outputs.count; i++) {
        if (span_equal(response->outputs.items[i].key, name))
            return response->outputs.items[i].value;
    }
    return NULL;
}

static enum code same_output(struct compare *c, struct span name,
                             const struct pb_tensor_proto *given,
                             const struct pb_tensor_proto *wanted, bool *same, struct error *err)
{
    struct tensor a, b;
    if (!given) {
        *same = differ(c, "output '%.*s' is missing", SPAN_ARG(name));
        return CODE_OK;
    }
    enum code code = tensor_from_proto(given, c->arena, &a, err);
    if (!code)
        code = tensor_from_proto(wanted, c->arena, &b, err);
    if (!code)
        *same = same_tensors(c, name, &a, &b);
    return code;
}

static enum code compare_predict(struct compare *c, struct span given, struct span wanted,
                                 bool *same, struct error *err)
{
    struct pb_predict_response a, b;
    enum code code = pb_decode(&pb_predict_response_type, given, c->arena, &a, err);
    if (!code)
        code = pb_decode(&pb_predict_response_type, wanted, c->arena, &b, err);
    if (code)
        return code;
    if (a.outputs.count != b.outputs.count)
        *same = differ(c, "%zu outputs, wanted %zu", a.outputs.count, b.outputs.count);
    for (size_t i = 0; !code && *same && i < b.outputs.count; i++) {
        struct span name = b.outputs.items[i].key;
        code = same_output(c, name, find_output(&a, name), b.outputs.items[i].value, same, err);
    }
    return code;
}

/* ---- classes and values ---- */

static bool same_classes(struct compare *c, const struct pb_classifications *given,
                         const struct pb_classifications *wanted, size_t row)
{
    if (given->classes.count != wanted->classes.count)
        return differ(c, "example %zu: %zu classes, wanted %zu", row, given->classes.count,
                      wanted->classes.count);
    for (size_t i = 0; i < given->classes.count; i++) {
        const struct pb_class *a = &given->classes.items[i], *b = &wanted->classes.items[i];
        if (!span_equal(a->label, b->label))
            return differ(c, "example %zu: class '%.*s', wanted '%.*s'", row, SPAN_ARG(a->label),
                          SPAN_ARG(b->label));
        if (!is_close(c, a->score, b->score))
            return differ(c, "example %zu, class '%.*s': %.9g, wanted %.9g", row,
                          SPAN_ARG(a->label), a->score, b->score);
    }
    return true;
}

static bool same_classification(struct compare *c, const struct pb_classification_result *given,
                                const struct pb_classification_result *wanted)
{
    size_t a = given ? given->classifications.count : 0;
    size_t b = wanted ? wanted->classifications.count : 0;
    bool same = a == b || differ(c, "%zu examples, wanted %zu", a, b);
    for (size_t i = 0; same && i < a; i++)
        same =
            same_classes(c, &given->classifications.items[i], &wanted->classifications.items[i], i);
    return same;
}

static bool same_regression(struct compare *c, const struct pb_regression_result *given,
                            const struct pb_regression_result *wanted)
{
    size_t a = given ? given->regressions.count : 0, b = wanted ? wanted->regressions.count : 0;
    bool same = a == b || differ(c, "%zu examples, wanted %zu", a, b);
    for (size_t i = 0; same && i < a; i++) {
        double x = given->regressions.items[i].value, y = wanted->regressions.items[i].value;
        same = is_close(c, x, y) || differ(c, "example %zu: %.9g, wanted %.9g", i, x, y);
    }
    return same;
}

static enum code compare_classify(struct compare *c, struct span given, struct span wanted,
                                  bool *same, struct error *err)
{
    struct pb_classification_response a, b;
    enum code code = pb_decode(&pb_classification_response_type, given, c->arena, &a, err);
    if (!code)
        code = pb_decode(&pb_classification_response_type, wanted, c->arena, &b, err);
    if (!code)
        *same = same_classification(c, a.result, b.result);
    return code;
}

static enum code compare_regress(struct compare *c, struct span given, struct span wanted,
                                 bool *same, struct error *err)
{
    struct pb_regression_response a, b;
    enum code code = pb_decode(&pb_regression_response_type, given, c->arena, &a, err);
    if (!code)
        code = pb_decode(&pb_regression_response_type, wanted, c->arena, &b, err);
    if (!code)
        *same = same_regression(c, a.result, b.result);
    return code;
}

static bool same_result(struct compare *c, const struct pb_inference_result *given,
                        const struct pb_inference_result *wanted)
{
    if (given->result_case != wanted->result_case)
        return differ(c, "a result of another kind");
    if (given->result_case == INFERENCE_CLASSIFICATION)
        return same_classification(c, given->classification_result, wanted->classification_result);
    return same_regression(c, given->regression_result, wanted->regression_result);
}

static enum code compare_multi(struct compare *c, struct span given, struct span wanted, bool *same,
                               struct error *err)
{
    struct pb_multi_inference_response a, b;
    enum code code = pb_decode(&pb_multi_inference_response_type, given, c->arena, &a, err);
    if (!code)
        code = pb_decode(&pb_multi_inference_response_type, wanted, c->arena, &b, err);
    if (code)
        return code;
    if (a.results.count != b.results.count)
        *same = differ(c, "%zu results, wanted %zu", a.results.count, b.results.count);
    for (size_t i = 0; *same && i < a.results.count; i++)
        *same = same_result(c, &a.results.items[i], &b.results.items[i]);
    return CODE_OK;
}

static const struct {
    enum prediction_log_kind kind;
    enum code (*fn)(struct compare *c, struct span given, struct span wanted, bool *same,
                    struct error *err);
} kinds[] = {
    {PREDICTION_LOG_PREDICT, compare_predict},
    {PREDICTION_LOG_CLASSIFY, compare_classify},
    {PREDICTION_LOG_REGRESS, compare_regress},
    {PREDICTION_LOG_MULTI_INFERENCE, compare_multi},
};

enum code compare_responses(struct compare *compare, enum prediction_log_kind kind,
                            struct span given, struct span wanted, bool *same, struct error *err)
{
    *same = true;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].kind == kind)
            return kinds[i].fn(compare, given, wanted, same, err);
    }
    return error_set(err, CODE_UNIMPLEMENTED, "a log of kind %d", (int)kind);
}
