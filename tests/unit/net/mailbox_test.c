/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/mailbox.h"

enum { THREADS = 4, MAILS = 20000 };

struct letter {
    struct mail mail; /* first */
    int thread;
    int number;
};

struct sender {
    pthread_t thread;
    struct mailbox *mailbox;
    struct letter letters[MAILS];
};

static void *send_all(void *arg)
{
    struct sender *sender = arg;
    for (int i = 0; i < MAILS; i++)
        if (!mailbox_push(sender->mailbox, &sender->letters[i].mail))
            return sender;
    return NULL;
}

/* Sleeps like a loop: only when the mailbox says that it may, and until the eventfd says so. */
static struct mail *wait_for_mail(struct mailbox *mailbox)
{
    if (mailbox_sleep(mailbox)) {
        struct pollfd fd = {.fd = mailbox_fd(mailbox), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, 60000), 1);
        mailbox_awake(mailbox, true);
    }
    return mailbox_take(mailbox);
}

static void nothing_is_lost_and_order_is_kept(void **state)
{
    (void)state;
    struct mailbox *mailbox = mailbox_new();
    struct sender *senders = calloc(THREADS, sizeof *senders);
    for (int t = 0; t < THREADS; t++) {
        senders[t].mailbox = mailbox;
        for (int i = 0; i < MAILS; i++)
            senders[t].letters[i] = (struct letter){.thread = t, .number = i};
        assert_int_equal(pthread_create(&senders[t].thread, NULL, send_all, &senders[t]), 0);
    }
    int next[THREADS] = {0};
    for (int got = 0; got < THREADS * MAILS;) {
        for (struct mail *m = wait_for_mail(mailbox); m; m = m->next, got++) {
            const struct letter *letter = (struct letter *)m;
            assert_int_equal(letter->number, next[letter->thread]++);
        }
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(senders[t].thread, NULL);
    assert_null(mailbox_take(mailbox));
    assert_null(mailbox_close(mailbox, 0));
    mailbox_forget(mailbox);
    free(senders);
}

static void a_closed_mailbox_lives_until_the_last_mail(void **state)
{
    (void)state;
    struct mailbox *mailbox = mailbox_new();
    struct mail taken, late;
    assert_true(mailbox_push(mailbox, &taken));
    /* Two are outstanding: one lies in the box, one is still to come. */
    assert_ptr_equal(mailbox_close(mailbox, 2), &taken);
    mailbox_forget(mailbox);
    mailbox_forget(mailbox);
    assert_false(mailbox_push(mailbox, &late));
    mailbox_forget(mailbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_and_order_is_kept),
        cmocka_unit_test(a_closed_mailbox_lives_until_the_last_mail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
