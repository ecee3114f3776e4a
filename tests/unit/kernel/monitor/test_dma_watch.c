/* SPDX-License-Identifier: MIT */
/*
 * test_dma_watch: what devices tried is told a few times and counted always, whatever there is.
 */
#include "kernel/monitor/dma_watch.h"

#include "support.h"

static struct iommu iommu;
static struct config_guest config = {.name = "linux"};
static uint32_t waiting;

uint32_t iommu_faults(struct iommu *from, struct iommu_fault *faults, uint32_t room)
{
    uint32_t i = 0;

    assert_ptr_equal(from, &iommu);
    for (; i < room && waiting > 0; i++, waiting--)
        faults[i] = (struct iommu_fault){
            .kind = IOMMU_FAULT_WRITE, .id = waiting % 2 ? 0x200 : 0x300, .address = 0x1000};
    return i;
}

uint32_t iommu_guest_of(const struct iommu *of, const struct iommu_fault *fault)
{
    (void)of;
    return fault->id == 0x200 ? 0 : IOMMU_NOBODY;
}

static struct plan *one_guest(void)
{
    struct plan *plan = calloc(1, sizeof(*plan));

    assert_non_null(plan);
    plan->guest_count = 1;
    plan->guests[0].config = &config;
    return plan;
}

static void told_and_counted(void **state)
{
    struct plan *plan = one_guest();
    const struct monitor_view view = {.plan = plan, .iommu = &iommu}, without = {.plan = plan};
    struct dma_watch watch = {0};

    (void)state;
    lines_clear();
    waiting = 5;
    dma_watch_look(&watch, &without);
    assert_int_equal(waiting, 5);
    waiting = 2;
    dma_watch_look(&watch, &view);
    assert_int_equal(lines_count(), 2);
    assert_true(lines_contain("device 03:00.0, which nobody has, tried to write to 0x1000"));
    assert_true(
        lines_contain("guest 'linux': its device 02:00.0 tried to write to guest-physical"));
    free(plan);
}

/* abuse: DM-04 */
static void a_storm(void **state)
{
    struct plan *plan = one_guest();
    const struct monitor_view view = {.plan = plan, .iommu = &iommu};
    struct dma_watch watch = {0};

    (void)state;
    lines_clear();
    waiting = 1000000;
    for (uint32_t i = 0; i < 100; i++) {
        const uint32_t before = waiting;
        dma_watch_look(&watch, &view);
        assert_in_range(before - waiting, 1, 32);
    }
    assert_int_equal(lines_count(), 8 + 1);
    assert_string_equal(lines_last(0), "what else the IOMMU refuses is counted only: `isolation`");
    assert_int_equal(watch.counted, 1000000 - waiting);
    free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(told_and_counted),
        cmocka_unit_test(a_storm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
