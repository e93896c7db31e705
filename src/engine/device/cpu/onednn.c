/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A primitive takes memory objects, which hold the pointers of one run. They can not be shared by
 * threads and making them takes malloc, so that each convolution keeps sets of them: a run takes a
 * free set with one atomic exchange and puts it back; only more runs at once than ever before make
 * a new one.
 *
 * The library uses OpenMP. Its number of threads is set to one for each calling thread, so that no
 * team of threads is ever started. The engine object is made once per process and never freed; a
 * stream belongs to its set.
 */
#include "engine/device/cpu/onednn.h"

#include <dnnl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Declared here: clang has no omp.h of gcc's runtime. */
extern void omp_set_num_threads(int count);

enum {
    SETS_MAX = 16, /* kept; more runs at once make theirs and free it */
    ARGS = 5,
};

enum { ARG_IN, ARG_PACKED, ARG_OUT, ARG_SCRATCH, ARG_BIAS };

/* What one run needs of the library's objects. */
struct set {
    dnnl_stream_t stream;
    dnnl_exec_arg_t args[ARGS];
};

struct onednn_convolution {
    dnnl_primitive_desc_t descriptor;
    dnnl_primitive_t primitive;
    dnnl_memory_desc_t filter; /* as TensorFlow has it */
    int arg_count;
    _Atomic(struct set *) sets[SETS_MAX];
};

static dnnl_engine_t engine;
static pthread_once_t engine_once = PTHREAD_ONCE_INIT;

/* The library's own cache of primitives would keep them after their model is gone. */
static void make_engine(void)
{
    dnnl_set_primitive_cache_capacity(0);
    if (dnnl_engine_create(&engine, dnnl_cpu, 0))
        engine = NULL;
}

static bool enter(void)
{
    static _Thread_local bool prepared;
    pthread_once(&engine_once, make_engine);
    if (!prepared) {
        omp_set_num_threads(1);
        prepared = true;
    }
    return engine != NULL;
}

/* ---- descriptions ---- */

/* The library's functions read as many dimensions as it may have at most. */
typedef dnnl_dim_t dims[DNNL_MAX_NDIMS];

static bool describe(dnnl_memory_desc_t *md, int rank, const dnnl_dim_t *sizes,
                     dnnl_format_tag_t tag)
{
    return !dnnl_memory_desc_init_by_tag(md, rank, sizes, dnnl_f32, tag);
}

struct descriptions {
    dnnl_memory_desc_t in, any_filter, filter, bias, out;
};

static bool describe_all(const struct onednn_shape *s, struct descriptions *d)
{
    dims in = {s->batch, s->in_channels, s->in[0], s->in[1]};
    dims out = {s->batch, s->out_channels, s->out[0], s->out[1]};
    dims filter = {s->out_channels, s->in_channels, s->kernel[0], s->kernel[1]};
    dims grouped = {s->groups, s->out_channels / s->groups, s->in_channels / s->groups,
                    s->kernel[0], s->kernel[1]};
    dims bias = {s->out_channels};
    bool has_groups = s->groups > 1;
    /* The library's groups stand before the outputs of one; in TensorFlow's filter they lie
     * between the input channels and these outputs, which is the tag's order. */
    return describe(&d->in, 4, in, dnnl_nhwc) && describe(&d->out, 4, out, dnnl_nhwc) &&
           describe(&d->bias, 1, bias, dnnl_a) &&
           describe(&d->any_filter, has_groups ? 5 : 4, has_groups ? grouped : filter,
                    dnnl_format_tag_any) &&
           describe(&d->filter, has_groups ? 5 : 4, has_groups ? grouped : filter,
                    has_groups ? dnnl_hwigo : dnnl_hwio);
}

static bool add_activation(dnnl_primitive_attr_t attr, enum onednn_activation activation)
{
    dnnl_post_ops_t ops;
    if (activation == ONEDNN_NONE)
        return true;
    if (dnnl_post_ops_create(&ops))
        return false;
    dnnl_alg_kind_t kind =
        activation == ONEDNN_RELU ? dnnl_eltwise_relu : dnnl_eltwise_bounded_relu;
    float limit = activation == ONEDNN_RELU ? 0 : 6;
    bool added = !dnnl_post_ops_append_eltwise(ops, 1, kind, limit, 0) &&
                 !dnnl_primitive_attr_set_post_ops(attr, ops);
    dnnl_post_ops_destroy(ops);
    return added;
}

static bool make_descriptor(struct onednn_convolution *c, const struct onednn_shape *s)
{
    struct descriptions d;
    dnnl_convolution_desc_t desc;
    dims stride = {s->stride[0], s->stride[1]};
    dims dilation = {s->dilation[0] - 1, s->dilation[1] - 1};
    dims before = {s->before[0], s->before[1]}, after = {s->after[0], s->after[1]};
    dnnl_primitive_attr_t attr;
    if (!describe_all(s, &d) ||
        dnnl_dilated_convolution_forward_desc_init(
            &desc, dnnl_forward_inference, dnnl_convolution_direct, &d.in, &d.any_filter,
            s->has_bias ? &d.bias : NULL, &d.out, stride, dilation, before, after) ||
        dnnl_primitive_attr_create(&attr))
        return false;
    c->filter = d.filter;
    bool made = !dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user) &&
                add_activation(attr, s->activation) &&
                !dnnl_primitive_desc_create(&c->descriptor, &desc, attr, engine, NULL);
    dnnl_primitive_attr_destroy(attr);
    return made;
}

/* Without a kernel for this machine the library falls back on one that is far slower than ours. */
static bool is_reference(const struct onednn_convolution *c)
{
    const char *name = NULL;
    if (dnnl_primitive_desc_query(c->descriptor, dnnl_query_impl_info_str, 0, &name) || !name)
        return true;
    return name[0] == 'r' && name[1] == 'e' && name[2] == 'f';
}

static const dnnl_memory_desc_t *query(const struct onednn_convolution *c, dnnl_query_t what)
{
    return dnnl_primitive_desc_query_md(c->descriptor, what, 0);
}

/* ---- sets of memory objects ---- */

static void set_free(struct set *set, int count)
{
    for (int i = 0; i < count; i++) {
        if (set->args[i].memory)
            dnnl_memory_destroy(set->args[i].memory);
    }
    if (set->stream)
        dnnl_stream_destroy(set->stream);
    free(set);
}

static struct set *set_new(const struct onednn_convolution *c)
{
    static const struct {
        int arg;
        dnnl_query_t query;
    } args[ARGS] = {
        [ARG_IN] = {DNNL_ARG_SRC, dnnl_query_src_md},
        [ARG_PACKED] = {DNNL_ARG_WEIGHTS, dnnl_query_weights_md},
        [ARG_OUT] = {DNNL_ARG_DST, dnnl_query_dst_md},
        [ARG_SCRATCH] = {DNNL_ARG_SCRATCHPAD, dnnl_query_scratchpad_md},
        [ARG_BIAS] = {DNNL_ARG_BIAS, dnnl_query_weights_md},
    };
    struct set *set = calloc(1, sizeof *set);
    if (!set)
        return NULL;
    bool made = !dnnl_stream_create(&set->stream, engine, dnnl_stream_default_flags);
    for (int i = 0; made && i < c->arg_count; i++) {
        /* The bias is the second of the weights. */
        const dnnl_memory_desc_t *md =
            dnnl_primitive_desc_query_md(c->descriptor, args[i].query, i == ARG_BIAS);
        set->args[i].arg = args[i].arg;
        made = !dnnl_memory_create(&set->args[i].memory, md, engine, DNNL_MEMORY_NONE);
    }
    if (made)
        return set;
    set_free(set, c->arg_count);
    return NULL;
}

static struct set *set_take(struct onednn_convolution *c)
{
    for (int i = 0; i < SETS_MAX; i++) {
        if (!atomic_load_explicit(&c->sets[i], memory_order_relaxed))
            continue;
        struct set *set = atomic_exchange_explicit(&c->sets[i], NULL, memory_order_acquire);
        if (set)
            return set;
    }
    return set_new(c);
}

static void set_put(struct onednn_convolution *c, struct set *set)
{
    for (int i = 0; i < SETS_MAX; i++) {
        struct set *none = NULL;
        if (atomic_compare_exchange_strong_explicit(&c->sets[i], &none, set, memory_order_release,
                                                    memory_order_relaxed))
            return;
    }
    set_free(set, c->arg_count);
}

/* ---- interface ---- */

static bool convolution_init(struct onednn_convolution *c, const struct onednn_shape *shape)
{
    c->arg_count = shape->has_bias ? ARGS : ARGS - 1;
    if (!make_descriptor(c, shape) || is_reference(c) ||
        dnnl_primitive_create(&c->primitive, c->descriptor))
        return false;
    struct set *set = set_new(c);
    if (set)
        set_put(c, set);
    return set;
}

struct onednn_convolution *onednn_convolution_new(const struct onednn_shape *shape)
{
    struct onednn_convolution *c = calloc(1, sizeof *c);
    if (c && enter() && convolution_init(c, shape))
        return c;
    onednn_convolution_free(c);
    return NULL;
}

void onednn_convolution_free(struct onednn_convolution *c)
{
    if (!c)
        return;
    for (int i = 0; i < SETS_MAX; i++) {
        struct set *set = atomic_load(&c->sets[i]);
        if (set)
            set_free(set, c->arg_count);
    }
    if (c->primitive)
        dnnl_primitive_destroy(c->primitive);
    if (c->descriptor)
        dnnl_primitive_desc_destroy(c->descriptor);
    free(c);
}

size_t onednn_packed_size(const struct onednn_convolution *c)
{
    return dnnl_memory_desc_get_size(query(c, dnnl_query_weights_md));
}

const void *onednn_layout(const struct onednn_convolution *c, size_t *size)
{
    *size = sizeof(dnnl_memory_desc_t);
    return query(c, dnnl_query_weights_md);
}

size_t onednn_scratch_size(const struct onednn_convolution *c)
{
    return dnnl_memory_desc_get_size(query(c, dnnl_query_scratchpad_md));
}

/* Runs a reorder from the filter's memory object to the packed one's. */
static bool reorder(dnnl_memory_t from, dnnl_memory_t to, const struct onednn_convolution *c)
{
    dnnl_primitive_desc_t descriptor = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_stream_t stream = NULL;
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    bool done =
        !dnnl_reorder_primitive_desc_create(&descriptor, &c->filter, engine,
                                            query(c, dnnl_query_weights_md), engine, NULL) &&
        !dnnl_primitive_create(&primitive, descriptor) &&
        !dnnl_stream_create(&stream, engine, dnnl_stream_default_flags) &&
        !dnnl_primitive_execute(primitive, stream, 2, args) && !dnnl_stream_wait(stream);
    if (stream)
        dnnl_stream_destroy(stream);
    if (primitive)
        dnnl_primitive_destroy(primitive);
    if (descriptor)
        dnnl_primitive_desc_destroy(descriptor);
    return done;
}

bool onednn_pack(const struct onednn_convolution *c, const float *filter, void *packed)
{
    dnnl_memory_t from = NULL, to = NULL;
    bool done = enter() && !dnnl_memory_create(&from, &c->filter, engine, (void *)filter) &&
                !dnnl_memory_create(&to, query(c, dnnl_query_weights_md), engine, packed) &&
                reorder(from, to, c);
    if (from)
        dnnl_memory_destroy(from);
    if (to)
        dnnl_memory_destroy(to);
    return done;
}

bool onednn_convolution_run(struct onednn_convolution *c, const struct onednn_run *run)
{
    void *const pointers[ARGS] = {
        [ARG_IN] = (void *)run->in,   [ARG_PACKED] = (void *)run->packed, [ARG_OUT] = run->out,
        [ARG_SCRATCH] = run->scratch, [ARG_BIAS] = (void *)run->bias,
    };
    struct set *set = enter() ? set_take(c) : NULL;
    if (!set)
        return false;
    bool done = true;
    for (int i = 0; done && i < c->arg_count; i++)
        done = !dnnl_memory_set_data_handle(set->args[i].memory, pointers[i]);
    done = done && !dnnl_primitive_execute(c->primitive, set->stream, c->arg_count, set->args);
    set_put(c, set);
    return done;
}
