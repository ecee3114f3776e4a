/* SPDX-License-Identifier: MIT */
/*
 * test_guest_map: rows stay in order whatever order they come in, RAM goes around the hole, and
 * every address is found in its row.
 */
#include "mm/guest_map.h"

#include "support.h"
#include "tests/unit/pagetable_look.h"
#include "vmx/ept.h"

#define POOL_PAGES 32

static struct guest_map map;

static int setup(void **state)
{
    (void)state;
    memset(&map, 0, sizeof(map));
    return 0;
}

static void expect_row(uint32_t i, uint64_t at, uint64_t to, uint64_t size, enum region_kind kind)
{
    assert_true(i < map.count);
    assert_int_equal(map.rows[i].at.v, at);
    assert_int_equal(map.rows[i].to.v, to);
    assert_int_equal(map.rows[i].size, size);
    assert_int_equal(map.rows[i].kind, kind);
}

static void test_ram(void **state)
{
    (void)state;
    guest_map_add_ram(&map, hpa(8 * GIB), 3 * GIB);
    assert_int_equal(map.count, 1);
    expect_row(0, 0, 8 * GIB, 3 * GIB, REGION_RAM);
    setup(NULL);
    guest_map_add_ram(&map, hpa(8 * GIB), 5 * GIB);
    assert_int_equal(map.count, 2);
    expect_row(0, 0, 8 * GIB, 3 * GIB, REGION_RAM);
    expect_row(1, 4 * GIB, 11 * GIB, 2 * GIB, REGION_RAM);
    assert_int_equal(map.rows[1].rights, PT_R | PT_W | PT_X);
    assert_int_equal(map.rows[1].type, PT_WRITE_BACK);
}

/* RAM in two rows, a device between them, shared memory after them. */
static void make_full(void)
{
    setup(NULL);
    guest_map_add(&map, (struct guest_region){gpa(6 * GIB), hpa(32 * GIB), MIB, PT_R, PT_WRITE_BACK,
                                              REGION_SHARED, NULL});
    guest_map_add_ram(&map, hpa(8 * GIB), 4 * GIB);
    guest_map_add(&map, (struct guest_region){gpa(0xe0000000), hpa(0xf0000000), 2 * PAGE_SIZE,
                                              PT_R | PT_W, PT_UNCACHED, REGION_DEVICE, NULL});
}

static void expect_disk(uint64_t at, uint64_t size, bool read_only)
{
    static const char name[] = "root.img";
    const gpa_t got = guest_map_add_disk(&map, hpa(64 * GIB), size, read_only, name);
    const struct guest_region *row = guest_map_find(&map, gpa(at));

    assert_int_equal(got.v, at);
    assert_non_null(row);
    assert_int_equal(row->at.v, at);
    assert_int_equal(row->to.v, 64 * GIB);
    assert_int_equal(row->size, size);
    assert_int_equal(row->rights, read_only ? PT_R | PT_X : PT_R | PT_W | PT_X);
    assert_int_equal(row->type, PT_WRITE_BACK);
    assert_int_equal(row->kind, REGION_DISK);
    assert_ptr_equal(row->name, name);
}

/* Behind RAM and each other, never touching, never from 3 to 4 GiB; later ones not below. */
static void test_disks(void **state)
{
    (void)state;
    guest_map_add_ram(&map, hpa(8 * GIB), 100 * MIB);
    expect_disk(128 * MIB, 2 * MIB, false);
    expect_disk(256 * MIB, 128 * MIB, true);
    expect_disk(512 * MIB, 2560 * MIB, false);
    expect_disk(4 * GIB, 2 * MIB, false);
    expect_disk(4 * GIB + 128 * MIB, 2 * MIB, false);
    assert_int_equal(guest_map_ram(&map).size, 100 * MIB);
    setup(NULL);
    guest_map_add_ram(&map, hpa(8 * GIB), 128 * MIB);
    expect_disk(256 * MIB, 2816 * MIB, false);
    setup(NULL);
    guest_map_add_ram(&map, hpa(8 * GIB), 128 * MIB);
    expect_disk(4 * GIB, 2818 * MIB, false);
    setup(NULL);
    guest_map_add_ram(&map, hpa(8 * GIB), 3 * GIB);
    expect_disk(4 * GIB, 2 * MIB, false);
    setup(NULL);
    guest_map_add_ram(&map, hpa(8 * GIB), 3 * GIB - 128 * MIB);
    expect_disk(4 * GIB, 2 * MIB, false);
    setup(NULL);
    guest_map_add_ram(&map, hpa(8 * GIB), 4 * GIB);
    expect_disk(5 * GIB + 128 * MIB, 2 * MIB, false);
}

static void test_order(void **state)
{
    (void)state;
    make_full();
    assert_int_equal(map.count, 4);
    expect_row(0, 0, 8 * GIB, 3 * GIB, REGION_RAM);
    expect_row(1, 0xe0000000, 0xf0000000, 2 * PAGE_SIZE, REGION_DEVICE);
    expect_row(2, 4 * GIB, 11 * GIB, GIB, REGION_RAM);
    expect_row(3, 6 * GIB, 32 * GIB, MIB, REGION_SHARED);
    assert_int_equal(guest_map_ram(&map).base, 8 * GIB);
    assert_int_equal(guest_map_ram(&map).size, 4 * GIB);
    map.count = GUEST_REGIONS_MAX;
    expect_assert_failure(guest_map_add(&map, map.rows[0]));
}

static void test_find(void **state)
{
    (void)state;
    assert_null(guest_map_find(&map, gpa(0)));
    make_full();
    assert_ptr_equal(guest_map_find(&map, gpa(0)), &map.rows[0]);
    assert_ptr_equal(guest_map_find(&map, gpa(3 * GIB - 1)), &map.rows[0]);
    assert_null(guest_map_find(&map, gpa(3 * GIB)));
    assert_null(guest_map_find(&map, gpa(0xe0000000 - 1)));
    assert_ptr_equal(guest_map_find(&map, gpa(0xe0001fff)), &map.rows[1]);
    assert_null(guest_map_find(&map, gpa(0xe0002000)));
    assert_ptr_equal(guest_map_find(&map, gpa(5 * GIB - 1)), &map.rows[2]);
    assert_null(guest_map_find(&map, gpa(5 * GIB)));
    assert_ptr_equal(guest_map_find(&map, gpa(6 * GIB + MIB - 1)), &map.rows[3]);
    assert_null(guest_map_find(&map, gpa(UINT64_MAX)));
}

/* By host address: all but the device's row; both rows of RAM are one. */
static void test_memory(void **state)
{
    (void)state;
    assert_false(guest_map_has_memory(&map, (struct range){0, PAGE_SIZE}));
    make_full();
    assert_true(guest_map_has_memory(&map, (struct range){8 * GIB, 4 * GIB}));
    assert_false(guest_map_has_memory(&map, (struct range){8 * GIB, 4 * GIB + 1}));
    assert_true(guest_map_has_memory(&map, (struct range){32 * GIB + MIB - 64, 64}));
    assert_false(guest_map_has_memory(&map, (struct range){32 * GIB + MIB - 64, 65}));
    assert_false(guest_map_has_memory(&map, (struct range){0xf0000000, 64}));
    guest_map_add_disk(&map, hpa(64 * GIB), 2 * MIB, true, NULL);
    assert_true(guest_map_has_memory(&map, (struct range){64 * GIB, 2 * MIB}));
    assert_false(guest_map_has_memory(&map, (struct range){64 * GIB - 1, 64}));
}

/* All rows, in the tables as in the map; and what pt_map() refuses is refused. */
static void test_fill(void **state)
{
    void *memory = aligned_alloc(PAGE_SIZE, POOL_PAGES * PAGE_SIZE);
    struct pagetable pt;
    struct pt_leaf leaf;
    struct pages pages;

    (void)state;
    assert_non_null(memory);
    pages_init(&pages, (struct range){(uintptr_t)memory, POOL_PAGES * PAGE_SIZE});
    make_full();
    assert_int_equal(pt_create(&pt, &ept_format, 3, &pages), OK);
    assert_int_equal(guest_map_fill(&map, &pt), OK);
    for (uint32_t i = 0; i < map.count; i++) {
        const struct guest_region *r = &map.rows[i];
        assert_true(pt_look(&pt, r->at.v, &leaf));
        assert_int_equal(leaf.address.v, r->to.v);
        assert_int_equal(leaf.rights, r->rights);
        assert_true(pt_look(&pt, r->at.v + r->size - 1, &leaf));
        assert_int_equal(leaf.address.v + leaf.size, r->to.v + r->size);
        assert_false(pt_look(&pt, r->at.v + r->size, &leaf));
    }
    assert_int_equal(guest_map_fill(&map, &pt), E_OVERLAP);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_ram, setup),    cmocka_unit_test_setup(test_disks, setup),
        cmocka_unit_test_setup(test_order, setup),  cmocka_unit_test_setup(test_find, setup),
        cmocka_unit_test_setup(test_memory, setup), cmocka_unit_test_setup(test_fill, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
