/* SPDX-License-Identifier: Apache-2.0 */
/* A file's bytes as a counted, read-only buffer (tensor/tensor.h): mapped, unmapped by the last
 * unref. */
#ifndef SAVEDMODEL_MAPPED_FILE_H
#define SAVEDMODEL_MAPPED_FILE_H

#include "tensor/tensor.h"

/* Maps the whole regular file; the buffer has one reference. NOT_FOUND, PERMISSION_DENIED,
 * RESOURCE_EXHAUSTED or UNAVAILABLE with the path and the system's reason; INVALID_ARGUMENT for
 * what is no regular file. Whoever shortens a mapped file kills the process with SIGBUS at the next
 * look: files of a version in service are to be replaced, not rewritten. */
enum code mapped_file_open(const char *path, struct buffer **buffer, struct error *err);

static inline struct span mapped_file_bytes(const struct buffer *buffer)
{
    return span_make(buffer->data, buffer->size);
}

#endif
