/* SPDX-License-Identifier: MIT */
/*
 * test_vapic: interrupt commands. The property that matters most: an accepted ICR reaches only
 * cores of the sender's guest, whatever is in it. The LVT is test_vapic_lvt.c's.
 */
#include "vdev/vapic.h"

#include "lib/bits.h"
#include "lib/x86/msr.h"
#include "support.h"

#define ROUNDS 200000

#define FIXED  (0u << 8)
#define LOWEST (1u << 8)
#define SMI    (2u << 8)
#define NMI    (4u << 8)
#define INIT   (5u << 8)
#define START  (6u << 8)

#define LOGICAL  BIT64(11)
#define ASSERTED BIT64(14)
#define LEVEL    BIT64(15)
#define SELF     (UINT64_C(1) << 18)
#define ALL      (UINT64_C(2) << 18)
#define OTHERS   (UINT64_C(3) << 18)

static struct vapic apic;
static struct vapic_action action;

/* A guest of four cores; the sender is the second. 0x13 and 0x21 make two more clusters. */
static const struct vapic_peers peers = {.count = 4, .self = 1, .apic_ids = {4, 6, 0x13, 0x21}};

static int reset(void **state)
{
    (void)state;
    vapic_reset(&apic, 6);
    return 0;
}

static uint64_t to(uint32_t destination)
{
    return (uint64_t)destination << 32;
}

static bool icr(uint64_t value)
{
    return vapic_write_icr(&apic, &peers, value, &action);
}

static uint64_t read_back(uint32_t msr)
{
    uint64_t value = 0;
    assert_true(vapic_read(&apic, msr, &value));
    return value;
}

/* ------------------------------------------------------------------ ICR, by example */

static const struct {
    const char *what;
    uint64_t value;
    enum vapic_action_kind kind;
    uint64_t targets;
} icr_rows[] = {
    {"fixed to a peer", 0x13ull << 32 | FIXED | 0xfd, VAPIC_SEND, 1 << 2},
    {"fixed to myself", 6ull << 32 | FIXED | 0xfd, VAPIC_SEND, 1 << 1},
    {"fixed to a stranger", 5ull << 32 | FIXED | 0xfd, VAPIC_NOTHING, 0},
    {"fixed to 0xff, no broadcast in x2APIC mode", 0xffull << 32 | 0xfd, VAPIC_NOTHING, 0},
    {"fixed to everybody", 0xffffffffull << 32 | FIXED | 0xfc, VAPIC_SEND, 0xf},
    {"fixed to everybody, logical", 0xffffffffull << 32 | LOGICAL | 0xfc, VAPIC_SEND, 0xf},
    {"self", SELF | 0x40, VAPIC_SEND, 1 << 1},
    {"self, destination ignored", 5ull << 32 | SELF | 0x40, VAPIC_SEND, 1 << 1},
    {"all", ALL | 0x40, VAPIC_SEND, 0xf},
    {"all but self, as Linux reboots", 0xc00f8, VAPIC_SEND, 0xd},
    {"all but self, to a stranger", 5ull << 32 | OTHERS | 0xf8, VAPIC_SEND, 0xd},
    {"logical, cluster 0: 4 and 6", 0x0050ull << 32 | LOGICAL | 0xfd, VAPIC_SEND, 0x3},
    {"logical, cluster 0, all 16", 0xffffull << 32 | LOGICAL | 0xfd, VAPIC_SEND, 0x3},
    {"logical, cluster 1", 0x1ffffull << 32 | LOGICAL | 0xfd, VAPIC_SEND, 0x4},
    {"logical, cluster 2, id 0x21", 0x20002ull << 32 | LOGICAL | 0xfd, VAPIC_SEND, 0x8},
    {"logical, cluster 2, wrong bit", 0x20001ull << 32 | LOGICAL | 0xfd, VAPIC_NOTHING, 0},
    {"logical, nobody's cluster", 0x3ffffull << 32 | LOGICAL | 0xfd, VAPIC_NOTHING, 0},
    {"logical, no bit", 0x10000ull << 32 | LOGICAL | 0xfd, VAPIC_NOTHING, 0},
    {"lowest priority goes to one", 0xffffull << 32 | LOGICAL | LOWEST | 0xfd, VAPIC_SEND, 0x1},
    {"lowest priority, all but self", OTHERS | LOWEST | 0xfd, VAPIC_SEND, 0x1},
    {"vector below 16 is the hardware's to refuse", ALL | 0x0f, VAPIC_SEND, 0xf},
    {"SMI", 4ull << 32 | SMI, VAPIC_NOTHING, 0},
    {"SMI to all", ALL | SMI, VAPIC_NOTHING, 0},
    {"reserved mode 3", ALL | 3u << 8 | 0x40, VAPIC_NOTHING, 0},
    {"ExtINT", ALL | 7u << 8 | 0x40, VAPIC_NOTHING, 0},
    {"NMI", 4ull << 32 | NMI, VAPIC_NMI, 1 << 0},
    {"NMI to the others, as a backtrace asks", OTHERS | NMI, VAPIC_NMI, 0xd},
    {"NMI to a stranger", 7ull << 32 | NMI, VAPIC_NOTHING, 0},
    {"INIT assert, as Linux", 0x13ull << 32 | 0xc500, VAPIC_INIT, 1 << 2},
    {"INIT, edge and assert", 0x13ull << 32 | 0x4500, VAPIC_INIT, 1 << 2},
    {"INIT, edge, no assert", 0x13ull << 32 | 0x0500, VAPIC_INIT, 1 << 2},
    {"INIT de-assert", 0x13ull << 32 | 0x8500, VAPIC_NOTHING, 0},
    {"INIT de-assert to all", 0x88500, VAPIC_NOTHING, 0},
    {"INIT to a stranger", 0x12ull << 32 | 0xc500, VAPIC_NOTHING, 0},
    {"SIPI, as Linux", 0x13ull << 32 | 0x699, VAPIC_START, 1 << 2},
    {"SIPI to the others", 0xc4699, VAPIC_START, 0xd},
    {"SIPI to a stranger", 0x12ull << 32 | 0x699, VAPIC_NOTHING, 0},
};

static void test_icr_examples(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(icr_rows); i++) {
        assert_true(icr(icr_rows[i].value));
        if (action.kind != icr_rows[i].kind || action.targets != icr_rows[i].targets)
            fail_msg("%s: action %d, targets 0x%llx", icr_rows[i].what, action.kind,
                     (unsigned long long)action.targets);
        if (action.kind == VAPIC_SEND)
            assert_int_equal(action.value, ASSERTED | (icr_rows[i].value & 0xff));
        assert_int_equal(read_back(MSR_X2APIC_ICR), icr_rows[i].value);
    }
    assert_true(icr(to(0x13) | START | 0x99));
    assert_int_equal(action.vector, 0x99);
}

/* abuse: IN-06 */
static void test_icr_reserved_bits(void **state)
{
    (void)state;
    const uint64_t reserved = BIT64(13) | MASK64(17, 16) | MASK64(31, 20);
    uint64_t before = to(4) | 0xfd;
    assert_true(icr(before));
    for (unsigned bit = 0; bit < 64; bit++) {
        bool refused = (reserved & BIT64(bit)) != 0;
        assert_true(icr(before));
        assert_int_equal(icr(before ^ BIT64(bit)), !refused);
        if (!refused)
            continue;
        assert_int_equal(action.kind, VAPIC_NOTHING);
        assert_int_equal(read_back(MSR_X2APIC_ICR), before);
    }
    /* Delivery status, bit 12, is taken and forgotten. */
    assert_true(icr(before | BIT64(12)));
    assert_int_equal(action.kind, VAPIC_SEND);
    assert_int_equal(read_back(MSR_X2APIC_ICR), before);
}

/* ------------------------------------------------------------------ ICR, the property */

static bool is_peer(const struct vapic_peers *p, uint32_t apic_id)
{
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->apic_ids[i] == apic_id)
            return true;
    }
    return false;
}

/* Written from the manual's side: would a core with this id take the message? */
static bool manual_says(uint64_t value, uint32_t apic_id, bool is_self)
{
    uint32_t destination = (uint32_t)(value >> 32);
    switch (value >> 18 & 3) {
    case 1:
        return is_self;
    case 2:
        return true;
    case 3:
        return !is_self;
    default:
        break;
    }
    if (destination == 0xffffffff)
        return true;
    if ((value & LOGICAL) == 0)
        return destination == apic_id;
    uint32_t logical_id = (apic_id >> 4) << 16 | 1u << (apic_id & 0xf);
    return (logical_id >> 16) == (destination >> 16) && ((logical_id & destination) & 0xffff) != 0;
}

static void random_peers(struct vapic_peers *p, uint64_t *seed)
{
    static const uint32_t spread[] = {8, 64, 256, 70000, UINT32_MAX};
    p->count = 1 + (uint32_t)(random_next(seed) % VAPIC_PEERS_MAX);
    if ((random_next(seed) & 3) != 0)
        p->count = 1 + p->count % 8;
    uint32_t range = spread[random_next(seed) % ARRAY_SIZE(spread)];
    if (range < 2 * p->count)
        range = 256;
    for (uint32_t i = 0; i < p->count;) {
        uint32_t id = (uint32_t)(random_next(seed) % range);
        struct vapic_peers so_far = *p;
        so_far.count = i;
        if (!is_peer(&so_far, id))
            p->apic_ids[i++] = id;
    }
    p->self = (uint32_t)(random_next(seed) % p->count);
}

static uint32_t random_destination(const struct vapic_peers *p, uint64_t *seed)
{
    uint32_t id = p->apic_ids[random_next(seed) % p->count];
    switch (random_next(seed) % 8) {
    case 0:
        return UINT32_MAX;
    case 1:
        return 0xff;
    case 2:
        return id ^ (uint32_t)BIT64(random_next(seed) % 8);
    case 3:
        return (id >> 4) << 16 | (uint32_t)BIT64(id & 15);
    case 4:
        return (id >> 4) << 16 | (uint32_t)(random_next(seed) & 0xffff);
    case 5:
        return (uint32_t)random_next(seed);
    default:
        return id;
    }
}

static void check_icr(const struct vapic_peers *p, uint64_t value)
{
    struct vapic_action a;
    if (!vapic_write_icr(&apic, p, value, &a)) {
        assert_int_equal(a.kind, VAPIC_NOTHING);
        assert_int_equal(a.targets, 0);
        return;
    }
    assert_int_not_equal(a.kind, VAPIC_WRITE);
    if (a.kind == VAPIC_NOTHING) {
        assert_int_equal(a.targets, 0);
        return;
    }
    assert_int_not_equal(a.targets, 0);

    uint64_t addressed = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        if (manual_says(value, p->apic_ids[i], i == p->self))
            addressed |= BIT64(i);
    }
    /* Only peers, only those addressed, and all of them but for lowest priority. */
    assert_int_equal(a.targets & ~addressed, 0);
    if ((value & 0x700) == LOWEST)
        assert_true(is_power_of_two(a.targets));
    else
        assert_int_equal(a.targets, addressed);

    /* What the caller writes carries no destination, shorthand or mode of the guest's. */
    if (a.kind == VAPIC_SEND)
        assert_int_equal(a.value, ASSERTED | (value & 0xff));
    assert_true(a.kind == VAPIC_SEND || (value & 0x700) >= NMI);
    assert_int_equal(a.vector, value & 0xff);
}

/* abuse: IN-03, IN-04 */
static void test_icr_reaches_only_peers(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (uint32_t round = 0; round < ROUNDS / 256; round++) {
        struct vapic_peers p;
        random_peers(&p, &seed);
        /* All delivery and destination modes, shorthands, levels and triggers. */
        for (uint64_t mode = 0; mode < 256; mode++) {
            uint64_t value = (mode & 0xf) << 8 | (mode >> 4 & 3) << 14 | (mode >> 6) << 18;
            value |= (uint64_t)random_destination(&p, &seed) << 32;
            check_icr(&p, value | (random_next(&seed) & 0xff));
        }
        check_icr(&p, random_next(&seed));
    }
}

static void test_icr_of_a_single_core(void **state)
{
    (void)state;
    const struct vapic_peers alone = {.count = 1, .self = 0, .apic_ids = {6}};
    assert_true(vapic_write_icr(&apic, &alone, OTHERS | INIT | ASSERTED, &action));
    assert_int_equal(action.kind, VAPIC_NOTHING);
    assert_true(vapic_write_icr(&apic, &alone, ALL | 0x40, &action));
    assert_int_equal(action.targets, 1);
}

static void test_icr_of_the_biggest_guest(void **state)
{
    (void)state;
    struct vapic_peers full = {.count = VAPIC_PEERS_MAX, .self = 63};
    for (uint32_t i = 0; i < VAPIC_PEERS_MAX; i++)
        full.apic_ids[i] = 2 * i;
    assert_true(vapic_write_icr(&apic, &full, ALL | 0x40, &action));
    assert_int_equal(action.targets, UINT64_MAX);
    assert_true(vapic_write_icr(&apic, &full, OTHERS | 0x40, &action));
    assert_int_equal(action.targets, UINT64_MAX >> 1);
    assert_true(vapic_write_icr(&apic, &full, to(126) | 0x40, &action));
    assert_int_equal(action.targets, BIT64(63));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_icr_examples, reset),
        cmocka_unit_test_setup(test_icr_reserved_bits, reset),
        cmocka_unit_test_setup(test_icr_reaches_only_peers, reset),
        cmocka_unit_test_setup(test_icr_of_a_single_core, reset),
        cmocka_unit_test_setup(test_icr_of_the_biggest_guest, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
