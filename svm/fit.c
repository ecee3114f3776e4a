/* SPDX-License-Identifier: MIT */
#include "svm/fit.h"

#include "svm/bits.h"

void svm_fit(const struct svm_caps *caps, struct virt_report *report)
{
    report->name = "SVM";
    report->vendor = POLICY_AMD;
    report->physical_bits = caps->physical_bits;
    report->guest_timer = false; /* nothing counts while the guest runs */
    report->bus_locks = caps->features & SVM_FEATURE_BUS_LOCK_THRESHOLD;

    if (!caps->has_svm) {
        /* Without it neither the MSRs nor the leaf exist: nothing more can be known. */
        virt_need(report, false,
                  caps->is_guest
                      ? "SVM (CPUID Fn8000_0001:ECX.SVM): the hypervisor that this machine runs "
                        "under does not offer it (turn nested virtualization on there)"
                      : "SVM (CPUID Fn8000_0001:ECX.SVM)");
        return;
    }
    virt_need(report, !(caps->vm_cr & VM_CR_SVMDIS),
              caps->vm_cr & VM_CR_LOCK
                  ? "SVM enabled by the firmware (VM_CR is locked with SVM off: turn "
                    "virtualization on in the firmware setup)"
                  : "SVM enabled by the firmware (VM_CR has SVM off: turn virtualization on in the "
                    "firmware setup)");
    virt_need(report, caps->features & SVM_FEATURE_NP, "nested paging");
    virt_need(report, caps->asids >= 3, "two ASIDs for a guest");
    /* Else the lengths of instructions are guessed. All processors with x2APIC have it; an emulator
     * may not. */
    virt_need(report, (caps->features & SVM_FEATURE_NRIPS) || caps->is_guest, "nRIP save");
}

const char *svm_fit_differs(const struct svm_caps *boot, const struct svm_caps *core)
{
    if (boot->has_rdpru != core->has_rdpru || boot->has_invlpgb != core->has_invlpgb ||
        boot->has_mcommit != core->has_mcommit ||
        ((boot->features ^ core->features) & SVM_FEATURE_BUS_LOCK_THRESHOLD))
        return "the instructions that SVM intercepts";
    if (boot->has_pages_1g && !core->has_pages_1g)
        return "1 GiB pages";
    if (boot->physical_bits != core->physical_bits)
        return "the width of physical addresses";
    return NULL;
}
