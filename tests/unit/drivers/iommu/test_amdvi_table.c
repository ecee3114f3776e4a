/* SPDX-License-Identifier: MIT */
/*
 * test_amdvi_table: entries bit by bit as the specification draws them, what must never be written,
 * and a walk.
 */
#include "drivers/iommu/amdvi_table.h"

#include "support.h"

#include "lib/bits.h"

#include "tests/unit/drivers/iommu/iommu_table.h"

static void bits(void **state)
{
    static const struct leaf_case cases[] = {
        {0, 1, PT_R, 0x3000000000000001},
        {0xabc000, 1, PT_R | PT_W, 0x7000000000abc001},
        {0x40200000, 2, PT_R | PT_W, 0x7000000040200001},
        {0xfffffc0000000, 3, PT_R, 0x300fffffc0000001},
    };
    (void)state;
    check_leaves(&amdvi_format, cases, ARRAY_SIZE(cases));
    for (uint32_t level = 2; level <= 4; level++) { /* names the level that it leads to */
        const uint64_t e = amdvi_format.make_table(hpa(0xabcde000), level);
        assert_int_equal(e, 0x60000000abcde001 | (level - 1) << 9);
        assert_false(amdvi_format.is_leaf(e, level));
    }
    assert_false(amdvi_format.is_present(~UINT64_C(1)));
    expect_assert_failure(amdvi_format.make_table(hpa(0x1000), 1));
    expect_assert_failure(amdvi_format.make_table(hpa(0x1000), 5));
}

static void refused(void **state)
{
    (void)state;
    check_refused(&amdvi_format);
}

static void walk(void **state)
{
    (void)state;
    check_walk(&amdvi_format);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits),
        cmocka_unit_test(refused),
        cmocka_unit_test(walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
