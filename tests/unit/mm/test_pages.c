/* SPDX-License-Identifier: MIT */
/*
 * test_pages: runs are zeroed, aligned, inside the pool and never handed out twice; a request that
 * cannot be met costs nothing; after the seal there are none.
 */
#include "mm/pages.h"

#include "support.h"

#include "lib/bits.h"

#define POOL_PAGES 512

static uint8_t *pool_bytes;

static void pool_make(struct pages *p, uint64_t pages)
{
    memset(pool_bytes, 0xa5, POOL_PAGES * PAGE_SIZE); /* what the firmware left */
    struct range pool = {.base = (uintptr_t)pool_bytes, .size = pages * PAGE_SIZE};
    pages_init(p, pool);
}

static void assert_zero(const uint8_t *bytes, uint64_t size)
{
    static const struct page zero;
    for (uint64_t at = 0; at < size; at += PAGE_SIZE)
        assert_memory_equal(bytes + at, &zero, PAGE_SIZE);
}

static void test_in_order(void **state)
{
    struct pages p;
    (void)state;
    pool_make(&p, 8);
    assert_int_equal(pages_left(&p), 8);
    for (uint64_t i = 0; i < 8; i++) {
        uint8_t *page = pages_get(&p, 1, PAGE_SIZE);
        assert_ptr_equal(page, pool_bytes + i * PAGE_SIZE);
        assert_zero(page, PAGE_SIZE);
        assert_int_equal(pages_left(&p), 7 - i);
    }
    assert_null(pages_get(&p, 1, PAGE_SIZE));
    assert_int_equal(pool_bytes[8 * PAGE_SIZE], 0xa5); /* nothing beyond the pool was touched */
}

static void test_refusal_costs_nothing(void **state)
{
    struct pages p;
    (void)state;
    pool_make(&p, 8);
    assert_null(pages_get(&p, 9, PAGE_SIZE));
    assert_null(pages_get(&p, UINT64_MAX, PAGE_SIZE));
    assert_null(pages_get(&p, UINT64_MAX / PAGE_SIZE + 1, PAGE_SIZE)); /* times 4096: wraps to 0 */
    assert_null(pages_get(&p, UINT64_MAX / PAGE_SIZE, PAGE_SIZE));
    assert_null(pages_get(&p, 1, BIT64(63)));
    assert_int_equal(pages_left(&p), 8);
    assert_ptr_equal(pages_get(&p, 8, PAGE_SIZE), pool_bytes);
    assert_int_equal(pages_left(&p), 0);
}

static void test_empty_pool(void **state)
{
    struct pages p;
    (void)state;
    pool_make(&p, 0);
    assert_int_equal(pages_left(&p), 0);
    assert_null(pages_get(&p, 1, PAGE_SIZE));
}

/* The pool may end at 2^64; its memory is not ours, so only what is refused can be asked for. */
static void test_pool_at_the_top(void **state)
{
    struct pages p;
    struct range pool = {.base = 0 - 4 * PAGE_SIZE, .size = 4 * PAGE_SIZE};
    (void)state;
    pages_init(&p, pool);
    assert_int_equal(pages_left(&p), 4);
    assert_null(pages_get(&p, 5, PAGE_SIZE));
    assert_null(pages_get(&p, 1, 8 * PAGE_SIZE));
    p.next += 4 * PAGE_SIZE; /* all used up */
    assert_int_equal(pages_left(&p), 0);
    assert_null(pages_get(&p, 1, PAGE_SIZE));
}

static void test_our_bugs(void **state)
{
    struct pages p;
    struct range at_zero = {.base = 0, .size = PAGE_SIZE};
    struct range crooked = {.base = PAGE_SIZE + 1, .size = PAGE_SIZE};
    struct range part = {.base = PAGE_SIZE, .size = PAGE_SIZE - 1};
    struct range wraps = {.base = 0 - PAGE_SIZE, .size = 2 * PAGE_SIZE};
    (void)state;
    expect_assert_failure(pages_init(&p, at_zero));
    expect_assert_failure(pages_init(&p, crooked));
    expect_assert_failure(pages_init(&p, part));
    expect_assert_failure(pages_init(&p, wraps));
    pool_make(&p, 8);
    expect_assert_failure((void)!pages_get(&p, 0, PAGE_SIZE));
    expect_assert_failure((void)!pages_get(&p, 1, PAGE_SIZE / 2));
    expect_assert_failure((void)!pages_get(&p, 1, 3 * PAGE_SIZE));
    expect_assert_failure((void)!pages_get(&p, 1, 0));
    assert_int_equal(pages_left(&p), 8);
    pages_seal(&p);
    expect_assert_failure((void)!pages_get(&p, 1, PAGE_SIZE));
    assert_int_equal(pages_left(&p), 8); /* can still be asked */
}

static void test_random_runs(void **state)
{
    uint64_t seed = 7;
    struct pages p;
    (void)state;
    for (int round = 0; round < 100; round++) {
        pool_make(&p, POOL_PAGES);
        uint64_t end = (uintptr_t)pool_bytes + POOL_PAGES * PAGE_SIZE;
        uint64_t low = (uintptr_t)pool_bytes;
        for (;;) {
            uint64_t count = 1 + random_next(&seed) % 24;
            uint64_t align = PAGE_SIZE << random_next(&seed) % 6;
            uint64_t want = (low + align - 1) / align * align;
            uint8_t *run = pages_get(&p, count, align);
            if (run == NULL) {
                assert_true(want + count * PAGE_SIZE > end);
                break;
            }
            assert_int_equal((uintptr_t)run, want); /* the first place that fits */
            assert_true(want + count * PAGE_SIZE <= end);
            assert_zero(run, count * PAGE_SIZE);
            memset(run, 0xff, count * PAGE_SIZE); /* a page handed out twice would not be zero */
            low = want + count * PAGE_SIZE;
            assert_int_equal(pages_left(&p), (end - low) / PAGE_SIZE);
        }
    }
}

/* From the other end, until both meet: nothing twice, nothing outside, all of it one range. */
static void test_constant_pages(void **state)
{
    struct pages p;
    (void)state;
    pool_make(&p, 8);
    assert_int_equal(pages_constant(&p).size, 0);
    assert_ptr_equal(pages_get_constant(&p, 2), pool_bytes + 6 * PAGE_SIZE);
    assert_zero(pool_bytes + 6 * PAGE_SIZE, 2 * PAGE_SIZE);
    assert_ptr_equal(pages_get(&p, 3, PAGE_SIZE), pool_bytes);
    assert_int_equal(pages_left(&p), 3);
    assert_null(pages_get_constant(&p, 4));
    assert_null(pages_get_constant(&p, UINT64_MAX));
    assert_null(pages_get(&p, 4, PAGE_SIZE));
    assert_ptr_equal(pages_get_constant(&p, 3), pool_bytes + 3 * PAGE_SIZE);
    assert_int_equal(pages_left(&p), 0);
    assert_null(pages_get(&p, 1, PAGE_SIZE));
    assert_null(pages_get_constant(&p, 1));
    assert_int_equal(pages_constant(&p).base, (uintptr_t)pool_bytes + 3 * PAGE_SIZE);
    assert_int_equal(pages_constant(&p).size, 5 * PAGE_SIZE);
    pages_seal(&p);
    expect_assert_failure((void)!pages_get_constant(&p, 1));
}

static int pool_allocate(void **state)
{
    (void)state;
    pool_bytes = aligned_alloc(PAGE_SIZE_2M, POOL_PAGES * PAGE_SIZE);
    return pool_bytes == NULL;
}

static int pool_free(void **state)
{
    (void)state;
    free(pool_bytes);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),       cmocka_unit_test(test_refusal_costs_nothing),
        cmocka_unit_test(test_empty_pool),     cmocka_unit_test(test_pool_at_the_top),
        cmocka_unit_test(test_our_bugs),       cmocka_unit_test(test_random_runs),
        cmocka_unit_test(test_constant_pages),
    };
    return cmocka_run_group_tests(tests, pool_allocate, pool_free);
}
