/* SPDX-License-Identifier: MIT */
/*
 * cpu: SVM on one core, and the creation of what guests need. APM "Enabling SVM", "Host Save Area".
 */
#include "lib/bits.h"
#include "lib/string.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"
#include "lib/x86/signature.h"
#include "mm/host.h"
#include "svm/insn.h"
#include "svm/npt.h"
#include "svm/npt_valid.h"
#include "svm/svm.h"

#define CPUID_FEATURES_2                0x80000021
#define CPUID_E21_EAX_LFENCE_SERIALIZES BIT32(2)

#define PAGES_OF(type) ((sizeof(type) + PAGE_SIZE - 1) / PAGE_SIZE)

SEALED struct svm_caps svm_caps;
SEALED struct svm_spec_plan svm_spec;
SEALED uint32_t svm_barrier_at_exit;

/* LFENCE waits for all before it, which vdev/msr_amd.c tells guests of every core. Earlier families
 * have no such register and are always so. APM "LFENCE". */
static void svm_serialize_lfence(void)
{
    if (signature_family(cpuid(1, 0).eax) < 0x10 ||
        (cpuid_leaf(CPUID_FEATURES_2, 0).eax & CPUID_E21_EAX_LFENCE_SERIALIZES))
        return;
    const uint64_t config = rdmsr(MSR_DE_CFG);
    if (!(config & DE_CFG_LFENCE_SERIALIZES))
        wrmsr(MSR_DE_CFG, config | DE_CFG_LFENCE_SERIALIZES);
}

enum status svm_cpu_on(struct page *region)
{
    if (rdmsr(MSR_VM_CR) & VM_CR_SVMDIS)
        return FAIL(E_UNSUPPORTED, "the firmware left SVM off on the core with APIC id %u",
                    (uint32_t)rdmsr(MSR_X2APIC_ID));
    svm_serialize_lfence();
    if (svm_spec.has_spec_ctrl)
        wrmsr(MSR_SPEC_CTRL, svm_spec.spec_ctrl);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME | (svm_spec.automatic_ibrs ? EFER_AIBRSE : 0));
    wrmsr(MSR_VM_HSAVE_PA, (uintptr_t)region);
    return OK;
}

/* Large leaves are of up to 1 GiB, or 2 MiB on a CPU without these. */
enum status svm_nested_create(struct pagetable *pt, bool large, struct pages *pages)
{
    const uint32_t largest = svm_caps.has_pages_1g ? 3 : 2;

    return pt_create(pt, &npt_format, large ? largest : 1, pages);
}

bool svm_nested_valid(const struct guest_map *map, struct range tables, hpa_t root)
{
    return npt_valid(map, tables, root);
}

enum status svm_vm_create(const struct virt_vm_config *config, struct pages *pages, void **shared)
{
    struct svm_shared *s = pages_get_constant(pages, PAGES_OF(*s));

    if (!s)
        return FAIL(E_NOMEM, "no pages for the MSR and I/O permission maps");
    svm_bitmaps_build(&s->maps, config->msrs);
    s->nested_root = config->nested_root;
    s->open_root = config->open_root;
    *shared = s;
    return OK;
}

enum status svm_vcpu_create(struct vcpu *v, struct pages *pages, void *shared)
{
    struct svm_vcpu *hw = pages_get(pages, PAGES_OF(*hw), PAGE_SIZE);

    if (!hw)
        return FAIL(E_NOMEM, "no pages for a VMCB");
    hw->shared = shared;
    v->hw = hw;
    v->hw_exit = v->is_traced                          ? SVM_WAY_TRACED
                 : svm_spec.at_exit == AT_EXIT_NOTHING ? SVM_WAY_PLAIN
                                                       : SVM_WAY_GUARDED;
    return OK;
}

void svm_vcpu_reset(struct vcpu *v, const struct vcpu_state *state)
{
    struct svm_vcpu *hw = v->hw;
    const struct svm_shared *shared = hw->shared;

    memset(hw, 0, offsetof(struct svm_vcpu, look));
    hw->shared = shared;
    vmsave(hpa((uintptr_t)&hw->host)); /* what VMRUN leaves alone, and an exit must bring back */
    v->hw_work = WORK_FLUSH | (svm_spec.clears_buffers ? WORK_BUFFERS : 0);
    for (uint32_t i = 0; i < GPR_COUNT; i++)
        v->regs.gpr[i] = state->gpr[i];
    svm_write_controls(hw);
    svm_write_guest(hw, state);
    /* The guest has a PAT of its own; where an emulator lets it have ours, it is put right. */
    if (rdmsr(MSR_PAT) != HOST_PAT)
        wrmsr(MSR_PAT, HOST_PAT);
    if (svm_spec.barrier) /* what it taught the predictors is not for the next life */
        wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
    svm_hook_reset(v, state);
}

enum verdict svm_control(struct vcpu *v, const struct vcpu_exit *x)
{
    struct svm_vmcb *vmcb = &((struct svm_vcpu *)v->hw)->vmcb;
    uint64_t *gpr = v->regs.gpr;
    const uint64_t efer = vmcb->efer & ~EFER_SVME;

    if (!x->cr.is_write) {
        gpr[REG_RAX] = (uint32_t)efer;
        gpr[REG_RDX] = efer >> 32;
        return DO_NEXT;
    }
    const uint64_t value = gpr[REG_RDX] << 32 | (uint32_t)gpr[REG_RAX];
    if (!svm_efer_ok(efer, vmcb->cr0, value))
        return DO_GP;
    vmcb->efer = svm_efer_real(efer, value);
    return DO_NEXT;
}

/* An NMI that ended a stay was taken behind it. */
void svm_leave(struct vcpu *v)
{
    (void)v;
}
