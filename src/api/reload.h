/* SPDX-License-Identifier: Apache-2.0 */
/* HandleReloadConfigRequest (reference 4.12). */
#ifndef API_RELOAD_H
#define API_RELOAD_H

#include "api/api.h"

/* Puts the request's configuration into force and answers when its new models are available or have
 * failed. The reload goes on when the client gives up. On a thread of its own for each call. */
void api_reload(struct exchange *exchange, void *context);

#endif
