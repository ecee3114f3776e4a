/* SPDX-License-Identifier: MIT */
#include "kernel/exit.h"

#include "drivers/lapic.h"
#include "kernel/partition.h"
#include "kernel/vcpu.h"
#include "lib/fmt.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

static enum verdict on_cpuid(struct vcpu *v)
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

/* Not the first to end this life: then it ends for the other reason. */
static enum verdict exit_bus_event(struct vcpu *v, enum bus_event event)
{
    switch (event) {
    case BUS_NONE:
        return DO_NEXT;
    case BUS_POWER_OFF:
        partition_end(v->vm, (struct vm_end){.kind = VM_END_POWER_OFF});
        break;
    case BUS_RESET:
        partition_end(v->vm, (struct vm_end){.kind = VM_END_RESTART});
        break;
    }
    return DO_STOP;
}

static enum verdict on_pio(struct vcpu *v, const struct vcpu_exit *x)
{
    struct bus *bus = &v->vm->bus;
    struct refused *refused = &v->soft->stats.ports;
    uint64_t *rax = &v->regs.gpr[REG_RAX];

    /* INS and OUTS would mean reading and writing guest memory, which we never do. */
    if (x->pio.string)
        return DO_GP;
    if (!x->pio.in) {
        const enum bus_event event =
            bus_out(bus, x->pio.port, x->pio.size, (uint32_t)*rax, refused);
        if (!tx_is_empty(&v->vm->console.tx))
            vcpu_has_output(v);
        return exit_bus_event(v, event);
    }
    const uint32_t value = bus_in(bus, x->pio.port, x->pio.size, rdtsc(), refused);
    /* A 32-bit destination clears the upper half, smaller ones leave the rest alone. */
    if (x->pio.size == 4)
        *rax = value;
    else if (x->pio.size == 2)
        *rax = (*rax & ~UINT64_C(0xffff)) | (value & 0xffff);
    else
        *rax = (*rax & ~UINT64_C(0xff)) | (value & 0xff);
    return DO_NEXT;
}

/* Kept by number, for the monitor: a guest that finds a feature missing often looks for its MSR. */
COLD static enum verdict exit_refuse_msr(struct vcpu *v, uint32_t index)
{
    refused_count(&v->soft->stats.msrs, index);
    return DO_GP;
}

static enum verdict on_rdmsr(struct vcpu *v, const struct vcpu_exit *x)
{
    uint64_t value;

    if (!vmsr_read(&v->soft->msr, &v->soft->apic, x->msr.index, &value))
        return exit_refuse_msr(v, x->msr.index);
    v->regs.gpr[REG_RAX] = (uint32_t)value;
    v->regs.gpr[REG_RDX] = value >> 32;
    return DO_NEXT;
}

/* INIT, SIPI and NMI to siblings are requests to their cores, not hardware messages. */
static void exit_signal(struct vcpu *v, const struct vapic_action *action, uint32_t kick)
{
    for (uint32_t i = 0; i < v->vm->vcpu_count; i++) {
        if (!(action->targets >> i & 1))
            continue;
        if (kick == KICK_SIPI)
            atomic_store(&v->vm->vcpus[i].soft->sipi_vector, action->vector);
        vcpu_request(&v->vm->vcpus[i], kick);
    }
}

static void exit_apic_action(struct vcpu *v, const struct vapic_action *action)
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
            lapic_write_icr(action->value | (uint64_t)v->soft->peers.apic_ids[target] << 32);
        }
        break;
    case VAPIC_NMI:
        exit_signal(v, action, KICK_NMI);
        break;
    case VAPIC_INIT:
        exit_signal(v, action, KICK_INIT);
        break;
    case VAPIC_START:
        exit_signal(v, action, KICK_SIPI);
        break;
    }
}

static enum verdict on_wrmsr(struct vcpu *v, const struct vcpu_exit *x)
{
    struct vapic_action action = {.kind = VAPIC_NOTHING};

    if (!vmsr_write(&v->soft->msr, &v->soft->apic, &v->soft->peers, x->msr.index, x->msr.value,
                    &action))
        return exit_refuse_msr(v, x->msr.index);
    exit_apic_action(v, &action);
    return DO_NEXT;
}

/* SDM "XSETBV—Set Extended Control Register": all that makes the instruction fault is checked
 * before it is carried out for the guest. */
static enum verdict on_xsetbv(struct vcpu *v, const struct vcpu_exit *x)
{
    const uint64_t value = x->xcr.value;

    if (x->xcr.index != 0 || (value & ~v->vm->xcr0_allowed) || !(value & XCR0_X87))
        return DO_GP;
    if ((value & XCR0_AVX) && !(value & XCR0_SSE))
        return DO_GP;
    if ((value & XCR0_AVX512) && ((value & XCR0_AVX512) != XCR0_AVX512 || !(value & XCR0_AVX)))
        return DO_GP;
    xsetbv(0, value);
    v->soft->xcr0 = value;
    return DO_NEXT;
}

static enum verdict on_nested_fault(struct vcpu *v, const struct vcpu_exit *x)
{
    const char *what = x->fault.access & NESTED_WRITE  ? "wrote to"
                       : x->fault.access & NESTED_EXEC ? "executed at"
                                                       : "read from";

    char place[80];

    diagnosis_place(x->fault.address, v->vm->plan->config->memory, place, sizeof(place));
    return vcpu_crash(v, x,
                      "it %s guest-physical address 0x%llx%s, which is outside of its memory: %s",
                      what, (unsigned long long)x->fault.address.v,
                      x->fault.table_walk ? " while its own page tables were walked" : "", place);
}

static enum verdict on_exception(struct vcpu *v, const struct vcpu_exit *x)
{
    if (x->exception.vector == VECTOR_MC)
        return vcpu_crash(v, x, "the processor reported a machine check");
    return DO_REFLECT;
}

static enum verdict on_entry_failed(struct vcpu *v, const struct vcpu_exit *x)
{
    char why[LOG_LINE_MAX];

    virt_explain(v, x, why, sizeof(why));
    return vcpu_crash(v, x, "the processor refused to enter it: %s", why);
}

enum verdict exit_dispatch(struct vcpu *v, struct vcpu_exit *x)
{
    switch (x->kind) {
    case EXIT_CPUID:
        return on_cpuid(v);
    case EXIT_HYPERCALL:
        return hypercall(v);
    case EXIT_PIO:
        return on_pio(v, x);
    case EXIT_RDMSR:
        return on_rdmsr(v, x);
    case EXIT_WRMSR:
        return on_wrmsr(v, x);
    case EXIT_CR_WRITE:
        return virt_cr_write(v, x);
    case EXIT_XSETBV:
        return on_xsetbv(v, x);
    case EXIT_NESTED_FAULT:
        return on_nested_fault(v, x);
    case EXIT_EXCEPTION:
        return on_exception(v, x);
    case EXIT_KICK:
        return vcpu_on_kick(v);
    case EXIT_TIMER:
        return vcpu_on_timer(v, x);
    case EXIT_WINDOW:
        return vcpu_on_window(v);
    case EXIT_INIT:
        return DO_AGAIN;
    case EXIT_FORBIDDEN:
        return DO_UD;
    case EXIT_RDPMC:
        return DO_GP;
    case EXIT_CACHE: /* no device writes to memory behind the caches' back */
        return DO_NEXT;
    case EXIT_TRIPLE_FAULT:
        return vcpu_crash(v, x, "triple fault: an exception while delivering a double fault");
    case EXIT_TASK_SWITCH:
        return vcpu_crash(v, x, "hardware task switches are not supported");
    case EXIT_MACHINE_CHECK:
        return vcpu_crash(v, x, "a machine check came while entering it");
    case EXIT_ENTRY_FAILED:
        return on_entry_failed(v, x);
    case EXIT_UNKNOWN:
    case EXIT_KIND_COUNT:
        break;
    }
    return vcpu_crash(v, x, "it left in a way that Bulkhead does not know");
}
