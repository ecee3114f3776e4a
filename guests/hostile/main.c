/* SPDX-License-Identifier: MIT */
/*
 * main: tries the guest interface from inside, the good and the forbidden, and says of each check
 * whether it went as docs/guest-abi.md and the SDM have it. Powers off with 0 if all did, else with
 * 1. With one core, all other ids are foreign; with more, other things are tried, see cores.c.
 * Option: part=links tries its link, part=devices its device, part=tables its
 * device's MSI-X table, part=endings does what ends a guest, see endings.c; part=race ends it by
 * all cores.
 */
#include <stdarg.h>

#include "guests/hostile/hostile.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/kit.h"
#include "guests/kit/paging.h"
#include "guests/kit/smp.h"
#include "guests/kit/x2apic.h"
#include "lib/fmt.h"

static uint32_t passed, failed, gaps;
static const char *current = "ABI";

void row(const char *name)
{
    current = name;
}

bool can_try(const char *id)
{
    const char *why = gaps_untried(id);

    if (why == NULL)
        return true;
    gaps++;
    print("T %s/%s gap %s\n", current, id, why);
    return false;
}

void check(const char *id, bool ok, const char *why, ...)
{
    const char *gap = gaps_failing(id), *unjudged = gaps_unjudged(id);
    char reason[200];
    va_list args;

    if (unjudged != NULL) {
        gaps++;
        print("T %s/%s gap %s\n", current, id, unjudged);
        return;
    }
    if (gap != NULL) {
        if (ok) {
            failed++;
            print("T %s/%s BAD gaps.c has it as a gap: %s\n", current, id, gap);
        } else {
            gaps++;
            print("T %s/%s gap %s\n", current, id, gap);
        }
        return;
    }
    if (ok) {
        passed++;
        print("T %s/%s ok\n", current, id);
        return;
    }
    failed++;
    va_start(args, why);
    fmt_vprint(reason, sizeof(reason), why, args);
    va_end(args);
    print("T %s/%s BAD %s\n", current, id, reason);
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

bool hostile_on_amd(void)
{
    return bulkhead_uses_vmmcall;
}

static void main_alone(void)
{
    hostile_memory_start(); /* before anything is written */
    hostile_apic_reset();   /* before the APIC is enabled */
    x2apic_enable();
    hostile_calls();
    hostile_cpuid();
    hostile_msr();
    hostile_msr_sweep();
    hostile_control();
    hostile_instructions();
    hostile_ports();
    hostile_pci();
    hostile_apic();
    hostile_ipi();
    hostile_timer();
    hostile_debug();
    hostile_exceptions();
    hostile_limits();
    hostile_memory();
    hostile_modes();
    hostile_ring3();
}

int main(void)
{
    paging_open();
    if (option_is("part", "endings"))
        hostile_endings();
    if (option_is("part", "links")) {
        x2apic_enable();
        hostile_links();
    } else if (option_is("part", "devices")) {
        hostile_devices();
    } else if (option_is("part", "tables")) {
        hostile_tables();
    } else if (smp_expected() == 1) {
        main_alone();
    } else {
        x2apic_enable();
        if (option_is("part", "race"))
            hostile_race();
        hostile_cores();
    }
    print("hostile: %u ok, %u BAD, %u gaps\n", passed, failed, gaps);
    return failed == 0 ? 0 : 1;
}
