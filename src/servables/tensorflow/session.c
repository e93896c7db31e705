/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading in the order that the engine asks for (engine/compile.h): begin all signatures, so that
 * every missing op and every written variable is known; restore; initialise; finish the signatures;
 * bind each for its declared shapes with unknown sizes taken as 1, so that the first request finds
 * a binding.
 *
 * A request that wants some outputs only gets a plan of its own, made when it is first asked for:
 * what nobody fetches is not run. Such plans are few; beyond SUBSETS_MAX the full plan runs and the
 * surplus is dropped. Signatures that are run as one are made and kept likewise.
 */
#include "servables/tensorflow/session.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "engine/compile.h"
#include "savedmodel/tflite/tflite.h"
#include "wire/messages.h"

enum {
    SUBSETS_MAX = 64,
    JOINED_MAX = 64,
    TINY_RUNS_MIN = 8,                 /* the first runs make bindings and fault pages in */
    NOT_TINY_NS = 2 * SESSION_TINY_NS, /* what is tiny stays so up to here */
};

/* A plan for some of the outputs. */
struct subset {
    struct subset *next;
    const int *wanted;
    size_t count;
    struct plan *plan; /* owned */
};

struct session_signature {
    struct session *session;
    const struct savedmodel_signature *info;
    int *feed_of_input; /* position of each input among the sorted feeds */
    struct span *feeds; /* tensor names, sorted: the order in which TensorFlow numbers them */
    struct span *fetches;
    struct compilation *compilation; /* between the halves of loading */
    struct plan *plan;               /* owned; NULL: see error */
    struct error *error;             /* why there is no plan */
    _Atomic(struct subset *) subsets;
    int subset_count; /* guarded by session->lock */
    _Atomic int64_t run_ns;
    atomic_uint runs;    /* up to TINY_RUNS_MIN */
    atomic_bool is_tiny; /* see session_is_tiny() */
};

/* A signature of several ones' tensors. */
struct joined {
    struct joined *next;
    struct savedmodel_signature info;
    struct session_signature signature;
};

struct session {
    struct session_setup setup;
    struct arena arena;
    struct savedmodel model;
    struct resource_store *resources;
    struct module module;
    struct missing_ops missing;
    struct session_signature *signatures;
    size_t signature_count;
    bool checks_method_names;
    struct batching_session *batching; /* borrowed; NULL: none */
    _Atomic(struct joined *) joined;
    int joined_count;     /* guarded by lock */
    pthread_mutex_t lock; /* of the module: compiling after loading */
};

/* ---- signatures ---- */

static int compare_spans(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

static void sort_feeds(struct session_signature *s, struct arena *arena)
{
    size_t count = s->info->input_count;
    s->feeds = ARENA_ARRAY(arena, struct span, count);
    s->feed_of_input = ARENA_ARRAY(arena, int, count);
    for (size_t i = 0; i < count; i++)
        s->feeds[i] = s->info->inputs[i].name;
    qsort(s->feeds, count, sizeof *s->feeds, compare_spans);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            if (span_equal(s->feeds[k], s->info->inputs[i].name))
                s->feed_of_input[i] = (int)k;
        }
    }
}

static void keep_error(struct session_signature *s, const struct error *err)
{
    s->error = ARENA_NEW(&s->session->arena, struct error);
    *s->error = *err;
}

static void begin_signature(struct session_signature *s)
{
    struct arena *arena = &s->session->arena;
    sort_feeds(s, arena);
    s->fetches = ARENA_ARRAY(arena, struct span, s->info->output_count);
    for (size_t i = 0; i < s->info->output_count; i++)
        s->fetches[i] = s->info->outputs[i].name;
    struct compile_request request = {
        .feeds = s->feeds,
        .feed_count = (int)s->info->input_count,
        .fetches = s->fetches,
        .fetch_count = (int)s->info->output_count,
        .is_signature = true,
    };
    struct error err;
    error_clear(&err);
    if (compile_begin(&s->session->module, &request, &s->session->missing, &s->compilation, &err)) {
        s->compilation = NULL;
        keep_error(s, &err);
    }
}

static void finish_signature(struct session_signature *s)
{
    if (!s->compilation)
        return;
    struct error err;
    error_clear(&err);
    struct compilation *compilation = s->compilation;
    s->compilation = NULL;
    if (compile_finish(compilation, true, &s->plan, &err))
        keep_error(s, &err);
}

static void add_signatures(struct session *session)
{
    const struct savedmodel *model = &session->model;
    session->signatures =
        ARENA_ARRAY(&session->arena, struct session_signature, model->signature_count);
    for (size_t i = 0; i < model->signature_count; i++) {
        const struct savedmodel_signature *info = &model->signatures[i];
        if (span_is(info->name, "__saved_model_init_op") ||
            span_is(info->name, "__saved_model_train_op"))
            continue;
        struct session_signature *s = &session->signatures[session->signature_count++];
        s->session = session;
        s->info = info;
        begin_signature(s);
    }
}

/* ---- restoring and initialising ---- */

/* A run of one target with the asset paths and, to restore, the checkpoint's prefix as feeds. */
struct setup {
    struct span target;
    struct span *feeds;
    struct tensor *values;
    int feed_count;
    struct compilation *compilation;
};

static void add_feed(struct setup *setup, struct arena *arena, struct span name, struct span text)
{
    struct span *value = ARENA_NEW(arena, struct span);
    *value = text;
    setup->feeds[setup->feed_count] = name;
    setup->values[setup->feed_count++] =
        (struct tensor){.dtype = DTYPE_STRING, .shape = shape_scalar(), .data = value};
}

static enum code setup_begin(struct session *session, struct span target, bool restores,
                             struct setup *setup, struct error *err)
{
    const struct savedmodel *model = &session->model;
    *setup = (struct setup){.target = target};
    setup->feeds = ARENA_ARRAY(&session->arena, struct span, model->asset_count + 1);
    setup->values = ARENA_ARRAY(&session->arena, struct tensor, model->asset_count + 1);
    if (restores)
        add_feed(setup, &session->arena, model->filename_tensor, span_of(model->variables_prefix));
    for (size_t i = 0; i < model->asset_count; i++)
        add_feed(setup, &session->arena, model->assets[i].tensor_name, model->assets[i].path);
    struct compile_request request = {
        .feeds = setup->feeds,
        .feed_count = setup->feed_count,
        .targets = &setup->target,
        .target_count = 1,
    };
    return compile_begin(&session->module, &request, &session->missing, &setup->compilation, err);
}

static enum code setup_run(struct session *session, struct setup *setup, struct error *err)
{
    struct plan *plan;
    struct compilation *compilation = setup->compilation;
    setup->compilation = NULL;
    enum code code = compile_finish(compilation, false, &plan, err);
    if (code)
        return code;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct run run = {
        .arena = &arena,
        .resources = session->resources,
        .deadline_us = INT64_MAX,
    };
    code = plan_run(plan, setup->values, &run, NULL, err);
    arena_release(&arena);
    plan_free(plan);
    return code;
}

/* The same; how long it took goes to *took_us. */
static enum code setup_run_timed(struct session *session, struct setup *setup, int64_t *took_us,
                                 struct error *err)
{
    int64_t start_us = clock_now_us();
    enum code code = setup_run(session, setup, err);
    *took_us = clock_now_us() - start_us;
    return code;
}

static void setup_abort(struct setup *setup)
{
    if (setup->compilation)
        compile_abort(setup->compilation);
}

/* Restores, then initialises; both are compiled first, so that all missing ops are reported
 * together. */
static enum code set_up(struct session *session, bool only_check, struct error *err)
{
    const struct savedmodel *model = &session->model;
    struct setup restore = {0}, init = {0};
    enum code code = CODE_OK;
    bool restores = model->restore_op.len && model->variables_prefix;
    if (restores)
        code = setup_begin(session, model->restore_op, true, &restore, err);
    if (!code && model->init_op.len)
        code = setup_begin(session, model->init_op, false, &init, err);
    if (!code)
        code = missing_ops_report(&session->missing, err);
    if (!code && restores && !only_check)
        progress_enter(PROGRESS_RESTORE);
    if (!code && restores && !only_check)
        code = setup_run_timed(session, &restore, &session->setup.restore_us, err);
    if (!code && model->init_op.len && !only_check)
        progress_enter(PROGRESS_INITIALISE);
    if (!code && model->init_op.len && !only_check)
        code = setup_run_timed(session, &init, &session->setup.init_us, err);
    setup_abort(&restore);
    setup_abort(&init);
    return code;
}

/* ---- binding ahead ---- */

static void prebind(struct session_signature *s)
{
    if (!s->plan)
        return;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct tensor *inputs = ARENA_ARRAY(&arena, struct tensor, s->info->input_count + 1);
    bool known = true;
    for (size_t i = 0; i < s->info->input_count; i++) {
        struct tensor *input = &inputs[s->feed_of_input[i]];
        input->dtype = plan_feed_dtype(s->plan, s->feed_of_input[i]);
        input->shape = s->info->inputs[i].shape;
        known &= input->shape.rank != SHAPE_UNKNOWN_RANK;
        for (int k = 0; k < input->shape.rank; k++)
            input->shape.dims[k] = input->shape.dims[k] < 0 ? 1 : input->shape.dims[k];
    }
    struct run run = {
        .arena = &arena,
        .resources = s->session->resources,
        .deadline_us = INT64_MAX,
    };
    /* It need not succeed: the declared shape may be none that a request has. */
    if (known)
        plan_prebind(s->plan, inputs, &run, NULL);
    arena_release(&arena);
}

/* ---- loading ---- */

static enum code load(struct session *session, const char *dir,
                      const struct session_options *options, struct error *err)
{
    struct span serve = SPAN_LITERAL("serve");
    const struct span *tags = options && options->tags ? options->tags : &serve;
    size_t tag_count = options && options->tags ? options->tag_count : 1;
    progress_enter(PROGRESS_READ);
    struct arena *arena = &session->arena;
    bool is_tflite = options && options->prefers_tflite && tflite_is_in(dir);
    enum code code = is_tflite ? tflite_read(dir, arena, &session->model, err)
                               : savedmodel_read(dir, tags, tag_count, arena, &session->model, err);
    if (code)
        return code;
    static const struct pb_graph_def empty;
    const struct pb_graph_def *graph = session->model.meta_graph->graph_def;
    code = module_init(&session->module, &session->arena, session->resources,
                       graph ? graph : &empty, err);
    if (code)
        return code;
    progress_enter(PROGRESS_COMPILE);
    missing_ops_init(&session->missing, &session->arena);
    add_signatures(session);
    bool only_check = options && options->only_check;
    code = set_up(session, only_check, err);
    if (code || only_check)
        return code;
    progress_enter(PROGRESS_PREPARE);
    for (size_t i = 0; i < session->signature_count; i++) {
        finish_signature(&session->signatures[i]);
        prebind(&session->signatures[i]);
    }
    return CODE_OK;
}

enum code session_load(const char *dir, const struct session_options *options,
                       struct session **result, struct error *err)
{
    struct session *session = calloc(1, sizeof *session);
    CHECK(session);
    arena_init(&session->arena, ARENA_FIRST_BLOCK);
    pthread_mutex_init(&session->lock, NULL);
    session->resources = resource_store_new();
    session->checks_method_names = options && options->checks_method_names;
    enum code code = load(session, dir, options, err);
    if (code)
        session_free(session);
    else
        *result = session;
    return code;
}

static void free_signature(struct session_signature *s)
{
    if (s->compilation)
        compile_abort(s->compilation);
    plan_free(s->plan);
    for (struct subset *subset = atomic_load(&s->subsets); subset; subset = subset->next)
        plan_free(subset->plan);
}

void session_free(struct session *session)
{
    if (!session)
        return;
    for (size_t i = 0; i < session->signature_count; i++)
        free_signature(&session->signatures[i]);
    for (struct joined *j = atomic_load(&session->joined); j; j = j->next)
        free_signature(&j->signature);
    resource_store_free(session->resources);
    pthread_mutex_destroy(&session->lock);
    arena_release(&session->arena);
    free(session);
}

struct session_setup session_setup(const struct session *session)
{
    return session->setup;
}

const struct savedmodel *session_model(const struct session *session)
{
    return &session->model;
}

struct session_signature *session_find(struct session *session, struct span name)
{
    for (size_t i = 0; i < session->signature_count; i++) {
        if (span_equal(session->signatures[i].info->name, name))
            return &session->signatures[i];
    }
    return NULL;
}

const struct savedmodel_signature *session_signature_info(const struct session_signature *signature)
{
    return signature->info;
}

void session_set_batching(struct session *session, struct batching_session *batching)
{
    session->batching = batching;
}

struct batching_session *session_batching(const struct session *session)
{
    return session->batching;
}

struct session *session_of(const struct session_signature *signature)
{
    return signature->session;
}

bool session_changes_state(const struct session_signature *signature)
{
    return signature->plan && plan_changes_state(signature->plan);
}

bool session_checks_method_names(const struct session_signature *signature)
{
    return signature->session->checks_method_names;
}

/* ---- several signatures as one ---- */

static int compare_infos(const void *a, const void *b)
{
    return span_compare(((const struct savedmodel_tensor_info *)a)->name,
                        ((const struct savedmodel_tensor_info *)b)->name);
}

/* Sorted by name, no name twice, the name as alias; how many. */
static size_t take_infos(struct savedmodel_tensor_info *to,
                         const struct savedmodel_tensor_info *from, size_t count)
{
    size_t kept = 0;
    if (count)
        memcpy(to, from, count * sizeof *to);
    qsort(to, count, sizeof *to, compare_infos);
    for (size_t i = 0; i < count; i++) {
        if (kept && span_equal(to[kept - 1].name, to[i].name))
            continue;
        to[kept] = to[i];
        to[kept].alias = to[i].name;
        kept++;
    }
    return kept;
}

static bool same_names(const struct savedmodel_tensor_info *a, size_t a_count,
                       const struct savedmodel_tensor_info *b, size_t b_count)
{
    size_t i = 0;
    while (a_count == b_count && i < a_count && span_equal(a[i].name, b[i].name))
        i++;
    return a_count == b_count && i == a_count;
}

static struct joined *find_joined(struct session *session, const struct savedmodel_signature *info)
{
    struct joined *j = atomic_load_explicit(&session->joined, memory_order_acquire);
    while (j &&
           !(same_names(j->info.inputs, j->info.input_count, info->inputs, info->input_count) &&
             same_names(j->info.outputs, j->info.output_count, info->outputs, info->output_count)))
        j = j->next;
    return j;
}

/* Called with the lock held. */
static struct joined *make_joined(struct session *session, const struct savedmodel_signature *info)
{
    struct arena *arena = &session->arena;
    struct joined *j = ARENA_NEW(arena, struct joined);
    j->info = *info;
    j->info.inputs = ARENA_ARRAY(arena, struct savedmodel_tensor_info, info->input_count + 1);
    j->info.outputs = ARENA_ARRAY(arena, struct savedmodel_tensor_info, info->output_count + 1);
    memcpy(j->info.inputs, info->inputs, info->input_count * sizeof *info->inputs);
    memcpy(j->info.outputs, info->outputs, info->output_count * sizeof *info->outputs);
    j->signature.session = session;
    j->signature.info = &j->info;
    begin_signature(&j->signature);
    finish_signature(&j->signature);
    j->next = atomic_load(&session->joined);
    atomic_store_explicit(&session->joined, j, memory_order_release);
    session->joined_count++;
    return j;
}

struct session_signature *session_join(struct session *session,
                                       const struct savedmodel_signature *tensors)
{
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct savedmodel_signature info = {.name = SPAN_LITERAL("(several)")};
    info.inputs = ARENA_ARRAY(&arena, struct savedmodel_tensor_info, tensors->input_count + 1);
    info.outputs = ARENA_ARRAY(&arena, struct savedmodel_tensor_info, tensors->output_count + 1);
    info.input_count = take_infos(info.inputs, tensors->inputs, tensors->input_count);
    info.output_count = take_infos(info.outputs, tensors->outputs, tensors->output_count);
    struct joined *joined = find_joined(session, &info);
    if (!joined) {
        pthread_mutex_lock(&session->lock);
        joined = find_joined(session, &info);
        if (!joined && session->joined_count < JOINED_MAX)
            joined = make_joined(session, &info);
        pthread_mutex_unlock(&session->lock);
    }
    arena_release(&arena);
    return joined ? &joined->signature : NULL;
}

/* ---- running ---- */

static struct subset *find_subset(struct session_signature *s, const int *wanted, size_t count)
{
    struct subset *subset = atomic_load_explicit(&s->subsets, memory_order_acquire);
    while (subset &&
           (subset->count != count || memcmp(subset->wanted, wanted, count * sizeof *wanted) != 0))
        subset = subset->next;
    return subset;
}

/* Called with the session's lock held. */
static enum code make_subset(struct session_signature *s, const int *wanted, size_t count,
                             struct subset **result, struct error *err)
{
    struct arena *arena = &s->session->arena;
    struct span *fetches = ARENA_ARRAY(arena, struct span, count);
    for (size_t i = 0; i < count; i++)
        fetches[i] = s->fetches[wanted[i]];
    struct compile_request request = {
        .feeds = s->feeds,
        .feed_count = (int)s->info->input_count,
        .fetches = fetches,
        .fetch_count = (int)count,
        .is_signature = true,
    };
    struct compilation *compilation;
    struct plan *plan;
    enum code code =
        compile_begin(&s->session->module, &request, &s->session->missing, &compilation, err);
    if (!code)
        code = compile_finish(compilation, true, &plan, err);
    if (code)
        return code;
    struct subset *subset = ARENA_NEW(arena, struct subset);
    int *kept = ARENA_ARRAY(arena, int, count);
    memcpy(kept, wanted, count * sizeof *kept);
    *subset = (struct subset){atomic_load(&s->subsets), kept, count, plan};
    atomic_store_explicit(&s->subsets, subset, memory_order_release);
    s->subset_count++;
    *result = subset;
    return CODE_OK;
}

/* The plan for the wanted outputs, or NULL: take the full one. */
static enum code subset_plan(struct session_signature *s, const int *wanted, size_t count,
                             struct plan **plan, struct error *err)
{
    enum code code = CODE_OK;
    struct subset *subset = find_subset(s, wanted, count);
    if (!subset) {
        pthread_mutex_lock(&s->session->lock);
        subset = find_subset(s, wanted, count);
        if (!subset && s->subset_count < SUBSETS_MAX)
            code = make_subset(s, wanted, count, &subset, err);
        pthread_mutex_unlock(&s->session->lock);
    }
    *plan = subset ? subset->plan : NULL;
    return code;
}

/* Two limits, so that a time near one of them does not change its mind with every run. */
static void weigh(struct session_signature *s, int64_t ns)
{
    unsigned runs = atomic_load_explicit(&s->runs, memory_order_relaxed);
    if (runs < TINY_RUNS_MIN) {
        atomic_store_explicit(&s->runs, runs + 1, memory_order_relaxed);
        return;
    }
    bool was_tiny = atomic_load_explicit(&s->is_tiny, memory_order_relaxed);
    bool is_tiny = ns < (was_tiny ? NOT_TINY_NS : SESSION_TINY_NS) && !plan_has_loop(s->plan);
    if (is_tiny == was_tiny)
        return;
    atomic_store_explicit(&s->is_tiny, is_tiny, memory_order_relaxed);
    log_debug("%.*s, signature %.*s: %s (%lld ns)", SPAN_ARG(s->session->model.dir),
              SPAN_ARG(s->info->name), is_tiny ? "tiny, runs on the loops" : "runs on workers",
              (long long)ns);
}

/* A smoothed time in which one outlier weighs little: 7/8 old, 1/8 new. Races lose a sample, no
 * more. */
static void note_time(struct session_signature *s, int64_t ns)
{
    int64_t old = atomic_load_explicit(&s->run_ns, memory_order_relaxed);
    int64_t next = old ? old + (ns - old) / 8 : ns;
    atomic_store_explicit(&s->run_ns, next > 0 ? next : 1, memory_order_relaxed);
    weigh(s, next);
}

static const struct tensor *order_feeds(const struct session_signature *s,
                                        const struct tensor *inputs, struct arena *arena)
{
    size_t count = s->info->input_count;
    struct tensor *feeds = arena_alloc(arena, (count + 1) * sizeof *feeds);
    for (size_t i = 0; i < count; i++)
        feeds[s->feed_of_input[i]] = inputs[i];
    return feeds;
}

/* An error for want of memory tells how much there is. */
static enum code say_limits(enum code code, struct error *err)
{
    if (code == CODE_RESOURCE_EXHAUSTED)
        error_append(err,
                     "; a request may hold %zu bytes (--request_memory_limit_bytes), all "
                     "together %zu",
                     memory_request_limit(), memory_budget());
    return code;
}

static enum code run_plan(struct session_signature *s, struct plan *plan,
                          const struct tensor *inputs, struct run *run, struct tensor *outputs,
                          struct error *err)
{
    const struct tensor *feeds =
        s->info->input_count < 2 ? inputs : order_feeds(s, inputs, run->arena);
    int64_t start = clock_ticks();
    arena_set_limit(run->arena, memory_request_limit());
    enum code code = plan_run(plan, feeds, run, outputs, err);
    int64_t end = clock_ticks();
    if (run->note && !run->note->start)
        run->note->start = start;
    if (run->note)
        run->note->end = end;
    /* A refusal is quick and says nothing about a run. */
    if (!code)
        note_time(s, (int64_t)((double)(end - start) * clock_tick_ns()));
    return say_limits(code, err);
}

static enum code run_and_select(struct session_signature *s, const struct tensor *inputs,
                                const int *wanted, size_t wanted_count, struct run *run,
                                struct tensor *outputs, struct error *err)
{
    struct tensor *all = ARENA_ARRAY(run->arena, struct tensor, s->info->output_count);
    enum code code = run_plan(s, s->plan, inputs, run, all, err);
    for (size_t i = 0; !code && i < wanted_count; i++)
        outputs[i] = all[wanted[i]];
    return code;
}

static bool is_everything(const struct session_signature *s, const int *wanted, size_t count)
{
    if (!wanted)
        return true;
    if (count != s->info->output_count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (wanted[i] != (int)i)
            return false;
    }
    return true;
}

enum code session_run(struct session_signature *s, const struct tensor *inputs, const int *wanted,
                      size_t wanted_count, struct run *run, struct tensor *outputs,
                      struct error *err)
{
    if (!s->plan)
        return error_set(err, s->error->code, "%s", s->error->message);
    run->resources = s->session->resources;
    if (is_everything(s, wanted, wanted_count))
        return run_plan(s, s->plan, inputs, run, outputs, err);
    struct plan *plan = NULL;
    enum code code = CODE_OK;
    if (wanted_count < s->info->output_count)
        code = subset_plan(s, wanted, wanted_count, &plan, err);
    if (code)
        return code;
    if (!plan)
        return run_and_select(s, inputs, wanted, wanted_count, run, outputs, err);
    return run_plan(s, plan, inputs, run, outputs, err);
}

int64_t session_run_ns(const struct session_signature *signature)
{
    return atomic_load_explicit(&signature->run_ns, memory_order_relaxed);
}

bool session_is_tiny(const struct session_signature *signature)
{
    return atomic_load_explicit(&signature->is_tiny, memory_order_relaxed);
}

bool session_describe(struct session_signature *signature, struct plan_info *info)
{
    if (!signature->plan)
        return false;
    plan_describe(signature->plan, info);
    return true;
}
