/* SPDX-License-Identifier: MIT */
/*
 * watchdog: shows that it is alive for a while, and then powers off or falls silent: what the key
 * `watchdog` of bulkhead.conf is for.
 * Options: calls=N (20) of them, each=MS (50) between two; silent: spins with interrupts off
 * afterwards, so that only the hypervisor can end it. other=MS: the second core calls without a
 * pause while the first sleeps for so long. cores: all of its cores call, but for core mute=N.
 */
#include "guests/kit/bulkhead.h"
#include "guests/kit/kit.h"
#include "guests/kit/smp.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/x86/insn.h"

#define SMP_NS NS_PER_SECOND /* in which the other cores have to come */

static void watchdog_call(void)
{
    if (bulkhead_watchdog() != BULKHEAD_OK)
        fatal(1, "the watchdog call failed");
}

static void watchdog_hammer(uint32_t number)
{
    (void)number;
    for (;;)
        watchdog_call();
}

static int watchdog_of_other(uint64_t ms)
{
    x2apic_enable();
    smp_start(watchdog_hammer);
    if (smp_wait(SMP_NS) < 2)
        fatal(1, "there is no second core");
    sleep_for(ms * NS_PER_MS);
    return 0;
}

/* A core other than the first; it has no interrupts to sleep by. */
static void watchdog_core(uint32_t number)
{
    const uint64_t each = option_number("each", 50) * NS_PER_MS;

    while (number == option_number("mute", UINT32_MAX))
        cpu_pause();
    for (;;) {
        const uint64_t next = time_ns() + each;
        watchdog_call();
        while (time_ns() < next)
            cpu_pause();
    }
}

int main(void)
{
    const uint64_t calls = option_number("calls", 20);
    const uint64_t each = option_number("each", 50) * NS_PER_MS;

    if (!(bulkhead_features() & BULKHEAD_FEATURE_WATCHDOG))
        fatal(1, "there is no watchdog call");
    if (option_set("other"))
        return watchdog_of_other(option_number("other", 0));
    if (option_set("cores")) {
        x2apic_enable();
        smp_start(watchdog_core);
        if (smp_wait(SMP_NS) != smp_expected())
            fatal(1, "a core did not come");
    }
    for (uint64_t n = 0; n < calls; n++) {
        watchdog_call();
        sleep_for(each);
    }
    print("%lu signs of life given\n", calls);
    if (!option_set("silent"))
        return 0;
    for (;;)
        cpu_pause();
}
