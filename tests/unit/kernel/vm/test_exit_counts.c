/* SPDX-License-Identifier: MIT */
/*
 * test_exit_counts: the exits of all vCPUs in one line, kinds that did not happen left out.
 */
#include "kernel/vm/exit_counts.h"

#include "kernel/vm/vm.h"
#include "support.h"

static struct vcpu_soft softs[2];
static struct vcpu vcpus[2] = {{.soft = &softs[0]}, {.soft = &softs[1]}};
static struct vm vm = {.vcpu_count = 2, .vcpus = vcpus};

static void exits_are_summed(void **state)
{
    char line[160];

    (void)state;
    exit_counts_report(&vm, line, sizeof(line));
    assert_string_equal(line, "0 exits");
    softs[0].stats.trace.exits[EXIT_CPUID] = 1;
    exit_counts_report(&vm, line, sizeof(line));
    assert_string_equal(line, "1 exit: 1 cpuid");
    softs[0].stats.trace.exits[EXIT_CPUID] = 3;
    softs[1].stats.trace.exits[EXIT_CPUID] = 4;
    softs[1].stats.trace.exits[EXIT_KICK] = 1;
    exit_counts_report(&vm, line, sizeof(line));
    assert_string_equal(line, "8 exits: 7 cpuid, 1 kick");
}

static void a_long_line_is_cut(void **state)
{
    char line[32];

    (void)state;
    for (uint32_t k = 0; k < EXIT_KIND_COUNT; k++)
        softs[0].stats.trace.exits[k] = UINT32_MAX;
    exit_counts_report(&vm, line, sizeof(line));
    assert_int_equal(strlen(line), sizeof(line) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exits_are_summed),
        cmocka_unit_test(a_long_line_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
