/* SPDX-License-Identifier: Apache-2.0 */
#include "savedmodel/files.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "savedmodel/bundle.h"
#include "savedmodel/mapped_file.h"
#include "wire/field.h"

enum { DEPTH_MAX = 4 }; /* of folders: variables, assets, assets.extra and what those have */

static bool is_there(const char *path)
{
    return !access(path, F_OK);
}

/* Walks over the outermost fields: a file that was cut off ends inside of one. */
static enum code check_graph(const char *path, struct error *err)
{
    struct buffer *file;
    enum code code = mapped_file_open(path, &file, err);
    if (code)
        return code;
    struct span rest = mapped_file_bytes(file);
    struct pb_wire_field field;
    bool done = false, whole = true;
    while (whole && !done)
        whole = pb_next_field(&rest, &field, &done);
    if (!whole)
        code = error_set(err, CODE_UNAVAILABLE, "%s ends too early (%zu bytes)", path, file->size);
    buffer_unref(file);
    return code;
}

static enum code check_variables(const char *dir, struct arena *arena, struct error *err)
{
    const char *prefix = arena_printf(arena, "%s/variables/variables", dir);
    if (!is_there(arena_printf(arena, "%s/variables", dir)))
        return CODE_OK;
    const char *index = arena_printf(arena, "%s.index", prefix);
    if (!is_there(index)) /* models without variables have an empty folder */
        return is_there(arena_printf(arena, "%s.data-00000-of-00001", prefix))
                   ? error_set(err, CODE_UNAVAILABLE, "%s is missing", index)
                   : CODE_OK;
    struct bundle *bundle;
    enum code code = bundle_open(prefix, &bundle, err);
    if (code)
        return code;
    code = bundle_check_files(bundle, err);
    bundle_unref(bundle);
    return code;
}

enum code savedmodel_check_files(const char *dir, struct error *err)
{
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    const char *graph = arena_printf(&arena, "%s/saved_model.pb", dir);
    enum code code = CODE_OK;
    if (is_there(graph))
        code = check_graph(graph, err);
    else if (!is_there(arena_printf(&arena, "%s/saved_model.pbtxt", dir)))
        code = error_set(err, CODE_UNAVAILABLE, "%s is missing", graph);
    if (!code)
        code = check_variables(dir, &arena, err);
    arena_release(&arena);
    return code ? CODE_UNAVAILABLE : CODE_OK;
}

static enum code add_folder(const char *path, int depth, struct arena *arena, size_t *bytes,
                            struct error *err)
{
    DIR *dir = opendir(path);
    if (!dir)
        return file_error(path, errno, err);
    struct dirent *entry;
    enum code code = CODE_OK;
    while (!code && (entry = readdir(dir))) {
        struct stat st;
        bool up = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
        if (up || fstatat(dirfd(dir), entry->d_name, &st, 0))
            continue;
        if (S_ISREG(st.st_mode))
            *bytes += (size_t)st.st_size;
        else if (S_ISDIR(st.st_mode) && depth > 0)
            code = add_folder(arena_printf(arena, "%s/%s", path, entry->d_name), depth - 1, arena,
                              bytes, err);
    }
    closedir(dir);
    return code;
}

enum code savedmodel_file_bytes(const char *dir, size_t *bytes, struct error *err)
{
    struct arena arena;
    *bytes = 0;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    enum code code = add_folder(dir, DEPTH_MAX, &arena, bytes, err);
    arena_release(&arena);
    return code ? CODE_UNAVAILABLE : CODE_OK;
}
