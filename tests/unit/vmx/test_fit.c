/* SPDX-License-Identifier: MIT */
/*
 * test_fit: what a processor must be able to do, taken away piece by piece: each lack is named, and
 * nothing is asked of a control that the processor does not allow.
 */
#include "vmx/fit.h"

#include "support.h"

#include "lib/x86/msr.h"
#include "vmx/bits.h"

/* Everything is allowed, nothing is forced. */
static struct vmx_caps able(void)
{
    const uint64_t any = UINT64_C(0xffffffff) << 32;

    return (struct vmx_caps){
        .has_vmx = true,
        .feature_control = FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX,
        .pin = any,
        .cpu = any,
        .cpu2 = any,
        .exit = any,
        .entry = any,
        .misc = BIT64(MISC_ACTIVITY_SHIFT + ACTIVITY_HLT),
        .ept_vpid = UINT64_MAX,
        .physical_bits = 39,
    };
}

static uint32_t lacks(const struct vmx_caps *caps, const char *what)
{
    struct virt_report report = {0};
    struct vmx_controls controls;
    bool named = what == NULL;

    vmx_fit(caps, &controls, &report);
    for (uint32_t i = 0; i < report.missing_count; i++)
        named = named || strstr(report.missing[i], what) != NULL;
    assert_true(named);
    return report.missing_count;
}

static void test_able(void **state)
{
    const struct vmx_caps caps = able();

    (void)state;
    assert_int_equal(lacks(&caps, NULL), 0);
}

/* Locked with VMX off is a lack; not locked is none: whoever turns VMX on writes and locks it. */
/* abuse: BC-02, BC-03 */
static void test_feature_control(void **state)
{
    struct vmx_caps caps = able();

    (void)state;
    caps.feature_control = FEATURE_CONTROL_LOCK;
    assert_int_equal(lacks(&caps, "is locked with VMX off"), 1);
    caps.feature_control = 0;
    assert_int_equal(lacks(&caps, NULL), 0);
    caps.feature_control = FEATURE_CONTROL_VMX;
    assert_int_equal(lacks(&caps, NULL), 0);
    caps.has_vmx = false;
    assert_int_equal(lacks(&caps, "VT-x (CPUID.1:ECX.VMX)"), 1);
}

/* Below another hypervisor VT-x may be hidden, locked off, or all there: then it is as any other.
 */
/* abuse: BC-07 */
static void test_under_another_hypervisor(void **state)
{
    struct vmx_caps caps = able();

    (void)state;
    caps.is_guest = true;
    assert_int_equal(lacks(&caps, NULL), 0);
    caps.feature_control = FEATURE_CONTROL_LOCK;
    assert_int_equal(lacks(&caps, "is locked with VMX off"), 1);
    caps = (struct vmx_caps){.is_guest = true, .feature_control = UINT64_MAX};
    assert_int_equal(lacks(&caps, "the hypervisor that this machine runs under does not offer it"),
                     1);
    caps.is_tcg = true;
    assert_int_equal(lacks(&caps, "start QEMU with '-cpu EPYC-Rome,+x2apic'"), 1);
    caps.is_guest = caps.is_tcg = false;
    assert_int_equal(lacks(&caps, "VT-x (CPUID.1:ECX.VMX)"), 1);
    struct virt_report report = {0};
    struct vmx_controls controls;
    vmx_fit(&caps, &controls, &report);
    assert_string_equal(report.missing[0], "VT-x (CPUID.1:ECX.VMX)"); /* nothing of another one */
}

/* All four states of the two bits, alone and with every other bit of the register. */
/* abuse: BC-02, BC-03 */
static void test_every_feature_control(void **state)
{
    (void)state;
    for (uint32_t bit = 0; bit < 64; bit++) {
        for (uint32_t i = 0; i < 4; i++) {
            struct vmx_caps caps = able();
            const uint64_t two = FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX;
            caps.feature_control = (BIT64(bit) & ~two) | (i & 1 ? FEATURE_CONTROL_LOCK : 0) |
                                   (i & 2 ? FEATURE_CONTROL_VMX : 0);
            assert_int_equal(lacks(&caps, i == 1 ? "turn virtualization on" : NULL), i == 1);
        }
    }
}

/* One word at a time, each bit forced to 0 and forced to 1: what comes out is always allowed, and
 * what was needed and is not there has a name. */
/* abuse: BC-10 */
static void test_every_bit(void **state)
{
    struct vmx_caps caps = able();
    uint64_t *const words[] = {&caps.pin, &caps.cpu, &caps.cpu2, &caps.exit, &caps.entry};
    uint32_t missing = 0;

    (void)state;
    for (size_t w = 0; w < ARRAY_SIZE(words); w++) {
        for (uint32_t bit = 0; bit < 32; bit++) {
            const uint64_t before = *words[w];
            struct virt_report report = {0};
            struct vmx_controls c;

            *words[w] = before & ~(BIT64(32) << bit);
            vmx_fit(&caps, &c, &report);
            const uint32_t got[] = {c.pin, c.cpu, c.cpu2, c.exit, c.entry};
            assert_false(got[w] & BIT32(bit));
            missing += report.missing_count;

            *words[w] = before | BIT64(0) << bit;
            report = (struct virt_report){0};
            vmx_fit(&caps, &c, &report);
            const uint32_t forced[] = {c.pin, c.cpu, c.cpu2, c.exit, c.entry};
            assert_true(forced[w] & BIT32(bit));
            missing += report.missing_count;
            *words[w] = before;
        }
    }
    assert_in_range(missing, 25, 60);
}

static void test_controls_that_guests_rely_on(void **state)
{
    static const struct {
        uint32_t word, bit;
        bool forced;
        const char *name;
    } rows[] = {
        {0, PIN_NMI, false, "NMI exiting"},
        {0, PIN_EXTERNAL_INTERRUPT, true, "external interrupts without exits"},
        {1, CPU_MSR_BITMAPS, false, "MSR bitmaps"},
        {1, CPU_IO_BITMAPS, false, "I/O bitmaps"},
        {1, CPU_RDPMC, false, "RDPMC exiting"},
        {1, CPU_HLT, true, "HLT exiting, off and on"},
        {1, CPU_HLT, false, "HLT exiting, off and on"},
        {1, CPU_NMI_WINDOW, false, "NMI-window exiting"},
        {1, CPU_MONITOR_TRAP, false, "monitor trap flag"},
        {2, CPU2_EPT, false, "EPT"},
        {2, CPU2_UNRESTRICTED_GUEST, false, "unrestricted guest"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct vmx_caps caps = able();
        uint64_t *const words[] = {&caps.pin, &caps.cpu, &caps.cpu2};
        if (rows[i].forced)
            *words[rows[i].word] |= rows[i].bit;
        else
            *words[rows[i].word] &= ~((uint64_t)rows[i].bit << 32);
        assert_int_equal(lacks(&caps, rows[i].name), 1);
    }
}

/* All at once: nothing is cut, and what cpu_need() adds has room. */
/* Without its control an instruction is #UD in a guest, whatever CPUID says. */
static void test_instructions_with_a_control(void **state)
{
    struct vmx_caps caps = able();
    struct vmx_controls controls;
    struct virt_report report = {0};

    (void)state;
    vmx_fit(&caps, &controls, &report);
    assert_false(report.no_rdtscp || report.no_invpcid);
    caps.cpu2 &= ~((uint64_t)CPU2_RDTSCP << 32);
    vmx_fit(&caps, &controls, &report);
    assert_true(report.no_rdtscp && !report.no_invpcid);
    caps = able();
    caps.cpu2 &= ~((uint64_t)CPU2_INVPCID << 32);
    vmx_fit(&caps, &controls, &report);
    assert_true(!report.no_rdtscp && report.no_invpcid);
    assert_int_equal(report.missing_count, 0);
}

/* Wished: without it the machine is no worse, and the isolation report says so. */
static void test_bus_locks(void **state)
{
    struct vmx_caps caps = able();
    struct vmx_controls controls;
    struct virt_report report = {0};

    (void)state;
    vmx_fit(&caps, &controls, &report);
    assert_true(report.bus_locks && (controls.cpu2 & BIT32(30)));
    caps.cpu2 &= ~(BIT64(30) << 32);
    vmx_fit(&caps, &controls, &report);
    assert_false(report.bus_locks || (controls.cpu2 & BIT32(30)));
    assert_int_equal(report.missing_count, 0);
}

/* Wished, too: where there is no SGX, there is no control. PCONFIG is #UD without one. */
static void test_enclaves(void **state)
{
    struct vmx_caps caps = able();
    struct vmx_controls controls;
    struct virt_report report = {0};

    (void)state;
    vmx_fit(&caps, &controls, &report);
    assert_true((controls.cpu2 & BIT32(15)) && (controls.cpu2 & BIT32(28)));
    assert_false(controls.cpu2 & BIT32(27));
    caps.cpu2 &= ~((BIT64(15) | BIT64(28)) << 32);
    vmx_fit(&caps, &controls, &report);
    assert_false(controls.cpu2 & (BIT32(15) | BIT32(28)));
    assert_int_equal(report.missing_count, 0);
}

static void test_nothing_at_all(void **state)
{
    struct vmx_caps caps = {.has_vmx = true, .feature_control = FEATURE_CONTROL_LOCK};
    struct vmx_controls controls;
    struct virt_report report = {0};
    (void)state;
    caps.pin = caps.cpu = caps.cpu2 = caps.exit = caps.entry = UINT32_MAX; /* all forced, too */
    vmx_fit(&caps, &controls, &report);
    assert_int_equal(report.missing_count, 1 + 4 + 13 + 3 + 5 + 4 + 5); /* every name there is */
    assert_true(report.missing_count + 3 <= ARRAY_SIZE(report.missing));
}

/* Of two cores that lack nothing. */
static const char *differs(const struct vmx_caps *boot, const struct vmx_caps *core)
{
    struct vmx_controls boot_controls, core_controls;
    struct virt_report report = {0};

    vmx_fit(boot, &boot_controls, &report);
    vmx_fit(core, &core_controls, &report);
    assert_int_equal(report.missing_count, 0);
    return vmx_fit_differs(boot, &boot_controls, core, &core_controls);
}

static void test_two_kinds_of_cores(void **state)
{
    const struct vmx_caps boot = able();
    struct vmx_caps core;

    (void)state;
    assert_null(differs(&boot, &boot));

    /* What is one's own: whether the firmware locked it, a wish more that nobody has. */
    core = boot;
    core.feature_control ^= FEATURE_CONTROL_LOCK;
    core.basic ^= BIT64(54);
    assert_null(differs(&boot, &core));

    core = boot;
    core.basic ^= 1;
    assert_string_equal(differs(&boot, &core), "the format of the VMCS");
    uint64_t *const words[] = {&core.pin, &core.cpu, &core.cpu2, &core.exit, &core.entry};
    for (uint32_t i = 0; i < ARRAY_SIZE(words); i++) {
        core = boot;
        *words[i] |= BIT64(13) | BIT64(45); /* a control that has to be on */
        assert_string_equal(differs(&boot, &core), "VM-execution, VM-exit or VM-entry controls");
    }
    uint64_t *const fixed[] = {&core.cr0_fixed0, &core.cr0_fixed1, &core.cr4_fixed0,
                               &core.cr4_fixed1};
    for (uint32_t i = 0; i < ARRAY_SIZE(fixed); i++) {
        core = boot;
        *fixed[i] ^= BIT64(20);
        assert_string_equal(differs(&boot, &core), "the bits of CR0 and CR4 that VMX fixes");
    }
    core = boot;
    core.misc ^= 3;
    assert_string_equal(differs(&boot, &core), "the rate of the VMX-preemption timer");
    core = boot;
    core.physical_bits ^= 1;
    assert_string_equal(differs(&boot, &core), "the width of physical addresses");
    core = boot;
    core.ept_vpid |= EPT_CAP_1G;
    struct vmx_caps less = core;
    less.ept_vpid &= ~EPT_CAP_1G;
    assert_string_equal(differs(&core, &less), "EPT with 1 GiB pages");
    assert_null(differs(&less, &core)); /* more than is used */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_kinds_of_cores),
        cmocka_unit_test(test_bus_locks),
        cmocka_unit_test(test_enclaves),
        cmocka_unit_test(test_nothing_at_all),
        cmocka_unit_test(test_instructions_with_a_control),
        cmocka_unit_test(test_able),
        cmocka_unit_test(test_feature_control),
        cmocka_unit_test(test_under_another_hypervisor),
        cmocka_unit_test(test_every_feature_control),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_controls_that_guests_rely_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
