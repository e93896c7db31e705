/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A platform of its own: a version is a folder with a file `suffix`; Predict gives the strings of
 * the input `text` in upper case with the suffix behind, and their lengths.
 *
 *   cc -shared -fPIC -O2 -Iinclude examples/shout/shout.c -o shout.so
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tensord/servable.h>

enum { SUFFIX_MAX = 64 };

struct shout {
    char suffix[SUFFIX_MAX];
};

static const struct tensord_servable_host *host;

static FILE *open_suffix(const char *path)
{
    char file[4096];
    snprintf(file, sizeof file, "%s/suffix", path);
    return fopen(file, "r");
}

static int check(struct tensord_servable_call *call, const char *path)
{
    FILE *file = open_suffix(path);
    if (!file)
        return host->fail(call, TENSORD_NOT_FOUND, "%s/suffix is not there", path);
    fclose(file);
    return TENSORD_OK;
}

static int load(struct tensord_servable_call *call, const char *path, void **object)
{
    FILE *file = open_suffix(path);
    struct shout *shout = calloc(1, sizeof *shout);
    if (!file || !shout || !fgets(shout->suffix, sizeof shout->suffix, file)) {
        if (file)
            fclose(file);
        free(shout);
        return host->fail(call, TENSORD_INVALID_ARGUMENT, "%s/suffix: a line is expected", path);
    }
    fclose(file);
    shout->suffix[strcspn(shout->suffix, "\n")] = 0;
    host->log("shout: the suffix of %s is '%s'", path, shout->suffix);
    *object = shout;
    return TENSORD_OK;
}

static int estimate(struct tensord_servable_call *call, const char *path, size_t *bytes)
{
    (void)call;
    (void)path;
    *bytes = sizeof(struct shout);
    return TENSORD_OK;
}

/* The text in upper case and the suffix, in memory of the call. */
static int shout_one(struct tensord_servable_call *call, const struct shout *shout,
                     struct tensord_string text, struct tensord_string *loud)
{
    size_t suffix = strlen(shout->suffix);
    char *bytes = host->alloc(call, text.length + suffix + 1);
    if (!bytes)
        return host->fail(call, TENSORD_RESOURCE_EXHAUSTED, "no memory for %zu bytes", text.length);
    for (size_t i = 0; i < text.length; i++)
        bytes[i] = (char)toupper((unsigned char)text.bytes[i]);
    memcpy(bytes + text.length, shout->suffix, suffix);
    *loud = (struct tensord_string){bytes, text.length + suffix};
    return TENSORD_OK;
}

static int predict(struct tensord_servable_call *call, void *object)
{
    struct tensord_tensor text, loud, length;
    int code = host->find_input(call, "text", &text);
    if (!code && text.dtype != TENSORD_STRING)
        code = host->fail(call, TENSORD_INVALID_ARGUMENT, "`text` are strings");
    if (!code)
        code = host->output(call, "loud", TENSORD_STRING, text.rank, text.dims, &loud);
    if (!code)
        code = host->output(call, "length", TENSORD_INT64, text.rank, text.dims, &length);
    for (int64_t i = 0; !code && i < text.elements; i++) {
        struct tensord_string *to = (struct tensord_string *)loud.data + i;
        code = shout_one(call, object, ((const struct tensord_string *)text.data)[i], to);
        ((int64_t *)length.data)[i] = (int64_t)to->length;
    }
    return code;
}

static const struct tensord_platform platforms[] = {
    {
        .name = "shout",
        .flags = TENSORD_PLATFORM_QUICK,
        .load = load,
        .unload = free,
        .predict = predict,
        .check = check,
        .estimate = estimate,
    },
};

const struct tensord_platform_library *
tensord_platform_library(const struct tensord_servable_host *given)
{
    static const struct tensord_platform_library library = {
        .abi = TENSORD_SERVABLE_ABI,
        .platform_size = sizeof *platforms,
        .platform_count = sizeof platforms / sizeof *platforms,
        .platforms = platforms,
    };
    host = given;
    return &library;
}
