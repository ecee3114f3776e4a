/* SPDX-License-Identifier: MIT */
/*
 * caps: reads this CPU's SVM capabilities. Decides nothing: fit.c and spec.c do.
 */
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/insn.h"
#include "lib/x86/signature.h"
#include "svm/svm.h"

#define CPUID_1_ECX_HYPERVISOR BIT32(31)
#define CPUID_E1_ECX_SVM       BIT32(2)
#define CPUID_E1_EDX_PAGE_1G   BIT32(26)
#define CPUID_E8_EBX_INVLPGB   BIT32(3)
#define CPUID_E8_EBX_RDPRU     BIT32(4)
#define CPUID_E8_EBX_MCOMMIT   BIT32(8)

bool svm_is_here(void)
{
    return cpuid_is_amd();
}

void svm_caps_read(struct svm_caps *caps)
{
    const struct cpuid_regs features = cpuid_leaf(0x80000001, 0);
    const struct cpuid_regs sizes = cpuid_leaf(0x80000008, 0);

    *caps = (struct svm_caps){
        .has_svm = features.ecx & CPUID_E1_ECX_SVM,
        .is_guest = cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR,
        .has_pages_1g = features.edx & CPUID_E1_EDX_PAGE_1G,
        .has_rdpru = sizes.ebx & CPUID_E8_EBX_RDPRU,
        .has_invlpgb = sizes.ebx & CPUID_E8_EBX_INVLPGB,
        .has_mcommit = sizes.ebx & CPUID_E8_EBX_MCOMMIT,
        .physical_bits = sizes.eax & 0xff,
    };
    if (!caps->has_svm)
        return;
    caps->vm_cr = rdmsr(MSR_VM_CR);
    caps->asids = cpuid_leaf(0x8000000a, 0).ebx;
    caps->features = cpuid_leaf(0x8000000a, 0).edx;
}

static struct svm_spec_plan svm_spec_of_core(void)
{
    const struct svm_spec_cpu cpu = {
        .family = signature_family(cpuid(1, 0).eax),
        .features = cpuid_leaf(0x80000008, 0).ebx,
        .features_2 = cpuid_leaf(0x80000021, 0).eax,
        .features_2c = cpuid_leaf(0x80000021, 0).ecx,
    };

    return svm_spec_choose(&cpu);
}

static void svm_choose_spec(void)
{
    char line[LOG_LINE_MAX];

    svm_spec = svm_spec_of_core();
    svm_barrier_at_exit = svm_spec.at_exit == AT_EXIT_BARRIER;
    svm_spec_print(&svm_spec, line, sizeof(line));
    log_line("%s", line);
}

void svm_probe(struct virt_report *report)
{
    struct svm_caps caps;

    svm_caps_read(&caps);
    svm_fit(&caps, report);
    if (report->missing_count == 0) {
        svm_caps = caps;
        svm_choose_spec();
    }
}

const char *svm_core_differs(void)
{
    const struct svm_spec_plan spec = svm_spec_of_core();
    struct svm_caps caps;
    struct virt_report report = {0};

    svm_caps_read(&caps);
    svm_fit(&caps, &report);
    if (report.missing_count > 0)
        return report.missing[0];
    if (!svm_spec_same(&svm_spec, &spec))
        return "the measures against speculation that it needs";
    return svm_fit_differs(&svm_caps, &caps);
}
