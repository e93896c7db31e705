/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <stdarg.h>
#include <stdio.h>

int command_failed(const char *name, const struct error *err)
{
    fprintf(stderr, "tensorctl %s: %s: %s\n", name, code_name(err->code), err->message);
    return EXIT_FAILED;
}

int command_usage(const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "tensorctl %s: ", name);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\nTry 'tensorctl %s --help'.\n", name);
    va_end(args);
    return EXIT_USAGE;
}

void command_print_line(struct span text)
{
    for (size_t i = 0; i < text.len && text.ptr[i] != '\n'; i++)
        putchar((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f ? '?' : text.ptr[i]);
    putchar('\n');
}
