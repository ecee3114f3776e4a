/* SPDX-License-Identifier: MIT */
/*
 * test_svm_cpu: what a core writes when SVM is turned on, against a processor that writes it down.
 */
#include "svm/svm.h"

#include "recorder.h"

#include "svm/cpu.c"

#define FAMILY_17 0x00800f00u
#define FAMILY_0F 0x00000f00u

void vmsave(hpa_t vmcb)
{
    (void)vmcb;
}

void svm_write_controls(struct svm_vcpu *hw)
{
    (void)hw;
}

void svm_write_guest(struct svm_vcpu *hw, const struct vcpu_state *state)
{
    (void)hw;
    (void)state;
}

void svm_hook_reset(struct vcpu *v, const struct vcpu_state *state)
{
    (void)v;
    (void)state;
}

/* A read of the register where it need not exist fails the test. */
static void lfence_serializes_on_each_core(void **state)
{
    static const struct {
        uint32_t signature, features_2;
        uint64_t config; /* 0: there is none */
        bool writes;
    } cases[] = {
        {FAMILY_17, 0, BIT64(9), true},
        {FAMILY_17, 0, BIT64(9) | BIT64(1), false},
        {FAMILY_17, BIT32(2), 0, false},
        {FAMILY_0F, 0, 0, false},
    };
    static struct page region;

    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(cases); i++) {
        recorder_clear();
        recorder_put_leaf(1, (struct cpuid_regs){.eax = cases[i].signature});
        recorder_put_msr(MSR_VM_CR, 0);
        recorder_put_msr(MSR_EFER, EFER_LMA);
        recorder_put_leaf(0x80000000, (struct cpuid_regs){.eax = CPUID_FEATURES_2});
        recorder_put_leaf(CPUID_FEATURES_2, (struct cpuid_regs){.eax = cases[i].features_2});
        if (cases[i].config)
            recorder_put_msr(MSR_DE_CFG, cases[i].config);
        assert_int_equal(svm_cpu_on(&region), OK);
        assert_int_equal(recorder_has(WRITE_MSR, MSR_DE_CFG, BIT64(9) | BIT64(1)), cases[i].writes);
        assert_true(recorder_has(WRITE_MSR, MSR_EFER, EFER_LMA | EFER_SVME));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lfence_serializes_on_each_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
