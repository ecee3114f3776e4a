/* SPDX-License-Identifier: MIT */
/*
 * explain: words for what the hardware refused. SDM "VM-Entry Failures During or After Loading
 * Guest State", "VM-Instruction Error Numbers".
 */
#include "lib/assert.h"
#include "lib/fmt.h"
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

/* Why guest state was refused, as far as the qualification tells. */
static const char *explain_qualification(uint64_t qualification)
{
    switch (qualification) {
    case 2:
        return "a PDPTE has a reserved bit set";
    case 3:
        return "an NMI cannot be injected while STI blocks it";
    case 4:
        return "the VMCS link pointer is not valid";
    default:
        return "a guest-state field breaks a rule of 'Checks on Guest State'";
    }
}

void vmx_explain(struct vcpu *v, const struct vcpu_exit *x, char *buf, size_t size)
{
    struct vcpu_state s;

    vmx_get_state(v, &s);
    fmt_print(buf, size,
              "%s: %s; RFLAGS 0x%llx CR0 0x%llx CR4 0x%llx EFER 0x%llx activity %u "
              "interruptibility 0x%x event 0x%x",
              vmx_reason_name((uint32_t)x->raw_reason & 0xffff),
              explain_qualification(x->qualification), (unsigned long long)s.rflags,
              (unsigned long long)s.cr0, (unsigned long long)s.cr4, (unsigned long long)s.efer,
              vmread32(VMCS_GUEST_ACTIVITY), vmread32(VMCS_GUEST_INTERRUPTIBILITY),
              vmread32(VMCS_ENTRY_INTERRUPTION_INFO));
}

const char *vmx_exit_name(const struct vcpu_exit *x)
{
    return vmx_reason_name((uint32_t)x->raw_reason & 0xffff);
}
