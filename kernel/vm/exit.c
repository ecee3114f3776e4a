/* SPDX-License-Identifier: MIT */
#include "kernel/vm/exit.h"

#include "drivers/lapic.h"
#include "kernel/core/cores.h"
#include "kernel/core/machine_check.h"
#include "kernel/vm/crash.h"
#include "kernel/vm/deadlines.h"
#include "kernel/vm/debug.h"
#include "kernel/vm/diagnosis.h"
#include "kernel/vm/exit_ports.h"
#include "kernel/vm/halt.h"
#include "kernel/vm/hypercall.h"
#include "kernel/vm/inject.h"
#include "kernel/vm/kick.h"
#include "kernel/vm/life.h"
#include "kernel/vm/requests.h"
#include "kernel/vm/serial.h"
#include "kernel/vm/table.h"
#include "kernel/vm/vm.h"
#include "lib/fmt.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

NOINLINE static enum verdict exit_cpuid_rest(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;
    uint64_t *gpr = v->regs.gpr;
    const uint32_t leaf = (uint32_t)gpr[REG_RAX];
    const uint64_t cr4 = vcpuid_is_dynamic(leaf) ? virt_cr4(v) : 0;
    uint32_t out[4];

    vcpuid_get(&soft->cpuid, leaf, (uint32_t)gpr[REG_RCX], cr4, soft->xcr0, out);
    gpr[REG_RAX] = out[0];
    gpr[REG_RBX] = out[1];
    gpr[REG_RCX] = out[2];
    gpr[REG_RDX] = out[3];
    return DO_NEXT;
}

static enum verdict on_cpuid(struct vcpu *v, const struct vcpu_soft *soft)
{
    uint64_t *gpr = v->regs.gpr;
    const uint32_t leaf = (uint32_t)gpr[REG_RAX];
    const struct cpuid_row *row = vcpuid_plain(&soft->cpuid, leaf);

    if (row == NULL)
        return exit_cpuid_rest(v);
    gpr[REG_RAX] = row->eax;
    gpr[REG_RBX] = row->ebx;
    gpr[REG_RCX] = row->ecx;
    gpr[REG_RDX] = row->edx;
    return DO_NEXT;
}

/* Not the first to end this life: then it ends for the other reason. */
static enum verdict exit_bus_event(struct vcpu *v, const struct vcpu_soft *soft,
                                   enum bus_event event)
{
    switch (event) {
    case BUS_NONE:
        return DO_NEXT;
    case BUS_TEXT:
        if (vuart_may_interrupt(&v->vm->bus.uart))
            serial_look(v->vm);
        if (soft->console_duty && !soft->console_busy && !tx_is_empty(&v->vm->console.tx))
            deadlines_hurry_console(v);
        return DO_NEXT;
    case BUS_POWER_OFF:
        life_end(v->vm, (struct vm_end){.kind = VM_END_POWER_OFF});
        break;
    case BUS_RESET:
        life_end(v->vm, (struct vm_end){.kind = VM_END_RESTART});
        break;
    }
    return DO_STOP;
}

static enum verdict on_pio(struct vcpu *v, struct vcpu_soft *soft, uint32_t pio, uint64_t now)
{
    const uint16_t port = (uint16_t)(pio >> 16);
    struct bus *bus = &v->vm->bus;
    uint64_t *rax = &v->regs.gpr[REG_RAX];
    uint8_t size = 1;

    /* A byte and no string, as nearly all are: one test. */
    if (__builtin_expect((pio & (PIO_SIZE | PIO_STRING)) != 0, 0)) {
        size = (uint8_t)((pio & PIO_SIZE) + 1);
        /* INS and OUTS would mean reading and writing guest memory, which we never do. */
        if (pio & PIO_STRING)
            return DO_GP;
        if (vlink_claims(port, size) && exit_ports_link(v, pio))
            return DO_NEXT;
    }
    if (__builtin_expect((pio & PIO_RARE_MASK) == PIO_RARE, 0) && exit_ports_rare(v, pio, size))
        return DO_NEXT;
    if (!(pio & PIO_IN)) {
        const enum bus_event event =
            bus_out(bus, port, size, (uint32_t)*rax, now, &soft->stats.ports);
        if (__builtin_expect(event == BUS_NONE, 1))
            return DO_NEXT;
        return exit_bus_event(v, soft, event);
    }
    exit_ports_put(rax, bus_in(bus, port, size, now, &soft->stats.ports), size);
    if (__builtin_expect(vuart_may_interrupt(&bus->uart), 0))
        serial_look(v->vm);
    return DO_NEXT;
}

/* Kept by number, for the monitor: a guest that finds a feature missing often looks for its MSR. */
COLD static enum verdict exit_refuse_msr(struct vcpu *v, uint32_t index)
{
    refused_count(&v->soft->stats.msrs, index);
    return DO_GP;
}

/* EDX:EAX, as WRMSR and XSETBV have it. */
static uint64_t exit_edx_eax(const struct vcpu *v)
{
    return v->regs.gpr[REG_RDX] << 32 | (uint32_t)v->regs.gpr[REG_RAX];
}

static enum verdict on_rdmsr(struct vcpu *v, const struct vcpu_soft *soft)
{
    const uint32_t index = (uint32_t)v->regs.gpr[REG_RCX];
    uint64_t value;

    if (!vmsr_read(&soft->msr, &soft->apic, index, &value))
        return exit_refuse_msr(v, index);
    v->regs.gpr[REG_RAX] = (uint32_t)value;
    v->regs.gpr[REG_RDX] = value >> 32;
    return DO_NEXT;
}

/* INIT, SIPI and NMI to siblings are requests to their cores, not hardware messages. */
NOINLINE static void exit_signal(struct vcpu *v, uint64_t targets, uint8_t vector, uint32_t kick)
{
    for (uint32_t i = 0; i < v->vm->vcpu_count; i++) {
        if (!(targets >> i & 1))
            continue;
        if (kick == KICK_SIPI)
            atomic_store(&v->vm->vcpus[i].soft->sipi_vector, vector);
        kick_send(&v->vm->vcpus[i], kick);
    }
}

static void exit_apic_action(struct vcpu *v, const struct vcpu_soft *soft,
                             const struct vapic_action *action)
{
    switch (action->kind) {
    case VAPIC_NOTHING:
        break;
    case VAPIC_WRITE:
        wrmsr(action->msr, action->value);
        break;
    case VAPIC_SEND:
        for (uint64_t left = action->targets; left; left &= left - 1) {
            const uint32_t target = (uint32_t)__builtin_ctzll(left);
            lapic_write_icr(soft->peers.apic_ids[target], (uint32_t)action->value);
        }
        break;
    case VAPIC_NMI:
        exit_signal(v, action->targets, action->vector, KICK_NMI);
        break;
    case VAPIC_INIT:
        exit_signal(v, action->targets, action->vector, KICK_INIT);
        break;
    case VAPIC_START:
        exit_signal(v, action->targets, action->vector, KICK_SIPI);
        break;
    }
}

static enum verdict on_wrmsr(struct vcpu *v, struct vcpu_soft *soft)
{
    const uint32_t index = (uint32_t)v->regs.gpr[REG_RCX];
    struct vapic_action action = {.kind = VAPIC_NOTHING};

    if (!vmsr_write(&soft->msr, &soft->apic, &soft->peers, index, exit_edx_eax(v), &action))
        return exit_refuse_msr(v, index);
    exit_apic_action(v, soft, &action);
    return DO_NEXT;
}

/* SDM "XSETBV—Set Extended Control Register": all that makes the instruction fault is checked
 * before it is carried out for the guest. The CPL too: a processor faults before it exits
 * ("Relative Priority of Faults and VM Exits"), but the emulator exits first. */
static enum verdict on_xsetbv(struct vcpu *v, struct vcpu_soft *soft)
{
    const uint64_t value = exit_edx_eax(v);

    if (virt_cpl(v) != 0 || (uint32_t)v->regs.gpr[REG_RCX] != 0 || (value & ~v->vm->xcr0_allowed) ||
        !(value & XCR0_X87))
        return DO_GP;
    if ((value & XCR0_AVX) && !(value & XCR0_SSE))
        return DO_GP;
    if ((value & XCR0_AVX512) && ((value & XCR0_AVX512) != XCR0_AVX512 || !(value & XCR0_AVX)))
        return DO_GP;
    xsetbv(0, value);
    soft->xcr0 = value;
    return DO_NEXT;
}

static enum verdict on_nested_fault(struct vcpu *v, const struct vcpu_exit *x)
{
    const char *what = x->fault.access & NESTED_WRITE  ? "wrote to"
                       : x->fault.access & NESTED_EXEC ? "executed at"
                                                       : "read from";

    char place[100];

    if (table_write(v, x))
        return DO_AGAIN;
    diagnosis_place(x->fault.address, &v->vm->plan->map, place, sizeof(place));
    return crash_guest(v, x, "it %s guest-physical address 0x%llx%s, which is %s", what,
                       (unsigned long long)x->fault.address.v,
                       x->fault.table_walk ? " during a walk of its page tables" : "", place);
}

static enum verdict on_machine_check(struct vcpu *v, const struct vcpu_exit *x)
{
    if (machine_check_take(&v->vm->plan->map) == MACHINE_CHECK_NOBODY)
        return DO_AGAIN;
    return crash_guest(v, x, "the processor reported an error in its memory (machine check)");
}

static enum verdict on_exception(struct vcpu *v, const struct vcpu_exit *x)
{
    if (x->exception.vector == VECTOR_MC)
        return on_machine_check(v, x);
    if (x->exception.vector == VECTOR_DB && debug_takes(v, x))
        return DO_AGAIN;
    return DO_REFLECT;
}

static enum verdict on_entry_failed(struct vcpu *v, const struct vcpu_exit *x)
{
    char why[LOG_LINE_MAX];

    virt_explain(v, x, why, sizeof(why));
    return crash_guest(v, x, "the processor refused VM entry: %s", why);
}

static enum verdict on_window(struct vcpu *v)
{
    inject_pending(v);
    return DO_AGAIN;
}

/* The guest halts before it was seen to take interrupts: if it does now, it wakes at once. The CPL
 * is looked at because an emulator may exit before it finds the fault. */
static enum verdict on_halt(struct vcpu *v)
{
    if (virt_cpl(v) != 0)
        return DO_GP;
    const enum verdict verdict = virt_halt(v);
    inject_pending(v);
    halt_look(v, true); /* here it is known, where the processor does not tell later */
    return verdict;
}

/* The exit itself is what keeps a guest from making many: it costs nobody else anything. Said once
 * in a life. SDM "Locked Atomic Operations". */
static enum verdict on_bus_lock(struct vcpu *v)
{
    if (!atomic_exchange(&v->vm->bus_lock_told, true) && v->vm->next.is_told)
        life_tell(v->vm, NOTE_LIFE,
                  "guest '%s' vCPU %u on core #%u makes bus locks, near RIP %llx: a locked access "
                  "across cache lines holds up all cores; `stats %s` counts them",
                  v->vm->name, v->index, v->cpu->id,
                  (unsigned long long)trace_row(&v->soft->stats.trace, 0).rip, v->vm->name);
    return DO_AGAIN;
}

enum verdict exit_dispatch(struct vcpu *v, const struct vcpu_exit *x)
{
    table_written(v);
    switch (x->kind) {
    case EXIT_CONTROL:
        return virt_control(v, x);
    case EXIT_NESTED_FAULT:
        return on_nested_fault(v, x);
    case EXIT_EXCEPTION:
        return on_exception(v, x);
    case EXIT_KICK:
        return requests_take(v);
    case EXIT_WINDOW:
        return on_window(v);
    case EXIT_HALT:
        return on_halt(v);
    case EXIT_INIT:
    case EXIT_STEP:
        return DO_AGAIN;
    case EXIT_FORBIDDEN:
        return DO_UD;
    case EXIT_RDPMC:
        return DO_GP;
    case EXIT_CACHE: /* no device writes to memory behind the caches' back */
        return DO_NEXT;
    case EXIT_BUS_LOCK:
        return on_bus_lock(v);
    case EXIT_TRIPLE_FAULT:
        return crash_guest(v, x, "triple fault: an exception while delivering a double fault");
    case EXIT_TASK_SWITCH:
        return crash_guest(v, x, "hardware task switches are not supported");
    case EXIT_MACHINE_CHECK:
        return on_machine_check(v, x);
    case EXIT_ENTRY_FAILED:
        return on_entry_failed(v, x);
    case EXIT_CPUID: /* exit_fast()'s */
    case EXIT_HYPERCALL:
    case EXIT_PIO:
    case EXIT_RDMSR:
    case EXIT_WRMSR:
    case EXIT_XSETBV:
    case EXIT_TIMER:
    case EXIT_UNKNOWN:
    case EXIT_KIND_COUNT:
        break;
    }
    return crash_guest(v, x, "unhandled VM exit");
}

/* A switch would have to name them all. */
bool exit_fast(struct vcpu *v, struct vcpu_soft *soft, const struct stay *stay,
               enum verdict *verdict)
{
    struct trace *trace = &soft->stats.trace;

    if (stay->kind == EXIT_CPUID) {
        trace_exit(trace, stay, EXIT_CPUID);
        *verdict = on_cpuid(v, soft);
    } else if (stay->kind == EXIT_HYPERCALL) {
        trace_exit(trace, stay, EXIT_HYPERCALL);
        *verdict = hypercall(v, soft);
    } else if (stay->kind == EXIT_WRMSR) {
        trace_exit(trace, stay, EXIT_WRMSR);
        *verdict = on_wrmsr(v, soft);
    } else if (stay->kind == EXIT_PIO) {
        trace_exit(trace, stay, EXIT_PIO);
        *verdict = on_pio(v, soft, stay->pio, stay->time);
    } else if (stay->kind == EXIT_RDMSR) {
        trace_exit(trace, stay, EXIT_RDMSR);
        *verdict = on_rdmsr(v, soft);
    } else if (stay->kind == EXIT_TIMER) {
        trace_exit(trace, stay, EXIT_TIMER);
        *verdict = deadlines_look(v, stay->time);
    } else if (stay->kind == EXIT_XSETBV) {
        trace_exit(trace, stay, EXIT_XSETBV);
        *verdict = on_xsetbv(v, soft);
    } else if (stay->kind == EXIT_KICK && atomic_load(&v->kick) == KICK_DUE) {
        *verdict =
            requests_take(v); /* our own: the guest has not been entered since its last exit */
    } else {
        return false;
    }
    return true;
}
