/* SPDX-License-Identifier: MIT */
#include "vmx/fit.h"

#include "lib/x86/msr.h"
#include "vmx/bits.h"

struct bit_name {
    uint32_t bit;
    const char *name;
};

/* One control word: what is asked, and the words for a lack. */
struct word {
    struct ctl_ask ask;
    struct bit_name names[14];
};

static const struct word word_pin = {
    .ask = {.must = PIN_NMI | PIN_VIRTUAL_NMIS | PIN_PREEMPTION_TIMER,
            .never = PIN_EXTERNAL_INTERRUPT},
    .names = {{PIN_NMI, "NMI exiting"},
              {PIN_VIRTUAL_NMIS, "virtual NMIs"},
              {PIN_PREEMPTION_TIMER, "VMX-preemption timer"},
              {PIN_EXTERNAL_INTERRUPT, "external interrupts without exits"}},
};

static const struct word word_cpu = {
    .ask = {.must = CPU_IO_BITMAPS | CPU_MSR_BITMAPS | CPU_SECONDARY | CPU_MWAIT | CPU_MONITOR |
                    CPU_RDPMC | CPU_MONITOR_TRAP,
            .never = CPU_HLT | CPU_CR3_LOAD | CPU_CR3_STORE | CPU_CR8_LOAD | CPU_CR8_STORE |
                     CPU_RDTSC | CPU_INVLPG,
            .later = CPU_WINDOWS},
    .names = {{CPU_IO_BITMAPS, "I/O bitmaps"},
              {CPU_MSR_BITMAPS, "MSR bitmaps"},
              {CPU_SECONDARY, "secondary processor-based controls"},
              {CPU_MWAIT, "MWAIT exiting"},
              {CPU_MONITOR, "MONITOR exiting"},
              {CPU_RDPMC, "RDPMC exiting"},
              {CPU_MONITOR_TRAP, "monitor trap flag"},
              {CPU_HLT, "HLT exiting, off and on"},
              {CPU_INTERRUPT_WINDOW | CPU_NMI_WINDOW, "interrupt-window and NMI-window exiting"},
              {CPU_CR3_LOAD | CPU_CR3_STORE, "CR3 accesses without exits"},
              {CPU_CR8_LOAD | CPU_CR8_STORE, "CR8 accesses without exits"},
              {CPU_RDTSC, "RDTSC without exits"},
              {CPU_INVLPG, "INVLPG without exits"}},
};

static const struct word word_cpu2 = {
    .ask = {.must = CPU2_EPT | CPU2_VPID | CPU2_UNRESTRICTED_GUEST,
            .wish =
                CPU2_RDTSCP | CPU2_INVPCID | CPU2_WBINVD | CPU2_BUS_LOCK | CPU2_ENCLS | CPU2_ENCLV},
    .names = {{CPU2_EPT, "EPT"},
              {CPU2_VPID, "VPID"},
              {CPU2_UNRESTRICTED_GUEST, "unrestricted guest"}},
};

static const struct word word_exit = {
    .ask = {.must = EXIT_HOST_64 | EXIT_SAVE_DEBUG | EXIT_SAVE_PAT | EXIT_LOAD_PAT |
                    EXIT_SAVE_EFER | EXIT_LOAD_EFER | EXIT_SAVE_TIMER},
    .names = {{EXIT_HOST_64, "64-bit host"},
              {EXIT_SAVE_DEBUG, "saving of debug controls"},
              {EXIT_SAVE_PAT | EXIT_LOAD_PAT, "PAT switching"},
              {EXIT_SAVE_EFER | EXIT_LOAD_EFER, "EFER switching"},
              {EXIT_SAVE_TIMER, "saving of the VMX-preemption timer"}},
};

static const struct word word_entry = {
    .ask = {.must = ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER, .never = ENTRY_IA32E},
    .names = {{ENTRY_LOAD_DEBUG, "loading of debug controls"},
              {ENTRY_LOAD_PAT, "loading of PAT at entry"},
              {ENTRY_LOAD_EFER, "loading of EFER at entry"},
              {ENTRY_IA32E, "entry outside IA-32e mode"}},
};

uint32_t ctl_fit(struct ctl_ask ask, uint64_t cap, uint32_t *missing, uint32_t *forced)
{
    const uint32_t must_be_1 = (uint32_t)cap;        /* allowed 0-settings */
    const uint32_t may_be_1 = (uint32_t)(cap >> 32); /* allowed 1-settings */

    *missing = (ask.must | ask.later) & ~may_be_1;
    *forced = ask.never & must_be_1;
    return ((ask.must | ask.wish) & may_be_1) | must_be_1;
}

static uint32_t fit_word(const struct word *word, uint64_t cap, struct virt_report *report)
{
    uint32_t missing, forced;
    const uint32_t value = ctl_fit(word->ask, cap, &missing, &forced);

    for (size_t i = 0; i < ARRAY_SIZE(word->names) && word->names[i].name; i++)
        virt_need(report, !((missing | forced) & word->names[i].bit), word->names[i].name);
    return value;
}

static void fit_ept(const struct vmx_caps *caps, struct virt_report *report)
{
    const uint64_t walk = EPT_CAP_WALK_4 | EPT_CAP_WRITE_BACK;
    const uint64_t invept = EPT_CAP_INVEPT | EPT_CAP_INVEPT_ONE;
    const uint64_t invvpid = EPT_CAP_INVVPID | EPT_CAP_INVVPID_ONE;

    virt_need(report, (caps->ept_vpid & walk) == walk, "EPT with four-level write-back tables");
    virt_need(report, caps->ept_vpid & EPT_CAP_2M, "EPT with 2 MiB pages");
    virt_need(report, (caps->ept_vpid & invept) == invept, "single-context INVEPT");
    virt_need(report, (caps->ept_vpid & invvpid) == invvpid, "single-context INVVPID");
}

static const char *fit_without_vmx(const struct vmx_caps *caps)
{
    if (caps->is_tcg)
        return "VT-x (CPUID.1:ECX.VMX): QEMU does not emulate it, but AMD's SVM: start QEMU with "
               "'-cpu EPYC-Rome,+x2apic'";
    if (caps->is_guest)
        return "VT-x (CPUID.1:ECX.VMX): the hypervisor that this machine runs under does not offer "
               "it (turn nested virtualization on there)";
    return "VT-x (CPUID.1:ECX.VMX)";
}

void vmx_fit(const struct vmx_caps *caps, struct vmx_controls *controls, struct virt_report *report)
{
    *controls = (struct vmx_controls){0};
    report->name = "VT-x";
    report->vendor = POLICY_INTEL;
    report->physical_bits = caps->physical_bits;
    report->guest_timer = true; /* the preemption timer */

    if (!caps->has_vmx) {
        /* Without VMX the capability registers do not exist: nothing more can be known. */
        virt_need(report, false, fit_without_vmx(caps));
        return;
    }
    virt_need(report,
              !(caps->feature_control & FEATURE_CONTROL_LOCK) ||
                  (caps->feature_control & FEATURE_CONTROL_VMX),
              "VT-x enabled by the firmware (IA32_FEATURE_CONTROL is locked with VMX off: "
              "turn virtualization on in the firmware setup)");
    controls->pin = fit_word(&word_pin, caps->pin, report);
    controls->cpu = fit_word(&word_cpu, caps->cpu, report);
    controls->cpu2 = fit_word(&word_cpu2, caps->cpu2, report);
    report->no_rdtscp = !(controls->cpu2 & CPU2_RDTSCP);
    report->bus_locks = controls->cpu2 & CPU2_BUS_LOCK;
    report->no_invpcid = !(controls->cpu2 & CPU2_INVPCID);
    controls->exit = fit_word(&word_exit, caps->exit, report);
    controls->entry = fit_word(&word_entry, caps->entry, report);
    virt_need(report, caps->misc & BIT64(MISC_ACTIVITY_SHIFT + ACTIVITY_HLT), "HLT activity state");
    fit_ept(caps, report);
}

const char *vmx_fit_differs(const struct vmx_caps *boot, const struct vmx_controls *boot_controls,
                            const struct vmx_caps *core, const struct vmx_controls *core_controls)
{
    if ((boot->basic ^ core->basic) & VMX_BASIC_REVISION_MASK)
        return "the format of the VMCS";
    if (boot_controls->pin != core_controls->pin || boot_controls->cpu != core_controls->cpu ||
        boot_controls->cpu2 != core_controls->cpu2 || boot_controls->exit != core_controls->exit ||
        boot_controls->entry != core_controls->entry)
        return "VM-execution, VM-exit or VM-entry controls";
    if (boot->cr0_fixed0 != core->cr0_fixed0 || boot->cr0_fixed1 != core->cr0_fixed1 ||
        boot->cr4_fixed0 != core->cr4_fixed0 || boot->cr4_fixed1 != core->cr4_fixed1)
        return "the bits of CR0 and CR4 that VMX fixes";
    if ((boot->misc ^ core->misc) & MISC_TIMER_SHIFT_MASK)
        return "the rate of the VMX-preemption timer";
    if (boot->ept_vpid & ~core->ept_vpid & EPT_CAP_1G)
        return "EPT with 1 GiB pages";
    if (boot->physical_bits != core->physical_bits)
        return "the width of physical addresses";
    return NULL;
}
