/* SPDX-License-Identifier: Apache-2.0 */
/* struct version_policy: which of the versions that a source finds are to be served (reference
 * 4.11). */
#ifndef CORE_VERSION_POLICY_H
#define CORE_VERSION_POLICY_H

#include "core/source.h"

enum version_policy_kind {
    VERSION_POLICY_LATEST,   /* the `latest` highest; 0 counts as 1 */
    VERSION_POLICY_ALL,      /* every one */
    VERSION_POLICY_SPECIFIC, /* those listed, as far as they exist */
};

struct version_policy {
    enum version_policy_kind kind;
    uint32_t latest;
    const int64_t *specific; /* borrowed */
    size_t specific_count;
};

/* Sorts `versions` ascending and keeps at the front those that the policy wants; of several with
 * one number the last given stays. Returns how many are kept. */
size_t version_policy_apply(const struct version_policy *policy, struct aspired_version *versions,
                            size_t count);

#endif
