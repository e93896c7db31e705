/* SPDX-License-Identifier: Apache-2.0 */
/* tensorctl status: which versions of which models a server has, as a table; once, or over and
 * over. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "net/http_client.h"
#include "wire/json.h"

enum {
    TIMEOUT_US = 10 * 1000 * 1000,
    PAUSE_MS = 1000,
    WIDTH_MIN = 5,
    WIDTH_MAX = 60,
};

struct options {
    const char *target; /* HOST:PORT of the REST API */
    bool watch;
};

static struct span text_of(const struct json_value *object, const char *key)
{
    const struct json_value *value =
        object->type == JSON_OBJECT ? json_member(object, span_of(key)) : NULL;
    return value && value->type == JSON_STRING ? json_string(value) : (struct span){0};
}

static const struct json_value *list_of(const struct json_value *object, const char *key)
{
    const struct json_value *value =
        object->type == JSON_OBJECT ? json_member(object, span_of(key)) : NULL;
    return value && value->type == JSON_ARRAY ? value : NULL;
}

static void print_version(struct span model, int width, const struct json_value *version)
{
    const struct json_value *number = json_member(version, SPAN_LITERAL("version"));
    printf("%-*.*s  %20.0f  %-9.*s  ", width, SPAN_ARG(model),
           number && json_is_number(number) ? json_real(number) : -1,
           SPAN_ARG(text_of(version, "state")));
    command_print_line(text_of(version, "error_message"));
}

static void print_model(const struct json_value *model, int width)
{
    const struct json_value *versions = list_of(model, "versions");
    struct span name = text_of(model, "name");
    if (!versions || json_first(versions) == json_end(versions))
        printf("%-*.*s  %20s  no version is known\n", width, SPAN_ARG(name), "");
    for (const struct json_value *v = versions ? json_first(versions) : NULL;
         v && v != json_end(versions); v = json_next(v)) {
        if (v->type == JSON_OBJECT)
            print_version(name, width, v);
    }
}

static int width_of(const struct json_value *models)
{
    size_t width = WIDTH_MIN;
    for (const struct json_value *m = json_first(models); m != json_end(models); m = json_next(m)) {
        size_t len = text_of(m, "name").len;
        width = len > width ? len : width;
    }
    return (int)(width < WIDTH_MAX ? width : WIDTH_MAX);
}

static enum code show(const struct options *o, struct arena *arena, struct error *err)
{
    struct span body;
    struct json_document document;
    enum code code = http_client_get(o->target, "/v1/models", TIMEOUT_US, arena, &body, err);
    if (!code)
        code = json_parse(body, arena, &document, err);
    const struct json_value *models = code ? NULL : list_of(document.values, "models");
    if (!code && !models)
        code = error_set(err, CODE_INTERNAL, "%s: the server does not list its models", o->target);
    if (code)
        return code;
    if (o->watch)
        printf("\033[H\033[J"); /* the cursor to the upper left, the screen empty */
    int width = width_of(models);
    printf("%-*s  %20s  %-9s  %s\n", width, "MODEL", "VERSION", "STATE", "");
    for (const struct json_value *m = json_first(models); m != json_end(models); m = json_next(m))
        print_model(m, width);
    fflush(stdout);
    return CODE_OK;
}

static int status(const struct options *o, struct arena *arena)
{
    struct error err;
    error_clear(&err);
    for (;;) {
        if (show(o, arena, &err))
            return command_failed("status", &err);
        if (!o->watch)
            return EXIT_DONE;
        arena_reset(arena);
        poll(NULL, 0, PAUSE_MS);
    }
}

static int run(int argc, char **argv, struct arena *arena)
{
    struct options o = {0};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-w") || !strcmp(argv[i], "--watch"))
            o.watch = true;
        else if (argv[i][0] != '-' && !o.target)
            o.target = argv[i];
        else
            return command_usage("status", "unexpected argument: %s", argv[i]);
    }
    if (!o.target)
        o.target = "localhost:8501";
    return status(&o, arena);
}

const struct command command_status = {
    .name = "status",
    .arguments = "[HOST:PORT] [-w]",
    .summary = "show which versions of which models a server has",
    .help = "Asks the REST API at HOST:PORT (localhost:8501) for its models: versions, states, and "
            "what "
            "a version that failed or waits says.\n"
            "\n"
            "  -w, --watch   again every second, until Ctrl-C\n",
    .run = run,
};
