/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in texts, as StringToNumber and DecodeCSV read them: decimal, blanks at both ends. */
#ifndef OPS_STRING_NUMBER_H
#define OPS_STRING_NUMBER_H

#include "tensor/tensor.h"

/* Reads the whole text as a number of out's dtype (float, double, int32, int64, uint32, uint64)
 * into its element i. False if it is none or does not fit. */
bool number_read(struct span text, struct tensor *out, int64_t i);

#endif
