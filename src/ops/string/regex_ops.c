/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RegexReplace, RegexFullMatch and their static forms. A pattern that is an attribute or a constant
 * is compiled when the plan is bound, with a table for speed; one that a request brings, when it
 * runs.
 */
#include "ops/kernel.h"
#include "ops/string/regex.h"

struct regex_state {
    struct regex *regex; /* NULL: the pattern is known only when it runs */
    struct span rewrite; /* of StaticRegexReplace */
    bool all;
};

static enum code compile(struct span pattern, unsigned flags, struct arena *arena,
                         struct regex **regex, struct error *err)
{
    enum code code = regex_compile(pattern, flags, arena, regex, err);
    if (code == CODE_INVALID_ARGUMENT)
        error_prefix(err, "Invalid pattern: %.*s, error: ", SPAN_ARG(pattern));
    return code;
}

/* Input i, which must be a scalar. */
static enum code check_scalar(const struct op_call *call, int i, const char *name,
                              struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (call->in[i]->shape.rank == 0)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT, "%s must be scalar, but received %s", name,
                     shape_text(&call->in[i]->shape, text));
}

static enum code replace_all(struct op_call *call, const struct regex *regex, struct span rewrite,
                             bool all, struct error *err)
{
    struct regex_matcher *matcher;
    enum code code =
        regex_matcher_new(regex, 1 + regex_rewrite_groups(rewrite), call->arena, &matcher, err);
    const struct span *in = call->in[0]->data;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); !code && i < n; i++)
        code = regex_replace(matcher, in[i], rewrite, all, call->arena,
                             &TENSOR_AT(call->out[0], struct span)[i], err);
    return code;
}

static enum code match_all(struct op_call *call, const struct regex *regex, struct error *err)
{
    struct regex_matcher *matcher;
    enum code code = regex_matcher_new(regex, 0, call->arena, &matcher, err);
    const struct span *in = call->in[0]->data;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); !code && i < n; i++)
        TENSOR_AT(call->out[0], bool)
    [i] = regex_match(matcher, in[i], 0, REGEX_FULL, NULL);
    return code;
}

/* ---- the pattern is an attribute ---- */

static enum code static_prepare(struct op_call *call, struct error *err)
{
    struct regex_state *s = ARENA_NEW(call->arena, struct regex_state);
    call->state = s;
    return compile(op_attr_string(call, "pattern"), REGEX_MANY_TEXTS, call->arena, &s->regex, err);
}

static enum code static_replace_prepare(struct op_call *call, struct error *err)
{
    enum code code = static_prepare(call, err);
    struct regex_state *s = call->state;
    s->rewrite = op_attr_string(call, "rewrite");
    s->all = op_attr_bool(call, "replace_global");
    return code;
}

static enum code static_replace_run(struct op_call *call, struct error *err)
{
    const struct regex_state *s = call->state;
    return replace_all(call, s->regex, s->rewrite, s->all, err);
}

static enum code static_match_run(struct op_call *call, struct error *err)
{
    return match_all(call, ((const struct regex_state *)call->state)->regex, err);
}

/* ---- the pattern is an input ---- */

static enum code dynamic_prepare(struct op_call *call, struct error *err)
{
    struct regex_state *s = ARENA_NEW(call->arena, struct regex_state);
    call->state = s;
    enum code code = check_scalar(call, 1, "Pattern", err);
    if (code || !(call->in_const & 2))
        return code;
    return compile(*TENSOR_AT(call->in[1], struct span), REGEX_MANY_TEXTS, call->arena, &s->regex,
                   err);
}

/* The regex of this run. */
static enum code regex_of(struct op_call *call, struct regex **regex, struct error *err)
{
    *regex = ((const struct regex_state *)call->state)->regex;
    if (*regex)
        return CODE_OK;
    return compile(*TENSOR_AT(call->in[1], struct span), 0, call->arena, regex, err);
}

static enum code replace_prepare(struct op_call *call, struct error *err)
{
    enum code code = dynamic_prepare(call, err);
    ((struct regex_state *)call->state)->all = op_attr_bool(call, "replace_global");
    return code ? code : check_scalar(call, 2, "Rewrite", err);
}

static enum code replace_run(struct op_call *call, struct error *err)
{
    struct regex *regex;
    const struct regex_state *s = call->state;
    enum code code = regex_of(call, &regex, err);
    return code ? code
                : replace_all(call, regex, *TENSOR_AT(call->in[2], struct span), s->all, err);
}

static enum code match_run(struct op_call *call, struct error *err)
{
    struct regex *regex;
    enum code code = regex_of(call, &regex, err);
    return code ? code : match_all(call, regex, err);
}

const struct op op_RegexReplace = {
    .name = "RegexReplace",
    .inputs = "input:string pattern:string rewrite:string",
    .outputs = "output:string",
    .attrs = "replace_global:bool=true",
    .prepare = replace_prepare,
    .run = replace_run,
};

const struct op op_StaticRegexReplace = {
    .name = "StaticRegexReplace",
    .inputs = "input:string",
    .outputs = "output:string",
    .attrs = "pattern:string rewrite:string replace_global:bool=true",
    .prepare = static_replace_prepare,
    .run = static_replace_run,
};

const struct op op_RegexFullMatch = {
    .name = "RegexFullMatch",
    .inputs = "input:string pattern:string",
    .outputs = "output:bool",
    .attrs = "",
    .prepare = dynamic_prepare,
    .run = match_run,
};

const struct op op_StaticRegexFullMatch = {
    .name = "StaticRegexFullMatch",
    .inputs = "input:string",
    .outputs = "output:bool",
    .attrs = "pattern:string",
    .prepare = static_prepare,
    .run = static_match_run,
};
