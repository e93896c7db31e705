/* SPDX-License-Identifier: Apache-2.0 */
/* The page of metrics: what the cells, the versions (served.h), the network and the process have to
 * tell. */
#ifndef API_METRICS_PAGE_H
#define API_METRICS_PAGE_H

#include "api/api.h"
#include "monitoring/scrape.h"

/* All that there is to tell at this moment, in the arena. Any thread but a loop: files are read. */
struct scrape *metrics_scrape(const struct api *api, struct arena *arena);

/* Answers with it, made on another thread; in OpenMetrics if that is asked for. */
void api_metrics(const struct api *api, struct exchange *exchange);

#endif
