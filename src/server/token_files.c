/* SPDX-License-Identifier: Apache-2.0 */
#include "server/token_files.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "server/file_watch.h"

/* A file's text and what it says. */
struct token_list {
    struct span text;
    struct span *tokens;
    size_t count;
};

struct reading {
    struct arena arena;
    struct token_list inference;
    struct token_list admin;
};

struct token_files {
    const struct options *options;
    struct access *access;
    struct reading in_force;
    struct file_watch *watch; /* owned; NULL: not started */
};

/* RFC 6750, 2.1: b64token. */
static bool is_token(struct span text)
{
    while (text.len && text.ptr[text.len - 1] == '=')
        text.len--;
    for (size_t i = 0; i < text.len; i++)
        if (!isalnum((unsigned char)text.ptr[i]) && !strchr("-._~+/", text.ptr[i]))
            return false;
    return text.len > 0;
}

static size_t count_lines(struct span text)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    return lines;
}

static enum code read_list(const char *path, struct arena *arena, struct token_list *list,
                           struct error *err)
{
    *list = (struct token_list){0};
    enum code code = path[0] ? file_read(path, arena, &list->text, err) : CODE_OK;
    if (code || !path[0])
        return code;
    struct span rest = list->text;
    list->tokens = ARENA_ARRAY(arena, struct span, count_lines(rest));
    for (int line = 1; rest.len; line++) {
        struct span token = span_strip(span_cut(&rest, '\n'));
        if (!token.len || *token.ptr == '#')
            continue;
        /* What it says is a secret. */
        if (!is_token(token))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "%s: line %d: a token of letters, digits and -._~+/ is expected", path,
                             line);
        list->tokens[list->count++] = token;
    }
    return list->count ? CODE_OK
                       : error_set(err, CODE_INVALID_ARGUMENT, "%s: there is no token", path);
}

static bool is_same(const struct reading *a, const struct reading *b)
{
    return span_equal(a->inference.text, b->inference.text) &&
           span_equal(a->admin.text, b->admin.text);
}

/* Reads both; what is new is put into force. */
static enum code look(struct token_files *files, bool *changed, struct error *err)
{
    const struct options *o = files->options;
    struct reading now;
    arena_init(&now.arena, ARENA_FIRST_BLOCK);
    enum code code = read_list(o->inference_token_file, &now.arena, &now.inference, err);
    if (!code)
        code = read_list(o->admin_token_file, &now.arena, &now.admin, err);
    *changed = !code && !is_same(&now, &files->in_force);
    if (!*changed) {
        arena_release(&now.arena);
        return code;
    }
    const struct access_tokens tokens = {now.inference.tokens, now.inference.count,
                                         now.admin.tokens, now.admin.count};
    access_set_tokens(files->access, &tokens);
    arena_release(&files->in_force.arena);
    files->in_force = now;
    return CODE_OK;
}

enum code token_files_new(const struct options *options, struct access *access,
                          struct token_files **result, struct error *err)
{
    bool changed;
    *result = NULL;
    if (!options->inference_token_file[0] && !options->admin_token_file[0])
        return CODE_OK;
    struct token_files *files = calloc(1, sizeof *files);
    CHECK(files && "out of memory");
    files->options = options;
    files->access = access;
    arena_init(&files->in_force.arena, ARENA_FIRST_BLOCK);
    enum code code = look(files, &changed, err);
    if (code)
        token_files_free(files);
    else
        *result = files;
    return code;
}

static void look_and_tell(void *context)
{
    struct token_files *files = context;
    struct error err;
    bool changed;
    if (look(files, &changed, &err))
        log_error("The old tokens stay: %s: %s", code_name(err.code), err.message);
    else if (changed)
        log_info("New tokens are in force: %zu for inference, %zu for administration",
                 files->in_force.inference.count, files->in_force.admin.count);
}

enum code token_files_start(struct token_files *files, struct error *err)
{
    if (!files)
        return CODE_OK;
    const char *const paths[] = {files->options->inference_token_file,
                                 files->options->admin_token_file};
    const struct file_watch_options watch = {
        .name = "tokens",
        .paths = paths,
        .path_count = 2,
        .look = look_and_tell,
        .context = files,
    };
    return file_watch_start(&watch, &files->watch, err);
}

void token_files_reload(struct token_files *files)
{
    if (files)
        file_watch_wake(files->watch);
}

void token_files_free(struct token_files *files)
{
    if (!files)
        return;
    file_watch_free(files->watch);
    arena_release(&files->in_force.arena);
    free(files);
}
