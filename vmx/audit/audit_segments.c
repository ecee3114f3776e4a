/* SPDX-License-Identifier: MIT */
/*
 * audit_segments: SDM "Checks on Guest Segment Registers".
 */
#include "lib/x86/cr.h"
#include "vmx/audit/audit_parts.h"

#define ES   BIT32(SEG_ES)
#define CS   BIT32(SEG_CS)
#define SS   BIT32(SEG_SS)
#define DS   BIT32(SEG_DS)
#define FS   BIT32(SEG_FS)
#define GS   BIT32(SEG_GS)
#define LDTR BIT32(SEG_LDTR)
#define TR   BIT32(SEG_TR)

#define DATA      (ES | DS | FS | GS)
#define CODE_DATA (CS | SS | DATA)
#define ALL       (CODE_DATA | LDTR | TR)

#define SELECTOR_RPL UINT64_C(3)
#define SELECTOR_TI  BIT64(2)

#define TYPE_ACCESSED UINT64_C(1)
#define TYPE_READABLE UINT64_C(2) /* of code */
#define TYPE_CODE     UINT64_C(8)
#define TYPE_DATA_RW  3 /* read/write, accessed, expand-up */
#define TYPE_LDT      2
#define TYPE_TSS16    3  /* busy */
#define TYPE_TSS      11 /* busy: 32-bit, in IA-32e mode 64-bit */

#define V8086_LIMIT  UINT64_C(0xffff)
#define V8086_ACCESS UINT64_C(0xf3)

static uint64_t segment_type(const struct vmx_segment_fields *s)
{
    return s->access & 0xf;
}

static uint64_t segment_dpl(const struct vmx_segment_fields *s)
{
    return bits_get(s->access, 6, 5);
}

/* The rules of a usable register; CS and TR are held to them in any case. */
static bool segment_counts(const struct audit *a, const struct vmx_segment_fields *s)
{
    return s == &a->g->segments[SEG_CS] || s == &a->g->segments[SEG_TR] ||
           !(s->access & ACCESS_UNUSABLE);
}

/* ... and of CS, SS, DS, ES, FS and GS outside virtual-8086 mode, which has rules of its own. */
static bool segment_is_plain(const struct audit *a, const struct vmx_segment_fields *s)
{
    return segment_counts(a, s) && !a->v8086;
}

static bool segment_is_system(const struct audit *a, const struct vmx_segment_fields *s)
{
    return s >= &a->g->segments[SEG_LDTR];
}

/* ------------------------------------------------------------------ selector, base, limit */

static bool selector_ti(const struct audit *a, const struct vmx_segment_fields *s)
{
    return !segment_counts(a, s) || !(s->selector & SELECTOR_TI);
}

static bool selector_ss(const struct audit *a, const struct vmx_segment_fields *s)
{
    return a->v8086 || a->unrestricted ||
           ((s->selector ^ a->g->segments[SEG_CS].selector) & SELECTOR_RPL) == 0;
}

static bool base_v8086(const struct audit *a, const struct vmx_segment_fields *s)
{
    return !a->v8086 || s->base == s->selector << 4;
}

static bool base_canonical(const struct audit *a, const struct vmx_segment_fields *s)
{
    const bool always = !segment_is_system(a, s); /* FS and GS: even if unusable */

    return (!always && !segment_counts(a, s)) || audit_canonical(a, s->base);
}

static bool base_low(const struct audit *a, const struct vmx_segment_fields *s)
{
    return !segment_counts(a, s) || s->base >> 32 == 0;
}

static bool limit_v8086(const struct audit *a, const struct vmx_segment_fields *s)
{
    return !a->v8086 || s->limit == V8086_LIMIT;
}

/* ------------------------------------------------------------------ access rights */

static bool access_v8086(const struct audit *a, const struct vmx_segment_fields *s)
{
    return !a->v8086 || s->access == V8086_ACCESS;
}

static bool type_code(const struct audit *a, const struct vmx_segment_fields *s)
{
    const uint64_t accessed_code = TYPE_CODE | TYPE_ACCESSED;

    return a->v8086 || (s->access & accessed_code) == accessed_code ||
           (a->unrestricted && segment_type(s) == TYPE_DATA_RW);
}

static bool type_stack(const struct audit *a, const struct vmx_segment_fields *s)
{
    return !segment_is_plain(a, s) || (segment_type(s) & ~UINT64_C(4)) == TYPE_DATA_RW;
}

static bool type_accessed(const struct audit *a, const struct vmx_segment_fields *s)
{
    return !segment_is_plain(a, s) || (s->access & TYPE_ACCESSED);
}

static bool type_readable(const struct audit *a, const struct vmx_segment_fields *s)
{
    return !segment_is_plain(a, s) || !(s->access & TYPE_CODE) || (s->access & TYPE_READABLE);
}

static bool type_ldt(const struct audit *a, const struct vmx_segment_fields *s)
{
    return !segment_counts(a, s) || segment_type(s) == TYPE_LDT;
}

static bool type_tss(const struct audit *a, const struct vmx_segment_fields *s)
{
    return segment_type(s) == TYPE_TSS || (!a->ia32e && segment_type(s) == TYPE_TSS16);
}

static bool s_is_1(const struct audit *a, const struct vmx_segment_fields *s)
{
    return !segment_is_plain(a, s) || (s->access & SEGMENT_CODE_DATA);
}

static bool s_is_0(const struct audit *a, const struct vmx_segment_fields *s)
{
    return !segment_counts(a, s) || !(s->access & SEGMENT_CODE_DATA);
}

static bool dpl_code_data(const struct audit *a, const struct vmx_segment_fields *s)
{
    return a->v8086 || segment_type(s) != TYPE_DATA_RW || segment_dpl(s) == 0;
}

static bool dpl_code(const struct audit *a, const struct vmx_segment_fields *s)
{
    const uint64_t stack = segment_dpl(&a->g->segments[SEG_SS]);

    return a->v8086 || (segment_type(s) != 9 && segment_type(s) != 11) || segment_dpl(s) == stack;
}

static bool dpl_conforming(const struct audit *a, const struct vmx_segment_fields *s)
{
    const uint64_t stack = segment_dpl(&a->g->segments[SEG_SS]);

    return a->v8086 || (segment_type(s) != 13 && segment_type(s) != 15) || segment_dpl(s) <= stack;
}

static bool dpl_stack(const struct audit *a, const struct vmx_segment_fields *s)
{
    return a->v8086 || a->unrestricted || segment_dpl(s) == (s->selector & SELECTOR_RPL);
}

static bool dpl_stack_real(const struct audit *a, const struct vmx_segment_fields *s)
{
    const bool data_in_cs = segment_type(&a->g->segments[SEG_CS]) == TYPE_DATA_RW;

    return a->v8086 || (!data_in_cs && (a->g->cr0 & CR0_PE)) || segment_dpl(s) == 0;
}

static bool dpl_data(const struct audit *a, const struct vmx_segment_fields *s)
{
    return !segment_is_plain(a, s) || a->unrestricted || segment_type(s) > 11 ||
           segment_dpl(s) >= (s->selector & SELECTOR_RPL);
}

static bool present(const struct audit *a, const struct vmx_segment_fields *s)
{
    return (a->v8086 && !segment_is_system(a, s)) || !segment_counts(a, s) ||
           (s->access & SEGMENT_PRESENT);
}

static bool reserved(const struct audit *a, const struct vmx_segment_fields *s)
{
    return (a->v8086 && !segment_is_system(a, s)) || !segment_counts(a, s) ||
           !(s->access & (MASK64(31, 17) | MASK64(11, 8)));
}

static bool code_size(const struct audit *a, const struct vmx_segment_fields *s)
{
    return !a->ia32e || a->v8086 || !(s->access & SEGMENT_LONG) || !(s->access & SEGMENT_BIG);
}

static bool granular(const struct audit *a, const struct vmx_segment_fields *s)
{
    const bool is_granular = s->access & SEGMENT_GRANULAR;

    if ((a->v8086 && !segment_is_system(a, s)) || !segment_counts(a, s))
        return true;
    if ((s->limit & 0xfff) != 0xfff && is_granular)
        return false;
    return bits_get(s->limit, 31, 20) == 0 || is_granular;
}

static bool usable(const struct audit *a, const struct vmx_segment_fields *s)
{
    (void)a;
    return !(s->access & ACCESS_UNUSABLE);
}

#define SELECTOR VMCS_GUEST_ES_SELECTOR
#define BASE     VMCS_GUEST_ES_BASE
#define LIMIT    VMCS_GUEST_ES_LIMIT
#define ACCESS   VMCS_GUEST_ES_ACCESS

const struct audit_segment_rule audit_segment_rules[] = {
    {"the selectors of TR and a usable LDTR must have TI (bit 2) 0", SELECTOR, TR | LDTR,
     selector_ti},
    {"SS and CS must have the same RPL (no unrestricted guest)", SELECTOR, SS, selector_ss},
    {"the base must be the selector * 16 (virtual-8086 mode)", BASE, CODE_DATA, base_v8086},
    {"the base must be canonical", BASE, TR | LDTR | FS | GS, base_canonical},
    {"the base must have bits 63:32 0", BASE, CS | SS | DS | ES, base_low},
    {"the limit must be 0xffff (virtual-8086 mode)", LIMIT, CODE_DATA, limit_v8086},
    {"the access rights must be 0xf3 (virtual-8086 mode)", ACCESS, CODE_DATA, access_v8086},
    {"the type of CS must be 9, 11, 13 or 15, for an unrestricted guest also 3", ACCESS, CS,
     type_code},
    {"the type of a usable SS must be 3 or 7", ACCESS, SS, type_stack},
    {"a usable data segment must be marked accessed (type, bit 0)", ACCESS, DATA, type_accessed},
    {"code in a data segment register must be readable (type, bit 1)", ACCESS, DATA, type_readable},
    {"S (bit 4) of a usable code or data segment must be 1", ACCESS, CODE_DATA, s_is_1},
    {"the DPL of CS must be 0 if its type is 3", ACCESS, CS, dpl_code_data},
    {"the DPL of CS must equal that of SS if its type is 9 or 11", ACCESS, CS, dpl_code},
    {"the DPL of CS must not be above that of SS if its type is 13 or 15", ACCESS, CS,
     dpl_conforming},
    {"the DPL of SS must equal its RPL (no unrestricted guest)", ACCESS, SS, dpl_stack},
    {"the DPL of SS must be 0 if the type of CS is 3 or CR0.PE is 0", ACCESS, SS, dpl_stack_real},
    {"the DPL of a data segment must not be below its RPL (no unrestricted guest)", ACCESS, DATA,
     dpl_data},
    {"D/B (bit 14) of CS must be 0 if L is 1 in IA-32e mode", ACCESS, CS, code_size},
    {"TR must be usable (bit 16 must be 0)", ACCESS, TR, usable},
    {"the type of TR must be 11, outside IA-32e mode also 3 (a busy TSS)", ACCESS, TR, type_tss},
    {"the type of a usable LDTR must be 2", ACCESS, LDTR, type_ldt},
    {"S (bit 4) of TR and of a usable LDTR must be 0", ACCESS, TR | LDTR, s_is_0},
    {"P (bit 7) of a usable segment must be 1", ACCESS, ALL, present},
    {"bits 11:8 and 31:17 of a usable segment must be 0", ACCESS, ALL, reserved},
    {"G (bit 15) must fit the limit: 0 if bits 11:0 are not all 1, 1 if bits 31:20 are not all 0",
     ACCESS, ALL, granular},
};
const uint32_t audit_segment_rule_count = ARRAY_SIZE(audit_segment_rules);
