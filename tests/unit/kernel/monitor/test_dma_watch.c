/* SPDX-License-Identifier: MIT */
/*
 * test_dma_watch: what devices tried is told a few times and counted always, whatever there is; and
 * ends a guest where that is wanted, or where it is too much.
 */
#include "kernel/monitor/dma_watch.h"

#include <stdio.h>

#include "drivers/iommu/iommu_words.h"
#include "kernel/vm/faults.h"
#include "kernel/vm/life.h"
#include "support.h"

#define HZ    1000 /* of the TSC */
#define OWNED 0x200
#define STRAY 0x300

static struct iommu iommu;
static struct config_guest config;
static struct plan_guest plan = {.config = &config};
static const struct tsc tsc = {.hz = HZ};
static struct vm vm, other, *vms[] = {&other, &vm};
static struct faults faults;
static const struct monitor_view view = {
    .vms = vms, .vm_count = ARRAY_SIZE(vms), .iommu = &iommu, .faults = &faults};
static uint32_t waiting, told;
static uint16_t whose;
static struct vm_end end;

uint32_t iommu_faults(struct iommu *from, struct iommu_fault *got, uint32_t room)
{
    uint32_t i = 0;

    assert_ptr_equal(from, &iommu);
    for (; i < room && waiting > 0; i++, waiting--)
        got[i] = (struct iommu_fault){
            .kind = IOMMU_FAULT_WRITE, .id = whose, .address = 0x1000, .reason = 5};
    return i;
}

uint32_t iommu_guest_of(const struct iommu *of, const struct iommu_fault *fault)
{
    (void)of;
    return fault->id == OWNED ? 1 : IOMMU_NOBODY;
}

bool life_end(struct vm *of, struct vm_end wanted)
{
    assert_ptr_equal(of, &vm);
    if (atomic_load(&of->phase) != VM_RUNNING)
        return false;
    atomic_store(&of->phase, VM_STOPPING);
    of->end = end = wanted;
    return true;
}

void console_note(struct console_stream *stream, enum note_kind kind, const char *text, size_t len)
{
    (void)kind;
    assert_ptr_equal(stream, &vm.console);
    log_emit(text, len);
    told++;
}

static void live(void)
{
    vm.next.is_told = true;
    faults_begin(&vm);
    atomic_store(&vm.phase, VM_RUNNING);
    lines_clear();
    told = 0;
}

static int begin(void **state)
{
    (void)state;
    config = (struct config_guest){.name = "linux"};
    vm = (struct vm){
        .name = "linux", .plan = &plan, .tsc = &tsc, .device_count = 1, .iommu = &iommu};
    other = (struct vm){.name = "other", .plan = &plan, .tsc = &tsc};
    faults = (struct faults){.counted = 0};
    faults_build(&faults, &iommu, vms, ARRAY_SIZE(vms));
    end = (struct vm_end){.kind = VM_END_NONE};
    waiting = 0;
    whose = OWNED;
    live();
    return 0;
}

static void without_an_iommu(void **state)
{
    struct faults none = {.counted = 0};
    const struct monitor_view nothing = {.faults = &none};

    (void)state;
    waiting = 5;
    assert_false(dma_watch_look(&nothing, 0));
    assert_int_equal(waiting, 5);
}

/* Looks until nothing is there, at one time. */
static void look(uint32_t count, uint16_t id, uint64_t now)
{
    waiting = count;
    whose = id;
    while (dma_watch_look(&view, now))
        ;
    assert_int_equal(waiting, 0);
}

static void told_and_counted(void **state)
{
    (void)state;
    look(1, STRAY, 0);
    assert_int_equal(lines_count(), 1);
    assert_string_equal(lines_last(0), "device 03:00.0, which nobody has, tried to write to 0x1000 "
                                       "(VT-d reason 0x5)");
    look(1, OWNED, 0);
    assert_int_equal(lines_count(), 2);
    assert_string_equal(lines_last(0),
                        "guest 'linux': its device 02:00.0 tried to write to guest-physical "
                        "0x1000, outside of its memory (VT-d reason 0x5)");
    assert_int_equal(told, 1);
    look(2, OWNED, 0);
    assert_int_equal(lines_count(), 4);
    look(100, OWNED, 0);
    assert_int_equal(lines_count(), 6);
    assert_string_equal(lines_last(0), "guest 'linux': what else its devices try in this life is "
                                       "counted only: `stats linux`");
    assert_int_equal(vm.faults.counted, 103);
    assert_int_equal(other.faults.counted, 0);
    assert_int_equal(faults.counted, 104);
    assert_int_equal(end.kind, VM_END_NONE);
}

static void a_next_life(void **state)
{
    (void)state;
    look(10, OWNED, 0);
    assert_int_equal(told, 5);
    live();
    assert_int_equal(vm.faults.counted, 0);
    look(2, OWNED, 0);
    assert_int_equal(told, 2);
    assert_int_equal(vm.faults.counted, 2);
    vm.next.is_told = false; /* one of many */
    faults_begin(&vm);
    look(10, OWNED, 0);
    assert_int_equal(told, 2);
    assert_int_equal(vm.faults.counted, 10);
    assert_int_equal(faults.counted, 22);
}

/* What is found when a life has ended is its own, also if it has ended by something else. */
static void the_end_of_a_life(void **state)
{
    (void)state;
    atomic_store(&vm.phase, VM_STOPPING);
    vm.end = (struct vm_end){.kind = VM_END_POWER_OFF};
    waiting = 70;
    faults_take_last(&vm, 0);
    assert_int_equal(waiting, 0);
    life_tell_faults(&vm);
    assert_int_equal(told, 5);
    assert_int_equal(vm.faults.counted, 70);
    waiting = 1000000; /* of somebody else's, for instance */
    faults_take_last(&vm, 0);
    assert_in_range(1000000 - waiting, 64, 4096);
    const uint32_t left = waiting;
    faults_take_last(&other, 0); /* has no device */
    assert_int_equal(waiting, left);
}

static void stop(void **state)
{
    (void)state;
    config.on_dma_fault = DMA_FAULT_STOP;
    look(0, OWNED, 0);
    look(3, STRAY, 0);
    assert_int_equal(end.kind, VM_END_NONE);
    look(2, OWNED, 0);
    assert_int_equal(end.kind, VM_END_CRASH);
    assert_true(end.by_device && !end.is_storm && !end.by_operator);
    assert_int_equal(end.fault.id, OWNED);
    assert_int_equal(end.fault.address, 0x1000);
    look(2, OWNED, 0);
    life_tell_faults(&vm);
    assert_int_equal(told, 0); /* its diagnosis tells */
    assert_int_equal(vm.faults.counted, 4);
    end.kind = VM_END_NONE;
    live(); /* and does not end for what was before */
    look(0, OWNED, 0);
    assert_int_equal(end.kind, VM_END_NONE);
}

/* abuse: DM-04 */
static void a_storm(void **state)
{
    (void)state;
    look(299, OWNED, 5);
    look(299, OWNED, 5 + HZ); /* another second */
    look(150, OWNED, 5 + 2 * HZ);
    look(149, OWNED, 4 + 3 * HZ);
    assert_int_equal(end.kind, VM_END_NONE);
    look(1, OWNED, 4 + 3 * HZ);
    assert_int_equal(end.kind, VM_END_CRASH);
    assert_true(end.by_device && end.is_storm);
    assert_int_equal(vm.faults.counted, 898);
    live();
    end.kind = VM_END_NONE;
    look(299, OWNED, 4 + 3 * HZ);
    assert_int_equal(end.kind, VM_END_NONE);
}

/* abuse: DM-04 */
static void nobodys_storm(void **state)
{
    (void)state;
    waiting = 1000000;
    whose = STRAY;
    for (uint32_t i = 0; i < 100; i++) {
        const uint32_t before = waiting;
        assert_true(dma_watch_look(&view, 0));
        assert_in_range(before - waiting, 1, 32);
    }
    assert_int_equal(lines_count(), 8 + 1);
    assert_string_equal(lines_last(0),
                        "what else devices that nobody has try is counted only: `isolation`");
    assert_int_equal(faults.counted, 1000000 - waiting);
    assert_int_equal(end.kind, VM_END_NONE);
}

static void places(void **state)
{
    static const struct {
        uint64_t at;
        const char *place;
    } rows[] = {
        {0x1000, "in its memory"},
        {2 * MIB, "outside of its memory"},
        {3 * GIB, "in the window of a link, which no device reaches"},
        {3 * GIB + 8 * MIB, "among a device's registers, which no device reaches"},
        {128 * MIB + 4096, "on a disk"},
        {256 * MIB, "on a disk that can only be read"},
    };
    struct iommu_fault fault = {.kind = IOMMU_FAULT_WRITE, .id = OWNED, .reason = 5};
    char text[IOMMU_TEXT_MAX], want[IOMMU_TEXT_MAX];

    (void)state;
    guest_map_add_ram(&plan.map, hpa(2 * MIB), 2 * MIB);
    (void)guest_map_add_disk(&plan.map, hpa(16 * MIB), 2 * MIB, false, "disk");
    (void)guest_map_add_disk(&plan.map, hpa(32 * MIB), 2 * MIB, true, "disk");
    guest_map_add_shared(&plan.map, gpa(3 * GIB), hpa(8 * MIB), 4096, false, "link");
    guest_map_add_device(&plan.map, gpa(3 * GIB + 8 * MIB), hpa(3 * GIB), 4096, "other");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        fault.address = rows[i].at;
        faults_text(&vm, &fault, text, sizeof(text));
        snprintf(want, sizeof(want),
                 "its device 02:00.0 tried to write to guest-physical 0x%llx, %s (VT-d reason 0x5)",
                 (unsigned long long)rows[i].at, rows[i].place);
        assert_string_equal(text, want);
    }
    memset(&plan.map, 0, sizeof(plan.map));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_an_iommu, begin),
        cmocka_unit_test_setup(told_and_counted, begin),
        cmocka_unit_test_setup(a_next_life, begin),
        cmocka_unit_test_setup(the_end_of_a_life, begin),
        cmocka_unit_test_setup(stop, begin),
        cmocka_unit_test_setup(a_storm, begin),
        cmocka_unit_test_setup(nobodys_storm, begin),
        cmocka_unit_test_setup(places, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
