/* SPDX-License-Identifier: Apache-2.0 */
#include "base/late_thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* Turns what comes into what was done. */
struct desk {
    struct late_thread thread;
    int came;
    int done;
    int starts;
};

static void work(void *context)
{
    struct desk *desk = context;
    pthread_mutex_lock(&desk->thread.mutex);
    desk->starts++;
    while (!desk->thread.ending) {
        desk->done += desk->came;
        desk->came = 0;
        pthread_cond_broadcast(&desk->thread.came);
        pthread_cond_wait(&desk->thread.came, &desk->thread.mutex);
    }
    pthread_mutex_unlock(&desk->thread.mutex);
}

static void starts_with_the_first_that_needs_it(void **state)
{
    (void)state;
    struct desk desk = {.came = 0};
    late_thread_init(&desk.thread);
    assert_false(desk.thread.started);
    pthread_mutex_lock(&desk.thread.mutex);
    for (int i = 1; i <= 3; i++) {
        desk.came++;
        assert_int_equal(late_thread_need(&desk.thread, "desk", work, &desk, NULL), CODE_OK);
        pthread_cond_broadcast(&desk.thread.came);
        while (desk.done < i)
            pthread_cond_wait(&desk.thread.came, &desk.thread.mutex);
    }
    pthread_mutex_unlock(&desk.thread.mutex);
    late_thread_release(&desk.thread);
    assert_int_equal(desk.starts, 1);
    assert_int_equal(desk.done, 3);
}

static void ends_without_having_been_started(void **state)
{
    (void)state;
    struct late_thread thread;
    late_thread_init(&thread);
    late_thread_release(&thread);
    assert_false(thread.started);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_with_the_first_that_needs_it),
        cmocka_unit_test(ends_without_having_been_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
