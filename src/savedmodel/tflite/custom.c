/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators that are not built in. Those that are TensorFlow's own ("FlexName"; TensorFlow
 * Serving's interpreter has ParseExample, too) have as options a FlexBuffer vector of the op's name
 * and its NodeDef. Interpreters have a few besides, with a FlexBuffer map.
 */
#include "savedmodel/tflite/translate.h"
#include "wire/flexbuffer.h"
#include "wire/pb.h"

static bool read_node(const struct tfl_operator *op, struct span *name, struct span *bytes)
{
    struct flexbuffer_value root, item;
    size_t count;
    return flexbuffer_root(op->custom_options, &root) && flexbuffer_count(&root, &count) &&
           count == 2 && flexbuffer_item(&root, 0, &item) && flexbuffer_text(&item, name) &&
           flexbuffer_item(&root, 1, &item) && flexbuffer_text(&item, bytes);
}

static bool is_tensorflows(struct span custom)
{
    return span_starts_with(custom, SPAN_LITERAL("Flex")) ||
           span_starts_with(custom, SPAN_LITERAL("ParseExample"));
}

static enum code tensorflows(struct tfl_body *b, struct error *err)
{
    struct span name, bytes;
    struct arena *arena = b->t->arena;
    if (!read_node(b->op, &name, &bytes))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "%.*s: its options are no FlexBuffer of a name and a NodeDef",
                         SPAN_ARG(b->op->custom));
    struct pb_node_def proto;
    enum code code = pb_decode(&pb_node_def_type, bytes, arena, &proto, err);
    if (code)
        return error_prefix(err, "%.*s: its NodeDef: ", SPAN_ARG(b->op->custom));
    struct pb_node_def *node = function_maker_node(&b->maker, proto.op);
    node->attr.items = proto.attr.items;
    node->attr.count = proto.attr.count;
    for (size_t i = 0; !code && i < b->op->inputs.count; i++) {
        struct span x;
        enum dtype dtype;
        code = tfl_operand(b, i, TFL_RAW, &x, &dtype, err);
        if (!code)
            node_input(arena, node, x);
    }
    for (size_t i = 0; !code && i < b->op->outputs.count; i++)
        code = tfl_result(b, i, TFL_RAW, node_output(arena, node, i), err);
    return code;
}

/* ---- those that interpreters have besides ---- */

/* A rule of one node, whose attributes are the options of the same names. */
struct custom_attr {
    const char *name;
    enum attr_case kind;
};

static enum code with_options(struct tfl_body *b, const char *op, const struct custom_attr *attrs,
                              struct error *err)
{
    struct arena *arena = b->t->arena;
    struct flexbuffer_value map, value;
    if (!flexbuffer_root(b->op->custom_options, &map))
        return tfl_wrong(b, "its options are no FlexBuffer", err);
    struct pb_node_def *node = function_maker_node(&b->maker, span_of(op));
    for (size_t i = 0; i < b->op->inputs.count; i++) {
        struct span x;
        enum dtype dtype;
        enum code code = tfl_operand(b, i, TFL_REAL, &x, &dtype, err);
        if (code)
            return code;
        /* A second one is a number, which may come as a vector of one. */
        node_input(arena, node, i ? tfl_reshape(b, x, dtype, NULL, 0) : x);
    }
    for (; attrs->name; attrs++) {
        double number = 0;
        if (!flexbuffer_find(&map, attrs->name, &value) || !flexbuffer_number(&value, &number))
            continue;
        if (attrs->kind == ATTR_CASE_FLOAT)
            node_float(arena, node, attrs->name, (float)number);
        else if (attrs->kind == ATTR_CASE_BOOL)
            node_bool(arena, node, attrs->name, number != 0);
        else if (number >= INT32_MIN && number <= INT32_MAX)
            node_int(arena, node, attrs->name, (int64_t)number);
    }
    return b->op->outputs.count ? tfl_result(b, 0, TFL_REAL, node->name, err) : CODE_OK;
}

static enum code spectrogram(struct tfl_body *b, struct error *err)
{
    static const struct custom_attr attrs[] = {{"window_size", ATTR_CASE_INT},
                                               {"stride", ATTR_CASE_INT},
                                               {"magnitude_squared", ATTR_CASE_BOOL},
                                               {NULL, ATTR_CASE_INT}};
    return with_options(b, "AudioSpectrogram", attrs, err);
}

static enum code mfcc(struct tfl_body *b, struct error *err)
{
    static const struct custom_attr attrs[] = {{"upper_frequency_limit", ATTR_CASE_FLOAT},
                                               {"lower_frequency_limit", ATTR_CASE_FLOAT},
                                               {"filterbank_channel_count", ATTR_CASE_INT},
                                               {"dct_coefficient_count", ATTR_CASE_INT},
                                               {NULL, ATTR_CASE_INT}};
    return with_options(b, "Mfcc", attrs, err);
}

static const struct {
    const char *name;
    enum code (*fn)(struct tfl_body *b, struct error *err);
    const char *ops;
} customs[] = {
    {"TFLite_Detection_PostProcess", tfl_detection,
     "NonMaxSuppressionV4, CombinedNonMaxSuppression"},
    {"AudioSpectrogram", spectrogram, "AudioSpectrogram"},
    {"Mfcc", mfcc, "Mfcc"},
};

bool tfl_custom_at(size_t i, const char **name, const char **ops)
{
    if (i >= sizeof customs / sizeof *customs)
        return false;
    *name = customs[i].name;
    *ops = customs[i].ops;
    return true;
}

enum code tfl_custom(struct tfl_body *b, struct error *err)
{
    if (is_tensorflows(b->op->custom))
        return tensorflows(b, err);
    for (size_t i = 0; i < sizeof customs / sizeof *customs; i++) {
        if (!span_is(b->op->custom, customs[i].name))
            continue;
        enum code code = customs[i].fn(b, err);
        return code ? error_prefix(err, "%s: ", customs[i].name) : CODE_OK;
    }
    return tfl_refuse(b, "CUSTOM", arena_printf(b->t->arena, "%.*s", SPAN_ARG(b->op->custom)));
}
