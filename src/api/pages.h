/* SPDX-License-Identifier: Apache-2.0 */
/* What the HTTP port has beside the REST API: /livez, /readyz, /startupz for probes, and the
 * metrics page where it is asked for. */
#ifndef API_PAGES_H
#define API_PAGES_H

#include "api/api.h"

/* Answers if `path` is one of these pages; else false. Any method, as in the original. */
bool api_page(const struct api *api, struct exchange *exchange, struct span path);

#endif
