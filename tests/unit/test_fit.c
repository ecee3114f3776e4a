/* SPDX-License-Identifier: MIT */
/*
 * test_fit: a processor that has all we need gets our controls; each single lack is named, by
 * itself and by one line; a firmware that locked VT-x off is told apart from a processor without
 * it.
 */
#include "vmx/fit.h"

#include "support.h"

#include "lib/x86/msr.h"
#include "vmx/bits.h"

#define ANY(bits) ((uint64_t)(bits) << 32) /* may be 1, need not be */
#define ALL       ANY(UINT32_MAX)

static struct vmx_caps caps_rich(void)
{
    return (struct vmx_caps){
        .has_vmx = true,
        .feature_control = FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX,
        .pin = ALL,
        .cpu = ALL,
        .cpu2 = ALL,
        .exit = ALL,
        .entry = ALL,
        .ept_vpid = UINT64_MAX,
        .physical_bits = 46,
    };
}

static struct virt_report fit(const struct vmx_caps *caps, struct vmx_controls *controls)
{
    struct virt_report report = {0};

    vmx_fit(caps, controls, &report);
    return report;
}

static void test_rich(void **state)
{
    struct vmx_caps caps = caps_rich();
    struct vmx_controls c;
    (void)state;
    struct virt_report report = fit(&caps, &c);
    assert_int_equal(report.missing_count, 0);
    assert_int_equal(report.physical_bits, 46);
    assert_true((c.pin & PIN_NMI) && !(c.pin & PIN_EXTERNAL_INTERRUPT));
    assert_true((c.cpu & CPU_MSR_BITMAPS) && !(c.cpu & CPU_HLT));
    assert_true((c.cpu2 & CPU2_EPT) && (c.cpu2 & CPU2_RDTSCP));
    assert_false(c.entry & ENTRY_IA32E);
    caps.cpu2 &= ~ANY(CPU2_RDTSCP | CPU2_INVPCID | CPU2_WBINVD); /* wishes only */
    assert_int_equal(fit(&caps, &c).missing_count, 0);
    assert_int_equal(c.cpu2, CPU2_EPT | CPU2_VPID | CPU2_UNRESTRICTED_GUEST);
}

static void test_no_vmx_and_locked(void **state)
{
    struct vmx_caps caps = {.has_vmx = false};
    struct vmx_controls c;
    (void)state;
    struct virt_report report = fit(&caps, &c);
    assert_int_equal(report.missing_count, 1);
    assert_string_equal(report.missing[0], "VT-x (CPUID.1:ECX.VMX)");

    caps = caps_rich();
    caps.feature_control = FEATURE_CONTROL_LOCK;
    report = fit(&caps, &c);
    assert_int_equal(report.missing_count, 1);
    assert_non_null(strstr(report.missing[0], "locked with VMX off: turn virtualization on"));
    caps.feature_control = FEATURE_CONTROL_LOCK | BIT64(1); /* inside SMX is not outside */
    assert_int_equal(fit(&caps, &c).missing_count, 1);
    caps.feature_control = 0; /* open: we lock it ourselves */
    assert_int_equal(fit(&caps, &c).missing_count, 0);
}

/* Takes each bit of a capability word away that is asked for, or forces each that may not be. */
static void check_word(uint64_t *word, struct vmx_caps *caps, uint32_t must, uint32_t never)
{
    const uint64_t whole = *word;
    struct vmx_controls c;

    for (uint32_t bit = 0; bit < 32; bit++) {
        *word = whole & ~ANY(BIT32(bit));
        assert_int_equal(fit(caps, &c).missing_count, (must & BIT32(bit)) != 0);
        *word = whole | BIT32(bit);
        assert_int_equal(fit(caps, &c).missing_count, (never & BIT32(bit)) != 0);
    }
    *word = whole;
}

static void test_each_lack_is_one_line(void **state)
{
    struct vmx_caps caps = caps_rich();
    (void)state;
    check_word(&caps.pin, &caps, PIN_NMI | PIN_VIRTUAL_NMIS | PIN_PREEMPTION_TIMER,
               PIN_EXTERNAL_INTERRUPT);
    check_word(&caps.cpu, &caps,
               CPU_IO_BITMAPS | CPU_MSR_BITMAPS | CPU_SECONDARY | CPU_MWAIT | CPU_MONITOR |
                   CPU_RDPMC,
               CPU_HLT | CPU_CR3_LOAD | CPU_CR3_STORE | CPU_CR8_LOAD | CPU_CR8_STORE | CPU_RDTSC |
                   CPU_INVLPG);
    check_word(&caps.cpu2, &caps, CPU2_EPT | CPU2_VPID | CPU2_UNRESTRICTED_GUEST, 0);
    check_word(&caps.exit, &caps,
               EXIT_HOST_64 | EXIT_SAVE_DEBUG | EXIT_SAVE_PAT | EXIT_LOAD_PAT | EXIT_SAVE_EFER |
                   EXIT_LOAD_EFER | EXIT_SAVE_TIMER,
               0);
    check_word(&caps.entry, &caps, ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER,
               ENTRY_IA32E);
}

/* All at once: nothing is cut, and what cpu_need() adds has room. */
static void test_nothing_at_all(void **state)
{
    struct vmx_caps caps = {.has_vmx = true, .feature_control = FEATURE_CONTROL_LOCK};
    struct vmx_controls c;
    (void)state;
    caps.pin = caps.cpu = caps.cpu2 = caps.exit = caps.entry = UINT32_MAX; /* all forced, too */
    struct virt_report report = fit(&caps, &c);
    assert_int_equal(report.missing_count, 1 + 4 + 11 + 3 + 5 + 4 + 4); /* every name there is */
    assert_true(report.missing_count + 3 <= ARRAY_SIZE(report.missing));
    for (uint32_t i = 0; i < report.missing_count; i++)
        assert_non_null(report.missing[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rich),
        cmocka_unit_test(test_no_vmx_and_locked),
        cmocka_unit_test(test_each_lack_is_one_line),
        cmocka_unit_test(test_nothing_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
