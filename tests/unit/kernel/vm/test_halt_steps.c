/* SPDX-License-Identifier: MIT */
/*
 * test_halt_steps: every order in which cores that come to rest, wake and look at each other can
 * meet, one atomic access at a time. A step of a core runs its program from the beginning: the
 * accesses that it has made return what they returned, and the next one is made. States that were
 * reached before are not walked again.
 */
#include <setjmp.h>
#include <stdatomic.h>

static unsigned long access_next(const volatile void *at, unsigned long value, int how);

enum { ACCESS_LOAD, ACCESS_SET, ACCESS_ADD, ACCESS_OR };

#undef atomic_load
#undef atomic_store
#undef atomic_exchange
#undef atomic_fetch_add
#undef atomic_fetch_or
#define atomic_load(p)         access_next(p, 0, ACCESS_LOAD)
#define atomic_store(p, v)     ((void)access_next(p, v, ACCESS_SET))
#define atomic_exchange(p, v)  access_next(p, v, ACCESS_SET)
#define atomic_fetch_add(p, v) access_next(p, v, ACCESS_ADD)
#define atomic_fetch_or(p, v)  access_next(p, v, ACCESS_OR)

#include "kernel/vm/halt.c"

#include "support.h"

#define CORES      3
#define MONITOR    CORES /* sends, and is no core of the guest */
#define ACTORS     (CORES + 1)
#define STEPS_MAX  40
#define SENDS_MAX  4
#define STATES_MAX (1u << 20)

/* What an actor sends; a core halts after that. */
struct send {
    uint32_t to, kicks;
};

/* All that the future depends on: shared memory, and how far each program is. */
struct world {
    uint8_t kicks[CORES], at_rest[CORES];
    uint8_t wakes, ended, runs;
    uint8_t made[ACTORS];           /* accesses */
    uint8_t got[ACTORS][STEPS_MAX]; /* what they returned */
};

static struct vcpu_soft softs[CORES];
static struct vcpu vcpus[CORES];
static struct vm vm;
static bool halted[CORES];
static struct send sends[ACTORS][SENDS_MAX]; /* up to one without kicks */

static struct world now;
static struct world *seen; /* a hash table; a row that is all 0 is free */
static uint32_t seen_count;

/* Of the step at hand. */
static uint32_t actor, replayed;
static bool has_moved;
static jmp_buf step_ends;

static uint8_t *memory_of(const volatile void *at)
{
    for (uint32_t i = 0; i < CORES; i++) {
        if (at == &vcpus[i].kick)
            return &now.kicks[i];
        if (at == &softs[i].at_rest)
            return &now.at_rest[i];
    }
    if (at == &vm.wakes)
        return &now.wakes;
    assert_true(at == &now.ended || at == &now.runs);
    return at == &now.ended ? &now.ended : &now.runs;
}

static unsigned long access_next(const volatile void *at, unsigned long value, int how)
{
    if (replayed < now.made[actor])
        return now.got[actor][replayed++];
    if (has_moved)
        longjmp(step_ends, 1);
    uint8_t *memory = memory_of(at);
    const uint8_t was = *memory;
    const unsigned long is[] = {was, value, was + value, was | value};
    assert_in_range(is[how], 0, UINT8_MAX);
    *memory = (uint8_t)is[how];
    assert_in_range(replayed, 0, STEPS_MAX - 1);
    now.got[actor][replayed++] = was;
    now.made[actor] = (uint8_t)replayed;
    has_moved = true;
    return was;
}

bool virt_has_halted(const struct vcpu *v)
{
    return halted[v->index];
}

bool life_end(struct vm *of, struct vm_end end)
{
    (void)of, (void)end;
    return atomic_exchange(&now.ended, 1) == 0;
}

void life_tell(struct vm *of, enum note_kind kind, const char *fmt, ...)
{
    (void)of, (void)kind, (void)fmt;
}

void kick_send(struct vcpu *v, uint32_t kicks)
{
    (void)atomic_fetch_or(&v->kick, kicks);
}

/* What requests_take() does. True: its guest runs from here on. */
static bool look(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;
    const bool was = halt_wakes(v);
    const uint32_t kicks = (uint32_t)atomic_exchange(&v->kick, 0);

    if (kicks & KICK_INIT)
        soft->phase = VCPU_WAIT_SIPI;
    if ((kicks & KICK_SIPI) && soft->phase == VCPU_WAIT_SIPI) {
        soft->phase = VCPU_RUNNING;
        halted[v->index] = false;
    }
    if ((kicks & KICK_NMI) && soft->phase == VCPU_RUNNING)
        soft->nmi_pending = true;
    halt_look(v, was || (kicks & KICK_ASK_HALT));
    return soft->phase == VCPU_RUNNING && (soft->nmi_pending || !halted[v->index]);
}

/* A core that was woken runs for ever: after that the guest may not have ended, nor end. */
static void actor_runs(uint32_t index)
{
    for (const struct send *s = sends[index]; s->kicks; s++)
        kick_send(&vcpus[s->to], s->kicks);
    if (index == MONITOR)
        return;
    softs[index] = (struct vcpu_soft){.phase = VCPU_RUNNING};
    halted[index] = true;
    for (;;) {
        if (replayed == now.made[index] && (has_moved || !now.kicks[index]))
            return; /* nothing to do before somebody sends it something */
        if (look(&vcpus[index])) {
            (void)atomic_exchange(&now.runs, 1);
            return;
        }
    }
}

/* False where there is no step to make. */
static bool step(uint32_t index)
{
    actor = index;
    replayed = 0;
    has_moved = false;
    if (setjmp(step_ends) == 0)
        actor_runs(index);
    return has_moved;
}

/* False when the present state was reached before. */
static bool is_new(void)
{
    static const struct world none;
    const uint8_t *bytes = (const uint8_t *)&now;
    uint64_t hash = 0xcbf29ce484222325;

    for (size_t i = 0; i < sizeof(now); i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3;
    for (uint64_t at = hash ^ hash >> 32;; at++) {
        struct world *row = &seen[at % STATES_MAX];
        if (memcmp(row, &now, sizeof(now)) == 0)
            return false;
        if (memcmp(row, &none, sizeof(none)) == 0) {
            *row = now;
            assert_in_range(++seen_count, 1, STATES_MAX / 2);
            return true;
        }
    }
}

/* From here on, in every order; where nobody can make a step the guest has ended, or not. */
static void walk(bool ends)
{
    const struct world here = now;
    bool is_last = true;

    assert_false(now.ended && now.runs);
    for (uint32_t i = 0; i < ACTORS; i++) {
        if (!step(i))
            continue;
        is_last = false;
        if (is_new())
            walk(ends);
        now = here;
    }
    if (is_last)
        assert_int_equal(now.ended, ends);
}

/* Each core was asked whether it has halted. `ends`: whether the guest does, in each order. */
static void walk_all(bool ends)
{
    memset(seen, 0, STATES_MAX * sizeof(*seen));
    seen_count = 0;
    now = (struct world){.kicks = {KICK_ASK_HALT, KICK_ASK_HALT, KICK_ASK_HALT}};
    walk(ends);
    assert_in_range(seen_count, 1000, STATES_MAX); /* there is more than one order */
}

static void actors_send_nothing(void)
{
    vm = (struct vm){.name = "x", .vcpu_count = CORES, .vcpus = vcpus};
    for (uint32_t i = 0; i < CORES; i++)
        vcpus[i] = (struct vcpu){.index = i, .vm = &vm, .soft = &softs[i]};
    memset(sends, 0, sizeof(sends));
}

/* For each sender and receiver among the cores: their numbers are the order of a look. */
static void walk_pairs(uint32_t first, uint32_t second, bool ends)
{
    for (uint32_t pair = 0; pair < CORES * CORES; pair++) {
        const uint32_t from = pair / CORES, to = pair % CORES;
        if (from == to)
            continue;
        actors_send_nothing();
        sends[from][0] = (struct send){to, first};
        sends[from][1] = (struct send){to, second};
        walk_all(ends);
    }
}

static void an_nmi_wakes(void **state)
{
    (void)state;
    walk_pairs(KICK_NMI, 0, false);
}

static void a_startup_wakes(void **state)
{
    (void)state;
    walk_pairs(KICK_INIT, KICK_SIPI, false);
}

static void an_init_does_not(void **state)
{
    (void)state;
    walk_pairs(KICK_INIT, KICK_NMI, true);
}

/* The operator looks at one meanwhile, which does not set it going. */
static void a_look_does_not(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CORES; i++) {
        actors_send_nothing();
        sends[MONITOR][0] = (struct send){i, KICK_SHOW};
        walk_all(true);
    }
}

static void an_nmi_wakes_beside_a_look(void **state)
{
    (void)state;
    for (uint32_t to = 1; to < CORES; to++) {
        actors_send_nothing();
        sends[0][0] = (struct send){to, KICK_NMI};
        sends[MONITOR][0] = (struct send){to, KICK_SHOW};
        walk_all(false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_nmi_wakes),
        cmocka_unit_test(a_startup_wakes),
        cmocka_unit_test(an_init_does_not),
        cmocka_unit_test(a_look_does_not),
        cmocka_unit_test(an_nmi_wakes_beside_a_look),
    };

    seen = calloc(STATES_MAX, sizeof(*seen));
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(seen);
    return failed;
}
