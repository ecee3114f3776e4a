/* SPDX-License-Identifier: MIT */
/*
 * vpower: see the header. Pure.
 */
#include "vdev/vpower.h"

/* Sleep control: type in 4:2, enable in 5. Status: bit 7 "woken", never set here. */
#define SLEEP_ENABLE     0x20
#define SLEEP_TYPE       0x1c
#define SLEEP_TYPE_SHIFT 2

/* What resets in the chipset's registers. */
#define KEYBOARD_RESET 0xfe
#define PORT_A_RESET   0x01
#define PCI_RESET_NOW  0x04

bool vpower_in(uint16_t port, uint8_t *value)
{
    if (port < VPOWER_SLEEP_CONTROL || port > VPOWER_RESET)
        return false;
    *value = 0;
    return true;
}

/*@ assigns \nothing;
  @ ensures \result != 0 <==> powers_off(VPOWER_SLEEP_CONTROL, value);
  @*/
static bool is_power_off(uint8_t value)
{
    return (value & SLEEP_ENABLE) != 0 &&
           (value & SLEEP_TYPE) >> SLEEP_TYPE_SHIFT == VPOWER_S5_TYPE;
}

/*@ assigns \nothing;
  @ ensures \result != 0 <==> chip_resets(port, value);
  @*/
static bool is_chipset_reset(uint16_t port, uint8_t value)
{
    switch (port) {
    case VPOWER_KEYBOARD:
        return value == KEYBOARD_RESET;
    case VPOWER_PORT_A:
        return (value & PORT_A_RESET) != 0;
    case VPOWER_PCI_RESET: /* inside of the configuration address, which is 32 bits wide */
        return (value & PCI_RESET_NOW) != 0;
    default:
        return false;
    }
}

bool vpower_out(uint16_t port, uint8_t value, bool alone, enum bus_event *event)
{
    switch (port) {
    case VPOWER_SLEEP_CONTROL:
        if (is_power_off(value))
            *event = BUS_POWER_OFF;
        return true;
    case VPOWER_SLEEP_STATUS:
        return true;
    case VPOWER_RESET:
        if (value == VPOWER_RESET_VALUE)
            *event = BUS_RESET;
        return true;
    default:
        if (!alone || !is_chipset_reset(port, value))
            return false;
        *event = BUS_RESET;
        return true;
    }
}
