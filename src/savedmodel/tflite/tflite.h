/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A version directory that has a model.tflite instead of, or beside, a SavedModel: read as a struct
 * savedmodel, whose graph is of TensorFlow's ops (translate.h). Nothing else knows where it came
 * from.
 *
 * Signatures are, as in TensorFlow Serving, those that its tools write into the model's metadata;
 * else those of the schema's own table, which converters write; else one is made,
 * "serving_default", of the tensors' names up to their ":".
 */
#ifndef SAVEDMODEL_TFLITE_TFLITE_H
#define SAVEDMODEL_TFLITE_TFLITE_H

#include "savedmodel/savedmodel.h"

/* Is there a model.tflite in `dir`? */
bool tflite_is_in(const char *dir);

/* Like savedmodel_read(). INVALID_ARGUMENT for a file that is malformed, RESOURCE_EXHAUSTED for one
 * whose shared parts stand for far more than it has; each with the file's name and what is wrong
 * where. */
enum code tflite_read(const char *dir, struct arena *arena, struct savedmodel *model,
                      struct error *err);

/* The same for bytes that outlive the model, whose `arena` and `dir` are set. */
enum code tflite_from_bytes(struct savedmodel *model, struct span bytes, struct error *err);

/* Is the file whole, as far as can be told without looking at its weights? UNAVAILABLE with what is
 * missing. */
enum code tflite_check_file(const char *dir, struct error *err);

/* Operator i of those that are known, with the op that it becomes; false behind the last. */
bool tflite_operator(size_t i, const char **name, const char **op);

#endif
