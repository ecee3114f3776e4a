/* SPDX-License-Identifier: MIT */
/*
 * test_vtd_table: entries bit by bit as the specification draws them, what must never be written,
 * and a walk.
 */
#include "drivers/iommu/vtd_table.h"

#include "support.h"

#include "lib/bits.h"

#include "tests/unit/drivers/iommu/iommu_table.h"

static void bits(void **state)
{
    static const struct leaf_case cases[] = {
        {0, 1, PT_R, 0x1},
        {0xabc000, 1, PT_R | PT_W, 0xabc003},
        {0x40200000, 2, PT_R | PT_W, 0x40200083},
        {0xfffffc0000000, 3, PT_R, 0xfffffc0000081},
    };
    (void)state;
    check_leaves(&vtd_format, cases, ARRAY_SIZE(cases));
    for (uint32_t level = 2; level <= 4; level++) {
        const uint64_t e = vtd_format.make_table(hpa(0xabcde000), level);
        assert_int_equal(e, 0xabcde003);
        assert_false(vtd_format.is_leaf(e, level));
    }
    assert_false(vtd_format.is_leaf(BIT64(7) | 3, 4)); /* there is no leaf of 512 GiB */
    assert_false(vtd_format.is_present(~UINT64_C(3)));
}

static void refused(void **state)
{
    (void)state;
    check_refused(&vtd_format);
}

static void walk(void **state)
{
    (void)state;
    check_walk(&vtd_format);
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
