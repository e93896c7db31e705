/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ZeroOut, the op of TensorFlow's guide to custom ops, for tensord:
 *
 *   cc -shared -fPIC -O2 -Iinclude examples/zero_out/zero_out.c -o zero_out.so
 *   tensord --op_library=./zero_out.so --model_base_path=...
 *
 * to_zero [...] -> zeroed, of the same shape: the first element, and zeros.
 */
#include <string.h>
#include <tensord/op.h>

static const struct tensord_host *host;

static int zero_out_shape(struct tensord_call *call)
{
    struct tensord_tensor in, out;
    int code = host->input(call, 0, &in);
    return code ? code : host->output(call, 0, in.rank, in.dims, &out);
}

static int zero_out_run(struct tensord_call *call)
{
    struct tensord_tensor in, out;
    int code = host->input(call, 0, &in);
    if (!code)
        code = host->output(call, 0, in.rank, in.dims, &out);
    if (code || !in.elements)
        return code;
    int32_t *zeroed = out.data;
    memset(zeroed, 0, (size_t)out.elements * sizeof *zeroed);
    zeroed[0] = *(const int32_t *)in.data;
    return TENSORD_OK;
}

static const struct tensord_op ops[] = {
    {
        .name = "ZeroOut",
        .inputs = "to_zero:int32",
        .outputs = "zeroed:int32",
        .attrs = "",
        .shape = zero_out_shape,
        .run = zero_out_run,
    },
};

const struct tensord_op_library *tensord_op_library(const struct tensord_host *functions)
{
    static const struct tensord_op_library library = {
        .abi = TENSORD_OP_ABI,
        .op_size = sizeof *ops,
        .op_count = sizeof ops / sizeof *ops,
        .ops = ops,
    };
    host = functions;
    return &library;
}
