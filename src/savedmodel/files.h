/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a SavedModel from outside: are they all there, how large are they. */
#ifndef SAVEDMODEL_FILES_H
#define SAVEDMODEL_FILES_H

#include <stddef.h>

#include "base/error.h"

/* Is the version in `dir` whole: saved_model.pb (or .pbtxt) there and not cut off, and, where there
 * is a folder "variables", an index with every data file that it names, each as long as the index
 * says? UNAVAILABLE with what is missing. Nothing is unpacked, weights are not touched. */
enum code savedmodel_check_files(const char *dir, struct error *err);

/* Sum of the sizes of all files in `dir` and in its folders. UNAVAILABLE when it can not be read.
 */
enum code savedmodel_file_bytes(const char *dir, size_t *bytes, struct error *err);

#endif
