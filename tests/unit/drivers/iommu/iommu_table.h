/* SPDX-License-Identifier: MIT */
/*
 * iommu_table: what tests of an IOMMU's table format have in common.
 */
#pragma once

#include "support.h"

#include "tests/unit/pagetable_look.h"

struct leaf_case {
    uint64_t address;
    uint32_t level, rights;
    uint64_t want;
};

static void check_leaves(const struct pt_format *f, const struct leaf_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct leaf_case *c = &cases[i];
        const uint64_t e = f->make_leaf(hpa(c->address), c->level, c->rights, PT_WRITE_BACK);
        assert_int_equal(e, c->want);
        assert_true(f->is_present(e) && f->is_leaf(e, c->level));
        assert_int_equal(f->address(e, c->level).v, c->address);
        assert_int_equal(f->rights(e), c->rights);
    }
    assert_false(f->is_present(0));
}

static void check_refused(const struct pt_format *f)
{
    expect_assert_failure(f->make_leaf(hpa(0), 1, 0, PT_WRITE_BACK));
    expect_assert_failure(f->make_leaf(hpa(0), 1, PT_W, PT_WRITE_BACK));
    expect_assert_failure(f->make_leaf(hpa(0), 1, PT_R | PT_X, PT_WRITE_BACK));
    expect_assert_failure(f->make_leaf(hpa(0), 1, PT_R, PT_UNCACHED));
    expect_assert_failure(f->make_leaf(hpa(0), 0, PT_R, PT_WRITE_BACK));
    expect_assert_failure(f->make_leaf(hpa(0), 4, PT_R, PT_WRITE_BACK));
    expect_assert_failure(f->make_leaf(hpa(0x1000), 2, PT_R, PT_WRITE_BACK));
    expect_assert_failure(f->make_leaf(hpa(0x200000), 3, PT_R, PT_WRITE_BACK));
    expect_assert_failure(f->make_leaf(hpa(PT_OUTPUT_MAX), 1, PT_R, PT_WRITE_BACK));
    expect_assert_failure(f->make_table(hpa(0x800), 2));
    expect_assert_failure(f->make_table(hpa(PT_OUTPUT_MAX), 2));
}

/* A large leaf and a small one, and what is not mapped. */
static void check_walk(const struct pt_format *f)
{
    void *bytes = aligned_alloc(PAGE_SIZE, 16 * PAGE_SIZE);
    struct pages pages;
    struct pagetable pt;
    struct pt_leaf leaf;

    assert_non_null(bytes);
    pages_init(&pages, (struct range){(uintptr_t)bytes, 16 * PAGE_SIZE});
    assert_int_equal(pt_create(&pt, f, 3, &pages), OK);
    assert_int_equal(
        pt_map(&pt, 0, hpa(4 * GIB), PAGE_SIZE_2M + PAGE_SIZE, PT_R | PT_W, PT_WRITE_BACK), OK);
    assert_int_equal(pt_map(&pt, 8 * GIB, hpa(8 * GIB), PAGE_SIZE, PT_R, PT_WRITE_BACK), OK);
    assert_true(pt_look(&pt, 0, &leaf));
    assert_int_equal(leaf.size, PAGE_SIZE_2M);
    assert_int_equal(leaf.rights, PT_R | PT_W);
    assert_true(pt_look(&pt, PAGE_SIZE_2M, &leaf));
    assert_int_equal(leaf.address.v, 4 * GIB + PAGE_SIZE_2M);
    assert_false(pt_look(&pt, PAGE_SIZE_2M + PAGE_SIZE, &leaf));
    assert_true(pt_look(&pt, 8 * GIB, &leaf));
    assert_int_equal(leaf.rights, PT_R);
    free(bytes);
}
