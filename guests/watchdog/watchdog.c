/* SPDX-License-Identifier: MIT */
/*
 * watchdog: shows that it is alive for a while, and then powers off or falls silent: what the key
 * `watchdog` of bulkhead.conf is for.
 * Options: calls=N (20) of them, each=MS (50) between two; silent: spins with interrupts off
 * afterwards, so that only the hypervisor can end it.
 */
#include "guests/kit/bulkhead.h"
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "lib/x86/insn.h"

int main(void)
{
    const uint64_t calls = option_number("calls", 20);
    const uint64_t each = option_number("each", 50) * NS_PER_MS;

    if (!(bulkhead_features() & BULKHEAD_FEATURE_WATCHDOG))
        fatal(1, "there is no watchdog call");
    for (uint64_t n = 0; n < calls; n++) {
        if (bulkhead_watchdog() != BULKHEAD_OK)
            fatal(1, "the watchdog call failed");
        sleep_for(each);
    }
    print("%lu signs of life given\n", calls);
    if (!option_set("silent"))
        return 0;
    for (;;)
        cpu_pause();
}
