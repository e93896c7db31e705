/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mappings.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { SIZE = 3 << 16 };

struct seen {
    const char *path;
    int64_t bytes;
    int64_t resident;
};

static void look(struct span path, int64_t bytes, int64_t resident, void *context)
{
    struct seen *seen = context;
    if (span_is(path, seen->path)) {
        seen->bytes += bytes;
        seen->resident += resident;
    }
}

static void a_mapped_file_is_found(void **state)
{
    (void)state;
    char path[] = "/tmp/tensord mapping-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(ftruncate(fd, SIZE), 0);
    volatile char *bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    bytes[0] = 1;
    struct seen seen = {.path = path};
    mappings_read(look, &seen);
    assert_int_equal(seen.bytes, SIZE);
    assert_true(seen.resident >= 4096 && seen.resident <= SIZE);
    munmap((void *)(uintptr_t)bytes, SIZE);
    seen = (struct seen){.path = path};
    mappings_read(look, &seen);
    assert_int_equal(seen.bytes, 0);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_mapped_file_is_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
