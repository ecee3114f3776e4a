/* SPDX-License-Identifier: MIT */
/* test_machine_reset: which register of the tables a reset writes, and that it writes no other. */
#include "kernel/core/machine_reset.h"

#include "recorder.h"

#include "kernel/core/machine_reset.c"

static uint8_t reset_register;

static int setup(void **state)
{
    (void)state;
    recorder_clear();
    reset_port = 0;
    reset_memory = hpa(0);
    reset_register = 0;
    return 0;
}

static void by_a_port(void **state)
{
    const struct acpi_info acpi = {.has_reset = true, .reset_port = 0xcf9, .reset_value = 0x0e};

    (void)state;
    machine_reset_init(&acpi);
    machine_reset_by_acpi();
    assert_int_equal(recorder.write_count, 1);
    assert_true(recorder_has(WRITE_PORT, 0xcf9, 0x0e));
}

static void by_a_byte_of_memory(void **state)
{
    const struct acpi_info acpi = {
        .has_reset = true, .reset_memory = hpa((uintptr_t)&reset_register), .reset_value = 0x0e};

    (void)state;
    machine_reset_init(&acpi);
    machine_reset_by_acpi();
    assert_int_equal(recorder.write_count, 0);
    assert_int_equal(reset_register, 0x0e);
}

/* Tables that have one and do not support it, or whose register was found to be memory. */
static void by_none(void **state)
{
    const struct acpi_info acpi = {.reset_memory = hpa((uintptr_t)&reset_register),
                                   .reset_value = 0x0e};

    (void)state;
    machine_reset_init(&acpi);
    machine_reset_by_acpi();
    assert_int_equal(recorder.write_count, 0);
    assert_int_equal(reset_register, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(by_a_port, setup),
        cmocka_unit_test_setup(by_a_byte_of_memory, setup),
        cmocka_unit_test_setup(by_none, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
