/* SPDX-License-Identifier: MIT */
/*
 * test_svm_state: what a VMCB has the processor intercept, by the manual's bit numbers.
 */
#include "svm/svm.h"

#include "support.h"

#include "svm/state.c"

struct svm_caps svm_caps;
struct svm_spec_plan svm_spec;

static const struct svm_shared shared = {.nested_root = {0x5000}};

static struct svm_vmcb controls(struct svm_caps caps)
{
    static struct svm_vcpu hw;

    hw = (struct svm_vcpu){.shared = &shared};
    svm_caps = caps;
    svm_write_controls(&hw);
    return hw.vmcb;
}

/* #DB, #AC, #MC; no access to a control or debug register. */
static void intercepted_exceptions(void **state)
{
    const struct svm_vmcb vmcb = controls((struct svm_caps){0});

    (void)state;
    assert_int_equal(vmcb.intercept_exceptions, BIT32(1) | BIT32(17) | BIT32(18));
    assert_int_equal(vmcb.intercept_cr_read | vmcb.intercept_cr_write, 0);
    assert_int_equal(vmcb.intercept_dr_read | vmcb.intercept_dr_write, 0);
}

static void intercepted_always(void **state)
{
    const struct svm_vmcb vmcb = controls((struct svm_caps){0});
    static const uint8_t misc_1[] = {
        1,  /* NMI */
        3,  /* INIT */
        15, /* RDPMC */
        18, /* CPUID */
        19, /* RSM */
        22, /* INVD */
        26, /* INVLPGA */
        27, /* IOIO */
        28, /* MSR */
        29, /* task switch */
        30, /* FERR_FREEZE */
        31, /* shutdown */
    };
    uint32_t wanted = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(misc_1); i++)
        wanted |= BIT32(misc_1[i]);
    assert_int_equal(vmcb.intercept_1, wanted);
    /* VMRUN to SKINIT, WBINVD to MWAIT, XSETBV */
    assert_int_equal(vmcb.intercept_2, 0x7f | 0xe00 | 0x2000);
    assert_int_equal(vmcb.intercept_3, 0);
}

/* A bit that the processor does not have is not set. */
static void intercepted_where_it_exists(void **state)
{
    (void)state;
    assert_int_equal(controls((struct svm_caps){.has_rdpru = true}).intercept_2 & BIT32(14),
                     BIT32(14));
    /* INVLPGB, also where it is illegal; TLBSYNC */
    assert_int_equal(controls((struct svm_caps){.has_invlpgb = true}).intercept_3, 0x13);
    assert_int_equal(controls((struct svm_caps){.has_mcommit = true}).intercept_3, 0x8);
    /* bus locks, each: the count is 0 */
    const struct svm_vmcb vmcb = controls((struct svm_caps){.features = BIT32(29)});
    assert_int_equal(vmcb.intercept_3, 0x20);
    assert_int_equal(vmcb.bus_lock_threshold, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intercepted_exceptions),
        cmocka_unit_test(intercepted_always),
        cmocka_unit_test(intercepted_where_it_exists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
