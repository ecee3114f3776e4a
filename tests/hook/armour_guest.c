/* SPDX-License-Identifier: MIT */
/*
 * armour_guest: what the VMCS and what it points to say of the first guest, before it has run.
 */
#include "kernel/core/cores.h"
#include "kernel/vm/vm.h"
#include "lib/bits.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"
#include "tests/hook/armour.h"
#include "vdev/vendor.h"
#include "vmx/bits.h"
#include "vmx/insn.h"

#define MSR_COUNT UINT32_C(0x2000) /* in each half of the bitmap */
#define MSR_HIGH  UINT32_C(0xc0000000)

/* SDM "Extended-Page-Table Pointer (EPTP)": write-back, four levels, nothing else. */
#define EPTP_BITS UINT64_C(0x1e)

static void expect_own_memory(const struct vm *vm)
{
    const struct range ram = guest_map_ram(&vm->plan->map);
    struct pt_leaf leaf;
    uint64_t size = 0;

    for (uint64_t at = 0; pt_next(&vm->map, at, &leaf); at = leaf.from + leaf.size) {
        const struct range part = {leaf.address.v, leaf.size};
        armour_expect(range_contains(ram, part), leaf.from);
        size += leaf.size;
    }
    armour_expect(size == ram.size, size);
}

/* Each guest's tables have all of its memory and no other; tags and tables are in use. */
void armour_own_memory(struct vcpu *v)
{
    const struct vmx_vcpu *hw = v->hw;

    for (uint32_t i = 0; i < CORES_MAX; i++) {
        const struct vcpu *other = cpus[i].vcpu;
        if (!other)
            continue;
        const struct vmx_shared *shared = ((const struct vmx_vcpu *)other->hw)->shared;
        expect_own_memory(other->vm);
        armour_expect(shared->ept_pointer == (other->vm->map.root.v | EPTP_BITS), i);
        armour_expect(shared->vpid != 0, i);
        armour_expect((other->vm == v->vm) == (shared->vpid == hw->shared->vpid), i);
    }
    armour_expect(vmread64(VMCS_EPT_POINTER) == hw->shared->ept_pointer, 0);
    armour_expect(vmread16(VMCS_VPID) == hw->shared->vpid, 0);
}

void armour_exceptions(struct vcpu *v)
{
    const uint32_t wanted = BIT32(VECTOR_DB) | BIT32(VECTOR_AC) | BIT32(VECTOR_MC);

    (void)v;
    armour_expect(vmread32(VMCS_EXCEPTION_BITMAP) == wanted, vmread32(VMCS_EXCEPTION_BITMAP));
    armour_expect(vmread32(VMCS_PF_ERROR_MASK) == 0, vmread32(VMCS_PF_ERROR_MASK));
    armour_expect(vmread32(VMCS_PF_ERROR_MATCH) == 0, vmread32(VMCS_PF_ERROR_MATCH));
}

static void expect_bits(uint32_t value, uint32_t on, uint32_t off)
{
    armour_expect((value & (on | off)) == on, value);
}

/* What has to be on is on; and of the secondary controls, which a processor never forces, nothing
 * is on that nobody here knows. */
void armour_controls(struct vcpu *v)
{
    const uint32_t known =
        CPU2_EPT | CPU2_VPID | CPU2_UNRESTRICTED_GUEST | CPU2_RDTSCP | CPU2_INVPCID | CPU2_WBINVD;

    (void)v;
    expect_bits(vmread32(VMCS_PIN_BASED_CONTROLS), PIN_NMI | PIN_VIRTUAL_NMIS,
                PIN_EXTERNAL_INTERRUPT);
    expect_bits(vmread32(VMCS_PRIMARY_CONTROLS),
                CPU_IO_BITMAPS | CPU_MSR_BITMAPS | CPU_SECONDARY | CPU_MWAIT | CPU_MONITOR |
                    CPU_RDPMC,
                CPU_TPR_SHADOW | CPU_TSC_OFFSETTING);
    expect_bits(vmread32(VMCS_SECONDARY_CONTROLS), CPU2_EPT | CPU2_VPID | CPU2_UNRESTRICTED_GUEST,
                ~known);
    expect_bits(vmread32(VMCS_EXIT_CONTROLS),
                EXIT_HOST_64 | EXIT_SAVE_DEBUG | EXIT_SAVE_PAT | EXIT_LOAD_PAT | EXIT_SAVE_EFER |
                    EXIT_LOAD_EFER,
                0);
    expect_bits(vmread32(VMCS_ENTRY_CONTROLS), ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER,
                0);
    armour_expect(vmread32(VMCS_EXIT_MSR_STORE_COUNT) == 0, 0);
    armour_expect(vmread32(VMCS_EXIT_MSR_LOAD_COUNT) == 0, 0);
    armour_expect(vmread32(VMCS_ENTRY_MSR_LOAD_COUNT) == 0, 0);
    armour_expect(vmread32(VMCS_CR3_TARGET_COUNT) == 0, 0);
    armour_expect(vmread64(VMCS_VMCS_LINK_POINTER) == UINT64_MAX, 0);
}

/* SMXE, CET and what no processor of today has; VMXE and MCE, which the guest sees as it wants.
 * abuse: CR-09 */
void armour_owned_bits(struct vcpu *v)
{
    const uint64_t cr0 = CR0_NE | CR0_CD | CR0_NW;
    const uint64_t cr4 = CR4_VMXE | CR4_SMXE | CR4_MCE | CR4_LA57 | CR4_PKE | CR4_CET |
                         MASK64(63, 24) | BIT64(15) | BIT64(19);
    const uint64_t cr4_on = CR4_VMXE | CR4_MCE;

    (void)v;
    armour_expect((vmread_nat(VMCS_CR0_MASK) & cr0) == cr0, vmread_nat(VMCS_CR0_MASK));
    armour_expect((vmread_nat(VMCS_GUEST_CR0) & cr0) == CR0_NE, vmread_nat(VMCS_GUEST_CR0));
    armour_expect((vmread_nat(VMCS_CR0_SHADOW) & cr0) == 0, vmread_nat(VMCS_CR0_SHADOW));
    armour_expect((vmread_nat(VMCS_CR4_MASK) & cr4) == cr4, vmread_nat(VMCS_CR4_MASK));
    armour_expect((vmread_nat(VMCS_GUEST_CR4) & cr4) == cr4_on, vmread_nat(VMCS_GUEST_CR4));
    armour_expect((vmread_nat(VMCS_CR4_SHADOW) & cr4) == 0, vmread_nat(VMCS_CR4_SHADOW));
}

static bool is_direct(uint32_t msr, bool is_write)
{
    for (uint32_t i = 0; i < msr_intel.count; i++) {
        const struct msr_row *row = &msr_intel.rows[i];
        if (row->first <= msr && msr <= row->last)
            return (is_write ? row->write : row->read) == MSR_DIRECT;
    }
    return false;
}

static void expect_half(const uint8_t bits[MSR_COUNT / 8], uint32_t first, bool is_write)
{
    for (uint32_t i = 0; i < MSR_COUNT; i++) {
        const bool exits = bits[i / 8] >> i % 8 & 1;
        armour_expect(exits == !is_direct(first + i, is_write), first + i);
    }
}

/* Every port exits; every MSR but those of which a row says that they need not. */
void armour_bitmaps(struct vcpu *v)
{
    const struct vmx_vcpu *hw = v->hw;
    const struct vmx_shared *shared = hw->shared;

    expect_half(shared->msr.read_low, 0, false);
    expect_half(shared->msr.read_high, MSR_HIGH, false);
    expect_half(shared->msr.write_low, 0, true);
    expect_half(shared->msr.write_high, MSR_HIGH, true);
    for (uint32_t i = 0; i < sizeof(shared->io); i++)
        armour_expect(shared->io[i / PAGE_SIZE].bytes[i % PAGE_SIZE] == 0xff, i * 8);
    armour_expect(vmread64(VMCS_MSR_BITMAP) == (uintptr_t)&shared->msr, 0);
    armour_expect(vmread64(VMCS_IO_BITMAP_A) == (uintptr_t)&shared->io[0], 0);
    armour_expect(vmread64(VMCS_IO_BITMAP_B) == (uintptr_t)&shared->io[1], 0);
}
