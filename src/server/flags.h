/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flags: a table of names, types, defaults and what they mean. The original's are all here, so
 * that its command lines work: what this server does (SERVED), what makes no difference to it
 * (IDLE: accepted, and said so when it is given), and what it does not do yet (LATER: refused when
 * it asks for something, since silence would be wrong).
 */
#ifndef SERVER_FLAGS_H
#define SERVER_FLAGS_H

#include <stddef.h>

#include "base/span.h"
#include "server/options.h"

enum flag_type {
    FLAG_BOOL,
    FLAG_INT32,
    FLAG_INT64,
    FLAG_DOUBLE,
    FLAG_TEXT,
    FLAG_TEXTS, /* each time it is given one more */
};

enum flag_effect {
    FLAG_SERVED,
    FLAG_IDLE,
};

struct flag {
    const char *name;
    enum flag_type type;
    size_t member; /* offset in struct options */
    const char *initial;
    enum flag_effect effect;
    const char *help;
};

extern const struct flag flags[];
extern const size_t flag_count; /* at most OPTIONS_FLAGS_MAX */

/* A heading for --help: the flags from `first` on, until the next group. */
struct flag_group {
    const char *first;
    const char *title;
};

extern const struct flag_group flag_groups[];
extern const size_t flag_group_count;

/* The flag of that name, or NULL. */
const struct flag *flag_find(struct span name);

/* Reads the value (borrowed) into the options; false: it is none. */
bool flag_set(struct options *options, const struct flag *flag, const char *text);

/* What a value has to be: "true or false". */
const char *flag_expected(const struct flag *flag);

/* The value as text; several with blanks between them. */
void flag_print(const struct options *options, const struct flag *flag, FILE *out);

#endif
