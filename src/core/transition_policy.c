/* SPDX-License-Identifier: Apache-2.0 */
#include "core/transition_policy.h"

#include <string.h>

/* What there is, and the two candidates. */
struct overview {
    bool any_aspired;
    bool aspired_ready;
    size_t surplus; /* ready, not aspired */
    size_t lowest_surplus;
    bool leaving; /* not aspired, and still there */
    bool any_new;
    size_t highest_new; /* aspired, not loaded yet */
};

static void look_at(struct overview *o, const struct transition_version *versions, size_t i)
{
    const struct transition_version *v = &versions[i];
    bool ready = v->state == TRANSITION_READY;
    o->any_aspired |= v->aspired;
    o->aspired_ready |= v->aspired && ready;
    o->leaving |= !v->aspired && v->state != TRANSITION_ENDED && v->state != TRANSITION_NEW;
    if (!v->aspired && ready) {
        if (!o->surplus || v->version < versions[o->lowest_surplus].version)
            o->lowest_surplus = i;
        o->surplus++;
    }
    if (v->aspired && v->state == TRANSITION_NEW) {
        if (!o->any_new || v->version > versions[o->highest_new].version)
            o->highest_new = i;
        o->any_new = true;
    }
}

static struct overview look(const struct transition_version *versions, size_t count)
{
    struct overview o = {0};
    for (size_t i = 0; i < count; i++)
        look_at(&o, versions, i);
    return o;
}

struct transition transition_availability_preserving(const struct transition_version *versions,
                                                     size_t count)
{
    struct overview o = look(versions, count);
    bool can_spare = !o.any_aspired || o.aspired_ready || o.surplus > 1;
    if (o.surplus && can_spare)
        return (struct transition){TRANSITION_UNLOAD, o.lowest_surplus};
    if (o.any_new)
        return (struct transition){TRANSITION_LOAD, o.highest_new};
    return (struct transition){TRANSITION_NONE, 0};
}

struct transition transition_resource_preserving(const struct transition_version *versions,
                                                 size_t count)
{
    struct overview o = look(versions, count);
    if (o.surplus)
        return (struct transition){TRANSITION_UNLOAD, o.lowest_surplus};
    if (o.any_new && !o.leaving)
        return (struct transition){TRANSITION_LOAD, o.highest_new};
    return (struct transition){TRANSITION_NONE, 0};
}

transition_fn *transition_find(const char *name)
{
    static const struct {
        const char *name;
        transition_fn *fn;
    } policies[] = {
        {"availability_preserving", transition_availability_preserving},
        {"resource_preserving", transition_resource_preserving},
    };
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        if (!strcmp(name, policies[i].name))
            return policies[i].fn;
    }
    return NULL;
}
