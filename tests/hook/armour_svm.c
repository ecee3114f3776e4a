/* SPDX-License-Identifier: MIT */
/*
 * armour_svm: the looks of the audit that are SVM's own: what the VMCB says, what it points to, and
 * what an exit leaves behind. An NMI that waits at the entry ends each stay before the guest's
 * first instruction.
 */
#include "kernel/vm/vm.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"
#include "svm/svm.h"
#include "tests/hook/armour.h"
#include "vdev/vendor.h"

#define SHOWN UINT64_C(0x5ec2e75ec2e75ec2) /* what the guest has in all its registers */
#define DIRT  UINT64_C(0x0000123456789000) /* canonical, as bases and entry points have to be */

#define CPUID_E8_EBX_INVLPGB BIT32(3)
#define CPUID_E8_EBX_RDPRU   BIT32(4)
#define CPUID_E8_EBX_MCOMMIT BIT32(8)

/* switch.asm */
void svm_switch_plain(void) __asm__("svm_switch");
void svm_switch_guarded(void);
void svm_switch_traced(void);

/* RBP, RSI, RDI, R8-R11, R13; below them on the stack, where calls leave the way back. */
enum seen { SEEN_REGISTERS = 8, SEEN_CALLS = 120, SEEN_COUNT = SEEN_REGISTERS + SEEN_CALLS };
#define RSB_ENTRIES  64
#define GUARDED_SIZE 640 /* in bytes, as far as its last call, ... */
#define TRACED_SIZE  676 /* ... and that of the other */

/* Nothing of an earlier look is seen below the stack. */
NOINLINE static void wipe_stack(void)
{
    uint64_t below[2 * SEEN_CALLS];

    memset(below, 0, sizeof(below));
    __asm__ volatile("" : : "r"(below) : "memory");
}

/* Into the guest, for no instruction, and back: what switch.asm leaves in the registers that bring
 * nothing, and below the stack. Returns the exit code. */
static uint64_t enter_and_look(struct vcpu *v, void (*way)(void), uint64_t seen[SEEN_COUNT])
{
    uint64_t code = (uintptr_t)way;

    for (uint32_t i = 0; i < GPR_COUNT; i++)
        v->regs.gpr[i] = SHOWN;
    v->hw_work |= WORK_NUDGE;
    wipe_stack();
    __asm__ volatile("push %%rbp\n\t"
                     "push %[seen]\n\t"
                     "mov %[shown], %%rbp\n\t"
                     "mov %%rbp, %%rsi\n\t"
                     "mov %%rbp, %%rdi\n\t"
                     "mov %%rbp, %%r8\n\t"
                     "mov %%rbp, %%r9\n\t"
                     "mov %%rbp, %%r10\n\t"
                     "mov %%rbp, %%r11\n\t"
                     "mov %%rbp, %%r13\n\t"
                     "call *%%rcx\n\t"
                     "mov (%%rsp), %%rax\n\t"
                     "mov %%rbp, 0(%%rax)\n\t"
                     "mov %%rsi, 8(%%rax)\n\t"
                     "mov %%rdi, 16(%%rax)\n\t"
                     "mov %%r8, 24(%%rax)\n\t"
                     "mov %%r9, 32(%%rax)\n\t"
                     "mov %%r10, 40(%%rax)\n\t"
                     "mov %%r11, 48(%%rax)\n\t"
                     "mov %%r13, 56(%%rax)\n\t"
                     "mov %%rcx, %%rdx\n\t"
                     "lea -960(%%rsp), %%rsi\n\t"
                     "lea 64(%%rax), %%rdi\n\t"
                     "mov $120, %%ecx\n\t"
                     "rep movsq\n\t"
                     "mov %%rdx, %%rcx\n\t"
                     "add $8, %%rsp\n\t"
                     "pop %%rbp"
                     : "+c"(code), "+b"(v)
                     : [seen] "a"(seen), [shown] "d"(SHOWN)
                     : "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory",
                       "cc");
    return code;
}

/* The same by svm_run(), which chooses the way. */
static void run_and_look(struct vcpu *v, uint64_t seen[SEEN_COUNT])
{
    struct stay stay, *to = &stay;

    v->hw_work |= WORK_NUDGE;
    wipe_stack();
    __asm__ volatile("call svm_run\n\t"
                     "lea -960(%%rsp), %%rsi\n\t"
                     "lea 64(%[seen]), %%rdi\n\t"
                     "mov $120, %%ecx\n\t"
                     "rep movsq"
                     : "+D"(v), "+S"(to)
                     : [seen] "b"(seen)
                     : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
    armour_expect(stay.kind == EXIT_KICK, stay.kind);
}

/* Calls that the exit by `way` made, by the ways back that they left. */
static uint32_t calls_made(const uint64_t seen[SEEN_COUNT], void (*way)(void))
{
    const uint32_t bytes = way == svm_switch_traced ? TRACED_SIZE : GUARDED_SIZE;
    uint32_t count = 0;

    for (uint32_t i = SEEN_REGISTERS; i < SEEN_COUNT; i++)
        count += seen[i] - (uintptr_t)way < bytes;
    return count;
}

static void armour_svm_constants(struct vcpu *v)
{
    const struct svm_vcpu *hw = v->hw;

    armour_expect_constant(v, hw->shared, sizeof(*hw->shared));
    armour_expect_constant(v, &svm_caps, sizeof(svm_caps));
    armour_expect_constant(v, &svm_spec, sizeof(svm_spec));
    armour_expect_constant(v, &svm_barrier_at_exit, sizeof(svm_barrier_at_exit));
}

static void armour_svm_expect_tables(struct vcpu *v, const struct vcpu *other)
{
    const struct svm_vmcb *vmcb = &((const struct svm_vcpu *)v->hw)->vmcb;
    const struct svm_shared *shared = ((const struct svm_vcpu *)other->hw)->shared;

    armour_expect(shared->nested_root.v == other->vm->map.root.v, other->apic_id);
    armour_expect(vmcb->nested_cr3 == v->vm->map.root.v, vmcb->nested_cr3);
    armour_expect(vmcb->nested_control == NESTED_NP_ENABLE, vmcb->nested_control);
    armour_expect(vmcb->asid != 0, 0);
    armour_expect(vmcb->tlb_control == TLB_FLUSH_ALL, vmcb->tlb_control);
}

/* VMRUN keeps them; VMLOAD brings back what the guest's have overwritten. */
static void armour_svm_registers_after_exit(struct vcpu *v)
{
    struct svm_vcpu *hw = v->hw;
    uint64_t seen[SEEN_COUNT];

    hw->vmcb.sysenter_cs = 0x58;
    hw->vmcb.star = DIRT;
    hw->vmcb.kernel_gs_base = DIRT;
    armour_expect(enter_and_look(v, svm_switch_plain, seen) == SVM_EXIT_NMI, 0);
    /* No SYSENTER of a guest's leads into the hypervisor. */
    armour_expect(rdmsr(MSR_SYSENTER_CS) == 0, rdmsr(MSR_SYSENTER_CS));
    armour_expect(rdmsr(MSR_STAR) == hw->host.star && hw->host.star != DIRT, rdmsr(MSR_STAR));
    armour_expect(rdmsr(MSR_KERNEL_GS_BASE) != DIRT, rdmsr(MSR_KERNEL_GS_BASE));
    armour_reset(v);
}

static void armour_svm_exceptions(struct vcpu *v)
{
    const struct svm_vmcb *vmcb = &((const struct svm_vcpu *)v->hw)->vmcb;
    const uint32_t wanted = BIT32(VECTOR_DB) | BIT32(VECTOR_AC) | BIT32(VECTOR_MC);

    armour_expect(vmcb->intercept_exceptions == wanted, vmcb->intercept_exceptions);
}

static void expect_bits(uint64_t value, uint64_t on, uint64_t off)
{
    armour_expect((value & (on | off)) == on, value);
}

/* What has to exit does; nothing is virtualised but memory, and no field is taken for unchanged. */
static void armour_svm_controls(struct vcpu *v)
{
    const struct svm_vmcb *vmcb = &((const struct svm_vcpu *)v->hw)->vmcb;
    const uint32_t more = cpuid_leaf(0x80000008, 0).ebx;

    expect_bits(vmcb->intercept_1,
                INTERCEPT1_NMI | INTERCEPT1_INIT | INTERCEPT1_RDPMC | INTERCEPT1_CPUID |
                    INTERCEPT1_RSM | INTERCEPT1_INVD | INTERCEPT1_INVLPGA | INTERCEPT1_IOIO |
                    INTERCEPT1_MSR | INTERCEPT1_TASK_SWITCH | INTERCEPT1_FERR_FREEZE |
                    INTERCEPT1_SHUTDOWN,
                INTERCEPT1_INTR | INTERCEPT1_VINTR);
    expect_bits(vmcb->intercept_2,
                INTERCEPT2_VMRUN | INTERCEPT2_VMMCALL | INTERCEPT2_VMLOAD | INTERCEPT2_VMSAVE |
                    INTERCEPT2_STGI | INTERCEPT2_CLGI | INTERCEPT2_SKINIT | INTERCEPT2_WBINVD |
                    INTERCEPT2_MONITOR | INTERCEPT2_MWAIT | INTERCEPT2_XSETBV |
                    (more & CPUID_E8_EBX_RDPRU ? INTERCEPT2_RDPRU : 0),
                0);
    expect_bits(vmcb->intercept_3,
                (more & CPUID_E8_EBX_INVLPGB
                     ? INTERCEPT3_INVLPGB | INTERCEPT3_INVLPGB_ILLEGAL | INTERCEPT3_TLBSYNC
                     : 0) |
                    (more & CPUID_E8_EBX_MCOMMIT ? INTERCEPT3_MCOMMIT : 0),
                0);
    armour_expect(vmcb->vintr == 0, vmcb->vintr);
    armour_expect(vmcb->virt_ext == 0, vmcb->virt_ext);
    armour_expect(vmcb->tsc_offset == 0, vmcb->tsc_offset);
    armour_expect(vmcb->clean == 0, vmcb->clean);
    armour_expect(vmcb->event_inject == 0, vmcb->event_inject);
}

static bool msr_exits(const struct svm_bitmaps *maps, uint32_t place, bool is_write)
{
    const uint32_t bit = place * 2 + is_write;

    return maps->msr[bit / 8] >> bit % 8 & 1;
}

/* EFER.SVME, without which VMRUN would be #UD; and what would turn it off or move the host's state.
 * CR0 and CR4 are the guest's (docs/decisions/006). */
static void armour_svm_owned_bits(struct vcpu *v)
{
    const struct svm_vcpu *hw = v->hw;
    const uint32_t efer = 0x2000 + 0x80, vm_cr = 0x4000 + 0x114, hsave = 0x4000 + 0x117;
    const uint32_t places[] = {efer, vm_cr, hsave};

    armour_expect(hw->vmcb.efer & EFER_SVME, hw->vmcb.efer);
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        armour_expect(msr_exits(&hw->shared->maps, places[i], false), places[i]);
        armour_expect(msr_exits(&hw->shared->maps, places[i], true), places[i]);
    }
}

/* Every port exits; every MSR but those of which a row says that they need not. */
static void armour_svm_bitmaps(struct vcpu *v)
{
    static const uint32_t first[] = {0, 0xc0000000, 0xc0010000};
    const struct svm_vcpu *hw = v->hw;
    const struct svm_bitmaps *maps = &hw->shared->maps;

    for (uint32_t i = 0; i < 3 * 0x2000; i++) {
        const uint32_t msr = first[i / 0x2000] + i % 0x2000;
        for (uint32_t is_write = 0; is_write < 2; is_write++)
            armour_expect(msr_exits(maps, i, is_write) != armour_is_direct(&msr_amd, msr, is_write),
                          msr);
    }
    for (uint32_t i = 3 * 0x2000 * 2 / 8; i < sizeof(maps->msr); i++)
        armour_expect(maps->msr[i] == 0xff, i);
    for (uint32_t i = 0; i < sizeof(maps->io); i++)
        armour_expect(maps->io[i] == 0xff, i * 8);
    armour_expect(hw->vmcb.msrpm_base == (uintptr_t)maps->msr, 0);
    armour_expect(hw->vmcb.iopm_base == (uintptr_t)maps->io, 0);
}

/* All that an exit may have saved, and what is kept beside. */
static void armour_svm_dirty(struct vcpu *v)
{
    struct svm_vcpu *hw = v->hw;
    const struct svm_shared *shared = hw->shared;

    memset(hw, 0x5a, sizeof(*hw));
    hw->shared = shared;
}

/* What VMRUN and VMLOAD give the guest is what an entry leaves in the VMCB. */
static void armour_svm_expect_clean(struct vcpu *v)
{
    const struct svm_vcpu *hw = v->hw;
    const struct svm_vmcb *vmcb = &hw->vmcb;
    uint64_t seen[SEEN_COUNT];

    armour_expect(hw->deferred == 0 && !hw->is_halting && !hw->in_nmi && hw->step == STEP_NONE, 0);
    armour_expect((v->hw_work & WORK_FLUSH) && vmcb->tlb_control == TLB_FLUSH_ALL, v->hw_work);
    armour_expect(enter_and_look(v, svm_switch_plain, seen) == SVM_EXIT_NMI, 0);
    armour_expect(vmcb->star == 0, MSR_STAR);
    armour_expect(vmcb->lstar == 0, MSR_LSTAR);
    armour_expect(vmcb->cstar == 0, MSR_CSTAR);
    armour_expect(vmcb->sfmask == 0, MSR_FMASK);
    armour_expect(vmcb->kernel_gs_base == 0, MSR_KERNEL_GS_BASE);
    armour_expect(vmcb->sysenter_cs == 0, MSR_SYSENTER_CS);
    armour_expect(vmcb->sysenter_esp == 0, MSR_SYSENTER_ESP);
    armour_expect(vmcb->sysenter_eip == 0, MSR_SYSENTER_EIP);
    armour_expect(vmcb->g_pat == PAT_RESET, vmcb->g_pat);
    armour_expect(vmcb->dbgctl == 0, vmcb->dbgctl);
    armour_expect(vmcb->dr6 == UINT64_C(0xffff0ff0), vmcb->dr6);
    armour_expect(vmcb->dr7 == 0x400, vmcb->dr7);
    armour_expect(vmcb->cr2 == 0, vmcb->cr2);
    armour_expect(vmcb->interrupt_shadow == 0, vmcb->interrupt_shadow);
    armour_reset(v);
}

static void expect_registers(struct vcpu *v, void (*way)(void), uint64_t code)
{
    uint64_t seen[SEEN_COUNT] = {0};
    const uint64_t said = enter_and_look(v, way, seen);

    armour_expect(said == code, said);
    for (uint32_t i = 0; i < SEEN_REGISTERS; i++)
        armour_expect(seen[i] != SHOWN, i);
    for (uint32_t i = 0; i < GPR_COUNT; i++)
        armour_expect(i == REG_RSP || v->regs.gpr[i] == SHOWN, v->regs.gpr[i]);
}

static void armour_svm_registers(struct vcpu *v)
{
    const uint64_t no_exit = BIT64(32);

    atomic_store(&v->kick, 1);
    expect_registers(v, svm_switch_plain, no_exit);
    expect_registers(v, svm_switch_guarded, no_exit);
    expect_registers(v, svm_switch_traced, no_exit);
    atomic_store(&v->kick, 0);
    expect_registers(v, svm_switch_plain, SVM_EXIT_NMI);
    expect_registers(v, svm_switch_guarded, SVM_EXIT_NMI);
    armour_expect(v->left[LEFT_RAX] != SHOWN, 0);
    expect_registers(v, svm_switch_traced, SVM_EXIT_NMI);
    for (uint32_t i = 0; i < LEFT_COUNT; i++)
        armour_expect(v->left[i] == SHOWN, v->left[i]);
    armour_reset(v);
}

/* Half of the calls at least are seen behind svm_run(): its own have overwritten some. */
static void expect_choice(struct vcpu *v, enum svm_way choice)
{
    void (*const way)(void) = choice == SVM_WAY_TRACED ? svm_switch_traced : svm_switch_guarded;
    uint64_t seen[SEEN_COUNT] = {0};

    v->hw_exit = choice;
    run_and_look(v, seen);
    const uint32_t count = calls_made(seen, way);
    armour_expect((count >= RSB_ENTRIES / 2) == (choice != SVM_WAY_PLAIN), count);
}

static void armour_svm_speculation(struct vcpu *v)
{
    const struct svm_vcpu *hw = v->hw;
    const enum svm_at_exit chosen = svm_spec.at_exit;
    const uint32_t way = v->hw_exit;
    uint64_t seen[SEEN_COUNT] = {0};

    armour_expect(svm_barrier_at_exit == (chosen == AT_EXIT_BARRIER), chosen);
    armour_expect(way == (chosen == AT_EXIT_NOTHING ? SVM_WAY_PLAIN : SVM_WAY_GUARDED), chosen);
    if (svm_spec.has_spec_ctrl)
        armour_expect(rdmsr(MSR_SPEC_CTRL) == svm_spec.spec_ctrl, rdmsr(MSR_SPEC_CTRL));
    armour_expect(hw->vmcb.spec_ctrl == svm_spec.spec_ctrl, hw->vmcb.spec_ctrl);
    (void)enter_and_look(v, svm_switch_guarded, seen);
    armour_expect(calls_made(seen, svm_switch_guarded) == RSB_ENTRIES, chosen);
    (void)enter_and_look(v, svm_switch_traced, seen);
    armour_expect(calls_made(seen, svm_switch_traced) == RSB_ENTRIES, chosen);
    expect_choice(v, SVM_WAY_PLAIN);
    expect_choice(v, SVM_WAY_GUARDED);
    expect_choice(v, SVM_WAY_TRACED);
    v->hw_exit = way;

    /* With something to do at each entry, each goes the way where it is done. */
    v->hw_work = WORK_BUFFERS;
    (void)enter_and_look(v, svm_switch_plain, seen);
    armour_expect(v->hw_work == WORK_BUFFERS, v->hw_work);
    armour_reset(v);
}

static const struct armour_backend armour_svm = {
    .constants = armour_svm_constants,
    .expect_tables = armour_svm_expect_tables,
    .registers_after_exit = armour_svm_registers_after_exit,
    .exceptions = armour_svm_exceptions,
    .controls = armour_svm_controls,
    .owned_bits = armour_svm_owned_bits,
    .bitmaps = armour_svm_bitmaps,
    .dirty = armour_svm_dirty,
    .expect_clean = armour_svm_expect_clean,
    .registers = armour_svm_registers,
    .speculation = armour_svm_speculation,
};

void svm_hook_reset(struct vcpu *v, const struct vcpu_state *state)
{
    armour_hook(&armour_svm, v, state);
}
