/* SPDX-License-Identifier: Apache-2.0 */
#include "api/access.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/epoch.h"

enum {
    RETRY_MS = 1000, /* for who comes when all places are taken */
};

enum right {
    RIGHT_OPEN,
    RIGHT_INFERENCE,
    RIGHT_ADMIN,
    RIGHTS,
};

/* Those who may do what takes a right; never changed. */
struct token_set {
    struct arena arena;
    struct span *tokens[RIGHTS];
    size_t count[RIGHTS];
};

struct access {
    struct access_options options;
    struct epoch epoch;
    _Atomic(struct token_set *) tokens; /* owned; NULL: none are asked for */
    atomic_llong requests;              /* that are in */
};

struct access *access_new(const struct access_options *options)
{
    struct access *access = aligned_alloc(_Alignof(struct access), sizeof *access);
    CHECK(access && "out of memory");
    access->options = *options;
    epoch_init(&access->epoch);
    atomic_init(&access->tokens, NULL);
    atomic_init(&access->requests, 0);
    return access;
}

/* ---- tokens ---- */

static void add(struct token_set *set, enum right right, const struct span *tokens, size_t count)
{
    for (size_t i = 0; i < count; i++)
        set->tokens[right][set->count[right]++] = arena_copy(&set->arena, tokens[i]);
}

static struct token_set *token_set_new(const struct access_tokens *tokens)
{
    struct token_set *set = calloc(1, sizeof *set);
    CHECK(set && "out of memory");
    arena_init(&set->arena, ARENA_FIRST_BLOCK);
    size_t all = tokens->inference_count + tokens->admin_count;
    for (int i = 0; i < RIGHTS; i++)
        set->tokens[i] = ARENA_ARRAY(&set->arena, struct span, all);
    if (tokens->inference_count) {
        add(set, RIGHT_INFERENCE, tokens->inference, tokens->inference_count);
        add(set, RIGHT_INFERENCE, tokens->admin, tokens->admin_count);
    }
    if (tokens->admin_count)
        add(set, RIGHT_ADMIN, tokens->admin, tokens->admin_count);
    else
        add(set, RIGHT_ADMIN, tokens->inference, tokens->inference_count);
    return set;
}

static void token_set_free(struct token_set *set)
{
    if (!set)
        return;
    arena_release(&set->arena);
    free(set);
}

void access_set_tokens(struct access *access, const struct access_tokens *tokens)
{
    bool any = tokens->inference_count || tokens->admin_count;
    struct token_set *set = any ? token_set_new(tokens) : NULL;
    struct token_set *old = atomic_exchange(&access->tokens, set);
    epoch_wait(&access->epoch);
    token_set_free(old);
}

bool access_asks(const struct access *access)
{
    return atomic_load_explicit(&access->tokens, memory_order_relaxed) != NULL;
}

void access_free(struct access *access)
{
    if (!access)
        return;
    token_set_free(atomic_load(&access->tokens));
    epoch_release(&access->epoch);
    free(access);
}

/* How long it takes says nothing of where they differ. */
static bool is_same_secret(struct span a, struct span b)
{
    unsigned difference = a.len != b.len;
    for (size_t i = 0; i < a.len && a.len == b.len; i++)
        difference |= (unsigned char)a.ptr[i] ^ (unsigned char)b.ptr[i];
    return !difference;
}

static bool has(const struct token_set *set, enum right right, struct span token)
{
    bool found = false;
    for (size_t i = 0; i < set->count[right]; i++)
        found |= is_same_secret(set->tokens[right][i], token);
    return found;
}

/* "Bearer TOKEN", the word in any case. */
static struct span bearer(const struct exchange *exchange)
{
    struct span value = span_trim(exchange_header(exchange, "authorization"));
    struct span word = span_sub(value, 0, 7);
    if (word.len < 7 || strncasecmp(word.ptr, "bearer ", 7) != 0)
        return (struct span){0};
    return span_trim(span_sub(value, 7, value.len));
}

static enum code judge(const struct token_set *set, enum right right, struct span token,
                       struct error *err)
{
    if (!set->count[right] || (token.len && has(set, right, token)))
        return CODE_OK;
    if (!token.len)
        return error_set(err, CODE_UNAUTHENTICATED,
                         "A token is expected: Authorization: Bearer TOKEN");
    if (has(set, RIGHT_INFERENCE, token))
        return error_set(err, CODE_PERMISSION_DENIED, "This token is not for administration");
    return error_set(err, CODE_UNAUTHENTICATED, "The token is not known");
}

static enum code check_token(struct access *access, enum right right,
                             const struct exchange *exchange, struct error *err)
{
    struct epoch_section section = epoch_enter(&access->epoch);
    const struct token_set *set = atomic_load(&access->tokens);
    enum code code = set ? judge(set, right, bearer(exchange), err) : CODE_OK;
    epoch_leave(section);
    return code;
}

/* ---- places ---- */

static void leave(void *ptr)
{
    struct access *access = ptr;
    atomic_fetch_sub_explicit(&access->requests, 1, memory_order_relaxed);
}

static enum code take_place(struct access *access, struct exchange *exchange, struct error *err)
{
    int64_t max = access->options.requests_max;
    if (atomic_fetch_add_explicit(&access->requests, 1, memory_order_relaxed) < max) {
        arena_defer(&exchange->arena, leave, access);
        return CODE_OK;
    }
    leave(access);
    exchange->retry_ms = RETRY_MS;
    return error_set(err, CODE_RESOURCE_EXHAUSTED,
                     "The server has as many requests as it may: %lld (--max_requests_in_flight)",
                     (long long)max);
}

/* ---- what takes which right ---- */

static const struct {
    const char *prefix; /* of the path */
    enum exchange_kind kind;
    enum right right;
} rights[] = {
    {"/grpc.", EXCHANGE_RPC, RIGHT_OPEN},
    {"/tensorflow.serving.ModelService/HandleReloadConfigRequest", EXCHANGE_RPC, RIGHT_ADMIN},
    {"/tensord.Administration/", EXCHANGE_RPC, RIGHT_ADMIN},
    {"/tensorflow.ProfilerService/", EXCHANGE_RPC, RIGHT_ADMIN},
    {"/livez", EXCHANGE_HTTP, RIGHT_OPEN},
    {"/readyz", EXCHANGE_HTTP, RIGHT_OPEN},
    {"/startupz", EXCHANGE_HTTP, RIGHT_OPEN},
};

static enum right right_of(const struct exchange *exchange)
{
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
        if (exchange->kind == rights[i].kind &&
            span_starts_with(exchange->path, span_of(rights[i].prefix)))
            return rights[i].right;
    return span_is(exchange->method, "OPTIONS") ? RIGHT_OPEN : RIGHT_INFERENCE;
}

/* Looking on takes no place, so that it works when all are taken. */
static bool takes_place(const struct exchange *exchange)
{
    if (exchange->kind == EXCHANGE_HTTP)
        return span_is(exchange->method, "POST");
    return span_starts_with(exchange->path, SPAN_LITERAL("/tensorflow.serving.PredictionService/"));
}

enum code access_check(struct access *access, struct exchange *exchange, struct error *err)
{
    enum right right = right_of(exchange);
    if (right == RIGHT_OPEN)
        return CODE_OK;
    if (right == RIGHT_ADMIN && access->options.admin_apart &&
        exchange->entrance != API_ENTRANCE_ADMIN)
        return error_set(err, CODE_PERMISSION_DENIED,
                         "Administration has a port or socket of its own here");
    enum code code = access_asks(access) ? check_token(access, right, exchange, err) : CODE_OK;
    if (!code && access->options.requests_max > 0 && takes_place(exchange))
        code = take_place(access, exchange, err);
    return code;
}
