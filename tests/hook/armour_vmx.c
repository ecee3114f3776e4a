/* SPDX-License-Identifier: MIT */
/*
 * armour_vmx: the looks of the audit that are VT-x's own: what the VMCS says, what it points to,
 * and what an exit leaves behind.
 */
#include "kernel/vm/vm.h"
#include "lib/bits.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"
#include "tests/hook/armour.h"
#include "vdev/vendor.h"
#include "vmx/bits.h"
#include "vmx/insn.h"
#include "vmx/switch.h"
#include "vmx/vmx.h"

#define SHOWN UINT64_C(0x5ec2e75ec2e75ec2) /* what the guest has in all its registers */

#define MSR_COUNT UINT32_C(0x2000) /* in each half of the bitmap */
#define MSR_HIGH  UINT32_C(0xc0000000)

/* SDM "Extended-Page-Table Pointer (EPTP)": write-back, four levels, nothing else. */
#define EPTP_BITS UINT64_C(0x1e)

static void armour_vmx_constants(struct vcpu *v)
{
    const struct vmx_vcpu *hw = v->hw;

    armour_expect_constant(v, hw->shared, sizeof(*hw->shared));
    armour_expect_constant(v, &vmx_controls, sizeof(vmx_controls));
}

/* Tags and tables are in use. */
static void armour_vmx_expect_tables(struct vcpu *v, const struct vcpu *other)
{
    const struct vmx_vcpu *hw = v->hw;
    const struct vmx_shared *shared = ((const struct vmx_vcpu *)other->hw)->shared;

    armour_expect(shared->ept_pointer == (other->vm->map.root.v | EPTP_BITS), other->apic_id);
    armour_expect(shared->vpid != 0, other->apic_id);
    armour_expect((other->vm == v->vm) == (shared->vpid == hw->shared->vpid), other->apic_id);
    armour_expect(vmread64(VMCS_EPT_POINTER) == hw->shared->ept_pointer, 0);
    armour_expect(vmread16(VMCS_VPID) == hw->shared->vpid, 0);
}

/* As the VMCS will load them. */
static void armour_vmx_registers_after_exit(struct vcpu *v)
{
    (void)v;
    armour_expect_registers(vmread_nat(VMCS_HOST_CR0), vmread_nat(VMCS_HOST_CR4));
    armour_expect(vmread64(VMCS_HOST_EFER) & EFER_NXE, vmread64(VMCS_HOST_EFER));
    armour_expect(vmread64(VMCS_HOST_PAT) == HOST_PAT, vmread64(VMCS_HOST_PAT));
    /* No SYSENTER of a guest's leads into the hypervisor. */
    armour_expect(vmread32(VMCS_HOST_SYSENTER_CS) == 0, vmread32(VMCS_HOST_SYSENTER_CS));
}

static void armour_vmx_exceptions(struct vcpu *v)
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
static void armour_vmx_controls(struct vcpu *v)
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
static void armour_vmx_owned_bits(struct vcpu *v)
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

static void expect_half(const uint8_t bits[MSR_COUNT / 8], uint32_t first, bool is_write)
{
    for (uint32_t i = 0; i < MSR_COUNT; i++) {
        const bool exits = bits[i / 8] >> i % 8 & 1;
        armour_expect(exits == !armour_is_direct(&msr_intel, first + i, is_write), first + i);
    }
}

/* Every port exits; every MSR but those of which a row says that they need not. */
static void armour_vmx_bitmaps(struct vcpu *v)
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

/* Syscall MSRs, which no VM entry loads; and what one loads. */
static void armour_vmx_expect_clean(struct vcpu *v)
{
    static const uint32_t msrs[] = {MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_FMASK, MSR_KERNEL_GS_BASE};

    (void)v;
    for (size_t i = 0; i < ARRAY_SIZE(msrs); i++)
        armour_expect(rdmsr(msrs[i]) == 0, msrs[i]);
    armour_expect(read_dr6() == UINT64_C(0xffff0ff0), read_dr6());
    armour_expect(read_cr2() == 0, read_cr2());
    armour_expect(vmread_nat(VMCS_GUEST_DR7) == 0x400, vmread_nat(VMCS_GUEST_DR7));
    armour_expect(vmread64(VMCS_GUEST_DEBUGCTL) == 0, vmread64(VMCS_GUEST_DEBUGCTL));
    armour_expect(vmread64(VMCS_GUEST_PAT) == UINT64_C(0x0007040600070406),
                  vmread64(VMCS_GUEST_PAT));
    armour_expect(vmread32(VMCS_GUEST_SYSENTER_CS) == 0, vmread32(VMCS_GUEST_SYSENTER_CS));
    armour_expect(vmread_nat(VMCS_GUEST_SYSENTER_ESP) == 0, vmread_nat(VMCS_GUEST_SYSENTER_ESP));
    armour_expect(vmread_nat(VMCS_GUEST_SYSENTER_EIP) == 0, vmread_nat(VMCS_GUEST_SYSENTER_EIP));
}

/* RSI, RDI, R8-R11, RBP; below them on the stack, where calls leave the way back. */
enum seen { SEEN_REGISTERS = 7, SEEN_CALLS = 40, SEEN_COUNT = SEEN_REGISTERS + SEEN_CALLS };

/* Into the guest, for no instruction, and back: what switch.asm leaves in the registers that bring
 * nothing, and below the stack. Returns the reason. */
static uint64_t enter_and_look(struct vcpu *v, uint64_t seen[SEEN_COUNT])
{
    uint64_t reason;

    for (uint32_t i = 0; i < GPR_COUNT; i++)
        v->regs.gpr[i] = SHOWN;
    vmwrite32(VMCS_PIN_BASED_CONTROLS, vmx_controls.pin | PIN_PREEMPTION_TIMER);
    vmwrite32(VMCS_PREEMPTION_TIMER, 0);
    __asm__ volatile("push %%rbp\n\t"
                     "push %[seen]\n\t"
                     "mov %[shown], %%rsi\n\t"
                     "mov %%rsi, %%rdi\n\t"
                     "mov %%rsi, %%r8\n\t"
                     "mov %%rsi, %%r9\n\t"
                     "mov %%rsi, %%r10\n\t"
                     "mov %%rsi, %%r11\n\t"
                     "call vmx_switch\n\t"
                     "mov (%%rsp), %%rax\n\t"
                     "mov %%rsi, 0(%%rax)\n\t"
                     "mov %%rdi, 8(%%rax)\n\t"
                     "mov %%r8, 16(%%rax)\n\t"
                     "mov %%r9, 24(%%rax)\n\t"
                     "mov %%r10, 32(%%rax)\n\t"
                     "mov %%r11, 40(%%rax)\n\t"
                     "mov %%rbp, 48(%%rax)\n\t"
                     "mov %%rcx, %%rdx\n\t"
                     "lea -320(%%rsp), %%rsi\n\t"
                     "lea 56(%%rax), %%rdi\n\t"
                     "mov $40, %%ecx\n\t"
                     "rep movsq\n\t"
                     "add $8, %%rsp\n\t"
                     "pop %%rbp"
                     : "=d"(reason), "+b"(v)
                     : [seen] "a"(seen), [shown] "d"(SHOWN)
                     : "rcx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                       "memory", "cc");
    return reason;
}

static void armour_vmx_registers(struct vcpu *v)
{
    uint64_t seen[SEEN_COUNT] = {0};

    atomic_store(&v->kick, 1);
    armour_expect(vmx_no_exit(enter_and_look(v, seen)) == VMX_KICKED, 0);
    for (uint32_t i = 0; i < SEEN_REGISTERS; i++)
        armour_expect(seen[i] != SHOWN, i);
    atomic_store(&v->kick, 0);
    armour_expect(enter_and_look(v, seen) == VMX_REASON_PREEMPTION_TIMER, 0);
    for (uint32_t i = 0; i < SEEN_REGISTERS; i++)
        armour_expect(seen[i] != SHOWN, i);
    for (uint32_t i = 0; i < GPR_COUNT; i++)
        armour_expect(i == REG_RSP || v->regs.gpr[i] == SHOWN, v->regs.gpr[i]);
}

/* Calls that the exit made within `bytes` behind `from`, by the ways back that they left. */
static uint32_t calls_made(struct vcpu *v, void (*from)(void), uint32_t bytes)
{
    uint64_t seen[SEEN_COUNT] = {0};
    uint32_t count = 0;

    vmwrite_nat(VMCS_HOST_RIP, (uintptr_t)from);
    armour_expect(enter_and_look(v, seen) == VMX_REASON_PREEMPTION_TIMER, 0);
    for (uint32_t i = SEEN_REGISTERS; i < SEEN_COUNT; i++)
        count += seen[i] - (uintptr_t)from < bytes;
    return count;
}

/* It is sealed. */
static void set_at_entry(uint32_t what)
{
    write_cr0(read_cr0() & ~CR0_WP);
    vmx_spec.at_entry = what;
    write_cr0(read_cr0() | CR0_WP);
}

static void armour_vmx_speculation(struct vcpu *v)
{
    void (*const chosen)(void) = vmx_spec.at_exit == SPEC_EXIT_PLAIN ? vmx_exit
                                 : vmx_spec.at_exit == SPEC_EXIT_ONE ? vmx_exit_one
                                                                     : vmx_exit_fill;
    const uint32_t at_entry = vmx_spec.at_entry;

    armour_expect(vmread_nat(VMCS_HOST_RIP) == (uintptr_t)chosen, vmx_spec.at_exit);
    if (vmx_spec.has_spec_ctrl)
        armour_expect(rdmsr(MSR_SPEC_CTRL) == vmx_spec.spec_ctrl, rdmsr(MSR_SPEC_CTRL));
    armour_expect(calls_made(v, vmx_exit_fill, 512) == 32, calls_made(v, vmx_exit_fill, 512));
    armour_expect(calls_made(v, vmx_exit_one, 100) == 1, calls_made(v, vmx_exit_one, 100));
    armour_expect(v->left[LEFT_RAX] != SHOWN, 0);
    armour_expect(calls_made(v, vmx_exit_traced, 640) == 32, calls_made(v, vmx_exit_traced, 640));
    for (uint32_t i = 0; i < LEFT_COUNT; i++)
        armour_expect(v->left[i] == SHOWN, v->left[i]);

    /* With something to do at each entry, each goes the way where it is done. */
    set_at_entry(SPEC_ENTRY_VERW | (cpuid(7, 0).edx & BIT32(28) ? SPEC_ENTRY_L1D : 0));
    v->hw_work = WORK_BUFFERS;
    (void)calls_made(v, chosen, 1);
    armour_expect(v->hw_work == WORK_BUFFERS, v->hw_work);
    set_at_entry(at_entry);
    v->hw_work = at_entry ? WORK_BUFFERS : 0;
}

static void armour_vmx_dirty(struct vcpu *v)
{
    (void)v; /* the core has it all */
}

static const struct armour_backend armour_vmx = {
    .constants = armour_vmx_constants,
    .expect_tables = armour_vmx_expect_tables,
    .registers_after_exit = armour_vmx_registers_after_exit,
    .exceptions = armour_vmx_exceptions,
    .controls = armour_vmx_controls,
    .owned_bits = armour_vmx_owned_bits,
    .bitmaps = armour_vmx_bitmaps,
    .dirty = armour_vmx_dirty,
    .expect_clean = armour_vmx_expect_clean,
    .registers = armour_vmx_registers,
    .speculation = armour_vmx_speculation,
};

void vmx_hook_reset(struct vcpu *v, const struct vcpu_state *state)
{
    armour_hook(&armour_vmx, v, state);
}
