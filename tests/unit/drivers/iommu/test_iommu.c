/* SPDX-License-Identifier: MIT */
/*
 * test_iommu: all units of a machine together, of either vendor: blocked at first; what a device is
 * let through is its guest's RAM and disks, and no more; who is refused, and why.
 */
#include "drivers/iommu/iommu.h"

#include "support.h"

#include "mm/range.h"

#include "tests/unit/drivers/iommu/fake_units.h"
#include "tests/unit/pagetable_look.h"

#include "drivers/iommu/amdvi.c"
#include "drivers/iommu/iommu.c"
#include "drivers/iommu/iommu_devices.c"
#include "drivers/iommu/vtd.c"

#define UNIT(n)    (UINT64_C(0xfed90000) + (n)*0x10000)
#define POOL_BYTES (8 * MIB)
#define LIMIT      1000
#define HIGHEST    300 /* APIC id */
#define NIC        0x0200
#define DISK       0x00fa

static struct acpi_info acpi;
static struct pci_list list;
static struct pages pages;
static struct iommu *iommu;
static struct guest_map map;
static void *pool;

static struct pci_entry *add(uint32_t bus, uint32_t device, uint32_t function, uint32_t class)
{
    struct pci_entry *e = &list.entries[list.count++];

    *e = (struct pci_entry){.address = pci_address(bus, device, function, 0),
                            .class = class,
                            .port = PCI_PORT_ENDPOINT};
    return e;
}

static void add_unit(bool amd, uint16_t segment)
{
    acpi.iommus[acpi.iommu_count] =
        (struct acpi_iommu){hpa(UNIT(acpi.iommu_count)), segment, amd, !amd, 0, 0};
    (void)fake_add(UNIT(acpi.iommu_count), amd);
    acpi.iommu_count++;
}

/* A disk controller on bus 0 and a network card on bus 2; on AMD-Vi the unit names all. */
static void begin(bool amd)
{
    fake_clear();
    lines_clear();
    memset(&acpi, 0, sizeof(acpi));
    memset(&list, 0, sizeof(list));
    acpi.iommu_remaps = true;
    add_unit(amd, 0);
    if (amd)
        acpi.scopes[acpi.scope_count++] =
            (struct acpi_scope){.kind = ACPI_SCOPE_IDS, .first = 0, .last = UINT16_MAX};
    (void)add(0, 0x1f, 2, 0x010601);
    (void)add(2, 0, 0, 0x020000);
    pages_init(&pages, (struct range){(uintptr_t)pool, POOL_BYTES});
    memset(&map, 0, sizeof(map));
    guest_map_add_ram(&map, hpa(GIB), 4 * MIB);
    (void)guest_map_add_disk(&map, hpa(2 * GIB), 8192, true, "disk");
    guest_map_add_shared(&map, gpa(3 * GIB), hpa(3 * GIB), PAGE_SIZE, false, "link");
    guest_map_add(&map, (struct guest_region){.at = gpa(3 * GIB + MIB),
                                              .to = hpa(4 * GIB),
                                              .size = PAGE_SIZE,
                                              .rights = PT_R | PT_W,
                                              .type = PT_UNCACHED,
                                              .kind = REGION_DEVICE});
}

static void start(void)
{
    iommu = iommu_create(&acpi, &list, &pages, LIMIT);
    assert_non_null(iommu);
    iommu_start(iommu, HIGHEST);
}

static const struct pci_entry *disk(void)
{
    return &list.entries[0];
}

static const struct pci_entry *nic(void)
{
    return &list.entries[1];
}

/* Nothing but what a guest's RAM and its disk need is in the table. */
static void check_table(hpa_t root)
{
    const struct pagetable pt = {.format = iommu->amd ? &amdvi_format : &vtd_format, .root = root};
    struct pt_leaf leaf;
    uint64_t ram = 0, rest = 0;

    for (uint64_t at = 0; pt_next(&pt, at, &leaf); at = leaf.from + leaf.size) {
        if (leaf.address.v >= GIB && leaf.address.v < GIB + 4 * MIB) {
            assert_int_equal(leaf.address.v, GIB + leaf.from);
            assert_int_equal(leaf.rights & (PT_R | PT_W), PT_R | PT_W);
            ram += leaf.size;
        } else {
            assert_in_range(leaf.address.v, 2 * GIB, 2 * GIB + 8191);
            assert_int_equal(leaf.rights & (PT_R | PT_W), PT_R); /* it is a read-only disk */
            rest += leaf.size;
        }
    }
    assert_int_equal(ram, 4 * MIB);
    assert_int_equal(rest, 8192);
}

/* ------------------------------------------------------------------ VT-d */

/* abuse: DM-01 */
static void vtd_blocks_all(void **state)
{
    (void)state;
    begin(false);
    add_unit(false, 1);
    start();
    for (uint32_t i = 0; i < 2; i++) {
        assert_null(iommu->units[i].why);
        const uint64_t *root = (const uint64_t *)(uintptr_t)fakes[i].regs[FAKE_ROOT / 8];
        const uint64_t *irt =
            (const uint64_t *)(uintptr_t)(fakes[i].regs[FAKE_IRTA / 8] & MASK64(51, 12));
        for (uint32_t k = 0; k < 512; k++)
            assert_int_equal(root[k], 0);
        for (uint32_t k = 0; k < 2048; k++)
            assert_int_equal(irt[k], 0);
        assert_true(fake_is_flushed(root, PAGE_SIZE) && fake_is_flushed(irt, 4 * PAGE_SIZE));
    }
    assert_true(fakes[0].regs[FAKE_ROOT / 8] != fakes[1].regs[FAKE_ROOT / 8]);
    assert_null(iommu->refuses);
    assert_true(iommu_blocks_dma(iommu) && iommu_blocks_all(iommu));
    assert_false(iommu_blocks_dma(NULL) || iommu_blocks_all(NULL));
}

static void vtd_device(void **state)
{
    uint32_t address, data;
    (void)state;
    begin(false);
    start();
    assert_null(iommu_refuses(iommu, nic()));
    assert_int_equal(iommu_assign(iommu, nic(), 2, 3, &map), OK);
    const uint64_t *root = (const uint64_t *)(uintptr_t)fakes[0].regs[FAKE_ROOT / 8];
    assert_int_equal(root[4] & 1, 1);
    const uint64_t *context = (const uint64_t *)(uintptr_t)(root[4] & ~UINT64_C(1));
    assert_int_equal(context[0] & 3, 0); /* blocked until it is opened */
    assert_int_equal(context[1], 5 << 8 | 2);
    check_table(hpa(context[0]));
    assert_int_equal(iommu_assign(iommu, disk(), 1, 3, &map), OK); /* the same table */
    assert_int_equal(iommu->devices[1].root.v, context[0]);
    fakes[0].done_count = 0;
    assert_true(iommu_open(iommu, NIC));
    assert_int_equal(context[0] & 3, 1);
    assert_int_equal(fakes[0].done[0], 0x0000020000050031);
    assert_int_equal(fakes[0].done[1] & 0xffff003f, 5 << 16 | 0x22);
    assert_int_equal(iommu->devices[1].entry[0] & 1, 0); /* the other one is not */
    assert_true(iommu_close(iommu, NIC));
    assert_int_equal(context[0] & 3, 2);
    iommu_message(iommu, DISK, 0, &address, &data);
    assert_int_equal(address, 0xfee00058); /* the third entry */
    fakes[0].done_count = 0;
    assert_true(iommu_route(iommu, DISK, 0, 7, 0x31));
    assert_int_equal(iommu->tables[0].interrupts[4], UINT64_C(7) << 32 | 0x310001);
    assert_int_equal(iommu->tables[0].interrupts[5], 0x40000 | DISK);
    assert_int_equal(fakes[0].done[0], UINT64_C(2) << 32 | 0x14);
    assert_true(iommu_route(iommu, DISK, 0, 0, 0));
    assert_int_equal(iommu->tables[0].interrupts[4], 0);
    expect_assert_failure((void)!iommu_route(iommu, DISK, 1, 0, 0)); /* it has one only */
    expect_assert_failure((void)!iommu_open(iommu, 0x1234));
}

/* ------------------------------------------------------------------ AMD-Vi */

/* abuse: DM-01 */
static void amd_blocks_all(void **state)
{
    (void)state;
    begin(true);
    start();
    assert_null(iommu->units[0].why);
    const uint64_t *e = (const uint64_t *)(uintptr_t)(fakes[0].regs[0] & MASK64(51, 12));
    const uint64_t *empty = (const uint64_t *)(uintptr_t)iommu->empty.v;
    for (uint32_t id = 0; id < AMDVI_DEVICES; id++, e += 4)
        assert_true(e[0] == (iommu->empty.v | 0x803) && e[1] == 0 && e[2] == 1 && e[3] == 0);
    for (uint32_t i = 0; i < 512; i++)
        assert_int_equal(empty[i], 0);
}

static void amd_device(void **state)
{
    uint32_t address, data;
    (void)state;
    begin(true);
    start();
    assert_int_equal(iommu_assign(iommu, nic(), 2, 0, &map), OK);
    const uint64_t *e = iommu->tables[0].root + 4 * NIC;
    assert_int_equal(e[0], iommu->empty.v | 0x803);
    assert_true(iommu_open(iommu, NIC));
    assert_int_equal(e[0] >> 61, 3);
    assert_int_equal(e[1], 2);
    check_table(hpa(e[0] & MASK64(51, 12)));
    const uint64_t *interrupts = (const uint64_t *)(uintptr_t)(e[2] & MASK64(51, 6));
    iommu_message(iommu, NIC, 1, &address, &data);
    assert_int_equal(data, 1);
    assert_true(iommu_route(iommu, NIC, 1, 300, 0x31));
    assert_int_equal(interrupts[2], 300 << 8 | 1);
    assert_int_equal(interrupts[3], 0x31);
    assert_int_equal(interrupts[0], 0);
    fakes[0].done_count = 0;
    assert_true(iommu_close(iommu, NIC));
    assert_int_equal(e[0], iommu->empty.v | 0x803);
    assert_int_equal(e[2], 1);
    assert_int_equal(fakes[0].done[0], UINT64_C(2) << 60 | NIC);
    assert_int_equal(fakes[0].done[1], UINT64_C(3) << 60 | UINT64_C(2) << 32);
    for (uint32_t id = 0; id < AMDVI_DEVICES; id++) /* and nobody else's was touched */
        assert_int_equal(iommu->tables[0].root[4 * id], iommu->empty.v | 0x803);
}

/* ------------------------------------------------------------------ both */

static void who_is_refused(void **state)
{
    (void)state;
    assert_non_null(iommu_refuses(NULL, disk()));
    for (uint32_t amd = 0; amd < 2; amd++) {
        begin(amd);
        struct pci_entry *usb = add(0, 0x14, 0, 0x0c0330), *old = add(9, 0, 0, 0x020000);
        struct pci_entry *bridge = add(0, 0x1e, 0, 0x060400);
        bridge->is_bridge = true;
        bridge->secondary = bridge->subordinate = 9;
        bridge->port = PCI_PORT_NONE;
        acpi.reserved_count = 1;
        acpi.scopes[acpi.scope_count] = acpi.scopes[acpi.scope_count + 1] = (struct acpi_scope){
            .kind = ACPI_SCOPE_IDS, .reserved = true, .first = DISK, .last = DISK};
        acpi.scopes[++acpi.scope_count].first = 0xa0;
        acpi.scopes[acpi.scope_count++].last = 0xa0;
        start();
        assert_null(iommu_refuses(iommu, nic()));
        assert_null(iommu_refuses(iommu, usb)); /* its own is for before there is a driver */
        assert_string_equal(iommu_refuses(iommu, disk()),
                            "shares memory with the firmware, which reserves it");
        assert_string_equal(iommu_refuses(iommu, bridge), "is a bridge");
        assert_non_null(strstr(iommu_refuses(iommu, old), "behind a bridge"));
        usb->segment = 1;
        assert_string_equal(iommu_refuses(iommu, usb), "is not in PCI segment 0");
        acpi.scope_count = 0;
        acpi.iommus[0].rest = false;
        assert_string_equal(iommu_refuses(iommu, nic()),
                            "belongs to no IOMMU that the firmware lists");
    }
}

/* abuse: DM-03 */
static void one_unit_that_fails(void **state)
{
    (void)state;
    for (uint32_t amd = 0; amd < 2; amd++) {
        begin(amd);
        add_unit(amd, 0);
        fakes[0].deaf_queue = true;
        start();
        assert_string_equal(iommu->units[0].why, "it does not carry out commands");
        assert_null(iommu->units[1].why); /* the other one is on all the same */
        assert_false(iommu_blocks_dma(iommu) || iommu_blocks_all(iommu));
        assert_string_equal(iommu_why_open(iommu), iommu->units[0].why);
        assert_non_null(strstr(iommu_refuses(iommu, nic()), "is not on"));
    }
}

static void what_units_must_be_able_to_do(void **state)
{
    (void)state;
    begin(false);
    fakes[0].regs[2] = 0x02; /* no interrupt remapping */
    start();
    assert_null(iommu->units[0].why);
    assert_int_equal(fake_word(&fakes[0], FAKE_GSTS) >> 31, 1);
    assert_non_null(strstr(iommu_refuses(iommu, nic()), "does not remap interrupts"));
    assert_true(iommu_blocks_dma(iommu) && !iommu_blocks_all(iommu));
    begin(false);
    acpi.iommu_remaps = false; /* as DMAR says */
    start();
    assert_non_null(strstr(iommu_refuses(iommu, nic()), "does not remap interrupts"));
    begin(true);
    fakes[0].regs[6] = BIT64(6) | BIT64(7); /* no x2APIC */
    start();
    assert_non_null(strstr(iommu_refuses(iommu, nic()), "no x2APIC mode"));
    iommu_start(iommu, 254);
    assert_null(iommu_refuses(iommu, nic()));
    begin(true);
    list.left_out = 1;
    start();
    assert_non_null(strstr(iommu_refuses(iommu, nic()), "more functions"));
    begin(true);
    acpi.iommu_doubt = true;
    start();
    assert_non_null(strstr(iommu_refuses(iommu, nic()), "is broken"));
    expect_assert_failure((void)!iommu_assign(iommu, nic(), 1, 0, &map));
}

static void too_much(void **state)
{
    (void)state;
    begin(false);
    start();
    assert_int_equal(iommu_assign(iommu, nic(), 257, 0, &map), E_RANGE);
    assert_int_equal(iommu_assign(iommu, nic(), 1, IOMMU_GUESTS_MAX, &map), E_RANGE);
    map.rows[map.count - 1].at = gpa(BIT64(48)); /* beyond what the unit can look up */
    assert_int_equal(iommu_assign(iommu, nic(), 1, 0, &map), E_RANGE);
    map.rows[map.count - 1].at = gpa(GIB * 200);
    assert_int_equal(iommu_assign(iommu, nic(), 1, 0, &map), OK);
    expect_assert_failure((void)!iommu_assign(iommu, nic(), 1, 1, &map)); /* twice */
    for (uint32_t i = 0; i < 4; i++)
        (void)add(3, i, 0, 0x020000);
    for (uint32_t i = 0; i < 4; i++) /* 1 + 256 * 3 fit, not a fourth time */
        assert_int_equal(iommu_assign(iommu, &list.entries[2 + i], 256, 0, &map),
                         i < 3 ? OK : E_RANGE);
    begin(false);
    fakes[0].regs[1] &= ~UINT64_C(7); /* 16 domains */
    start();
    assert_int_equal(iommu_assign(iommu, nic(), 1, 14, &map), E_RANGE);
    assert_int_equal(iommu_assign(iommu, nic(), 1, 13, &map), OK);
}

static void leaves_that_a_unit_knows(void **state)
{
    struct pt_leaf leaf;
    (void)state;
    begin(false);
    fakes[0].regs[1] &= ~BIT64(34);
    start();
    assert_int_equal(iommu_assign(iommu, nic(), 1, 0, &map), OK);
    const struct pagetable pt = {.format = &vtd_format, .root = iommu->roots[0]};
    assert_true(pt_look(&pt, 0, &leaf));
    assert_int_equal(leaf.size, PAGE_SIZE);
    check_table(iommu->roots[0]);
}

/* All that the largest machine may want is in what is reserved for it. */
static void there_is_room(void **state)
{
    (void)state;
    for (uint32_t amd = 0; amd < 2; amd++) {
        begin(amd);
        add_unit(amd, 1);
        for (uint32_t bus = 4; bus < 4 + IOMMU_DEVICES_MAX - 2; bus++)
            (void)add(bus, 0, 0, 0x020000);
        const uint64_t room = iommu_room(&acpi, 4 * MIB * IOMMU_GUESTS_MAX);
        assert_true(room % PAGE_SIZE < PAGE_SIZE && room < POOL_BYTES);
        pages_init(&pages, (struct range){(uintptr_t)pool, align_down(room, PAGE_SIZE)});
        start();
        for (uint32_t i = 0; i < IOMMU_DEVICES_MAX; i++)
            assert_int_equal(iommu_assign(iommu, &list.entries[i], 16, i % IOMMU_GUESTS_MAX, &map),
                             OK);
        (void)add(200, 0, 0, 0x020000);
        assert_int_equal(iommu_assign(iommu, &list.entries[list.count - 1], 1, 0, &map), E_RANGE);
    }
    memset(&acpi, 0, sizeof(acpi));
    assert_int_equal(iommu_room(&acpi, GIB), 0);
    assert_null(iommu_create(&acpi, &list, &pages, LIMIT));
}

static void no_memory(void **state)
{
    (void)state;
    for (uint32_t amd = 0; amd < 2; amd++) {
        uint32_t made = 0;
        for (uint64_t have = 1; have < 700; have += amd ? 100 : 1) {
            begin(amd);
            pages_init(&pages, (struct range){(uintptr_t)pool, have * PAGE_SIZE});
            iommu = iommu_create(&acpi, &list, &pages, LIMIT);
            assert_int_equal(lines_count(), iommu == NULL);
            if (iommu == NULL)
                continue;
            made++;
            iommu_start(iommu, HIGHEST);
            if (iommu->refuses == NULL)
                (void)!iommu_assign(iommu, nic(), 1, 0, &map);
        }
        assert_true(made > 0);
    }
}

static void a_display_is_kept(void **state)
{
    const struct range ranges[] = {{0x8f000000, 4 * MIB}, {0x9f000000, PAGE_SIZE}};
    struct pt_leaf leaf;
    (void)state;
    for (uint32_t amd = 0; amd < 2; amd++) {
        begin(amd);
        const struct pci_entry *display = add(0, 2, 0, 0x030000);
        iommu = iommu_create(&acpi, &list, &pages, LIMIT);
        assert_non_null(iommu);
        assert_int_equal(iommu_keep(iommu, display, ranges, 2), OK);
        iommu_start(iommu, HIGHEST);
        const struct pagetable pt = {.format = amd ? &amdvi_format : &vtd_format,
                                     .root = iommu->devices[0].root};
        uint64_t size = 0;
        for (uint64_t at = 0; pt_next(&pt, at, &leaf); at = leaf.from + leaf.size) {
            assert_int_equal(leaf.from, leaf.address.v);
            size += leaf.size;
        }
        assert_int_equal(size, 4 * MIB + PAGE_SIZE);
        const uint64_t entry = iommu->devices[0].entry[0];
        assert_int_equal(amd ? entry >> 61 : entry & 3, amd ? 3 : 1);
        if (amd)
            assert_int_equal(iommu->devices[0].entry[2], 1); /* it has no interrupts */
        const struct iommu_fault fault = {.kind = IOMMU_FAULT_READ, .id = 0x10};
        assert_int_equal(iommu_guest_of(iommu, &fault), IOMMU_NOBODY);
    }
}

static void a_kept_display_is_nobodys_to_close(void **state)
{
    const struct range range = {0x8f000000, 4 * MIB};
    (void)state;
    begin(false);
    iommu = iommu_create(&acpi, &list, &pages, LIMIT);
    assert_non_null(iommu);
    assert_int_equal(iommu_keep(iommu, add(0, 2, 0, 0x030000), &range, 1), OK);
    expect_assert_failure((void)!iommu_close(iommu, 0x10));
}

static void faults_of_all_units(void **state)
{
    struct iommu_fault got[4];
    (void)state;
    begin(false);
    add_unit(false, 1);
    start();
    assert_int_equal(iommu_assign(iommu, nic(), 1, 3, &map), OK);
    for (uint32_t i = 0; i < 2; i++) {
        fakes[i].regs[0x220 / 8 + 1] = BIT64(63) | UINT64_C(5) << 32 | NIC;
        fake_set_word(&fakes[i], FAKE_FSTS, BIT32(1));
    }
    assert_int_equal(iommu_faults(iommu, got, 4), 2);
    assert_int_equal(iommu_guest_of(iommu, &got[0]), 3);
    assert_int_equal(got[1].segment, 1);
    assert_int_equal(iommu_guest_of(iommu, &got[1]), IOMMU_NOBODY); /* another card */
    got[0].id = 0x300;
    assert_int_equal(iommu_guest_of(iommu, &got[0]), IOMMU_NOBODY);
}

static void a_unit_stops_answering(void **state)
{
    (void)state;
    for (uint32_t amd = 0; amd < 2; amd++) {
        begin(amd);
        start();
        assert_int_equal(iommu_assign(iommu, nic(), 1, 3, &map), OK);
        assert_true(iommu_open(iommu, NIC));
        fakes[0].deaf_queue = true;
        fake_ticks = 0;
        assert_false(iommu_close(iommu, NIC));
        assert_true(fake_ticks < 3 * LIMIT);
        assert_false(iommu_open(iommu, NIC));
        assert_false(iommu_route(iommu, NIC, 0, 1, 0x40));
        assert_true(fake_ticks < 3 * LIMIT); /* waited for once */
    }
}

static int allocate(void **state)
{
    (void)state;
    pool = aligned_alloc(PAGE_SIZE, POOL_BYTES);
    return pool == NULL;
}

static int release(void **state)
{
    (void)state;
    free(pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vtd_blocks_all),
        cmocka_unit_test(vtd_device),
        cmocka_unit_test(amd_blocks_all),
        cmocka_unit_test(amd_device),
        cmocka_unit_test(who_is_refused),
        cmocka_unit_test(one_unit_that_fails),
        cmocka_unit_test(what_units_must_be_able_to_do),
        cmocka_unit_test(too_much),
        cmocka_unit_test(leaves_that_a_unit_knows),
        cmocka_unit_test(there_is_room),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(a_display_is_kept),
        cmocka_unit_test(a_kept_display_is_nobodys_to_close),
        cmocka_unit_test(faults_of_all_units),
        cmocka_unit_test(a_unit_stops_answering),
    };
    return cmocka_run_group_tests(tests, allocate, release);
}
