/* SPDX-License-Identifier: MIT */
/*
 * insn: the VMX instructions. A failed one never returns: it is always our own bug, and it dies
 * naming the instruction and the field. SDM "VMX Instruction Reference", "Conventions" (VMfail).
 */
#pragma once

#include "lib/types.h"
#include "vmx/fields.h"

NORETURN COLD void vmx_die(const char *instruction, uint64_t operand);

/* CF (VMfailInvalid) or ZF (VMfailValid) set means it failed: condition "below or equal". */

static inline uint64_t vmread_raw(enum vmcs_field field)
{
    uint64_t value;
    bool failed;
    __asm__ volatile("vmread %2, %1" : "=@ccbe"(failed), "=r"(value) : "r"((uint64_t)field));
    if (__builtin_expect(failed, 0))
        vmx_die("VMREAD", field);
    return value;
}

/* Of a field that this processor may not have: then false, and VM_INSTRUCTION_ERROR says so. */
MUST_CHECK static inline bool vmread_if(enum vmcs_field field, uint64_t *value)
{
    bool failed;
    __asm__ volatile("vmread %2, %1" : "=@ccbe"(failed), "=r"(*value) : "r"((uint64_t)field));
    return !failed;
}

static inline void vmwrite_raw(enum vmcs_field field, uint64_t value)
{
    bool failed;
    __asm__ volatile("vmwrite %1, %2"
                     : "=@ccbe"(failed)
                     : "r"(value), "r"((uint64_t)field)
                     : "memory");
    if (__builtin_expect(failed, 0))
        vmx_die("VMWRITE", field);
}

/* Of a field that has been written to this VMCS before, and after a VMREAD since the last entry:
 * there is nothing left to fail. */
static inline uint64_t vmread_known(enum vmcs_field field)
{
    uint64_t value;
    __asm__ volatile("vmread %1, %0" : "=r"(value) : "r"((uint64_t)field) : "cc");
    return value;
}

static inline void vmwrite_known(enum vmcs_field field, uint64_t value)
{
    __asm__ volatile("vmwrite %0, %1" : : "r"(value), "r"((uint64_t)field) : "memory", "cc");
}

/* The compiler checks that the width is the field's own. */
#define VMCS_MUST_BE(field, width) ((void)sizeof(char[VMCS_WIDTH_OF(field) == (width) ? 1 : -1]))

#define vmread16(f)       (VMCS_MUST_BE(f, VMCS_W16), (uint16_t)vmread_raw(f))
#define vmread32(f)       (VMCS_MUST_BE(f, VMCS_W32), (uint32_t)vmread_raw(f))
#define vmread64(f)       (VMCS_MUST_BE(f, VMCS_W64), vmread_raw(f))
#define vmread_nat(f)     (VMCS_MUST_BE(f, VMCS_NATURAL), vmread_raw(f))
#define vmwrite16(f, v)   (VMCS_MUST_BE(f, VMCS_W16), vmwrite_raw(f, (uint16_t)(v)))
#define vmwrite32(f, v)   (VMCS_MUST_BE(f, VMCS_W32), vmwrite_raw(f, (uint32_t)(v)))
#define vmwrite64(f, v)   (VMCS_MUST_BE(f, VMCS_W64), vmwrite_raw(f, (v)))
#define vmwrite_nat(f, v) (VMCS_MUST_BE(f, VMCS_NATURAL), vmwrite_raw(f, (v)))

/* VMXON alone may fail for a reason that is not our bug (firmware): false. */
MUST_CHECK static inline bool vmxon(hpa_t region)
{
    bool failed;
    __asm__ volatile("vmxon %1" : "=@ccbe"(failed) : "m"(region.v) : "memory");
    return !failed;
}

static inline void vmclear(hpa_t vmcs)
{
    bool failed;
    __asm__ volatile("vmclear %1" : "=@ccbe"(failed) : "m"(vmcs.v) : "memory");
    if (failed)
        vmx_die("VMCLEAR", vmcs.v);
}

static inline void vmptrld(hpa_t vmcs)
{
    bool failed;
    __asm__ volatile("vmptrld %1" : "=@ccbe"(failed) : "m"(vmcs.v) : "memory");
    if (failed)
        vmx_die("VMPTRLD", vmcs.v);
}

/* The operand both invalidations take. SDM "INVEPT", "INVVPID". */
struct vmx_inv_descriptor {
    uint64_t first;  /* INVEPT: EPT pointer; INVVPID: VPID in 15:0 */
    uint64_t second; /* INVEPT: 0; INVVPID: linear address */
};
_Static_assert(sizeof(struct vmx_inv_descriptor) == 16, "SDM, INVEPT descriptor");

static inline void invept_single(uint64_t ept_pointer)
{
    const struct vmx_inv_descriptor d = {ept_pointer, 0};
    bool failed;
    __asm__ volatile("invept %1, %2" : "=@ccbe"(failed) : "m"(d), "r"(UINT64_C(1)) : "memory");
    if (failed)
        vmx_die("INVEPT", ept_pointer);
}

static inline void invvpid_single(uint16_t vpid)
{
    const struct vmx_inv_descriptor d = {vpid, 0};
    bool failed;
    __asm__ volatile("invvpid %1, %2" : "=@ccbe"(failed) : "m"(d), "r"(UINT64_C(1)) : "memory");
    if (failed)
        vmx_die("INVVPID", vpid);
}
