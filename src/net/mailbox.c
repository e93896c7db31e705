/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack of mails with one atomic head; the owner takes the whole stack and turns it round.
 * `sleeping` tells a pusher whether a wake-up is needed at all: the owner sets it before it looks
 * at the head a last time, the pusher reads it after having changed the head, both sequentially
 * consistent, so that one of them sees the other.
 *
 * The end: a pusher may still be between its push and its wake-up when the owner has handled its
 * mail and wants to go. `pushers` counts those, and closing waits until there are none; it takes as
 * long as an eventfd write. Later pushers find the head closed and touch nothing but `outstanding`.
 */
#include "net/mailbox.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"

struct mailbox {
    _Atomic(struct mail *) head; /* newest first */
    atomic_bool sleeping;
    atomic_uint pushers;
    atomic_size_t outstanding; /* once closed: mails to come, plus one for the owner */
    int event_fd;
};

static struct mail closed; /* its address as head says that nobody takes mail any more */

struct mailbox *mailbox_new(void)
{
    struct mailbox *mailbox = calloc(1, sizeof *mailbox);
    CHECK(mailbox && "out of memory");
    mailbox->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (mailbox->event_fd < 0) {
        free(mailbox);
        return NULL;
    }
    return mailbox;
}

int mailbox_fd(const struct mailbox *mailbox)
{
    return mailbox->event_fd;
}

void mailbox_wake(struct mailbox *mailbox)
{
    uint64_t one = 1;
    /* It can only fail when the counter is full, and then the owner is woken anyway. */
    ssize_t n = write(mailbox->event_fd, &one, sizeof one);
    (void)n;
}

bool mailbox_push(struct mailbox *mailbox, struct mail *mail)
{
    atomic_fetch_add(&mailbox->pushers, 1);
    struct mail *head = atomic_load(&mailbox->head);
    do {
        if (head == &closed) {
            atomic_fetch_sub(&mailbox->pushers, 1);
            return false;
        }
        mail->next = head;
    } while (!atomic_compare_exchange_weak(&mailbox->head, &head, mail));
    if (atomic_load(&mailbox->sleeping) && atomic_exchange(&mailbox->sleeping, false))
        mailbox_wake(mailbox);
    atomic_fetch_sub(&mailbox->pushers, 1);
    return true;
}

static struct mail *turn_round(struct mail *newest)
{
    struct mail *oldest = NULL;
    while (newest) {
        struct mail *older = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    return oldest;
}

bool mailbox_has_mail(const struct mailbox *mailbox)
{
    return atomic_load_explicit(&mailbox->head, memory_order_relaxed);
}

struct mail *mailbox_take(struct mailbox *mailbox)
{
    if (!mailbox_has_mail(mailbox))
        return NULL;
    return turn_round(atomic_exchange(&mailbox->head, NULL));
}

bool mailbox_sleep(struct mailbox *mailbox)
{
    atomic_store(&mailbox->sleeping, true);
    if (!atomic_load(&mailbox->head))
        return true;
    atomic_store(&mailbox->sleeping, false);
    return false;
}

void mailbox_awake(struct mailbox *mailbox, bool woken)
{
    atomic_store_explicit(&mailbox->sleeping, false, memory_order_relaxed);
    uint64_t count;
    if (woken) {
        ssize_t n = read(mailbox->event_fd, &count, sizeof count);
        (void)n;
    }
}

struct mail *mailbox_close(struct mailbox *mailbox, size_t outstanding)
{
    atomic_store(&mailbox->outstanding, outstanding + 1);
    struct mail *rest = atomic_exchange(&mailbox->head, &closed);
    while (atomic_load(&mailbox->pushers))
        sched_yield();
    close(mailbox->event_fd);
    return turn_round(rest);
}

void mailbox_forget(struct mailbox *mailbox)
{
    if (atomic_fetch_sub(&mailbox->outstanding, 1) == 1)
        free(mailbox);
}
