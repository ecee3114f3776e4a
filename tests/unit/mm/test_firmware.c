/* SPDX-License-Identifier: MIT */
/*
 * test_firmware: tables of every level are found where they lie; what leaves map is none, and
 * neither is what an entry that is not present names. What is mapped to itself is told.
 */
#include "mm/firmware.h"

#include "support.h"

#define PRESENT 1u
#define WRITE   2u
#define LEAF    0x80u
#define OTHER   (UINT64_C(1) << 63 | 0x7eu) /* XD and all low bits that are neither of the two */

enum { ROOT, DIRECTORY_POINTERS, DIRECTORY, TABLE, DATA, PAGES };

/* 4 KiB-aligned: the root with one chain of tables, each entry in another slot. */
static struct page *tables;

static uint64_t *entry(uint32_t table, uint32_t slot)
{
    return &((uint64_t *)&tables[table])[slot];
}

static uint64_t address(uint32_t page)
{
    return (uintptr_t)&tables[page];
}

static struct range range_of(uint32_t page)
{
    return (struct range){.base = address(page), .size = PAGE_SIZE};
}

static hpa_t root(void)
{
    return hpa(address(ROOT) | 0x18); /* CR3 has PWT and PCD in its low bits */
}

static int setup(void **state)
{
    (void)state;
    tables = aligned_alloc(PAGE_SIZE, PAGES * PAGE_SIZE);
    assert_non_null(tables);
    memset(tables, 0, PAGES * PAGE_SIZE);
    *entry(ROOT, 511) = address(DIRECTORY_POINTERS) | PRESENT | OTHER | LEAF; /* ignored there */
    *entry(DIRECTORY_POINTERS, 0) = address(DATA) | PRESENT | LEAF;
    *entry(DIRECTORY_POINTERS, 7) = address(DIRECTORY) | PRESENT | OTHER;
    *entry(DIRECTORY, 3) = address(DATA) | PRESENT | LEAF | OTHER;
    *entry(DIRECTORY, 4) = address(DATA); /* not present */
    *entry(DIRECTORY, 511) = address(TABLE) | PRESENT;
    *entry(TABLE, 1) = address(DATA) | PRESENT;
    *entry(TABLE, 2) = address(DATA) | PRESENT | LEAF; /* PAT at this level */
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(tables);
    return 0;
}

static void test_every_level(void **state)
{
    struct range found;
    (void)state;
    for (uint32_t page = ROOT; page <= TABLE; page++) {
        assert_true(firmware_table_in(root(), range_of(page), &found));
        assert_int_equal(found.base, address(page));
        assert_int_equal(found.size, PAGE_SIZE);
    }
}

static void test_data_is_no_table(void **state)
{
    struct range found;
    (void)state;
    assert_false(firmware_table_in(root(), range_of(DATA), &found));
    *entry(DIRECTORY, 4) |= PRESENT; /* now it is one */
    assert_true(firmware_table_in(root(), range_of(DATA), &found));
}

static void test_edges(void **state)
{
    struct range found;
    const uint64_t at = address(ROOT);
    (void)state;
    assert_false(firmware_table_in(root(), (struct range){at - PAGE_SIZE, PAGE_SIZE}, &found));
    assert_true(firmware_table_in(root(), (struct range){at - PAGE_SIZE, PAGE_SIZE + 1}, &found));
    assert_true(firmware_table_in(root(), (struct range){address(DATA) - 1, 1}, &found));
    assert_int_equal(found.base, address(TABLE));
    assert_false(firmware_table_in(root(), (struct range){at, 0}, &found));
}

/* Some firmware maps its tables by a slot that leads back to the root: that has an end, too. */
static void test_recursive_slot(void **state)
{
    struct range found;
    (void)state;
    *entry(ROOT, 510) = address(ROOT) | PRESENT | OTHER;
    for (uint32_t page = ROOT; page <= TABLE; page++)
        assert_true(firmware_table_in(root(), range_of(page), &found));
    assert_false(firmware_table_in(root(), range_of(DATA), &found));
}

static void map(uint32_t table, uint32_t slot, uint64_t value)
{
    *entry(table, slot) = value | PRESENT | WRITE;
}

/* The addresses 3 GiB and 3 GiB + 2 MiB as large pages, and of the next 2 MiB two small ones. */
#define MAPPED (3 * GIB)
static void map_some(void)
{
    memset(tables, 0, PAGES * PAGE_SIZE);
    map(ROOT, 0, address(DIRECTORY_POINTERS));
    map(DIRECTORY_POINTERS, 3, address(DIRECTORY));
    map(DIRECTORY, 0, MAPPED | LEAF);
    map(DIRECTORY, 1, (MAPPED + 2 * MIB) | LEAF);
    map(DIRECTORY, 2, address(TABLE));
    map(TABLE, 0, MAPPED + 4 * MIB);
    map(TABLE, 1, MAPPED + 4 * MIB + PAGE_SIZE);
}

static bool maps(uint64_t base, uint64_t size)
{
    return firmware_maps(root(), (struct range){base, size});
}

static void test_identity(void **state)
{
    const uint64_t all = 4 * MIB + 2 * PAGE_SIZE;
    (void)state;
    map_some();
    assert_true(maps(MAPPED, all));
    assert_true(maps(MAPPED + all - 1, 1));
    assert_false(maps(MAPPED, all + 1));
    assert_false(maps(MAPPED - 1, 2));
    assert_true(maps(MAPPED + 5, 2 * MIB));
    map(DIRECTORY, 1, (MAPPED + 6 * MIB) | LEAF); /* somewhere else */
    assert_false(maps(MAPPED, all));
    assert_true(maps(MAPPED, 2 * MIB));
    *entry(DIRECTORY, 0) &= ~(uint64_t)WRITE;
    assert_false(maps(MAPPED, 1));
    map(DIRECTORY_POINTERS, 4, 4 * GIB | LEAF);
    assert_true(maps(4 * GIB, GIB));
    assert_false(maps(4 * GIB, GIB + 1));
    assert_false(maps(UINT64_MAX - 1, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_level, setup, teardown),
        cmocka_unit_test_setup_teardown(test_data_is_no_table, setup, teardown),
        cmocka_unit_test_setup_teardown(test_edges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_recursive_slot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_identity, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
