/* SPDX-License-Identifier: Apache-2.0 */
#include "net/body.h"

#include <stdlib.h>
#include <sys/mman.h>

void body_release(struct body *body)
{
    if (body->home == BODY_ON_HEAP)
        free(body->data);
    if (body->home == BODY_MAPPED)
        munmap(body->data, body->capacity);
    *body = (struct body){0};
}

/* The next capacity: doubled, but not above what is expected, and at least `need`. */
static size_t next_capacity(const struct body *body, size_t need, size_t expected)
{
    size_t capacity = body->capacity < 256 ? 256 : body->capacity * 2;
    if (expected <= BODY_HEAP_MIN)
        capacity = capacity < expected ? expected : capacity;
    else if (capacity < 4 * BODY_HEAP_MIN)
        capacity = 4 * BODY_HEAP_MIN;
    if (expected && capacity > expected)
        capacity = expected;
    return capacity < need ? need : capacity;
}

static bool grow_in_arena(struct body *body, struct arena *arena, size_t capacity)
{
    char *data = arena_try_alloc(arena, capacity, ARENA_ALIGN);
    if (!data)
        return false;
    if (body->len)
        memcpy(data, body->data, body->len);
    body->data = data;
    body->capacity = capacity;
    return true;
}

static bool grow_on_heap(struct body *body, size_t capacity)
{
    bool owned = body->home == BODY_ON_HEAP;
    char *data = realloc(owned ? body->data : NULL, capacity);
    if (!data)
        return false;
    if (!owned && body->len)
        memcpy(data, body->data, body->len);
    body->data = data;
    body->capacity = capacity;
    body->home = BODY_ON_HEAP;
    return true;
}

static bool grow_mapped(struct body *body, size_t capacity)
{
    bool mapped = body->home == BODY_MAPPED;
    char *data =
        mapped ? mremap(body->data, body->capacity, capacity, MREMAP_MAYMOVE)
               : mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED)
        return false;
    if (!mapped) {
        size_t len = body->len;
        if (len)
            memcpy(data, body->data, len);
        body_release(body);
        body->len = len;
    }
    body->data = data;
    body->capacity = capacity;
    body->home = BODY_MAPPED;
    return true;
}

bool body_reserve(struct body *body, struct arena *arena, size_t more, size_t expected)
{
    if (more <= body->capacity - body->len)
        return true;
    size_t need;
    if (__builtin_add_overflow(body->len, more, &need) || need > SIZE_MAX / 4)
        return false;
    size_t capacity = next_capacity(body, need, expected);
    if (capacity > BODY_MAP_MIN)
        return grow_mapped(body, capacity);
    if (capacity > BODY_HEAP_MIN)
        return grow_on_heap(body, capacity);
    return grow_in_arena(body, arena, capacity);
}

bool body_append(struct body *body, struct arena *arena, struct span bytes, size_t expected)
{
    if (!body_reserve(body, arena, bytes.len, expected))
        return false;
    if (bytes.len)
        memcpy(body->data + body->len, bytes.ptr, bytes.len);
    body->len += bytes.len;
    return true;
}
