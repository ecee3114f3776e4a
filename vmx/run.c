/* SPDX-License-Identifier: MIT */
/*
 * run: one stay in the guest, from the decision to enter to a neutral struct vcpu_exit; and what
 * the kernel may do to a guest between two stays. The VMCS is current on this core.
 */
#include "lib/assert.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"
#include "vmx/bits.h"
#include "vmx/insn.h"
#include "vmx/switch.h"
#include "vmx/vmx.h"

#define DR6_BD     UINT64_C(0x2000)
#define DR6_EVENTS (UINT64_C(0xf) | DR6_BD | UINT64_C(0x4000) | UINT64_C(0x8000))
#define DR7_GD     UINT64_C(0x2000)

static void vmx_set_cpu_controls(struct vmx_vcpu *hw, uint32_t controls)
{
    if (hw->controls_cpu == controls)
        return;
    hw->controls_cpu = controls;
    vmwrite32(VMCS_PRIMARY_CONTROLS, controls);
}

static bool vmx_event_is_queued(void)
{
    return vmread32(VMCS_ENTRY_INTERRUPTION_INFO) & INTR_VALID;
}

static void vmx_queue_event(uint32_t info, uint32_t error, uint32_t insn_len)
{
    vmwrite32(VMCS_ENTRY_INTERRUPTION_INFO, info);
    vmwrite32(VMCS_ENTRY_EXCEPTION_ERROR, error);
    vmwrite32(VMCS_ENTRY_INSTRUCTION_LENGTH, insn_len);
}

/* An external interrupt or NMI that can be delivered now; else asks for the window. SDM "Checks on
 * Guest Non-Register State", "Interrupt-Window Exiting and Virtual-Interrupt Delivery". */
static bool vmx_deliver(struct vmx_vcpu *hw, uint32_t type, uint8_t vector)
{
    const uint32_t blocked = vmread32(VMCS_GUEST_INTERRUPTIBILITY);
    const uint32_t shadow = BLOCKED_BY_STI | BLOCKED_BY_MOV_SS;
    const bool is_nmi = type == INTR_NMI;
    const bool open =
        is_nmi ? !(blocked & BLOCKED_BY_NMI) : (vmread_nat(VMCS_GUEST_RFLAGS) & RFLAGS_IF) != 0;

    if (open && !(blocked & shadow) && !vmx_event_is_queued()) {
        /* No error code, no instruction: the other two fields are not looked at. */
        vmwrite32(VMCS_ENTRY_INTERRUPTION_INFO, INTR_VALID | type << INTR_TYPE_SHIFT | vector);
        return true;
    }
    vmx_set_cpu_controls(hw, hw->controls_cpu | (is_nmi ? CPU_NMI_WINDOW : CPU_INTERRUPT_WINDOW));
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
static void vmx_keep_cut_event(struct vcpu *v)
{
    struct vmx_vcpu *hw = v->hw;
    const uint32_t info = vmread32(VMCS_IDT_VECTORING_INFO);
    const uint32_t type = (info & INTR_TYPE_MASK) >> INTR_TYPE_SHIFT;

    if ((info & INTR_VALID) && (type == INTR_EXTERNAL || type == INTR_NMI)) {
        hw->deferred = info;
        v->work |= WORK_EVENT;
    }
}

void vmx_reflect(struct vcpu *v, const struct vcpu_exit *x)
{
    const uint32_t info = vmread32(VMCS_EXIT_INTERRUPTION_INFO);
    const uint32_t blocked = vmread32(VMCS_GUEST_INTERRUPTIBILITY);

    vmx_keep_cut_event(v);
    if (x->exception.vector == VECTOR_DB) {
        /* The exit left DR6 and DR7.GD as they were: do what delivery would have done. */
        write_dr6((read_dr6() & ~UINT64_C(0xf)) | (x->qualification & DR6_EVENTS));
        if (x->qualification & DR6_BD)
            vmwrite_nat(VMCS_GUEST_DR7, vmread_nat(VMCS_GUEST_DR7) & ~DR7_GD);
        /* Entry with TF and STI or MOV-SS blocking requires a pending single-step trap. */
        if ((blocked & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)) &&
            (vmread_nat(VMCS_GUEST_RFLAGS) & RFLAGS_TF))
            vmwrite_nat(VMCS_GUEST_PENDING_DEBUG,
                        vmread_nat(VMCS_GUEST_PENDING_DEBUG) | PENDING_DEBUG_BS);
    }
    if (info & INTR_NMI_UNBLOCK) /* the fault was the IRET's, which already unblocked NMIs */
        vmwrite32(VMCS_GUEST_INTERRUPTIBILITY, blocked | BLOCKED_BY_NMI);
    vmx_queue_event(info & ~INTR_NMI_UNBLOCK, x->exception.error_code,
                    vmread32(VMCS_EXIT_INSTRUCTION_LENGTH));
}

/* The timer counts down in the guest only, and its value is kept over exits. */
static void vmx_write_preemption_timer(uint64_t deadline)
{
    const uint32_t shift = (uint32_t)(vmx_caps.misc & 0x1f); /* counts when this TSC bit changes */
    const uint64_t now = rdtsc();
    uint64_t ticks = 0;

    if (deadline > now)
        ticks = ((deadline - now) >> shift) + 1; /* never early */
    vmwrite32(VMCS_PREEMPTION_TIMER, (uint32_t)min_u64(ticks, UINT32_MAX));
}

NOINLINE static void vmx_switch_timer(struct vmx_vcpu *hw, bool on)
{
    const uint32_t pin = vmx_controls.pin;

    hw->timer_on = on;
    vmwrite32(VMCS_PIN_BASED_CONTROLS, on ? pin : pin & ~PIN_PREEMPTION_TIMER);
    /* "If the timer is not activated, its saving must be off" as well. */
    vmwrite32(VMCS_EXIT_CONTROLS, on ? vmx_controls.exit : vmx_controls.exit & ~EXIT_SAVE_TIMER);
}

void vmx_set_timer(struct vcpu *v, uint64_t exact, uint64_t coarse)
{
    struct vmx_vcpu *hw = v->hw;
    const uint64_t first = min_u64(exact, coarse);

    if (exact != UINT64_MAX) {
        hw->deadline = first;
        v->work |= WORK_TIMER; /* written before each entry */
    } else {
        v->work &= ~(uint32_t)WORK_TIMER;
        if (first != UINT64_MAX)
            vmx_write_preemption_timer(first);
    }
    if ((first != UINT64_MAX) != hw->timer_on)
        vmx_switch_timer(hw, first != UINT64_MAX);
}

/* What is loaded after it is the guest's own. */
static void vmx_clear_buffers(void)
{
    if (vmx_spec.at_entry & SPEC_ENTRY_L1D)
        wrmsr(MSR_FLUSH_CMD, FLUSH_CMD_L1D);
    if (vmx_spec.at_entry & SPEC_ENTRY_VERW)
        verw_own_segment();
}

static enum vmcs_field vmx_cr_shadow(uint8_t number)
{
    return number == 0 ? VMCS_CR0_SHADOW : VMCS_CR4_SHADOW;
}

static void vmx_cr_watch(struct vcpu *v, bool on)
{
    struct vmx_vcpu *hw = v->hw;
    const uint32_t others = hw->controls_cpu & ~CPU_MONITOR_TRAP;

    vmx_set_cpu_controls(hw, on ? others | CPU_MONITOR_TRAP : others);
    vmwrite32(VMCS_EXCEPTION_BITMAP, INTERCEPTED_EXCEPTIONS | (on ? BIT32(VECTOR_GP) : 0));
    v->work = on ? v->work | WORK_REPEAT : v->work & ~(uint32_t)WORK_REPEAT;
}

/* The shadow gets what the guest writes before the processor has seen the instruction: if that is
 * not done, it was never written. */
static void vmx_cr_end(struct vcpu *v, bool done)
{
    const struct vmx_vcpu *hw = v->hw;

    vmx_cr_watch(v, false);
    if (!done)
        vmwrite_raw(vmx_cr_shadow(hw->repeat.number), hw->repeat.shadow);
}

/* At the monitor trap, which comes behind one instruction or, SDM "Monitor Trap Flag", in front of
 * the handler of an interrupt that came first: it has a new stack pointer. Of RIP only 16 bits
 * count, as it wraps there in real mode. */
static bool vmx_cr_is_done(const struct vmx_vcpu *hw)
{
    return (uint16_t)vmread_nat(VMCS_GUEST_RIP) == (uint16_t)hw->repeat.behind &&
           vmread_nat(VMCS_GUEST_RSP) == hw->repeat.rsp;
}

NOINLINE static void vmx_rest_before_entry(struct vcpu *v)
{
    struct vmx_vcpu *hw = v->hw;

    if (v->work & WORK_REPEAT) {
        if (hw->repeat.tried) /* another exit came, its #GP or one that has nothing to do with it */
            vmx_cr_end(v, false);
        hw->repeat.tried = true;
    }
    if ((v->work & WORK_EVENT) &&
        vmx_deliver(hw, (hw->deferred & INTR_TYPE_MASK) >> INTR_TYPE_SHIFT,
                    (uint8_t)(hw->deferred & INTR_VECTOR_MASK)))
        v->work &= ~(uint32_t)WORK_EVENT;
    if (v->work & WORK_BUFFERS)
        vmx_clear_buffers(); /* last */
}

void vmx_before_entry(struct vcpu *v)
{
    const struct vmx_vcpu *hw = v->hw;

    if (v->work & WORK_TIMER)
        vmx_write_preemption_timer(hw->deadline);
    if (v->work & ~(uint32_t)WORK_TIMER)
        vmx_rest_before_entry(v);
}

/* ------------------------------------------------------------------ a stay */

void vmx_run(struct vcpu *v, struct vcpu_stay *stay)
{
    vmx_switch(v, stay);
}

/* SDM "Guest Non-Register State": an exit out of HLT saves that state, an entry goes back to it. */
bool vmx_has_halted(const struct vcpu *v)
{
    return vmread32(VMCS_GUEST_ACTIVITY) == ACTIVITY_HLT &&
           !(vmread_nat(VMCS_GUEST_RFLAGS) & RFLAGS_IF) && !vmx_event_is_queued() &&
           !(v->work & WORK_EVENT);
}

bool vmx_decode_pio(struct exit_pio *io)
{
    return vmx_decode_io(vmread_nat(VMCS_EXIT_QUALIFICATION), io);
}

void vmx_decode(struct vcpu *v, uint64_t reason, struct vcpu_exit *x)
{
    struct vmx_vcpu *hw = v->hw;
    struct vmx_raw raw = {.reason = (uint32_t)reason};
    const uint32_t needs = vmx_exit_needs(raw.reason);

    *x = (struct vcpu_exit){.kind = EXIT_KICK};
    if (vmx_no_exit(reason) == VMX_REFUSED)
        vmx_refused();
    if (vmx_no_exit(reason) == VMX_KICKED)
        return;
    raw.qualification = vmread_nat(VMCS_EXIT_QUALIFICATION);
    if (needs & NEEDS_PHYSICAL)
        raw.guest_physical = vmread64(VMCS_GUEST_PHYSICAL_ADDRESS);
    if (needs & NEEDS_RSP)
        raw.rsp = vmread_nat(VMCS_GUEST_RSP);
    if (needs & NEEDS_INTR) {
        raw.intr_info = vmread32(VMCS_EXIT_INTERRUPTION_INFO);
        raw.intr_error = vmread32(VMCS_EXIT_INTERRUPTION_ERROR);
    }
    vmx_decode_raw(&raw, &v->regs, x);
    if (x->kind == EXIT_WINDOW)
        vmx_set_cpu_controls(hw, hw->controls_cpu & ~(CPU_INTERRUPT_WINDOW | CPU_NMI_WINDOW));
    else if (x->kind == EXIT_STEP)
        vmx_cr_end(v, vmx_cr_is_done(hw));
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

void vmx_advance(struct vcpu *v, const struct vcpu_stay *stay)
{
    uint64_t rip = stay->rip + stay->insn_len;

    /* Outside 64-bit mode the instruction pointer has 32 bits; entry fails on more. */
    if (__builtin_expect((uint32_t)rip < stay->insn_len, 0) && !vmx_in_64bit(v))
        rip = (uint32_t)rip;
    vmwrite_nat(VMCS_GUEST_RIP, rip);
    if (__builtin_expect(stay->special != 0, 0))
        vmx_end_instruction();
}

static enum verdict vmx_cr_let_repeat(struct vcpu *v, uint8_t number, uint64_t value)
{
    struct vmx_vcpu *hw = v->hw;
    const enum vmcs_field shadow = vmx_cr_shadow(number);

    hw->repeat = (struct vmx_cr_repeat){
        .behind = vmread_nat(VMCS_GUEST_RIP) + vmread32(VMCS_EXIT_INSTRUCTION_LENGTH),
        .rsp = vmread_nat(VMCS_GUEST_RSP),
        .shadow = vmread_raw(shadow),
        .number = number,
    };
    vmwrite_raw(shadow, value);
    vmx_cr_watch(v, true);
    return DO_AGAIN;
}

enum verdict vmx_cr_write(struct vcpu *v, const struct vcpu_exit *x)
{
    const struct vmx_vcpu *hw = v->hw;
    /* Outside 64-bit mode the operand has 32 bits, whatever lies in the register above them. */
    const uint64_t value = vmx_in_64bit(v) ? x->cr.value : (uint32_t)x->cr.value;

    if (x->cr.number == 0) {
        if (!vmx_cr0_ok(value))
            return DO_GP;
    } else if (!vmx_cr4_ok(vmx_cr4_policy(&vmx_caps, hw->shared->cr4_allowed), value)) {
        return DO_GP;
    }
    return vmx_cr_let_repeat(v, x->cr.number, value);
}

uint8_t vmx_cpl(const struct vcpu *v)
{
    (void)v;
    /* "the DPL of SS is the CPL". SDM "Guest Register State" */
    return (uint8_t)(vmread32(VMCS_GUEST_SS_ACCESS) >> 5 & 3);
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
