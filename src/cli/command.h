/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tensorctl's commands: a record each, a line in main.c's table. Exit codes: 0 done, 1 the
 * operation failed (a message on stderr says why), 2 the command line is wrong.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
};

struct command {
    const char *name;
    const char *arguments; /* for the usage line */
    const char *summary;   /* one line */
    const char *help;      /* the rest, with examples */
    /* argv[0] is the command's name. The arena is released after. */
    int (*run)(int argc, char **argv, struct arena *arena);
};

extern const struct command command_inspect;
extern const struct command command_ops;
extern const struct command command_predict;
extern const struct command command_replay;
extern const struct command command_run;
extern const struct command command_status;
extern const struct command command_versions;

/* "tensorctl run: message" on stderr; returns EXIT_FAILED. */
int command_failed(const char *name, const struct error *err);

/* "tensorctl run: message" and where help is; returns EXIT_USAGE. */
int command_usage(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The first line of what a server said, and a line's end: its texts are no commands to a terminal.
 */
void command_print_line(struct span text);

#endif
