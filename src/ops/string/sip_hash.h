/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4 (Aumasson and Bernstein): a hash under a key, numbers read little-endian. */
#ifndef OPS_STRING_SIP_HASH_H
#define OPS_STRING_SIP_HASH_H

#include <stdint.h>

#include "base/span.h"

uint64_t sip_hash(struct span text, const uint64_t key[2]);

#endif
