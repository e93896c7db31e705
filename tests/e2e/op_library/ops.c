/* SPDX-License-Identifier: Apache-2.0 */
/* Ops for the test of op libraries: attributes of all kinds, strings, shapes that only run() knows,
 * state, failures. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <tensord/op.h>

static const struct tensord_host *host;

/* x float [n] -> y float: n times `times` of them, each plus the sum of `offsets`, when `on`. */
static int repeat_run(struct tensord_call *call)
{
    struct tensord_tensor x, y;
    int64_t times = 0;
    const float *offsets = NULL;
    size_t count = 0;
    int on = 0;
    float sum = 0;
    int code = host->input(call, 0, &x);
    if (!code)
        code = host->attr_int(call, "times", &times);
    if (!code)
        code = host->attr_floats(call, "offsets", &offsets, &count);
    if (!code)
        code = host->attr_bool(call, "on", &on);
    if (!code && times < 0)
        code = host->fail(call, TENSORD_INVALID_ARGUMENT, "times is %lld", (long long)times);
    int64_t dims[1] = {x.elements * times};
    if (!code)
        code = host->output(call, 0, 1, dims, &y);
    if (code)
        return code;
    for (size_t i = 0; on && i < count; i++)
        sum += offsets[i];
    for (int64_t i = 0; i < y.elements; i++)
        ((float *)y.data)[i] = ((const float *)x.data)[i % x.elements] + sum;
    return TENSORD_OK;
}

/* s string -> t string: each behind `prefix`. */
static int greet_shape(struct tensord_call *call)
{
    struct tensord_tensor s, t;
    int code = host->input(call, 0, &s);
    return code ? code : host->output(call, 0, s.rank, s.dims, &t);
}

static int greet_run(struct tensord_call *call)
{
    struct tensord_tensor s, t;
    struct tensord_string prefix;
    int code = host->input(call, 0, &s);
    if (!code)
        code = host->attr_string(call, "prefix", &prefix);
    if (!code)
        code = host->output(call, 0, s.rank, s.dims, &t);
    for (int64_t i = 0; !code && i < s.elements; i++) {
        const struct tensord_string *from = (const struct tensord_string *)s.data + i;
        struct tensord_string *to = (struct tensord_string *)t.data + i;
        char *bytes = host->alloc(call, prefix.length + from->length + 1);
        if (!bytes)
            return host->fail(call, TENSORD_RESOURCE_EXHAUSTED, "no memory");
        memcpy(bytes, prefix.bytes, prefix.length);
        memcpy(bytes + prefix.length, from->bytes, from->length);
        *to = (struct tensord_string){bytes, prefix.length + from->length};
    }
    return code;
}

struct counter {
    pthread_mutex_t lock;
    int64_t calls;
};

static void *make_counter(void *arg)
{
    struct counter *counter = calloc(1, sizeof *counter);
    if (counter)
        pthread_mutex_init(&counter->lock, NULL);
    (void)arg;
    return counter;
}

/* x float -> n int64 []: how often it was called. */
static int count_run(struct tensord_call *call)
{
    struct tensord_tensor n;
    struct counter *counter = host->resource(call, "calls", make_counter, free, NULL);
    if (!counter)
        return host->fail(call, TENSORD_INTERNAL, "no counter");
    int code = host->output(call, 0, 0, NULL, &n);
    pthread_mutex_lock(&counter->lock);
    counter->calls++;
    if (!code)
        *(int64_t *)n.data = counter->calls;
    pthread_mutex_unlock(&counter->lock);
    return code;
}

/* Does what `how` says, all of it wrong. */
static int misbehave_run(struct tensord_call *call)
{
    struct tensord_string how;
    struct tensord_tensor tensor;
    int64_t dims[1] = {-5}, value;
    int code = host->attr_string(call, "how", &how);
    if (code)
        return code;
    switch (how.bytes[0]) {
    case 'i':
        return host->input(call, 7, &tensor);
    case 'o':
        return host->output(call, 3, 1, dims, &tensor);
    case 'n':
        return host->output(call, 0, 1, dims, &tensor);
    case 'r':
        return host->output(call, 0, 99, dims, &tensor);
    case 'a':
        return host->attr_int(call, "how", &value);
    case 's':
        return TENSORD_FAILED_PRECONDITION;
    default:
        return TENSORD_OK; /* without an output */
    }
}

static const struct tensord_op ops[] = {
    {"Repeat", "x:float", "y:float", "times:int offsets:list(float) on:bool=true", 0, NULL,
     repeat_run},
    {"Greet", "s:string", "t:string", "prefix:string='hello_'", 0, greet_shape, greet_run},
    {"CountCalls", "x:float", "n:int64", "", TENSORD_OP_STATEFUL, NULL, count_run},
    {"Misbehave", "x:float", "y:float", "how:string", 0, NULL, misbehave_run},
};

const struct tensord_op_library *tensord_op_library(const struct tensord_host *functions)
{
    static const struct tensord_op_library library = {TENSORD_OP_ABI, sizeof *ops,
                                                      sizeof ops / sizeof *ops, ops};
    host = functions;
    return &library;
}
