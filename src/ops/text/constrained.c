/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ConstrainedSequence: the best sequence of states for a sequence of scores, where transitions may
 * be forbidden or weighed: by Viterbi's algorithm, or greedily step by step. A state behind the
 * last one stands for the time before the sequence and after it.
 */
#include <float.h>

#include "ops/text/rows.h"

enum { NO_STATE = -1 };

struct constrained {
    bool viterbi, logs, ends; /* ends: transitions from and to the outside count */
};

/* One sequence. */
struct sequence {
    const struct constrained *how;
    const float *scores;   /* [steps][states] */
    const float *weights;  /* [states + 1][states + 1], or [states][states], or NULL */
    const bool *allowed;   /* the same */
    int64_t states, width; /* width: of a row of those */
    int64_t steps;
    double *now, *before; /* [states] */
    int32_t *sources;     /* [steps][states]: the state before, `states` for the outside */
    int32_t *out;         /* [steps] */
};

static enum code constrained_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    struct constrained *c = ARENA_NEW(call->arena, struct constrained);
    c->viterbi = op_attr_bool(call, "use_viterbi");
    c->logs = op_attr_bool(call, "use_log_space");
    c->ends = op_attr_bool(call, "use_start_and_end_states");
    call->state = c;
    return CODE_OK;
}

/* ---- scores ---- */

static bool may_go(const struct sequence *s, int64_t from, int64_t to)
{
    return !s->allowed || s->allowed[from * s->width + to];
}

static float weigh(const struct sequence *s, float score, int64_t from, int64_t to)
{
    if (!s->weights)
        return score;
    float weight = s->weights[from * s->width + to];
    return s->how->logs ? score + weight : score * weight;
}

/* Numbers that are multiplied step by step are kept near 1. */
static void end_step(struct sequence *s)
{
    double most = s->now[0], *now = s->now;
    for (int64_t i = 1; i < s->states; i++)
        most = now[i] > most ? now[i] : most;
    for (int64_t i = 0; !s->how->logs && most > 0 && i < s->states; i++)
        now[i] /= most;
    s->now = s->before;
    s->before = now;
}

/* ---- Viterbi ---- */

static void first_step(struct sequence *s)
{
    for (int64_t i = 0; i < s->states; i++) {
        s->now[i] = s->before[i] = -FLT_MAX;
        s->sources[i] = NO_STATE;
        if (s->how->ends && !may_go(s, s->states, i))
            continue;
        s->sources[i] = (int32_t)s->states;
        s->now[i] = (double)(s->how->ends ? weigh(s, s->scores[i], s->states, i) : s->scores[i]);
    }
}

static void next_step(struct sequence *s, int64_t step)
{
    const int32_t *reached = s->sources + (step - 1) * s->states;
    for (int64_t to = 0; to < s->states; to++) {
        int32_t source = NO_STATE;
        float best = -FLT_MAX;
        for (int64_t from = 0; from < s->states; from++) {
            if (reached[from] == NO_STATE || !may_go(s, from, to))
                continue;
            double score = (double)s->scores[step * s->states + to];
            float sum = (float)(s->how->logs ? score + s->before[from] : score * s->before[from]);
            sum = weigh(s, sum, from, to);
            if (sum >= best) {
                source = (int32_t)from;
                best = sum;
            }
        }
        s->sources[step * s->states + to] = source;
        s->now[to] = (double)best;
    }
}

static int32_t last_state(const struct sequence *s)
{
    const int32_t *reached = s->sources + (s->steps - 1) * s->states;
    int32_t state = NO_STATE;
    float best = -FLT_MAX;
    for (int64_t from = 0; from < s->states; from++) {
        if (reached[from] == NO_STATE || (s->how->ends && !may_go(s, from, s->states)))
            continue;
        float score = (float)s->before[from];
        if (s->how->ends)
            score = weigh(s, score, from, s->states);
        if (score >= best) {
            state = (int32_t)from;
            best = score;
        }
    }
    return state;
}

static void find_best(struct sequence *s)
{
    first_step(s);
    end_step(s);
    for (int64_t step = 1; step < s->steps; step++) {
        next_step(s, step);
        end_step(s);
    }
    int32_t state = last_state(s);
    for (int64_t step = s->steps - 1; step >= 0; step--) {
        s->out[step] = state;
        if (state != NO_STATE)
            state = s->sources[step * s->states + state];
    }
}

/* ---- greedily ---- */

static int32_t best_next(const struct sequence *s, int64_t step, int32_t before)
{
    int32_t state = NO_STATE;
    float best = -FLT_MAX;
    bool last = step == s->steps - 1 && s->how->ends;
    for (int64_t to = 0; to < s->states; to++) {
        float score = s->scores[step * s->states + to];
        if (s->how->ends || step > 0) {
            if (!may_go(s, before, to) || (last && !may_go(s, to, s->states)))
                continue;
            score = weigh(s, score, before, to);
            if (last)
                score = weigh(s, score, to, s->states);
        }
        if (score >= best) {
            state = (int32_t)to;
            best = score;
        }
    }
    return state;
}

static void find_greedily(struct sequence *s)
{
    int32_t before = (int32_t)s->states;
    for (int64_t step = 0; step < s->steps; step++) {
        before = before == NO_STATE ? NO_STATE : best_next(s, step, before);
        s->out[step] = before;
    }
}

/* ---- the op ---- */

static enum code check_square(const struct tensor *t, int64_t states, bool ends, const char *name,
                              struct error *err)
{
    static const char *const which[] = {"zeroth", "first"};
    int64_t size = ends ? states + 1 : states;
    if (t->shape.rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s must be of rank 2", name);
    for (int i = 0; i < 2; i++) {
        if (t->shape.dims[i] != size)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "%s must have a %s dimension of size %lld when num_states is %lld and "
                             "use_start_and_end_states is %d",
                             name, which[i], (long long)size, (long long)states, ends);
    }
    return CODE_OK;
}

static enum code check_lengths(const struct op_call *call, int64_t batch, int64_t steps,
                               int64_t *total, struct error *err)
{
    const struct tensor *lengths = call->in[1];
    if (tensor_elements(lengths) != batch)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "There should be exactly one length for every batch element. Found %lld "
                         "length elements for a batch size of %lld",
                         (long long)tensor_elements(lengths), (long long)batch);
    *total = 0;
    for (int64_t i = 0; i < batch; i++) {
        int64_t length = tensor_int(lengths, i);
        if (length < 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "a sequence has length %lld",
                             (long long)length);
        if (length > steps)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "The scores tensor is too short for the longest sequence length.");
        *total += length;
    }
    return CODE_OK;
}

static enum code check_transitions(const struct op_call *call, struct sequence *s,
                                   struct error *err)
{
    const struct tensor *allowed = call->in[2], *weights = call->in[3];
    enum code code = CODE_OK;
    s->width = s->how->ends ? s->states + 1 : s->states;
    s->allowed = tensor_elements(allowed) ? allowed->data : NULL;
    s->weights = tensor_elements(weights) ? weights->data : NULL;
    if (s->allowed)
        code = check_square(allowed, s->states, s->how->ends, "allowed_transitions", err);
    if (!code && s->weights)
        code = check_square(weights, s->states, s->how->ends, "transition_weights", err);
    for (int64_t i = 0, n = tensor_elements(weights); !code && !s->how->logs && i < n; i++) {
        if (!(s->weights[i] >= 0))
            code = error_set(err, CODE_INVALID_ARGUMENT,
                             "The transition weights tensor must not contain negative values.");
    }
    return code;
}

static enum code constrained_run(struct op_call *call, struct error *err)
{
    const struct shape *scores = &call->in[0]->shape;
    struct sequence s = {.how = call->state};
    struct row_numbers splits = {0};
    int64_t total = 0;
    if (scores->rank != 2 && scores->rank != 3)
        return error_set(err, CODE_INVALID_ARGUMENT, "The score tensor must be of rank 2 or 3.");
    int64_t batch = scores->rank == 3 ? scores->dims[0] : 1, steps = scores->dims[scores->rank - 2];
    s.states = scores->dims[scores->rank - 1];
    enum code code = check_lengths(call, batch, steps, &total, err);
    if (!code)
        code = check_transitions(call, &s, err);
    struct shape shape = shape_vector(total);
    if (!code)
        code = op_call_alloc(call, 0, &shape, err);
    if (!code)
        code = kernel_array(call, s.states + 1, sizeof *s.now, &s.now, err);
    if (!code)
        code = kernel_array(call, s.states + 1, sizeof *s.before, &s.before, err);
    if (!code)
        code = kernel_array(call, s.states * steps + 1, sizeof *s.sources, &s.sources, err);
    if (code)
        return code;
    s.out = call->out[0]->data;
    row_numbers_add(&splits, call, 0);
    for (int64_t i = 0; i < batch; i++) {
        s.steps = tensor_int(call->in[1], i);
        s.scores = TENSOR_AT(call->in[0], float) + i * steps * s.states;
        for (int64_t k = 0; !s.states && k < s.steps; k++)
            s.out[k] = NO_STATE;
        if (s.steps && s.states)
            s.how->viterbi ? find_best(&s) : find_greedily(&s);
        s.out += s.steps;
        row_numbers_add(&splits, call, s.out - TENSOR_AT(call->out[0], int32_t));
    }
    return row_numbers_give(&splits, call, 1, err);
}

const struct op op_ConstrainedSequence = {
    .name = "ConstrainedSequence",
    .inputs = "scores:float sequence_lengths:Tin allowed_transitions:bool "
              "transition_weights:float",
    .outputs = "states:int32 states_splits:Tsplits",
    .attrs = "Tin:index Tsplits:index=int64 use_viterbi:bool use_log_space:bool "
             "use_start_and_end_states:bool",
    .flags = OP_DYNAMIC,
    .prepare = constrained_prepare,
    .run = constrained_run,
};
