/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fence.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"

bool fence_is_cheap;

static void ask(void)
{
    fence_is_cheap = !syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
}

void fence_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, ask);
}

void fence_heavy(void)
{
    if (!fence_is_cheap)
        __sync_synchronize();
    else
        CHECK(!syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
}
