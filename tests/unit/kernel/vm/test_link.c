/* SPDX-License-Identifier: MIT */
/*
 * test_link: when windows are cleared and who is told of what, over lives of three guests that
 * share two links; that a doorbell reaches the one core that wants it; and, with a thread for each
 * core, that who starts while another core clears finds zeroes.
 */
#include <pthread.h>
#include <sched.h>

#include "recorder.h"

#include "kernel/vm/link.c"
#include "kernel/vm/message.c"

#define GUESTS 3

static struct config config;
static struct plan plan;
static struct vm vms[GUESTS];
static struct vm *vm_list[GUESTS];
static struct vcpu vcpus[GUESTS];
static struct vcpu_soft softs[GUESTS];

static uint32_t scrubs, sent, sent_to, sent_value;
static uint64_t scrubbed_at;
static bool may_scrub;

/* Neither the lock is held nor has anybody the window. */
static void scrub_looks(struct range host)
{
    struct link *link = vms[0].ends[0].link;

    assert_true(may_scrub);
    assert_true(lock_try(&link->lock));
    lock_release(&link->lock);
    assert_int_equal(atomic_load(&link->alive), 0);
    scrubs++;
    scrubbed_at = host.base;
}

static void (*on_scrub)(struct range host);

void memory_scrub(struct range host)
{
    on_scrub(host);
}

void lapic_write_icr(uint32_t apic_id, uint32_t command)
{
    sent++;
    sent_to = apic_id;
    sent_value = command;
}

void *pages_get(struct pages *pages, uint64_t count, uint64_t align)
{
    static ALIGNED(64) uint8_t memory[4 * PAGE_SIZE];

    (void)align;
    assert_true(count * PAGE_SIZE <= sizeof(memory));
    memset(memory, 0, sizeof(memory));
    return pages ? memory : NULL;
}

static void add_end(uint32_t guest, uint32_t link, uint32_t side, uint64_t at)
{
    struct plan_guest *g = &plan.guests[guest];

    config.links[link].sides[side].guest = guest;
    g->ends[g->end_count++] = (struct plan_end){.link = link, .side = side, .at = gpa(at)};
}

/* Link 0 joins guests 0 and 1 and has a window, link 1 joins 2, 0 and 1 and has none. */
static int setup(void **state)
{
    static struct pages some;

    (void)state;
    recorder_clear();
    scrubs = sent = 0;
    may_scrub = true;
    on_scrub = scrub_looks;
    memset(&config, 0, sizeof(config));
    memset(&plan, 0, sizeof(plan));
    memset(vms, 0, sizeof(vms));
    memset(softs, 0, sizeof(softs));
    config.links[0] = (struct config_link){.side_count = 2, .memory = 64 * KIB};
    config.links[1] = (struct config_link){.side_count = 3};
    plan.guest_count = GUESTS;
    plan.link_count = 2;
    plan.links[0] = (struct plan_link){.config = &config.links[0], .to = hpa(0x700000)};
    plan.links[1] = (struct plan_link){.config = &config.links[1]};
    add_end(0, 0, 0, 0xc0000000);
    add_end(1, 0, 1, 0xc0000000);
    add_end(2, 1, 0, 0);
    add_end(0, 1, 1, 0);
    add_end(1, 1, 2, 0);
    for (uint32_t g = 0; g < GUESTS; g++) {
        vcpus[g] = (struct vcpu){.soft = &softs[g]};
        softs[g].peers = (struct vapic_peers){.count = 1, .apic_ids = {10 + g}};
        vms[g].plan = &plan.guests[g];
        vms[g].vcpus = &vcpus[g];
        vm_list[g] = &vms[g];
    }
    assert_int_equal(link_build(&plan, vm_list, &some), OK);
    return 0;
}

static void start(uint32_t guest)
{
    vpci_reset(&vms[guest].pci);
    atomic_store(&vms[guest].phase, VM_RUNNING);
    link_enter(&vms[guest]);
}

static void end(uint32_t guest)
{
    atomic_store(&vms[guest].phase, VM_STOPPING);
    link_leave(&vms[guest]);
    link_clear_left(&vms[guest]);
}

/* The guest wants `vector` of its end. */
static void wish(uint32_t guest, uint32_t index, uint32_t vector, bool peers)
{
    vlink_set_peers(&vms[guest].ends[index].device, peers);
    vpci_set_message(&vms[guest].pci.slots[VPCI_LINK + index], vmsi_address(10 + guest), vector);
}

static void no_memory(void **state)
{
    (void)state;
    memset(vms[0].ends, 0, sizeof(vms[0].ends));
    vms[0].end_count = 0;
    assert_int_equal(link_build(&plan, vm_list, NULL), E_NOMEM);
    plan.link_count = 0;
    assert_int_equal(link_build(&plan, vm_list, NULL), OK);
}

static void ends_are_found(void **state)
{
    (void)state;
    start(0);
    assert_int_equal(vms[0].end_count, 2);
    assert_int_equal(vms[0].pci.slots[VPCI_LINK].identity->bars[2].value, 0xc0000008);
    assert_int_equal(vms[0].pci.slots[VPCI_LINK].identity->bars[2].size, 64 * KIB);
    assert_int_equal(vms[0].pci.slots[VPCI_LINK + 1].identity->bars[2].value, 0);
    assert_null(vms[0].pci.slots[VPCI_LINK + 2].identity);
    assert_int_equal(vms[0].ends[1].device.side, 1);
    assert_int_equal(vms[0].ends[1].device.side_count, 3);
    start(2);
    assert_int_equal(vms[2].end_count, 1);
    assert_int_equal(vlink_in(&vms[2].ends[0].device, VLINK_PORT + VLINK_ALIVE), 3);
}

/* Before its first guest starts, and when the last has ended; never while one runs. */
static void windows_are_cleared(void **state)
{
    (void)state;
    start(0);
    assert_int_equal(scrubs, 1);
    assert_int_equal(scrubbed_at, 0x700000);
    may_scrub = false;
    start(1);
    end(0);
    start(0);
    end(1);
    start(2);
    start(1);
    end(1);
    may_scrub = true;
    end(0);
    assert_int_equal(scrubs, 2);
    may_scrub = false; /* it is clear */
    start(1);
    may_scrub = true;
    end(1);
    assert_int_equal(scrubs, 3);
}

static void who_is_alive(void **state)
{
    const struct vlink *mine = &vms[1].ends[1].device;

    (void)state;
    start(1);
    assert_int_equal(vlink_in(mine, VLINK_PORT + VLINK_ALIVE), 4);
    start(0);
    start(2);
    assert_int_equal(vlink_in(mine, VLINK_PORT + VLINK_ALIVE), 7);
    end(0);
    assert_int_equal(vlink_in(mine, VLINK_PORT + VLINK_ALIVE), 5);
    assert_int_equal(vlink_in(&vms[1].ends[0].device, VLINK_PORT + VLINK_ALIVE), 2);
}

static void doorbells_ring(void **state)
{
    (void)state;
    start(0);
    start(1);
    link_ring(&vms[0], 0, 1); /* nobody has asked for it */
    assert_int_equal(sent, 0);
    wish(1, 0, 0x55, false);
    link_ring(&vms[0], 0, 1);
    assert_int_equal(sent, 1);
    assert_int_equal(sent_to, 11);
    assert_int_equal(sent_value, 0x4055);
    link_ring(&vms[0], 1, 2); /* another link of the two, whose vector is off */
    link_ring(&vms[0], 0, 0); /* its own, which it does not want */
    assert_int_equal(sent, 1);
    wish(0, 0, 0x44, false);
    link_ring(&vms[0], 0, 0);
    assert_int_equal(sent, 2);
    assert_int_equal(sent_to, 10);
    end(1);
    link_ring(&vms[0], 0, 1);
    assert_int_equal(sent, 2);
    start(1); /* has asked for nothing in this life */
    link_ring(&vms[0], 0, 1);
    assert_int_equal(sent, 2);
}

static void peers_are_told(void **state)
{
    (void)state;
    start(0);
    wish(0, 0, 0x40, true);
    wish(0, 1, 0x41, false);
    start(2);
    assert_int_equal(sent, 0);
    start(1);
    assert_int_equal(sent, 1);
    assert_int_equal(sent_value, 0x4040);
    end(1);
    assert_int_equal(sent, 2);
    wish(0, 1, 0x41, true);
    end(2);
    assert_int_equal(sent, 3);
    assert_int_equal(sent_value, 0x4041);
    end(0); /* nobody is told of itself */
    assert_int_equal(sent, 3);
}

/* What a guest writes as its message's target is no core of another guest. */
static void messages_stay_at_home(void **state)
{
    (void)state;
    start(0);
    start(1);
    vpci_set_message(&vms[1].pci.slots[VPCI_LINK], vmsi_address(10), 0x55);
    link_ring(&vms[0], 0, 1);
    vpci_set_message(&vms[1].pci.slots[VPCI_LINK], vmsi_address(11), 0x1f);
    link_ring(&vms[0], 0, 1);
    vpci_set_message(&vms[1].pci.slots[VPCI_LINK], vmsi_address(11), 0x455);
    link_ring(&vms[0], 0, 1);
    assert_int_equal(sent, 0);
}

/* ------------------------------------------------------------------ cores at once */

static _Atomic uint64_t window[64 * KIB / sizeof(uint64_t)]; /* link 0's */
static _Atomic bool scrub_waits, scrub_is_on;
static _Atomic uint32_t entered, found_dirt;

/* As long as the test wants it to take. */
static void scrub_window(struct range host)
{
    (void)host;
    scrubs++;
    scrub_is_on = true;
    while (scrub_waits)
        sched_yield();
    for (size_t i = 0; i < ARRAY_SIZE(window); i++)
        window[i] = 0;
    scrub_is_on = false;
}

static void *core_enters(void *vm)
{
    link_enter(vm);
    for (size_t i = 0; i < ARRAY_SIZE(window); i++)
        found_dirt += window[i] != 0 || scrub_is_on;
    entered++;
    return NULL;
}

static void *core_leaves(void *vm)
{
    link_leave(vm);
    link_clear_left(vm);
    return NULL;
}

static pthread_t core_starts(void *(*what)(void *vm), uint32_t guest)
{
    pthread_t core;

    assert_int_equal(pthread_create(&core, NULL, what, &vms[guest]), 0);
    return core;
}

/* `clearing` does so until it is told to go on: guest 1 starts meanwhile and waits; guest 2, which
 * has another link with the two, comes and goes. */
static void check_that_it_waits(pthread_t clearing)
{
    while (!scrub_is_on)
        sched_yield();
    pthread_join(core_starts(core_enters, 2), NULL);
    pthread_join(core_starts(core_leaves, 2), NULL);
    assert_int_equal(entered, 1);
    found_dirt = 0;
    const uint64_t begin = recorder.tsc;
    const pthread_t waiting = core_starts(core_enters, 1);
    while (entered == 1 && *(volatile uint64_t *)&recorder.tsc - begin < 1000) /* its pauses */
        sched_yield();
    assert_int_equal(entered, 1);
    scrub_waits = false;
    pthread_join(clearing, NULL);
    pthread_join(waiting, NULL);
    assert_int_equal(found_dirt, 0);
}

static void who_starts_waits_for_the_last_ones_clearing(void **state)
{
    (void)state;
    start(0);
    on_scrub = scrub_window;
    scrubs = 0;
    entered = 0;
    window[0] = window[ARRAY_SIZE(window) - 1] = 1;
    scrub_waits = true;
    check_that_it_waits(core_starts(core_leaves, 0));
    assert_int_equal(entered, 2);
    assert_int_equal(scrubs, 1);
    assert_int_equal(vms[0].ends[0].link->alive, 2);
}

static void who_starts_waits_for_the_first_ones_clearing(void **state)
{
    (void)state;
    on_scrub = scrub_window;
    entered = 0;
    window[0] = window[ARRAY_SIZE(window) - 1] = 1;
    scrub_waits = true;
    check_that_it_waits(core_starts(core_enters, 0));
    assert_int_equal(entered, 3);
    assert_int_equal(scrubs, 1);
    assert_int_equal(vms[0].ends[0].link->alive, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(no_memory, setup),
        cmocka_unit_test_setup(ends_are_found, setup),
        cmocka_unit_test_setup(windows_are_cleared, setup),
        cmocka_unit_test_setup(who_is_alive, setup),
        cmocka_unit_test_setup(doorbells_ring, setup),
        cmocka_unit_test_setup(peers_are_told, setup),
        cmocka_unit_test_setup(messages_stay_at_home, setup),
        cmocka_unit_test_setup(who_starts_waits_for_the_last_ones_clearing, setup),
        cmocka_unit_test_setup(who_starts_waits_for_the_first_ones_clearing, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
