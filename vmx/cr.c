/* SPDX-License-Identifier: MIT */
/*
 * cr: which CR0 and CR4 bits a guest changes by itself, and what becomes of the others. Pure.
 *
 * An exiting MOV to CR is never emulated. The guest is shown the new value of the bits we own
 * (the read shadow) and repeats the instruction: now no owned bit differs from the shadow, so the
 * CPU carries it out itself, with all its checks, mode switches and PDPTE loads.
 * SDM "Guest/Host Masks and Read Shadows for CR0 and CR4".
 */
#include "lib/x86/cr.h"
#include "lib/bits.h"
#include "vmx/vmx.h"

struct vmx_cr_policy vmx_cr0_policy(const struct vmx_caps *caps)
{
    /* Unrestricted guest exempts PE and PG from the fixed bits. CD and NW are owned, because a
     * core running uncached would be slow for everyone who shares its caches. */
    const uint64_t fixed = caps->cr0_fixed0 & ~(CR0_PE | CR0_PG);
    return (struct vmx_cr_policy){
        .owned = fixed | CR0_CD | CR0_NW,
        .settable = fixed | CR0_CD | CR0_NW,
        .fixed = fixed,
    };
}

struct vmx_cr_policy vmx_cr4_policy(const struct vmx_caps *caps, uint64_t cr4_allowed)
{
    /* MCE stays on in the hardware: a machine check with MCE clear would shut the machine down. */
    return (struct vmx_cr_policy){
        .owned = ~cr4_allowed | caps->cr4_fixed0 | CR4_MCE,
        .settable = CR4_MCE,
        .fixed = caps->cr4_fixed0 | CR4_MCE,
    };
}

bool vmx_cr0_ok(uint64_t value)
{
    /* SDM "MOV—Move to/from Control Registers": what is #GP(0) whatever the mode. */
    if (value >> 32)
        return false;
    if ((value & CR0_PG) && !(value & CR0_PE))
        return false;
    return !(value & CR0_NW) || (value & CR0_CD);
}

bool vmx_cr4_ok(struct vmx_cr_policy p, uint64_t value)
{
    return !(value & p.owned & ~p.settable);
}
