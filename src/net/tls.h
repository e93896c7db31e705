/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS on connections, by OpenSSL, which only tls.c knows. A struct tls_context is what a port shows
 * (certificate, key, whom it trusts); it can be exchanged while connections are open, which keep
 * what they began with. A struct tls_session is one connection's: read and write as on a socket.
 *
 * TLS 1.2 and later; no renegotiation.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/error.h"
#include "base/span.h"

struct tls_options {
    struct span certificates; /* PEM: the server's, then those between it and its root */
    struct span key;          /* PEM */
    struct span client_roots; /* PEM: whose certificates clients must have; empty: nobody is asked,
                                 or, with verify_clients, the system's roots */
    bool verify_clients;
    const char *protocol; /* for ALPN: "h2", "http/1.1" */
};

struct tls_context;

/* INVALID_ARGUMENT that names what can not be used: the certificate, the key (or they do not fit),
 * the roots. The texts are copied. */
enum code tls_context_new(const struct tls_options *options, struct tls_context **context,
                          struct error *err);
void tls_context_free(struct tls_context *context); /* NULL is fine */

/* New connections get these from now on; on an error all stays as it was. Any thread. */
enum code tls_context_change(struct tls_context *context, const struct tls_options *options,
                             struct error *err);

struct tls_session;

/* Of an accepted socket that does not block. NULL: no memory. */
struct tls_session *tls_session_new(struct tls_context *context, int fd);

/* Says goodbye, as far as the socket takes it. NULL is fine. */
void tls_session_free(struct tls_session *session);

/* As read(): fills as much of the buffer as has arrived; 0: the peer has ended; -1 with errno
 * EAGAIN: nothing for now. Shakes hands first. */
ssize_t tls_read(struct tls_session *session, void *buffer, size_t size);

/* As writev(), in full records of 16 KiB. What was not taken is to be offered again as it was. Not
 * before tls_is_ready(). */
ssize_t tls_write(struct tls_session *session, const struct iovec *pieces, int count);

/* Are hands shaken? */
bool tls_is_ready(const struct tls_session *session);

/* Has more arrived than the last tls_read() had room for? */
bool tls_has_more(const struct tls_session *session);

/* Does tls_read() wait for the socket to take something? */
bool tls_wants_write(const struct tls_session *session);

#endif
