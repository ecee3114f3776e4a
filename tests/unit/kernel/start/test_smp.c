/* SPDX-License-Identifier: MIT */
/*
 * test_smp: how cores are started and what becomes of those that do not answer, with made-up cores
 * that answer after so many microseconds or never.
 */
#include "kernel/start/smp.h"

#include <stdio.h>

#include "recorder.h"

#include "kernel/start/smp.c"

#define NEVER UINT32_MAX

enum other { OTHER_INIT, OTHER_START, OTHER_KICK, OTHER_THERMAL };

#define CORES 64 /* in this world */

static struct cpu cores[CORES];
struct cpu *cpus[CORES_MAX];
const uint8_t trampoline_start[64] = {0xfa}, trampoline_end[1];
const uint8_t trampoline_cr3[4], trampoline_target[8];
const uint16_t trampoline_fixups[1], trampoline_fixups_end[1];

static struct {
    uint32_t us;                /* that have passed */
    uint32_t answers_after;     /* the start of the core under way */
    enum cpu_stage answer;      /* what it does to its stage then */
    enum status virt[CORES];    /* virt_cpu_on() there */
    uint32_t virt_after[CORES]; /* us after its kick */
    uint32_t kicked_at[CORES];
    uint32_t id;      /* that is under way */
    bool silent;      /* it starts, and answers no question */
    uint64_t ahead;   /* its TSC */
    uint32_t thermal; /* the boot core's entry */
} world;

static const struct tsc clock = {.hz = 1000};
static struct skew skew;

static void world_clear(void)
{
    memset(&world, 0, sizeof(world));
    memset(cores, 0, sizeof(cores));
    for (uint32_t i = 0; i < CORES; i++) {
        cpus[i] = &cores[i];
        cpus[i]->id = i;
        cpus[i]->apic_id = 2 * i;
    }
    recorder_clear();
    lines_clear();
}

void entry_core(void)
{
}

void tsc_delay_us(const struct tsc *tsc, uint32_t us)
{
    (void)tsc;
    world.us += us;
    if (world.answers_after != NEVER && world.us >= world.answers_after)
        atomic_store(&cpus[world.id]->stage, (uint32_t)world.answer);
    for (uint32_t i = 1; i < CORES; i++)
        if (world.kicked_at[i] && world.virt_after[i] != NEVER &&
            world.us >= world.kicked_at[i] + world.virt_after[i])
            atomic_store(&cpus[i]->stage,
                         (uint32_t)(world.virt[i] == OK ? CPU_VIRT_ON : CPU_VIRT_FAILED));
}

void lapic_init_core(uint32_t apic_id)
{
    recorder_wrote(WRITE_OTHER, OTHER_INIT, apic_id);
}

void lapic_start_core(uint32_t apic_id, hpa_t page, void (*delay_us)(uint32_t us))
{
    assert_int_equal(page.v, 0x8000);
    recorder_wrote(WRITE_OTHER, OTHER_START, apic_id);
    delay_us(200);
}

void cores_kick(struct cpu *cpu)
{
    recorder_wrote(WRITE_OTHER, OTHER_KICK, cpu->apic_id);
    world.kicked_at[cpu->id] = world.us + 1;
}

enum status virt_cpu_on(struct page *region)
{
    (void)region;
    return world.virt[0];
}

uint32_t lapic_thermal(void)
{
    return world.thermal;
}

void lapic_set_thermal(uint32_t entry)
{
    recorder_wrote(WRITE_OTHER, OTHER_THERMAL, entry);
}

bool lapic_init(void)
{
    return true;
}

void cpu_setup_early(struct cpu *cpu)
{
    (void)cpu;
}

void cpu_setup(struct cpu *cpu)
{
    (void)cpu;
}

void cpu_wait(_Atomic uint32_t *flag)
{
    (void)flag;
}

void facts_read(struct core_facts *facts)
{
    (void)facts;
}

void host_core_enter(const struct host_core *core)
{
    (void)core;
}

void host_flush_tlb(void)
{
}

void *host_window(const struct host_core *core, hpa_t address)
{
    static uint8_t page[PAGE_SIZE];

    (void)core;
    (void)address;
    return page;
}

void host_window_close(const struct host_core *core)
{
    (void)core;
}

void vcpu_loop(struct vcpu *v)
{
    (void)v;
    abort();
}

/* While the boot core is at its RDTSC, the other sees the question to come and answers it. */
static void answer_early(const struct recorder_write *write)
{
    if (write->where != WRITE_FENCE || world.silent)
        return;
    recorder.tsc += 10;
    smp_talk.answer = recorder.tsc + world.ahead;
    atomic_store(&smp_talk.answered, atomic_load(&smp_talk.asked) + 1);
}

static void a_core_that_answers(void **state)
{
    (void)state;
    world_clear();
    recorder.on_write = answer_early;
    world.ahead = 5000;
    world.id = 5;
    world.answers_after = 900000;
    world.answer = CPU_STARTED;
    assert_true(smp_start_core(5, hpa(0x8000), &clock, &skew));
    assert_ptr_equal(smp_next, cpus[5]);
    assert_true(recorder_has(WRITE_OTHER, OTHER_START, 10));
    assert_false(recorder_has(WRITE_OTHER, OTHER_INIT, 10));
    assert_int_equal(atomic_load(&cpus[5]->stage), CPU_STARTED);
    assert_true(skew.low < 5000 && skew.high >= 5000 && skew.high - skew.low < 100);
    assert_int_equal(lines_count(), 0);
}

static void a_core_that_falls_silent(void **state)
{
    (void)state;
    world_clear();
    recorder.on_write = answer_early;
    world.silent = true;
    world.id = 5;
    world.answer = CPU_STARTED;
    assert_false(smp_start_core(5, hpa(0x8000), &clock, &skew));
    assert_in_range(recorder.tsc, clock.hz, clock.hz + 100);
    assert_true(recorder_has(WRITE_OTHER, OTHER_INIT, 10));
    assert_int_equal(atomic_load(&cpus[5]->stage), CPU_ABSENT);
}

/* The boot core's next question comes while the other is at its RDTSC. */
static void ask_early(const struct recorder_write *write)
{
    if (write->where == WRITE_FENCE && recorder.write_count % 2 == 0)
        atomic_fetch_add(&smp_talk.asked, 1);
}

static void each_question_is_answered_once(void **state)
{
    (void)state;
    world_clear();
    smp_offer();
    atomic_store(&smp_talk.asked, 1);
    recorder.on_write = ask_early;
    smp_answer();
    assert_int_equal(atomic_load(&smp_talk.answered), EXCHANGES);
    assert_int_equal(recorder.tsc, EXCHANGES);
    assert_int_equal(smp_talk.answer, EXCHANGES);
}

/* The boot core's IA32_TSC_ADJUST and thermal entry, where there are such. */
static void other_cores_become_alike(void **state)
{
    (void)state;
    for (uint32_t has = 0; has < 4; has++) { /* bit 0: the boot core; bit 1: the other */
        for (uint64_t other = 70; other <= 80; other += 10) {
            world_clear();
            world.thermal = has == 3 ? 0x200 : 0;
            recorder_put_leaf(0, (struct cpuid_regs){.eax = 7});
            recorder_put_leaf(7, (struct cpuid_regs){.ebx = has & 1 ? FEATURES_TSC_ADJUST : 0});
            if (has != 0)
                recorder_put_msr(MSR_TSC_ADJUST, 70);
            smp_offer();
            recorder_set_leaf(7, (struct cpuid_regs){.ebx = has & 2 ? FEATURES_TSC_ADJUST : 0});
            if (has != 0)
                recorder_put_msr(MSR_TSC_ADJUST, other);
            smp_become_alike();
            assert_int_equal(recorder_has(WRITE_MSR, MSR_TSC_ADJUST, 70), has == 3 && other != 70);
            assert_int_equal(smp_talk.adjust_was != smp_talk.adjust, has == 3 && other != 70);
            assert_int_equal(recorder_has(WRITE_OTHER, OTHER_THERMAL, 0x200), has == 3);
            assert_int_equal(recorder.write_count, (has == 3) + (has == 3 && other != 70));
        }
    }
}

/* It is held by an INIT: it might still wake up, as the core that is started after it. */
static void a_core_that_does_not(void **state)
{
    (void)state;
    world_clear();
    world.id = 5;
    world.answers_after = NEVER;
    assert_false(smp_start_core(5, hpa(0x8000), &clock, &skew));
    assert_true(recorder_has(WRITE_OTHER, OTHER_INIT, 10));
    assert_in_range(world.us, ANSWER_TIMEOUT_US + LAPIC_INIT_US,
                    ANSWER_TIMEOUT_US + LAPIC_INIT_US + 1000);
}

/* Between the last look and the INIT: what it did to its stage is taken back. */
static void a_core_that_answers_too_late(void **state)
{
    (void)state;
    world_clear();
    world.id = 5;
    world.answers_after = ANSWER_TIMEOUT_US + 200 + LAPIC_INIT_US;
    world.answer = CPU_STARTED;
    assert_false(smp_start_core(5, hpa(0x8000), &clock, &skew));
    assert_int_equal(atomic_load(&cpus[5]->stage), CPU_ABSENT);
}

static void a_core_that_is_dropped(void **state)
{
    (void)state;
    world_clear();
    world.answers_after = NEVER;
    atomic_store(&cpus[5]->stage, CPU_STARTED);
    smp_drop_core(5);
    assert_true(recorder_has(WRITE_OTHER, OTHER_INIT, 10));
    assert_in_range(world.us, LAPIC_INIT_US, LAPIC_INIT_US + 1000);
    assert_int_equal(atomic_load(&cpus[5]->stage), CPU_ABSENT);
}

static void all_cores_turn_virtualisation_on(void **state)
{
    (void)state;
    world_clear();
    world.answers_after = NEVER;
    for (uint32_t i = 0; i < 4; i++)
        atomic_store(&cpus[i]->stage, CPU_STARTED);
    for (uint32_t i = 1; i < 4; i++)
        world.virt_after[i] = 100000 * i;
    assert_true(smp_virt_on(4, NULL));
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(atomic_load(&cpus[i]->stage), CPU_VIRT_ON);
    /* Together: the slowest decides, not the sum. */
    assert_true(world.us < 310000);
    assert_false(recorder_has(WRITE_OTHER, OTHER_KICK, 0)); /* not to oneself */
}

/* Each that cannot, or does not answer, is named; the rest are looked at all the same. */
static void cores_that_cannot(void **state)
{
    (void)state;
    for (uint32_t bad = 0; bad < 3; bad++) {
        for (int silent = 0; silent <= (bad > 0); silent++) {
            char line[80];

            world_clear();
            world.answers_after = NEVER;
            for (uint32_t i = 0; i < 3; i++)
                atomic_store(&cpus[i]->stage, CPU_STARTED);
            world.virt[bad] = silent ? OK : E_UNSUPPORTED;
            world.virt_after[bad] = silent ? NEVER : 1;
            assert_false(smp_virt_on(3, NULL));
            (void)snprintf(line, sizeof(line), "core #%u (APIC id %u) could not", bad, 2 * bad);
            assert_true(lines_contain(line));
            assert_int_equal(lines_count(), 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_core_that_answers),
        cmocka_unit_test(a_core_that_falls_silent),
        cmocka_unit_test(each_question_is_answered_once),
        cmocka_unit_test(other_cores_become_alike),
        cmocka_unit_test(a_core_that_does_not),
        cmocka_unit_test(a_core_that_answers_too_late),
        cmocka_unit_test(a_core_that_is_dropped),
        cmocka_unit_test(all_cores_turn_virtualisation_on),
        cmocka_unit_test(cores_that_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
