/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as an event of a profile (monitoring/recording.h): its method, from the first byte to
 * when the answer was out, with its stages as parts, and who was asked for what as values.
 */
#ifndef API_RECORD_EVENT_H
#define API_RECORD_EVENT_H

#include "api/record.h"

/* Of a record that is timed and closed, on its loop's thread. */
void record_event_add(const struct exchange *exchange, const struct record *record,
                      const struct net_report *report);

#endif
