/* SPDX-License-Identifier: MIT */
/*
 * test_blocking: when an interrupt or NMI may go in, what is asked of the processor when it may
 * not, and how the end of that is noticed: the IRET of an NMI's handler, the shadow of STI and MOV
 * SS, an event that goes first.
 */
#include "svm/blocking.h"

#include "support.h"

#define SINGLE_STEP UINT64_C(0x4000) /* DR6.BS */

static struct svm_vcpu hw;
static struct vcpu vcpu = {.hw = &hw};
static struct vcpu *const v = &vcpu;

static int fresh(void **state)
{
    (void)state;
    memset(&hw, 0, sizeof(hw));
    v->hw_work = 0;
    atomic_store(&v->kick, 0);
    hw.vmcb.rflags = RFLAGS_FIXED | RFLAGS_IF;
    return 0;
}

static void leave(uint64_t code)
{
    hw.vmcb.exit_code = code;
}

static void test_open(void **state)
{
    (void)state;
    assert_true(svm_is_open(&hw, EVENT_INTERRUPT));
    assert_true(svm_is_open(&hw, EVENT_NMI));
    hw.vmcb.rflags = RFLAGS_FIXED;
    assert_false(svm_is_open(&hw, EVENT_INTERRUPT));
    assert_true(svm_is_open(&hw, EVENT_NMI));
    hw.vmcb.interrupt_shadow = SHADOW_ACTIVE;
    assert_false(svm_is_open(&hw, EVENT_NMI));
    hw.vmcb.interrupt_shadow = 0;
    hw.vmcb.event_inject = EVENT_VALID;
    assert_false(svm_is_open(&hw, EVENT_NMI));
}

/* A HLT that exits behind STI: the shadow ends with it. */
static void test_open_at_halt(void **state)
{
    (void)state;
    hw.vmcb.interrupt_shadow = SHADOW_ACTIVE;
    hw.vmcb.rip = hw.halt_rip = 0x1000;
    hw.is_halting = true;
    assert_true(svm_is_open(&hw, EVENT_INTERRUPT));
    hw.vmcb.rip = 0x1001;
    assert_false(svm_is_open(&hw, EVENT_INTERRUPT));
}

static void test_interrupt_window(void **state)
{
    (void)state;
    hw.vmcb.rflags = RFLAGS_FIXED;
    svm_want_window(v, EVENT_INTERRUPT);
    assert_true(hw.vmcb.vintr & VINTR_IRQ);
    assert_true(hw.vmcb.vintr & VINTR_IGNORE_TPR);
    assert_true(hw.vmcb.intercept_1 & INTERCEPT1_VINTR);
    assert_true(hw.vmcb.intercept_1 & INTERCEPT1_INTR);
    leave(SVM_EXIT_VINTR);
    assert_int_equal(svm_end_window(&hw), EXIT_WINDOW);
    assert_int_equal(hw.vmcb.vintr, 0);
    assert_false(hw.vmcb.intercept_1 & (INTERCEPT1_VINTR | INTERCEPT1_INTR));
}

/* Delivery, the IRET that exits, one step over it, and open again. */
static void test_nmi_handler(void **state)
{
    (void)state;
    svm_begin_nmi(&hw);
    assert_false(svm_is_open(&hw, EVENT_NMI));
    assert_true(hw.vmcb.intercept_1 & INTERCEPT1_IRET);
    svm_want_window(v, EVENT_NMI); /* a second one: its turn comes with the first one's IRET */
    assert_int_equal(v->hw_work, 0);

    leave(SVM_EXIT_IRET);
    assert_int_equal(svm_end_window(&hw), EXIT_STEP);
    assert_false(hw.vmcb.intercept_1 & INTERCEPT1_IRET);
    assert_true(hw.vmcb.rflags & RFLAGS_TF);
    assert_false(svm_is_open(&hw, EVENT_NMI));

    leave(SVM_EXIT_EXCEPTION_DB);
    hw.vmcb.rflags = RFLAGS_FIXED; /* as IRET has loaded them */
    hw.vmcb.dr6 = SINGLE_STEP;
    assert_true(svm_ends_step(v));
    assert_true(svm_is_open(&hw, EVENT_NMI));
    assert_int_equal(hw.vmcb.dr6, 0);
    assert_false(svm_ends_step(v)); /* the next #DB is the guest's */
}

/* The interrupted code single-steps itself: IRET has loaded its TF, which stays. */
static void test_iret_to_stepping_code(void **state)
{
    (void)state;
    svm_begin_nmi(&hw);
    leave(SVM_EXIT_IRET);
    (void)svm_end_window(&hw);
    leave(SVM_EXIT_EXCEPTION_DB);
    hw.vmcb.rflags = RFLAGS_FIXED | RFLAGS_TF;
    hw.vmcb.dr6 = SINGLE_STEP;
    assert_true(svm_ends_step(v));
    assert_true(hw.vmcb.rflags & RFLAGS_TF);
}

/* The handler single-steps itself: its trap behind IRET is its own, and what waited comes next. */
static void test_handler_that_steps(void **state)
{
    (void)state;
    svm_begin_nmi(&hw);
    hw.vmcb.rflags |= RFLAGS_TF;
    leave(SVM_EXIT_IRET);
    (void)svm_end_window(&hw);
    leave(SVM_EXIT_EXCEPTION_DB);
    hw.vmcb.dr6 = SINGLE_STEP;
    assert_false(svm_ends_step(v));
    assert_int_equal(hw.vmcb.dr6, SINGLE_STEP);
    assert_int_equal(v->hw_work, WORK_NUDGE);
    assert_true(svm_is_open(&hw, EVENT_NMI));
}

/* A breakpoint on the IRET's way, say in the handler of a fault that it raised, ends no step. */
static void test_other_debug_exceptions(void **state)
{
    (void)state;
    svm_begin_nmi(&hw);
    leave(SVM_EXIT_IRET);
    (void)svm_end_window(&hw);
    leave(SVM_EXIT_EXCEPTION_DB);
    hw.vmcb.dr6 = 1;
    assert_false(svm_ends_step(v));
    leave(SVM_EXIT_EXCEPTION_AC);
    hw.vmcb.dr6 = SINGLE_STEP;
    assert_false(svm_ends_step(v));
    assert_false(svm_is_open(&hw, EVENT_NMI));
}

static void test_shadow(void **state)
{
    (void)state;
    hw.vmcb.interrupt_shadow = SHADOW_ACTIVE;
    svm_want_window(v, EVENT_NMI);
    assert_true(hw.vmcb.rflags & RFLAGS_TF);
    svm_want_window(v, EVENT_NMI); /* asked again before it is over: nothing more */
    hw.vmcb.interrupt_shadow = 0;
    leave(SVM_EXIT_EXCEPTION_DB);
    hw.vmcb.dr6 = SINGLE_STEP;
    assert_true(svm_ends_step(v));
    assert_false(hw.vmcb.rflags & RFLAGS_TF);
    assert_true(svm_is_open(&hw, EVENT_NMI));
}

/* The instruction in the shadow exits by itself: the step is over with it. */
static void test_shadow_over_an_exit(void **state)
{
    (void)state;
    assert_false(svm_ends_own_step(v));
    hw.vmcb.interrupt_shadow = SHADOW_ACTIVE;
    svm_want_window(v, EVENT_NMI);
    assert_true(svm_ends_own_step(v));
    assert_false(hw.vmcb.rflags & RFLAGS_TF);
    assert_int_equal(v->hw_work, WORK_NUDGE);
}

static void test_event_first(void **state)
{
    (void)state;
    hw.vmcb.event_inject = EVENT_VALID | EVENT_EXCEPTION << EVENT_TYPE_SHIFT | VECTOR_GP;
    svm_want_window(v, EVENT_NMI);
    assert_int_equal(v->hw_work, WORK_NUDGE);
    assert_false(hw.vmcb.rflags & RFLAGS_TF);
}

/* A debugger's step: by a trap that the guest does not see, with interrupts kept out. */
static void test_debugger_steps(void **state)
{
    (void)state;
    hw.vmcb.dr6 = 0x2;
    svm_debug_step(v, true);
    assert_true(hw.vmcb.rflags & RFLAGS_TF);
    assert_int_equal(hw.vmcb.interrupt_shadow, SHADOW_ACTIVE);
    leave(SVM_EXIT_EXCEPTION_DB);
    hw.vmcb.dr6 = SINGLE_STEP;
    assert_true(svm_ends_step(v));
    assert_false(hw.vmcb.rflags & RFLAGS_TF);
    assert_int_equal(hw.vmcb.dr6, 0x2);
    assert_int_equal(atomic_exchange(&v->kick, 0), VIRT_STEPPED);
    assert_false(svm_ends_step(v));

    hw.vmcb.rflags = RFLAGS_FIXED; /* there is nothing to keep out */
    hw.vmcb.interrupt_shadow = 0;
    svm_debug_step(v, true);
    assert_int_equal(hw.vmcb.interrupt_shadow, 0);
    svm_debug_step(v, false); /* somebody else stopped it first */
    assert_false(hw.vmcb.rflags & RFLAGS_TF);
    assert_false(svm_ends_step(v));
    assert_int_equal(v->kick, 0);
}

/* The guest steps itself: its trap goes to it, and the debugger hears of it too. */
static void test_debugger_steps_one_that_steps(void **state)
{
    (void)state;
    hw.vmcb.rflags |= RFLAGS_TF;
    svm_debug_step(v, true);
    svm_debug_step(v, false);
    assert_true(hw.vmcb.rflags & RFLAGS_TF);
    svm_debug_step(v, true);
    leave(SVM_EXIT_EXCEPTION_DB);
    hw.vmcb.dr6 = SINGLE_STEP;
    assert_false(svm_ends_step(v));
    assert_true(hw.vmcb.rflags & RFLAGS_TF);
    assert_int_equal(v->kick, VIRT_STEPPED);
}

/* ... over the IRET of an NMI's handler, and out of a shadow: one step is both. */
static void test_debugger_steps_with_others(void **state)
{
    (void)state;
    svm_begin_nmi(&hw);
    svm_debug_step(v, true);
    leave(SVM_EXIT_IRET);
    assert_int_equal(svm_end_window(&hw), EXIT_STEP);
    leave(SVM_EXIT_EXCEPTION_DB);
    hw.vmcb.rflags = RFLAGS_FIXED;
    hw.vmcb.dr6 = SINGLE_STEP;
    assert_true(svm_ends_step(v));
    assert_false(hw.in_nmi);
    assert_int_equal(atomic_exchange(&v->kick, 0), VIRT_STEPPED);

    hw.vmcb.interrupt_shadow = SHADOW_ACTIVE;
    svm_want_window(v, EVENT_NMI);
    svm_debug_step(v, true);
    svm_debug_step(v, false); /* the other goes on */
    assert_true(hw.vmcb.rflags & RFLAGS_TF);
    svm_debug_step(v, true);
    assert_true(svm_ends_own_step(v));
    assert_int_equal(v->kick, VIRT_STEPPED);
}

static void test_debugger_steps_over_halt(void **state)
{
    (void)state;
    assert_false(svm_ends_halt(v));
    hw.vmcb.rip = 0x1000;
    svm_debug_step(v, true);
    assert_true(hw.vmcb.intercept_1 & INTERCEPT1_HLT);
    hw.vmcb.cpl = 3; /* it will be a #GP */
    assert_false(svm_ends_halt(v));
    hw.vmcb.cpl = 0;
    assert_true(svm_ends_halt(v));
    assert_int_equal(hw.vmcb.rip, 0x1001);
    assert_int_equal(hw.vmcb.interrupt_shadow, 0);
    assert_int_equal(v->kick, VIRT_STEPPED);
}

static void test_debugger_writes(void **state)
{
    struct vcpu_state s = {.rip = 0x1000, .rflags = RFLAGS_FIXED, .dr7 = DR7_RESET | 2};

    (void)state;
    s.gpr[REG_RSP] = 0x7000;
    s.gpr[REG_RBX] = 5;
    hw.vmcb.rip = hw.halt_rip = 0x1000;
    hw.is_halting = true;
    hw.vmcb.dr6 = 0xf;
    svm_debug_drop(v, 2);
    assert_int_equal(hw.vmcb.dr6, 0xd);
    svm_debug_state(v, &s);
    assert_true(hw.is_halting);
    assert_int_equal(v->regs.gpr[REG_RBX], 5);
    assert_int_equal(hw.vmcb.rsp, 0x7000);
    assert_int_equal(hw.vmcb.dr7, DR7_RESET | 2);
    assert_int_equal(hw.vmcb.rflags, RFLAGS_FIXED);
    hw.vmcb.interrupt_shadow = SHADOW_ACTIVE;
    svm_want_window(v, EVENT_NMI);
    s.rip = 0x2000;
    svm_debug_state(v, &s);
    assert_int_equal(hw.vmcb.rip, 0x2000);
    assert_int_equal(hw.vmcb.interrupt_shadow, 0);
    assert_false(hw.is_halting);
    assert_int_equal(hw.vmcb.rflags, RFLAGS_FIXED | RFLAGS_TF); /* our trap stays */
}

/* Its delivery was cut short: it is not in service. */
static void test_cancelled(void **state)
{
    (void)state;
    svm_begin_nmi(&hw);
    svm_cancel_nmi(&hw);
    assert_true(svm_is_open(&hw, EVENT_NMI));
    assert_false(hw.vmcb.intercept_1 & INTERCEPT1_IRET);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(test_##name, fresh)
    const struct CMUnitTest tests[] = {
        TEST(open),
        TEST(open_at_halt),
        TEST(interrupt_window),
        TEST(nmi_handler),
        TEST(iret_to_stepping_code),
        TEST(handler_that_steps),
        TEST(other_debug_exceptions),
        TEST(shadow),
        TEST(shadow_over_an_exit),
        TEST(event_first),
        TEST(cancelled),
        TEST(debugger_steps),
        TEST(debugger_steps_one_that_steps),
        TEST(debugger_steps_with_others),
        TEST(debugger_steps_over_halt),
        TEST(debugger_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
