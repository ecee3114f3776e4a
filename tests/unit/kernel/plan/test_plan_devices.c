/* SPDX-License-Identifier: MIT */
/*
 * test_plan_devices: which PCI functions guests get, why they cannot have others, and where their
 * registers are.
 */
#include "kernel/plan/plan.h"

#include <stdio.h>

#include "support.h"

#include "drivers/pci/pci_words.h"
#include "kernel/plan/modules.h"
#include "lib/bits.h"
#include "plan_guest.h"
#include "pvh_file.h"
#include "vdev/vpci.h"

static struct config config;
static struct machine machine;
static struct plan plan;
static struct errors report;
static struct pvh_file kernel;

static struct pci_entry *add(uint32_t bus, uint32_t device, uint32_t function, uint32_t id,
                             uint32_t class)
{
    struct pci_entry *e = &machine.devices.entries[machine.devices.count];

    *e = (struct pci_entry){.address = pci_address(bus, device, function, 0),
                            .vendor = (uint16_t)(id >> 16),
                            .device = (uint16_t)id,
                            .class = class,
                            .msi = true,
                            .reset = PCI_RESET_FLR,
                            .group = machine.devices.count};
    e->bars[0] =
        (struct pci_bar){.base = 0xfe000000 + machine.devices.count * 0x100000, .size = 0x20000};
    machine.devices.count++;
    return e;
}

enum { BRIDGE, SATA, CARD, CARD_2, SCREEN, EDU };

static int setup(void **state)
{
    (void)state;
    memset(&config, 0, sizeof(config));
    memset(&machine, 0, sizeof(machine));
    config.machine.serial = true;
    machine.core_count = 8;
    machine.ranges[machine.range_count++] = (struct range){2 * MIB, 100 * MIB};
    plan_guest_kernel(&machine, &kernel);
    (void)plan_guest_add(&config, "a", 1, 16 * MIB);
    (void)plan_guest_add(&config, "b", 1, 16 * MIB);
    (void)add(0, 0, 0, 0x808629c0, 0x060000);
    (void)add(0, 0x1f, 2, 0x80862922, 0x010601);
    (void)add(2, 0, 0, 0x808610d3, 0x020000);
    (void)add(3, 0, 0, 0x10ec8168, 0x020000);
    (void)add(0, 1, 0, 0x12341111, 0x030000);
    (void)add(0, 4, 0, 0x123411e8, 0x00ff00);
    return 0;
}

static void wish(uint32_t guest, const char *line)
{
    static char text[200];
    static struct config parsed;
    struct config_guest *g = &config.guests[guest];

    memset(&report, 0, sizeof(report));
    snprintf(text, sizeof(text), "[guest a]\nmemory = 1M\nimage = k\ndevices = %s\n", line);
    assert_true(config_parse(&parsed, text, strlen(text), &report));
    memcpy(g->devices, parsed.guests[0].devices, sizeof(g->devices));
    g->device_count = parsed.guests[0].device_count;
    g->devices_line = g->line + 5;
}

static bool make(void)
{
    modules_give(&machine, &config);
    memset(&plan, 0x55, sizeof(plan));
    memset(&report, 0, sizeof(report));
    return plan_make(&plan, &config, &machine, &report);
}

static void expect_error(uint32_t line, const char *text)
{
    assert_false(make());
    assert_int_equal(report.count, 1);
    assert_string_equal(report.rows[0].text, text);
    assert_int_equal(report.rows[0].line, line);
}

static void expect_bar(uint32_t guest, uint32_t device, uint32_t bar, uint64_t at)
{
    const struct plan_guest *g = &plan.guests[guest];
    const struct pci_bar *b = &g->devices[device].entry->bars[bar];
    const struct guest_region *row = guest_map_find(&g->map, gpa(at));

    assert_int_equal(g->devices[device].bars[bar].v, at);
    assert_non_null(row);
    assert_int_equal(row->kind, REGION_DEVICE);
    assert_int_equal(row->rights, PT_R | PT_W);
    assert_int_equal(row->type, PT_UNCACHED);
    assert_int_equal(row->to.v, b->base & ~UINT64_C(0xfff));
    assert_int_equal(row->at.v, at & ~UINT64_C(0xfff));
    assert_int_equal(row->size, b->size < 0x1000 ? 0x1000 : b->size);
}

static void test_kinds_ids_places(void **state)
{
    (void)state;
    wish(0, "sata, ethernet #2");
    wish(1, "8086:10d3, 00:04.0 1234:11e8");
    if (!make())
        fail_msg("%u: %s", report.rows[0].line, report.rows[0].text);
    assert_true(plan_valid(&plan, &machine));
    assert_int_equal(plan.guests[0].device_count, 2);
    assert_ptr_equal(plan.guests[0].devices[0].entry, &machine.devices.entries[SATA]);
    assert_ptr_equal(plan.guests[0].devices[1].entry, &machine.devices.entries[CARD_2]);
    assert_ptr_equal(plan.guests[1].devices[0].entry, &machine.devices.entries[CARD]);
    assert_ptr_equal(plan.guests[1].devices[1].entry, &machine.devices.entries[EDU]);
}

/* The largest first, each aligned to its size; a small one keeps its place in its page. */
static void test_places_of_registers(void **state)
{
    struct pci_entry *e = &machine.devices.entries[CARD];

    (void)state;
    e->bars[1] = (struct pci_bar){.base = 0xe000400000, .size = 0x400000, .wide = true};
    e->bars[3] = (struct pci_bar){.base = 0xc000, .size = 32, .io = true};
    e->bars[4] = (struct pci_bar){.base = 0xfd000800, .size = 0x800};
    wish(0, "sata, 02:00.0");
    if (!make())
        fail_msg("%u: %s", report.rows[0].line, report.rows[0].text);
    assert_true(plan_valid(&plan, &machine));
    expect_bar(0, 1, 1, VPCI_MEMORY_FIRST);
    expect_bar(0, 0, 0, VPCI_MEMORY_FIRST + 0x400000);
    expect_bar(0, 1, 0, VPCI_MEMORY_FIRST + 0x420000);
    expect_bar(0, 1, 4, VPCI_MEMORY_FIRST + 0x440800);
    assert_int_equal(plan.guests[0].devices[1].bars[3].v, 0);
    e->bars[5] = (struct pci_bar){.base = 0x1000000000, .size = 0x40000000};
    expect_error(15, "guest 'a' has no room below 4 GiB for BAR 5 (1 GiB) of 02:00.0");
    e->bars[5].size = 0x400000000; /* its first place would be above */
    expect_error(15, "guest 'a' has no room below 4 GiB for BAR 5 (16 GiB) of 02:00.0");
}

/* Small ones share a page, which the guest has once. */
static void test_own_page(void **state)
{
    struct pci_entry *e = &machine.devices.entries[SATA];

    (void)state;
    e->bars[0] = (struct pci_bar){.base = 0xfe100000, .size = 0x100};
    e->bars[1] = (struct pci_bar){.base = 0xfe100400, .size = 0x400};
    e->bars[2] = (struct pci_bar){.base = 0xfe101000, .size = 0x10};
    wish(0, "sata");
    if (!make())
        fail_msg("%u: %s", report.rows[0].line, report.rows[0].text);
    assert_true(plan_valid(&plan, &machine));
    assert_int_equal(plan.guests[0].map.count, 3);
    expect_bar(0, 0, 1, VPCI_MEMORY_FIRST + 0x400);
    expect_bar(0, 0, 0, VPCI_MEMORY_FIRST);
    expect_bar(0, 0, 2, VPCI_MEMORY_FIRST + 0x1000);
}

static void test_printed(void **state)
{
    (void)state;
    wish(0, "sata");
    assert_true(make());
    lines_clear();
    plan_print(&plan, &machine, log_line);
    assert_true(lines_contain("  device       00:1f.2 8086:2922 sata"));
    assert_string_equal(lines_last(3),
                        "  device       0xc0000000-0xc001ffff, host 0xfe100000-0xfe11ffff, rw-");
    assert_string_equal(lines_last(4), "  device       00:1f.2 8086:2922 sata");
    assert_string_equal(lines_last(5), "  image        k.elf, PVH");
}

static bool printed(const char *text)
{
    lines_clear();
    plan_print(&plan, &machine, log_line);
    return lines_contain(text);
}

/* A bus is reset where that is nobody else's business. */
static void test_resets(void **state)
{
    static const char left[] =
        "               it cannot be reset: its next life finds it as it was left";
    static const char others[] = "it cannot be reset, as others are on its bus: its next life "
                                 "finds it as it was left";
    struct pci_entry *card = &machine.devices.entries[CARD];
    const struct plan_device *device = &plan.guests[0].devices[0];
    struct pci_entry *bridge, *second;

    (void)state;
    card->reset = PCI_RESET_NONE;
    wish(0, "02:00.0");
    assert_true(make());
    assert_null(device->bridge);
    assert_int_equal(plan_device_reset(device), PCI_RESET_NONE);
    assert_true(printed(left));
    card->reset = PCI_RESET_BUS;
    bridge = add(0, 2, 0, 0x1b36000c, 0x060400);
    bridge->is_bridge = true;
    bridge->secondary = bridge->subordinate = 2;
    assert_true(make());
    assert_true(plan_valid(&plan, &machine));
    assert_ptr_equal(device->bridge, bridge);
    assert_int_equal(plan_device_reset(device), PCI_RESET_BUS);
    assert_true(plan_resets_by(&plan, bridge) && !plan_resets_by(&plan, card));
    assert_false(printed("it cannot be reset"));
    second = add(2, 0, 1, 0x808610d3, 0x020000);
    assert_true(make());
    assert_null(device->bridge);
    assert_int_equal(plan_device_reset(device), PCI_RESET_NONE);
    assert_false(plan_resets_by(&plan, bridge));
    assert_true(printed(others));
    wish(1, "02:00.1"); /* no better */
    assert_true(make());
    assert_null(device->bridge);
    wish(1, "sata");
    wish(0, "02:00.0, 02:00.1");
    assert_true(make());
    assert_ptr_equal(device->bridge, bridge);
    assert_null(plan.guests[0].devices[1].bridge);
    assert_int_equal(plan_device_reset(&plan.guests[0].devices[1]), PCI_RESET_FLR);
    second->reset = PCI_RESET_BUS;
    assert_true(make());
    assert_ptr_equal(plan.guests[0].devices[1].bridge, bridge);
    bridge->subordinate = 3; /* with the other card on its bus */
    assert_true(make());
    assert_null(device->bridge);
}

static void test_none_or_several(void **state)
{
    (void)state;
    wish(0, "nvme");
    expect_error(15, "the machine has no device 'nvme'");
    wish(0, "ethernet");
    expect_error(15, "'ethernet' fits 2 devices: 02:00.0 8086:10d3, 03:00.0 10ec:8168; write "
                     "'ethernet #1', or an id or a place");
    wish(0, "ethernet #3");
    expect_error(15, "'ethernet #3': the machine has only 2 of them");
    wish(0, "02:00.0 8086:1533");
    expect_error(15, "'02:00.0 8086:1533': there is 8086:10d3 now");
    machine.devices.entries[SATA].segment = 1;
    wish(0, "sata");
    expect_error(15, "the machine has no device 'sata'");
}

static void test_taken(void **state)
{
    (void)state;
    wish(0, "sata, 00:1f.2");
    expect_error(15, "'00:1f.2' is 00:1f.2, which the guest has already");
    wish(0, "sata");
    wish(1, "8086:2922");
    expect_error(25, "'8086:2922' is 00:1f.2, which guest 'a' has (line 15)");
    wish(1, "8086:10d3");
    machine.devices.entries[CARD].group = machine.devices.entries[SATA].group = 7;
    expect_error(25, "'8086:10d3' is 02:00.0, which is not isolated from a device of guest 'a' "
                     "(line 15): they are in group 7");
    wish(1, "1234:11e8");
    wish(0, "sata, 8086:10d3"); /* one guest may have both */
    assert_true(make());
}

#define NOT "'8086:2922', which is 00:1f.2, cannot be given to a guest: "

static void test_refused(void **state)
{
    struct pci_entry *e = &machine.devices.entries[SATA];

    (void)state;
    wish(0, "8086:2922");
    e->msi = false;
    expect_error(15, NOT "it has neither MSI nor MSI-X, and interrupt lines cannot be given to "
                         "guests");
    e->msix = (struct pci_msix){.count = 5, .bar = 7};
    expect_error(15, NOT "it has MSI-X only, with a table that is in none of its BARs, or beside "
                         "another");
    e->msix.count = 0;
    e->msi = true;
    e->kept = "shares memory with the firmware";
    expect_error(15, NOT "it shares memory with the firmware");
    e->kept = NULL;
    e->bars[0].base = 0;
    expect_error(15, NOT "the firmware gave its BAR 0 no place");
    e->bars[0] = (struct pci_bar){.base = BIT64(63), .size = BIT64(63)};
    expect_error(15, NOT "the firmware gave its BAR 0 no place");
    e->bars[0] = (struct pci_bar){.base = 0xfe200400, .size = 0x400};
    expect_error(15, NOT "its BAR 0 shares a page with 02:00.0");
    e->bars[0].base = 0xfe102000;
    e->bars[2] = (struct pci_bar){.base = 0xfe102400, .size = 0x100};
    assert_true(make());
    e->bars[2].base = 0xfe102200;
    expect_error(15, NOT "its BAR 0 lies on another of its own");
    e->bars[2].size = e->bars[0].size = 0;
    expect_error(15, NOT "it has no registers in memory");
    e->is_bridge = true;
    expect_error(15, NOT "it is a bridge");
    wish(0, "00:00.0");
    expect_error(15, "'00:00.0', which is 00:00.0, cannot be given to a guest: it is a bridge");
    wish(0, "display");
    assert_true(make());
    machine.has_screen = true;
    expect_error(15, "'display', which is 00:01.0, cannot be given to a guest: it may be the "
                     "screen that Bulkhead writes to");
}

static void expect_row(uint64_t at, enum region_kind kind, uint64_t to, uint64_t size)
{
    const struct guest_region *row = guest_map_find(&plan.guests[0].map, gpa(at));

    assert_non_null(row);
    assert_int_equal(row->at.v, at);
    assert_int_equal(row->kind, kind);
    assert_int_equal(row->size, size);
    if (to != 0)
        assert_int_equal(row->to.v, to);
    assert_int_equal(row->rights, kind == REGION_TABLE ? PT_R : PT_R | PT_W);
    assert_int_equal(row->type, kind == REGION_TABLE ? PT_WRITE_BACK : PT_UNCACHED);
}

/* Memory of ours in the place of the pages where the table is, wherever they are in the BAR. */
static void test_tables(void **state)
{
    struct pci_entry *card = &machine.devices.entries[CARD], *edu = &machine.devices.entries[EDU];

    (void)state;
    card->msi = false;
    card->msix = (struct pci_msix){.count = 100, .bar = 0, .at = 0x2ff0};
    edu->msix = (struct pci_msix){.count = 3, .bar = 0, .at = 0x1f000};
    wish(0, "8086:10d3, 1234:11e8");
    assert_true(make());
    assert_true(plan_valid(&plan, &machine));
    assert_int_equal(plan.guests[0].devices[0].messages, 16);
    assert_int_equal(plan.guests[0].devices[1].messages, 3);
    const uint64_t first = plan.guests[0].devices[0].bars[0].v;
    const uint64_t second = plan.guests[0].devices[1].bars[0].v;
    const uint64_t ours = guest_map_find(&plan.guests[0].map, gpa(first + 0x2000))->to.v;
    expect_row(first, REGION_DEVICE, 0xfe200000, 0x2000);
    expect_row(first + 0x2000, REGION_TABLE, 0, 0x2000);
    expect_row(first + 0x4000, REGION_DEVICE, 0xfe204000, 0x1c000);
    assert_int_equal(plan.guests[0].devices[0].table.v, first + 0x2ff0);
    assert_int_equal(ours % PAGE_SIZE_2M, 0);
    expect_row(second, REGION_DEVICE, 0xfe500000, 0x1f000);
    expect_row(second + 0x1f000, REGION_TABLE, ours + 0x2000, 0x1000);
    assert_false(guest_map_has_memory(&plan.guests[0].map, (struct range){ours, 0x1000}));
    edu->msix.at = 0;
    assert_true(make());
    expect_row(plan.guests[0].devices[1].bars[0].v, REGION_TABLE, 0, 0x1000);
}

/* Then a function with MSI has that, and one without cannot be given away. */
static void test_no_tables(void **state)
{
    static const struct pci_msix bad[] = {{3, 1, 0}, {3, 6, 0}, {3, 0, 0x1ffe0}, {3, 0, 0x1004}};
    struct pci_entry *e = &machine.devices.entries[CARD];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        e->msix = bad[i];
        e->msi = true;
        wish(0, "8086:10d3");
        assert_true(make());
        assert_int_equal(plan.guests[0].devices[0].messages, 0);
        assert_false(guest_map_has(&plan.guests[0].map, REGION_TABLE));
        e->msi = false;
        expect_error(15, "'8086:10d3', which is 02:00.0, cannot be given to a guest: it has MSI-X "
                         "only, with a table that is in none of its BARs, or beside another");
    }
    e->msix = (struct pci_msix){.count = 3, .bar = 0, .at = 0};
    e->bars[0] = (struct pci_bar){.base = 0xfe200000, .size = 0x100};
    e->bars[1] = (struct pci_bar){.base = 0xfe200100, .size = 0x100};
    assert_int_equal(plan_device_table(e).size, 0);
    e->bars[1].io = true;
    assert_int_equal(plan_device_table(e).size, PAGE_SIZE);
}

static void test_no_room(void **state)
{
    struct pci_entry *e = &machine.devices.entries[CARD];

    (void)state;
    e->msix = (struct pci_msix){.count = 3, .bar = 0, .at = 0};
    wish(0, "8086:10d3");
    machine.ranges[0].size = 32 * MIB;
    config.guests[0].memory = config.guests[1].memory = 16 * MIB;
    expect_error(15, "guest 'a' wants 4 KiB for MSI-X tables, none is left (32 MiB in the machine, "
                     "16 MiB for 'a', 16 MiB for 'b')");
}

/* As many devices as there can be, of six BARs and a table each. */
static void test_many_rows(void **state)
{
    (void)state;
    machine.devices.count = 1;
    for (uint32_t d = 0; d < GUEST_DEVICES_MAX; d++) {
        struct pci_entry *e = add(4, d, 0, 0x80860001 + d, 0x020000);
        e->msix = (struct pci_msix){.count = 3, .bar = 0, .at = 0x1000};
        for (uint32_t b = 1; b < PCI_BARS; b++)
            e->bars[b] = (struct pci_bar){.base = e->bars[0].base + b * 0x20000, .size = 0x20000};
    }
    wish(0, "ethernet #1, ethernet #2, ethernet #3, ethernet #4, ethernet #5, ethernet #6, "
            "ethernet #7, ethernet #8");
    assert_true(make());
    assert_true(plan_valid(&plan, &machine));
    assert_int_equal(plan.guests[0].map.count, 1 + GUEST_DEVICES_MAX * (PCI_BARS + 2));
}

static void test_no_iommu(void **state)
{
    (void)state;
    snprintf(machine.no_devices, sizeof(machine.no_devices), "the firmware lists no IOMMU");
    wish(0, "sata, nvme, usb");
    expect_error(15, "no guest can have a device: the firmware lists no IOMMU");
}

/* Registers where RAM is, or something of ours, are no device's; the judge sees it, too. */
static void test_judged(void **state)
{
    (void)state;
    machine.devices.entries[SATA].bars[0].base = 4 * MIB;
    wish(0, "8086:2922");
    expect_error(15, NOT "its BAR 0 lies where Bulkhead has memory or registers");
    machine.devices.entries[SATA].bars[0].base = 0xfe100000;
    assert_true(make());
    assert_true(plan_valid(&plan, &machine));
    machine.own[machine.own_count++] = (struct range){0xfe11f000, 0x1000};
    assert_false(plan_valid(&plan, &machine));
    expect_error(15, NOT "its BAR 0 lies where Bulkhead has memory or registers");
}

/* Every word that the file may use for a kind is one of the boot log's. */
static void test_words(void **state)
{
    static const char *const kinds[] = {
        "nvme",  "sata",       "ide",    "storage",    "ethernet",    "network", "wireless", "usb",
        "audio", "multimedia", "serial", "encryption", "accelerator", "display", "other"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        bool known = false;
        for (uint32_t class = 0; class < 0x200000 && !known; class += 0x100)
            known = strcmp(pci_class_word(class), kinds[i]) == 0;
        assert_true(known);
        wish(0, kinds[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_kinds_ids_places, setup),
        cmocka_unit_test_setup(test_places_of_registers, setup),
        cmocka_unit_test_setup(test_own_page, setup),
        cmocka_unit_test_setup(test_printed, setup),
        cmocka_unit_test_setup(test_resets, setup),
        cmocka_unit_test_setup(test_none_or_several, setup),
        cmocka_unit_test_setup(test_taken, setup),
        cmocka_unit_test_setup(test_refused, setup),
        cmocka_unit_test_setup(test_tables, setup),
        cmocka_unit_test_setup(test_no_tables, setup),
        cmocka_unit_test_setup(test_no_room, setup),
        cmocka_unit_test_setup(test_many_rows, setup),
        cmocka_unit_test_setup(test_no_iommu, setup),
        cmocka_unit_test_setup(test_judged, setup),
        cmocka_unit_test_setup(test_words, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
