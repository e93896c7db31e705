/* SPDX-License-Identifier: Apache-2.0 */
#include "net/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"

struct output_rest {
    char *copy; /* owned: bytes that were in the scratch */
    int first;  /* piece that goes out next */
    int count;
    struct iovec pieces[];
};

void output_init(struct output *output)
{
    output->scratch = malloc(OUTPUT_SCRATCH);
    CHECK(output->scratch && "out of memory");
    output_reset(output);
}

void output_release(struct output *output)
{
    free(output->scratch);
    output->scratch = NULL;
}

void output_reset(struct output *output)
{
    output->used = output->bytes = 0;
    output->count = 0;
}

bool output_has_room(const struct output *output)
{
    return output->used + OUTPUT_MARGIN <= OUTPUT_SCRATCH &&
           output->count + OUTPUT_MARGIN_PIECES <= OUTPUT_PIECES &&
           output->bytes < OUTPUT_BYTES_MAX;
}

static void add_piece(struct output *output, const char *ptr, size_t len)
{
    output->bytes += len;
    if (output->count) {
        struct iovec *last = &output->pieces[output->count - 1];
        if ((char *)last->iov_base + last->iov_len == ptr) {
            last->iov_len += len;
            return;
        }
    }
    CHECK(output->count < OUTPUT_PIECES);
    output->pieces[output->count++] = (struct iovec){(void *)(uintptr_t)ptr, len};
}

void output_append(struct output *output, struct span bytes)
{
    if (!bytes.len)
        return;
    CHECK(bytes.len <= OUTPUT_SCRATCH - output->used);
    char *place = output->scratch + output->used;
    memcpy(place, bytes.ptr, bytes.len);
    output->used += bytes.len;
    add_piece(output, place, bytes.len);
}

void output_refer(struct output *output, struct span bytes)
{
    if (bytes.len < OUTPUT_REFER_MIN)
        output_append(output, bytes);
    else
        add_piece(output, bytes.ptr, bytes.len);
}

static ssize_t send_plain(int fd, struct iovec *pieces, int count)
{
    if (count == 1)
        return send(fd, pieces->iov_base, pieces->iov_len, MSG_NOSIGNAL);
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)count};
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static int send_pieces(struct output_sink sink, struct iovec *pieces, int count, size_t *written)
{
    ssize_t n;
    do
        n = sink.tls ? tls_write(sink.tls, pieces, count) : send_plain(sink.fd, pieces, count);
    while (n < 0 && errno == EINTR);
    *written = n < 0 ? 0 : (size_t)n;
    return n < 0 && errno != EAGAIN ? -1 : 0;
}

int output_send(const struct output *output, struct output_sink sink, size_t *written)
{
    int result =
        send_pieces(sink, (struct iovec *)(uintptr_t)output->pieces, output->count, written);
    return result < 0 ? result : *written == output->bytes;
}

/* Takes `written` bytes off the front of the pieces. */
static void advance(struct output_rest *rest, size_t written)
{
    while (rest->first < rest->count && written >= rest->pieces[rest->first].iov_len)
        written -= rest->pieces[rest->first++].iov_len;
    if (rest->first < rest->count) {
        struct iovec *piece = &rest->pieces[rest->first];
        piece->iov_base = (char *)piece->iov_base + written;
        piece->iov_len -= written;
    }
}

static bool in_scratch(const struct output *output, const struct iovec *piece)
{
    const char *base = piece->iov_base;
    return base >= output->scratch && base < output->scratch + OUTPUT_SCRATCH;
}

/* Moves what lies in the scratch to memory of the rest's own. */
static void own_scratch(struct output_rest *rest, const struct output *output)
{
    size_t bytes = 0;
    for (int i = rest->first; i < rest->count; i++)
        bytes += in_scratch(output, &rest->pieces[i]) ? rest->pieces[i].iov_len : 0;
    if (!bytes)
        return;
    char *place = rest->copy = malloc(bytes);
    CHECK(place && "out of memory");
    for (int i = rest->first; i < rest->count; i++) {
        struct iovec *piece = &rest->pieces[i];
        if (!in_scratch(output, piece))
            continue;
        memcpy(place, piece->iov_base, piece->iov_len);
        piece->iov_base = place;
        place += piece->iov_len;
    }
}

struct output_rest *output_keep_rest(const struct output *output, size_t written)
{
    if (written >= output->bytes)
        return NULL;
    size_t pieces_size = (size_t)output->count * sizeof(struct iovec);
    struct output_rest *rest = malloc(sizeof *rest + pieces_size);
    CHECK(rest && "out of memory");
    *rest = (struct output_rest){.count = output->count};
    memcpy(rest->pieces, output->pieces, pieces_size);
    advance(rest, written);
    own_scratch(rest, output);
    return rest;
}

int output_rest_send(struct output_rest *rest, struct output_sink sink, size_t *written)
{
    int result = send_pieces(sink, rest->pieces + rest->first, rest->count - rest->first, written);
    if (result < 0)
        return result;
    advance(rest, *written);
    return rest->first == rest->count;
}

void output_rest_free(struct output_rest *rest)
{
    if (!rest)
        return;
    free(rest->copy);
    free(rest);
}
