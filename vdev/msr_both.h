/* SPDX-License-Identifier: MIT */
/*
 * msr_both: the rows that the tables of both vendors have: MTRRs and PAT, and the local APIC, whose
 * registers a guest has itself but for those that reach other cores. Included by those tables.
 */
#pragma once

#include "lib/x86/msr.h"
#include "vdev/vapic.h"
#include "vdev/vmsr.h"

#define DIRECT  MSR_DIRECT
#define EMULATE MSR_EMULATE
#define CONST   MSR_CONST
#define IGNORE  MSR_IGNORE
#define KEEP    MSR_KEEP
#define REFUSE  MSR_REFUSE

/* A row, in a list of rows. */
#define MSR_ROW(...) \
    {                \
        __VA_ARGS__  \
    }

#define MSR_ROWS_MTRR                                                                          \
    MSR_ROW(MSR_MTRR_FIX64K, MSR_MTRR_FIX64K, CONST, EMULATE, VMSR_MTRR_FIXED, "MTRR_FIX64K"), \
        MSR_ROW(MSR_MTRR_FIX16K, MSR_MTRR_FIX16K + 1, CONST, EMULATE, VMSR_MTRR_FIXED,         \
                "MTRR_FIX16K"),                                                                \
        MSR_ROW(MSR_MTRR_FIX4K, MSR_MTRR_FIX4K + 7, CONST, EMULATE, VMSR_MTRR_FIXED,           \
                "MTRR_FIX4K"),                                                                 \
        MSR_ROW(MSR_PAT, MSR_PAT, DIRECT, DIRECT, 0, "PAT"),                                   \
        MSR_ROW(MSR_MTRR_DEF_TYPE, MSR_MTRR_DEF_TYPE, EMULATE, EMULATE, 0, "MTRR_DEF_TYPE")

#define MSR_ROWS_X2APIC                                                                         \
    MSR_ROW(MSR_X2APIC_ID, MSR_X2APIC_ID, DIRECT, REFUSE, 0, "X2APIC_ID"),                      \
        MSR_ROW(MSR_X2APIC_VERSION, MSR_X2APIC_VERSION, CONST, REFUSE, VAPIC_VERSION,           \
                "X2APIC_VERSION"),                                                              \
        MSR_ROW(MSR_X2APIC_TPR, MSR_X2APIC_TPR, DIRECT, DIRECT, 0, "X2APIC_TPR"),               \
        MSR_ROW(MSR_X2APIC_PPR, MSR_X2APIC_PPR, DIRECT, REFUSE, 0, "X2APIC_PPR"),               \
        MSR_ROW(MSR_X2APIC_EOI, MSR_X2APIC_EOI, REFUSE, DIRECT, 0, "X2APIC_EOI"),               \
        MSR_ROW(MSR_X2APIC_LDR, MSR_X2APIC_LDR, DIRECT, REFUSE, 0, "X2APIC_LDR"),               \
        MSR_ROW(MSR_X2APIC_SVR, MSR_X2APIC_SVR, EMULATE, EMULATE, 0, "X2APIC_SVR"),             \
        MSR_ROW(MSR_X2APIC_ISR0, MSR_X2APIC_ISR0 + 7, DIRECT, REFUSE, 0, "X2APIC_ISR"),         \
        MSR_ROW(MSR_X2APIC_TMR0, MSR_X2APIC_TMR0 + 7, DIRECT, REFUSE, 0, "X2APIC_TMR"),         \
        MSR_ROW(MSR_X2APIC_IRR0, MSR_X2APIC_IRR0 + 7, DIRECT, REFUSE, 0, "X2APIC_IRR"),         \
        MSR_ROW(MSR_X2APIC_ESR, MSR_X2APIC_ESR, DIRECT, DIRECT, 0, "X2APIC_ESR"),               \
        MSR_ROW(MSR_X2APIC_ICR, MSR_X2APIC_ICR, EMULATE, EMULATE, 0, "X2APIC_ICR"),             \
        MSR_ROW(MSR_X2APIC_LVT_TIMER, MSR_X2APIC_LVT_ERROR, EMULATE, EMULATE, 0, "X2APIC_LVT"), \
        MSR_ROW(MSR_X2APIC_TIMER_INIT, MSR_X2APIC_TIMER_INIT, DIRECT, DIRECT, 0,                \
                "X2APIC_TIMER_INIT"),                                                           \
        MSR_ROW(MSR_X2APIC_TIMER_NOW, MSR_X2APIC_TIMER_NOW, DIRECT, REFUSE, 0,                  \
                "X2APIC_TIMER_NOW"),                                                            \
        MSR_ROW(MSR_X2APIC_TIMER_DIV, MSR_X2APIC_TIMER_DIV, DIRECT, DIRECT, 0,                  \
                "X2APIC_TIMER_DIV"),                                                            \
        MSR_ROW(MSR_X2APIC_SELF_IPI, MSR_X2APIC_SELF_IPI, REFUSE, DIRECT, 0, "X2APIC_SELF_IPI")
