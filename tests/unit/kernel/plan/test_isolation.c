/* SPDX-License-Identifier: MIT */
/*
 * test_isolation: the report names the owner of every range and core of the plan, and the desk's
 * part of it leaves out what only the machine knows.
 */
#include "kernel/plan/isolation.h"

#include "lib/log.h"
#include "support.h"
#include "vdev/vendor.h"

static struct config_guest configs[2] = {{.name = "one"}, {.name = "fifteen-letters"}};
static struct config config;
static struct plan plan;
static struct machine machine;
static const struct isolation desk = {.plan = &plan, .machine = &machine, .msrs = &msr_intel};

static int setup(void **state)
{
    (void)state;
    plan = (struct plan){.config = &config, .reserved_cores = 1, .guest_count = 2};
    config.machine.threads_shared = false;
    plan.guests[0] = (struct plan_guest){.config = &configs[0], .core_count = 1, .cores = {2}};
    plan.guests[0].ram = (struct range){.base = 0x200000, .size = 16 * MIB};
    plan.guests[1] = (struct plan_guest){.config = &configs[1], .core_count = 2, .cores = {4, 1}};
    plan.guests[1].ram = (struct range){.base = 0x140000000, .size = GIB};
    machine = (struct machine){.core_count = 5, .apic_ids = {0, 2, 4, 6, 8}};
    return 0;
}

static void owners_are_named(void **state)
{
    static const char *const want[] = {
        "who owns what:",
        "  one             0x0000200000-0x00011fffff    16 MiB  its RAM, no other way in",
        "  fifteen-letters 0x0140000000-0x017fffffff     1 GiB  its RAM, no other way in",
        "  bulkhead        core #0 with its local APIC (id 0) and its interrupts",
        "  fifteen-letters core #1 with its local APIC (id 2) and its interrupts",
        "  one             core #2 with its local APIC (id 4) and its interrupts",
        "  nobody          core #3 with its local APIC (id 6) and its interrupts",
        "  fifteen-letters core #4 with its local APIC (id 8) and its interrupts",
    };
    char line[LOG_LINE_MAX];

    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(want); i++) {
        assert_true(isolation_owner_line(&desk, i, line, sizeof(line)));
        assert_string_equal(line, want[i]);
    }
    assert_false(isolation_owner_line(&desk, ARRAY_SIZE(want), line, sizeof(line)));
    assert_false(isolation_owner_line(&desk, UINT32_MAX, line, sizeof(line)));
}

static void the_whole_report_goes_on(void **state)
{
    const struct isolation whole = {.plan = &plan,
                                    .msrs = &msr_intel,
                                    .machine = &machine,
                                    .image = {.base = 0x1000000, .size = 256 * KIB},
                                    .pool = {.base = 0x2000000, .size = 6 * MIB}};
    char line[LOG_LINE_MAX], owner[LOG_LINE_MAX];
    uint32_t count = 0, gaps = 0;
    bool after_gaps = false;

    (void)state;
    for (; isolation_line(&whole, count, line, sizeof(line)); count++) {
        assert_true(strlen(line) < 130);
        if (isolation_owner_line(&whole, count, owner, sizeof(owner)))
            assert_string_equal(line, owner);
        gaps += after_gaps && strncmp(line, "  - ", 4) == 0;
        after_gaps = after_gaps || strcmp(line, "what is not isolated:") == 0;
    }
    assert_int_equal(count, 8 + 2 + 3 + 1 + gaps);
    assert_true(gaps >= 4);
    assert_false(isolation_line(&whole, count, line, sizeof(line)));
    config.machine.threads_shared = true;
    assert_true(isolation_line(&whole, count, line, sizeof(line)));
    assert_non_null(strstr(line, "'threads = shared'"));
    assert_true(isolation_line(&whole, 1, line, sizeof(line)));
    assert_string_equal(line, "  bulkhead        0x0001000000-0x000103ffff   256 KiB  its image");
    assert_false(isolation_line(&whole, UINT32_MAX, line, sizeof(line)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(owners_are_named, setup),
        cmocka_unit_test_setup(the_whole_report_goes_on, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
