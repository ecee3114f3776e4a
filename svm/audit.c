/* SPDX-License-Identifier: MIT */
/*
 * audit: the rules of VMRUN, one row each.
 */
#include "svm/audit.h"

#include "lib/string.h"
#include "lib/x86/cr.h"
#include "lib/x86/msr.h"
#include "svm/bitmaps.h"
#include "svm/bits.h"

struct audit {
    const struct svm_vmcb *vmcb;
    const struct svm_audit_cpu *cpu;
    bool long_mode; /* LME and PG: what LMA will be */
};

/* True: it is kept, or does not apply. `value` is that of the rule's field. */
struct audit_rule {
    const char *text;
    const char *field;
    uint32_t offset, size; /* of the field */
    bool (*ok)(const struct audit *a, uint64_t value);
};

/* ------------------------------------------------------------------ the processor's own bits */

#define CR4_ALWAYS  MASK64(10, 0) /* in every processor with long mode */
#define EFER_ALWAYS (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_SVME)

#define EXT_8_NO_LMSLE BIT32(20)
#define EFER_LMSLE     BIT64(13)

struct audit_feature {
    uint32_t word, bit; /* enum svm_cpuid_word */
    uint64_t cr4, efer; /* what it brings */
};

static const struct audit_feature audit_features[] = {
    {CPUID_1_ECX, 17, CR4_PCIDE, 0},     {CPUID_1_ECX, 26, CR4_OSXSAVE, 0},
    {CPUID_7_EBX, 0, CR4_FSGSBASE, 0},   {CPUID_7_EBX, 7, CR4_SMEP, 0},
    {CPUID_7_EBX, 20, CR4_SMAP, 0},      {CPUID_7_ECX, 2, CR4_UMIP, 0},
    {CPUID_7_ECX, 3, CR4_PKE, 0},        {CPUID_7_ECX, 7, CR4_CET, 0},
    {CPUID_7_ECX, 16, CR4_LA57, 0},      {CPUID_7_EDX, 20, CR4_CET, 0},
    {CPUID_EXT_1_EDX, 25, 0, BIT64(14)}, /* FFXSR */
    {CPUID_EXT_1_ECX, 17, 0, BIT64(15)}, /* TCE */
    {CPUID_EXT_8_EBX, 8, 0, BIT64(17)},  /* MCOMMIT */
    {CPUID_EXT_8_EBX, 13, 0, BIT64(18)}, /* INTWB */
    {CPUID_EXT_21_EAX, 7, 0, BIT64(20)}, /* UAIE */
    {CPUID_EXT_21_EAX, 8, 0, BIT64(21)}, /* AIBRSE */
};

struct svm_audit_cpu svm_audit_cpu_make(const uint32_t words[CPUID_WORDS])
{
    struct svm_audit_cpu cpu = {
        .cr4 = CR4_ALWAYS, .efer = EFER_ALWAYS, .physical_bits = words[CPUID_EXT_8_EAX] & 0xff};

    for (size_t i = 0; i < ARRAY_SIZE(audit_features); i++) {
        const struct audit_feature *f = &audit_features[i];
        if (words[f->word] & BIT32(f->bit)) {
            cpu.cr4 |= f->cr4;
            cpu.efer |= f->efer;
        }
    }
    if (!(words[CPUID_EXT_8_EBX] & EXT_8_NO_LMSLE))
        cpu.efer |= EFER_LMSLE;
    return cpu;
}

/* ------------------------------------------------------------------ registers */

static bool upper_half_zero(const struct audit *a, uint64_t value)
{
    (void)a;
    return value >> 32 == 0;
}

static bool efer_svme(const struct audit *a, uint64_t value)
{
    (void)a;
    return value & EFER_SVME;
}

static bool efer_reserved(const struct audit *a, uint64_t value)
{
    return (value & ~a->cpu->efer) == 0;
}

static bool cr0_cache(const struct audit *a, uint64_t value)
{
    (void)a;
    return (value & CR0_CD) || !(value & CR0_NW);
}

static bool cr3_reserved(const struct audit *a, uint64_t value)
{
    return !a->long_mode || value >> a->cpu->physical_bits == 0;
}

static bool cr4_reserved(const struct audit *a, uint64_t value)
{
    return (value & ~a->cpu->cr4) == 0;
}

static bool cr4_cet(const struct audit *a, uint64_t value)
{
    return !(value & CR4_CET) || (a->vmcb->cr0 & CR0_WP);
}

static bool long_pae(const struct audit *a, uint64_t value)
{
    return !a->long_mode || (value & CR4_PAE);
}

static bool long_pe(const struct audit *a, uint64_t value)
{
    return !a->long_mode || (value & CR0_PE);
}

static bool long_code(const struct audit *a, uint64_t value)
{
    return !a->long_mode || !(a->vmcb->cr4 & CR4_PAE) || !(value & ATTRIBUTE_LONG) ||
           !(value & ATTRIBUTE_BIG);
}

/* ------------------------------------------------------------------ controls */

static bool intercepts_vmrun(const struct audit *a, uint64_t value)
{
    (void)a;
    return value & INTERCEPT2_VMRUN;
}

/* The lower 12 bits of a map's address are not looked at. */
static bool audit_is_below_end(const struct audit *a, uint64_t address, uint64_t size)
{
    const uint64_t base = align_down(address, PAGE_SIZE);
    const uint64_t end = BIT64(a->cpu->physical_bits);

    return base < end && size <= end - base;
}

static bool iopm_below_end(const struct audit *a, uint64_t value)
{
    return audit_is_below_end(a, value, SVM_IOPM_SIZE);
}

static bool msrpm_below_end(const struct audit *a, uint64_t value)
{
    return audit_is_below_end(a, value, SVM_MSRPM_SIZE);
}

static bool asid_not_zero(const struct audit *a, uint64_t value)
{
    (void)a;
    return value != 0;
}

static bool is_nested(const struct audit *a)
{
    return a->vmcb->nested_control & NESTED_NP_ENABLE;
}

static bool nested_cr3_reserved(const struct audit *a, uint64_t value)
{
    return !is_nested(a) || value >> a->cpu->physical_bits == 0;
}

/* Types 2 and 3 do not exist, nor those from 8 on. */
static bool g_pat_types(const struct audit *a, uint64_t value)
{
    for (uint32_t i = 0; i < 64; i += 8) {
        const uint64_t type = value >> i & 0xff;
        if (is_nested(a) && (type == 2 || type == 3 || type > 7))
            return false;
    }
    return true;
}

static uint64_t event_type_of(uint64_t event)
{
    return (event & EVENT_TYPE_MASK) >> EVENT_TYPE_SHIFT;
}

static bool event_type(const struct audit *a, uint64_t value)
{
    const uint64_t type = event_type_of(value);

    (void)a;
    return !(value & EVENT_VALID) || type == EVENT_INTERRUPT || type == EVENT_NMI ||
           type == EVENT_EXCEPTION || type == EVENT_SOFTWARE_INTERRUPT;
}

static bool event_exception(const struct audit *a, uint64_t value)
{
    const uint64_t vector = value & EVENT_VECTOR_MASK;

    (void)a;
    return !(value & EVENT_VALID) || event_type_of(value) != EVENT_EXCEPTION ||
           (vector < 32 && vector != VECTOR_NMI);
}

/* ------------------------------------------------------------------ the list */

#define FIELD(name) \
#name, offsetof(struct svm_vmcb, name), sizeof(((const struct svm_vmcb *)0)->name)

static const struct audit_rule audit_rules[] = {
    {"EFER.SVME must be 1", FIELD(efer), efer_svme},
    {"EFER must have no bit that this processor does not have", FIELD(efer), efer_reserved},
    {"CR0.NW must be 0 if CR0.CD is", FIELD(cr0), cr0_cache},
    {"bits 63:32 of CR0 must be 0", FIELD(cr0), upper_half_zero},
    {"CR3 must not exceed the physical-address width", FIELD(cr3), cr3_reserved},
    {"CR4 must have no bit that this processor does not have", FIELD(cr4), cr4_reserved},
    {"CR0.WP must be 1 if CR4.CET is", FIELD(cr4), cr4_cet},
    {"bits 63:32 of DR6 must be 0", FIELD(dr6), upper_half_zero},
    {"bits 63:32 of DR7 must be 0", FIELD(dr7), upper_half_zero},
    {"CR4.PAE must be 1 if EFER.LME and CR0.PG are", FIELD(cr4), long_pae},
    {"CR0.PE must be 1 if EFER.LME and CR0.PG are", FIELD(cr0), long_pe},
    {"CS.L and CS.D must not both be 1 in long mode", FIELD(cs.attributes), long_code},
    {"VMRUN must be intercepted", FIELD(intercept_2), intercepts_vmrun},
    {"the IOPM must lie within the physical-address width", FIELD(iopm_base), iopm_below_end},
    {"the MSRPM must lie within the physical-address width", FIELD(msrpm_base), msrpm_below_end},
    {"the ASID must not be 0", FIELD(asid), asid_not_zero},
    {"nCR3 must not exceed the physical-address width", FIELD(nested_cr3), nested_cr3_reserved},
    {"gPAT must have memory types only", FIELD(g_pat), g_pat_types},
    {"an injected event's type must be 0, 2, 3 or 4", FIELD(event_inject), event_type},
    {"an injected exception's vector must be that of an exception", FIELD(event_inject),
     event_exception},
};

static uint64_t audit_value(const struct svm_vmcb *vmcb, const struct audit_rule *rule)
{
    uint64_t value = 0;

    memcpy(&value, (const uint8_t *)vmcb + rule->offset, rule->size);
    return value;
}

static struct audit audit_begin(const struct svm_vmcb *vmcb, const struct svm_audit_cpu *cpu)
{
    return (struct audit){vmcb, cpu, (vmcb->efer & EFER_LME) && (vmcb->cr0 & CR0_PG)};
}

uint32_t svm_audit(const struct svm_vmcb *vmcb, const struct svm_audit_cpu *cpu,
                   struct svm_breach *breaches, uint32_t max)
{
    const struct audit a = audit_begin(vmcb, cpu);
    uint32_t count = 0;

    for (size_t i = 0; i < ARRAY_SIZE(audit_rules); i++) {
        const struct audit_rule *rule = &audit_rules[i];
        const uint64_t value = audit_value(vmcb, rule);
        if (rule->ok(&a, value))
            continue;
        if (count < max)
            breaches[count] = (struct svm_breach){rule->text, rule->field, value};
        count++;
    }
    return count;
}

const char *svm_audit_rule(uint32_t index)
{
    return index < ARRAY_SIZE(audit_rules) ? audit_rules[index].text : NULL;
}

void svm_audit_show(const struct svm_vmcb *vmcb, const struct svm_audit_cpu *cpu, log_sink sink)
{
    const struct audit a = audit_begin(vmcb, cpu);

    sink("Canonicalization and Consistency Checks, Event Injection:");
    for (size_t i = 0; i < ARRAY_SIZE(audit_rules); i++) {
        const struct audit_rule *rule = &audit_rules[i];
        const uint64_t value = audit_value(vmcb, rule);

        if (rule->ok(&a, value))
            sink("  holds   %s", rule->text);
        else
            sink("  BROKEN  %s: %s is 0x%llx", rule->text, rule->field, (unsigned long long)value);
    }
}
