/* SPDX-License-Identifier: MIT */
/*
 * test_cpu: what a core of ours does to itself between two lives of a guest and while it waits, in
 * which order, against a processor that writes it down.
 */
#include "kernel/core/cpu.h"

#include "recorder.h"

#define load_gdtr desc_load_gdtr
#define load_tr   desc_load_tr
#include "lib/x86/desc.h"
#undef load_gdtr
#undef load_tr

static void load_gdtr(const struct table_register *r);
static void load_tr(uint16_t selector);

#include "kernel/core/cpu.c"

enum other {
    OTHER_FPU,
    OTHER_APIC,
    OTHER_DRAIN,
    OTHER_WAIT,
    OTHER_NMI,
    OTHER_ARM,
    OTHER_OFF,
    OTHER_GDT,
    OTHER_SEGMENTS,
    OTHER_TR,
    OTHER_IDT_MADE,
    OTHER_IDT_STACKS,
    OTHER_IDT,
    OTHER_BANKS,
};

static struct lapic_timer the_timer;
static bool timer_works, has_banks;
static uint32_t pending; /* interrupts; UINT32_MAX: never taken */

void fpu_reset_xsave(uint64_t xcr0)
{
    recorder_wrote(WRITE_OTHER, OTHER_FPU, xcr0);
}

void lapic_reset(void)
{
    recorder_wrote(WRITE_OTHER, OTHER_APIC, 0);
}

bool lapic_timer_works(const struct lapic_timer *timer)
{
    assert_ptr_equal(timer, &the_timer);
    return timer_works;
}

void lapic_timer_arm(const struct lapic_timer *timer, uint8_t vector, uint64_t deadline)
{
    assert_ptr_equal(timer, &the_timer);
    assert_int_equal(vector, HOST_VECTOR_TICK);
    recorder_wrote(WRITE_OTHER, OTHER_ARM, deadline);
}

void lapic_timer_disarm(const struct lapic_timer *timer)
{
    assert_ptr_equal(timer, &the_timer);
    recorder_wrote(WRITE_OTHER, OTHER_OFF, 0);
}

void lapic_send_nmi(uint32_t apic_id)
{
    recorder_wrote(WRITE_OTHER, OTHER_NMI, apic_id);
}

uint32_t lapic_id(void)
{
    return 6;
}

bool lapic_pending(uint8_t *vector)
{
    *vector = 0x55;
    return pending != 0;
}

void cpu_drain(void)
{
    if (pending != 0 && pending != UINT32_MAX)
        pending--;
    recorder_wrote(WRITE_OTHER, OTHER_DRAIN, 0);
}

void cpu_wait(_Atomic uint32_t *flag)
{
    recorder_wrote(WRITE_OTHER, OTHER_WAIT, atomic_load(flag));
}

static void load_gdtr(const struct table_register *r)
{
    const uint64_t *gdt = (const uint64_t *)(uintptr_t)r->base;

    assert_true(gdt[GDT_CODE] == GDT_CODE64 && gdt[GDT_DATA_SLOT] == GDT_DATA);
    recorder_wrote(WRITE_OTHER, OTHER_GDT, r->limit);
}

static void load_tr(uint16_t selector)
{
    recorder_wrote(WRITE_OTHER, OTHER_TR, selector);
}

void cpu_load_segments(uint16_t code)
{
    recorder_wrote(WRITE_OTHER, OTHER_SEGMENTS, code);
}

void trap_init(void)
{
    recorder_wrote(WRITE_OTHER, OTHER_IDT_MADE, 0);
}

void trap_use_stacks(void)
{
    recorder_wrote(WRITE_OTHER, OTHER_IDT_STACKS, 0);
}

void trap_load_idt(void)
{
    recorder_wrote(WRITE_OTHER, OTHER_IDT, 0);
}

void smi_begin(struct smi_count *count)
{
    assert_true(recorder_has(WRITE_OTHER, OTHER_IDT, 0)); /* its register may be a #GP */
    count->is_there = true;
}

bool machine_check_init(void)
{
    recorder_wrote(WRITE_OTHER, OTHER_BANKS, 0);
    return has_banks;
}

static void wrote_all(const struct recorder_write *wanted, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_true(i < recorder.write_count);
        assert_int_equal(recorder.writes[i].where, wanted[i].where);
        assert_int_equal(recorder.writes[i].index, wanted[i].index);
        assert_int_equal(recorder.writes[i].value, wanted[i].value);
    }
    assert_int_equal(recorder.write_count, count);
}

/* No TSS: a gate with a stack of its own would fault again. */
static void each_core_has_its_own_tables_at_once(void **state)
{
    const struct recorder_write wanted[] = {
        {WRITE_OTHER, OTHER_GDT, GDT_SLOTS * 8 - 1},
        {WRITE_OTHER, OTHER_SEGMENTS, GDT_SELECTOR(GDT_CODE)},
        {WRITE_MSR, MSR_GS_BASE, (uintptr_t)&cores_boot},
        {WRITE_OTHER, OTHER_IDT_MADE, 0},
        {WRITE_OTHER, OTHER_IDT, 0},
        {WRITE_MSR, MSR_DEBUGCTL, 0}, /* may be a #GP: after the IDT */
    };

    (void)state;
    recorder_clear();
    cpu_setup_early(cpus[0]);
    wrote_all(wanted, ARRAY_SIZE(wanted));
    assert_ptr_equal(cpus[0]->self, cpus[0]);
    recorder_clear();
    cpus[1]->id = 1;
    cpu_setup_early(cpus[1]);
    assert_ptr_equal(cpus[1]->self, cpus[1]);
    assert_true(cpus[0]->smis.is_there && cpus[1]->smis.is_there);
    assert_true(recorder_has(WRITE_OTHER, OTHER_IDT, 0));
    assert_false(recorder_has(WRITE_OTHER, OTHER_IDT_MADE, 0));
}

static bool no_debugctl(uint32_t index)
{
    return index == MSR_DEBUGCTL;
}

/* Each only where CPUID has it, and one that lacks DEBUGCTL all the same goes on. */
static void traces_of_the_firmware_are_off(void **state)
{
    (void)state;
    for (uint32_t has = 0; has < 32; has++) {
        const bool trace = has & 1, leaf_7 = has & 2, counters = has & 4, leaf_a = has & 8;

        recorder_clear();
        recorder_put_leaf(0, (struct cpuid_regs){.eax = leaf_a ? 0xa : leaf_7 ? 7 : 1});
        recorder_put_leaf(7, (struct cpuid_regs){.ebx = trace ? CPUID_7_EBX_PT : 0});
        recorder_put_leaf(0xa, (struct cpuid_regs){.eax = counters ? 0x07300802 : 0x07300801});
        if (has & 16)
            recorder.cannot_write = no_debugctl;
        cpu_stop_tracing();
        assert_int_equal(recorder_has(WRITE_MSR, MSR_RTIT_CTL, 0), trace && (leaf_7 || leaf_a));
        assert_int_equal(recorder_has(WRITE_MSR, MSR_DEBUGCTL, 0), !(has & 16));
        assert_int_equal(recorder_has(WRITE_MSR, MSR_PERF_GLOBAL_CTRL, 0), counters && leaf_a);
    }
}

static void traces_of_the_firmware_are_off_on_amd(void **state)
{
    (void)state;
    for (uint32_t has = 0; has < 8; has++) {
        const bool counters = has & 1, branches = has & 2, leaf = has & 4;

        recorder_clear();
        recorder_put_leaf(0x80000000, (struct cpuid_regs){.eax = leaf ? 0x80000022 : 0x80000021});
        recorder_put_leaf(0x80000022, (struct cpuid_regs){.eax = has & 3});
        recorder_put_msr(MSR_DEBUG_EXTN_CTL, 0x7f);
        cpu_stop_tracing();
        assert_int_equal(recorder_has(WRITE_MSR, 0xc0000301, 0), counters && leaf);
        assert_int_equal(recorder_has(WRITE_MSR, 0xc000010f, 0x3f), branches && leaf);
    }
}

static void gates_get_stacks_once_the_boot_core_has_a_tss(void **state)
{
    const struct recorder_write wanted[] = {
        {WRITE_OTHER, OTHER_GDT, GDT_SLOTS * 8 - 1},
        {WRITE_OTHER, OTHER_SEGMENTS, GDT_SELECTOR(GDT_CODE)},
        {WRITE_MSR, MSR_GS_BASE, (uintptr_t)&cores_boot},
        {WRITE_OTHER, OTHER_TR, GDT_SELECTOR(GDT_TSS)},
        {WRITE_OTHER, OTHER_IDT_STACKS, 0},
        {WRITE_OTHER, OTHER_IDT, 0},
        {WRITE_OTHER, OTHER_BANKS, 0}, /* behind the IDT: they may signal at once */
    };

    (void)state;
    recorder_clear();
    lines_clear();
    has_banks = true;
    cpu_setup(cpus[0]);
    wrote_all(wanted, ARRAY_SIZE(wanted));
    recorder_clear();
    cpus[1]->id = 1;
    cpu_setup(cpus[1]);
    assert_true(recorder_has(WRITE_OTHER, OTHER_TR, GDT_SELECTOR(GDT_TSS)));
    assert_false(recorder_has(WRITE_OTHER, OTHER_IDT_STACKS, 0));
    has_banks = false;
    assert_int_equal(lines_count(), 0);
    cpu_setup(cpus[1]); /* said once */
    assert_int_equal(lines_count(), 0);
    cpu_setup(cpus[0]);
    assert_true(lines_contain("IA32_MCG_CAP cannot be read"));
}

/* Each thing has a value of its own before: what is not written stays. */
static void nothing_of_a_guest_is_left(void **state)
{
    (void)state;
    recorder_clear();
    recorder_put_leaf(0x80000000, (struct cpuid_regs){.eax = 0x80000001});
    recorder_put_leaf(0x80000001, (struct cpuid_regs){.edx = 1u << 27});
    recorder_put_msr(MSR_TSC_AUX, 0x5ec4e7);
    cpu_reset_guest_state(XCR0_X87 | XCR0_SSE);
    assert_true(recorder_has(WRITE_OTHER, OTHER_FPU, XCR0_X87 | XCR0_SSE));
    assert_int_equal(rdmsr(MSR_TSC_AUX), 0);
    for (uint32_t i = 0; i < 4; i++)
        assert_true(recorder_has(WRITE_DR, i, 0));
    /* SDM "IA-32 and Intel 64 Processor States Following Power-up, Reset, or INIT". No breakpoint
     * is armed while its address changes. */
    assert_true(recorder_find(WRITE_DR, 7, 0x400) < recorder_find(WRITE_DR, 0, 0));
}

/* A guest whose CR4 is not intercepted can have written PKRU; its bit in XCR0 is a #GP where the
 * processor has no protection keys. */
static void protection_keys_are_reset_where_they_exist(void **state)
{
    const struct {
        uint32_t highest, components;
        uint64_t xcr0;
    } rows[] = {
        {0xd, 0x2e7, 0x207},
        {0xd, 0xe7, 0x7},
        {0xd, 0x200, 0x207},
        {0xc, 0x2e7, 0x7}, /* a leaf that does not exist */
    };

    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++) {
        recorder_clear();
        recorder_put_leaf(0, (struct cpuid_regs){.eax = rows[i].highest});
        recorder_put_leaf(0xd, (struct cpuid_regs){.eax = rows[i].components});
        cpu_reset_guest_state(XCR0_X87 | XCR0_SSE | XCR0_AVX);
        assert_true(recorder_has(WRITE_OTHER, OTHER_FPU, rows[i].xcr0));
    }
}

/* What is pending is taken before the APIC looks as after a reset, which is software-disabled. */
static void interrupts_are_drained_before_the_apic_is_off(void **state)
{
    (void)state;
    recorder_clear();
    cpu_reset_guest_state(XCR0_X87);
    const uint32_t reset = recorder_find(WRITE_OTHER, OTHER_APIC, 0);
    const uint32_t drain = recorder_find(WRITE_OTHER, OTHER_DRAIN, 0);
    assert_true(reset < drain);
    assert_int_equal(drain + 2, recorder.write_count);
    assert_true(recorder_find(WRITE_MSR, MSR_X2APIC_SVR, HOST_VECTOR_SPURIOUS) > drain);
}

static void drained_until_nothing_is_pending(void **state)
{
    (void)state;
    for (uint32_t waiting = 0; waiting <= 240; waiting += 40) {
        recorder_clear();
        lines_clear();
        pending = waiting;
        cpu_drain_interrupts();
        assert_int_equal(pending, 0);
        assert_int_equal(recorder.write_count, waiting == 0 ? 1 : waiting);
        assert_false(lines_contain("pending"));
    }
    recorder_clear();
    pending = UINT32_MAX;
    cpu_drain_interrupts();
    pending = 0;
    assert_true(lines_contain("APIC id 6: an interrupt with vector 85 stays pending"));
}

/* A #GP, where the processor has no such register. */
static void tsc_aux_is_left_where_there_is_none(void **state)
{
    (void)state;
    recorder_clear();
    cpu_reset_guest_state(XCR0_X87);
    assert_false(recorder_has(WRITE_MSR, MSR_TSC_AUX, 0));
}

static void a_wait_with_a_deadline(void **state)
{
    _Atomic uint32_t flag = 1;

    (void)state;
    recorder_clear();
    cpu_use_timer(&the_timer);
    cpu_wait_until(&flag, 123456);
    static const struct recorder_write wanted[] = {
        {WRITE_OTHER, OTHER_ARM, 123456},
        {WRITE_OTHER, OTHER_WAIT, 1},
        {WRITE_OTHER, OTHER_OFF, 0},
    };
    assert_int_equal(recorder.write_count, ARRAY_SIZE(wanted));
    assert_memory_equal(recorder.writes, wanted, sizeof(wanted));
}

static void each_lack_has_its_name(void **state)
{
    (void)state;
    static const char *const names[] = {"x2APIC", "XSAVE"};
    cpu_use_timer(&the_timer);
    for (uint32_t lacks = 0; lacks < 8; lacks++) { /* x2APIC, XSAVE, the timer */
        struct virt_report report = {0};
        uint32_t at = 0;

        recorder_clear();
        recorder_put_leaf(1, (struct cpuid_regs){.ecx = (lacks & 1 ? 0 : CPUID_1_ECX_X2APIC) |
                                                        (lacks & 2 ? 0 : CPUID_1_ECX_XSAVE)});
        timer_works = !(lacks & 4);
        cpu_need(&report);
        if (lacks & 1) /* the timer has not been looked at then */
            assert_string_equal(report.missing[at++], names[0]);
        else if (lacks & 4)
            assert_string_equal(report.missing[at++], "APIC timer");
        if (lacks & 2)
            assert_string_equal(report.missing[at++], names[1]);
        assert_int_equal(report.missing_count, at);
    }
    struct virt_report in_qemu = {0};
    recorder_clear();
    recorder_put_leaf(1, (struct cpuid_regs){.ecx = BIT32(31) | CPUID_1_ECX_XSAVE});
    recorder_put_leaf(0x40000000, (struct cpuid_regs){.ebx = 0x54474354});
    cpu_need(&in_qemu);
    assert_int_equal(in_qemu.missing_count, 1);
    assert_non_null(strstr(in_qemu.missing[0], "x2APIC: add it to QEMU's CPU model"));
    struct virt_report full = {.missing_count = ARRAY_SIZE(((struct virt_report *)0)->missing)};
    recorder_clear();
    cpu_need(&full); /* a list that is full stays so */
    assert_int_equal(full.missing_count, ARRAY_SIZE(full.missing));
}

static void a_kick_goes_to_the_core_by_its_apic_id(void **state)
{
    struct cpu cpu = {.id = 3, .apic_id = 0x106};

    (void)state;
    recorder_clear();
    cores_kick(&cpu);
    assert_int_equal(cpu.kicks, 1);
    assert_int_equal(recorder.write_count, 1);
    assert_true(recorder_has(WRITE_OTHER, OTHER_NMI, 0x106));
}

/* Two cores: the second in what cores_make() takes of a pool. */
static int make_cores(void **state)
{
    static ALIGNED(4096) uint8_t memory[2 * PAGE_SIZE];
    struct pages pages;

    (void)state;
    cores_begin();
    assert_int_equal(cores_made, 1);
    assert_null(cpus[1]);
    pages_init(&pages, (struct range){(uintptr_t)memory, PAGE_SIZE});
    assert_false(cores_make(&pages, 2)); /* it needs a page of each kind */
    pages_init(&pages, (struct range){(uintptr_t)memory, sizeof(memory)});
    assert_true(cores_make(&pages, 1));
    assert_int_equal(pages_left(&pages), 2);
    assert_true(cores_make(&pages, 2));
    assert_int_equal(cores_made, 2);
    assert_ptr_not_equal(cpus[0]->tables, cpus[1]->tables);
    assert_true(range_contains(pages_constant(&pages), (struct range){(uintptr_t)cpus[1]->tables,
                                                                      sizeof(*cpus[1]->tables)}));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_core_has_its_own_tables_at_once),
        cmocka_unit_test(traces_of_the_firmware_are_off),
        cmocka_unit_test(traces_of_the_firmware_are_off_on_amd),
        cmocka_unit_test(gates_get_stacks_once_the_boot_core_has_a_tss),
        cmocka_unit_test(nothing_of_a_guest_is_left),
        cmocka_unit_test(protection_keys_are_reset_where_they_exist),
        cmocka_unit_test(interrupts_are_drained_before_the_apic_is_off),
        cmocka_unit_test(drained_until_nothing_is_pending),
        cmocka_unit_test(tsc_aux_is_left_where_there_is_none),
        cmocka_unit_test(a_wait_with_a_deadline),
        cmocka_unit_test(each_lack_has_its_name),
        cmocka_unit_test(a_kick_goes_to_the_core_by_its_apic_id),
    };
    return cmocka_run_group_tests(tests, make_cores, NULL);
}
