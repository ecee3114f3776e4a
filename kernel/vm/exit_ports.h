/* SPDX-License-Identifier: MIT */
/*
 * exit_ports: port exits of the devices that are not on the bus (vdev/bus.h): PCI configuration,
 * links, and the serial cable. exit.c finds them.
 */
#pragma once

#include "kernel/vm/vm.h"

/* Ports whose low nine bits are 0xf8 to 0xff: among them, found by one comparison, PCI's and those
 * of the second UART. */
#define PIO_RARE_MASK 0x01f80000u
#define PIO_RARE      0x00f80000u
_Static_assert((VPCI_ADDRESS << 16 & PIO_RARE_MASK) == PIO_RARE &&
                   (VUART_PORT_2 << 16 & PIO_RARE_MASK) == PIO_RARE &&
                   (VUART_PORT << 16 & PIO_RARE_MASK) != PIO_RARE,
               "the console's is not among them");

/* A 32-bit destination clears the upper half, smaller ones leave the rest alone. */
static ALWAYS_INLINE void exit_ports_put(uint64_t *rax, uint32_t value, uint8_t size)
{
    if (size == 4)
        *rax = value;
    else if (size == 2)
        *rax = (*rax & ~UINT64_C(0xffff)) | (value & 0xffff);
    else
        *rax = (*rax & ~UINT64_C(0xff)) | (value & 0xff);
}

/* One of the rare ports, by `size` bytes; false: it is somebody else's. */
bool exit_ports_rare(struct vcpu *v, uint32_t pio, uint8_t size);

/* A link's register; false: the guest has no such link. */
bool exit_ports_link(struct vcpu *v, uint32_t pio);
