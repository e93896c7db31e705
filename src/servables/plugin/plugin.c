/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A platform of a library gets a loader and a kind of its own, whose functions lead to the
 * library's; the host functions lead back. What a library sees of a call is struct
 * tensord_servable_call, which lives as long as one of its functions runs.
 */
#include "servables/plugin/plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <tensord/servable.h>

#include "base/check.h"
#include "base/library.h"
#include "base/log.h"
#include "engine/run.h"
#include "engine/tensor_view.h"
#include "servables/kinds.h"
#include "tensor/tensor_proto.h"
#include "wire/messages.h"

enum {
    OUTPUTS_MAX = 1024,
    LOG_MAX = 2048,
};

struct plugin {
    struct servable_kind kind; /* first */
    struct loader loader;
    const struct tensord_platform *from;
};

/* What the loader's product is: calls have to find their platform. */
struct plugin_object {
    const struct plugin *plugin;
    void *object;
};

struct tensord_servable_call {
    struct arena *arena;
    struct error *err;
    /* Of predict(); NULL elsewhere. */
    struct run *run;
    const struct pb_predict_request *request;
    struct tensor *inputs; /* in the request's order */
    struct named_tensor *outputs;
    size_t output_count;
};

/* ---- what a library may call ---- */

static int host_fail(struct tensord_servable_call *call, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int host_fail(struct tensord_servable_call *call, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum code failed = tensor_view_fail(call->err, code, format, args);
    va_end(args);
    return (int)failed;
}

static void host_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void host_log(const char *format, ...)
{
    char text[LOG_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_info("%s", text);
}

static void *host_alloc(struct tensord_servable_call *call, size_t bytes)
{
    return arena_try_alloc(call->arena, bytes, TENSOR_ALIGN);
}

static int host_is_cancelled(const struct tensord_servable_call *call)
{
    return call->run && run_check(call->run, NULL);
}

static struct tensord_string host_signature(const struct tensord_servable_call *call)
{
    const struct pb_model_spec *spec = call->request ? call->request->model_spec : NULL;
    struct span name = spec ? spec->signature_name : (struct span){0};
    return (struct tensord_string){name.ptr, name.len};
}

static size_t host_input_count(const struct tensord_servable_call *call)
{
    return call->request ? call->request->inputs.count : 0;
}

static int host_input(struct tensord_servable_call *call, size_t i, struct tensord_string *name,
                      struct tensord_tensor *tensor)
{
    if (i >= host_input_count(call))
        return host_fail(call, CODE_INVALID_ARGUMENT, "input %zu of %zu", i,
                         host_input_count(call));
    struct span key = call->request->inputs.items[i].key;
    *name = (struct tensord_string){key.ptr, key.len};
    tensor_view(&call->inputs[i], tensor);
    return CODE_OK;
}

static int host_find_input(struct tensord_servable_call *call, const char *name,
                           struct tensord_tensor *tensor)
{
    for (size_t i = 0; i < host_input_count(call); i++) {
        if (!span_is(call->request->inputs.items[i].key, name))
            continue;
        tensor_view(&call->inputs[i], tensor);
        return CODE_OK;
    }
    return host_fail(call, CODE_INVALID_ARGUMENT, "the request has no input `%s`", name);
}

static bool is_in_filter(const struct pb_predict_request *request, struct span name)
{
    bool is = !request->output_filter.count;
    for (size_t i = 0; i < request->output_filter.count; i++)
        is |= span_equal(request->output_filter.items[i], name);
    return is;
}

static int host_wants_output(const struct tensord_servable_call *call, const char *name)
{
    return call->request && is_in_filter(call->request, span_of(name));
}

static struct named_tensor *find_output(const struct tensord_servable_call *call, struct span name)
{
    for (size_t i = 0; i < call->output_count; i++) {
        if (span_equal(call->outputs[i].name, name))
            return &call->outputs[i];
    }
    return NULL;
}

static int host_output(struct tensord_servable_call *call, const char *name, int32_t dtype,
                       int rank, const int64_t *dims, struct tensord_tensor *tensor)
{
    struct shape shape;
    enum dtype type = dtype_from_number(dtype);
    if (!call->request || call->output_count == OUTPUTS_MAX || find_output(call, span_of(name)))
        return host_fail(call, CODE_INTERNAL, "output `%s` is one too many", name);
    if (type == DTYPE_INVALID || !dtype_size(type) || type > DTYPE_UINT64)
        return host_fail(call, CODE_INVALID_ARGUMENT, "output `%s` has no type %d", name, dtype);
    const char *what = arena_printf(call->arena, "output `%s`", name);
    enum code code = tensor_view_shape(rank, dims, what, &shape, call->err);
    struct named_tensor *output = &call->outputs[call->output_count];
    if (!code)
        code = tensor_alloc(&output->tensor, type, &shape, call->arena, call->err);
    if (code)
        return (int)code;
    output->name = arena_copy(call->arena, span_of(name));
    /* What it forgets to fill in is nobody else's data. */
    memset(output->tensor.data, 0, tensor_bytes(&output->tensor));
    tensor_view(&output->tensor, tensor);
    call->output_count++;
    return CODE_OK;
}

static const struct tensord_servable_host host = {
    .size = sizeof host,
    .fail = host_fail,
    .log = host_log,
    .alloc = host_alloc,
    .is_cancelled = host_is_cancelled,
    .signature = host_signature,
    .input_count = host_input_count,
    .input = host_input,
    .find_input = host_find_input,
    .wants_output = host_wants_output,
    .output = host_output,
};

/* ---- what the core calls ---- */

/* A library that fails without a word still fails. */
static enum code outcome(struct tensord_servable_call *call, const struct plugin *plugin, int code)
{
    if (code && call->err->code == CODE_OK)
        host_fail(call, code, "platform %s failed", plugin->from->name);
    return code ? call->err->code : CODE_OK;
}

/* A call of load(), check() or estimate(), whose memory lasts as long as it does. */
struct file_call {
    struct tensord_servable_call call; /* first */
    struct arena arena;
    struct error own;
};

static struct tensord_servable_call *begin(struct file_call *f, struct error *err)
{
    arena_init(&f->arena, ARENA_FIRST_BLOCK);
    error_clear(&f->own);
    f->call = (struct tensord_servable_call){.arena = &f->arena, .err = err ? err : &f->own};
    error_clear(f->call.err);
    return &f->call;
}

static enum code end(struct file_call *f, const struct plugin *plugin, int code)
{
    enum code result = outcome(&f->call, plugin, code);
    arena_release(&f->arena);
    return result;
}

static enum code load(const char *path, void *context, void **object, struct error *err)
{
    const struct plugin *plugin = context;
    struct file_call f;
    struct plugin_object *made = calloc(1, sizeof *made);
    CHECK(made && "out of memory");
    made->plugin = plugin;
    enum code code = end(&f, plugin, plugin->from->load(begin(&f, err), path, &made->object));
    if (code)
        free(made);
    else
        *object = made;
    return code;
}

static void unload(void *object)
{
    struct plugin_object *made = object;
    made->plugin->from->unload(made->object);
    free(made);
}

static enum code check(const char *path, void *context, struct error *err)
{
    const struct plugin *plugin = context;
    struct file_call f;
    return end(&f, plugin, plugin->from->check(begin(&f, err), path));
}

static enum code estimate(const char *path, void *context, size_t *bytes, struct error *err)
{
    const struct plugin *plugin = context;
    struct file_call f;
    return end(&f, plugin, plugin->from->estimate(begin(&f, err), path, bytes));
}

/* ---- Predict ---- */

static enum code decode_inputs(struct tensord_servable_call *call)
{
    const struct pb_predict_request *request = call->request;
    enum code code = CODE_OK;
    call->inputs = ARENA_ARRAY(call->arena, struct tensor, request->inputs.count + 1);
    for (size_t i = 0; !code && i < request->inputs.count; i++) {
        static const struct pb_tensor_proto empty;
        const struct pb_tensor_proto *value = request->inputs.items[i].value;
        code = tensor_from_proto(value ? value : &empty, call->arena, &call->inputs[i], call->err);
        if (code)
            error_prefix(call->err,
                         "tensor parsing error: %.*s: ", SPAN_ARG(request->inputs.items[i].key));
    }
    return code;
}

static enum code check_filter(const struct tensord_servable_call *call)
{
    for (size_t i = 0; i < call->request->output_filter.count; i++) {
        struct span name = call->request->output_filter.items[i];
        if (!find_output(call, name))
            return error_set(call->err, CODE_INVALID_ARGUMENT,
                             "output tensor alias not found in signature: %.*s", SPAN_ARG(name));
    }
    return CODE_OK;
}

/* Any byte but 0 stands for true there, and nowhere in here. */
static void mend_bools(const struct tensor *tensor)
{
    uint8_t *bytes = tensor->data;
    for (int64_t i = 0; tensor->dtype == DTYPE_BOOL && i < tensor_elements(tensor); i++)
        bytes[i] = bytes[i] != 0;
}

static void encode_outputs(const struct tensord_servable_call *call, bool content,
                           struct pb_predict_response *response)
{
    response->outputs.items =
        arena_alloc(call->arena, (call->output_count + 1) * sizeof *response->outputs.items);
    for (size_t i = 0; i < call->output_count; i++) {
        const struct named_tensor *output = &call->outputs[i];
        if (!is_in_filter(call->request, output->name))
            continue;
        struct pb_tensor_proto *proto = ARENA_NEW(call->arena, struct pb_tensor_proto);
        mend_bools(&output->tensor);
        (content ? tensor_to_proto_content : tensor_to_proto)(&output->tensor, call->arena, proto);
        response->outputs.items[response->outputs.count].key = output->name;
        response->outputs.items[response->outputs.count++].value = proto;
    }
}

static enum code predict(void *object, const struct pb_predict_request *request, bool content,
                         struct run *run, struct pb_predict_response *response, struct error *err)
{
    const struct plugin_object *made = object;
    struct tensord_servable_call call = {
        .arena = run->arena,
        .err = err,
        .run = run,
        .request = request,
        .outputs = ARENA_ARRAY(run->arena, struct named_tensor, OUTPUTS_MAX),
    };
    enum code code = decode_inputs(&call);
    if (code)
        return code;
    error_clear(err);
    code = outcome(&call, made->plugin, made->plugin->from->predict(&call, made->object));
    if (!code)
        code = check_filter(&call);
    if (code)
        return code;
    response->model_spec = ARENA_NEW(run->arena, struct pb_model_spec);
    struct span name = request->model_spec ? request->model_spec->signature_name : (struct span){0};
    response->model_spec->signature_name = name.len ? name : SPAN_LITERAL("serving_default");
    encode_outputs(&call, content, response);
    return CODE_OK;
}

static bool is_quick(void *object, const struct pb_predict_request *request)
{
    const struct plugin_object *made = object;
    (void)request;
    return made->plugin->from->flags & TENSORD_PLATFORM_QUICK;
}

/* ---- loading libraries ---- */

static enum code add_platform(const char *path, const struct tensord_platform *from,
                              struct error *err)
{
    if (!from->name || !*from->name || !from->load || !from->unload || !from->predict)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "%s: a platform lacks its name, load(), unload() or predict()", path);
    struct plugin *plugin = calloc(1, sizeof *plugin);
    CHECK(plugin && "out of memory");
    plugin->from = from;
    plugin->loader = (struct loader){
        .platform = from->name,
        .load = load,
        .unload = unload,
        .check = from->check ? check : NULL,
        .estimate = from->estimate ? estimate : NULL,
    };
    plugin->kind = (struct servable_kind){
        .loader = &plugin->loader,
        .context = plugin,
        .is_quick = is_quick,
        .predict = predict,
    };
    enum code code = servable_kind_add(&plugin->kind, err);
    if (!code)
        return CODE_OK;
    free(plugin);
    return error_prefix(err, "%s: ", path);
}

static enum code add_platforms(const char *path, const struct tensord_platform_library *library,
                               struct error *err)
{
    if (!library || library->abi != TENSORD_SERVABLE_ABI ||
        library->platform_size < sizeof(struct tensord_platform))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "%s: made for ABI %u of tensord/servable.h, this build has %d", path,
                         library ? library->abi : 0, TENSORD_SERVABLE_ABI);
    enum code code = CODE_OK;
    for (size_t i = 0; !code && i < library->platform_count; i++) {
        const char *at = (const char *)library->platforms + i * library->platform_size;
        code = add_platform(path, (const struct tensord_platform *)at, err);
    }
    return code;
}

typedef const struct tensord_platform_library *
entry_fn(const struct tensord_servable_host *servable_host);

enum code plugin_load(const char *path, struct error *err)
{
    library_fn *entry;
    enum code code =
        library_open(path, "platform library", "tensord_platform_library", &entry, err);
    return code ? code : add_platforms(path, ((entry_fn *)entry)(&host), err);
}
