/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    int number;
    enum code code;
} codes[] = {
    {ENOENT, CODE_NOT_FOUND},           {ENOTDIR, CODE_NOT_FOUND},
    {EACCES, CODE_PERMISSION_DENIED},   {EPERM, CODE_PERMISSION_DENIED},
    {ENOMEM, CODE_RESOURCE_EXHAUSTED},  {EMFILE, CODE_RESOURCE_EXHAUSTED},
    {ENFILE, CODE_RESOURCE_EXHAUSTED},  {ENOSPC, CODE_RESOURCE_EXHAUSTED},
    {EISDIR, CODE_FAILED_PRECONDITION},
};

enum code file_error(const char *path, int number, struct error *err)
{
    enum code code = CODE_UNAVAILABLE;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i].number == number)
            code = codes[i].code;
    }
    char text[256];
    return error_set(err, code, "%s: %s", path, strerror_r(number, text, sizeof text));
}

/* Reads until the end or until `room` is full; -1 with errno set. */
static ssize_t read_all(int fd, char *to, size_t room)
{
    size_t used = 0;
    while (used < room) {
        ssize_t n = read(fd, to + used, room - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        used += (size_t)n;
    }
    return (ssize_t)used;
}

static enum code read_open(int fd, const char *path, struct arena *arena, struct span *bytes,
                           struct error *err)
{
    struct stat st;
    if (fstat(fd, &st))
        return file_error(path, errno, err);
    if (S_ISDIR(st.st_mode))
        return file_error(path, EISDIR, err);
    size_t size = (size_t)st.st_size;
    char *text = arena_try_alloc(arena, size + 1, ARENA_ALIGN);
    if (!text)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "%s: no memory for %zu bytes", path, size);
    ssize_t n = read_all(fd, text, size);
    if (n < 0)
        return file_error(path, errno, err);
    text[n] = 0;
    *bytes = span_make(text, (size_t)n);
    return CODE_OK;
}

enum code file_read(const char *path, struct arena *arena, struct span *bytes, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return file_error(path, errno, err);
    enum code code = read_open(fd, path, arena, bytes, err);
    close(fd);
    return code;
}

struct span file_read_small(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return (struct span){0};
    ssize_t n = read_all(fd, text, size);
    close(fd);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
        n--;
    return span_make(text, n > 0 ? (size_t)n : 0);
}

enum code file_write(const char *path, struct span bytes, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return file_error(path, errno, err);
    size_t used = 0;
    int failed = 0;
    while (used < bytes.len && !failed) {
        ssize_t n = write(fd, bytes.ptr + used, bytes.len - used);
        if (n > 0)
            used += (size_t)n;
        else if (n < 0 && errno != EINTR)
            failed = errno;
    }
    if (close(fd) && !failed)
        failed = errno;
    return failed ? file_error(path, failed, err) : CODE_OK;
}
