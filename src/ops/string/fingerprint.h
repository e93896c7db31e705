/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FarmHash's 64-bit fingerprint (Google's farmhash, "Fingerprint64"). It is fixed for ever:
 * vocabularies of trained models depend on it. Numbers are read little-endian.
 */
#ifndef OPS_STRING_FINGERPRINT_H
#define OPS_STRING_FINGERPRINT_H

#include <stdint.h>

#include "base/span.h"

uint64_t fingerprint(struct span text);

/* Of two fingerprints in that order (TensorFlow's FingerprintCat64). */
uint64_t fingerprint_cat(uint64_t a, uint64_t b);

#endif
