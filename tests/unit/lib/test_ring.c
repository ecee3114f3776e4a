/* SPDX-License-Identifier: MIT */
/*
 * test_ring: the console queues, first by one thread to the letter of the contract, then by many
 * at once: no record lost, doubled, torn or out of its producer's order.
 */
#include "lib/ring.h"

#include <pthread.h>
#include <sched.h>

#include "support.h"
#include "tests/unit/tx_put.h"

#define WORDS        (TX_RECORD_MAX / 8)
#define PRODUCERS    4
#define TX_PER_CORE  250000
#define CONSUMERS    4
#define RX_BYTES_ALL 1000000

static struct tx_ring tx;
static struct rx_ring rx;

/* As if the queue had been in use until all its positions are `pos`, a multiple of its size. */
static void tx_init_at(struct tx_ring *r, uint32_t pos)
{
    tx_init(r);
    r->head = pos;
    r->tail = pos;
    for (uint32_t i = 0; i < TX_RING_RECORDS; i++)
        r->slots[i].turn = pos + i;
}

static void words_make(uint64_t words[WORDS], uint64_t id)
{
    for (size_t i = 0; i < WORDS; i++)
        words[i] = id * (2 * i + 1); /* cheap: threads are to meet in the queue, not in here */
}

static uint32_t words_len(uint64_t id)
{
    return 8 + (uint32_t)(id % (TX_RECORD_MAX - 8 + 1)); /* the id itself always gets through */
}

static bool tx_put_id(struct tx_ring *r, uint64_t id)
{
    uint64_t words[WORDS];
    words_make(words, id);
    return tx_put(r, words, words_len(id));
}

/* Takes a record and checks all of it against its id; false when there was none. */
static bool tx_get_id(struct tx_ring *r, uint64_t *id)
{
    uint8_t out[TX_RECORD_MAX];
    uint64_t words[WORDS];
    size_t len = tx_get(r, out);
    if (len == 0)
        return false;
    memcpy(id, out, sizeof(*id));
    words_make(words, *id);
    assert_int_equal(len, words_len(*id));
    assert_memory_equal(out, words, len);
    return true;
}

static void test_tx_empty(void **state)
{
    uint8_t out[TX_RECORD_MAX];
    (void)state;
    tx_init(&tx);
    assert_true(tx_has_room(&tx, 1));
    assert_int_equal(tx_get(&tx, out), 0);
    assert_int_equal(tx_get(&tx, out), 0);
}

static void test_tx_bytes(void **state)
{
    uint64_t words[WORDS];
    uint8_t out[TX_RECORD_MAX];
    (void)state;
    tx_init(&tx);
    memcpy(words, "Six registers carry at most forty-eight of these", sizeof(words));
    for (uint32_t len = 1; len <= TX_RECORD_MAX; len++) {
        assert_true(tx_put(&tx, words, len));
        assert_int_equal(tx_get(&tx, out), len);
        assert_memory_equal(out, words, len);
    }
    words[0] = 0x4847464544434241; /* the lowest byte comes first */
    assert_true(tx_put(&tx, words, 8));
    assert_int_equal(tx_get(&tx, out), 8);
    assert_memory_equal(out, "ABCDEFGH", 8);
}

static void test_tx_len_is_ours_to_check(void **state)
{
    static const uint64_t words[WORDS];
    (void)state;
    tx_init(&tx);
    expect_assert_failure((void)!tx_put(&tx, words, 0));
    expect_assert_failure((void)!tx_put(&tx, words, TX_RECORD_MAX + 1));
    expect_assert_failure((void)!tx_put(&tx, words, UINT32_MAX));
    assert_true(tx_put(&tx, words, TX_RECORD_MAX));
}

static void tx_fill_and_drain(void)
{
    uint64_t id;
    for (uint64_t i = 0; i < TX_RING_RECORDS; i++) {
        assert_true(tx_has_room(&tx, (uint32_t)(TX_RING_RECORDS - i)));
        if (i > 0)
            assert_false(tx_has_room(&tx, (uint32_t)(TX_RING_RECORDS - i + 1)));
        assert_true(tx_put_id(&tx, i));
    }
    for (int i = 0; i < 3; i++) { /* a refusal changes nothing */
        assert_false(tx_has_room(&tx, 1));
        assert_false(tx_put_id(&tx, 999));
    }
    assert_true(tx_get_id(&tx, &id));
    assert_int_equal(id, 0);
    assert_true(tx_has_room(&tx, 1));
    assert_false(tx_has_room(&tx, 2));
    assert_true(tx_put_id(&tx, TX_RING_RECORDS));
    assert_false(tx_has_room(&tx, 1));
    for (uint64_t i = 1; i <= TX_RING_RECORDS; i++) {
        assert_true(tx_get_id(&tx, &id));
        assert_int_equal(id, i);
    }
    assert_false(tx_get_id(&tx, &id));
}

static void test_tx_full(void **state)
{
    (void)state;
    tx_init(&tx);
    for (int lap = 0; lap < 5; lap++)
        tx_fill_and_drain();
}

/* The positions pass 2^32 while the queue is empty, full and in between. */
static void test_tx_position_wrap(void **state)
{
    uint64_t id, next = 0;
    (void)state;
    tx_init_at(&tx, 0u - TX_RING_RECORDS);
    for (int lap = 0; lap < 3; lap++)
        tx_fill_and_drain();

    tx_init_at(&tx, 0u - 2 * TX_RING_RECORDS);
    for (uint64_t i = 0; i < 4 * TX_RING_RECORDS; i++) {
        assert_true(tx_put_id(&tx, i));
        if (i >= 100) {
            assert_true(tx_get_id(&tx, &id));
            assert_int_equal(id, next++);
        }
    }
}

/* A producer that has its position but has not published yet: everybody behind it is unseen. */
static void test_tx_slow_producer(void **state)
{
    uint64_t id;
    (void)state;
    tx_init(&tx);
    tx.head = 1; /* position 0 is taken by somebody who is still copying */
    assert_true(tx_put_id(&tx, 11));
    assert_false(tx_get_id(&tx, &id));

    uint64_t words[WORDS];
    words_make(words, 10);
    memcpy(tx.slots[0].data, words, sizeof(words));
    tx.slots[0].len = words_len(10);
    tx.slots[0].turn = 1;
    assert_true(tx_get_id(&tx, &id));
    assert_int_equal(id, 10);
    assert_true(tx_get_id(&tx, &id));
    assert_int_equal(id, 11);
}

static void *tx_producer(void *arg)
{
    uint64_t core = (uintptr_t)arg;
    for (uint64_t i = 0; i < TX_PER_CORE; i++) {
        while (!tx_put_id(&tx, core << 32 | i))
            sched_yield();
    }
    return NULL;
}

static void test_tx_threads(void **state)
{
    pthread_t threads[PRODUCERS];
    uint64_t next[PRODUCERS] = {0};
    uint64_t id;
    (void)state;
    tx_init_at(&tx, 0u - 1000 * TX_RING_RECORDS); /* wraps on the way */
    for (uintptr_t i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, tx_producer, (void *)i), 0);
    for (uint64_t taken = 0; taken < (uint64_t)PRODUCERS * TX_PER_CORE;) {
        if (!tx_get_id(&tx, &id)) {
            sched_yield();
            continue;
        }
        assert_in_range(id >> 32, 0, PRODUCERS - 1);
        assert_int_equal(id & UINT32_MAX, next[id >> 32]++);
        taken++;
    }
    for (size_t i = 0; i < PRODUCERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(next[i], TX_PER_CORE);
    }
    assert_false(tx_get_id(&tx, &id));
}

static void test_rx_order(void **state)
{
    uint8_t byte = 0;
    (void)state;
    rx_init(&rx);
    assert_false(rx_has_data(&rx));
    assert_false(rx_get(&rx, &byte));
    for (unsigned i = 0; i < 3 * RX_RING_BYTES; i++) {
        assert_true(rx_put(&rx, (uint8_t)(i * 3)));
        assert_true(rx_put(&rx, (uint8_t)(i * 5)));
        assert_true(rx_has_data(&rx));
        assert_true(rx_get(&rx, &byte));
        assert_int_equal(byte, (uint8_t)(i * 3));
        assert_true(rx_get(&rx, &byte));
        assert_int_equal(byte, (uint8_t)(i * 5));
        assert_false(rx_has_data(&rx));
    }
}

static void test_rx_full_and_wrap(void **state)
{
    uint8_t byte = 0;
    (void)state;
    rx_init(&rx);
    rx.head = rx.tail = 0u - 77; /* the positions pass 2^32 on the way */
    for (unsigned i = 0; i < RX_RING_BYTES; i++)
        assert_true(rx_put(&rx, (uint8_t)i));
    assert_false(rx_put(&rx, 0xee));
    assert_true(rx_get(&rx, &byte));
    assert_int_equal(byte, 0);
    assert_true(rx_put(&rx, 0xaa));
    assert_false(rx_put(&rx, 0xee));
    for (unsigned i = 1; i < RX_RING_BYTES; i++) {
        assert_true(rx_get(&rx, &byte));
        assert_int_equal(byte, i);
    }
    assert_true(rx_get(&rx, &byte));
    assert_int_equal(byte, 0xaa);
    byte = 0x77;
    assert_false(rx_get(&rx, &byte));
    assert_int_equal(byte, 0x77); /* nothing there: nothing written */
}

struct consumer {
    pthread_t thread;
    uint64_t seen[256];
};

static _Atomic bool rx_done;

static void *rx_consumer(void *arg)
{
    struct consumer *c = arg;
    uint8_t byte;
    for (;;) {
        bool last = rx_done; /* read before the try: then an empty ring stays empty */
        if (rx_get(&rx, &byte))
            c->seen[byte]++;
        else if (last)
            return NULL;
        else
            sched_yield();
    }
}

static void test_rx_threads(void **state)
{
    static struct consumer consumers[CONSUMERS];
    uint64_t sent[256] = {0};
    uint64_t seed = 3;
    (void)state;
    rx_init(&rx);
    rx.head = rx.tail = 0u - 5000;
    rx_done = false;
    for (size_t i = 0; i < CONSUMERS; i++)
        assert_int_equal(pthread_create(&consumers[i].thread, NULL, rx_consumer, &consumers[i]), 0);
    for (size_t i = 0; i < RX_BYTES_ALL; i++) {
        uint8_t byte = (uint8_t)random_next(&seed);
        sent[byte]++;
        while (!rx_put(&rx, byte))
            sched_yield();
    }
    rx_done = true;
    for (size_t i = 0; i < CONSUMERS; i++)
        pthread_join(consumers[i].thread, NULL);
    for (size_t v = 0; v < 256; v++) {
        uint64_t seen = 0;
        for (size_t i = 0; i < CONSUMERS; i++)
            seen += consumers[i].seen[v];
        assert_int_equal(seen, sent[v]);
    }
}

/* A place stays what it is while records come and go, and over the wrap of positions. */
static void test_tx_place(void **state)
{
    uint64_t id;

    (void)state;
    tx_init_at(&tx, UINT32_MAX - TX_RING_RECORDS + 1);
    for (uint32_t lap = 0; lap < 3; lap++) {
        for (uint64_t i = 0; i < 100; i++)
            assert_true(tx_put_id(&tx, i));
        const uint32_t place = tx_place(&tx);
        assert_true(tx_put_id(&tx, 100));
        for (uint32_t left = 100; left > 0; left--) {
            assert_int_equal(tx_before(&tx, place), left);
            assert_true(tx_get_id(&tx, &id));
        }
        assert_int_equal(tx_before(&tx, place), 0);
        assert_true(tx_get_id(&tx, &id));
        assert_int_equal(tx_before(&tx, place), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tx_empty),
        cmocka_unit_test(test_tx_bytes),
        cmocka_unit_test(test_tx_len_is_ours_to_check),
        cmocka_unit_test(test_tx_full),
        cmocka_unit_test(test_tx_position_wrap),
        cmocka_unit_test(test_tx_slow_producer),
        cmocka_unit_test(test_tx_place),
        cmocka_unit_test(test_tx_threads),
        cmocka_unit_test(test_rx_order),
        cmocka_unit_test(test_rx_full_and_wrap),
        cmocka_unit_test(test_rx_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
