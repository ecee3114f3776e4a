/* SPDX-License-Identifier: MIT */
/*
 * explain: words for what the hardware refused; audit.c knows the rules. APM "VMRUN Instruction",
 * "Canonicalization and Consistency Checks".
 */
#include "lib/fmt.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/insn.h"
#include "svm/audit.h"
#include "svm/svm.h"

static struct svm_audit_cpu explain_cpu(void)
{
    const struct cpuid_regs features = cpuid_leaf(7, 0);
    const uint32_t words[CPUID_WORDS] = {
        [CPUID_1_ECX] = cpuid(1, 0).ecx,
        [CPUID_7_EBX] = features.ebx,
        [CPUID_7_ECX] = features.ecx,
        [CPUID_7_EDX] = features.edx,
        [CPUID_EXT_1_ECX] = cpuid_leaf(0x80000001, 0).ecx,
        [CPUID_EXT_1_EDX] = cpuid_leaf(0x80000001, 0).edx,
        [CPUID_EXT_8_EAX] = cpuid_leaf(0x80000008, 0).eax,
        [CPUID_EXT_8_EBX] = cpuid_leaf(0x80000008, 0).ebx,
        [CPUID_EXT_21_EAX] = cpuid_leaf(0x80000021, 0).eax,
    };

    return svm_audit_cpu_make(words);
}

void svm_explain_audit(const struct svm_vmcb *vmcb, log_sink sink)
{
    const struct svm_audit_cpu cpu = explain_cpu();

    svm_audit_show(vmcb, &cpu, sink);
}

void svm_explain(struct vcpu *v, const struct vcpu_exit *x, char *buf, size_t size)
{
    const struct svm_vcpu *hw = v->hw;
    const struct svm_audit_cpu cpu = explain_cpu();
    struct svm_breach breach;
    const uint32_t count = svm_audit(&hw->vmcb, &cpu, &breach, 1);

    (void)x;
    if (count == 0 && hw->is_lost) {
        fmt_print(buf, size,
                  "the guest state that it refused is lost: an emulator wrote over it (a likely "
                  "cause is a reserved bit in CR0, CR3 or CR4)");
        return;
    }
    if (count == 0) {
        /* An emulator also answers so where a running guest writes a control register wrongly. */
        fmt_print(buf, size, "the VMCB breaks no rule known here");
        return;
    }
    const size_t len = fmt_print(buf, size, "%s is 0x%llx, but %s", breach.field,
                                 (unsigned long long)breach.value, breach.rule);
    if (count > 1)
        fmt_print(buf + len, size - len, " (and %u more)", count - 1);
}
