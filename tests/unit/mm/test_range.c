/* SPDX-License-Identifier: MIT */
/*
 * test_range: ranges at the ends of the address space, and lists against a map of single units.
 */
#include "mm/range.h"

#include "support.h"

#define TOP UINT64_MAX

static struct range range(uint64_t base, uint64_t size)
{
    return (struct range){.base = base, .size = size};
}

#define EXPECT_RANGE(r, b, s)            \
    do {                                 \
        struct range got = (r);          \
        assert_int_equal(got.base, (b)); \
        assert_int_equal(got.size, (s)); \
    } while (0)

static void test_valid(void **state)
{
    (void)state;
    assert_true(range_valid(range(0, 0)));
    assert_true(range_valid(range(TOP, 0)));
    assert_true(range_valid(range(0, TOP)));
    assert_true(range_valid(range(1, TOP))); /* ends at 2^64 */
    assert_true(range_valid(range(TOP, 1)));
    assert_false(range_valid(range(2, TOP)));
    assert_false(range_valid(range(TOP, 2)));
    assert_false(range_valid(range(TOP, TOP)));
}

static void test_contains(void **state)
{
    (void)state;
    assert_true(range_contains(range(10, 10), range(10, 10)));
    assert_true(range_contains(range(10, 10), range(19, 1)));
    assert_false(range_contains(range(10, 10), range(9, 1)));
    assert_false(range_contains(range(10, 10), range(9, 12)));
    assert_false(range_contains(range(10, 10), range(20, 1)));
    assert_false(range_contains(range(10, 10), range(11, 10)));
    assert_true(range_contains(range(10, 10), range(500, 0)));
    assert_true(range_contains(range(10, 0), range(500, 0)));
    assert_false(range_contains(range(10, 0), range(10, 1)));
    assert_true(range_contains(range(1, TOP), range(TOP, 1)));
    assert_false(range_contains(range(0, TOP), range(TOP, 1)));
    assert_false(range_contains(range(TOP, 1), range(1, TOP)));
}

static void test_overlaps(void **state)
{
    static const struct {
        struct range a, b;
        bool overlap;
        uint64_t base, size; /* of the common part */
    } rows[] = {
        {{10, 10}, {20, 10}, false, 0, 0},  {{10, 10}, {19, 10}, true, 19, 1},
        {{10, 10}, {12, 3}, true, 12, 3},   {{10, 10}, {0, 10}, false, 0, 0},
        {{10, 10}, {0, 11}, true, 10, 1},   {{10, 0}, {0, 100}, false, 0, 0},
        {{10, 0}, {10, 0}, false, 0, 0},    {{1, TOP}, {TOP, 1}, true, TOP, 1},
        {{0, TOP}, {TOP, 1}, false, 0, 0},  {{0, TOP}, {1, TOP}, true, 1, TOP - 1},
        {{TOP, 1}, {TOP, 1}, true, TOP, 1}, {{0, 1}, {TOP, 1}, false, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(range_overlaps(rows[i].a, rows[i].b), rows[i].overlap);
        assert_int_equal(range_overlaps(rows[i].b, rows[i].a), rows[i].overlap);
        EXPECT_RANGE(range_intersect(rows[i].a, rows[i].b), rows[i].base, rows[i].size);
        EXPECT_RANGE(range_intersect(rows[i].b, rows[i].a), rows[i].base, rows[i].size);
    }
}

static void test_fit(void **state)
{
    struct range out = range(1, 2);
    (void)state;
    assert_true(range_fit(range(0x1001, 0x2000), 0x1001, 0x1000, &out));
    EXPECT_RANGE(out, 0x2000, 0x1001);
    out = range(1, 2);
    assert_false(range_fit(range(0x1001, 0x2000), 0x1002, 0x1000, &out));
    EXPECT_RANGE(out, 1, 2);
    assert_true(range_fit(range(0x1001, 0x2000), 0x2000, 1, &out));
    EXPECT_RANGE(out, 0x1001, 0x2000);
    assert_true(range_fit(range(0, TOP), TOP, 1, &out));
    assert_true(range_fit(range(UINT64_C(1) << 63, UINT64_C(1) << 63), UINT64_C(1) << 63,
                          UINT64_C(1) << 63, &out));
    assert_false(range_fit(range((UINT64_C(1) << 63) + 1, 100), 1, UINT64_C(1) << 63, &out));
    assert_false(range_fit(range(0x1001, 0x10), 1, 0x1000, &out)); /* the place is behind it */
    assert_false(range_fit(range(0x1000, 0), 1, 0x1000, &out));
}

static void test_fit_asserts(void **state)
{
    struct range out;
    static bool found = true;
    (void)state;
    expect_assert_failure(found = range_fit(range(0, 100), 0, 1, &out));
    expect_assert_failure(found = range_fit(range(0, 100), 1, 3, &out));
    expect_assert_failure(found = range_fit(range(0, 100), 1, 0, &out));
    assert_true(found);
}

/* ---------------------------------------------------------------------- lists */

#define ROWS 6

static struct range rows[ROWS + 1];
static struct range_list list;

static void list_is(uint32_t count, ...)
{
    va_list args;
    va_start(args, count);
    assert_int_equal(list.count, count);
    for (uint32_t i = 0; i < count; i++) {
        struct range want = va_arg(args, struct range);
        EXPECT_RANGE(list.rows[i], want.base, want.size);
    }
    va_end(args);
}

static int setup(void **state)
{
    (void)state;
    list = (struct range_list){.count = 0, .max = ROWS, .rows = rows};
    rows[ROWS] = range(0x55, 0xaa);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return rows[ROWS].base == 0x55 && rows[ROWS].size == 0xaa ? 0 : -1;
}

static void test_add(void **state)
{
    (void)state;
    assert_true(range_list_add(&list, range(50, 0)));
    list_is(0);
    assert_true(range_list_add(&list, range(50, 10)));
    assert_true(range_list_add(&list, range(10, 10)));
    assert_true(range_list_add(&list, range(90, 10)));
    list_is(3, range(10, 10), range(50, 10), range(90, 10));
    assert_true(range_list_add(&list, range(20, 5)));  /* touches the row before */
    assert_true(range_list_add(&list, range(80, 10))); /* touches the row behind */
    list_is(3, range(10, 15), range(50, 10), range(80, 20));
    assert_true(range_list_add(&list, range(60, 20))); /* touches both */
    list_is(2, range(10, 15), range(50, 50));
    assert_true(range_list_add(&list, range(0, 10)));
    assert_true(range_list_add(&list, range(TOP, 1)));
    list_is(3, range(0, 25), range(50, 50), range(TOP, 1));
    assert_true(range_list_add(&list, range(100, TOP - 100)));
    list_is(2, range(0, 25), range(50, TOP - 49));
}

static void test_add_refused(void **state)
{
    (void)state;
    assert_true(range_list_add(&list, range(10, 10)));
    assert_false(range_list_add(&list, range(19, 1)));
    assert_false(range_list_add(&list, range(19, 5)));
    assert_false(range_list_add(&list, range(5, 6)));
    assert_false(range_list_add(&list, range(0, 100)));
    assert_false(range_list_add(&list, range(12, 2)));
    list_is(1, range(10, 10));
    for (uint64_t i = 1; i < ROWS; i++)
        assert_true(range_list_add(&list, range(10 + 20 * i, 10)));
    assert_false(range_list_add(&list, range(2, 3)));
    assert_false(range_list_add(&list, range(500, 3)));
    assert_int_equal(list.count, ROWS);
    assert_true(range_list_add(&list, range(20, 10))); /* full, but this merges two */
    assert_int_equal(list.count, ROWS - 1);
}

static void test_add_whole_space(void **state)
{
    (void)state;
    assert_true(range_list_add(&list, range(0, UINT64_C(1) << 63)));
    assert_false(range_list_add(&list, range(UINT64_C(1) << 63, UINT64_C(1) << 63)));
    list_is(1, range(0, UINT64_C(1) << 63));
    list.count = 0;
    assert_true(range_list_add(&list, range(TOP, 1)));
    assert_false(range_list_add(&list, range(0, TOP)));
    list.count = 0;
    assert_true(range_list_add(&list, range(0, 1)));
    assert_true(range_list_add(&list, range(TOP, 1)));
    assert_false(range_list_add(&list, range(1, TOP - 1)));
    list_is(2, range(0, 1), range(TOP, 1));
}

static void test_remove(void **state)
{
    (void)state;
    assert_true(range_list_remove(&list, range(0, TOP)));
    assert_true(range_list_add(&list, range(10, 90)));
    assert_true(range_list_remove(&list, range(50, 0)));
    assert_true(range_list_remove(&list, range(0, 10)));
    assert_true(range_list_remove(&list, range(100, 10)));
    list_is(1, range(10, 90));
    assert_true(range_list_remove(&list, range(50, 10)));
    list_is(2, range(10, 40), range(60, 40));
    assert_true(range_list_remove(&list, range(5, 10)));
    assert_true(range_list_remove(&list, range(95, 10)));
    list_is(2, range(15, 35), range(60, 35));
    assert_true(range_list_remove(&list, range(40, 30)));
    list_is(2, range(15, 25), range(70, 25));
    assert_true(range_list_remove(&list, range(15, 25)));
    list_is(1, range(70, 25));
    assert_true(range_list_remove(&list, range(0, TOP)));
    list_is(0);
    assert_true(range_list_add(&list, range(1, TOP)));
    assert_true(range_list_remove(&list, range(TOP, 1)));
    list_is(1, range(1, TOP - 1));
}

static void test_remove_across_rows(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 4; i++)
        assert_true(range_list_add(&list, range(100 * i, 50)));
    assert_true(range_list_remove(&list, range(120, 200)));
    list_is(3, range(0, 50), range(100, 20), range(320, 30));
    assert_true(range_list_remove(&list, range(50, 50))); /* a gap */
    list_is(3, range(0, 50), range(100, 20), range(320, 30));
}

static void test_remove_refused(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < ROWS; i++)
        assert_true(range_list_add(&list, range(100 * i, 50)));
    assert_false(range_list_remove(&list, range(110, 10)));
    assert_int_equal(list.count, ROWS);
    EXPECT_RANGE(list.rows[1], 100, 50);
    assert_true(range_list_remove(&list, range(100, 10))); /* no more rows than before */
    EXPECT_RANGE(list.rows[1], 110, 40);
}

/* The list against a map of bytes, by thousands of random operations. */
#define UNITS 40

static bool map_free(const bool *map, uint64_t base, uint64_t size)
{
    for (uint64_t i = base; i < base + size; i++)
        if (map[i])
            return false;
    return true;
}

static uint32_t map_to_rows(const bool *map, struct range *out)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < UNITS; i++) {
        if (!map[i])
            continue;
        if (i > 0 && map[i - 1])
            out[count - 1].size++;
        else
            out[count++] = range(i, 1);
    }
    return count;
}

static void test_random(void **state)
{
    bool map[UNITS] = {false};
    uint64_t seed = 1;
    (void)state;
    for (uint32_t round = 0; round < 100000; round++) {
        uint64_t base = random_next(&seed) % UNITS;
        uint64_t size = random_next(&seed) % (UNITS - base + 1);
        bool add = random_next(&seed) % 2;
        bool next[UNITS];
        struct range want[UNITS];
        memcpy(next, map, sizeof(map));
        for (uint64_t i = base; i < base + size; i++)
            next[i] = add;
        uint32_t count = map_to_rows(next, want);
        bool possible = count <= ROWS && (!add || map_free(map, base, size));
        bool done = add ? range_list_add(&list, range(base, size))
                        : range_list_remove(&list, range(base, size));
        assert_int_equal(done, possible);
        if (done)
            memcpy(map, next, sizeof(map));
        count = map_to_rows(map, want);
        assert_int_equal(list.count, count);
        assert_memory_equal(list.rows, want, count * sizeof(want[0]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_contains),
        cmocka_unit_test(test_overlaps),
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_fit_asserts),
        cmocka_unit_test_setup_teardown(test_add, setup, teardown),
        cmocka_unit_test_setup_teardown(test_add_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_add_whole_space, setup, teardown),
        cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
        cmocka_unit_test_setup_teardown(test_remove_across_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_remove_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
