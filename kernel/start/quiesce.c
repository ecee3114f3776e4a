/* SPDX-License-Identifier: MIT */
#include "kernel/start/quiesce.h"

#include "drivers/pci/pci.h"
#include "kernel/start/memory_map.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/x86/insn.h"
#include "mm/firmware.h"

/* 8259A data ports: the interrupt mask. */
#define PIC1_MASK_PORT 0x21
#define PIC2_MASK_PORT 0xa1
#define PIC_ALL_MASKED 0xff

/* 8237A: the masks of four channels each. What an ISA bridge does on the bus, it does for them. */
#define DMA1_MASK_PORT 0x0f
#define DMA2_MASK_PORT 0xde
#define DMA_ALL_MASKED 0x0f

/* PCI Local Bus Specification "Configuration Mechanism #1". */
#define PCI_CONFIG_ADDRESS 0xcf8
#define PCI_CONFIG_DATA    0xcfc
#define PCI_CONFIG_ENABLE  BIT32(31)

/* "82093AA I/O Advanced Programmable Interrupt Controller": index at 0, data at 0x10. */
#define IOAPIC_INDEX       0
#define IOAPIC_DATA        4    /* in 32-bit words */
#define IOAPIC_VERSION     1    /* r-  number of the last pin in 23:16 */
#define IOAPIC_REDIRECTION 0x10 /* rw  two words for each pin */
#define IOAPIC_MASKED      BIT32(16)

static void quiesce_ioapic(hpa_t address)
{
    volatile uint32_t *regs = (volatile uint32_t *)(uintptr_t)address.v;

    regs[IOAPIC_INDEX] = IOAPIC_VERSION;
    const uint32_t last = regs[IOAPIC_DATA] >> 16 & 0xff;
    for (uint32_t pin = 0; pin <= last; pin++) {
        regs[IOAPIC_INDEX] = IOAPIC_REDIRECTION + 2 * pin;
        regs[IOAPIC_DATA] = IOAPIC_MASKED;
        regs[IOAPIC_INDEX] = IOAPIC_REDIRECTION + 2 * pin + 1;
        regs[IOAPIC_DATA] = 0;
    }
}

void quiesce_interrupts(const struct acpi_info *acpi)
{
    out8(PIC1_MASK_PORT, PIC_ALL_MASKED);
    out8(PIC2_MASK_PORT, PIC_ALL_MASKED);
    for (uint32_t i = 0; i < acpi->ioapic_count; i++)
        quiesce_ioapic(acpi->ioapics[i].address);
}

/* The two ways to configuration space; mechanism #1 reaches segment 0 only, and 256 bytes of each
 * function. */
struct quiesce_segment {
    bool ports;
    const struct acpi_ecam *ecam; /* NULL: not reached */
};

#define CONFIG_PORTS_END 0x100 /* registers behind it are not reached by the ports */

static uint32_t quiesce_config_port(uint32_t address)
{
    return PCI_CONFIG_ENABLE | (address >> 4 & 0xffff00) | (address & 0xfc);
}

static volatile uint32_t *quiesce_register(const struct quiesce_segment *s, uint32_t address)
{
    const bool there = s->ecam != NULL && pci_bus(address) >= s->ecam->first_bus &&
                       pci_bus(address) <= s->ecam->last_bus;

    return there ? (volatile uint32_t *)(uintptr_t)(s->ecam->address.v + address) : NULL;
}

static uint32_t quiesce_pci_read(void *context, uint32_t address)
{
    const struct quiesce_segment *s = context;

    if (s->ports && (address & 0xfff) < CONFIG_PORTS_END) {
        out32(PCI_CONFIG_ADDRESS, quiesce_config_port(address));
        return in32(PCI_CONFIG_DATA);
    }
    volatile const uint32_t *reg = quiesce_register(s, address);
    return reg != NULL ? *reg : UINT32_MAX;
}

static void quiesce_pci_write(void *context, uint32_t address, uint32_t value)
{
    const struct quiesce_segment *s = context;

    if (s->ports && (address & 0xfff) < CONFIG_PORTS_END) {
        out32(PCI_CONFIG_ADDRESS, quiesce_config_port(address));
        out32(PCI_CONFIG_DATA, value);
        return;
    }
    volatile uint32_t *reg = quiesce_register(s, address);
    if (reg != NULL)
        *reg = value;
}

/* Both ways lead to the same functions: what MCFG says is true. */
static bool quiesce_ecam_agrees(const struct pci_access *ports)
{
    const struct quiesce_segment *s = ports->context;
    struct pci_walk walk = {.access = ports};
    uint32_t function, seen = 0;

    while (pci_next(&walk, &function)) {
        volatile const uint32_t *reg = quiesce_register(s, function);
        if (reg == NULL)
            continue;
        if (*reg != ports->read(ports->context, function))
            return false;
        seen++;
    }
    return seen > 0;
}

static bool quiesce_is_mapped(const struct acpi_ecam *ecam)
{
    return firmware_maps(hpa(read_cr3()), memory_map_ecam(ecam));
}

static void quiesce_segment(const struct pci_access *access, bool has_screen,
                            struct pci_list *found)
{
    const struct pci_quiet q = pci_quiet(access, has_screen);
    char where[24] = "PCI";

    if (access->segment != 0)
        fmt_print(where, sizeof(where), "PCI segment %u", access->segment);
    log_line("%s: %u function%s; bus mastering disabled on %u%s", where, q.functions,
             fmt_plural(q.functions), q.silenced, q.kept ? ", left on for a display" : "");
    if (q.stuck)
        log_line("%s: cannot disable bus mastering on %u function%s, the last is " PCI_PLACE_FMT,
                 where, q.stuck, fmt_plural(q.stuck), PCI_PLACE_ARGS(q.stuck_at));
    pci_list_add(found, access);
}

static hpa_t quiesce_by_ports(const struct acpi_info *acpi, bool has_screen, struct pci_list *found)
{
    struct quiesce_segment all = {.ports = true};
    struct pci_access access = {
        .read = quiesce_pci_read, .write = quiesce_pci_write, .context = &all, .last_bus = 255};

    for (uint32_t i = 0; i < acpi->ecam_count && all.ecam == NULL; i++)
        if (acpi->ecams[i].segment == 0 && acpi->ecams[i].first_bus == 0 &&
            quiesce_is_mapped(&acpi->ecams[i]))
            all.ecam = &acpi->ecams[i];
    if (all.ecam != NULL) {
        access.extended = quiesce_ecam_agrees(&access);
        if (!access.extended)
            log_line("acpi: MCFG is wrong: at 0x%llx is not the configuration space of PCI",
                     (unsigned long long)all.ecam->address.v);
    }
    quiesce_segment(&access, has_screen, found);
    out32(PCI_CONFIG_ADDRESS, 0);
    return access.extended ? all.ecam->address : hpa(0);
}

static void quiesce_by_memory(const struct acpi_ecam *ecam, bool has_screen, struct pci_list *found)
{
    struct quiesce_segment segment = {.ecam = ecam};
    const struct pci_access access = {.read = quiesce_pci_read,
                                      .write = quiesce_pci_write,
                                      .context = &segment,
                                      .segment = ecam->segment,
                                      .first_bus = ecam->first_bus,
                                      .last_bus = ecam->last_bus,
                                      .extended = true};

    if (quiesce_is_mapped(ecam))
        quiesce_segment(&access, has_screen, found);
    else
        log_line("PCI segment %u: not reached, so its devices may still master the bus: the "
                 "firmware does not map its configuration space at 0x%llx",
                 ecam->segment, (unsigned long long)memory_map_ecam(ecam).base);
}

hpa_t quiesce_devices(const struct acpi_info *acpi, bool has_screen, struct pci_list *found)
{
    const hpa_t ecam = quiesce_by_ports(acpi, has_screen, found);

    for (uint32_t i = 0; i < acpi->ecam_count; i++)
        if (acpi->ecams[i].segment != 0)
            quiesce_by_memory(&acpi->ecams[i], has_screen, found);
    pci_list_group(found);
    out8(DMA1_MASK_PORT, DMA_ALL_MASKED);
    out8(DMA2_MASK_PORT, DMA_ALL_MASKED);
    return ecam;
}
