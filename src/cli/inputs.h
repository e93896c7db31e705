/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `run` and `predict` have in common: named tensors from the command line, answers to the
 * terminal or to files.
 *
 *   --json FILE         the body of a REST request ("-": standard input)
 *   --input NAME=VALUE  VALUE is JSON ([1, 2], "text", {"b64": ...}) or @FILE.npy
 *   --output NAME=FILE  writes that output as .npy; the others are printed
 *   --signature NAME
 */
#ifndef CLI_INPUTS_H
#define CLI_INPUTS_H

#include "tensor/tensor_json.h"

struct inputs_file {
    struct span name;
    const char *path;
};

struct inputs {
    const char *signature; /* NULL: serving_default */
    const char *json_path;
    struct span *values; /* "NAME=JSON" */
    size_t value_count;
    struct inputs_file *files; /* NAME=@FILE */
    size_t file_count;
    struct inputs_file *outputs;
    size_t output_count;
};

/* Takes one option with its value if it is one of the above: returns how many arguments it took (0:
 * none of ours; -1: malformed). */
int inputs_take(struct inputs *inputs, int argc, char **argv, struct arena *arena);

/* The tensors for a signature whose inputs are `infos`. *tensors lies in the arena. */
enum code inputs_read(const struct inputs *inputs, const struct tensor_json_input *infos,
                      size_t info_count, struct arena *arena, struct named_tensor **tensors,
                      size_t *count, struct error *err);

/* Writes the outputs that have a file, prints the others as {"outputs": ...}. */
enum code inputs_answer(const struct inputs *inputs, const struct named_tensor *tensors,
                        size_t count, struct arena *arena, struct error *err);

/* The lines of --help for these options. */
#define INPUTS_HELP                                                                                \
    "  --json FILE         the body of a REST request: {\"instances\": [...]} or {\"inputs\": "    \
    "...}; "                                                                                       \
    "'-' is standard input\n"                                                                      \
    "  --input NAME=VALUE  VALUE is JSON, or @FILE.npy\n"                                          \
    "  --output NAME=FILE  write this output to FILE as .npy; the others are printed as JSON\n"    \
    "  --signature NAME    default: serving_default\n"

#endif
