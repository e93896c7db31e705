/* SPDX-License-Identifier: Apache-2.0 */
/* tensorctl: tensord's command line. The commands are the rows of a table. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "engine/op_library.h"

#define OP_LIBRARY "--op_library"

static const struct command *const commands[] = {
    &command_inspect, &command_ops,    &command_predict,  &command_replay,
    &command_run,     &command_status, &command_versions,
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void print_help(FILE *out)
{
    fprintf(out, "usage: tensorctl COMMAND [ARGUMENTS]\n\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(
        out,
        "\n  --op_library=FILE  with any command: a library of custom ops (tensord/op.h); may be "
        "given more than once\n");
    fprintf(out, "\n'tensorctl COMMAND --help' says more.\n");
}

/* Loads the libraries that the arguments name and takes these out. False: said why not. */
static bool take_op_libraries(int *argc, char **argv)
{
    struct error err;
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        const char *path = NULL;
        if (!strncmp(argv[i], OP_LIBRARY "=", sizeof OP_LIBRARY))
            path = argv[i] + sizeof OP_LIBRARY;
        else if (!strcmp(argv[i], OP_LIBRARY) && i + 1 < *argc)
            path = argv[++i];
        else
            argv[kept++] = argv[i];
        if (path && op_library_load(path, &err)) {
            fprintf(stderr, "tensorctl: %s\n", err.message);
            return false;
        }
    }
    argv[kept] = NULL;
    *argc = kept;
    return true;
}

/* Wherever it stands: who asks has often typed the rest before. */
static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return true;
    }
    return false;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    if (wants_help(argc, argv)) {
        printf("usage: tensorctl %s %s\n\n%s\n", command->name, command->arguments, command->help);
        return EXIT_DONE;
    }
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    int status = command->run(argc, argv, &arena);
    arena_release(&arena);
    return status;
}

int main(int argc, char **argv)
{
    if (!take_op_libraries(&argc, argv))
        return EXIT_FAILED;
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_help(stdout);
        return EXIT_DONE;
    }
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (!strcmp(argv[1], commands[i]->name))
            return run_command(commands[i], argc - 1, argv + 1);
    }
    fprintf(stderr, "tensorctl: there is no command '%s'\n\n", argv[1]);
    print_help(stderr);
    return EXIT_USAGE;
}
