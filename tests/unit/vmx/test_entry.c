/* SPDX-License-Identifier: MIT */
/*
 * test_entry: what is done between two lives and before an entry, where it leaves no trace that
 * could be looked at on a machine: buffers cleared, predictors and translations flushed.
 */
#include "vmx/vmx.h"

#include "support.h"

#include "vmx/cpu.c"
#include "vmx/cr_repeat.c"
#include "vmx/debug.c"
#include "vmx/once.c"
#include "vmx/run.c"
#include "vmx/trap.c"

static uint64_t ends_by; /* the next stay */

uint64_t vmx_switch(struct vcpu *v, struct stay *stay)
{
    (void)v;
    stay->rip = 0x1000;
    return ends_by;
}

enum what { NOTHING, VERW, L1D, IBPB, INVEPT, INVVPID, VMPTRLD };

static enum what done[16];
static uint32_t done_count, cleared; /* syscall MSRs, by bits */
static uint64_t dr6, cr2;
static struct vmx_shared shared = {.ept_pointer = 0x1234501e, .vpid = 7};

struct vmx_caps vmx_caps;
struct vmx_controls vmx_controls;
struct spec_plan vmx_spec;

static void did(enum what what)
{
    assert_true(done_count < ARRAY_SIZE(done));
    done[done_count++] = what;
}

static uint64_t tsx_ctrl; /* as written last */

static bool has_done(enum what what)
{
    for (uint32_t i = 0; i < done_count; i++)
        if (done[i] == what)
            return true;
    return false;
}

void wrmsr(uint32_t index, uint64_t value)
{
    if (index == MSR_FLUSH_CMD && value == FLUSH_CMD_L1D)
        did(L1D);
    else if (index == MSR_PRED_CMD && value == PRED_CMD_IBPB)
        did(IBPB);
    else if (index == MSR_TSX_CTRL)
        tsx_ctrl = value;
    else if (value == 0)
        cleared |= index >= MSR_STAR && index <= MSR_FMASK ? BIT32(index - MSR_STAR)
                   : index == MSR_KERNEL_GS_BASE           ? BIT32(4)
                                                           : BIT32(31);
    else
        fail_msg("MSR 0x%x", index);
}

void verw_own_segment(void)
{
    did(VERW);
}

void invept_single(uint64_t ept_pointer)
{
    assert_true(ept_pointer == shared.ept_pointer || ept_pointer == shared.open_pointer);
    did(INVEPT);
}

void invvpid_single(uint16_t vpid)
{
    assert_int_equal(vpid, shared.vpid);
    did(INVVPID);
}

void vmptrld(hpa_t vmcs)
{
    (void)vmcs;
    did(VMPTRLD);
}

uint64_t rdmsr(uint32_t index)
{
    return index == MSR_FEATURE_CONTROL ? FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX : 0;
}

uint64_t rdtsc(void)
{
    return 1000;
}

#define FAKE_READ(name) \
    uint64_t name(void) \
    {                   \
        return 0;       \
    }
#define FAKE_WRITE(name)      \
    void name(uint64_t value) \
    {                         \
        (void)value;          \
    }
FAKE_READ(read_cr0)
FAKE_READ(read_cr4)
FAKE_READ(read_dr6)
FAKE_WRITE(write_cr0)
FAKE_WRITE(write_cr4)

void write_dr6(uint64_t value)
{
    dr6 = value;
}

void write_cr2(uint64_t value)
{
    cr2 = value;
}

void iret_here(void)
{
}

static uint64_t fields[1 << 15]; /* by encoding; 0 until written */

uint64_t vmread_raw(enum vmcs_field field)
{
    return fields[field];
}

void vmwrite_raw(enum vmcs_field field, uint64_t value)
{
    fields[field] = value;
}

bool vmxon(hpa_t region)
{
    (void)region;
    return true;
}

void vmclear(hpa_t vmcs)
{
    (void)vmcs;
}

void vmx_die(const char *instruction, uint64_t operand)
{
    (void)operand;
    fail_msg("%s", instruction);
    abort();
}

void vmx_refused(void)
{
    abort();
}

void vmx_write_controls(struct vmx_vcpu *hw)
{
    (void)hw;
}

void vmx_write_host(bool is_traced)
{
    (void)is_traced;
}

void vmx_write_guest(struct vmx_vcpu *hw, const struct vcpu_state *state)
{
    (void)hw;
    (void)state;
}

void vmx_hook_reset(struct vcpu *v, const struct vcpu_state *state)
{
    (void)v;
    (void)state;
}

void vmx_bitmaps_build(struct vmx_shared *s, const struct msr_policy *policy)
{
    (void)s;
    (void)policy;
}

static struct vmx_vcpu hw;
static struct vcpu vcpu;

static void make(uint32_t at_entry, bool barrier)
{
    const struct vcpu_state state = {0};

    vmx_spec = (struct spec_plan){.at_entry = at_entry, .barrier = barrier};
    memset(fields, 0, sizeof(fields));
    hw = (struct vmx_vcpu){.shared = &shared};
    vcpu = (struct vcpu){.hw = &hw};
    done_count = cleared = 0;
    cr2 = dr6 = 0x5ec4e7;
    vmx_vcpu_reset(&vcpu, &state);
}

/* A life ends with what it taught the core. */
static void test_between_lives(void **state)
{
    (void)state;
    make(0, true);
    assert_true(has_done(INVEPT) && has_done(INVVPID) && has_done(IBPB));
    assert_int_equal(done[0], VMPTRLD);
    assert_int_equal(vcpu.hw_work, 0);
    assert_int_equal(cleared, MASK64(4, 0));
    assert_int_equal(cr2, 0);
    assert_int_equal(dr6, 0xffff0ff0); /* as after power-up */
    make(0, false);                    /* a processor without the register */
    assert_true(has_done(INVEPT) && has_done(INVVPID) && !has_done(IBPB));
}

/* "IA32_TSX_CTRL" */
static void test_tsx_is_off_on_each_core(void **state)
{
    static struct page region;

    (void)state;
    tsx_ctrl = 0;
    vmx_spec = (struct spec_plan){0};
    assert_int_equal(vmx_cpu_on(&region), OK);
    assert_int_equal(tsx_ctrl, 0); /* where there is no such register, the write is #GP */
    vmx_spec.stops_tsx = true;
    assert_int_equal(vmx_cpu_on(&region), OK);
    assert_int_equal(tsx_ctrl, 3);
}

static void test_before_each_entry(void **state)
{
    static const uint32_t plans[] = {0, SPEC_ENTRY_VERW, SPEC_ENTRY_L1D,
                                     SPEC_ENTRY_VERW | SPEC_ENTRY_L1D};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
        make(plans[i], false);
        assert_int_equal(vcpu.hw_work != 0, plans[i] != 0); /* the first entry looks */
        for (uint32_t entry = 0; entry < 3; entry++) {
            done_count = 0;
            vmx_before_entry(&vcpu);
            assert_int_equal(has_done(VERW), (plans[i] & SPEC_ENTRY_VERW) != 0);
            assert_int_equal(has_done(L1D), (plans[i] & SPEC_ENTRY_L1D) != 0);
            assert_int_equal(vcpu.hw_work != 0, plans[i] != 0); /* and so does the next */
            if (plans[i] & SPEC_ENTRY_VERW) /* last: behind it no data of ours is loaded */
                assert_int_equal(done[done_count - 1], VERW);
        }
        vmx_set_deadline(&vcpu, 5000); /* nor does a timer make them forget */
        vmx_before_entry(&vcpu);
        assert_int_equal(vcpu.hw_work != 0, plans[i] != 0);
    }
}

static enum exit_kind kind_of(uint64_t reason)
{
    struct stay stay;

    ends_by = reason;
    vmx_run(&vcpu, &stay);
    assert_int_equal(stay.hw_code, (uint32_t)reason & ~EXIT_REASON_BUS_LOCK);
    return stay.kind;
}

/* The few compares for the kinds that come often, and all the others: what decode.c says of them,
 * and nothing is found twice. */
static void test_kinds(void **state)
{
    (void)state;
    make(0, false);
    for (uint32_t reason = 0; reason < 100; reason++) {
        const struct vmx_raw raw = {.reason = reason};
        const enum exit_kind kind = kind_of(reason);
        assert_int_equal(kind, vmx_decode_kind(&raw));
        assert_true(kind_of(reason | BIT32(30)) > EXIT_OFTEN_LAST);
        assert_int_equal(kind_of(reason | EXIT_REASON_BUS_LOCK), kind); /* and a bus lock before */
    }
    assert_int_equal(kind_of((uint64_t)VMX_KICKED << 32), EXIT_KICK);
    fields[VMCS_EXIT_QUALIFICATION] = 2; /* a size that ports do not have */
    assert_int_equal(kind_of(VMX_REASON_IO), EXIT_UNKNOWN);
}

/* The lock that the delivery of an interrupt made, say in a descriptor: it is delivered again. */
static void test_bus_lock_keeps_the_event(void **state)
{
    (void)state;
    make(0, false);
    assert_int_equal(kind_of(VMX_REASON_BUS_LOCK), EXIT_BUS_LOCK);
    assert_int_equal(vcpu.hw_work, 0);
    fields[VMCS_IDT_VECTORING_INFO] = INTR_VALID | 0x50;
    assert_int_equal(kind_of(VMX_REASON_BUS_LOCK | EXIT_REASON_BUS_LOCK), EXIT_BUS_LOCK);
    assert_int_equal(vcpu.hw_work, WORK_EVENT);
    fields[VMCS_GUEST_RFLAGS] = RFLAGS_IF;
    vmx_before_entry(&vcpu);
    assert_int_equal(fields[VMCS_ENTRY_INTERRUPTION_INFO], INTR_VALID | 0x50);
}

/* Behind the last byte of 4 GiB comes the first one, but in 64-bit mode: the entry that the
 * processor refuses for it is made again, and every other refusal stays one. */
static void test_rip_is_cut(void **state)
{
    const struct stay stay = {.rip = 0xfffffffe, .insn_len = 2};
    const uint64_t refused = VMX_REASON_ENTRY_GUEST_STATE | EXIT_REASON_ENTRY_FAILED;

    (void)state;
    make(0, false);
    vmx_advance(&vcpu, &stay);
    assert_int_equal(fields[VMCS_GUEST_RIP], UINT64_C(0x100000000));
    assert_int_equal(kind_of(refused), EXIT_STEP);
    assert_int_equal(fields[VMCS_GUEST_RIP], 0);
    assert_int_equal(kind_of(refused), EXIT_ENTRY_FAILED);
    fields[VMCS_GUEST_RIP] = UINT64_C(0x10000000f);
    assert_int_equal(kind_of(refused), EXIT_ENTRY_FAILED);
    fields[VMCS_GUEST_RIP] = UINT64_C(0x100000000);
    fields[VMCS_GUEST_CS_ACCESS] = SEGMENT_LONG;
    fields[VMCS_GUEST_EFER] = EFER_LMA;
    assert_int_equal(kind_of(refused), EXIT_ENTRY_FAILED);
    assert_int_equal(fields[VMCS_GUEST_RIP], UINT64_C(0x100000000));
}

static void expect_tables(bool open)
{
    assert_int_equal(fields[VMCS_EPT_POINTER], open ? shared.open_pointer : shared.ept_pointer);
    assert_int_equal(fields[VMCS_PRIMARY_CONTROLS] & CPU_MONITOR_TRAP, open ? CPU_MONITOR_TRAP : 0);
    assert_int_equal(vcpu.hw_work & WORK_ONCE, open ? WORK_ONCE : 0);
}

/* Other tables for one entry, whatever ends the stay. */
static void test_write_once(void **state)
{
    (void)state;
    make(0, false);
    assert_false(vmx_write_once(&vcpu)); /* there are no others */
    shared.open_pointer = 0x5432101e;
    make(0, false);
    assert_int_equal(done[1], INVEPT);
    assert_int_equal(done[2], INVEPT); /* of both */
    fields[VMCS_IDT_VECTORING_INFO] = INTR_VALID | 0x50;
    assert_false(vmx_write_once(&vcpu));
    fields[VMCS_IDT_VECTORING_INFO] = 0;
    assert_true(vmx_write_once(&vcpu));
    vmx_before_entry(&vcpu);
    expect_tables(true);
    assert_int_equal(kind_of(VMX_REASON_MONITOR_TRAP), EXIT_STEP);
    expect_tables(false);
    assert_true(vmx_write_once(&vcpu));
    assert_int_equal(kind_of((uint64_t)VMX_KICKED << 32), EXIT_KICK); /* not entered, even */
    expect_tables(false);
    assert_true(vmx_write_once(&vcpu));
    vmx_before_entry(&vcpu);
    assert_int_equal(kind_of(VMX_REASON_CPUID), EXIT_CPUID); /* which nobody looks at */
    vmx_before_entry(&vcpu);
    expect_tables(false);
    shared.open_pointer = 0;
}

/* A MOV to CR0 that was to be repeated is not under way any more. */
static void test_write_ends_a_repeat(void **state)
{
    const struct vcpu_exit x = {.kind = EXIT_CONTROL,
                                .cr = {.value = CR0_PE | CR0_PG | CR0_NE, .is_write = true}};

    (void)state;
    shared.open_pointer = 0x5432101e;
    make(0, false);
    fields[VMCS_CR0_SHADOW] = CR0_PE;
    assert_int_equal(vmx_control(&vcpu, &x), DO_AGAIN);
    assert_int_equal(vcpu.hw_work & WORK_REPEAT, WORK_REPEAT);
    assert_true(vmx_write_once(&vcpu));
    assert_int_equal(vcpu.hw_work & WORK_REPEAT, 0);
    assert_int_equal(fields[VMCS_CR0_SHADOW], CR0_PE);
    vmx_before_entry(&vcpu);
    expect_tables(true);
    shared.open_pointer = 0;
}

/* What cannot be injected yet asks for both ways in which a guest comes to take it; either ends the
 * asking. */
static void test_windows(void **state)
{
    (void)state;
    make(0, false);
    assert_false(vmx_inject_interrupt(&vcpu, 0x50)); /* interrupts are off */
    assert_int_equal(fields[VMCS_PRIMARY_CONTROLS], CPU_INTERRUPT_WINDOW | CPU_HLT);
    assert_int_equal(fields[VMCS_ENTRY_INTERRUPTION_INFO], 0);
    assert_int_equal(kind_of(VMX_REASON_HLT), EXIT_HALT);
    assert_int_equal(fields[VMCS_PRIMARY_CONTROLS], 0);

    assert_false(vmx_inject_interrupt(&vcpu, 0x50));
    assert_int_equal(kind_of(VMX_REASON_INTERRUPT_WINDOW), EXIT_WINDOW);
    assert_int_equal(fields[VMCS_PRIMARY_CONTROLS], 0);
    fields[VMCS_GUEST_RFLAGS] = RFLAGS_IF;
    assert_true(vmx_inject_interrupt(&vcpu, 0x50));
    assert_int_equal(fields[VMCS_ENTRY_INTERRUPTION_INFO], INTR_VALID | 0x50);
}

/* The trap of a single step comes before an interrupt: entry would drop it. */
static void test_trap_comes_first(void **state)
{
    (void)state;
    make(0, false);
    fields[VMCS_GUEST_RFLAGS] = RFLAGS_IF | RFLAGS_TF;
    fields[VMCS_GUEST_PENDING_DEBUG] = PENDING_DEBUG_BS;
    assert_false(vmx_inject_interrupt(&vcpu, 0x50));
    assert_false(vmx_inject_nmi(&vcpu));
    fields[VMCS_GUEST_PENDING_DEBUG] = 0;
    assert_true(vmx_inject_interrupt(&vcpu, 0x50));
}

static void test_halt(void **state)
{
    (void)state;
    make(0, false);
    fields[VMCS_GUEST_RFLAGS] = RFLAGS_IF;
    fields[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKED_BY_STI;
    assert_int_equal(vmx_halt(&vcpu), DO_NEXT);
    assert_int_equal(fields[VMCS_GUEST_INTERRUPTIBILITY], 0); /* entry refuses HLT with it */
    assert_int_equal(fields[VMCS_GUEST_ACTIVITY], ACTIVITY_HLT);
    assert_true(vmx_inject_interrupt(&vcpu, 0x50)); /* STI; HLT: it wakes at once */

    make(0, false);
    fields[VMCS_GUEST_RFLAGS] = RFLAGS_IF | RFLAGS_TF;
    assert_int_equal(vmx_halt(&vcpu), DO_NEXT);
    assert_int_equal(fields[VMCS_GUEST_ACTIVITY], ACTIVITY_ACTIVE); /* the trap ends it */
    assert_int_equal(fields[VMCS_GUEST_PENDING_DEBUG], PENDING_DEBUG_BS);
}

/* Written once for each change: what it costs is not paid at each entry. */
static void test_timer_is_written_once(void **state)
{
    (void)state;
    make(0, false);
    vmx_set_deadline(&vcpu, 5000);
    vmx_before_entry(&vcpu);
    assert_int_equal(fields[VMCS_PREEMPTION_TIMER], 4002); /* from 1000, and two units of 1 */
    assert_int_equal(vcpu.hw_work, 0);
    vmx_set_deadline(&vcpu, 500); /* gone: at once, not in 2^64 */
    vmx_before_entry(&vcpu);
    assert_in_range(fields[VMCS_PREEMPTION_TIMER], 0, 2);
}

/* When a timer with `value` ends: it counts whenever the TSC comes to a multiple of its unit. */
static uint64_t timer_ends(uint64_t from, uint64_t value, uint32_t shift)
{
    return ((from >> shift) + value) << shift;
}

/* Whatever the unit, and wherever in one it begins. From rdtsc()'s 1000. */
static void test_timer_is_never_early(void **state)
{
    (void)state;
    for (uint32_t shift = 0; shift < 16; shift++) {
        const uint64_t unit = BIT64(shift);

        make(0, false);
        vmx_caps.misc = shift;
        for (uint64_t wait = 0; wait < 4 * unit; wait += 1 + unit / 8) {
            vmx_set_deadline(&vcpu, 1000 + wait);
            vmx_before_entry(&vcpu);
            const uint64_t value = fields[VMCS_PREEMPTION_TIMER];
            assert_in_range(timer_ends(1000, value, shift), 1000 + wait, 1000 + wait + 2 * unit);
            /* the entry comes just before a unit ends */
            assert_true(timer_ends(unit - 1, value, shift) - (unit - 1) >= wait);
        }
    }
    vmx_caps.misc = 0;
}

/* A debugger's: with interrupts kept out, over an instruction that exits by itself or does not. */
static void test_steps(void **state)
{
    (void)state;
    make(0, false);
    fields[VMCS_GUEST_RFLAGS] = RFLAGS_IF;
    fields[VMCS_GUEST_RIP] = 0x1000;
    vmx_debug_step(&vcpu, true);
    assert_int_equal(fields[VMCS_PRIMARY_CONTROLS], CPU_MONITOR_TRAP | CPU_HLT);
    assert_int_equal(fields[VMCS_GUEST_INTERRUPTIBILITY], BLOCKED_BY_STI);
    vmx_before_entry(&vcpu); /* not done yet, whatever ended the stay */
    assert_int_equal(vcpu.kick, 0);
    fields[VMCS_GUEST_RIP] = 0x1002;
    assert_int_equal(kind_of(VMX_REASON_MONITOR_TRAP), EXIT_STEP);
    assert_int_equal(atomic_exchange(&vcpu.kick, 0), VIRT_STEPPED);
    assert_int_equal(fields[VMCS_PRIMARY_CONTROLS], 0);

    vmx_debug_step(&vcpu, true);
    fields[VMCS_GUEST_RIP] = 0x1004; /* it has exited, and RIP was moved behind it */
    vmx_before_entry(&vcpu);
    assert_int_equal(atomic_exchange(&vcpu.kick, 0), VIRT_STEPPED);
    vmx_before_entry(&vcpu);
    assert_int_equal(vcpu.kick, 0);

    vmx_debug_step(&vcpu, true);
    vmx_debug_step(&vcpu, false);
    assert_int_equal(fields[VMCS_PRIMARY_CONTROLS], 0);
    assert_int_equal(vcpu.hw_work, 0);
}

/* Behind it, as if something had come; not where HLT is a #GP, and not without a step. */
static void test_steps_over_halt(void **state)
{
    (void)state;
    make(0, false);
    fields[VMCS_GUEST_RFLAGS] = RFLAGS_IF;
    fields[VMCS_GUEST_RIP] = 0x1000;
    fields[VMCS_EXIT_INSTRUCTION_LENGTH] = 1;
    vmx_debug_step(&vcpu, true);
    assert_int_equal(kind_of(VMX_REASON_HLT), EXIT_STEP);
    assert_int_equal(fields[VMCS_GUEST_RIP], 0x1001);
    assert_int_equal(fields[VMCS_GUEST_INTERRUPTIBILITY], 0);
    assert_int_equal(fields[VMCS_PRIMARY_CONTROLS], 0);
    assert_int_equal(atomic_exchange(&vcpu.kick, 0), VIRT_STEPPED);
    assert_int_equal(kind_of(VMX_REASON_HLT), EXIT_HALT);

    vmx_debug_step(&vcpu, true);
    fields[VMCS_GUEST_SS_ACCESS] = 3 << 5; /* CPL */
    assert_int_equal(kind_of(VMX_REASON_HLT), EXIT_HALT);
    assert_int_equal(fields[VMCS_GUEST_RIP], 0x1001);
    fields[VMCS_GUEST_SS_ACCESS] = 0;

    make(0, false);
    assert_false(vmx_inject_interrupt(&vcpu, 0x50)); /* a window is open: it keeps its HLT exits */
    vmx_debug_step(&vcpu, true);
    vmx_debug_step(&vcpu, false);
    assert_int_equal(fields[VMCS_PRIMARY_CONTROLS], CPU_INTERRUPT_WINDOW | CPU_HLT);
}

/* Where the processor would refuse the entry, interrupts are not kept out. */
static void test_steps_where_nothing_is_shut(void **state)
{
    (void)state;
    make(0, false);
    vmx_debug_step(&vcpu, true); /* they are off */
    assert_int_equal(fields[VMCS_GUEST_INTERRUPTIBILITY], 0);
    fields[VMCS_GUEST_RFLAGS] = RFLAGS_IF | RFLAGS_TF;
    vmx_debug_step(&vcpu, true);
    assert_int_equal(fields[VMCS_GUEST_INTERRUPTIBILITY], 0);
    fields[VMCS_GUEST_RFLAGS] = RFLAGS_IF;
    fields[VMCS_GUEST_ACTIVITY] = ACTIVITY_HLT;
    vmx_debug_step(&vcpu, true);
    assert_int_equal(fields[VMCS_GUEST_INTERRUPTIBILITY], 0);
    fields[VMCS_GUEST_ACTIVITY] = ACTIVITY_ACTIVE;
    fields[VMCS_ENTRY_INTERRUPTION_INFO] = INTR_VALID;
    vmx_debug_step(&vcpu, true);
    assert_int_equal(fields[VMCS_GUEST_INTERRUPTIBILITY], 0);
    fields[VMCS_ENTRY_INTERRUPTION_INFO] = 0;
    fields[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKED_BY_MOV_SS;
    vmx_debug_step(&vcpu, true);
    assert_int_equal(fields[VMCS_GUEST_INTERRUPTIBILITY], BLOCKED_BY_MOV_SS);
}

/* Of a MOV to CR4 that the guest repeats: the one trap ends both. */
static void test_steps_over_a_repeated_mov(void **state)
{
    const struct vcpu_exit x = {.kind = EXIT_CONTROL, .cr = {.number = 4, .value = 0}};

    (void)state;
    make(0, false);
    fields[VMCS_GUEST_RIP] = 0x1000;
    fields[VMCS_EXIT_INSTRUCTION_LENGTH] = 3;
    vmx_debug_step(&vcpu, true);
    assert_int_equal(vmx_control(&vcpu, &x), DO_AGAIN);
    vmx_before_entry(&vcpu);
    assert_int_equal(fields[VMCS_PRIMARY_CONTROLS], CPU_MONITOR_TRAP | CPU_HLT);
    fields[VMCS_GUEST_RIP] = 0x1003;
    assert_int_equal(kind_of(VMX_REASON_MONITOR_TRAP), EXIT_STEP);
    assert_int_equal(atomic_exchange(&vcpu.kick, 0), VIRT_STEPPED);
    assert_int_equal(fields[VMCS_PRIMARY_CONTROLS], 0);
    assert_int_equal(vcpu.hw_work, 0);
}

/* The same of a write that is let through once. */
static void test_steps_over_a_write(void **state)
{
    (void)state;
    make(0, false);
    shared.open_pointer = 0x5678901e;
    vmx_debug_step(&vcpu, true);
    assert_true(vmx_write_once(&vcpu));
    vmx_before_entry(&vcpu);
    assert_int_equal(kind_of(VMX_REASON_MONITOR_TRAP), EXIT_STEP);
    assert_int_equal(fields[VMCS_EPT_POINTER], shared.ept_pointer);
    assert_int_equal(fields[VMCS_PRIMARY_CONTROLS], 0);
    assert_int_equal(atomic_exchange(&vcpu.kick, 0), VIRT_STEPPED);

    vmx_debug_step(&vcpu, true); /* the write is cut short: the step goes on */
    assert_true(vmx_write_once(&vcpu));
    vmx_once(&vcpu, false);
    assert_int_equal(fields[VMCS_PRIMARY_CONTROLS], CPU_MONITOR_TRAP | CPU_HLT);
    vmx_debug_step(&vcpu, false);
    assert_int_equal(vcpu.hw_work, 0);
    shared.open_pointer = 0;
}

static void test_debugger_writes(void **state)
{
    struct vcpu_state s = {.rip = 0x1000, .rflags = 2, .dr7 = DR7_RESET | 2};

    (void)state;
    make(0, false);
    fields[VMCS_GUEST_RIP] = 0x1000;
    fields[VMCS_GUEST_ACTIVITY] = ACTIVITY_HLT;
    fields[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKED_BY_STI | BLOCKED_BY_NMI;
    s.gpr[REG_RSP] = 0x7000;
    s.gpr[REG_RBX] = 5;
    vmx_debug_state(&vcpu, &s);
    assert_int_equal(vcpu.regs.gpr[REG_RBX], 5);
    assert_int_equal(fields[VMCS_GUEST_RSP], 0x7000);
    assert_int_equal(fields[VMCS_GUEST_RFLAGS], 2);
    assert_int_equal(fields[VMCS_GUEST_DR7], DR7_RESET | 2);
    assert_int_equal(fields[VMCS_GUEST_ACTIVITY], ACTIVITY_HLT); /* where it was, it halts */
    s.rip = 0x2000;
    vmx_debug_state(&vcpu, &s);
    assert_int_equal(fields[VMCS_GUEST_RIP], 0x2000);
    assert_int_equal(fields[VMCS_GUEST_ACTIVITY], ACTIVITY_ACTIVE);
    assert_int_equal(fields[VMCS_GUEST_INTERRUPTIBILITY], BLOCKED_BY_NMI);

    fields[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKED_BY_STI;
    fields[VMCS_GUEST_RFLAGS] = RFLAGS_TF;
    fields[VMCS_IDT_VECTORING_INFO] = INTR_VALID | INTR_EXTERNAL << INTR_TYPE_SHIFT | 0x50;
    vmx_debug_drop(&vcpu, 1);
    assert_int_equal(fields[VMCS_GUEST_PENDING_DEBUG], PENDING_DEBUG_BS);
    assert_true(vcpu.hw_work & WORK_EVENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_steps_over_halt),
        cmocka_unit_test(test_steps_where_nothing_is_shut),
        cmocka_unit_test(test_steps_over_a_repeated_mov),
        cmocka_unit_test(test_steps_over_a_write),
        cmocka_unit_test(test_debugger_writes),
        cmocka_unit_test(test_between_lives),
        cmocka_unit_test(test_before_each_entry),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_rip_is_cut),
        cmocka_unit_test(test_write_once),
        cmocka_unit_test(test_write_ends_a_repeat),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_trap_comes_first),
        cmocka_unit_test(test_halt),
        cmocka_unit_test(test_timer_is_written_once),
        cmocka_unit_test(test_timer_is_never_early),
        cmocka_unit_test(test_tsx_is_off_on_each_core),
        cmocka_unit_test(test_bus_lock_keeps_the_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
