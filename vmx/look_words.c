/* SPDX-License-Identifier: MIT */
/*
 * look_words: what the values of a VMCS's fields mean, by the manual's names. SDM "Virtual Machine
 * Control Structures"; "VM-Instruction Error Numbers"; "Exit Qualification for ..." in "Basic
 * VM-Exit Information".
 */
#include "lib/bits.h"
#include "vmx/bits.h"
#include "vmx/look_fields.h"

#define END     \
    {           \
        0, NULL \
    }

/* clang-format off */
static const struct look_bit pin_bits[] = {
    {0, "external-interrupt exiting"}, {3, "NMI exiting"}, {5, "virtual NMIs"},
    {6, "activate VMX-preemption timer"}, {7, "process posted interrupts"}, END};

static const struct look_bit primary_bits[] = {
    {2, "interrupt-window exiting"}, {3, "use TSC offsetting"}, {7, "HLT exiting"},
    {9, "INVLPG exiting"}, {10, "MWAIT exiting"}, {11, "RDPMC exiting"}, {12, "RDTSC exiting"},
    {15, "CR3-load exiting"}, {16, "CR3-store exiting"}, {17, "activate tertiary controls"},
    {19, "CR8-load exiting"}, {20, "CR8-store exiting"}, {21, "use TPR shadow"},
    {22, "NMI-window exiting"}, {23, "MOV-DR exiting"}, {24, "unconditional I/O exiting"},
    {25, "use I/O bitmaps"}, {27, "monitor trap flag"}, {28, "use MSR bitmaps"},
    {29, "MONITOR exiting"}, {30, "PAUSE exiting"}, {31, "activate secondary controls"}, END};

static const struct look_bit secondary_bits[] = {
    {0, "virtualize APIC accesses"}, {1, "enable EPT"}, {2, "descriptor-table exiting"},
    {3, "enable RDTSCP"}, {4, "virtualize x2APIC mode"}, {5, "enable VPID"},
    {6, "WBINVD exiting"}, {7, "unrestricted guest"}, {8, "APIC-register virtualization"},
    {9, "virtual-interrupt delivery"}, {10, "PAUSE-loop exiting"}, {11, "RDRAND exiting"},
    {12, "enable INVPCID"}, {13, "enable VM functions"}, {14, "VMCS shadowing"},
    {15, "enable ENCLS exiting"}, {16, "RDSEED exiting"}, {17, "enable PML"},
    {18, "EPT-violation #VE"}, {19, "conceal VMX from PT"}, {20, "enable XSAVES/XRSTORS"},
    {21, "PASID translation"}, {22, "mode-based execute control for EPT"},
    {23, "sub-page write permissions for EPT"}, {24, "Intel PT uses guest physical addresses"},
    {25, "use TSC scaling"}, {26, "enable user wait and pause"}, {27, "enable PCONFIG"},
    {28, "enable ENCLV exiting"}, {30, "VMM bus-lock detection"}, {31, "instruction timeout"}, END};

static const struct look_bit tertiary_bits[] = {
    {0, "LOADIWKEY exiting"}, {1, "enable HLAT"}, {2, "EPT paging-write control"},
    {3, "guest-paging verification"}, {4, "IPI virtualization"}, {6, "enable MSR-list instructions"},
    {7, "virtualize IA32_SPEC_CTRL"}, END};

static const struct look_bit exit_bits[] = {
    {2, "save debug controls"}, {9, "host address-space size"}, {12, "load IA32_PERF_GLOBAL_CTRL"},
    {15, "acknowledge interrupt on exit"}, {18, "save IA32_PAT"}, {19, "load IA32_PAT"},
    {20, "save IA32_EFER"}, {21, "load IA32_EFER"}, {22, "save VMX-preemption timer value"},
    {23, "clear IA32_BNDCFGS"}, {24, "conceal VMX from PT"}, {25, "clear IA32_RTIT_CTL"},
    {26, "clear IA32_LBR_CTL"}, {27, "clear UINV"}, {28, "load CET state"}, {29, "load PKRS"},
    {30, "save IA32_PERF_GLOBAL_CTRL"}, {31, "activate secondary controls"}, END};

static const struct look_bit entry_bits[] = {
    {2, "load debug controls"}, {9, "IA-32e mode guest"}, {10, "entry to SMM"},
    {11, "deactivate dual-monitor treatment"}, {13, "load IA32_PERF_GLOBAL_CTRL"},
    {14, "load IA32_PAT"}, {15, "load IA32_EFER"}, {16, "load IA32_BNDCFGS"},
    {17, "conceal VMX from PT"}, {18, "load IA32_RTIT_CTL"}, {19, "load UINV"},
    {20, "load CET state"}, {21, "load guest IA32_LBR_CTL"}, {22, "load PKRS"}, END};

const struct look_bit vmx_look_blocking_bits[] = {
    {0, "blocking by STI"}, {1, "blocking by MOV SS"}, {2, "blocking by SMI"},
    {3, "blocking by NMI"}, {4, "enclave interruption"}, END};

const struct look_bit vmx_look_pending_bits[] = {
    {0, "B0"}, {1, "B1"}, {2, "B2"}, {3, "B3"}, {11, "BLD"}, {12, "enabled breakpoint"},
    {14, "BS"}, {16, "RTM"}, END};

static const struct look_bit activity_states[] = {
    {0, "active"}, {1, "HLT"}, {2, "shutdown"}, {3, "wait-for-SIPI"}, END};

static const struct look_bit event_types[] = {
    {INTR_EXTERNAL, "external interrupt"}, {INTR_RESERVED, "reserved"}, {INTR_NMI, "NMI"},
    {INTR_HARDWARE_EXCEPTION, "hardware exception"},
    {INTR_SOFTWARE_INTERRUPT, "software interrupt"},
    {INTR_PRIVILEGED_SOFTWARE, "privileged software exception"},
    {INTR_SOFTWARE_EXCEPTION, "software exception"}, {INTR_OTHER, "other event"}, END};

/* Bits 31:26 of the exit reason. */
static const struct look_bit reason_bits[] = {
    {26, "bus lock"}, {27, "enclave mode"}, {28, "pending MTF VM exit"},
    {29, "VM exit from VMX root operation"}, {31, "VM-entry failure"}, END};

static const struct look_bit ept_violation_bits[] = {
    {0, "data read"}, {1, "data write"}, {2, "instruction fetch"}, {3, "readable"},
    {4, "writable"}, {5, "executable"}, {7, "linear address valid"},
    {8, "not in a page walk"}, {12, "NMI unblocking due to IRET"}, END};

static const struct look_bit cr_accesses[] = {{0, "MOV to CR"}, {1, "MOV from CR"}, {2, "CLTS"}, {3, "LMSW"}, END};

static const struct look_bit instruction_errors[] = {
    {1, "VMCALL executed in VMX root operation"}, {2, "VMCLEAR with invalid physical address"},
    {3, "VMCLEAR with VMXON pointer"}, {4, "VMLAUNCH with non-clear VMCS"},
    {5, "VMRESUME with non-launched VMCS"}, {6, "VMRESUME after VMXOFF"},
    {7, "VM entry with invalid control field(s)"}, {8, "VM entry with invalid host-state field(s)"},
    {9, "VMPTRLD with invalid physical address"}, {10, "VMPTRLD with VMXON pointer"},
    {11, "VMPTRLD with incorrect VMCS revision identifier"},
    {12, "VMREAD/VMWRITE from/to unsupported VMCS component"},
    {13, "VMWRITE to read-only VMCS component"}, {15, "VMXON executed in VMX root operation"},
    {16, "VM entry with invalid executive-VMCS pointer"},
    {17, "VM entry with non-launched executive VMCS"},
    {18, "VM entry with executive-VMCS pointer not VMXON pointer"},
    {19, "VMCALL with non-clear VMCS"}, {20, "VMCALL with invalid VM-exit control fields"},
    {22, "VMCALL with incorrect MSEG revision identifier"},
    {23, "VMXOFF under dual-monitor treatment"},
    {24, "VMCALL with invalid SMM-monitor features"},
    {25, "VM entry with invalid VM-execution control fields in executive VMCS"},
    {26, "VM entry with events blocked by MOV SS"}, {28, "invalid operand to INVEPT/INVVPID"}, END};
/* clang-format on */

/* ------------------------------------------------------------------ control words */

static uint64_t look_named(const struct look_bit *names)
{
    uint64_t mask = 0;

    for (; names->name; names++)
        mask |= BIT64(names->bit);
    return mask;
}

/* `cap`: bits that must be 1 below, bits that may be 1 above. Of those that cannot be 1 only what
 * has a name is worth a word. */
static void look_controls(struct look_line *l, const struct look_bit *names, uint64_t value,
                          uint64_t cap)
{
    const uint64_t must = (uint32_t)cap, cannot = look_named(names) & ~(cap >> 32);

    look_bits(l, names, value);
    look_end(l);
    look_begin(l, "        this processor does not allow 0 in:");
    look_bits(l, names, must);
    if (must == 0)
        look_word(l, "no bit");
    look_end(l);
    look_begin(l, "        this processor does not allow 1 in:");
    look_bits(l, names, cannot);
    if (cannot == 0)
        look_word(l, "no bit with a name");
}

static const struct vmx_caps *look_caps(const void *context)
{
    return ((const struct vmx_look_context *)context)->caps;
}

void vmx_look_pin(struct look_line *l, uint64_t value, const void *context)
{
    look_controls(l, pin_bits, value, look_caps(context)->pin);
}

void vmx_look_primary(struct look_line *l, uint64_t value, const void *context)
{
    look_controls(l, primary_bits, value, look_caps(context)->cpu);
}

void vmx_look_secondary(struct look_line *l, uint64_t value, const void *context)
{
    look_controls(l, secondary_bits, value, look_caps(context)->cpu2);
}

/* Its register has no bits that must be 1. */
void vmx_look_tertiary(struct look_line *l, uint64_t value, const void *context)
{
    look_controls(l, tertiary_bits, value, look_caps(context)->cpu3 << 32);
}

void vmx_look_exit_controls(struct look_line *l, uint64_t value, const void *context)
{
    look_controls(l, exit_bits, value, look_caps(context)->exit);
}

void vmx_look_entry_controls(struct look_line *l, uint64_t value, const void *context)
{
    look_controls(l, entry_bits, value, look_caps(context)->entry);
}

/* ------------------------------------------------------------------ guest and host state */

void vmx_look_selector(struct look_line *l, uint64_t value, const void *context)
{
    (void)context;
    look_selector(l, value);
}

/* "Guest Register State": the format of access rights. */
void vmx_look_access(struct look_line *l, uint64_t value, const void *context)
{
    (void)context;
    if (value & ACCESS_UNUSABLE) {
        look_word(l, "unusable");
        return;
    }
    look_descriptor(l, value);
    if (value & BIT64(12))
        look_word(l, "AVL");
    if (value & BIT64(13))
        look_word(l, "L");
    if (value & BIT64(14))
        look_word(l, "D/B");
    if (value & BIT64(15))
        look_word(l, "G");
}

void vmx_look_pat(struct look_line *l, uint64_t value, const void *context)
{
    (void)context;
    look_pat(l, value);
}

void vmx_look_activity(struct look_line *l, uint64_t value, const void *context)
{
    (void)context;
    look_number(l, "", activity_states, value);
}

/* ------------------------------------------------------------------ controls, information */

void vmx_look_event(struct look_line *l, uint64_t value, const void *context)
{
    (void)context;
    if (!(value & INTR_VALID)) {
        look_word(l, "not valid");
        return;
    }
    look_word(l, "vector %u", (uint32_t)(value & INTR_VECTOR_MASK));
    look_number(l, "type", event_types, (value & INTR_TYPE_MASK) >> INTR_TYPE_SHIFT);
    if (value & INTR_HAS_ERROR)
        look_word(l, "error code valid");
    if (value & INTR_NMI_UNBLOCK)
        look_word(l, "NMI unblocking due to IRET");
    look_word(l, "valid");
}

void vmx_look_ept_pointer(struct look_line *l, uint64_t value, const void *context)
{
    (void)context;
    look_word(l, "memory type %u%s", (uint32_t)(value & 7), (value & 7) == 6 ? " (WB)" : "");
    look_word(l, "page-walk length %u", (uint32_t)(value >> 3 & 7) + 1);
    look_word(l, "accessed and dirty flags %s", value & BIT64(6) ? "on" : "off");
    look_word(l, "PML4 table at 0x%llx", (unsigned long long)(value & MASK64(51, 12)));
}

void vmx_look_reason(struct look_line *l, uint64_t value, const void *context)
{
    const uint32_t basic = (uint32_t)value & 0xffff;

    (void)context;
    look_word(l, "%u %s", basic, vmx_reason_name(basic));
    look_bits(l, reason_bits, value & MASK64(31, 16));
}

static void look_cr_access(struct look_line *l, uint64_t value)
{
    look_number(l, "access", cr_accesses, value >> 4 & 3);
    look_word(l, "CR%u", (uint32_t)(value & 15));
    look_word(l, "register %u", (uint32_t)(value >> 8 & 15));
}

static void look_io(struct look_line *l, uint64_t value)
{
    look_word(l, "port 0x%x", (uint32_t)(value >> 16 & 0xffff));
    look_word(l, value & PIO_IN ? "IN" : "OUT");
    look_word(l, "size %u", (uint32_t)(value & PIO_SIZE) + 1);
    if (value & PIO_STRING)
        look_word(l, "string");
}

void vmx_look_qualification(struct look_line *l, uint64_t value, const void *context)
{
    const uint32_t reason = (uint32_t)((const struct vmx_look_context *)context)->reason & 0xffff;

    if (reason == VMX_REASON_CR_ACCESS)
        look_cr_access(l, value);
    else if (reason == VMX_REASON_IO)
        look_io(l, value);
    else if (reason == VMX_REASON_EPT_VIOLATION)
        look_bits(l, ept_violation_bits, value);
}

void vmx_look_error(struct look_line *l, uint64_t value, const void *context)
{
    (void)context;
    if (value)
        look_number(l, "", instruction_errors, value);
}
