/* SPDX-License-Identifier: MIT */
/*
 * test_once: one instruction on other nested tables, by the VMCB's fields before and after: what
 * the guest has afterwards is what the instruction made of it, whatever ended the step.
 */
#include "svm/blocking.h"

#include "support.h"

#define OWN   UINT64_C(0x1000000)
#define OPEN  UINT64_C(0x2000000)
#define BASE  (RFLAGS_FIXED | RFLAGS_IF)
#define WRITE (NPF_PRESENT | NPF_WRITE | NPF_FINAL)
#define ON_0  UINT64_C(0x2) /* DR7: breakpoint 0 is on */

static struct svm_shared shared;
static struct svm_vcpu hw;
static struct vcpu vcpu = {.hw = &hw};
static struct vcpu *const v = &vcpu;

static int fresh(void **state)
{
    (void)state;
    memset(&hw, 0, sizeof(hw));
    shared.nested_root = hpa(OWN);
    shared.open_root = hpa(OPEN);
    hw.shared = &shared;
    v->hw_work = 0;
    hw.vmcb.nested_cr3 = OWN;
    hw.vmcb.asid = ASID_GUEST;
    hw.vmcb.rflags = BASE;
    hw.vmcb.dr6 = DR6_RESET | 2;
    hw.vmcb.cr0 = CR0_PE;
    hw.vmcb.intercept_exceptions = INTERCEPTED_EXCEPTIONS;
    hw.vmcb.intercept_1 = INTERCEPT1_NMI;
    hw.vmcb.intercept_2 = INTERCEPT2_VMRUN;
    hw.vmcb.exit_info_1 = WRITE;
    return 0;
}

static bool leave(uint64_t code)
{
    hw.vmcb.exit_code = code;
    return svm_once_exit(v, svm_decode_kind(&hw.vmcb));
}

static void begin(void)
{
    assert_true(svm_write_once(v));
    svm_once_before_entry(v);
}

/* Nothing of the step is left. */
static void expect_own(uint64_t rflags, uint64_t dr6)
{
    assert_int_equal(v->hw_work & WORK_ONCE, 0);
    assert_int_equal(hw.vmcb.nested_cr3, OWN);
    assert_int_equal(hw.vmcb.asid, ASID_GUEST);
    assert_int_equal(hw.vmcb.tlb_control, TLB_DO_NOTHING);
    assert_int_equal(hw.vmcb.intercept_exceptions, INTERCEPTED_EXCEPTIONS);
    assert_int_equal(hw.vmcb.intercept_1 & ~(INTERCEPT1_VINTR | INTERCEPT1_INTR), INTERCEPT1_NMI);
    assert_int_equal(hw.vmcb.intercept_2, INTERCEPT2_VMRUN);
    assert_int_equal(hw.vmcb.rflags, rflags);
    assert_int_equal(hw.vmcb.dr6, dr6);
}

static void refused(void **state)
{
    (void)state;
    shared.open_root = hpa(0);
    assert_false(svm_write_once(v));
    shared.open_root = hpa(OPEN);
    hw.vmcb.exit_int_info = EVENT_VALID;
    assert_false(svm_write_once(v));
    hw.vmcb.exit_int_info = 0;
    hw.vmcb.exit_info_1 = WRITE & ~NPF_FINAL;
    assert_false(svm_write_once(v));
    hw.vmcb.exit_info_1 = WRITE & ~NPF_PRESENT;
    assert_false(svm_write_once(v));
    expect_own(BASE, DR6_RESET | 2);
}

static void begins(void **state)
{
    (void)state;
    hw.vmcb.interrupt_shadow = SHADOW_ACTIVE | SHADOW_GUEST_MASK;
    begin();
    assert_int_equal(hw.vmcb.nested_cr3, OPEN);
    assert_int_equal(hw.vmcb.asid, ASID_OPEN);
    assert_int_equal(hw.vmcb.tlb_control, TLB_FLUSH_ALL);
    assert_int_equal(hw.vmcb.rflags, RFLAGS_FIXED | RFLAGS_TF | RFLAGS_RF);
    assert_int_equal(hw.vmcb.dr6, DR6_RESET);
    assert_int_equal(hw.vmcb.interrupt_shadow, SHADOW_GUEST_MASK);
    assert_int_equal(hw.vmcb.intercept_exceptions, 0xfffffffb);
    assert_int_equal(hw.vmcb.intercept_1 & INTERCEPT1_PUSHF, INTERCEPT1_PUSHF);
    assert_int_equal(hw.vmcb.intercept_2 & INTERCEPT2_ICEBP, INTERCEPT2_ICEBP);
}

static void ends(void **state)
{
    (void)state;
    hw.vmcb.interrupt_shadow = SHADOW_ACTIVE;
    begin();
    hw.vmcb.rflags = RFLAGS_FIXED | RFLAGS_TF | 1; /* the instruction set CF and ended RF */
    hw.vmcb.dr6 = DR6_RESET | DR6_BS;
    assert_true(leave(SVM_EXIT_EXCEPTION_DB));
    expect_own(BASE | 1, DR6_RESET | 2);
    assert_int_equal(hw.vmcb.interrupt_shadow, 0); /* it has expired */
    assert_int_equal(hw.vmcb.event_inject, 0);
}

/* STI is not intercepted: what it did stays. */
static void ends_with_sti(void **state)
{
    (void)state;
    hw.vmcb.rflags = RFLAGS_FIXED;
    begin();
    hw.vmcb.rflags = BASE | RFLAGS_TF;
    hw.vmcb.dr6 = DR6_RESET; /* Bochs does not say BS */
    assert_true(leave(SVM_EXIT_EXCEPTION_DB));
    expect_own(BASE, DR6_RESET | 2);
}

static void guest_steps_itself(void **state)
{
    (void)state;
    hw.vmcb.rflags = BASE | RFLAGS_TF;
    begin();
    hw.vmcb.dr6 = DR6_RESET | DR6_BS;
    assert_true(leave(SVM_EXIT_EXCEPTION_DB));
    expect_own(BASE | RFLAGS_TF, DR6_RESET | DR6_BS | 2);
    assert_int_equal(hw.vmcb.event_inject, 0x80000301);
}

static void breakpoints(void **state)
{
    (void)state;
    begin();
    hw.vmcb.dr6 = DR6_RESET | DR6_BS | 1;
    assert_true(leave(SVM_EXIT_EXCEPTION_DB));
    expect_own(BASE, DR6_RESET | 2); /* off */
    assert_int_equal(hw.vmcb.event_inject, 0);
    hw.vmcb.dr7 = ON_0;
    hw.vmcb.rflags = BASE;
    begin();
    hw.vmcb.dr6 = DR6_RESET | DR6_BS | 1;
    assert_true(leave(SVM_EXIT_EXCEPTION_DB));
    expect_own(BASE, DR6_RESET | 3);
    assert_int_equal(hw.vmcb.event_inject, 0x80000301);
    hw.vmcb.event_inject = 0;
    begin(); /* one on an instruction, before it: the guest's, as it is */
    hw.vmcb.dr6 = DR6_RESET | 1;
    assert_false(leave(SVM_EXIT_EXCEPTION_DB));
    expect_own(BASE | RFLAGS_RF, DR6_RESET | 3);
}

/* A step out of a shadow, for an NMI that waits, was under way. */
static void in_a_step(void **state)
{
    (void)state;
    hw.vmcb.interrupt_shadow = SHADOW_ACTIVE;
    svm_want_window(v, EVENT_NMI);
    assert_int_equal(hw.step, STEP_SHADOW);
    begin();
    svm_once_cut(v);
    expect_own(BASE | RFLAGS_TF | RFLAGS_RF, DR6_RESET | 2); /* and still is */
    assert_int_equal(hw.step, STEP_SHADOW);
    begin();
    hw.vmcb.dr6 = DR6_RESET | DR6_BS;
    assert_true(leave(SVM_EXIT_EXCEPTION_DB));
    expect_own(BASE, DR6_RESET | 2);
    assert_int_equal(hw.step, STEP_NONE);
    assert_int_equal(v->hw_work, WORK_NUDGE);
    assert_int_equal(hw.vmcb.event_inject, 0);
}

/* A debugger steps over the write: one trap ends both, and the guest sees neither. */
static void in_a_debuggers_step(void **state)
{
    (void)state;
    atomic_store(&v->kick, 0);
    svm_debug_step(v, true);
    begin();
    hw.vmcb.dr6 = DR6_RESET | DR6_BS;
    assert_true(leave(SVM_EXIT_EXCEPTION_DB));
    assert_int_equal(hw.vmcb.rflags, BASE);
    assert_int_equal(hw.vmcb.dr6, DR6_RESET | 2);
    assert_int_equal(hw.vmcb.nested_cr3, OWN);
    assert_int_equal(hw.vmcb.event_inject, 0);
    assert_int_equal(v->kick, VIRT_STEPPED);
}

static void faults(void **state)
{
    (void)state;
    begin();
    hw.vmcb.exit_info_1 = 2;
    hw.vmcb.exit_info_2 = 0x7000;
    assert_true(leave(SVM_EXIT_EXCEPTION_PF));
    expect_own(BASE | RFLAGS_RF, DR6_RESET | 2);
    assert_int_equal(hw.vmcb.cr2, 0x7000);
    assert_int_equal(hw.vmcb.event_inject, 0x280000b0e);
    hw.vmcb.exit_info_1 = WRITE;
    hw.vmcb.event_inject = hw.vmcb.cr0 = 0;
    begin();
    assert_true(leave(SVM_EXIT_EXCEPTION_GP));
    assert_int_equal(hw.vmcb.event_inject, 0x8000030d); /* real mode pushes no code */
    begin();
}

static void cut(void **state)
{
    static const uint64_t again[] = {SVM_EXIT_EXCEPTION_BP, SVM_EXIT_POPF, SVM_EXIT_IRET,
                                     SVM_EXIT_SWINT,        SVM_EXIT_HLT,  SVM_EXIT_ICEBP},
                          others[] = {SVM_EXIT_NMI,          SVM_EXIT_PUSHF, SVM_EXIT_NPF,
                                      SVM_EXIT_EXCEPTION_AC, SVM_EXIT_INIT,  SVM_EXIT_SHUTDOWN};

    for (size_t i = 0; i < ARRAY_SIZE(again) + ARRAY_SIZE(others); i++) {
        const bool is_again = i < ARRAY_SIZE(again);
        fresh(state);
        hw.vmcb.interrupt_shadow = SHADOW_ACTIVE;
        begin();
        hw.vmcb.intercept_1 |= INTERCEPT1_VINTR; /* somebody asks for a window */
        assert_int_equal(leave(is_again ? again[i] : others[i - ARRAY_SIZE(again)]), is_again);
        expect_own(BASE | RFLAGS_RF, DR6_RESET | 2);
        assert_int_equal(hw.vmcb.interrupt_shadow, SHADOW_ACTIVE);
        assert_int_equal(hw.vmcb.intercept_1 & INTERCEPT1_VINTR, INTERCEPT1_VINTR);
        assert_int_equal(hw.vmcb.event_inject, 0);
    }
}

/* Nobody saw the exit: at the next entry it is over. Nor is a frame to be pushed with our flags. */
static void over_before_an_entry(void **state)
{
    (void)state;
    begin();
    svm_once_before_entry(v);
    expect_own(BASE | RFLAGS_RF, DR6_RESET | 2);
    hw.vmcb.rflags = BASE;
    assert_true(svm_write_once(v));
    hw.vmcb.event_inject = EVENT_VALID;
    svm_once_before_entry(v);
    expect_own(BASE | RFLAGS_RF, DR6_RESET | 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(refused, fresh),
        cmocka_unit_test_setup(begins, fresh),
        cmocka_unit_test_setup(ends, fresh),
        cmocka_unit_test_setup(ends_with_sti, fresh),
        cmocka_unit_test_setup(guest_steps_itself, fresh),
        cmocka_unit_test_setup(breakpoints, fresh),
        cmocka_unit_test_setup(in_a_step, fresh),
        cmocka_unit_test_setup(in_a_debuggers_step, fresh),
        cmocka_unit_test_setup(faults, fresh),
        cmocka_unit_test_setup(cut, fresh),
        cmocka_unit_test_setup(over_before_an_entry, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
