/* SPDX-License-Identifier: MIT */
/*
 * test_facts: one core's CPUID, read as the policy asks, from a processor that has fewer leaves.
 */
#include "kernel/core/facts.h"

#include "recorder.h"

#include "vdev/vendor.h"

#include "kernel/core/facts.c"

static const char *difference;

const char *virt_core_differs(void)
{
    return difference;
}

static const struct cpuid_row *row_of(const struct core_facts *facts, uint32_t leaf)
{
    for (uint32_t i = 0; i < facts->cpuid.count; i++)
        if (facts->cpuid.rows[i].leaf == leaf)
            return &facts->cpuid.rows[i];
    fail();
    return NULL;
}

/* A leaf beyond the highest would be answered with the highest one's words. */
static void test_reads(void **state)
{
    struct core_facts facts = {.policy = &cpuid_intel, .cpuid = {.count = 7}};

    (void)state;
    recorder_clear();
    recorder_put_leaf(0, (struct cpuid_regs){.eax = 1, .ebx = 2});
    recorder_put_leaf(1, (struct cpuid_regs){.eax = 3, .edx = 4});
    recorder_put_leaf(7, (struct cpuid_regs){.ebx = 5});
    recorder_put_leaf(LEAF_EXTENDED, (struct cpuid_regs){.eax = LEAF_EXTENDED + 1});
    recorder_put_leaf(LEAF_EXTENDED + 1, (struct cpuid_regs){.edx = 6});
    recorder_put_leaf(LEAF_EXTENDED + 8, (struct cpuid_regs){.eax = 7});
    difference = "a word";
    facts_read(&facts);
    assert_string_equal(facts.differs, "a word");
    assert_int_equal(row_of(&facts, 0)->ebx, 2);
    assert_int_equal(row_of(&facts, 1)->edx, 4);
    assert_int_equal(row_of(&facts, 7)->ebx, 0);
    assert_int_equal(row_of(&facts, LEAF_EXTENDED + 1)->edx, 6);
    assert_int_equal(row_of(&facts, LEAF_EXTENDED + 8)->eax, 0);

    const uint32_t count = facts.cpuid.count;
    difference = NULL;
    facts_read(&facts); /* again, as after a core that fell silent */
    assert_int_equal(facts.cpuid.count, count);
    assert_null(facts.differs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
