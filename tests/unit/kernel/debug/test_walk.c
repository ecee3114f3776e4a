/* SPDX-License-Identifier: MIT */
/*
 * test_walk: linear addresses through page tables of each mode, good and broken.
 */
#include "kernel/debug/walk.h"

#include "support.h"

#include "lib/x86/cr.h"
#include "lib/x86/msr.h"

#define P  1
#define PS 0x80

/* Memory: words at addresses; what is not listed is no memory. */
#define WORDS_MAX 8
static struct {
    uint64_t at, value;
} words[WORDS_MAX];
static uint32_t word_count, reads, entry_size;
static struct vcpu_state s;

static bool memory_read(gpa_t at, uint32_t size, uint64_t *value)
{
    assert_int_equal(size, entry_size);
    reads++;
    for (uint32_t i = 0; i < word_count; i++) {
        *value = words[i].value;
        if (words[i].at == at.v)
            return true;
    }
    return false;
}

static void has(uint64_t at, uint64_t value)
{
    assert_true(word_count < WORDS_MAX);
    words[word_count].at = at;
    words[word_count++].value = value;
}

#define NOWHERE UINT64_MAX

static uint64_t walk(uint64_t linear)
{
    struct walk w;
    enum walk_step step = walk_begin(&w, &s, linear);
    uint64_t entry;

    for (reads = 0; step == WALK_READ; step = walk_go(&w, entry))
        if (!memory_read(w.at, w.size, &entry))
            return NOWHERE;
    return step == WALK_FOUND ? w.at.v : NOWHERE;
}

static int reset(void **state)
{
    (void)state;
    s = (struct vcpu_state){.cr0 = CR0_PE | CR0_PG, .cr3 = 0x1018};
    word_count = 0;
    entry_size = 8;
    return 0;
}

static void test_no_paging(void **state)
{
    (void)state;
    s.cr0 = CR0_PE;
    assert_true(walk(0xfffff123) == 0xfffff123);
    assert_int_equal(reads, 0);
    assert_true(walk(UINT64_C(1) << 32) == NOWHERE);
}

static void test_long(void **state)
{
    (void)state;
    s.efer = EFER_LMA;
    s.cr4 = CR4_PAE;
    has(0x1000 + 511 * 8, 0x2000 | P);
    has(0x2000 + 510 * 8, 0x3000 | P);
    has(0x3000 + 8 * 8, 0x4000 | P);
    has(0x4000 + 3 * 8, UINT64_C(0x8000001234567000) | P); /* XD */
    assert_true(walk(UINT64_C(0xffffffff81003abc)) == 0x1234567abc);
    assert_int_equal(reads, 4);
    assert_true(walk(UINT64_C(0xffffffff81004abc)) == NOWHERE); /* no such memory */
    assert_int_equal(reads, 4);
    has(0x4000 + 4 * 8, 0x5000); /* not present */
    assert_true(walk(UINT64_C(0xffffffff81004abc)) == NOWHERE);
    assert_true(walk(UINT64_C(0x800000000000)) == NOWHERE); /* not canonical */
    assert_int_equal(reads, 0);
}

static void test_long_large(void **state)
{
    (void)state;
    s.efer = EFER_LMA;
    has(0x1000, 0x2000 | P | PS); /* PS means nothing here */
    has(0x2000, 0x3000 | P);
    has(0x2008, 0x4000000000 | P | PS);
    has(0x3008, 0x600000 | P | PS | 0x1000); /* PAT */
    assert_true(walk(0x200123) == 0x600123);
    assert_true(walk(0x40000123) == 0x4000000123);
    assert_int_equal(reads, 2);
}

static void test_pae(void **state)
{
    (void)state;
    s.cr4 = CR4_PAE;
    s.cr3 = 0x1018 | 7;
    has(0x1000 + 3 * 8, 0x2000 | P | PS); /* PS means nothing here */
    has(0x2000 + 1 * 8, 0x3000 | P);
    has(0x3000, UINT64_C(0x900005000) | P);
    assert_true(walk(0xc0200011) == UINT64_C(0x900005011));
    assert_int_equal(reads, 3);
    assert_true(walk(UINT64_C(0x1c0200011)) == NOWHERE);
}

static void test_32_bits(void **state)
{
    (void)state;
    entry_size = 4;
    has(0x1000 + 3 * 4, 0x2000 | P | PS); /* without CR4.PSE it is a table */
    has(0x2000 + 1 * 4, 0x7000 | P);
    assert_true(walk(0x00c01234) == 0x7234);
    s.cr4 = CR4_PSE;
    words[0].value = 0xffc00000 | 5 << 13 | P | PS;
    assert_true(walk(0x00c01234) == UINT64_C(0x5ffc01234));
    assert_int_equal(reads, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_no_paging, reset),  cmocka_unit_test_setup(test_long, reset),
        cmocka_unit_test_setup(test_long_large, reset), cmocka_unit_test_setup(test_pae, reset),
        cmocka_unit_test_setup(test_32_bits, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
