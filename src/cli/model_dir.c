/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/model_dir.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "savedmodel/tflite/tflite.h"

bool model_dir_has_saved_model(const char *dir, struct arena *arena)
{
    return access(arena_printf(arena, "%s/saved_model.pb", dir), F_OK) == 0 ||
           access(arena_printf(arena, "%s/saved_model.pbtxt", dir), F_OK) == 0;
}

enum code model_dir_find(const char *dir, struct arena *arena, const char **version_dir,
                         struct error *err)
{
    *version_dir = dir;
    if (model_dir_has_saved_model(dir, arena) || tflite_is_in(dir))
        return CODE_OK;
    DIR *folder = opendir(dir);
    if (!folder)
        return file_error(dir, errno, err);
    int64_t newest = -1;
    for (struct dirent *entry; (entry = readdir(folder));) {
        int64_t version;
        if (!span_to_int64(span_of(entry->d_name), &version) || version <= newest)
            continue;
        newest = version;
        *version_dir = arena_printf(arena, "%s/%s", dir, entry->d_name);
    }
    closedir(folder);
    if (newest < 0)
        return error_set(
            err, CODE_NOT_FOUND,
            "%s has no saved_model.pb, saved_model.pbtxt or model.tflite and no numbered "
            "version folder",
            dir);
    return CODE_OK;
}
