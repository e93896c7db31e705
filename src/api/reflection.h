/* SPDX-License-Identifier: Apache-2.0 */
/* grpc.reflection.v1 and v1alpha, so that generic clients work without proto files. */
#ifndef API_REFLECTION_H
#define API_REFLECTION_H

#include "net/exchange.h"

/* ServerReflectionInfo, a turn of it (NET_STREAM): the services of api_rpcs, or the file that is
 * asked for and all that it imports. What is not there is an error_response with NOT_FOUND. */
void api_reflection(struct exchange *exchange, void *api);

#endif
