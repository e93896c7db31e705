/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --grpc_channel_arguments: "key=value,key=value" as the gRPC library of the original takes them.
 * Those that say something about connections and messages count here, too; the others are logged,
 * once, as having no effect.
 */
#ifndef SERVER_CHANNEL_ARGUMENTS_H
#define SERVER_CHANNEL_ARGUMENTS_H

#include "net/server.h"

/* Sets what the text asks for. Never fails: gRPC passes over what it does not understand, too. */
void channel_arguments_apply(const char *text, struct net_options *net);

#endif
