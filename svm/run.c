/* SPDX-License-Identifier: MIT */
/*
 * run: one stay in the guest, from the decision to enter to the kind of its end; and what the
 * kernel may do to a guest between two stays.
 */
#include "lib/assert.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"
#include "svm/blocking.h"
#include "svm/svm.h"
#include "svm/switch.h"

#define CPUID_LENGTH   2
#define VMMCALL_LENGTH 3
#define MSR_LENGTH     2 /* RDMSR, WRMSR */
#define XSETBV_LENGTH  3
#define SLOW_LENGTH    2

#define INSTRUCTION_MAX 15 /* bytes */

/* ------------------------------------------------------------------ events */

/* An event ends the HLT at which the guest stands: it is taken behind it. */
static void svm_pass_halt(struct svm_vcpu *hw)
{
    struct svm_vmcb *vmcb = &hw->vmcb;

    if (hw->is_halting && vmcb->rip == hw->halt_rip) {
        vmcb->rip += HLT_LENGTH;
        vmcb->interrupt_shadow &= ~SHADOW_ACTIVE;
    }
    hw->is_halting = false;
}

bool svm_inject_interrupt(struct vcpu *v, uint8_t vector)
{
    struct svm_vcpu *hw = v->hw;

    if (!svm_is_open(hw, EVENT_INTERRUPT)) {
        svm_want_window(v, EVENT_INTERRUPT);
        return false;
    }
    svm_pass_halt(hw);
    hw->vmcb.event_inject = svm_event(EVENT_INTERRUPT, vector);
    return true;
}

bool svm_inject_nmi(struct vcpu *v)
{
    struct svm_vcpu *hw = v->hw;

    if (!svm_is_open(hw, EVENT_NMI)) {
        svm_want_window(v, EVENT_NMI);
        return false;
    }
    svm_pass_halt(hw);
    hw->vmcb.event_inject = svm_event(EVENT_NMI, VECTOR_NMI);
    svm_begin_nmi(hw);
    return true;
}

void svm_inject_exception(struct vcpu *v, uint8_t vector, bool has_code, uint32_t code)
{
    struct svm_vcpu *hw = v->hw;

    hw->vmcb.event_inject = svm_exception_event(&hw->vmcb, vector, has_code, code);
    hw->entry_rip = hw->vmcb.rip;
}

/* An exit that interrupted the delivery of another event. An interrupt or NMI would be lost, so it
 * is delivered later; anything else comes again with its instruction. APM "EXITINTINFO". */
static void svm_keep_cut_event(struct vcpu *v)
{
    struct svm_vcpu *hw = v->hw;
    const uint64_t info = hw->vmcb.exit_int_info;
    const uint64_t type = (info & EVENT_TYPE_MASK) >> EVENT_TYPE_SHIFT;

    if ((info & EVENT_VALID) && (type == EVENT_INTERRUPT || type == EVENT_NMI)) {
        if (type == EVENT_NMI)
            svm_cancel_nmi(hw);
        hw->deferred = info & (EVENT_VALID | EVENT_TYPE_MASK | EVENT_VECTOR_MASK);
        v->hw_work |= WORK_EVENT;
    }
}

/* DR6 has what the guest's handler is to find: the processor wrote it before it exited. */
void svm_reflect(struct vcpu *v, const struct vcpu_exit *x)
{
    struct svm_vmcb *vmcb = &((struct svm_vcpu *)v->hw)->vmcb;

    if (x->exception.vector == VECTOR_DB && (vmcb->dr6 & DR6_BD))
        vmcb->dr7 &= ~DR7_GD;
    svm_inject_exception(v, x->exception.vector, x->exception.has_error_code,
                         x->exception.error_code);
}

void svm_set_deadline(struct vcpu *v, uint64_t deadline)
{
    (void)v;
    (void)deadline;
    ASSERT(false); /* there is no timer that counts in the guest: virt_report.guest_timer */
}

/* ------------------------------------------------------------------ before an entry */

static bool svm_deliver_again(struct vcpu *v)
{
    struct svm_vcpu *hw = v->hw;
    const enum svm_event_type type =
        (enum svm_event_type)((hw->deferred & EVENT_TYPE_MASK) >> EVENT_TYPE_SHIFT);

    return type == EVENT_NMI ? svm_inject_nmi(v) : svm_inject_interrupt(v, (uint8_t)hw->deferred);
}

/* An NMI to this core, which waits for the entry. */
static void svm_nudge(const struct vcpu *v)
{
    const uint64_t icr_nmi = 0x400; /* APM "Interrupt Command Register": delivery mode 4 */

    mfence_lfence();
    wrmsr(MSR_X2APIC_ICR, (uint64_t)v->apic_id << 32 | icr_nmi);
}

void svm_before_entry(struct vcpu *v)
{
    struct svm_vcpu *hw = v->hw;

    if ((v->hw_work & WORK_FLUSH) && hw->vmcb.exit_code != SVM_NEVER_LEFT) {
        hw->vmcb.tlb_control = TLB_DO_NOTHING;
        v->hw_work &= ~(uint32_t)WORK_FLUSH;
    }
    if (v->hw_work & WORK_ONCE)
        svm_once_before_entry(v);
    if ((v->hw_work & WORK_EVENT) && svm_deliver_again(v))
        v->hw_work &= ~(uint32_t)WORK_EVENT;
    if (v->hw_work & WORK_NUDGE) {
        v->hw_work &= ~(uint32_t)WORK_NUDGE;
        svm_nudge(v);
    }
    if (v->hw_work & WORK_BUFFERS)
        verw_own_segment(); /* last */
}

/* ------------------------------------------------------------------ a stay */

/* Of an exit by an NMI, which is none of the guest's. */
static void svm_end_kick(struct svm_vcpu *hw)
{
    struct svm_vmcb *vmcb = &hw->vmcb;

    if (vmcb->rflags & RFLAGS_IF) {
        hw->is_halting = false;
        return;
    }
    /* It may be in HLT, which the processor does not tell and which the exit has ended: RIP stands
     * behind it. If it is the HLT that exited last it goes back there; else the next one tells. */
    if (hw->is_halting && hw->halt_is_closed && vmcb->rip == hw->halt_rip + HLT_LENGTH)
        vmcb->rip = hw->halt_rip; /* and stands there: an event is taken behind it */
    else
        hw->is_halting = false;
    vmcb->intercept_1 |= INTERCEPT1_HLT;
}

static void svm_end_halt(struct svm_vcpu *hw)
{
    hw->vmcb.intercept_1 &= ~INTERCEPT1_HLT;
    hw->is_halting = true;
    hw->halt_is_closed = !(hw->vmcb.rflags & RFLAGS_IF);
    hw->halt_rip = hw->vmcb.rip;
}

/* A processor that refuses an entry leaves the VMCB as it is (APM "VMRUN Instruction"). An emulator
 * saves the state of that moment there, ours, over the guest's: then it is not to be shown as the
 * guest's, and no rule that it breaks is left to find. */
static void svm_find_loss(struct svm_vcpu *hw)
{
    hw->is_lost = hw->vmcb.cr3 == read_cr3();
    if (hw->is_lost)
        hw->vmcb.rip = hw->entry_rip;
}

/* All ends that are never many. No address of the stay: it is in registers (kernel/vm/vcpu.c). */
NOINLINE static enum exit_kind svm_end_slow(struct vcpu *v)
{
    struct svm_vcpu *hw = v->hw;
    const enum exit_kind kind = svm_decode_kind(&hw->vmcb);

    if (kind != EXIT_ENTRY_FAILED)
        hw->entry_rip = hw->vmcb.rip;
    svm_keep_cut_event(v);
    if ((v->hw_work & WORK_ONCE) && svm_once_exit(v, kind))
        return EXIT_STEP;
    if (kind == EXIT_KICK)
        svm_end_kick(hw);
    else if (kind == EXIT_HALT && svm_ends_halt(v))
        return EXIT_STEP;
    else if (kind == EXIT_HALT)
        svm_end_halt(hw);
    else if (kind == EXIT_WINDOW)
        return svm_end_window(hw);
    else if (kind == EXIT_EXCEPTION && svm_ends_step(v))
        return EXIT_WINDOW;
    else if (kind == EXIT_BUS_LOCK) /* before the instruction: this once it goes on */
        hw->vmcb.bus_lock_threshold = 1;
    else if (kind == EXIT_ENTRY_FAILED)
        svm_find_loss(hw);
    return kind;
}

/* A request came first. */
static enum exit_kind svm_abandon(struct vcpu *v)
{
    if (v->hw_work & WORK_ONCE)
        svm_once_cut(v);
    return EXIT_KICK;
}

static inline bool svm_ended_by(struct stay *stay, uint64_t code, enum svm_exit which,
                                enum exit_kind kind, uint64_t length)
{
    if (code != which)
        return false;
    stay->hw_code = which;
    stay->kind = kind;
    stay->insn_len = length;
    return true;
}

/* The kinds that come often first, by as few compares as possible. */
void svm_run(struct vcpu *v, struct stay *stay)
{
    const uint64_t code = svm_switch(v, stay);
    const struct svm_vmcb *vmcb = (const struct svm_vmcb *)(uintptr_t)stay->hw_rest;

    if (svm_ended_by(stay, code, SVM_EXIT_CPUID, EXIT_CPUID, CPUID_LENGTH) ||
        svm_ended_by(stay, code, SVM_EXIT_VMMCALL, EXIT_HYPERCALL, VMMCALL_LENGTH))
        return;
    if ((uint32_t)v->regs.gpr[REG_RCX] != MSR_EFER &&
        svm_ended_by(stay, code, SVM_EXIT_MSR, EXIT_RDMSR, MSR_LENGTH)) {
        if (vmcb->exit_info_1 & 1)
            stay->kind = EXIT_WRMSR;
        return;
    }
    if (svm_ended_by(stay, code, SVM_EXIT_IOIO, EXIT_PIO, vmcb->exit_info_2 - stay->rip)) {
        stay->pio = svm_pio(vmcb->exit_info_1);
        if (!svm_pio_is_good(vmcb->exit_info_1))
            stay->kind = EXIT_UNKNOWN;
        return;
    }
    /* Without CR4.OSXSAVE there is none: svm_decode_kind(). */
    if ((vmcb->cr4 & CR4_OSXSAVE) &&
        svm_ended_by(stay, code, SVM_EXIT_XSETBV, EXIT_XSETBV, XSETBV_LENGTH))
        return;
    const enum exit_kind kind = code == SVM_NO_EXIT ? svm_abandon(v) : svm_end_slow(v);
    stay->hw_code = (uint32_t)code;
    stay->kind = kind > EXIT_OFTEN_LAST ? kind : EXIT_UNKNOWN;
    stay->rip = vmcb->rip;
    stay->insn_len = SLOW_LENGTH;
}

void svm_details(struct vcpu *v, enum exit_kind kind, uint32_t hw_code, struct vcpu_exit *x)
{
    const struct svm_vmcb *vmcb = &((struct svm_vcpu *)v->hw)->vmcb;

    *x = (struct vcpu_exit){.kind = kind, .hw_code = hw_code, .hw_info = vmcb->exit_info_1};
    svm_decode_details(vmcb, x);
}

void svm_info(const struct vcpu *v, enum exit_kind kind, uint64_t info[2])
{
    const struct svm_vmcb *vmcb = &((const struct svm_vcpu *)v->hw)->vmcb;

    info[0] = vmcb->exit_info_1;
    info[1] = kind == EXIT_NESTED_FAULT ? vmcb->exit_info_2
              : kind == EXIT_EXCEPTION  ? svm_exception(vmcb->exit_code)
                                        : 0;
}

/* The instruction is done, and with it the shadow of the STI or MOV SS before it; and a guest that
 * single-steps gets its trap after it, as if it had not exited. */
NOINLINE static void svm_end_instruction(struct vcpu *v)
{
    struct svm_vmcb *vmcb = &((struct svm_vcpu *)v->hw)->vmcb;

    if (v->hw_work & WORK_ONCE) {
        svm_once_cut(v);
        vmcb->rflags &= ~RFLAGS_RF;
    }
    vmcb->interrupt_shadow &= ~SHADOW_ACTIVE;
    if (!(vmcb->rflags & RFLAGS_TF) || svm_ends_own_step(v))
        return;
    vmcb->dr6 |= DR6_BS;
    vmcb->event_inject = svm_event(EVENT_EXCEPTION, VECTOR_DB);
}

/* RIP has 32 bits outside 64-bit mode. */
NOINLINE static void svm_cut_rip(struct vcpu *v)
{
    struct svm_vmcb *vmcb = &((struct svm_vcpu *)v->hw)->vmcb;

    if (!svm_in_64bit(v))
        vmcb->rip = (uint32_t)vmcb->rip;
}

/* A processor that does not say where the next instruction is has 0 there. */
void svm_advance(struct vcpu *v, const struct stay *stay)
{
    struct svm_vcpu *hw = (struct svm_vcpu *)(uintptr_t)stay->hw_rest;
    struct svm_vmcb *vmcb = &hw->vmcb;
    const uint64_t next = vmcb->next_rip ? vmcb->next_rip : stay->rip + stay->insn_len;

    vmcb->rip = next;
    hw->entry_rip = next;
    if (__builtin_expect((uint32_t)next < INSTRUCTION_MAX, 0)) /* it may have come over 2^32 */
        svm_cut_rip(v);
    if (__builtin_expect((vmcb->interrupt_shadow & SHADOW_ACTIVE) || (vmcb->rflags & RFLAGS_TF), 0))
        svm_end_instruction(v);
}

/* The guest repeats it, now that it does not exit; svm_pass_halt() if an event is to end it. */
enum verdict svm_halt(struct vcpu *v)
{
    (void)v;
    return DO_AGAIN;
}

bool svm_has_halted(const struct vcpu *v)
{
    const struct svm_vcpu *hw = v->hw;

    return hw->is_halting && hw->vmcb.rip == hw->halt_rip && !(hw->vmcb.rflags & RFLAGS_IF) &&
           !(hw->vmcb.event_inject & EVENT_VALID) && !(v->hw_work & WORK_EVENT);
}

uint8_t svm_cpl(const struct vcpu *v)
{
    return ((const struct svm_vcpu *)v->hw)->vmcb.cpl;
}

bool svm_in_64bit(const struct vcpu *v)
{
    const struct svm_vmcb *vmcb = &((const struct svm_vcpu *)v->hw)->vmcb;

    return (vmcb->cs.attributes & ATTRIBUTE_LONG) && (vmcb->efer & EFER_LMA);
}

uint64_t svm_cr4(const struct vcpu *v)
{
    return ((const struct svm_vcpu *)v->hw)->vmcb.cr4;
}
