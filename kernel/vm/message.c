/* SPDX-License-Identifier: MIT */
#include "kernel/vm/message.h"

#include "drivers/lapic.h"
#include "lib/x86/insn.h"
#include "vdev/vmsi.h"

/*
 * To a core that is parked or waits for a SIPI, too: it takes whatever comes, and ends it. A WRMSR
 * to an x2APIC register does not wait for stores (SDM "x2APIC State Transitions" and "MSR Access in
 * x2APIC Mode"): what the message is about has to be visible first.
 */
void message_send(const struct vm *vm, const struct vpci_function *f)
{
    const struct vapic_peers *peers = &vm->vcpus[0].soft->peers;
    struct vmsi_target target;
    uint32_t address, data;

    if (atomic_load(&vm->phase) != VM_RUNNING || !vpci_message(f, &address, &data) ||
        !vmsi_route(address, data, peers, &target))
        return;
    mfence_lfence();
    lapic_write_icr(peers->apic_ids[target.vcpu], target.value);
}
