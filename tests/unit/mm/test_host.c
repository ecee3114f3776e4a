/* SPDX-License-Identifier: MIT */
/*
 * test_host: what a core writes when it takes our page tables, on a core whose firmware has left
 * everything on, against a processor that writes it down.
 */
#include "mm/host.h"

#include "recorder.h"

#include "mm/host.c"

#define LEAF_7_GUARDS_EBX (CPUID_7_EBX_SMEP | CPUID_7_EBX_SMAP)

static const struct host_core core = {.root = {0x7000}};

/* A core of which the firmware has used all that CR4 has but LA57, which is refused. */
static void core_make(enum recorder_vendor vendor)
{
    recorder_clear();
    recorder.cr4 = ~CR4_LA57;
    recorder_put_vendor(vendor, 0xd);
    recorder_put_leaf(CPUID_FEATURES,
                      (struct cpuid_regs){.edx = CPUID_FEATURES_EDX_MCE | CPUID_FEATURES_EDX_PAT});
    recorder_put_leaf(0x80000000, (struct cpuid_regs){.eax = CPUID_EXTENDED});
    recorder_put_leaf(CPUID_EXTENDED, (struct cpuid_regs){.edx = CPUID_EXTENDED_EDX_NX});
    recorder_put_msr(MSR_EFER, EFER_LME | EFER_LMA);
}

static void nothing_of_the_firmwares_stays_in_cr4(void **state)
{
    (void)state;
    core_make(GENUINE_INTEL);
    recorder_put_leaf(CPUID_STRUCTURED,
                      (struct cpuid_regs){.ebx = LEAF_7_GUARDS_EBX, .ecx = CPUID_7_ECX_UMIP});
    host_core_enter(&core);
    assert_int_equal(recorder.cr4, CR4_PAE | CR4_MCE | CR4_SMEP | CR4_SMAP | CR4_UMIP);
    assert_int_equal(recorder.cr0, HOST_CR0);
    const uint32_t bare = recorder_find(WRITE_CR, 4, CR4_PAE | CR4_MCE);
    const uint32_t tables = recorder_find(WRITE_CR, 3, core.root.v);
    assert_true(bare < tables);
    assert_true(tables < recorder_find(WRITE_CR, 4, recorder.cr4));
    assert_true(recorder_find(WRITE_MSR, MSR_EFER, EFER_LME | EFER_LMA | EFER_NXE) < tables);
    assert_true(recorder_find(WRITE_MSR, MSR_PAT, HOST_PAT) < recorder_find(WRITE_CACHE, 0, 0));
}

static void guards_only_where_the_core_has_them(void **state)
{
    (void)state;
    core_make(GENUINE_INTEL);
    host_core_enter(&core);
    assert_int_equal(recorder.cr4, CR4_PAE | CR4_MCE);
}

/* As IA32_MISC_ENABLE says. A read of it where it need not exist fails the test. */
static void on_write(const struct recorder_write *write)
{
    if (write->where == WRITE_MSR && write->index == MSR_MISC_ENABLE && !(write->value & BIT64(34)))
        recorder_set_leaf(CPUID_EXTENDED, (struct cpuid_regs){.edx = CPUID_EXTENDED_EDX_NX});
}

static void execute_disable_is_given_back(void **state)
{
    const uint64_t others = BIT64(0) | BIT64(11);

    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        const bool intel = i & 1, hides = i & 2;

        core_make(intel ? GENUINE_INTEL : AUTHENTIC_AMD);
        recorder.cr4 = 0;
        recorder.on_write = on_write;
        if (hides)
            recorder_set_leaf(CPUID_EXTENDED, (struct cpuid_regs){0});
        if (intel && hides)
            recorder_put_msr(MSR_MISC_ENABLE, others | BIT64(34));
        assert_int_equal(host_paging_ok(), intel || !hides);
        assert_int_equal(recorder.write_count, intel && hides ? 1 : 0);
        assert_int_equal(recorder_has(WRITE_MSR, MSR_MISC_ENABLE, others), intel && hides);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_the_firmwares_stays_in_cr4),
        cmocka_unit_test(guards_only_where_the_core_has_them),
        cmocka_unit_test(execute_disable_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
