/* SPDX-License-Identifier: Apache-2.0 */
/* tensord: the model server. Exit codes: 0 it was told to end, 255 it could not start. */
#include <stdio.h>

#include "server/service.h"

enum { EXIT_NO_START = 255 };

int main(int argc, char **argv)
{
    struct options options;
    enum options_outcome outcome = options_parse(&options, argc, argv, stdout);
    enum code code = outcome == OPTIONS_WRONG;
    struct error err;
    fflush(stdout);
    if (outcome == OPTIONS_GO_ON) {
        code = service_run(&options, &err);
        if (code)
            printf("Failed to start server. Error: %s: %s\n", code_name(err.code), err.message);
    }
    options_release(&options);
    return code ? EXIT_NO_START : 0;
}
