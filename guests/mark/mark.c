/* SPDX-License-Identifier: MIT */
/*
 * mark: says what a register of a device holds, and writes to it: what one life of a guest leaves
 * in a device, the next one finds, unless the device is reset in between. id=N: its device id in
 * 31:16, its vendor's in 15:0; reg=N (0): of BAR 0, in bytes, a multiple of 4; value=N (1).
 */
#include "guests/kit/kit.h"
#include "guests/kit/pci.h"

int main(void)
{
    const uint32_t slot = pci_find((uint32_t)option_number("id", 0));
    const uint64_t reg = option_number("reg", 0);
    const uint32_t value = (uint32_t)option_number("value", 1);

    if (slot == PCI_SLOTS)
        fatal(1, "there is no such device");
    volatile uint32_t *registers = pci_registers(slot, 0);
    const uint32_t found = registers[reg / 4];
    registers[reg / 4] = value;
    print("register 0x%lx held 0x%x, and holds 0x%x\n", reg, found, registers[reg / 4]);
    return 0;
}
