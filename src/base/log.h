/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one line per event on stderr, written with one write() so that lines of threads never
 * mix.
 *
 *   2026-11-24 16:41:29.123456: I server.c:88] Running gRPC ModelServer at 0.0.0.0:8500 ...
 *
 * The shape is TensorFlow's own (scripts grep it). Control bytes inside a message are escaped: what
 * a client sends can not forge a line. Any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>
#include <string.h>

enum log_level {
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARNING,
    LOG_ERROR,
};

/* The file's name without its folders. */
#define LOG_FILE (strrchr(__FILE__, '/') ? strrchr(__FILE__, '/') + 1 : __FILE__)

#define log_debug(...)   log_line(LOG_DEBUG, LOG_FILE, __LINE__, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, LOG_FILE, __LINE__, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, LOG_FILE, __LINE__, __VA_ARGS__)
#define log_error(...)   log_line(LOG_ERROR, LOG_FILE, __LINE__, __VA_ARGS__)

/* Lines below `level` are dropped; LOG_INFO at the start. */
void log_set_level(enum log_level level);

/* The same by its name: "debug", "info", "warning", "error". Returns 0, or -1 when there is none of
 * that name. */
int log_set_level_name(const char *name);

/* From now on everything; or, if that is so already, what log_set_level() said. The name of the
 * level now. */
const char *log_toggle_debug(void);

/* The format of lines, a row of a table in log.c: "text" (the start) or "json" (an object a line).
 * Returns 0, or -1 when there is no such format. */
int log_set_format(const char *name);
const char *log_format(void);

/* Use the macros. */
void log_line(enum log_level level, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
