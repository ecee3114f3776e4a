/* SPDX-License-Identifier: MIT */
/*
 * bus: which virtual device answers which I/O port. Closed by default: a port without a row reads
 * as all ones, swallows writes and is counted. An access of 2 or 4 bytes is looked up byte by
 * byte, so that one straddling a device's end is answered exactly. Pure.
 */
#pragma once

#include "lib/types.h"
#include "vdev/refused.h"
#include "vdev/vpit.h"
#include "vdev/vpower.h"
#include "vdev/vrtc.h"
#include "vdev/vuart.h"

/*
 * The debug console of Bochs and QEMU: reads as its own number, by which a program finds it; what
 * is written is console output. It has no status, so what finds no room is lost.
 */
#define BUS_DEBUG_CONSOLE 0xe9

/* The devices of one guest. */
struct bus {
    struct vuart uart;
    struct vrtc rtc;
    struct vpit pit;
};

/*
 * Proved of vdev/bus.c (docs/proofs.md). A port is somebody's, or nobody's; an access of `size`
 * bytes touches as many ports, and behind 0xffff comes 0.
 */
/*@ predicate has_uart(integer port) = VUART_PORT <= port < VUART_PORT + VUART_PORTS;
  @ predicate has_rtc(integer port) = VRTC_PORT <= port < VRTC_PORT + VRTC_PORTS;
  @ predicate has_debug(integer port) = port == BUS_DEBUG_CONSOLE;
  @ predicate has_text(integer port) = has_uart(port) || has_debug(port);
  @ predicate has_device{L}(struct bus *b, integer port) =
  @   has_text(port) || has_rtc(port) || has_power(port) || has_pit(&b->pit, port);
  @
  @ logic integer nth(integer port, integer n) =
  @   port + n <= 0xffff ? port + n : port + n - 0x10000;
  @ predicate touches(integer port, integer size, integer p) =
  @   (port <= p ? p - port : p + 0x10000 - port) < size;
  @
  @ predicate bus_ready{L}(struct bus *b) =
  @   \valid(b) && uart_ready(&b->uart) && rtc_ready(&b->rtc) &&
  @   (b->pit.clock == \null || b->pit.clock == &b->rtc.clock) &&
  @   \separated(b, b->uart.tx, b->uart.rx, b->rtc.clock.scale,
  @              &vuart_reached[0 .. VUART_PORTS - 1], &vrtc_reached[0 .. VRTC_PORTS - 1],
  @              &vpit_reached);
  @ predicate reached_uart{A, B}(integer port, integer size) =
  @   \forall integer r; 0 <= r < VUART_PORTS ==>
  @     (touches(port, size, VUART_PORT + r) ? \at(vuart_reached[r], B) == 1 :
  @       \at(vuart_reached[r], B) == \at(vuart_reached[r], A));
  @ predicate reached_rtc{A, B}(integer port, integer size) =
  @   \forall integer r; 0 <= r < VRTC_PORTS ==>
  @     (touches(port, size, VRTC_PORT + r) ? \at(vrtc_reached[r], B) == 1 :
  @       \at(vrtc_reached[r], B) == \at(vrtc_reached[r], A));
  @ predicate reached{A, B}(integer port, integer size) =
  @   reached_uart{A, B}(port, size) && reached_rtc{A, B}(port, size);
  @ predicate all_closed{L}(struct bus *b, integer port, integer size) =
  @   \forall integer n; 0 <= n < size ==> !has_device(b, nth(port, n));
  @ predicate unread{A, B}(struct bus *b) =
  @   \at(vpit_reached, A) == \at(vpit_reached, B) && \at(b->uart.looped, A) == \at(b->uart.looped, B) &&
  @   \at(b->uart.broken, A) == \at(b->uart.broken, B) &&
  @   \at(b->uart.rx->tail, A) == \at(b->uart.rx->tail, B);
  @ predicate unwritten{A, B}(struct bus *b) = \at(vpit_reached, A) == \at(vpit_reached, B) &&
  @   \at(b->uart.ier, A) == \at(b->uart.ier, B) &&
  @   \at(b->uart.fcr, A) == \at(b->uart.fcr, B) &&
  @   \at(b->uart.lcr, A) == \at(b->uart.lcr, B) &&
  @   \at(b->uart.mcr, A) == \at(b->uart.mcr, B) &&
  @   \at(b->uart.scr, A) == \at(b->uart.scr, B) &&
  @   \at(b->uart.dll, A) == \at(b->uart.dll, B) &&
  @   \at(b->uart.dlm, A) == \at(b->uart.dlm, B) &&
  @   \at(b->uart.looped, A) == \at(b->uart.looped, B) &&
  @   \at(b->uart.lost, A) == \at(b->uart.lost, B) &&
  @   \at(b->uart.run, A) == \at(b->uart.run, B) &&
  @   \at(b->rtc.index, A) == \at(b->rtc.index, B) &&
  @   \at(b->uart.tx->head, A) == \at(b->uart.tx->head, B) &&
  @   \at(b->uart.tx->refused, A) == \at(b->uart.tx->refused, B);
  @*/

void bus_reset(struct bus *b, struct tx_ring *tx, struct rx_ring *rx,
               const struct vrtc_clock *clock, bool has_pit);

/* `size` is 1, 2 or 4; the value is in its low bytes. `now`: the counter of the clock. `refused`
 * counts the access, once, by the port it begins at, when a byte of it has no device. */
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
uint32_t bus_in(struct bus *b, uint16_t port, uint8_t size, uint64_t now, struct refused *refused);

/* Tells what the guest asked for as a whole; the caller sees to it. */
/*@ requires bus_ready(b) && \valid(refused) && 1 <= size <= 4;
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
  @ ensures reset: \result == BUS_RESET ==> \exists integer n; 0 <= n < size &&
  @   resets(nth(port, n), byte_at(value, n), size == 1 ? 1 : 0);
  @ ensures closed: all_closed(b, port, size) && !(size == 1 && chip_resets(port, byte_at(value, 0))) ==>
  @   \result == BUS_NONE && unwritten{Pre, Post}(b);
  @ ensures counted: (\exists integer n; 0 <= n < size && !has_device(b, nth(port, n))) &&
  @   !(size == 1 && chip_resets(port, byte_at(value, 0))) ==>
  @   one_more(\old(refused->total), refused->total);
  @ ensures uncounted: (\forall integer n; 0 <= n < size ==> has_device(b, nth(port, n))) ==>
  @   refused->total == \old(refused->total);
  @ ensures size == 1 && powers_off(port, byte_at(value, 0)) ==> \result == BUS_POWER_OFF;
  @ ensures size == 1 && resets(port, byte_at(value, 0), 1) ==> \result == BUS_RESET;
  @*/
MUST_CHECK enum bus_event bus_out(struct bus *b, uint16_t port, uint8_t size, uint32_t value,
                                  uint64_t now, struct refused *refused);
