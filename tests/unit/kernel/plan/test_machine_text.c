/* SPDX-License-Identifier: MIT */
/*
 * test_machine_text: what is printed of a machine is read back, out of a whole boot log with guests
 * in it; what is no boot log is refused, with the reason.
 */
#include "kernel/plan/machine_text.h"

#include <stdarg.h>
#include <stdio.h>

#include "support.h"

static char text[65536];
static struct machine machine, back;
static const char *prefix;

static void PRINTF_LIKE(1, 2) say(const char *fmt, ...)
{
    size_t len = strlen(text);
    va_list args;

    len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", prefix);
    va_start(args, fmt);
    len += (size_t)vsnprintf(text + len, sizeof(text) - len, fmt, args);
    va_end(args);
    snprintf(text + len, sizeof(text) - len, "\r\n");
}

static int setup(void **state)
{
    (void)state;
    text[0] = '\0';
    prefix = "[bulkhead] ";
    memset(&machine, 0, sizeof(machine));
    machine.core_count = 1;
    machine.range_count = 1;
    machine.ranges[0] = (struct range){16 * MIB, 64 * MIB};
    return 0;
}

static const char *read_text(void)
{
    return machine_text_read(&back, text, strlen(text));
}

static void there_and_back(void)
{
    text[0] = '\0';
    machine_text_print(&machine, say);
    assert_null(read_text());
    if (memcmp(&machine, &back, sizeof(machine)) != 0)
        fail_msg("%s", text);
}

static void a_small_machine(void **state)
{
    (void)state;
    there_and_back();
    assert_string_equal(text, "[bulkhead] cores #0: APIC ids 0, node 0\r\n"
                              "[bulkhead] memory for guests: 0x1000000-0x4ffffff, 64 MiB\r\n"
                              "[bulkhead] devices for guests: yes, behind an IOMMU\r\n"
                              "[bulkhead] screen: none\r\n"
                              "[bulkhead] guests' deadlines: watched by each core's own timer\r\n");
    machine.needs_monitor = machine.has_screen = true;
    there_and_back();
    machine.has_serial2 = true;
    there_and_back();
    assert_non_null(strstr(text, "[bulkhead] second serial port: yes\r\n"));
    prefix = "";
    there_and_back();
}

static void a_large_machine(void **state)
{
    (void)state;
    machine.core_count = CORES_MAX;
    machine.thread_bits = 1;
    machine.tsc_apart = 5;
    for (uint32_t i = 0; i < CORES_MAX; i++) {
        machine.kinds[i] = i < 16 ? CORE_PERFORMANCE : i < 32 ? CORE_EFFICIENCY : CORE_PLAIN;
        machine.apic_ids[i] = i < 16 ? i : i < 40 ? 2 * i : 10000 - 3 * i;
        machine.nodes[i] = i / 8;
    }
    for (uint32_t i = 0; i < MACHINE_RANGES_MAX; i++)
        machine.ranges[i] = (struct range){GIB * (i + 1), GIB - 4096};
    machine.range_count = MACHINE_RANGES_MAX;
    for (uint32_t i = 0; i < MACHINE_NEAR_MAX; i++)
        machine.near[i] = (struct machine_near){{GIB * i, GIB}, i / 2};
    machine.near_count = MACHINE_NEAR_MAX;
    there_and_back();
}

/* The list of functions is told of elsewhere in the log, and again where the monitor was asked. */
static void functions(void **state)
{
    struct pci_list *list = &machine.devices;
    char line[PCI_TEXT_MAX];

    (void)state;
    list->entries[0] = (struct pci_entry){
        .address = pci_address(0, 0, 0, 0), .vendor = 0x8086, .device = 0x29c0, .class = 0x060000};
    list->entries[1] =
        (struct pci_entry){.address = pci_address(0, 0x1f, 2, 0),
                           .vendor = 0x8086,
                           .device = 0x2922,
                           .class = 0x010600,
                           .msi = true,
                           .group = 2,
                           .bars = {[0] = {.base = 0xe000000000, .size = 16 * KIB, .wide = true},
                                    [2] = {.base = 0xd0000000, .size = GIB, .prefetch = true},
                                    [4] = {.size = 32, .io = true},
                                    [5] = {.base = 0xfebd5000, .size = 512}}};
    list->entries[2] = (struct pci_entry){.address = pci_address(1, 0, 0, 0),
                                          .vendor = 0x1b36,
                                          .device = 0x0010,
                                          .class = 0x010800,
                                          .msi = true,
                                          .msix = {65, 0, 0x2000},
                                          .reset = PCI_RESET_FLR,
                                          .kept = "its firmware reserves memory for it"};
    list->entries[3] = list->entries[2];
    list->entries[3].segment = 1;
    list->entries[3].reset = PCI_RESET_POWER;
    list->entries[4] = (struct pci_entry){.segment = 1,
                                          .address = pci_address(2, 0, 0, 0),
                                          .class = 0x060400,
                                          .is_bridge = true,
                                          .secondary = 3,
                                          .subordinate = 0xa0};
    list->count = 5;
    machine.no_devices[0] = '\0';
    for (uint32_t twice = 0; twice < 2; twice++)
        for (uint32_t i = 0; i < list->count; i++) {
            pci_list_text(&list->entries[i], line, sizeof(line));
            say("pci %s", line);
        }
    machine_text_print(&machine, say);
    assert_null(read_text());
    assert_int_equal(back.devices.count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        const struct pci_entry *e = &back.devices.entries[i], *was = &list->entries[i];
        assert_int_equal(e->segment, was->segment);
        assert_int_equal(e->address, was->address);
        assert_int_equal(e->vendor, was->vendor);
        assert_int_equal(e->device, was->device);
        assert_int_equal(e->class, was->is_bridge ? 0 : was->class);
        assert_int_equal(e->is_bridge, was->is_bridge);
        assert_int_equal(e->secondary, was->secondary);
        assert_int_equal(e->subordinate, was->subordinate);
        assert_int_equal(e->msi, was->msi);
        assert_int_equal(e->msix.count, was->msix.count);
        assert_int_equal(e->msix.bar, was->msix.bar);
        assert_int_equal(e->msix.at, was->msix.at);
        assert_int_equal(e->reset, was->reset);
        assert_int_equal(e->group, was->group);
        for (uint32_t b = 0; b < PCI_BARS; b++) {
            assert_int_equal(e->bars[b].size, was->bars[b].size);
            assert_int_equal(e->bars[b].io, was->bars[b].io);
            if (!was->bars[b].io)
                assert_int_equal(e->bars[b].base, was->bars[b].base);
            assert_int_equal(e->bars[b].wide, was->bars[b].wide);
            assert_int_equal(e->bars[b].prefetch, was->bars[b].prefetch);
        }
        assert_int_equal(e->kept != NULL, i == 2);
    }
    snprintf(machine.no_devices, sizeof(machine.no_devices), "the firmware lists no IOMMU");
    text[0] = '\0';
    machine_text_print(&machine, say);
    assert_null(read_text());
    assert_string_equal(back.no_devices, machine.no_devices);
}

static void broken_functions(void **state)
{
    static const char *const lines[] = {
        "pci",
        "pci 00:1f",
        "pci 00:20.0 8086:2922 sata",
        "pci 00:1f.8 8086:2922 sata",
        "pci 00:1f.2 8086:292 sata",
        "pci 00:1f.2 8086:2922 satan",
        "pci 00:1f.2 8086:2922 sata, BAR 6 4 KiB at 0x1000",
        "pci 00:1f.2 8086:2922 sata, BAR 0 0 KiB at 0x1000",
        "pci 00:1f.2 8086:2922 sata, BAR 0 4 KiB",
        "pci 00:1f.2 8086:2922 sata, BAR 0 4 KiB at here",
        "pci 00:1f.2 8086:2922 sata, BAR 0 99999999999999999999 GiB at 0x1000",
        "pci 00:1f.2 8086:2922 sata, group x",
        "pci 00:02.0 1b36:000c PCI bridge to bus",
        "pci 00:02.0 1b36:000c PCI bridge to bus 1-2",
        "pci 00:02.0 1b36:000c PCI bridge to bus 01-0",
        "pci 00:02.0 1b36:000c PCI bridge to bus 01-02 03",
        "pci 00:1f.2 8086:2922 sata, group 257",
        "devices for guests: perhaps",
        "devices for guests: none, as",
        "devices for guests: yes, behind an IOMMU, or so",
        "device kept: 00:1f",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        snprintf(text, sizeof(text), "%s\n", lines[i]);
        machine_text_print(&machine, say);
        if (i != 0 && read_text() == NULL)
            fail_msg("%s", lines[i]);
    }
    snprintf(text, sizeof(text), "pci 00:1f.2 8086:2922 sata, BAR 0 4 KiB at ...\n");
    machine_text_print(&machine, say);
    assert_null(read_text());
    assert_non_null(back.devices.entries[0].kept);
}

/* Pieces in which no guest can lie are not worth a line. */
static void small_pieces(void **state)
{
    (void)state;
    machine.range_count = 2;
    machine.ranges[1] = (struct range){GIB + PAGE_SIZE, 2 * MIB - PAGE_SIZE};
    machine_text_print(&machine, say);
    assert_null(read_text());
    assert_int_equal(back.range_count, 1);
}

static void a_whole_log(void **state)
{
    (void)state;
    snprintf(text, sizeof(text),
             "BdsDxe: loading Boot0002\r\n"
             "[bulkhead] processor: some, family 0x6\r\n"
             "[bulkhead] cores #0-1: APIC ids 0-1, node 0\r\n"
             "[bulkhead] memory for guests: 0x1000000-0x4ffffff, 64 MiB\r\n"
             "[guest] cores #2: APIC ids 2, node 0\r\n"
             "[guest] processor: some, family 0x6\r\n"
             "[bulkhead] processor: some, family 0x6\r\n"
             "[bulkhead] cores #0-2: APIC ids 4-8 in steps of 2, node 1, kind P\r\n"
             "[bulkhead] 3 of 3 cores answer, x2APIC\r\n"
             "[bulkhead] memory for guests: 0x2000000-0x4ffffff, 48 MiB\r\n"
             "[bulkhead] screen: yes\r\n"
             "bulkhead> li\r            \r[bulkhead] guests' deadlines: watched by core #0\r\n"
             "cores: none of our lines\n"
             "[guest] memory for guests: 0x100000-");
    assert_null(read_text());
    assert_int_equal(back.core_count, 3);
    assert_int_equal(back.apic_ids[2], 8);
    assert_int_equal(back.nodes[1], 1);
    assert_int_equal(back.kinds[2], CORE_PERFORMANCE);
    assert_int_equal(back.range_count, 1);
    assert_int_equal(back.ranges[0].base, 0x2000000);
    assert_true(back.has_screen && back.needs_monitor);
}

static void refused(void **state)
{
#define CORES  "cores #0-1: APIC ids 0-1, node 0\n"
#define MEMORY "memory for guests: 0x1000000-0x4ffffff, 64 MiB\n"
#define END    "guests' deadlines: watched by core #0\n"
    static const struct {
        const char *log, *why;
    } rows[] = {
        {"", "has no line that begins with '[bulkhead] cores': it is no boot log of Bulkhead"},
        {"Linux version 6.1\n",
         "has no line that begins with '[bulkhead] cores': it is no boot log of Bulkhead"},
        {CORES, "has no line about memory for guests: it is no whole boot log of Bulkhead"},
        {"cores #1: APIC ids 0, node 0\n", "lists its cores out of order"},
        {CORES CORES, "lists its cores out of order"},
        {"cores #0-9999: APIC ids 0-9999, node 0\n", "lists more cores than Bulkhead uses"},
        {"cores #0-18446744073709551615: APIC ids 0, node 0\n",
         "lists more cores than Bulkhead uses"},
        {"cores #0-18446744073709551616: APIC ids 0, node 0\n",
         "lists more cores than Bulkhead uses"},
        {"cores #0-3: APIC ids 0-4, node 0\n", "has APIC ids that do not go with its cores"},
        {"cores #0-1: APIC ids 0-4294967296 in steps of 4294967296, node 0\n",
         "has APIC ids that do not go with its cores"},
        {"cores #0-1: APIC ids 5-5 in steps of 0, node 0\n",
         "has APIC ids that do not go with its cores"},
        {"cores #1-0: APIC ids 0, node 0\n", "has a line about cores that is not of a boot log"},
        {"cores #0: APIC ids 0\n", "has a line about cores that is not of a boot log"},
        {"cores #0: APIC ids x, node 0\n", "has a line about cores that is not of a boot log"},
        {"cores x", "has a line about cores that is not of a boot log"},
        {CORES "memory for guests: 0x1000-0x1fff\nmemory for guests: 0x1000-0x1fff\n",
         "lists its memory out of order"},
        {CORES "memory for guests: 0x1000-0x1ffe\n",
         "has a line about memory that is not of a boot log"},
        {CORES "memory for guests: 0x1001-0x1fff\n",
         "has a line about memory that is not of a boot log"},
        {CORES "memory for guests: 0x1000-0xffffffffffffffff\n",
         "has a line about memory that is not of a boot log"},
        {CORES "memory for guests:", "has a line about memory that is not of a boot log"},
        {CORES "memory of node 4294967296: 0x1000-0x1fff\n",
         "has a line about nodes that is not of a boot log"},
        {CORES "memory of node 1 0x1000-0x1fff\n",
         "has a line about nodes that is not of a boot log"},
        {CORES "threads of a core: their APIC ids differ in the lowest 9 bits\n",
         "has a line about threads that is not of a boot log"},
        {CORES MEMORY "screen: yes\n",
         "has no line about guests' deadlines: it is no whole boot log of Bulkhead"},
        {CORES MEMORY END "processor: another\n" CORES MEMORY,
         "has no line about guests' deadlines: it is no whole boot log of Bulkhead"},
        {CORES MEMORY "guests' deadlines: watched by co",
         "has a line about guests' deadlines that is not of a boot log"},
        {CORES MEMORY END "guests' deadlines: watched by each core's own timer\n",
         "says twice what watches guests' deadlines"},
        {CORES MEMORY "second serial port: some",
         "has a line about the second serial port that is not of a boot log"},
        {CORES MEMORY "screen: y", "has a line about the screen that is not of a boot log"},
        {"cores #0: APIC ids 0, node 0, kind X\n",
         "has a line about cores that is not of a boot log"},
        {"cores #0: APIC ids 0, node 0, kind PE\n",
         "has a line about cores that is not of a boot log"},
        {CORES "cores #2: APIC ids 1, node 0\n" MEMORY END, "has two cores with one APIC id"},
        {CORES "memory for guests: 0x1000-0xfffffffffffff\nmemory for guests: "
               "0x10000000000000-0x10000000000fff\n",
         "has a line about memory that is not of a boot log"},
        {CORES "TSC apart: core #2\n", "has a line about TSCs that is not of a boot log"},
        {CORES "TSC apart: core #512\n", "has a line about TSCs that is not of a boot log"},
    };
    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const size_t len = strlen(rows[i].log);
        char *copy = malloc(len + 1); /* without its NUL, so that the sanitizer sees the end */

        memcpy(copy, rows[i].log, len + 1);
        copy = realloc(copy, len > 0 ? len : 1);
        const char *why = machine_text_read(&back, copy, len);
        assert_non_null(why);
        assert_string_equal(why, rows[i].why);
        free(copy);
    }
}

static void too_many_pieces(void **state)
{
    (void)state;
    snprintf(text, sizeof(text), CORES);
    for (uint32_t i = 0; i <= MACHINE_RANGES_MAX; i++)
        say("memory for guests: 0x%x000-0x%xfff", 2 * i + 1, 2 * i + 1);
    assert_string_equal(read_text(), "lists memory in too many pieces");
    snprintf(text, sizeof(text), CORES);
    for (uint32_t i = 0; i <= MACHINE_NEAR_MAX; i++)
        say("memory of node 1: 0x%x000-0x%xfff", 2 * i + 1, 2 * i + 1);
    assert_string_equal(read_text(), "lists nodes in too many pieces");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_small_machine, setup),
        cmocka_unit_test_setup(a_large_machine, setup),
        cmocka_unit_test_setup(functions, setup),
        cmocka_unit_test_setup(broken_functions, setup),
        cmocka_unit_test_setup(small_pieces, setup),
        cmocka_unit_test_setup(a_whole_log, setup),
        cmocka_unit_test_setup(refused, setup),
        cmocka_unit_test_setup(too_many_pieces, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
