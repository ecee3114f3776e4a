/* SPDX-License-Identifier: MIT */
/*
 * test_cable: bytes between two guests' UARTs, what a life leaves behind, and who is interrupted.
 */
#include "kernel/vm/cable.c"

#include "lib/uart16550.h"
#include "support.h"

static struct vm a, b;
static uint32_t messages[2];
static ALIGNED(4096) uint8_t memory[2 * sizeof(struct cable) + 4096];

void message_send(const struct vm *vm, const struct vpci_function *f)
{
    assert_ptr_equal(f, &vm->pci.slots[VPCI_CABLE]);
    messages[vm == &b]++;
}

void *pages_get(struct pages *pages, uint64_t count, uint64_t align)
{
    (void)align;
    assert_true(count * PAGE_SIZE <= sizeof(memory));
    memset(memory, 0, sizeof(memory));
    return pages ? memory : NULL;
}

static void start(struct vm *vm)
{
    atomic_store(&vm->phase, VM_RUNNING);
    vpci_reset(&vm->pci);
    cable_enter(vm);
}

static int setup(void **state)
{
    static struct pages some;

    (void)state;
    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    memset(messages, 0, sizeof(messages));
    assert_int_equal(cable_build(&a, &b, &some), OK);
    start(&a);
    start(&b);
    return 0;
}

static void send(struct vm *vm, const char *text)
{
    for (; *text; text++)
        cable_out(vm->cable, UART_DATA, (uint8_t)*text);
}

static void expect(struct vm *vm, const char *text)
{
    for (; *text; text++) {
        assert_true(cable_in(vm->cable, UART_LSR) & LSR_DATA);
        assert_int_equal(cable_in(vm->cable, UART_DATA), *text);
    }
    assert_false(cable_in(vm->cable, UART_LSR) & LSR_DATA);
}

static void both_ways(void **state)
{
    (void)state;
    send(&a, "hello");
    send(&b, "and you");
    expect(&b, "hello");
    expect(&a, "and you");
    expect(&a, "");
}

static void the_functions(void **state)
{
    (void)state;
    assert_ptr_equal(a.pci.slots[VPCI_CABLE].identity, &vpci_cable);
    assert_int_equal(vpci_cable.bars[0].value, 0x2f9);
    cable_enter(&(struct vm){0}); /* who has none */
    cable_tick(&(struct vm){0});
    assert_int_equal(cable_build(&a, &b, NULL), E_NOMEM);
}

/* All that fits waits; then the transmitter is not empty, and nothing is lost. */
static void as_fast_as_it_is_read(void **state)
{
    uint32_t sent = 0, got = 0;

    (void)state;
    while (cable_in(a.cable, UART_LSR) & LSR_ROOM)
        cable_out(a.cable, UART_DATA, (uint8_t)(sent++ * 7));
    assert_in_range(sent, 16 * KIB, 64 * KIB);
    for (uint32_t i = 0; i < 100000; i++) {
        if (cable_in(a.cable, UART_LSR) & LSR_ROOM)
            cable_out(a.cable, UART_DATA, (uint8_t)(sent++ * 7));
        if (cable_in(b.cable, UART_LSR) & LSR_DATA)
            assert_int_equal(cable_in(b.cable, UART_DATA), (uint8_t)(got++ * 7));
    }
    while (cable_in(b.cable, UART_LSR) & LSR_DATA)
        assert_int_equal(cable_in(b.cable, UART_DATA), (uint8_t)(got++ * 7));
    assert_int_equal(got, sent);
}

static void who_is_interrupted(void **state)
{
    (void)state;
    send(&a, "x");
    assert_int_equal(messages[0] + messages[1], 0); /* nobody asked */
    cable_out(b.cable, UART_IER, IER_DATA);
    assert_int_equal(messages[1], 1); /* it waits already */
    expect(&b, "x");
    assert_true(cable_in(b.cable, UART_IIR) & IIR_NONE);
    send(&a, "y");
    assert_int_equal(messages[1], 2);
    send(&a, "z"); /* the line is high */
    assert_int_equal(messages[1], 2);
    assert_int_equal(messages[0], 0);
    cable_out(a.cable, UART_IER, IER_EMPTY);
    assert_int_equal(messages[0], 1);
    cable_reroute(b.cable); /* whoever the message goes to now has to be told */
    assert_int_equal(messages[1], 3);
    for (uint32_t i = 0; i < 4; i++)
        cable_tick(&b); /* nobody reads IIR */
    assert_in_range(messages[1], 4, 5);
}

/* A life finds nothing of the one before; and what is sent to nobody is lost. */
static void between_lives(void **state)
{
    (void)state;
    send(&a, "old");
    cable_out(b.cable, UART_IER, IER_DATA);
    atomic_store(&b.phase, VM_STOPPING);
    send(&a, "lost");
    assert_true(cable_in(a.cable, UART_LSR) & LSR_ROOM);
    start(&b);
    expect(&b, "");
    assert_int_equal(cable_in(b.cable, UART_IER), 0);
    send(&a, "new");
    expect(&b, "new");
    send(&b, "unread");
    start(&a);
    expect(&a, "");
    /* What waited for room goes with the life that sent it. */
    for (uint32_t i = 0; i < 1000; i++)
        cable_out(b.cable, UART_DATA, '.');
    start(&b);
    start(&a);
    expect(&a, "");
    send(&b, "!");
    expect(&a, "!");
    /* As does what the other side could not send to it. */
    for (uint32_t i = 0; i < 1000; i++)
        cable_out(b.cable, UART_DATA, '.');
    start(&a);
    expect(&a, "");
    send(&b, "?");
    expect(&a, "?");
}

/* Whoever holds the lock moves what others leave there. */
static void a_tick_moves_the_rest(void **state)
{
    (void)state;
    lock_take(&a.cable->moving);
    send(&a, "held");
    expect(&b, "");
    lock_release(&a.cable->moving);
    cable_tick(&a);
    expect(&b, "held");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(both_ways, setup),
        cmocka_unit_test_setup(the_functions, setup),
        cmocka_unit_test_setup(as_fast_as_it_is_read, setup),
        cmocka_unit_test_setup(who_is_interrupted, setup),
        cmocka_unit_test_setup(between_lives, setup),
        cmocka_unit_test_setup(a_tick_moves_the_rest, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
