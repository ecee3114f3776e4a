/* SPDX-License-Identifier: MIT */
/*
 * test_spec: what is chosen for processors of several generations, by the words that Intel's
 * documents give for them.
 */
#include "vmx/spec.h"

#include "support.h"

#include "lib/bits.h"

#define MD_CLEAR  BIT32(10)
#define IBRS_IBPB BIT32(26)
#define STIBP     BIT32(27)
#define L1D_FLUSH BIT32(28)
#define ARCH_CAPS BIT32(29)

#define RDCL_NO    BIT64(0)
#define IBRS_ALL   BIT64(1)
#define SKIP_L1DFL BIT64(3)
#define MDS_NO     BIT64(5)
#define TAA_NO     BIT64(8)
#define MMIO_NO    (BIT64(13) | BIT64(14) | BIT64(15))
#define FB_CLEAR   BIT64(17)
#define RRSBA      BIT64(19)
#define PBRSB_NO   BIT64(24)
#define RFDS_NO    BIT64(27)
#define RFDS_CLEAR BIT64(28)

#define LATEST (RDCL_NO | IBRS_ALL | SKIP_L1DFL | MDS_NO | TAA_NO | MMIO_NO | PBRSB_NO | RFDS_NO)

#define OLD (IBRS_IBPB | STIBP | MD_CLEAR | L1D_FLUSH)
#define NEW (IBRS_IBPB | STIBP | MD_CLEAR | L1D_FLUSH | ARCH_CAPS)

static const struct {
    const char *what;
    struct spec_cpu cpu;
    uint64_t spec_ctrl;
    bool barrier;
    enum spec_exit at_exit;
    uint32_t at_entry;
    const char *line;
} rows[] = {
    {"before 2018",
     {0, 0, 0, false},
     0,
     false,
     SPEC_EXIT_PLAIN,
     0,
     "speculation: CPU reports no mitigation controls; none applied"},
    {"says nothing, but clears", {MD_CLEAR, 0, 0, true}, 0, false, SPEC_EXIT_PLAIN, 0, NULL},
    {"Skylake",
     {OLD, 0, 0, true},
     0,
     true,
     SPEC_EXIT_FILL,
     SPEC_ENTRY_VERW | SPEC_ENTRY_L1D,
     "speculation: always nothing; at exits the return stack filled; at entries VERW L1D flush"},
    {"Skylake under another hypervisor",
     {NEW, 0, SKIP_L1DFL, true},
     0,
     true,
     SPEC_EXIT_FILL,
     SPEC_ENTRY_VERW,
     NULL},
    {"Cascade Lake",
     {NEW, 0, RDCL_NO | IBRS_ALL | SKIP_L1DFL | MDS_NO, true},
     BIT64(0),
     true,
     SPEC_EXIT_ONE,
     SPEC_ENTRY_VERW,
     NULL},
    {"the same without TSX",
     {NEW, 0, RDCL_NO | IBRS_ALL | SKIP_L1DFL | MDS_NO, false},
     BIT64(0),
     true,
     SPEC_EXIT_ONE,
     0,
     NULL},
    {"Ice Lake",
     {NEW, 0, RDCL_NO | IBRS_ALL | SKIP_L1DFL | MDS_NO | TAA_NO | FB_CLEAR, false},
     BIT64(0),
     true,
     SPEC_EXIT_ONE,
     SPEC_ENTRY_VERW,
     NULL},
    {"Alder Lake",
     {NEW, BIT32(2) | BIT32(4), (LATEST & ~RFDS_NO) | RRSBA | RFDS_CLEAR, false},
     BIT64(0) | BIT64(6) | BIT64(10),
     true,
     SPEC_EXIT_PLAIN,
     SPEC_ENTRY_VERW,
     "speculation: always IBRS RRSBA_DIS_S BHI_DIS_S; at exits nothing; at entries VERW"},
    {"all is well",
     {NEW, 0, LATEST, true},
     BIT64(0),
     true,
     SPEC_EXIT_PLAIN,
     0,
     "speculation: always IBRS; at exits nothing; at entries nothing"},
    {"one MMIO_NO is missing",
     {NEW, 0, (LATEST & ~BIT64(14)) | FB_CLEAR, true},
     BIT64(0),
     true,
     SPEC_EXIT_PLAIN,
     SPEC_ENTRY_VERW,
     NULL},
    {"RRSBA cannot be disabled",
     {NEW, BIT32(4), LATEST | RRSBA, true},
     BIT64(0) | BIT64(10),
     true,
     SPEC_EXIT_PLAIN,
     0,
     NULL},
    {"no RRSBA to disable",
     {NEW, BIT32(2), LATEST, true},
     BIT64(0),
     true,
     SPEC_EXIT_PLAIN,
     0,
     NULL},
    {"ARCH_CAPABILITIES without IBRS",
     {ARCH_CAPS, BIT32(4), LATEST, true},
     0,
     false,
     SPEC_EXIT_PLAIN,
     0,
     NULL},
};

/* Whatever else the processor says, and also where it says nothing. */
static void test_small_leaves(void **state)
{
    (void)state;
    for (uint32_t bit = 0; bit < 64; bit++) {
        const struct spec_cpu only = {NEW, 0, BIT64(bit), false};
        const struct spec_cpu without = {NEW, 0, ~BIT64(bit), false};
        assert_int_equal(spec_choose(&only).small_leaves, bit != 6);
        assert_int_equal(spec_choose(&without).small_leaves, bit == 6);
    }
    assert_true(spec_choose(&(struct spec_cpu){0}).small_leaves);
    assert_true(spec_choose(&(struct spec_cpu){OLD, 0, 0, true}).small_leaves);
}

static void test_tsx_is_stopped_where_it_can_be(void **state)
{
    (void)state;
    for (uint32_t bit = 0; bit < 64; bit++) {
        const struct spec_cpu only = {NEW, 0, BIT64(bit), bit & 1};
        assert_int_equal(spec_choose(&only).stops_tsx, bit == 7);
    }
}

/* Every member counts. */
static void test_same(void **state)
{
    const struct spec_plan plan = {0};
    const struct spec_plan others[] = {
        {.spec_ctrl = 1},           {.has_spec_ctrl = true},       {.barrier = true},
        {.at_exit = SPEC_EXIT_ONE}, {.at_entry = SPEC_ENTRY_VERW}, {.small_leaves = true},
        {.stops_tsx = true},
    };

    (void)state;
    assert_true(spec_same(&plan, &plan));
    for (uint32_t i = 0; i < ARRAY_SIZE(others); i++) {
        assert_true(spec_same(&others[i], &others[i]));
        assert_false(spec_same(&plan, &others[i]));
    }
}

static void test_choices(void **state)
{
    char line[120];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct spec_plan plan = spec_choose(&rows[i].cpu);
        print_message("%s\n", rows[i].what);
        assert_int_equal(plan.spec_ctrl, rows[i].spec_ctrl);
        assert_int_equal(plan.has_spec_ctrl, (rows[i].cpu.features & IBRS_IBPB) != 0);
        assert_int_equal(plan.barrier, rows[i].barrier);
        assert_int_equal(plan.at_exit, rows[i].at_exit);
        assert_int_equal(plan.at_entry, rows[i].at_entry);
        spec_print(&rows[i].cpu, &plan, line, sizeof(line));
        if (rows[i].line)
            assert_string_equal(line, rows[i].line);
    }
}

/* No register is written, and no call made, that the processor has not said it has. */
static void test_nothing_unknown_is_used(void **state)
{
    uint64_t seed = 3;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        const struct spec_cpu cpu = {(uint32_t)random_next(&seed), (uint32_t)random_next(&seed),
                                     random_next(&seed), random_next(&seed) & 1};
        const struct spec_plan plan = spec_choose(&cpu);
        assert_true((cpu.features & IBRS_IBPB) || (!plan.has_spec_ctrl && !plan.barrier));
        assert_true(plan.has_spec_ctrl || plan.spec_ctrl == 0);
        assert_true((cpu.features & L1D_FLUSH) || !(plan.at_entry & SPEC_ENTRY_L1D));
        assert_true((plan.spec_ctrl & ~(BIT64(0) | BIT64(6) | BIT64(10))) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_small_leaves),
        cmocka_unit_test(test_tsx_is_stopped_where_it_can_be),
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_nothing_unknown_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
