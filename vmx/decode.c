/* SPDX-License-Identifier: MIT */
/*
 * decode: a VT-x exit → its neutral kind and details, before anything is decided. Pure.
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

/* "Exit Qualification for Control-Register Accesses". Only writes to owned bits of CR0 and CR4 can
 * arrive by MOV; LMSW and CLTS touch no bit we own. */
static bool decode_is_cr_write(uint64_t qualification)
{
    const uint64_t number = bits_get(qualification, 3, 0);

    return bits_get(qualification, 5, 4) == CR_ACCESS_MOV_TO && (number == 0 || number == 4);
}

static void decode_cr(const struct vmx_raw *raw, const struct vcpu_regs *regs, struct vcpu_exit *x)
{
    const uint64_t from = bits_get(raw->qualification, 11, 8);

    x->cr.number = (uint8_t)bits_get(raw->qualification, 3, 0);
    x->cr.value = from == REG_RSP ? raw->rsp : regs->gpr[from];
}

/* "Exit Qualification for EPT Violations" */
static void decode_ept(const struct vmx_raw *raw, struct vcpu_exit *x)
{
    x->fault.address = gpa(raw->guest_physical);
    x->fault.access = (uint8_t)bits_get(raw->qualification, 2, 0);
    x->fault.table_walk = (raw->qualification & BIT64(7)) && !(raw->qualification & BIT64(8));
}

static enum exit_kind decode_event_kind(uint32_t info)
{
    if (!(info & INTR_VALID))
        return EXIT_UNKNOWN;
    return (info & INTR_TYPE_MASK) >> INTR_TYPE_SHIFT == INTR_NMI ? EXIT_KICK : EXIT_EXCEPTION;
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

enum exit_kind vmx_decode_kind(const struct vmx_raw *raw)
{
    if (raw->reason & EXIT_REASON_ENTRY_FAILED)
        return (raw->reason & 0xffff) == VMX_REASON_ENTRY_MACHINE_CHECK ? EXIT_MACHINE_CHECK
                                                                        : EXIT_ENTRY_FAILED;
    if (raw->reason == VMX_REASON_CR_ACCESS && !decode_is_cr_write(raw->qualification))
        return EXIT_UNKNOWN;
    if (raw->reason == VMX_REASON_EXCEPTION_OR_NMI)
        return decode_event_kind(raw->intr_info);
    return decode_plain(raw->reason);
}

void vmx_decode_details(const struct vmx_raw *raw, const struct vcpu_regs *regs,
                        struct vcpu_exit *x)
{
    if (x->kind == EXIT_CONTROL) {
        decode_cr(raw, regs, x);
    } else if (x->kind == EXIT_NESTED_FAULT) {
        decode_ept(raw, x);
    } else if (x->kind == EXIT_EXCEPTION) {
        x->exception.vector = (uint8_t)(raw->intr_info & INTR_VECTOR_MASK);
        x->exception.has_error_code = raw->intr_info & INTR_HAS_ERROR;
        x->exception.error_code = raw->intr_error;
        x->exception.dr6 = raw->qualification; /* "Exit Qualification for Debug Exceptions" */
    }
}
