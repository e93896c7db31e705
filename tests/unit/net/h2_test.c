/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP/2 layer by itself, frames in and frames out: what a socket can not show. */
#include "net/h2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

struct peer {
    struct pool pool;
    struct output output;
    struct h2 *h2;
    int goaways;
    char pinged[8]; /* the payload of the last PING that came */
};

static void feed(struct peer *peer, const char *bytes, size_t len)
{
    assert_int_equal(h2_feed(peer->h2, span_make(bytes, len), NULL), CODE_OK);
}

static void acknowledge(struct peer *peer, const char payload[8])
{
    char frame[17] = {0, 0, 8, NGHTTP2_PING, NGHTTP2_FLAG_ACK};
    memcpy(frame + 9, payload, 8);
    feed(peer, frame, sizeof frame);
}

/* Looks at what is put out. */
static void look(struct peer *peer)
{
    output_reset(&peer->output);
    assert_false(h2_produce(peer->h2, &peer->output));
    const char *bytes = peer->output.scratch;
    for (size_t i = 0; i + 9 <= peer->output.used; i += 9 + ((size_t)(unsigned char)bytes[i + 2])) {
        if (bytes[i + 3] == NGHTTP2_GOAWAY)
            peer->goaways++;
        if (bytes[i + 3] == NGHTTP2_PING)
            memcpy(peer->pinged, bytes + i + 9, sizeof peer->pinged);
    }
}

static void peer_init(struct peer *peer)
{
    static const struct h2_events none = {0};
    *peer = (struct peer){0};
    pool_init(&peer->pool);
    output_init(&peer->output);
    peer->h2 = h2_new(&none, NULL, &(struct h2_limits){0}, &peer->pool);
    feed(peer, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    feed(peer, "\0\0\0\4\0\0\0\0", 9);
    look(peer);
}

static void peer_release(struct peer *peer)
{
    h2_free(peer->h2);
    output_release(&peer->output);
    pool_release(&peer->pool);
}

/* A sign of life that was asked for before says nothing of the notice. */
static void only_the_answer_to_the_notice_ends_it(void **state)
{
    (void)state;
    struct peer peer;
    peer_init(&peer);
    h2_ping(peer.h2);
    look(&peer);
    char asked[8];
    memcpy(asked, peer.pinged, sizeof asked);
    h2_shutdown_notice(peer.h2);
    look(&peer);
    assert_int_equal(peer.goaways, 1);
    acknowledge(&peer, asked);
    acknowledge(&peer, "whatever");
    look(&peer);
    assert_int_equal(peer.goaways, 1);
    acknowledge(&peer, peer.pinged);
    look(&peer);
    assert_int_equal(peer.goaways, 2);
    peer_release(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_answer_to_the_notice_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
