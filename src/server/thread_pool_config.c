/* SPDX-License-Identifier: Apache-2.0 */
#include "server/thread_pool_config.h"

#include "wire/config_text.h"
#include "wire/messages.h"

/* Behind the last slash, of which there has to be one: empty if the URL names no type. */
static struct span type_name(struct span url)
{
    for (size_t i = url.len; i; i--) {
        if (url.ptr[i - 1] == '/')
            return span_sub(url, i, url.len);
    }
    return (struct span){0};
}

static enum code find_factory(const struct pb_any *any, struct arena *arena, struct error *err)
{
    struct span name = type_name(any->type_url);
    if (!name.len)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Supplied config's type_url could not be parsed: %.*s",
                         SPAN_ARG(any->type_url));
    const struct pb_message *type = pb_find(name);
    if (!type)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Unable to find compiled-in proto descriptor of type %.*s",
                         SPAN_ARG(name));
    void *config = arena_alloc(arena, pb_size(type));
    if (pb_decode(type, any->value, arena, config, NULL))
        return error_set(err, CODE_INVALID_ARGUMENT, "Malformed content of Any: %.*s",
                         SPAN_ARG(pb_print_text(&pb_any_type, any, arena)));
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Couldn't find factory for config proto message type %s\nconfig=%.*s",
                     pb_name(type), SPAN_ARG(pb_print_text(type, config, arena)));
}

enum code thread_pool_config_read(const char *path, struct error *err)
{
    static const struct pb_any none;
    struct pb_thread_pool_factory_config config;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    enum code code =
        config_text_read(path, &pb_thread_pool_factory_config_type, &arena, &config, err);
    if (!code)
        code = find_factory(config.thread_pool_factory_config ? config.thread_pool_factory_config
                                                              : &none,
                            &arena, err);
    arena_release(&arena);
    return code;
}
