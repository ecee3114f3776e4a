/* SPDX-License-Identifier: MIT */
/*
 * test_vtd: what a unit is told, in which order and from whatever the firmware left; what happens
 * where it does not answer; entries, messages and faults bit by bit.
 */
#include "drivers/iommu/vtd.h"

#include "support.h"

#include "mm/range.h"

#include "tests/unit/drivers/iommu/fake_units.h"

#include "drivers/iommu/vtd.c"

#define UNIT  UINT64_C(0xfed90000)
#define LIMIT 1000

#define TE    BIT32(31)
#define SRTP  BIT32(30)
#define WBF   BIT32(27)
#define QIE   BIT32(26)
#define IRE   BIT32(25)
#define SIRTP BIT32(24)
#define CFI   BIT32(23)

static struct vtd unit;
static struct fake *f;
static ALIGNED(4096) uint64_t queue[1024], root[512], interrupts[2048], contexts[512];
static const struct vtd_tables tables = {root, interrupts};

static int setup(void **state)
{
    (void)state;
    fake_clear();
    f = fake_add(UNIT, false);
    memset(queue, 0, sizeof(queue));
    memset(root, 0, sizeof(root));
    memset(interrupts, 0, sizeof(interrupts));
    assert_null(vtd_probe(&unit, hpa(UNIT), LIMIT));
    assert_int_equal(f->write_count, 0); /* a look changes nothing */
    return 0;
}

static uint32_t command(uint32_t bit)
{
    return fake_first(f, FAKE_GCMD, bit, bit);
}

static bool has_done(uint64_t low)
{
    for (uint32_t i = 0; i < f->done_count; i++)
        if ((f->done[i] & UINT32_MAX) == low)
            return true;
    return false;
}

static void from_cold(void **state)
{
    (void)state;
    assert_null(vtd_start(&unit, &tables, queue));
    assert_int_equal(fake_word(f, FAKE_GSTS) & (TE | QIE | IRE | CFI), TE | QIE | IRE);
    assert_true(fake_first(f, FAKE_IQA, ~UINT64_C(0), (uintptr_t)queue) < command(QIE));
    assert_true(fake_first(f, FAKE_ROOT, ~UINT64_C(0), (uintptr_t)root) < command(SRTP));
    assert_true(command(QIE) < command(SRTP) && command(SRTP) < command(TE));
    assert_true(command(TE) < command(SIRTP) && command(SIRTP) < command(IRE));
    /* 1,024 entries, x2APIC ids */
    assert_true(fake_first(f, FAKE_IRTA, ~UINT64_C(0), (uintptr_t)interrupts | 0x809) <
                command(SIRTP));
    /* everything forgotten, contexts before translations, between the table and its use */
    assert_int_equal(f->done_count, 5);
    assert_int_equal(f->done[0], 0x11);
    assert_int_equal(f->done[1], 0xd2); /* and drained */
    assert_int_equal(f->done[3], 0x04);
    assert_true(fake_first(f, FAKE_IQT, ~UINT64_C(0), 3 << 4) > command(SRTP));
    assert_true(fake_first(f, FAKE_IQT, ~UINT64_C(0), 3 << 4) < command(TE));
    assert_true(fake_first(f, FAKE_IQT, ~UINT64_C(0), 5 << 4) < command(IRE));
    assert_int_equal(command(WBF), FAKE_WRITES); /* it has none */
    assert_int_equal(fake_word(f, 0x38), BIT32(31));
    assert_int_equal(fake_word(f, 0xa0), BIT32(31));
}

/* Every bit that firmware could have left, in all ways: translation never goes off, and what takes
 * the old format of interrupts always does, before they are let in. */
/* abuse: DM-02 */
static void from_whatever_was_left(void **state)
{
    (void)state;
    for (uint32_t left = 0; left < 16; left++) {
        (void)setup(NULL);
        const uint32_t was = (left & 1 ? TE | SRTP : 0) | (left & 2 ? IRE | SIRTP : 0) |
                             (left & 4 ? QIE : 0) | (left & 8 ? CFI : 0);
        fake_set_word(f, FAKE_GSTS, was);
        f->regs[0x08 / 8] |= BIT64(4) | BIT64(5);
        unit.capability = f->regs[0x08 / 8];
        fake_set_word(f, FAKE_PMEN, left & 1 ? 0x80000001 : 0);
        assert_null(vtd_start(&unit, &tables, queue));
        assert_int_equal(fake_word(f, FAKE_GSTS) & (TE | QIE | IRE | CFI), TE | QIE | IRE);
        assert_int_equal(fake_word(f, FAKE_PMEN), 0);
        bool compatible = (was & CFI) != 0;
        for (uint32_t i = 0; i < f->write_count; i++) {
            const struct fake_write *w = &f->writes[i];
            if (w->at == FAKE_IQA) /* only while it is off */
                assert_true(i > 0 && (!(was & QIE) || fake_first(f, FAKE_GCMD, QIE, 0) < i));
            if (w->at != FAKE_GCMD)
                continue;
            assert_true(!(was & TE) || (w->value & TE));
            compatible = compatible && (w->value & CFI);
            assert_true(i < command(SIRTP) || !(w->value & IRE) || !compatible);
        }
    }
}

/* Scalable mode is left while nothing is translated. */
static void from_tables_of_another_mode(void **state)
{
    (void)state;
    fake_set_word(f, FAKE_GSTS, TE | SRTP);
    f->regs[FAKE_ROOT / 8] = 0x123400;
    assert_null(vtd_start(&unit, &tables, queue));
    assert_int_equal(fake_first(f, FAKE_GCMD, TE, 0), 0);
    assert_int_equal(fake_word(f, FAKE_GSTS) & (TE | QIE | IRE), TE | QIE | IRE);
    (void)setup(NULL);
    fake_set_word(f, FAKE_GSTS, TE | SRTP);
    f->regs[FAKE_ROOT / 8] = 0x123400;
    f->deaf = TE;
    assert_string_equal(vtd_start(&unit, &tables, queue), "DMA remapping does not go off");
    assert_int_equal(command(QIE), FAKE_WRITES);
}

static void put_fault(uint32_t i, uint64_t low, uint64_t high)
{
    f->regs[0x220 / 8 + 2 * i] = low;
    f->regs[0x220 / 8 + 2 * i + 1] = high | BIT64(63);
    fake_set_word(f, FAKE_FSTS, fake_word(f, FAKE_FSTS) | BIT32(1));
}

/* What the firmware's time left neither stops the queue nor is told as of ours. */
static void old_faults_are_dropped(void **state)
{
    struct iommu_fault got[4];
    (void)state;
    f->regs[1] |= UINT64_C(31) << 40;
    unit.capability = f->regs[1];
    for (uint32_t i = 0; i < 32; i++)
        put_fault(i, 0x1000, UINT64_C(5) << 32);
    fake_set_word(f, FAKE_FSTS, BIT32(0) | BIT32(1) | BIT32(4));
    assert_null(vtd_start(&unit, &tables, queue)); /* the fake's queue stands still on an error */
    assert_int_equal(vtd_faults(&unit, got, 4), 0);
    assert_int_equal(fake_word(f, FAKE_FSTS) & (BIT32(0) | BIT32(4)), 0);
}

/* Each step, in a unit that does not carry it out: it ends, in words, and what comes after it is
 * not done. */
/* abuse: DM-03 */
static void a_unit_that_does_not_answer(void **state)
{
    static const struct {
        uint32_t was, deaf;
        const char *why;
        uint32_t never; /* this command must not be given */
    } cases[] = {
        {IRE, IRE, "interrupt remapping does not go off", QIE},
        {QIE, QIE, "its queue does not go off", SRTP},
        {0, WBF, "its write buffer does not empty", QIE},
        {0, QIE, "its queue does not go on", SRTP},
        {0, SRTP, "it does not take its tables", TE},
        {0, TE, "DMA remapping does not go on", SIRTP},
        {0, SIRTP, "it does not take its table of interrupts", IRE},
        {CFI, CFI, "it goes on taking interrupts of the old format", IRE},
        {0, IRE, "interrupt remapping does not go on", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        (void)setup(NULL);
        fake_set_word(f, FAKE_GSTS, cases[i].was);
        f->deaf = cases[i].deaf;
        if (cases[i].deaf == WBF)
            unit.capability |= BIT64(4);
        const char *why = vtd_start(&unit, &tables, queue);
        assert_non_null(why);
        assert_string_equal(why, cases[i].why);
        assert_in_range(fake_ticks, LIMIT, 3 * LIMIT);
        for (uint32_t k = 0; k < f->write_count; k++)
            if (f->writes[k].at == FAKE_GCMD && cases[i].never != 0)
                assert_true(!(f->writes[k].value & cases[i].never) ||
                            (cases[i].was & cases[i].never));
    }
    (void)setup(NULL);
    f->deaf_queue = true;
    assert_string_equal(vtd_start(&unit, &tables, queue), "it does not carry out commands");
    assert_int_equal(command(TE), FAKE_WRITES);
    assert_true(unit.stuck);
    fake_ticks = 0;
    assert_false(vtd_forget_interrupt(&unit, 1)); /* it is not waited for again */
    assert_true(fake_ticks < 10);
}

/* A core that is held up while it waits finds afterwards that the unit had answered. */
static void a_core_that_is_held_up(void **state)
{
    (void)state;
    assert_null(vtd_start(&unit, &tables, queue));
    f->late = true;
    assert_true(vtd_forget_interrupt(&unit, 1));
    assert_true(fake_ticks > LIMIT);
    assert_false(unit.stuck);
}

static void without_interrupts(void **state)
{
    const struct vtd_tables only_dma = {root, NULL};
    (void)state;
    assert_null(vtd_start(&unit, &only_dma, queue));
    assert_int_equal(fake_word(f, FAKE_GSTS) & (TE | IRE), TE);
}

static void units_that_are_refused(void **state)
{
    (void)state;
    f->regs[0x10 / 8] = 0x18;
    assert_string_equal(vtd_probe(&unit, hpa(UNIT), LIMIT), "it has no invalidation queue");
    f->regs[0x10 / 8] = 0x0a;
    assert_null(vtd_probe(&unit, hpa(UNIT), LIMIT));
    assert_false(vtd_remaps(&unit)); /* not to x2APIC ids */
    f->regs[0x10 / 8] = 0x12;
    assert_null(vtd_probe(&unit, hpa(UNIT), LIMIT));
    assert_false(vtd_remaps(&unit));
    f->regs[0x08 / 8] = BIT64(9) | 2; /* 39 bits */
    assert_string_equal(vtd_probe(&unit, hpa(UNIT), LIMIT), "it has no tables of four levels");
    f->regs[0x08 / 8] = UINT64_MAX;
    assert_string_equal(vtd_probe(&unit, hpa(UNIT), LIMIT), "its registers do not answer");
    f->regs[0x08 / 8] = 0;
    assert_string_equal(vtd_probe(&unit, hpa(UNIT), LIMIT), "its registers do not answer");
    for (uint32_t nd = 0; nd < 8; nd++) {
        unit.capability = nd;
        assert_int_equal(vtd_domains(&unit), nd < 6 ? 16u << 2 * nd : 65536);
    }
}

static void entries(void **state)
{
    (void)state;
    vtd_put_bus(root + 2 * 3, contexts);
    assert_int_equal(root[6], (uintptr_t)contexts | 1);
    assert_true(fake_is_flushed(&root[6], 16));
    vtd_prepare(contexts, hpa(0x123000), 7);
    assert_int_equal(contexts[0], 0x123000); /* not present: blocked, and told of */
    assert_int_equal(contexts[1], 7 << 8 | 2);
    fake_flushed_count = 0;
    vtd_open(contexts);
    assert_int_equal(contexts[0], 0x123001); /* present, untranslated requests only */
    assert_true(fake_is_flushed(contexts, 16));
    fake_flushed_count = 0;
    vtd_close(contexts);
    assert_int_equal(contexts[0], 0x123002); /* silent */
    assert_true(fake_is_flushed(contexts, 16));
    vtd_open(contexts);
    assert_int_equal(contexts[0], 0x123001);
    fake_flushed_count = 0;
    vtd_put_interrupt(interrupts, 0x0208, 0x12345678, 0x42);
    assert_int_equal(interrupts[0], 0x1234567800420001); /* fixed, edge, physical */
    assert_int_equal(interrupts[1], 0x40208);            /* all of the id is compared */
    assert_true(fake_is_flushed(interrupts, 16));
    vtd_put_interrupt(interrupts, 0x0208, 0x12345678, 0);
    assert_int_equal(interrupts[0], 0);
}

static void messages(void **state)
{
    uint32_t address, data;
    (void)state;
    vtd_message(5, &address, &data);
    assert_int_equal(address, 0xfee000b8);
    assert_int_equal(data, 0);
    vtd_message(0xffff, &address, &data);
    assert_int_equal(address, 0xfeeffffc);
}

static void forgetting(void **state)
{
    (void)state;
    assert_null(vtd_start(&unit, &tables, queue));
    f->done_count = 0;
    assert_true(vtd_forget_device(&unit, 0x208, 7));
    assert_int_equal(f->done[0], 0x0000020800070031);
    assert_int_equal(f->done[1], 0x00000000000700e2); /* drained */
    assert_int_equal(f->done[2] & 0xf, 5);
    for (uint32_t i = 0; i < 300; i++) { /* once round the ring, and more */
        f->done_count = 0;
        assert_true(vtd_forget_interrupt(&unit, 9));
        assert_int_equal(f->done_count, 2);
        assert_int_equal(f->done[0], 0x0000000900000014);
    }
    assert_false(has_done(0x11));
}

static void faults(void **state)
{
    struct iommu_fault got[4];
    (void)state;
    f->regs[1] |= UINT64_C(3) << 40; /* four records */
    unit.capability = f->regs[1];
    assert_int_equal(vtd_faults(&unit, got, 4), 0);
    put_fault(0, 0x3f000000, UINT64_C(5) << 32 | 0x0200);
    put_fault(2, 0x1000, BIT64(62) | UINT64_C(6) << 32 | 0x0208);
    put_fault(3, UINT64_C(7) << 48, UINT64_C(0x22) << 32 | 0x0210);
    fake_set_word(f, FAKE_FSTS, BIT32(1) | BIT32(0) | BIT32(4));
    assert_int_equal(vtd_faults(&unit, got, 4), 4);
    assert_int_equal(got[0].kind, IOMMU_FAULT_UNIT);
    assert_int_equal(got[1].kind, IOMMU_FAULT_WRITE);
    assert_int_equal(got[1].address, 0x3f000000);
    assert_int_equal(got[1].id, 0x0200);
    assert_int_equal(got[1].reason, 5);
    assert_int_equal(got[2].kind, IOMMU_FAULT_READ);
    assert_int_equal(got[3].kind, IOMMU_FAULT_INTERRUPT);
    assert_int_equal(got[3].address, 0);
    assert_int_equal(fake_word(f, FAKE_FSTS) & (BIT32(0) | BIT32(4)), 0);
    for (uint32_t i = 0; i < 4; i++) /* there is room for the next */
        assert_int_equal(f->regs[0x220 / 8 + 2 * i + 1] >> 63, 0);
}

/* abuse: DM-04 */
static void a_storm_of_faults(void **state)
{
    struct iommu_fault got[2];
    (void)state;
    f->regs[1] |= UINT64_C(255) << 40;
    unit.capability = f->regs[1];
    for (uint32_t i = 0; i < 10; i++)
        put_fault(i, 0x1000 * i, UINT64_C(5) << 32);
    for (uint32_t i = 0; i < 10; i += 2) {
        assert_int_equal(vtd_faults(&unit, got, 2), 2);
        assert_int_equal(got[0].address, 0x1000 * i);
    }
    assert_int_equal(vtd_faults(&unit, got, 2), 0);
    unit.capability |= MASK64(33, 24); /* the records lie in no page that is mapped */
    put_fault(0, 0, 0);
    assert_int_equal(vtd_faults(&unit, got, 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(from_cold, setup),
        cmocka_unit_test_setup(from_whatever_was_left, setup),
        cmocka_unit_test_setup(from_tables_of_another_mode, setup),
        cmocka_unit_test_setup(old_faults_are_dropped, setup),
        cmocka_unit_test_setup(a_unit_that_does_not_answer, setup),
        cmocka_unit_test_setup(a_core_that_is_held_up, setup),
        cmocka_unit_test_setup(without_interrupts, setup),
        cmocka_unit_test_setup(units_that_are_refused, setup),
        cmocka_unit_test_setup(entries, setup),
        cmocka_unit_test_setup(messages, setup),
        cmocka_unit_test_setup(forgetting, setup),
        cmocka_unit_test_setup(faults, setup),
        cmocka_unit_test_setup(a_storm_of_faults, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
