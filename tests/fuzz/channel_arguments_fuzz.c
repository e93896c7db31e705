/* SPDX-License-Identifier: Apache-2.0 */
/* --grpc_channel_arguments, of any text. */
#include <stdlib.h>

#include "base/log.h"
#include "server/channel_arguments.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    log_set_level(LOG_ERROR);
    char *text = strndup((const char *)data, size);
    struct net_options net = {0};
    channel_arguments_apply(text, &net);
    free(text);
    return 0;
}
