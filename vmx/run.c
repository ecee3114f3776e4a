/* SPDX-License-Identifier: MIT */
/*
 * run: one stay in the guest, from the decision to enter to the kind of its end; and what the
 * kernel may do to a guest between two stays. The VMCS is v's: current on its core since the first
 * vmx_vcpu_reset(), as a core has no other vCPU.
 */
#include "lib/assert.h"
#include "lib/time.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"
#include "vmx/bits.h"
#include "vmx/insn.h"
#include "vmx/switch.h"
#include "vmx/vmx.h"

#define DR6_EVENTS (UINT64_C(0xf) | DR6_BD | DR6_BS | UINT64_C(0x8000))

#define INSTRUCTION_MAX 15 /* bytes */

void vmx_set_cpu_controls(struct vmx_vcpu *hw, uint32_t controls)
{
    if (hw->controls_cpu == controls)
        return;
    hw->controls_cpu = controls;
    vmwrite32(VMCS_PRIMARY_CONTROLS, controls);
}

bool vmx_event_is_queued(void)
{
    return vmread32(VMCS_ENTRY_INTERRUPTION_INFO) & INTR_VALID;
}

static void vmx_queue_event(uint32_t info, uint32_t error, uint32_t insn_len)
{
    vmwrite32(VMCS_ENTRY_INTERRUPTION_INFO, info);
    vmwrite32(VMCS_ENTRY_EXCEPTION_ERROR, error);
    vmwrite32(VMCS_ENTRY_INSTRUCTION_LENGTH, insn_len);
}

/* The single-step trap of the instruction before. An entry that injects would drop it. SDM
 * "Delivery of Pending Debug Exceptions after VM Entry" */
static bool vmx_trap_is_pending(uint64_t rflags)
{
    return (rflags & RFLAGS_TF) && (vmread_nat(VMCS_GUEST_PENDING_DEBUG) & PENDING_DEBUG_BS);
}

/* An external interrupt or NMI that can be delivered now; else asks for the window. SDM "Checks on
 * Guest Non-Register State", "Interrupt-Window Exiting and Virtual-Interrupt Delivery". With the
 * window comes HLT exiting: where a window that opens in HLT does not end it (in an emulator), the
 * event would wait there for ever. */
static bool vmx_deliver(struct vmx_vcpu *hw, uint32_t type, uint8_t vector)
{
    const uint32_t blocked = vmread32(VMCS_GUEST_INTERRUPTIBILITY);
    const uint64_t rflags = vmread_nat(VMCS_GUEST_RFLAGS);
    const uint32_t shadow = BLOCKED_BY_STI | BLOCKED_BY_MOV_SS;
    const bool is_nmi = type == INTR_NMI;
    const bool open = is_nmi ? !(blocked & BLOCKED_BY_NMI) : (rflags & RFLAGS_IF) != 0;

    if (open && !(blocked & shadow) && !vmx_event_is_queued() && !vmx_trap_is_pending(rflags)) {
        /* No error code, no instruction: the other two fields are not looked at. */
        vmwrite32(VMCS_ENTRY_INTERRUPTION_INFO, INTR_VALID | type << INTR_TYPE_SHIFT | vector);
        return true;
    }
    vmx_set_cpu_controls(hw, hw->controls_cpu | CPU_HLT |
                                 (is_nmi ? CPU_NMI_WINDOW : CPU_INTERRUPT_WINDOW));
    return false;
}

bool vmx_inject_interrupt(struct vcpu *v, uint8_t vector)
{
    return vmx_deliver(v->hw, INTR_EXTERNAL, vector);
}

bool vmx_inject_nmi(struct vcpu *v)
{
    return vmx_deliver(v->hw, INTR_NMI, VECTOR_NMI);
}

void vmx_inject_exception(struct vcpu *v, uint8_t vector, bool has_code, uint32_t code)
{
    uint32_t info = INTR_VALID | INTR_HARDWARE_EXCEPTION << INTR_TYPE_SHIFT | vector;

    (void)v;
    /* "If CR0.PE is 0, the deliver-error-code bit must be 0": real mode pushes none. */
    if (has_code && (vmread_nat(VMCS_GUEST_CR0) & CR0_PE))
        info |= INTR_HAS_ERROR;
    vmx_queue_event(info, code, 0);
}

/* Called when an intercepted exception interrupted the delivery of another event: an interrupt or
 * NMI would be lost, so it is delivered later; an exception comes again with its instruction.
 * SDM "Information for VM Exits During Event Delivery", "Interrupt 8—Double Fault Exception". */
void vmx_keep_cut_event(struct vcpu *v)
{
    struct vmx_vcpu *hw = v->hw;
    const uint32_t info = vmread32(VMCS_IDT_VECTORING_INFO);
    const uint32_t type = (info & INTR_TYPE_MASK) >> INTR_TYPE_SHIFT;

    if ((info & INTR_VALID) && (type == INTR_EXTERNAL || type == INTR_NMI)) {
        hw->deferred = info;
        v->hw_work |= WORK_EVENT;
    }
}

/* Entry with TF and STI or MOV-SS blocking requires a pending single-step trap. */
void vmx_keep_trap(void)
{
    const uint32_t blocked = vmread32(VMCS_GUEST_INTERRUPTIBILITY);

    if ((blocked & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)) &&
        (vmread_nat(VMCS_GUEST_RFLAGS) & RFLAGS_TF))
        vmwrite_nat(VMCS_GUEST_PENDING_DEBUG,
                    vmread_nat(VMCS_GUEST_PENDING_DEBUG) | PENDING_DEBUG_BS);
}

void vmx_reflect(struct vcpu *v, const struct vcpu_exit *x)
{
    const uint32_t info = vmread32(VMCS_EXIT_INTERRUPTION_INFO);
    const uint32_t blocked = vmread32(VMCS_GUEST_INTERRUPTIBILITY);

    vmx_keep_cut_event(v);
    if (x->exception.vector == VECTOR_DB) {
        /* The exit left DR6 and DR7.GD as they were: do what delivery would have done. */
        write_dr6((read_dr6() & ~UINT64_C(0xf)) | (x->hw_info & DR6_EVENTS));
        if (x->hw_info & DR6_BD)
            vmwrite_nat(VMCS_GUEST_DR7, vmread_nat(VMCS_GUEST_DR7) & ~DR7_GD);
        vmx_keep_trap();
    }
    if (info & INTR_NMI_UNBLOCK) /* the fault was the IRET's, which already unblocked NMIs */
        vmwrite32(VMCS_GUEST_INTERRUPTIBILITY, blocked | BLOCKED_BY_NMI);
    vmx_queue_event(info & ~INTR_NMI_UNBLOCK, x->exception.error_code,
                    vmread32(VMCS_EXIT_INSTRUCTION_LENGTH));
}

/* The timer counts down in the guest only, and its value is kept over exits. Its first unit is over
 * when a bit of the TSC changes, which may be at once: so one more, and it is never early, which
 * would be an exit for nothing. SDM "VMX-Preemption Timer" */
static void vmx_write_preemption_timer(uint64_t deadline)
{
    const uint32_t shift = (uint32_t)(vmx_caps.misc & MISC_TIMER_SHIFT_MASK);
    const uint64_t units = (ticks_since(deadline, rdtsc()) >> shift) + 2;

    vmwrite32(VMCS_PREEMPTION_TIMER, (uint32_t)min_u64(units, UINT32_MAX));
}

NOINLINE static void vmx_switch_timer(struct vmx_vcpu *hw, bool on)
{
    const uint32_t pin = vmx_controls.pin;

    hw->timer_on = on;
    vmwrite32(VMCS_PIN_BASED_CONTROLS, on ? pin : pin & ~PIN_PREEMPTION_TIMER);
    /* "If the timer is not activated, its saving must be off" as well. */
    vmwrite32(VMCS_EXIT_CONTROLS, on ? vmx_controls.exit : vmx_controls.exit & ~EXIT_SAVE_TIMER);
}

void vmx_set_deadline(struct vcpu *v, uint64_t deadline)
{
    struct vmx_vcpu *hw = v->hw;
    const bool on = deadline != UINT64_MAX;

    hw->deadline = deadline;
    v->hw_work |= WORK_TIMER;
    if (on != hw->timer_on)
        vmx_switch_timer(hw, on);
}

/* What is loaded after it is the guest's own. */
static void vmx_clear_buffers(void)
{
    if (vmx_spec.at_entry & SPEC_ENTRY_L1D)
        wrmsr(MSR_FLUSH_CMD, FLUSH_CMD_L1D);
    if (vmx_spec.at_entry & SPEC_ENTRY_VERW)
        verw_own_segment();
}

NOINLINE static void vmx_rest_before_entry(struct vcpu *v)
{
    struct vmx_vcpu *hw = v->hw;

    if (v->hw_work & WORK_REPEAT) {
        if (hw->repeat.tried) /* another exit came, its #GP or one that has nothing to do with it */
            vmx_cr_end(v, false);
        hw->repeat.tried = true;
    }
    if (v->hw_work & WORK_ONCE) {
        if (hw->once_tried) /* an exit came that is never slow */
            vmx_once(v, false);
        hw->once_tried = true;
    }
    if ((v->hw_work & WORK_STEP) && vmx_debug_has_moved(hw)) /* by an instruction that exited */
        vmx_debug_end_step(v);
    if ((v->hw_work & WORK_EVENT) &&
        vmx_deliver(hw, (hw->deferred & INTR_TYPE_MASK) >> INTR_TYPE_SHIFT,
                    (uint8_t)(hw->deferred & INTR_VECTOR_MASK)))
        v->hw_work &= ~(uint32_t)WORK_EVENT;
    if (v->hw_work & WORK_BUFFERS)
        vmx_clear_buffers(); /* last */
}

void vmx_before_entry(struct vcpu *v)
{
    const struct vmx_vcpu *hw = v->hw;

    if (v->hw_work & WORK_TIMER)
        vmx_write_preemption_timer(hw->deadline);
    v->hw_work &= ~(uint32_t)WORK_TIMER;
    if (v->hw_work)
        vmx_rest_before_entry(v);
}

/* ------------------------------------------------------------------ a stay */

static void vmx_read_raw(uint32_t reason, struct vmx_raw *raw)
{
    const uint32_t needs = vmx_exit_needs(reason);

    *raw = (struct vmx_raw){.reason = reason, .qualification = vmread_nat(VMCS_EXIT_QUALIFICATION)};
    if (needs & NEEDS_PHYSICAL)
        raw->guest_physical = vmread64(VMCS_GUEST_PHYSICAL_ADDRESS);
    if (needs & NEEDS_RSP)
        raw->rsp = vmread_nat(VMCS_GUEST_RSP);
    if (needs & NEEDS_INTR) {
        raw->intr_info = vmread32(VMCS_EXIT_INTERRUPTION_INFO);
        raw->intr_error = vmread32(VMCS_EXIT_INTERRUPTION_ERROR);
    }
}

/*
 * vmx_advance() adds 64 bits. Outside 64-bit mode RIP has 32, and an instruction that ends at their
 * end is a case that hardly ever comes: then the processor itself notices, refuses the entry, and
 * RIP is cut here. SDM "Checks on Guest RIP and RFLAGS".
 */
static bool vmx_cut_rip(const struct vcpu *v)
{
    const uint64_t rip = vmread_nat(VMCS_GUEST_RIP);

    if (rip >> 32 != 1 || (uint32_t)rip >= INSTRUCTION_MAX || vmx_in_64bit(v))
        return false;
    vmwrite_nat(VMCS_GUEST_RIP, (uint32_t)rip);
    return true;
}

/* The monitor trap: of a repeated MOV, of a debugger's step, or of one that is both. */
static void vmx_end_trap(struct vcpu *v)
{
    if (v->hw_work & WORK_REPEAT)
        vmx_cr_end(v, vmx_cr_is_done(v->hw));
    vmx_debug_end_step(v);
}

/* All ends that are never many. */
NOINLINE static enum exit_kind vmx_end_slow(struct vcpu *v, uint64_t reason)
{
    struct vmx_vcpu *hw = v->hw;
    struct vmx_raw raw;

    if (vmx_no_exit(reason) == VMX_REFUSED)
        vmx_refused();
    if (v->hw_work & WORK_ONCE)
        vmx_once(v, false);
    if (vmx_no_exit(reason) == VMX_KICKED)
        return EXIT_KICK;
    vmx_read_raw((uint32_t)reason, &raw);
    const enum exit_kind kind = vmx_decode_kind(&raw);
    if (kind == EXIT_ENTRY_FAILED && vmx_cut_rip(v))
        return EXIT_STEP;
    if (kind == EXIT_HALT && vmx_debug_ends_halt(v))
        return EXIT_STEP;
    if (kind == EXIT_WINDOW || kind == EXIT_HALT)
        vmx_set_cpu_controls(hw, hw->controls_cpu & ~CPU_WINDOWS);
    else if (kind == EXIT_STEP)
        vmx_end_trap(v);
    else if (kind == EXIT_BUS_LOCK)
        vmx_keep_cut_event(v);
    return kind;
}

static inline bool vmx_ended_by(struct stay *stay, uint64_t reason, enum vmx_reason which,
                                enum exit_kind kind)
{
    if (reason != which)
        return false;
    stay->hw_code = which;
    stay->kind = kind;
    return true;
}

/* The kinds that come often first, by as few compares as possible: the kernel's own look at the
 * kind follows at once, and the compiler makes one of the two. */
static inline bool vmx_ended_often(struct stay *stay, uint64_t reason)
{
    if (vmx_ended_by(stay, reason, VMX_REASON_CPUID, EXIT_CPUID) ||
        vmx_ended_by(stay, reason, VMX_REASON_VMCALL, EXIT_HYPERCALL) ||
        vmx_ended_by(stay, reason, VMX_REASON_PREEMPTION_TIMER, EXIT_TIMER) ||
        vmx_ended_by(stay, reason, VMX_REASON_WRMSR, EXIT_WRMSR))
        return true;
    if (vmx_ended_by(stay, reason, VMX_REASON_IO, EXIT_PIO)) {
        const uint64_t qualification = vmread_known(VMCS_EXIT_QUALIFICATION);
        stay->pio = (uint32_t)qualification;
        if (!vmx_io_is_good(qualification))
            stay->kind = EXIT_UNKNOWN;
        return true;
    }
    return vmx_ended_by(stay, reason, VMX_REASON_RDMSR, EXIT_RDMSR) ||
           vmx_ended_by(stay, reason, VMX_REASON_XSETBV, EXIT_XSETBV);
}

void vmx_run(struct vcpu *v, struct stay *stay)
{
    const uint64_t reason = vmx_switch(v, stay);

    if (vmx_ended_often(stay, reason))
        return;
    /* A bus lock and, at once, another exit: that one counts. The guest's next lock is seen. */
    const uint64_t alone = reason & ~(uint64_t)EXIT_REASON_BUS_LOCK;
    if (alone != reason && vmx_ended_often(stay, alone))
        return;
    const enum exit_kind kind = vmx_end_slow(v, alone);
    stay->hw_code = (uint32_t)alone;
    stay->kind = kind > EXIT_OFTEN_LAST ? kind : EXIT_UNKNOWN;
}

void vmx_details(struct vcpu *v, enum exit_kind kind, uint32_t hw_code, struct vcpu_exit *x)
{
    struct vmx_raw raw;

    vmx_read_raw(hw_code, &raw);
    *x = (struct vcpu_exit){.kind = kind, .hw_code = hw_code, .hw_info = raw.qualification};
    vmx_decode_details(&raw, &v->regs, x);
}

void vmx_info(const struct vcpu *v, enum exit_kind kind, uint64_t info[2])
{
    (void)v;
    info[0] = vmread_nat(VMCS_EXIT_QUALIFICATION);
    info[1] = kind == EXIT_NESTED_FAULT ? vmread64(VMCS_GUEST_PHYSICAL_ADDRESS)
              : kind == EXIT_EXCEPTION  ? vmread32(VMCS_EXIT_INTERRUPTION_INFO) & INTR_VECTOR_MASK
                                        : 0;
}

/* SDM "Guest Non-Register State": an exit out of HLT saves that state, an entry goes back to it. */
bool vmx_has_halted(const struct vcpu *v)
{
    return vmread32(VMCS_GUEST_ACTIVITY) == ACTIVITY_HLT &&
           !(vmread_nat(VMCS_GUEST_RFLAGS) & RFLAGS_IF) && !vmx_event_is_queued() &&
           !(v->hw_work & WORK_EVENT);
}

/* The instruction is done, and with it the shadow of the STI or MOV SS before it; and a guest that
 * single-steps gets its trap after it, as if it had not exited. */
NOINLINE static void vmx_end_instruction(void)
{
    const uint32_t blocked = vmread32(VMCS_GUEST_INTERRUPTIBILITY);
    const uint32_t shadow = BLOCKED_BY_STI | BLOCKED_BY_MOV_SS;

    if (blocked & shadow)
        vmwrite32(VMCS_GUEST_INTERRUPTIBILITY, blocked & ~shadow);
    if (vmread_nat(VMCS_GUEST_RFLAGS) & RFLAGS_TF)
        vmwrite_nat(VMCS_GUEST_PENDING_DEBUG,
                    vmread_nat(VMCS_GUEST_PENDING_DEBUG) | PENDING_DEBUG_BS);
}

/* SDM "HLT—Halt", "Guest Non-Register State": a core that halts has no shadow any more, and one
 * that single-steps goes on. */
enum verdict vmx_halt(struct vcpu *v)
{
    (void)v;
    vmx_end_instruction();
    if (!(vmread_nat(VMCS_GUEST_RFLAGS) & RFLAGS_TF))
        vmwrite32(VMCS_GUEST_ACTIVITY, ACTIVITY_HLT);
    return DO_NEXT;
}

void vmx_advance(struct vcpu *v, const struct stay *stay)
{
    (void)v;
    vmwrite_known(VMCS_GUEST_RIP, stay->rip + stay->insn_len); /* vmx_cut_rip() */
    if (__builtin_expect(stay->hw_rest != 0, 0))
        vmx_end_instruction();
}

uint8_t vmx_cpl(const struct vcpu *v)
{
    (void)v;
    /* "the DPL of SS is the CPL". SDM "Guest Register State" */
    return (uint8_t)(vmread_known(VMCS_GUEST_SS_ACCESS) >> 5 & 3);
}

bool vmx_in_64bit(const struct vcpu *v)
{
    (void)v;
    return (vmread32(VMCS_GUEST_CS_ACCESS) & SEGMENT_LONG) &&
           (vmread64(VMCS_GUEST_EFER) & EFER_LMA);
}

uint64_t vmx_cr4(const struct vcpu *v)
{
    (void)v;
    return vmread_nat(VMCS_GUEST_CR4);
}
