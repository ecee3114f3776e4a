/* SPDX-License-Identifier: MIT */
/*
 * test_confirm: who may ask for a set of files to be kept, and when the firmware is called for it:
 * once, on core 0, and never while a guest's registers are in that core.
 */
#include "kernel/core/confirm.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/core/runtime.h"
#include "support.h"

#include "kernel/core/confirm.c"

struct cpu *cpus[CORES_MAX];
static struct cpu cores[2];
static uint32_t calls, kicks;
static uint64_t answer, now;
static bool core_0_works; /* it looks when it is kicked */

uint64_t rdtsc(void)
{
    return now += BIT64(20);
}

void cpu_pause(void)
{
}

void cores_kick(struct cpu *cpu)
{
    assert_ptr_equal(cpu, &cores[0]);
    kicks++;
    if (core_0_works)
        confirm_look(false);
}

uint64_t runtime_set_variable(const uint16_t *name, const uint8_t guid[16], uint32_t attributes,
                              uint64_t size, const void *data)
{
    const struct next_record *r = data;

    calls++;
    assert_ptr_equal(name, next_confirmed_name);
    assert_ptr_equal(guid, next_guid);
    assert_int_equal(attributes, NEXT_ATTRIBUTES);
    assert_int_equal(size, sizeof(*r));
    assert_true(r->magic == NEXT_MAGIC && r->version == NEXT_VERSION && r->id == 77);
    return answer;
}

const char *runtime_words(uint64_t status)
{
    return status == 9 ? "no room" : NULL;
}

/* On which core what follows runs. */
static void on_core(uint32_t core)
{
    cores[core] = (struct cpu){.self = &cores[core], .id = core, .vcpu = cores[core].vcpu};
    assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, &cores[core]), 0); /* this_cpu() */
}

static int begin(void **state)
{
    (void)state;
    lines_clear();
    cpus[0] = &cores[0];
    cores[0].vcpu = NULL;
    confirm_tried = false;
    confirm_cannot = NULL;
    atomic_store(&confirm_state, CONFIRM_NOT_ASKED);
    calls = kicks = 0;
    answer = now = 0;
    core_0_works = true;
    on_core(0);
    return 0;
}

static void nothing_to_confirm(void **state)
{
    const char *why;

    (void)state;
    assert_false(confirm_is_tried(&why));
    for (int i = 0; i < 2; i++) {
        assert_false(confirm_is_wanted());
        confirm_ask("somebody");
        confirm_look(true);
        confirm_before_end();
        assert_int_equal(calls + lines_count(), 0);
        confirm_init(77, "the firmware lacks it");
        assert_true(confirm_is_tried(&why));
        assert_string_equal(why, "the firmware lacks it");
    }
}

static void once_and_when_free(void **state)
{
    (void)state;
    confirm_init(77, NULL);
    confirm_look(true);
    assert_int_equal(calls, 0); /* nobody has asked */
    confirm_ask("the operator");
    confirm_ask("guest 'a'");
    assert_int_equal(lines_count(), 1);
    assert_string_equal(lines_last(0), "\\bulkhead\\next is confirmed by the operator");
    confirm_look(false);
    assert_int_equal(calls, 0);
    assert_false(confirm_is_stored());
    confirm_look(true);
    assert_int_equal(calls, 1);
    assert_true(confirm_is_stored() && !confirm_is_wanted());
    confirm_ask("guest 'a'");
    confirm_look(true);
    confirm_before_end();
    assert_int_equal(calls, 1);
    assert_int_equal(lines_count(), 2);
}

static void told_when_it_takes_long(void **state)
{
    (void)state;
    cores[0].vcpu = (struct vcpu *)&cores; /* any */
    confirm_init(77, NULL);
    confirm_ask("the operator");
    assert_true(lines_contain("no core is kept for the monitor, so this is stored when all guests "
                              "have ended"));
}

static void what_fails_can_be_asked_again(void **state)
{
    (void)state;
    confirm_init(77, NULL);
    confirm_ask("the operator");
    answer = 9;
    confirm_look(true);
    assert_string_equal(lines_last(0),
                        "\\bulkhead\\next stays unconfirmed: SetVariable failed: no room");
    assert_true(confirm_is_wanted());
    confirm_ask("the operator");
    answer = 0x8000000000000063;
    confirm_look(true);
    assert_string_equal(lines_last(0),
                        "\\bulkhead\\next stays unconfirmed: SetVariable failed: EFI "
                        "error 0x8000000000000063");
    confirm_ask("the operator");
    answer = 0;
    confirm_look(true);
    assert_true(confirm_is_stored());
    assert_int_equal(calls, 3);
}

/* The machine ends: on core 0 at once, from another core by way of core 0, which may be dead. */
static void at_the_end(void **state)
{
    (void)state;
    confirm_init(77, NULL);
    confirm_before_end();
    assert_int_equal(calls, 0);
    confirm_ask("guest 'a'");
    confirm_before_end();
    assert_int_equal(calls, 1);
    assert_int_equal(kicks, 0);

    begin(NULL);
    confirm_init(77, NULL);
    confirm_ask("guest 'a'");
    on_core(1);
    confirm_before_end();
    assert_true(kicks == 1 && calls == 1 && confirm_is_stored());

    begin(NULL);
    confirm_init(77, NULL);
    confirm_ask("guest 'a'");
    core_0_works = false;
    on_core(1);
    confirm_before_end(); /* and it does not wait without end */
    assert_true(kicks == 1 && calls == 0 && !confirm_is_stored());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_to_confirm, begin),
        cmocka_unit_test_setup(once_and_when_free, begin),
        cmocka_unit_test_setup(told_when_it_takes_long, begin),
        cmocka_unit_test_setup(what_fails_can_be_asked_again, begin),
        cmocka_unit_test_setup(at_the_end, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
