/* SPDX-License-Identifier: MIT */
/*
 * look_fields: the table of a VMCS's fields. SDM appendix "Field Encoding in VMCS", whose notes say
 * when a processor has a field; the order is that of "Virtual Machine Control Structures".
 */
#include "vmx/look_fields.h"

#include "vmx/fields.h"

const char *const vmx_look_parts[LOOK_PARTS] = {"guest", "host",  "controls",
                                                "exit",  "entry", "info"};
const char *const vmx_look_titles[LOOK_PARTS] = {
    "Guest-state area",       "Host-state area",         "VM-execution control fields",
    "VM-exit control fields", "VM-entry control fields", "VM-exit information fields"};

/* A field exists where this bit of a control word may be 1; of IA32_VMX_MISC: where there are so
 * many CR3-target values. */
enum need {
    NEED_NOTHING,
    NEED_PIN,
    NEED_CPU,
    NEED_CPU2,
    NEED_CPU3,
    NEED_EXIT,
    NEED_ENTRY,
    NEED_TARGETS
};

#define NEED_SHIFT 8 /* the bit is below */
#define NEED_MASK  0xffu

#define ALWAYS     0
#define PIN(n)     (NEED_PIN << NEED_SHIFT | (n))
#define CPU(n)     (NEED_CPU << NEED_SHIFT | (n))
#define CPU2(n)    (NEED_CPU2 << NEED_SHIFT | (n))
#define CPU3(n)    (NEED_CPU3 << NEED_SHIFT | (n))
#define EXIT(n)    (NEED_EXIT << NEED_SHIFT | (n))
#define ENTRY(n)   (NEED_ENTRY << NEED_SHIFT | (n))
#define TARGETS(n) (NEED_TARGETS << NEED_SHIFT | (n))

#define MISC_CR3_TARGETS(misc) ((misc) >> 16 & 0x1ff)

bool vmx_look_has(const struct look_field *field, const struct vmx_caps *caps)
{
    const uint32_t bit = field->needs & NEED_MASK;

    switch ((enum need)(field->needs >> NEED_SHIFT)) {
    case NEED_NOTHING:
        break;
    case NEED_PIN:
        return caps->pin >> 32 >> bit & 1;
    case NEED_CPU:
        return caps->cpu >> 32 >> bit & 1;
    case NEED_CPU2:
        return caps->cpu2 >> 32 >> bit & 1;
    case NEED_CPU3:
        return caps->cpu3 >> bit & 1;
    case NEED_EXIT:
        return caps->exit >> 32 >> bit & 1;
    case NEED_ENTRY:
        return caps->entry >> 32 >> bit & 1;
    case NEED_TARGETS:
        return MISC_CR3_TARGETS(caps->misc) >= bit;
    }
    return true;
}

#define BYTES(encoding) \
    (VMCS_WIDTH_OF(encoding) == VMCS_W16 ? 2 : VMCS_WIDTH_OF(encoding) == VMCS_W32 ? 4 : 8)
#define F(name, encoding, part, needs, bits, words)               \
    {                                                             \
        name, encoding, part, BYTES(encoding), needs, bits, words \
    }

/* clang-format off */
const struct look_field vmx_look_fields[VMX_LOOK_FIELDS] = {
    /* SDM "Guest-State Area" */
    F("Guest CR0", 0x6800, LOOK_GUEST, ALWAYS, look_cr0_bits, NULL),
    F("Guest CR3", 0x6802, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest CR4", 0x6804, LOOK_GUEST, ALWAYS, look_cr4_bits, NULL),
    F("Guest DR7", 0x681a, LOOK_GUEST, ALWAYS, look_dr7_bits, NULL),
    F("Guest RSP", 0x681c, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest RIP", 0x681e, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest RFLAGS", 0x6820, LOOK_GUEST, ALWAYS, look_rflags_bits, NULL),
    F("Guest ES selector", 0x0800, LOOK_GUEST, ALWAYS, NULL, vmx_look_selector),
    F("Guest ES base", 0x6806, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest ES limit", 0x4800, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest ES access rights", 0x4814, LOOK_GUEST, ALWAYS, NULL, vmx_look_access),
    F("Guest CS selector", 0x0802, LOOK_GUEST, ALWAYS, NULL, vmx_look_selector),
    F("Guest CS base", 0x6808, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest CS limit", 0x4802, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest CS access rights", 0x4816, LOOK_GUEST, ALWAYS, NULL, vmx_look_access),
    F("Guest SS selector", 0x0804, LOOK_GUEST, ALWAYS, NULL, vmx_look_selector),
    F("Guest SS base", 0x680a, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest SS limit", 0x4804, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest SS access rights", 0x4818, LOOK_GUEST, ALWAYS, NULL, vmx_look_access),
    F("Guest DS selector", 0x0806, LOOK_GUEST, ALWAYS, NULL, vmx_look_selector),
    F("Guest DS base", 0x680c, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest DS limit", 0x4806, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest DS access rights", 0x481a, LOOK_GUEST, ALWAYS, NULL, vmx_look_access),
    F("Guest FS selector", 0x0808, LOOK_GUEST, ALWAYS, NULL, vmx_look_selector),
    F("Guest FS base", 0x680e, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest FS limit", 0x4808, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest FS access rights", 0x481c, LOOK_GUEST, ALWAYS, NULL, vmx_look_access),
    F("Guest GS selector", 0x080a, LOOK_GUEST, ALWAYS, NULL, vmx_look_selector),
    F("Guest GS base", 0x6810, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest GS limit", 0x480a, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest GS access rights", 0x481e, LOOK_GUEST, ALWAYS, NULL, vmx_look_access),
    F("Guest LDTR selector", 0x080c, LOOK_GUEST, ALWAYS, NULL, vmx_look_selector),
    F("Guest LDTR base", 0x6812, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest LDTR limit", 0x480c, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest LDTR access rights", 0x4820, LOOK_GUEST, ALWAYS, NULL, vmx_look_access),
    F("Guest TR selector", 0x080e, LOOK_GUEST, ALWAYS, NULL, vmx_look_selector),
    F("Guest TR base", 0x6814, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest TR limit", 0x480e, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest TR access rights", 0x4822, LOOK_GUEST, ALWAYS, NULL, vmx_look_access),
    F("Guest GDTR base", 0x6816, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest GDTR limit", 0x4810, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest IDTR base", 0x6818, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest IDTR limit", 0x4812, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest IA32_DEBUGCTL", 0x2802, LOOK_GUEST, ALWAYS, look_debugctl_bits, NULL),
    F("Guest IA32_SYSENTER_CS", 0x482a, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest IA32_SYSENTER_ESP", 0x6824, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest IA32_SYSENTER_EIP", 0x6826, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest IA32_PERF_GLOBAL_CTRL", 0x2808, LOOK_GUEST, ENTRY(13), NULL, NULL),
    F("Guest IA32_PAT", 0x2804, LOOK_GUEST, ENTRY(14), NULL, vmx_look_pat),
    F("Guest IA32_EFER", 0x2806, LOOK_GUEST, ENTRY(15), look_efer_bits, NULL),
    F("Guest IA32_BNDCFGS", 0x2812, LOOK_GUEST, ENTRY(16), NULL, NULL),
    F("Guest IA32_RTIT_CTL", 0x2814, LOOK_GUEST, ENTRY(18), NULL, NULL),
    F("Guest IA32_LBR_CTL", 0x2816, LOOK_GUEST, ENTRY(21), NULL, NULL),
    F("Guest IA32_S_CET", 0x6828, LOOK_GUEST, ENTRY(20), NULL, NULL),
    F("Guest SSP", 0x682a, LOOK_GUEST, ENTRY(20), NULL, NULL),
    F("Guest IA32_INTERRUPT_SSP_TABLE_ADDR", 0x682c, LOOK_GUEST, ENTRY(20), NULL, NULL),
    F("Guest IA32_PKRS", 0x2818, LOOK_GUEST, ENTRY(22), NULL, NULL),
    F("Guest UINV", 0x0814, LOOK_GUEST, ENTRY(19), NULL, NULL),
    F("Guest SMBASE", 0x4828, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("Guest activity state", 0x4826, LOOK_GUEST, ALWAYS, NULL, vmx_look_activity),
    F("Guest interruptibility state", 0x4824, LOOK_GUEST, ALWAYS, vmx_look_blocking_bits, NULL),
    F("Guest pending debug exceptions", 0x6822, LOOK_GUEST, ALWAYS, vmx_look_pending_bits, NULL),
    F("VMCS link pointer", 0x2800, LOOK_GUEST, ALWAYS, NULL, NULL),
    F("VMX-preemption timer value", 0x482e, LOOK_GUEST, PIN(6), NULL, NULL),
    F("Guest PDPTE0", 0x280a, LOOK_GUEST, CPU2(1), NULL, NULL),
    F("Guest PDPTE1", 0x280c, LOOK_GUEST, CPU2(1), NULL, NULL),
    F("Guest PDPTE2", 0x280e, LOOK_GUEST, CPU2(1), NULL, NULL),
    F("Guest PDPTE3", 0x2810, LOOK_GUEST, CPU2(1), NULL, NULL),
    F("Guest interrupt status", 0x0810, LOOK_GUEST, CPU2(9), NULL, NULL),
    F("PML index", 0x0812, LOOK_GUEST, CPU2(17), NULL, NULL),
    /* "Host-State Area" */
    F("Host CR0", 0x6c00, LOOK_HOST, ALWAYS, look_cr0_bits, NULL),
    F("Host CR3", 0x6c02, LOOK_HOST, ALWAYS, NULL, NULL),
    F("Host CR4", 0x6c04, LOOK_HOST, ALWAYS, look_cr4_bits, NULL),
    F("Host RSP", 0x6c14, LOOK_HOST, ALWAYS, NULL, NULL),
    F("Host RIP", 0x6c16, LOOK_HOST, ALWAYS, NULL, NULL),
    F("Host ES selector", 0x0c00, LOOK_HOST, ALWAYS, NULL, vmx_look_selector),
    F("Host CS selector", 0x0c02, LOOK_HOST, ALWAYS, NULL, vmx_look_selector),
    F("Host SS selector", 0x0c04, LOOK_HOST, ALWAYS, NULL, vmx_look_selector),
    F("Host DS selector", 0x0c06, LOOK_HOST, ALWAYS, NULL, vmx_look_selector),
    F("Host FS selector", 0x0c08, LOOK_HOST, ALWAYS, NULL, vmx_look_selector),
    F("Host GS selector", 0x0c0a, LOOK_HOST, ALWAYS, NULL, vmx_look_selector),
    F("Host TR selector", 0x0c0c, LOOK_HOST, ALWAYS, NULL, vmx_look_selector),
    F("Host FS base", 0x6c06, LOOK_HOST, ALWAYS, NULL, NULL),
    F("Host GS base", 0x6c08, LOOK_HOST, ALWAYS, NULL, NULL),
    F("Host TR base", 0x6c0a, LOOK_HOST, ALWAYS, NULL, NULL),
    F("Host GDTR base", 0x6c0c, LOOK_HOST, ALWAYS, NULL, NULL),
    F("Host IDTR base", 0x6c0e, LOOK_HOST, ALWAYS, NULL, NULL),
    F("Host IA32_SYSENTER_CS", 0x4c00, LOOK_HOST, ALWAYS, NULL, NULL),
    F("Host IA32_SYSENTER_ESP", 0x6c10, LOOK_HOST, ALWAYS, NULL, NULL),
    F("Host IA32_SYSENTER_EIP", 0x6c12, LOOK_HOST, ALWAYS, NULL, NULL),
    F("Host IA32_PERF_GLOBAL_CTRL", 0x2c04, LOOK_HOST, EXIT(12), NULL, NULL),
    F("Host IA32_PAT", 0x2c00, LOOK_HOST, EXIT(19), NULL, vmx_look_pat),
    F("Host IA32_EFER", 0x2c02, LOOK_HOST, EXIT(21), look_efer_bits, NULL),
    F("Host IA32_S_CET", 0x6c18, LOOK_HOST, EXIT(28), NULL, NULL),
    F("Host SSP", 0x6c1a, LOOK_HOST, EXIT(28), NULL, NULL),
    F("Host IA32_INTERRUPT_SSP_TABLE_ADDR", 0x6c1c, LOOK_HOST, EXIT(28), NULL, NULL),
    F("Host IA32_PKRS", 0x2c06, LOOK_HOST, EXIT(29), NULL, NULL),
    /* "VM-Execution Control Fields" */
    F("Pin-based VM-execution controls", 0x4000, LOOK_CONTROLS, ALWAYS, NULL, vmx_look_pin),
    F("Primary processor-based VM-execution controls", 0x4002, LOOK_CONTROLS, ALWAYS, NULL, vmx_look_primary),
    F("Secondary processor-based VM-execution controls", 0x401e, LOOK_CONTROLS, CPU(31), NULL, vmx_look_secondary),
    F("Tertiary processor-based VM-execution controls", 0x2034, LOOK_CONTROLS, CPU(17), NULL, vmx_look_tertiary),
    F("Exception bitmap", 0x4004, LOOK_CONTROLS, ALWAYS, look_exception_bits, NULL),
    F("Page-fault error-code mask", 0x4006, LOOK_CONTROLS, ALWAYS, NULL, NULL),
    F("Page-fault error-code match", 0x4008, LOOK_CONTROLS, ALWAYS, NULL, NULL),
    F("Address of I/O bitmap A", 0x2000, LOOK_CONTROLS, CPU(25), NULL, NULL),
    F("Address of I/O bitmap B", 0x2002, LOOK_CONTROLS, CPU(25), NULL, NULL),
    F("TSC offset", 0x2010, LOOK_CONTROLS, ALWAYS, NULL, NULL),
    F("TSC multiplier", 0x2032, LOOK_CONTROLS, CPU2(25), NULL, NULL),
    F("CR0 guest/host mask", 0x6000, LOOK_CONTROLS, ALWAYS, look_cr0_bits, NULL),
    F("CR0 read shadow", 0x6004, LOOK_CONTROLS, ALWAYS, look_cr0_bits, NULL),
    F("CR4 guest/host mask", 0x6002, LOOK_CONTROLS, ALWAYS, look_cr4_bits, NULL),
    F("CR4 read shadow", 0x6006, LOOK_CONTROLS, ALWAYS, look_cr4_bits, NULL),
    F("CR3-target count", 0x400a, LOOK_CONTROLS, ALWAYS, NULL, NULL),
    F("CR3-target value 0", 0x6008, LOOK_CONTROLS, TARGETS(1), NULL, NULL),
    F("CR3-target value 1", 0x600a, LOOK_CONTROLS, TARGETS(2), NULL, NULL),
    F("CR3-target value 2", 0x600c, LOOK_CONTROLS, TARGETS(3), NULL, NULL),
    F("CR3-target value 3", 0x600e, LOOK_CONTROLS, TARGETS(4), NULL, NULL),
    F("APIC-access address", 0x2014, LOOK_CONTROLS, CPU2(0), NULL, NULL),
    F("Virtual-APIC address", 0x2012, LOOK_CONTROLS, CPU(21), NULL, NULL),
    F("TPR threshold", 0x401c, LOOK_CONTROLS, CPU(21), NULL, NULL),
    F("EOI-exit bitmap 0", 0x201c, LOOK_CONTROLS, CPU2(9), NULL, NULL),
    F("EOI-exit bitmap 1", 0x201e, LOOK_CONTROLS, CPU2(9), NULL, NULL),
    F("EOI-exit bitmap 2", 0x2020, LOOK_CONTROLS, CPU2(9), NULL, NULL),
    F("EOI-exit bitmap 3", 0x2022, LOOK_CONTROLS, CPU2(9), NULL, NULL),
    F("Posted-interrupt notification vector", 0x0002, LOOK_CONTROLS, PIN(7), NULL, NULL),
    F("Posted-interrupt descriptor address", 0x2016, LOOK_CONTROLS, PIN(7), NULL, NULL),
    F("Address of MSR bitmaps", 0x2004, LOOK_CONTROLS, CPU(28), NULL, NULL),
    F("Executive-VMCS pointer", 0x200c, LOOK_CONTROLS, ALWAYS, NULL, NULL),
    F("Extended-page-table pointer (EPTP)", 0x201a, LOOK_CONTROLS, CPU2(1), NULL, vmx_look_ept_pointer),
    F("Virtual-processor identifier (VPID)", 0x0000, LOOK_CONTROLS, CPU2(5), NULL, NULL),
    F("PLE_Gap", 0x4020, LOOK_CONTROLS, CPU2(10), NULL, NULL),
    F("PLE_Window", 0x4022, LOOK_CONTROLS, CPU2(10), NULL, NULL),
    F("VM-function controls", 0x2018, LOOK_CONTROLS, CPU2(13), NULL, NULL),
    F("VMREAD-bitmap address", 0x2026, LOOK_CONTROLS, CPU2(14), NULL, NULL),
    F("VMWRITE-bitmap address", 0x2028, LOOK_CONTROLS, CPU2(14), NULL, NULL),
    F("ENCLS-exiting bitmap", 0x202e, LOOK_CONTROLS, CPU2(15), NULL, NULL),
    F("ENCLV-exiting bitmap", 0x2036, LOOK_CONTROLS, CPU2(28), NULL, NULL),
    F("PCONFIG-exiting bitmap", 0x203e, LOOK_CONTROLS, CPU2(27), NULL, NULL),
    F("PML address", 0x200e, LOOK_CONTROLS, CPU2(17), NULL, NULL),
    F("Virtualization-exception information address", 0x202a, LOOK_CONTROLS, CPU2(18), NULL, NULL),
    F("EPTP index", 0x0004, LOOK_CONTROLS, CPU2(18), NULL, NULL),
    F("XSS-exiting bitmap", 0x202c, LOOK_CONTROLS, CPU2(20), NULL, NULL),
    F("Sub-page-permission-table pointer (SPPTP)", 0x2030, LOOK_CONTROLS, CPU2(23), NULL, NULL),
    F("Low PASID directory address", 0x2038, LOOK_CONTROLS, CPU2(21), NULL, NULL),
    F("High PASID directory address", 0x203a, LOOK_CONTROLS, CPU2(21), NULL, NULL),
    F("Instruction-timeout control", 0x4024, LOOK_CONTROLS, CPU2(31), NULL, NULL),
    F("HLAT pointer (HLATP)", 0x2040, LOOK_CONTROLS, CPU3(1), NULL, NULL),
    F("HLAT prefix size", 0x0006, LOOK_CONTROLS, CPU3(1), NULL, NULL),
    F("PID-pointer table address", 0x2042, LOOK_CONTROLS, CPU3(4), NULL, NULL),
    F("Last PID-pointer index", 0x0008, LOOK_CONTROLS, CPU3(4), NULL, NULL),
    F("IA32_SPEC_CTRL mask", 0x204a, LOOK_CONTROLS, CPU3(7), NULL, NULL),
    F("IA32_SPEC_CTRL shadow", 0x204c, LOOK_CONTROLS, CPU3(7), NULL, NULL),
    /* "VM-Exit Control Fields" */
    F("VM-exit controls", 0x400c, LOOK_EXIT, ALWAYS, NULL, vmx_look_exit_controls),
    F("Secondary VM-exit controls", 0x2044, LOOK_EXIT, EXIT(31), NULL, NULL),
    F("VM-exit MSR-store count", 0x400e, LOOK_EXIT, ALWAYS, NULL, NULL),
    F("VM-exit MSR-store address", 0x2006, LOOK_EXIT, ALWAYS, NULL, NULL),
    F("VM-exit MSR-load count", 0x4010, LOOK_EXIT, ALWAYS, NULL, NULL),
    F("VM-exit MSR-load address", 0x2008, LOOK_EXIT, ALWAYS, NULL, NULL),
    /* "VM-Entry Control Fields" */
    F("VM-entry controls", 0x4012, LOOK_ENTRY, ALWAYS, NULL, vmx_look_entry_controls),
    F("VM-entry MSR-load count", 0x4014, LOOK_ENTRY, ALWAYS, NULL, NULL),
    F("VM-entry MSR-load address", 0x200a, LOOK_ENTRY, ALWAYS, NULL, NULL),
    F("VM-entry interruption-information field", 0x4016, LOOK_ENTRY, ALWAYS, NULL, vmx_look_event),
    F("VM-entry exception error code", 0x4018, LOOK_ENTRY, ALWAYS, NULL, NULL),
    F("VM-entry instruction length", 0x401a, LOOK_ENTRY, ALWAYS, NULL, NULL),
    /* "VM-Exit Information Fields" */
    F("Exit reason", 0x4402, LOOK_INFO, ALWAYS, NULL, vmx_look_reason),
    F("Exit qualification", 0x6400, LOOK_INFO, ALWAYS, NULL, vmx_look_qualification),
    F("Guest-linear address", 0x640a, LOOK_INFO, ALWAYS, NULL, NULL),
    F("Guest-physical address", 0x2400, LOOK_INFO, CPU2(1), NULL, NULL),
    F("VM-exit interruption information", 0x4404, LOOK_INFO, ALWAYS, NULL, vmx_look_event),
    F("VM-exit interruption error code", 0x4406, LOOK_INFO, ALWAYS, NULL, NULL),
    F("IDT-vectoring information field", 0x4408, LOOK_INFO, ALWAYS, NULL, vmx_look_event),
    F("IDT-vectoring error code", 0x440a, LOOK_INFO, ALWAYS, NULL, NULL),
    F("VM-exit instruction length", 0x440c, LOOK_INFO, ALWAYS, NULL, NULL),
    F("VM-exit instruction information", 0x440e, LOOK_INFO, ALWAYS, NULL, NULL),
    F("I/O RCX", 0x6402, LOOK_INFO, ALWAYS, NULL, NULL),
    F("I/O RSI", 0x6404, LOOK_INFO, ALWAYS, NULL, NULL),
    F("I/O RDI", 0x6406, LOOK_INFO, ALWAYS, NULL, NULL),
    F("I/O RIP", 0x6408, LOOK_INFO, ALWAYS, NULL, NULL),
    F("VM-instruction error field", 0x4400, LOOK_INFO, ALWAYS, NULL, vmx_look_error),
};
/* clang-format on */
