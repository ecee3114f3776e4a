/* SPDX-License-Identifier: MIT */
/*
 * test_halt: a guest is ended once no core of it can run again, and not while one still could.
 */
#include "kernel/vm/halt.h"

#include "kernel/vm/kick.h"
#include "kernel/vm/life.h"
#include "support.h"

#define CORES 3

static struct vcpu_soft softs[CORES];
static struct vcpu vcpus[CORES];
static struct vm vm;
static bool halted[CORES];
static bool ended;
static uint32_t asked;

bool virt_has_halted(const struct vcpu *v)
{
    return halted[v->index];
}

bool life_end(struct vm *of, struct vm_end end)
{
    assert_ptr_equal(of, &vm);
    assert_int_equal(end.kind, VM_END_HALT);
    const bool first = !ended;
    ended = true;
    return first;
}

void life_tell(struct vm *of, enum note_kind kind, const char *fmt, ...)
{
    (void)kind, (void)fmt;
    assert_ptr_equal(of, &vm);
}

void kick_send(struct vcpu *v, uint32_t kicks)
{
    atomic_fetch_or(&v->kick, kicks);
    asked += kicks == KICK_ASK_HALT;
}

/* What requests_take() does. */
static void look(uint32_t i)
{
    const bool was = halt_wakes(&vcpus[i]);
    const uint32_t kicks = atomic_exchange(&vcpus[i].kick, 0);

    softs[i].nmi_pending = softs[i].nmi_pending || (kicks & KICK_NMI);
    halt_look(&vcpus[i], was || (kicks & KICK_ASK_HALT));
}

static int begin(void **state)
{
    (void)state;
    vm = (struct vm){.name = "x", .vcpu_count = CORES, .vcpus = vcpus, .phase = VM_RUNNING};
    for (uint32_t i = 0; i < CORES; i++) {
        softs[i] = (struct vcpu_soft){.phase = VCPU_RUNNING};
        vcpus[i] = (struct vcpu){.index = i, .vm = &vm, .soft = &softs[i]};
        halted[i] = true;
    }
    ended = false;
    asked = 0;
    return 0;
}

static void look_at_all(void)
{
    halt_ask(&vm);
    for (uint32_t i = 0; i < CORES; i++)
        look(i);
}

static void the_last_core_ends_it(void **state)
{
    (void)state;
    softs[2].phase = VCPU_WAIT_SIPI;
    halt_ask(&vm);
    look(2);
    look(0);
    assert_false(ended);
    look(1);
    assert_true(ended);
}

static void all_wait_for_sipi(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CORES; i++) {
        softs[i].phase = VCPU_WAIT_SIPI;
        assert_false(ended);
        look(i); /* as an INIT does: nobody has to ask */
    }
    assert_true(ended);
}

static void nobody_asked(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CORES; i++)
        look(i);
    assert_false(ended);
}

static void one_that_runs_keeps_all(void **state)
{
    for (uint32_t i = 0; i < CORES; i++) {
        begin(state);
        halted[i] = false;
        look_at_all();
        assert_false(ended);
        begin(state);
        softs[i].phase = VCPU_PARKED; /* as at the beginning of a life */
        look_at_all();
        assert_false(ended);
        begin(state);
        softs[i].nmi_pending = true;
        look_at_all();
        assert_false(ended);
        softs[i].nmi_pending = false;
        look_at_all();
        assert_true(ended);
    }
}

/* What a sibling sent before it halted arrives after it. */
static void a_kick_on_its_way_counts(void **state)
{
    static const uint32_t kicks[] = {KICK_START, KICK_STOP, KICK_INIT, KICK_SIPI, KICK_NMI};

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(kicks); k++) {
        begin(state);
        halt_ask(&vm);
        look(0);
        look(1);
        atomic_fetch_or(&vcpus[0].kick, kicks[k]);
        look(2);
        assert_false(ended);
        (void)halt_wakes(&vcpus[0]); /* it takes that kick */
        atomic_store(&vcpus[0].kick, 0);
        look(2);
        assert_false(ended);
    }
    atomic_store(&vcpus[1].kick, KICK_SHOW); /* this does not wake it */
    look_at_all();
    assert_true(ended);
}

/* A look by the operator's `regs` does not forget that it has halted. */
static void a_look_changes_nothing(void **state)
{
    (void)state;
    halt_ask(&vm);
    look(0);
    look(1);
    atomic_store(&vcpus[0].kick, KICK_SHOW);
    look(0);
    look(2);
    assert_true(ended);
}

static void a_quiet_guest_is_asked_once(void **state)
{
    (void)state;
    for (uint32_t second = 1; second <= 8 * HALT_QUIET_SECONDS; second++) {
        softs[1].stats.trace.exits[EXIT_KICK]++; /* not its own doing */
        softs[0].stats.trace.exits[EXIT_TIMER]++;
        halt_watch(&vm);
    }
    assert_int_equal(asked, CORES);
    for (uint32_t second = 0; second < 3 * HALT_QUIET_SECONDS; second++) {
        softs[1].stats.trace.exits[EXIT_CPUID]++;
        halt_watch(&vm);
    }
    assert_int_equal(asked, CORES);
    for (uint32_t second = 0; second < HALT_QUIET_SECONDS; second++)
        halt_watch(&vm);
    assert_int_equal(asked, CORES * 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_last_core_ends_it, begin),
        cmocka_unit_test_setup(all_wait_for_sipi, begin),
        cmocka_unit_test_setup(nobody_asked, begin),
        cmocka_unit_test_setup(one_that_runs_keeps_all, begin),
        cmocka_unit_test_setup(a_kick_on_its_way_counts, begin),
        cmocka_unit_test_setup(a_look_changes_nothing, begin),
        cmocka_unit_test_setup(a_quiet_guest_is_asked_once, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
