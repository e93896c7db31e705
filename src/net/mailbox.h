/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct mailbox: how other threads hand things to a loop. Any thread pushes, the loop takes all at
 * once. The loop is woken by one eventfd write, and only when it sleeps. A mailbox outlives its
 * loop while others may still push: the loop says how many mails are outstanding when it closes it,
 * and the last of them frees it.
 */
#ifndef NET_MAILBOX_H
#define NET_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

struct mail {
    struct mail *next;
};

struct mailbox;

/* NULL with errno set when there is no eventfd. */
struct mailbox *mailbox_new(void);

/* The eventfd; readable when the owner was woken. */
int mailbox_fd(const struct mailbox *mailbox);

/* Any thread. False when the mailbox is closed: the mail stays the caller's, who calls
 * mailbox_forget() after having disposed of it. */
bool mailbox_push(struct mailbox *mailbox, struct mail *mail);

/* Wakes the owner. Any thread, while the mailbox is open. */
void mailbox_wake(struct mailbox *mailbox);

/* Owner: what was pushed since, oldest first. */
struct mail *mailbox_take(struct mailbox *mailbox);

/* Owner: whether there is mail. */
bool mailbox_has_mail(const struct mailbox *mailbox);

/* Owner: about to sleep. False: there is mail, do not. */
bool mailbox_sleep(struct mailbox *mailbox);

/* Owner: awake again; empties the eventfd when `woken`. */
void mailbox_awake(struct mailbox *mailbox, bool woken);

/* Owner: closes it, `outstanding` mails (those in it included) are still to come. Returns those in
 * it; each is to be forgotten. Then the owner itself calls mailbox_forget() once. */
struct mail *mailbox_close(struct mailbox *mailbox, size_t outstanding);

/* After mailbox_close(): one outstanding mail less, or the owner is done; the last call frees the
 * mailbox. */
void mailbox_forget(struct mailbox *mailbox);

#endif
