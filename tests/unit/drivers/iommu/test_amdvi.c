/* SPDX-License-Identifier: MIT */
/*
 * test_amdvi: what a unit is told, in which order and from whatever the firmware left; what happens
 * where it does not answer; entries, messages and events bit by bit.
 */
#include "drivers/iommu/amdvi.h"

#include "support.h"

#include "mm/range.h"

#include "tests/unit/drivers/iommu/fake_units.h"

#include "drivers/iommu/amdvi.c"

#define UNIT  UINT64_C(0xfed80000)
#define LIMIT 1000
#define EMPTY UINT64_C(0x5000)

static struct amdvi unit;
static struct fake *f;
static ALIGNED(4096) uint64_t pages[3 * 512], interrupts[512];
static ALIGNED(4096) uint64_t devices[AMDVI_DEVICES * AMDVI_DEVICE_WORDS];

static int setup(void **state)
{
    (void)state;
    fake_clear();
    f = fake_add(UNIT, true);
    memset(pages, 0, sizeof(pages));
    memset(interrupts, 0, sizeof(interrupts));
    assert_null(amdvi_probe(&unit, hpa(UNIT), 0, LIMIT));
    assert_int_equal(f->write_count, 0);
    return 0;
}

/* A zeroed entry would let everything through: not one may be left. */
/* abuse: DM-01 */
static void all_is_blocked(void **state)
{
    (void)state;
    memset(devices, 0, sizeof(devices));
    amdvi_block_all(devices, hpa(EMPTY));
    for (uint32_t id = 0; id < AMDVI_DEVICES; id++) {
        const uint64_t *e = devices + (size_t)id * AMDVI_DEVICE_WORDS;
        assert_int_equal(e[0], EMPTY | 0x803); /* V, TV, four levels; neither read nor write */
        assert_int_equal(e[1], 0);
        assert_int_equal(e[2], 1); /* IV, and what comes is aborted */
        assert_int_equal(e[3], 0);
    }
    assert_true(fake_is_flushed(devices, sizeof(devices)));
}

static void start(void **state)
{
    (void)state;
    f->regs[FAKE_CONTROL / 8] = UINT64_MAX; /* as if the firmware had everything on */
    f->regs[0x20 / 8] = 0x1001;
    f->head = 0x40;
    unit.links = 0x05;
    assert_null(amdvi_start(&unit, devices, pages));
    const uint32_t off = fake_first(f, FAKE_CONTROL, ~UINT64_C(0), 0);
    const uint32_t on = fake_first(f, FAKE_CONTROL, 1, 1);
    assert_int_equal(off, 0);
    assert_true(fake_first(f, 0, ~UINT64_C(0), (uintptr_t)devices | 0x1ff) < on);
    assert_true(fake_first(f, 8, ~UINT64_C(0), (uintptr_t)pages | UINT64_C(8) << 56) < on);
    assert_true(fake_first(f, 16, ~UINT64_C(0), (uintptr_t)(pages + 512) | UINT64_C(8) << 56) < on);
    assert_int_equal(f->regs[0x20 / 8], 0); /* nothing is excluded */
    assert_int_equal(f->regs[0x28 / 8], 0);
    /* on, tunnel, events, 1 s, responses, coherent, commands, wide entries, x2APIC */
    assert_int_equal(f->regs[FAKE_CONTROL / 8], 0x0004000000021687);
    assert_int_equal(f->done_count, 2); /* all forgotten, and waited for */
    assert_int_equal(f->done[0], UINT64_C(8) << 60);
}

/* abuse: DM-03 */
static void a_unit_that_does_not_answer(void **state)
{
    (void)state;
    f->deaf_control = true;
    assert_string_equal(amdvi_start(&unit, devices, pages), "it does not go on");
    (void)setup(NULL);
    f->deaf_queue = true;
    assert_string_equal(amdvi_start(&unit, devices, pages), "it does not carry out commands");
    assert_in_range(fake_ticks, LIMIT, 3 * LIMIT);
    fake_ticks = 0;
    assert_false(amdvi_forget_interrupts(&unit, 1));
    assert_true(fake_ticks < 10);
}

/* A core that is held up while it waits finds afterwards that the unit had answered. */
static void a_core_that_is_held_up(void **state)
{
    (void)state;
    assert_null(amdvi_start(&unit, devices, pages));
    f->late = true;
    assert_true(amdvi_forget_interrupts(&unit, 1));
    assert_true(fake_ticks > LIMIT);
}

static void units_that_are_refused(void **state)
{
    (void)state;
    f->regs[6] = UINT64_MAX;
    assert_string_equal(amdvi_probe(&unit, hpa(UNIT), 0, LIMIT), "its registers do not answer");
    f->regs[6] = BIT64(7);
    assert_string_equal(amdvi_probe(&unit, hpa(UNIT), 0, LIMIT),
                        "it cannot be told to forget everything at once");
    f->regs[6] = BIT64(6) | UINT64_C(3) << 10;
    assert_string_equal(amdvi_probe(&unit, hpa(UNIT), 0, LIMIT), "it has no tables of four levels");
    f->regs[6] = BIT64(6) | BIT64(2);
    assert_null(amdvi_probe(&unit, hpa(UNIT), 0, LIMIT));
    assert_true(!amdvi_remaps(&unit) && !amdvi_x2apic(&unit));
    assert_null(amdvi_start(&unit, devices, pages));
    assert_int_equal(f->regs[FAKE_CONTROL / 8] & (BIT64(17) | BIT64(50)), 0);
}

/* The unit looks at every moment: nothing is open before all of it is there. */
static void entries(void **state)
{
    const struct amdvi_grant grant = {hpa(0x123000), hpa(EMPTY), 7, interrupts};
    const struct amdvi_grant none = {hpa(0x123000), hpa(EMPTY), 7, NULL};
    uint64_t *e = devices + 4 * 0x208;
    (void)state;
    amdvi_block_all(devices, hpa(EMPTY));
    fake_flushed_count = 0;
    amdvi_open(e, &grant);
    assert_int_equal(e[0], 0x6000000000123803);
    assert_int_equal(e[1], 7);
    assert_int_equal(e[2], (uintptr_t)interrupts | 0x2000000000000011);
    assert_int_equal(e[3], 0);
    assert_int_equal(fake_flushed[0].base, (uintptr_t)&e[1]); /* the order */
    assert_int_equal(fake_flushed[1].base, (uintptr_t)&e[2]);
    assert_int_equal(fake_flushed[2].base, (uintptr_t)&e[0]);
    fake_flushed_count = 0;
    amdvi_close(e, &grant);
    assert_int_equal(e[0], EMPTY | 0x803);
    assert_int_equal(e[1], BIT64(34) | 7); /* no events */
    assert_int_equal(e[2], 1);
    assert_int_equal(fake_flushed[0].base, (uintptr_t)&e[0]);
    amdvi_open(e, &none);
    assert_int_equal(e[2], 1); /* without a table interrupts stay refused */
    amdvi_put_interrupt(interrupts + 2, 0x12345678, 0x42);
    assert_int_equal(interrupts[2], 0x34567801); /* fixed, physical */
    assert_int_equal(interrupts[3], 0x1200000000000042);
    amdvi_put_interrupt(interrupts + 2, 0x12345678, 0);
    assert_true(interrupts[2] == 0 && interrupts[3] == 0);
}

static void messages(void **state)
{
    uint32_t address, data;
    (void)state;
    amdvi_message(255, &address, &data);
    assert_int_equal(address, 0xfee00000);
    assert_int_equal(data, 255);
}

static void forgetting(void **state)
{
    (void)state;
    assert_null(amdvi_start(&unit, devices, pages));
    f->done_count = 0;
    assert_true(amdvi_forget_device(&unit, 0x208, 7));
    assert_int_equal(f->done[0], 0x2000000000000208);
    assert_int_equal(f->done[1], 0x3000000700000000);
    assert_int_equal(f->done[2], 0x5000000000000208);
    assert_int_equal(f->done[3] >> 60, 1);
    for (uint32_t i = 0; i < 300; i++) { /* once round the ring, and more */
        f->done_count = 0;
        assert_true(amdvi_forget_interrupts(&unit, 0x208));
        assert_int_equal(f->done_count, 2);
        assert_int_equal(f->done[0], 0x5000000000000208);
    }
}

static void put_event(uint64_t low, uint64_t high)
{
    uint64_t *log = pages + 512;
    uint64_t *tail = &f->regs[FAKE_EVENT_TAIL / 8];

    log[*tail / 8] = low;
    log[*tail / 8 + 1] = high;
    *tail = (*tail + 16) % 4096;
}

static void events(void **state)
{
    struct iommu_fault got[4];
    (void)state;
    assert_null(amdvi_start(&unit, devices, pages));
    assert_int_equal(amdvi_faults(&unit, got, 4), 0);
    put_event(UINT64_C(2) << 60 | BIT64(53) | 0x200, 0x3f000000);
    put_event(UINT64_C(2) << 60 | 0x208, 0x1000);
    put_event(UINT64_C(2) << 60 | BIT64(51) | 0x210, 0xfee00000);
    put_event(UINT64_C(5) << 60, 0x1000);
    assert_int_equal(amdvi_faults(&unit, got, 4), 4);
    assert_int_equal(got[0].kind, IOMMU_FAULT_WRITE);
    assert_int_equal(got[0].id, 0x200);
    assert_int_equal(got[0].address, 0x3f000000);
    assert_int_equal(got[1].kind, IOMMU_FAULT_READ);
    assert_int_equal(got[2].kind, IOMMU_FAULT_INTERRUPT);
    assert_int_equal(got[2].address, 0);
    assert_int_equal(got[3].kind, IOMMU_FAULT_UNIT);
    assert_int_equal(f->regs[FAKE_EVENT_HEAD / 8], 64);
    assert_int_equal(amdvi_faults(&unit, got, 4), 0);
}

/* abuse: DM-04 */
static void a_storm_of_events(void **state)
{
    struct iommu_fault got[100];
    (void)state;
    assert_null(amdvi_start(&unit, devices, pages));
    for (uint32_t i = 0; i < 255; i++)
        put_event(UINT64_C(2) << 60 | 0x200, i << 12);
    f->regs[FAKE_AMD_STATUS / 8] = BIT64(0); /* and more than that */
    assert_int_equal(amdvi_faults(&unit, got, 100), 100);
    assert_int_equal(amdvi_faults(&unit, got, 100), 100);
    f->write_count = 0;
    assert_int_equal(amdvi_faults(&unit, got, 100), 55); /* then the log is made to go on */
    assert_int_equal(f->regs[FAKE_AMD_STATUS / 8], 0);
    assert_true(fake_first(f, FAKE_CONTROL, BIT64(2), 0) < fake_first(f, FAKE_AMD_STATUS, 1, 1));
    assert_true(f->regs[FAKE_CONTROL / 8] & BIT64(2));
    assert_int_equal(f->regs[FAKE_EVENT_HEAD / 8], f->regs[FAKE_EVENT_TAIL / 8]);
    for (uint32_t i = 0; i < f->write_count; i++) /* and it stayed on */
        assert_true(f->writes[i].at != FAKE_CONTROL || f->writes[i].value & 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_is_blocked, setup),
        cmocka_unit_test_setup(start, setup),
        cmocka_unit_test_setup(a_unit_that_does_not_answer, setup),
        cmocka_unit_test_setup(a_core_that_is_held_up, setup),
        cmocka_unit_test_setup(units_that_are_refused, setup),
        cmocka_unit_test_setup(entries, setup),
        cmocka_unit_test_setup(messages, setup),
        cmocka_unit_test_setup(forgetting, setup),
        cmocka_unit_test_setup(events, setup),
        cmocka_unit_test_setup(a_storm_of_events, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
