/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/span.h"

static int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address)) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static int connect_one(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    int one = 1;
    if (fd < 0)
        return -1;
    if (connect(fd, a->ai_addr, a->ai_addrlen)) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static enum code connect_tcp(const char *target, int *fd, struct error *err)
{
    const char *colon = strrchr(target, ':');
    bool bracketed = target[0] == '[';
    size_t host_len = colon ? (size_t)(colon - target) : 0;
    char host[256];
    if (!colon || !host_len || host_len >= sizeof host || !colon[1])
        return error_set(err, CODE_INVALID_ARGUMENT, "'%s' is no address: HOST:PORT or unix:PATH",
                         target);
    snprintf(host, sizeof host, "%.*s", (int)(host_len - (bracketed ? 2 : 0)),
             target + (bracketed ? 1 : 0));
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    int failed = getaddrinfo(host, colon + 1, &hints, &list);
    if (failed)
        return error_set(err, CODE_UNAVAILABLE, "%s: %s", target, gai_strerror(failed));
    *fd = -1;
    for (const struct addrinfo *a = list; a && *fd < 0; a = a->ai_next)
        *fd = connect_one(a);
    int saved = errno;
    freeaddrinfo(list);
    if (*fd < 0)
        return error_set(err, CODE_UNAVAILABLE, "%s: %s", target, strerror(saved));
    return CODE_OK;
}

enum code dial(const char *target, int *fd, struct error *err)
{
    if (strncmp(target, "unix:", 5) != 0)
        return connect_tcp(target, fd, err);
    *fd = connect_unix(target + 5);
    if (*fd < 0)
        return error_set(err, CODE_UNAVAILABLE, "%s: %s", target, strerror(errno));
    return CODE_OK;
}

void dial_timeout(int fd, int64_t timeout_us)
{
    struct timeval t = {.tv_sec = timeout_us / 1000000, .tv_usec = timeout_us % 1000000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}
