/* SPDX-License-Identifier: MIT */
/*
 * main: tries the guest interface from inside, the good and the forbidden, and says of each check
 * whether it went as docs/guest-abi.md has it. Powers off with 0 if all did, else with 1.
 * Give it one core: then all other ids are foreign, and more is tried.
 */
#include <stdarg.h>

#include "guests/hvtest/hvtest.h"
#include "guests/kit/kit.h"
#include "guests/kit/x2apic.h"
#include "lib/fmt.h"

static uint32_t passed, failed;

void check(const char *id, bool ok, const char *why, ...)
{
    char reason[200];
    va_list args;

    if (ok) {
        passed++;
        print("T %s ok\n", id);
        return;
    }
    failed++;
    va_start(args, why);
    fmt_vprint(reason, sizeof(reason), why, args);
    va_end(args);
    print("T %s BAD %s\n", id, reason);
}

void check_equal(const char *id, uint64_t got, uint64_t want)
{
    check(id, got == want, "got 0x%lx, want 0x%lx", got, want);
}

void check_fault(const char *id, struct fault fault, uint8_t vector)
{
    if (!fault.taken)
        check(id, false, "no fault");
    else
        check(id, fault.vector == vector && fault.error_code == 0,
              "exception %u with error code 0x%x", fault.vector, fault.error_code);
}

void check_no_fault(const char *id, struct fault fault)
{
    check(id, !fault.taken, "exception %u with error code 0x%x", fault.vector, fault.error_code);
}

int main(void)
{
    hvtest_apic_reset(); /* before the APIC is enabled */
    x2apic_enable();
    hvtest_calls();
    hvtest_cpuid();
    hvtest_msr();
    hvtest_control();
    hvtest_instructions();
    hvtest_ports();
    hvtest_apic();
    hvtest_ipi();
    hvtest_timer();
    hvtest_ring3(); /* last: its TSS stays */
    print("hvtest: %u ok, %u BAD\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
