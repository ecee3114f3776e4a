/* SPDX-License-Identifier: MIT */
/*
 * gaps: measures how long and how often its core is taken from it: reads the TSC in a loop, with
 * interrupts off, and counts each step of more than a microsecond as a gap.
 * Options: reports=N (5), 0: for ever; ms=N (1000): of measuring before each report; quiet: reports
 * only once, after the last; wait=N (0): ms of sleep before each report. A report: `gaps: longest
 * N, lost N of N ticks, N gaps`.
 */
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "lib/bits.h"
#include "lib/x86/insn.h"

struct gaps {
    uint64_t longest, lost, ticks, count; /* all but `count` in ticks */
};

static void gaps_measure(struct gaps *g, uint64_t ticks, uint64_t least)
{
    const uint64_t start = rdtsc();
    uint64_t now = start;

    while (now - start < ticks) {
        const uint64_t before = now;
        now = rdtsc();
        if (now - before < least)
            continue;
        g->longest = max_u64(g->longest, now - before);
        g->lost += now - before;
        g->count++;
    }
    g->ticks += now - start;
}

static void gaps_print(const struct gaps *g)
{
    sleep_for(option_number("wait", 0) * NS_PER_MS);
    print("gaps: longest %lu, lost %lu of %lu ticks, %lu gaps\n", g->longest, g->lost, g->ticks,
          g->count);
}

int main(void)
{
    const uint64_t reports = option_number("reports", 5);
    const uint64_t ticks = ns_to_tsc(option_number("ms", 1000) * NS_PER_MS);
    const uint64_t least = ns_to_tsc(NS_PER_US);
    const bool quiet = option_set("quiet");
    struct gaps all = {0};

    for (uint64_t n = 0; reports == 0 || n < reports; n++) {
        if (!quiet)
            all = (struct gaps){0};
        gaps_measure(&all, ticks, least);
        if (!quiet)
            gaps_print(&all);
    }
    if (quiet)
        gaps_print(&all);
    return 0;
}
