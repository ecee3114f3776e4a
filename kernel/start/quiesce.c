/* SPDX-License-Identifier: MIT */
#include "kernel/start/quiesce.h"

#include "drivers/pci/pci.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/x86/insn.h"

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

static uint32_t quiesce_pci_read(void *context, uint32_t address)
{
    (void)context;
    out32(PCI_CONFIG_ADDRESS, PCI_CONFIG_ENABLE | address);
    return in32(PCI_CONFIG_DATA);
}

static void quiesce_pci_write(void *context, uint32_t address, uint32_t value)
{
    (void)context;
    out32(PCI_CONFIG_ADDRESS, PCI_CONFIG_ENABLE | address);
    out32(PCI_CONFIG_DATA, value);
}

void quiesce_devices(bool has_screen)
{
    const struct pci_access access = {quiesce_pci_read, quiesce_pci_write, NULL};
    const struct pci_quiet q = pci_quiet(&access, has_screen);

    out32(PCI_CONFIG_ADDRESS, 0);
    out8(DMA1_MASK_PORT, DMA_ALL_MASKED);
    out8(DMA2_MASK_PORT, DMA_ALL_MASKED);
    log_line("PCI: %u function%s; bus mastering disabled on %u%s", q.functions,
             fmt_plural(q.functions), q.silenced, q.kept ? ", left on for a display" : "");
    if (q.stuck)
        log_line("PCI: cannot disable bus mastering on %u function%s, the last is %02x:%02x.%u",
                 q.stuck, fmt_plural(q.stuck), q.stuck_at >> 16, q.stuck_at >> 11 & 0x1f,
                 q.stuck_at >> 8 & 7);
}
