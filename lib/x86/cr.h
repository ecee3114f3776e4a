/* SPDX-License-Identifier: MIT */
/*
 * cr: bits of the control registers, RFLAGS and XCR0.
 * SDM "Control Registers", "EFLAGS Register", "Extended Control Registers (Including XCR0)".
 */
#pragma once

#define CR0_PE (UINT64_C(1) << 0)
#define CR0_MP (UINT64_C(1) << 1)
#define CR0_EM (UINT64_C(1) << 2)
#define CR0_TS (UINT64_C(1) << 3)
#define CR0_ET (UINT64_C(1) << 4)
#define CR0_NE (UINT64_C(1) << 5)
#define CR0_WP (UINT64_C(1) << 16)
#define CR0_AM (UINT64_C(1) << 18)
#define CR0_NW (UINT64_C(1) << 29)
#define CR0_CD (UINT64_C(1) << 30)
#define CR0_PG (UINT64_C(1) << 31)

#define CR4_VME        (UINT64_C(1) << 0)
#define CR4_PVI        (UINT64_C(1) << 1)
#define CR4_TSD        (UINT64_C(1) << 2)
#define CR4_DE         (UINT64_C(1) << 3)
#define CR4_PSE        (UINT64_C(1) << 4)
#define CR4_PAE        (UINT64_C(1) << 5)
#define CR4_MCE        (UINT64_C(1) << 6)
#define CR4_PGE        (UINT64_C(1) << 7)
#define CR4_PCE        (UINT64_C(1) << 8)
#define CR4_OSFXSR     (UINT64_C(1) << 9)
#define CR4_OSXMMEXCPT (UINT64_C(1) << 10)
#define CR4_UMIP       (UINT64_C(1) << 11)
#define CR4_LA57       (UINT64_C(1) << 12)
#define CR4_VMXE       (UINT64_C(1) << 13)
#define CR4_SMXE       (UINT64_C(1) << 14)
#define CR4_FSGSBASE   (UINT64_C(1) << 16)
#define CR4_PCIDE      (UINT64_C(1) << 17)
#define CR4_OSXSAVE    (UINT64_C(1) << 18)
#define CR4_SMEP       (UINT64_C(1) << 20)
#define CR4_SMAP       (UINT64_C(1) << 21)
#define CR4_PKE        (UINT64_C(1) << 22)
#define CR4_CET        (UINT64_C(1) << 23)

#define RFLAGS_CF    (UINT64_C(1) << 0)
#define RFLAGS_FIXED (UINT64_C(1) << 1)
#define RFLAGS_ZF    (UINT64_C(1) << 6)
#define RFLAGS_TF    (UINT64_C(1) << 8)
#define RFLAGS_IF    (UINT64_C(1) << 9)
#define RFLAGS_RF    (UINT64_C(1) << 16)
#define RFLAGS_VM    (UINT64_C(1) << 17)

/* DR6, DR7. "Debug Registers" */
#define DR6_BD    (UINT64_C(1) << 13) /* an access to a debug register, under DR7.GD */
#define DR6_BS    (UINT64_C(1) << 14) /* a single step */
#define DR6_RESET UINT64_C(0xffff0ff0)
#define DR7_GD    (UINT64_C(1) << 13)
#define DR7_RESET UINT64_C(0x400)

#define XCR0_X87    (UINT64_C(1) << 0)
#define XCR0_SSE    (UINT64_C(1) << 1)
#define XCR0_AVX    (UINT64_C(1) << 2)
#define XCR0_AVX512 (UINT64_C(7) << 5)
#define XCR0_PKRU   (UINT64_C(1) << 9)

enum exception_vector {
    VECTOR_DE = 0,
    VECTOR_DB = 1,
    VECTOR_NMI = 2,
    VECTOR_BP = 3,
    VECTOR_UD = 6,
    VECTOR_NM = 7,
    VECTOR_DF = 8,
    VECTOR_TS = 10,
    VECTOR_NP = 11,
    VECTOR_SS = 12,
    VECTOR_GP = 13,
    VECTOR_PF = 14,
    VECTOR_MF = 16,
    VECTOR_AC = 17,
    VECTOR_MC = 18,
    VECTOR_CP = 21,
};
