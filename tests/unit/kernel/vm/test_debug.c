/* SPDX-License-Identifier: MIT */
/*
 * test_debug: a guest of two cores that somebody debugs: how its cores are held and let go, where
 * breakpoints are put, whose a debug exception is, and which memory can be reached.
 */
#include "kernel/vm/debug.c"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support.h"

#define RAM_AT 0x10000000

static struct cpu core;
struct cpu *cpus[CORES_MAX] = {&core};

static struct plan_guest plan;
static struct vcpu vcpus[2];
static struct vcpu_soft softs[2];
static struct vm vm;
static _Alignas(struct debug) uint8_t room[sizeof(struct debug) + 2 * sizeof(struct debug_core)];
static struct debug *const d = (struct debug *)(void *)room;

/* ------------------------------------------------------------------ the processor */

static uint64_t drs[4], dropped, forgotten;
static struct vcpu_state real; /* the guest's, of the core in question */
static uint32_t stepping, writes, left, excused;
static uint8_t window[HOST_WINDOW_SIZE];
static uint64_t window_at;
static bool window_is_open;

uint64_t read_dr0(void)
{
    return drs[0];
}

uint64_t read_dr1(void)
{
    return drs[1];
}

uint64_t read_dr2(void)
{
    return drs[2];
}

uint64_t read_dr3(void)
{
    return drs[3];
}

void write_dr0(uint64_t value)
{
    drs[0] = value;
}

void write_dr1(uint64_t value)
{
    drs[1] = value;
}

void write_dr2(uint64_t value)
{
    drs[2] = value;
}

void write_dr3(uint64_t value)
{
    drs[3] = value;
}

uint64_t rdtsc(void)
{
    return 77;
}

void virt_get_state(struct vcpu *v, struct vcpu_state *state)
{
    (void)v;
    *state = real;
}

void virt_debug_state(struct vcpu *v, const struct vcpu_state *state)
{
    (void)v;
    real = *state;
    writes++;
}

void virt_debug_step(struct vcpu *v, bool on)
{
    (void)v;
    stepping = on;
}

void virt_debug_drop(struct vcpu *v, uint64_t bits)
{
    (void)v;
    dropped = bits;
}

void virt_debug_forget(struct vcpu *v, uint64_t bits)
{
    (void)v;
    forgotten = bits;
}

void virt_leave(struct vcpu *v)
{
    (void)v;
    left++;
}

void watchdog_excuse(struct vm *of, uint64_t now)
{
    assert_ptr_equal(of, &vm);
    assert_int_equal(now, 77);
    excused++;
}

void kick_send(struct vcpu *v, uint32_t kicks)
{
    atomic_fetch_or(&v->kick, kicks);
}

void *host_window(const struct host_core *of, hpa_t address)
{
    assert_ptr_equal(of, &core.host);
    window_is_open = true;
    window_at = address.v;
    return window + address.v % HOST_WINDOW_SIZE;
}

void host_window_close(const struct host_core *of)
{
    assert_ptr_equal(of, &core.host);
    window_is_open = false;
}

/* ------------------------------------------------------------------ the guest */

static int begin(void **state)
{
    (void)state;
    memset(&vm, 0, sizeof(vm));
    memset(room, 0, sizeof(room));
    memset(&plan, 0, sizeof(plan));
    memset(vcpus, 0, sizeof(vcpus));
    memset(drs, 0, sizeof(drs));
    real = (struct vcpu_state){.rip = 0x1000, .dr7 = DR7_RESET};
    dropped = forgotten = stepping = writes = left = excused = 0;
    vm = (struct vm){.plan = &plan, .name = "g", .vcpu_count = 2, .vcpus = vcpus, .debug = d};
    atomic_store(&vm.phase, VM_RUNNING);
    guest_map_add_ram(&plan.map, hpa(RAM_AT), 16 * MIB);
    for (uint32_t i = 0; i < 2; i++) {
        vcpus[i] = (struct vcpu){.index = i, .vm = &vm, .soft = &softs[i], .cpu = &core};
        softs[i].phase = VCPU_RUNNING;
    }
    return 0;
}

/* What a core does when it is kicked: whether it stays out. */
static bool take(uint32_t index)
{
    return debug_holds(&vcpus[index], atomic_exchange(&vcpus[index].kick, 0));
}

/* Both run, and are stopped. */
static void stop_both(void)
{
    assert_false(take(0));
    assert_false(take(1));
    debug_hold(&vm);
    assert_true(take(0));
    assert_true(take(1));
    assert_true(debug_is_stopped(&vm));
}

static const uint8_t go_on[] = {DEBUG_CONTINUE, DEBUG_CONTINUE};

static void nobody_debugs(void **state)
{
    const struct vcpu_exit x = {.exception = {.dr6 = UINT64_MAX}};

    (void)state;
    vm.debug = NULL;
    assert_false(take(0));
    assert_false(debug_takes(&vcpus[0], &x));
    assert_false(debug_is_held(&vcpus[0]));
    debug_away(&vcpus[0]);
    assert_int_equal(writes, 0);
}

static void all_are_held_and_go_on(void **state)
{
    (void)state;
    assert_false(debug_is_stopped(&vm)); /* none runs yet */
    assert_false(take(0));
    debug_hold(&vm);
    assert_int_equal(vcpus[0].kick, KICK_DEBUG);
    assert_int_equal(vcpus[1].kick, KICK_DEBUG);
    assert_false(debug_is_stopped(&vm));
    assert_true(take(0));
    assert_int_equal(left, 1);
    assert_true(debug_is_held(&vcpus[0]));
    assert_true(debug_is_stopped(&vm)); /* the other waits for a SIPI */
    assert_true(take(1));               /* which comes now: held before its first instruction */
    assert_true(debug_is_stopped(&vm));
    assert_true(take(1)); /* another kick */

    d->cores[0].state.rip = 0x2000;
    d->cores[0].is_changed = true;
    debug_let_go(&vm, go_on);
    assert_false(debug_is_stopped(&vm)); /* they have not gone yet */
    assert_false(take(0));
    assert_int_equal(real.rip, 0x2000);
    assert_false(take(1));
    assert_int_equal(excused, 2);
    assert_false(debug_is_held(&vcpus[0]));
    assert_false(debug_is_stopped(&vm));
}

static void one_steps_and_one_stays(void **state)
{
    const uint8_t acts[] = {DEBUG_STAY, DEBUG_STEP};

    (void)state;
    stop_both();
    debug_let_go(&vm, acts);
    assert_true(take(0));
    assert_false(take(1));
    assert_true(stepping);
    atomic_store(&vcpus[1].kick, VIRT_STEPPED);
    assert_true(take(1));
    assert_false(stepping);
    assert_int_equal(d->cores[1].why, DEBUG_STEPPED);
    assert_true(take(0));
    assert_true(debug_is_stopped(&vm));
}

static void a_life_that_ends(void **state)
{
    (void)state;
    stop_both();
    atomic_store(&vm.phase, VM_STOPPING);
    assert_false(debug_is_stopped(&vm));
    debug_away(&vcpus[0]);
    debug_away(&vcpus[1]);
    atomic_store(&vm.phase, VM_RUNNING);
    assert_false(debug_is_stopped(&vm));
    assert_true(take(0)); /* the next one is held at its first instruction */
    assert_true(debug_is_stopped(&vm));
    debug_end(&vm);
    assert_false(take(0));
    assert_false(take(1));
}

static bool plan_break(uint64_t address, uint8_t length, enum debug_kind kind)
{
    return debug_break(&vm, &(struct debug_break){address, length, kind});
}

/* While the guest runs: nothing is left that could hold it, with nobody there to let it go. */
static void the_debugger_leaves_at_any_time(void **state)
{
    const uint8_t acts[] = {DEBUG_STEP, DEBUG_CONTINUE};

    (void)state;
    stop_both();
    assert_true(plan_break(0x5000, 1, DEBUG_EXECUTE));
    debug_let_go(&vm, acts);
    assert_false(take(0));
    assert_true(stepping);
    assert_int_equal(drs[0], 0x5000);
    debug_end(&vm);
    assert_false(take(0));
    assert_false(stepping);
    assert_int_equal(drs[0], 0);
    assert_int_equal(real.dr7 & 0xff, DR7_RESET & 0xff);
    assert_false(take(1)); /* which was still held */
    assert_false(debug_is_held(&vcpus[0]) || debug_is_held(&vcpus[1]));
    debug_hold(&vm); /* and the next one finds both */
    assert_true(take(0));
    assert_true(take(1));
    assert_true(debug_is_stopped(&vm));
}

static void breakpoints_are_planted_and_taken_back(void **state)
{
    struct vcpu_exit x = {.exception = {.vector = VECTOR_DB, .dr6 = 1}};

    (void)state;
    real.dr7 = DR7_RESET | 1; /* the guest has one of its own */
    drs[0] = 0x111;
    drs[1] = 0x222;
    stop_both();
    assert_true(plan_break(0x5000, 1, DEBUG_EXECUTE));
    assert_true(plan_break(0x5000, 1, DEBUG_EXECUTE)); /* is there */
    assert_true(plan_break(0x6008, 8, DEBUG_WRITE));
    assert_true(plan_break(0x7004, 4, DEBUG_ACCESS));
    assert_false(plan_break(0x8000, 1, DEBUG_EXECUTE)); /* no register is left */
    assert_int_equal(d->break_count, 3);
    debug_let_go(&vm, go_on);
    assert_false(take(0));
    assert_int_equal(drs[0], 0x111);
    assert_int_equal(drs[1], 0x5000);
    assert_int_equal(drs[3], 0x7004);
    assert_int_equal(real.dr7, DR7_RESET | 1 | 0xa8 | 0xf9000000);
    assert_int_equal(forgotten, 0xe);
    assert_int_equal(dropped, 0); /* it came out of no #DB */

    assert_false(debug_takes(&vcpus[0], &x)); /* the guest's own */
    x.exception.dr6 = 4;
    assert_true(debug_takes(&vcpus[0], &x));
    assert_int_equal(dropped, 4);
    assert_int_equal(d->cores[0].why, DEBUG_MET);
    assert_int_equal(d->cores[0].met.address, 0x6008);
    drs[3] = 0x333; /* the guest has written to it */
    assert_true(take(0));
    assert_int_equal(drs[1], 0x222);
    assert_int_equal(drs[2], 0);
    assert_int_equal(drs[3], 0x333);
    assert_int_equal(real.dr7 & 0x3f, 1);
}

static void breakpoints_come_and_go(void **state)
{
    (void)state;
    assert_true(plan_break(0x1, 1, DEBUG_EXECUTE)); /* nobody runs: all four are free */
    debug_unbreak(&vm, &(struct debug_break){0x2, 1, DEBUG_EXECUTE});
    debug_unbreak(&vm, &(struct debug_break){0x1, 1, DEBUG_WRITE});
    assert_int_equal(d->break_count, 1);
    assert_true(plan_break(0x2, 1, DEBUG_WRITE));
    debug_unbreak(&vm, &(struct debug_break){0x1, 1, DEBUG_EXECUTE});
    assert_int_equal(d->breaks[0].address, 2);
    assert_false(plan_break(0x1, 2, DEBUG_EXECUTE));
    assert_false(plan_break(0x1, 2, DEBUG_WRITE));
    assert_false(plan_break(0x1, 3, DEBUG_ACCESS));
    assert_true(plan_break(0x4, 2, DEBUG_ACCESS));
    assert_int_equal(d->break_count, 2);
    /* Taken by the guest since: what finds no register is left out. */
    real.dr7 = DR7_RESET | 0xff;
    assert_false(take(0));
    assert_int_equal(real.dr7, DR7_RESET | 0xff);
}

static void memory_is_the_guests_own(void **state)
{
    uint8_t bytes[16] = {1, 2, 3};
    const hpa_t foreign = hpa(0x40000000);

    (void)state;
    guest_map_add_disk(&plan.map, hpa(0x20000000), 4096, true, "disk");
    guest_map_add_shared(&plan.map, gpa(3 * GIB), foreign, 4096, false, "link");
    guest_map_add_device(&plan.map, gpa(3 * GIB + 8192), foreign, 4096, "card");
    assert_int_equal(debug_read(&vm, gpa(0), bytes, 1), 0); /* it is not stopped */
    stop_both();
    assert_int_equal(debug_write(&vm, gpa(0x1234), bytes, 3), 3);
    assert_memory_equal(window + 0x1234, bytes, 3);
    assert_int_equal(window_at, RAM_AT + 0x1234);
    assert_false(window_is_open);
    assert_int_equal(debug_read(&vm, gpa(0x1235), bytes, 2), 2);
    assert_int_equal(bytes[1], 3);

    assert_int_equal(debug_read(&vm, gpa(2 * MIB - 1), bytes, 4), 4); /* by two windows */
    assert_int_equal(window_at, RAM_AT + 2 * MIB);
    assert_int_equal(debug_read(&vm, gpa(16 * MIB - 2), bytes, 4), 2); /* and there it ends */
    assert_int_equal(debug_read(&vm, gpa(UINT64_MAX), bytes, 4), 0);
    assert_int_equal(debug_read(&vm, gpa(128 * MIB), bytes, 4), 4); /* the disk */
    assert_int_equal(debug_write(&vm, gpa(128 * MIB), bytes, 4), 0);
    assert_int_equal(debug_read(&vm, gpa(3 * GIB), bytes, 4), 0);
    assert_int_equal(debug_write(&vm, gpa(3 * GIB), bytes, 4), 0);
    assert_int_equal(debug_read(&vm, gpa(3 * GIB + 8192), bytes, 4), 0);
}

int main(void)
{
    core.self = &core; /* this_cpu() */
    if (syscall(SYS_arch_prctl, ARCH_SET_GS, &core) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nobody_debugs, begin),
        cmocka_unit_test_setup(all_are_held_and_go_on, begin),
        cmocka_unit_test_setup(one_steps_and_one_stays, begin),
        cmocka_unit_test_setup(a_life_that_ends, begin),
        cmocka_unit_test_setup(the_debugger_leaves_at_any_time, begin),
        cmocka_unit_test_setup(breakpoints_are_planted_and_taken_back, begin),
        cmocka_unit_test_setup(breakpoints_come_and_go, begin),
        cmocka_unit_test_setup(memory_is_the_guests_own, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
