/* SPDX-License-Identifier: MIT */
/*
 * explain: words for what the hardware refused; audit.c knows the rules. SDM "VM-Entry Failures
 * During or After Loading Guest State", "VM-Instruction Error Numbers".
 */
#include "lib/assert.h"
#include "lib/fmt.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/insn.h"
#include "vmx/bits.h"
#include "vmx/insn.h"
#include "vmx/vmx.h"

void vmx_die(const char *instruction, uint64_t operand)
{
    uint64_t error = 0;
    bool failed;

    /* Not vmread_raw(): that would come back here when there is no current VMCS. */
    __asm__ volatile("vmread %2, %1"
                     : "=@ccbe"(failed), "=r"(error)
                     : "r"((uint64_t)VMCS_VM_INSTRUCTION_ERROR));
    panic("%s %s (0x%llx) failed, VM-instruction error %llu", instruction,
          vmcs_field_name((enum vmcs_field)operand), (unsigned long long)operand,
          failed ? 0ull : (unsigned long long)error);
}

/* ------------------------------------------------------------------ the audit's input */

#define CPUID_7_EBX_SGX BIT32(2)
#define CPUID_7_EBX_RTM BIT32(11)
#define CPUID_7_ECX_CET BIT32(7)  /* shadow stacks */
#define CPUID_7_EDX_CET BIT32(20) /* indirect-branch tracking */

#define LINEAR_BITS_LEAST 48

void vmx_make_audit_cpu(struct vmx_audit_cpu *cpu, uint32_t pin, uint32_t cpu2, uint32_t entry)
{
    const struct cpuid_regs features = cpuid_leaf(7, 0);
    const uint32_t linear_bits = cpuid_leaf(0x80000008, 0).eax >> 8 & 0xff;

    *cpu = (struct vmx_audit_cpu){
        .basic = vmx_caps.basic,
        .misc = vmx_caps.misc,
        .cr0_fixed0 = vmx_caps.cr0_fixed0,
        .cr0_fixed1 = vmx_caps.cr0_fixed1,
        .cr4_fixed0 = vmx_caps.cr4_fixed0,
        .cr4_fixed1 = vmx_caps.cr4_fixed1,
        .physical_bits = vmx_caps.physical_bits,
        .linear_bits = linear_bits > LINEAR_BITS_LEAST ? linear_bits : LINEAR_BITS_LEAST,
        .has_cet = (features.ecx & CPUID_7_ECX_CET) || (features.edx & CPUID_7_EDX_CET),
        .has_rtm = features.ebx & CPUID_7_EBX_RTM,
        .has_sgx = features.ebx & CPUID_7_EBX_SGX,
        .pin = pin,
        .cpu2 = cpu2,
        .entry = entry,
    };
}

void vmx_read_audit_cpu(struct vmx_audit_cpu *cpu)
{
    vmx_make_audit_cpu(cpu, vmread32(VMCS_PIN_BASED_CONTROLS), vmread32(VMCS_SECONDARY_CONTROLS),
                       vmread32(VMCS_ENTRY_CONTROLS));
}

/* Fields that only a CPU with CET has: VMREAD of them fails on others. */
static bool explain_has_field(enum vmcs_field field, const struct vmx_audit_cpu *cpu)
{
    return (field != VMCS_GUEST_S_CET && field != VMCS_GUEST_SSP &&
            field != VMCS_GUEST_SSP_TABLE) ||
           (cpu->entry & ENTRY_LOAD_CET);
}

void vmx_read_guest_fields(struct vmx_guest_fields *g, const struct vmx_audit_cpu *cpu)
{
    enum vmcs_field field;
    uint64_t *place;

    for (uint32_t i = 0; (place = vmx_audit_place(g, i, &field)) != NULL; i++)
        *place = explain_has_field(field, cpu) ? vmread_raw(field) : 0;
}

/* ------------------------------------------------------------------ the words */

/* Failures whose reason the audit does not know, or that are not about fields. */
static const char *explain_reason(const struct vcpu_exit *x)
{
    if ((x->hw_code & 0xffff) != VMX_REASON_ENTRY_GUEST_STATE)
        return "the failure is not in the guest state";
    switch (x->hw_info) {
    case 2:
        return "a PDPTE has a reserved bit set";
    case 3:
        return "an NMI cannot be injected while STI blocks it";
    case 4:
        return "the VMCS link pointer is not valid";
    default:
        return "no field breaks a known rule";
    }
}

void vmx_explain(struct vcpu *v, const struct vcpu_exit *x, char *buf, size_t size)
{
    struct vmx_audit_cpu cpu;
    struct vmx_guest_fields g;
    struct vmx_breach breach;

    (void)v;
    vmx_read_audit_cpu(&cpu);
    vmx_read_guest_fields(&g, &cpu);
    uint32_t count = vmx_audit_guest(&g, &cpu, &breach, 1);
    const bool narrow = count == 0 && cpu.linear_bits > LINEAR_BITS_LEAST;
    if (narrow) {
        /* WRMSR goes by what the CPU has, an entry may go by CR4.LA57, which no guest
         * can set. */
        cpu.linear_bits = LINEAR_BITS_LEAST;
        count = vmx_audit_guest(&g, &cpu, &breach, 1);
    }
    if (count == 0 || (x->hw_code & 0xffff) != VMX_REASON_ENTRY_GUEST_STATE) {
        fmt_print(buf, size, "%s: %s (event 0x%llx)", vmx_exit_name(x->hw_code), explain_reason(x),
                  (unsigned long long)g.event);
        return;
    }
    const size_t len = fmt_print(buf, size, "%s is 0x%llx, but %s%s", vmcs_field_name(breach.field),
                                 (unsigned long long)breach.value, breach.rule,
                                 narrow ? " (guests have 48-bit linear addresses)" : "");
    if (count > 1)
        fmt_print(buf + len, size - len, " (and %u more)", count - 1);
}

void vmx_no_vmcs(void)
{
    panic("VMREAD failed after an exit: no VMCS is current");
}

void vmx_explain_refused(char *buf, size_t size)
{
    struct vmx_audit_cpu cpu;
    struct vmx_guest_fields g;
    struct vmx_breach breach;

    vmx_read_audit_cpu(&cpu);
    vmx_read_guest_fields(&g, &cpu);
    if (vmx_audit_event(&g, &cpu, &breach, 1) == 0)
        fmt_print(buf, size, "VM entry failed, VM-instruction error %u",
                  vmread32(VMCS_VM_INSTRUCTION_ERROR));
    else
        fmt_print(buf, size, "VM entry failed: %s is 0x%llx, but %s", vmcs_field_name(breach.field),
                  (unsigned long long)breach.value, breach.rule);
}

void vmx_refused(void)
{
    char words[LOG_LINE_MAX];

    vmx_explain_refused(words, sizeof(words));
    panic("%s", words);
}

const char *vmx_exit_name(uint32_t hw_code)
{
    return vmx_reason_name(hw_code & 0xffff);
}
