/* SPDX-License-Identifier: MIT */
/* test_machine_lines: what is kept of the boot log, and which part of it is shown again. */
#include "kernel/core/machine_lines.h"

#include "support.h"

static void lines_are_kept_in_two_parts(void **state)
{
    (void)state;
    lines_clear();
    machine_lines_say("processor: %s", "one");
    machine_lines_say(MACHINE_LINE_PCI "00:00.0 %x", 0x8086);
    machine_lines_say("memory");
    assert_int_equal(lines_count(), 3); /* they are said, too */
    lines_clear();
    machine_lines_show(false, log_line);
    assert_int_equal(lines_count(), 2);
    assert_string_equal(lines_last(1), "processor: one");
    assert_string_equal(lines_last(0), "memory");
    lines_clear();
    machine_lines_show(true, log_line);
    assert_int_equal(lines_count(), 1);
    assert_string_equal(lines_last(0), "pci 00:00.0 8086");
}

/* The last one that was kept is whole, and whoever looks learns that others are not there. */
static void too_many_are_told(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 10000; i++)
        machine_lines_say("line %u", i);
    lines_clear();
    machine_lines_show(false, log_line);
    assert_string_equal(lines_last(0), "the rest was not kept: see the boot log");
    assert_memory_equal(lines_last(1), "line ", 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_kept_in_two_parts),
        cmocka_unit_test(too_many_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
