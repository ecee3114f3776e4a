/* SPDX-License-Identifier: MIT */
/*
 * armour: a test build's hook (make HOOK=armour). When the first vCPU is reset, which is after
 * launch, looks at what protects the hypervisor from itself, in the tables and registers that are
 * in force, and says for each measure whether it stands; docs/armour.md has the list.
 * tests/boot/test_armour.py reads it. A guest whose command line names a fault has it instead.
 */
#include "tests/hook/armour.h"

#include "kernel/console/console.h"
#include "kernel/core/cores.h"
#include "kernel/vm/vm.h"
#include "lib/log.h"
#include "lib/x86/insn.h"

const struct armour_backend *armour_backend;

static const struct vcpu_state *reset_state;
static _Atomic(const struct vcpu *) auditor; /* the first vCPU that is reset */
static atomic_bool audit_done;
static uint32_t wrong_count;
static uint64_t wrong_at;

void armour_expect(bool is_so, uint64_t at)
{
    if (is_so)
        return;
    if (wrong_count++ == 0)
        wrong_at = at;
}

void armour_reset(struct vcpu *v)
{
    virt_vcpu_reset(v, reset_state);
}

static void armour_look(const char *measure, void (*look)(struct vcpu *v), struct vcpu *v)
{
    wrong_count = 0;
    look(v);
    if (wrong_count)
        log_line("armour: %s: WRONG in %u places, first 0x%llx", measure, wrong_count,
                 (unsigned long long)wrong_at);
    else
        log_line("armour: %s: stands", measure);
    console_flush();
}

/* Whoever is being loaded has a window open; a guest that has been waits in its hook. */
static void armour_await_loads(void)
{
    for (uint32_t i = 0; i < cores_made; i++) {
        const struct vcpu *v = cpus[i]->vcpu;
        while (v && *(const volatile uint64_t *)&v->vm->load_ticks == 0)
            cpu_pause();
    }
}

static void armour_audit(struct vcpu *v)
{
    armour_await_loads();
    armour_look("nothing is writable and executable, nothing is a user's", armour_w_xor_x, v);
    armour_look("code, constants and sealed data have their rights", armour_image, v);
    armour_look("stacks have guard pages", armour_guard_pages, v);
    armour_look("stacks are their core's alone", armour_private, v);
    armour_look("no guest's memory is mapped", armour_no_guest_memory, v);
    armour_look("trampoline and APIC page are unmapped", armour_unmapped, v);
    armour_look("tables cannot be written", armour_tables, v);
    armour_look("entries that are not present are zero", armour_zero_entries, v);
    armour_look("a guest reaches its own memory only", armour_own_memory, v);
    armour_look("control registers", armour_control_registers, v);
    armour_look("fatal exceptions have stacks of their own", armour_ist, v);
    armour_look("each core has a canary of its own", armour_canaries, v);
    armour_look("intercepted exceptions", armour_backend->exceptions, v);
    armour_look("guest controls are closed", armour_backend->controls, v);
    armour_look("control bits that are ours are owned", armour_backend->owned_bits, v);
    armour_look("bitmaps are as the policy says", armour_backend->bitmaps, v);
    armour_look("a guest finds a clean core", armour_clean_core, v);
    armour_look("registers are cleared on exit", armour_backend->registers, v);
    armour_look("an NMI is taken and counted", armour_nmi, v);
    armour_look("speculation is fenced as chosen", armour_backend->speculation, v);
    armour_look("PIC and I/O APIC are masked", armour_interrupts, v);
    armour_look("no device masters the bus", armour_bus_masters, v);
    armour_reset(v); /* the guest starts as if nothing had been */
    log_line("armour: done");
    console_flush();
}

void armour_hook(const struct armour_backend *backend, struct vcpu *v,
                 const struct vcpu_state *state)
{
    const struct vcpu *nobody = NULL;

    if (!atomic_compare_exchange_strong(&auditor, &nobody, v)) {
        /* A guest that ends has its memory cleared, by an open window: not while one looks. */
        while (v != atomic_load(&auditor) && !atomic_load(&audit_done))
            cpu_pause();
        return;
    }
    armour_backend = backend;
    reset_state = state;
    armour_fault(armour_fault_asked(v));
    armour_audit(v);
    atomic_store(&audit_done, true);
}
