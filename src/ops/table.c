/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All ops, sorted by name (as strcmp sorts), so that op_find() can search by halves. table.inc has
 * a line OP(Name, family) for each; the record is `op_Name` at the end of the file that has the
 * kernel.
 */
#include "engine/op.h"

#define OP(name, family) extern const struct op op_##name;
#include "ops/table.inc"
#undef OP

const struct op *const op_table[] = {
#define OP(name, family) &op_##name,
#include "ops/table.inc"
#undef OP
};

const char *const op_families[] = {
#define OP(name, family) #family,
#include "ops/table.inc"
#undef OP
};

const size_t op_table_size = sizeof op_table / sizeof *op_table;
