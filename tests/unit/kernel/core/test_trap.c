/* SPDX-License-Identifier: MIT */
/*
 * test_trap: what an exception, an NMI or an interrupt of our own changes in the code that it came
 * to. A program on the desk may not use RDMSR either: what its kernel makes of the #GP goes through
 * trap_handle(), and the code goes on with the instructions that the hypervisor has.
 */
#include "kernel/core/trap.h"

#include <asm/prctl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "support.h"

/* linker.ld's: what the assembler puts between is a subsection with a lower number. Code of ours
 * that is never run stands for a wait. */
__asm__(".pushsection .fixup_gp, \"a\"\n"
        "fixup_gp_table:\n"
        ".popsection\n"
        ".pushsection .fixup_gp, 1, \"a\"\n"
        "fixup_gp_table_end:\n"
        ".popsection\n"
        ".pushsection .text\n"
        "wait_before: nop\n"
        "wait_begin: nop; nop\n"
        "wait_end: nop\n"
        ".popsection\n"
        ".pushsection .fixup, \"a\"\n"
        "fixup_table:\n"
        ".long wait_begin - .\n"
        ".long wait_end - .\n"
        ".long wait_end - .\n"
        "fixup_table_end:\n"
        ".popsection\n");

#include "kernel/core/trap.c"
#include "lib/x86/msr.h"

extern const uint8_t wait_before[], wait_begin[], wait_end[];

const uint8_t trap_stubs[IDT_ENTRIES][STUB_SIZE], trap_wait_stubs[IDT_ENTRIES][STUB_SIZE];

static struct cpu cpu = {.self = &cpu};
static uint64_t in_service; /* the vector */
static uint32_t eois;
static uint32_t checks;
static bool panic_on;
static jmp_buf ended;
static uint64_t panicked_by;

enum machine_check_end machine_check_take(const struct guest_map *map)
{
    assert_null(map);
    checks++;
    return MACHINE_CHECK_NOBODY;
}

bool lapic_in_service(uint8_t vector)
{
    return vector == in_service;
}

void lapic_eoi(void)
{
    eois++;
}

void panic_trap(const struct trap_frame *frame)
{
    panicked_by = frame->vector;
    longjmp(ended, 1);
}

bool panic_is_elsewhere(void)
{
    return panic_on;
}

void panic_stop_core(void)
{
    panicked_by = UINT64_MAX;
    longjmp(ended, 1);
}

static int begin(void **state)
{
    (void)state;
    cpu = (struct cpu){.self = &cpu};
    eois = checks = 0;
    panic_on = false;
    in_service = TRAP_INTERRUPT;                                     /* none */
    return syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu) == 0 ? 0 : -1; /* this_cpu() */
}

/* Where the code goes on; 0: it does not, and `panicked_by` is the vector. */
static uint64_t go_on(uint64_t vector, uint64_t rip)
{
    struct trap_frame frame = {.vector = vector, .rip = rip};

    if (setjmp(ended) != 0)
        return 0;
    trap_handle(&frame);
    return frame.rip;
}

static void what_ends_a_wait(void **state)
{
    const uint64_t before = (uintptr_t)wait_before, in = (uintptr_t)wait_begin,
                   end = (uintptr_t)wait_end;
    const uint64_t vectors[] = {VECTOR_NMI, TRAP_INTERRUPT + VECTOR_NMI,
                                TRAP_INTERRUPT + HOST_VECTOR_TICK};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        assert_int_equal(go_on(vectors[i], before), before);
        assert_int_equal(go_on(vectors[i], in), end);
        assert_int_equal(go_on(vectors[i], in + 1), end);
        assert_int_equal(go_on(vectors[i], end), end);
    }
    assert_int_equal(cpu.nmis, 8);
    assert_int_equal(eois, 4);
    assert_int_equal(cpu.spurious, 0);
}

/* What stays in service would hide from the next guest whatever has no higher priority. At work no
 * interrupt comes, and what is in service is a guest's own. */
static void an_interrupt_with_the_number_of_an_nmi(void **state)
{
    const uint64_t in = (uintptr_t)wait_begin, end = (uintptr_t)wait_end;

    (void)state;
    in_service = VECTOR_NMI;
    assert_int_equal(go_on(TRAP_INTERRUPT + VECTOR_NMI, in), end);
    assert_int_equal(eois, 1);
    assert_int_equal(go_on(VECTOR_NMI, in), end);
    assert_int_equal(eois, 1);
    panic_on = true; /* and it may be the NMI that stops this core */
    assert_int_equal(go_on(TRAP_INTERRUPT + VECTOR_NMI, in), 0);
    assert_int_equal(panicked_by, UINT64_MAX);
}

static void exceptions_end_in_panic(void **state)
{
    (void)state;
    for (uint32_t vector = 0; vector < EXCEPTIONS; vector++) {
        if (vector == VECTOR_NMI || vector == VECTOR_MC)
            continue;
        assert_int_equal(go_on(vector, (uintptr_t)wait_begin), 0);
        assert_int_equal(panicked_by, vector);
        panicked_by = UINT64_MAX;
        assert_int_equal(go_on(TRAP_INTERRUPT + vector, (uintptr_t)wait_begin), 0);
        assert_int_equal(panicked_by, vector);
        in_service = vector; /* an interrupt of that number */
        assert_int_equal(go_on(TRAP_INTERRUPT + vector, (uintptr_t)wait_begin),
                         (uintptr_t)wait_end);
        in_service = TRAP_INTERRUPT;
    }
}

/* Broadcast, it may have been another core's: at work and in a wait alike. */
static void a_machine_check_that_is_not_ours(void **state)
{
    const uint64_t end = (uintptr_t)wait_end;

    (void)state;
    assert_int_equal(go_on(VECTOR_MC, end), end);
    assert_int_equal(go_on(TRAP_INTERRUPT + VECTOR_MC, (uintptr_t)wait_begin), end);
    assert_int_equal(checks, 2);
    assert_int_equal(eois, 0);
    in_service = VECTOR_MC; /* a guest's interrupt */
    assert_int_equal(go_on(TRAP_INTERRUPT + VECTOR_MC, (uintptr_t)wait_begin), end);
    assert_int_equal(checks, 2);
    panic_on = true;
    assert_int_equal(go_on(VECTOR_MC, end), 0);
    assert_int_equal(go_on(VECTOR_NMI, end), 0);
    assert_int_equal(checks, 2);
}

/* ------------------------------------------------------------------ accesses that may fail */

static uint32_t faults;

static void on_fault(int number, siginfo_t *info, void *context)
{
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint64_t rip = (uint64_t)regs[REG_RIP];

    (void)info;
    faults++;
    regs[REG_RIP] = (greg_t)go_on(number == SIGSEGV ? VECTOR_GP : 0, rip);
    if (regs[REG_RIP] == 0)
        abort();
}

static void an_msr_that_is_not_there(void **state)
{
    const struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    struct sigaction before;
    uint64_t value = 0x5eed;

    (void)state;
    faults = 0;
    assert_int_equal(sigaction(SIGSEGV, &action, &before), 0);
    const bool read = rdmsr_try(MSR_MCG_CAP, &value);
    const bool written = wrmsr_try(MSR_DEBUGCTL, 0);
    assert_int_equal(sigaction(SIGSEGV, &before, NULL), 0);
    assert_int_equal(faults, 2);
    assert_false(read);
    assert_int_equal(value, 0x5eed);
    assert_false(written);
}

/* Only a #GP, and only at the instruction itself. */
static void nothing_else_is_forgiven(void **state)
{
    (void)state;
    assert_int_equal(fixup_gp_table_end - fixup_gp_table, 2);
    for (const struct fixup *f = fixup_gp_table; f < fixup_gp_table_end; f++) {
        const uint64_t at = fixup_address(&f->begin), target = fixup_address(&f->target);

        assert_int_equal(go_on(VECTOR_GP, at), target);
        assert_int_equal(go_on(VECTOR_NMI, at), at);
        assert_int_equal(go_on(TRAP_INTERRUPT + HOST_VECTOR_TICK, at), at);
        assert_int_equal(go_on(VECTOR_PF, at), 0);
        assert_int_equal(go_on(VECTOR_GP, at - 1), 0);
        assert_int_equal(go_on(VECTOR_GP, target), 0);
        assert_int_equal(panicked_by, VECTOR_GP);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_ends_a_wait, begin),
        cmocka_unit_test_setup(an_interrupt_with_the_number_of_an_nmi, begin),
        cmocka_unit_test_setup(exceptions_end_in_panic, begin),
        cmocka_unit_test_setup(a_machine_check_that_is_not_ours, begin),
        cmocka_unit_test_setup(an_msr_that_is_not_there, begin),
        cmocka_unit_test_setup(nothing_else_is_forgiven, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
