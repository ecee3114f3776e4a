/* SPDX-License-Identifier: MIT */
/*
 * test_machine_check: whose end a machine check is, for each kind of error that processors report,
 * and what is written to a core's registers before and after, against one that writes it down.
 */
#include "kernel/core/machine_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "recorder.h"

#include "kernel/core/machine_check.c"

#define CONSUMED \
    (STATUS_VALID | STATUS_UC | STATUS_EN | STATUS_MISCV | STATUS_ADDRV | STATUS_S | STATUS_AR)
#define POISONED (STATUS_VALID | STATUS_UC | STATUS_EN | STATUS_ADDRV | STATUS_AMD_POISON)
#define PHYSICAL (MISC_MODE_PHYSICAL << 6 | 6)
#define HERE     (MCG_STATUS_RIPV | MCG_STATUS_EIPV | BIT64(2))
#define ELSE     (MCG_STATUS_RIPV | BIT64(2))

static struct guest_map map;
static jmp_buf panicked;
static char why[LOG_LINE_MAX + 1];

void panic(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    longjmp(panicked, 1);
}

static struct machine_check one(enum machine_check_kind kind, uint64_t global, uint64_t status)
{
    return (struct machine_check){
        .kind = kind, .global = global, .count = 2, .banks[1] = {status, GIB + 0x1234, PHYSICAL}};
}

static int setup(void **state)
{
    (void)state;
    memset(&map, 0, sizeof(map));
    guest_map_add_ram(&map, hpa(GIB), 128 * MIB);
    return 0;
}

static void whose_end_it_is(void **state)
{
    static const struct {
        enum machine_check_kind kind;
        uint64_t global, status;
        enum machine_check_end end;
    } cases[] = {
        /* The guest consumed bad data of its own: the one case that is the guest's. */
        {MACHINE_CHECK_INTEL, HERE, CONSUMED, MACHINE_CHECK_GUEST},
        {MACHINE_CHECK_INTEL, MCG_STATUS_EIPV, CONSUMED, MACHINE_CHECK_GUEST},
        {MACHINE_CHECK_INTEL, 0, CONSUMED, MACHINE_CHECK_MACHINE},
        {MACHINE_CHECK_INTEL, HERE, CONSUMED | STATUS_PCC, MACHINE_CHECK_MACHINE},
        {MACHINE_CHECK_INTEL, HERE, CONSUMED | STATUS_OVER, MACHINE_CHECK_MACHINE},
        {MACHINE_CHECK_INTEL, HERE, CONSUMED & ~STATUS_ADDRV, MACHINE_CHECK_MACHINE},
        {MACHINE_CHECK_INTEL, HERE, CONSUMED & ~STATUS_MISCV, MACHINE_CHECK_MACHINE},
        /* Nobody waits for the data, or it was not what this #MC is about. */
        {MACHINE_CHECK_INTEL, HERE, CONSUMED & ~STATUS_AR, MACHINE_CHECK_NOBODY},
        {MACHINE_CHECK_INTEL, HERE, CONSUMED & ~STATUS_S, MACHINE_CHECK_NOBODY},
        {MACHINE_CHECK_INTEL, HERE, CONSUMED & ~STATUS_EN, MACHINE_CHECK_NOBODY},
        {MACHINE_CHECK_INTEL, HERE, (CONSUMED & ~STATUS_AR) | STATUS_OVER, MACHINE_CHECK_NOBODY},
        {MACHINE_CHECK_INTEL, HERE, (CONSUMED & ~STATUS_S) | STATUS_OVER, MACHINE_CHECK_NOBODY},
        {MACHINE_CHECK_INTEL, HERE, CONSUMED & ~STATUS_UC, MACHINE_CHECK_NOBODY},
        {MACHINE_CHECK_INTEL, HERE, CONSUMED & ~STATUS_VALID, MACHINE_CHECK_NOBODY},
        /* Another core's, broadcast; but not where this one cannot go on. */
        {MACHINE_CHECK_INTEL, ELSE, CONSUMED, MACHINE_CHECK_NOBODY},
        {MACHINE_CHECK_INTEL, ELSE, CONSUMED | STATUS_PCC, MACHINE_CHECK_MACHINE},
        {MACHINE_CHECK_INTEL, ELSE, CONSUMED | STATUS_OVER, MACHINE_CHECK_MACHINE},
        {MACHINE_CHECK_INTEL, ELSE, 0, MACHINE_CHECK_NOBODY},
        {MACHINE_CHECK_INTEL, MCG_STATUS_EIPV, 0, MACHINE_CHECK_MACHINE},
        {MACHINE_CHECK_INTEL, 0, 0, MACHINE_CHECK_MACHINE},
        /* A processor that cannot tell. */
        {MACHINE_CHECK_PLAIN, HERE, CONSUMED, MACHINE_CHECK_MACHINE},
        {MACHINE_CHECK_PLAIN, HERE, CONSUMED & ~STATUS_UC, MACHINE_CHECK_NOBODY},
        {MACHINE_CHECK_AMD, HERE, POISONED, MACHINE_CHECK_GUEST},
        {MACHINE_CHECK_AMD, HERE, POISONED & ~STATUS_AMD_POISON, MACHINE_CHECK_MACHINE},
        {MACHINE_CHECK_AMD, HERE, POISONED & ~STATUS_ADDRV, MACHINE_CHECK_MACHINE},
        {MACHINE_CHECK_AMD, HERE, POISONED | STATUS_PCC, MACHINE_CHECK_MACHINE},
        {MACHINE_CHECK_AMD, HERE, POISONED | STATUS_OVER, MACHINE_CHECK_MACHINE},
        {MACHINE_CHECK_AMD, HERE, POISONED & ~STATUS_UC, MACHINE_CHECK_NOBODY},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct machine_check check = one(cases[i].kind, cases[i].global, cases[i].status);
        const enum machine_check_end end = machine_check_judge(&check, &map);

        if (end != cases[i].end)
            fail_msg("case %zu: %d", i, end);
        /* Nothing that we consumed is a guest's. */
        const enum machine_check_end ours = machine_check_judge(&check, NULL);
        assert_int_equal(ours, end == MACHINE_CHECK_GUEST ? MACHINE_CHECK_MACHINE : end);
    }
}

static void only_addresses_in_the_guests_memory(void **state)
{
    struct machine_check check = one(MACHINE_CHECK_INTEL, HERE, CONSUMED);
    static const struct {
        uint64_t address, misc;
        enum machine_check_end end;
    } cases[] = {
        {GIB, PHYSICAL, MACHINE_CHECK_GUEST},
        {GIB + 128 * MIB - 64, PHYSICAL, MACHINE_CHECK_GUEST},
        {GIB + 128 * MIB, PHYSICAL, MACHINE_CHECK_MACHINE},
        {GIB - 1, PHYSICAL, MACHINE_CHECK_MACHINE},
        {GIB + 4096, MISC_MODE_PHYSICAL << 6 | 12, MACHINE_CHECK_GUEST},
        {GIB + 4096, MISC_MODE_PHYSICAL << 6 | 28, MACHINE_CHECK_MACHINE}, /* more than is its */
        {GIB + 4096, 1 << 6 | 6, MACHINE_CHECK_MACHINE},                   /* linear */
        {UINT64_MAX, MISC_MODE_PHYSICAL << 6 | 63, MACHINE_CHECK_MACHINE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        check.banks[1].address = cases[i].address;
        check.banks[1].misc = cases[i].misc;
        assert_int_equal(machine_check_judge(&check, &map), cases[i].end);
    }
}

/* Whatever it is that a row leads to, and whoever else has it: who consumed it ends. Registers of a
 * device are not memory. */
static void every_kind_of_row(void **state)
{
    struct machine_check check = one(MACHINE_CHECK_INTEL, HERE, CONSUMED);
    static const struct {
        uint64_t address;
        enum machine_check_end end;
    } cases[] = {
        {8 * GIB, MACHINE_CHECK_GUEST},                /* RAM below 3 GiB ... */
        {11 * GIB + MIB, MACHINE_CHECK_GUEST},         /* ... and beyond */
        {12 * GIB, MACHINE_CHECK_MACHINE},             /* no row */
        {64 * GIB, MACHINE_CHECK_GUEST},               /* a disk */
        {64 * GIB + 2 * MIB - 1, MACHINE_CHECK_GUEST}, /* its last byte */
        {64 * GIB + 2 * MIB, MACHINE_CHECK_MACHINE},   /* after it */
        {96 * GIB, MACHINE_CHECK_GUEST},               /* a disk that is read only */
        {32 * GIB, MACHINE_CHECK_GUEST},               /* a link's window */
        {32 * GIB + 64 * KIB, MACHINE_CHECK_MACHINE},  /* after it */
        {33 * GIB, MACHINE_CHECK_GUEST},               /* one that it may only read */
        {0xf0000000, MACHINE_CHECK_MACHINE},           /* a device's registers */
    };

    (void)state;
    memset(&map, 0, sizeof(map));
    guest_map_add_ram(&map, hpa(8 * GIB), 4 * GIB);
    guest_map_add_disk(&map, hpa(64 * GIB), 2 * MIB, false, "root.img");
    guest_map_add_disk(&map, hpa(96 * GIB), 2 * MIB, true, "usr.img");
    guest_map_add_shared(&map, gpa(0xc0000000), hpa(32 * GIB), 64 * KIB, false, "wire");
    guest_map_add_shared(&map, gpa(0xc0010000), hpa(33 * GIB), 64 * KIB, true, "feed");
    guest_map_add(&map, (struct guest_region){gpa(0xe0000000), hpa(0xf0000000), PAGE_SIZE,
                                              PT_R | PT_W, PT_UNCACHED, REGION_DEVICE, NULL});
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        check.banks[1].address = cases[i].address;
        if (machine_check_judge(&check, &map) != cases[i].end)
            fail_msg("case %zu", i);
        assert_int_equal(machine_check_judge(&check, NULL), MACHINE_CHECK_MACHINE);
    }
    /* All RAM is one piece of the host: an error may lie across the two rows. */
    check.banks[1].address = 11 * GIB;
    check.banks[1].misc = MISC_MODE_PHYSICAL << 6 | 33;
    assert_int_equal(machine_check_judge(&check, &map), MACHINE_CHECK_MACHINE);
    check.banks[1].misc = MISC_MODE_PHYSICAL << 6 | 32;
    assert_int_equal(machine_check_judge(&check, &map), MACHINE_CHECK_GUEST);
}

/* With scalable MCA the lowest bit that counts stands above the address. */
static void amds_addresses(void **state)
{
    struct machine_check check = one(MACHINE_CHECK_AMD, HERE, POISONED);
    static const struct {
        uint64_t address;
        enum machine_check_end end;
    } cases[] = {
        {GIB, MACHINE_CHECK_GUEST},
        {GIB + 128 * MIB, MACHINE_CHECK_MACHINE},
        {UINT64_C(12) << 56 | (GIB + 4096), MACHINE_CHECK_GUEST},
        {UINT64_C(28) << 56 | (GIB + 4096), MACHINE_CHECK_MACHINE},
        {UINT64_C(12) << 56 | (GIB - 4096), MACHINE_CHECK_MACHINE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        check.banks[1].address = cases[i].address;
        assert_int_equal(machine_check_judge(&check, &map), cases[i].end);
    }
}

static void the_worst_bank_counts(void **state)
{
    struct machine_check check = one(MACHINE_CHECK_INTEL, HERE, CONSUMED);

    (void)state;
    check.banks[0] = (struct machine_check_bank){CONSUMED | STATUS_PCC, 0, 0};
    assert_int_equal(machine_check_judge(&check, &map), MACHINE_CHECK_MACHINE);
    check.banks[0].status = STATUS_VALID;
    assert_int_equal(machine_check_judge(&check, &map), MACHINE_CHECK_GUEST);
    check.count = MACHINE_CHECK_BANKS_MAX + 1;
    assert_int_equal(machine_check_judge(&check, &map), MACHINE_CHECK_MACHINE);
}

/* A core with three banks; those that are valid are put there by the test. */
static void core_make(enum recorder_vendor vendor, uint64_t cap)
{
    recorder_clear();
    lines_clear();
    recorder_put_vendor(vendor, 0xd);
    recorder_put_leaf(1, (struct cpuid_regs){.edx = CPUID_1_EDX_MCA});
    recorder_put_msr(MSR_MCG_CAP, cap | 3);
    recorder_put_msr(MSR_MCG_STATUS, HERE);
    for (uint32_t i = 0; i < 3; i++)
        recorder_put_msr(MSR_MC_STATUS(i), 0);
}

static void core_put(uint32_t bank, uint64_t status)
{
    recorder_put_msr(MSR_MC_STATUS(bank), status);
    recorder_put_msr(MSR_MC_ADDR(bank), GIB + 0x1000);
    recorder_put_msr(MSR_MC_MISC(bank), PHYSICAL);
}

static void every_bank_signals(void **state)
{
    (void)state;
    for (uint32_t with_ctl = 0; with_ctl < 2; with_ctl++) {
        core_make(GENUINE_INTEL, with_ctl ? MCG_CAP_CTL : 0);
        assert_true(machine_check_init());
        assert_int_equal(recorder_has(WRITE_MSR, MSR_MCG_CTL, UINT64_MAX), with_ctl);
        for (uint32_t i = 0; i < 3; i++) {
            assert_true(recorder_has(WRITE_MSR, MSR_MC_CTL(i), UINT64_MAX));
            assert_true(recorder_has(WRITE_MSR, MSR_MC_STATUS(i), 0));
        }
        assert_true(recorder_has(WRITE_MSR, MSR_MCG_STATUS, 0));
        assert_int_equal(recorder.write_count, 7 + with_ctl);
        assert_false(lines_contain("machine check"));
    }
    core_make(GENUINE_INTEL, 0);
    core_put(2, CONSUMED);
    assert_true(machine_check_init());
    assert_true(
        lines_contain("left from before the start: machine check: MCG_STATUS 0x7; bank 2 "));
    assert_true(lines_contain("address 0x40001000 misc 0x86"));
    recorder_clear(); /* no MCA, whatever the register says */
    recorder_put_msr(MSR_MCG_CAP, 3);
    assert_true(machine_check_init());
    assert_int_equal(recorder.write_count, 0);
    recorder_clear();
    recorder_put_leaf(1, (struct cpuid_regs){.edx = CPUID_1_EDX_MCA});
    assert_false(machine_check_init()); /* promised, and a #GP */
    assert_int_equal(recorder.write_count, 0);
}

/* Those that have no MSR in the range are not reached for. */
static void more_banks_than_there_is_room_for(void **state)
{
    (void)state;
    core_make(GENUINE_INTEL, 0);
    recorder_put_msr(MSR_MCG_CAP, MACHINE_CHECK_BANKS_MAX + 1);
    for (uint32_t i = 0; i < MACHINE_CHECK_BANKS_MAX; i++)
        recorder_put_msr(MSR_MC_STATUS(i), 0);
    assert_true(machine_check_init());
    assert_int_equal(recorder.write_count, 2 * MACHINE_CHECK_BANKS_MAX + 1);
}

static void amd_must_say_that_errors_are_contained(void **state)
{
    (void)state;
    core_make(AUTHENTIC_AMD, MCG_CAP_SER);
    assert_int_equal(machine_check_kind_of(MCG_CAP_SER), MACHINE_CHECK_PLAIN);
    recorder_put_leaf(CPUID_RAS, (struct cpuid_regs){.ebx = CPUID_RAS_EBX_SUCCOR});
    assert_int_equal(machine_check_kind_of(0), MACHINE_CHECK_PLAIN); /* no such leaf */
    recorder_put_leaf(0x80000000, (struct cpuid_regs){.eax = CPUID_RAS});
    recorder_set_leaf(CPUID_RAS, (struct cpuid_regs){.ebx = ~CPUID_RAS_EBX_SUCCOR});
    assert_int_equal(machine_check_kind_of(0), MACHINE_CHECK_PLAIN);
    recorder_set_leaf(CPUID_RAS, (struct cpuid_regs){.ebx = CPUID_RAS_EBX_SUCCOR});
    assert_int_equal(machine_check_kind_of(0), MACHINE_CHECK_AMD);
    core_make(GENUINE_INTEL, 0);
    assert_int_equal(machine_check_kind_of(MCG_CAP_SER), MACHINE_CHECK_INTEL);
    assert_int_equal(machine_check_kind_of(0), MACHINE_CHECK_PLAIN);
}

static void room_is_made_for_the_next(void **state)
{
    (void)state;
    core_make(GENUINE_INTEL, MCG_CAP_SER);
    core_put(1, CONSUMED);
    assert_int_equal(machine_check_take(&map), MACHINE_CHECK_GUEST);
    assert_true(lines_contain("bank 1 status"));
    assert_true(recorder_has(WRITE_MSR, MSR_MC_STATUS(1), 0));
    assert_int_equal(recorder.writes[recorder.write_count - 1].index, MSR_MCG_STATUS);
    assert_int_equal(recorder.write_count, 2);
}

/* It still is for the core that it belongs to; and in the middle of our own code, which may be the
 * log's, nothing is logged. */
static void a_bystander_leaves_the_bank(void **state)
{
    (void)state;
    core_make(GENUINE_INTEL, MCG_CAP_SER);
    recorder_put_msr(MSR_MCG_STATUS, ELSE);
    core_put(0, CONSUMED);
    core_put(1, CONSUMED & ~STATUS_UC);
    assert_int_equal(machine_check_take(NULL), MACHINE_CHECK_NOBODY);
    assert_false(recorder_has(WRITE_MSR, MSR_MC_STATUS(0), 0));
    assert_true(recorder_has(WRITE_MSR, MSR_MC_STATUS(1), 0));
    assert_true(recorder_has(WRITE_MSR, MSR_MCG_STATUS, 0));
    assert_false(lines_contain("machine check"));
}

static void the_machines_end_names_the_banks(void **state)
{
    (void)state;
    core_make(AUTHENTIC_AMD, MCG_CAP_CTL);
    core_put(2, POISONED);
    why[0] = '\0';
    if (setjmp(panicked) == 0)
        (void)machine_check_take(NULL);
    assert_non_null(strstr(why, "machine check: MCG_STATUS 0x7; bank 2 status 0x"));
    assert_non_null(strstr(why, " address 0x40001000"));
    recorder_clear();
    if (setjmp(panicked) == 0)
        (void)machine_check_take(NULL);
    assert_non_null(strstr(why, "no registers"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(whose_end_it_is, setup),
        cmocka_unit_test_setup(only_addresses_in_the_guests_memory, setup),
        cmocka_unit_test_setup(every_kind_of_row, setup),
        cmocka_unit_test_setup(amds_addresses, setup),
        cmocka_unit_test_setup(the_worst_bank_counts, setup),
        cmocka_unit_test_setup(every_bank_signals, setup),
        cmocka_unit_test_setup(more_banks_than_there_is_room_for, setup),
        cmocka_unit_test_setup(amd_must_say_that_errors_are_contained, setup),
        cmocka_unit_test_setup(room_is_made_for_the_next, setup),
        cmocka_unit_test_setup(a_bystander_leaves_the_bank, setup),
        cmocka_unit_test_setup(the_machines_end_names_the_banks, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
