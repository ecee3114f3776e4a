/* SPDX-License-Identifier: MIT */
#include "kernel/vm/exit_ports.h"

#include "kernel/vm/cable.h"
#include "kernel/vm/device.h"
#include "kernel/vm/link.h"
#include "kernel/vm/serial.h"
#include "lib/bits.h"

static void exit_ports_device(struct vcpu *v, uint32_t pio, uint8_t size, uint32_t d, uint32_t reg)
{
    const uint32_t shift = 8 * (pio >> 16 & 3);
    uint64_t *rax = &v->regs.gpr[REG_RAX];

    if (pio & PIO_IN)
        exit_ports_put(rax, device_read(v->vm, d, reg) >> shift, size);
    else
        device_write(v->vm, d, reg, (uint32_t)MASK64(8 * size - 1, 0) << shift,
                     (uint32_t)*rax << shift);
}

static void exit_ports_pci(struct vcpu *v, uint32_t pio, uint8_t size)
{
    const uint16_t port = (uint16_t)(pio >> 16);
    uint64_t *rax = &v->regs.gpr[REG_RAX];
    struct vpci *pci = &v->vm->pci;
    UNINITIALIZED uint32_t slot, reg;

    if (vpci_names(pci, port, &slot, &reg) && slot >= VPCI_DEVICE &&
        slot - VPCI_DEVICE < v->vm->device_count) {
        exit_ports_device(v, pio, size, slot - VPCI_DEVICE, reg);
        return;
    }
    if (pio & PIO_IN) {
        exit_ports_put(rax, vpci_in(pci, port, size), size);
        return;
    }
    const struct vpci_function *f = vpci_out(pci, port, size, (uint32_t)*rax);
    if (f == &pci->slots[VPCI_UART])
        serial_reroute(v->vm);
    else if (f == &pci->slots[VPCI_CABLE])
        cable_reroute(v->vm->cable);
}

static void exit_ports_cable(struct vcpu *v, uint32_t pio)
{
    const uint32_t reg = (pio >> 16) % VUART_PORTS;
    uint64_t *rax = &v->regs.gpr[REG_RAX];

    if (pio & PIO_IN)
        exit_ports_put(rax, cable_in(v->vm->cable, reg), 1);
    else
        cable_out(v->vm->cable, reg, (uint8_t)*rax);
}

NOINLINE bool exit_ports_rare(struct vcpu *v, uint32_t pio, uint8_t size)
{
    const uint16_t port = (uint16_t)(pio >> 16);

    if (vpci_claims(port, size)) {
        exit_ports_pci(v, pio, size);
        return true;
    }
    if (!v->vm->cable || size != 1 || port / VUART_PORTS != VUART_PORT_2 / VUART_PORTS)
        return false;
    exit_ports_cable(v, pio);
    return true;
}

NOINLINE bool exit_ports_link(struct vcpu *v, uint32_t pio)
{
    const uint16_t port = (uint16_t)(pio >> 16);
    const uint32_t index = vlink_index(port);
    uint64_t *rax = &v->regs.gpr[REG_RAX];
    UNINITIALIZED uint32_t side;

    if (index >= v->vm->end_count)
        return false;
    struct vlink *device = &v->vm->ends[index_masked(index, VLINKS)].device;
    if (pio & PIO_IN)
        *rax = vlink_in(device, port);
    else if (vlink_out(device, port, (uint32_t)*rax, &side))
        link_ring(v->vm, index, side);
    return true;
}
