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
    atomic_init(&b->refused, 0);
    atomic_init(&b->last_refused, 0);
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

/* Once for an access, however many of its bytes are nobody's. Relaxed: statistics. */
static void count_refusal(struct bus *b, uint16_t port)
{
    atomic_fetch_add_explicit(&b->refused, 1, memory_order_relaxed);
    atomic_store_explicit(&b->last_refused, port, memory_order_relaxed);
}

/* A word or two are so many bytes. Seldom: devices here have registers of a byte. */
NOINLINE static uint32_t bus_in_wide(struct bus *b, uint16_t port, uint8_t size, uint64_t now)
{
    ASSERT(size <= sizeof(uint32_t));
    uint32_t value = 0;
    bool refused = false;
    for (uint8_t i = 0; i < size; i++) {
        uint8_t byte = NO_DEVICE;
        /* Port numbers have 16 bits: behind 0xffff comes 0. */
        refused |= !device_in(b, (uint16_t)(port + i), now, &byte);
        value |= (uint32_t)byte << (8 * i);
    }
    if (refused)
        count_refusal(b, port);
    return value;
}

uint32_t bus_in(struct bus *b, uint16_t port, uint8_t size, uint64_t now)
{
    uint8_t byte = NO_DEVICE;
    if (size != 1)
        return bus_in_wide(b, port, size, now);
    if (!device_in(b, port, now, &byte))
        count_refusal(b, port);
    return byte;
}

NOINLINE static enum bus_event bus_out_wide(struct bus *b, uint16_t port, uint8_t size,
                                            uint32_t value)
{
    ASSERT(size <= sizeof(uint32_t));
    enum bus_event event = BUS_NONE;
    bool refused = false;
    for (uint8_t i = 0; i < size; i++)
        refused |= !device_out(b, (uint16_t)(port + i), (uint8_t)(value >> (8 * i)), false, &event);
    if (refused)
        count_refusal(b, port);
    return event;
}

enum bus_event bus_out(struct bus *b, uint16_t port, uint8_t size, uint32_t value)
{
    enum bus_event event = BUS_NONE;
    if (size != 1)
        return bus_out_wide(b, port, size, value);
    if (!device_out(b, port, (uint8_t)value, true, &event))
        count_refusal(b, port);
    return event;
}
