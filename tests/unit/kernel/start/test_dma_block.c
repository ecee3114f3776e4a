/* SPDX-License-Identifier: MIT */
/*
 * test_dma_block: what is said of IOMMUs, and which memory a display keeps.
 */
#include "kernel/start/dma_block.h"

#include "kernel/core/machine_lines.h"
#include "kernel/plan/machine_text.h"
#include "support.h"

static struct start_state start;
static struct iommu made;
static bool is_made, is_started;
static const char *refuses;
static uint32_t printed;
static struct range kept[ACPI_RESERVED_MAX];
static uint32_t kept_count, highest;

struct iommu *iommu_create(const struct acpi_info *acpi, const struct pci_list *list,
                           struct pages *pages, uint64_t ticks_a_second)
{
    assert_true(acpi == &start.acpi && list == &start.machine.devices && pages == &start.pages);
    assert_int_equal(ticks_a_second, 1000);
    return is_made ? &made : NULL;
}

enum status iommu_keep(struct iommu *iommu, const struct pci_entry *display,
                       const struct range *ranges, uint32_t count)
{
    assert_true(iommu == &made && display == &start.machine.devices.entries[1] && !is_started);
    memcpy(kept, ranges, count * sizeof(*ranges));
    kept_count = count;
    return OK;
}

void iommu_start(struct iommu *iommu, uint32_t highest_apic_id)
{
    assert_ptr_equal(iommu, &made);
    highest = highest_apic_id;
    is_started = true;
}

bool iommu_blocks_interrupts(const struct iommu *iommu, const struct iommu_unit *unit)
{
    return unit == &iommu->units[0];
}

const char *iommu_refuses_all(const struct iommu *iommu)
{
    return iommu == NULL ? "this machine has no IOMMU, or the firmware has it off" : refuses;
}

const char *iommu_refuses(const struct iommu *iommu, const struct pci_entry *function)
{
    assert_ptr_equal(iommu, &made);
    return function->class >> 16 == 3 ? "is kept by this test" : NULL;
}

void machine_text_print(const struct machine *machine, log_sink say)
{
    assert_true(machine == &start.machine && say == machine_lines_say);
    printed++;
}

/* A network card and a display, each with reserved memory. */
static int setup(void **state)
{
    (void)state;
    memset(&start, 0, sizeof(start));
    memset(&made, 0, sizeof(made));
    lines_clear();
    is_made = true;
    is_started = false;
    refuses = NULL;
    printed = 0;
    start.ecam = hpa(0xb0000000);
    kept_count = 0;
    start.tsc.hz = 1000;
    start.machine.has_screen = true;
    start.machine.core_count = 3;
    start.machine.apic_ids[1] = 300;
    start.machine.apic_ids[2] = 7;
    start.machine.devices.count = 2;
    start.machine.devices.entries[0] =
        (struct pci_entry){.address = pci_address(2, 0, 0, 0), .class = 0x020000};
    start.machine.devices.entries[1] =
        (struct pci_entry){.address = pci_address(0, 2, 0, 0), .class = 0x030000};
    start.acpi.iommu_count = 2;
    start.acpi.iommus[0].address = hpa(0xfed90000);
    start.acpi.iommus[1].address = hpa(0xfed91000);
    start.acpi.reserved_count = 3;
    for (uint32_t i = 0; i < 3; i++) {
        start.acpi.reserved[i] =
            (struct acpi_reserved){.base = (i + 1) * MIB * 16, .size = MIB, .apart = i != 1};
        start.acpi.scopes[start.acpi.scope_count++] = (struct acpi_scope){.kind = ACPI_SCOPE_IDS,
                                                                          .reserved = true,
                                                                          .of = (uint8_t)i,
                                                                          .first = 0x10,
                                                                          .last = 0x10};
    }
    start.acpi.scopes[start.acpi.scope_count++] = (struct acpi_scope){
        .kind = ACPI_SCOPE_IDS, .reserved = true, .of = 0, .first = 0x200, .last = 0x200};
    made.unit_count = 2;
    for (uint32_t i = 0; i < 2; i++)
        made.units[i].told = &start.acpi.iommus[i];
    return 0;
}

static void each_is_named(void **state)
{
    (void)state;
    start.machine.has_screen = false;
    dma_block(&start);
    assert_ptr_equal(start.iommu, &made);
    assert_int_equal(highest, 300);
    assert_int_equal(lines_count(), 2);
    assert_string_equal(lines_last(1), "IOMMU: VT-d at 0xfed90000 is on: DMA and interrupts of all "
                                       "devices blocked");
    assert_string_equal(lines_last(0),
                        "IOMMU: VT-d at 0xfed91000 is on: DMA of all devices blocked");
    made.amd = true;
    made.units[1].why = "it does not go on";
    dma_block(&start);
    assert_string_equal(lines_last(0),
                        "IOMMU: AMD-Vi at 0xfed91000 is not used: it does not go on");
    assert_int_equal(kept_count, 0); /* there is no picture to keep */
}

/* abuse: DM-07 */
static void a_display_keeps_what_is_apart(void **state)
{
    (void)state;
    dma_block(&start);
    assert_int_equal(kept_count, 2);
    assert_int_equal(kept[0].base, 16 * MIB);
    assert_int_equal(kept[1].base, 48 * MIB);
    assert_true(lines_contain("IOMMU: the firmware reserves 0x2000000 for a display, which is RAM: "
                              "blocked"));
    assert_true(lines_contain("IOMMU: display 00:02.0 reaches the 2 ranges that the firmware "
                              "reserves for it, and nothing else"));
    (void)setup(NULL);
    start.acpi.scope_count = 0;
    dma_block(&start);
    assert_int_equal(kept_count, 0);
    assert_int_equal(lines_count(), 2);
}

static void none(void **state)
{
    (void)state;
    is_made = false;
    dma_block(&start);
    assert_null(start.iommu);
    assert_false(is_started);
    assert_int_equal(lines_count(), 0);
}

/* What a plan and a machine file are told. */
static void what_can_be_given_away(void **state)
{
    (void)state;
    dma_block(&start);
    assert_string_equal(start.machine.no_devices, "");
    assert_int_equal(printed, 1);
    assert_string_equal(start.machine.devices.entries[1].kept, "is kept by this test");
    assert_null(start.machine.devices.entries[0].kept);
    start.ecam = hpa(0);
    is_started = false;
    dma_block(&start);
    assert_string_equal(start.machine.no_devices,
                        "the firmware gives no configuration space in memory (MCFG)");
    refuses = "an IOMMU of this machine is not on";
    is_started = false;
    dma_block(&start);
    assert_string_equal(start.machine.no_devices, "an IOMMU of this machine is not on");
    is_made = false;
    dma_block(&start);
    assert_string_equal(start.machine.no_devices,
                        "this machine has no IOMMU, or the firmware has it off");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_is_named, setup),
        cmocka_unit_test_setup(a_display_keeps_what_is_apart, setup),
        cmocka_unit_test_setup(none, setup),
        cmocka_unit_test_setup(what_can_be_given_away, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
