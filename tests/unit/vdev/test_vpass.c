/* SPDX-License-Identifier: MIT */
/*
 * test_vpass: a real function's configuration space as its guest sees it; and that nothing but what
 * a row names reaches the hardware, whatever the function says of itself.
 */
#include "vdev/vpass.h"

#include <stdlib.h>

#include "support.h"

static uint32_t words[VPASS_WORDS];
static struct vpass_bar bars[VPASS_BARS];
static struct vpass_layout layout;
static struct vpass pass;
static uint32_t messages;

static void begin(void)
{
    vpass_build(&layout, words, bars, messages);
    vpass_reset(&pass, &layout);
}

/* A network card with all that there is: MSI at 0xd0, PCI Express at 0xe0, power at 0xc8, MSI-X at
 * 0xa0. */
static int card(void **state)
{
    (void)state;
    memset(words, 0, sizeof(words));
    memset(bars, 0, sizeof(bars));
    messages = 0;
    words[0] = 0x10d38086;
    words[1] = 0x00100546; /* memory, master, parity, SERR, no interrupt pin */
    words[2] = 0x02000003;
    words[3] = 0x00800010; /* more than one function */
    words[4] = 0xfe840000;
    words[5] = 0xfe860000;
    words[6] = 0x0000c001;
    words[0x2c / 4] = 0xa0018086;
    words[0x30 / 4] = 0xfff00001; /* a ROM */
    words[0x34 / 4] = 0xc8;
    words[0x3c / 4] = 0x0000010b; /* pin A, line 11 */
    words[0xa0 / 4] = 0x80040011;
    words[0xc8 / 4] = 0xc823d001;
    words[0xd0 / 4] = 0x0080e005;
    words[0xe0 / 4] = 0x0001a010;
    words[0xe4 / 4] = 0x10008cc1;
    words[0xe8 / 4] = 0x00002810;
    words[0xec / 4] = 0x00111c11;
    words[0xf0 / 4] = 0x10110040;
    bars[0] = (struct vpass_bar){.at = 0xc0000000, .size = 0x20000};
    bars[1] = (struct vpass_bar){.at = 0xc0020000, .size = 0x20000};
    begin();
    return 0;
}

static uint32_t read(uint32_t reg)
{
    return vpass_read(&pass, reg, vpass_is_live(&pass, reg) ? words[reg / 4] : 0xdeadbeef);
}

/* Returns where the write goes. */
static struct vpass_effect write(uint32_t reg, uint32_t value)
{
    const struct vpass_effect effect = vpass_write(&pass, reg, value);

    if (effect.to_hardware)
        words[reg / 4] = vpass_merge(&layout.rows[reg / 4], vpass_clears(&layout, reg),
                                     words[reg / 4], effect.value);
    return effect;
}

static void test_header(void **state)
{
    (void)state;
    assert_int_equal(read(0x00), 0x10d38086);
    assert_int_equal(read(0x08), 0x02000003);
    assert_int_equal(read(0x0c), 0);
    assert_int_equal(read(0x18), 0); /* ports are not given away */
    assert_int_equal(read(0x2c), 0xa0018086);
    assert_int_equal(read(0x30), 0);
    assert_int_equal(read(0x3c), 0);
    (void)write(0x30, UINT32_MAX);
    assert_int_equal(read(0x30), 0);
    (void)write(0x3c, 0xffffffff);
    assert_int_equal(read(0x3c), 0xff);
    assert_int_equal(words[0x3c / 4], 0x0000010b);
}

static void test_command(void **state)
{
    (void)state;
    assert_int_equal(read(0x04), 0x00100002);
    words[1] = 0x00100402;
    assert_true(write(0x04, 0xffff0507).to_hardware);
    assert_int_equal(read(0x04) & 0xffff, 0x0407);
    assert_int_equal(words[1], 0xf9100406); /* master, and errors that it clears */
    (void)write(0x04, 0);
    assert_int_equal(read(0x04) & 0xffff, 0);
    assert_int_equal(words[1] & 0xffff, 0x0402); /* memory is decoded all the same */
}

static void test_errors_are_cleared_alone(void **state)
{
    (void)state;
    words[1] = 0xf9100406;
    (void)write(0x04, 0x20000002);
    assert_int_equal(words[1], 0x20100402); /* one bit written 1: the device clears that one */
}

static void test_bars(void **state)
{
    (void)state;
    assert_int_equal(read(0x10), 0xc0000000);
    (void)write(0x10, UINT32_MAX);
    assert_int_equal(read(0x10), 0xfffe0000);
    assert_int_equal(read(0x14), 0xc0020000);
    assert_false(write(0x10, 0x12340000).to_hardware);
    assert_int_equal(read(0x10), 0xc0000000);
    assert_int_equal(words[4], 0xfe840000);
    words[4] = 0x0000000c; /* 64 bits, prefetchable */
    words[5] = 0xe0;
    bars[0] = (struct vpass_bar){.at = 0xc0000000, .size = 0x4000};
    bars[1].size = 0;
    begin();
    assert_int_equal(read(0x10), 0xc000000c);
    assert_int_equal(read(0x14), 0);
    (void)write(0x10, UINT32_MAX);
    (void)write(0x14, UINT32_MAX);
    assert_int_equal(read(0x10), 0xffffc00c);
    assert_int_equal(read(0x14), UINT32_MAX);
}

static void test_capabilities(void **state)
{
    (void)state;
    assert_int_equal(read(0x34), 0xd0); /* power management is not shown */
    assert_int_equal(read(0xc8), 0);
    assert_int_equal(read(0xd0), 0x0080e005); /* 64 bits, one vector, off */
    assert_int_equal(read(0xe0), 0x00010010); /* and MSI-X is not */
    assert_int_equal(read(0xa0), 0);
    assert_int_equal(read(0xe4), 0x00008cc1); /* no reset for the guest */
    assert_int_equal(read(0xe8) & 0xffff, 0x2010);
    (void)write(0xe8, 0xffffffff);
    assert_int_equal(read(0xe8) & 0xf000, 0x5000); /* 6 and 7 are reserved */
    assert_int_equal(words[0xe8 / 4] & 0xffff, 0x5810);
    assert_int_equal(layout.power, 0xc8);
    assert_int_equal(layout.msi, 0xd0);
}

static void test_message(void **state)
{
    uint32_t address, data;

    (void)state;
    assert_false(vpass_message(&pass, &address, &data));
    assert_true(write(0xd4, 0xfee01003).message);
    assert_true(write(0xdc, 0x12344021).message);
    assert_false(vpass_message(&pass, &address, &data));
    words[0xd4 / 4] = 0x11, words[0xdc / 4] = 0x22;
    assert_true(write(0xd0, 0xffff0000).message);
    assert_int_equal(words[0xd0 / 4], 0x0081e005); /* on, and one vector */
    assert_int_equal(words[0xd4 / 4], 0x11);
    assert_int_equal(words[0xdc / 4], 0x22);
    assert_true(vpass_message(&pass, &address, &data));
    assert_int_equal(address, 0xfee01000);
    assert_int_equal(data, 0x4021);
    (void)write(0xd8, 1);
    assert_false(vpass_message(&pass, &address, &data));
}

/* Of broken lists: a circle, one that goes past the end, two of a kind. */
static void test_broken_lists(void **state)
{
    (void)state;
    words[0xe0 / 4] = 0x0001d010;
    begin();
    assert_int_equal(read(0xe0) & 0xff00, 0);
    words[0xd0 / 4] = 0x0080f805;
    words[0xf8 / 4] = 0x00810005; /* a second one, which has no room */
    begin();
    assert_int_equal(read(0xd0), 0x00800005);
    assert_int_equal(read(0xf8), 0);
    words[0x34 / 4] = 0xf8;
    begin();
    assert_int_equal(layout.msi, 0);
    words[1] &= ~0x100000u;
    begin();
    assert_int_equal(read(0x34), 0);
}

static void test_virtio(void **state)
{
    (void)state;
    words[0] = 0x10411af4;
    words[0x34 / 4] = 0x40;
    words[0x40 / 4] = 0x01105009; /* type 1, 16 bytes */
    words[0x44 / 4] = 0x00000004;
    words[0x48 / 4] = 0x00001000;
    words[0x4c / 4] = 0x00000040;
    words[0x50 / 4] = 0x05140009; /* the window */
    words[0x60 / 4] = 0x12345678;
    begin();
    assert_int_equal(read(0x34), 0x40);
    assert_int_equal(read(0x40), 0x01105009);
    assert_int_equal(read(0x48), 0x00001000);
    assert_int_equal(read(0x50), 0x05140009);
    assert_int_equal(read(0x60), 0);
    assert_false(write(0x60, UINT32_MAX).to_hardware);
}

/* For any configuration space: what a guest writes changes nothing in the hardware but the master
 * and MSI enable bits, a mask bit, the size of read requests, and bits that say errors. */
static void test_any_function(void **state)
{
    (void)state;
    srand(1);
    for (uint32_t n = 0; n < 20000; n++) {
        for (uint32_t i = 0; i < VPASS_WORDS; i++)
            words[i] = (uint32_t)rand() << 16 ^ (uint32_t)rand();
        words[1] |= 0x100000;
        for (uint32_t i = 13; i < VPASS_WORDS; i++) /* more lists than chance makes */
            if (rand() % 4 == 0)
                words[i] =
                    (words[i] & ~0xffu) | (uint32_t[]){1, 5, 9, 0x10, 0x11, 0x13}[rand() % 6];
        if (n % 2)
            words[0] = (words[0] & 0xffff0000) | 0x1af4;
        begin();
        for (uint32_t i = 0; i < VPASS_WORDS; i++) {
            const uint32_t before = words[i], reg = 4 * i;
            const struct vpass_row *row = &layout.rows[i];
            const uint32_t value = (uint32_t)rand() << 16 ^ (uint32_t)rand();
            uint32_t may = 0;

            if (reg == 4)
                may = 0xf9000004;
            if (layout.msi != 0 && reg == layout.msi)
                may |= 0x10000;
            if (layout.msi != 0 && layout.msi_masks &&
                reg == layout.msi + (layout.msi_wide ? 16u : 12u))
                may |= 1;
            if (layout.express != 0 && reg == layout.express + 8u)
                may |= 0x000f7000;
            assert_int_equal((row->through | row->clears) & ~may, 0);
            (void)write(reg, value);
            assert_int_equal((words[i] ^ before) & ~may, 0);
            assert_int_equal(row->through & ~row->kept, 0);
            words[i] = before;
        }
    }
}

/* What reaches the hardware, for all inputs there are: each bit of vpass_merge()'s result depends
 * on the same bit of its five arguments only, and bit i of these five words is bit i of a case of
 * its own, so that this one call is all 32 of them. */
static void merge_is_right_for_all_inputs(void **state)
{
    const uint32_t hardware = 0xaaaaaaaa, through = 0xcccccccc, clears_own = 0xf0f0f0f0;
    const uint32_t clears_all = 0xff00ff00, value = 0xffff0000;
    const struct vpass_row row = {.through = through, .clears = clears_own};
    const uint32_t merged = vpass_merge(&row, clears_all, hardware, value);

    (void)state;
    for (uint32_t i = 0; i < 32; i++) {
        const bool h = hardware >> i & 1, t = through >> i & 1, own = clears_own >> i & 1;
        const bool clears = clears_all >> i & 1, v = value >> i & 1, got = merged >> i & 1;
        if (own)
            assert_int_equal(got, v || (t && v && !clears));
        else if (clears)
            assert_false(got); /* nothing is cleared that is not the guest's */
        else
            assert_int_equal(got, t ? v : h);
    }
}

/* The guest sees the messages that there are for it, and not MSI beside them. */
static void msix(void **state)
{
    (void)state;
    words[0xa4 / 4] = 0x00000003;
    words[0xa8 / 4] = 0x00002003;
    messages = 4;
    begin();
    assert_int_equal(layout.msix, 0xa0);
    assert_int_equal(layout.msi, 0);
    assert_int_equal(read(0x34), 0xe0);
    assert_int_equal(read(0xe0), 0x0001a010);
    assert_int_equal(read(0xa0), 0x00030011); /* four, off; the last of the list */
    assert_int_equal(read(0xa4), 3);
    assert_int_equal(read(0xa8), 0x2003);
    assert_int_equal(read(0xd0), 0);
    struct vpass_effect effect = vpass_write(&pass, 0xa0, 0xffffffff);
    assert_true(effect.to_hardware && effect.message);
    assert_int_equal(read(0xa0), 0xc0030011);
    assert_int_equal(vpass_merge(&layout.rows[0xa0 / 4], 0, words[0xa0 / 4], effect.value),
                     0xc0040011);
    effect = vpass_write(&pass, 0xa0, 0x40000000);
    assert_true(effect.to_hardware && !effect.message);
    assert_int_equal(vpass_merge(&layout.rows[0xa0 / 4], 0, words[0xa0 / 4], effect.value),
                     0x40040011);
    effect = vpass_write(&pass, 0xa4, 0xffffffff);
    assert_false(effect.to_hardware || effect.message);
    assert_int_equal(read(0xa4), 3);
    uint32_t address, data;
    assert_false(vpass_message(&pass, &address, &data));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(msix, card),
        cmocka_unit_test_setup(merge_is_right_for_all_inputs, card),
        cmocka_unit_test_setup(test_header, card),
        cmocka_unit_test_setup(test_command, card),
        cmocka_unit_test_setup(test_errors_are_cleared_alone, card),
        cmocka_unit_test_setup(test_bars, card),
        cmocka_unit_test_setup(test_capabilities, card),
        cmocka_unit_test_setup(test_message, card),
        cmocka_unit_test_setup(test_broken_lists, card),
        cmocka_unit_test_setup(test_virtio, card),
        cmocka_unit_test_setup(test_any_function, card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
