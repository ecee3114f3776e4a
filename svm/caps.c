/* SPDX-License-Identifier: MIT */
/*
 * caps: reads this CPU's SVM capabilities. Decides nothing: fit.c and spec.c do.
 */
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/x86/insn.h"
#include "svm/svm.h"

#define CPUID_1_ECX_HYPERVISOR BIT32(31)
#define CPUID_E1_ECX_SVM       BIT32(2)
#define CPUID_E1_EDX_PAGE_1G   BIT32(26)
#define CPUID_E8_EBX_INVLPGB   BIT32(3)
#define CPUID_E8_EBX_RDPRU     BIT32(4)
#define CPUID_E8_EBX_MCOMMIT   BIT32(8)

/* CPUID Fn0: EBX, EDX, ECX. */
static bool svm_vendor_is(uint32_t b, uint32_t d, uint32_t c)
{
    const struct cpuid_regs r = cpuid(0, 0);

    return r.ebx == b && r.edx == d && r.ecx == c;
}

bool svm_is_here(void)
{
    return svm_vendor_is(0x68747541, 0x69746e65, 0x444d4163) || /* "AuthenticAMD" */
           svm_vendor_is(0x6f677948, 0x6e65476e, 0x656e6975);   /* "HygonGenuine" */
}

struct cpuid_regs svm_cpuid(uint32_t leaf)
{
    return cpuid(0x80000000, 0).eax >= leaf ? cpuid(leaf, 0) : (struct cpuid_regs){0};
}

void svm_caps_read(struct svm_caps *caps)
{
    const struct cpuid_regs features = svm_cpuid(0x80000001);
    const struct cpuid_regs sizes = svm_cpuid(0x80000008);

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
    caps->asids = svm_cpuid(0x8000000a).ebx;
    caps->features = svm_cpuid(0x8000000a).edx;
}

static struct svm_spec_plan svm_spec_of_core(void)
{
    const struct svm_spec_cpu cpu = {
        .family = svm_family(cpuid(1, 0).eax),
        .features = svm_cpuid(0x80000008).ebx,
        .features_2 = svm_cpuid(0x80000021).eax,
        .features_2c = svm_cpuid(0x80000021).ecx,
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
