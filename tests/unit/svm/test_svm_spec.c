/* SPDX-License-Identifier: MIT */
/*
 * test_svm_spec: what is chosen for processors of several generations, by the words that AMD's
 * documents give for them.
 */
#include "svm/spec.h"

#include "support.h"

#include "lib/bits.h"
#include "lib/x86/signature.h"

/* CPUID Fn8000_0008:EBX */
#define IBPB   BIT32(12)
#define IBRS   BIT32(14)
#define STIBP  BIT32(15)
#define BTC_NO BIT32(29)
#define ALL    (IBPB | IBRS | STIBP)

/* CPUID Fn8000_0021 */
#define VERW_CLEAR BIT32(5)
#define AUTO_IBRS  BIT32(8)
#define SRSO_NO    BIT32(29)
#define TSA_NO     (BIT32(1) | BIT32(2))

static const struct {
    const char *what;
    struct svm_spec_cpu cpu;
    uint64_t spec_ctrl;
    bool barrier, clears_buffers;
    enum svm_at_exit at_exit;
    const char *line;
} rows[] = {
    {"before 2018",
     {0x17, 0, 0, 0},
     0,
     false,
     false,
     AT_EXIT_NOTHING,
     "speculation: CPU reports no mitigation controls; none applied"},
    {"Excavator", {0x15, IBPB, 0, 0}, 0, true, false, AT_EXIT_FILL, NULL},
    {"Zen", {0x17, IBPB, 0, 0}, 0, true, false, AT_EXIT_BARRIER, NULL},
    {"Zen 2",
     {0x17, ALL, 0, 0},
     2,
     true,
     false,
     AT_EXIT_BARRIER,
     "speculation: always STIBP; at exits a branch-prediction barrier; at entries nothing"},
    {"Hygon", {0x18, ALL, 0, 0}, 2, true, false, AT_EXIT_BARRIER, NULL},
    {"Zen 3", {0x19, ALL | BTC_NO, VERW_CLEAR, 0}, 2, true, true, AT_EXIT_BARRIER, NULL},
    {"Zen 3, nothing to clear",
     {0x19, ALL | BTC_NO, VERW_CLEAR, TSA_NO},
     2,
     true,
     false,
     AT_EXIT_BARRIER,
     NULL},
    {"Zen 4",
     {0x19, ALL | BTC_NO, AUTO_IBRS | VERW_CLEAR, BIT32(1)},
     2,
     true,
     true,
     AT_EXIT_BARRIER,
     "speculation: always STIBP automatic IBRS; at exits a branch-prediction barrier; at entries "
     "VERW"},
    {"Zen 4 that says it has no SRSO",
     {0x19, ALL | BTC_NO, AUTO_IBRS | SRSO_NO, TSA_NO},
     2,
     true,
     false,
     AT_EXIT_NOTHING,
     NULL},
    {"Zen 2 that says it has neither",
     {0x17, ALL | BTC_NO, SRSO_NO, 0},
     2,
     true,
     false,
     AT_EXIT_FILL,
     NULL},
    {"Zen 5",
     {0x1a, ALL | BTC_NO, AUTO_IBRS | SRSO_NO, TSA_NO},
     2,
     true,
     false,
     AT_EXIT_NOTHING,
     "speculation: always STIBP automatic IBRS; at exits nothing; at entries nothing"},
};

static void test_choices(void **state)
{
    char line[120];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct svm_spec_plan plan = svm_spec_choose(&rows[i].cpu);

        print_message("%s\n", rows[i].what);
        assert_int_equal(plan.spec_ctrl, rows[i].spec_ctrl);
        assert_int_equal(plan.barrier, rows[i].barrier);
        assert_int_equal(plan.clears_buffers, rows[i].clears_buffers);
        assert_int_equal(plan.at_exit, rows[i].at_exit);
        svm_spec_print(&plan, line, sizeof(line));
        if (rows[i].line)
            assert_string_equal(line, rows[i].line);
    }
}

/* No register is written that the processor has not said it has. */
static void test_nothing_unknown_is_used(void **state)
{
    uint64_t seed = 3;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        const struct svm_spec_cpu cpu = {(uint32_t)random_next(&seed) & 0x1f,
                                         (uint32_t)random_next(&seed), (uint32_t)random_next(&seed),
                                         (uint32_t)random_next(&seed)};
        const struct svm_spec_plan plan = svm_spec_choose(&cpu);

        assert_true((cpu.features & IBPB) || (!plan.barrier && plan.at_exit != AT_EXIT_BARRIER));
        assert_true((cpu.features & (IBRS | STIBP)) || !plan.has_spec_ctrl);
        assert_true((cpu.features & STIBP) || plan.spec_ctrl == 0);
        assert_true((cpu.features_2 & AUTO_IBRS) || !plan.automatic_ibrs);
        assert_true((cpu.features_2 & VERW_CLEAR) || !plan.clears_buffers);
    }
}

static void test_family(void **state)
{
    (void)state;
    assert_int_equal(signature_family(0x00830f10), 0x17); /* Zen 2 */
    assert_int_equal(signature_family(0x00a20f10), 0x19); /* Zen 3 */
    assert_int_equal(signature_family(0x00b40f40), 0x1a); /* Zen 5 */
    assert_int_equal(signature_family(0x00000663), 0x6);  /* an emulator's */
}

/* Every member counts. */
static void test_same(void **state)
{
    const struct svm_spec_plan plan = {0};
    const struct svm_spec_plan others[] = {
        {.spec_ctrl = 1},         {.has_spec_ctrl = true},  {.barrier = true},
        {.automatic_ibrs = true}, {.clears_buffers = true}, {.at_exit = AT_EXIT_FILL},
    };

    (void)state;
    assert_true(svm_spec_same(&plan, &plan));
    for (uint32_t i = 0; i < ARRAY_SIZE(others); i++) {
        assert_true(svm_spec_same(&others[i], &others[i]));
        assert_false(svm_spec_same(&plan, &others[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_nothing_unknown_is_used),
        cmocka_unit_test(test_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
