/* SPDX-License-Identifier: MIT */
#include "kernel/vm/serial.h"

#include "kernel/vm/message.h"

static void serial_send(const struct vm *vm)
{
    message_send(vm, &vm->pci.slots[VPCI_UART]);
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

bool serial_break(struct vm *vm)
{
    if (atomic_load(&vm->phase) != VM_RUNNING)
        return false;
    vuart_break(&vm->bus.uart);
    return true;
}
