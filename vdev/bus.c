/* SPDX-License-Identifier: MIT */
/*
 * bus: from port number to device; a device is a branch in device_in() and device_out(). Pure.
 */
#include "vdev/bus.h"

#include "lib/assert.h"

#define NO_DEVICE 0xffu /* an undriven bus reads all ones */

void bus_reset(struct bus *b, struct tx_ring *tx, struct rx_ring *rx,
               const struct vrtc_clock *clock)
{
    vuart_reset(&b->uart, tx, rx);
    vrtc_reset(&b->rtc, clock);
}

static bool is_uart(uint16_t port)
{
    return port >= VUART_PORT && port < VUART_PORT + VUART_PORTS;
}

static bool is_rtc(uint16_t port)
{
    return port >= VRTC_PORT && port < VRTC_PORT + VRTC_PORTS;
}

/* False: nobody has this port. In line: the byte access is on the exit path. */
static ALWAYS_INLINE bool device_in(struct bus *b, uint16_t port, uint64_t now, uint8_t *value)
{
    if (is_uart(port))
        *value = vuart_in(&b->uart, port - VUART_PORT);
    else if (is_rtc(port))
        *value = vrtc_in(&b->rtc, port - VRTC_PORT, now);
    else
        return vpower_in(port, value);
    return true;
}

static ALWAYS_INLINE bool device_out(struct bus *b, uint16_t port, uint8_t value, bool alone,
                                     enum bus_event *event)
{
    if (is_uart(port)) {
        vuart_out(&b->uart, port - VUART_PORT, value);
        *event = BUS_TEXT;
    } else if (is_rtc(port)) {
        vrtc_out(&b->rtc, port - VRTC_PORT, value);
    } else {
        return vpower_out(port, value, alone, event);
    }
    return true;
}

/* A word or two are so many bytes. Seldom: devices here have registers of a byte. A refusal is
 * counted once for an access, however many of its bytes are nobody's. */
NOINLINE static uint32_t bus_in_wide(struct bus *b, uint16_t port, uint8_t size, uint64_t now,
                                     struct refused *refused)
{
    ASSERT(size <= sizeof(uint32_t));
    uint32_t value = 0;
    bool closed = false;
    for (uint8_t i = 0; i < size; i++) {
        uint8_t byte = NO_DEVICE;
        /* Port numbers have 16 bits: behind 0xffff comes 0. */
        closed |= !device_in(b, (uint16_t)(port + i), now, &byte);
        value |= (uint32_t)byte << (8 * i);
    }
    if (closed)
        refused_count(refused, port);
    return value;
}

uint32_t bus_in(struct bus *b, uint16_t port, uint8_t size, uint64_t now, struct refused *refused)
{
    uint8_t byte = NO_DEVICE;
    if (size != 1)
        return bus_in_wide(b, port, size, now, refused);
    if (!device_in(b, port, now, &byte))
        refused_count(refused, port);
    return byte;
}

NOINLINE static enum bus_event bus_out_wide(struct bus *b, uint16_t port, uint8_t size,
                                            uint32_t value, struct refused *refused)
{
    ASSERT(size <= sizeof(uint32_t));
    enum bus_event event = BUS_NONE;
    bool closed = false;
    for (uint8_t i = 0; i < size; i++)
        closed |= !device_out(b, (uint16_t)(port + i), (uint8_t)(value >> (8 * i)), false, &event);
    if (closed)
        refused_count(refused, port);
    return event;
}

enum bus_event bus_out(struct bus *b, uint16_t port, uint8_t size, uint32_t value,
                       struct refused *refused)
{
    enum bus_event event = BUS_NONE;
    if (size != 1)
        return bus_out_wide(b, port, size, value, refused);
    if (!device_out(b, port, (uint8_t)value, true, &event))
        refused_count(refused, port);
    return event;
}
