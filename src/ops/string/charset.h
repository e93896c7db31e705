/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct charset: texts in some encoding, character by character. The forms of Unicode, Latin 1 and
 * ASCII are read here; all others are iconv's, whose tables differ from ICU's in a few private or
 * undefined places.
 */
#ifndef OPS_STRING_CHARSET_H
#define OPS_STRING_CHARSET_H

#include "ops/string/rune.h"

struct charset {
    int kind;
    const char *name; /* for iconv; owned by the arena */
};

/* A text that is being read. */
struct charset_reader {
    const struct charset *charset;
    struct span text;
    size_t at;
    bool little;     /* UTF-16 and UTF-32: what the mark at the start says */
    void *converter; /* iconv's; owned; NULL if not needed */
    int32_t pending[3];
    int pending_count;
};

/* The charset of that name, in which case, '-', '_' and blanks do not count. False if there is
 * none. */
bool charset_find(struct span name, struct arena *arena, struct charset *charset);

/* A reader for any number of texts, one after the other. RESOURCE_EXHAUSTED. */
enum code charset_reader_init(struct charset_reader *reader, const struct charset *charset,
                              struct error *err);
void charset_reader_release(struct charset_reader *reader);

void charset_reader_start(struct charset_reader *reader, struct span text);
/* The next character, or RUNE_BAD for bytes that are none; *length is how many bytes it takes (a
 * mark of the byte order counts with the first). False at the end. */
bool charset_reader_next(struct charset_reader *reader, int32_t *rune, size_t *length);

#endif
