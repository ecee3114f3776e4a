/* SPDX-License-Identifier: MIT */
#include "kernel/vm/serial.h"

#include "drivers/lapic.h"
#include "lib/x86/insn.h"
#include "vdev/vmsi.h"

/*
 * To a core that is parked or waits for a SIPI, too: it takes whatever comes, and ends it. A WRMSR
 * to an x2APIC register does not wait for stores (SDM "x2APIC State Transitions" and "MSR Access in
 * x2APIC Mode"): what the message is about has to be visible first.
 */
static void serial_send(const struct vm *vm)
{
    const struct vapic_peers *peers = &vm->vcpus[0].soft->peers;
    struct vmsi_target target;
    uint32_t address, data;

    if (atomic_load(&vm->phase) != VM_RUNNING ||
        !vpci_message(&vm->pci.slots[VPCI_UART], &address, &data) ||
        !vmsi_route(address, data, peers, &target))
        return;
    mfence_lfence();
    lapic_write_icr(peers->apic_ids[target.vcpu], target.value);
}

void serial_look(struct vm *vm)
{
    if (vuart_look(&vm->bus.uart))
        serial_send(vm);
}

void serial_reroute(struct vm *vm)
{
    vuart_forget(&vm->bus.uart);
    serial_look(vm);
}

void serial_tick(struct vm *vm)
{
    if (atomic_load(&vm->phase) == VM_RUNNING && vuart_tick(&vm->bus.uart))
        serial_send(vm);
}
