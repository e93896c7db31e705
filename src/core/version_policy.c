/* SPDX-License-Identifier: Apache-2.0 */
#include "core/version_policy.h"

#include <stdbool.h>

/* Stable, since of equal numbers the last one found is kept; lists are short. */
static void sort(struct aspired_version *versions, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct aspired_version v = versions[i];
        size_t k = i;
        for (; k > 0 && versions[k - 1].version > v.version; k--)
            versions[k] = versions[k - 1];
        versions[k] = v;
    }
}

static size_t drop_doubles(struct aspired_version *versions, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && versions[i + 1].version == versions[i].version)
            continue;
        versions[kept++] = versions[i];
    }
    return kept;
}

static size_t keep_latest(const struct version_policy *policy, struct aspired_version *versions,
                          size_t count)
{
    size_t wanted = policy->latest ? policy->latest : 1;
    if (count <= wanted)
        return count;
    memmove(versions, versions + (count - wanted), wanted * sizeof *versions);
    return wanted;
}

static size_t keep_all(const struct version_policy *policy, struct aspired_version *versions,
                       size_t count)
{
    (void)policy;
    (void)versions;
    return count;
}

static bool is_listed(const struct version_policy *policy, int64_t version)
{
    for (size_t i = 0; i < policy->specific_count; i++) {
        if (policy->specific[i] == version)
            return true;
    }
    return false;
}

static size_t keep_specific(const struct version_policy *policy, struct aspired_version *versions,
                            size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_listed(policy, versions[i].version))
            versions[kept++] = versions[i];
    }
    return kept;
}

typedef size_t keep_fn(const struct version_policy *policy, struct aspired_version *versions,
                       size_t count);
static keep_fn *const keepers[] = {
    [VERSION_POLICY_LATEST] = keep_latest,
    [VERSION_POLICY_ALL] = keep_all,
    [VERSION_POLICY_SPECIFIC] = keep_specific,
};

size_t version_policy_apply(const struct version_policy *policy, struct aspired_version *versions,
                            size_t count)
{
    sort(versions, count);
    return keepers[policy->kind](policy, versions, drop_doubles(versions, count));
}
