/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   POST /v1/models/<name>[/versions/<digits> | /labels/<label>]:(classify|regress|predict)
 *   GET  /v1/models[/<name>][/versions/<digits> | /labels/<label>][/metadata]
 *
 * Upper and lower case match alike, but only a lower case method is then understood, and
 * "/METADATA" is the status: so the original does it. <name> and <label> are anything without '/'
 * and ':', a query included. In a GET "/versions/1" may be a name, "versions", followed by
 * something that does not fit, or no name and a version: a name is tried first.
 */
#include "api/rest_url.h"

#include <strings.h>

static bool take(struct span *rest, const char *text)
{
    size_t len = strlen(text);
    if (rest->len < len || strncasecmp(rest->ptr, text, len) != 0)
        return false;
    *rest = span_sub(*rest, len, rest->len);
    return true;
}

/* One or more bytes that are neither '/' nor ':'. */
static bool take_word(struct span *rest, struct span *word)
{
    size_t slash = span_find(*rest, '/'), colon = span_find(*rest, ':');
    *word = span_sub(*rest, 0, slash < colon ? slash : colon);
    *rest = span_sub(*rest, word->len, rest->len);
    return word->len > 0;
}

static bool take_digits(struct span *rest, struct span *digits)
{
    size_t len = 0;
    while (len < rest->len && rest->ptr[len] >= '0' && rest->ptr[len] <= '9')
        len++;
    *digits = span_sub(*rest, 0, len);
    *rest = span_sub(*rest, len, rest->len);
    return len > 0;
}

/* What a path consists of, not decoded; empty: absent. */
struct parts {
    struct span name;
    struct span version;
    struct span label;
    struct span method; /* behind the colon, or "metadata" */
};

/* Takes "/versions/<digits>" or "/labels/<label>" if it stands here. */
static void take_choice(struct span *rest, struct parts *parts)
{
    struct span at = *rest;
    if ((take(&at, "/versions/") && take_digits(&at, &parts->version)) ||
        (at = *rest, take(&at, "/labels/") && take_word(&at, &parts->label)))
        *rest = at;
}

static bool split_post(struct span path, struct parts *parts)
{
    static const char *const methods[] = {":classify", ":regress", ":predict"};
    struct span rest = path;
    if (!take(&rest, "/v1/models/") || !take_word(&rest, &parts->name))
        return false;
    take_choice(&rest, parts);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct span end = rest;
        if (take(&end, methods[i]) && !end.len) {
            parts->method = span_sub(rest, 1, rest.len);
            return true;
        }
    }
    return false;
}

static bool split_get_tail(struct span rest, struct parts *parts)
{
    take_choice(&rest, parts);
    struct span end = rest;
    if (take(&end, "/metadata") && !end.len) {
        parts->method = span_sub(rest, 1, rest.len);
        return true;
    }
    return !rest.len;
}

static bool split_get(struct span path, struct parts *parts)
{
    struct span rest = path;
    if (!take(&rest, "/v1/models"))
        return false;
    struct span named = rest;
    if (take(&named, "/") && take_word(&named, &parts->name) && split_get_tail(named, parts))
        return true;
    *parts = (struct parts){0};
    return split_get_tail(rest, parts);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Replaces %XX; false: a '%' without two hexadecimal digits behind it. */
static bool decode(struct span text, struct arena *arena, struct span *decoded)
{
    char *out = arena_alloc(arena, text.len);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        out[len] = text.ptr[i];
        if (text.ptr[i] == '%') {
            int high = i + 2 < text.len ? hex_value(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_value(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            out[len] = (char)(high << 4 | low);
            i += 2;
        }
        len++;
    }
    *decoded = span_make(out, len);
    return true;
}

static enum code set_parts(struct rest_url *url, const struct parts *parts, struct arena *arena,
                           struct error *err)
{
    url->silent = true;
    if (!decode(parts->name, arena, &url->name))
        return error_set(err, CODE_INVALID_ARGUMENT, "Failed to decode the model name %.*s",
                         SPAN_ARG(parts->name));
    url->has_version = parts->version.len > 0;
    if (url->has_version && !span_to_int64(parts->version, &url->version))
        return error_set(err, CODE_INVALID_ARGUMENT, "Failed to convert version: %.*s to numeric.",
                         SPAN_ARG(parts->version));
    url->has_label = parts->label.len > 0;
    if (!decode(parts->label, arena, &url->label))
        return error_set(err, CODE_INVALID_ARGUMENT, "Failed to decode the label %.*s",
                         SPAN_ARG(parts->label));
    url->silent = false;
    return CODE_OK;
}

static const struct {
    const char *method;
    enum rest_action action;
} post_actions[] = {
    {"classify", REST_CLASSIFY},
    {"regress", REST_REGRESS},
    {"predict", REST_PREDICT},
};

static bool find_post_action(struct span method, enum rest_action *action)
{
    for (size_t i = 0; i < sizeof post_actions / sizeof *post_actions; i++) {
        if (span_is(method, post_actions[i].method)) {
            *action = post_actions[i].action;
            return true;
        }
    }
    return false;
}

bool rest_url_is_ours(struct span path)
{
    return take(&path, "/v1/");
}

struct span rest_url_path(struct span target)
{
    struct span rest = target;
    if (!take(&rest, "http://") && !take(&rest, "https://"))
        return target;
    return span_sub(rest, span_find(rest, '/'), rest.len);
}

enum code rest_url_parse(struct span method, struct span path, struct arena *arena,
                         struct rest_url *url, struct error *err)
{
    struct parts parts = {0};
    *url = (struct rest_url){0};
    bool is_post = span_is(method, "POST"), is_get = span_is(method, "GET");
    bool fits = (is_post && split_post(path, &parts)) || (is_get && split_get(path, &parts));
    enum code code = fits ? set_parts(url, &parts, arena, err) : CODE_OK;
    if (code)
        return code;
    if (is_get)
        url->action = span_is(parts.method, "metadata") ? REST_METADATA : REST_STATUS;
    if (!fits || (is_post && !find_post_action(parts.method, &url->action)))
        return error_set(err, CODE_INVALID_ARGUMENT, "Malformed request: %.*s %.*s",
                         SPAN_ARG(method), SPAN_ARG(path));
    return CODE_OK;
}
