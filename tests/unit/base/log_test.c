/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char text[1 << 16]; /* what went to stderr */
static int stderr_before;
static int ends[2];

static void catch (void)
{
    assert_int_equal(pipe(ends), 0);
    stderr_before = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
}

static const char *caught(void)
{
    dup2(stderr_before, STDERR_FILENO);
    close(stderr_before);
    size_t len = 0;
    for (ssize_t n; (n = read(ends[0], text + len, sizeof text - 1 - len)) > 0;)
        len += (size_t)n;
    text[len] = 0;
    close(ends[0]);
    return text;
}

/* Behind the time, which is "2026-11-24 16:41:29.123456" long. */
enum { TIME_LENGTH = 26 };

static void lines_look_like_the_original_s(void **state)
{
    (void)state;
    catch ();
    log_line(LOG_WARNING, "some.c", 12, "%s is %d", "x", 3);
    assert_string_equal(caught() + TIME_LENGTH, ": W some.c:12] x is 3\n");
}

static void a_message_can_not_forge_a_line(void **state)
{
    (void)state;
    catch ();
    log_line(LOG_ERROR, "some.c", 1, "a\nb\r\x1b[0m\x7f\"");
    assert_string_equal(caught() + TIME_LENGTH, ": E some.c:1] a\\nb\\r\\x1b[0m\\x7f\"\n");
}

static void json_lines(void **state)
{
    (void)state;
    assert_int_equal(log_set_format("json"), 0);
    assert_int_equal(log_set_format("xml"), -1);
    catch ();
    log_line(LOG_INFO, "some.c", 1, "say \"a\\b\"\x01\n");
    const char *line = caught();
    log_set_format("text");
    assert_memory_equal(line, "{\"time\":\"", 9);
    assert_string_equal(strstr(line, "Z\","), "Z\",\"level\":\"info\",\"source\":\"some.c:1\","
                                              "\"message\":\"say \\\"a\\\\b\\\"\\u0001\\n\"}\n");
}

static void low_levels_are_dropped_and_long_messages_cut(void **state)
{
    (void)state;
    catch ();
    log_line(LOG_DEBUG, "some.c", 1, "unseen");
    assert_string_equal(caught(), "");
    log_set_level(LOG_DEBUG);
    catch ();
    log_line(LOG_DEBUG, "some.c", 1, "%*d", 100000, 1);
    const char *line = caught();
    log_set_level(LOG_INFO);
    size_t len = strlen(line);
    assert_in_range(len, 4096, 8192);
    assert_int_equal(line[len - 1], '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_look_like_the_original_s),
        cmocka_unit_test(a_message_can_not_forge_a_line),
        cmocka_unit_test(json_lines),
        cmocka_unit_test(low_levels_are_dropped_and_long_messages_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
