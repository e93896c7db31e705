/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/array/view.h"

#include "ops/kernel.h"

void view_strides(const struct shape *shape, int64_t strides[SHAPE_RANK_MAX])
{
    int64_t stride = 1;
    for (int i = shape->rank - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= shape->dims[i];
    }
}

struct view view_broadcast(const struct shape *in, const struct shape *out)
{
    int64_t strides[SHAPE_RANK_MAX];
    struct view view = {.rank = out->rank};
    view_strides(in, strides);
    for (int i = 0; i < out->rank; i++) {
        int from = i - (out->rank - in->rank);
        view.dims[i] = out->dims[i];
        view.strides[i] = from >= 0 && in->dims[from] != 1 ? strides[from] : 0;
    }
    return view;
}

void view_simplify(struct view *view)
{
    int kept = 0;
    for (int i = 0; i < view->rank; i++) {
        if (view->dims[i] == 1)
            continue;
        bool joins = kept && view->strides[kept - 1] == view->strides[i] * view->dims[i];
        if (joins) {
            view->dims[kept - 1] *= view->dims[i];
            view->strides[kept - 1] = view->strides[i];
        } else {
            view->dims[kept] = view->dims[i];
            view->strides[kept] = view->strides[i];
            kept++;
        }
    }
    if (!kept) {
        view->dims[0] = 1;
        view->strides[0] = 1;
        kept = 1;
    }
    view->rank = kept;
}

#define DEFINE_COPY_ROW(name, type)                                                                \
    static void name(const void *vfrom, void *vto, int64_t n, int64_t stride)                      \
    {                                                                                              \
        const type *from = vfrom;                                                                  \
        type *to = vto;                                                                            \
        for (int64_t i = 0; i < n; i++)                                                            \
            to[i] = from[i * stride];                                                              \
    }

struct element16 {
    uint64_t a, b;
};

DEFINE_COPY_ROW(copy_row1, uint8_t)
DEFINE_COPY_ROW(copy_row2, uint16_t)
DEFINE_COPY_ROW(copy_row4, uint32_t)
DEFINE_COPY_ROW(copy_row8, uint64_t)
DEFINE_COPY_ROW(copy_row16, struct element16)

typedef void copy_row_fn(const void *from, void *to, int64_t n, int64_t stride);

static copy_row_fn *const copy_rows[17] = {
    [1] = copy_row1, [2] = copy_row2, [4] = copy_row4, [8] = copy_row8, [16] = copy_row16,
};

static void copy_row(const struct view *view, const char *from, char *to)
{
    int64_t n = view->dims[view->rank - 1];
    int64_t stride = view->strides[view->rank - 1];
    if (stride == 1)
        memcpy(to, from, (size_t)n * view->size);
    else
        copy_rows[view->size](from, to, n, stride);
}

void view_copy(const struct view *view, const void *from, void *to)
{
    int outer = view->rank - 1;
    int64_t rows = 1, index[SHAPE_RANK_MAX] = {0};
    for (int i = 0; i < outer; i++)
        rows *= view->dims[i];
    if (!view->dims[outer])
        return;
    size_t row_bytes = (size_t)view->dims[outer] * view->size;
    const int64_t size = (int64_t)view->size;
    const char *at = (const char *)from + view->offset * size;
    char *out = to;
    for (int64_t row = 0; row < rows; row++) {
        copy_row(view, at, out);
        out += row_bytes;
        for (int i = outer - 1; i >= 0; i--) {
            at += view->strides[i] * size;
            if (++index[i] < view->dims[i])
                break;
            at -= view->strides[i] * view->dims[i] * size;
            index[i] = 0;
        }
    }
}

void view_put(const struct view *view, const void *from, void *to)
{
    int64_t n = 1, index[SHAPE_RANK_MAX] = {0};
    for (int i = 0; i < view->rank; i++)
        n *= view->dims[i];
    const int64_t size = (int64_t)view->size;
    char *at = (char *)to + view->offset * size;
    const char *next = from;
    for (int64_t k = 0; k < n; k++, next += size) {
        memcpy(at, next, view->size);
        for (int i = view->rank - 1; i >= 0; i--) {
            at += view->strides[i] * size;
            if (++index[i] < view->dims[i])
                break;
            at -= view->strides[i] * view->dims[i] * size;
            index[i] = 0;
        }
    }
}

enum code view_op_run(struct op_call *call, struct error *err)
{
    (void)err;
    view_copy(call->state, call->in[0]->data, call->out[0]->data);
    return CODE_OK;
}

void view_op_set(struct op_call *call, const struct view *view)
{
    struct view *kept = ARENA_NEW(call->arena, struct view);
    *kept = *view;
    kept->size = dtype_size(call->out[0]->dtype);
    view_simplify(kept);
    call->state = kept;
}
