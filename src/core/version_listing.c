/* SPDX-License-Identifier: Apache-2.0 */
#include "core/version_listing.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/map.h"

enum { FILES_DEPTH = 1 }; /* a model's files are in its folder, "variables" and "assets" */

bool version_listing_number(struct span name, int64_t *version)
{
    struct span text = span_strip(name);
    if (text.len > 1 && text.ptr[0] == '+' && text.ptr[1] != '-')
        text = span_sub(text, 1, text.len);
    return span_to_int64(text, version);
}

static void add_version(struct version_listing *listing, struct arena *arena, int64_t version,
                        const char *path)
{
    if (listing->count == listing->room) {
        size_t room = listing->room ? 2 * listing->room : 16;
        struct aspired_version *more = arena_alloc(arena, room * sizeof *more);
        if (listing->count)
            memcpy(more, listing->versions, listing->count * sizeof *more);
        listing->versions = more;
        listing->room = room;
    }
    listing->versions[listing->count++] =
        (struct aspired_version){.version = version, .path = path};
}

static const char *join_path(struct span base, struct span name, struct arena *arena)
{
    while (base.len > 1 && base.ptr[base.len - 1] == '/')
        base.len--;
    bool root = base.len == 1 && base.ptr[0] == '/';
    return arena_printf(arena, "%.*s%s%.*s", SPAN_ARG(base), root ? "" : "/", SPAN_ARG(name));
}

static enum code not_found(const char *base_path, const char *servable, int error,
                           struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Could not find base path %s for servable %s with error %s: %s", base_path,
                     servable, error == ENOENT ? "NOT_FOUND" : "UNAVAILABLE", strerror(error));
}

static void list_folder(DIR *dir, const char *base_path, struct arena *arena,
                        struct version_listing *listing)
{
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        struct span name = span_of(entry->d_name);
        int64_t version;
        if (version_listing_number(name, &version))
            add_version(listing, arena, version, join_path(span_of(base_path), name, arena));
    }
}

/* ---- manifests ---- */

/* Cuts the first line off; without its comment. */
static struct span take_line(struct span *rest)
{
    struct span line = span_cut(rest, '\n');
    return span_strip(span_cut(&line, '#'));
}

static struct span folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return SPAN_LITERAL(".");
    return span_make(path, slash == path ? 1 : (size_t)(slash - path));
}

static bool add_line(struct span line, const char *manifest, struct arena *arena,
                     struct version_listing *listing)
{
    size_t end = 0;
    while (end < line.len && !span_is_space(line.ptr[end]))
        end++;
    struct span number = span_sub(line, 0, end), path = span_strip(span_sub(line, end, line.len));
    int64_t version;
    if (!version_listing_number(number, &version))
        return false;
    path = path.len ? path : number;
    bool absolute = path.ptr[0] == '/';
    add_version(listing, arena, version,
                absolute ? arena_strdup(arena, path) : join_path(folder_of(manifest), path, arena));
    return true;
}

static enum code read_manifest(const char *path, struct arena *arena,
                               struct version_listing *listing, struct error *err)
{
    struct span rest;
    listing->is_manifest = true;
    enum code code = file_read(path, arena, &rest, err);
    if (code)
        return code;
    for (int number = 1; rest.len; number++) {
        struct span line = take_line(&rest);
        if (line.len && !add_line(line, path, arena, listing))
            return error_set(err, CODE_DATA_LOSS,
                             "%s: line %d: a version's number is expected, not '%.*s'", path,
                             number, (int)(line.len < 80 ? line.len : 80), line.ptr);
    }
    return CODE_OK;
}

enum code version_listing_read(const char *base_path, const char *servable, struct arena *arena,
                               struct version_listing *listing, struct error *err)
{
    struct stat st;
    *listing = (struct version_listing){0};
    if (!stat(base_path, &st) && S_ISREG(st.st_mode))
        return read_manifest(base_path, arena, listing, err);
    DIR *dir = opendir(base_path);
    if (!dir)
        return not_found(base_path, servable, errno, err);
    list_folder(dir, base_path, arena, listing);
    closedir(dir);
    return CODE_OK;
}

/* ---- a version's files ---- */

static void add_file(struct version_files *files, const char *name, const struct stat *st)
{
    const uint64_t parts[] = {
        map_hash(span_of(name)),
        (uint64_t)st->st_size,
        (uint64_t)st->st_mtim.tv_sec,
        (uint64_t)st->st_mtim.tv_nsec,
    };
    int64_t written_us = (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000;
    /* A sum: the order in which a folder lists them does not matter. */
    files->stamp += map_hash(span_make(parts, sizeof parts));
    files->written_us = written_us > files->written_us ? written_us : files->written_us;
}

static void add_folder(struct version_files *files, const char *path, int depth,
                       struct arena *arena)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        struct stat st;
        if (entry->d_name[0] == '.' || fstatat(dirfd(dir), entry->d_name, &st, 0))
            continue;
        add_file(files, entry->d_name, &st);
        if (S_ISDIR(st.st_mode) && depth > 0)
            add_folder(files, join_path(span_of(path), span_of(entry->d_name), arena), depth - 1,
                       arena);
    }
    if (dir)
        closedir(dir);
}

struct version_files version_listing_files(const char *path, struct arena *arena)
{
    struct version_files files = {0};
    struct stat st;
    if (!stat(path, &st))
        add_file(&files, "", &st);
    add_folder(&files, path, FILES_DEPTH, arena);
    return files;
}
