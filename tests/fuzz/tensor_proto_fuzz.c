/* SPDX-License-Identifier: Apache-2.0 */
/* A TensorProto from a client: what can be read is written both ways and must read back the same.
 */
#include "base/check.h"
#include "tensor/tensor_proto.h"
#include "wire/messages.h"
#include "wire/pb.h"

enum { LARGEST = 1 << 20 }; /* bytes; a splat may claim a gibibyte, which is no bug but slow */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_small(const struct pb_tensor_proto *proto)
{
    struct shape shape;
    int64_t elements;
    if (shape_from_proto(proto->tensor_shape, &shape, NULL) ||
        !shape_elements_checked(&shape, &elements))
        return true; /* to be refused */
    return elements <= LARGEST / 16 || elements > TENSOR_PROTO_SPLAT_MAX;
}

static void check_round_trip(const struct tensor *tensor, struct arena *arena)
{
    struct pb_tensor_proto proto;
    struct tensor again;
    tensor_to_proto(tensor, arena, &proto);
    CHECK(tensor_from_proto(&proto, arena, &again, NULL) == CODE_OK);
    CHECK(tensor_equal(tensor, &again));
    tensor_to_proto_content(tensor, arena, &proto);
    CHECK(tensor_from_proto(&proto, arena, &again, NULL) == CODE_OK);
    CHECK(tensor_equal(tensor, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct pb_tensor_proto proto;
    struct tensor tensor;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    if (!pb_decode(&pb_tensor_proto_type, span_make(data, size), &arena, &proto, NULL) &&
        is_small(&proto) && !tensor_from_proto(&proto, &arena, &tensor, NULL))
        check_round_trip(&tensor, &arena);
    arena_release(&arena);
    return 0;
}
