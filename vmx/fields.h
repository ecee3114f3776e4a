/* SPDX-License-Identifier: MIT */
/*
 * fields: every VMCS field we touch, by the manual's name, grouped as the manual groups them.
 * SDM appendix "Field Encoding in VMCS". The list also yields the names for the dump.
 */
#pragma once

#include "lib/types.h"

#define VMCS_FIELDS(F)                              \
    /* 16-bit control, guest state, host state */   \
    F(VPID, 0x0000)                                 \
    F(GUEST_ES_SELECTOR, 0x0800)                    \
    F(GUEST_CS_SELECTOR, 0x0802)                    \
    F(GUEST_SS_SELECTOR, 0x0804)                    \
    F(GUEST_DS_SELECTOR, 0x0806)                    \
    F(GUEST_FS_SELECTOR, 0x0808)                    \
    F(GUEST_GS_SELECTOR, 0x080a)                    \
    F(GUEST_LDTR_SELECTOR, 0x080c)                  \
    F(GUEST_TR_SELECTOR, 0x080e)                    \
    F(HOST_ES_SELECTOR, 0x0c00)                     \
    F(HOST_CS_SELECTOR, 0x0c02)                     \
    F(HOST_SS_SELECTOR, 0x0c04)                     \
    F(HOST_DS_SELECTOR, 0x0c06)                     \
    F(HOST_FS_SELECTOR, 0x0c08)                     \
    F(HOST_GS_SELECTOR, 0x0c0a)                     \
    F(HOST_TR_SELECTOR, 0x0c0c)                     \
    /* 64-bit control */                            \
    F(IO_BITMAP_A, 0x2000)                          \
    F(IO_BITMAP_B, 0x2002)                          \
    F(MSR_BITMAP, 0x2004)                           \
    F(TSC_OFFSET, 0x2010)                           \
    F(EPT_POINTER, 0x201a)                          \
    F(ENCLS_EXITING_BITMAP, 0x202e)                 \
    F(ENCLV_EXITING_BITMAP, 0x2036)                 \
    /* 64-bit read-only, guest state, host state */ \
    F(GUEST_PHYSICAL_ADDRESS, 0x2400)               \
    F(VMCS_LINK_POINTER, 0x2800)                    \
    F(GUEST_DEBUGCTL, 0x2802)                       \
    F(GUEST_PAT, 0x2804)                            \
    F(GUEST_EFER, 0x2806)                           \
    F(GUEST_PDPTE0, 0x280a)                         \
    F(GUEST_PDPTE1, 0x280c)                         \
    F(GUEST_PDPTE2, 0x280e)                         \
    F(GUEST_PDPTE3, 0x2810)                         \
    F(HOST_PAT, 0x2c00)                             \
    F(HOST_EFER, 0x2c02)                            \
    /* 32-bit control */                            \
    F(PIN_BASED_CONTROLS, 0x4000)                   \
    F(PRIMARY_CONTROLS, 0x4002)                     \
    F(EXCEPTION_BITMAP, 0x4004)                     \
    F(PF_ERROR_MASK, 0x4006)                        \
    F(PF_ERROR_MATCH, 0x4008)                       \
    F(CR3_TARGET_COUNT, 0x400a)                     \
    F(EXIT_CONTROLS, 0x400c)                        \
    F(EXIT_MSR_STORE_COUNT, 0x400e)                 \
    F(EXIT_MSR_LOAD_COUNT, 0x4010)                  \
    F(ENTRY_CONTROLS, 0x4012)                       \
    F(ENTRY_MSR_LOAD_COUNT, 0x4014)                 \
    F(ENTRY_INTERRUPTION_INFO, 0x4016)              \
    F(ENTRY_EXCEPTION_ERROR, 0x4018)                \
    F(ENTRY_INSTRUCTION_LENGTH, 0x401a)             \
    F(SECONDARY_CONTROLS, 0x401e)                   \
    /* 32-bit read-only */                          \
    F(VM_INSTRUCTION_ERROR, 0x4400)                 \
    F(EXIT_REASON, 0x4402)                          \
    F(EXIT_INTERRUPTION_INFO, 0x4404)               \
    F(EXIT_INTERRUPTION_ERROR, 0x4406)              \
    F(IDT_VECTORING_INFO, 0x4408)                   \
    F(IDT_VECTORING_ERROR, 0x440a)                  \
    F(EXIT_INSTRUCTION_LENGTH, 0x440c)              \
    F(EXIT_INSTRUCTION_INFO, 0x440e)                \
    /* 32-bit guest state, host state */            \
    F(GUEST_ES_LIMIT, 0x4800)                       \
    F(GUEST_CS_LIMIT, 0x4802)                       \
    F(GUEST_SS_LIMIT, 0x4804)                       \
    F(GUEST_DS_LIMIT, 0x4806)                       \
    F(GUEST_FS_LIMIT, 0x4808)                       \
    F(GUEST_GS_LIMIT, 0x480a)                       \
    F(GUEST_LDTR_LIMIT, 0x480c)                     \
    F(GUEST_TR_LIMIT, 0x480e)                       \
    F(GUEST_GDTR_LIMIT, 0x4810)                     \
    F(GUEST_IDTR_LIMIT, 0x4812)                     \
    F(GUEST_ES_ACCESS, 0x4814)                      \
    F(GUEST_CS_ACCESS, 0x4816)                      \
    F(GUEST_SS_ACCESS, 0x4818)                      \
    F(GUEST_DS_ACCESS, 0x481a)                      \
    F(GUEST_FS_ACCESS, 0x481c)                      \
    F(GUEST_GS_ACCESS, 0x481e)                      \
    F(GUEST_LDTR_ACCESS, 0x4820)                    \
    F(GUEST_TR_ACCESS, 0x4822)                      \
    F(GUEST_INTERRUPTIBILITY, 0x4824)               \
    F(GUEST_ACTIVITY, 0x4826)                       \
    F(GUEST_SYSENTER_CS, 0x482a)                    \
    F(PREEMPTION_TIMER, 0x482e)                     \
    F(HOST_SYSENTER_CS, 0x4c00)                     \
    /* natural-width control, read-only */          \
    F(CR0_MASK, 0x6000)                             \
    F(CR4_MASK, 0x6002)                             \
    F(CR0_SHADOW, 0x6004)                           \
    F(CR4_SHADOW, 0x6006)                           \
    F(EXIT_QUALIFICATION, 0x6400)                   \
    F(GUEST_LINEAR_ADDRESS, 0x640a)                 \
    /* natural-width guest state */                 \
    F(GUEST_CR0, 0x6800)                            \
    F(GUEST_CR3, 0x6802)                            \
    F(GUEST_CR4, 0x6804)                            \
    F(GUEST_ES_BASE, 0x6806)                        \
    F(GUEST_CS_BASE, 0x6808)                        \
    F(GUEST_SS_BASE, 0x680a)                        \
    F(GUEST_DS_BASE, 0x680c)                        \
    F(GUEST_FS_BASE, 0x680e)                        \
    F(GUEST_GS_BASE, 0x6810)                        \
    F(GUEST_LDTR_BASE, 0x6812)                      \
    F(GUEST_TR_BASE, 0x6814)                        \
    F(GUEST_GDTR_BASE, 0x6816)                      \
    F(GUEST_IDTR_BASE, 0x6818)                      \
    F(GUEST_DR7, 0x681a)                            \
    F(GUEST_RSP, 0x681c)                            \
    F(GUEST_RIP, 0x681e)                            \
    F(GUEST_RFLAGS, 0x6820)                         \
    F(GUEST_PENDING_DEBUG, 0x6822)                  \
    F(GUEST_SYSENTER_ESP, 0x6824)                   \
    F(GUEST_SYSENTER_EIP, 0x6826)                   \
    F(GUEST_S_CET, 0x6828)                          \
    F(GUEST_SSP, 0x682a)                            \
    F(GUEST_SSP_TABLE, 0x682c)                      \
    /* natural-width host state */                  \
    F(HOST_CR0, 0x6c00)                             \
    F(HOST_CR3, 0x6c02)                             \
    F(HOST_CR4, 0x6c04)                             \
    F(HOST_FS_BASE, 0x6c06)                         \
    F(HOST_GS_BASE, 0x6c08)                         \
    F(HOST_TR_BASE, 0x6c0a)                         \
    F(HOST_GDTR_BASE, 0x6c0c)                       \
    F(HOST_IDTR_BASE, 0x6c0e)                       \
    F(HOST_SYSENTER_ESP, 0x6c10)                    \
    F(HOST_SYSENTER_EIP, 0x6c12)                    \
    F(HOST_RSP, 0x6c14)                             \
    F(HOST_RIP, 0x6c16)

enum vmcs_field {
#define VMCS_ENUM(name, encoding) VMCS_##name = (encoding),
    VMCS_FIELDS(VMCS_ENUM)
#undef VMCS_ENUM
};

/* Bits 14:13 of the encoding. SDM "VMCS Component Encoding". */
enum vmcs_width { VMCS_W16, VMCS_W64, VMCS_W32, VMCS_NATURAL };

#define VMCS_WIDTH_OF(field) (((field) >> 13) & 3)

/* "GUEST_RIP"; "?" for a number that is not in the list. */
const char *vmcs_field_name(enum vmcs_field field);
