/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.0, so that the body is what comes until the end, in no chunks. */
#include "net/http_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/dial.h"

enum { ANSWER_MAX = 256 << 20 };

static enum code broken(const char *target, struct error *err)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return error_set(err, CODE_DEADLINE_EXCEEDED, "no answer from %s in time", target);
    return error_set(err, CODE_UNAVAILABLE, "%s: %s", target, strerror(errno));
}

static enum code send_request(int fd, const char *target, const char *path, struct error *err)
{
    char request[1024];
    int len =
        snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path, target);
    if (len < 0 || (size_t)len >= sizeof request)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s%s is too long", target, path);
    for (int sent = 0; sent < len;) {
        ssize_t n = send(fd, request + sent, (size_t)(len - sent), MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return broken(target, err);
        sent += n > 0 ? (int)n : 0;
    }
    return CODE_OK;
}

static enum code receive_all(int fd, const char *target, struct arena *arena, struct span *answer,
                             struct error *err)
{
    size_t room = 64 << 10, used = 0;
    char *text = arena_alloc(arena, room);
    for (;;) {
        ssize_t n = recv(fd, text + used, room - used, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return broken(target, err);
        used += (size_t)n;
        *answer = span_make(text, used);
        if (n == 0)
            return CODE_OK;
        if (used == ANSWER_MAX)
            return error_set(err, CODE_INTERNAL, "%s: an answer of more than %d bytes", target,
                             ANSWER_MAX);
        if (used < room)
            continue;
        char *more = arena_alloc(arena, 2 * room);
        memcpy(more, text, used);
        text = more;
        room *= 2;
    }
}

static enum code take_apart(const char *target, struct span answer, struct span *body,
                            struct error *err)
{
    const char *end = memmem(answer.ptr, answer.len, "\r\n\r\n", 4);
    int status;
    char line[64] = "";
    memcpy(line, answer.ptr, answer.len < sizeof line - 1 ? answer.len : sizeof line - 1);
    if (!end || sscanf(line, "HTTP/1.%*1[01] %3d", &status) != 1)
        return error_set(err, CODE_INTERNAL, "%s: that is no HTTP server", target);
    size_t at = (size_t)(end - answer.ptr) + 4;
    *body = span_sub(answer, at, answer.len);
    if (status != 200)
        return error_set(err, CODE_UNKNOWN, "%s: status %d: %.*s", target, status,
                         (int)(body->len < 200 ? body->len : 200), body->ptr);
    return CODE_OK;
}

enum code http_client_get(const char *target, const char *path, int64_t timeout_us,
                          struct arena *arena, struct span *body, struct error *err)
{
    int fd;
    struct span answer = {0};
    enum code code = dial(target, &fd, err);
    if (code)
        return code;
    dial_timeout(fd, timeout_us);
    code = send_request(fd, target, path, err);
    if (!code)
        code = receive_all(fd, target, arena, &answer, err);
    if (!code)
        code = take_apart(target, answer, body, err);
    close(fd);
    return code;
}
