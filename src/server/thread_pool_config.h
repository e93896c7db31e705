/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --thread_pool_factory_config_file: a ThreadPoolFactoryConfig in text format, whose Any names a
 * factory that was linked into the server. TensorFlow Serving ships none, and neither do we: runs
 * have their workers already. So the file is read and the start ends, in the original's words.
 */
#ifndef SERVER_THREAD_POOL_CONFIG_H
#define SERVER_THREAD_POOL_CONFIG_H

#include "base/error.h"

/* Never OK. What config_text_read() says of a file that is none; else INVALID_ARGUMENT as the
 * original's registry of classes has it: an Any without a type, of a type that nobody knows, whose
 * bytes are no such message, or without a factory. */
enum code thread_pool_config_read(const char *path, struct error *err);

#endif
