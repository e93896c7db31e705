/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files are mapped private and read-only: the pages are the page cache's own, shared by every
 * process and version that maps the same file, and given back when the kernel needs them. An empty
 * file can not be mapped; its buffer points to a static byte.
 */
#include "savedmodel/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"

static char nothing[1];

static void release_mapping(struct buffer *buffer)
{
    if (buffer->data != nothing)
        munmap(buffer->data, buffer->size);
    free(buffer);
}

static enum code map_descriptor(int fd, const char *path, struct buffer **buffer, struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return file_error(path, errno, err);
    if (!S_ISREG(status.st_mode))
        return error_set(err, CODE_INVALID_ARGUMENT, "%s: not a regular file", path);
    size_t size = (size_t)status.st_size;
    void *data = nothing;
    if (size)
        data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return file_error(path, errno, err);
    struct buffer *made = malloc(sizeof *made);
    CHECK(made && "out of memory");
    *made =
        (struct buffer){.data = data, .size = size, .read_only = true, .release = release_mapping};
    atomic_init(&made->refs, 1);
    *buffer = made;
    return CODE_OK;
}

enum code mapped_file_open(const char *path, struct buffer **buffer, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return file_error(path, errno, err);
    enum code code = map_descriptor(fd, path, buffer, err);
    close(fd);
    return code;
}
