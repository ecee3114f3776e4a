/* SPDX-License-Identifier: MIT */
#include "kernel/core/canary.h"

#include "kernel/core/panic.h"
#include "lib/bits.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/insn.h"

/* SDM "CPUID—CPU Identification". */
#define FEATURES_RDRAND   BIT32(30) /* CPUID.1:ECX */
#define STRUCTURED        7
#define STRUCTURED_RDSEED BIT32(18) /* CPUID.(7,0):EBX */

/* "RDRAND Retry Recommendations": ten times; RDSEED may be empty for longer, and is then left. */
#define TRIES 10

static uint64_t canary_random(void)
{
    uint64_t value = 0;
    bool taken = false;

    if (cpuid_leaf(STRUCTURED, 0).ebx & STRUCTURED_RDSEED) {
        for (uint32_t i = 0; i < TRIES && !taken; i++)
            taken = rdseed(&value);
    }
    if (cpuid(1, 0).ecx & FEATURES_RDRAND) {
        for (uint32_t i = 0; i < TRIES && !taken; i++)
            taken = rdrand(&value);
    }
    return taken ? value : 0;
}

/* Mixed with the TSC, for processors without a generator or with a broken one. The last byte in
 * memory order, which a string would have to write first, is 0: no string has it. */
uint64_t canary_make(void)
{
    uint64_t z = canary_random() ^ rdtsc();

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) << 8;
}

/* The compiler calls it by this name. */
NORETURN void __stack_chk_fail(void);
void __stack_chk_fail(void)
{
    panic("a hypervisor function wrote past an array on its stack");
}
