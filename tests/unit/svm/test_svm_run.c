/* SPDX-License-Identifier: MIT */
/* test_svm_run: what a stay leaves in the VMCB for the next one, where no emulator shows it. */
#include "svm/svm.h"

#include "recorder.h"

#include "svm/run.c"

static struct svm_vcpu hw;
static struct vcpu vcpu;
static uint64_t ends_by; /* the next stay */

struct svm_spec_plan svm_spec;

uint64_t svm_switch(struct vcpu *v, struct stay *stay)
{
    assert_ptr_equal(v, &vcpu);
    hw.vmcb.exit_code = ends_by;
    *stay = (struct stay){.rip = hw.vmcb.rip, .hw_rest = (uintptr_t)&hw};
    return ends_by;
}

static enum exit_kind kind_of(uint64_t code)
{
    struct stay stay;

    ends_by = code;
    svm_run(&vcpu, &stay);
    return stay.kind;
}

static int setup(void **state)
{
    (void)state;
    recorder_clear();
    hw = (struct svm_vcpu){0};
    vcpu = (struct vcpu){.hw = &hw};
    return 0;
}

/* It exits before the instruction, with a count that has come to 0: repeated so, it would exit for
 * ever. APM "Bus Lock Threshold" */
static void a_bus_lock_goes_on_once(void **state)
{
    (void)state;
    hw.vmcb.rip = 0x1000;
    assert_int_equal(kind_of(SVM_EXIT_BUS_LOCK), EXIT_BUS_LOCK);
    assert_int_equal(hw.vmcb.bus_lock_threshold, 1);
    assert_int_equal(hw.vmcb.rip, 0x1000);
    hw.vmcb.bus_lock_threshold = 0; /* the processor's doing */
    assert_int_equal(kind_of(SVM_EXIT_WBINVD), EXIT_CACHE);
    assert_int_equal(hw.vmcb.bus_lock_threshold, 0);
}

/* An interrupt on whose way into the guest the lock was made is not lost. */
static void a_bus_lock_during_delivery_keeps_the_event(void **state)
{
    (void)state;
    hw.vmcb.exit_int_info = svm_event(EVENT_INTERRUPT, 0x50);
    assert_int_equal(kind_of(SVM_EXIT_BUS_LOCK), EXIT_BUS_LOCK);
    assert_int_equal(hw.deferred, svm_event(EVENT_INTERRUPT, 0x50));
    assert_true(vcpu.hw_work & WORK_EVENT);
}

static void what_an_exit_says_as_numbers(void **state)
{
    uint64_t info[2];

    (void)state;
    hw.vmcb.exit_info_1 = 0x3f80011;
    hw.vmcb.exit_info_2 = 0x1234;
    svm_info(&vcpu, EXIT_PIO, info);
    assert_int_equal(info[0], 0x3f80011);
    assert_int_equal(info[1], 0);
    svm_info(&vcpu, EXIT_NESTED_FAULT, info);
    assert_int_equal(info[1], 0x1234);
    hw.vmcb.exit_code = SVM_EXIT_EXCEPTION_AC;
    svm_info(&vcpu, EXIT_EXCEPTION, info);
    assert_int_equal(info[1], VECTOR_AC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_bus_lock_goes_on_once, setup),
        cmocka_unit_test_setup(a_bus_lock_during_delivery_keeps_the_event, setup),
        cmocka_unit_test_setup(what_an_exit_says_as_numbers, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
