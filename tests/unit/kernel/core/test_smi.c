/* SPDX-License-Identifier: MIT */
/* test_smi: a core that counts its SMIs, and cores that do not. */
#include "kernel/core/smi.h"

#include "recorder.h"

#include "kernel/core/smi.c"

static struct smi_count count;

static int setup(void **state)
{
    (void)state;
    recorder_clear();
    count = (struct smi_count){0};
    return 0;
}

static void they_count_from_the_beginning(void **state)
{
    (void)state;
    recorder_put_vendor(GENUINE_INTEL, 7);
    recorder_put_msr(MSR_SMI_COUNT, 1000);
    smi_begin(&count);
    assert_true(count.is_there);
    assert_int_equal(count.before, 1000);
    assert_int_equal(atomic_load(&count.seen), 0);
    recorder_put_msr(MSR_SMI_COUNT, 1003);
    smi_look(&count);
    assert_int_equal(atomic_load(&count.seen), 3);
}

static void the_register_has_32_bits(void **state)
{
    (void)state;
    recorder_put_vendor(GENUINE_INTEL, 7);
    recorder_put_msr(MSR_SMI_COUNT, 0xfffffffe);
    smi_begin(&count);
    recorder_put_msr(MSR_SMI_COUNT, 5);
    smi_look(&count);
    assert_int_equal(atomic_load(&count.seen), 7);
}

/* A model without it, or a hypervisor below: #GP. */
static void without_the_register_nothing_is_said(void **state)
{
    (void)state;
    recorder_put_vendor(GENUINE_INTEL, 7);
    smi_begin(&count);
    smi_look(&count);
    assert_false(count.is_there);
    assert_int_equal(atomic_load(&count.seen), 0);
}

/* There the number may be another register's. */
static void amd_is_not_asked(void **state)
{
    (void)state;
    recorder_put_vendor(AUTHENTIC_AMD, 7);
    recorder_put_msr(MSR_SMI_COUNT, 1000);
    smi_begin(&count);
    assert_false(count.is_there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(they_count_from_the_beginning, setup),
        cmocka_unit_test_setup(the_register_has_32_bits, setup),
        cmocka_unit_test_setup(without_the_register_nothing_is_said, setup),
        cmocka_unit_test_setup(amd_is_not_asked, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
