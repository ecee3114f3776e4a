/* SPDX-License-Identifier: MIT */
/*
 * decode: a VT-x exit → the neutral struct vcpu_exit, before anything is decided. Pure.
 * SDM "Basic VM-Exit Information", "Exit Qualification".
 */
#include "vmx/bits.h"
#include "vmx/vmx.h"

/* Exit qualification for control-register accesses. */
enum { CR_ACCESS_MOV_TO = 0 };

uint32_t vmx_exit_needs(uint32_t reason)
{
    switch (reason) {
    case VMX_REASON_EXCEPTION_OR_NMI:
        return NEEDS_QUALIFICATION | NEEDS_INTR;
    case VMX_REASON_EPT_VIOLATION:
    case VMX_REASON_EPT_MISCONFIGURATION:
        return NEEDS_QUALIFICATION | NEEDS_PHYSICAL;
    case VMX_REASON_CR_ACCESS:
        return NEEDS_QUALIFICATION | NEEDS_RSP;
    default:
        return NEEDS_QUALIFICATION;
    }
}

/* "Exit Qualification for I/O Instructions". Sizes are 1, 2 and 4; a processor that gives another,
 * say a hypervisor's below us, has its guest stopped as for any exit that we do not know. */
bool vmx_decode_io(uint64_t qualification, struct exit_pio *io)
{
    const uint64_t size = bits_get(qualification, 2, 0) + 1;

    io->size = 1;
    io->string = false;
    io->in = qualification & BIT64(3);
    io->port = (uint16_t)bits_get(qualification, 31, 16);
    /* A byte and no string, as nearly all are: one test. */
    if (__builtin_expect((qualification & (MASK64(2, 0) | BIT64(4))) == 0, 1))
        return true;
    io->size = (uint8_t)size;
    io->string = qualification & BIT64(4);
    return size <= 4 && size != 3;
}

/* "Exit Qualification for Control-Register Accesses". Only writes to owned bits of CR0 and CR4 can
 * arrive by MOV; LMSW and CLTS touch no bit we own. */
static void decode_cr(const struct vmx_raw *raw, const struct vcpu_regs *regs, struct vcpu_exit *x)
{
    const uint64_t number = bits_get(raw->qualification, 3, 0);
    const uint64_t access = bits_get(raw->qualification, 5, 4);
    const uint64_t from = bits_get(raw->qualification, 11, 8);

    if (access != CR_ACCESS_MOV_TO || (number != 0 && number != 4)) {
        x->kind = EXIT_UNKNOWN;
        return;
    }
    x->cr.number = (uint8_t)number;
    x->cr.value = from == REG_RSP ? raw->rsp : regs->gpr[from];
}

/* "Exit Qualification for EPT Violations" */
static void decode_ept(const struct vmx_raw *raw, struct vcpu_exit *x)
{
    x->fault.address = gpa(raw->guest_physical);
    x->fault.access = (uint8_t)bits_get(raw->qualification, 2, 0);
    x->fault.table_walk = (raw->qualification & BIT64(7)) && !(raw->qualification & BIT64(8));
}

static void decode_event(const struct vmx_raw *raw, struct vcpu_exit *x)
{
    const uint32_t type = (raw->intr_info & INTR_TYPE_MASK) >> INTR_TYPE_SHIFT;

    if (!(raw->intr_info & INTR_VALID)) {
        x->kind = EXIT_UNKNOWN;
        return;
    }
    if (type == INTR_NMI) {
        x->kind = EXIT_KICK;
        return;
    }
    x->exception.vector = (uint8_t)(raw->intr_info & INTR_VECTOR_MASK);
    x->exception.has_error_code = raw->intr_info & INTR_HAS_ERROR;
    x->exception.error_code = raw->intr_error;
}

/* By its number alone. A number without a row stops the guest: never "skip", and not #UD either, as
 * it may be an event. */
static enum exit_kind decode_plain(uint32_t reason)
{
    switch (reason) {
#define ROW(name, number, kind) \
    case number:                \
        return EXIT_##kind;
        VMX_REASONS(ROW)
#undef ROW
    default:
        return EXIT_UNKNOWN;
    }
}

bool vmx_is(const struct vcpu_stay *stay, enum exit_kind kind)
{
    switch ((uint32_t)kind) {
    case EXIT_CPUID:
        return stay->reason == VMX_REASON_CPUID;
    case EXIT_HYPERCALL:
        return stay->reason == VMX_REASON_VMCALL;
    case EXIT_PIO:
        return stay->reason == VMX_REASON_IO;
    case EXIT_RDMSR:
        return stay->reason == VMX_REASON_RDMSR;
    case EXIT_WRMSR:
        return stay->reason == VMX_REASON_WRMSR;
    case EXIT_XSETBV:
        return stay->reason == VMX_REASON_XSETBV;
    case EXIT_TIMER:
        return stay->reason == VMX_REASON_PREEMPTION_TIMER;
    default:
        return false;
    }
}

void vmx_decode_raw(const struct vmx_raw *raw, const struct vcpu_regs *regs, struct vcpu_exit *x)
{
    x->raw_reason = raw->reason;
    x->qualification = raw->qualification;
    if (raw->reason & EXIT_REASON_ENTRY_FAILED) {
        x->kind = (raw->reason & 0xffff) == VMX_REASON_ENTRY_MACHINE_CHECK ? EXIT_MACHINE_CHECK
                                                                           : EXIT_ENTRY_FAILED;
        return;
    }
    x->kind = decode_plain(raw->reason);
    if (x->kind == EXIT_PIO)
        x->kind = EXIT_UNKNOWN; /* vmx_decode_io() takes all but sizes that do not exist */
    else if (raw->reason == VMX_REASON_CR_ACCESS)
        decode_cr(raw, regs, x);
    else if (raw->reason == VMX_REASON_EPT_VIOLATION)
        decode_ept(raw, x);
    else if (raw->reason == VMX_REASON_EXCEPTION_OR_NMI)
        decode_event(raw, x);
}
