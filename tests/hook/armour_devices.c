/* SPDX-License-Identifier: MIT */
/*
 * armour_devices: the interrupt controllers of the machine and the configuration space of PCI.
 * Looks at an I/O APIC through the window, where a PC has its first.
 */
#include "kernel/cpu.h"
#include "lib/bits.h"
#include "lib/x86/insn.h"
#include "tests/hook/armour.h"

#define IOAPIC        0xfec00000
#define IOAPIC_MASKED BIT32(16)

void armour_interrupts(struct vcpu *v)
{
    volatile uint32_t *regs = host_window(&v->cpu->host, hpa(IOAPIC));

    armour_expect(in8(0x21) == 0xff, 0x21);
    armour_expect(in8(0xa1) == 0xff, 0xa1);
    regs[0] = 1;
    const uint32_t last = regs[4] >> 16 & 0xff;
    armour_expect(last >= 23, last);
    for (uint32_t pin = 0; pin <= last; pin++) {
        regs[0] = 0x10 + 2 * pin;
        armour_expect(regs[4] & IOAPIC_MASKED, pin);
    }
    host_window_close(&v->cpu->host);
}

static uint32_t config(uint32_t address)
{
    out32(0xcf8, BIT32(31) | address);
    return in32(0xcfc);
}

/* Displays are let go on. */
void armour_bus_masters(struct vcpu *v)
{
    uint32_t functions = 0;

    (void)v;
    for (uint32_t at = 0; at < BIT32(24); at += BIT32(8)) {
        if ((config(at) & 0xffff) == 0xffff || config(at + 8) >> 24 == 3)
            continue;
        functions++;
        armour_expect(!(config(at + 4) & BIT32(2)), at);
    }
    armour_expect(functions > 0, functions);
    out32(0xcf8, 0);
}
