/* SPDX-License-Identifier: MIT */
/*
 * test_isolation: the report names the owner of every range and core of the plan, and the desk's
 * part of it leaves out what only the machine knows. It names each port that answers a guest.
 */
#include "kernel/plan/isolation.h"

#include <stdio.h>

#include "lib/log.h"
#include "lib/time.h"
#include "support.h"
#include "vdev/bus.h"
#include "vdev/vendor.h"
#include "vdev/vpci.h"

static struct config_guest configs[2] = {{.name = "one"}, {.name = "fifteen-letters"}};
static struct config config;
static struct plan plan;
static struct machine machine;
static const struct isolation desk = {.plan = &plan, .machine = &machine, .msrs = &msr_intel};

static int setup(void **state)
{
    (void)state;
    plan = (struct plan){.config = &config, .reserved_cores = 1, .guest_count = 2};
    config.machine.threads_shared = false;
    plan.guests[0] = (struct plan_guest){.config = &configs[0], .core_count = 1, .cores = {2}};
    guest_map_add_ram(&plan.guests[0].map, hpa(0x200000), 16 * MIB);
    plan.guests[1] = (struct plan_guest){.config = &configs[1], .core_count = 2, .cores = {4, 1}};
    guest_map_add_ram(&plan.guests[1].map, hpa(0x140000000), 4 * GIB);
    machine = (struct machine){.core_count = 5, .apic_ids = {0, 2, 4, 6, 8}};
    return 0;
}

static void owners_are_named(void **state)
{
    static const char *const want[] = {
        "who owns what:",
        "  one             0x0000200000-0x00011fffff    16 MiB  its RAM; nobody else can reach it",
        "  fifteen-letters 0x0140000000-0x023fffffff     4 GiB  its RAM; nobody else can reach it",
        "  bulkhead        core #0 with its local APIC (id 0) and its interrupts",
        "  fifteen-letters core #1 with its local APIC (id 2) and its interrupts",
        "  one             core #2 with its local APIC (id 4) and its interrupts",
        "  nobody          core #3 with its local APIC (id 6) and its interrupts",
        "  fifteen-letters core #4 with its local APIC (id 8) and its interrupts",
    };

    (void)state;
    lines_clear();
    isolation_print_owners(&desk, log_line);
    assert_int_equal(lines_count(), ARRAY_SIZE(want));
    for (uint32_t i = 0; i < ARRAY_SIZE(want); i++)
        assert_string_equal(lines_last(ARRAY_SIZE(want) - 1 - i), want[i]);
}

static void the_whole_report_goes_on(void **state)
{
    const struct isolation whole = {.plan = &plan,
                                    .msrs = &msr_intel,
                                    .machine = &machine,
                                    .image = {.base = 0x1000000, .size = 256 * KIB},
                                    .pool = {.base = 0x2000000, .size = 6 * MIB}};
    uint32_t gaps = 0;
    bool after_gaps = false;

    (void)state;
    lines_clear();
    isolation_print(&whole, log_line);
    const size_t count = lines_count();
    for (size_t back = count; back-- > 0;) {
        const char *line = lines_last(back);
        assert_true(strlen(line) < 130);
        gaps += after_gaps && strncmp(line, "  - ", 4) == 0;
        after_gaps = after_gaps || strcmp(line, "what is not isolated:") == 0;
    }
    assert_int_equal(count, 8 + 2 + 7 + 1 + gaps);
    assert_true(gaps >= 4);
    assert_string_equal(lines_last(count - 2),
                        "  bulkhead        0x0001000000-0x000103ffff   256 KiB  its image");
    assert_false(lines_contain("'threads = shared'"));
    config.machine.threads_shared = true;
    isolation_print(&whole, log_line);
    assert_int_equal(lines_count(), count + count + 1);
    assert_true(lines_contain("'threads = shared'"));
}

static void trust_is_named_where_it_matters(void **state)
{
    const struct isolation safe = {
        .plan = &plan, .msrs = &msr_intel, .machine = &machine, .safe_leaves = true};

    (void)state;
    lines_clear();
    isolation_print(&desk, log_line);
    assert_false(lines_contain("isolation = trusted"));
    config.machine.guests_trusted = true;
    isolation_print(&safe, log_line);
    assert_false(lines_contain("isolation = trusted"));
    isolation_print(&desk, log_line);
    assert_true(lines_contain("  - machine checks: 'isolation = trusted' maps large pages"));
    config.machine.guests_trusted = false;
}

static void debuggers_are_named(void **state)
{
    (void)state;
    lines_clear();
    isolation_print(&desk, log_line);
    assert_false(lines_contain("debug"));
    configs[0].is_debugged = true;
    lines_clear();
    isolation_print(&desk, log_line);
    configs[0].is_debugged = false;
    assert_true(
        lines_contain("  one             0x0000200000-0x00011fffff    16 MiB  its RAM; nobody "
                      "but its debugger can reach it"));
    assert_true(lines_contain(
        "  - debugging: guest 'one' can be read and changed by whoever is at serial2"));
}

static void bus_locks_are_named(void **state)
{
    const struct isolation with = {
        .plan = &plan, .msrs = &msr_intel, .machine = &machine, .bus_locks = true};

    (void)state;
    lines_clear();
    isolation_print(&desk, log_line);
    assert_true(lines_contain("cache lines hold up all cores; this processor cannot report them"));
    lines_clear();
    isolation_print(&with, log_line);
    assert_true(lines_contain("cache lines hold up all cores; each is an exit, which slows"));
}

static void what_the_iommu_does(void **state)
{
    struct isolation of = {.plan = &plan, .msrs = &msr_intel, .machine = &machine};

    (void)state;
    lines_clear();
    isolation_print(&of, log_line);
    assert_true(lines_contain("but no IOMMU enforces it"));
    assert_false(lines_contain("enforces it:"));
    lines_clear();
    of.dma_why = "it has no queue";
    isolation_print(&of, log_line);
    assert_true(lines_contain("but no IOMMU enforces it: it has no queue"));
    lines_clear();
    of.dma = ISOLATION_DMA_BLOCKED;
    of.dma_refused = 7;
    isolation_print(&of, log_line);
    assert_true(
        lines_contain("  nobody          devices: the IOMMU blocks their DMA and interrupts (7 "));
    assert_false(lines_contain("  - devices"));
    assert_false(lines_contain("by its devices"));
    const size_t count = lines_count();
    lines_clear();
    guest_map_add_device(&plan.guests[1].map, gpa(0xe0000000), hpa(0xf0000000), PAGE_SIZE, NULL);
    isolation_print(&of, log_line);
    assert_int_equal(lines_count(), count + 2);
    assert_true(lines_contain("  each guest      reaches its RAM and disks by its devices, and "));
    assert_true(lines_contain("  nobody          other devices: the IOMMU blocks their DMA and "));
    assert_false(lines_contain("  - devices"));
    (void)setup(state);
    lines_clear();
    of.dma = ISOLATION_DMA_INTERRUPTS_OPEN;
    isolation_print(&of, log_line);
    assert_true(
        lines_contain("  - devices: no guest has one, and the IOMMU blocks their DMA, but"));
}

/* Whether a guest gets anything from `port`, by any access to it alone. */
static bool is_open(uint16_t port, bool has_pit)
{
    static struct tx_ring tx;
    static struct rx_ring rx;
    static struct time_scale scale;
    static const struct vrtc_clock clock = {.scale = &scale};
    struct refused refused = {0};
    struct bus bus;

    scale = time_scale_make(NS_PER_SECOND);
    tx_init(&tx);
    rx_init(&rx);
    if (vpci_claims(port, 1) || vpci_claims(port, 4)) /* before the bus is asked */
        return true;
    bus_reset(&bus, &tx, &rx, &clock, has_pit);
    (void)bus_in(&bus, port, 1, 0, &refused);
    bool open = refused.total == 0;
    for (uint32_t value = 0; value <= UINT8_MAX && !open; value++) {
        refused = (struct refused){0};
        open = bus_out(&bus, port, 1, value, 0, &refused) != BUS_NONE || refused.total == 0;
    }
    return open;
}

/* What the devices of a guest answer to, out of all ports, is what the report names. */
static void expect_named(bool has_pit)
{
    unsigned ranges[5][2] = {{0}}, alone[3], timer = 0, debug = 0, port_b = 0;
    int found = 0;

    plan.guests[0].image.has_pit = has_pit;
    lines_clear();
    isolation_print(&desk, log_line);
    for (size_t i = 0; i < lines_count(); i++) {
        const char *line = lines_last(i);
        found +=
            sscanf(line,
                   "  bulkhead every I/O port; each guest has its own UART (%x-%x), clock (%x-%x), "
                   "power (%x-%x) and PCI (%x-%x) ports",
                   &ranges[0][0], &ranges[0][1], &ranges[1][0], &ranges[1][1], &ranges[2][0],
                   &ranges[2][1], &ranges[3][0], &ranges[3][1]);
        found += sscanf(
            line, "  each guest can reset itself, and nothing else, through port %x, %x or %x",
            &alone[0], &alone[1], &alone[2]);
        found += sscanf(line, "  each guest writes to its own console through port %x", &debug);
        found += sscanf(line, "  one reads 0 from port %x", &timer);
        found +=
            sscanf(line, "  one has an interval timer without an interrupt: ports %x-%x and %x",
                   &ranges[4][0], &ranges[4][1], &port_b);
    }
    assert_int_equal(found, has_pit ? 15 : 13);
    for (uint32_t port = 0; port <= UINT16_MAX; port++) {
        bool named = port == (has_pit ? port_b : timer) || port == debug;
        for (size_t i = 0; i < ARRAY_SIZE(ranges) - !has_pit; i++)
            named = named || (port >= ranges[i][0] && port <= ranges[i][1]);
        for (size_t i = 0; i < ARRAY_SIZE(alone); i++)
            named = named || port == alone[i];
        if (is_open((uint16_t)port, has_pit) != named)
            fail_msg("port 0x%x is %s", port, named ? "named, but closed" : "not named");
    }
}

static void open_ports_are_named(void **state)
{
    (void)state;
    expect_named(false);
    expect_named(true);
    plan.guests[0].image.has_pit = false;
}

static bool says(const char *text)
{
    lines_clear();
    isolation_print(&desk, log_line);
    return lines_contain(text);
}

static void what_is_shared_is_said(void **state)
{
    const struct guest_region device = {gpa(0xe0000000), hpa(0xf0000000), PAGE_SIZE, PT_R | PT_W,
                                        PT_UNCACHED,     REGION_DEVICE,   NULL};

    (void)state;
    assert_true(says("nobody          memory, vectors or windows shared"));
    assert_false(says("doorbell"));
    assert_true(says("devices: no guest has one"));
    config.links[0] = (struct config_link){.name = "bus",
                                           .side_count = 2,
                                           .memory = MIB,
                                           .sides = {{"one", 0, false}, {"two", 1, true}}};
    plan.link_count = 1;
    plan.links[0] = (struct plan_link){.config = &config.links[0], .to = hpa(0x200000000)};
    guest_map_add_shared(&plan.guests[0].map, gpa(0xc0000000), hpa(0x200000000), MIB, false, "bus");
    guest_map_add_shared(&plan.guests[1].map, gpa(0xc0000000), hpa(0x200000000), MIB, true, "bus");
    guest_map_add(&plan.guests[1].map, device);
    assert_true(says("nobody          other memory, vectors or windows shared"));
    assert_false(says("devices: no guest has one"));
    assert_true(
        says("(shared)        0x0200000000-0x02000fffff     1 MiB  link 'bus': one rw, two ro; "
             "nobody else can reach it"));
    assert_true(
        says("each guest      can ring the doorbells of its links through ports c000-c03f"));
    assert_true(says("fifteen-letters 0x00f0000000-0x00f0000fff     4 KiB  registers of its"));
    assert_true(says("fifteen-letters 0x0140000000-0x023fffffff     4 GiB  its RAM"));
    (void)guest_map_add_disk(&plan.guests[0].map, hpa(0x180000000), 2 * MIB, true, "root.img");
    assert_true(says("one             0x0180000000-0x01801fffff     2 MiB  its disk 'root.img'; "
                     "nobody else can reach it"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(owners_are_named, setup),
        cmocka_unit_test_setup(the_whole_report_goes_on, setup),
        cmocka_unit_test_setup(trust_is_named_where_it_matters, setup),
        cmocka_unit_test_setup(debuggers_are_named, setup),
        cmocka_unit_test_setup(bus_locks_are_named, setup),
        cmocka_unit_test_setup(what_the_iommu_does, setup),
        cmocka_unit_test_setup(what_is_shared_is_said, setup),
        cmocka_unit_test_setup(open_ports_are_named, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
