/* SPDX-License-Identifier: MIT */
/*
 * test_ring_steps: every way in which one core can be overtaken in the middle of a ring operation
 * by another core's whole operations, one after the other and without threads: behind each atomic
 * access of lib/ring.c a hook may run. What threads meet once in a million is met here each time.
 */
#include <stdatomic.h>

#include "support.h"

static uint32_t hook(uint32_t value);

static uint32_t really_exchanged_if(_Atomic uint32_t *p, uint32_t *want, uint32_t value)
{
    return atomic_compare_exchange_strong(p, want, value) ? 1 : 0;
}

static uint32_t really_exchanged(_Atomic uint32_t *p, uint32_t value)
{
    return atomic_exchange(p, value);
}

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_compare_exchange_weak_explicit
#undef atomic_compare_exchange_strong_explicit
#undef atomic_exchange_explicit
#define atomic_load_explicit(p, order) hook(*(p))
#define atomic_store_explicit(p, v, order) \
    do {                                   \
        *(p) = (v);                        \
        hook(0);                           \
    } while (0)
#define atomic_compare_exchange_weak_explicit(p, want, v, yes, no) \
    hook(really_exchanged_if(p, want, v))
#define atomic_compare_exchange_strong_explicit(p, want, v, yes, no) \
    hook(really_exchanged_if(p, want, v))
#define atomic_exchange_explicit(p, v, order) hook(really_exchanged(p, v))

/* A byte that went through hook() is 32 bits wide. */
#pragma GCC diagnostic ignored "-Wconversion"
#include "lib/ring.c"
#include "tests/unit/tx_put.h"

#define WORDS     (TX_RECORD_MAX / 8)
#define STEPS_MAX 64

static struct tx_ring tx;
static struct rx_ring rx;

/* What was put and what came out, by number: each number exactly once, or never. */
static unsigned put_times[4096], got_times[4096];
static unsigned next_number;

static void (*other)(void); /* the other core's part */
static unsigned countdown;  /* hooks until it comes; 0 when it has been */

static uint32_t hook(uint32_t value)
{
    if (countdown > 0 && --countdown == 0)
        other();
    return value;
}

static bool put(void)
{
    uint64_t words[WORDS];
    unsigned number = next_number++;
    for (size_t i = 0; i < WORDS; i++)
        words[i] = number * (2 * i + 1);
    bool done = tx_put(&tx, words, 8 + number % 41);
    put_times[number] += done;
    return done;
}

static bool get(void)
{
    uint8_t out[TX_RECORD_MAX];
    uint64_t words[WORDS];
    size_t len = tx_get(&tx, out);
    if (len == 0)
        return false;
    memcpy(words, out, sizeof(words));
    assert_in_range(words[0], 0, next_number - 1);
    assert_int_equal(len, 8 + words[0] % 41);
    for (size_t i = 1; i < WORDS; i++)
        assert_int_equal(words[i], words[0] * (2 * i + 1));
    got_times[words[0]]++;
    return true;
}

static void start(unsigned filled)
{
    memset(put_times, 0, sizeof(put_times));
    memset(got_times, 0, sizeof(got_times));
    next_number = 0;
    tx_init(&tx);
    for (unsigned i = 0; i < filled; i++)
        assert_true(put());
}

/* Whatever happened: all that was accepted is there, whole and once; nothing else is. */
static void finish(void)
{
    while (get())
        ;
    for (unsigned i = 0; i < next_number; i++)
        assert_int_equal(got_times[i], put_times[i]);
    for (unsigned i = 0; i < TX_RING_RECORDS; i++) /* and the queue is as good as new */
        assert_true(put());
    assert_false(put());
}

/* Runs `mine` with `theirs` at each of its steps in turn, from `filled` records on. */
static void tx_overtaken(unsigned filled, bool (*mine)(void), void (*theirs)(void),
                         bool (*expected)(void))
{
    unsigned step = 0;
    other = theirs;
    do {
        assert_in_range(++step, 1, STEPS_MAX);
        start(filled);
        countdown = step;
        bool done = mine();
        if (countdown != 0)
            break; /* it has fewer steps than that */
        if (expected != NULL)
            assert_int_equal(done, expected());
        finish();
    } while (true);
    countdown = 0;
    assert_in_range(step, 2, STEPS_MAX); /* the hook is in there at all */
}

static bool yes(void)
{
    return true;
}

static void they_put(void)
{
    assert_true(put());
}

static void they_get(void)
{
    (void)get();
}

static void they_try_to_put(void)
{
    (void)put();
}

static void they_go_round(void)
{
    for (int i = 0; i < TX_RING_RECORDS + 3; i++) {
        (void)put();
        (void)get();
    }
}

static void they_fill(void)
{
    while (put())
        ;
}

static bool unless_theirs_was(void)
{
    return put_times[TX_RING_RECORDS] == 0; /* one place for two: theirs is the later number */
}

static void test_put_by_put(void **state)
{
    (void)state;
    tx_overtaken(0, put, they_put, yes);
    tx_overtaken(100, put, they_put, yes);
    tx_overtaken(TX_RING_RECORDS - 2, put, they_put, yes);
    tx_overtaken(TX_RING_RECORDS - 1, put, they_try_to_put, unless_theirs_was);
    tx_overtaken(0, put, they_fill, NULL);
}

static void test_put_by_get(void **state)
{
    (void)state;
    tx_overtaken(0, put, they_get, yes);
    tx_overtaken(TX_RING_RECORDS - 1, put, they_get, yes);
    tx_overtaken(TX_RING_RECORDS, put, they_get, NULL);
}

/* Their whole laps make mine's first look at the queue as stale as can be. */
static void test_put_by_laps(void **state)
{
    (void)state;
    tx_overtaken(0, put, they_go_round, NULL);
    tx_overtaken(7, put, they_go_round, NULL);
    tx_overtaken(TX_RING_RECORDS, put, they_go_round, NULL);
}

static void test_get_by_put(void **state)
{
    (void)state;
    tx_overtaken(0, get, they_put, NULL);
    tx_overtaken(1, get, they_put, yes);
    tx_overtaken(TX_RING_RECORDS, get, they_try_to_put, yes);
    tx_overtaken(1, get, they_fill, yes);
}

/* Bytes that share a record: what comes out is what went in, in that order. */
static char text_in[64], text_out[64];

static bool append(void)
{
    const size_t len = strlen(text_in);
    const char byte = (char)('a' + len);

    if (!tx_append(&tx, (uint8_t)byte))
        return false;
    text_in[len] = byte;
    return true;
}

static bool take_record(void)
{
    uint8_t out[TX_RECORD_MAX];
    const size_t len = tx_get(&tx, out);

    memcpy(text_out + strlen(text_out), out, len);
    return len > 0;
}

static void they_take_record(void)
{
    (void)take_record();
}

static void they_mark(void)
{
    (void)tx_place(&tx);
}

static void expect_all(unsigned filled)
{
    (void)filled;
    assert_true(append());
    while (take_record())
        ;
    assert_string_equal(text_out, text_in);
}

/* Runs `mine` with `theirs` at each of its steps in turn, behind `filled` bytes. */
static void bytes_overtaken(unsigned filled, bool (*mine)(void), void (*theirs)(void),
                            void (*check)(unsigned filled))
{
    unsigned step = 0;

    other = theirs;
    do {
        assert_in_range(++step, 1, STEPS_MAX);
        tx_init(&tx);
        memset(text_in, 0, sizeof(text_in));
        memset(text_out, 0, sizeof(text_out));
        for (unsigned i = 0; i < filled; i++)
            assert_true(append());
        countdown = step;
        const bool done = mine();
        if (countdown != 0)
            break;
        assert_true(done || mine != append);
        check(filled);
    } while (true);
    countdown = 0;
    assert_in_range(step, 2, STEPS_MAX);
}

static void test_bytes(void **state)
{
    (void)state;
    for (unsigned filled = 0; filled < 4; filled++) {
        bytes_overtaken(filled, append, they_take_record, expect_all);
        bytes_overtaken(filled, append, they_mark, expect_all);
        bytes_overtaken(filled, take_record, they_mark, expect_all);
    }
    bytes_overtaken(TX_RECORD_MAX - 1, append, they_take_record, expect_all);
    bytes_overtaken(TX_RECORD_MAX, append, they_take_record, expect_all);
}

static void they_append(void)
{
    (void)append();
}

static void test_take_by_byte(void **state)
{
    (void)state;
    for (unsigned filled = 0; filled < 4; filled++)
        bytes_overtaken(filled, take_record, they_append, expect_all);
}

/* Two that append at once may spoil a byte, but lose none, and write nowhere else. */
static void expect_spoilt(unsigned filled)
{
    while (take_record())
        ;
    assert_int_equal(strlen(text_out), filled + 2);
    assert_memory_equal(text_out, text_in, filled);
}

static void test_byte_by_byte(void **state)
{
    (void)state;
    for (unsigned filled = 0; filled < 3; filled++)
        bytes_overtaken(filled, append, they_append, expect_spoilt);
}

/* rx: how often each byte was given and taken. */
static unsigned rx_sent, rx_taken[256], rx_given[256];

static bool rx_send(void)
{
    uint8_t byte =
        (uint8_t)(1 + rx_sent + rx_sent / RX_RING_BYTES * 101); /* never what was there */
    if (!rx_put(&rx, byte))
        return false;
    rx_given[byte]++;
    rx_sent++;
    return true;
}

static bool rx_take(void)
{
    uint8_t byte;
    if (!rx_get(&rx, &byte))
        return false;
    rx_taken[byte]++;
    return true;
}

static void rx_overtaken(unsigned filled, bool (*mine)(void), void (*theirs)(void),
                         bool always_done)
{
    unsigned step = 0;
    other = theirs;
    for (;;) {
        assert_in_range(++step, 1, STEPS_MAX);
        rx_init(&rx);
        rx_sent = 0;
        memset(rx_taken, 0, sizeof(rx_taken));
        memset(rx_given, 0, sizeof(rx_given));
        for (unsigned i = 0; i < filled; i++)
            assert_true(rx_send());
        countdown = step;
        bool done = mine();
        if (countdown != 0)
            break;
        if (always_done)
            assert_true(done);
        while (rx_take())
            ;
        assert_memory_equal(rx_taken, rx_given, sizeof(rx_given));
    }
    countdown = 0;
    assert_in_range(step, 2, STEPS_MAX);
}

static void they_take(void)
{
    (void)rx_take();
}

static void they_take_all(void)
{
    while (rx_take())
        ;
}

static void they_send(void)
{
    (void)rx_send();
}

/* One whole lap and a little: the slot that I looked at holds another byte now. */
static void they_send_and_take(void)
{
    for (int i = 0; i < RX_RING_BYTES + 5; i++) {
        (void)rx_take();
        (void)rx_send();
    }
}

static void test_rx_get(void **state)
{
    (void)state;
    rx_overtaken(1, rx_take, they_take, false);
    rx_overtaken(2, rx_take, they_take, true);
    rx_overtaken(5, rx_take, they_take_all, false);
    rx_overtaken(0, rx_take, they_send, false);
    rx_overtaken(3, rx_take, they_send_and_take, true);
    rx_overtaken(RX_RING_BYTES, rx_take, they_send_and_take, true);
}

static void test_rx_put(void **state)
{
    (void)state;
    rx_overtaken(0, rx_send, they_take, true);
    rx_overtaken(RX_RING_BYTES - 1, rx_send, they_take, true);
    rx_overtaken(RX_RING_BYTES, rx_send, they_take, false);
    rx_overtaken(RX_RING_BYTES, rx_send, they_take_all, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_by_put),   cmocka_unit_test(test_put_by_get),
        cmocka_unit_test(test_put_by_laps),  cmocka_unit_test(test_get_by_put),
        cmocka_unit_test(test_rx_get),       cmocka_unit_test(test_rx_put),
        cmocka_unit_test(test_bytes),        cmocka_unit_test(test_take_by_byte),
        cmocka_unit_test(test_byte_by_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
