/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct token_files: the tokens of --inference_token_file and --admin_token_file: one a line, "#"
 * begins a comment. When a file changes, or on SIGHUP, what it says counts; a file that can not be
 * used leaves all as it was.
 */
#ifndef SERVER_TOKEN_FILES_H
#define SERVER_TOKEN_FILES_H

#include "api/access.h"
#include "server/options.h"

struct token_files;

/* Reads them into `access` (borrowed, like the options). *files is NULL with OK when there are
 * none. INVALID_ARGUMENT for what is no token and for a file without any; what file_read() says. */
enum code token_files_new(const struct options *options, struct access *access,
                          struct token_files **files, struct error *err);

/* From now on looks whether the files have changed, on a thread of its own. NULL is fine, here and
 * below. */
enum code token_files_start(struct token_files *files, struct error *err);

/* Reads them now, on that thread. Any thread. */
void token_files_reload(struct token_files *files);

/* Ends the thread. */
void token_files_free(struct token_files *files);

#endif
