/* SPDX-License-Identifier: MIT */
/*
 * audit: the rules that VMRUN holds a VMCB to, in the manual's words, so that a refused entry can
 * be explained: the processor itself only says VMEXIT_INVALID. Pure; changes nothing.
 *
 * APM "Canonicalization and Consistency Checks", "Event Injection" and, for nested paging,
 * "Enabling Nested Paging". Rules of what we never turn on (AVIC, shadow stacks in virtual-8086
 * mode, SEV) are left out.
 */
#pragma once

#include "lib/log.h"
#include "lib/types.h"
#include "svm/vmcb.h"

/* Of the processor, what the rules depend on. */
struct svm_audit_cpu {
    uint64_t cr4, efer; /* bits that it has */
    uint32_t physical_bits;
};

/* Words of CPUID that name features. */
enum svm_cpuid_word {
    CPUID_1_ECX,
    CPUID_7_EBX,
    CPUID_7_ECX,
    CPUID_7_EDX,
    CPUID_EXT_1_ECX,  /* 0x80000001 */
    CPUID_EXT_1_EDX,  /* 0x80000001 */
    CPUID_EXT_8_EAX,  /* 0x80000008 */
    CPUID_EXT_8_EBX,  /* 0x80000008 */
    CPUID_EXT_21_EAX, /* 0x80000021 */
    CPUID_WORDS
};

/* One broken rule. */
struct svm_breach {
    const char *rule;
    const char *field; /* where it shows; the fault may be in another that the rule names */
    uint64_t value;    /* of that field */
};

/* A word of a leaf that the processor does not have is 0. */
struct svm_audit_cpu svm_audit_cpu_make(const uint32_t words[CPUID_WORDS]);

/* Stores the first `max` breaches and returns how many there are. */
uint32_t svm_audit(const struct svm_vmcb *vmcb, const struct svm_audit_cpu *cpu,
                   struct svm_breach *breaches, uint32_t max);

/* A line for each rule: whether it holds, or what breaks it. */
void svm_audit_show(const struct svm_vmcb *vmcb, const struct svm_audit_cpu *cpu, log_sink sink);

/* The texts of all rules, for the test that breaks each; NULL behind the last one. */
const char *svm_audit_rule(uint32_t index);
