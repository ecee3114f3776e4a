/* SPDX-License-Identifier: MIT */
/*
 * decode: a #VMEXIT → its neutral kind and details, before anything is decided. Pure.
 * APM "#VMEXIT", appendix "SVM Intercept Exit Codes".
 */
#include "lib/x86/msr.h"
#include "svm/svm.h"

/* A code without a row stops the guest: never "skip". All 64 bits count, but for INVALID and its
 * kin, of which some emulators write 32. */
enum exit_kind svm_decode_kind(const struct svm_vmcb *vmcb)
{
    const uint32_t code = (uint32_t)vmcb->exit_code;

    if (code >> 16 != 0 && code >> 16 != 0xffff)
        return EXIT_UNKNOWN;
    if (code == SVM_EXIT_MSR) /* EFER: all others are svm_run()'s */
        return EXIT_CONTROL;
    if (code == SVM_EXIT_XSETBV) /* without CR4.OSXSAVE: an emulator exits before it finds that */
        return EXIT_FORBIDDEN;
    switch (code & 0xffff) {
#define ROW(name, number, kind) \
    case number:                \
        return EXIT_##kind;
        SVM_EXITS(ROW)
#undef ROW
    default:
        return EXIT_UNKNOWN;
    }
}

static uint8_t svm_access(uint64_t info)
{
    if (info & NPF_FETCH)
        return NESTED_EXEC;
    return info & NPF_WRITE ? NESTED_WRITE : NESTED_READ;
}

/*
 * Without CR0.NE an x87 fault freezes the processor until an interrupt comes: the chipset's, which
 * answers FERR#. A guest has no such chipset. It has the fault, as on VT-x, where CR0.NE stays on.
 */
uint8_t svm_exception(uint64_t code)
{
    return code == SVM_EXIT_FERR_FREEZE ? VECTOR_MF : (uint8_t)(code - SVM_EXIT_EXCEPTION_DE);
}

void svm_decode_details(const struct svm_vmcb *vmcb, struct vcpu_exit *x)
{
    const uint64_t info = vmcb->exit_info_1;

    if (x->kind == EXIT_NESTED_FAULT) {
        x->fault.address = gpa(vmcb->exit_info_2);
        x->fault.access = svm_access(info);
        x->fault.table_walk = info & NPF_GUEST_TABLE;
    } else if (x->kind == EXIT_EXCEPTION) {
        x->exception.vector = svm_exception(vmcb->exit_code);
        x->exception.has_error_code = x->exception.vector == VECTOR_AC;
        x->exception.error_code = (uint32_t)info;
        x->exception.dr6 = vmcb->dr6; /* written before the exit */
    } else if (x->kind == EXIT_CONTROL) {
        x->cr.is_write = info & 1;
    }
}
