/* SPDX-License-Identifier: MIT */
/*
 * bus: from port number to device; a device is a branch in device_in() and device_out(). Pure.
 */
#include "vdev/bus.h"

#include "lib/assert.h"

#define NO_DEVICE 0xffu /* an undriven bus reads all ones */

void bus_reset(struct bus *b, struct tx_ring *tx, struct rx_ring *rx,
               const struct vrtc_clock *clock, bool has_pit)
{
    vuart_reset(&b->uart, tx, rx);
    vrtc_reset(&b->rtc, clock);
    vpit_reset(&b->pit, has_pit ? &b->rtc.clock : NULL);
}

/*@ assigns \nothing;
  @ ensures \result != 0 <==> has_uart(port);
  @*/
static bool is_uart(uint16_t port)
{
    return port >= VUART_PORT && port < VUART_PORT + VUART_PORTS;
}

/*@ assigns \nothing;
  @ ensures \result != 0 <==> has_rtc(port);
  @*/
static bool is_rtc(uint16_t port)
{
    return port >= VRTC_PORT && port < VRTC_PORT + VRTC_PORTS;
}

/*@ assigns \nothing;
  @ ensures \result != 0 <==> has_debug(port);
  @*/
static bool is_debug(uint16_t port)
{
    return port == BUS_DEBUG_CONSOLE;
}

/* False: nobody has this port. In line: the byte access is on the exit path. */
/*@ requires bus_ready(b) && \valid(value);
  @ requires \separated(value, b, b->uart.tx, b->uart.rx, b->rtc.clock.scale,
  @                     &vuart_reached[0 .. VUART_PORTS - 1], &vrtc_reached[0 .. VRTC_PORTS - 1],
  @                     &vpit_reached);
  @ assigns b->uart.looped, b->uart.broken, b->uart.line, b->uart.silence, b->uart.run,
  @   b->uart.rx->tail,
  @   b->pit.channels[0 .. VPIT_CHANNELS - 1], *value;
  @ assigns vuart_reached[0 .. VUART_PORTS - 1], vrtc_reached[0 .. VRTC_PORTS - 1], vpit_reached;
  @ ensures \result != 0 <==> has_device(b, port);
  @ ensures !\result ==> *value == \old(*value) && unread{Pre, Post}(b);
  @ ensures \forall integer r; 0 <= r < VUART_PORTS ==>
  @   vuart_reached[r] == (port == VUART_PORT + r ? 1 : \old(vuart_reached[r]));
  @ ensures \forall integer r; 0 <= r < VRTC_PORTS ==>
  @   vrtc_reached[r] == (port == VRTC_PORT + r ? 1 : \old(vrtc_reached[r]));
  @*/
static ALWAYS_INLINE bool device_in(struct bus *b, uint16_t port, uint64_t now, uint8_t *value)
{
    if (is_uart(port))
        *value = vuart_in(&b->uart, port - VUART_PORT);
    else if (is_rtc(port))
        *value = vrtc_in(&b->rtc, port - VRTC_PORT, now);
    else if (is_debug(port))
        *value = BUS_DEBUG_CONSOLE;
    else if (vpit_claims(&b->pit, port))
        *value = vpit_in(&b->pit, port, now);
    else
        return vpower_in(port, value);
    return true;
}

/*@ requires bus_ready(b) && \valid(event);
  @ requires \separated(event, b, b->uart.tx, b->uart.rx, b->rtc.clock.scale,
  @                     &vuart_reached[0 .. VUART_PORTS - 1], &vrtc_reached[0 .. VRTC_PORTS - 1],
  @                     &vpit_reached);
  @ assigns b->uart.ier, b->uart.fcr, b->uart.lcr, b->uart.mcr, b->uart.scr, b->uart.dll,
  @   b->uart.dlm, b->uart.looped, b->uart.lost, b->uart.run, b->uart.line,
  @   b->rtc.index, b->pit.port_b, b->pit.channels[0 .. VPIT_CHANNELS - 1];
  @ assigns b->uart.tx->head, b->uart.tx->refused, b->uart.tx->slots[0 .. TX_RING_RECORDS - 1];
  @ assigns vuart_reached[0 .. VUART_PORTS - 1], vrtc_reached[0 .. VRTC_PORTS - 1], vpit_reached;
  @ assigns *event;
  @ ensures \result != 0 <==> has_device(b, port) || (alone != 0 && chip_resets(port, value));
  @ ensures bus_ready(b);
  @ ensures !has_text(port) && !has_rtc(port) && !has_pit(&b->pit, port) ==> unwritten{Pre, Post}(b);
  @ ensures \forall integer r; 0 <= r < VUART_PORTS ==>
  @   vuart_reached[r] == (port == VUART_PORT + r ? 1 : \old(vuart_reached[r]));
  @ ensures \forall integer r; 0 <= r < VRTC_PORTS ==>
  @   vrtc_reached[r] == (port == VRTC_PORT + r ? 1 : \old(vrtc_reached[r]));
  @ ensures has_text(port) ==> *event == BUS_TEXT;
  @ ensures powers_off(port, value) ==> *event == BUS_POWER_OFF;
  @ ensures resets(port, value, alone) ==> *event == BUS_RESET;
  @ ensures !has_text(port) && !powers_off(port, value) && !resets(port, value, alone) ==>
  @   *event == \old(*event);
  @*/
static ALWAYS_INLINE bool device_out(struct bus *b, uint16_t port, uint8_t value, bool alone,
                                     uint64_t now, enum bus_event *event)
{
    if (is_uart(port)) {
        vuart_out(&b->uart, port - VUART_PORT, value);
        *event = BUS_TEXT;
    } else if (is_rtc(port)) {
        vrtc_out(&b->rtc, port - VRTC_PORT, value);
    } else if (is_debug(port)) {
        vuart_print(&b->uart, value);
        *event = BUS_TEXT;
    } else if (vpit_claims(&b->pit, port)) {
        /*@ assert \separated(&b->pit, b->rtc.clock.scale); */
        vpit_out(&b->pit, port, value, now);
        /*@ assert can_scale(*b->rtc.clock.scale); */
        /*@ assert bus_ready(b); */
    } else {
        return vpower_out(port, value, alone, event);
    }
    return true;
}

/* A word or two are so many bytes. Seldom: devices here have registers of a byte. A refusal is
 * counted once for an access, however many of its bytes are nobody's. */
/*@ requires bus_ready(b) && \valid(refused) && 1 <= size <= 4;
  @ requires \separated(refused, b, b->uart.tx, b->uart.rx, b->rtc.clock.scale,
  @                     &vuart_reached[0 .. VUART_PORTS - 1], &vrtc_reached[0 .. VRTC_PORTS - 1],
  @                     &vpit_reached);
  @ assigns b->uart.looped, b->uart.broken, b->uart.line, b->uart.silence, b->uart.run,
  @   b->uart.rx->tail,
  @   b->pit.channels[0 .. VPIT_CHANNELS - 1], *refused;
  @ assigns vuart_reached[0 .. VUART_PORTS - 1], vrtc_reached[0 .. VRTC_PORTS - 1], vpit_reached;
  @ ensures reached: reached{Pre, Post}(port, size);
  @ ensures \result < above(size);
  @ ensures ones: \forall integer n; 0 <= n < size && !has_device(b, nth(port, n)) ==>
  @   byte_at(\result, n) == 0xff;
  @ ensures closed: all_closed(b, port, size) ==> unread{Pre, Post}(b);
  @ ensures counted: (\exists integer n; 0 <= n < size && !has_device(b, nth(port, n))) ==>
  @   one_more(\old(refused->total), refused->total);
  @ ensures uncounted: (\forall integer n; 0 <= n < size ==> has_device(b, nth(port, n))) ==>
  @   refused->total == \old(refused->total);
  @*/
NOINLINE static uint32_t bus_in_wide(struct bus *b, uint16_t port, uint8_t size, uint64_t now,
                                     struct refused *refused)
{
    ASSERT(size <= sizeof(uint32_t));
    uint32_t value = 0;
    bool closed = false;
    /*@ loop invariant 0 <= i <= size;
      @ loop invariant bound: 0 <= value < above(i);
      @ loop invariant closed != 0 <==>
      @   \exists integer n; 0 <= n < i && !has_device(b, nth(port, n));
      @ loop invariant uart: reached_uart{Pre, Here}(port, i);
      @ loop invariant rtc: reached_rtc{Pre, Here}(port, i);
      @ loop invariant \forall integer n; 0 <= n < i && !has_device(b, nth(port, n)) ==>
      @   byte_at(value, n) == 0xff;
      @ loop invariant all_closed(b, port, i) ==> unread{Pre, Here}(b);
      @ loop assigns i, value, closed, b->uart.looped, b->uart.broken, b->uart.line, b->uart.silence,
      @   b->uart.run, b->uart.rx->tail, b->pit.channels[0 .. VPIT_CHANNELS - 1];
      @ loop assigns vuart_reached[0 .. VUART_PORTS - 1], vrtc_reached[0 .. VRTC_PORTS - 1], vpit_reached;
      @ loop variant size - i;
      @*/
    for (uint8_t i = 0; i < size; i++) {
        uint8_t byte = NO_DEVICE;
        /*@ assert (uint16_t)(port + i) == nth(port, i); */
        /* Port numbers have 16 bits: behind 0xffff comes 0. */
        closed |= !device_in(b, (uint16_t)(port + i), now, &byte);
        /*@ assert (value | (uint32_t)(byte << 8 * i)) == with_byte(value, byte, i); */
        value |= (uint32_t)byte << (8 * i);
        /*@ assert 0 <= value < above(i + 1) && (uint8_t)(i + 1) == i + 1; */
    }
    if (closed)
        refused_count(refused, port);
    return value;
}

uint32_t bus_in(struct bus *b, uint16_t port, uint8_t size, uint64_t now, struct refused *refused)
{
    uint8_t byte = NO_DEVICE;
    /*@ assert nth(port, 0) == port; */
    if (size != 1)
        return bus_in_wide(b, port, size, now, refused);
    const bool known = device_in(b, port, now, &byte);
    /*@ assert kept: refused->total == \at(refused->total, Pre); */
    if (!known)
        refused_count(refused, port);
    return byte;
}

/*@ requires bus_ready(b) && \valid(refused) && 2 <= size <= 4;
  @ requires \separated(refused, b, b->uart.tx, b->uart.rx, b->rtc.clock.scale,
  @                     &vuart_reached[0 .. VUART_PORTS - 1], &vrtc_reached[0 .. VRTC_PORTS - 1],
  @                     &vpit_reached);
  @ assigns b->uart.ier, b->uart.fcr, b->uart.lcr, b->uart.mcr, b->uart.scr, b->uart.dll,
  @   b->uart.dlm, b->uart.looped, b->uart.lost, b->uart.run, b->uart.line,
  @   b->rtc.index, b->pit.port_b, b->pit.channels[0 .. VPIT_CHANNELS - 1];
  @ assigns b->uart.tx->head, b->uart.tx->refused, b->uart.tx->slots[0 .. TX_RING_RECORDS - 1];
  @ assigns vuart_reached[0 .. VUART_PORTS - 1], vrtc_reached[0 .. VRTC_PORTS - 1], vpit_reached;
  @ assigns *refused;
  @ ensures reached: reached{Pre, Post}(port, size);
  @ ensures text: \result == BUS_TEXT ==> \exists integer n; 0 <= n < size && has_text(nth(port, n));
  @ ensures off: \result == BUS_POWER_OFF ==>
  @   \exists integer n; 0 <= n < size && powers_off(nth(port, n), byte_at(value, n));
  @ ensures reset: \result == BUS_RESET ==>
  @   \exists integer n; 0 <= n < size && resets(nth(port, n), byte_at(value, n), 0);
  @ ensures closed: all_closed(b, port, size) ==> \result == BUS_NONE && unwritten{Pre, Post}(b);
  @ ensures counted: (\exists integer n; 0 <= n < size && !has_device(b, nth(port, n))) ==>
  @   one_more(\old(refused->total), refused->total);
  @ ensures uncounted: (\forall integer n; 0 <= n < size ==> has_device(b, nth(port, n))) ==>
  @   refused->total == \old(refused->total);
  @*/
NOINLINE static enum bus_event bus_out_wide(struct bus *b, uint16_t port, uint8_t size,
                                            uint32_t value, uint64_t now, struct refused *refused)
{
    ASSERT(size <= sizeof(uint32_t));
    enum bus_event event = BUS_NONE;
    bool closed = false;
    /*@ loop invariant 0 <= i <= size && bus_ready(b);
      @ loop invariant closed != 0 <==>
      @   \exists integer n; 0 <= n < i && !has_device(b, nth(port, n));
      @ loop invariant uart: reached_uart{Pre, Here}(port, i);
      @ loop invariant rtc: reached_rtc{Pre, Here}(port, i);
      @ loop invariant event == BUS_TEXT ==>
      @   \exists integer n; 0 <= n < i && has_text(nth(port, n));
      @ loop invariant event == BUS_POWER_OFF ==>
      @   \exists integer n; 0 <= n < i && powers_off(nth(port, n), byte_at(value, n));
      @ loop invariant event == BUS_RESET ==>
      @   \exists integer n; 0 <= n < i && resets(nth(port, n), byte_at(value, n), 0);
      @ loop invariant all_closed(b, port, i) ==> event == BUS_NONE && unwritten{Pre, Here}(b);
      @ loop assigns i, event, closed;
      @ loop assigns b->uart.ier, b->uart.fcr, b->uart.lcr, b->uart.mcr, b->uart.scr, b->uart.dll,
      @   b->uart.dlm, b->uart.looped, b->uart.lost, b->uart.run, b->uart.line,
      @   b->rtc.index, b->pit.port_b, b->pit.channels[0 .. VPIT_CHANNELS - 1];
      @ loop assigns b->uart.tx->head, b->uart.tx->refused, b->uart.tx->slots[0 .. TX_RING_RECORDS - 1];
      @ loop assigns vuart_reached[0 .. VUART_PORTS - 1], vrtc_reached[0 .. VRTC_PORTS - 1], vpit_reached;
      @ loop variant size - i;
      @*/
    for (uint8_t i = 0; i < size; i++) {
        /*@ assert (uint16_t)(port + i) == nth(port, i); */
        /*@ assert (uint8_t)(value >> 8 * i) == byte_at(value, i); */
        /*@ assert \forall integer p; 0 <= p <= 0xffff ==>
          @   (touches(port, i + 1, p) <==> touches(port, i, p) || p == nth(port, i));
          @*/
        closed |=
            !device_out(b, (uint16_t)(port + i), (uint8_t)(value >> (8 * i)), false, now, &event);
    }
    /*@ assert shut: all_closed(b, port, size) ==> event == BUS_NONE && unwritten{Pre, Here}(b); */
    /*@ assert kept: refused->total == \at(refused->total, Pre); */
    /*@ assert \separated(&b->uart.lost, refused) && \separated(&b->uart.tx->head, refused) &&
      @   \separated(&b->uart.tx->refused, refused);
      @*/
    if (closed)
        refused_count(refused, port);
    /*@ assert same: all_closed{Pre}(b, port, size) ==> unwritten{Pre, Here}(b); */
    return event;
}

enum bus_event bus_out(struct bus *b, uint16_t port, uint8_t size, uint32_t value, uint64_t now,
                       struct refused *refused)
{
    enum bus_event event = BUS_NONE;
    /*@ assert nth(port, 0) == port && (uint8_t)value == byte_at(value, 0); */
    if (size != 1)
        return bus_out_wide(b, port, size, value, now, refused);
    const bool known = device_out(b, port, (uint8_t)value, true, now, &event);
    /*@ assert unknown: !has_device{Pre}(b, port) && !chip_resets(port, byte_at(value, 0)) ==>
      @   known == 0;
      @*/
    /*@ assert kept: refused->total == \at(refused->total, Pre); */
    /*@ assert \separated(&b->uart.lost, refused) && \separated(&b->uart.tx->head, refused) &&
      @   \separated(&b->uart.tx->refused, refused);
      @*/
    if (!known)
        refused_count(refused, port);
    /*@ assert same: \forall integer p; has_device{Pre}(b, p) <==> has_device{Here}(b, p); */
    /*@ assert one: !has_device{Pre}(b, port) && !chip_resets(port, byte_at(value, 0)) ==>
      @   one_more(\at(refused->total, Pre), refused->total);
      @*/
    /*@ assert lone: \forall integer n; 0 <= n < size ==> nth(port, n) == port; */
    return event;
}
