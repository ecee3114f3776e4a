/* SPDX-License-Identifier: MIT */
/* insn: the same before the real vmx/insn.h. */
#pragma once

#include "lib/types.h"
#include "vmx/fields.h"

NORETURN void vmx_die(const char *instruction, uint64_t operand);
uint64_t vmread_raw(enum vmcs_field field);
bool vmread_if(enum vmcs_field field, uint64_t *value);
void vmwrite_raw(enum vmcs_field field, uint64_t value);

#define vmread16(f)       ((uint16_t)vmread_raw(f))
#define vmread32(f)       ((uint32_t)vmread_raw(f))
#define vmread64(f)       vmread_raw(f)
#define vmread_nat(f)     vmread_raw(f)
#define vmwrite16(f, v)   vmwrite_raw(f, (uint16_t)(v))
#define vmwrite32(f, v)   vmwrite_raw(f, (uint32_t)(v))
#define vmwrite64(f, v)   vmwrite_raw(f, (v))
#define vmwrite_nat(f, v) vmwrite_raw(f, (v))

bool vmxon(hpa_t region);
void vmclear(hpa_t vmcs);
void vmptrld(hpa_t vmcs);
void invept_single(uint64_t ept_pointer);
void invvpid_single(uint16_t vpid);
#define vmread_known  vmread_raw
#define vmwrite_known vmwrite_raw
