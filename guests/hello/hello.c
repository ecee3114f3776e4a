/* SPDX-License-Identifier: MIT */
/*
 * hello: the smallest guest that shows everything: prints what it sees of its machine, asks for a
 * line and repeats it. Option: noinput ends before the question.
 */
#include "guests/kit/bulkhead.h"
#include "guests/kit/kit.h"
#include "guests/kit/smp.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "lib/x86/insn.h"

static void hello_hypervisor(void)
{
    static const char *const names[] = {"console",  "time",  "timer", "power",
                                        "watchdog", "crash", "link"};
    struct cpuid_regs r = cpuid(BULKHEAD_CPUID_BASE, 0);
    char signature[13] = {0};

    memcpy(signature, &r.ebx, 4);
    memcpy(signature + 4, &r.ecx, 4);
    memcpy(signature + 8, &r.edx, 4);
    count_call();
    print("hypervisor  %s, ABI version %ld\n", signature, bulkhead_version());

    char features[64];
    size_t len = 0;
    for (uint32_t i = 0; i < ARRAY_SIZE(names); i++) {
        if ((bulkhead_features() & UINT32_C(1) << i) != 0)
            len += fmt_print(features + len, sizeof(features) - len, " %s", names[i]);
    }
    features[len] = '\0';
    print("features   %s\n", features);
}

static void hello_memory(void)
{
    const struct memory_range *ranges;
    uint32_t count = memory_map(&ranges);
    char size[24];

    fmt_size(size, sizeof(size), memory_size());
    print("memory      %s\n", size);
    for (uint32_t i = 0; i < count; i++)
        print("            0x%09lx-0x%09lx %s\n", ranges[i].base,
              ranges[i].base + ranges[i].size - 1,
              ranges[i].type == MEMORY_RAM ? "RAM" : "reserved");
}

int main(void)
{
    char line[80];

    hello_hypervisor();
    print("cores       %u, this is APIC id %u\n", smp_expected(), x2apic_id());
    hello_memory();
    print("cmdline     %s\n", cmdline());
    print("TSC         %lu MHz\n", tsc_khz() / 1000);
    print("time        %lu us since the loader\n", time_ns() / NS_PER_US);
    if (option_set("noinput"))
        return 0;

    print("Type a line: ");
    console_line(line, sizeof(line));
    print("You typed: %s\n", line);
    return 0;
}
