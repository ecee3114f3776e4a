/* SPDX-License-Identifier: MIT */
/*
 * keyboard: drives the 8042 controller and the keyboard behind it. IBM "Personal System/2 Hardware
 * Interface Technical Reference", "Keyboard and Auxiliary Device Controller".
 */
#include "drivers/keyboard.h"

#include "lib/time.h"
#include "lib/x86/insn.h"

#define PORT_DATA    0x60 /* rw */
#define PORT_STATUS  0x64 /* r- */
#define PORT_COMMAND 0x64 /* -w */

#define STATUS_OUTPUT 0x01 /* a byte waits in PORT_DATA */
#define STATUS_INPUT  0x02 /* the controller has not taken the last byte yet */
#define STATUS_MOUSE  0x20 /* the waiting byte is the mouse's */
#define STATUS_ABSENT 0xff /* what a port without a device reads */

enum controller_command {
    CONTROLLER_READ_CONFIG = 0x20,
    CONTROLLER_WRITE_CONFIG = 0x60,
    CONTROLLER_MOUSE_OFF = 0xa7,
    CONTROLLER_KEYBOARD_OFF = 0xad,
    CONTROLLER_KEYBOARD_ON = 0xae,
};

#define CONFIG_INTERRUPTS   0x03 /* the keyboard's and the mouse's */
#define CONFIG_KEYBOARD_OFF 0x10
#define CONFIG_MOUSE_OFF    0x20
#define CONFIG_TRANSLATE    0x40 /* set 2, which keyboards speak, becomes set 1 */

#define KEYBOARD_SCAN 0xf4
#define KEYBOARD_ACK  0xfa

/* A read of a legacy port takes about a microsecond on real machines, so this is some 20 ms, which
 * is what a keyboard may take to answer. */
#define POLLS     20000
#define DRAIN_MAX 64 /* bytes; more than controller and keyboard can hold */

/* How often the controller is looked at while nobody types, and how long somebody does after a key:
 * then it is at each call. */
#define LOOKS_PER_SECOND 40
#define TYPING_SECONDS   3
#define TSC_HZ_GUESS     UINT64_C(2000000000) /* until the rate is known */

/* Until the controller takes a byte, or gives one. */
static bool keyboard_wait(uint8_t mask, uint8_t wanted)
{
    for (uint32_t poll = 0; poll < POLLS; poll++) {
        const uint8_t status = in8(PORT_STATUS);
        if (status == STATUS_ABSENT)
            return false;
        if ((status & mask) == wanted)
            return true;
        cpu_pause();
    }
    return false;
}

static bool keyboard_write(uint16_t port, uint8_t byte)
{
    if (!keyboard_wait(STATUS_INPUT, 0))
        return false;
    out8(port, byte);
    return true;
}

static bool keyboard_read(uint8_t *byte)
{
    if (!keyboard_wait(STATUS_OUTPUT, STATUS_OUTPUT))
        return false;
    *byte = in8(PORT_DATA);
    return true;
}

static void keyboard_drain(void)
{
    for (uint32_t i = 0; i < DRAIN_MAX && (in8(PORT_STATUS) & STATUS_OUTPUT) != 0; i++)
        (void)in8(PORT_DATA);
}

/* With both devices off, so that what is read is the answer and not a key. */
static bool keyboard_configure(void)
{
    uint8_t config;

    if (!keyboard_write(PORT_COMMAND, CONTROLLER_KEYBOARD_OFF) ||
        !keyboard_write(PORT_COMMAND, CONTROLLER_MOUSE_OFF))
        return false;
    keyboard_drain();
    if (!keyboard_write(PORT_COMMAND, CONTROLLER_READ_CONFIG) || !keyboard_read(&config))
        return false;
    config = (uint8_t)((config & ~(CONFIG_INTERRUPTS | CONFIG_KEYBOARD_OFF)) | CONFIG_MOUSE_OFF |
                       CONFIG_TRANSLATE);
    return keyboard_write(PORT_COMMAND, CONTROLLER_WRITE_CONFIG) &&
           keyboard_write(PORT_DATA, config) &&
           keyboard_write(PORT_COMMAND, CONTROLLER_KEYBOARD_ON);
}

bool keyboard_init(struct keyboard *k)
{
    uint8_t answer;

    *k = (struct keyboard){.tsc_hz = TSC_HZ_GUESS};
    keymap_init(&k->map);
    if (in8(PORT_STATUS) == STATUS_ABSENT || !keyboard_configure())
        return false;
    k->present = true;
    /* No answer is no failure: it may be plugged in later, and then scans by itself. */
    if (keyboard_write(PORT_DATA, KEYBOARD_SCAN) && keyboard_read(&answer) &&
        answer != KEYBOARD_ACK)
        k->count = (uint8_t)keymap_feed(&k->map, answer, k->text);
    return true;
}

void keyboard_set_tick_rate(struct keyboard *k, uint64_t tsc_hz)
{
    k->tsc_hz = tsc_hz;
}

static bool keyboard_is_due(const struct keyboard *k, uint64_t now)
{
    return ticks_since(now, k->typed) < TYPING_SECONDS * k->tsc_hz ||
           ticks_since(now, k->looked) >= k->tsc_hz / LOOKS_PER_SECOND;
}

bool keyboard_get(struct keyboard *k, uint64_t now, uint8_t *byte)
{
    if (!k->present || (k->next == k->count && !keyboard_is_due(k, now)))
        return false;
    k->looked = now;
    for (uint32_t i = 0; i < DRAIN_MAX && k->next == k->count; i++) {
        const uint8_t status = in8(PORT_STATUS);
        if ((status & STATUS_OUTPUT) == 0 || status == STATUS_ABSENT)
            return false;
        const uint8_t code = in8(PORT_DATA);
        k->typed = now;
        k->next = 0;
        k->count = 0;
        if ((status & STATUS_MOUSE) == 0)
            k->count = (uint8_t)keymap_feed(&k->map, code, k->text);
    }
    if (k->next == k->count)
        return false;
    *byte = k->text[k->next++];
    return true;
}
