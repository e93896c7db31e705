/* SPDX-License-Identifier: Apache-2.0 */
/* Print and PrintV2: what a graph has to say goes to the log, a line each time. */
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "engine/resource.h"
#include "engine/run.h"
#include "ops/control/summary.h"

/* How often a Print has spoken; it is silent after first_n times. */
struct print {
    struct resource resource; /* first */
    atomic_llong count;
};

static void nothing_to_free(struct resource *resource)
{
    (void)resource;
}

static const struct resource_ops print_ops = {.kind = "print", .free = nothing_to_free};

static struct resource *print_make(const void *args)
{
    (void)args;
    struct print *print = calloc(1, sizeof *print);
    CHECK(print && "out of memory");
    return &print->resource;
}

static enum code print_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    struct resource_id id = {.ops = &print_ops, .name = call->node->name};
    call->state = resource_get(call->run->resources, &id, print_make, NULL);
    return CODE_OK;
}

/* input, data... -> output: input. */
static enum code print_run(struct op_call *call, struct error *err)
{
    (void)err;
    struct print *print = call->state;
    int64_t most = op_attr_int(call, "first_n");
    size_t bytes = tensor_bytes(call->in[0]);
    if (bytes)
        memcpy(call->out[0]->data, call->in[0]->data, bytes);
    if (most >= 0 && atomic_fetch_add(&print->count, 1) >= most)
        return CODE_OK;
    struct error text;
    error_clear(&text);
    error_set(&text, CODE_OK, "%.*s", SPAN_ARG(op_attr_string(call, "message")));
    for (int i = 1; i < call->in_count; i++)
        summary_append(&text, call->in[i], op_attr_int(call, "summarize"));
    log_info("%s", text.message);
    return CODE_OK;
}

/* input [] -> nothing. */
static enum code print_v2_run(struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (call->in[0]->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input is expected to be scalar, but got %s",
                         shape_text(&call->in[0]->shape, text));
    log_info("%.*s", SPAN_ARG(*TENSOR_AT(call->in[0], struct span)));
    return CODE_OK;
}

const struct op op_Print = {
    .name = "Print",
    .inputs = "input:T data:U",
    .outputs = "output:T",
    .attrs = "T:type U:list(type) message:string='' first_n:int=-1 summarize:int=3",
    .flags = OP_STATEFUL,
    .prepare = print_prepare,
    .run = print_run,
};

const struct op op_PrintV2 = {
    .name = "PrintV2",
    .inputs = "input:string",
    .outputs = "",
    .attrs = "output_stream:string='stderr' end:string=''",
    .flags = OP_STATEFUL,
    .run = print_v2_run,
};
