/* SPDX-License-Identifier: Apache-2.0 */
/* What proto/ says of the services and their messages, for clients that ask the server instead of
 * having the files. */
#ifndef WIRE_DESCRIPTORS_H
#define WIRE_DESCRIPTORS_H

#include "base/span.h"

/* A google.protobuf.FileDescriptorSet; files come after those that they import. */
extern const struct span pb_descriptors;

#endif
