/* SPDX-License-Identifier: MIT */
/*
 * caps: reads this CPU's VT-x capabilities. Decides nothing: fit.c does.
 */
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"
#include "vmx/bits.h"
#include "vmx/vmx.h"

#define CPUID_1_ECX_VMX               BIT32(5)
#define CPUID_1_ECX_HYPERVISOR        BIT32(31)
#define CPUID_7_EBX_RTM               BIT32(11)
#define CPUID_7_EDX_ARCH_CAPABILITIES BIT32(29)

SEALED struct vmx_caps vmx_caps;
SEALED struct vmx_controls vmx_controls;
SEALED struct spec_plan vmx_spec;

void vmx_caps_read(struct vmx_caps *caps)
{
    *caps = (struct vmx_caps){0};
    caps->physical_bits = cpuid_leaf(0x80000008, 0).eax & 0xff;
    caps->has_vmx = cpuid(1, 0).ecx & CPUID_1_ECX_VMX;
    caps->is_guest = cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR;
    caps->is_tcg = cpuid_is_tcg();
    if (!caps->has_vmx)
        return;
    caps->feature_control = rdmsr(MSR_FEATURE_CONTROL);
    caps->basic = rdmsr(MSR_VMX_BASIC);
    const bool exact = caps->basic & VMX_BASIC_TRUE_CONTROLS;
    caps->pin = rdmsr(exact ? MSR_VMX_TRUE_PINBASED_CTLS : MSR_VMX_PINBASED_CTLS);
    caps->cpu = rdmsr(exact ? MSR_VMX_TRUE_PROCBASED_CTLS : MSR_VMX_PROCBASED_CTLS);
    caps->exit = rdmsr(exact ? MSR_VMX_TRUE_EXIT_CTLS : MSR_VMX_EXIT_CTLS);
    caps->entry = rdmsr(exact ? MSR_VMX_TRUE_ENTRY_CTLS : MSR_VMX_ENTRY_CTLS);
    caps->misc = rdmsr(MSR_VMX_MISC);
    caps->cr0_fixed0 = rdmsr(MSR_VMX_CR0_FIXED0);
    caps->cr0_fixed1 = rdmsr(MSR_VMX_CR0_FIXED1);
    caps->cr4_fixed0 = rdmsr(MSR_VMX_CR4_FIXED0);
    caps->cr4_fixed1 = rdmsr(MSR_VMX_CR4_FIXED1);
    if (caps->cpu >> 32 & CPU_SECONDARY)
        caps->cpu2 = rdmsr(MSR_VMX_PROCBASED_CTLS2);
    if (caps->cpu >> 32 & CPU_TERTIARY)
        caps->cpu3 = rdmsr(MSR_VMX_PROCBASED_CTLS3);
    if (caps->cpu2 >> 32 & (CPU2_EPT | CPU2_VPID))
        caps->ept_vpid = rdmsr(MSR_VMX_EPT_VPID_CAP);
}

static struct spec_cpu vmx_spec_cpu(void)
{
    const struct cpuid_regs features = cpuid_leaf(7, 0);
    struct spec_cpu cpu = {
        .features = features.edx,
        .controls = features.eax >= 2 ? cpuid(7, 2).edx : 0,
        .has_tsx = features.ebx & CPUID_7_EBX_RTM,
    };

    if (cpu.features & CPUID_7_EDX_ARCH_CAPABILITIES)
        cpu.arch_caps = rdmsr(MSR_ARCH_CAPABILITIES);
    return cpu;
}

bool vmx_has_large_leaves(void)
{
    const struct spec_cpu cpu = vmx_spec_cpu();

    return !spec_choose(&cpu).small_leaves;
}

static void vmx_choose_spec(void)
{
    const struct spec_cpu cpu = vmx_spec_cpu();
    char line[LOG_LINE_MAX];

    vmx_spec = spec_choose(&cpu);
    spec_print(&cpu, &vmx_spec, line, sizeof(line));
    log_line("%s", line);
}

void vmx_probe(struct virt_report *report)
{
    struct vmx_caps caps;
    struct vmx_controls controls;

    vmx_caps_read(&caps);
    vmx_fit(&caps, &controls, report);
    if (report->missing_count == 0) {
        vmx_caps = caps;
        vmx_controls = controls;
        vmx_choose_spec();
    }
}

const char *vmx_core_differs(void)
{
    const struct spec_cpu cpu = vmx_spec_cpu();
    const struct spec_plan spec = spec_choose(&cpu);
    struct vmx_caps caps;
    struct vmx_controls controls;
    struct virt_report report = {0};

    vmx_caps_read(&caps);
    vmx_fit(&caps, &controls, &report);
    if (report.missing_count > 0)
        return report.missing[0];
    if (!spec_same(&vmx_spec, &spec))
        return "the measures against speculation that it needs";
    return vmx_fit_differs(&vmx_caps, &vmx_controls, &caps, &controls);
}
