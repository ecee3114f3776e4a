/* SPDX-License-Identifier: MIT */
/*
 * test_boot_memmap: memory descriptors of every unreasonable shape into the list that boot_info
 * promises. The reference is a small address space with one byte per page.
 */
#include "boot/ranges.h"

#include "support.h"

#include "boot/ranges.c" /* the loader's, so not among the sources every test has */

#define EDGES  (2 * 8192)
#define PAGES  64 /* of the reference */
#define ROUNDS 20000
#define TOP    (UINT64_C(1) << 52) /* page number just past the address space */

static struct ranges_edge edges[EDGES];
static struct boot_range out[EDGES];
static struct ranges r;
static size_t count;

static void start(void)
{
    r = (struct ranges){.edges = edges, .capacity = EDGES};
}

static void add(uint64_t first, uint64_t pages, enum boot_ram_kind kind)
{
    assert_true(ranges_add(&r, first * PAGE_SIZE, pages, kind));
}

/* Builds, and checks what boot_info.h promises of every list. */
static void finish(void)
{
    memset(out, 0x55, sizeof(out));
    count = ranges_build(&r, out);
    assert_true(count <= r.count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(out[i].base % PAGE_SIZE, 0);
        assert_int_equal(out[i].size % PAGE_SIZE, 0);
        assert_true(out[i].size > 0);
        assert_true(out[i].size <= UINT64_MAX - out[i].base);
        assert_in_range(out[i].kind, BOOT_RAM_FREE, BOOT_RAM_BAD);
        assert_int_equal(out[i].reserved, 0);
        if (i > 0) {
            uint64_t end = out[i - 1].base + out[i - 1].size;
            assert_true(end <= out[i].base);
            assert_true(end < out[i].base || out[i - 1].kind != out[i].kind);
        }
    }
}

static void is(size_t i, uint64_t first, uint64_t pages, enum boot_ram_kind kind)
{
    assert_true(i < count);
    assert_int_equal(out[i].base, first * PAGE_SIZE);
    assert_int_equal(out[i].size, pages * PAGE_SIZE);
    assert_int_equal(out[i].kind, kind);
}

static void test_empty(void **state)
{
    (void)state;
    start();
    finish();
    assert_int_equal(count, 0);
    add(5, 0, BOOT_RAM_BAD);
    add(TOP - 1, 0, BOOT_RAM_FREE);
    finish();
    assert_int_equal(count, 0);
}

static void test_sorted_and_merged(void **state)
{
    (void)state;
    start();
    add(9, 1, BOOT_RAM_FREE);
    add(7, 2, BOOT_RAM_FREE);
    add(0, 2, BOOT_RAM_ACPI);
    add(2, 3, BOOT_RAM_FREE);
    add(20, 1, BOOT_RAM_MMIO);
    finish();
    assert_int_equal(count, 4);
    is(0, 0, 2, BOOT_RAM_ACPI);
    is(1, 2, 3, BOOT_RAM_FREE);
    is(2, 7, 3, BOOT_RAM_FREE); /* 5 and 6 are a gap */
    is(3, 20, 1, BOOT_RAM_MMIO);
}

static void test_overlay(void **state)
{
    (void)state;
    start();
    add(0x100, 0x100, BOOT_RAM_FREE);
    add(0x110, 1, BOOT_RAM_LOADER);
    add(0x120, 8, BOOT_RAM_LOADER);
    add(0x128, 8, BOOT_RAM_LOADER); /* one run after the other */
    add(0x1ff, 1, BOOT_RAM_LOADER); /* up to the end */
    finish();
    assert_int_equal(count, 6);
    is(0, 0x100, 0x10, BOOT_RAM_FREE);
    is(1, 0x110, 1, BOOT_RAM_LOADER);
    is(2, 0x111, 0xf, BOOT_RAM_FREE);
    is(3, 0x120, 0x10, BOOT_RAM_LOADER);
    is(4, 0x130, 0xcf, BOOT_RAM_FREE);
    is(5, 0x1ff, 1, BOOT_RAM_LOADER);
}

/* abuse: BU-02 */
static void test_restrictive_wins(void **state)
{
    (void)state;
    for (unsigned a = BOOT_RAM_FREE; a <= BOOT_RAM_BAD; a++) {
        for (unsigned b = BOOT_RAM_FREE; b <= BOOT_RAM_BAD; b++) {
            start();
            add(0, 2, a);
            add(1, 2, b);
            finish();
            if (a == b) {
                assert_int_equal(count, 1);
                is(0, 0, 3, a);
                continue;
            }
            assert_int_equal(count, 2);
            is(0, 0, a > b ? 2 : 1, a);
            is(1, a > b ? 2 : 1, a > b ? 1 : 2, b);
        }
    }
}

/* abuse: BU-02 */
static void test_wrapping(void **state)
{
    (void)state;
    start();
    add(TOP - 4, 5, BOOT_RAM_FREE); /* a lie: dropped */
    add(1, UINT64_MAX, BOOT_RAM_FREE);
    finish();
    assert_int_equal(count, 0);
    start();
    add(TOP - 4, UINT64_MAX, BOOT_RAM_MMIO); /* cut, and without the very last page */
    finish();
    assert_int_equal(count, 1);
    is(0, TOP - 4, 3, BOOT_RAM_MMIO);
    start();
    add(0, TOP, BOOT_RAM_FREE); /* all there is: does not wrap */
    add(TOP - 1, 1, BOOT_RAM_BAD);
    finish();
    assert_int_equal(count, 1);
    is(0, 0, TOP - 1, BOOT_RAM_FREE);
}

static void test_unaligned(void **state)
{
    (void)state;
    start();
    assert_true(ranges_add(&r, 0x1001, 3, BOOT_RAM_FREE));      /* 0x1001 to 0x4001: inwards */
    assert_true(ranges_add(&r, 0x9fff, 1, BOOT_RAM_FREE));      /* holds no whole page */
    assert_true(ranges_add(&r, 0x20fff, 1, BOOT_RAM_FIRMWARE)); /* outwards */
    finish();
    assert_int_equal(count, 2);
    is(0, 2, 2, BOOT_RAM_FREE);
    is(1, 0x20, 2, BOOT_RAM_FIRMWARE);
    start();
    assert_true(ranges_add(&r, UINT64_MAX, 1, BOOT_RAM_FREE));
    assert_true(ranges_add(&r, UINT64_MAX, UINT64_MAX, BOOT_RAM_BAD));
    assert_true(ranges_add(&r, UINT64_MAX - PAGE_SIZE, 1, BOOT_RAM_BAD)); /* to 2^64 - 1 */
    finish();
    assert_int_equal(count, 1);
    is(0, TOP - 2, 1, BOOT_RAM_BAD);
    start();
    assert_true(ranges_add(&r, UINT64_MAX - 2 * PAGE_SIZE, 3, BOOT_RAM_FREE)); /* wraps: dropped */
    finish();
    assert_int_equal(count, 0);
}

static void test_refused(void **state)
{
    (void)state;
    start();
    assert_false(ranges_add(&r, 0, 1, 0));
    assert_false(ranges_add(&r, 0, 1, BOOT_RAM_BAD + 1));
    r.capacity = 5; /* two descriptors and half a one */
    assert_true(ranges_add(&r, 0, 1, BOOT_RAM_FREE));
    assert_true(ranges_add(&r, 0, 2, BOOT_RAM_FREE));
    assert_false(ranges_add(&r, 0, 3, BOOT_RAM_FREE));
    assert_true(ranges_add(&r, 0, 0, BOOT_RAM_FREE)); /* nothing needs no room */
    finish();
    assert_int_equal(count, 1);
    is(0, 0, 2, BOOT_RAM_FREE);
}

static void test_thousands(void **state)
{
    (void)state;
    start();
    for (uint64_t i = 0; i < EDGES / 2; i++) /* backwards, with gaps: nothing merges */
        add(2 * (EDGES - i), 1, BOOT_RAM_FREE);
    finish();
    assert_int_equal(count, EDGES / 2);
    start();
    for (uint64_t i = 0; i < EDGES / 2; i++) /* one inside the other, alternating kinds */
        add(i, 2 * EDGES - 2 * i, i % 2 == 0 ? BOOT_RAM_FREE : BOOT_RAM_LOADER);
    finish();
    assert_int_equal(count, 3);
    start();
    for (uint64_t i = 0; i < EDGES / 2; i++) /* the worst case: a page in every second place */
        add(i == 0 ? 0 : 2 * i, i == 0 ? 2 * EDGES : 1, i == 0 ? BOOT_RAM_FREE : BOOT_RAM_BAD);
    finish();
    assert_int_equal(count, EDGES - 1);
}

/* Random descriptors against a map with one byte per page. */
static void test_random(void **state)
{
    uint64_t seed = 7;
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint8_t want[PAGES] = {0};
        uint8_t have[PAGES] = {0};

        start();
        for (uint64_t n = random_next(&seed) % 24; n > 0; n--) {
            uint64_t first = random_next(&seed) % PAGES;
            uint64_t pages = random_next(&seed) % (PAGES - first + 1);
            uint8_t kind = (uint8_t)(random_next(&seed) % BOOT_RAM_BAD + 1);

            if (random_next(&seed) % 2 == 0)
                pages %= 5;
            add(first, pages, kind);
            for (uint64_t i = first; i < first + pages; i++)
                want[i] = kind > want[i] ? kind : want[i];
        }
        finish();
        for (size_t i = 0; i < count; i++) {
            assert_true(out[i].base + out[i].size <= PAGES * PAGE_SIZE);
            memset(have + out[i].base / PAGE_SIZE, (int)out[i].kind, out[i].size / PAGE_SIZE);
        }
        assert_memory_equal(have, want, PAGES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),    cmocka_unit_test(test_sorted_and_merged),
        cmocka_unit_test(test_overlay),  cmocka_unit_test(test_restrictive_wins),
        cmocka_unit_test(test_wrapping), cmocka_unit_test(test_unaligned),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_thousands),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
