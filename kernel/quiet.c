/* SPDX-License-Identifier: MIT */
#include "kernel/quiet.h"

#include "lib/bits.h"
#include "lib/x86/insn.h"

/* 8259A data ports: the interrupt mask. */
#define PIC1_MASK_PORT 0x21
#define PIC2_MASK_PORT 0xa1
#define PIC_ALL_MASKED 0xff

/* "82093AA I/O Advanced Programmable Interrupt Controller": index at 0, data at 0x10. */
#define IOAPIC_INDEX       0
#define IOAPIC_DATA        4    /* in 32-bit words */
#define IOAPIC_VERSION     1    /* r-  number of the last pin in 23:16 */
#define IOAPIC_REDIRECTION 0x10 /* rw  two words for each pin */
#define IOAPIC_MASKED      BIT32(16)

static void quiet_ioapic(hpa_t address)
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

void quiet_interrupts(const struct acpi_info *acpi)
{
    out8(PIC1_MASK_PORT, PIC_ALL_MASKED);
    out8(PIC2_MASK_PORT, PIC_ALL_MASKED);
    for (uint32_t i = 0; i < acpi->ioapic_count; i++)
        quiet_ioapic(acpi->ioapics[i].address);
}
