/* SPDX-License-Identifier: MIT */
/*
 * sensor: publishes a line of text in the window of its first link, for whoever reads it, and rings
 * every side's doorbell. Options: ms=N (1000) between two lines, lines=N (0: without end).
 */
#include "guests/kit/bulkhead.h"
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "lib/fmt.h"

#define LINK      0u
#define TEXT_MAX  64u
#define DEGREES_0 200u /* tenths; what it measures is made up */

/* The first byte last: who finds it finds the line. */
static void sensor_publish(volatile char *window, const char *text, size_t len)
{
    window[0] = '\0';
    for (size_t i = len; i > 0; i--) /* with the NUL */
        window[i] = text[i];
    window[0] = text[0];
}

int main(void)
{
    const uint64_t ms = option_number("ms", 1000), lines = option_number("lines", 0);
    struct bulkhead_link link;

    if (!bulkhead_link_info(LINK, &link) || link.size < TEXT_MAX || !link.can_write)
        fatal(1, "there is no link whose window it may write");
    print("publishes in the window of '%s', %u sides\n", link.name, link.side_count);
    for (uint64_t i = 1; lines == 0 || i <= lines; i++) {
        char text[TEXT_MAX];
        const uint64_t tenths = DEGREES_0 + i * 7 % 40;
        const size_t len = fmt_print(text, sizeof(text), "reading %lu: %lu.%lu degrees", i,
                                     tenths / 10, tenths % 10);
        sensor_publish((volatile char *)link.window, text, len);
        for (uint32_t side = 0; side < link.side_count; side++)
            if (side != link.side)
                (void)bulkhead_link_ring(LINK, side);
        sleep_for(ms * NS_PER_MS);
    }
    return 0;
}
