/* SPDX-License-Identifier: Apache-2.0 */
/* ReadFile: a whole file, most often a model's asset, as one string. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "ops/kernel.h"

/* TensorFlow's text for a file that is not to be had: "path; No such file or directory". */
static enum code refusal(const char *path, enum code code, int number, struct error *err)
{
    char text[256];
    return error_set(err, code, "%s; %s", path, strerror_r(number, text, sizeof text));
}

static enum code check_path(const char *path, struct error *err)
{
    struct stat st;
    if (stat(path, &st)) {
        int number = errno;
        enum code code = file_error(path, number, NULL);
        return refusal(path, number == ENOTDIR ? CODE_FAILED_PRECONDITION : code, number, err);
    }
    if (S_ISDIR(st.st_mode))
        return refusal(path, CODE_FAILED_PRECONDITION, EISDIR, err);
    /* A pipe would hold the request up. */
    if (!S_ISREG(st.st_mode))
        return error_set(err, CODE_FAILED_PRECONDITION, "%s; Not a regular file", path);
    return CODE_OK;
}

static enum code read_file_shape(struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    struct shape scalar = shape_scalar();
    if (call->in[0]->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input filename tensor must be scalar, but had shape: %s",
                         shape_text(&call->in[0]->shape, text));
    op_call_shape(call, 0, &scalar);
    return CODE_OK;
}

static enum code read_file_run(struct op_call *call, struct error *err)
{
    const char *path = arena_strdup(call->arena, *TENSOR_AT(call->in[0], struct span));
    enum code code = check_path(path, err);
    return code ? code : file_read(path, call->arena, call->out[0]->data, err);
}

const struct op op_ReadFile = {
    .name = "ReadFile",
    .inputs = "filename:string",
    .outputs = "contents:string",
    .attrs = "",
    .shape = read_file_shape,
    .run = read_file_run,
};
