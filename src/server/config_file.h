/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct config_file: the file of --model_config_file (a ModelServerConfig, text format), read at
 * the start, every so often (--model_config_file_poll_wait_seconds), and on SIGHUP. A file that can
 * not be used leaves everything as it was, and says so once.
 */
#ifndef SERVER_CONFIG_FILE_H
#define SERVER_CONFIG_FILE_H

#include "core/server_core.h"

struct config_file;

/* `path` and `core` are borrowed. Nothing is read yet. */
struct config_file *config_file_new(const char *path, int64_t poll_wait_s,
                                    struct server_core *core);

/* Reads it, for the first time. *configs is owned by the caller; NULL with OK when the file asks
 * for nothing. What config_text_parse() and api_model_configs() say; what file_read() says. */
enum code config_file_read(struct config_file *file, struct model_configs **configs,
                           struct error *err);

/* From now on looks every `poll_wait_s` seconds (<= 0: only when told to) on a thread of its own,
 * and puts what is new into force. */
enum code config_file_start(struct config_file *file, struct error *err);

/* Looks now, whether the file has changed or not. Any thread; does not wait. */
void config_file_reload(struct config_file *file);

/* Ends the thread. NULL is fine. */
void config_file_free(struct config_file *file);

#endif
