/* SPDX-License-Identifier: Apache-2.0 */
/* tensord: the model server. Exit codes: 0 it was told to end, 255 it could not start. */
#include <stdio.h>

#include "base/log.h"
#include "server/service.h"

enum { EXIT_NO_START = 255 };

int main(int argc, char **argv)
{
    struct options options;
    enum options_outcome outcome = options_parse(&options, argc, argv, stdout);
    if (outcome != OPTIONS_GO_ON)
        return outcome == OPTIONS_DONE ? 0 : EXIT_NO_START;
    fflush(stdout);
    if (options.verbose)
        log_set_level(LOG_DEBUG);
    struct error err;
    if (!service_run(&options, &err))
        return 0;
    printf("Failed to start server. Error: %s: %s\n", code_name(err.code), err.message);
    return EXIT_NO_START;
}
