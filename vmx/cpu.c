/* SPDX-License-Identifier: MIT */
/*
 * cpu: VMX operation of one core, and the creation of what guests need. SDM "Introduction to
 * Virtual Machine Extensions", "Enabling and Entering VMX Operation".
 */
#include "lib/string.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"
#include "vmx/bits.h"
#include "vmx/ept.h"
#include "vmx/ept_valid.h"
#include "vmx/insn.h"
#include "vmx/vmx.h"

static uint32_t vmx_revision(void)
{
    return (uint32_t)(vmx_caps.basic & VMX_BASIC_REVISION_MASK);
}

enum status vmx_cpu_on(struct page *region)
{
    const uint64_t wanted = FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX;
    uint64_t control = rdmsr(MSR_FEATURE_CONTROL);

    if (!(control & FEATURE_CONTROL_LOCK)) {
        control |= wanted;
        wrmsr(MSR_FEATURE_CONTROL, control);
    }
    if ((control & wanted) != wanted)
        return FAIL(E_UNSUPPORTED, "the firmware left VT-x off on the core with APIC id %u",
                    (uint32_t)rdmsr(MSR_X2APIC_ID));
    if (vmx_spec.has_spec_ctrl)
        wrmsr(MSR_SPEC_CTRL, vmx_spec.spec_ctrl);
    if (vmx_spec.stops_tsx)
        wrmsr(MSR_TSX_CTRL, TSX_CTRL_RTM_DISABLE | TSX_CTRL_CPUID_CLEAR);
    write_cr0((read_cr0() | vmx_caps.cr0_fixed0) & vmx_caps.cr0_fixed1);
    write_cr4(((read_cr4() | vmx_caps.cr4_fixed0) & vmx_caps.cr4_fixed1) | CR4_VMXE);
    struct vmx_region *vmxon_region = (struct vmx_region *)region;
    vmxon_region->revision = vmx_revision();
    if (!vmxon(hpa((uintptr_t)vmxon_region)))
        return FAIL(E_UNSUPPORTED, "VMXON failed on the core with APIC id %u",
                    (uint32_t)rdmsr(MSR_X2APIC_ID));
    return OK;
}

/* Large leaves are of up to 1 GiB, or 2 MiB on a CPU without these. */
enum status vmx_nested_create(struct pagetable *pt, bool large, struct pages *pages)
{
    const uint32_t largest = vmx_caps.ept_vpid & EPT_CAP_1G ? 3 : 2;

    return pt_create(pt, &ept_format, large ? largest : 1, pages);
}

bool vmx_nested_valid(const struct guest_map *map, struct range tables, hpa_t root)
{
    return ept_valid(map, tables, root);
}

enum status vmx_vm_create(const struct virt_vm_config *config, struct pages *pages, void **shared)
{
    struct vmx_shared *s = pages_get_constant(pages, (sizeof(*s) + PAGE_SIZE - 1) / PAGE_SIZE);

    if (!s)
        return FAIL(E_NOMEM, "no pages for the MSR and I/O bitmaps");
    vmx_bitmaps_build(s, config->msrs);
    s->ept_pointer = ept_pointer(config->nested_root);
    s->open_pointer = config->open_root.v != 0 ? ept_pointer(config->open_root) : 0;
    s->cr4_allowed = config->cr4_allowed;
    s->vpid = config->tag;
    *shared = s;
    return OK;
}

enum status vmx_vcpu_create(struct vcpu *v, struct pages *pages, void *shared)
{
    struct vmx_vcpu *hw = pages_get(pages, (sizeof(*hw) + PAGE_SIZE - 1) / PAGE_SIZE, PAGE_SIZE);

    if (!hw)
        return FAIL(E_NOMEM, "no pages for a VMCS");
    hw->region.revision = vmx_revision();
    hw->shared = shared;
    v->hw = hw;
    return OK;
}

/* What switch.asm reads after every exit without looking whether it could: dies here if it cannot.
 */
static void vmx_check_stay_fields(void)
{
    (void)vmread_nat(VMCS_GUEST_RIP);
    (void)vmread32(VMCS_EXIT_REASON);
    (void)vmread32(VMCS_EXIT_INSTRUCTION_LENGTH);
    (void)vmread32(VMCS_GUEST_INTERRUPTIBILITY);
    (void)vmread_nat(VMCS_GUEST_RFLAGS);
}

/* No VM entry loads these: the guest's stay in the core. */
void vmx_reset_core(void)
{
    write_dr6(DR6_RESET);
    write_cr2(0);
    wrmsr(MSR_STAR, 0);
    wrmsr(MSR_LSTAR, 0);
    wrmsr(MSR_CSTAR, 0);
    wrmsr(MSR_FMASK, 0);
    wrmsr(MSR_KERNEL_GS_BASE, 0);
}

void vmx_vcpu_reset(struct vcpu *v, const struct vcpu_state *state)
{
    struct vmx_vcpu *hw = v->hw;
    const hpa_t region = hpa((uintptr_t)&hw->region);

    vmx_reset_core();
    vmclear(region);
    vmptrld(region);
    hw->timer_on = false;
    v->hw_work = vmx_spec.at_entry ? WORK_BUFFERS : 0;
    for (uint32_t i = 0; i < GPR_COUNT; i++)
        v->regs.gpr[i] = state->gpr[i];
    vmx_write_controls(hw);
    vmx_write_host(v->is_traced);
    vmx_write_guest(hw, state);
    vmwrite_nat(VMCS_HOST_RSP, (uintptr_t)v); /* switch.asm saves the guest's registers there */
    vmx_check_stay_fields();
    /*
     * The one place where translations are invalidated. A guest's EPT never changes after it was
     * built, but the tags outlive a guest's life: what this core cached under them in an earlier
     * one (linear mappings above all) must not be seen in the next.
     */
    invept_single(hw->shared->ept_pointer);
    if (hw->shared->open_pointer != 0)
        invept_single(hw->shared->open_pointer);
    invvpid_single(hw->shared->vpid);
    if (vmx_spec.barrier) /* nor what it taught the predictors */
        wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
    vmx_hook_reset(v, state);
}

/* An NMI exit leaves NMIs blocked until IRET or the next entry. */
void vmx_leave(struct vcpu *v)
{
    (void)v;
    iret_here();
}
