/* SPDX-License-Identifier: MIT */
/*
 * test_hostmap: our own address space: entries bit by bit, W^X, stacks that only their own core
 * reaches and only above a guard page, a window that starts closed.
 */
#include "mm/hostmap.h"

#include "support.h"

#include "lib/bits.h"
#include "tests/unit/pagetable_look.h"

#define POOL_PAGES 512 /* one 2 MiB leaf, if it were allowed one */

#define IMAGE_TEXT  UINT64_C(0x200000)
#define IMAGE_DATA  UINT64_C(0x240000)
#define FRAMEBUFFER UINT64_C(0xc0000000)
#define APIC        UINT64_C(0xfee00000)
#define GUEST_RAM   UINT64_C(0x140000000)

static struct page *pool_bytes;

/* A host as main makes it; its `map` is not complete yet. */
struct world {
    struct pages pages;
    struct host_map map;
};

static enum status world_build(struct world *w, uint64_t pages)
{
    struct range pool = {.base = (uintptr_t)pool_bytes, .size = pages * PAGE_SIZE};
    struct host_map *map = &w->map;
    enum status s;

    pages_init(&w->pages, pool);
    s = host_map_create(map, &w->pages);
    if (s == OK)
        s = host_map_add(map, IMAGE_TEXT, 0x40000, PT_R | PT_X, PT_WRITE_BACK);
    if (s == OK)
        s = host_map_add(map, IMAGE_DATA, 0x80000, PT_R | PT_W, PT_WRITE_BACK);
    if (s == OK)
        s = host_map_add(map, FRAMEBUFFER, 8 * MIB, PT_R | PT_W, PT_WRITE_COMBINING);
    if (s == OK)
        s = host_map_add(map, APIC, PAGE_SIZE, PT_R | PT_W, PT_UNCACHED);
    if (s == OK)
        s = host_map_add_small(map, pool.base, pool.size, PT_R | PT_W, PT_WRITE_BACK);
    return s;
}

static uint64_t low48(uint64_t address)
{
    return address & (PT_INPUT_MAX - 1);
}

/* Index into IA32_PAT that a leaf selects. SDM "Paging and Memory Typing". */
static uint64_t pat_type_of(uint64_t entry)
{
    uint64_t index = (entry >> 3 & 1) | (entry >> 4 & 1) << 1;
    return HOST_PAT >> index * 8 & 0xff;
}

static void test_leaf_bits(void **state)
{
    const uint64_t xd = BIT64(63);
    (void)state;
    assert_int_equal(host_leaf(hpa(0x1000), 1, PT_R, PT_WRITE_BACK), xd | 0x1021);
    assert_int_equal(host_leaf(hpa(0x1000), 1, PT_R | PT_W, PT_WRITE_BACK), xd | 0x1063);
    assert_int_equal(host_leaf(hpa(0x1000), 1, PT_R | PT_X, PT_WRITE_BACK), 0x1021);
    assert_int_equal(host_leaf(hpa(0x200000), 2, PT_R | PT_W, PT_WRITE_BACK), xd | 0x2000e3);
    assert_int_equal(host_leaf(hpa(0x1000), 1, PT_R, PT_WRITE_COMBINING), xd | 0x1029);
    assert_int_equal(host_leaf(hpa(0x1000), 1, PT_R, PT_UNCACHED), xd | 0x1039);
    assert_int_equal(host_leaf(hpa(0xfffffffe00000), 2, PT_R, PT_UNCACHED), xd | 0xfffffffe000b9);
    assert_int_equal(host_format.make_table(hpa(0x5000), 2), 0x5023);
    assert_true(host_format.is_leaf(0xa1, 1) && host_format.is_leaf(0xa1, 2));
    assert_false(host_format.is_leaf(0x21, 2) || host_format.is_leaf(0xa1, 4));
}

static void test_memory_types(void **state)
{
    (void)state;
    assert_int_equal(HOST_PAT, 0x0007040600070106);
    for (uint32_t level = 1; level <= 2; level++) {
        uint64_t wb = host_leaf(hpa(0), level, PT_R, PT_WRITE_BACK);
        uint64_t wc = host_leaf(hpa(0), level, PT_R, PT_WRITE_COMBINING);
        uint64_t uc = host_leaf(hpa(0), level, PT_R, PT_UNCACHED);
        assert_int_equal(pat_type_of(wb), PAT_WB);
        assert_int_equal(pat_type_of(wc), PAT_WC);
        assert_int_equal(pat_type_of(uc), PAT_UC);
        uint64_t pat_bit = level == 1 ? BIT64(7) : BIT64(12);
        assert_int_equal((wb | wc | uc) & pat_bit, 0);
    }
    assert_int_equal(pat_type_of(host_format.make_table(hpa(0x1000), 2)), PAT_WB);
}

static void test_leaf_refusals(void **state)
{
    (void)state;
    expect_assert_failure(host_leaf(hpa(0), 1, PT_R | PT_W | PT_X, PT_WRITE_BACK));
    expect_assert_failure(host_leaf(hpa(0), 1, 0, PT_WRITE_BACK));
    expect_assert_failure(host_leaf(hpa(0), 1, PT_W, PT_WRITE_BACK));
    expect_assert_failure(host_leaf(hpa(0), 1, PT_R | PT_USER, PT_WRITE_BACK));
    expect_assert_failure(host_leaf(hpa(0), 3, PT_R, PT_WRITE_BACK));
    expect_assert_failure(host_leaf(hpa(0), 0, PT_R, PT_WRITE_BACK));
    expect_assert_failure(host_leaf(hpa(0x1000), 2, PT_R, PT_WRITE_BACK));
    expect_assert_failure(host_leaf(hpa(PT_OUTPUT_MAX), 1, PT_R, PT_WRITE_BACK));
}

static void assert_identity(const struct pagetable *pt, uint64_t at, uint32_t rights)
{
    struct pt_leaf leaf;
    assert_true(pt_look(pt, at, &leaf));
    assert_int_equal(leaf.from, leaf.address.v);
    assert_int_equal(leaf.rights, rights);
}

static void test_add_widens(void **state)
{
    struct world w;
    struct pt_leaf leaf;
    const struct pagetable *pt = &w.map.shared;
    (void)state;
    assert_int_equal(world_build(&w, POOL_PAGES), OK);
    assert_int_equal(host_map_add(&w.map, 0x7000fff, 2, PT_R, PT_WRITE_BACK), OK);
    assert_false(pt_look(pt, 0x6ffffff, &leaf));
    assert_identity(pt, 0x7000000, PT_R);
    assert_identity(pt, 0x7001fff, PT_R);
    assert_false(pt_look(pt, 0x7002000, &leaf));
    assert_int_equal(host_map_add(&w.map, 0x7001800, 8, PT_R, PT_WRITE_BACK), E_OVERLAP);
    assert_int_equal(host_map_add(&w.map, 0x7001800, 0, PT_R, PT_WRITE_BACK), OK);
}

static void test_add_limits(void **state)
{
    const uint64_t top = UINT64_C(1) << 47;
    struct world w;
    struct host_map *map = &w.map;
    (void)state;
    assert_int_equal(world_build(&w, POOL_PAGES), OK);
    assert_int_equal(host_map_add(map, 0, 1, PT_R, PT_WRITE_BACK), E_INVALID);
    assert_int_equal(host_map_add(map, 0xfff, PAGE_SIZE, PT_R, PT_WRITE_BACK), E_INVALID);
    assert_int_equal(host_map_add(map, top - 1, 1, PT_R, PT_WRITE_BACK), OK);
    assert_int_equal(host_map_add(map, top - PAGE_SIZE_2M, PAGE_SIZE_2M + 1, PT_R, PT_WRITE_BACK),
                     E_RANGE);
    assert_int_equal(host_map_add(map, top, 1, PT_R, PT_WRITE_BACK), E_RANGE);
    assert_int_equal(host_map_add(map, UINT64_MAX, 1, PT_R, PT_WRITE_BACK), E_RANGE);
    assert_int_equal(host_map_add(map, UINT64_MAX, UINT64_MAX, PT_R, PT_WRITE_BACK), E_RANGE);
    assert_int_equal(host_map_add(map, 1, UINT64_MAX, PT_R, PT_WRITE_BACK), E_RANGE);
    expect_assert_failure((void)!host_map_add(map, GIB, PAGE_SIZE, PT_R | PT_W | PT_X, 0));
}

static void test_shared_part(void **state)
{
    struct world w;
    struct pt_leaf leaf;
    const struct pagetable *pt = &w.map.shared;
    (void)state;
    assert_int_equal(world_build(&w, POOL_PAGES), OK);
    assert_identity(pt, IMAGE_TEXT, PT_R | PT_X);
    assert_identity(pt, IMAGE_DATA - 1, PT_R | PT_X);
    assert_identity(pt, IMAGE_DATA, PT_R | PT_W);
    assert_identity(pt, APIC, PT_R | PT_W);
    assert_true(pt_look(pt, FRAMEBUFFER, &leaf));
    assert_int_equal(leaf.size, PAGE_SIZE_2M);
    for (uint64_t i = 0; i < POOL_PAGES; i++) {
        assert_identity(pt, (uintptr_t)&pool_bytes[i], PT_R | PT_W);
        assert_true(pt_look(pt, (uintptr_t)&pool_bytes[i], &leaf));
        assert_int_equal(leaf.size, PAGE_SIZE); /* a stack can be taken out of anywhere */
    }
    assert_false(pt_look(pt, 0, &leaf));
    assert_false(pt_look(pt, (uintptr_t)&pool_bytes[POOL_PAGES], &leaf));
}

/* Every page of a core's private slot: stacks as drawn, nothing else. */
static void check_private(const struct host_core *core)
{
    struct pagetable pt = host_core_table(core);
    struct pt_leaf leaf;
    uint64_t at = low48(HOST_PRIVATE);

    for (uint32_t s = 0; s < STACK_COUNT; s++) {
        uint64_t top = host_stack_top((enum host_stack)s);
        assert_true(is_aligned(top, 16));
        for (uint64_t page = HOST_STACK_PAGES; page > 0; page--) {
            assert_true(pt_next(&pt, at, &leaf));
            assert_int_equal(leaf.from, low48(top - page * PAGE_SIZE));
            assert_int_equal(leaf.size, PAGE_SIZE);
            assert_int_equal(leaf.rights, PT_R | PT_W);
            at = leaf.from + leaf.size;
        }
        assert_int_equal(at, low48(top));
        assert_false(pt_look(&pt, low48(top), &leaf));
        assert_false(pt_look(&pt, low48(top - HOST_STACK_PAGES * PAGE_SIZE - 1), &leaf));
    }
    assert_false(pt_next(&pt, at, &leaf));
}

/* The physical pages behind a core's stacks are behind nothing else in `pt`. */
static void check_stacks_gone(const struct host_core *core, const struct pagetable *pt)
{
    struct pagetable own = host_core_table(core);
    struct pt_leaf stack;

    for (uint64_t at = low48(HOST_PRIVATE); pt_next(&own, at, &stack);
         at = stack.from + stack.size) {
        struct range page = {.base = stack.address.v, .size = stack.size};
        assert_false(pt_maps_physical(pt, page));
        const uint8_t *bytes = (const uint8_t *)(uintptr_t)page.base;
        for (size_t i = 0; i < PAGE_SIZE; i++)
            assert_int_equal(bytes[i], 0);
    }
}

static void test_cores(void **state)
{
    struct world w;
    struct host_core cores[3];
    (void)state;
    assert_int_equal(world_build(&w, POOL_PAGES), OK);
    for (size_t i = 0; i < ARRAY_SIZE(cores); i++)
        assert_int_equal(host_core_build(&cores[i], &w.map, &w.pages), OK);
    for (size_t i = 0; i < ARRAY_SIZE(cores); i++) {
        struct pagetable pt = host_core_table(&cores[i]);
        check_private(&cores[i]);
        check_stacks_gone(&cores[i], &w.map.shared);
        for (size_t j = 0; j < ARRAY_SIZE(cores); j++) {
            struct pagetable other = host_core_table(&cores[j]);
            if (i != j)
                check_stacks_gone(&cores[i], &other);
        }
        assert_identity(&pt, IMAGE_TEXT, PT_R | PT_X);
        assert_identity(&pt, APIC, PT_R | PT_W);
        assert_identity(&pt, cores[i].root.v, PT_R | PT_W); /* tables stay within reach */
        assert_identity(&pt, (uintptr_t)cores[i].window_entry, PT_R | PT_W);
    }
    expect_assert_failure((void)!host_map_add(&w.map, GIB, PAGE_SIZE, PT_R, PT_WRITE_BACK));
    expect_assert_failure((void)!host_map_add_small(&w.map, GIB, PAGE_SIZE, PT_R, PT_WRITE_BACK));
}

static void test_window(void **state)
{
    struct world w;
    struct host_core cores[2];
    struct pt_leaf leaf;
    const struct range ram = {.base = GUEST_RAM, .size = 64 * MIB};
    (void)state;
    assert_int_equal(world_build(&w, POOL_PAGES), OK);
    for (size_t i = 0; i < ARRAY_SIZE(cores); i++)
        assert_int_equal(host_core_build(&cores[i], &w.map, &w.pages), OK);
    struct pagetable pt = host_core_table(&cores[0]);
    struct pagetable other = host_core_table(&cores[1]);

    assert_int_equal(*cores[0].window_entry, 0);
    assert_false(pt_maps_physical(&pt, ram));
    *cores[0].window_entry =
        host_leaf(hpa(GUEST_RAM + PAGE_SIZE_2M), 2, PT_R | PT_W, PT_WRITE_BACK);
    assert_true(pt_look(&pt, low48(HOST_WINDOW) + 5, &leaf));
    assert_int_equal(leaf.from, low48(HOST_WINDOW));
    assert_int_equal(leaf.address.v, GUEST_RAM + PAGE_SIZE_2M);
    assert_int_equal(leaf.size, HOST_WINDOW_SIZE);
    assert_int_equal(leaf.rights, PT_R | PT_W);
    assert_true(pt_maps_physical(&pt, ram));
    assert_false(pt_maps_physical(&other, ram));
    *cores[0].window_entry = 0;
    assert_false(pt_maps_physical(&pt, ram));
}

static void test_audit(void **state)
{
    struct world w;
    struct host_core core;
    (void)state;
    assert_int_equal(world_build(&w, POOL_PAGES), OK);
    assert_int_equal(host_core_build(&core, &w.map, &w.pages), OK);
    struct pagetable pt = host_core_table(&core);
    struct host_audit audit = host_audit(&pt);
    /* text, data, framebuffer, APIC; the pool, of which the stacks have moved */
    assert_int_equal(audit.leaves, 0x40 + 0x80 + 4 + 1 + POOL_PAGES);
    assert_int_equal(audit.write_execute, 0);
    assert_int_equal(audit.user, 0);

    *core.window_entry = BIT64(0) | BIT64(1) | BIT64(7); /* present, writable, executable, large */
    assert_int_equal(host_audit(&pt).write_execute, 0);  /* nothing below the window's table is */
    uint64_t *slot = (uint64_t *)(uintptr_t)pt.root.v + HOST_PRIVATE_SLOT;
    uint64_t *middle = (uint64_t *)(uintptr_t)(*slot & MASK64(51, 12)) + 1;
    *middle &= ~BIT64(63);
    audit = host_audit(&pt);
    assert_int_equal(audit.write_execute, 1);
    assert_int_equal(audit.user, 0);

    *core.window_entry |= BIT64(2); /* user in the leaf alone opens nothing yet */
    assert_int_equal(host_audit(&pt).user, 0);
    *slot |= BIT64(2);
    *middle |= BIT64(2);
    assert_int_equal(host_audit(&pt).user, 1);
}

/* Every table that the CPU walks for this core. */
static void check_tables_constant(const struct pagetable *pt, hpa_t table, uint32_t level,
                                  const struct host_core *core)
{
    const uint64_t *entries = (const uint64_t *)(uintptr_t)table.v;
    struct pt_leaf leaf;

    if (entries != core->window_entry) {
        assert_true(pt_look(pt, table.v, &leaf));
        assert_int_equal(leaf.rights, PT_R);
    }
    for (uint32_t i = 0; i < PT_ENTRIES && level > 1; i++) {
        if ((entries[i] & BIT64(0)) != 0 && !host_format.is_leaf(entries[i], level))
            check_tables_constant(pt, hpa(entries[i] & MASK64(51, 12)), level - 1, core);
    }
}

static void test_seal(void **state)
{
    struct world w;
    struct host_core cores[2];
    struct pt_leaf leaf;
    (void)state;
    assert_int_equal(world_build(&w, POOL_PAGES), OK);
    for (size_t i = 0; i < ARRAY_SIZE(cores); i++)
        assert_int_equal(host_core_build(&cores[i], &w.map, &w.pages), OK);
    assert_int_equal(host_map_remove(&w.map, APIC, PAGE_SIZE), OK);
    assert_int_equal(host_map_remove(&w.map, APIC, PAGE_SIZE), E_INVALID);        /* it is gone */
    assert_int_equal(host_map_remove(&w.map, FRAMEBUFFER, PAGE_SIZE), E_INVALID); /* 2 MiB leaf */
    assert_int_equal(host_map_remove(&w.map, APIC, 0), OK);
    assert_int_equal(host_map_make_constant(&w.map, pages_constant(&w.pages)), OK);
    for (size_t i = 0; i < ARRAY_SIZE(cores); i++) {
        struct pagetable pt = host_core_table(&cores[i]);
        check_tables_constant(&pt, pt.root, PT_LEVELS, &cores[i]);
        assert_false(pt_look(&pt, APIC, &leaf));
        assert_identity(&pt, IMAGE_DATA, PT_R | PT_W);
        check_private(&cores[i]);
    }
}

/* Tables that a core loads for a while: its own private part, another shared one. */
static void test_join(void **state)
{
    struct world w;
    struct host_map other;
    struct host_core core;
    struct pt_leaf leaf;
    (void)state;
    assert_int_equal(world_build(&w, POOL_PAGES), OK);
    assert_int_equal(host_core_build(&core, &w.map, &w.pages), OK);
    assert_int_equal(host_map_create(&other, &w.pages), OK);
    assert_int_equal(host_map_add(&other, IMAGE_TEXT, PAGE_SIZE, PT_R | PT_X, PT_WRITE_BACK), OK);
    assert_int_equal(host_map_add(&other, GIB, PAGE_SIZE, PT_R | PT_W, PT_UNCACHED), OK);
    struct host_core joined = core;
    joined.root = host_map_join(&other, &core);
    check_private(&joined);
    struct pagetable pt = host_core_table(&joined);
    struct pagetable own = host_core_table(&core);
    assert_identity(&pt, IMAGE_TEXT, PT_R | PT_X);
    assert_identity(&pt, GIB, PT_R | PT_W);
    assert_false(pt_look(&pt, IMAGE_DATA, &leaf));
    assert_false(pt_look(&own, GIB, &leaf)); /* and nothing of it is on the core's own tables */
    expect_assert_failure((void)!host_map_add(&other, GIB, PAGE_SIZE, PT_R, PT_WRITE_BACK));
}

static void test_stack_outside_small_leaves(void **state)
{
    struct pages pages;
    struct host_map map;
    struct host_core core;
    struct range pool = {.base = (uintptr_t)pool_bytes, .size = POOL_PAGES * PAGE_SIZE};
    (void)state;
    pages_init(&pages, pool);
    assert_int_equal(host_map_create(&map, &pages), OK);
    assert_int_equal(host_core_build(&core, &map, &pages), E_INVALID); /* the pool was forgotten */
}

static void test_no_memory(void **state)
{
    enum status s = E_NOMEM;
    uint64_t pages;
    (void)state;
    for (pages = 0; s != OK; pages++) {
        struct world w;
        struct host_core core;
        assert_true(pages <= POOL_PAGES);
        s = world_build(&w, pages);
        if (s == OK)
            s = host_core_build(&core, &w.map, &w.pages);
        assert_true(s == OK || s == E_NOMEM);
        assert_true(s == OK || lines_count() > 0);
    }
    assert_true(pages > STACK_COUNT * HOST_STACK_PAGES);
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
        cmocka_unit_test(test_leaf_bits),     cmocka_unit_test(test_memory_types),
        cmocka_unit_test(test_leaf_refusals), cmocka_unit_test(test_add_widens),
        cmocka_unit_test(test_add_limits),    cmocka_unit_test(test_shared_part),
        cmocka_unit_test(test_cores),         cmocka_unit_test(test_window),
        cmocka_unit_test(test_audit),         cmocka_unit_test(test_stack_outside_small_leaves),
        cmocka_unit_test(test_no_memory),     cmocka_unit_test(test_seal),
        cmocka_unit_test(test_join),
    };
    return cmocka_run_group_tests(tests, pool_allocate, pool_free);
}
